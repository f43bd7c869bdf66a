/* fuzz_job_refused.c - any bytes as what a run says of a refusal: what is read is written the same,
   and has nothing that a terminal would do. */
#include "job/refused.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] == 0x7f)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[JOB_REFUSED_MAX];
    struct sink out = sink_over(again, sizeof again);
    struct job_refused row;
    if (!job_refused_read(span_of(data, size), &row))
        return 0;
    check_text(row.rule);
    check_text(row.words);
    check_text(row.change);
    job_refused_write(&out, &row);
    if (!sink_ok(&out) || out.len != size || memcmp(again, data, size) != 0)
        abort();
    return 0;
}
