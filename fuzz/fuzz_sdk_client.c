/* fuzz_sdk_client.c - the client of profile sdk-v1: any frame in any state, among genuine ones. */
#include "sdk_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_sdk(span_of(data, size), SDK_CLIENT);
}
