/* tls_key.h - the private key of the listener's certificate, as it stands in a PEM file: PKCS #8
   (RFC 5958) or an ECPrivateKey (RFC 5915), of P-256, not encrypted.

   Works on bytes that are lent: the text, what it decodes to and the scalar are the caller's to
   keep in guarded pages and to wipe. */
#ifndef WARD_GUARD_TLS_KEY_H
#define WARD_GUARD_TLS_KEY_H

#include "base/sink.h"
#include "model/key.h"
#include "model/reason.h"

enum { TLS_KEY_FILE_MAX = 8 << 10 /* bytes of the file */ };

/* tls_key_read finds the private key in the text, decodes it into `der`, and copies its scalar.
   TLS_KEY_ENCRYPTED, TLS_KEY_KIND, TLS_KEY_FORMAT; the scalar is then untouched. */
MUST_USE
rc tls_key_read(struct trail *trail, struct span text, struct sink *der,
                uint8_t scalar[KEY_PRIVATE]);

#endif
