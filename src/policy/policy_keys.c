/* policy_keys.c - see policy_keys.h.  A table; it reads and judges nothing. */
#include "policy/policy_keys.h"

#include "base/number.h"
#include "policy/policy_toml.h"

#define WORD(name, value)                                                                          \
    {                                                                                              \
        name, (uint64_t)(value)                                                                    \
    }
#define KIND(name, kind)                                                                           \
    {                                                                                              \
        name, UINT64_C(1) << (kind)                                                                \
    }

static const struct toml_word kinds[] = {
    KIND("sgx-v3", EVIDENCE_SGX_V3),        KIND("sgx-v4", EVIDENCE_SGX_V4),
    KIND("sgx-v5", EVIDENCE_SGX_V5),        KIND("tdx-v4", EVIDENCE_TDX_V4),
    KIND("tdx-v5-1.0", EVIDENCE_TDX_V5_10), KIND("tdx-v5-1.5", EVIDENCE_TDX_V5_15),
    KIND("nitro", EVIDENCE_NITRO),
};

/* Without Revoked: no rule can accept it. */
static const struct toml_word statuses[] = {
    KIND("UpToDate", TCB_UP_TO_DATE),
    KIND("SWHardeningNeeded", TCB_SW_HARDENING_NEEDED),
    KIND("ConfigurationNeeded", TCB_CONFIGURATION_NEEDED),
    KIND("ConfigurationAndSWHardeningNeeded", TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED),
    KIND("OutOfDate", TCB_OUT_OF_DATE),
    KIND("OutOfDateConfigurationNeeded", TCB_OUT_OF_DATE_CONFIGURATION_NEEDED),
    KIND("TDRelaunchAdvised", TCB_TD_RELAUNCH_ADVISED),
    KIND("TDRelaunchAdvisedConfigurationNeeded", TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED),
};

static const struct toml_word td_attributes[] = {
    WORD("ICSSD", TD_ICSSD),     WORD("LASS", TD_LASS), WORD("MIGRATABLE", TD_MIGRATABLE),
    WORD("PKS", TD_PKS),         WORD("KL", TD_KL),     WORD("TPA", TD_TPA),
    WORD("PERFMON", TD_PERFMON),
};

static const struct toml_word sgx_attributes[] = {
    WORD("PROVISIONKEY", SGX_PROVISION),
    WORD("EINITTOKENKEY", SGX_EINIT_TOKEN),
    WORD("CET", SGX_CET),
    WORD("KSS", SGX_KSS),
    WORD("AEXNOTIFY", SGX_AEX_NOTIFY),
};

static const struct toml_word features[] = {
    WORD("AVX", 1u << 2),  WORD("AVX512", 0xe0),    WORD("PT", 1u << 8),   WORD("PKU", 1u << 9),
    WORD("CET", 3u << 11), WORD("UINTR", 1u << 14), WORD("LBR", 1u << 15), WORD("AMX", 3u << 17),
};

static const struct toml_word demands[] = {
    WORD("hardware", DEMAND_ON_HARDWARE),
    WORD("always", DEMAND_ALWAYS),
    WORD("never", DEMAND_NEVER),
};

static const struct toml_word rtmr3_rules[] = {
    WORD("match", POLICY_RTMR3_MATCH),
    WORD("value", POLICY_RTMR3_VALUE),
    WORD("ignore", POLICY_RTMR3_IGNORE),
};

#define AT(field)    offsetof(struct policy, field)
#define WORDS(array) .words = (array), .word_count = COUNT_OF(array)

/* The sections and forms of the lists of lists.def. */
#define SECTION_FAMILY_TDX   "tdx"
#define SECTION_FAMILY_SGX   "sgx"
#define SECTION_FAMILY_NITRO "nitro"
#define SECTION_FAMILY_LOG   "log"
#define VARYING_FAMILY_TDX   TOML_FORM_HEXES
#define VARYING_FAMILY_SGX   TOML_FORM_HEXES
#define VARYING_FAMILY_NITRO TOML_FORM_HASHES
#define VARYING_FAMILY_LOG   TOML_FORM_TEXTS

