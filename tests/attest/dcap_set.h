/* dcap_set.h - for tests: evidence and one set of collateral from the vectors folder, judged. */
#ifndef WARD_TESTS_ATTEST_DCAP_SET_H
#define WARD_TESTS_ATTEST_DCAP_SET_H

#include "attest/dcap.h"
#include "base/arena.h"
#include "codec/json.h"
#include "test.h"
#include "vectors.h"

#define UNUSED __attribute__((unused))

/* The files of a set; NULL: not given. */
struct set_files {
    const char *tcb_info, *qe_identity, *pck_crl, *root_crl, *tcb_signer, *qe_signer, *chain;
};

/* Files read, and everything that one judgement needs. */
struct set {
    struct collateral_sources sources;
    struct crypto *crypto;
    struct trust_roots roots;
    struct collateral *collateral;
    struct report report;
    struct claims claims;
};

UNUSED static struct collateral_item set_item(const char *name)
{
    if (name == NULL)
        return (struct collateral_item){ 0 };
    return (struct collateral_item){ vectors_read(name), name };
}

UNUSED static void set_open(struct set *set, const struct set_files *files)
{
    *set = (struct set){ .roots = { &intel_sgx_root, 1 }, .crypto = crypto_new() };
    set->sources.tcb_info = set_item(files->tcb_info);
    set->sources.qe_identity = set_item(files->qe_identity);
    set->sources.pck_crl = set_item(files->pck_crl);
    set->sources.root_crl = set_item(files->root_crl);
    set->sources.tcb_signing_cert = set_item(files->tcb_signer);
    set->sources.qe_signing_cert = set_item(files->qe_signer);
    set->sources.pck_chain = set_item(files->chain);
}

/* Makes the snapshot anew from the sources as they are now. */
UNUSED static void set_build(struct set *set)
{
    collateral_free(&set->collateral);
    set->collateral = collateral_new(&set->sources, &set->roots, set->crypto);
    assert_non_null(set->collateral);
}

UNUSED static void set_close(struct set *set)
{
    struct collateral_item *const items[] = {
        &set->sources.tcb_info,        &set->sources.qe_identity, &set->sources.pck_crl,
        &set->sources.root_crl,        &set->sources.pck_chain,   &set->sources.tcb_signing_cert,
        &set->sources.qe_signing_cert,
    };
    collateral_free(&set->collateral);
    crypto_free(&set->crypto);
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        vectors_free(&items[i]->bytes);
}

/* Judges and gives the reason: REASON_OK when nothing failed. */
UNUSED static enum reason set_judge(struct set *set, struct span quote, int64_t now)
{
    struct dcap_input input = {
        .quote = quote, .collateral = set->collateral, .roots = &set->roots, .now = now
    };
    dcap_verify(&input, set->crypto, &set->report, &set->claims);
    assert_true(report_is_sound(&set->report));
    enum check_id first = report_first_failure(&set->report);
    assert_int_equal(set->claims.verified, first == CHECK_COUNT);
    return first == CHECK_COUNT ? REASON_OK : (enum reason)set->report.checks[first].reason;
}

/* One genuine quote of each kind with its set and time (see the index of the vectors). */
struct genuine {
    const char *name, *quote;
    struct set_files files;
    int64_t now;
    enum tcb_status status;
};

#define COLLATERAL_TDX "attest/tdx/collateral/"
#define COLLATERAL_SGX "attest/sgx/collateral/"

UNUSED static const struct genuine genuine_sgx3 = {
    "sgx-v3",
    "attest/sgx/dcap-qvl_sgx-quote_f8b810.quote.bin",
    { COLLATERAL_SGX "tcbinfo_sgx_v3_00a067110000_eval17_2025-06-19_f935.json",
      COLLATERAL_SGX "qeidentity_qe_v2_eval17_2025-06-19_e37b.json",
      COLLATERAL_TDX "crl_processor_2025-06-19_5b07.der",
      COLLATERAL_TDX "crl_root_2025-03-20_ad6f.der", COLLATERAL_TDX "intel_tcb_signing_2025.pem",
      NULL, NULL },
    1751624924,
    TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
};

UNUSED static const struct genuine genuine_tdx4 = {
    "tdx-v4",
    "attest/tdx/dcap-qvl_tdx-quote_f1c850.quote.bin",
    { COLLATERAL_TDX "tcbinfo_tdx_v3_b0c06f000000_eval17_2025-06-19_369f.json",
      COLLATERAL_TDX "qeidentity_td_qe_v2_eval17_2025-06-19_261a.json",
      COLLATERAL_TDX "crl_platform_2025-06-19_e583.der",
      COLLATERAL_TDX "crl_root_2025-03-20_ad6f.der", COLLATERAL_TDX "intel_tcb_signing_2025.pem",
      NULL, NULL },
    1751624191,
    TCB_UP_TO_DATE,
};

UNUSED static const struct genuine genuine_tdx5 = {
    "tdx-v5-1.5",
    "attest/tdx/gotdxguest_quote-v5-sample_cf77a6.quote.bin",
    { COLLATERAL_TDX "tcbinfo_tdx_v3_90c06f000000_eval18_2026-02-18_c75b.json",
      COLLATERAL_TDX "qeidentity_td_qe_v2_eval18_2026-02-18_2836.json",
      COLLATERAL_TDX "crl_platform_2026-02-18_2009.der",
      COLLATERAL_TDX "crl_root_2025-03-20_ad6f.der", COLLATERAL_TDX "intel_tcb_signing_2025.pem",
      NULL, NULL },
    1772718607,
    TCB_UP_TO_DATE,
};

#endif
