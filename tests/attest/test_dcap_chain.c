/* test_dcap_chain.c - the PCK chain and the revocation lists (AT-6 to AT-16), with evidence
   of the test authority. */
#include "attest/chain.h"
#include "attest/dcap_parts.h"
#include "attest/sim_set.h"
#include "codec/pem.h"

/* --- all kinds, all good --------------------------------------------------------------- */

static void every_kind_is_accepted(void **state)
{
    (void)state;
    static const enum evidence_kind kinds[] = { EVIDENCE_SGX_V3,    EVIDENCE_SGX_V4,
                                                EVIDENCE_SGX_V5,    EVIDENCE_TDX_V4,
                                                EVIDENCE_TDX_V5_10, EVIDENCE_TDX_V5_15 };
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < 2 * COUNT_OF(kinds); i++) {
        struct sim_spec spec = sim_spec_default(kinds[i / 2], SIM_NOW);
        bool tdx = evidence_kind_is_tdx(spec.kind);
        spec.processor_ca = i % 2 != 0;
        sim_set_run(set, &spec, SIM_NOW);
        sim_set_expect(set, evidence_kind_name(spec.kind), CHECK_COUNT, REASON_OK);
        const struct claims *c = &set->claims;
        assert_true(c->verified && c->kind == spec.kind && !c->hardware);
        assert_int_equal(c->tcb.status, TCB_UP_TO_DATE);
        assert_int_equal(c->pck.platform_ca, !spec.processor_ca);
        assert_memory_equal(c->pck.fmspc, spec.pck.fmspc, 6);
        assert_memory_equal(c->qe.mr_signer, spec.qe.mr_signer, 32);
        if (tdx)
            assert_memory_equal(c->tdx.mrtd, spec.tdx.mrtd, 48);
        else
            assert_memory_equal(c->sgx.mr_enclave, spec.sgx.mr_enclave, 32);
        for (int id = CHECK_AT_1; id <= CHECK_AT_36; id++) {
            bool applies = !(id == CHECK_AT_23 && !tdx) &&
                           !(id == CHECK_AT_35 && spec.kind != EVIDENCE_TDX_V5_15);
            assert_int_equal(report_passed(&set->report, (enum check_id)id), applies);
        }
    }
    sim_set_free(set);
}

/* --- the chain ------------------------------------------------------------------------- */

