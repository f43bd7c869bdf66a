/* fuzz_x509.c - a certificate that is accepted is sound, and what was read of it, written
   again, is found in it byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "codec/der_write.h"
#include "codec/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

/* r || s is written in one form only: the signature must end the certificate as it is. */
static void check_signature(const struct x509_cert *cert)
{
    uint8_t bytes[160];
    struct sink out = sink_over(bytes, sizeof bytes);
    if (cert->algorithm == X509_ALG_OTHER)
        return;
    der_put_ecdsa_sig(&out,
                      span_of(cert->signature, cert->algorithm == X509_ECDSA_SHA256 ? 64 : 96));
    insist(sink_ok(&out) && out.len < cert->whole.len);
    const uint8_t *tail = cert->whole.at + (cert->whole.len - out.len);
    insist(span_equal(span_of(tail, out.len), sink_bytes(&out)));
}

static void check_inside(const struct x509_cert *cert)
{
    uint8_t bytes[128];
    struct sink out = sink_over(bytes, sizeof bytes);
    size_t mark = der_begin(&out, DER_SEQUENCE);
    der_put_time(&out, cert->validity.from);
    der_put_time(&out, cert->validity.until);
    der_end(&out, mark);
    insist(sink_ok(&out) && memmem(cert->tbs.at, cert->tbs.len, bytes, out.len) != NULL);
    out = sink_over(bytes, sizeof bytes);
    der_put_unsigned(&out, cert->serial);
    insist(sink_ok(&out) && memmem(cert->tbs.at, cert->tbs.len, bytes, out.len) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key_usage[] = { 0x55, 0x1d, 0x0f };
    struct x509_cert cert;
    struct span value;
    if (!x509_parse(span_of(data, size), &cert))
        return 0;
    insist(x509_is_sound(&cert) && cert.whole.len == size);
    check_signature(&cert);
    check_inside(&cert);
    insist(x509_extension(&cert, SPAN(key_usage), &value) == cert.has_key_usage);
    insist(x509_name_common_name(cert.subject, &value) == (cert.common_name.len > 0));
    return 0;
}
