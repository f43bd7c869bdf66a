/* fuzz_config.c - any text as ward.toml: read or refused with a reason; what is read is within
   its bounds, and written down and read again it is the same. */
#include <stdlib.h>

#include "proc/config.h"

enum { MEMORY_BYTES = 1 << 22, TEXT_BYTES = 256 * 1024 };

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

static void write_table(const struct config *config, const struct config_table *table,
                        struct sink *out)
{
    const void *row;
    for (size_t i = 0; (row = config_row(table, &config->settings, i)) != NULL; i++) {
        for (size_t k = 0; k < table->key_count; k++) {
            config_row_key_write(out, table, &table->keys[k], config_row_name(row));
            sink_text(out, " = ");
            config_value_write(out, &table->keys[k], row);
            sink_text(out, "\n");
        }
    }
}

/* All of it, as ward.toml would say it. */
static struct span write_all(const struct config *config, struct sink out)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        sink_text(&out, keys[i].name);
        sink_text(&out, " = ");
        config_value_write(&out, &keys[i], &config->settings);
        sink_text(&out, "\n");
    }
    for (size_t i = 0; i < CONFIG_TABLES; i++)
        write_table(config, config_table_at(i), &out);
    if (!sink_ok(&out))
        abort();
    return sink_bytes(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config first, second;
    static char texts[2][TEXT_BYTES];
    if (!read_one(span_of(data, size), &first))
        return 0;
    struct span text = write_all(&first, sink_over(texts[0], TEXT_BYTES));
    if (!read_one(text, &second) ||
        !span_equal(text, write_all(&second, sink_over(texts[1], TEXT_BYTES))))
        abort();
    return 0;
}
