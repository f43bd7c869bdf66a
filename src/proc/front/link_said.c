/* link_said.c - see link.h: what is said in an open channel, one JSON object a message with a
   `type`; docs/wire.md has them all.  What is none of them is answered with an error and changes
   nothing. */
#include <string.h>

#include "base/number.h"
#include "codec/json_write.h"
#include "os/clock.h"
#include "proc/front/front.h"

enum { ANSWER_BYTES = ATTESTED_PLAIN_MAX };

struct json_writer link_answer(struct front *front, struct sink *out, const char *type)
{
    *out = sink_over(front->answer, ANSWER_BYTES);
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "type");
    json_put_text(&json, type);
    return json;
}

/* The id of what is answered, as it was written. */
void link_put_id(struct json_writer *json, struct span id)
{
    if (id.len == 0)
        return;
    json_put_key(json, "message_id");
    json_put_raw(json, id);
}

/* Sealed behind the plain text: both are in the same memory of front's. */
void link_say(struct link *link, struct json_writer *json, const struct sink *plain)
{
    struct front *front = link->front;
    struct sink out = sink_over(front->answer + ANSWER_BYTES, FRONT_ANSWER_MAX - ANSWER_BYTES);
    struct attested_sent sent;
    json_end_object(json);
    if (!json_write_ok(json) ||
        !attested_send(&link->attested, sink_bytes(plain), clock_monotonic_ms(), &out, &sent)) {
        link_refuse(link, REASON_SERVER_FAILED);
        return;
    }
    for (size_t i = 0; i < sent.count; i++) {
        if (!link_put(link, sent.messages[i]))
            return;
    }
    link_wake(link);
}

void link_say_error(struct link *link, enum reason reason, struct span id)
{
    struct sink plain;
    struct json_writer json = link_answer(link->front, &plain, "error");
    link_put_id(&json, id);
    json_put_key(&json, "code");
    json_put_text(&json, reason_info(reason)->name);
    json_put_key(&json, "message");
    json_put_text(&json, reason_info(reason)->cause);
    link_say(link, &json, &plain);
}

static uint32_t member(const struct link_heard *heard, const char *name)
{
    return json_member(&heard->json, 0, name);
}

/* A query of the challenge's names itself in one of three places (spec of the SDK). */
struct span link_id_of(const struct link_heard *heard)
{
    const struct json *json = &heard->json;
    const uint32_t places[] = { member(heard, "message_id"), member(heard, "query_id"),
                                json_member(json, member(heard, "payload"), "query_id") };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct span raw = json_raw(json, places[i]);
        if (json_type(json, places[i]) == JSON_STRING && raw.len <= LINK_ID_MAX)
            return raw;
    }
    return (struct span){ 0 };
}

static void on_ping(const struct link_heard *heard)
{
    struct sink plain;
    uint32_t text = member(heard, "text");
    struct json_writer json = link_answer(heard->link->front, &plain, "pong");
    link_put_id(&json, link_id_of(heard));
    if (json_type(&heard->json, text) == JSON_STRING) {
        json_put_key(&json, "text");
        json_put_raw(&json, json_raw(&heard->json, text));
    }
    link_say(heard->link, &json, &plain);
}

/* That it is there is what the peer says by it; whoever is not heard of is pinged. */
static void on_heartbeat(const struct link_heard *heard)
{
    (void)heard;
}

void link_note(struct link *link, struct span text)
{
    uint8_t bytes[12 + LINK_NOTE_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, link->core);
    put_bytes(&body, span_of(text.at, text.len < LINK_NOTE_MAX ? text.len : LINK_NOTE_MAX));
    struct frame frame = { .message = MSG_LINK_NOTE, .body = sink_bytes(&body) };
    rc told = house_put(NULL, link->front->house, PEER_CORE, &frame);
    (void)told; /* nobody was promised that it is kept */
}

static void on_logs(const struct link_heard *heard)
{
    struct link *link = heard->link;
    struct arena scratch = arena_over(link->front->scratch, FRONT_SCRATCH_MAX);
    uint8_t *memory = arena_room(&scratch, ATTESTED_PLAIN_MAX);
    struct sink text = sink_over(memory, memory == NULL ? 0 : ATTESTED_PLAIN_MAX);
    if (!json_string_copy(&heard->json, member(heard, "message"), &text)) {
        link_say_error(link, REASON_LINK_MESSAGE_INVALID, link_id_of(heard));
        return;
    }
    link_note(link, sink_bytes(&text));
}

/* As validator the house answers no queries. */
static void on_query(const struct link_heard *heard)
{
    link_say_error(heard->link, REASON_LINK_MESSAGE_REFUSED, link_id_of(heard));
}

static void on_end(const struct link_heard *heard)
{
    link_finish(heard->link);
}

static const struct {
    const char *type;
    void (*on)(const struct link_heard *heard);
} said[] = {
    { "session", link_hear_session }, { "ping", on_ping },
    { "heartbeat", on_heartbeat },    { "logs", on_logs },
    { "orm_query", on_query },        { "end", on_end },
};

enum reason link_admit(const struct link *link)
{
    struct front *front = link->front;
    const struct connection *connection = link->connection;
    if (connection->local)
        return REASON_OK;
    struct admission admission = admit_request(&front->admit, &connection->peer, 1, front_now_us());
    front->counts.rate_limited += !admission.admitted;
    return admission.admitted ? REASON_OK : admission.reason;
}

void link_hear(struct link *link, struct span text)
{
    static const struct json_limits limits = { .depth = 16, .nodes = LINK_NODES_MAX };
    /* The second half: what is handed on is made in the first. */
    struct arena scratch = arena_over((uint8_t *)link->front->scratch + FRONT_SCRATCH_MAX,
                                      FRONT_SCRATCH_MAX);
    struct link_heard heard = { .link = link };
    enum reason reason = link_admit(link);
    if (reason != REASON_OK) {
        link_say_error(link, reason, (struct span){ 0 });
        return;
    }
    if (!json_parse(text, &scratch, &limits, &heard.json, NULL) ||
        json_type(&heard.json, member(&heard, "type")) != JSON_STRING) {
        link_say_error(link, REASON_LINK_MESSAGE_INVALID, (struct span){ 0 });
        return;
    }
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        if (json_equal_text(&heard.json, member(&heard, "type"), said[i].type)) {
            said[i].on(&heard);
            return;
        }
    }
    link_say_error(link, REASON_LINK_MESSAGE_UNKNOWN, link_id_of(&heard));
}
