/* test_turns.c - the fence's own loop, outside of its jail so that sanitizers can look on: a child
   in a network of its own does at random what jobs do, and a server in this one answers.  What a
   connection brings back is what it took there, whatever the others do. */
#include "fence/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../job/reach_bench.h"
#include "os/fd.h"
#include "os/netns.h"

enum {
    ECHO = 80,
    ECHO_UDP = 4433,
    DEAF = 81, /* nobody listens there outside */
    LINKS = 24,
    CHUNK = 20000,
};

#define HOST "5.5.5.5"

static const char policy[] = START WHITELIST "hosts = ['a.example', '" HOST "']\n"
                                             "ports = [80, 81, 443, '4433/udp']\n" NETWORK
                                             "dns_servers = ['127.0.0.1']\n";

static struct sockaddr_in at(uint32_t address, uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(address) };
}

/* A child of whoever tests, and never longer: a failed test leaves nobody behind. */
static pid_t fork_child(void)
{
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
        _exit(21);
    return pid;
}

/* --- the world: one process ------------------------------------------------------------------- */

enum { WORLD = 0x05050505, LOOPBACK = 0x7f000001 };

static int server(uint32_t address, uint16_t port, int kind)
{
    const struct sockaddr_in name = at(address, port);
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
        (kind == SOCK_STREAM && listen(fd, 128) != 0))
        _exit(20);
    return fd;
}

/* Says what it is told, until it is told no more; a child for each. */
static void echo(int fd)
{
    uint8_t bytes[CHUNK];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t put = 0, done; put < got; put += done) {
            done = send(fd, bytes + put, (size_t)(got - put), MSG_NOSIGNAL);
            if (done <= 0)
                return;
        }
    }
}

/* Every question for an A record is answered with the world's address, others with nothing. */
static void answer_name(int fd)
{
    uint8_t message[512] = { 0 };
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t got = recvfrom(fd, message, 256, 0, (struct sockaddr *)&from, &len);
    size_t end = 12;
    while (end < 256 && message[end] != 0)
        end += message[end] + 1u;
    end += 5;
    if (got < 12 || end > 256)
        return;
    struct sink out = sink_over(message, sizeof message);
    out.len = end;
    message[2] = 0x81, message[3] = 0x80;
    message[7] = message[end - 3] == 1 ? 1 : 0;
    message[11] = 0; /* no EDNS */
    if (message[7] == 1) {
        sink_u16be(&out, 0xc00c);
        sink_u16be(&out, 1);
        sink_u16be(&out, 1);
        sink_u32be(&out, 1);
        sink_u16be(&out, 4);
        sink_u32be(&out, WORLD);
    }
    sendto(fd, message, out.len, 0, (struct sockaddr *)&from, len);
}

static _Noreturn void serve(int ready)
{
    const int streams = server(WORLD, ECHO, SOCK_STREAM), names = server(LOOPBACK, 53, SOCK_DGRAM);
    const int datagrams = server(WORLD, ECHO_UDP, SOCK_DGRAM);
    signal(SIGCHLD, SIG_IGN);
    (void)!write(ready, "", 1);
    for (;;) {
        struct pollfd polled[] = { { streams, POLLIN, 0 },
                                   { names, POLLIN, 0 },
                                   { datagrams, POLLIN, 0 } };
        poll(polled, 3, -1);
        if (polled[1].revents != 0)
            answer_name(names);
        if (polled[2].revents != 0) {
            uint8_t bytes[8192];
            struct sockaddr_in from;
            socklen_t len = sizeof from;
            ssize_t got = recvfrom(datagrams, bytes, sizeof bytes, 0, (struct sockaddr *)&from,
                                   &len);
            if (got >= 0)
                sendto(datagrams, bytes, (size_t)got, 0, (struct sockaddr *)&from, len);
        }
        if (polled[0].revents == 0)
            continue;
        int fd = accept(streams, NULL, NULL);
        if (fork_child() == 0) {
            echo(fd);
            _exit(0);
        }
        close(fd);
    }
}

/* --- the job: another ------------------------------------------------------------------------- */

