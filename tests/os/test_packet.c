/* test_packet.c - packets come whole or not at all, descriptors have an owner at every
   moment, and neither signals nor a rude peer change that.  System calls are wrapped so that
   they can be made to fail. */
#include "os/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/open_fds.h"
#include "test.h"

static uint8_t bytes[PACKET_BYTES_MAX + 1];
static uint8_t got[PACKET_BYTES_MAX + 1];

/* The next `fail_times` calls of any kind fail with fail_errno. */
static int fail_errno;
static unsigned fail_times;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);

static bool fails_now(void)
{
    if (fail_times == 0)
        return false;
    fail_times--;
    errno = fail_errno;
    return true;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return fails_now() ? -1 : __real_sendmsg(fd, message, flags);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    return fails_now() ? -1 : __real_recvmsg(fd, message, flags);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return fails_now() ? -1 : __real_poll(fds, count, timeout);
}

struct pair {
    int ends[2];
    size_t before; /* open descriptors */
};

static int begin(void **state)
{
    static struct pair pair;
    pair.before = open_fds();
    fail_times = 0;
    assert_true(rc_ok(packet_pair(NULL, pair.ends)));
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8));
    *state = &pair;
    return 0;
}

/* Every test is also a test that nothing is left open. */
static int end(void **state)
{
    struct pair *pair = *state;
    fd_close(&pair->ends[0]);
    fd_close(&pair->ends[1]);
    return open_fds() == pair->before ? 0 : -1;
}

#define PAIR_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

#define assert_rc(actual, class, number)                                                           \
    assert_int_equal((actual).code, rc_make((class), (uint32_t)(number)).code)

static rc send_len(int fd, size_t len)
{
    return packet_send(NULL, fd, span_of(bytes, len), NULL, 0);
}

static rc receive(int fd, size_t cap, size_t *len, struct packet_fds *fds)
{
    memset(got, 0xee, sizeof got);
    return packet_receive(NULL, fd, got, cap, len, fds);
}

static void assert_arrives(int fd, size_t len)
{
    struct packet_fds fds;
    size_t arrived = 0;
    assert_rc(receive(fd, PACKET_BYTES_MAX, &arrived, &fds), RC_OK, 0);
    assert_int_equal(fds.count, 0);
    assert_span_equal(span_of(got, arrived), span_of(bytes, len));
}

static void assert_no_packet(int fd, enum rc_class class, uint32_t number)
{
    struct packet_fds fds = { .fds = { 77 }, .count = 1 };
    size_t len = 4711;
    assert_rc(receive(fd, PACKET_BYTES_MAX, &len, &fds), class, number);
    assert_int_equal(len, 4711);
    assert_int_equal(fds.count, 0); /* nothing that the caller might close */
}

