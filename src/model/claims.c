/* claims.c - the names of the values in claims.h. */
#include "model/claims.h"

#include <stddef.h>

const char *evidence_kind_name(enum evidence_kind kind)
{
    switch (kind) {
    case EVIDENCE_SGX_V3:
        return "sgx-v3";
    case EVIDENCE_SGX_V4:
        return "sgx-v4";
    case EVIDENCE_SGX_V5:
        return "sgx-v5";
    case EVIDENCE_TDX_V4:
        return "tdx-v4";
    case EVIDENCE_TDX_V5_10:
        return "tdx-v5-1.0";
    case EVIDENCE_TDX_V5_15:
        return "tdx-v5-1.5";
    case EVIDENCE_NITRO:
        return "nitro";
    case EVIDENCE_UNKNOWN:
        break;
    }
    return "unknown";
}

bool evidence_kind_is_tdx(enum evidence_kind kind)
{
    return kind == EVIDENCE_TDX_V4 || kind == EVIDENCE_TDX_V5_10 || kind == EVIDENCE_TDX_V5_15;
}

bool evidence_kind_is_sgx(enum evidence_kind kind)
{
    return kind == EVIDENCE_SGX_V3 || kind == EVIDENCE_SGX_V4 || kind == EVIDENCE_SGX_V5;
}

static const char *const status_names[TCB_STATUS_COUNT] = {
    [TCB_STATUS_NONE] = "",
    [TCB_UP_TO_DATE] = "UpToDate",
    [TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [TCB_OUT_OF_DATE] = "OutOfDate",
    [TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [TCB_REVOKED] = "Revoked",
    [TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
};

const char *tcb_status_name(enum tcb_status status)
{
    return (unsigned)status < TCB_STATUS_COUNT ? status_names[status] : "";
}

enum tcb_status tcb_status_find(struct span name)
{
    for (unsigned i = TCB_UP_TO_DATE; i < TCB_STATUS_COUNT; i++) {
        if (span_equal_text(name, status_names[i]))
            return (enum tcb_status)i;
    }
    return TCB_STATUS_NONE;
}

const char *log_format_name(enum log_format format)
{
    switch (format) {
    case LOG_CCEL:
        return "ccel";
    case LOG_DSTACK_V1:
        return "dstack-v1";
    case LOG_DSTACK_V2:
        return "dstack-v2";
    case LOG_NONE:
        break;
    }
    return "none";
}
