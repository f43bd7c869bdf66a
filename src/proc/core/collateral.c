/* collateral.c - see core.h: one piece after another, each from the question to the store.

       NONE --due--> FETCH --came--> JUDGE --good--> LOG --logged--> kept: NONE

   What fails on the way leaves what is held as it is, is a record, and is tried again later. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/log.h"

enum { LOOK_MS = 60000 }; /* the clock may be set: it is looked at so often */

static uint32_t chance(void)
{
    uint32_t number = 0;
    random_bytes(&number, sizeof number);
    return number;
}

bool core_collateral_open(struct core *core)
{
    struct core_collateral *collateral = &core->collateral;
    struct arena *arena = &core->house->arena;
    for (size_t i = 0; i <= COUNT_OF(collateral->pieces); i++) {
        struct core_piece *piece = i < COUNT_OF(collateral->pieces) ? &collateral->pieces[i]
                                                                    : &collateral->fresh;
        piece->chain = arena_room(arena, COLLATERAL_CHAIN_MAX);
        piece->body = arena_room(arena, COLLATERAL_BODY_MAX);
        if (piece->chain == NULL || piece->body == NULL)
            return false;
    }
    return true;
}

static struct core_piece *current(struct core_collateral *collateral)
{
    return &collateral->pieces[collateral->place];
}

static void failed(struct core *core, enum reason reason, struct span detail)
{
    struct core_collateral *collateral = &core->collateral;
    struct core_piece *piece = current(collateral);
    uint64_t id = 0;
    collateral->state = RENEWING_NONE;
    collateral->id = 0;
    collateral->failures++;
    piece->failures++;
    piece->reason = reason;
    piece->due = collateral_again(piece->failures, clock_now(), chance());
    collateral_count(core);
    log_event("collateral not fetched kind=%s reason=%s", pcs_label(piece->thing),
              reason_info(reason)->name);
    if (!core_log_collateral(core, piece, reason, detail, &id))
        core->cannot_log = true;
}

/* Puts the question; what cannot be put has failed. */
static void ask(struct core *core, enum peer peer, struct frame *question, enum renewing state)
{
    struct core_collateral *collateral = &core->collateral;
    struct channel *channel = &core->house->channels[peer];
    question->id = channel_next_id(channel);
    collateral->state = state;
    if (!rc_ok(channel_put(NULL, channel, question))) {
        failed(core, REASON_HOUSE_UNAVAILABLE, (struct span){ 0 });
        return;
    }
    collateral->id = question->id;
    collateral->until_ms = clock_monotonic_ms() +
                           (state == RENEWING_FETCH ? CORE_FETCH_MS : CORE_JUDGE_MS);
}

static void begin(struct core *core, size_t place)
{
    uint8_t bytes[PLATFORM_LEN];
    struct sink body = sink_over(bytes, sizeof bytes);
    core->collateral.place = place;
    piece_put(&body, current(&core->collateral));
    struct frame question = { .message = MSG_FETCH, .body = sink_bytes(&body) };
    ask(core, PEER_FETCH, &question, RENEWING_FETCH);
}

static bool is_mine(const struct core_collateral *collateral, enum renewing state, uint64_t id)
{
    return collateral->state == state && collateral->id == id && id != 0;
}

/* The issuers of the root's list are in the chains of others. */
static struct span other_chain(const struct core_collateral *collateral)
{
    const struct core_piece *piece = &collateral->pieces[collateral->place];
    for (size_t i = 0; piece->thing == PCS_ROOT_CRL && i < COUNT_OF(collateral->pieces); i++) {
        if (collateral->pieces[i].chain_len > 0)
            return span_of(collateral->pieces[i].chain, collateral->pieces[i].chain_len);
    }
    return (struct span){ 0 };
}

static void have_judged(struct core *core)
{
    struct core_collateral *collateral = &core->collateral;
    const struct core_piece *fresh = &collateral->fresh;
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    uint8_t *memory = arena_room(&scratch, FRAME_BODY_MAX);
    struct sink body = sink_over(memory, memory == NULL ? 0 : FRAME_BODY_MAX);
    sink_u64le(&body, (uint64_t)clock_now());
    sink_u8(&body, (uint8_t)collateral->place);
    piece_put(&body, current(collateral));
    put_bytes(&body, span_of(fresh->chain, fresh->chain_len));
    put_bytes(&body, span_of(fresh->body, fresh->body_len));
    put_bytes(&body, other_chain(collateral));
    struct frame question = { .message = MSG_COLLATERAL_JUDGE, .body = sink_bytes(&body) };
    if (sink_ok(&body))
        ask(core, PEER_VERIFY, &question, RENEWING_JUDGE);
    else
        failed(core, REASON_OUT_OF_MEMORY, (struct span){ 0 });
}

