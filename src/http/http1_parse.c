/* http1_parse.c - bytes of a connection into the head of a request.  Reads byte by byte and
   line by line, so that no cut of the input makes a difference; judges nothing about what is
   asked. */
#include "base/arena.h"
#include "http/http1.h"

/* The request line besides its target: a method, a version, two spaces, CR LF. */
enum { LINE_EXTRA = 40 };

void http1_init(struct http1 *conn, const struct http_limits *limits)
{
    *conn = (struct http1){ .limits = limits };
}

/* The target may be kept twice: as it came, and its path decoded. */
static size_t head_size(const struct http_limits *limits)
{
    return 2 * (size_t)limits->target + LINE_EXTRA + limits->field_bytes;
}

size_t http1_room_size(const struct http_limits *limits)
{
    return head_size(limits) + limits->fields * sizeof(struct http_field) + 64;
}

bool http1_room_init(struct http1_room *room, const struct http_limits *limits, void *memory,
                     size_t size)
{
    struct arena arena = arena_over(memory, size);
    struct http_field *fields = arena_array(&arena, limits->fields, sizeof *fields);
    void *bytes = arena_room(&arena, head_size(limits));
    if (fields == NULL || bytes == NULL)
        return false;
    *room = (struct http1_room){
        .bytes = sink_over(bytes, head_size(limits)),
        .fields = fields,
        .fields_cap = limits->fields,
    };
    return true;
}

void http1_room_reset(struct http1_room *room)
{
    sink_cut(&room->bytes, 0);
    room->bytes.full = false;
    room->line = 0;
    room->request = (struct http_request){ 0 };
    room->status = 0;
}

bool http1_is_idle(const struct http1 *conn)
{
    return conn->state == HTTP1_IDLE;
}

bool http1_is_closed(const struct http1 *conn)
{
    return conn->state == HTTP1_CLOSED;
}

struct http_event http1_refused(struct http1 *conn, enum reason reason)
{
    conn->state = HTTP1_REFUSED;
    conn->reason = (uint16_t)reason;
    conn->keep_alive = false;
    return (struct http_event){ .kind = HTTP_EVENT_REFUSED, .reason = reason };
}

void http1_refuse(struct http1 *conn, enum reason reason)
{
    if (conn->state != HTTP1_CLOSED && conn->state != HTTP1_TUNNEL)
        (void)http1_refused(conn, reason);
}

/* Past the limit of what is being read. */
static enum reason too_long(const struct http1 *conn)
{
    return conn->state == HTTP1_LINE ? REASON_HTTP_TARGET_TOO_LONG : REASON_HTTP_FIELDS_TOO_LARGE;
}

static bool has_room(struct http1 *conn, const struct http1_room *room)
{
    if (conn->state == HTTP1_LINE)
        return room->bytes.len < (size_t)conn->limits->target + LINE_EXTRA;
    return ++conn->field_bytes <= conn->limits->field_bytes;
}

