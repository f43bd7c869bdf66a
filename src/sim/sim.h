/* sim.h - the test authority: evidence and endorsements in genuine wire formats, under roots
   of its own.  Everything is derived from a seed, so the same seed gives the same bytes for
   ever.  The seed of the set (sim_write_set) is public and its keys protect nothing; a house's
   is its own, and its keys protect what a simulation can.  A verifier trusts either only
   when somebody names its root.  Never linked into libward.

   Every field of what it makes, and every defect, is one member of a plain struct: start
   with the default, spoil one thing, make the bytes.

   All writers append to a sink and say whether everything fitted. */
#ifndef WARD_SIM_SIM_H
#define WARD_SIM_SIM_H

#include "base/arena.h"
#include "base/sink.h"
#include "base/time.h"
#include "crypto/ecdsa_sign.h"
#include "model/claims.h"

/* --- the authority ------------------------------------------------------------------- */

enum sim_key {
    SIM_KEY_ROOT = 0, /* P-256: Intel's part */
    SIM_KEY_CA,       /* of the platform or the processor */
    SIM_KEY_SIGNER,   /* signs TCB info and QE identities */
    SIM_KEY_PCK,
    SIM_KEY_ATTESTATION,
    SIM_KEY_STRANGER,   /* belongs to nobody: for wrong signatures */
    SIM_KEY_NITRO_ROOT, /* P-384: AWS's part */
    SIM_KEY_NITRO_REGION,
    SIM_KEY_NITRO_ZONE,
    SIM_KEY_NITRO_INSTANCE,
    SIM_KEY_NITRO_LEAF,
    SIM_KEY_NITRO_STRANGER,
    SIM_KEY_COUNT
};

struct sim_authority {
    struct ecdsa_secret *keys[SIM_KEY_COUNT];
    uint8_t points[SIM_KEY_COUNT][ECDSA_POINT_MAX]; /* 65 bytes used on P-256 */
};

/* sim_authority_init derives all keys, sim_authority_init_intel those of Intel's part: nothing of
   AWS's can be made with them.  On failure (no memory) nothing is left behind.  {0} is valid to
   fini. */
MUST_USE
bool sim_authority_init(struct sim_authority *authority, struct span seed);
MUST_USE
bool sim_authority_init_intel(struct sim_authority *authority, struct span seed);
void sim_authority_fini(struct sim_authority *authority);

/* sim_quoting_scalar derives the scalar of SIM_KEY_ATTESTATION alone: all that sim_quote_renew
   needs.  The caller wipes it. */
MUST_USE
bool sim_quoting_scalar(struct span seed, uint8_t scalar[P256_COORD]);

/* sim_point views a public key of the authority. */
struct span sim_point(const struct sim_authority *authority, enum sim_key key);

/* --- certificates --------------------------------------------------------------------- */

/* Defects that any certificate may have; bits. */
enum {
    SIM_CERT_BAD_SIGNATURE = 1 << 0,
    SIM_CERT_STRANGE_KEY = 1 << 1,  /* another key than everybody expects */
    SIM_CERT_WRONG_NAME = 1 << 2,   /* its subject is named otherwise, consistently */
    SIM_CERT_WRONG_ISSUER = 1 << 3, /* names an issuer that is not above it */
    SIM_CERT_VERSION_1 = 1 << 4,    /* and so without extensions */
    SIM_CERT_UNKNOWN_CRITICAL = 1 << 5,
    SIM_CERT_FLIP_CA = 1 << 6, /* a leaf says CA, a CA says it is none */
    SIM_CERT_NO_KEY_USAGE = 1 << 7,
    SIM_CERT_WRONG_KEY_USAGE = 1 << 8, /* a CA may not sign certificates, a leaf not data */
    SIM_CERT_SHORT_PATH = 1 << 9,      /* pathLen 0 on whatever CA */
    SIM_CERT_WRONG_KEY_ID = 1 << 10,   /* authority key id of another key */
    SIM_CERT_OTHER_HASH = 1 << 11,     /* signed with the other hash */
    SIM_CERT_NO_BASIC_CONSTRAINTS = 1 << 12,
};

struct sim_cert {
    struct window validity;
    unsigned defects;
    bool revoked; /* listed in its issuer's CRL */
};