rc core_on_fetched(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_collateral *collateral = &core->collateral;
    struct core_piece *fresh = &collateral->fresh;
    uint16_t reason = 0;
    struct span detail, chain, body;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          get_bytes(&call->body, FETCHED_DETAIL_MAX, &detail) &&
          get_bytes(&call->body, COLLATERAL_CHAIN_MAX, &chain) &&
          get_bytes(&call->body, COLLATERAL_BODY_MAX, &body) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    if (!is_mine(collateral, RENEWING_FETCH, call->id))
        return RC_SUCCESS;
    if (reason != REASON_OK || body.len == 0) {
        failed(core, reason != REASON_OK ? (enum reason)reason : REASON_FETCH_NOT_ASKED_FOR,
               detail);
        return RC_SUCCESS;
    }
    fresh->chain_len = chain.len;
    fresh->body_len = body.len;
    if (chain.len > 0)
        memcpy(fresh->chain, chain.at, chain.len);
    memcpy(fresh->body, body.at, body.len);
    have_judged(core);
    return RC_SUCCESS;
}

static bool read_dates(struct span bytes, struct core_piece *out)
{
    struct cursor in = cur_over(bytes);
    uint64_t issued = 0, expires = 0;
    if (!(cur_u64le(&in, &issued) && issued <= INT64_MAX && cur_u64le(&in, &expires) &&
          expires <= INT64_MAX && issued < expires && cur_u32le(&in, &out->evaluation) &&
          cur_end(&in)))
        return false;
    out->issued = (int64_t)issued;
    out->expires = (int64_t)expires;
    return true;
}

static bool is_older(const struct core_piece *piece, const struct core_piece *than)
{
    return piece->issued < than->issued || piece->evaluation < than->evaluation;
}

rc core_on_collateral_judged(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_collateral *collateral = &core->collateral;
    struct core_piece *fresh = &collateral->fresh;
    uint16_t reason = 0;
    struct span detail, dates;
    uint64_t id = 0;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          get_bytes(&call->body, JUDGED_DETAIL_MAX, &detail) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &dates) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    if (!is_mine(collateral, RENEWING_JUDGE, call->id))
        return RC_SUCCESS;
    fresh->thing = current(collateral)->thing;
    fresh->scope = current(collateral)->scope;
    fresh->fetched = clock_now();
    if (reason == REASON_OK && !read_dates(dates, fresh))
        reason = REASON_FETCH_CRASHED;
    /* Verify has held it against the bytes of the one before, where there are any. */
    if (reason == REASON_OK && is_older(fresh, current(collateral)))
        reason = REASON_FETCH_OLDER;
    if (reason != REASON_OK) {
        failed(core, (enum reason)reason, detail);
        return RC_SUCCESS;
    }
    if (!core_log_collateral(core, fresh, REASON_OK, (struct span){ 0 }, &id)) {
        core->cannot_log = true;
        failed(core, REASON_AUDIT_CANNOT_LOG, (struct span){ 0 });
        return RC_SUCCESS;
    }
    collateral->state = RENEWING_LOG;
    collateral->id = id;
    collateral->until_ms = clock_monotonic_ms() + CORE_LOG_MS;
    return RC_SUCCESS;
}

/* What evidence is judged by has changed when verify has heard of it. */
static void tell(struct core *core)
{
    core->collateral.told = pieces_tell(core);
    if (core->collateral.told)
        links_look_again(core);
}

