/* sim_set.h - for tests: evidence and collateral of the test authority, judged under its
   root.  Each test starts from what is good and spoils one thing. */
#ifndef WARD_TESTS_ATTEST_SIM_SET_H
#define WARD_TESTS_ATTEST_SIM_SET_H

#include <string.h>

#include "attest/dcap.h"
#include "base/number.h"
#include "sim/sim.h"
#include "test.h"

#define SIM_UNUSED __attribute__((unused))
#define SIM_NOW    SIM_SET_TIME

enum sim_file {
    SIM_FILE_QUOTE = 0,
    SIM_FILE_TCB_INFO,
    SIM_FILE_QE_IDENTITY,
    SIM_FILE_PCK_CRL,
    SIM_FILE_ROOT_CRL,
    SIM_FILE_SIGNER,
    SIM_FILE_CHAIN,
    SIM_FILE_COUNT
};

struct sim_set {
    struct sim_authority authority;
    struct crypto *crypto;
    struct trust_root root;
    struct trust_roots roots;
    uint8_t rooms[SIM_FILE_COUNT][SIM_COLLATERAL_MAX];
    struct span files[SIM_FILE_COUNT];
    struct collateral *collateral;
    struct dcap_cache *cache;
    struct report report;
    struct claims claims;
};

SIM_UNUSED static struct sim_set *sim_set_new(void)
{
    static struct sim_set set;
    set = (struct sim_set){ .crypto = crypto_new() };
    assert_true(sim_authority_init(&set.authority, span_text("test_dcap")));
    struct span point = sim_point(&set.authority, SIM_KEY_ROOT);
    memcpy(set.root.point, point.at, point.len);
    set.root.point_len = point.len;
    set.roots = (struct trust_roots){ &set.root, 1 };
    return &set;
}

SIM_UNUSED static void sim_set_free(struct sim_set *set)
{
    collateral_free(&set->collateral);
    sim_authority_fini(&set->authority);
    crypto_free(&set->crypto);
}

/* Makes one file of a spec; the others stay. */
SIM_UNUSED static void sim_set_file(struct sim_set *set, const struct sim_spec *spec,
                                    enum sim_file file)
{
    static bool (*const makers[])(const struct sim_authority *, const struct sim_spec *,
                                  struct sink *) = {
        sim_quote,    sim_tcb_info,      sim_qe_identity, sim_pck_crl,
        sim_root_crl, sim_signing_chain, sim_pck_chain,
    };
    struct sink out = sink_over(set->rooms[file], SIM_COLLATERAL_MAX);
    assert_true(makers[file](&set->authority, spec, &out));
    set->files[file] = sink_bytes(&out);
}

SIM_UNUSED static void sim_set_make(struct sim_set *set, const struct sim_spec *spec)
{
    for (int file = 0; file < SIM_FILE_COUNT; file++)
        sim_set_file(set, spec, (enum sim_file)file);
}

/* The files by name; no chain. */
SIM_UNUSED static struct collateral_sources sim_set_named(const struct sim_set *set)
{
    const struct span *f = set->files;
    return (struct collateral_sources){
        .tcb_info = { f[SIM_FILE_TCB_INFO], "tcb_info" },
        .qe_identity = { f[SIM_FILE_QE_IDENTITY], "qe_identity" },
        .pck_crl = { f[SIM_FILE_PCK_CRL], "pck_crl" },
        .root_crl = { f[SIM_FILE_ROOT_CRL], "root_crl" },
        .tcb_signing_cert = { f[SIM_FILE_SIGNER], "signer" },
    };
}

SIM_UNUSED static void sim_set_build(struct sim_set *set, const struct collateral_sources *sources)
{
    collateral_free(&set->collateral);
    set->collateral = collateral_new(sources, &set->roots, set->crypto);
    assert_non_null(set->collateral);
}

