/* test_audit_slot.c - a slot is read as it was written, or not at all. */
#include "proc/audit_slot.h"

#include "base/cursor.h"
#include "test.h"

static uint8_t bytes[AUDIT_SLOT_BYTES];

static void write_slot(const struct audit_slot *slot)
{
    struct sink out = sink_over(bytes, sizeof bytes);
    audit_slot_put(&out, slot);
    assert_true(sink_ok(&out) && out.len == AUDIT_SLOT_BYTES);
}

static void test_there_and_back(void **state)
{
    static const struct audit_slot rows[] = {
        { .kind = AUDIT_SLOT_BASE },
        { .kind = AUDIT_SLOT_BASE, .a = UINT64_MAX, .b = 20785 },
        { .kind = AUDIT_SLOT_HEAD, .a = 1, .payload = { (const uint8_t *)"note\n", 5 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct audit_slot got;
        write_slot(&rows[i]);
        assert_true(audit_slot_get(SPAN(bytes), &got));
        assert_int_equal(got.kind, rows[i].kind);
        assert_true(got.a == rows[i].a && got.b == rows[i].b);
        assert_span_equal(got.payload, rows[i].payload);
    }
}

static void test_every_cut_and_flipped_bit(void **state)
{
    const struct audit_slot slot = { .kind = AUDIT_SLOT_HEAD,
                                     .a = 7,
                                     .payload = { (const uint8_t *)"note\n", 5 } };
    struct audit_slot got = { .a = 99 };
    (void)state;
    write_slot(&slot);
    size_t len = sizeof bytes;
    while (bytes[len - 1] == 0)
        len--;
    for (size_t cut = 0; cut < len; cut++)
        assert_false(audit_slot_get(span_of(bytes, cut), &got));
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(audit_slot_get(SPAN(bytes), &got));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(got.a, 99);
    assert_true(audit_slot_get(SPAN(bytes), &got));
}

static void test_zeros_are_no_slot(void **state)
{
    static const uint8_t zeros[AUDIT_SLOT_BYTES];
    struct audit_slot got;
    (void)state;
    assert_false(audit_slot_get(SPAN(zeros), &got));
}

static void test_too_long_a_payload(void **state)
{
    static const uint8_t text[AUDIT_SLOT_BYTES];
    const struct audit_slot slot = { .kind = AUDIT_SLOT_HEAD, .payload = SPAN(text) };
    struct sink out = sink_over(bytes, sizeof bytes);
    (void)state;
    audit_slot_put(&out, &slot);
    assert_false(sink_ok(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back, ""),
        TEST(test_every_cut_and_flipped_bit, ""),
        TEST(test_zeros_are_no_slot, ""),
        TEST(test_too_long_a_payload, ""),
    };
    return RUN_TESTS(tests);
}
