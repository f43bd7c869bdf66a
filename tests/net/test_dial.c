/* test_dial.c - connections to hosts of which some addresses are silent, some refuse and some
   answer, all on loopback. */
#include "name_server.h"
#include "net/dial.h"

enum { HOLE = 1, REFUSES, ANSWERS };

/* Where 127.0.0.2, 127.0.0.3 .. lead, and what must become of it. */
struct row {
    const char *name;
    uint8_t hosts[4]; /* 0 ends the list */
    int64_t within;
    bool connects;
    int64_t before; /* it must not take as long as that */
    const char *says;
};

static const struct row rows[] = {
    { "one that answers", { ANSWERS }, 5000, true, 2000, "" },
    { "the first is silent", { HOLE, ANSWERS }, 8000, true, 4000, "" },
    { "two are silent", { HOLE, HOLE, ANSWERS }, 8000, true, 4000, "" },
    { "the first refuses", { REFUSES, ANSWERS }, 5000, true, 2000, "" },
    { "silent, refuses, answers", { HOLE, REFUSES, ANSWERS }, 8000, true, 4000, "" },
    { "all refuse", { REFUSES, REFUSES, REFUSES }, 5000, false, 2000, "refused" },
    { "all are silent", { HOLE, HOLE }, 700, false, 2200, "timed out" },
    { "one is silent, one refuses", { HOLE, REFUSES }, 700, false, 2200, "timed out" },
};

static uint8_t host_of(int fd)
{
    struct sockaddr_in peer = { 0 };
    socklen_t len = sizeof peer;
    assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
    return (uint8_t)(ntohl(peer.sin_addr.s_addr) & 0xff);
}

static void run(const struct row *row)
{
    struct net_hole holes[4];
    int listener = -1, fd = -1;
    uint16_t port = 0;
    uint8_t count = 0;
    size_t hole_count = 0;
    /* The port is that of a listener somewhere else, so that whoever refuses has none. */
    int elsewhere = net_listen(99, 0, &port);
    for (; count < COUNT_OF(row->hosts) && row->hosts[count] != 0; count++) {
        uint16_t same;
        if (row->hosts[count] == HOLE)
            holes[hole_count++] = net_hole_open((uint8_t)(2 + count), port, &same);
        if (row->hosts[count] == ANSWERS)
            listener = net_listen((uint8_t)(2 + count), port, &same);
    }
    struct name_server server = { .manner = NAMES_ANSWERED, .first = 2, .count = count };
    name_server_start(&server);
    char digits[8], message[DIAL_MESSAGE] = "";
    snprintf(digits, sizeof digits, "%u", port);
    int64_t began = clock_monotonic_ms();
    const struct resolve_request request = { "peer.test", digits, server.address,
                                             began + row->within };
    size_t open_before = net_descriptors();
    bool done = dial(&request, &fd, message);
    int64_t took = clock_monotonic_ms() - began;
    assert_int_equal(net_descriptors(), open_before + (done ? 1 : 0));
    if (done != row->connects || took >= row->before || strstr(message, row->says) == NULL)
        fail_msg("%s: %d after %lld ms: %s", row->name, done, (long long)took, message);
    if (done) {
        assert_int_equal(row->hosts[host_of(fd) - 2], ANSWERS);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        close(fd);
    }
    name_server_stop(&server);
    for (size_t i = 0; i < hole_count; i++)
        net_hole_close(&holes[i]);
    if (listener >= 0)
        close(listener);
    close(elsewhere);
}

static void test_the_first_that_answers_wins(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        run(&rows[i]);
}

/* The deadline is one: what the name took is not there for the connection. */
static void test_the_name_takes_of_the_same_time(void **state)
{
    (void)state;
    uint16_t port;
    struct net_hole hole = net_hole_open(2, 0, &port);
    char digits[8], message[DIAL_MESSAGE];
    snprintf(digits, sizeof digits, "%u", port);
    static const struct {
        enum name_server_manner manner;
        const char *says;
    } cases[] = { { NAMES_SILENT, "cannot be resolved" },
                  { NAMES_LATE, "cannot connect" },
                  { NAMES_UNKNOWN, "not found" } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct name_server server = { .manner = cases[i].manner, .first = 2, .count = 1 };
        int fd = -7;
        name_server_start(&server);
        int64_t began = clock_monotonic_ms();
        const struct resolve_request request = { "peer.test", digits, server.address, began + 900 };
        assert_false(dial(&request, &fd, message));
        assert_true(clock_monotonic_ms() - began < 2400);
        assert_int_equal(fd, -7);
        if (strstr(message, cases[i].says) == NULL)
            fail_msg("row %zu: %s", i, message);
        name_server_stop(&server);
    }
    net_hole_close(&hole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_that_answers_wins, ""),
        TEST(test_the_name_takes_of_the_same_time, ""),
    };
    return RUN_TESTS(tests);
}
