/* peer.h - asks a live TLS server for its certificate, so that the evidence inside it can be
   judged.  Nothing else is said to it: the connection is closed after the handshake, whose
   CertificateVerify proves that the peer holds the certificate's key (RFC 8446 4.4.3). */
#ifndef WARD_NET_PEER_H
#define WARD_NET_PEER_H

#include "base/arena.h"
#include "base/result.h"
#include "base/span.h"
#include "net/tick.h"

enum { PEER_TIMEOUT_S = 10 };

struct peer_request {
    const char *address;      /* HOST:PORT, "[::1]:443" for IPv6 */
    int64_t timeout_ms;       /* for everything: name, connection, handshake */
    const char *name_servers; /* "ADDRESS:PORT,.."; NULL for those of the system */
    struct net_tick tick;     /* while it waits */
};

struct peer_error {
    bool usage; /* the address itself cannot be used */
    char message[256];
};

/* peer_certificate connects, TLS 1.3 only, and gives the peer's own certificate as DER in the
   arena.  No public PKI is consulted: what the certificate is worth is the caller's to judge. */
MUST_USE bool peer_certificate(const struct peer_request *request, struct arena *arena,
                               struct span *out, struct peer_error *error);

#endif
