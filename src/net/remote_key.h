/* remote_key.h - a TLS 1.3 server whose private key is in another process.

   OpenSSL is given a key that has a public point and a function.  When a handshake needs a
   signature the function gets the *content to be signed* (RFC 8446 4.4.3: 64 spaces, the
   context string, a zero byte, the transcript's hash; 130 or 146 bytes), not a digest of it:
   so the other process can see that it signs a server's handshake and nothing else.  There is
   no way to have a digest signed, and no private part that could be exported or asked for.
   docs/adr/0011-a-tls-key-in-another-process.md says how and why.

   The function is called while OpenSSL waits: it answers within the handshake's deadline or
   says no, which ends that handshake. */
#ifndef WARD_NET_REMOTE_KEY_H
#define WARD_NET_REMOTE_KEY_H

#include <openssl/ssl.h>

#include "base/result.h"
#include "base/span.h"

enum { REMOTE_SIGNATURE = 64, REMOTE_POINT = 65, REMOTE_CHAIN_MAX = 8 };

/* remote_sign_fn gives an ECDSA P-256 signature with SHA-256 over the message as r || s, by the key
   of this point, or false. */
typedef bool remote_sign_fn(void *arg, struct span point, struct span message,
                            uint8_t raw[REMOTE_SIGNATURE]);

struct remote_signer {
    remote_sign_fn *sign;
    void *arg; /* outlives every key made with it */
};

/* An OpenSSL library context of its own, with the provider of such keys beside the default
   one.  It reads no configuration; made before anything else of OpenSSL is used, it sees to it
   that the process never reads openssl.cnf.  One for
   a process is enough; it outlives every key and context made in it.  NULL without memory. */
struct remote_library;

struct remote_library *remote_library_new(void);
void remote_library_free(struct remote_library **library);

/* remote_library_context is for what else the process does with OpenSSL in it. */
OSSL_LIB_CTX *remote_library_context(const struct remote_library *library);

/* remote_key_new makes the key of a point 04 || X || Y; the caller frees it with
   EVP_PKEY_free.  NULL when the point is not 65 bytes of that form, or without memory. */
EVP_PKEY *remote_key_new(const struct remote_library *library, struct span point,
                         const struct remote_signer *signer);

/* remote_server_new makes a server's context: TLS 1.3 and no older version, this chain of DER
   certificates (its own first), its key at the signer's.  Freed with SSL_CTX_free.  NULL when
   a certificate cannot be read, the first is not one of a P-256 key, or without memory. */
SSL_CTX *remote_server_new(const struct remote_library *library, const struct span *chain,
                           size_t count, const struct remote_signer *signer);

/* remote_server_works shakes hands with such a server, in memory; the signer is asked once.  A
   library that ran short of memory while it was set up goes on without what it could not load, and
   refuses every client later. */
bool remote_server_works(const struct remote_library *library, SSL_CTX *server);

#endif
