/* test_dcap_files.c - TCB info, QE identity and who signed them (AT-17 to AT-26), with
   collateral of the test authority. */
#include "attest/dcap_parts.h"
#include "attest/sim_set.h"

#define ROW(kind, spoil, check, reason)                                                            \
    {                                                                                              \
#spoil, EVIDENCE_##kind, spoil, CHECK_##check, REASON_##reason                             \
    }

/* --- the signing certificate ----------------------------------------------------------- */

SIM_SPOIL(signer_name, s->signer.defects = SIM_CERT_WRONG_NAME)
SIM_SPOIL(signer_signature, s->signer.defects = SIM_CERT_BAD_SIGNATURE)
SIM_SPOIL(signer_issuer, s->signer.defects = SIM_CERT_WRONG_ISSUER)
SIM_SPOIL(signer_ca, s->signer.defects = SIM_CERT_FLIP_CA)
SIM_SPOIL(signer_usage, s->signer.defects = SIM_CERT_WRONG_KEY_USAGE)
SIM_SPOIL(signer_critical, s->signer.defects = SIM_CERT_UNKNOWN_CRITICAL)
SIM_SPOIL(signer_v1, s->signer.defects = SIM_CERT_VERSION_1)
SIM_SPOIL(signer_hash, s->signer.defects = SIM_CERT_OTHER_HASH)
SIM_SPOIL(signer_key_id, s->signer.defects = SIM_CERT_WRONG_KEY_ID)

static void every_refusal_of_the_signer(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        ROW(TDX_V4, signer_name, AT_17, TCB_SIGNER_INVALID),
        ROW(TDX_V4, signer_signature, AT_17, TCB_SIGNER_INVALID),
        ROW(TDX_V4, signer_issuer, AT_17, TCB_SIGNER_INVALID),
        ROW(TDX_V4, signer_ca, AT_17, TCB_SIGNER_INVALID),
        ROW(TDX_V4, signer_usage, AT_17, TCB_SIGNER_INVALID),
        ROW(TDX_V4, signer_critical, AT_17, TCB_SIGNER_INVALID),
        ROW(TDX_V4, signer_v1, AT_17, TCB_SIGNER_INVALID),
        ROW(SGX_V3, signer_hash, AT_17, TCB_SIGNER_INVALID),
        ROW(SGX_V3, signer_key_id, AT_17, TCB_SIGNER_INVALID),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

static void signers_of_another_kind(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    struct collateral_sources good = sim_set_named(set), sources = good;
    sources.tcb_signing_cert.bytes = set->files[SIM_FILE_CHAIN];
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "the PCK chain", CHECK_AT_17, REASON_TCB_SIGNER_INVALID);
    sources.tcb_signing_cert.bytes = span_text("rubbish");
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "rubbish", CHECK_AT_17, REASON_TCB_SIGNER_INVALID);
    sources.tcb_signing_cert = (struct collateral_item){ 0 };
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "none", CHECK_AT_17, REASON_COLLATERAL_MISSING);

    /* The same for the QE identity's own: said under its line. */
    sources = good;
    sources.qe_signing_cert = (struct collateral_item){ span_text("rubbish"), "qe_signer" };
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "rubbish for the QE", CHECK_AT_24, REASON_TCB_SIGNER_INVALID);
    sources.qe_signing_cert.bytes = set->files[SIM_FILE_CHAIN];
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "the PCK chain for the QE", CHECK_AT_24, REASON_TCB_SIGNER_INVALID);
    sources.qe_signing_cert = good.tcb_signing_cert;
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "the same twice", CHECK_COUNT, REASON_OK);
    sim_set_free(set);
}

