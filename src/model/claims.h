/* claims.h - what evidence says, once it has been verified.  Plain values: claims own
   every byte, so they outlive the evidence.  Only attest/ fills them, and only with values
   that a checked signature covers; policy/ reads nothing else.

   Registers stand in the byte order of the wire. */
#ifndef WARD_MODEL_CLAIMS_H
#define WARD_MODEL_CLAIMS_H

#include "base/result.h"
#include "base/span.h"

enum evidence_kind {
    EVIDENCE_UNKNOWN = 0,
    EVIDENCE_SGX_V3,
    EVIDENCE_SGX_V4,
    EVIDENCE_SGX_V5,
    EVIDENCE_TDX_V4,
    EVIDENCE_TDX_V5_10, /* version 5, body type 2: TD report 1.0 */
    EVIDENCE_TDX_V5_15, /* version 5, body type 3: TD report 1.5 */
    EVIDENCE_NITRO,
};

/* "sgx-v3" ... "nitro"; "unknown" for anything else. */
const char *evidence_kind_name(enum evidence_kind kind);
bool evidence_kind_is_tdx(enum evidence_kind kind);
bool evidence_kind_is_sgx(enum evidence_kind kind);

/* Intel's names (PCS API v4), and the two that a TD relaunch adds. */
enum tcb_status {
    TCB_STATUS_NONE = 0, /* not computed */
    TCB_UP_TO_DATE,
    TCB_SW_HARDENING_NEEDED,
    TCB_CONFIGURATION_NEEDED,
    TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    TCB_OUT_OF_DATE,
    TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    TCB_REVOKED,
    TCB_TD_RELAUNCH_ADVISED,
    TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
    TCB_STATUS_COUNT
};

/* "UpToDate" ...; "" for TCB_STATUS_NONE. */
const char *tcb_status_name(enum tcb_status status);

/* tcb_status_find gives TCB_STATUS_NONE for a name that is not one. */
enum tcb_status tcb_status_find(struct span name);

enum {
    ADVISORY_MAX = 64,     /* advisories of one result */
    ADVISORY_ID_MAX = 32,  /* bytes of one id, with its NUL */
    NITRO_PCR_COUNT = 32,  /* register numbers 0..31 */
    NITRO_PCR_MAX = 64,    /* bytes of one register */
    NITRO_BLOB_MAX = 1024, /* public_key, user_data, nonce */
    NITRO_MODULE_ID_MAX = 256,
};

struct tcb_claims {
    enum tcb_status status;         /* converged over platform, module and QE; with relaunch */
    enum tcb_status launch_status;  /* by tee_tcb_svn */
    enum tcb_status current_status; /* by tee_tcb_svn2; NONE before TD report 1.5 */
    bool relaunch_advised;
    int64_t date; /* the oldest tcbDate of the levels used */
    uint32_t evaluation_number;
    uint32_t qe_evaluation_number;
    size_t advisory_count;
    char advisories[ADVISORY_MAX][ADVISORY_ID_MAX]; /* sorted, each once, NUL-terminated */
};

enum flag { FLAG_UNDEFINED = 0, FLAG_FALSE, FLAG_TRUE };

struct pck_claims {
    uint8_t fmspc[6];
    uint8_t pce_id[2];
    uint8_t cpu_svn[16];
    uint8_t comp_svn[16];
    uint16_t pce_svn;
    bool platform_ca; /* issued by the Platform CA, else the Processor CA */
    enum flag dynamic_platform, cached_keys, smt_enabled;
};

struct qe_claims {
    uint8_t mr_signer[32];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
};

struct tdx_claims {
    uint8_t tee_tcb_svn[16];
    uint8_t mr_seam[48];
    uint8_t mr_signer_seam[48];
    uint8_t seam_attributes[8];
    uint8_t td_attributes[8];
    uint8_t xfam[8];
    uint8_t mrtd[48];
    uint8_t mr_config_id[48];
    uint8_t mr_owner[48];
    uint8_t mr_owner_config[48];
    uint8_t rtmr[4][48];
    uint8_t report_data[64];
    /* TD report 1.5 only, else zero */
    uint8_t tee_tcb_svn2[16];
    uint8_t mr_service_td[48];
};

struct sgx_claims {
    uint8_t cpu_svn[16];
    uint32_t misc_select;
    uint8_t isv_ext_prod_id[16];
    uint8_t attributes[16]; /* flags (8), XFRM (8) */
    uint8_t mr_enclave[32];
    uint8_t mr_signer[32];
    uint8_t config_id[64];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint8_t isv_family_id[16];
    uint8_t report_data[64];
};

struct nitro_blob {
    bool present; /* absent and nil are both false */
    size_t len;
    uint8_t bytes[NITRO_BLOB_MAX];
};

struct nitro_pcr {
    uint8_t len; /* 0 (absent), 32, 48 or 64 */
    uint8_t bytes[NITRO_PCR_MAX];
};

struct nitro_claims {
    size_t module_id_len;
    char module_id[NITRO_MODULE_ID_MAX]; /* UTF-8, as signed; no NUL added */
    uint64_t timestamp_ms;
    int64_t leaf_not_before;
    struct nitro_pcr pcrs[NITRO_PCR_COUNT];
    struct nitro_blob public_key; /* the only recipient key that claims offer (AN-12) */
    struct nitro_blob user_data;
    struct nitro_blob nonce;
};

/* Values that a replayed log adds.  Empty unless the log matched the verified registers. */
enum log_format { LOG_NONE = 0, LOG_CCEL, LOG_DSTACK_V1, LOG_DSTACK_V2 };

enum { LOG_VALUE_MAX = 16, LOG_NAME_LEN = 48, LOG_BYTES_LEN = 256 };

struct log_value {
    char name[LOG_NAME_LEN]; /* NUL-terminated, [a-z0-9_]: "app_id", "compose_hash" */
    size_t len;
    uint8_t bytes[LOG_BYTES_LEN];
};

struct log_claims {
    enum log_format format;
    uint32_t events;
    uint8_t replayed[4][48];
    bool match[4];
    bool in_log[4]; /* the log extends this register at least once */
    size_t value_count;
    struct log_value values[LOG_VALUE_MAX];
};

struct claims {
    enum evidence_kind kind;
    bool verified;       /* every cryptographic and collateral check passed */
    bool hardware;       /* the chain ends in a vendor's pinned root */
    int64_t valid_until; /* earliest end of everything used; the life of a cached result */
    int64_t issued;      /* oldest issueDate or thisUpdate of the collateral used; 0: none used */
    /* Intel */
    struct tcb_claims tcb;
    struct pck_claims pck;
    struct qe_claims qe;
    union {
        struct tdx_claims tdx;
        struct sgx_claims sgx;
        struct nitro_claims nitro;
    };
    struct log_claims log;
};

const char *log_format_name(enum log_format format);

#endif
