/* test_use.c - what a fence says that it let through: read only where it is a record, and believed
   only where the specification allows it. */
#include "sandbox/use.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../job/reach_bench.h"
#include "base/number.h"

static const char policy[] = START WHITELIST "hosts = ['a.example', '*.wild.example', '5.5.5.5']\n"
                                             "ports = [80, '53/udp']\n";

struct talk {
    struct reach reach;
    struct learn_uses said, heard;
    int ends[2];
    bool open;
};

static struct talk *begin(void)
{
    static struct talk talk;
    memset(&talk, 0, sizeof talk);
    talk.reach = reach_of(policy);
    talk.open = true;
    assert_int_equal(pipe2(talk.ends, O_NONBLOCK | O_CLOEXEC), 0);
    return &talk;
}

static void finish(struct talk *talk)
{
    close(talk->ends[0]);
    close(talk->ends[1]);
}

static void hear(struct talk *talk)
{
    use_read(&talk->heard, &talk->reach, talk->ends[0], &talk->open);
}

static void test_the_way_there_and_back(void **state)
{
    static const char *const names[] = { "a.example", "q.wild.example", "5.5.5.5" };
    static const struct job_port ports[] = { { 80, false }, { 53, true }, { 0, false } };
    struct talk *talk = begin();
    enum reach_rule why;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct address five = address_at("5.5.5.5");
        const struct reach_name *name = i == 2 ? reach_by_address(&talk->reach, &five)
                                               : reach_find_name(&talk->reach, span_text(names[i]),
                                                                 &why);
        for (size_t k = 0; k < COUNT_OF(ports); k++) {
            const struct learn_use use = { name, ports[k] };
            assert_true(use_send(talk->ends[1], &use));
            hear(talk);
        }
    }
    const struct learn_use own = { 0 };
    assert_true(use_send(talk->ends[1], &own));
    assert_true(use_send(talk->ends[1], &own));
    hear(talk);
    hear(talk);
    hear(talk); /* nothing is there */
    assert_true(talk->open);
    assert_false(talk->heard.more);
    assert_int_equal(talk->heard.count, 10);
    assert_span_equal(talk->heard.at[4].name->name, span_text("q.wild.example"));
    assert_true(talk->heard.at[4].port.udp);
    assert_null(talk->heard.at[9].name);
    assert_true(use_send_all(talk->ends[1]));
    hear(talk);
    assert_false(talk->open || talk->heard.more);
    finish(talk);
}

/* Of a process that was ended, or whose reader was too slow, nobody knows what it had still to say.
 */
static void test_an_end_without_the_word_for_it(void **state)
{
    struct talk *talk = begin();
    (void)state;
    close(talk->ends[1]);
    hear(talk);
    assert_false(talk->open);
    assert_true(talk->heard.more);
    close(talk->ends[0]);
}

/* It is heard no further, and what it used is not known: nothing is taken away then. */
static void assert_not_believed(struct talk *talk, const char *what)
{
    hear(talk);
    if (talk->open || !talk->heard.more || talk->heard.count != 0)
        fail_msg("%s", what);
    finish(talk);
}

static void test_what_is_not_allowed_is_no_use(void **state)
{
    static const struct {
        const char *name;
        struct job_port port;
    } rows[] = {
        { "other.example", { 80, false } },    { "other.example", { 0, false } },
        { "a.example", { 81, false } },        { "a.example", { 80, true } },
        { "x.y.wild.example", { 80, false } }, { "6.6.6.6", { 80, false } },
        { "a.example\n", { 80, false } },      { "localhost", { 80, false } },
        { "198.18.0.9", { 80, false } },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct talk *talk = begin();
        const struct reach_name name = { .name = span_text(rows[i].name), .number = 1 };
        const struct learn_use use = { &name, rows[i].port };
        assert_true(use_send(talk->ends[1], &use));
        assert_not_believed(talk, rows[i].name);
    }
    struct talk *talk = begin();
    const struct learn_use own = { NULL, { 80, false } };
    assert_true(use_send(talk->ends[1], &own));
    assert_not_believed(talk, "localhost on a port");
}

/* Every byte of a record with every other value: no use but those that are allowed. */
static void test_records_that_are_none(void **state)
{
    uint8_t record[512], changed[512];
    struct talk *talk = begin();
    enum reach_rule why;
    const struct learn_use use = { reach_find_name(&talk->reach, span_text("a.example"), &why),
                                   { 80, false } };
    (void)state;
    assert_true(use_send(talk->ends[1], &use));
    const ssize_t len = read(talk->ends[0], record, sizeof record);
    assert_true(len > 0 && (size_t)len < sizeof record);
    finish(talk);
    talk = begin();
    assert_int_equal(write(talk->ends[1], record, (size_t)len - 1), len - 1);
    assert_not_believed(talk, "a record that was cut");
    for (size_t at = 0; at < (size_t)len; at++) {
        for (int value = 0; value < 256; value += at < 8 ? 1 : 37) {
            arena_fini(&arena);
            arena_init(&arena, 32 << 20);
            talk = begin();
            memcpy(changed, record, (size_t)len);
            changed[at] = (uint8_t)value;
            assert_int_equal(write(talk->ends[1], changed, (size_t)len), len);
            hear(talk);
            for (size_t i = 0; i < talk->heard.count; i++) {
                const struct learn_use *heard = &talk->heard.at[i];
                assert_true(heard->name == NULL ||
                            (heard->name->lists != 0 &&
                             (heard->port.number == 0 ||
                              reach_allows(&talk->reach, heard->name, &heard->port))));
            }
            assert_true(reach_is_sound(&talk->reach));
            finish(talk);
        }
    }
}

static void test_a_pipe_that_is_full(void **state)
{
    struct talk *talk = begin();
    const struct learn_use own = { 0 };
    size_t sent = 0, heard = 0;
    (void)state;
    while (use_send(talk->ends[1], &own))
        sent++;
    assert_true(sent > 16);
    assert_false(use_send_all(talk->ends[1]));
    for (; heard < sent; heard++)
        hear(talk);
    assert_true(talk->open);
    assert_int_equal(talk->heard.count, 1);
    assert_true(use_send_all(talk->ends[1]));
    finish(talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_way_there_and_back, ""),        TEST(test_an_end_without_the_word_for_it, ""),
        TEST(test_what_is_not_allowed_is_no_use, ""), TEST(test_records_that_are_none, ""),
        TEST(test_a_pipe_that_is_full, ""),
    };
    return cmocka_run_group_tests(tests, start, end);
}
