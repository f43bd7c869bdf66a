/* fuzz_job_result.c - a result that is read has exactly the text that is written of it. */
#include <stdlib.h>

#include "codec/job_result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct job_result_room room;
    static uint8_t text[JOB_RESULT_MAX], memory[JOB_RESULT_TEXT_MAX];
    struct sink again = sink_over(text, sizeof text);
    struct job_result_signed whole;
    if (job_result_read(span_of(data, size), &room, &whole) != JOB_RESULT_READ)
        return 0;
    insist(job_result_is_good(&whole.result));
    job_result_write_input(&again, &whole.result, memory);
    insist(span_equal(sink_bytes(&again), whole.input));
    job_result_end(&again, whole.signature);
    insist(sink_ok(&again) && span_equal(sink_bytes(&again), span_of(data, size)));
    return 0;
}
