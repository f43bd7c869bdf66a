/* claim_table.c - see claim_table.h. */
#include "lib/claim_table.h"

#include <string.h>

#include "base/number.h"

#define ROW(name, scope, form, member)                                                             \
    {                                                                                              \
        name, scope, form, offsetof(struct claims, member), sizeof((struct claims *)0)->member     \
    }

const struct claim_row claim_rows[] = {
    ROW("tee_tcb_svn", CLAIM_TDX, CLAIM_BYTES, tdx.tee_tcb_svn),
    ROW("mr_seam", CLAIM_TDX, CLAIM_BYTES, tdx.mr_seam),
    ROW("mr_signer_seam", CLAIM_TDX, CLAIM_BYTES, tdx.mr_signer_seam),
    ROW("seam_attributes", CLAIM_TDX, CLAIM_BYTES, tdx.seam_attributes),
    ROW("td_attributes", CLAIM_TDX, CLAIM_BYTES, tdx.td_attributes),
    ROW("xfam", CLAIM_TDX, CLAIM_BYTES, tdx.xfam),
    ROW("mrtd", CLAIM_TDX, CLAIM_BYTES, tdx.mrtd),
    ROW("mr_config_id", CLAIM_TDX, CLAIM_BYTES, tdx.mr_config_id),
    ROW("mr_owner", CLAIM_TDX, CLAIM_BYTES, tdx.mr_owner),
    ROW("mr_owner_config", CLAIM_TDX, CLAIM_BYTES, tdx.mr_owner_config),
    ROW("rtmr0", CLAIM_TDX, CLAIM_BYTES, tdx.rtmr[0]),
    ROW("rtmr1", CLAIM_TDX, CLAIM_BYTES, tdx.rtmr[1]),
    ROW("rtmr2", CLAIM_TDX, CLAIM_BYTES, tdx.rtmr[2]),
    ROW("rtmr3", CLAIM_TDX, CLAIM_BYTES, tdx.rtmr[3]),
    ROW("report_data", CLAIM_TDX, CLAIM_BYTES, tdx.report_data),
    ROW("tee_tcb_svn2", CLAIM_TDX_15, CLAIM_BYTES, tdx.tee_tcb_svn2),
    ROW("mr_service_td", CLAIM_TDX_15, CLAIM_BYTES, tdx.mr_service_td),
    ROW("cpu_svn", CLAIM_SGX, CLAIM_BYTES, sgx.cpu_svn),
    ROW("misc_select", CLAIM_SGX, CLAIM_U32, sgx.misc_select),
    ROW("isv_ext_prod_id", CLAIM_SGX, CLAIM_BYTES, sgx.isv_ext_prod_id),
    ROW("attributes", CLAIM_SGX, CLAIM_BYTES, sgx.attributes),
    ROW("mr_enclave", CLAIM_SGX, CLAIM_BYTES, sgx.mr_enclave),
    ROW("mr_signer", CLAIM_SGX, CLAIM_BYTES, sgx.mr_signer),
    ROW("config_id", CLAIM_SGX, CLAIM_BYTES, sgx.config_id),
    ROW("isv_prod_id", CLAIM_SGX, CLAIM_U16, sgx.isv_prod_id),
    ROW("isv_svn", CLAIM_SGX, CLAIM_U16, sgx.isv_svn),
    ROW("config_svn", CLAIM_SGX, CLAIM_U16, sgx.config_svn),
    ROW("isv_family_id", CLAIM_SGX, CLAIM_BYTES, sgx.isv_family_id),
    ROW("report_data", CLAIM_SGX, CLAIM_BYTES, sgx.report_data),
    ROW("fmspc", CLAIM_QUOTE, CLAIM_BYTES, pck.fmspc),
    ROW("pce_id", CLAIM_QUOTE, CLAIM_BYTES, pck.pce_id),
    ROW("pck_cpu_svn", CLAIM_QUOTE, CLAIM_BYTES, pck.cpu_svn),
    ROW("pck_comp_svn", CLAIM_QUOTE, CLAIM_BYTES, pck.comp_svn),
    ROW("pce_svn", CLAIM_QUOTE, CLAIM_U16, pck.pce_svn),
    ROW("pck_platform_ca", CLAIM_QUOTE, CLAIM_BOOL, pck.platform_ca),
    ROW("dynamic_platform", CLAIM_QUOTE, CLAIM_FLAG, pck.dynamic_platform),
    ROW("cached_keys", CLAIM_QUOTE, CLAIM_FLAG, pck.cached_keys),
    ROW("smt_enabled", CLAIM_QUOTE, CLAIM_FLAG, pck.smt_enabled),
    ROW("qe_mr_signer", CLAIM_QUOTE, CLAIM_BYTES, qe.mr_signer),
    ROW("qe_isv_prod_id", CLAIM_QUOTE, CLAIM_U16, qe.isv_prod_id),
    ROW("qe_isv_svn", CLAIM_QUOTE, CLAIM_U16, qe.isv_svn),
};

const size_t claim_row_count = COUNT_OF(claim_rows);

bool claim_row_applies(const struct claim_row *row, enum evidence_kind kind)
{
    switch (row->scope) {
    case CLAIM_QUOTE:
        return evidence_kind_is_tdx(kind) || evidence_kind_is_sgx(kind);
    case CLAIM_TDX:
        return evidence_kind_is_tdx(kind);
    case CLAIM_TDX_15:
        return kind == EVIDENCE_TDX_V5_15;
    case CLAIM_SGX:
        return evidence_kind_is_sgx(kind);
    }
    return false;
}

uint32_t claim_row_number(const struct claim_row *row, const struct claims *claims)
{
    const uint8_t *at = (const uint8_t *)claims + row->offset;
    uint16_t u16;
    uint32_t u32;
    enum flag flag;
    bool truth;
    switch (row->form) {
    case CLAIM_U16:
        memcpy(&u16, at, sizeof u16);
        return u16;
    case CLAIM_U32:
        memcpy(&u32, at, sizeof u32);
        return u32;
    case CLAIM_FLAG:
        memcpy(&flag, at, sizeof flag);
        return (uint32_t)flag;
    case CLAIM_BOOL:
        memcpy(&truth, at, sizeof truth);
        return truth ? 1 : 0;
    case CLAIM_BYTES:
        break;
    }
    return 0;
}
