/* collateral_calls.c - see core.h: the house's collateral as its owner and its metrics see it. */
#include "base/number.h"
#include "base/time.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"

static bool is_held(const struct core_piece *piece)
{
    return piece->used && piece->body_len > 0;
}

static const char *state_of(const struct core_piece *piece, int64_t now)
{
    struct window window = { piece->issued, piece->expires };
    if (!is_held(piece))
        return "MISSING";
    switch (window_side_of(window, now)) {
    case WINDOW_BEFORE:
        return "NOT_YET_VALID";
    case WINDOW_AFTER:
        return "EXPIRED";
    case WINDOW_INSIDE:
        break;
    }
    return "OK";
}

static bool show(const struct core_piece *piece, int64_t now, struct arena *scratch,
                 struct api_collateral_piece *out)
{
    enum { DETAIL = 96 };
    uint8_t *room = arena_room(scratch, DETAIL);
    struct sink detail = sink_over(room, room == NULL ? 0 : DETAIL);
    bool failed = piece->failures > 0, held = is_held(piece);
    pcs_detail(piece->thing, &piece->scope, &detail);
    *out = (struct api_collateral_piece){
        .kind = span_text(pcs_label(piece->thing)),
        .detail = sink_bytes(&detail),
        .state = span_text(state_of(piece, now)),
        .valid_from = held ? piece->issued : 0,
        .valid_until = held ? piece->expires : 0,
        .evaluation_number = held ? piece->evaluation : 0,
        .fetched = held ? piece->fetched : 0,
        .next_try = piece->due,
        .failures = piece->failures,
        .reason = span_text(failed ? reason_info(piece->reason)->name : ""),
    };
    return sink_ok(&detail);
}

enum reason core_collateral_show(struct core *core, const struct request *request,
                                 struct arena *scratch, struct sink *answer)
{
    struct core_collateral *collateral = &core->collateral;
    struct api_collateral_piece pieces[COLLATERAL_PLACES];
    struct api_collateral_show_response said = {
        .provider = span_text(core->house->settings.provider_url), .pieces = { pieces, 0 }
    };
    int64_t now = clock_now();
    (void)request;
    for (size_t i = 0; i < COLLATERAL_PLACES; i++) {
        if (collateral->pieces[i].used &&
            !show(&collateral->pieces[i], now, scratch, &pieces[said.pieces.count++]))
            return REASON_OUT_OF_MEMORY;
    }
    if (said.provider.len > 0)
        said.waiting = collateral_waiting(collateral, now);
    return core_write(&api_collateral_show_response, &said, answer);
}

enum reason collateral_may_refresh(const struct core *core)
{
    if (core->house->settings.provider_url[0] == 0)
        return REASON_FETCH_NOT_SET;
    enum reason there = core_store_is_there(core);
    return there != REASON_OK || core->collateral.loaded ? there : REASON_HOUSE_UNAVAILABLE;
}

/* What is on its way is not asked for twice, and what is due already is asked for as it was. */
enum reason core_collateral_refresh(struct core *core, const struct request *request,
                                    struct arena *scratch, struct sink *answer)
{
    struct core_collateral *collateral = &core->collateral;
    struct api_collateral_refresh_response said = { .pieces = 0 };
    int64_t now = clock_now();
    enum reason reason = collateral_may_refresh(core);
    (void)request;
    (void)scratch;
    if (reason != REASON_OK)
        return reason;
    for (size_t i = 0; i < COLLATERAL_PLACES; i++) {
        struct core_piece *piece = &collateral->pieces[i];
        if (!piece->used)
            continue;
        piece->due = piece->due < now ? piece->due : now;
        said.pieces++;
    }
    return core_write(&api_collateral_refresh_response, &said, answer);
}

static void take_least(uint64_t *least, int64_t value)
{
    uint64_t number = value > 0 ? (uint64_t)value : 1; /* 0 is for what is not there */
    *least = *least == 0 || number < *least ? number : *least;
}

void collateral_count(struct core *core)
{
    static const enum metric ends[PCS_THING_COUNT] = {
        [PCS_TCB_INFO] = METRIC_COLLATERAL_TCB_INFO_ENDS,
        [PCS_QE_IDENTITY] = METRIC_COLLATERAL_QE_IDENTITY_ENDS,
        [PCS_PCK_CRL] = METRIC_COLLATERAL_PCK_CRL_ENDS,
        [PCS_ROOT_CRL] = METRIC_COLLATERAL_ROOT_CRL_ENDS,
    };
    const struct core_collateral *collateral = &core->collateral;
    uint64_t values[METRIC_COUNT] = {
        [METRIC_COLLATERAL_SUCCESSES] = collateral->successes,
        [METRIC_COLLATERAL_FAILURES] = collateral->failures,
        [METRIC_COLLATERAL_LAST_SUCCESS] = (uint64_t)collateral->last_success,
    };
    for (size_t i = 0; i < COLLATERAL_PLACES; i++) {
        const struct core_piece *piece = &collateral->pieces[i];
        values[METRIC_COLLATERAL_FAILING] += piece->used && piece->failures > 0;
        values[METRIC_COLLATERAL_MISSING] += piece->used && piece->body_len == 0;
        if (!is_held(piece))
            continue;
        values[METRIC_COLLATERAL_HELD]++;
        take_least(&values[METRIC_COLLATERAL_OLDEST], piece->fetched);
        take_least(&values[ends[piece->thing]], piece->expires);
    }
    for (enum metric i = METRIC_COLLATERAL_HELD; i <= METRIC_COLLATERAL_ROOT_CRL_ENDS; i++)
        bans_count(&core->bans.table, i, values[i]);
}
