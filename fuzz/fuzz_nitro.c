/* fuzz_nitro.c - any bytes as a Nitro document, under the pinned root: what is verified has
   passed every line, and nothing is claimed that no signature covers. */
#include <stdlib.h>

#include "attest/nitro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct trust_roots roots = { &aws_nitro_root, 1 };
    static const struct nitro_claims nothing;
    static struct crypto *crypto;
    static struct report report;
    static struct claims claims;
    static struct nitro_cache cache;
    if (crypto == NULL) {
        crypto = crypto_new();
        nitro_cache_remember(&cache, NITRO_CACHE_CA | NITRO_CACHE_LEAF);
    }
    struct nitro_input input = {
        .document = span_of(data, size), .roots = &roots, .now = 1766678659, .cache = &cache
    };
    nitro_verify(&input, crypto, &report, &claims);
    bool good = report_first_failure(&report) == CHECK_COUNT;
    if (!report_is_sound(&report) || claims.verified != good)
        abort();
    if (good && !report_passed(&report, CHECK_AN_9))
        abort();
    if (!report_passed(&report, CHECK_AN_9) &&
        (!bytes_equal(&claims.nitro, &nothing, sizeof nothing) || claims.hardware))
        abort();
    return 0;
}
