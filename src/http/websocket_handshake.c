/* websocket_handshake.c - see websocket.h: from HTTP/1.1 to a WebSocket, RFC 6455 4. */
#include "codec/base64.h"
#include "crypto/sha1.h"
#include "http/websocket.h"

enum { KEY_TEXT = 24 }; /* 16 bytes in base64 */

/* 4.2.2: what the server proves is that it is one, and no more. */
static void put_accept(struct sink *out, struct span key)
{
    static const char with[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const struct span parts[] = { key, span_text(with) };
    uint8_t digest[SHA1_LEN];
    sha1_parts(parts, 2, digest);
    base64_encode(out, SPAN(digest));
}

static bool is_key(struct span text)
{
    uint8_t bytes[WEBSOCKET_KEY];
    struct sink out = sink_over(bytes, sizeof bytes);
    return text.len == KEY_TEXT && base64_decode(text, &out) && out.len == WEBSOCKET_KEY;
}

enum reason websocket_judge(const struct http_request *request, char accept[WEBSOCKET_ACCEPT + 1])
{
    struct sink out = sink_over(accept, WEBSOCKET_ACCEPT + 1);
    struct span version, key;
    if (!request->is_websocket)
        return REASON_WEBSOCKET_HANDSHAKE;
    if (!http_field_find(request->fields, request->field_count, "sec-websocket-version",
                         &version) ||
        !span_equal_text(version, "13"))
        return REASON_WEBSOCKET_VERSION;
    if (!http_field_find(request->fields, request->field_count, "sec-websocket-key", &key) ||
        !is_key(key))
        return REASON_WEBSOCKET_HANDSHAKE;
    put_accept(&out, key);
    sink_terminate(&out);
    return REASON_OK;
}

static bool lists(const struct http1_room *room, const char *name, const char *member)
{
    struct span list, word;
    if (!http_field_find(room->request.fields, room->request.field_count, name, &list))
        return false;
    while (http_list_next(&list, &word)) {
        if (http_equal_fold(word, member))
            return true;
    }
    return false;
}

/* 4.1: an extension or a subprotocol that was not asked for ends it; none is ever asked for. */
static bool agrees_to_nothing(const struct http1_room *room)
{
    const struct http_request *answer = &room->request;
    struct span value;
    return !http_field_find(answer->fields, answer->field_count, "sec-websocket-extensions",
                            &value) &&
           !http_field_find(answer->fields, answer->field_count, "sec-websocket-protocol", &value);
}

enum reason websocket_judge_answer(const struct http1_room *room, const uint8_t key[WEBSOCKET_KEY])
{
    char asked[KEY_TEXT], wanted[WEBSOCKET_ACCEPT];
    struct sink text = sink_over(asked, sizeof asked), out = sink_over(wanted, sizeof wanted);
    struct span accept;
    base64_encode(&text, span_of(key, WEBSOCKET_KEY));
    put_accept(&out, sink_bytes(&text));
    if (room->status != HTTP_SWITCHING || !lists(room, "connection", "upgrade") ||
        !lists(room, "upgrade", "websocket") || !agrees_to_nothing(room) ||
        !http_field_find(room->request.fields, room->request.field_count, "sec-websocket-accept",
                         &accept) ||
        !span_equal(accept, sink_bytes(&out)))
        return REASON_WEBSOCKET_HANDSHAKE;
    return REASON_OK;
}