static void test_ends_are_private(void **state)
{
    const struct pair *pair = *state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fcntl(pair->ends[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fcntl(pair->ends[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    }
}

static void test_packets_stay_whole(void **state)
{
    const struct pair *pair = *state;
    static const size_t lens[] = { 1, 2, 4095, 4096, 4097, PACKET_BYTES_MAX - 1, PACKET_BYTES_MAX };
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        assert_rc(send_len(pair->ends[0], lens[i]), RC_OK, 0);
        assert_rc(send_len(pair->ends[0], 3), RC_OK, 0);
        assert_arrives(pair->ends[1], lens[i]);
        assert_arrives(pair->ends[1], 3);
        assert_no_packet(pair->ends[1], RC_BUSY, PACKET_E_BLOCK);
    }
}

static void test_what_is_no_packet_is_not_sent(void **state)
{
    const struct pair *pair = *state;
    int fds[PACKET_FDS_MAX + 1] = { 0 };
    assert_rc(send_len(pair->ends[0], 0), RC_BUG, PACKET_E_CUT);
    assert_rc(send_len(pair->ends[0], PACKET_BYTES_MAX + 1), RC_BUG, PACKET_E_CUT);
    assert_rc(packet_send(NULL, pair->ends[0], span_of(bytes, 1), fds, PACKET_FDS_MAX + 1), RC_BUG,
              PACKET_E_CUT);
    fds[0] = -1;
    assert_rc(packet_send(NULL, pair->ends[0], span_of(bytes, 1), fds, 1), RC_WORLD,
              RC_ERRNO | EBADF);
    assert_no_packet(pair->ends[1], RC_BUSY, PACKET_E_BLOCK);
}

static void test_a_packet_past_the_buffer_is_refused_alone(void **state)
{
    const struct pair *pair = *state;
    struct packet_fds fds;
    size_t len = 0;
    assert_rc(packet_send(NULL, pair->ends[0], span_of(bytes, 9), pair->ends, 2), RC_OK, 0);
    assert_rc(receive(pair->ends[1], 8, &len, &fds), RC_PEER, PACKET_E_CUT);
    assert_int_equal(fds.count, 0);
    assert_int_equal(len, 0);
    assert_int_equal(got[8], 0xee);
    assert_rc(send_len(pair->ends[0], 8), RC_OK, 0);
    assert_rc(receive(pair->ends[1], 8, &len, &fds), RC_OK, 0);
    assert_int_equal(len, 8);
}

static void test_descriptors_arrive_in_order_and_close_on_exec(void **state)
{
    const struct pair *pair = *state;
    for (size_t count = 0; count <= PACKET_FDS_MAX; count++) {
        int sent[PACKET_FDS_MAX] = { 0 };
        struct packet_fds fds;
        size_t len = 0;
        for (size_t i = 0; i < count; i++)
            assert_true((sent[i] = memfd_create("packet", 0)) >= 0);
        assert_rc(packet_send(NULL, pair->ends[0], span_of(bytes, 1), sent, count), RC_OK, 0);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(pwrite(sent[i], &i, 1, 0), 1);
            close(sent[i]);
        }
        assert_rc(receive(pair->ends[1], 1, &len, &fds), RC_OK, 0);
        assert_int_equal(fds.count, count);
        for (size_t i = 0; i < count; i++) {
            uint8_t mark = 0xff;
            assert_int_equal(pread(fds.fds[i], &mark, 1, 0), 1);
            assert_int_equal(mark, i);
            assert_int_equal(fcntl(fds.fds[i], F_GETFD), FD_CLOEXEC);
        }
        packet_fds_close(&fds);
        packet_fds_close(&fds); /* nothing is closed twice */
        assert_int_equal(fds.count, 0);
    }
}

/* As a hostile peer sends: any number of descriptors, any length, 0 too. */
static void send_raw(int fd, size_t len, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(253 * sizeof(int))];
    } control = { 0 };
    struct iovec part = { bytes, len };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof(int));
        for (size_t i = 0; i < count; i++)
            memcpy(CMSG_DATA(head) + i * sizeof(int), &fd, sizeof fd);
    }
    assert_int_equal(__real_sendmsg(fd, &message, MSG_NOSIGNAL), len);
}

static void test_too_many_descriptors_are_all_closed(void **state)
{
    const struct pair *pair = *state;
    static const size_t counts[] = { PACKET_FDS_MAX + 1, PACKET_FDS_MAX + 2, 64, 252, 253 };
    size_t before = open_fds();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        send_raw(pair->ends[0], 1, counts[i]);
        assert_no_packet(pair->ends[1], RC_PEER, PACKET_E_CUT);
        assert_int_equal(open_fds(), before);
    }
    assert_rc(send_len(pair->ends[0], 5), RC_OK, 0);
    assert_arrives(pair->ends[1], 5);
}

static void test_an_empty_packet_is_the_end(void **state)
{
    const struct pair *pair = *state;
    size_t before = open_fds();
    send_raw(pair->ends[0], 0, 0);
    assert_no_packet(pair->ends[1], RC_WORLD, PACKET_E_CLOSED);
    send_raw(pair->ends[0], 0, PACKET_FDS_MAX);
    assert_no_packet(pair->ends[1], RC_WORLD, PACKET_E_CLOSED);
    assert_int_equal(open_fds(), before);
}

/* That this process can have no more descriptors is not the peer's fault. */
static void test_no_room_for_descriptors_is_our_own_matter(void **state)
{
    const struct pair *pair = *state;
    struct rlimit usual;
    struct packet_fds fds = { 0 };
    size_t len = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    for (unsigned room = 0; room <= PACKET_FDS_MAX; room++) {
        int next = dup(0);
        close(next);
        struct rlimit tight = { (rlim_t)next + room, usual.rlim_max };
        send_raw(pair->ends[0], 1, PACKET_FDS_MAX);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        rc r = receive(pair->ends[1], 1, &len, &fds);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
        if (room < PACKET_FDS_MAX)
            assert_rc(r, RC_WORLD, RC_ERRNO | EMFILE);
        else
            assert_rc(r, RC_OK, 0);
        assert_int_equal(fds.count, room < PACKET_FDS_MAX ? 0 : PACKET_FDS_MAX);
    }
    packet_fds_close(&fds);
}