/* Collateral of another root that is trusted too does not speak for this platform. */
static void roots_do_not_vouch_for_one_another(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_authority other;
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    uint8_t rooms[3][SIM_COLLATERAL_MAX];
    struct sink info = sink_over(rooms[0], sizeof rooms[0]);
    struct sink identity = sink_over(rooms[1], sizeof rooms[1]);
    struct sink signer = sink_over(rooms[2], sizeof rooms[2]);
    struct trust_root roots[2] = { set->root };
    assert_true(sim_authority_init(&other, span_text("somebody else")));
    memcpy(roots[1].point, sim_point(&other, SIM_KEY_ROOT).at, 65);
    roots[1].point_len = 65;
    set->roots = (struct trust_roots){ roots, 2 };
    assert_true(sim_tcb_info(&other, &spec, &info) && sim_qe_identity(&other, &spec, &identity) &&
                sim_signing_chain(&other, &spec, &signer));
    sim_set_make(set, &spec);
    struct collateral_sources sources = sim_set_named(set);
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "two roots trusted", CHECK_COUNT, REASON_OK);
    sources.tcb_info.bytes = sink_bytes(&info);
    sources.tcb_signing_cert.bytes = sink_bytes(&signer);
    sources.qe_signing_cert = (struct collateral_item){ set->files[SIM_FILE_SIGNER], "own" };
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "TCB info of the other root", CHECK_AT_17, REASON_TCB_SIGNER_INVALID);
    assert_int_equal(set->claims.tcb.status, TCB_STATUS_NONE);
    sources = sim_set_named(set);
    sources.qe_identity.bytes = sink_bytes(&identity);
    sources.qe_signing_cert = (struct collateral_item){ sink_bytes(&signer), "other" };
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "identity of the other root", CHECK_AT_24, REASON_TCB_SIGNER_INVALID);
    sim_authority_fini(&other);
    sim_set_free(set);
}

static void signer_dates(void **state)
{
    (void)state;
    static const struct sim_edge edges[] = {
        { "signer", SIM_WINDOW(signer.validity), CHECK_AT_17, REASON_TCB_SIGNER_EXPIRED,
          REASON_TCB_SIGNER_EXPIRED },
    };
    sim_set_edges(edges, COUNT_OF(edges));
}

/* --- TCB info -------------------------------------------------------------------------- */

SIM_SPOIL(info_signature, s->tcb_info.defects = SIM_JSON_BAD_SIGNATURE)
SIM_SPOIL(info_reformatted, s->tcb_info.defects = SIM_JSON_REFORMATTED)
SIM_SPOIL(info_duplicate, s->tcb_info.defects = SIM_JSON_DUPLICATE_KEY)
SIM_SPOIL(info_missing, s->tcb_info.defects = SIM_JSON_MISSING_FIELD)
SIM_SPOIL(info_trailing, s->tcb_info.defects = SIM_JSON_TRAILING)
SIM_SPOIL(info_number, s->tcb_info.defects = SIM_JSON_BAD_NUMBER)
SIM_SPOIL(info_version_1, s->tcb_info.version = 1)
SIM_SPOIL(info_version_4, s->tcb_info.version = 4)
SIM_SPOIL(info_version_2, s->tcb_info.version = 2)
SIM_SPOIL(info_of_sgx, s->tcb_info.id = "SGX")
SIM_SPOIL(info_of_nobody, s->tcb_info.id = "SEV")
SIM_SPOIL(info_type_1, s->tcb_info.tcb_type = 1)
SIM_SPOIL(info_fmspc, s->tcb_info.fmspc[5] ^= 1)
SIM_SPOIL(info_pce_id, s->tcb_info.pce_id[0] ^= 1)
SIM_SPOIL(info_fmspc_and_old, {
    s->tcb_info.fmspc[0] ^= 1;
    s->tcb_info.validity.until = SIM_NOW - 1;
})

