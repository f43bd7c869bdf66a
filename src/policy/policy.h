/* policy.h - the rules of an appraisal, as plain data.  What the rules mean stands here; who
   applies them is policy/decide.h, who reads them from TOML is policy/policy_toml.h.
   Nothing here reads evidence, a file or a clock.

   A policy owns no memory: its lists and texts live as long as the arena (or the static
   data) that they were made in.  {0} is a policy that nobody made, and denies everything. */
#ifndef WARD_POLICY_POLICY_H
#define WARD_POLICY_POLICY_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"
#include "model/claims.h"

enum {
    POLICY_LIST_MAX = 256,    /* values of one list */
    POLICY_NONCE_MAX = 1024,  /* bytes; 64 for quotes */
    POLICY_AGE_MAX = 1 << 28, /* seconds of any age or skew, more than eight years */
    RELAXED_MAX = 16,         /* names that policy_relaxed can give */
    RELAXED_NAME_MAX = 64,    /* bytes of one, with its NUL */
};

/* A list of values (struct span_list) is any-of: a value passes when it equals one of the items.
   count 0 is no rule at all. */

/* Whose reference values a list holds. */
enum policy_family { FAMILY_TDX = 1, FAMILY_SGX, FAMILY_NITRO, FAMILY_LOG };

/* Every measurement that a policy can name.  The name of a list is the name of the claim. */
enum policy_list_id {
#define LIST(id, family, name, len, where, summary) LIST_##id,
#include "policy/lists.def"
#undef LIST
    LIST_COUNT
};

struct policy_list_info {
    const char *name; /* "mrtd": key in TOML, claim, and detail of POLICY_MEASUREMENT */
    enum policy_family family;
    uint16_t len;   /* bytes of each item; 0 when it varies */
    uint16_t where; /* offset in the family's claims; the register number for a PCR */
    const char *summary;
};

/* policy_list_info never returns NULL for an id below LIST_COUNT. */
const struct policy_list_info *policy_list_info(enum policy_list_id id);

/* What a flag of the PCK certificate must be. */
enum policy_flag { POLICY_FLAG_ANY = 0, POLICY_FLAG_FALSE, POLICY_FLAG_TRUE };

/* When something is demanded: of evidence from hardware only, always, or never. */
enum policy_demand { DEMAND_ON_HARDWARE = 0, DEMAND_ALWAYS, DEMAND_NEVER };

/* RTMR3, which software extends at run time: must the log give it (AE-6, AE-11), is it
   compared with the `rtmr3` list instead, or is it not looked at? */
enum policy_rtmr3 { POLICY_RTMR3_MATCH = 0, POLICY_RTMR3_VALUE, POLICY_RTMR3_IGNORE };

#define TCB_STATUS_BIT(status) (1u << (unsigned)(status))

/* TD ATTRIBUTES (TDX module ABI): bits 0-7 TUD, 8-31 SEC, 32-63 OTHER. */
#define TD_DEBUG           (UINT64_C(1) << 0)
#define TD_TUD             UINT64_C(0xff)
#define TD_ICSSD           (UINT64_C(1) << 16)
#define TD_LASS            (UINT64_C(1) << 27)
#define TD_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TD_MIGRATABLE      (UINT64_C(1) << 29)
#define TD_PKS             (UINT64_C(1) << 30)
#define TD_KL              (UINT64_C(1) << 31)
#define TD_TPA             (UINT64_C(1) << 62)
#define TD_PERFMON         (UINT64_C(1) << 63)

/* XFAM: x87 and SSE are always on; the TDX module 1.5 allows AVX (2), AVX-512 (5-7), PT (8),
   PKU (9), CET (11, 12), user interrupts (14), LBR (15) and AMX (17, 18) beside them. */
#define XFAM_FIXED_1 UINT64_C(0x3)
#define XFAM_ALLOWED UINT64_C(0x6dbe7)

