/* set.c - a whole set of evidence, good and refused, with an index of what becomes of each.
   See sim.h. */
#include <string.h>

#include "codec/json_write.h"
#include "crypto/hash.h"
#include "sim/sim.h"

enum { DAY = 86400, INDEX_MAX = 32 * 1024, ROOM = 96 * 1024 };

#define SEED "ward vectors 1"

/* What is being written, and where. */
struct set {
    struct sim_authority authority;
    bool (*put)(void *arg, const char *name, struct span bytes);
    void *arg;
    uint8_t *room; /* of ROOM bytes: one file at a time */
};

/* One case of the index: a file of evidence, and what `ward verify` says to it. */
struct set_case {
    const char *file;
    enum evidence_kind kind;
    void (*change)(struct sim_spec *spec);
    void (*change_nitro)(struct sim_nitro_spec *spec);
    const char *log;    /* file of its event log */
    const char *crl;    /* another PCK CRL than the collateral's */
    int64_t days_later; /* than SIM_SET_TIME */
    const char *reason; /* "OK": allowed */
};

static void as_is(struct sim_spec *spec)
{
    (void)spec;
}

static void debug(struct sim_spec *spec)
{
    spec->tdx.td_attributes[0] = 1;
    spec->sgx.attributes[0] |= 2;
}

static void service_td(struct sim_spec *spec)
{
    spec->tdx.mr_service_td[0] = 1;
}

static void old_module(struct sim_spec *spec)
{
    spec->tdx.tee_tcb_svn[0] = 3;
    spec->tdx.tee_tcb_svn2[0] = 3;
}

static void updated_since(struct sim_spec *spec)
{
    spec->tdx.tee_tcb_svn[0] = 3;
}

static void bad_signature(struct sim_spec *spec)
{
    spec->quote_defects = SIM_QUOTE_BAD_SIGNATURE;
}

static void trailing(struct sim_spec *spec)
{
    spec->quote_defects = SIM_QUOTE_TRAILING;
}

static void of_log(struct sim_spec *spec, enum log_format format)
{
    const struct sim_log_spec log = sim_log_default(format);
    sim_log_registers(&log, spec->tdx.rtmr);
}

static void of_ccel(struct sim_spec *spec)
{
    of_log(spec, LOG_CCEL);
}

static void of_dstack_v1(struct sim_spec *spec)
{
    of_log(spec, LOG_DSTACK_V1);
}

static void of_dstack_v2(struct sim_spec *spec)
{
    of_log(spec, LOG_DSTACK_V2);
}

static void nitro_as_is(struct sim_nitro_spec *spec)
{
    (void)spec;
}

static void nitro_indefinite(struct sim_nitro_spec *spec)
{
    spec->defects = SIM_NITRO_INDEFINITE;
}

static void nitro_debug(struct sim_nitro_spec *spec)
{
    for (size_t i = 0; i < NITRO_PCR_COUNT; i++)
        memset(spec->claims.pcrs[i].bytes, 0, sizeof spec->claims.pcrs[i].bytes);
}

static void nitro_bad_signature(struct sim_nitro_spec *spec)
{
    spec->defects = SIM_NITRO_BAD_SIGNATURE;
}

#define CCEL   "log/boot.ccel.bin"
#define LOG_V1 "log/boot-v1.dstack-eventlog.json"
#define LOG_V2 "log/boot-v2.dstack-eventlog.json"

