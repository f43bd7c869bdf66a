/* fuzz_toml.c - a text is refused with a place and a word, or its tree is whole: every key is
   found again, every count is right, and what is written of it reads back. */
#include <stdlib.h>

#include "codec/toml.h"
#include "codec/toml_write.h"

enum { CEILING = 16 << 20, ROOM = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check(const struct toml_value *value, unsigned depth)
{
    size_t count = 0;
    struct toml_place place = toml_position(value);
    must(depth <= TOML_DEPTH_MAX + 1 && place.line > 0 && place.column > 0);
    must(toml_type_of(value) >= TOML_TABLE && toml_type_of(value) <= TOML_TIME_LOCAL);
    for (const struct toml_value *v = toml_first(value); v != NULL; v = toml_next(v)) {
        if (toml_type_of(value) == TOML_TABLE)
            must(toml_table_get_span(value, toml_key(v)) == v);
        check(v, depth + 1);
        count++;
    }
    must(count == toml_length(value));
}

/* Written, read and written again it is the same text. */
static void check_written(const struct toml_value *root, struct arena *arena)
{
    static uint8_t first[ROOM], second[ROOM];
    struct sink out = sink_over(first, sizeof first);
    const struct toml_value *again = NULL;
    if (!toml_write(&out, root)) {
        must(!sink_ok(&out));
        return;
    }
    struct sink more = sink_over(second, sizeof second);
    struct toml_error error = { { 0 }, "" };
    if (!toml_parse(sink_bytes(&out), arena, NULL, &again, &error)) {
        must(span_equal_text(span_text(error.what), "out of memory"));
        return;
    }
    must(toml_write(&more, again) && span_equal(sink_bytes(&out), sink_bytes(&more)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct toml_error error = { { 0 }, NULL };
    const struct toml_value *root = NULL;
    arena_init(&arena, CEILING);
    if (toml_parse(span_of(data, size), &arena, NULL, &root, &error)) {
        check(root, 1);
        check_written(root, &arena);
    } else {
        must(root == NULL && error.what != NULL && error.place.line > 0 && error.place.column > 0);
    }
    arena_fini(&arena);
    return 0;
}
