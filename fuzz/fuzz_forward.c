/* fuzz_forward.c - of whatever a miner or a challenge writes, a request that goes on has the
   house's fields once each, fields of the list and no others, and nothing that ends a line; an
   answer that comes back has fields of its list. */
#include <stdlib.h>
#include <string.h>

#include "http/http1_client.h"
#include "token/forward.h"

enum { ROOM = 64 * 1024, OURS = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void must_be_of(struct span name, const char *const *names, size_t count)
{
    bool is = false;
    for (size_t i = 0; i < count; i++)
        is = is || span_equal_text(name, names[i]);
    must(is);
}

static size_t count_of(const struct http_field *fields, size_t count, struct span name)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += span_equal(fields[i].name, name);
    return found;
}

static void pass_on(const struct http_request *request)
{
    static const char *const names[] = {
        "accept",         "accept-language",      "content-type",
        "user-agent",     "traceparent",          "x-verified-miner-hotkey",
        "x-miner-uid",    "x-verified-timestamp", "x-verified-nonce",
        "x-verified-key", "x-verified-signature",
    };
    const struct verified_request word = { .key_id = span_text("key"),
                                           .once = span_text("once"),
                                           .hotkey = span_text("hot") };
    struct http_field fields[FORWARD_FIELDS_MAX];
    struct forward_ask ask;
    uint8_t memory[FORWARD_ROOM];
    static uint8_t out[ROOM];
    struct sink room = sink_over(memory, sizeof memory), written = sink_over(out, sizeof out);
    struct http1 conn;
    if (!forward_is_public(request->path) || forward_read(request, &ask) != REASON_OK)
        return;
    must(ask.token.len > 0 && ask.challenge.len > 0 && ask.route.len > 0);
    must(memchr(ask.route.at, '/', ask.route.len) == NULL);
    size_t count = forward_fields(request, &word, span_text("sig"), &room, fields);
    must(sink_ok(&room) && count >= OURS && count <= FORWARD_FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        must_be_of(fields[i].name, names, sizeof names / sizeof names[0]);
        must(count_of(fields, count, fields[i].name) == 1);
    }
    const struct http_ask asked = { .method = request->method,
                                    .authority = span_text("a"),
                                    .target = span_text("/"),
                                    .fields = fields,
                                    .field_count = count };
    http1_init(&conn, &http_limits_default);
    must(http1_write_ask(&conn, &asked, &written)); /* what the reader took can be written */
}

static void bring_back(unsigned status, const struct http_request *answer)
{
    static const char *const names[] = { "cache-control",          "content-language",
                                         "content-type",           "etag",
                                         "last-modified",          "retry-after",
                                         "x-content-type-options", "content-security-policy" };
    struct http_field fields[FORWARD_BACK_MAX];
    if (forward_wrong_of(status, answer) != NULL)
        return;
    must(status >= 200 && status / 100 != 3);
    size_t count = forward_back(answer, fields);
    must(count >= 2 && count <= FORWARD_BACK_MAX);
    for (size_t i = 0; i < count; i++) {
        must_be_of(fields[i].name, names, sizeof names / sizeof names[0]);
        must(count_of(fields, count, fields[i].name) == 1 && http_is_value(fields[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[ROOM], request[512];
    struct http1 conn;
    struct http1_room room;
    struct sink sent = sink_over(request, sizeof request);
    const struct http_ask ask = { .method = HTTP_METHOD_GET,
                                  .authority = span_text("a"),
                                  .target = span_text("/") };
    if (size == 0)
        return 0;
    bool answer = (data[0] & 1) != 0;
    struct cursor in = cur_over(span_of(data + 1, size - 1));
    http1_init(&conn, &http_limits_default);
    must(http1_room_init(&room, conn.limits, memory, sizeof memory) &&
         (!answer || http1_write_ask(&conn, &ask, &sent)));
    if (http1_next(&conn, &room, &in).kind != HTTP_EVENT_HEAD)
        return 0;
    if (answer)
        bring_back(room.status, &room.request);
    else
        pass_on(&room.request);
    return 0;
}
