/* cases.c - see cases.h. */
#include "attest/cases.h"

#include <stdio.h>
#include <string.h>

#include "test.h"
#include "vectors.h"

void cases_open(struct cases *cases)
{
    vectors_required();
    struct json_error error = { 0 };
    *cases = (struct cases){ .bytes = vectors_read("attest/index.json") };
    arena_init(&cases->arena, 64 << 20);
    if (!json_parse(cases->bytes, &cases->arena, NULL, &cases->json, &error))
        fail_msg("attest/index.json at %zu: %s", error.offset, error.what);
    cases->list = json_member(&cases->json, 0, "cases");
    assert_int_equal(json_type(&cases->json, cases->list), JSON_ARRAY);
}

void cases_close(struct cases *cases)
{
    arena_fini(&cases->arena);
    vectors_free(&cases->bytes);
}

uint32_t cases_next(const struct cases *cases, uint32_t node, const char *kind)
{
    const struct json *json = &cases->json;
    node = node == JSON_NONE ? json_first(json, cases->list) : json_next(json, node);
    while (node != JSON_NONE && !json_equal_text(json, json_member(json, node, "kind"), kind))
        node = json_next(json, node);
    return node;
}

uint32_t cases_find(const struct cases *cases, const char *file)
{
    const struct json *json = &cases->json;
    for (uint32_t n = json_first(json, cases->list); n != JSON_NONE; n = json_next(json, n))
        if (json_equal_text(json, json_member(json, n, "file"), file))
            return n;
    fail_msg("the index has no case %s", file);
    return JSON_NONE;
}

const char *case_text(struct cases *cases, uint32_t node, const char *name)
{
    uint32_t member = json_member(&cases->json, node, name);
    size_t room = json_raw(&cases->json, member).len + 1;
    char *text = arena_alloc(&cases->arena, room);
    assert_non_null(text);
    struct sink out = sink_over(text, room - 1);
    return json_string_copy(&cases->json, member, &out) ? text : NULL;
}

struct span case_file(struct cases *cases, uint32_t node, const char *name)
{
    char path[1024];
    const char *file = case_text(cases, node, name);
    assert_non_null(file);
    int len = snprintf(path, sizeof path, "attest/%s", file);
    assert_in_range(len, 1, sizeof path - 1);
    return vectors_read(path);
}
