/* quota.c - see quota.h.  Whole numbers only: shares are millionths, and what remains of a division
   goes, a unit each, to those who lost most by it. */
#include "job/quota.h"

#include "base/number.h"

/* ---- amounts ------------------------------------------------------------------------------- */

static bool amount_is_good(const struct quota_amount *amount)
{
    bool ok = true;
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        ok = ok && amount->of[k] <= QUOTA_AMOUNT_MOST;
    return ok;
}

static bool amount_is_nothing(const struct quota_amount *amount)
{
    uint64_t any = 0;
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        any |= amount->of[k];
    return any == 0;
}

static void amount_add(struct quota_amount *to, const struct quota_amount *more)
{
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        to->of[k] += more->of[k];
}

/* Whether `more` fits between what is used and what there is; there may be less than is used. */
static bool amount_fits(const struct quota_amount *used, const struct quota_amount *more,
                        const struct quota_amount *there)
{
    bool ok = true;
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        ok = ok && (more->of[k] == 0 ||
                    (used->of[k] <= there->of[k] && more->of[k] <= there->of[k] - used->of[k]));
    return ok;
}

static bool amount_is_within(const struct quota_amount *a, const struct quota_amount *most)
{
    bool ok = true;
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        ok = ok && a->of[k] <= most->of[k];
    return ok;
}

static bool amounts_are_equal(const struct quota_amount *a, const struct quota_amount *b)
{
    return amount_is_within(a, b) && amount_is_within(b, a);
}

/* ---- what is sound ------------------------------------------------------------------------- */

struct quota_amount quota_in_use(const struct quota *quota)
{
    struct quota_amount all = { 0 };
    for (size_t i = 0; i < quota->tenant_count; i++)
        amount_add(&all, &quota->tenants[i].in_use);
    return all;
}

static bool claims_agree(const struct quota *quota)
{
    struct quota_amount by_tenant[QUOTA_TENANTS_MAX] = { 0 };
    for (size_t i = 0; i < QUOTA_CLAIMS_MAX; i++) {
        const struct quota_claim *claim = &quota->claims[i];
        if (claim->id != 0 && claim->tenant >= quota->tenant_count)
            return false;
        if (claim->id != 0)
            amount_add(&by_tenant[claim->tenant], &claim->amount);
    }
    for (size_t i = 0; i < quota->tenant_count; i++) {
        if (!amounts_are_equal(&by_tenant[i], &quota->tenants[i].in_use))
            return false;
    }
    return true;
}

bool quota_is_sound(const struct quota *quota)
{
    struct quota_amount used = quota_in_use(quota), reserved = { 0 };
    if (quota->tenant_count > QUOTA_TENANTS_MAX || !amount_is_good(&quota->capacity))
        return false;
    for (size_t i = 0; i < quota->tenant_count; i++) {
        const struct quota_tenant *tenant = &quota->tenants[i];
        if (tenant->share == 0 || tenant->share > QUOTA_WHOLE || tenant->demand > QUOTA_WHOLE)
            return false;
        amount_add(&reserved, &tenant->reserved);
    }
    return amount_is_within(&used, &quota->capacity) &&
           amount_is_within(&reserved, &quota->capacity) && claims_agree(quota);
}

/* ---- who there is -------------------------------------------------------------------------- */

bool quota_init(struct quota *quota, const struct quota_amount *capacity)
{
    if (!amount_is_good(capacity))
        return false;
    *quota = (struct quota){ .capacity = *capacity };
    return true;
}

bool quota_add(struct quota *quota, uint32_t share, size_t *index)
{
    if (quota->tenant_count == QUOTA_TENANTS_MAX || share == 0 || share > QUOTA_WHOLE)
        return false;
    *index = quota->tenant_count++;
    quota->tenants[*index] = (struct quota_tenant){ .share = share, .active = true };
    return true;
}

void quota_activate(struct quota *quota, size_t tenant, bool active)
{
    if (tenant < quota->tenant_count)
        quota->tenants[tenant].active = active;
}

/* ---- dividing ------------------------------------------------------------------------------ */

/* Divides `whole` by weights of which one at least is not 0: each its part, rounded down, and what
   remains a unit each to those with the largest remainders, the first of equals.  whole times the
   largest weight fits into 64 bits. */
static void divide(uint64_t whole, const uint64_t *weights, size_t count, uint64_t *parts)
{
    uint64_t rests[QUOTA_TENANTS_MAX] = { 0 }, total = 0, given = 0;
    for (size_t i = 0; i < count; i++)
        total += weights[i];
    for (size_t i = 0; i < count; i++) {
        parts[i] = whole * weights[i] / total;
        rests[i] = whole * weights[i] % total;
        given += parts[i];
    }
    for (; given < whole; given++) {
        size_t most = 0;
        for (size_t i = 1; i < count; i++) {
            if (rests[i] > rests[most])
                most = i;
        }
        parts[most]++;
        rests[most] = 0;
    }
}