static void every_refusal_of_the_info(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        ROW(TDX_V4, info_signature, AT_18, TCB_INFO_SIGNATURE_INVALID),
        ROW(SGX_V3, info_signature, AT_18, TCB_INFO_SIGNATURE_INVALID),
        ROW(TDX_V4, info_reformatted, AT_18, TCB_INFO_SIGNATURE_INVALID),
        ROW(TDX_V4, info_duplicate, AT_19, TCB_INFO_FORMAT),
        ROW(TDX_V4, info_missing, AT_19, TCB_INFO_FORMAT),
        ROW(TDX_V4, info_trailing, AT_19, TCB_INFO_FORMAT),
        ROW(TDX_V4, info_number, AT_19, TCB_INFO_FORMAT),
        ROW(TDX_V4, info_of_nobody, AT_19, TCB_INFO_FORMAT),
        ROW(TDX_V4, info_version_1, AT_20, TCB_INFO_VERSION_UNSUPPORTED),
        ROW(TDX_V4, info_version_4, AT_20, TCB_INFO_VERSION_UNSUPPORTED),
        ROW(TDX_V4, info_version_2, AT_20, TCB_INFO_VERSION_UNSUPPORTED),
        ROW(SGX_V3, info_version_4, AT_20, TCB_INFO_VERSION_UNSUPPORTED),
        ROW(TDX_V4, info_of_sgx, AT_20, TCB_INFO_TEE_MISMATCH),
        ROW(TDX_V4, info_type_1, AT_20, TCB_INFO_VERSION_UNSUPPORTED),
        ROW(TDX_V4, info_fmspc, AT_22, TCB_INFO_FMSPC_MISMATCH),
        ROW(SGX_V4, info_fmspc, AT_22, TCB_INFO_FMSPC_MISMATCH),
        ROW(TDX_V4, info_pce_id, AT_22, TCB_INFO_PCEID_MISMATCH),
        /* Of another platform: its dates say nothing about this one. */
        ROW(TDX_V4, info_fmspc_and_old, AT_22, TCB_INFO_FMSPC_MISMATCH),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

static void version_2_is_for_sgx(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        ROW(SGX_V3, info_version_2, COUNT, OK),
        ROW(SGX_V5, info_version_2, COUNT, OK),
        ROW(TDX_V5_10, info_version_2, AT_20, TCB_INFO_VERSION_UNSUPPORTED),
        ROW(TDX_V5_15, info_version_2, AT_20, TCB_INFO_VERSION_UNSUPPORTED),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

static void info_of_tdx_for_sgx(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec tdx = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    struct sim_spec sgx = sim_spec_default(EVIDENCE_SGX_V3, SIM_NOW);
    sim_set_make(set, &sgx);
    sim_set_file(set, &tdx, SIM_FILE_TCB_INFO);
    struct collateral_sources sources = sim_set_named(set);
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "TDX for SGX", CHECK_AT_20, REASON_TCB_INFO_TEE_MISMATCH);
    sources.tcb_info.bytes = set->files[SIM_FILE_QE_IDENTITY];
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "identity for info", CHECK_AT_19, REASON_TCB_INFO_FORMAT);
    sim_set_file(set, &sgx, SIM_FILE_TCB_INFO);
    sources = sim_set_named(set);
    sources.qe_identity.bytes = set->files[SIM_FILE_TCB_INFO];
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "info for identity", CHECK_AT_24, REASON_QE_IDENTITY_FORMAT);
    sim_set_free(set);
}

static void file_dates(void **state)
{
    (void)state;
    static const struct sim_edge edges[] = {
        { "TCB info", SIM_WINDOW(tcb_info.validity), CHECK_AT_21, REASON_TCB_INFO_NOT_YET_VALID,
          REASON_TCB_INFO_EXPIRED },
        { "QE identity", SIM_WINDOW(qe_identity.validity), CHECK_AT_24,
          REASON_QE_IDENTITY_NOT_YET_VALID, REASON_QE_IDENTITY_EXPIRED },
    };
    sim_set_edges(edges, COUNT_OF(edges));
}

/* --- the TDX module -------------------------------------------------------------------- */

SIM_SPOIL(module_unknown, s->tdx.tee_tcb_svn[1] = 2)
SIM_SPOIL(module_signer, s->tdx.mr_signer_seam[47] ^= 1)
SIM_SPOIL(module_signer_wanted, s->tcb_info.modules[0].mr_signer[0] ^= 1)
SIM_SPOIL(module_attributes, s->tdx.seam_attributes[0] ^= 1)
SIM_SPOIL(module_attributes_wanted, s->tcb_info.modules[0].attributes[7] ^= 0x80)
SIM_SPOIL(module_attributes_free, {
    s->tdx.seam_attributes[3] = 1;
    memset(s->tcb_info.modules[0].attributes_mask, 0, 8);
})
SIM_SPOIL(module_0, (s->tdx.tee_tcb_svn[1] = 0, s->tdx.tee_tcb_svn[0] = 5))
SIM_SPOIL(module_0_signer, (module_0(s), s->tcb_info.module_signer[0] ^= 1))
SIM_SPOIL(module_0_attributes, (module_0(s), s->tcb_info.module_attributes[0] ^= 1))
SIM_SPOIL(module_now_unknown, s->tdx.tee_tcb_svn2[1] = 0x1f)
SIM_SPOIL(module_lower_case, s->tcb_info.modules[0].id = "tdx_01")
SIM_SPOIL(no_modules, s->tcb_info.module_count = 0)

