/* fuzz_ccel.c - any bytes as a CCEL log (JSON goes to the other reader: see fuzz_dstack_log). */
#include "eventlog_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_log(span_of(data, size));
    return 0;
}
