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
    HELD_S = 2 * 86400, /* after a peer with it was let in, or judged again */
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

static bool gives_way_before(const struct core_piece *one, const struct core_piece *other,
                             int64_t now)
{
    bool held = one->held_until > now, other_held = other->held_until > now;
    return held == other_held ? one->wanted < other->wanted : other_held;
}

/* Of TCB infos there are so many; of all else there cannot be more than there are places. */
static struct core_piece *vacancy(struct core_collateral *collateral, enum pcs_thing thing,
                                  bool is_peers, int64_t now)
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
        if (!busy && (is_peers || piece->held_until <= now) &&
            (oldest == NULL || gives_way_before(piece, oldest, now)))
            oldest = piece;
    }
    return thing == PCS_TCB_INFO && platforms >= COLLATERAL_PLATFORMS ? oldest : vacant;
}

/* While the store is read nothing is written to it: what it has too many of stays in it. */
static void clear(struct core *core, struct core_piece *piece)
{
    uint8_t scope[STORE_SCOPE_LEN];
    struct trail trail = { 0 };
    if (piece->used && core->collateral.loaded && core_store_is_there(core) == REASON_OK) {
        put_scope(piece, scope);
        rc dropped = store_collateral_drop(&trail, &core->store.store, clock_now(), piece->thing,
                                           scope);
        if (!rc_ok(dropped))
            log_failure("collateral not dropped", dropped, &trail);
    }
    *piece = (struct core_piece){ .chain = piece->chain, .body = piece->body };
}

static struct core_piece *place_for(struct core *core, enum pcs_thing thing,
                                    const struct pcs_platform *scope, bool is_peers, int64_t now)
{
    struct core_collateral *collateral = &core->collateral;
    struct core_piece *piece = find(collateral, thing, scope);
    if (piece != NULL)
        return piece;
    piece = vacancy(collateral, thing, is_peers, now);
    if (piece == NULL)
        return NULL;
    clear(core, piece);
    piece->used = true;
    piece->thing = thing;
    piece->scope = *scope;
    return piece;
}

void collateral_want(struct core *core, const struct pcs_platform *platform, bool is_peers,
                     int64_t now)
{
    struct core_collateral *collateral = &core->collateral;
    collateral->seen++;
    for (enum pcs_thing thing = 0; thing < PCS_THING_COUNT; thing++) {
        struct pcs_platform scope = pcs_scope(thing, platform);
        /* Which CA vouches for a platform is in the scope of its TCB info, so that it is known
           after a start, too. */
        scope.platform_ca |= thing == PCS_TCB_INFO && platform->platform_ca;
        struct core_piece *piece = place_for(core, thing, &scope, is_peers, now);
        if (piece == NULL)
            continue;
        piece->wanted = collateral->seen;
        if (is_peers)
            piece->held_until = now + HELD_S;
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
           held->body.len <= COLLATERAL_BODY_MAX;
}

/* What the clock says was fetched later than now is due now, and so is what a restored store has
   only the floor of. */
static void take(void *arg, const struct store_collateral *held)
{
    struct core *core = arg;
    int64_t now = clock_now();
    if (!is_sound(held))
        return;
    struct pcs_platform scope = { held->scope[0] != 0, held->scope[1] != 0, { 0 } };
    memcpy(scope.fmspc, held->scope + 2, sizeof scope.fmspc);
    struct core_piece *piece = place_for(core, (enum pcs_thing)held->thing, &scope, true, now);
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
    if (held->body.len > 0)
        memcpy(piece->body, held->body.at, held->body.len);
    piece->reason = REASON_OK;
    piece->due = piece->fetched > now || piece->body_len == 0
                     ? now
                     : collateral_due(piece, core->house->settings.collateral_refresh, 0);
}

/* The TCB info says which platforms there are: what else they need is wanted, too.  A store that
   cannot be read is not an empty one: what it has is a floor that nothing older may pass. */
void collateral_load(struct core *core)
{
    struct trail trail = { 0 };
    struct core_collateral *collateral = &core->collateral;
    rc read = store_collateral_each(&trail, &core->store.store, take, core);
    if (!rc_ok(read)) {
        log_failure("collateral not read", read, &trail);
        collateral->load_ms = clock_monotonic_ms() + (int64_t)AGAIN_S * 1000;
        return;
    }
    collateral->loaded = true;
    for (size_t i = 0; i < COUNT_OF(collateral->pieces); i++) {
        const struct core_piece *piece = &collateral->pieces[i];
        const struct pcs_platform platform = piece->scope;
        if (piece->used && piece->thing == PCS_TCB_INFO)
            collateral_want(core, &platform, false, clock_now());
    }
    collateral_count(core);
    collateral->told = pieces_tell(core);
}

bool core_tell_held(struct core *core, size_t place, struct span chain, struct span bytes)
{
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    uint8_t *memory = arena_room(&scratch, FRAME_BODY_MAX);
    struct sink body = sink_over(memory, memory == NULL ? 0 : FRAME_BODY_MAX);
    sink_u8(&body, (uint8_t)place);
    put_bytes(&body, chain);
    put_bytes(&body, bytes);
    struct frame frame = { .message = MSG_COLLATERAL_HELD, .body = sink_bytes(&body) };
    return sink_ok(&body) && rc_ok(house_put(NULL, core->house, PEER_VERIFY, &frame));
}

/* What was in a place of a piece without bytes is another platform's, and does no harm. */
bool pieces_tell(struct core *core)
{
    struct core_collateral *collateral = &core->collateral;
    bool told = true;
    if (!channel_is_open(&core->house->channels[PEER_VERIFY]))
        return true;
    for (size_t i = 0; told && i < COUNT_OF(collateral->pieces); i++) {
        struct core_piece *piece = &collateral->pieces[i];
        if (piece->told || piece->body_len == 0)
            continue;
        told = core_tell_held(core, i, span_of(piece->chain, piece->chain_len),
                              span_of(piece->body, piece->body_len));
        piece->told = told;
    }
    return told;
}

bool pieces_are_told(const struct core *core, int64_t now_ms)
{
    const struct core_collateral *collateral = &core->collateral;
    /* A store that is not there has nothing to wait for. */
    bool waits = collateral->loaded ? !collateral->told : core->store.reason == REASON_OK;
    return !waits || now_ms >= collateral->held_ms;
}

enum reason piece_keep(struct core *core, const struct core_piece *piece)
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
    enum reason there = core_store_is_there(core);
    rc kept = there == REASON_OK
                  ? store_collateral_put(&trail, &core->store.store, clock_now(), &held)
                  : REFUSE(&trail, there);
    if (rc_ok(kept))
        return REASON_OK;
    log_failure("collateral not kept", kept, &trail);
    return rc_number(kept) == REASON_FETCH_OLDER ? REASON_FETCH_OLDER : REASON_STORE_UNREACHABLE;
}
