/* client_certificate.h - what a client's certificate must be like to say who somebody is, and what
   the CAs and revocation lists must be like that speak about it.

   Everything here is about the certificates as they stand; that each is signed by the next, that
   none is revoked and that all are of today is the TLS library's to verify, beside this. */
#ifndef WARD_GUARD_CLIENT_CERTIFICATE_H
#define WARD_GUARD_CLIENT_CERTIFICATE_H

#include "base/sink.h"
#include "codec/x509.h"
#include "model/reason.h"

enum {
    CLIENT_CHAIN_MAX = 4,          /* certificates, the client's own and the root among them */
    CLIENT_CHAIN_BYTES = 16 << 10, /* of what a client shows */
    CLIENT_CAS_MAX = 16,           /* certificates in the file of CAs */
    CLIENT_CRLS_MAX = 16,          /* lists in the file of those */
    CLIENT_CA_FILE_MAX = 64 << 10,
    CLIENT_CRL_FILE_MAX = 256 << 10,
};

/* The names of a certificate that count; a common name is none. */
enum client_name { CLIENT_NAME_DNS = 1, CLIENT_NAME_URI };

/* DER of one kind from one file. */
struct client_files {
    size_t count;
    struct span der[CLIENT_CAS_MAX > CLIENT_CRLS_MAX ? CLIENT_CAS_MAX : CLIENT_CRLS_MAX];
};

/* client_cas_read, client_crls_read: blocks of PEM and nothing else, each a CA's certificate with a
   strong key, or a list that is whole; what is decoded goes into `der`, which *out views.  False,
   and *out untouched, when anything is not. */
MUST_USE
bool client_cas_read(struct span pem, struct sink *der, struct client_files *out);
MUST_USE
bool client_crls_read(struct span pem, struct sink *der, struct client_files *out);

/* client_cas_end, client_crls_end: the last second at which all of what was read is of its time;
   INT64_MAX without any. */
int64_t client_cas_end(const struct client_files *cas);
int64_t client_crls_end(const struct client_files *crls);

/* client_chain_judge judges a chain that was verified, the client's own first and the root last:
   TLS_CLIENT_USE, TLS_CLIENT_WEAK or REASON_OK.  *out is the client's own, *until the last second
   of the first that ends. */
enum reason client_chain_judge(const struct span *chain, size_t count, struct x509_cert *out,
                               int64_t *until);

/* client_has_name: the certificate has this very name among its alternative names; a DNS name in
   any case, a URI byte for byte.  False also where these names are malformed. */
bool client_has_name(const struct x509_cert *cert, enum client_name kind, struct span name);

#endif
