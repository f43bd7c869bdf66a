/* fuzz_channel_responder.c - the responder of an attested channel: any message in any state, among
   genuine ones. */
#include "channel_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_channel(span_of(data, size), ATTESTED_RESPONDER);
}