static void every_refusal_of_the_module(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        ROW(TDX_V4, module_unknown, AT_23, TDX_MODULE_UNKNOWN),
        ROW(TDX_V5_10, module_unknown, AT_23, TDX_MODULE_UNKNOWN),
        ROW(TDX_V5_15, module_now_unknown, AT_23, TDX_MODULE_UNKNOWN),
        ROW(TDX_V4, no_modules, AT_23, TDX_MODULE_UNKNOWN),
        ROW(TDX_V4, module_signer, AT_23, TDX_MODULE_MISMATCH),
        ROW(TDX_V4, module_signer_wanted, AT_23, TDX_MODULE_MISMATCH),
        ROW(TDX_V4, module_attributes, AT_23, TDX_MODULE_MISMATCH),
        ROW(TDX_V4, module_attributes_wanted, AT_23, TDX_MODULE_MISMATCH),
        ROW(TDX_V4, module_attributes_free, AT_23, TDX_MODULE_MISMATCH),
        ROW(TDX_V4, module_0_signer, AT_23, TDX_MODULE_MISMATCH),
        ROW(TDX_V4, module_0_attributes, AT_23, TDX_MODULE_MISMATCH),
        ROW(TDX_V4, module_0, COUNT, OK),
        ROW(TDX_V4, module_lower_case, COUNT, OK),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

/* TCB info from before there were module identities knows version 0 alone. */
static void info_without_module_identities(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    struct collateral_sources sources = sim_set_named(set);
    sim_set_build(set, &sources);
    set->collateral->infos[0].info.has_modules = false;
    set->collateral->infos[0].info.module_count = 0;
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "no module identities", CHECK_AT_23, REASON_TDX_MODULE_MISMATCH);
    sim_set_free(set);
}

/* --- QE identity ----------------------------------------------------------------------- */

SIM_SPOIL(id_signature, s->qe_identity.defects = SIM_JSON_BAD_SIGNATURE)
SIM_SPOIL(id_reformatted, s->qe_identity.defects = SIM_JSON_REFORMATTED)
SIM_SPOIL(id_duplicate, s->qe_identity.defects = SIM_JSON_DUPLICATE_KEY)
SIM_SPOIL(id_missing, s->qe_identity.defects = SIM_JSON_MISSING_FIELD)
SIM_SPOIL(id_trailing, s->qe_identity.defects = SIM_JSON_TRAILING)
SIM_SPOIL(id_number, s->qe_identity.defects = SIM_JSON_BAD_NUMBER)
SIM_SPOIL(id_other, s->qe_identity.id = "QE")
SIM_SPOIL(id_tdx, s->qe_identity.id = "TD_QE")
SIM_SPOIL(id_qve, s->qe_identity.id = "QVE")
SIM_SPOIL(id_version, s->qe_identity.version = 3)
SIM_SPOIL(qe_misc, s->qe.misc_select = 0x01000000)
SIM_SPOIL(qe_misc_equal, s->qe.misc_select = s->qe_identity.misc_select = 0x01020304)
SIM_SPOIL(qe_misc_masked, (s->qe.misc_select = 1, s->qe_identity.misc_select_mask = 0))
SIM_SPOIL(qe_attributes, s->qe.attributes[1] ^= 1)
SIM_SPOIL(qe_init, s->qe.attributes[0] ^= 1)
SIM_SPOIL(qe_debug, s->qe.attributes[0] |= 2)
SIM_SPOIL(qe_debug_masked, {
    s->qe.attributes[0] |= 2;
    s->qe_identity.attributes_mask[0] &= 0xfd;
})
SIM_SPOIL(qe_xfrm, s->qe.attributes[15] ^= 1)
SIM_SPOIL(qe_signer, s->qe.mr_signer[31] ^= 1)
SIM_SPOIL(qe_product, s->qe.isv_prod_id ^= 0x100)

