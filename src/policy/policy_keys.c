/* policy_keys.c - see policy_keys.h.  A table; it reads and judges nothing. */
#include "policy/policy_keys.h"

#include "base/number.h"

#define WORD(name, value)                                                                          \
    {                                                                                              \
        name, (uint64_t)(value)                                                                    \
    }
#define KIND(name, kind)                                                                           \
    {                                                                                              \
        name, UINT64_C(1) << (kind)                                                                \
    }

static const struct policy_word kinds[] = {
    KIND("sgx-v3", EVIDENCE_SGX_V3),        KIND("sgx-v4", EVIDENCE_SGX_V4),
    KIND("sgx-v5", EVIDENCE_SGX_V5),        KIND("tdx-v4", EVIDENCE_TDX_V4),
    KIND("tdx-v5-1.0", EVIDENCE_TDX_V5_10), KIND("tdx-v5-1.5", EVIDENCE_TDX_V5_15),
    KIND("nitro", EVIDENCE_NITRO),
};

/* Without Revoked: no rule can accept it. */
static const struct policy_word statuses[] = {
    KIND("UpToDate", TCB_UP_TO_DATE),
    KIND("SWHardeningNeeded", TCB_SW_HARDENING_NEEDED),
    KIND("ConfigurationNeeded", TCB_CONFIGURATION_NEEDED),
    KIND("ConfigurationAndSWHardeningNeeded", TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED),
    KIND("OutOfDate", TCB_OUT_OF_DATE),
    KIND("OutOfDateConfigurationNeeded", TCB_OUT_OF_DATE_CONFIGURATION_NEEDED),
    KIND("TDRelaunchAdvised", TCB_TD_RELAUNCH_ADVISED),
    KIND("TDRelaunchAdvisedConfigurationNeeded", TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED),
};

static const struct policy_word td_attributes[] = {
    WORD("ICSSD", TD_ICSSD),     WORD("LASS", TD_LASS), WORD("MIGRATABLE", TD_MIGRATABLE),
    WORD("PKS", TD_PKS),         WORD("KL", TD_KL),     WORD("TPA", TD_TPA),
    WORD("PERFMON", TD_PERFMON),
};

static const struct policy_word sgx_attributes[] = {
    WORD("PROVISIONKEY", SGX_PROVISION),
    WORD("EINITTOKENKEY", SGX_EINIT_TOKEN),
    WORD("CET", SGX_CET),
    WORD("KSS", SGX_KSS),
    WORD("AEXNOTIFY", SGX_AEX_NOTIFY),
};

static const struct policy_word features[] = {
    WORD("AVX", 1u << 2),  WORD("AVX512", 0xe0),    WORD("PT", 1u << 8),   WORD("PKU", 1u << 9),
    WORD("CET", 3u << 11), WORD("UINTR", 1u << 14), WORD("LBR", 1u << 15), WORD("AMX", 3u << 17),
};

static const struct policy_word demands[] = {
    WORD("hardware", DEMAND_ON_HARDWARE),
    WORD("always", DEMAND_ALWAYS),
    WORD("never", DEMAND_NEVER),
};

