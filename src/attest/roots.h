/* roots.h - whom evidence may come from in the end.  A root is a public key; which keys
   count is the caller's decision, and only the two pinned ones mean genuine hardware.
   Never fetches, never learns a root from evidence. */
#ifndef WARD_ATTEST_ROOTS_H
#define WARD_ATTEST_ROOTS_H

#include "base/result.h"
#include "base/span.h"

enum { ROOT_POINT_MAX = 97 };

struct trust_root {
    uint8_t point[ROOT_POINT_MAX]; /* 04 || X || Y: 65 bytes on P-256, 97 on P-384 */
    size_t point_len;
    bool vendor; /* pinned: what ends here is from hardware */
    bool exact;  /* the certificate too must be the pinned one, by its SHA-256 */
    bool named;  /* whoever trusts it named this certificate, by its SHA-256 */
    uint8_t der_sha256[32];
};

/* A list that the caller owns; {0} trusts nobody. */
struct trust_roots {
    const struct trust_root *roots;
    size_t count;
};

/* Intel SGX Root CA, by its key: more than one self-signed certificate carries it. */
extern const struct trust_root intel_sgx_root;

/* AWS Nitro Enclaves Root-G1, by its certificate. */
extern const struct trust_root aws_nitro_root;

/* trust_root_point views the root's key. */
struct span trust_root_point(const struct trust_root *root);

/* trust_roots_find gives the root with this key, or NULL. */
const struct trust_root *trust_roots_find(const struct trust_roots *roots, struct span point);

/* root_certificate_is_known tells whether these are the bytes of a published certificate of a
   pinned root, or of the very certificate that this root was named by.  Such a one need not be
   verified with its own key. */
bool root_certificate_is_known(const struct trust_root *root, struct span der);

/* trust_root_read takes the root out of one certificate, PEM or DER.  One that carries a
   pinned key is that pinned root and nothing less.  *out is untouched on failure: not one
   certificate, or a key that is neither P-256 nor P-384.  Does not judge the certificate:
   naming it is the caller's trust. */
MUST_USE
bool trust_root_read(struct span certificate, struct trust_root *out);

#endif
