/* fuzz_pck_extension.c - any bytes as the SGX extension of a PCK certificate, and as a
   certificate that carries one: accepted for one kind of CA, never for both. */
#include <stdlib.h>

#include "attest/pck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *platform, const char *processor, const struct pck_claims *claims)
{
    /* Instance id and configuration are there, or they are not. */
    if (platform == NULL && processor == NULL)
        abort();
    if (platform == NULL && !claims->platform_ca)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_of(data, size);
    struct pck_claims claims = { 0 }, other = { 0 };
    struct x509_cert cert;
    const char *platform = pck_extension_parse(bytes, true, &claims);
    check(platform, pck_extension_parse(bytes, false, &other), &claims);
    if (!x509_parse(bytes, &cert))
        return 0;
    claims = (struct pck_claims){ 0 };
    platform = pck_extension_read(&cert, true, &claims);
    check(platform, pck_extension_read(&cert, false, &other), &claims);
    return 0;
}