/* A file that stands here twice is judged twice and written once. */
static const struct set_case cases[] = {
    { "quote/sgx-v3.quote.bin", EVIDENCE_SGX_V3, as_is, .reason = "OK" },
    { "quote/sgx-v4.quote.bin", EVIDENCE_SGX_V4, as_is, .reason = "OK" },
    { "quote/sgx-v5.quote.bin", EVIDENCE_SGX_V5, as_is, .reason = "OK" },
    { "quote/tdx-v4.quote.bin", EVIDENCE_TDX_V4, as_is, .reason = "OK" },
    { "quote/tdx-v5-1.0.quote.bin", EVIDENCE_TDX_V5_10, as_is, .reason = "OK" },
    { "quote/tdx-v5-1.5.quote.bin", EVIDENCE_TDX_V5_15, as_is, .reason = "OK" },
    { "quote/tdx-v4.quote.bin", EVIDENCE_TDX_V4, as_is, .days_later = 21,
      .reason = "CRL_EXPIRED" },
    { "quote/tdx-v4.quote.bin", EVIDENCE_TDX_V4, as_is, .days_later = -11,
      .reason = "CRL_NOT_YET_VALID" },
    { "quote/tdx-v4.quote.bin", EVIDENCE_TDX_V4, as_is, .crl = "revoked/crl_platform.der",
      .reason = "PCK_REVOKED" },
    { "quote/tdx-v4-bad-signature.quote.bin", EVIDENCE_TDX_V4, bad_signature,
      .reason = "QUOTE_SIGNATURE_INVALID" },
    { "quote/tdx-v4-trailing.quote.bin", EVIDENCE_TDX_V4, trailing,
      .reason = "QUOTE_TRAILING_BYTES" },
    { "quote/tdx-v4-debug.quote.bin", EVIDENCE_TDX_V4, debug, .reason = "POLICY_DEBUG" },
    { "quote/tdx-v4-old-module.quote.bin", EVIDENCE_TDX_V4, old_module,
      .reason = "POLICY_TCB_STATUS" },
    { "quote/tdx-v5-1.5-relaunch.quote.bin", EVIDENCE_TDX_V5_15, updated_since,
      .reason = "POLICY_TCB_STATUS" },
    { "quote/tdx-v5-1.5-service-td.quote.bin", EVIDENCE_TDX_V5_15, service_td,
      .reason = "POLICY_MEASUREMENT" },
    { "quote/sgx-v3-debug.quote.bin", EVIDENCE_SGX_V3, debug, .reason = "POLICY_DEBUG" },
    { "log/tdx-v4-ccel.quote.bin", EVIDENCE_TDX_V4, of_ccel, .log = CCEL, .reason = "OK" },
    { "log/tdx-v4-dstack-v1.quote.bin", EVIDENCE_TDX_V4, of_dstack_v1, .log = LOG_V1,
      .reason = "OK" },
    { "log/tdx-v4-dstack-v2.quote.bin", EVIDENCE_TDX_V4, of_dstack_v2, .log = LOG_V2,
      .reason = "OK" },
    { "log/tdx-v4-dstack-v1.quote.bin", EVIDENCE_TDX_V4, of_dstack_v1, .log = LOG_V2,
      .reason = "RTMR_MISMATCH" },
    { "nitro/document.cose.bin", EVIDENCE_NITRO, .change_nitro = nitro_as_is, .reason = "OK" },
    { "nitro/indefinite.cose.bin", EVIDENCE_NITRO, .change_nitro = nitro_indefinite,
      .reason = "OK" },
    { "nitro/debug.cose.bin", EVIDENCE_NITRO, .change_nitro = nitro_debug,
      .reason = "NITRO_DEBUG" },
    { "nitro/bad-signature.cose.bin", EVIDENCE_NITRO, .change_nitro = nitro_bad_signature,
      .reason = "NITRO_SIGNATURE_INVALID" },
    { "nitro/document.cose.bin", EVIDENCE_NITRO, .change_nitro = nitro_as_is, .days_later = 1,
      .reason = "NITRO_CERT_EXPIRED" },
};

enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

/* --- files ----------------------------------------------------------------------------- */

typedef bool(intel_writer)(const struct sim_authority *, const struct sim_spec *, struct sink *);

static bool put_intel(const struct set *set, const char *name, intel_writer *write,
                      const struct sim_spec *spec)
{
    struct sink out = sink_over(set->room, ROOM);
    return write(&set->authority, spec, &out) && set->put(set->arg, name, sink_bytes(&out));
}

static bool put_nitro(const struct set *set, const struct set_case *c)
{
    struct sim_nitro_spec spec = sim_nitro_default(SIM_SET_TIME);
    struct sink out = sink_over(set->room, ROOM);
    c->change_nitro(&spec);
    return sim_nitro_document(&set->authority, &spec, &out) &&
           set->put(set->arg, c->file, sink_bytes(&out));
}

static bool put_evidence(const struct set *set)
{
    for (size_t i = 0; i < CASE_COUNT; i++) {
        bool written = false;
        for (size_t j = 0; j < i; j++)
            written = written || span_equal_text(span_text(cases[i].file), cases[j].file);
        if (written)
            continue;
        if (cases[i].kind == EVIDENCE_NITRO) {
            if (!put_nitro(set, &cases[i]))
                return false;
            continue;
        }
        struct sim_spec spec = sim_spec_default(cases[i].kind, SIM_SET_TIME);
        cases[i].change(&spec);
        if (!put_intel(set, cases[i].file, sim_quote, &spec))
            return false;
    }
    return true;
}