static const struct policy_word rtmr3_rules[] = {
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
#define VARYING_FAMILY_TDX   FORM_HEXES
#define VARYING_FAMILY_SGX   FORM_HEXES
#define VARYING_FAMILY_NITRO FORM_PCRS
#define VARYING_FAMILY_LOG   FORM_TEXTS

static const struct policy_key keys[] = {
    { "", "types", FORM_SET32, AT(kinds), WORDS(kinds),
      .fallback = "[\"sgx-v3\", \"sgx-v4\", \"sgx-v5\", \"tdx-v4\", \"tdx-v5-1.0\", "
                  "\"tdx-v5-1.5\", \"nitro\"]",
      .summary = "kinds of evidence that are judged at all" },
    { "", "hardware", FORM_BOOL, AT(hardware_required), .fallback = "true",
      .summary = "only evidence whose chain ends in a vendor's pinned root; set it to false "
                 "to accept a test authority named below" },
    { "", "roots", FORM_TEXTS, AT(roots),
      .summary = "PEM texts of root certificates trusted "
                 "beside the pinned ones" },
    { "", "root_files", FORM_TEXTS, AT(root_files),
      .summary = "files of such certificates, relative to the policy file" },
    { "", "report_data", FORM_HEX64, AT(report_data), AT(has_report_data),
      .summary = "the report data of a quote, all 64 bytes in hex" },
    { "", "nonce", FORM_HEX, AT(nonce), AT(has_nonce), 1, POLICY_NONCE_MAX,
      .summary = "nonce in hex: equal to a document's nonce; for quotes report_data is the "
                 "nonce and zeros" },

    { "tcb", "status", FORM_SET32, AT(tcb.allowed), WORDS(statuses), .fallback = "[\"UpToDate\"]",
      .never = "Revoked", .summary = "TCB statuses that are accepted; Revoked never is" },
    { "tcb", "advisories_allowed", FORM_TEXTS, AT(tcb.advisories_allowed),
      .summary = "when given, no other advisory may apply to the platform" },
    { "tcb", "advisories_denied", FORM_TEXTS, AT(tcb.advisories_denied),
      .summary = "advisories that must not apply to the platform" },
    { "tcb", "min_date", FORM_TIME, AT(tcb.min_date), AT(tcb.has_min_date),
      .summary = "earliest TCB date of the platform" },
    { "tcb", "min_evaluation_number", FORM_U32, AT(tcb.min_evaluation_number), 0, 0, UINT32_MAX,
      .fallback = "0", .summary = "floor of the TCB info's tcbEvaluationDataNumber" },
    { "tcb", "min_qe_evaluation_number", FORM_U32, AT(tcb.min_qe_evaluation_number), 0, 0,
      UINT32_MAX, .fallback = "0",
      .summary = "floor of the QE identity's tcbEvaluationDataNumber" },
    { "tcb", "max_collateral_age", FORM_I64, AT(tcb.max_collateral_age), 0, 0, POLICY_AGE_MAX,
      .fallback = "0",
      .summary = "seconds since the oldest collateral was issued; 0 for no "
                 "bound beside its own" },
    { "tcb", "dynamic_platform", FORM_FLAG, AT(tcb.dynamic_platform),
      .summary = "what this flag of the PCK certificate must be" },
    { "tcb", "cached_keys", FORM_FLAG, AT(tcb.cached_keys),
      .summary = "what this flag of the PCK certificate must be" },
    { "tcb", "smt_enabled", FORM_FLAG, AT(tcb.smt_enabled),
      .summary = "what this flag of the PCK certificate must be" },

    { "tdx", "allow_debug", FORM_BOOL, AT(tdx.allow_debug), .fallback = "false",
      .summary = "accept TDs whose memory can be read from outside" },
    { "tdx", "require_sept_ve_disable", FORM_BOOL, AT(tdx.require_sept_ve_disable),
      .fallback = "true", .summary = "demand SEPT_VE_DISABLE (bit 28 of the attributes)" },
    { "tdx", "attributes_allowed", FORM_SET64, AT(tdx.attributes_allowed), WORDS(td_attributes),
      .always = TD_SEPT_VE_DISABLE, .summary = "further attributes that a TD may have" },
    { "tdx", "xfam_allowed", FORM_SET64, AT(tdx.xfam_allowed), WORDS(features),
      .always = XFAM_FIXED_1,
      .fallback = "[\"AVX\", \"AVX512\", \"PT\", \"PKU\", \"CET\", \"UINTR\", \"LBR\", \"AMX\"]",
      .summary = "extended features that a TD may have beside x87 and SSE" },

    { "sgx", "allow_debug", FORM_BOOL, AT(sgx.allow_debug), .fallback = "false",
      .summary = "accept enclaves whose memory can be read from outside" },
    { "sgx", "init_and_mode64", FORM_CHOICE, AT(sgx.init_and_mode64), WORDS(demands),
      .fallback = "\"hardware\"",
      .summary = "demand the attributes INIT and MODE64BIT: of evidence from hardware, always, "
                 "or never" },
    { "sgx", "attributes_allowed", FORM_SET64, AT(sgx.attributes_allowed), WORDS(sgx_attributes),
      .fallback = "[\"CET\", \"KSS\", \"AEXNOTIFY\"]",
      .summary = "further attributes that an enclave may have" },
    { "sgx", "xfrm_allowed", FORM_SET64, AT(sgx.xfrm_allowed), WORDS(features),
      .always = XFAM_FIXED_1, .fallback = "[\"AVX\", \"AVX512\", \"PKU\", \"CET\", \"AMX\"]",
      .summary = "extended features that an enclave may have beside x87 and SSE" },
    { "sgx", "isv_prod_id", FORM_U16, AT(sgx.isv_prod_id), AT(sgx.has_isv_prod_id), 0, UINT16_MAX,
      .summary = "product id of the signer" },
    { "sgx", "min_isv_svn", FORM_U16, AT(sgx.min_isv_svn), 0, 0, UINT16_MAX, .fallback = "0",
      .summary = "floor of the enclave's security version" },
    { "sgx", "min_config_svn", FORM_U16, AT(sgx.min_config_svn), 0, 0, UINT16_MAX, .fallback = "0",
      .summary = "floor of the configuration's security version" },

    { "nitro", "allow_debug", FORM_BOOL, AT(nitro.allow_debug), .fallback = "false",
      .summary = "accept enclaves in debug mode (PCR0 to PCR2 zero)" },
    { "nitro", "max_age", FORM_I64, AT(nitro.max_age), 0, 0, POLICY_AGE_MAX, .fallback = "300",
      .summary = "seconds since the document was made" },
    { "nitro", "skew", FORM_I64, AT(nitro.skew), 0, 0, POLICY_AGE_MAX, .fallback = "300",
      .summary = "seconds by which a document may be ahead of this clock" },
    { "nitro", "user_data_max", FORM_SIZE, AT(nitro.user_data_max), 0, 1, NITRO_BLOB_MAX,
      .fallback = "1024",
      .summary = "bytes of user_data and of nonce (512 in one reading of "
                 "the vendor's text)" },
    { "nitro", "module_id", FORM_TEXTS, AT(nitro.module_ids), .summary = "instances accepted" },
    { "nitro", "require_public_key", FORM_BOOL, AT(nitro.require_public_key), .fallback = "false",
      .summary = "refuse a document that offers no recipient key" },

    { "log", "required", FORM_BOOL, AT(log.required), .fallback = "false",
      .summary = "refuse a TD without an event log" },
    { "log", "rtmr3", FORM_CHOICE, AT(log.rtmr3), WORDS(rtmr3_rules), .fallback = "\"match\"",
      .summary = "RTMR3 must match the log, or one of tdx.rtmr3, or is ignored" },

#define LIST(id, family, text, len, where, what)                                                   \
    { SECTION_##family,     text,          (len) != 0 ? FORM_HEXES : VARYING_##family,             \
      AT(lists[LIST_##id]), .most = (len), .summary = (what) },
#include "policy/lists.def"
#undef LIST
};

const struct policy_key *policy_keys(size_t *count)
{
    *count = COUNT_OF(keys);
    return keys;
}

static void write_words(struct sink *out, const struct policy_key *key)
{
    for (size_t i = 0; i < key->word_count; i++)
        sink_format(out, "%s`%s`", i == 0 ? "" : ", ", key->words[i].name);
}

static void write_values(struct sink *out, const struct policy_key *key)
{
    switch (key->form) {
    case FORM_BOOL:
        sink_text(out, "true or false");
        break;
    case FORM_FLAG:
        sink_text(out, "true or false; left out: either");
        break;
    case FORM_U16:
    case FORM_U32:
    case FORM_I64:
    case FORM_SIZE:
        sink_format(out, "integer, %lld to %lld", (long long)key->least, (long long)key->most);
        break;
    case FORM_TIME:
        sink_text(out, "date and time with an offset");
        break;
    case FORM_CHOICE:
        sink_text(out, "one of ");
        write_words(out, key);
        break;
    case FORM_SET32:
    case FORM_SET64:
        sink_text(out, "list of ");
        write_words(out, key);
        break;
    case FORM_HEX:
        sink_format(out, "hex of %lld to %lld bytes", (long long)key->least, (long long)key->most);
        break;
    case FORM_HEX64:
        sink_text(out, "hex of 64 bytes");
        break;
    case FORM_TEXTS:
        sink_text(out, "string, or a list of them");
        break;
    case FORM_HEXES:
        sink_format(out, "hex of %lld bytes, or a list", (long long)key->most);
        break;
    case FORM_PCRS:
        sink_text(out, "hex of 32, 48 or 64 bytes, or a list");
        break;
    }
}

void policy_write_reference(struct sink *out)
{
    const char *section = NULL;
    for (size_t s = 0; s < 6; s++) {
        static const char *const sections[] = { "", "tcb", "tdx", "sgx", "nitro", "log" };
        section = sections[s];
        sink_format(out, "\n### %s%s%s\n\n| key | value | default | what |\n|---|---|---|---|\n",
                    *section == 0 ? "At the top" : "[", section, *section == 0 ? "" : "]");
        for (size_t i = 0; i < COUNT_OF(keys); i++) {
            if (!span_equal_text(span_text(keys[i].section), section))
                continue;
            sink_format(out, "| `%s` | ", keys[i].name);
            write_values(out, &keys[i]);
            bool given = keys[i].fallback != NULL;
            sink_format(out, " | %s%s%s | %s |\n", given ? "`" : "", given ? keys[i].fallback : "",
                        given ? "`" : "", keys[i].summary);
        }
    }
}