static const struct toml_field keys[] = {
    { "", "types", TOML_FORM_SET32, AT(kinds), WORDS(kinds),
      .fallback = "[\"sgx-v3\", \"sgx-v4\", \"sgx-v5\", \"tdx-v4\", \"tdx-v5-1.0\", "
                  "\"tdx-v5-1.5\", \"nitro\"]",
      .summary = "kinds of evidence that are judged at all" },
    { "", "hardware", TOML_FORM_BOOL, AT(hardware_required), .fallback = "true",
      .summary = "only evidence whose chain ends in a vendor's pinned root; set it to false "
                 "to accept a test authority named below" },
    { "", "roots", TOML_FORM_TEXTS, AT(roots),
      .summary = "PEM texts of root certificates trusted "
                 "beside the pinned ones" },
    { "", "root_files", TOML_FORM_TEXTS, AT(root_files),
      .summary = "files of such certificates, relative to the policy file" },
    { "", "report_data", TOML_FORM_HEX64, AT(report_data), AT(has_report_data),
      .summary = "the report data of a quote, all 64 bytes in hex" },
    { "", "nonce", TOML_FORM_HEX, AT(nonce), AT(has_nonce), 1, POLICY_NONCE_MAX,
      .summary = "nonce in hex: equal to a document's nonce; for quotes report_data is the "
                 "nonce and zeros" },

    { "tcb", "status", TOML_FORM_SET32, AT(tcb.allowed), WORDS(statuses),
      .fallback = "[\"UpToDate\"]", .never = "Revoked",
      .summary = "TCB statuses that are accepted; Revoked never is" },
    { "tcb", "advisories_allowed", TOML_FORM_TEXTS, AT(tcb.advisories_allowed),
      .summary = "when given, no other advisory may apply to the platform" },
    { "tcb", "advisories_denied", TOML_FORM_TEXTS, AT(tcb.advisories_denied),
      .summary = "advisories that must not apply to the platform" },
    { "tcb", "min_date", TOML_FORM_TIME, AT(tcb.min_date), AT(tcb.has_min_date),
      .summary = "earliest TCB date of the platform" },
    { "tcb", "min_evaluation_number", TOML_FORM_U32, AT(tcb.min_evaluation_number), 0, 0,
      UINT32_MAX, .fallback = "0", .summary = "floor of the TCB info's tcbEvaluationDataNumber" },
    { "tcb", "min_qe_evaluation_number", TOML_FORM_U32, AT(tcb.min_qe_evaluation_number), 0, 0,
      UINT32_MAX, .fallback = "0",
      .summary = "floor of the QE identity's tcbEvaluationDataNumber" },
    { "tcb", "max_collateral_age", TOML_FORM_I64, AT(tcb.max_collateral_age), 0, 0, POLICY_AGE_MAX,
      .fallback = "0",
      .summary = "seconds since the oldest collateral was issued; 0 for no "
                 "bound beside its own" },
    { "tcb", "dynamic_platform", TOML_FORM_FLAG, AT(tcb.dynamic_platform),
      .summary = "what this flag of the PCK certificate must be" },
    { "tcb", "cached_keys", TOML_FORM_FLAG, AT(tcb.cached_keys),
      .summary = "what this flag of the PCK certificate must be" },
    { "tcb", "smt_enabled", TOML_FORM_FLAG, AT(tcb.smt_enabled),
      .summary = "what this flag of the PCK certificate must be" },

    { "tdx", "allow_debug", TOML_FORM_BOOL, AT(tdx.allow_debug), .fallback = "false",
      .summary = "accept TDs whose memory can be read from outside" },
    { "tdx", "require_sept_ve_disable", TOML_FORM_BOOL, AT(tdx.require_sept_ve_disable),
      .fallback = "true", .summary = "demand SEPT_VE_DISABLE (bit 28 of the attributes)" },
    { "tdx", "attributes_allowed", TOML_FORM_SET64, AT(tdx.attributes_allowed),
      WORDS(td_attributes), .always = TD_SEPT_VE_DISABLE,
      .summary = "further attributes that a TD may have" },
    { "tdx", "xfam_allowed", TOML_FORM_SET64, AT(tdx.xfam_allowed), WORDS(features),
      .always = XFAM_FIXED_1,
      .fallback = "[\"AVX\", \"AVX512\", \"PT\", \"PKU\", \"CET\", \"UINTR\", \"LBR\", \"AMX\"]",
      .summary = "extended features that a TD may have beside x87 and SSE" },

    { "sgx", "allow_debug", TOML_FORM_BOOL, AT(sgx.allow_debug), .fallback = "false",
      .summary = "accept enclaves whose memory can be read from outside" },
    { "sgx", "init_and_mode64", TOML_FORM_CHOICE, AT(sgx.init_and_mode64), WORDS(demands),
      .fallback = "\"hardware\"",
      .summary = "demand the attributes INIT and MODE64BIT: of evidence from hardware, always, "
                 "or never" },
    { "sgx", "attributes_allowed", TOML_FORM_SET64, AT(sgx.attributes_allowed),
      WORDS(sgx_attributes), .fallback = "[\"CET\", \"KSS\", \"AEXNOTIFY\"]",
      .summary = "further attributes that an enclave may have" },
    { "sgx", "xfrm_allowed", TOML_FORM_SET64, AT(sgx.xfrm_allowed), WORDS(features),
      .always = XFAM_FIXED_1, .fallback = "[\"AVX\", \"AVX512\", \"PKU\", \"CET\", \"AMX\"]",
      .summary = "extended features that an enclave may have beside x87 and SSE" },
    { "sgx", "isv_prod_id", TOML_FORM_U16, AT(sgx.isv_prod_id), AT(sgx.has_isv_prod_id), 0,
      UINT16_MAX, .summary = "product id of the signer" },
    { "sgx", "min_isv_svn", TOML_FORM_U16, AT(sgx.min_isv_svn), 0, 0, UINT16_MAX, .fallback = "0",
      .summary = "floor of the enclave's security version" },
    { "sgx", "min_config_svn", TOML_FORM_U16, AT(sgx.min_config_svn), 0, 0, UINT16_MAX,
      .fallback = "0", .summary = "floor of the configuration's security version" },

    { "nitro", "allow_debug", TOML_FORM_BOOL, AT(nitro.allow_debug), .fallback = "false",
      .summary = "accept enclaves in debug mode (PCR0 to PCR2 zero)" },
    { "nitro", "max_age", TOML_FORM_I64, AT(nitro.max_age), 0, 0, POLICY_AGE_MAX, .fallback = "300",
      .summary = "seconds since the document was made" },
    { "nitro", "skew", TOML_FORM_I64, AT(nitro.skew), 0, 0, POLICY_AGE_MAX, .fallback = "300",
      .summary = "seconds by which a document may be ahead of this clock" },
    { "nitro", "user_data_max", TOML_FORM_SIZE, AT(nitro.user_data_max), 0, 1, NITRO_BLOB_MAX,
      .fallback = "1024",
      .summary = "bytes of user_data and of nonce (512 in one reading of "
                 "the vendor's text)" },
    { "nitro", "module_id", TOML_FORM_TEXTS, AT(nitro.module_ids),
      .summary = "instances accepted" },
    { "nitro", "require_public_key", TOML_FORM_BOOL, AT(nitro.require_public_key),
      .fallback = "false", .summary = "refuse a document that offers no recipient key" },

    { "log", "required", TOML_FORM_BOOL, AT(log.required), .fallback = "false",
      .summary = "refuse a TD without an event log" },
    { "log", "rtmr3", TOML_FORM_CHOICE, AT(log.rtmr3), WORDS(rtmr3_rules), .fallback = "\"match\"",
      .summary = "RTMR3 must match the log, or one of tdx.rtmr3, or is ignored" },

#define LIST(id, family, text, len, where, what)                                                   \
    { SECTION_##family,     text,          (len) != 0 ? TOML_FORM_HEXES : VARYING_##family,        \
      AT(lists[LIST_##id]), .most = (len), .summary = (what) },
#include "policy/lists.def"
#undef LIST
};

static const char *const sections[] = { "tcb", "tdx", "sgx", "nitro", "log" };

const struct toml_shape policy_shape = {
    .fields = keys,
    .field_count = COUNT_OF(keys),
    .sections = sections,
    .section_count = COUNT_OF(sections),
    .text_max = POLICY_TEXT_MAX,
    .list_max = POLICY_LIST_MAX,
    .never_why = "which no policy can accept",
};

/* A flag is filled in as the reader numbers it. */
_Static_assert((int)POLICY_FLAG_FALSE == (int)TOML_FLAG_FALSE &&
                   (int)POLICY_FLAG_TRUE == (int)TOML_FLAG_TRUE,
               "the reader's numbers");
