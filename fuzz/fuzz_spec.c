/* fuzz_spec.c - any text as a job's specification: read or refused with a place; what is read can
   be said in words, and narrowed to what a run may have needed: that is within it, written and read
   again. */
#include <stdlib.h>

#include "job/learn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything that is allowed was met, or nothing, as the text's length has it. */
static void learn(const struct job_spec *given, struct arena *arena, size_t size)
{
    static uint8_t text[6 * JOB_SPEC_MAX + (64 << 10)];
    static const bool written[JOB_LIST_MAX];
    static struct learn_uses uses;
    static struct toml_problems problems;
    struct reach reach;
    struct learned learned;
    struct job_spec read;
    struct sink out = sink_over(text, sizeof text);
    uses = (struct learn_uses){ .more = size % 7 == 0 };
    if (!reach_make(given, arena, &reach))
        return;
    for (size_t i = 0; size % 2 == 0 && i < reach.name_count && reach.port_count > 0; i++) {
        const struct job_port port = reach.ports[i % reach.port_count];
        if (reach_allows(&reach, &reach.names[i], &port))
            (void)learn_uses_add(&uses, &reach.names[i], port);
    }
    const struct learn_seen seen = { .memory = size << (size % 40),
                                     .wall_ms = size << (size % 23),
                                     .disk = size << (size % 37),
                                     .disk_known = true,
                                     .output_known = true,
                                     .image_known = size % 3 == 0,
                                     .allowed_known = size % 5 != 0,
                                     .written = written,
                                     .uses = &uses,
                                     .reach = &reach };
    if (!learn_spec(given, &seen, arena, &learned))
        return;
    learn_write(&out, given, &seen, &learned, "");
    if (!sink_ok(&out) || !learn_is_within(&learned.spec, given))
        abort();
    if (out.len <= JOB_SPEC_MAX &&
        (!job_spec_load(sink_bytes(&out), arena, &read, &problems) ||
         !learn_is_within(&read, &learned.spec) || !learn_is_within(&learned.spec, &read)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t words[6 * JOB_SPEC_MAX + (64 << 10)];
    static struct toml_problems problems;
    struct sink out = sink_over(words, sizeof words);
    struct arena arena;
    struct job_spec spec;
    arena_init(&arena, 1 << 24);
    if (job_spec_load(span_of(data, size), &arena, &spec, &problems)) {
        job_spec_explain(&out, &spec);
        if (problems.count != 0 || !sink_ok(&out) || spec.command.count == 0 ||
            job_spec_denies(&spec, spec.command.items[0]) != NULL)
            abort();
        learn(&spec, &arena, size);
    } else if (problems.count == 0) {
        abort();
    }
    arena_fini(&arena);
    return 0;
}
