/* fuzz_time.c - an RFC 3339 text that is accepted lies in range, and what we print of it is
   accepted again as the same instant. */
#include <stdlib.h>

#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t at;
    if (!time_parse_rfc3339(span_of(data, size), &at))
        return 0;
    uint8_t text[64];
    struct sink out = sink_over(text, sizeof text);
    time_write(&out, at);
    int64_t back;
    if (at < TIME_MIN || at > TIME_MAX || !sink_ok(&out) ||
        !time_parse_rfc3339(sink_bytes(&out), &back) || back != at)
        abort();
    return 0;
}