static void every_refusal_of_the_identity(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        ROW(TDX_V4, id_signature, AT_24, QE_IDENTITY_SIGNATURE_INVALID),
        ROW(SGX_V3, id_signature, AT_24, QE_IDENTITY_SIGNATURE_INVALID),
        ROW(TDX_V4, id_reformatted, AT_24, QE_IDENTITY_SIGNATURE_INVALID),
        ROW(TDX_V4, id_duplicate, AT_24, QE_IDENTITY_FORMAT),
        ROW(TDX_V4, id_missing, AT_24, QE_IDENTITY_FORMAT),
        ROW(TDX_V4, id_trailing, AT_24, QE_IDENTITY_FORMAT),
        ROW(TDX_V4, id_number, AT_24, QE_IDENTITY_FORMAT),
        ROW(TDX_V4, id_other, AT_25, QE_IDENTITY_ID_MISMATCH),
        ROW(SGX_V4, id_tdx, AT_25, QE_IDENTITY_ID_MISMATCH),
        ROW(SGX_V4, id_qve, AT_25, QE_IDENTITY_ID_MISMATCH),
        ROW(TDX_V4, id_version, AT_25, QE_IDENTITY_ID_MISMATCH),
        ROW(TDX_V4, qe_misc, AT_26, QE_IDENTITY_MISMATCH),
        ROW(TDX_V4, qe_attributes, AT_26, QE_IDENTITY_MISMATCH),
        ROW(TDX_V4, qe_init, AT_26, QE_IDENTITY_MISMATCH),
        ROW(TDX_V4, qe_debug, AT_26, QE_IDENTITY_MISMATCH),
        ROW(TDX_V4, qe_debug_masked, AT_26, QE_IDENTITY_MISMATCH),
        ROW(TDX_V4, qe_signer, AT_26, QE_IDENTITY_MISMATCH),
        ROW(SGX_V3, qe_product, AT_26, QE_IDENTITY_MISMATCH),
        ROW(TDX_V4, qe_misc_masked, COUNT, OK),
        ROW(TDX_V4, qe_misc_equal, COUNT, OK),
        ROW(TDX_V4, qe_xfrm, COUNT, OK),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

/* --- a heap ---------------------------------------------------------------------------- */

struct heap {
    struct collateral_item items[32];
    size_t count;
    uint8_t rooms[32][SIM_COLLATERAL_MAX];
};

static void add(struct heap *heap, struct span bytes, const char *name)
{
    uint8_t *room = heap->rooms[heap->count];
    memcpy(room, bytes.at, bytes.len);
    heap->items[heap->count++] = (struct collateral_item){ span_of(room, bytes.len), name };
}

static void judge_heap(struct sim_set *set, const struct heap *heap, int64_t now, const char *name,
                       enum check_id check, enum reason reason)
{
    const struct collateral_sources sources = { .items = heap->items, .count = heap->count };
    sim_set_build(set, &sources);
    sim_set_judge(set, now);
    sim_set_expect(set, name, check, reason);
}

static void a_heap_without_one_file(void **state)
{
    (void)state;
    static struct heap heap;
    static const struct {
        enum sim_file file;
        enum check_id check;
    } rows[] = {
        { SIM_FILE_ROOT_CRL, CHECK_AT_13 },    { SIM_FILE_PCK_CRL, CHECK_AT_13 },
        { SIM_FILE_TCB_INFO, CHECK_AT_17 },    { SIM_FILE_SIGNER, CHECK_AT_17 },
        { SIM_FILE_QE_IDENTITY, CHECK_AT_24 }, { SIM_FILE_QUOTE, CHECK_COUNT },
        { SIM_FILE_CHAIN, CHECK_COUNT },
    };
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        heap.count = 0;
        for (int file = 0; file < SIM_FILE_COUNT; file++)
            if (file != (int)rows[i].file)
                add(&heap, set->files[file], "a file");
        judge_heap(set, &heap, SIM_NOW, "a heap", rows[i].check,
                   rows[i].check == CHECK_COUNT ? REASON_OK : REASON_COLLATERAL_MISSING);
    }
    heap.count = 0;
    judge_heap(set, &heap, SIM_NOW, "nothing", CHECK_AT_13, REASON_COLLATERAL_MISSING);
    collateral_free(&set->collateral);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "no collateral at all", CHECK_AT_13, REASON_COLLATERAL_MISSING);
    assert_true(report_failed(&set->report, CHECK_AT_17) &&
                report_failed(&set->report, CHECK_AT_24));
    assert_true(report_passed(&set->report, CHECK_AT_30));
    sim_set_free(set);
}