SIM_SPOIL(cert_type_1, s->cert_type = 1)
SIM_SPOIL(cert_type_7, s->cert_type = 7)
SIM_SPOIL(reversed, s->quote_defects = SIM_QUOTE_CHAIN_REVERSED)
SIM_SPOIL(short_chain, s->quote_defects = SIM_QUOTE_CHAIN_SHORT)
SIM_SPOIL(leaf_wrong_issuer, s->leaf.defects = SIM_CERT_WRONG_ISSUER)
SIM_SPOIL(ca_wrong_issuer, s->ca.defects = SIM_CERT_WRONG_ISSUER)
SIM_SPOIL(root_wrong_issuer, s->root.defects = SIM_CERT_WRONG_ISSUER)
SIM_SPOIL(root_stranger, s->root.defects = SIM_CERT_STRANGE_KEY)
SIM_SPOIL(leaf_v1, s->leaf.defects = SIM_CERT_VERSION_1)
SIM_SPOIL(ca_v1, s->ca.defects = SIM_CERT_VERSION_1)
SIM_SPOIL(leaf_critical, s->leaf.defects = SIM_CERT_UNKNOWN_CRITICAL)
SIM_SPOIL(ca_critical, s->ca.defects = SIM_CERT_UNKNOWN_CRITICAL)
SIM_SPOIL(root_critical, s->root.defects = SIM_CERT_UNKNOWN_CRITICAL)
SIM_SPOIL(leaf_ca, s->leaf.defects = SIM_CERT_FLIP_CA)
SIM_SPOIL(ca_no_ca, s->ca.defects = SIM_CERT_FLIP_CA)
SIM_SPOIL(ca_no_constraints, s->ca.defects = SIM_CERT_NO_BASIC_CONSTRAINTS)
SIM_SPOIL(leaf_no_usage, s->leaf.defects = SIM_CERT_NO_KEY_USAGE)
SIM_SPOIL(leaf_usage, s->leaf.defects = SIM_CERT_WRONG_KEY_USAGE)
SIM_SPOIL(ca_usage, s->ca.defects = SIM_CERT_WRONG_KEY_USAGE)
SIM_SPOIL(ca_no_usage, s->ca.defects = SIM_CERT_NO_KEY_USAGE)
SIM_SPOIL(root_path, s->root.defects = SIM_CERT_SHORT_PATH)
SIM_SPOIL(leaf_key_id, s->leaf.defects = SIM_CERT_WRONG_KEY_ID)
SIM_SPOIL(ca_key_id, s->ca.defects = SIM_CERT_WRONG_KEY_ID)
SIM_SPOIL(leaf_hash, s->leaf.defects = SIM_CERT_OTHER_HASH)
SIM_SPOIL(ca_hash, s->ca.defects = SIM_CERT_OTHER_HASH)
SIM_SPOIL(leaf_name, s->leaf.defects = SIM_CERT_WRONG_NAME)
SIM_SPOIL(ca_name, s->ca.defects = SIM_CERT_WRONG_NAME)
SIM_SPOIL(root_name, s->root.defects = SIM_CERT_WRONG_NAME)
SIM_SPOIL(leaf_signature, s->leaf.defects = SIM_CERT_BAD_SIGNATURE)
SIM_SPOIL(ca_signature, s->ca.defects = SIM_CERT_BAD_SIGNATURE)
SIM_SPOIL(root_signature, s->root.defects = SIM_CERT_BAD_SIGNATURE)
SIM_SPOIL(ext_absent, s->extension_defects = SIM_EXT_ABSENT)
SIM_SPOIL(ext_fmspc, s->extension_defects = SIM_EXT_NO_FMSPC)
SIM_SPOIL(ext_ppids, s->extension_defects = SIM_EXT_TWO_PPIDS)
SIM_SPOIL(ext_pce_id, s->extension_defects = SIM_EXT_SHORT_PCE_ID)
SIM_SPOIL(ext_256, s->extension_defects = SIM_EXT_COMPONENT_256)
SIM_SPOIL(ext_65536, s->extension_defects = SIM_EXT_PCESVN_65536)
SIM_SPOIL(ext_missing, s->extension_defects = SIM_EXT_MISSING_COMPONENT)

#define CHAIN_ROW(spoil, check, reason)                                                            \
    {                                                                                              \
#spoil, EVIDENCE_TDX_V4, spoil, CHECK_##check, REASON_##reason                             \
    }

