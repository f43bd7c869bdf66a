/* test_tcb.c - levels, convergence and relaunch as tables. */
#include <stdio.h>
#include <string.h>

#include "attest/tcb.h"
#include "base/number.h"
#include "test.h"

/* --- which level applies ------------------------------------------------------------- */

static const struct tcb_level ladder[] = {
    { .sgx = { 5, 5 }, .tdx = { 4, 1, 6 }, .pce_svn = 13, .verdict = { TCB_UP_TO_DATE } },
    { .sgx = { 5, 3 }, .tdx = { 3, 1, 5 }, .pce_svn = 11, .verdict = { TCB_SW_HARDENING_NEEDED } },
    { .sgx = { 1, 1 }, .tdx = { 2, 0, 2 }, .pce_svn = 5, .verdict = { TCB_OUT_OF_DATE } },
};

struct level_row {
    const char *name;
    uint8_t comp[16];
    uint16_t pce;
    bool tdx;
    uint8_t tee[16];
    enum tcb_status wanted; /* NONE: no level */
    const char *what;
    int component;
};

static const struct level_row level_rows[] = {
    { "sgx exactly the top", { 5, 5 }, 13, false, { 0 }, TCB_UP_TO_DATE, NULL, 0 },
    { "sgx above the top", { 9, 9, 9 }, 99, false, { 0 }, TCB_UP_TO_DATE, NULL, 0 },
    { "sgx PCESVN one short", { 5, 5 }, 12, false, { 0 }, TCB_SW_HARDENING_NEEDED, NULL, 0 },
    { "sgx component 2 one short", { 5, 4 }, 13, false, { 0 }, TCB_SW_HARDENING_NEEDED, NULL, 0 },
    { "sgx component 1 one short", { 4, 5 }, 13, false, { 0 }, TCB_OUT_OF_DATE, NULL, 0 },
    { "sgx below all by component 2",
      { 5, 0 },
      13,
      false,
      { 0 },
      TCB_STATUS_NONE,
      "SGX TCB component",
      2 },
    { "sgx below all by PCESVN", { 5, 5 }, 4, false, { 0 }, TCB_STATUS_NONE, "PCESVN", 0 },
    { "tdx 1.0 exactly", { 5, 5 }, 13, true, { 4, 0, 6 }, TCB_OUT_OF_DATE, NULL, 0 },
    { "tdx 1.5 passes over 0 and 1", { 5, 5 }, 13, true, { 0, 1, 6 }, TCB_UP_TO_DATE, NULL, 0 },
    { "tdx 1.5 component 2 one short",
      { 5, 5 },
      13,
      true,
      { 9, 1, 5 },
      TCB_SW_HARDENING_NEEDED,
      NULL,
      0 },
    { "tdx 1.0 component 0 too low",
      { 5, 5 },
      13,
      true,
      { 1, 0, 6 },
      TCB_STATUS_NONE,
      "TDX TCB component",
      0 },
    { "tdx below all by component 2",
      { 5, 5 },
      13,
      true,
      { 9, 1, 1 },
      TCB_STATUS_NONE,
      "TDX TCB component",
      2 },
    { "tdx SGX part decides too",
      { 0, 5 },
      13,
      true,
      { 9, 1, 9 },
      TCB_STATUS_NONE,
      "SGX TCB component",
      1 },
};

static void the_first_level_reached_applies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(level_rows); i++) {
        const struct level_row *row = &level_rows[i];
        struct tcb_platform platform = { row->comp, row->pce, row->tdx ? row->tee : NULL };
        struct tcb_shortfall shortfall;
        const struct tcb_level *level = tcb_level_find(ladder, COUNT_OF(ladder), &platform,
                                                       &shortfall);
        enum tcb_status status = level == NULL ? TCB_STATUS_NONE : level->verdict.status;
        if (status != row->wanted)
            fail_msg("%s: %s", row->name, tcb_status_name(status));
        if (row->what != NULL) {
            assert_string_equal(shortfall.what, row->what);
            assert_int_equal(shortfall.component, row->component);
            assert_true(shortfall.actual < shortfall.wanted);
        }
    }
}