/* --- Intel ---------------------------------------------------------------------------- */

enum {
    SIM_LEVEL_MAX = 4,
    SIM_MODULE_MAX = 2,
    SIM_QUOTE_MAX = 8 * 1024,      /* no quote is larger */
    SIM_COLLATERAL_MAX = 32 * 1024 /* no file of collateral is larger */
};

struct sim_level {
    uint8_t sgx[16], tdx[16];
    uint16_t pce_svn;
    const char *status; /* any text */
    int64_t date;
    const char *advisory; /* NULL: none */
};

struct sim_svn_level {
    uint16_t isv_svn;
    const char *status;
    int64_t date;
    const char *advisory;
};

struct sim_svn_levels {
    struct sim_svn_level at[SIM_LEVEL_MAX];
    size_t count;
};

struct sim_module {
    const char *id; /* "TDX_01" */
    uint8_t mr_signer[48];
    uint8_t attributes[8], attributes_mask[8];
    struct sim_svn_levels levels;
};

/* A JSON file's defects; bits. */
enum {
    SIM_JSON_BAD_SIGNATURE = 1 << 0,
    SIM_JSON_REFORMATTED = 1 << 1, /* a space was put into it after signing */
    SIM_JSON_DUPLICATE_KEY = 1 << 2,
    SIM_JSON_MISSING_FIELD = 1 << 3, /* no issueDate */
    SIM_JSON_TRAILING = 1 << 4,
    SIM_JSON_BAD_NUMBER = 1 << 5, /* the evaluation number is negative */
};

struct sim_tcb_info {
    const char *id;   /* "TDX" or "SGX"; NULL: the quote's own */
    uint32_t version; /* 2 or 3 */
    uint32_t tcb_type;
    struct window validity;
    uint8_t fmspc[6], pce_id[2];
    uint32_t evaluation_number;
    struct sim_level levels[SIM_LEVEL_MAX];
    size_t level_count;
    uint8_t module_signer[48];
    uint8_t module_attributes[8], module_attributes_mask[8];
    struct sim_module modules[SIM_MODULE_MAX];
    size_t module_count;
    unsigned defects;
};

struct sim_qe_identity {
    const char *id; /* "TD_QE" or "QE"; NULL: the quote's own */
    uint32_t version;
    struct window validity;
    uint32_t evaluation_number;
    uint8_t mr_signer[32];
    uint32_t misc_select, misc_select_mask;
    uint8_t attributes[16], attributes_mask[16];
    uint16_t isv_prod_id;
    struct sim_svn_levels levels;
    unsigned defects;
};

/* A CRL's defects; bits. */
enum {
    SIM_CRL_BAD_SIGNATURE = 1 << 0,
    SIM_CRL_WRONG_ISSUER = 1 << 1,
    SIM_CRL_NO_NEXT_UPDATE = 1 << 2,
    SIM_CRL_NO_NUMBER = 1 << 3,
    SIM_CRL_UNKNOWN_CRITICAL = 1 << 4,
    SIM_CRL_DELTA = 1 << 5,
    SIM_CRL_INDIRECT = 1 << 6,
    SIM_CRL_VERSION_1 = 1 << 7,
    SIM_CRL_PADDED_SERIAL = 1 << 8, /* not DER: a leading zero octet too many */
};

struct sim_crl {
    struct window validity;
    unsigned defects;
};

/* The SGX extension's defects; bits. */
enum {
    SIM_EXT_ABSENT = 1 << 0,
    SIM_EXT_TWICE = 1 << 1,
    SIM_EXT_NO_FMSPC = 1 << 2,
    SIM_EXT_TWO_PPIDS = 1 << 3,
    SIM_EXT_SHORT_PCE_ID = 1 << 4,
    SIM_EXT_COMPONENT_256 = 1 << 5,
    SIM_EXT_PCESVN_65536 = 1 << 6,
    SIM_EXT_MISSING_COMPONENT = 1 << 7,
};