/* Files of three generations, among much else that does not fit. */
static void fill_heap(struct sim_set *set, struct heap *heap)
{
    static const int64_t ages[] = { 30, 0, -30 };
    heap->count = 0;
    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
        const struct window window = { SIM_NOW - (ages[i] + 10) * 86400,
                                       SIM_NOW - (ages[i] - 20) * 86400 };
        spec.tcb_info.validity = spec.qe_identity.validity = window;
        spec.root_crl.validity = spec.pck_crl.validity = window;
        spec.tcb_info.evaluation_number = 20 - (uint32_t)i;
        sim_set_make(set, &spec);
        for (int file = SIM_FILE_TCB_INFO; file <= SIM_FILE_ROOT_CRL; file++)
            add(heap, set->files[file], "a generation");
        spec.tcb_info.fmspc[0] ^= 1;
        spec.qe_identity.defects = SIM_JSON_BAD_SIGNATURE;
        spec.pck_crl.defects = SIM_CRL_BAD_SIGNATURE;
        sim_set_make(set, &spec);
        add(heap, set->files[SIM_FILE_TCB_INFO], "another platform");
        add(heap, set->files[SIM_FILE_QE_IDENTITY], "a bad signature");
        add(heap, set->files[SIM_FILE_PCK_CRL], "a bad signature");
    }
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    add(heap, set->files[SIM_FILE_SIGNER], "signer");
    add(heap, span_text("{\"neither\":1}"), "rubbish");
    add(heap, span_text("rubbish"), "rubbish");
    add(heap, (struct span){ (const uint8_t *)"", 0 }, "empty");
}

static void the_newest_that_is_valid_is_used(void **state)
{
    (void)state;
    static struct heap heap;
    static const struct {
        int64_t days;
        enum check_id check;
        uint32_t number; /* evaluation number of the TCB info used */
    } rows[] = {
        { 0, CHECK_COUNT, 19 },  { -10, CHECK_COUNT, 19 }, { -11, CHECK_COUNT, 20 },
        { 20, CHECK_COUNT, 18 }, /* both hold it: the newer */
        { 21, CHECK_COUNT, 18 }, { 51, CHECK_AT_13, 18 },  { -41, CHECK_AT_13, 20 },
    };
    struct sim_set *set = sim_set_new();
    struct dcap_cache cache = { 0 };
    fill_heap(set, &heap);
    cache_remember(&cache, CACHE_ALL);
    set->cache = &cache;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool good = rows[i].check == CHECK_COUNT;
        judge_heap(set, &heap, SIM_NOW + rows[i].days * 86400, "generations", rows[i].check,
                   good               ? REASON_OK
                   : rows[i].days > 0 ? REASON_CRL_EXPIRED
                                      : REASON_CRL_NOT_YET_VALID);
        assert_int_equal(set->claims.tcb.evaluation_number, rows[i].number);
        /* What the nearest one says is worked out all the same. */
        assert_int_equal(set->claims.tcb.status, TCB_UP_TO_DATE);
        assert_int_equal(report_failed(&set->report, CHECK_AT_15), !good);
        assert_int_equal(report_failed(&set->report, CHECK_AT_17), !good);
        assert_int_equal(report_failed(&set->report, CHECK_AT_21), !good);
        assert_int_equal(report_failed(&set->report, CHECK_AT_24), !good);
    }
    set->cache = NULL;
    sim_set_free(set);
}