static void every_refusal_of_the_chain(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        CHAIN_ROW(cert_type_1, AT_6, PCK_CERT_MISSING),
        CHAIN_ROW(cert_type_7, AT_6, CERT_DATA_TYPE_UNSUPPORTED),
        CHAIN_ROW(reversed, AT_7, PCK_CHAIN_INVALID),
        CHAIN_ROW(short_chain, AT_7, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_wrong_issuer, AT_7, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_wrong_issuer, AT_7, PCK_CHAIN_INVALID),
        CHAIN_ROW(root_wrong_issuer, AT_7, PCK_CHAIN_INVALID),
        CHAIN_ROW(root_stranger, AT_8, PCK_ROOT_UNTRUSTED),
        CHAIN_ROW(leaf_v1, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_v1, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_critical, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_critical, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(root_critical, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_ca, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_no_ca, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_no_constraints, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_no_usage, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_usage, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_usage, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_no_usage, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(root_path, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_key_id, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_key_id, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_hash, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_hash, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_name, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(ca_name, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(root_name, AT_9, PCK_CHAIN_INVALID),
        CHAIN_ROW(leaf_signature, AT_10, PCK_SIGNATURE_INVALID),
        CHAIN_ROW(ca_signature, AT_10, PCK_SIGNATURE_INVALID),
        CHAIN_ROW(root_signature, AT_10, PCK_SIGNATURE_INVALID),
        CHAIN_ROW(ext_absent, AT_12, PCK_EXTENSION_INVALID),
        CHAIN_ROW(ext_fmspc, AT_12, PCK_EXTENSION_INVALID),
        CHAIN_ROW(ext_ppids, AT_12, PCK_EXTENSION_INVALID),
        CHAIN_ROW(ext_pce_id, AT_12, PCK_EXTENSION_INVALID),
        CHAIN_ROW(ext_256, AT_12, PCK_EXTENSION_INVALID),
        CHAIN_ROW(ext_65536, AT_12, PCK_EXTENSION_INVALID),
        CHAIN_ROW(ext_missing, AT_12, PCK_EXTENSION_INVALID),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

/* Certification data that holds a PPID of the right size: the chain is the caller's. */
static void a_chain_from_outside(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    static const size_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                        { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    spec.cert_type = 4; /* a leaf alone: never read */
    sim_set_run(set, &spec, SIM_NOW);
    sim_set_expect(set, "no chain", CHECK_AT_6, REASON_PCK_CERT_MISSING);

    /* Its certificates in any order, with CRLF or LF. */
    struct span blocks[3];
    struct cursor in = cur_over(set->files[SIM_FILE_CHAIN]);
    for (size_t i = 0; i < 3; i++) {
        uint8_t room[8192];
        struct sink der = sink_over(room, sizeof room);
        struct span label;
        size_t from = cur_offset(&in);
        assert_true(pem_next(&in, &label, &der));
        blocks[i] = cur_since(&in, from);
    }
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        uint8_t text[16384];
        struct sink out = sink_over(text, sizeof text);
        for (size_t k = 0; k < 3; k++)
            sink_put(&out, blocks[orders[i][k]]);
        struct collateral_sources sources = sim_set_named(set);
        sources.pck_chain = (struct collateral_item){ sink_bytes(&out), "chain" };
        sim_set_build(set, &sources);
        sim_set_judge(set, SIM_NOW);
        sim_set_expect(set, "chain from outside", CHECK_COUNT, REASON_OK);
        /* One that is no chain. */
        sources.pck_chain.bytes.len -= 40;
        sim_set_build(set, &sources);
        sim_set_judge(set, SIM_NOW);
        sim_set_expect(set, "cut chain", CHECK_AT_7, REASON_PCK_CHAIN_INVALID);
        assert_string_equal(report_text(&set->report, set->report.checks[CHECK_AT_7].detail),
                            "root CA certificate (chain): not well-formed PEM");
        out = sink_over(text, sizeof text);
        for (size_t k = 0; k < 3; k++)
            sink_put(&out, blocks[0]);
        sources.pck_chain.bytes = sink_bytes(&out);
        sim_set_build(set, &sources);
        sim_set_judge(set, SIM_NOW);
        sim_set_expect(set, "three leaves", CHECK_AT_7, REASON_PCK_CHAIN_INVALID);
    }
    sim_set_free(set);
}

/* A key that is on no curve is said before its certificate's signature. */
static void keys_are_points(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_SGX_V3, SIM_NOW);
    sim_set_make(set, &spec);
    for (size_t spoilt = 0; spoilt < 2; spoilt++) {
        uint8_t der_room[8192], text[16384];
        struct sink der = sink_over(der_room, sizeof der_room), out = sink_over(text, sizeof text);
        struct cursor in = cur_over(set->files[SIM_FILE_CHAIN]);
        for (size_t i = 0; i < 3; i++) {
            size_t from = der.len;
            struct span label;
            struct x509_cert cert;
            assert_true(pem_next(&in, &label, &der));
            struct span one = span_of(der_room + from, der.len - from);
            assert_true(x509_parse(one, &cert));
            if (i == spoilt)
                der_room[(size_t)(cert.point.at - der_room) + 40] ^= 1;
            pem_write(&out, "CERTIFICATE", one);
        }
        struct collateral_sources sources = sim_set_named(set);
        sources.pck_chain = (struct collateral_item){ sink_bytes(&out), "chain" };
        sim_set_build(set, &sources);
        sim_set_judge(set, SIM_NOW);
        sim_set_expect(set, "key off the curve", CHECK_AT_9, REASON_PCK_CHAIN_INVALID);
    }
    sim_set_free(set);
}

static void nobody_is_trusted_unasked(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    static const struct trust_root vendors[] = {
        { .vendor = true },
    };
    sim_set_run(set, &spec, SIM_NOW);
    set->roots = (struct trust_roots){ 0 };
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "no root", CHECK_AT_8, REASON_PCK_ROOT_UNTRUSTED);
    set->roots = (struct trust_roots){ vendors, 1 };
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "an empty root", CHECK_AT_8, REASON_PCK_ROOT_UNTRUSTED);
    set->roots = (struct trust_roots){ &intel_sgx_root, 1 };
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "Intel's root", CHECK_AT_8, REASON_PCK_ROOT_UNTRUSTED);
    /* Nothing that the untrusted chain says is claimed. */
    static const struct tdx_claims nothing;
    assert_memory_equal(&set->claims.tdx, &nothing, sizeof nothing);
    assert_true(bytes_are_zero(set->claims.pck.fmspc, 6));
    assert_int_equal(set->claims.tcb.status, TCB_STATUS_NONE);
    sim_set_free(set);
}

static void chain_dates(void **state)
{
    (void)state;
    static const struct sim_edge edges[] = {
        /* Before its first day the collateral vouches for the time (ADR 0008). */
        { "leaf", SIM_WINDOW(leaf.validity), CHECK_AT_11, REASON_OK, REASON_PCK_EXPIRED },
        { "intermediate", SIM_WINDOW(ca.validity), CHECK_AT_11, REASON_PCK_NOT_YET_VALID,
          REASON_PCK_EXPIRED },
        { "root", SIM_WINDOW(root.validity), CHECK_AT_11, REASON_PCK_NOT_YET_VALID,
          REASON_PCK_EXPIRED },
    };
    sim_set_edges(edges, COUNT_OF(edges));
}

/* --- revocation lists ------------------------------------------------------------------ */

SIM_SPOIL(root_crl_issuer, s->root_crl.defects = SIM_CRL_WRONG_ISSUER)
SIM_SPOIL(pck_crl_issuer, s->pck_crl.defects = SIM_CRL_WRONG_ISSUER)
SIM_SPOIL(root_crl_signature, s->root_crl.defects = SIM_CRL_BAD_SIGNATURE)
SIM_SPOIL(pck_crl_signature, s->pck_crl.defects = SIM_CRL_BAD_SIGNATURE)
SIM_SPOIL(root_crl_v1, s->root_crl.defects = SIM_CRL_VERSION_1)
SIM_SPOIL(pck_crl_number, s->pck_crl.defects = SIM_CRL_NO_NUMBER)
SIM_SPOIL(root_crl_number, s->root_crl.defects = SIM_CRL_NO_NUMBER)
SIM_SPOIL(pck_crl_delta, s->pck_crl.defects = SIM_CRL_DELTA)
SIM_SPOIL(pck_crl_indirect, s->pck_crl.defects = SIM_CRL_INDIRECT)
SIM_SPOIL(root_crl_critical, s->root_crl.defects = SIM_CRL_UNKNOWN_CRITICAL)
SIM_SPOIL(pck_crl_critical, s->pck_crl.defects = SIM_CRL_UNKNOWN_CRITICAL)
SIM_SPOIL(pck_crl_serial, s->pck_crl.defects = SIM_CRL_PADDED_SERIAL)
SIM_SPOIL(root_crl_endless, s->root_crl.defects = SIM_CRL_NO_NEXT_UPDATE)
SIM_SPOIL(root_crl_endless_today, {
    s->root_crl.defects = SIM_CRL_NO_NEXT_UPDATE;
    s->root_crl.validity.from = SIM_NOW;
})
SIM_SPOIL(pck_crl_endless, s->pck_crl.defects = SIM_CRL_NO_NEXT_UPDATE)
SIM_SPOIL(ca_revoked, s->ca.revoked = true)
SIM_SPOIL(signer_revoked, s->signer.revoked = true)
SIM_SPOIL(leaf_revoked, s->leaf.revoked = true)
SIM_SPOIL(all_revoked, (s->leaf.revoked = true, s->ca.revoked = true, s->signer.revoked = true))

static void every_refusal_of_the_lists(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        CHAIN_ROW(root_crl_issuer, AT_13, CRL_ISSUER_MISMATCH),
        CHAIN_ROW(pck_crl_issuer, AT_13, CRL_ISSUER_MISMATCH),
        CHAIN_ROW(pck_crl_serial, AT_13, CRL_FORMAT),
        CHAIN_ROW(root_crl_signature, AT_14, CRL_SIGNATURE_INVALID),
        CHAIN_ROW(pck_crl_signature, AT_14, CRL_SIGNATURE_INVALID),
        CHAIN_ROW(root_crl_v1, AT_14, CRL_FORMAT),
        CHAIN_ROW(root_crl_number, AT_14, CRL_FORMAT),
        CHAIN_ROW(pck_crl_number, AT_14, CRL_FORMAT),
        CHAIN_ROW(pck_crl_delta, AT_14, CRL_FORMAT),
        CHAIN_ROW(pck_crl_indirect, AT_14, CRL_FORMAT),
        CHAIN_ROW(root_crl_critical, AT_14, CRL_FORMAT),
        CHAIN_ROW(pck_crl_critical, AT_14, CRL_FORMAT),
        CHAIN_ROW(root_crl_endless, AT_15, CRL_EXPIRED),
        CHAIN_ROW(root_crl_endless_today, AT_15, CRL_EXPIRED),
        CHAIN_ROW(pck_crl_endless, AT_15, CRL_EXPIRED),
        CHAIN_ROW(ca_revoked, AT_16, INTERMEDIATE_REVOKED),
        CHAIN_ROW(signer_revoked, AT_16, TCB_SIGNER_REVOKED),
        CHAIN_ROW(leaf_revoked, AT_16, PCK_REVOKED),
        CHAIN_ROW(all_revoked, AT_16, INTERMEDIATE_REVOKED),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

static void list_dates(void **state)
{
    (void)state;
    static const struct sim_edge edges[] = {
        { "root CRL", SIM_WINDOW(root_crl.validity), CHECK_AT_15, REASON_CRL_NOT_YET_VALID,
          REASON_CRL_EXPIRED },
        { "PCK CRL", SIM_WINDOW(pck_crl.validity), CHECK_AT_15, REASON_CRL_NOT_YET_VALID,
          REASON_CRL_EXPIRED },
    };
    sim_set_edges(edges, COUNT_OF(edges));
}

/* The list of the other CA, the lists swapped, and files that are no lists. */
static void lists_of_somebody_else(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    struct collateral_sources good = sim_set_named(set), sources = good;
    sources.pck_crl = good.root_crl;
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "root CRL for PCK CRL", CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH);
    sources = good;
    sources.root_crl = good.pck_crl;
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "PCK CRL for root CRL", CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH);
    sources = good;
    sources.root_crl.bytes = span_text("no list at all");
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "no list", CHECK_AT_13, REASON_CRL_FORMAT);
    sources = good;
    sources.pck_crl.bytes = good.tcb_signing_cert.bytes;
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "a certificate", CHECK_AT_13, REASON_CRL_FORMAT);
    sources = good;
    sources.pck_crl = (struct collateral_item){ { NULL, 0 }, "empty" };
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "an empty file", CHECK_AT_13, REASON_CRL_FORMAT);

    spec.processor_ca = true;
    sim_set_file(set, &spec, SIM_FILE_PCK_CRL);
    sources = sim_set_named(set);
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "processor's list for a platform", CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH);

    /* Named alike, but of another key of that name. */
    spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    spec.ca.defects = SIM_CERT_STRANGE_KEY;
    sim_set_file(set, &spec, SIM_FILE_PCK_CRL);
    sources = sim_set_named(set);
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "other key id", CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH);
    sim_set_free(set);
}

