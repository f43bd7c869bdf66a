/* fuzz_address.c - an address or network that is read is sound, and what we write of it is
   read again as the same one. */
#include <stdlib.h>

#include "model/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t text[ADDRESS_TEXT_ROOM];
    struct address address, back;
    struct network network, again;
    if (address_parse(span_of(data, size), &address)) {
        struct sink out = sink_over(text, sizeof text);
        address_write(&out, &address);
        if (!sink_ok(&out) || !address_parse(sink_bytes(&out), &back) ||
            !address_equal(&address, &back))
            abort();
    }
    if (network_parse(span_of(data, size), &network)) {
        struct sink out = sink_over(text, sizeof text);
        network_write(&out, &network);
        if (!network_is_sound(&network) || !sink_ok(&out) ||
            !network_parse(sink_bytes(&out), &again) || again.bits != network.bits ||
            !address_equal(&again.base, &network.base))
            abort();
    }
    return 0;
}
