/* tls.h - one TLS 1.3 connection over a non-blocking socket, of a server or of a client.  A
   server's private key is somewhere else (remote_key.h), a client has none; what is here holds
   session keys only. */
#ifndef WARD_NET_TLS_H
#define WARD_NET_TLS_H

#include "base/result.h"
#include "base/span.h"
#include "model/reason.h"

enum {
    TLS_SIGNATURE = 64,          /* r || s of P-256 */
    TLS_POINT = 65,              /* 04 || X || Y */
    TLS_PINS_MAX = 16,           /* more of one peer are none */
    TLS_CLIENT_CHAIN = 4,        /* certificates of a client, its own and the root among them */
    TLS_CLIENT_BYTES = 16 << 10, /* and bytes of what it shows of them */
};

/* tls_sign_fn has the content of a CertificateVerify signed (RFC 8446 4.4.3) by the key of this
   point, 65 bytes, or says no: a handshake may be one of a chain that another has replaced. */
typedef bool tls_sign_fn(void *arg, struct span point, struct span content,
                         uint8_t signature[TLS_SIGNATURE]);

struct tls_library; /* one for a process; opened before its jail */
struct tls_server;  /* a chain and whose key it is */
struct tls_client;  /* whom one expects */
struct tls;         /* a connection */

struct tls_library *tls_library_new(void);

/* tls_server_new takes DER certificates, the server's own first, and shakes hands with itself,
   which has something signed.  NULL when one of them cannot be used, or nobody would come in.
   tls_server_free nulls it; connections that use it live on. */
struct tls_server *tls_server_new(const struct tls_library *library, const struct span *chain,
                                  size_t count, tls_sign_fn *sign, void *arg);
void tls_server_free(struct tls_server **server);

/* tls_server_follow: a handshake that comes to its certificate takes that of *latest, where there
   is one by then, and so nobody who came before it was renewed is lost.  `latest` outlives every
   connection. */
void tls_server_follow(struct tls_server *server, struct tls_server *const *latest);

/* Clients that show a certificate. */
struct tls_clients; /* the CAs that they must be signed under, and what is revoked */

/* tls_clients_new takes DER: certificates of CAs, of which one that signed itself must end each
   chain, and revocation lists; where there is one list, each certificate of a chain needs one that
   speaks of it and is in force.  NULL when one cannot be used, or without memory. */
struct tls_clients *tls_clients_new(const struct tls_library *library, const struct span *cas,
                                    size_t ca_count, const struct span *crls, size_t crl_count);
void tls_clients_free(struct tls_clients **clients);

/* tls_chain_fn judges a chain that was verified, the client's own first and the root last. */
typedef enum reason tls_chain_fn(void *arg, const struct span *chain, size_t count);

struct tls_asking {
    struct tls_clients *const *latest; /* NULL in it: nobody is asked */
    tls_chain_fn *judge;
    void *arg;
};

/* tls_server_ask has a server ask each client for a certificate and take none for an answer; one
   that is shown is verified by *latest and judged before anything else is read, and one that is not
   good ends the handshake with an alert.  `asking` outlives every connection. */
void tls_server_ask(struct tls_server *server, const struct tls_asking *asking);

/* tls_shows_certificate: the client did, and has its key.  tls_judge_again judges the same
   certificate by what *latest is now: REASON_OK, or why it is good no more. */
bool tls_shows_certificate(const struct tls *tls);
enum reason tls_judge_again(const struct tls *tls, const struct tls_asking *asking);

/* tls_refusal: why a handshake failed that a client's certificate ended; REASON_NONE: it was
   something else. */
enum reason tls_refusal(const struct tls *tls);

/* tls_accept starts a connection on a socket that stays the caller's.  NULL without memory. */
struct tls *tls_accept(struct tls_server *server, int fd);
void tls_free(struct tls **tls);

/* Whom a client means. */
struct tls_expectation {
    const char *host; /* the name, or the address as text, that the certificate must have */
    bool is_address;
    struct span ca_pem;        /* CAs that it may be signed under; none: the pins alone count */
    const uint8_t (*pins)[32]; /* SHA-256 of its key's SubjectPublicKeyInfo: one of these */
    size_t pin_count;          /* 0: any key */
};

/* tls_client_new: NULL without memory, without one CA in the PEM, with neither CAs nor pins, with
   more than TLS_PINS_MAX of these, or for a host of no or of 256 bytes and more.  Everything is
   copied.  tls_client_free nulls it; connections that use it live on. */
struct tls_client *tls_client_new(const struct tls_expectation *expected);
void tls_client_free(struct tls_client **client);

/* tls_connect starts a connection on a socket that stays the caller's and is connected; the
   certificate is judged in the handshake, before anything else can be sent: its key, who signed it,
   its dates, its name.  ALPN is "http/1.1" alone, and a session is never taken up again.  NULL
   without memory. */
struct tls *tls_connect(struct tls_client *client, int fd);

/* tls_fault: what was wrong with a handshake of a client's that failed; *detail is static text. */
enum tls_fault { TLS_FAULT_PROTOCOL = 0, TLS_FAULT_CERTIFICATE, TLS_FAULT_PIN };
enum tls_fault tls_fault(const struct tls *tls, const char **detail);

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
