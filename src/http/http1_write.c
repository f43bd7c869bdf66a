/* http1_write.c - the answer of an HTTP/1.1 connection.  Framing is written here and nowhere else,
   so no handler can answer with two lengths; a value that would end its line is refused. */
#include "base/number.h"
#include "base/time.h"
#include "http/http1.h"

static const struct {
    unsigned status;
    const char *phrase;
} phrases[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

const char *http_status_phrase(unsigned status)
{
    for (size_t i = 0; i < COUNT_OF(phrases); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Unknown";
}

/* RFC 9110 5.6.7: IMF-fixdate. */
static void write_date(struct sink *out, int64_t now)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* day 0 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil date;
    if (now < 0 || !time_to_civil(now, &date))
        return;
    sink_text(out, "Date: ");
    sink_put(out, span_of(&days[now / 86400 % 7 * 3], 3));
    sink_text(out, ", ");
    sink_decimal(out, (uint64_t)date.day, 2);
    sink_u8(out, ' ');
    sink_put(out, span_of(&months[(date.month - 1) * 3], 3));
    sink_u8(out, ' ');
    sink_decimal(out, (uint64_t)date.year, 4);
    sink_u8(out, ' ');
    sink_decimal(out, (uint64_t)date.hour, 2);
    sink_u8(out, ':');
    sink_decimal(out, (uint64_t)date.minute, 2);
    sink_u8(out, ':');
    sink_decimal(out, (uint64_t)date.second, 2);
    sink_text(out, " GMT\r\n");
}

/* What the writer puts itself: a second one from a handler would be an attack from within. */
static bool is_ours(struct span name)
{
    static const char *const ours[] = { "content-length", "transfer-encoding", "connection", "date",
                                        "upgrade",        "keep-alive",        "trailer" };
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        if (http_equal_fold(name, ours[i]))
            return true;
    }
    return false;
}

bool http1_put_fields(const struct http_field *fields, size_t count, struct sink *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct http_field *field = &fields[i];
        if (!http_is_token(field->name) || is_ours(field->name) || !http_is_value(field->value))
            return false;
        sink_put(out, field->name);
        sink_text(out, ": ");
        sink_put(out, field->value);
        sink_text(out, "\r\n");
    }
    return true;
}

static void write_framing(const struct http1 *next, const struct http_response *response,
                          struct sink *out)
{
    if (next->answer_chunked)
        sink_text(out, "Transfer-Encoding: chunked\r\n");
    else if (!response->streamed && response->status != 204) {
        sink_text(out, "Content-Length: ");
        sink_decimal(out, response->length, 1);
        sink_text(out, "\r\n");
    }
    if (!next->keep_alive)
        sink_text(out, "Connection: close\r\n");
    sink_text(out, "\r\n");
}

/* Nothing of the request is still to come: what is not read would be taken for the next one. */
static bool is_read_whole(const struct http1 *conn)
{
    if (conn->state == HTTP1_DECIDE)
        return !conn->chunked && conn->body_left == 0;
    return conn->state == HTTP1_ANSWER || (conn->state == HTTP1_BODY && conn->body_left == 0);
}

/* How the answer will be framed. */
static void frame(struct http1 *next, const struct http_response *response)
{
    bool bare = next->head_method || response->status == 204 || response->status == 304;
    next->answering = true;
    next->answer_bare = bare;
    next->answer_left = bare || response->streamed ? 0 : response->length;
    next->answer_chunked = response->streamed && !next->old && response->status != 204 &&
                           response->status != 304;
    next->answer_to_close = response->streamed && next->old;
    if (!is_read_whole(next) || next->answer_to_close)
        next->keep_alive = false;
}

bool http1_write_head(struct http1 *conn, const struct http_response *response, struct sink *out)
{
    struct http1 next = *conn;
    size_t before = out->len;
    if (conn->answering || response->status < 200 || response->status > 599 ||
        conn->state == HTTP1_IDLE || conn->state == HTTP1_TUNNEL || conn->state == HTTP1_CLOSED)
        return false;
    frame(&next, response);
    sink_text(out, "HTTP/1.1 ");
    sink_decimal(out, response->status, 3);
    sink_u8(out, ' ');
    sink_text(out, http_status_phrase(response->status));
    sink_text(out, "\r\n");
    write_date(out, response->now);
    bool sound = http1_put_fields(response->fields, response->field_count, out);
    write_framing(&next, response, out);
    if (!sound || !sink_ok(out)) {
        sink_cut(out, before);
        return false;
    }
    *conn = next;
    return true;
}

bool http1_write_body(struct http1 *conn, struct span bytes, struct sink *out)
{
    size_t before = out->len;
    if (!conn->answering)
        return false;
    if (conn->answer_bare || bytes.len == 0)
        return true;
    if (!conn->answer_chunked && !conn->answer_to_close && bytes.len > conn->answer_left)
        return false;
    if (conn->answer_chunked)
        sink_format(out, "%zx\r\n", bytes.len);
    sink_put(out, bytes);
    if (conn->answer_chunked)
        sink_text(out, "\r\n");
    if (!sink_ok(out)) {
        sink_cut(out, before);
        return false;
    }
    if (!conn->answer_chunked && !conn->answer_to_close)
        conn->answer_left -= bytes.len;
    return true;
}

bool http1_write_end(struct http1 *conn, struct sink *out)
{
    size_t before = out->len;
    if (!conn->answering)
        return false;
    if (conn->answer_left > 0) {
        conn->state = HTTP1_CLOSED;
        return false;
    }
    if (conn->answer_chunked && !conn->answer_bare)
        sink_text(out, "0\r\n\r\n");
    if (!sink_ok(out)) {
        sink_cut(out, before);
        return false;
    }
    bool keep = conn->keep_alive;
    http1_init(conn, conn->limits);
    conn->state = keep ? HTTP1_IDLE : HTTP1_CLOSED;
    return true;
}

void http1_write_continue(struct http1 *conn, struct sink *out)
{
    if (http1_wants_continue(conn))
        sink_text(out, "HTTP/1.1 100 Continue\r\n\r\n");
    if (sink_ok(out))
        conn->continue_due = false;
}

bool http1_write_upgrade(struct http1 *conn, struct span accept, struct sink *out)
{
    size_t before = out->len;
    if (conn->answering || conn->state != HTTP1_ANSWER || accept.len == 0 || !http_is_value(accept))
        return false;
    sink_text(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    sink_put(out, accept);
    sink_text(out, "\r\n\r\n");
    if (!sink_ok(out)) {
        sink_cut(out, before);
        return false;
    }
    conn->state = HTTP1_TUNNEL;
    return true;
}