/* share * (1 + k * demand / all demand), of those who are active; together QUOTA_WHOLE. */
static size_t weigh(const struct quota *quota, uint64_t weights[QUOTA_TENANTS_MAX])
{
    uint64_t raw[QUOTA_TENANTS_MAX] = { 0 }, demand = 0;
    size_t active = 0;
    for (size_t i = 0; i < quota->tenant_count; i++)
        demand += quota->tenants[i].active ? quota->tenants[i].demand : 0;
    for (size_t i = 0; i < quota->tenant_count; i++) {
        const struct quota_tenant *tenant = &quota->tenants[i];
        uint64_t more = demand == 0 ? 0 : (uint64_t)QUOTA_DEMAND_WEIGHT * tenant->demand / demand;
        raw[i] = tenant->active ? tenant->share * (QUOTA_WHOLE + more) : 0;
        active += tenant->active;
    }
    if (active > 0)
        divide(QUOTA_WHOLE, raw, quota->tenant_count, weights);
    return active;
}

/* Each has the floor, and what is above it is divided as before: together it is the whole again.
   Where there is not so much for all, they have what their weights say. */
static void raise_to_floor(const struct quota *quota, size_t active,
                           uint64_t weights[QUOTA_TENANTS_MAX])
{
    uint64_t above[QUOTA_TENANTS_MAX] = { 0 }, any = 0;
    const uint64_t floors = (uint64_t)active * QUOTA_FLOOR;
    for (size_t i = 0; i < quota->tenant_count; i++) {
        above[i] = weights[i] > QUOTA_FLOOR ? weights[i] - QUOTA_FLOOR : 0;
        any += above[i];
    }
    if (floors >= QUOTA_WHOLE || any == 0)
        return;
    divide(QUOTA_WHOLE - floors, above, quota->tenant_count, weights);
    for (size_t i = 0; i < quota->tenant_count; i++)
        weights[i] += quota->tenants[i].active ? QUOTA_FLOOR : 0;
}

void quota_divide(struct quota *quota)
{
    uint64_t weights[QUOTA_TENANTS_MAX] = { 0 }, parts[QUOTA_TENANTS_MAX] = { 0 };
    size_t active = weigh(quota, weights);
    if (active > 0)
        raise_to_floor(quota, active, weights);
    for (size_t k = 0; k < QUOTA_KINDS; k++) {
        if (active > 0)
            divide(quota->capacity.of[k], weights, quota->tenant_count, parts);
        for (size_t i = 0; i < quota->tenant_count; i++)
            quota->tenants[i].reserved.of[k] = parts[i];
    }
    for (size_t i = 0; i < quota->tenant_count; i++) {
        struct quota_tenant *tenant = &quota->tenants[i];
        tenant->demand = (uint32_t)((uint64_t)tenant->demand * QUOTA_KEEP / QUOTA_WHOLE);
    }
}

/* ---- claims -------------------------------------------------------------------------------- */

/* The claim of this id; a free place for 0. */
static struct quota_claim *find(struct quota *quota, uint64_t id)
{
    for (size_t i = 0; i < QUOTA_CLAIMS_MAX; i++) {
        if (quota->claims[i].id == id)
            return &quota->claims[i];
    }
    return NULL;
}

static void learn(struct quota_tenant *tenant)
{
    uint64_t missing = QUOTA_WHOLE - tenant->demand;
    tenant->demand += (uint32_t)(missing * QUOTA_LEARN / QUOTA_WHOLE);
}

static enum quota_answer claim(struct quota *quota, size_t tenant, uint64_t id,
                               const struct quota_amount *amount, bool of_part)
{
    const struct quota_amount used = quota_in_use(quota);
    if (tenant >= quota->tenant_count || id == 0 || !amount_is_good(amount) ||
        amount_is_nothing(amount))
        return QUOTA_REFUSED;
    struct quota_tenant *asks = &quota->tenants[tenant];
    const struct quota_claim *before = find(quota, id);
    if (before != NULL)
        return before->tenant == tenant && amounts_are_equal(&before->amount, amount)
                   ? QUOTA_GRANTED
                   : QUOTA_REFUSED;
    learn(asks);
    if (of_part && !amount_fits(&asks->in_use, amount, &asks->reserved))
        return QUOTA_TENANT_FULL;
    if (!amount_fits(&used, amount, &quota->capacity))
        return QUOTA_CAPACITY_FULL;
    struct quota_claim *place = find(quota, 0);
    if (place == NULL)
        return QUOTA_LEDGER_FULL;
    *place = (struct quota_claim){ id, tenant, *amount };
    amount_add(&asks->in_use, amount);
    return QUOTA_GRANTED;
}

enum quota_answer quota_claim(struct quota *quota, size_t tenant, uint64_t id,
                              const struct quota_amount *amount)
{
    return claim(quota, tenant, id, amount, true);
}

enum quota_answer quota_claim_whole(struct quota *quota, size_t tenant, uint64_t id,
                                    const struct quota_amount *amount)
{
    return claim(quota, tenant, id, amount, false);
}

bool quota_release(struct quota *quota, uint64_t id)
{
    struct quota_claim *claim = id == 0 ? NULL : find(quota, id);
    if (claim == NULL)
        return false;
    struct quota_amount *used = &quota->tenants[claim->tenant].in_use;
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        used->of[k] -= claim->amount.of[k];
    *claim = (struct quota_claim){ 0 };
    return true;
}
