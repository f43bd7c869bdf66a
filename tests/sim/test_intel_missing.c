/* test_intel_missing.c - collateral that is not there, named or in a folder, is missed on the line
   that needs it; a folder's files are chosen by content and date. */
#include "sim/intel_case.h"

static struct intel_case shared;

static int open_case(void **state)
{
    (void)state;
    intel_case_open(&shared);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    intel_case_close(&shared);
    return 0;
}

static const enum evidence_kind both[] = { EVIDENCE_SGX_V3, EVIDENCE_TDX_V5_15 };

static const struct {
    unsigned file;
    enum check_id check;
} files[] = {
    { FILE_TCB_INFO, CHECK_AT_17 }, { FILE_QE_IDENTITY, CHECK_AT_24 },
    { FILE_PCK_CRL, CHECK_AT_13 },  { FILE_ROOT_CRL, CHECK_AT_13 },
    { FILE_SIGNER, CHECK_AT_17 },
};

static void test_missing(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(both); k++) {
        for (unsigned heap = 0; heap < 2; heap++) {
            for (size_t i = 0; i < COUNT_OF(files); i++) {
                intel_case_reset(&shared, both[k]);
                shared.as_heap = heap != 0;
                shared.without = 1u << files[i].file;
                intel_case_run(&shared);
                intel_case_assert(&shared, heap != 0 ? "folder" : "named", DENY,
                                  REASON_COLLATERAL_MISSING, files[i].check);
            }
            intel_case_reset(&shared, both[k]);
            shared.as_heap = heap != 0;
            intel_case_run(&shared);
            intel_case_assert(&shared, "all there", ALLOW, REASON_OK, CHECK_COUNT);
        }
    }
}

static struct window *window_of(struct sim_spec *spec, unsigned file)
{
    switch (file) {
    case FILE_TCB_INFO:
        return &spec->tcb_info.validity;
    case FILE_QE_IDENTITY:
        return &spec->qe_identity.validity;
    case FILE_PCK_CRL:
        return &spec->pck_crl.validity;
    default:
        return &spec->root_crl.validity;
    }
}

/* In a folder, a file whose window does not hold the time is as good as none; the reason is not
   that it is missing, though. */
static enum reason reason_of(enum check_id check, bool expired)
{
    if (check == CHECK_AT_13)
        return expired ? REASON_CRL_EXPIRED : REASON_CRL_NOT_YET_VALID;
    if (check == CHECK_AT_17)
        return expired ? REASON_TCB_INFO_EXPIRED : REASON_TCB_INFO_NOT_YET_VALID;
    return expired ? REASON_QE_IDENTITY_EXPIRED : REASON_QE_IDENTITY_NOT_YET_VALID;
}

static void test_none_valid_now(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(both); k++) {
        for (size_t i = 0; i < COUNT_OF(files) - 1; i++) {
            for (int side = -1; side <= 1; side += 2) {
                intel_case_reset(&shared, both[k]);
                shared.as_heap = true;
                *window_of(&shared.spec,
                           files[i].file) = side < 0 ? (struct window){ NOW - 10 * DAY, NOW - 1 }
                                                     : (struct window){ NOW + 1, NOW + 10 * DAY };
                intel_case_run(&shared);
                intel_case_assert(&shared, side < 0 ? "expired" : "not yet valid", DENY,
                                  reason_of(files[i].check, side < 0), files[i].check);
            }
        }
    }
}

static void test_no_collateral_at_all(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(both); k++) {
        intel_case_reset(&shared, both[k]);
        struct span quote = intel_make(&shared, sim_quote, shared.quote, sizeof shared.quote);
        intel_case_judge(&shared, NULL, quote);
        intel_case_assert(&shared, "nothing", DENY, REASON_COLLATERAL_MISSING, CHECK_AT_13);
        static const enum check_id missed[] = { CHECK_AT_13, CHECK_AT_17, CHECK_AT_24 };
        for (size_t i = 0; i < COUNT_OF(missed); i++)
            assert_int_equal(shared.report.checks[missed[i]].reason, REASON_COLLATERAL_MISSING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_missing, "AT-13 AT-17 AT-24"),
        TEST(test_none_valid_now, "AT-13 AT-17 AT-24"),
        TEST(test_no_collateral_at_all, "AT-13 AT-17 AT-24"),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
