/* test_claims.c - names of kinds, statuses and formats. */
#include "model/claims.h"

#include "test.h"

static void test_status_names_round_trip(void **state)
{
    (void)state;
    for (unsigned i = TCB_UP_TO_DATE; i < TCB_STATUS_COUNT; i++) {
        const char *name = tcb_status_name((enum tcb_status)i);
        assert_true(name[0] != 0);
        assert_int_equal(tcb_status_find(span_text(name)), i);
    }
    static const char *const wrong[] = { "", "uptodate", "UpToDate ", "UpToDat", "None", "OK" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(tcb_status_find(span_text(wrong[i])), TCB_STATUS_NONE);
    assert_string_equal(tcb_status_name((enum tcb_status)99), "");
}

static void test_kinds(void **state)
{
    (void)state;
    assert_string_equal(evidence_kind_name(EVIDENCE_TDX_V5_15), "tdx-v5-1.5");
    assert_string_equal(evidence_kind_name((enum evidence_kind)99), "unknown");
    for (unsigned i = EVIDENCE_UNKNOWN; i <= EVIDENCE_NITRO; i++) {
        enum evidence_kind kind = (enum evidence_kind)i;
        const char *name = evidence_kind_name(kind);
        assert_int_equal(evidence_kind_is_tdx(kind), name[0] == 't');
        assert_int_equal(evidence_kind_is_sgx(kind), name[0] == 's');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_status_names_round_trip, ""),
        TEST(test_kinds, ""),
    };
    return RUN_TESTS(tests);
}
