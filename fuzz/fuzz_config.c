/* fuzz_config.c - any text as ward.toml: read or refused with a reason; what is read is within
   its bounds, and written down and read again it is the same. */
#include <stdlib.h>
#include <string.h>

#include "proc/config.h"

enum { MEMORY_BYTES = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_one(struct span file, struct config *out)
{
    static struct config_problems problems;
    const struct config_inputs inputs = { .file = file, .file_folder = "/f", .folder = "/d" };
    struct arena arena;
    arena_init(&arena, MEMORY_BYTES);
    bool good = config_read(&inputs, &arena, out, &problems);
    if (good != (problems.count == 0) || (good && !config_is_sound(out)))
        abort();
    arena_fini(&arena);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config first, second;
    static char text[32 * 1024];
    size_t count;
    const struct config_key *keys = config_keys(&count);
    if (!read_one(span_of(data, size), &first))
        return 0;
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; i < count; i++) {
        sink_text(&out, keys[i].name);
        sink_text(&out, " = ");
        config_value_write(&out, &keys[i], &first.settings);
        sink_text(&out, "\n");
    }
    if (!sink_ok(&out) || !read_one(sink_bytes(&out), &second) ||
        memcmp(&first.settings, &second.settings, sizeof first.settings) != 0)
        abort();
    return 0;
}
