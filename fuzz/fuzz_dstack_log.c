/* fuzz_dstack_log.c - any bytes behind a bracket as a dstack JSON log. */
#include "attest/dstack_log.h"
#include "eventlog_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '[')
        fuzz_log(span_of(data, size));
    return 0;
}
