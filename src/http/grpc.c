/* grpc.c - see grpc.h. */
#include "http/grpc.h"

#include "codec/protobuf.h"

uint64_t grpc_body_limit(uint32_t limit)
{
    return (uint64_t)limit + GRPC_PREFIX;
}

/* The prefix is whole: a flag and a length. */
static enum reason begin_message(struct grpc_reader *reader)
{
    struct cursor in = cur_over(span_of(reader->prefix, GRPC_PREFIX));
    uint8_t flag;
    uint32_t len;
    if (!cur_u8(&in, &flag) || !cur_u32be(&in, &len) || flag > 1)
        return REASON_GRPC_FRAME;
    if (flag == 1)
        return REASON_GRPC_COMPRESSED;
    if (len > reader->limit)
        return REASON_HTTP_BODY_TOO_LARGE;
    reader->left = len;
    return REASON_OK;
}

/* Takes what belongs to the message that is coming. */
static enum reason take_part(struct grpc_reader *reader, struct cursor *in, struct sink *message)
{
    while (reader->have < GRPC_PREFIX && cur_u8(in, &reader->prefix[reader->have])) {
        if (++reader->have < GRPC_PREFIX)
            continue;
        enum reason reason = begin_message(reader);
        if (reason != REASON_OK)
            return reason;
    }
    struct span part;
    size_t len = cur_left(in) < reader->left ? cur_left(in) : reader->left;
    if (!cur_take(in, len, &part))
        return REASON_GRPC_FRAME;
    reader->left -= (uint32_t)len;
    sink_put(message, part);
    return sink_ok(message) ? REASON_OK : REASON_OUT_OF_MEMORY;
}

enum reason grpc_read(struct grpc_reader *reader, struct span bytes, struct sink *message)
{
    struct cursor in = cur_over(bytes);
    enum reason reason = take_part(reader, &in, message);
    if (reason != REASON_OK)
        return reason;
    return cur_end(&in) ? REASON_OK : REASON_GRPC_MESSAGE_COUNT;
}

enum reason grpc_take(struct grpc_reader *reader, struct cursor *in, struct sink *message,
                      bool *whole)
{
    enum reason reason = take_part(reader, in, message);
    *whole = reason == REASON_OK && reader->have == GRPC_PREFIX && reader->left == 0;
    if (*whole)
        reader->have = 0;
    return reason;
}

enum reason grpc_read_end(const struct grpc_reader *reader)
{
    if (reader->have == 0)
        return REASON_GRPC_MESSAGE_COUNT;
    return reader->have == GRPC_PREFIX && reader->left == 0 ? REASON_OK : REASON_GRPC_FRAME;
}

/* "Timeout -> 1*8DIGIT unit", as milliseconds rounded up: a deadline of a microsecond is not
   one of nothing. */
static bool read_timeout(struct span value, uint64_t *out)
{
    static const struct {
        char unit;
        uint64_t microseconds;
    } units[] = { { 'H', UINT64_C(3600000000) },
                  { 'M', 60000000 },
                  { 'S', 1000000 },
                  { 'm', 1000 },
                  { 'u', 1 } };
    uint64_t number = 0;
    if (value.len < 2 || value.len > 9)
        return false;
    for (size_t i = 0; i + 1 < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(value.at[i] - '0');
    }
    if (value.at[value.len - 1] == 'n') {
        *out = (number + 999999) / 1000000;
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (value.at[value.len - 1] == (uint8_t)units[i].unit) {
            *out = (number * units[i].microseconds + 999) / 1000;
            return true;
        }
    }
    return false;
}

enum reason grpc_judge(const struct http_request *request, const struct route *route,
                       uint32_t *deadline_ms)
{
    struct span value;
    uint64_t timeout = route->deadline_ms;
    if (request->version != HTTP_2)
        return REASON_HTTP_VERSION_UNSUPPORTED;
    if (http_field_find(request->fields, request->field_count, "grpc-encoding", &value) &&
        !span_equal_text(value, "identity"))
        return REASON_GRPC_COMPRESSED;
    if (http_field_find(request->fields, request->field_count, "grpc-timeout", &value) &&
        !read_timeout(value, &timeout))
        return REASON_GRPC_TIMEOUT_INVALID;
    *deadline_ms = timeout < route->deadline_ms ? (uint32_t)timeout : route->deadline_ms;
    return *deadline_ms == 0 ? REASON_GRPC_DEADLINE : REASON_OK;
}

size_t grpc_begin_message(struct sink *out)
{
    sink_zero(out, GRPC_PREFIX);
    return out->len;
}

void grpc_end_message(struct sink *out, size_t begun)
{
    if (!sink_ok(out))
        return;
    struct sink prefix = sink_over(&out->at[begun - 4], 4);
    sink_u32be(&prefix, (uint32_t)(out->len - begun));
}

bool grpc_write_message(const struct schema_message *message, const void *values, struct sink *out)
{
    size_t before = out->len;
    size_t begun = grpc_begin_message(out);
    if (!sink_ok(out) || !protobuf_write(message, values, out) || out->len - begun > UINT32_MAX) {
        sink_cut(out, before);
        return false;
    }
    grpc_end_message(out, begun);
    return true;
}

bool grpc_health(const struct router *router, struct span request, bool serving, bool *known,
                 struct sink *out)
{
    struct cursor in = cur_over(request);
    struct span service = { 0 };
    struct protobuf_field field;
    while (!cur_end(&in)) {
        if (!protobuf_take_field(&in, &field) || field.number != 1 || field.wire != PROTOBUF_BYTES)
            return false;
        service = field.bytes;
    }
    *known = service.len == 0;
    for (size_t i = 0; i < router->count; i++)
        *known = *known || span_equal(service, route_service(&router->routes[i]));
    if (*known)
        protobuf_put_number(out, 1, serving ? 1 : 2);
    return sink_ok(out);
}
