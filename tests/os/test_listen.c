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
    assert_int_equal(rc_errno(taken), EADDRINUSE);
    assert_int_equal(second, -1);
    rc foreign = listen_on(NULL, "192.0.2.1:1", 4, &second);
    assert_int_equal(rc_errno(foreign), EADDRNOTAVAIL);
    assert_int_equal(second, -1);
}

/* What somebody else opened is taken when it is a listener, and said to be none when it is not. */
static void test_given(void **state)
{
    (void)state;
    char text[32], got[64];
    snprintf(text, sizeof text, "127.0.0.1:%u", free_port());
    auto_fd int given = -1;
    assert_true(rc_ok(listen_on(NULL, text, 4, &given)));
    assert_int_equal(fcntl(given, F_SETFL, 0), 0);
    assert_int_equal(fcntl(given, F_SETFD, 0), 0);
    struct sink out = sink_over(got, sizeof got);
    assert_true(rc_ok(listen_given(NULL, given, &out)));
    assert_span_equal(sink_bytes(&out), span_text(text));
    assert_true(fcntl(given, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(given, F_GETFD) & FD_CLOEXEC);
    struct sink small = sink_over(got, 8);
    assert_int_equal(rc_number(listen_given(NULL, given, &small)), LISTEN_E_SOCKET);

    auto_fd int deaf = socket(AF_INET, SOCK_STREAM, 0);
    auto_fd int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    auto_fd int local = socket(AF_UNIX, SOCK_STREAM, 0);
    auto_fd int file = open("/dev/null", O_RDONLY);
    const int none[] = { deaf, datagrams, local, file, -1, 12345 };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        out = sink_over(got, sizeof got);
        rc refused = listen_given(NULL, none[i], &out);
        assert_int_equal(rc_class_of(refused), RC_PEER);
        assert_int_equal(rc_number(refused), LISTEN_E_SOCKET);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_texts, ""),
        TEST(test_listener, ""),
        TEST(test_taken_address, ""),
        TEST(test_given, ""),
    };
    return RUN_TESTS(tests);
}
