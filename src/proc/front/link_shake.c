/* link_shake.c - see link.h: messages of a channel and what they lead to. */
#include <string.h>

#include "os/clock.h"
#include "proc/front/front.h"

void link_take(struct link *link, struct attested_message message)
{
    uint8_t bytes[256];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct attested_event event = attested_take(&link->attested, message, &out);
    link_event(link, &event, &out);
}

bool link_ask(struct link *link, uint16_t message, struct span body, uint16_t waits)
{
    struct frame frame = { .message = message,
                           .id = front_token(link->front, link->connection),
                           .body = body };
    if (!rc_ok(house_put(NULL, link->front->house, PEER_CORE, &frame))) {
        link_refuse(link, REASON_HOUSE_UNAVAILABLE);
        return false;
    }
    link->waits = waits;
    return true;
}

static void have_made(struct link *link)
{
    uint8_t bytes[1 + ATTESTED_BOUND];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct front_links *links = &link->front->links;
    if (link->role == ATTESTED_RESPONDER &&
        !gcra_take(&links->begun, &links->rate, 1, front_now_us()).allowed) {
        link_refuse(link, REASON_ADMIT_RATE_LIMITED);
        return;
    }
    sink_u8(&body, (uint8_t)link->role);
    sink_put(&body, span_of(attested_bound(&link->attested), ATTESTED_BOUND));
    (void)link_ask(link, MSG_LINK_QUOTE, sink_bytes(&body), MSG_LINK_QUOTED);
}

/* What strangers show leaves room for all else that core has to hear, and for what one shows whom
   the house has called. */
bool link_shows(struct link *link, uint16_t message, struct span body)
{
    const struct channel *core = &link->front->house->channels[PEER_CORE];
    const size_t quarters = link->role == ATTESTED_INITIATOR ? 3 : 2;
    if (core->queue.len + body.len > quarters * (CHANNEL_QUEUE_MAX / 4)) {
        link_refuse(link, REASON_HOUSE_UNAVAILABLE);
        return false;
    }
    return link_ask(link, message, body, MSG_LINK_JUDGED);
}

static void have_judged(struct link *link, const struct attested_evidence *shown)
{
    struct sink body = sink_over(link->front->scratch, FRONT_SCRATCH_MAX);
    if (shown->evidence.len > LINK_PART_MAX || shown->log.len > LINK_PART_MAX) {
        link_refuse(link, REASON_CHANNEL_TOO_LARGE);
        return;
    }
    sink_u8(&body, (uint8_t)link->role);
    sink_u8(&body, outward_number(link->front, link->connection));
    sink_put(&body, span_of(attested_bound(&link->attested), ATTESTED_BOUND));
    sink_u8(&body, (uint8_t)shown->kind);
    sink_put(&body, SPAN(link->connection->peer.bytes));
    sink_put(&body, SPAN(link->trace));
    put_bytes(&body, shown->evidence);
    put_bytes(&body, shown->log);
    (void)link_shows(link, MSG_LINK_JUDGE, sink_bytes(&body));
}

void link_event(struct link *link, const struct attested_event *event, struct sink *out)
{
    if (link->reason != REASON_NONE || (out->len > 0 && !link_put(link, sink_bytes(out))))
        return;
    link_wake(link);
    switch (event->kind) {
    case ATTESTED_NOTHING:
    case ATTESTED_OPEN: /* link_on_judged has opened it */
        return;
    case ATTESTED_NEEDS_EVIDENCE:
        have_made(link);
        return;
    case ATTESTED_JUDGE:
        have_judged(link, &event->evidence);
        return;
    case ATTESTED_DATA:
        link->front->links.messages++;
        link_hear(link, event->data);
        return;
    case ATTESTED_CLOSED:
        link_finish(link);
        return;
    case ATTESTED_ENDED:
        if (link->role == ATTESTED_INITIATOR && event->about != REASON_NONE)
            outward_note(link->connection, event->reason, reason_info(event->about)->name);
        link_over(link, event->reason);
        return;
    }
}

/* The one that waits for this answer; NULL: it is over, or has waited too long. */
static struct link *waiting(struct front *front, const struct call *call)
{
    struct connection *connection = front_find(front, call->id);
    struct link *link = connection != NULL && connection->phase == CONNECTION_LINK
                            ? connection->link
                            : NULL;
    if (link == NULL || link->waits != call->message)
        return NULL;
    link->waits = 0;
    return link;
}

rc link_on_quoted(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint16_t reason = 0;
    struct attested_evidence made = { .kind = ATTESTED_KIND_TDX };
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT &&
          get_bytes(&call->body, EVIDENCE_QUOTE_MAX, &made.evidence) &&
          get_bytes(&call->body, EVIDENCE_LOG_MAX, &made.log) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct link *link = waiting(front, call);
    if (link == NULL)
        return RC_SUCCESS;
    if (reason != REASON_OK) {
        link_refuse(link, (enum reason)reason);
        return RC_SUCCESS;
    }
    if (link->sdk != NULL) {
        link_sdk_give(link, &made);
        return RC_SUCCESS;
    }
    struct sink out = sink_over(front->answer, FRONT_ANSWER_MAX);
    struct attested_event event = attested_give(&link->attested, &made, &out);
    link_event(link, &event, &out);
    return RC_SUCCESS;
}

static void let_in(struct link *link, uint64_t number)
{
    struct front_links *links = &link->front->links;
    link_leave_half(link);
    link->core = number;
    links->opened++;
    links->open++;
    if (link->role == ATTESTED_INITIATOR)
        outward_is_open(link->front, link->connection);
}

rc link_on_judged(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint8_t bytes[256];
    struct sink out = sink_over(bytes, sizeof bytes);
    uint16_t reason = 0;
    uint64_t number = 0;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          cur_u64le(&call->body, &number) && cur_end(&call->body) &&
          (reason == REASON_OK) == (number != 0)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct link *link = waiting(front, call);
    if (link == NULL && number != 0) /* core has let in one that is gone */
        link_tell_end(front, number, REASON_CHANNEL_TRUNCATED);
    if (link == NULL)
        return RC_SUCCESS;
    struct decision decision = { reason == REASON_OK ? ALLOW : DENY, (enum reason)reason,
                                 CHECK_COUNT };
    if (reason == REASON_OK)
        let_in(link, number);
    if (link->sdk != NULL) {
        link_sdk_judged(link, decision);
        return RC_SUCCESS;
    }
    struct attested_event event = attested_judge(&link->attested, decision, clock_monotonic_ms(),
                                                 &out);
    link_event(link, &event, &out);
    return RC_SUCCESS;
}

rc link_on_end(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint16_t reason = 0;
    uint64_t number = 0;
    if (!(cur_u64le(&call->body, &number) && cur_u16le(&call->body, &reason) &&
          reason < REASON_COUNT && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct connection *connection = front_find(front, call->id);
    struct link *link = connection != NULL && connection->phase == CONNECTION_LINK
                            ? connection->link
                            : NULL;
    if (link != NULL && link->core == number && number != 0)
        link_refuse(link, (enum reason)reason);
    return RC_SUCCESS;
}