/* A list as PEM and as hex of its DER is the same list. */
static void lists_in_every_form(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    spec.leaf.revoked = true;
    sim_set_make(set, &spec);
    for (int form = 0; form < 4; form++) {
        uint8_t text[SIM_COLLATERAL_MAX];
        struct sink out = sink_over(text, sizeof text);
        struct span der = set->files[SIM_FILE_PCK_CRL];
        if (form == 0)
            sink_put(&out, der);
        else if (form == 1)
            pem_write(&out, "X509 CRL", der);
        else
            sink_hex(&out, der);
        if (form == 3)
            sink_text(&out, "\r\n");
        assert_true(sink_ok(&out));
        struct collateral_sources sources = sim_set_named(set);
        sources.pck_crl.bytes = sink_bytes(&out);
        sim_set_build(set, &sources);
        sim_set_judge(set, SIM_NOW);
        sim_set_expect(set, "revoked", CHECK_AT_16, REASON_PCK_REVOKED);
        /* Two lists in one file are not one. */
        if (form == 1) {
            pem_write(&out, "X509 CRL", der);
            sources.pck_crl.bytes = sink_bytes(&out);
            sim_set_build(set, &sources);
            sim_set_judge(set, SIM_NOW);
            sim_set_expect(set, "two lists", CHECK_AT_13, REASON_CRL_FORMAT);
        }
    }
    sim_set_free(set);
}