enum reason http1_take_line_byte(struct http1 *conn, struct http1_room *room, uint8_t byte)
{
    /* RFC 9112 2.2 lets a recipient take a bare LF for a line's end.  Whoever does reads
       other lines than whoever does not. */
    if ((byte == '\n') != conn->after_cr)
        return REASON_HTTP_LINE_ENDING;
    conn->after_cr = byte == '\r';
    if ((byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n') || byte > 0x7e)
        return REASON_HTTP_CHARACTER;
    if (!has_room(conn, room))
        return too_long(conn);
    if (room->bytes.len == room->bytes.cap)
        return too_long(conn);
    room->bytes.at[room->bytes.len++] = byte; /* once a byte: no call */
    return REASON_OK;
}

/* The line that has just ended, without its CR LF. */
struct span http1_take_line(struct http1_room *room)
{
    struct cursor whole = cur_over(sink_bytes(&room->bytes));
    struct span line = { 0 };
    if (!cur_skip(&whole, room->line) || !cur_take(&whole, room->bytes.len - room->line - 2, &line))
        line = (struct span){ 0 };
    room->line = room->bytes.len;
    return line;
}

/* Takes a word and the one space after it. */
static bool take_word(struct cursor *in, struct span *word)
{
    size_t mark = cur_offset(in);
    uint8_t c;
    while (cur_peek(in, &c) && c != ' ')
        (void)!cur_skip(in, 1);
    *word = cur_since(in, mark);
    return word->len > 0 && cur_skip(in, 1);
}

static enum reason read_version(struct http1 *conn, struct http_request *request, struct span text)
{
    if (span_equal_text(text, "HTTP/1.1"))
        request->version = HTTP_1_1;
    else if (span_equal_text(text, "HTTP/1.0"))
        request->version = HTTP_1_0;
    else if (text.len == 8 && span_equal_text(span_of(text.at, 5), "HTTP/"))
        return REASON_HTTP_VERSION_UNSUPPORTED;
    else
        return REASON_HTTP_REQUEST_LINE;
    conn->old = request->version == HTTP_1_0;
    return REASON_OK;
}

/* absolute-form: the authority stands in the target as well, and Host must say the same. */
static enum reason read_absolute(struct cursor *in, struct http_request *request)
{
    struct span scheme;
    size_t len = cur_left(in) >= 8 && http_equal_fold(span_of(in->at, 8), "https://") ? 8 : 7;
    if (!cur_take(in, len, &scheme) || (len == 7 && !http_equal_fold(scheme, "http://")))
        return REASON_HTTP_TARGET_INVALID;
    size_t mark = cur_offset(in);
    uint8_t c;
    while (cur_peek(in, &c) && c != '/' && c != '?')
        (void)!cur_skip(in, 1);
    request->authority = cur_since(in, mark);
    return http_authority_is_valid(request->authority) ? REASON_OK : REASON_HTTP_HOST_INVALID;
}

/* The path as it stands when nothing in it is escaped, else decoded behind it in the room. */
static bool keep_path(struct http1_room *room, struct span raw, struct span *path)
{
    size_t before = room->bytes.len;
    if (!http_path_decode(raw, &room->bytes))
        return false;
    struct cursor whole = cur_over(sink_bytes(&room->bytes));
    if (!cur_skip(&whole, before))
        return false;
    *path = cur_rest(&whole);
    room->line = room->bytes.len;
    return true;
}

static enum reason read_target(struct http1 *conn, struct http1_room *room, struct span target)
{
    struct http_request *request = &room->request;
    struct cursor in = cur_over(target);
    uint8_t c;
    if (target.len > conn->limits->target)
        return REASON_HTTP_TARGET_TOO_LONG;
    if (request->method == HTTP_METHOD_OPTIONS && span_equal_text(target, "*")) {
        request->path = request->target = target;
        return REASON_OK;
    }
    if (cur_peek(&in, &c) && c != '/') {
        enum reason reason = read_absolute(&in, request);
        if (reason != REASON_OK)
            return reason;
    }
    size_t mark = cur_offset(&in);
    request->target = cur_rest(&in);
    while (cur_peek(&in, &c) && c != '?')
        (void)!cur_skip(&in, 1);
    struct span raw = cur_since(&in, mark);
    if (cur_skip(&in, 1))
        request->query = cur_rest(&in);
    if (raw.len == 0) /* http://host and http://host?query */
        raw = span_text("/");
    return http_query_is_valid(request->query) && keep_path(room, raw, &request->path)
               ? REASON_OK
               : REASON_HTTP_TARGET_INVALID;
}

static enum reason read_request_line(struct http1 *conn, struct http1_room *room)
{
    struct cursor in = cur_over(http1_take_line(room));
    struct span method, target;
    if (!take_word(&in, &method) || !http_is_token(method) || !take_word(&in, &target))
        return REASON_HTTP_REQUEST_LINE;
    enum reason reason = read_version(conn, &room->request, cur_rest(&in));
    if (reason != REASON_OK)
        return reason;
    room->request.method = http_method_find(method);
    if (room->request.method == HTTP_METHOD_NONE)
        return REASON_HTTP_METHOD_UNKNOWN;
    conn->head_method = room->request.method == HTTP_METHOD_HEAD;
    return read_target(conn, room, target);
}

/* Names are compared without regard to case everywhere, so they are kept in one. */
static void fold_name(struct http1_room *room, struct span line, size_t len)
{
    size_t at = room->bytes.len - line.len - 2;
    for (size_t i = at; i < at + len; i++) {
        if (room->bytes.at[i] >= 'A' && room->bytes.at[i] <= 'Z')
            room->bytes.at[i] |= 0x20;
    }
}

enum reason http1_read_field(struct http1 *conn, struct http1_room *room, struct span line)
{
    (void)conn;
    struct cursor in = cur_over(line);
    struct http_field field;
    uint8_t c;
    /* RFC 9112 5.2: obs-fold, and white space between start-line and first field (2.2). */
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return REASON_HTTP_FIELD_FOLDED;
    while (cur_peek(&in, &c) && c != ':')
        (void)!cur_skip(&in, 1);
    field.name = cur_since(&in, 0);
    /* RFC 9112 5.1: "No whitespace is allowed between the field name and colon": a space is
       no character of a token. */
    if (!http_is_token(field.name) || !cur_skip(&in, 1))
        return REASON_HTTP_FIELD_NAME;
    field.value = http_trim(cur_rest(&in));
    size_t count = room->request.field_count + room->request.trailer_count;
    if (count >= room->fields_cap)
        return REASON_HTTP_FIELDS_TOO_LARGE;
    fold_name(room, line, field.name.len);
    room->fields[count] = field;
    return REASON_OK;
}

static enum reason end_line(struct http1 *conn, struct http1_room *room)
{
    if (conn->state == HTTP1_LINE) {
        /* RFC 9112 2.2: an empty line before a request is to be ignored.  One. */
        if (room->bytes.len == 2 && !conn->blank_line && !conn->client) {
            conn->blank_line = true;
            sink_cut(&room->bytes, 0);
            return REASON_OK;
        }
        conn->state = HTTP1_FIELDS;
        return conn->client ? http1_read_status_line(conn, room, http1_take_line(room))
                            : read_request_line(conn, room);
    }
    struct span line = http1_take_line(room);
    room->request.fields = room->fields; /* also for whoever looks at a head that is refused */
    if (line.len == 0) {
        conn->state = HTTP1_DECIDE;
        return conn->client ? http1_judge_answer(conn, room) : http1_judge(conn, room);
    }
    enum reason reason = http1_read_field(conn, room, line);
    room->request.field_count += reason == REASON_OK;
    return reason;
}

static struct http_event next_head(struct http1 *conn, struct http1_room *room, struct cursor *in)
{
    uint8_t byte;
    while (cur_u8(in, &byte)) {
        if (conn->state == HTTP1_IDLE)
            conn->state = HTTP1_LINE;
        enum reason reason = http1_take_line_byte(conn, room, byte);
        if (reason == REASON_OK && byte == '\n')
            reason = end_line(conn, room);
        if (reason != REASON_OK)
            return http1_refused(conn, reason);
        if (conn->state == HTTP1_DECIDE || conn->state == HTTP1_TUNNEL)
            return (struct http_event){ .kind = HTTP_EVENT_HEAD };
    }
    return (struct http_event){ 0 };
}

struct http_event http1_next(struct http1 *conn, struct http1_room *room, struct cursor *in)
{
    switch ((enum http1_state)conn->state) {
    case HTTP1_IDLE:
    case HTTP1_LINE:
    case HTTP1_FIELDS:
        return next_head(conn, room, in);
    case HTTP1_BODY:
    case HTTP1_CHUNK_SIZE:
    case HTTP1_CHUNK_DATA:
    case HTTP1_CHUNK_END:
    case HTTP1_TRAILERS:
        return http1_next_body(conn, room, in);
    case HTTP1_REFUSED:
        return http1_refused(conn, (enum reason)conn->reason);
    case HTTP1_CLOSED:
        return (struct http_event){ .kind = HTTP_EVENT_CLOSED };
    case HTTP1_DECIDE:
    case HTTP1_ANSWER:
    case HTTP1_TUNNEL:
    default:
        return (struct http_event){ 0 };
    }
}

struct http_event http1_end(struct http1 *conn)
{
    switch ((enum http1_state)conn->state) {
    case HTTP1_IDLE:
    case HTTP1_TUNNEL:
    case HTTP1_CLOSED:
        conn->state = HTTP1_CLOSED;
        return (struct http_event){ .kind = HTTP_EVENT_CLOSED };
    case HTTP1_DECIDE:
        if (conn->chunked || conn->body_left > 0)
            return http1_refused(conn, REASON_HTTP_TRUNCATED);
        conn->keep_alive = false;
        return (struct http_event){ 0 };
    case HTTP1_ANSWER:
        conn->keep_alive = false;
        return (struct http_event){ 0 };
    case HTTP1_REFUSED:
        return http1_refused(conn, (enum reason)conn->reason);
    case HTTP1_BODY:
        if (conn->body_to_close) {
            conn->state = HTTP1_CLOSED;
            return (struct http_event){ .kind = HTTP_EVENT_DONE };
        }
        return http1_refused(conn, REASON_HTTP_TRUNCATED);
    case HTTP1_LINE:
    case HTTP1_FIELDS:
    case HTTP1_CHUNK_SIZE:
    case HTTP1_CHUNK_DATA:
    case HTTP1_CHUNK_END:
    case HTTP1_TRAILERS:
    default:
        return http1_refused(conn, REASON_HTTP_TRUNCATED);
    }
}