static bool put_collateral(const struct set *set)
{
    const struct sim_spec tdx = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    const struct sim_spec sgx = sim_spec_default(EVIDENCE_SGX_V3, SIM_SET_TIME);
    struct sim_spec revoked = tdx;
    revoked.leaf.revoked = true;
    return put_intel(set, "sgx_root.pem", sim_root, &tdx) &&
           put_intel(set, "collateral/tcbinfo_tdx.json", sim_tcb_info, &tdx) &&
           put_intel(set, "collateral/tcbinfo_sgx.json", sim_tcb_info, &sgx) &&
           put_intel(set, "collateral/qeidentity_td_qe.json", sim_qe_identity, &tdx) &&
           put_intel(set, "collateral/qeidentity_qe.json", sim_qe_identity, &sgx) &&
           put_intel(set, "collateral/crl_platform.der", sim_pck_crl, &tdx) &&
           put_intel(set, "collateral/crl_root.der", sim_root_crl, &tdx) &&
           put_intel(set, "collateral/tcb_signing.pem", sim_signing_chain, &tdx) &&
           put_intel(set, "revoked/crl_platform.der", sim_pck_crl, &revoked);
}

static bool put_log(const struct set *set, const char *name, enum log_format format)
{
    const struct sim_log_spec spec = sim_log_default(format);
    struct sink out = sink_over(set->room, ROOM);
    return sim_log(&spec, &out) && set->put(set->arg, name, sink_bytes(&out));
}

static bool put_others(const struct set *set)
{
    static const char policy[] = "# Accepts what the test authority of this folder made.\n"
                                 "hardware = false\n"
                                 "root_files = [\"sgx_root.pem\", \"nitro_root.pem\"]\n";
    const struct sim_nitro_spec nitro = sim_nitro_default(SIM_SET_TIME);
    struct sink out = sink_over(set->room, ROOM);
    return sim_nitro_root(&set->authority, &nitro, &out) &&
           set->put(set->arg, "nitro_root.pem", sink_bytes(&out)) && put_log(set, CCEL, LOG_CCEL) &&
           put_log(set, LOG_V1, LOG_DSTACK_V1) && put_log(set, LOG_V2, LOG_DSTACK_V2) &&
           set->put(set->arg, "policy.toml", span_text(policy));
}

/* --- the index ------------------------------------------------------------------------- */

static void put_text(struct json_writer *w, const char *name, const char *text)
{
    if (text == NULL)
        return;
    json_put_key(w, name);
    json_put_text(w, text);
}

static void put_case(struct json_writer *w, const struct set_case *c)
{
    bool nitro = c->kind == EVIDENCE_NITRO;
    json_begin_object(w);
    put_text(w, "file", c->file);
    put_text(w, "type", evidence_kind_name(c->kind));
    json_put_key(w, "time");
    json_put_time(w, SIM_SET_TIME + c->days_later * DAY);
    put_text(w, "root", nitro ? "nitro_root.pem" : "sgx_root.pem");
    put_text(w, "collateral", nitro ? NULL : "collateral");
    put_text(w, "pck_crl", c->crl);
    put_text(w, "event_log", c->log);
    put_text(w, "reason", c->reason);
    json_end_object(w);
}

static bool put_index(const struct set *set)
{
    struct sink out = sink_over(set->room, INDEX_MAX);
    struct json_writer w = json_write_to(&out, 1);
    json_begin_object(&w);
    put_text(&w, "made_by", "ward sim");
    put_text(&w, "seed", SEED);
    json_put_key(&w, "cases");
    json_begin_array(&w);
    for (size_t i = 0; i < CASE_COUNT; i++)
        put_case(&w, &cases[i]);
    json_end_array(&w);
    json_end_object(&w);
    bool written = json_write_ok(&w);
    sink_text(&out, "\n");
    return written && sink_ok(&out) && set->put(set->arg, "index.json", sink_bytes(&out));
}

bool sim_write_set(struct arena *scratch,
                   bool (*put)(void *arg, const char *name, struct span bytes), void *arg)
{
    struct set set = { .put = put, .arg = arg, .room = arena_alloc(scratch, ROOM) };
    if (set.room == NULL || !sim_authority_init(&set.authority, span_text(SEED)))
        return false;
    bool done = put_collateral(&set) && put_evidence(&set) && put_others(&set) && put_index(&set);
    sim_authority_fini(&set.authority);
    return done;
}
