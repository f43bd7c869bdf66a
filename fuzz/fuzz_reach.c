/* fuzz_reach.c - a specification, and names and addresses after it, one a line: nobody is reached
   who is not listed, no name leads inside, and two names never have one address. */
#include <stdlib.h>
#include <string.h>

#include "codec/host_name.h"
#include "job/reach.h"
#include "model/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void ask(struct reach *reach, struct span text)
{
    static char words[4096];
    uint8_t room[16];
    struct address address;
    enum reach_rule why;
    struct reach_refusal refusal = { .name = text, .other = text, .port = { 443, false } };
    const struct reach_name *name = reach_find_name(reach, text, &why);
    if (name != NULL) {
        must(host_is_same(name->name, text) && host_is_name(text) && name->number > 0);
        struct address v4 = address_of_v4(reach_v4(name, room).at);
        must(reach_by_address(reach, &v4) == name);
        struct address v6 = address_of_v6(reach_v6(name, room).at);
        must(reach_by_address(reach, &v6) == name);
    }
    if (address_parse(text, &address)) {
        name = reach_by_address(reach, &address);
        must(name == NULL || !address_is_loopback(&address));
        must(!reach_leads(reach, &address, &refusal.port) ||
             address_place(&address, NULL) == PLACE_OUTWARD || (name != NULL && name->number == 0));
        refusal.address = address;
    }
    for (unsigned rule = 0; rule < REACH_RULES; rule++) {
        struct sink out = sink_over(words, sizeof words);
        refusal.rule = (enum reach_rule)rule;
        reach_write_rule(&out, reach, &refusal);
        reach_write_change(&out, reach, &refusal);
        must(sink_ok(&out));
        for (size_t i = 0; i < out.len; i++)
            must(out.at[i] >= ' ' && out.at[i] < 0x7f);
    }
    must(reach_is_sound(reach));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n---\n";
    static struct toml_problems problems;
    const uint8_t *cut = size == 0 ? NULL : memmem(data, size, mark, sizeof mark - 1);
    size_t len = cut == NULL ? size : (size_t)(cut - data);
    struct span rest = cut == NULL ? (struct span){ 0 }
                                   : span_of(cut + sizeof mark - 1, size - len - sizeof mark + 1);
    struct arena arena;
    struct job_spec spec;
    struct reach reach;
    arena_init(&arena, 1 << 24);
    if (job_spec_load(span_of(data, len), &arena, &spec, &problems) &&
        reach_make(&spec, &arena, &reach)) {
        must(reach_is_sound(&reach));
        while (rest.len > 0) {
            const uint8_t *end = memchr(rest.at, '\n', rest.len);
            size_t line = end == NULL ? rest.len : (size_t)(end - rest.at);
            ask(&reach, span_of(rest.at, line));
            line += end == NULL ? 0 : 1;
            rest = span_of(rest.at + line, rest.len - line);
        }
    }
    arena_fini(&arena);
    return 0;
}
