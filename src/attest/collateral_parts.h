/* collateral_parts.h - the inside of a snapshot, for collateral*.c and dcap*.c alone. */
#ifndef WARD_ATTEST_COLLATERAL_PARTS_H
#define WARD_ATTEST_COLLATERAL_PARTS_H

#include "attest/cache.h"
#include "attest/collateral.h"
#include "attest/pck.h"
#include "attest/qe_identity.h"
#include "attest/tcb_info.h"
#include "base/arena.h"
#include "codec/crl.h"

/* What is known of a signature.  Zero is nothing. */
enum signature_state { SIGNATURE_UNKNOWN = 0, SIGNATURE_GOOD, SIGNATURE_BAD };

struct part_cert {
    struct x509_cert cert;
    const char *name;
    const struct trust_root *root; /* whose key signed it, of the snapshot's own copy; for a
                                      root's own certificate that root; NULL: none of them */
};

struct part_crl {
    struct crl crl; /* empty unless readable */
    bool readable;
    const char *name;
    uint8_t digest[32]; /* SHA-256 of what is signed */
    enum signature_state state;
    struct span key; /* the point that `state` is about */
};

/* A signed JSON file.  What it says is there only when `parsed`: its signature is good and
   its schema kept. */
struct part_file {
    const char *name;
    struct span text;
    struct file_problem problem; /* of the envelope, or of the schema */
    bool envelope;               /* the envelope is well formed */
    bool version_known;          /* the version, as far as it can be read unsigned, is one
                                    that is understood here, or none can be read */
    uint32_t version;
    uint8_t digest[32];         /* SHA-256 of the signed bytes */
    enum signature_state state; /* UNKNOWN: no trusted signing certificate to try */
    struct span key;            /* the point that it is good under */
    bool parsed;
};

struct part_tcb_info {
    struct part_file file;
    struct tcb_info info;
};

struct part_qe_identity {
    struct part_file file;
    struct qe_identity identity;
};

/* A piece as collateral_entry numbers it. */
struct part_index {
    enum collateral_kind kind;
    const char *name;
    struct span bytes;   /* of an unknown one */
    const char *problem; /* of an unknown one */
    size_t at;           /* in the array of its kind */
};

/* A named signing certificate: given and, when it could be read, where. */
struct part_signer {
    bool given;
    const char *name;
    const struct part_cert *cert;
};

struct collateral {
    struct arena arena; /* holds this struct too */
    struct trust_root *root_list;
    struct trust_roots roots;
    uint8_t epoch[CACHE_KEY_LEN]; /* hash of all signatures in it and of the roots */
    size_t cap;                   /* of each of the arrays */
    struct part_cert *certs;
    size_t cert_count;
    struct part_crl *crls;
    size_t crl_count;
    struct part_tcb_info *infos;
    size_t info_count;
    struct part_qe_identity *identities;
    size_t identity_count;
    struct part_index *index;
    size_t index_count;
    /* The named ones; NULL when not given. */
    const struct part_tcb_info *tcb_info;
    const struct part_qe_identity *qe_identity;
    const struct part_crl *pck_crl, *root_crl;
    struct part_signer tcb_signer, qe_signer;
    /* The named chain, put in order when it could be. */
    bool chain_given;
    const char *chain_name, *chain_problem;
    size_t chain_which; /* the certificate that chain_problem is about */
    struct x509_cert chain[PCK_CHAIN_LEN];
};

/* collateral_read.c: one item into the snapshot.  False only when memory is gone.  The first
   three are for certificates and CRLs and come before parts_trust_certs; those for JSON
   come after it, for their signatures are verified as they are read. */
MUST_USE
bool parts_read_heap_item(struct collateral *c, const struct collateral_item *item);
MUST_USE
bool parts_read_named(struct collateral *c, const struct collateral_sources *sources);
MUST_USE
bool parts_read_heap_json(struct collateral *c, const struct collateral_item *item,
                          struct crypto *crypto);
MUST_USE
bool parts_read_named_json(struct collateral *c, const struct collateral_sources *sources,
                           struct crypto *crypto);

/* How many pieces an item may hold at most. */
size_t parts_in_item(const struct collateral_item *item);
bool parts_item_given(const struct collateral_item *item);

/* collateral_verify.c */
void parts_trust_certs(struct collateral *c, struct crypto *crypto);
void parts_verify_crls(struct collateral *c, struct crypto *crypto);
void parts_verify_file(const struct collateral *c, const struct part_signer *named,
                       const struct signed_file *signed_file, struct part_file *file,
                       struct crypto *crypto);
MUST_USE
bool parts_set_epoch(struct collateral *c);
bool parts_is_signer(const struct part_cert *cert);

/* parts_crl_is_good: as known from the snapshot, or remembered, or else tried now, for the
   issuer may have come with the evidence. */
bool parts_crl_is_good(const struct part_crl *part, struct span point, struct dcap_cache *cache,
                       struct crypto *crypto);

/* collateral_choose.c: what to use for one evidence.  NULL when nothing fits. */
const struct part_tcb_info *choose_tcb_info(const struct collateral *c, bool tdx,
                                            const uint8_t fmspc[6], struct span root_point,
                                            int64_t now);
const struct part_qe_identity *choose_qe_identity(const struct collateral *c, enum qe_id id,
                                                  struct span root_point, int64_t now);
const struct part_crl *choose_crl(const struct collateral *c, const struct x509_cert *issuer,
                                  int64_t now, struct dcap_cache *cache, struct crypto *crypto);
const struct part_cert *choose_signer(const struct collateral *c, struct span key,
                                      struct span root_point, int64_t now);

#endif
