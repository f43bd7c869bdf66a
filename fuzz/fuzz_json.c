/* fuzz_json.c - an accepted text has its values inside it, its names differ, and written again
   it reads as the same values; a refused one says where. */
#include <stdlib.h>

#include "codec/json.h"
#include "codec/json_write.h"

enum { NODES = 4096, ROOM = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* A string of the text, unescaped. */
static struct span unescaped(const struct json *json, uint32_t node, bool key)
{
    static uint8_t room[ROOM];
    struct sink out = sink_over(room, sizeof room);
    must(key ? json_key_copy(json, node, &out) : json_string_copy(json, node, &out));
    return sink_bytes(&out);
}

static void write_node(struct json_writer *writer, const struct json *json, uint32_t node)
{
    enum json_type type = json_type(json, node);
    struct span raw;
    bool value;
    if (json_key(json, node, &raw))
        json_put_key_span(writer, unescaped(json, node, true));
    if (type == JSON_OBJECT || type == JSON_ARRAY) {
        (type == JSON_OBJECT ? json_begin_object : json_begin_array)(writer);
        for (uint32_t n = json_first(json, node); n != JSON_NONE; n = json_next(json, n))
            write_node(writer, json, n);
        (type == JSON_OBJECT ? json_end_object : json_end_array)(writer);
    } else if (type == JSON_STRING) {
        json_put_span(writer, unescaped(json, node, false));
    } else if (json_bool(json, node, &value)) {
        json_put_bool(writer, value);
    } else if (type == JSON_NULL) {
        json_put_null(writer);
    } else {
        json_put_raw(writer, json_raw(json, node));
    }
}

static void compare(const struct json *a, const struct json *b)
{
    must(a->count == b->count);
    for (uint32_t n = 0; n < a->count; n++) {
        must(json_type(a, n) == json_type(b, n) && json_next(a, n) == json_next(b, n));
        must(json_first(a, n) == json_first(b, n));
        must(span_inside(json_raw(a, n), a->text));
        if (json_type(a, n) == JSON_NUMBER)
            must(span_equal(json_raw(a, n), json_raw(b, n)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_node first[NODES], second[NODES];
    static uint8_t room[ROOM];
    struct json json, again;
    struct json_limits limits = { .depth = JSON_WRITE_DEPTH_MAX };
    struct json_error error = { SIZE_MAX, NULL };
    struct arena arena;
    arena_init(&arena, 48 * size + 4096);
    bool ok = json_parse_into(span_of(data, size), first, NODES, &limits, &json, &error);
    struct json other;
    struct json_error same = { SIZE_MAX, NULL };
    struct json_limits more = { .depth = JSON_WRITE_DEPTH_MAX, .nodes = NODES };
    must(json_parse(span_of(data, size), &arena, &more, &other, &same) == ok);
    arena_fini(&arena);
    must(ok || (error.what != NULL && error.offset <= size && same.offset == error.offset));
    if (!ok)
        return 0;
    struct sink out = sink_over(room, sizeof room);
    struct json_writer writer = json_write_to(&out, (unsigned)(size % 3));
    write_node(&writer, &json, 0);
    if (!sink_ok(&out))
        return 0;
    must(json_write_ok(&writer));
    must(json_parse_into(sink_bytes(&out), second, NODES, &limits, &again, NULL));
    compare(&json, &again);
    return 0;
}