static void every_component_counts(void **state)
{
    (void)state;
    for (int i = 0; i < TCB_COMPONENTS; i++) {
        struct tcb_level level = { .verdict = { TCB_UP_TO_DATE } };
        uint8_t comp[16] = { 0 }, tee[16] = { 0, 1 }, tee10[16] = { 0 };
        struct tcb_shortfall shortfall;
        level.sgx[i] = 1;
        struct tcb_platform sgx = { comp, 0, NULL };
        assert_null(tcb_level_find(&level, 1, &sgx, &shortfall));
        assert_int_equal(shortfall.component, i + 1);
        comp[i] = 1;
        assert_non_null(tcb_level_find(&level, 1, &sgx, &shortfall));

        level.tdx[i] = 2;
        struct tcb_platform tdx = { comp, 0, tee }, tdx10 = { comp, 0, tee10 };
        assert_int_equal(tcb_level_find(&level, 1, &tdx, &shortfall) == NULL, i >= 2);
        assert_null(tcb_level_find(&level, 1, &tdx10, &shortfall));
        assert_int_equal(shortfall.component, i);
    }
}

static void no_level_is_not_a_level(void **state)
{
    (void)state;
    uint8_t comp[16];
    memset(comp, 255, sizeof comp);
    struct tcb_platform platform = { comp, 65535, NULL };
    struct tcb_shortfall shortfall;
    assert_null(tcb_level_find(ladder, 0, &platform, &shortfall));
    /* Published components are 16 bits wide: 256 is above any platform. */
    struct tcb_level high = { .sgx = { 256 } };
    assert_null(tcb_level_find(&high, 1, &platform, &shortfall));
}

static void svn_levels_go_down(void **state)
{
    (void)state;
    static const struct svn_level levels[] = { { .isv_svn = 8 }, { .isv_svn = 4 } };
    assert_ptr_equal(svn_level_find(levels, 2, 9), &levels[0]);
    assert_ptr_equal(svn_level_find(levels, 2, 8), &levels[0]);
    assert_ptr_equal(svn_level_find(levels, 2, 7), &levels[1]);
    assert_ptr_equal(svn_level_find(levels, 2, 4), &levels[1]);
    assert_null(svn_level_find(levels, 2, 3));
    assert_null(svn_level_find(levels, 0, 65535));
}

/* --- names --------------------------------------------------------------------------- */

static void an_unknown_status_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum tcb_status platform, enclave;
    } rows[] = {
        { "UpToDate", TCB_UP_TO_DATE, TCB_UP_TO_DATE },
        { "SWHardeningNeeded", TCB_SW_HARDENING_NEEDED, TCB_STATUS_NONE },
        { "ConfigurationNeeded", TCB_CONFIGURATION_NEEDED, TCB_STATUS_NONE },
        { "ConfigurationAndSWHardeningNeeded", TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
          TCB_STATUS_NONE },
        { "OutOfDate", TCB_OUT_OF_DATE, TCB_OUT_OF_DATE },
        { "OutOfDateConfigurationNeeded", TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_STATUS_NONE },
        { "Revoked", TCB_REVOKED, TCB_REVOKED },
        { "TDRelaunchAdvised", TCB_STATUS_NONE, TCB_STATUS_NONE },
        { "TDRelaunchAdvisedConfigurationNeeded", TCB_STATUS_NONE, TCB_STATUS_NONE },
        { "uptodate", TCB_STATUS_NONE, TCB_STATUS_NONE },
        { "UpToDate ", TCB_STATUS_NONE, TCB_STATUS_NONE },
        { "Perfect", TCB_STATUS_NONE, TCB_STATUS_NONE },
        { "", TCB_STATUS_NONE, TCB_STATUS_NONE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(tcb_status_of_platform(span_text(rows[i].name)), rows[i].platform);
        assert_int_equal(tcb_status_of_enclave(span_text(rows[i].name)), rows[i].enclave);
    }
}

/* --- convergence --------------------------------------------------------------------- */

static void convergence_is_the_table(void **state)
{
    (void)state;
    /* platform, with a component UpToDate, OutOfDate, Revoked */
    static const enum tcb_status table[][4] = {
        { TCB_UP_TO_DATE, TCB_UP_TO_DATE, TCB_OUT_OF_DATE, TCB_REVOKED },
        { TCB_SW_HARDENING_NEEDED, TCB_SW_HARDENING_NEEDED, TCB_OUT_OF_DATE, TCB_REVOKED },
        { TCB_CONFIGURATION_NEEDED, TCB_CONFIGURATION_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
          TCB_REVOKED },
        { TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
          TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_REVOKED },
        { TCB_OUT_OF_DATE, TCB_OUT_OF_DATE, TCB_OUT_OF_DATE, TCB_REVOKED },
        { TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
          TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_REVOKED },
        { TCB_REVOKED, TCB_REVOKED, TCB_REVOKED, TCB_REVOKED },
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_int_equal(tcb_converge(table[i][0], TCB_UP_TO_DATE), table[i][1]);
        assert_int_equal(tcb_converge(table[i][0], TCB_OUT_OF_DATE), table[i][2]);
        assert_int_equal(tcb_converge(table[i][0], TCB_REVOKED), table[i][3]);
        assert_int_equal(tcb_converge(table[i][0], TCB_STATUS_NONE), TCB_STATUS_NONE);
        assert_int_equal(tcb_converge(TCB_STATUS_NONE, table[i][0]), TCB_STATUS_NONE);
    }
}