/* A quote's own defects; bits. */
enum {
    SIM_QUOTE_BAD_SIGNATURE = 1 << 0,
    SIM_QUOTE_HIGH_S = 1 << 1, /* no defect: the other signature of the same bytes */
    SIM_QUOTE_BAD_QE_SIGNATURE = 1 << 2,
    SIM_QUOTE_BAD_QE_BINDING = 1 << 3, /* the QE vouches for another key */
    SIM_QUOTE_DIRTY_QE_DATA = 1 << 4,  /* the second half of its report data is not zero */
    SIM_QUOTE_BAD_KEY = 1 << 5,        /* the attestation key is no point */
    SIM_QUOTE_TRAILING = 1 << 6,
    SIM_QUOTE_CHAIN_REVERSED = 1 << 7,
    SIM_QUOTE_CHAIN_SHORT = 1 << 8, /* without the intermediate */
    SIM_QUOTE_CHAIN_NUL = 1 << 9,   /* no defect: the PEM ends in a NUL */
    SIM_QUOTE_OUTER_TYPE_5 = 1 << 10,
};

/* One platform, one workload, and the endorsements that go with them. */
struct sim_spec {
    enum evidence_kind kind; /* any but Nitro */
    /* header */
    uint16_t version, att_key_type, body_type; /* as the kind has them, or not */
    uint32_t tee_type;
    uint8_t vendor_id[16];
    uint16_t cert_type; /* 5: the PCK chain inside; 1..4: something else */
    unsigned quote_defects;
    /* workload */
    struct tdx_claims tdx;
    struct sgx_claims sgx;
    /* platform */
    bool processor_ca;
    struct pck_claims pck; /* platform_ca is not looked at */
    unsigned extension_defects;
    struct sim_cert root, ca, leaf, signer;
    /* quoting enclave */
    struct sgx_claims qe; /* report_data is worked out */
    size_t qe_auth_len;   /* 0..32 */
    /* endorsements */
    struct sim_crl root_crl, pck_crl;
    struct sim_tcb_info tcb_info;
    struct sim_qe_identity qe_identity;
};

/* sim_spec_default: a healthy, UpToDate platform of this kind at `now`, everything valid for
   ten days before and twenty days after (certificates longer). */
struct sim_spec sim_spec_default(enum evidence_kind kind, int64_t now);

MUST_USE
bool sim_quote(const struct sim_authority *authority, const struct sim_spec *spec,
               struct sink *out);

/* sim_quote_renew makes a TDX quote of version 4 that sim_quote made into the one with another
   report_data, which the quoting key alone can do: the platform vouches for that key and not for
   what it signs.  False without memory, or for a quote that is shorter; it may be spoiled then. */
MUST_USE
bool sim_quote_renew(uint8_t *quote, size_t len, const uint8_t report_data[64], struct span scalar);

/* sim_quote_remeasure puts other registers into such a quote, which sim_quote_renew then signs. */
MUST_USE
bool sim_quote_remeasure(uint8_t *quote, size_t len, const uint8_t mrtd[48],
                         const uint8_t rtmr[4][48]);

/* The PCK chain (leaf, intermediate, root), the signing chain (signer, root), the root: PEM. */
MUST_USE
bool sim_pck_chain(const struct sim_authority *authority, const struct sim_spec *spec,
                   struct sink *out);
MUST_USE
bool sim_signing_chain(const struct sim_authority *authority, const struct sim_spec *spec,
                       struct sink *out);
MUST_USE
bool sim_root(const struct sim_authority *authority, const struct sim_spec *spec, struct sink *out);

/* DER. */
MUST_USE
bool sim_root_crl(const struct sim_authority *authority, const struct sim_spec *spec,
                  struct sink *out);
MUST_USE
bool sim_pck_crl(const struct sim_authority *authority, const struct sim_spec *spec,
                 struct sink *out);

/* Signed JSON as the service gives it. */
MUST_USE
bool sim_tcb_info(const struct sim_authority *authority, const struct sim_spec *spec,
                  struct sink *out);
MUST_USE
bool sim_qe_identity(const struct sim_authority *authority, const struct sim_spec *spec,
                     struct sink *out);

/* What a verifier needs of an authority, by the names of the files in the folder where it is
   published: the root to be trusted, and the collateral to judge with. */
enum { SIM_COLLATERAL_FILES = 5 };

struct sim_published {
    const char *name;
    bool (*write)(const struct sim_authority *, const struct sim_spec *, struct sink *);
};

extern const struct sim_published sim_root_file;
extern const struct sim_published sim_collateral_files[SIM_COLLATERAL_FILES];

