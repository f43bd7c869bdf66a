/* h2_request.c - a decoded header block into the request that HTTP/1.1 would have given. */
#include <string.h>

#include "base/cursor.h"
#include "http/h2_private.h"

enum { BLOCK_FIRST = 512, LENGTHS = 8 };

static bool grow(struct h2 *conn, struct h2_block *block, size_t need)
{
    size_t cap = block->cap > 0 ? block->cap : BLOCK_FIRST;
    while (cap < need)
        cap *= 2;
    if (cap == block->cap)
        return true;
    uint8_t *bytes = heap_resize(&conn->heap, block->bytes, cap);
    if (bytes == NULL)
        return false;
    block->bytes = bytes;
    block->cap = cap;
    return true;
}

enum reason h2_block_add(struct h2 *conn, struct h2_block *block, struct span name,
                         struct span value)
{
    const struct http_limits *limits = &conn->server->limits->http;
    bool pseudo = name.len > 0 && name.at[0] == ':';
    size_t len = name.len + value.len;
    block->expanded += len;
    if (pseudo && value.len > limits->target)
        return REASON_HTTP_TARGET_TOO_LONG;
    block->count += !pseudo;
    if (block->count > limits->fields || block->expanded > limits->field_bytes + limits->target)
        return REASON_HTTP_FIELDS_TOO_LARGE;
    struct span token = pseudo ? span_of(&name.at[1], name.len - 1) : name;
    if (!http_is_token(token))
        return REASON_HTTP_FIELD_NAME;
    if (!http_is_value(value))
        return REASON_HTTP_CHARACTER;
    if (!grow(conn, block, block->len + LENGTHS + len))
        return REASON_OUT_OF_MEMORY;
    struct sink out = sink_over(block->bytes, block->cap);
    out.len = block->len;
    sink_u32le(&out, (uint32_t)name.len);
    sink_u32le(&out, (uint32_t)value.len);
    sink_put(&out, name);
    sink_put(&out, value);
    block->len = out.len;
    return REASON_OK;
}

static bool next_field(struct cursor *in, struct http_field *out)
{
    uint32_t name, value;
    return cur_u32le(in, &name) && cur_u32le(in, &value) && cur_take(in, name, &out->name) &&
           cur_take(in, value, &out->value);
}

/* The fields of a block that are no pseudo-fields, as an array. */
static struct http_field *fields_of(struct h2 *conn, const struct h2_block *block)
{
    struct cursor in = cur_over(span_of(block->bytes, block->len));
    struct http_field *fields = heap_take(&conn->heap, block->count * sizeof *fields), field;
    size_t count = 0;
    while (fields != NULL && next_field(&in, &field)) {
        if (field.name.at[0] == ':' || count == block->count)
            continue;
        field.value = http_trim(field.value);
        fields[count++] = field;
    }
    return fields;
}

static struct span pseudo_of(const struct h2_block *block, const char *name)
{
    struct cursor in = cur_over(span_of(block->bytes, block->len));
    struct http_field field;
    while (next_field(&in, &field)) {
        if (span_equal_text(field.name, name))
            return field.value;
    }
    return (struct span){ 0 };
}

static enum reason read_path(struct h2_stream *stream, struct span target)
{
    struct cursor in = cur_over(target);
    struct http_request *request = &stream->request;
    uint8_t c;
    request->target = target;
    if (request->method == HTTP_METHOD_OPTIONS && span_equal_text(target, "*")) {
        request->path = target;
        return REASON_OK;
    }
    if (!cur_peek(&in, &c) || c != '/')
        return REASON_HTTP_TARGET_INVALID;
    while (cur_peek(&in, &c) && c != '?')
        (void)!cur_skip(&in, 1);
    struct span raw = cur_since(&in, 0);
    if (cur_skip(&in, 1))
        request->query = cur_rest(&in);
    stream->path = heap_take(&stream->conn->heap, raw.len);
    if (stream->path == NULL)
        return REASON_OUT_OF_MEMORY;
    struct sink path = sink_over(stream->path, raw.len);
    if (!http_query_is_valid(request->query) || !http_path_decode(raw, &path))
        return REASON_HTTP_TARGET_INVALID;
    request->path = sink_bytes(&path);
    return REASON_OK;
}

/* RFC 9113 8.3.1: :authority, or Host where there is none; both must say the same. */
static enum reason read_authority(struct h2_stream *stream)
{
    struct http_request *request = &stream->request;
    struct span host;
    request->authority = pseudo_of(&stream->head, ":authority");
    if (http_field_find(request->fields, request->field_count, "host", &host)) {
        if (request->authority.len > 0 && !span_equal(host, request->authority))
            return REASON_HTTP_HOST_MISMATCH;
        request->authority = host;
    }
    if (request->authority.len == 0)
        return REASON_HTTP_HOST_MISSING;
    return http_authority_is_valid(request->authority) ? REASON_OK : REASON_HTTP_HOST_INVALID;
}

enum reason h2_read_head(struct h2_stream *stream)
{
    struct http_request *request = &stream->request;
    bool has_body = request->has_body;
    stream->fields = fields_of(stream->conn, &stream->head);
    if (stream->fields == NULL)
        return REASON_OUT_OF_MEMORY;
    request->fields = stream->fields;
    request->field_count = stream->head.count;
    request->version = HTTP_2;
    request->keep_alive = true;
    request->method = http_method_find(pseudo_of(&stream->head, ":method"));
    if (request->method == HTTP_METHOD_NONE)
        return REASON_HTTP_METHOD_UNKNOWN;
    enum reason reason = http_fields_judge(request);
    request->has_body = has_body;
    if (reason == REASON_OK)
        reason = read_path(stream, pseudo_of(&stream->head, ":path"));
    return reason == REASON_OK ? read_authority(stream) : reason;
}

enum reason h2_read_tail(struct h2_stream *stream)
{
    stream->trailers = fields_of(stream->conn, &stream->tail);
    if (stream->trailers == NULL)
        return REASON_OUT_OF_MEMORY;
    stream->request.trailers = stream->trailers;
    stream->request.trailer_count = stream->tail.count;
    for (size_t i = 0; i < stream->tail.count; i++) {
        if (!http_may_trail(stream->trailers[i].name))
            return REASON_HTTP_TRAILER_INVALID;
    }
    return REASON_OK;
}