static void relaunch_is_the_table(void **state)
{
    (void)state;
    enum {
        U = TCB_UP_TO_DATE,
        S = TCB_SW_HARDENING_NEEDED,
        C = TCB_CONFIGURATION_NEEDED,
        CS = TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
        O = TCB_OUT_OF_DATE,
        OC = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
        R = TCB_REVOKED,
        A = TCB_TD_RELAUNCH_ADVISED,
        AC = TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
    };
    static const int current[] = { TCB_STATUS_NONE, U, S, C, CS, O, OC, R };
    static const int table[][9] = {
        /* launch: none, U,  S,  C,  CS,  O,  OC, R */
        { U, U, U, U, U, U, U, U, U },   { S, S, S, S, S, S, S, S, S },
        { C, C, C, C, C, C, C, C, C },   { CS, CS, CS, CS, CS, CS, CS, CS, CS },
        { O, O, A, A, AC, AC, O, O, O }, { OC, OC, AC, AC, AC, AC, OC, OC, OC },
        { R, R, R, R, R, R, R, R, R },
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        for (size_t k = 0; k < COUNT_OF(current); k++)
            assert_int_equal(
                tcb_relaunch((enum tcb_status)table[i][0], (enum tcb_status)current[k]),
                table[i][k + 1]);
}

/* --- what is reported ---------------------------------------------------------------- */

static struct tcb_verdict verdict(int64_t date, const struct span *ids, size_t count)
{
    return (struct tcb_verdict){ .date = date, .advisories = ids, .advisory_count = count };
}

static void the_union_is_sorted_and_the_date_the_oldest(void **state)
{
    (void)state;
    struct tcb_claims claims = { 0 };
    const struct span first[] = { span_text("INTEL-SA-00300"), span_text("INTEL-SA-00100"),
                                  span_text("INTEL-SA-00300") };
    const struct span second[] = { span_text("INTEL-SA-00200"), span_text("INTEL-SA-00100"),
                                   span_text("INTEL-SA-001") };
    struct tcb_verdict a = verdict(2000, first, COUNT_OF(first));
    struct tcb_verdict b = verdict(1000, second, COUNT_OF(second)), c = verdict(3000, NULL, 0);
    assert_true(tcb_claims_add(&claims, &a) && tcb_claims_add(&claims, &b) &&
                tcb_claims_add(&claims, &c));
    static const char *const wanted[] = { "INTEL-SA-001", "INTEL-SA-00100", "INTEL-SA-00200",
                                          "INTEL-SA-00300" };
    assert_int_equal(claims.advisory_count, COUNT_OF(wanted));
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        assert_string_equal(claims.advisories[i], wanted[i]);
    assert_int_equal(claims.date, 1000);
}

static void no_advisory_is_lost_silently(void **state)
{
    (void)state;
    struct tcb_claims claims = { 0 };
    for (int i = 0; i <= ADVISORY_MAX; i++) {
        char id[16];
        int len = snprintf(id, sizeof id, "SA-%05d", i);
        struct span one = span_of(id, (size_t)len);
        struct tcb_verdict v = verdict(5, &one, 1);
        assert_int_equal(tcb_claims_add(&claims, &v), i < ADVISORY_MAX);
    }
    assert_int_equal(claims.advisory_count, ADVISORY_MAX);
    struct tcb_claims fresh = { 0 };
    char text[ADVISORY_ID_MAX];
    memset(text, 'x', sizeof text);
    struct span longest = span_of(text, sizeof text - 1), longer = span_of(text, sizeof text);
    struct tcb_verdict fits = verdict(5, &longest, 1), not = verdict(4, &longer, 1);
    assert_true(tcb_claims_add(&fresh, &fits));
    assert_false(tcb_claims_add(&fresh, &not ));
    assert_int_equal(fresh.advisory_count, 1);
    assert_int_equal(fresh.date, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_level_reached_applies, "AT-31"),
        TEST(every_component_counts, "AT-31"),
        TEST(no_level_is_not_a_level, ""),
        TEST(svn_levels_go_down, ""),
        TEST(an_unknown_status_is_none, ""),
        TEST(convergence_is_the_table, "AT-34"),
        TEST(relaunch_is_the_table, ""),
        TEST(the_union_is_sorted_and_the_date_the_oldest, ""),
        TEST(no_advisory_is_lost_silently, ""),
    };
    return RUN_TESTS(tests);
}