/* xorshift: the same for a seed. */
static uint64_t dice = 1;

static uint32_t roll(uint32_t sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (uint32_t)(dice % sides);
}

/* One of the job's connections: what is sent and comes is byte n of its own sequence. */
struct own {
    int fd;
    uint16_t port;
    uint64_t key, sent, got;
};

static uint8_t byte_of(const struct own *own, uint64_t n)
{
    /* Never the first byte of a TLS record. */
    return (uint8_t)((own->key + n * 7 + (n >> 9)) % 251 == 0x16
                         ? 0
                         : (own->key + n * 7 + (n >> 9)) % 251);
}

static void begin_one(struct own *own)
{
    static const uint16_t ports[] = { ECHO, ECHO, ECHO, ECHO, DEAF, 443, 53, 82 };
    static const uint32_t addresses[] = { 0xc6120001, 0xc6120001, WORLD,     0xc6120001,
                                          LOOPBACK,   0xc6120909, 0x08080808 };
    const uint16_t port = ports[roll(8)];
    const struct sockaddr_in to = at(addresses[roll(7)], port);
    *own = (struct own){ socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), port, roll(1 << 20), 0,
                         0 };
    if (connect(own->fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        fd_close(&own->fd);
}

static void send_some(struct own *own)
{
    uint8_t bytes[CHUNK];
    const size_t len = roll(4) == 0 ? 1 : 1 + roll(CHUNK);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_of(own, own->sent + i);
    ssize_t put = send(own->fd, bytes, len, MSG_NOSIGNAL);
    own->sent += put > 0 ? (uint64_t)put : 0;
}

/* False: something came that was not sent. */
static bool take_some(struct own *own)
{
    uint8_t bytes[CHUNK];
    ssize_t got = recv(own->fd, bytes, 1 + roll(CHUNK - 1), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        fd_close(&own->fd);
    if (got > 0 && own->port != ECHO)
        return false; /* of all others nobody answers but the name server, whom nobody asks here */
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] != byte_of(own, own->got++))
            return false;
    }
    return own->got <= own->sent;
}

