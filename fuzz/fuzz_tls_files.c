/* fuzz_tls_files.c - the files of a listener's certificate and key: a chain that is read lies in
   what was decoded, is as long as it may be, and has a server's point; a key that is read is the
   same when it is read again.  And those of the CAs of clients, and of what is revoked: what is
   read lies in what was decoded, and no CA is a client. */
#include <stdlib.h>
#include <string.h>

#include "guard/client_certificate.h"
#include "guard/tls_chain.h"
#include "guard/tls_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

static void try_chain(struct span text)
{
    static uint8_t room[TLS_CHAIN_BYTES_MAX];
    struct sink der = sink_over(room, sizeof room);
    struct tls_chain chain = { 0 };
    if (!rc_ok(tls_chain_read(NULL, text, &der, &chain))) {
        insist(chain.count == 0);
        return;
    }
    insist(chain.count > 0 && chain.count <= TLS_CHAIN_MAX && chain.point.len == 65);
    for (size_t i = 0; i < chain.count; i++)
        insist(span_inside(chain.der[i], sink_bytes(&der)));
    rc now = tls_chain_judge_time(NULL, &chain, chain.validity.from);
    insist(rc_ok(now) || chain.validity.from > chain.validity.until);
}

static void try_key(struct span text)
{
    static uint8_t room[TLS_KEY_FILE_MAX];
    uint8_t scalars[2][KEY_PRIVATE] = { { 0 } };
    for (size_t i = 0; i < 2; i++) {
        struct sink der = sink_over(room, sizeof room);
        if (!rc_ok(tls_key_read(NULL, text, &der, scalars[i])))
            insist(bytes_are_zero(scalars[i], KEY_PRIVATE));
    }
    insist(bytes_equal(scalars[0], scalars[1], KEY_PRIVATE));
}

static void try_cas(struct span text)
{
    static uint8_t room[CLIENT_CRL_FILE_MAX];
    struct sink der = sink_over(room, sizeof room);
    struct client_files files = { 0 };
    struct x509_cert own;
    int64_t until;
    if (client_cas_read(text, &der, &files)) {
        insist(files.count > 0 && files.count <= CLIENT_CAS_MAX);
        for (size_t i = 0; i < files.count; i++)
            insist(span_inside(files.der[i], sink_bytes(&der)));
        insist(client_chain_judge(files.der, files.count, &own, &until) == REASON_TLS_CLIENT_USE);
    }
    der.len = 0;
    if (client_crls_read(text, &der, &files)) {
        for (size_t i = 0; i < files.count; i++)
            insist(span_inside(files.der[i], sink_bytes(&der)));
    }
}

/* The same bytes as a certificate: whoever it is, it is not two. */
static void try_names(struct span der)
{
    struct x509_cert cert;
    int64_t until = 0;
    const struct span chain[] = { der, der };
    if (!x509_parse(der, &cert))
        return;
    insist(client_chain_judge(chain, 2, &cert, &until) != REASON_OK);
    insist(!client_has_name(&cert, CLIENT_NAME_DNS, span_text("localhost")) ||
           cert.extensions.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_chain(span_of(data, size));
    try_key(span_of(data, size));
    try_cas(span_of(data, size));
    try_names(span_of(data, size));
    return 0;
}
