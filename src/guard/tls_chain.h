/* tls_chain.h - the certificates that an operator gives the listener, as they stand in a PEM file.

   Read by the program's one reader of certificates, and judged as a careful operator would before
   clients do: that each is signed under the name of the next, that no key and no signature is
   weak, that the first is a server's with a P-256 key and with names.  Signatures are verified as
   far as both keys are of curves of crypto/; of RSA there is none here.  Whether anybody trusts the
   last one is for clients to say. */
#ifndef WARD_GUARD_TLS_CHAIN_H
#define WARD_GUARD_TLS_CHAIN_H

#include "base/sink.h"
#include "base/time.h"
#include "model/reason.h"

enum {
    TLS_CHAIN_MAX = 4,              /* certificates of a chain, the server's own among them */
    TLS_CHAIN_FILE_MAX = 24 << 10,  /* bytes of the PEM file */
    TLS_CHAIN_BYTES_MAX = 16 << 10, /* and of the certificates in it: what front takes */
};

struct tls_chain {
    size_t count;
    struct span der[TLS_CHAIN_MAX]; /* the server's own first */
    struct window validity;         /* in which all of them are good */
    struct span point;              /* the server's key, 65 bytes */
    struct span subject, issuer;    /* common names of the server's own; may be empty */
};

/* tls_chain_read reads and judges all but the time; the spans view `der`, to which the
   certificates are appended.  TLS_CERTIFICATE_FORMAT, _KEY, _USE, _NAMES, _ORDER, _WEAK; *out is
   then untouched. */
MUST_USE
rc tls_chain_read(struct trail *trail, struct span pem, struct sink *der, struct tls_chain *out);

/* tls_chain_judge_time: TLS_CERTIFICATE_EXPIRED, TLS_CERTIFICATE_NOT_YET_VALID. */
MUST_USE
rc tls_chain_judge_time(struct trail *trail, const struct tls_chain *chain, int64_t now);

#endif