static void test_last_words_are_heard(void **state)
{
    struct pair *pair = *state;
    for (size_t i = 1; i <= 3; i++)
        assert_rc(send_len(pair->ends[0], i), RC_OK, 0);
    /* Unread at the end of the one that goes: its last words come behind an ECONNRESET. */
    assert_rc(send_len(pair->ends[1], 1), RC_OK, 0);
    fd_close(&pair->ends[0]);
    for (size_t i = 1; i <= 3; i++)
        assert_arrives(pair->ends[1], i);
    assert_no_packet(pair->ends[1], RC_WORLD, PACKET_E_CLOSED);
    assert_no_packet(pair->ends[1], RC_WORLD, PACKET_E_CLOSED);
    assert_rc(send_len(pair->ends[1], 1), RC_WORLD, PACKET_E_CLOSED);
}

static void test_a_full_peer_is_busy(void **state)
{
    const struct pair *pair = *state;
    size_t sent = 0;
    rc r;
    while (rc_ok(r = send_len(pair->ends[0], 1000)))
        sent++;
    assert_rc(r, RC_BUSY, PACKET_E_BLOCK);
    assert_in_range(sent, 1, 1000);
    assert_rc(packet_wait(NULL, pair->ends[0], true, clock_monotonic_ms() + 10), RC_BUSY,
              PACKET_E_TIME);
    for (; sent > 0; sent--)
        assert_arrives(pair->ends[1], 1000);
    assert_rc(packet_wait(NULL, pair->ends[0], true, 0), RC_OK, 0);
    assert_rc(send_len(pair->ends[0], 1000), RC_OK, 0);
}

/* Also a descriptor that somebody made blocking does not block. */
static void test_never_blocks(void **state)
{
    const struct pair *pair = *state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(fcntl(pair->ends[i], F_SETFL, 0), 0);
    alarm(20); /* instead of hanging */
    assert_no_packet(pair->ends[1], RC_BUSY, PACKET_E_BLOCK);
    test_a_full_peer_is_busy(state);
    alarm(0);
}

/* errno, what sending makes of it, what receiving does. */
static const struct {
    int error;
    rc sending, receiving;
} failures[] = {
#define BLOCK                                                                                      \
    {                                                                                              \
        ((uint32_t)RC_BUSY << 24) | PACKET_E_BLOCK                                                 \
    }
#define CLOSED                                                                                     \
    {                                                                                              \
        ((uint32_t)RC_WORLD << 24) | PACKET_E_CLOSED                                               \
    }
#define WORLD(error)                                                                               \
    {                                                                                              \
        ((uint32_t)RC_WORLD << 24) | RC_ERRNO | (error)                                            \
    }
    { EAGAIN, BLOCK, BLOCK },
    { ENOBUFS, BLOCK, BLOCK },
    { EPIPE, CLOSED, CLOSED },
    { ECONNRESET, CLOSED, CLOSED },
    { ENOTCONN, CLOSED, CLOSED },
    { ECONNREFUSED, CLOSED, CLOSED },
    { EIO, WORLD(EIO), WORLD(EIO) },
    { ENOSPC, WORLD(ENOSPC), WORLD(ENOSPC) },
    { EMFILE, WORLD(EMFILE), WORLD(EMFILE) },
    { ENFILE, WORLD(ENFILE), WORLD(ENFILE) },
    { ENOMEM, WORLD(ENOMEM), WORLD(ENOMEM) },
    { EPERM, WORLD(EPERM), WORLD(EPERM) },
    { ETIMEDOUT, WORLD(ETIMEDOUT), WORLD(ETIMEDOUT) },
    { EMSGSIZE, WORLD(EMSGSIZE), WORLD(EMSGSIZE) },
    { ETOOMANYREFS, WORLD(ETOOMANYREFS), WORLD(ETOOMANYREFS) },
};

