/* test_listen.c - which texts are addresses, and what a listener is. */
#include "os/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "os/fd.h"
#include "test.h"

struct row {
    const char *text;
    bool good;
};

static void test_texts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "127.0.0.1:8443", true },
        { "[::1]:8443", true },
        { "0.0.0.0:1", true },
        { "[::]:65535", true },
        { "", false },
        { ":8443", false },
        { "127.0.0.1", false },
        { "127.0.0.1:", false },
        { "127.0.0.1:0", false },
        { "127.0.0.1:65536", false },
        { "127.0.0.1:08443", false },
        { "127.0.0.1:84430000000000000000", false },
        { "127.0.0.1:8443 ", false },
        { "127.0.0.1:+1", false },
        { "127.0.0.256:1", false },
        { "127.1:1", false },
        { "localhost:8443", false },
        { "::1:8443", false },
        { "[::1]", false },
        { "[::1]8443", false },
        { "[::1", false },
        { "[127.0.0.1]:1", false },
        { "[fe80::1%lo]:1", false },
        { "[]:1", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rc_ok(listen_check(NULL, rows[i].text)) != rows[i].good)
            fail_msg("\"%s\"", rows[i].text);
    }
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in name = { 0 };
    socklen_t len = sizeof name;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    return ntohs(name.sin_port);
}

/* Finds a port that is free by asking for one with plain sockets. */
static uint16_t free_port(void)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    return port_of(fd);
}

static void test_listener(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", free_port());
    auto_fd int fd = -1;
    assert_true(rc_ok(listen_on(NULL, text, 4, &fd)));
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(accept(fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    auto_fd int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons(port_of(fd)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_int_equal(connect(peer, (struct sockaddr *)&name, sizeof name), 0);
}

static void test_taken_address(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", free_port());
    auto_fd int first = -1;
    assert_true(rc_ok(listen_on(NULL, text, 4, &first)));
    int second = -1;
    rc taken = listen_on(NULL, text, 4, &second);
    assert_int_equal(rc_class_of(taken), RC_WORLD);
    assert_int_equal(rc_number(taken), EADDRINUSE);
    assert_int_equal(second, -1);
    rc foreign = listen_on(NULL, "192.0.2.1:1", 4, &second);
    assert_int_equal(rc_number(foreign), EADDRNOTAVAIL);
    assert_int_equal(second, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_texts, ""),
        TEST(test_listener, ""),
        TEST(test_taken_address, ""),
    };
    return RUN_TESTS(tests);
}
