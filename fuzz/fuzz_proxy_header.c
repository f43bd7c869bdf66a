/* fuzz_proxy_header.c - any bytes as the header of an edge: what is whole is as long as it said at
   its beginning, no beginning of it is, and a byte more is too much. */
#include <stdlib.h>
#include <string.h>

#include "codec/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t longer[PROXY_HEADER_MAX + 1];
    struct proxy_header header, other;
    size_t wanted = 0, again = 0;
    enum proxy_step step = proxy_header_read(span_of(data, size), &header, &wanted);
    if (step == PROXY_MORE)
        must(wanted > size && wanted <= PROXY_HEADER_MAX);
    if (step != PROXY_WHOLE)
        return 0;
    must(size == wanted && size >= PROXY_HEAD);
    for (size_t len = 0; len < size; len++)
        must(proxy_header_read(span_of(data, len), &other, &again) == PROXY_MORE && again > len);
    memcpy(longer, data, size);
    must(proxy_header_read(span_of(longer, size + 1), &other, &again) == PROXY_BAD);
    return 0;
}