static void test_each_error_has_its_class(void **state)
{
    const struct pair *pair = *state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        fail_errno = failures[i].error;
        fail_times = 2; /* ECONNRESET is believed the second time only */
        assert_int_equal(send_len(pair->ends[0], 7).code, failures[i].sending.code);
        fail_times = 2;
        assert_no_packet(pair->ends[1], rc_class_of(failures[i].receiving),
                         rc_number(failures[i].receiving));
        fail_times = 0;
        assert_no_packet(pair->ends[1], RC_BUSY, PACKET_E_BLOCK); /* it was never sent */
    }
    fail_errno = EIO;
    fail_times = 1;
    assert_rc(packet_wait(NULL, pair->ends[0], false, 0), RC_WORLD, RC_ERRNO | EIO);
}

static void test_interruptions_change_nothing(void **state)
{
    const struct pair *pair = *state;
    fail_errno = EINTR;
    fail_times = 5;
    assert_rc(send_len(pair->ends[0], 7), RC_OK, 0);
    fail_times = 5;
    assert_rc(packet_wait(NULL, pair->ends[1], false, clock_monotonic_ms() + 10000), RC_OK, 0);
    fail_times = 5;
    assert_arrives(pair->ends[1], 7);
    /* Signals without end put no deadline off. */
    fail_times = UINT32_MAX;
    assert_rc(packet_wait(NULL, pair->ends[1], false, clock_monotonic_ms() + 10), RC_BUSY,
              PACKET_E_TIME);
    fail_times = 0;
}

static void test_waiting_ends(void **state)
{
    struct pair *pair = *state;
    static const int64_t past[] = { INT64_MIN, -1, 0 };
    for (size_t i = 0; i < 3; i++)
        assert_rc(packet_wait(NULL, pair->ends[1], false, past[i]), RC_BUSY, PACKET_E_TIME);
    int64_t begun = clock_monotonic_ms();
    assert_rc(packet_wait(NULL, pair->ends[1], false, begun + 30), RC_BUSY, PACKET_E_TIME);
    assert_true(clock_monotonic_ms() >= begun + 30);
    assert_rc(send_len(pair->ends[0], 1), RC_OK, 0);
    assert_rc(packet_wait(NULL, pair->ends[1], false, INT64_MAX), RC_OK, 0);
    assert_arrives(pair->ends[1], 1);
    fd_close(&pair->ends[0]);
    assert_rc(packet_wait(NULL, pair->ends[1], false, INT64_MAX), RC_OK, 0);
    assert_no_packet(pair->ends[1], RC_WORLD, PACKET_E_CLOSED);
}

static void count_signal(int number)
{
    (void)number;
}

/* A timer at 2 kHz, without SA_RESTART: what arrives is what was sent. */
static void test_storm_of_signals(void **state)
{
    const struct pair *pair = *state;
    struct sigaction before;
    struct sigaction counting = { .sa_handler = count_signal };
    struct itimerval storm = { { 0, 500 }, { 0, 500 } };
    struct itimerval none = { 0 };
    struct test_random random = { 30 };
    assert_int_equal(sigaction(SIGALRM, &counting, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &storm, NULL), 0);
    for (unsigned round = 0; round < 2000; round++) {
        size_t len = 1 + test_random_below(&random, PACKET_BYTES_MAX);
        assert_rc(send_len(pair->ends[round % 2], len), RC_OK, 0);
        assert_rc(packet_wait(NULL, pair->ends[1 - round % 2], false, INT64_MAX), RC_OK, 0);
        assert_arrives(pair->ends[1 - round % 2], len);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(test_ends_are_private),
        PAIR_TEST(test_packets_stay_whole),
        PAIR_TEST(test_what_is_no_packet_is_not_sent),
        PAIR_TEST(test_a_packet_past_the_buffer_is_refused_alone),
        PAIR_TEST(test_descriptors_arrive_in_order_and_close_on_exec),
        PAIR_TEST(test_too_many_descriptors_are_all_closed),
        PAIR_TEST(test_an_empty_packet_is_the_end),
        PAIR_TEST(test_no_room_for_descriptors_is_our_own_matter),
        PAIR_TEST(test_last_words_are_heard),
        PAIR_TEST(test_a_full_peer_is_busy),
        PAIR_TEST(test_never_blocks),
        PAIR_TEST(test_each_error_has_its_class),
        PAIR_TEST(test_interruptions_change_nothing),
        PAIR_TEST(test_waiting_ends),
        PAIR_TEST(test_storm_of_signals),
    };
    return RUN_TESTS(tests);
}