/* Judges what is there; the first failing line, CHECK_COUNT when all is well. */
SIM_UNUSED static enum check_id sim_set_judge(struct sim_set *set, int64_t now)
{
    struct dcap_input input = { .quote = set->files[SIM_FILE_QUOTE],
                                .collateral = set->collateral,
                                .roots = &set->roots,
                                .now = now,
                                .cache = set->cache };
    dcap_verify(&input, set->crypto, &set->report, &set->claims);
    assert_true(report_is_sound(&set->report));
    enum check_id first = report_first_failure(&set->report);
    assert_int_equal(set->claims.verified, first == CHECK_COUNT);
    assert_false(set->claims.hardware);
    return first;
}

/* All of it for one spec, with the files by name. */
SIM_UNUSED static enum check_id sim_set_run(struct sim_set *set, const struct sim_spec *spec,
                                            int64_t now)
{
    sim_set_make(set, spec);
    struct collateral_sources sources = sim_set_named(set);
    sim_set_build(set, &sources);
    return sim_set_judge(set, now);
}

/* Insists on the first failing line and its reason; CHECK_COUNT and REASON_OK: on none. */
SIM_UNUSED static void sim_set_expect(const struct sim_set *set, const char *name,
                                      enum check_id check, enum reason reason)
{
    enum check_id first = report_first_failure(&set->report);
    enum reason found = first == CHECK_COUNT ? REASON_OK
                                             : (enum reason)set->report.checks[first].reason;
    if (first != check || found != reason)
        fail_msg("%s: %s %s (%s), wanted %s", name, check_info(first)->id, reason_info(found)->name,
                 first == CHECK_COUNT ? ""
                                      : report_text(&set->report, set->report.checks[first].detail),
                 reason_info(reason)->name);
}

/* A row of a table: start with the default of a kind, spoil it, and see which line says so. */
struct sim_row {
    const char *name;
    enum evidence_kind kind;
    void (*spoil)(struct sim_spec *spec);
    enum check_id check;
    enum reason reason;
};

#define SIM_SPOIL(name, statement)                                                                 \
    static void name(struct sim_spec *s)                                                           \
    {                                                                                              \
        statement;                                                                                 \
    }

SIM_UNUSED static void sim_set_table(const struct sim_row *rows, size_t count)
{
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < count; i++) {
        struct sim_spec spec = sim_spec_default(rows[i].kind, SIM_NOW);
        rows[i].spoil(&spec);
        sim_set_run(set, &spec, SIM_NOW);
        sim_set_expect(set, rows[i].name, rows[i].check, rows[i].reason);
    }
    sim_set_free(set);
}

/* A window of a spec, and what its two edges say. */
struct sim_edge {
    const char *name;
    size_t window; /* offset of a struct window in struct sim_spec */
    enum check_id check;
    enum reason before, after;
};

#define SIM_WINDOW(member) offsetof(struct sim_spec, member)

SIM_UNUSED static void sim_set_edges(const struct sim_edge *edges, size_t count)
{
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < count; i++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
        const struct window window = { SIM_NOW - 4 * 86400, SIM_NOW + 4 * 86400 };
        memcpy((uint8_t *)&spec + edges[i].window, &window, sizeof window);
        const struct {
            int64_t now;
            enum reason reason;
        } moments[] = {
            { window.from - 1, edges[i].before }, { window.from, REASON_OK },
            { window.from + 1, REASON_OK },       { window.until - 1, REASON_OK },
            { window.until, REASON_OK },          { window.until + 1, edges[i].after },
        };
        sim_set_run(set, &spec, SIM_NOW);
        for (size_t k = 0; k < COUNT_OF(moments); k++) {
            sim_set_judge(set, moments[k].now);
            bool good = moments[k].reason == REASON_OK;
            sim_set_expect(set, edges[i].name, good ? CHECK_COUNT : edges[i].check,
                           moments[k].reason);
            /* A date that is past takes nothing else away. */
            assert_int_equal(set->claims.tcb.status, TCB_UP_TO_DATE);
            assert_int_equal(set->claims.valid_until, window.until);
        }
    }
    sim_set_free(set);
}

#endif
