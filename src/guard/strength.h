/* strength.h - which keys, signatures and uses of certificates are taken, whoever shows them: the
   listener's own chain (tls_chain.h) and those of clients (client_certificate.h).  Verifies
   nothing. */
#ifndef WARD_GUARD_STRENGTH_H
#define WARD_GUARD_STRENGTH_H

#include "base/cursor.h"
#include "codec/x509.h"

enum { STRENGTH_RSA_BITS_MIN = 2048 };

/* strength_of_key: the key is of P-256, P-384 or P-521, of Ed25519, or of RSA that is long enough.
   strength_of_signature: SHA-256 or better, by a kind of key that is known. */
bool strength_of_key(const struct x509_cert *cert);
bool strength_of_signature(const struct x509_cert *cert);

/* strength_algorithm finds the name of the signature's algorithm; *parameters is what follows. */
MUST_USE
bool strength_algorithm(const struct x509_cert *cert, struct span *oid, struct cursor *parameters);

/* strength_serves: the certificate is for this use (content octets of its identifier), or for all;
   strength_names_use: it says so by name. */
bool strength_serves(const struct x509_cert *cert, struct span use);
bool strength_names_use(const struct x509_cert *cert, struct span use);

#endif
