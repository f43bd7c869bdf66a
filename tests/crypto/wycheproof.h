/* wycheproof.h - walks one Wycheproof file: every case is judged, none is left out. */
#ifndef WARD_TESTS_CRYPTO_WYCHEPROOF_H
#define WARD_TESTS_CRYPTO_WYCHEPROOF_H

#include "codec/json.h"

#include "test.h"
#include "vectors.h"

enum { NODES_MAX = 64 * 1024, FIELD_MAX = 16 * 1024 };

/* One file while it is walked, and how many cases were seen of each kind. */
struct walk {
    const char *file;
    const void *suite; /* what the judge knows of the file */
    struct json json;
    size_t valid;
    size_t refused;
    size_t acceptable;
};

/* What the code says to one case. */
typedef bool judge_fn(struct walk *walk, uint32_t group, uint32_t test);

/* The bytes of a hex field; the room is the caller's. */
static inline struct span field(const struct json *json, uint32_t node, uint8_t room[FIELD_MAX])
{
    struct span text;
    if (!json_string(json, node, &text))
        fail_msg("a field is no plain string");
    assert_true(text.len <= 2 * (size_t)FIELD_MAX);
    if (!json_hex(json, node, room, text.len / 2))
        fail_msg("a field is no hex");
    return span_of(room, text.len / 2);
}

/* The same, by name. */
static inline struct span field_of(const struct json *json, uint32_t object, const char *name,
                                   uint8_t room[FIELD_MAX])
{
    return field(json, json_member(json, object, name), room);
}

static inline void walk_test(struct walk *walk, uint32_t group, uint32_t test, judge_fn *judge)
{
    uint64_t id = 0;
    uint32_t result = json_member(&walk->json, test, "result");
    bool want = json_equal_text(&walk->json, result, "valid");
    bool either = json_equal_text(&walk->json, result, "acceptable");
    assert_true(want || either || json_equal_text(&walk->json, result, "invalid"));
    assert_true(json_u64(&walk->json, json_member(&walk->json, test, "tcId"), 100000, &id));
    bool got = judge(walk, group, test);
    if (got != want && !either)
        fail_msg("%s: case %u should be %s", walk->file, (unsigned)id, want ? "valid" : "invalid");
    walk->valid += want;
    walk->refused += !want && !either;
    walk->acceptable += either;
}

/* Walks the file and insists on this many cases at least that are valid, and that are not. */
static inline void walk_file(const char *file, const void *suite, judge_fn *judge,
                             const size_t at_least[2])
{
    vectors_required();
    struct walk walk = { .file = file, .suite = suite };
    struct arena arena;
    arena_init(&arena, 8 << 20);
    struct span text = vectors_read(file);
    const struct json_limits limits = { .nodes = NODES_MAX };
    if (!json_parse(text, &arena, &limits, &walk.json, NULL))
        fail_msg("%s is not read", file);
    uint32_t groups = json_member(&walk.json, 0, "testGroups");
    for (uint32_t g = json_first(&walk.json, groups); g != JSON_NONE;
         g = json_next(&walk.json, g)) {
        uint32_t tests = json_member(&walk.json, g, "tests");
        for (uint32_t t = json_first(&walk.json, tests); t != JSON_NONE;
             t = json_next(&walk.json, t))
            walk_test(&walk, g, t, judge);
    }
    uint64_t count = 0;
    assert_true(json_u64(&walk.json, json_member(&walk.json, 0, "numberOfTests"), 100000, &count));
    assert_int_equal(walk.valid + walk.refused + walk.acceptable, count);
    assert_true(walk.valid >= at_least[0] && walk.refused + walk.acceptable >= at_least[1]);
    vectors_free(&text);
    arena_fini(&arena);
}

#endif
