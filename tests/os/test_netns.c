/* test_netns.c - the network of another process: what is made there stays there, and what is
   claimed there is there alone. */
#include "os/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "test.h"

static const uint8_t names_v4[4] = { 198, 18 }, names_v6[16] = { 0xfd, 0, 0, 0x18 };

/* In a child: it has a network of its own, in which nothing is up, and tells that it has. */
struct other {
    pid_t pid;
    int go; /* closed: it looks what it reaches */
};

/* 0 where it is reached at both addresses, and at none beside them. */
static int look(uint16_t port)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = port };
    v4.sin_addr.s_addr = htonl(0xc6120102); /* 198.18.1.2 */
    v6.sin6_addr.s6_addr[0] = 0xfd;
    v6.sin6_addr.s6_addr[3] = 0x18;
    v6.sin6_addr.s6_addr[15] = 7;
    int one = socket(AF_INET, SOCK_STREAM, 0), two = socket(AF_INET6, SOCK_STREAM, 0);
    int three = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one, (struct sockaddr *)&v4, sizeof v4) != 0)
        return 1;
    if (connect(two, (struct sockaddr *)&v6, sizeof v6) != 0)
        return 2;
    v4.sin_addr.s_addr = htonl(0xc6140102); /* 198.20.1.2 */
    return connect(three, (struct sockaddr *)&v4, sizeof v4) != 0 && errno == ENETUNREACH ? 0 : 3;
}

static struct other begin(void)
{
    int ready[2], go[2];
    uint8_t byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        uint16_t port;
        close(go[1]);
        if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "", 1) != 1)
            _exit(9);
        _exit(read(go[0], &port, sizeof port) == sizeof port ? look(port) : 8);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    close(go[0]);
    return (struct other){ pid, go[1] };
}

static int listener(uint16_t *port)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
    socklen_t len = sizeof any;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    *port = any.sin6_port;
    return fd;
}

static void test_sockets_of_another_network(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* networks need root */
    struct other other = begin();
    uint16_t port;
    int home = -1, status;
    assert_true(rc_ok(netns_enter(NULL, other.pid, &home)));
    assert_true(rc_ok(netns_wake(NULL)));
    assert_true(rc_ok(netns_claim(NULL, names_v4, sizeof names_v4, 15)));
    assert_true(rc_ok(netns_claim(NULL, names_v6, sizeof names_v6, 32)));
    assert_true(rc_ok(netns_claim(NULL, names_v4, sizeof names_v4, 15))); /* once more */
    int fd = listener(&port);
    assert_true(rc_ok(netns_leave(NULL, &home)));
    assert_int_equal(home, -1);
    assert_int_not_equal(look(port), 0); /* not here */
    assert_int_equal(write(other.go, &port, sizeof port), sizeof port);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(other.go);
    close(fd);
}

/* One socket of a kind that asks for a port of 1.2.3.4 or 198.18.1.2, with a byte if it can. */
static void ask(int kind, uint32_t address, uint16_t port)
{
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(address) };
    int fd = socket(AF_INET, kind | SOCK_NONBLOCK, 0);
    assert_true(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS ||
                errno == ECONNREFUSED);
    (void)!send(fd, "x", 1, MSG_NOSIGNAL);
    close(fd);
}

/* The protocol of the next packet of IPv4, and one byte of it. */
static int next_packet(int fd, size_t at, uint8_t *byte)
{
    uint8_t packet[2048];
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    do {
        assert_int_equal(poll(&polled, 1, 10000), 1);
        assert_true(read(fd, packet, sizeof packet) > (ssize_t)at);
    } while (packet[0] != 0x45); /* what IPv6 says of itself when a device is new */
    *byte = packet[at];
    return packet[9];
}

/* In a network of its own. */
static void look_at_what_goes_astray(void)
{
    enum { STRANGER = 0x01020304, CLAIMED = 0xc6120102 };
    static const uint8_t own_v4[4] = { 198, 18 }, own_v6[16] = { 0xfd, 0, 0, 0x18 };
    int caught = -1, heard = -1, other = -1;
    uint8_t byte;
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_true(rc_ok(netns_wake(NULL)));
    assert_true(rc_ok(netns_claim(NULL, names_v4, sizeof names_v4, 15)));
    assert_true(rc_ok(netns_catch(NULL, "fence", own_v4, own_v6, &caught)));
    assert_true(rc_ok(netns_overhear(NULL, &heard)));
    assert_int_equal(rc_errno(netns_catch(NULL, "fence", own_v4, own_v6, &other)), EBUSY);
    ask(SOCK_STREAM, STRANGER, 80);
    assert_int_equal(next_packet(caught, 19, &byte), IPPROTO_TCP);
    assert_int_equal(byte, 4);
    ask(SOCK_DGRAM, STRANGER, 80);
    assert_int_equal(next_packet(caught, 19, &byte), IPPROTO_UDP);
    int served = socket(AF_INET, SOCK_DGRAM, 0); /* a datagram that somebody takes is not heard */
    const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(99) };
    assert_int_equal(bind(served, (const struct sockaddr *)&any, sizeof any), 0);
    ask(SOCK_DGRAM, CLAIMED, 99);
    ask(SOCK_STREAM, CLAIMED, 80);
    assert_int_equal(next_packet(heard, 33, &byte), IPPROTO_TCP);
    assert_int_equal(byte, 0x14); /* not what it answers */
    ask(SOCK_DGRAM, CLAIMED, 98);
    assert_int_equal(next_packet(heard, 20, &byte), IPPROTO_ICMP); /* and no more of TCP before */
    assert_int_equal(byte, 3);
    assert_int_equal(setsockopt(heard, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int)), -1);
    assert_int_equal(recv(heard, &byte, 1, 0), -1);
    close(caught);
    assert_int_equal(if_nametoindex("fence"), 0);
}

static void test_what_goes_astray(void **state)
{
    (void)state;
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (geteuid() != 0)
        skip(); /* networks need root */
    look_at_what_goes_astray();
    assert_true(rc_ok(netns_leave(NULL, &home)));
}

static void test_what_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* networks need root */
    int home = -1;
    assert_int_equal(rc_errno(netns_enter(NULL, getpid(), &home)), EEXIST);
    assert_int_equal(rc_errno(netns_enter(NULL, 1 << 22, &home)), ENOENT);
    assert_int_equal(home, -1);
    assert_int_equal(rc_class_of(netns_claim(NULL, names_v4, 3, 15)), RC_BUG);
    assert_int_equal(rc_class_of(netns_claim(NULL, names_v4, 4, 33)), RC_BUG);
    assert_int_equal(rc_class_of(netns_claim(NULL, names_v6, 16, 129)), RC_BUG);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_sockets_of_another_network, ""),
        TEST(test_what_goes_astray, ""),
        TEST(test_what_is_refused, ""),
    };
    return RUN_TESTS(tests);
}
