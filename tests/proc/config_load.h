/* config_load.h - for tests of the tables of ward.toml: settings that are read from where a test
   says, and whether what was read is sound. */
#ifndef WARD_TESTS_PROC_CONFIG_LOAD_H
#define WARD_TESTS_PROC_CONFIG_LOAD_H

#include "test.h"

#include "proc/config.h"

static struct config config;
static struct config_problems problems;

static bool load(struct config_inputs inputs)
{
    struct arena arena;
    inputs.folder = "/srv/here";
    inputs.file_folder = "/etc/ward";
    arena_init(&arena, 1 << 20);
    bool good = config_read(&inputs, &arena, &config, &problems);
    arena_fini(&arena);
    assert_int_equal(good, problems.count == 0);
    if (good)
        assert_true(config_is_sound(&config));
    return good;
}

static bool load_file(const char *text)
{
    return load((struct config_inputs){ .file = span_text(text) });
}

#endif
