/* pieces.c - see core.h: the pieces of collateral that the house holds or wants, each in its place,
   and when each is due. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/log.h"

enum {
    LEAST_S = 600, /* between two fetches of a piece */
    AGAIN_S = 30,  /* after the first failure; doubled by each */
    AGAIN_LONGEST_S = 3840,
};

static void put_scope(const struct core_piece *piece, uint8_t out[STORE_SCOPE_LEN])
{
    struct sink scope = sink_over(out, STORE_SCOPE_LEN);
    sink_u8(&scope, piece->scope.tdx);
    sink_u8(&scope, piece->scope.platform_ca);
    sink_put(&scope, SPAN(piece->scope.fmspc));
}

void piece_put(struct sink *out, const struct core_piece *piece)
{
    uint8_t scope[STORE_SCOPE_LEN];
    put_scope(piece, scope);
    sink_u8(out, (uint8_t)piece->thing);
    sink_put(out, SPAN(scope));
}

static struct core_piece *find(struct core_collateral *collateral, enum pcs_thing thing,
                               const struct pcs_platform *scope)
{
    for (size_t i = 0; i < COUNT_OF(collateral->pieces); i++) {
        struct core_piece *piece = &collateral->pieces[i];
        if (piece->used && piece->thing == thing && piece->scope.tdx == scope->tdx &&
            piece->scope.platform_ca == scope->platform_ca &&
            span_equal(SPAN(piece->scope.fmspc), SPAN(scope->fmspc)))
            return piece;
    }
    return NULL;
}

/* Of TCB infos there are so many; of all else there cannot be more than there are places. */
static struct core_piece *vacancy(struct core_collateral *collateral, enum pcs_thing thing)
{
    struct core_piece *vacant = NULL, *oldest = NULL;
    size_t platforms = 0;
    for (size_t i = 0; i < COUNT_OF(collateral->pieces); i++) {
        struct core_piece *piece = &collateral->pieces[i];
        bool busy = collateral->state != RENEWING_NONE && collateral->place == i;
        if (!piece->used && vacant == NULL)
            vacant = piece;
        if (!piece->used || piece->thing != PCS_TCB_INFO)
            continue;
        platforms++;
        if (!busy && (oldest == NULL || piece->wanted < oldest->wanted))
            oldest = piece;
    }
    return thing == PCS_TCB_INFO && platforms >= COLLATERAL_PLATFORMS ? oldest : vacant;
}

static void clear(struct core *core, struct core_piece *piece)
{
    uint8_t scope[STORE_SCOPE_LEN];
    struct trail trail = { 0 };
    if (piece->used && core->store.reason == REASON_OK) {
        put_scope(piece, scope);
        rc dropped = store_collateral_drop(&trail, &core->store.store, clock_now(), piece->thing,
                                           scope);
        if (!rc_ok(dropped))
            log_failure("collateral not dropped", dropped, &trail);
    }
    *piece = (struct core_piece){ .chain = piece->chain, .body = piece->body };
}

static struct core_piece *place_for(struct core *core, enum pcs_thing thing,
                                    const struct pcs_platform *scope)
{
    struct core_collateral *collateral = &core->collateral;
    struct core_piece *piece = find(collateral, thing, scope);
    if (piece != NULL)
        return piece;
    piece = vacancy(collateral, thing);
    if (piece == NULL)
        return NULL;
    clear(core, piece);
    piece->used = true;
    piece->thing = thing;
    piece->scope = *scope;
    return piece;
}

void collateral_want(struct core *core, const struct pcs_platform *platform, int64_t now)
{
    struct core_collateral *collateral = &core->collateral;
    collateral->seen++;
    for (enum pcs_thing thing = 0; thing < PCS_THING_COUNT; thing++) {
        struct pcs_platform scope = pcs_scope(thing, platform);
        /* Which CA vouches for a platform is in the scope of its TCB info, so that it is known
           after a start, too. */
        scope.platform_ca |= thing == PCS_TCB_INFO && platform->platform_ca;
        struct core_piece *piece = place_for(core, thing, &scope);
        if (piece == NULL)
            continue;
        piece->wanted = collateral->seen;
        piece->due = piece->due == 0 ? now : piece->due;
    }
    collateral_count(core);
}

int64_t collateral_due(const struct core_piece *piece, int64_t refresh, uint32_t chance)
{
    int64_t life = piece->expires - piece->issued;
    int64_t due = piece->fetched + refresh;
    int64_t last = piece->expires - life / 4;
    due = last < due ? last : due;
    due -= due > piece->fetched ? (int64_t)chance % ((due - piece->fetched) / 8 + 1) : 0;
    return due < piece->fetched + LEAST_S ? piece->fetched + LEAST_S : due;
}

int64_t collateral_again(uint32_t failures, int64_t now, uint32_t chance)
{
    int64_t wait = AGAIN_S;
    for (uint32_t i = 1; i < failures && wait < AGAIN_LONGEST_S; i++)
        wait *= 2;
    return now + wait + (int64_t)chance % (wait / 4);
}

/* Whoever issued the root's list comes with another piece. */
static bool can_be_had(const struct core_collateral *collateral, const struct core_piece *piece)
{
    bool chained = piece->thing != PCS_ROOT_CRL;
    for (size_t i = 0; i < COUNT_OF(collateral->pieces) && !chained; i++)
        chained = collateral->pieces[i].chain_len > 0;
    return piece->used && chained;
}

