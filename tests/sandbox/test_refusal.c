/* test_refusal.c - what a fence says it has refused: counted by its kind, to a bound, and read only
   where it is a record. */
#include "sandbox/refusal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "test.h"

static struct refusal made(const char *name, uint16_t port)
{
    const struct reach_refusal what = { .rule = REACH_PORT,
                                        .name = span_text(name),
                                        .port = { port, true },
                                        .other = span_text("other.example") };
    return refusal_make(&what);
}

static void test_the_way_there_and_back(void **state)
{
    (void)state;
    const struct refusal refusal = made("a.example", 443);
    const struct reach_refusal view = refusal_view(&refusal);
    assert_int_equal(view.rule, REACH_PORT);
    assert_span_equal(view.name, span_text("a.example"));
    assert_span_equal(view.other, span_text("other.example"));
    assert_int_equal(view.port.number, 443);
    assert_true(view.port.udp);
    char name[HOST_TEXT_MAX + 8];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    assert_int_equal(made(name, 1).name_len, HOST_TEXT_MAX);
}

static void test_kinds_are_counted(void **state)
{
    static struct refusals all;
    char name[32];
    (void)state;
    memset(&all, 0, sizeof all);
    for (int i = 0; i < REFUSALS_OF_A_RULE; i++) {
        snprintf(name, sizeof name, "n%d.example", i);
        const struct refusal refusal = made(name, 443);
        assert_non_null(refusals_add(&all, &refusal));
        assert_int_equal(refusals_add(&all, &refusal)->count, 2);
    }
    const struct refusal late = made("late.example", 443), known = made("n0.example", 443);
    assert_null(refusals_add(&all, &late));
    assert_int_equal(refusals_add(&all, &known)->count, 3);
    assert_int_equal(all.count, REFUSALS_OF_A_RULE);
    assert_int_equal(all.more, 1);
    all.at[0].count = all.more = UINT32_MAX;
    assert_int_equal(refusals_add(&all, &known)->count, UINT32_MAX);
    assert_null(refusals_add(&all, &late));
    assert_int_equal(all.more, UINT32_MAX);
}

/* What fills the places of one rule hides nothing of another. */
static void test_each_rule_has_its_places(void **state)
{
    static struct refusals all;
    (void)state;
    memset(&all, 0, sizeof all);
    for (uint32_t rule = 0; rule < REACH_RULES; rule++) {
        for (int port = 1; port <= 2 * REFUSALS_OF_A_RULE; port++) {
            struct refusal refusal = made("a.example", (uint16_t)port);
            refusal.rule = rule;
            assert_true((refusals_add(&all, &refusal) != NULL) == (port <= REFUSALS_OF_A_RULE));
        }
    }
    assert_int_equal(all.count, REFUSALS_ROOM);
    assert_int_equal(all.more, REFUSALS_ROOM);
}

static void test_what_is_read(void **state)
{
    static struct refusals all;
    int ends[2];
    bool open = true;
    (void)state;
    memset(&all, 0, sizeof all);
    assert_int_equal(pipe(ends), 0);
    struct refusal one = made("a.example", 443), more = { .rule = REACH_RULES, .count = 7 };
    assert_true(refusal_send(ends[1], &one));
    assert_non_null(refusals_read(&all, ends[0], &open));
    one.count = 5;
    assert_true(refusal_send(ends[1], &one));
    assert_null(refusals_read(&all, ends[0], &open)); /* known, with another number */
    assert_int_equal(all.at[0].count, 5);
    assert_true(refusal_send(ends[1], &more));
    assert_null(refusals_read(&all, ends[0], &open));
    assert_int_equal(all.more, 7);
    assert_true(open);
    close(ends[1]);
    assert_null(refusals_read(&all, ends[0], &open));
    assert_false(open);
    close(ends[0]);
}

static void test_what_is_no_record(void **state)
{
    static struct refusals all;
    struct refusal rows[5];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        rows[i] = made("a.example", 443);
    rows[0].rule = REACH_RULES + 1;
    rows[1].udp = 2;
    rows[2].name_len = HOST_TEXT_MAX + 1;
    rows[3].other_len = HOST_TEXT_MAX + 1;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int ends[2];
        bool open = true;
        const size_t len = i == 4 ? sizeof rows[4] - 1 : sizeof rows[i]; /* the last is cut */
        memset(&all, 0, sizeof all);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], &rows[i], len), len);
        assert_null(refusals_read(&all, ends[0], &open));
        assert_false(open);
        assert_int_equal(all.count, 0);
        close(ends[0]);
        close(ends[1]);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_the_way_there_and_back, ""),   TEST(test_kinds_are_counted, ""),
        TEST(test_each_rule_has_its_places, ""), TEST(test_what_is_read, ""),
        TEST(test_what_is_no_record, ""),
    };
    return RUN_TESTS(tests);
}
