/* refusal.c - see front.h. */
#include "proc/front/front.h"
#include "proc/messages.h"

void refusal_tell(struct front *front, struct connection *connection, const struct http_call *call,
                  enum reason reason)
{
    uint8_t bytes[64 + SHA256_LEN + OPERATOR_NAME_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)house_method(call->match.route));
    sink_put(&body, SPAN(connection->peer.bytes));
    sink_put(&body, SPAN(call->trace.trace_id));
    sink_u16le(&body, (uint16_t)reason);
    operator_put(connection, operator_of(front, connection), &body);
    struct frame frame = { .message = MSG_REFUSED, .body = sink_bytes(&body) };
    /* Refused is refused, whether core hears of it or not. */
    rc told = house_put(NULL, front->house, PEER_CORE, &frame);
    (void)told;
}