/* --- AWS Nitro ------------------------------------------------------------------------ */

enum {
    SIM_NITRO_CERTS = 5, /* root, region, zone, instance, leaf */
    SIM_NITRO_MAX = 16 * 1024
};

/* A document's defects; bits. */
enum {
    SIM_NITRO_BAD_SIGNATURE = 1 << 0,
    SIM_NITRO_HIGH_S = 1 << 1,     /* no defect */
    SIM_NITRO_TAGGED = 1 << 2,     /* no defect: tag 18 */
    SIM_NITRO_INDEFINITE = 1 << 3, /* no defect: the payload map has no length */
    SIM_NITRO_TRAILING = 1 << 4,
    SIM_NITRO_DUPLICATE_KEY = 1 << 5, /* module_id twice */
    SIM_NITRO_WRONG_ALG = 1 << 6,     /* ES256 */
    SIM_NITRO_CRIT = 1 << 7,          /* a crit header */
    SIM_NITRO_UNPROTECTED = 1 << 8,   /* the unprotected header is not empty */
    SIM_NITRO_NIL_PAYLOAD = 1 << 9,
    SIM_NITRO_SHORT_SIGNATURE = 1 << 10,
    SIM_NITRO_NO_MODULE_ID = 1 << 11,
    SIM_NITRO_NO_TIMESTAMP = 1 << 12,
    SIM_NITRO_WRONG_DIGEST = 1 << 13, /* "SHA256" */
    SIM_NITRO_PCR_32 = 1 << 14,       /* a register numbered 32 */
    SIM_NITRO_EMPTY_BUNDLE = 1 << 15,
    SIM_NITRO_NIL_OPTIONALS = 1 << 16, /* no defect: absent fields are there as nil */
};

struct sim_nitro_spec {
    struct nitro_claims claims; /* what the document says; leaf_not_before is not looked at */
    struct sim_cert certs[SIM_NITRO_CERTS];
    struct sim_crl crl;
    unsigned defects;
};

/* sim_nitro_default: a document made at `now`, its leaf valid for three hours. */
struct sim_nitro_spec sim_nitro_default(int64_t now);

MUST_USE
bool sim_nitro_document(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                        struct sink *out);

/* The root as PEM; and the CRL of certificate `issuer` (0 the root .. 3 the instance), DER,
   which lists the certificate below it when that is `revoked`. */
MUST_USE
bool sim_nitro_root(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                    struct sink *out);
MUST_USE
bool sim_nitro_crl(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                   size_t issuer, struct sink *out);

/* --- event logs ----------------------------------------------------------------------- */

enum { SIM_EVENT_MAX = 32, SIM_LOG_MAX = 64 * 1024 };

/* One event.  In CCEL the digest is that of the data; in a dstack log a runtime event has a
   name and its digest is worked out by the log's version. */
struct sim_event {
    unsigned rtmr; /* 0..3 */
    uint32_t type;
    const char *name; /* dstack runtime events; NULL else */
    struct span data; /* or payload */
};

struct sim_log_spec {
    enum log_format format;
    struct sim_event events[SIM_EVENT_MAX];
    size_t count;
    size_t padding; /* CCEL: bytes of 0xff after the last event */
    bool lite;      /* dstack: runtime events ship an empty digest */
};

/* sim_log_default: a boot of this format, with an application id and a compose hash in a
   dstack log. */
struct sim_log_spec sim_log_default(enum log_format format);

MUST_USE
bool sim_log(const struct sim_log_spec *spec, struct sink *out);

/* sim_log_registers works out what the registers hold after these events. */
void sim_log_registers(const struct sim_log_spec *spec, uint8_t rtmr[4][48]);

/* --- a whole set ---------------------------------------------------------------------- */

/* When everything of the set is to be judged: 2026-01-01T00:00:00Z. */
#define SIM_SET_TIME INT64_C(1767225600)

/* sim_write_set makes one of each kind, good and refused, and `index.json` that says what
   each is and what becomes of it; it calls `put` once per file, names with '/' between
   folders.  The bytes live until `put` returns.  False when memory ran out or `put` said so. */
MUST_USE
bool sim_write_set(struct arena *scratch,
                   bool (*put)(void *arg, const char *name, struct span bytes), void *arg);

#endif
