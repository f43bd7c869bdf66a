/* reach_bench.h - what the tests of reach share: a specification in few words, and what may be
   reached by it. */
#ifndef WARD_TESTS_JOB_REACH_BENCH_H
#define WARD_TESTS_JOB_REACH_BENCH_H

#include "job/reach.h"
#include "test.h"

#define DIGEST    "sha256:000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define START     "image = '" DIGEST "'\ncommand = ['a']\n"
#define WHITELIST "[resources.network_whitelist]\n"
#define NETWORK   "[sandbox_config.network_policy]\n"

static struct arena arena;
static struct job_spec spec;

static inline int start(void **state)
{
    (void)state;
    arena_init(&arena, 32 << 20);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static inline struct reach reach_of(const char *toml)
{
    static struct toml_problems problems;
    struct reach reach;
    assert_true(job_spec_load(span_text(toml), &arena, &spec, &problems));
    assert_true(reach_make(&spec, &arena, &reach));
    assert_true(reach_is_sound(&reach));
    return reach;
}

static inline struct address address_at(const char *text)
{
    struct address address;
    if (!address_parse(span_text(text), &address))
        fail_msg("\"%s\" is no address", text);
    return address;
}

#endif