/* Durable first, then used: a house that dies between has it again at its next start. */
static void keep(struct core *core)
{
    struct core_collateral *collateral = &core->collateral;
    struct core_piece *piece = current(collateral), *fresh = &collateral->fresh;
    enum reason kept_as = piece_keep(core, fresh);
    if (kept_as != REASON_OK) {
        failed(core, kept_as, (struct span){ 0 });
        return;
    }
    struct core_piece kept = *fresh;
    kept.used = true;
    kept.wanted = piece->wanted;
    kept.held_until = piece->held_until;
    kept.reason = REASON_OK;
    kept.failures = 0;
    kept.due = collateral_due(&kept, core->house->settings.collateral_refresh, chance());
    fresh->chain = piece->chain; /* the rooms change hands */
    fresh->body = piece->body;
    *piece = kept;
    collateral->state = RENEWING_NONE;
    collateral->id = 0;
    collateral->successes++;
    collateral->last_success = piece->fetched;
    collateral_count(core);
    tell(core);
}

bool collateral_appended(struct core *core, uint64_t id, bool logged)
{
    if (!is_mine(&core->collateral, RENEWING_LOG, id))
        return false;
    if (logged)
        keep(core);
    else
        failed(core, REASON_AUDIT_CANNOT_LOG, (struct span){ 0 });
    return true;
}

void collateral_peer(struct core *core, enum peer peer, bool open)
{
    static const enum peer waits_for[] = { [RENEWING_NONE] = PEER_COUNT,
                                           [RENEWING_FETCH] = PEER_FETCH,
                                           [RENEWING_JUDGE] = PEER_VERIFY,
                                           [RENEWING_LOG] = PEER_AUDIT };
    if (waits_for[core->collateral.state] == peer)
        failed(core, peer == PEER_AUDIT ? REASON_AUDIT_CANNOT_LOG : REASON_HOUSE_UNAVAILABLE,
               (struct span){ 0 });
    if (peer != PEER_VERIFY || !open)
        return;
    for (size_t i = 0; i < COLLATERAL_PLACES; i++)
        core->collateral.pieces[i].told = false;
    core->collateral.held_ms = clock_monotonic_ms() + LINKS_HELD_MS;
    core->collateral.told = pieces_tell(core);
}

void collateral_platform(struct core *core, struct span platform, bool is_let_in)
{
    struct cursor in = cur_over(platform);
    struct pcs_platform seen = { 0 };
    uint8_t thing = 0, tdx = 0, platform_ca = 0;
    if (core->house->settings.provider_url[0] == 0 || !core->collateral.loaded ||
        !(cur_u8(&in, &thing) && cur_u8(&in, &tdx) && cur_u8(&in, &platform_ca) &&
          cur_copy(&in, seen.fmspc, sizeof seen.fmspc) && cur_end(&in)))
        return;
    seen.tdx = tdx != 0;
    seen.platform_ca = platform_ca != 0;
    collateral_want(core, &seen, is_let_in, clock_now());
}

static int64_t renew_step(struct core *core, int64_t now_ms)
{
    struct core_collateral *collateral = &core->collateral;
    size_t place = 0;
    if (core->house->settings.provider_url[0] == 0 || !collateral->loaded || core->house->stopping)
        return INT64_MAX;
    if (collateral->state != RENEWING_NONE && now_ms >= collateral->until_ms)
        failed(core,
               collateral->state == RENEWING_LOG ? REASON_AUDIT_CANNOT_LOG : REASON_HOUSE_DEADLINE,
               (struct span){ 0 });
    if (collateral->state != RENEWING_NONE)
        return collateral->until_ms;
    if (!collateral_next(collateral, &place))
        return INT64_MAX;
    int64_t left = collateral->pieces[place].due - clock_now();
    if (left <= 0) {
        begin(core, place);
        return collateral->state == RENEWING_NONE ? now_ms + 1000 : collateral->until_ms;
    }
    return now_ms + (left < LOOK_MS / 1000 ? left * 1000 : LOOK_MS);
}

int64_t collateral_step(struct core *core, int64_t now_ms)
{
    struct core_collateral *collateral = &core->collateral;
    bool loads = !collateral->loaded && core_store_is_there(core) == REASON_OK;
    if (loads && now_ms >= collateral->load_ms)
        collateral_load(core);
    else if (collateral->loaded && !collateral->told)
        tell(core);
    int64_t next = renew_step(core, now_ms);
    if (loads && !collateral->loaded && collateral->load_ms < next)
        next = collateral->load_ms;
    bool waits = collateral->loaded && !collateral->told;
    return waits && now_ms + LINKS_TELL_MS < next ? now_ms + LINKS_TELL_MS : next;
}
