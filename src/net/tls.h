/* tls.h - one TLS 1.3 connection of a server over a non-blocking socket.  The private key is
   somewhere else (remote_key.h); what is here holds session keys only. */
#ifndef WARD_NET_TLS_H
#define WARD_NET_TLS_H

#include "base/result.h"
#include "base/span.h"

enum { TLS_SIGNATURE = 64 }; /* r || s of P-256 */

/* tls_sign_fn has the content of a CertificateVerify signed (RFC 8446 4.4.3), or says no. */
typedef bool tls_sign_fn(void *arg, struct span content, uint8_t signature[TLS_SIGNATURE]);

struct tls_library; /* one for a process; opened before its jail */
struct tls_server;  /* a chain and whose key it is */
struct tls;         /* a connection */

struct tls_library *tls_library_new(void);

/* tls_server_new takes DER certificates, the server's own first, and shakes hands with itself,
   which has something signed.  NULL when one of them cannot be used, or nobody would come in.
   tls_server_free nulls it; connections that use it live on. */
struct tls_server *tls_server_new(const struct tls_library *library, const struct span *chain,
                                  size_t count, tls_sign_fn *sign, void *arg);
void tls_server_free(struct tls_server **server);

/* tls_accept starts a connection on a socket that stays the caller's.  NULL without memory. */
struct tls *tls_accept(struct tls_server *server, int fd);
void tls_free(struct tls **tls);

/* How far a call came. */
enum tls_step {
    TLS_FAILED = 0, /* the connection is of no more use */
    TLS_DONE,
    TLS_WANT_READ, /* call again when the socket can be read (or written) */
    TLS_WANT_WRITE,
    TLS_ENDED, /* the peer said that it sends no more */
};

enum tls_step tls_handshake(struct tls *tls);

/* tls_chose_h2: after the handshake, whether both agreed on HTTP/2; HTTP/1.1 otherwise. */
bool tls_chose_h2(const struct tls *tls);

/* tls_has_read: something of the peer's was read from the socket already and waits inside, be it
   less than a record: a poller knows nothing of it. */
bool tls_has_read(const struct tls *tls);

/* tls_read gives 1..cap bytes with TLS_DONE.  tls_write may take fewer than it was given. */
enum tls_step tls_read(struct tls *tls, uint8_t *at, size_t cap, size_t *len);
enum tls_step tls_write(struct tls *tls, struct span bytes, size_t *len);

/* tls_end tells the peer that nothing more comes, as far as the socket takes it. */
void tls_end(struct tls *tls);

#endif