/* What no certificate of the test authority can be: judged at the function. */
static void an_issuer_must_be_allowed_to_sign_lists(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    struct collateral_sources sources = sim_set_named(set);
    sim_set_build(set, &sources);
    for (size_t spoilt = PCK_INTERMEDIATE; spoilt <= PCK_ROOT; spoilt++) {
        uint8_t room[PCK_CHAIN_DER_MAX];
        struct sink der = sink_over(room, sizeof room);
        struct dcap_input input = { .collateral = set->collateral,
                                    .roots = &set->roots,
                                    .now = SIM_NOW };
        struct judging j = {
            .in = &input, .crypto = set->crypto, .report = &set->report, .claims = &set->claims
        };
        set->report = (struct report){ 0 };
        set->claims = (struct claims){ 0 };
        assert_true(quote_parse(set->files[SIM_FILE_QUOTE], &set->report, &j.quote));
        judge_chain(&j, &der);
        assert_true(j.chain_ok);
        choose_files(&j);
        j.certs[spoilt].key_usage &= (uint16_t)~KEY_USAGE_CRL_SIGN;
        judge_crls(&j);
        sim_set_expect(set, "no cRLSign", CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH);
    }
    sim_set_free(set);
}

static void a_list_that_covers_less_is_none(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    struct collateral_sources sources = sim_set_named(set);
    sim_set_build(set, &sources);
    set->collateral->crls[0].crl.scope = CRL_ONLY_CA_CERTS;
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "only CAs", CHECK_AT_14, REASON_CRL_FORMAT);
    sim_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_is_accepted, ""),
        TEST(every_refusal_of_the_chain, "AT-6 AT-7 AT-8 AT-9 AT-10 AT-12"),
        TEST(a_chain_from_outside, "AT-6 AT-7"),
        TEST(keys_are_points, "AT-9"),
        TEST(nobody_is_trusted_unasked, "AT-8"),
        TEST(chain_dates, ""),
        TEST(every_refusal_of_the_lists, "AT-13 AT-14 AT-15 AT-16"),
        TEST(list_dates, "AT-15"),
        TEST(lists_of_somebody_else, "AT-13"),
        TEST(lists_in_every_form, ""),
        TEST(an_issuer_must_be_allowed_to_sign_lists, "AT-13"),
        TEST(a_list_that_covers_less_is_none, "AT-14"),
    };
    return RUN_TESTS(tests);
}
