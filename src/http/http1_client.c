/* http1_client.c - see http1_client.h. */
#include "http/http1_client.h"

#include "base/decimal.h"
#include "base/number.h"
#include "codec/base64.h"

enum { FIRST_STATUS = 100, LAST_STATUS = 599, OK = 200, NO_CONTENT = 204, NOT_MODIFIED = 304 };

/* RFC 9112 3.2.1: origin-form, of the characters that a reader cannot take for others. */
static bool is_target(struct span target)
{
    if (target.len == 0 || target.at[0] != '/' || target.len > HTTP_TARGET_MAX)
        return false;
    for (size_t i = 0; i < target.len; i++) {
        if (target.at[i] <= ' ' || target.at[i] > '~' || target.at[i] == '#')
            return false;
    }
    return true;
}

/* What is written here and nowhere else, besides what no message may bring. */
static bool is_of_request(struct span name)
{
    static const char prefix[] = "sec-websocket-";
    return http_equal_fold(name, "host") ||
           (name.len >= sizeof prefix - 1 &&
            http_equal_fold(span_of(name.at, sizeof prefix - 1), prefix));
}

static bool ask_is_sound(const struct http_ask *ask)
{
    bool body = ask->method == HTTP_METHOD_POST || ask->method == HTTP_METHOD_PUT ||
                ask->method == HTTP_METHOD_PATCH;
    for (size_t i = 0; i < ask->field_count; i++) {
        if (is_of_request(ask->fields[i].name))
            return false;
    }
    return ask->method > HTTP_METHOD_NONE && ask->method < HTTP_METHOD_COUNT &&
           is_target(ask->target) && http_authority_is_valid(ask->authority) &&
           (body || ask->length == 0) &&
           (ask->websocket_key == NULL || ask->method == HTTP_METHOD_GET);
}

static void put_framing(const struct http_ask *ask, struct sink *out)
{
    if (ask->method == HTTP_METHOD_POST || ask->method == HTTP_METHOD_PUT ||
        ask->method == HTTP_METHOD_PATCH) {
        sink_text(out, "Content-Length: ");
        sink_decimal(out, ask->length, 1);
        sink_text(out, "\r\n");
    }
    if (ask->websocket_key != NULL) {
        sink_text(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
        base64_encode(out, span_of(ask->websocket_key, WEBSOCKET_KEY));
        sink_text(out, "\r\n");
    } else if (ask->close)
        sink_text(out, "Connection: close\r\n");
    sink_text(out, "\r\n");
}

bool http1_may_ask(const struct http1 *conn)
{
    return conn->state == HTTP1_IDLE || (conn->state == HTTP1_ANSWER && conn->keep_alive);
}

bool http1_write_ask(struct http1 *conn, const struct http_ask *ask, struct sink *out)
{
    size_t before = out->len;
    if (!http1_may_ask(conn) || !ask_is_sound(ask))
        return false;
    sink_text(out, http_method_name(ask->method));
    sink_u8(out, ' ');
    sink_put(out, ask->target);
    sink_text(out, " HTTP/1.1\r\nHost: ");
    sink_put(out, ask->authority);
    sink_text(out, "\r\n");
    bool sound = http1_put_fields(ask->fields, ask->field_count, out);
    put_framing(ask, out);
    if (!sound || !sink_ok(out)) {
        sink_cut(out, before);
        return false;
    }
    http1_init(conn, conn->limits);
    conn->state = HTTP1_LINE;
    conn->client = true;
    conn->keep_alive = !ask->close;
    conn->head_method = ask->method == HTTP_METHOD_HEAD;
    conn->asks_websocket = ask->websocket_key != NULL;
    return true;
}

/* RFC 9112 4: a version, a space, three digits, a space, and words for people, which may be
   missing; so may the space before them, as many servers write it. */
enum reason http1_read_status_line(struct http1 *conn, struct http1_room *room, struct span line)
{
    struct cursor in = cur_over(line);
    struct span version, digits;
    uint64_t status = 0;
    if (!cur_take(&in, 8, &version) || !cur_expect(&in, span_text(" ")) ||
        !cur_take(&in, 3, &digits) || !(cur_end(&in) || cur_expect(&in, span_text(" "))) ||
        !decimal_read(digits, LAST_STATUS, &status) || status < FIRST_STATUS)
        return REASON_HTTP_STATUS_LINE;
    conn->old = span_equal_text(version, "HTTP/1.0");
    if (!conn->old && !span_equal_text(version, "HTTP/1.1"))
        return REASON_HTTP_VERSION_UNSUPPORTED;
    room->request.version = conn->old ? HTTP_1_0 : HTTP_1_1;
    room->status = (unsigned)status;
    return REASON_OK;
}

static bool says_close(const struct http_request *answer)
{
    bool close = false;
    for (size_t i = 0; i < answer->field_count; i++) {
        struct span list = answer->fields[i].value, option;
        if (!span_equal_text(answer->fields[i].name, "connection"))
            continue;
        while (http_list_next(&list, &option))
            close = close || http_equal_fold(option, "close");
    }
    return close;
}

/* RFC 9112 6.3, in its order.  What two readers could see differently is refused. */
static enum reason judge_framing(struct http1 *conn, struct http1_room *room)
{
    struct http_request *answer = &room->request;
    struct span coding;
    bool coded = http_field_find(answer->fields, answer->field_count, "transfer-encoding", &coding);
    if (coded && (answer->has_length || conn->old))
        return answer->has_length ? REASON_HTTP_LENGTH_CONFLICT : REASON_HTTP_TRANSFER_CODING;
    if (coded && !http_equal_fold(coding, "chunked"))
        return REASON_HTTP_TRANSFER_CODING_UNKNOWN;
    bool bare = conn->head_method || room->status < OK || room->status == NO_CONTENT ||
                room->status == NOT_MODIFIED;
    conn->body_left = 0;
    if (bare)
        return REASON_OK;
    conn->chunked = coded;
    conn->body_to_close = !coded && !answer->has_length;
    conn->body_left = answer->has_length ? answer->length : 0;
    if (conn->body_to_close)
        conn->keep_alive = false;
    return REASON_OK;
}

/* The next head begins where this one ends: nothing of it is kept. */
static enum reason pass_over(struct http1 *conn, struct http1_room *room)
{
    if (++conn->interim > HTTP_INTERIM_MAX)
        return REASON_HTTP_STATUS_LINE;
    http1_room_reset(room);
    conn->state = HTTP1_LINE;
    return REASON_OK;
}

enum reason http1_judge_answer(struct http1 *conn, struct http1_room *room)
{
    enum reason reason = http_fields_judge(&room->request);
    if (reason != REASON_OK)
        return reason;
    if (room->status == HTTP_SWITCHING) {
        if (!conn->asks_websocket)
            return REASON_HTTP_STATUS_LINE;
        conn->state = HTTP1_TUNNEL;
        return REASON_OK;
    }
    if (room->status < OK)
        return pass_over(conn, room);
    if (conn->old || says_close(&room->request))
        conn->keep_alive = false;
    return judge_framing(conn, room);
}
