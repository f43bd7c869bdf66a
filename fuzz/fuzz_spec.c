/* fuzz_spec.c - any text as a job's specification: read or refused with a place; what is read can
   be said in words. */
#include <stdlib.h>

#include "job/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    } else if (problems.count == 0) {
        abort();
    }
    arena_fini(&arena);
    return 0;
}