static void end_one(struct own *own)
{
    const struct linger now = { 1, 0 };
    if (roll(2) == 0)
        setsockopt(own->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_close(&own->fd);
}

/* Of the name server's, of both kinds, of an address that is nobody's, or too long. */
static void send_datagram(int fd)
{
    uint8_t bytes[6000];
    static const uint8_t question[] = { 0, 7,   1,   0,   0,   1,   0,   0,   0, 0, 0, 0, 1, 'a',
                                        7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1 };
    const size_t len = 1 + roll(roll(8) == 0 ? sizeof bytes : 600);
    const uint16_t port = roll(3) == 0 ? 53 : ECHO_UDP;
    const uint32_t address = port == 53     ? LOOPBACK
                             : roll(4) == 0 ? 0x08080808
                                            : 0xc6120001 + roll(2);
    const struct sockaddr_in to = at(address, port);
    for (size_t i = 0; i < len; i++)
        bytes[i] = i < sizeof question && roll(40) != 0 ? question[i] : (uint8_t)roll(256);
    sendto(fd, bytes, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to);
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
        ;
}

/* One that is patient brings all of it back. */
static bool send_much(uint64_t much)
{
    struct own own = { socket(AF_INET, SOCK_STREAM, 0), ECHO, roll(1 << 20), 0, 0 };
    const struct sockaddr_in to = at(0xc6120001, ECHO);
    if (connect(own.fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        fcntl(own.fd, F_SETFL, O_NONBLOCK) != 0)
        return false;
    while (own.got < much) {
        struct pollfd polled = { own.fd, POLLIN, 0 };
        if (own.sent < much)
            polled.events |= POLLOUT;
        if (poll(&polled, 1, 20000) <= 0)
            return false;
        if ((polled.revents & POLLOUT) != 0)
            send_some(&own);
        if ((polled.revents & ~POLLOUT) != 0 && (!take_some(&own) || own.fd < 0))
            return false;
    }
    close(own.fd);
    return true;
}

/* One that takes nothing and goes when nothing more is taken of it: whoever uses after it what the
   fence has must find nothing of it there. */
static bool leave_much(void)
{
    const struct linger now = { 1, 0 };
    struct own own = { socket(AF_INET, SOCK_STREAM, 0), ECHO, roll(1 << 20), 0, 0 };
    const struct sockaddr_in to = at(0xc6120001, ECHO);
    struct pollfd polled = { own.fd, POLLOUT, 0 };
    if (connect(own.fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        fcntl(own.fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(own.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0)
        return false;
    while (poll(&polled, 1, 200) > 0) {
        if (polled.revents != POLLOUT)
            return false;
        send_some(&own);
    }
    close(own.fd);
    return true;
}

static int live_as_job(uint64_t seed, unsigned steps)
{
    struct own links[LINKS];
    int datagrams[4];
    dice = seed * 0x9e3779b97f4a7c15 + 1;
    for (size_t i = 0; i < LINKS; i++)
        links[i].fd = -1;
    for (size_t i = 0; i < 4; i++)
        datagrams[i] = socket(AF_INET, SOCK_DGRAM, 0);
    for (unsigned step = 0; step < steps; step++) {
        struct own *own = &links[roll(LINKS)];
        const uint32_t what = roll(100);
        if (what < 5)
            send_datagram(datagrams[roll(4)]);
        else if (own->fd < 0)
            begin_one(own);
        else if (what < 45)
            send_some(own);
        else if (what < 90 && !take_some(own))
            return 1;
        else if (what >= 97)
            end_one(own);
        else if (what >= 95)
            shutdown(own->fd, roll(2) == 0 ? SHUT_WR : SHUT_RD);
    }
    for (size_t i = 0; i < LINKS; i++)
        fd_close(&links[i].fd);
    for (size_t i = 0; i < FENCE_PIPES / 2; i++) {
        if (!leave_much())
            return 3;
    }
    return send_much(4 << 20) ? 0 : 2;
}

/* --- the test --------------------------------------------------------------------------------- */

/* A child in a network of its own, once that is there; it goes on when *go is written. */
static pid_t begin_job(uint64_t seed, unsigned steps, int *go)
{
    int ready[2], begun[2];
    uint8_t byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(begun, O_CLOEXEC), 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "", 1) != 1 ||
            read(begun[0], &byte, 1) != 1)
            _exit(9);
        _exit(live_as_job(seed, steps));
    }
    close(ready[1]);
    close(begun[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *go = begun[1];
    return pid;
}

static pid_t begin_world(void)
{
    int ready[2];
    uint8_t byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork_child();
    if (pid == 0)
        serve(ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static size_t uses(const struct fence_pipe *pipe, const struct way *way)
{
    return way->pipe == pipe ? 1 : 0;
}

/* One direction has it and no other, and what nobody has is empty. */
static void assert_pipe_is_sound(const struct fence *fence, const struct fence_pipe *pipe)
{
    size_t users = 0;
    int has;
    for (size_t i = 0; i < FENCE_LINKS_MAX; i++)
        users += uses(pipe, &fence->links[i].out) + uses(pipe, &fence->links[i].in);
    assert_int_equal(users, pipe->used ? 1 : 0);
    assert_int_equal(ioctl(pipe->out, FIONREAD, &has), 0);
    assert_int_equal(has, pipe->held);
    assert_true(pipe->used || pipe->held == 0);
}

static void assert_sound(const struct fence *fence)
{
    size_t linked = 0;
    for (size_t i = 0; i < FENCE_PIPES; i++)
        assert_pipe_is_sound(fence, &fence->pipes[i]);
    for (size_t i = 0; i < FENCE_LINKS_MAX; i++) {
        const struct link *link = &fence->links[i];
        linked += link->state != LINK_FREE ? 1 : 0;
        assert_true(link->out.from <= link->out.to && link->out.to <= FENCE_HELD);
        assert_true(link->in.from <= link->in.to && link->in.to <= FENCE_HELD);
    }
    assert_int_equal(linked, fence->linked);
    assert_true(fence->refusals.count <= REFUSALS_ROOM);
}

/* Serves until the job has ended: what it exits with. */
static int serve_until_end(struct fence *fence, pid_t job, int refusals)
{
    size_t piped = 0;
    int status;
    struct refusal refusal;
    while (waitpid(job, &status, WNOHANG) == 0) {
        assert_true(fence_turn(fence));
        assert_sound(fence);
        for (size_t i = 0; i < FENCE_PIPES; i++)
            piped += fence->pipes[i].held;
        while (read(refusals, &refusal, sizeof refusal) > 0)
            ;
    }
    assert_true(piped > 0); /* of what went by one something stayed over a turn */
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* What it let through is told, each once: no more than is allowed, and of that what the job met. */
static void assert_uses(const struct fence *fence, struct reach *reach, int uses[2])
{
    static struct learn_uses heard;
    bool open = true;
    memset(&heard, 0, sizeof heard);
    close(uses[1]);
    while (open)
        use_read(&heard, reach, uses[0], &open);
    close(uses[0]);
    assert_false(heard.more);
    assert_int_equal(heard.count, fence->uses.count);
    assert_true(heard.count >= 4); /* the name, it and the address on a port, and datagrams */
    assert_true(heard.count <= 3 * 2 + 2);
}

static void be_the_fence(uint64_t seed)
{
    static struct fence fence;
    static struct fence_sockets sockets;
    int refusals[2], uses[2], stop[2], home = -1, go = -1;
    struct reach reach = reach_of(policy);
    pid_t job = begin_job(seed, 6000, &go);
    assert_true(rc_ok(netns_enter(NULL, job, &home)));
    assert_true(rc_ok(fence_sockets_open(NULL, &reach, &sockets)));
    assert_true(rc_ok(netns_leave(NULL, &home)));
    assert_int_equal(pipe2(refusals, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(pipe2(uses, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
    const struct sandbox_fence given = { .reach = &reach,
                                         .sockets = &sockets,
                                         .refusals = refusals[1],
                                         .uses = uses[1],
                                         .stop = stop[0] };
    memset(&fence, 0, sizeof fence);
    assert_null(fence_open(&fence, &given));
    assert_int_equal(write(go, "", 1), 1);
    assert_int_equal(serve_until_end(&fence, job, refusals[0]), 0);
    assert_true(fence.refusals.count >= 3); /* an address, a port, and what is no TLS */
    close(stop[1]);
    assert_false(fence_turn(&fence));
    fence_tell_rest(&fence);
    assert_uses(&fence, &reach, uses);
    fence_sockets_close(&sockets);
    for (size_t i = 0; i < FENCE_LINKS_MAX; i++) {
        if (fence.links[i].state != LINK_FREE) {
            fd_close(&fence.links[i].job);
            fd_close(&fence.links[i].other);
        }
    }
    for (size_t i = 0; i < FENCE_PIPES; i++) {
        fd_close(&fence.pipes[i].out);
        fd_close(&fence.pipes[i].in);
    }
    arena_fini(&fence.arena);
    resolver_close(&fence.resolver);
}

static void test_what_jobs_do(void **state)
{
    static const uint8_t world[4] = { 5, 5, 5, 5 };
    const char *given = getenv("WARD_FULL");
    const uint64_t seeds = given == NULL ? 3 : 40;
    signal(SIGPIPE, SIG_IGN); /* as all of the command has it */
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), status;
    (void)state;
    if (geteuid() != 0)
        skip(); /* networks need root */
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_true(rc_ok(netns_wake(NULL)));
    assert_true(rc_ok(netns_claim(NULL, world, sizeof world, 32)));
    pid_t server = begin_world();
    for (uint64_t seed = 1; seed <= seeds; seed++)
        be_the_fence(seed);
    kill(server, SIGKILL);
    assert_int_equal(waitpid(server, &status, 0), server);
    assert_true(rc_ok(netns_leave(NULL, &home)));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_what_jobs_do, ""),
    };
    return cmocka_run_group_tests(tests, start, end);
}
