/* test_house_parts.c - what all processes share: lines of the log that nobody can forge or blow up,
   the descriptors that are kept, and the end. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/control.h"
#include "proc/house.h"
#include "proc/log.h"
#include "proc/serve.h"
#include "test.h"

/* log.c's own bounds of a line and of an event. */
enum { LINE = 1024, TEXT = 4096 };

/* What is written to stderr while a text is logged. */
static struct span logged(const char *text)
{
    static uint8_t got[8192];
    int pipes[2], saved = dup(STDERR_FILENO);
    assert_true(saved >= 0 && pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == 0);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    log_event("%s", text);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    ssize_t len = read(pipes[0], got, sizeof got);
    close(pipes[0]);
    close(pipes[1]);
    close(saved);
    assert_true(len > 0);
    return span_of(got, (size_t)len);
}

static void test_a_line_is_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *end;
    } rows[] = {
        { "a text", "all is well", " ward all is well\n" },
        { "a line feed", "a\n2026 monitor forged", " ward a\\x0a2026 monitor forged\n" },
        { "escapes of a terminal", "\x1b[2J\x9b", " ward \\x1b[2J\\x9b\n" },
        { "a delete and a tab", "\x7f\t", " ward \\x7f\\x09\n" },
        { "not ASCII", "\xc3\xa4", " ward \\xc3\\xa4\n" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span line = logged(rows[i].text), end = span_text(rows[i].end);
        print_message("%s\n", rows[i].name);
        assert_int_equal(line.len, sizeof "2026-01-01T00:00:00Z" - 1 + end.len);
        assert_span_equal(span_of(line.at + line.len - end.len, end.len), end);
    }
}

static void test_a_line_has_an_end(void **state)
{
    (void)state;
    static char text[TEXT + 100];
    size_t head = logged("").len - 1;
    static const size_t lens[] = { LINE, TEXT - 200, TEXT + 99 };
    memset(text, 'x', LINE - head);
    assert_int_equal(logged(text).len, LINE + 1); /* the longest that is written whole */
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        memset(text, 'x', lens[i]);
        struct span line = logged(text);
        assert_true(line.len <= LINE + 1);
        assert_int_equal(line.at[line.len - 1], '\n');
    }
    memset(text, '\n', LINE);
    text[LINE] = 0;
    struct span line = logged(text);
    assert_true(line.len <= LINE + 4); /* no escape is cut in two */
    assert_span_equal(span_of(line.at + line.len - 5, 5), span_text("\\x0a\n"));
}

static void test_so_many_descriptors_are_kept(void **state)
{
    (void)state;
    struct house house = { 0 };
    assert_false(house_keep_fd(&house, -1));
    for (int i = 0; i < HOUSE_OWN_FDS_MAX; i++)
        assert_true(house_keep_fd(&house, i));
    assert_false(house_keep_fd(&house, HOUSE_OWN_FDS_MAX));
    assert_int_equal(house.own_count, HOUSE_OWN_FDS_MAX);
}

/* The last that was under way ends by the clock, and nobody says anything any more. */
struct last {
    int64_t until;
    bool given_up;
};

static int64_t give_up_at_last(void *self, int64_t now_ms)
{
    struct last *last = self;
    if (last->until == 0)
        last->until = now_ms + 20;
    last->given_up = last->until <= now_ms;
    return last->given_up ? INT64_MAX : last->until;
}

static bool has_given_up(void *self)
{
    const struct last *last = self;
    return last->given_up;
}

static void wake(int number)
{
    (void)number;
}

static void test_a_timer_may_be_the_last(void **state)
{
    static const struct process process = { .tick = give_up_at_last, .may_stop = has_given_up };
    const struct sigaction interrupts = { .sa_handler = wake };
    struct frame stop = { .message = CONTROL_STOP };
    struct last last = { 0 };
    int64_t begun = clock_monotonic_ms();
    struct house house = { .process = &process, .self = &last };
    struct channel far = { 0 };
    int ends[2];
    (void)state;
    arena_init(&house.arena, HOUSE_MEMORY);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++)
        house.channels[peer].fd = -1;
    assert_true(channel_init(&house.control, &house.arena, PEER_MONITOR, CHANNEL_MORE_TRUSTED));
    assert_true(channel_init(&far, &house.arena, PEER_MONITOR, CHANNEL_MORE_TRUSTED));
    assert_true(rc_ok(packet_pair(NULL, ends)));
    channel_attach(&house.control, ends[0]);
    channel_attach(&far, ends[1]);
    assert_true(rc_ok(channel_put(NULL, &far, &stop)) && rc_ok(channel_flush(NULL, &far)));
    /* A process that sleeps on is waked, and found too late. */
    assert_int_equal(sigaction(SIGALRM, &interrupts, NULL), 0);
    alarm(5);
    assert_true(rc_ok(house_serve(NULL, &house)));
    alarm(0);
    assert_true(clock_monotonic_ms() - begun < 4500);
    channel_close(&house.control);
    channel_close(&far);
    arena_fini(&house.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_is_one_line, ""),
        TEST(test_a_line_has_an_end, ""),
        TEST(test_so_many_descriptors_are_kept, ""),
        TEST(test_a_timer_may_be_the_last, ""),
    };
    return RUN_TESTS(tests);
}
