/* test_poller.c - many descriptors behind one. */
#include "os/poller.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.h"
#include "test.h"

struct pair {
    int poller, near, far;
};

static struct pair begin(bool reading, bool writing)
{
    struct pair pair;
    int ends[2];
    assert_true(rc_ok(poller_open(NULL, &pair.poller)));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pair.near = ends[0];
    pair.far = ends[1];
    assert_true(rc_ok(poller_add(NULL, pair.poller, pair.near, 7, reading, writing)));
    return pair;
}

static void end(struct pair *pair)
{
    fd_close(&pair->near);
    fd_close(&pair->far);
    fd_close(&pair->poller);
}

static bool stands_ready(int poller)
{
    struct pollfd one = { .fd = poller, .events = POLLIN };
    return poll(&one, 1, 0) == 1;
}

static void test_nothing_ready(void **state)
{
    (void)state;
    struct pair pair = begin(true, false);
    struct poller_event event;
    assert_false(stands_ready(pair.poller));
    assert_int_equal(poller_take(pair.poller, &event, 1), 0);
    end(&pair);
}

static void test_readable(void **state)
{
    (void)state;
    struct pair pair = begin(true, false);
    struct poller_event event;
    assert_int_equal(write(pair.far, "x", 1), 1);
    assert_true(stands_ready(pair.poller));
    assert_int_equal(poller_take(pair.poller, &event, 1), 1);
    assert_int_equal(event.token, 7);
    assert_true(event.readable);
    assert_false(event.writable);
    assert_false(event.gone);
    end(&pair);
}

static void test_changes(void **state)
{
    (void)state;
    struct pair pair = begin(false, false);
    struct poller_event event;
    assert_int_equal(write(pair.far, "x", 1), 1);
    assert_int_equal(poller_take(pair.poller, &event, 1), 0);
    assert_true(rc_ok(poller_change(NULL, pair.poller, pair.near, 9, false, true)));
    assert_int_equal(poller_take(pair.poller, &event, 1), 1);
    assert_int_equal(event.token, 9);
    assert_true(event.writable);
    assert_false(event.readable);
    end(&pair);
}

static void test_gone_is_told_whatever_was_asked(void **state)
{
    (void)state;
    struct pair pair = begin(false, false);
    struct poller_event event;
    fd_close(&pair.far);
    assert_int_equal(poller_take(pair.poller, &event, 1), 1);
    assert_true(event.gone);
    end(&pair);
}

static void test_closed_descriptor_leaves(void **state)
{
    (void)state;
    struct pair pair = begin(true, true);
    struct poller_event event;
    assert_int_equal(write(pair.far, "x", 1), 1);
    fd_close(&pair.near);
    assert_int_equal(poller_take(pair.poller, &event, 1), 0);
    assert_int_equal(rc_class_of(poller_add(NULL, pair.poller, -1, 1, true, true)), RC_WORLD);
    end(&pair);
}

/* Unlike one that is waited for in no way: its end is not told either. */
static void test_what_is_dropped(void **state)
{
    (void)state;
    struct pair pair = begin(true, true);
    struct poller_event event;
    assert_true(rc_ok(poller_drop(NULL, pair.poller, pair.near)));
    assert_int_equal(write(pair.far, "x", 1), 1);
    fd_close(&pair.far);
    assert_int_equal(poller_take(pair.poller, &event, 1), 0);
    assert_int_equal(rc_class_of(poller_drop(NULL, pair.poller, pair.near)), RC_WORLD);
    assert_true(rc_ok(poller_add(NULL, pair.poller, pair.near, 7, true, false)));
    assert_int_equal(poller_take(pair.poller, &event, 1), 1);
    end(&pair);
}

static void test_at_most_what_was_asked(void **state)
{
    (void)state;
    enum { MANY = POLLER_EVENTS_MAX + 8 };
    int poller, fds[MANY][2];
    static struct poller_event events[MANY];
    assert_true(rc_ok(poller_open(NULL, &poller)));
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(pipe(fds[i]), 0);
        assert_int_equal(write(fds[i][1], "x", 1), 1);
        assert_true(rc_ok(poller_add(NULL, poller, fds[i][0], (uint64_t)i, true, false)));
    }
    assert_int_equal(poller_take(poller, events, 3), 3);
    assert_int_equal(poller_take(poller, events, MANY), POLLER_EVENTS_MAX);
    for (int i = 0; i < MANY; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
    close(poller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_ready, ""),
        TEST(test_readable, ""),
        TEST(test_changes, ""),
        TEST(test_gone_is_told_whatever_was_asked, ""),
        TEST(test_closed_descriptor_leaves, ""),
        TEST(test_what_is_dropped, ""),
        TEST(test_at_most_what_was_asked, ""),
    };
    return RUN_TESTS(tests);
}
