/* name_server.h - for tests: a name server on loopback in a process of its own, well-behaved or
   not, and sockets that answer or do not.  Header only. */
#ifndef WARD_TESTS_NET_NAME_SERVER_H
#define WARD_TESTS_NET_NAME_SERVER_H

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "test.h"

#define NET_UNUSED __attribute__((unused))

enum name_server_manner {
    NAMES_ANSWERED = 1,
    NAMES_SILENT,    /* takes every question, gives no answer */
    NAMES_UNKNOWN,   /* there is no such name */
    NAMES_RUBBISH,   /* bytes that are no answer */
    NAMES_FORGED,    /* an answer to another question */
    NAMES_TRUNCATED, /* "ask by TCP", where a connection is taken and nothing said */
    NAMES_LATE,      /* answered after 200 ms */
};

/* What every name has: 127.0.0.FIRST and `count` - 1 more that follow. */
struct name_server {
    enum name_server_manner manner;
    uint8_t first;
    uint8_t count;
    pid_t child;
    char address[32]; /* "127.0.0.1:PORT" */
};

static inline int net_bind(int type, uint8_t host, uint16_t port, uint16_t *bound)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr = { htonl(0x7f000000u | host) } };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *bound = ntohs(at.sin_port);
    return fd;
}

/* Writes the answer to a question; 0 for none. */
static inline size_t name_server_answer(const struct name_server *server, uint8_t *message,
                                        size_t len)
{
    size_t at = 12;
    if (server->manner == NAMES_SILENT || len < 17)
        return 0;
    if (server->manner == NAMES_RUBBISH) {
        memset(message + 2, 0xff, len - 2);
        return len;
    }
    while (at < len && message[at] != 0)
        at += message[at] + 1u;
    at += 5;
    bool is_a = message[at - 4] == 0 && message[at - 3] == 1;
    uint8_t count = server->manner == NAMES_UNKNOWN || !is_a ? 0 : server->count;
    message[2] = server->manner == NAMES_TRUNCATED ? 0x83 : 0x81;
    message[3] = server->manner == NAMES_UNKNOWN ? 0x83 : 0x80;
    message[0] ^= server->manner == NAMES_FORGED ? 0xff : 0;
    memset(message + 6, 0, 6);
    message[7] = server->manner == NAMES_TRUNCATED ? 0 : count;
    for (uint8_t i = 0; i < message[7]; i++) {
        const uint8_t record[] = { 0xc0, 12, 0, 1, 0,   1, 0, 0,
                                   0,    60, 0, 4, 127, 0, 0, (uint8_t)(server->first + i) };
        memcpy(message + at, record, sizeof record);
        at += sizeof record;
    }
    return at;
}

static inline void name_server_serve(const struct name_server *server, int udp)
{
    /* A test that fails does not stop it; its end does. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        uint8_t message[2048];
        struct sockaddr_in from;
        socklen_t from_len = sizeof from;
        ssize_t got = recvfrom(udp, message, 512, 0, (struct sockaddr *)&from, &from_len);
        size_t len = got < 0 ? 0 : name_server_answer(server, message, (size_t)got);
        if (server->manner == NAMES_LATE)
            usleep(200 * 1000);
        if (len > 0 && sendto(udp, message, len, 0, (struct sockaddr *)&from, from_len) < 0)
            _exit(1);
    }
}

NET_UNUSED static void name_server_start(struct name_server *server)
{
    uint16_t port = 0, same;
    int udp = net_bind(SOCK_DGRAM, 1, 0, &port);
    assert_true(udp >= 0);
    int tcp = net_bind(SOCK_STREAM, 1, port, &same);
    if (tcp >= 0)
        assert_int_equal(listen(tcp, 8), 0);
    snprintf(server->address, sizeof server->address, "127.0.0.1:%u", port);
    server->child = fork();
    if (server->child == 0)
        name_server_serve(server, udp);
    close(udp);
    if (tcp >= 0)
        close(tcp);
}

NET_UNUSED static void name_server_stop(struct name_server *server)
{
    assert_int_equal(kill(server->child, SIGKILL), 0);
    assert_int_equal(waitpid(server->child, NULL, 0), server->child);
}

/* --- sockets ----------------------------------------------------------------------------- */

/* Listens at 127.0.0.HOST:port; port 0: any. */
NET_UNUSED static int net_listen(uint8_t host, uint16_t port, uint16_t *bound)
{
    int fd = net_bind(SOCK_STREAM, host, port, bound);
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 0), 0);
    return fd;
}

/* Fills the queue of a listener, so that whoever comes next is neither taken nor refused. */
struct net_hole {
    int listener;
    int fillers[4];
};

NET_UNUSED static struct net_hole net_hole_open(uint8_t host, uint16_t port, uint16_t *bound)
{
    struct net_hole hole = { .listener = net_listen(host, port, bound) };
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(*bound),
                              .sin_addr = { htonl(0x7f000000u | host) } };
    for (size_t i = 0; i < COUNT_OF(hole.fillers); i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd wait = { .fd = fd, .events = POLLOUT };
        hole.fillers[i] = fd;
        if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
            poll(&wait, 1, 50);
        /* The last one must hang, or this is no hole. */
        if (i + 1 == COUNT_OF(hole.fillers))
            assert_int_equal(wait.revents, 0);
    }
    return hole;
}

NET_UNUSED static void net_hole_close(struct net_hole *hole)
{
    for (size_t i = 0; i < COUNT_OF(hole->fillers); i++)
        close(hole->fillers[i]);
    close(hole->listener);
}

/* Descriptors that this process has open. */
NET_UNUSED static size_t net_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

#endif
