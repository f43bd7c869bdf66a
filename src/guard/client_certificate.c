/* client_certificate.c - see client_certificate.h. */
#include "guard/client_certificate.h"

#include "base/number.h"
#include "codec/crl.h"
#include "codec/der.h"
#include "codec/host_name.h"
#include "codec/pem.h"
#include "guard/strength.h"

static const uint8_t client_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02 };

/* RFC 5280 4.2.1.3: keyCertSign, and 4.2.1.9: without cA a key "MUST NOT be used to verify
   certificate signatures".  What signed itself is believed for being there, not for its signature.
 */
static bool is_good_ca(const struct x509_cert *cert)
{
    bool signs = !cert->has_key_usage || (cert->key_usage & KEY_USAGE_CERT_SIGN) != 0;
    bool is_root = span_equal(cert->issuer, cert->subject);
    return cert->is_ca && signs && strength_of_key(cert) &&
           (is_root || strength_of_signature(cert));
}

/* One block more, of a label; what it decodes to. */
static bool next_block(struct cursor *in, const char *label, struct sink *der,
                       struct client_files *files, size_t most)
{
    struct span found;
    size_t mark = der->len;
    if (files->count == most || !pem_next(in, &found, der) || !span_equal_text(found, label))
        return false;
    files->der[files->count++] = span_of(der->at + mark, der->len - mark);
    return true;
}

bool client_cas_read(struct span pem, struct sink *der, struct client_files *out)
{
    struct cursor in = cur_over(pem);
    struct client_files files = { 0 };
    struct x509_cert cert;
    do {
        if (!next_block(&in, "CERTIFICATE", der, &files, CLIENT_CAS_MAX) ||
            !x509_parse(files.der[files.count - 1], &cert) || !is_good_ca(&cert))
            return false;
    } while (!cur_end(&in));
    *out = files;
    return true;
}

/* A delta names what changed, and an indirect list speaks of certificates of others: neither is
   looked at by whoever verifies, and so neither may be there. */
bool client_crls_read(struct span pem, struct sink *der, struct client_files *out)
{
    struct cursor in = cur_over(pem);
    struct client_files files = { 0 };
    struct crl crl;
    do {
        if (!next_block(&in, "X509 CRL", der, &files, CLIENT_CRLS_MAX) ||
            !crl_parse(files.der[files.count - 1], &crl) || !crl.has_next_update || crl.is_delta ||
            crl.is_indirect || crl.unknown_critical)
            return false;
    } while (!cur_end(&in));
    *out = files;
    return true;
}

int64_t client_cas_end(const struct client_files *cas)
{
    int64_t end = INT64_MAX;
    struct x509_cert cert;
    for (size_t i = 0; i < cas->count; i++) {
        if (x509_parse(cas->der[i], &cert) && cert.validity.until < end)
            end = cert.validity.until;
    }
    return end;
}

int64_t client_crls_end(const struct client_files *crls)
{
    int64_t end = INT64_MAX;
    struct crl crl;
    for (size_t i = 0; i < crls->count; i++) {
        if (crl_parse(crls->der[i], &crl) && crl.validity.until < end)
            end = crl.validity.until;
    }
    return end;
}

/* The certificate of a person or a program says that it is for clients; one for all uses, or for
   servers, was given to somebody for something else. */
static bool is_clients(const struct x509_cert *cert)
{
    bool signs = !cert->has_key_usage || (cert->key_usage & KEY_USAGE_DIGITAL_SIGNATURE) != 0;
    return !cert->is_ca && signs && strength_names_use(cert, SPAN(client_auth));
}

enum reason client_chain_judge(const struct span *chain, size_t count, struct x509_cert *out,
                               int64_t *until)
{
    struct x509_cert own, above;
    if (count < 2 || count > CLIENT_CHAIN_MAX || !x509_parse(chain[0], &own) || !is_clients(&own))
        return REASON_TLS_CLIENT_USE;
    if (!strength_of_key(&own) || !strength_of_signature(&own))
        return REASON_TLS_CLIENT_WEAK;
    int64_t first = own.validity.until;
    for (size_t i = 1; i < count; i++) {
        if (!x509_parse(chain[i], &above) || !is_good_ca(&above))
            return REASON_TLS_CLIENT_WEAK;
        if (above.validity.until < first)
            first = above.validity.until;
    }
    *out = own;
    *until = first;
    return REASON_OK;
}

/* GeneralName ::= CHOICE { ... dNSName [2] IA5String, ... uniformResourceIdentifier [6] ... } */
static bool is_name(const struct der *one, enum client_name kind, struct span name)
{
    if (kind == CLIENT_NAME_DNS)
        return one->tag == DER_IMPLICIT(2) && host_is_same(one->value, name);
    return one->tag == DER_IMPLICIT(6) && span_equal(one->value, name);
}

bool client_has_name(const struct x509_cert *cert, enum client_name kind, struct span name)
{
    struct cursor names;
    struct der one;
    bool found = false;
    if (!x509_alternative_names(cert, &names))
        return false;
    while (!cur_end(&names)) {
        if (!der_read(&names, &one))
            return false;
        found |= is_name(&one, kind, name);
    }
    return found;
}
