/* nitro_maker.h - a writer of Nitro documents and of the PKI under them, for tests: good ones
   from the same seed for ever, and bad ones, one thing wrong at a time. */
#ifndef WARD_TESTS_ATTEST_NITRO_MAKER_H
#define WARD_TESTS_ATTEST_NITRO_MAKER_H

#include "attest/roots.h"
#include "base/sink.h"
#include "base/time.h"
#include "codec/x509.h"
#include "crypto/ecdsa_sign.h"

enum {
    MAKER_CERTS = 4, /* leaf, zonal, regional, root: the order of chain.h */
    MAKER_ROOM = 96 * 1024,
};

#define MAKER_NOW  INT64_C(1750000000)
#define MAKER_HOUR INT64_C(3600)

/* A certificate, field by field.  Names are common names; keys are derived from key names. */
struct cert_spec {
    const char *name, *issuer;
    const char *key, *signer;
    enum curve curve, signer_curve;
    uint8_t serial;
    struct window validity;
    bool version_1;
    bool has_basic_constraints, constraints_critical, is_ca;
    int path_len; /* -1: none */
    bool has_key_usage;
    uint16_t key_usage;
    const char *ski, *aki; /* NULL: none */
    const char *extra_oid; /* NULL: none */
    bool extra_critical;
    bool cut;           /* the last byte is missing */
    bool bad_point;     /* the key is no point of the curve */
    bool bad_signature; /* one bit of s is another */
};

struct crl_spec {
    const char *issuer, *signer, *aki;
    enum curve signer_curve;
    struct window validity;
    bool version_1, no_next_update, delta, indirect, extra_critical, only_user, bad_signature;
    uint8_t revoked; /* a serial; 0: none */
};

/* One field of the payload, the value as raw CBOR. */
struct payload_field {
    const char *name; /* NULL: none */
    struct span value;
};

/* A document.  Zero spans are what a good one has. */
struct nitro_spec {
    struct cert_spec certs[MAKER_CERTS];
    size_t bundle_skip;         /* leaves out that many certificates below the root */
    struct span tag;            /* raw bytes in front */
    uint64_t items;             /* of the COSE array as written; 0 is 4 */
    struct span protected_item; /* raw items of the COSE array */
    struct span unprotected_item;
    struct span payload_item;
    struct span signature_item;
    struct span trailing;
    bool indefinite;               /* the payload map */
    struct payload_field replace;  /* instead of the good value; an empty value leaves it out */
    struct payload_field extra[2]; /* after the others */
    const char *leaf_key;          /* signs the document; NULL: the leaf's own */
    bool high_s;                   /* s, or n - s, whichever is above n / 2 */
    bool low_s;
    bool zero_signature;
    struct span signed_protected; /* what is signed instead of the header's bytes */
};

/* maker_init: a good document of MAKER_NOW under the maker's own root. */
void maker_init(struct nitro_spec *spec);

/* maker_root: that root, by its key; maker_root_exact: by its certificate as well. */
struct trust_root maker_root(void);
struct trust_root maker_root_exact(void);

/* Writers.  The span views `room`, which has MAKER_ROOM bytes. */
struct span maker_document(const struct nitro_spec *spec, uint8_t *room);
struct span maker_certificate(const struct cert_spec *spec, uint8_t *room);
struct span maker_crl(const struct crl_spec *spec, uint8_t *room);

#endif