/* One piece alone is past its time, or before it: that one is named. */
static void one_piece_of_a_heap_is_old(void **state)
{
    (void)state;
    static struct heap heap;
    static const struct {
        size_t window;
        enum check_id check;
        const char *detail;
        enum reason past, future;
    } rows[] = {
        { SIM_WINDOW(root_crl.validity), CHECK_AT_13, "no root CRL is valid now",
          REASON_CRL_EXPIRED, REASON_CRL_NOT_YET_VALID },
        { SIM_WINDOW(pck_crl.validity), CHECK_AT_13, "no PCK CRL is valid now", REASON_CRL_EXPIRED,
          REASON_CRL_NOT_YET_VALID },
        { SIM_WINDOW(tcb_info.validity), CHECK_AT_17, "no TDX TCB info for FMSPC",
          REASON_TCB_INFO_EXPIRED, REASON_TCB_INFO_NOT_YET_VALID },
        { SIM_WINDOW(qe_identity.validity), CHECK_AT_24, "no identity TD_QE is valid now",
          REASON_QE_IDENTITY_EXPIRED, REASON_QE_IDENTITY_NOT_YET_VALID },
    };
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
        const struct window past = { SIM_NOW - 9 * 86400, SIM_NOW - 1 };
        const struct window future = { SIM_NOW + 1, SIM_NOW + 9 * 86400 };
        memcpy((uint8_t *)&spec + rows[i / 2].window, i % 2 == 0 ? &past : &future, sizeof past);
        sim_set_make(set, &spec);
        heap.count = 0;
        for (int file = SIM_FILE_TCB_INFO; file < SIM_FILE_COUNT; file++)
            add(&heap, set->files[file], "a file");
        judge_heap(set, &heap, SIM_NOW, "one is old", rows[i / 2].check,
                   i % 2 == 0 ? rows[i / 2].past : rows[i / 2].future);
        const char *detail = report_text(&set->report,
                                         set->report.checks[rows[i / 2].check].detail);
        if (strncmp(detail, rows[i / 2].detail, strlen(rows[i / 2].detail)) != 0)
            fail_msg("%s", detail);
        assert_int_equal(set->claims.tcb.status, TCB_UP_TO_DATE);
    }
    sim_set_free(set);
}

/* A named file is used as it is, whatever the heap has. */
static void a_named_file_overrides_the_heap(void **state)
{
    (void)state;
    static struct heap heap;
    struct sim_set *set = sim_set_new();
    fill_heap(set, &heap);
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    spec.tcb_info.defects = SIM_JSON_BAD_SIGNATURE;
    sim_set_make(set, &spec);
    struct collateral_sources sources = { .items = heap.items, .count = heap.count };
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "the heap alone", CHECK_COUNT, REASON_OK);
    sources.tcb_info = (struct collateral_item){ set->files[SIM_FILE_TCB_INFO], "named" };
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "a bad one by name", CHECK_AT_18, REASON_TCB_INFO_SIGNATURE_INVALID);
    sim_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_refusal_of_the_signer, "AT-17"),
        TEST(signers_of_another_kind, "AT-17 AT-24"),
        TEST(roots_do_not_vouch_for_one_another, "AT-17 AT-24"),
        TEST(signer_dates, "AT-17"),
        TEST(every_refusal_of_the_info, "AT-18 AT-19 AT-20 AT-22"),
        TEST(version_2_is_for_sgx, "AT-20"),
        TEST(info_of_tdx_for_sgx, "AT-19 AT-20 AT-24"),
        TEST(file_dates, "AT-21 AT-24"),
        TEST(every_refusal_of_the_module, "AT-23"),
        TEST(info_without_module_identities, "AT-23"),
        TEST(every_refusal_of_the_identity, "AT-24 AT-25 AT-26"),
        TEST(a_heap_without_one_file, "AT-13 AT-17 AT-24"),
        TEST(the_newest_that_is_valid_is_used, "AT-13 AT-17 AT-24"),
        TEST(one_piece_of_a_heap_is_old, "AT-13 AT-17 AT-24"),
        TEST(a_named_file_overrides_the_heap, ""),
    };
    return RUN_TESTS(tests);
}