/* SGX ATTRIBUTES.FLAGS (SDM volume 3D 35.7.1). */
#define SGX_INIT        (UINT64_C(1) << 0)
#define SGX_DEBUG       (UINT64_C(1) << 1)
#define SGX_MODE64      (UINT64_C(1) << 2)
#define SGX_PROVISION   (UINT64_C(1) << 4)
#define SGX_EINIT_TOKEN (UINT64_C(1) << 5)
#define SGX_CET         (UINT64_C(1) << 6)
#define SGX_KSS         (UINT64_C(1) << 7)
#define SGX_AEX_NOTIFY  (UINT64_C(1) << 10)

struct policy_tcb {
    uint32_t allowed;                    /* TCB_STATUS_BITs */
    struct span_list advisories_allowed; /* when named, no others may apply */
    struct span_list advisories_denied;
    bool has_min_date;
    int64_t min_date;                  /* floor of the converged tcbDate */
    uint32_t min_evaluation_number;    /* of the TCB info; 0: no floor */
    uint32_t min_qe_evaluation_number; /* of the QE identity; 0: no floor */
    int64_t max_collateral_age;        /* seconds since the oldest issue date; 0: no bound */
    enum policy_flag dynamic_platform, cached_keys, smt_enabled;
};

struct policy_tdx {
    bool allow_debug;
    bool require_sept_ve_disable;
    uint64_t attributes_allowed; /* TD_ bits that may be set; TUD bits are never allowed */
    uint64_t xfam_allowed;
};

struct policy_sgx {
    bool allow_debug;
    enum policy_demand init_and_mode64;
    uint64_t attributes_allowed; /* SGX_ bits that may be set beside INIT, DEBUG, MODE64 */
    uint64_t xfrm_allowed;
    bool has_isv_prod_id;
    uint16_t isv_prod_id;
    uint16_t min_isv_svn;
    uint16_t min_config_svn;
};

struct policy_nitro {
    bool allow_debug;
    int64_t max_age;      /* seconds from the document's timestamp to now */
    int64_t skew;         /* seconds by which the timestamp may lie in the future */
    size_t user_data_max; /* bytes of user_data and nonce: for attest's AN-4 */
    struct span_list module_ids;
    bool require_public_key;
};

struct policy_log {
    bool required;
    enum policy_rtmr3 rtmr3; /* for the replay in attest, and for the lists here */
};

/* What the caller loosened by name on the command line.  A relaxation changes no rule: the
   check fails first, then is relaxed, so that it stays visible. */
struct relaxations {
    bool allow_debug;
    uint32_t tcb;  /* TCB_STATUS_BITs */
    bool root;     /* a root that is no vendor's was named */
    bool trailing; /* bytes after a quote (AT-4, done by attest) */
};

struct policy {
    bool ready;     /* false in {0} */
    uint32_t kinds; /* bits 1 << enum evidence_kind that are judged at all */
    bool hardware_required;
    struct span_list roots;      /* PEM texts of roots trusted beside the pinned ones */
    struct span_list root_files; /* paths of such files; whoever loads the policy reads them */
    struct policy_tcb tcb;
    struct policy_tdx tdx;
    struct policy_sgx sgx;
    struct policy_nitro nitro;
    struct policy_log log;
    struct span_list lists[LIST_COUNT];
    bool has_report_data;
    uint8_t report_data[64];
    bool has_nonce;
    struct span nonce;
    struct relaxations relaxed;
};

/* policy_default: UpToDate only, no debug, vendors' roots only, SEPT_VE_DISABLE required,
   MRSERVICETD zero, Nitro documents at most 300 s old.  It names no measurement. */
struct policy policy_default(void);

/* policy_is_sound: made by policy_default or a loader, and every list and bound is one that
   they can make.  A policy that is not sound denies everything. */
bool policy_is_sound(const struct policy *policy);

/* policy_names_family: at least one list of this family is set. */
bool policy_names_family(const struct policy *policy, enum policy_family family);

/* policy_relaxed writes the names of the relaxations asked for ("allow-debug",
   "allow-tcb:OutOfDate", "allow-trailing", "root"), sorted, and returns how many. */
size_t policy_relaxed(const struct policy *policy, char names[RELAXED_MAX][RELAXED_NAME_MAX]);

/* policy_valid_until: how long a decision over these claims may be kept: the claims' own end,
   and no longer than the policy's ages allow. */
int64_t policy_valid_until(const struct policy *policy, const struct claims *claims);

#endif
