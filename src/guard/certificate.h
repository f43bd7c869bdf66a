/* certificate.h - the certificates that Ward's own CA signs: written here, and recognised by
   writing them again.

   One form, and no other: X.509 v3, P-256, ecdsa-with-SHA256, names of one common name each
   (a leaf's with an organizational unit before it, where it has one), a serial of 16 bytes, and the
   extensions basic constraints, key usage, extended key usage, key identifiers and subject
   alternative names, in this order.  A to-be-signed certificate is taken apart by the program's one
   reader, put together from what was read, and is one of ours only when every byte is the same. */
#ifndef WARD_GUARD_CERTIFICATE_H
#define WARD_GUARD_CERTIFICATE_H

#include "base/result.h"
#include "base/sink.h"
#include "base/time.h"

enum {
    CERTIFICATE_SERIAL = 16,
    CERTIFICATE_NAMES_MAX = 16,
    CERTIFICATE_CN_MAX = 64,    /* RFC 5280 A.1, ub-common-name */
    CERTIFICATE_NAME_MAX = 253, /* RFC 1035 2.3.4, as text */
    CERTIFICATE_MAX = 8192,
    CERTIFICATE_LIFE_S = 398 * 86400 /* the longest leaf; what browsers still take */
};

/* A DNS name (ASCII, lower case), or an address of 4 or 16 bytes. */
struct certificate_name {
    bool address;
    struct span value;
};

/* Everything that makes a certificate; spans view what the caller gave. */
struct certificate {
    bool ca; /* a CA for leaves only, whose issuer is itself */
    bool server, client;
    struct span serial; /* CERTIFICATE_SERIAL bytes, the first from 0x40 to 0x7f */
    struct span issuer; /* common names */
    struct span subject;
    struct span unit; /* organizational unit of a leaf's subject; empty: it has none */
    struct window validity;
    struct span issuer_point; /* 65 bytes each */
    struct span point;
    size_t name_count;
    struct certificate_name names[CERTIFICATE_NAMES_MAX];
};

/* certificate_is_good: the rules above, lengths and limits; that a leaf is for a server or a
   client, has a name when it is a server's, lives CERTIFICATE_LIFE_S at most and does not
   certify its issuer's key; that a CA is none of those and certifies its own. */
bool certificate_is_good(const struct certificate *certificate);

/* certificate_write appends the TBSCertificate, what is signed.  A certificate that is not
   good marks the sink full. */
void certificate_write(struct sink *out, const struct certificate *certificate);

/* certificate_finish appends the whole certificate: these bytes with their signature r || s
   of 64 bytes. */
void certificate_finish(struct sink *out, struct span tbs, struct span signature);

/* certificate_recognise tells whether tbs is the TBSCertificate of a good *leaf* that names
   this issuer's key, and takes it apart (spans view tbs and issuer_point).  *out is untouched
   otherwise. */
MUST_USE
bool certificate_recognise(struct span tbs, struct span issuer_point, struct certificate *out);

#endif
