/* link_session.c - see link.h: a peer asks for a session, and signs with its key what it asks over
   HTTP from then on. */
#include <string.h>

#include "codec/base64.h"
#include "crypto/ct.h"
#include "os/clock.h"
#include "proc/front/front.h"

void link_hear_session(const struct link_heard *heard)
{
    struct link *link = heard->link;
    struct front *front = link->front;
    uint8_t bytes[8 + LINK_KEY], key[LINK_KEY + 1];
    struct sink body = sink_over(bytes, sizeof bytes), decoded = sink_over(key, sizeof key);
    struct span id = link_id_of(heard), text;
    if (!json_string(&heard->json, json_member(&heard->json, 0, "public_key"), &text) ||
        !base64_decode(text, &decoded) || decoded.len != LINK_KEY) {
        link_say_error(link, REASON_LINK_MESSAGE_INVALID, id);
        return;
    }
    if (link->owed) {
        link_say_error(link, REASON_HOUSE_UNAVAILABLE, id);
        return;
    }
    sink_u64le(&body, link->core);
    sink_put(&body, sink_bytes(&decoded));
    struct frame frame = { .message = MSG_LINK_SESSION,
                           .id = front_token(front, link->connection),
                           .body = sink_bytes(&body) };
    if (!rc_ok(house_put(NULL, front->house, PEER_CORE, &frame))) {
        link_say_error(link, REASON_HOUSE_UNAVAILABLE, id);
        return;
    }
    memcpy(link->id, id.at, id.len);
    link->id_len = id.len;
    link->waits = MSG_LINK_SESSION_IS;
    link->until_ms = clock_monotonic_ms() + LINK_SESSION_MS;
}

void link_unanswered(struct link *link)
{
    link->waits = 0;
    link->owed = true;
    link->until_ms = INT64_MAX;
    link_say_error(link, REASON_HOUSE_DEADLINE, span_of(link->id, link->id_len));
}

rc link_on_session(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint16_t reason = 0;
    struct span token = { 0 };
    uint64_t expires = 0;
    bool read = cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE;
    if (read && reason == REASON_OK)
        read = get_bytes(&call->body, LINK_TOKEN, &token) && token.len > 0 &&
               cur_u64le(&call->body, &expires) && expires <= INT64_MAX;
    if (!read || !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct connection *connection = front_find(front, call->id);
    struct link *link = connection != NULL && connection->phase == CONNECTION_LINK
                            ? connection->link
                            : NULL;
    if (link != NULL && link->waits == 0)
        link->owed = false;
    if (link == NULL || link->waits != MSG_LINK_SESSION_IS)
        return RC_SUCCESS; /* core takes it back when it hears that the channel is over */
    link->waits = 0;
    link->until_ms = INT64_MAX;
    struct span id = span_of(link->id, link->id_len);
    if (reason != REASON_OK) {
        link_say_error(link, (enum reason)reason, id);
        return RC_SUCCESS;
    }
    struct sink plain;
    struct json_writer json = link_answer(front, &plain, "session");
    link_put_id(&json, id);
    json_put_key(&json, "token");
    json_put_span(&json, token);
    json_put_key(&json, "expires_at");
    json_put_u64(&json, expires);
    link_say(link, &json, &plain);
    ct_wipe(plain.at, plain.len);
    return RC_SUCCESS;
}
