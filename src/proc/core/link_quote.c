/* link_quote.c - see links.h: the house shows what it is.  Front names what the evidence is bound
   to, and never the 64 bytes: whoever has taken it over gets evidence that is good for channels and
   for nothing else. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/core/core.h"

static void answer(struct core *core, uint64_t front_id, enum reason reason,
                   const struct span made[2])
{
    uint8_t bytes[2 + 8 + EVIDENCE_QUOTE_MAX + EVIDENCE_LOG_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, made[0]);
    put_bytes(&body, made[1]);
    struct frame frame = { .message = MSG_LINK_QUOTED, .id = front_id, .body = sink_bytes(&body) };
    rc told = house_put(NULL, core->house, PEER_FRONT, &frame);
    (void)told; /* a front that does not read has nobody to show it to */
}

static void refuse(struct core *core, struct link_quote *quote, enum reason reason)
{
    static const struct span nothing[2];
    answer(core, quote->front_id, reason, nothing);
    quote->id = 0;
}

/* Of those from `first` on. */
static struct link_quote *find(struct core_links *links, size_t first, uint64_t id)
{
    for (size_t i = first; i < COUNT_OF(links->quotes); i++) {
        if (links->quotes[i].id == id)
            return &links->quotes[i];
    }
    return NULL;
}

/* The last places are kept for peers that the house has called, who may have any. */
static struct link_quote *vacant(struct core_links *links, bool called)
{
    struct link_quote *quote = find(links, called ? LINKS_QUOTES : 0, 0);
    if (quote == NULL && called)
        quote = find(links, 0, 0);
    const bool kept = quote != NULL && quote >= &links->quotes[LINKS_QUOTES];
    return called || !kept ? quote : NULL;
}

/* What evidence is made over, which is core's own making, and for whom. */
struct wanted {
    uint64_t front_id;
    bool called; /* for a peer that the house has called */
    uint8_t report_data[ATTESTED_REPORT_DATA];
};

static void have_made(struct core *core, const struct wanted *wanted)
{
    struct channel *tee = &core->house->channels[PEER_TEE];
    struct link_quote *quote = vacant(&core->links, wanted->called);
    struct link_quote none = { .front_id = wanted->front_id };
    if (quote == NULL) {
        refuse(core, &none, REASON_TEE_RATE);
        return;
    }
    *quote = (struct link_quote){ .id = channel_next_id(tee),
                                  .front_id = wanted->front_id,
                                  .until_ms = clock_monotonic_ms() + LINKS_QUOTE_MS };
    memcpy(quote->report_data, wanted->report_data, sizeof quote->report_data);
    struct frame question = { .message = MSG_EVIDENCE,
                              .id = quote->id,
                              .body = SPAN(quote->report_data) };
    if (!rc_ok(channel_put(NULL, tee, &question)))
        refuse(core, quote, REASON_HOUSE_UNAVAILABLE);
}