uint32_t collateral_waiting(const struct core_collateral *collateral, int64_t now)
{
    uint32_t waiting = 0;
    for (size_t i = 0; i < COUNT_OF(collateral->pieces); i++) {
        const struct core_piece *piece = &collateral->pieces[i];
        bool under_way = collateral->state != RENEWING_NONE && collateral->place == i;
        waiting += under_way || (can_be_had(collateral, piece) && piece->due <= now);
    }
    return waiting;
}

bool collateral_next(const struct core_collateral *collateral, size_t *out)
{
    const struct core_piece *first = NULL;
    for (size_t i = 0; i < COUNT_OF(collateral->pieces); i++) {
        const struct core_piece *piece = &collateral->pieces[i];
        if (!can_be_had(collateral, piece))
            continue;
        if (first != NULL &&
            (piece->due > first->due || (piece->due == first->due && piece->thing >= first->thing)))
            continue;
        first = piece;
        *out = i;
    }
    return first != NULL;
}

static bool is_sound(const struct store_collateral *held)
{
    return held->thing >= 0 && held->thing < PCS_THING_COUNT && held->scope[0] <= 1 &&
           held->scope[1] <= 1 && held->evaluation >= 0 && held->evaluation <= UINT32_MAX &&
           held->issued < held->expires && held->chain.len <= COLLATERAL_CHAIN_MAX &&
           held->body.len > 0 && held->body.len <= COLLATERAL_BODY_MAX;
}

/* What the clock says was fetched later than now is due now. */
static void take(void *arg, const struct store_collateral *held)
{
    struct core *core = arg;
    int64_t now = clock_now();
    if (!is_sound(held))
        return;
    struct pcs_platform scope = { held->scope[0] != 0, held->scope[1] != 0, { 0 } };
    memcpy(scope.fmspc, held->scope + 2, sizeof scope.fmspc);
    struct core_piece *piece = place_for(core, (enum pcs_thing)held->thing, &scope);
    if (piece == NULL)
        return;
    piece->issued = held->issued;
    piece->expires = held->expires;
    piece->fetched = held->fetched;
    piece->evaluation = (uint32_t)held->evaluation;
    piece->chain_len = held->chain.len;
    piece->body_len = held->body.len;
    if (held->chain.len > 0)
        memcpy(piece->chain, held->chain.at, held->chain.len);
    memcpy(piece->body, held->body.at, held->body.len);
    piece->reason = REASON_OK;
    piece->due = piece->fetched > now
                     ? now
                     : collateral_due(piece, core->house->settings.collateral_refresh, 0);
}

/* The TCB info says which platforms there are: what else they need is wanted, too. */
void collateral_load(struct core *core)
{
    struct trail trail = { 0 };
    struct core_collateral *collateral = &core->collateral;
    rc read = store_collateral_each(&trail, &core->store.store, take, core);
    if (!rc_ok(read))
        log_failure("collateral not read", read, &trail);
    for (size_t i = 0; i < COUNT_OF(collateral->pieces); i++) {
        const struct core_piece *piece = &collateral->pieces[i];
        const struct pcs_platform platform = piece->scope;
        if (piece->used && piece->thing == PCS_TCB_INFO)
            collateral_want(core, &platform, clock_now());
    }
    collateral->loaded = true;
    for (size_t i = 0; i < COUNT_OF(collateral->pieces); i++)
        piece_tell(core, i);
}

/* A verify that is not there is told when it comes back. */
void piece_tell(struct core *core, size_t place)
{
    const struct core_piece *piece = &core->collateral.pieces[place];
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    if (piece->body_len == 0)
        return; /* what was there before is another platform's, and does no harm */
    uint8_t *memory = arena_room(&scratch, FRAME_BODY_MAX);
    struct sink body = sink_over(memory, memory == NULL ? 0 : FRAME_BODY_MAX);
    sink_u8(&body, (uint8_t)place);
    put_bytes(&body, span_of(piece->chain, piece->chain_len));
    put_bytes(&body, span_of(piece->body, piece->body_len));
    struct frame frame = { .message = MSG_COLLATERAL_HELD, .body = sink_bytes(&body) };
    rc told = sink_ok(&body) ? house_put(NULL, core->house, PEER_VERIFY, &frame) : RC_SUCCESS;
    (void)told;
}

bool piece_keep(struct core *core, const struct core_piece *piece)
{
    struct trail trail = { 0 };
    struct store_collateral held = {
        .thing = piece->thing,
        .issued = piece->issued,
        .expires = piece->expires,
        .evaluation = piece->evaluation,
        .fetched = piece->fetched,
        .chain = span_of(piece->chain, piece->chain_len),
        .body = span_of(piece->body, piece->body_len),
    };
    put_scope(piece, held.scope);
    rc kept = core->store.reason == REASON_OK
                  ? store_collateral_put(&trail, &core->store.store, clock_now(), &held)
                  : REFUSE(&trail, core->store.reason);
    if (!rc_ok(kept))
        log_failure("collateral not kept", kept, &trail);
    return rc_ok(kept);
}