rc core_on_link_quote(struct trail *trail, void *self, struct call *call)
{
    uint8_t role = 0, bound[ATTESTED_BOUND];
    if (!(cur_u8(&call->body, &role) &&
          (role == ATTESTED_INITIATOR || role == ATTESTED_RESPONDER) &&
          cur_copy(&call->body, bound, sizeof bound) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct wanted wanted = { .front_id = call->id, .called = role == ATTESTED_INITIATOR };
    attested_report_data(bound, (enum attested_role)role, wanted.report_data);
    have_made(self, &wanted);
    return RC_SUCCESS;
}

/* Such evidence says less, so it is made for a peer of that profile, while it is being called. */
rc core_on_sdk_link_quote(struct trail *trail, void *self, struct call *call)
{
    struct wanted wanted = { .front_id = call->id, .called = true };
    uint8_t peer = 0, nonce[SDK_NONCE];
    if (!(cur_u8(&call->body, &peer) && cur_copy(&call->body, nonce, sizeof nonce) &&
          cur_end(&call->body)) ||
        !peers_is_met_sdk(self, peer))
        return door_fault(trail, call, DOOR_E_BODY);
    sdk_socket_report_data(nonce, wanted.report_data);
    have_made(self, &wanted);
    return RC_SUCCESS;
}

/* A tee that answers another question is no tee, and has made nothing. */
bool links_quoted(struct core *core, const struct call *call, enum reason reason,
                  const struct span made[2])
{
    struct link_quote *quote = call->id == 0 ? NULL : find(&core->links, 0, call->id);
    if (quote == NULL)
        return false;
    if (reason == REASON_OK && !core_evidence_bears(made[0], quote->report_data))
        reason = REASON_HOUSE_UNAVAILABLE;
    if (reason != REASON_OK) {
        refuse(core, quote, reason);
        return true;
    }
    answer(core, quote->front_id, REASON_OK, made);
    quote->id = 0;
    return true;
}

void links_quotes_expire(struct core *core, int64_t now_ms, int64_t *next)
{
    for (size_t i = 0; i < COUNT_OF(core->links.quotes); i++) {
        struct link_quote *quote = &core->links.quotes[i];
        if (quote->id == 0)
            continue;
        if (quote->until_ms <= now_ms)
            refuse(core, quote, REASON_HOUSE_DEADLINE);
        else if (quote->until_ms < *next)
            *next = quote->until_ms;
    }
}

void links_quotes_gone(struct core *core)
{
    for (size_t i = 0; i < COUNT_OF(core->links.quotes); i++) {
        if (core->links.quotes[i].id != 0)
            refuse(core, &core->links.quotes[i], REASON_HOUSE_UNAVAILABLE);
    }
}

void links_ask_own(struct core *core)
{
    struct channel *tee = &core->house->channels[PEER_TEE];
    struct frame question = { .message = MSG_COLLATERAL_OWN, .id = channel_next_id(tee) };
    bool asked = rc_ok(channel_put(NULL, tee, &question));
    core->links.own_id = asked ? question.id : 0; /* one that is not there says so when it is */
    core->links.own_ms = clock_monotonic_ms() + LINKS_OWN_MS;
}

/* Judged by nobody: verify checks every signature when it uses it. */
static bool tell(struct core *core, size_t which)
{
    const struct link_own *own = &core->links.own[which];
    return core_tell_held(core, COLLATERAL_PLACES + which, (struct span){ 0 },
                          span_of(own->bytes, own->len));
}

/* A verify that was started again would find whoever is in without collateral.  It hears all before
   it is asked; of a tee that does not say what it has it hears nothing. */
bool links_tell_own(struct core *core, int64_t now_ms)
{
    struct core_links *links = &core->links;
    bool waits = links->own_id != 0 && links->own[COLLATERAL_OWN - 1].len == 0;
    if (links->own_told || (waits && now_ms < links->own_ms))
        return links->own_told;
    for (size_t i = 0; i < COLLATERAL_OWN; i++) {
        if (links->own[i].len > 0 && !tell(core, i))
            return false;
    }
    links->own_told = true;
    return true;
}

static void keep(struct core_links *links, size_t which, struct span piece)
{
    struct link_own *own = &links->own[which];
    if (span_equal(piece, span_of(own->bytes, own->len)))
        return;
    if (piece.len > 0)
        memcpy(own->bytes, piece.at, piece.len);
    own->len = piece.len;
    links->own_changed = true;
}

rc core_on_collateral_own(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_links *links = &core->links;
    uint8_t which = 0;
    struct span piece;
    if (!(cur_u8(&call->body, &which) && which < COLLATERAL_OWN &&
          get_bytes(&call->body, COLLATERAL_BODY_MAX, &piece) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    if (links->own_id == 0 || call->id != links->own_id)
        return RC_SUCCESS;
    keep(links, which, piece);
    if (which < COLLATERAL_OWN - 1)
        return RC_SUCCESS;
    bool changed = links->own_changed;
    links->own_id = 0; /* the last one */
    links->own_changed = false;
    links->own_told &= !changed;
    (void)links_tell_own(core, clock_monotonic_ms());
    if (changed)
        links_look_again(core);
    return RC_SUCCESS;
}
