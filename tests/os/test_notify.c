/* test_notify.c - a word to the service manager, and names that are none. */
#include "os/notify.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "os/fd.h"
#include "temp.h"

static const char text[] = "READY=1\nSTATUS=serving\n";

static int listen_at(const char *name)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    size_t len = strlen(name);
    memcpy(at.sun_path, name, len);
    if (name[0] == '@')
        at.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, whole), 0);
    return fd;
}

static void hears(const char *name)
{
    char heard[64] = "";
    int fd = listen_at(name);
    assert_true(rc_ok(notify_send(NULL, name, text)));
    assert_int_equal(recv(fd, heard, sizeof heard, 0), sizeof text - 1);
    assert_string_equal(heard, text);
    fd_close(&fd);
}

static void test_path(void **state)
{
    const struct temp *temp = *state;
    char name[96];
    snprintf(name, sizeof name, "%s/notify", temp->path);
    hears(name);
}

static void test_longest_path(void **state)
{
    const struct temp *temp = *state;
    char name[sizeof((struct sockaddr_un *)NULL)->sun_path];
    memset(name, 'x', sizeof name);
    memcpy(name, temp->path, strlen(temp->path));
    name[strlen(temp->path)] = '/';
    name[sizeof name - 1] = 0;
    hears(name);
}

static void test_abstract(void **state)
{
    char name[64];
    (void)state;
    snprintf(name, sizeof name, "@ward-test-notify-%d", (int)getpid());
    hears(name);
}

static void test_names_that_are_none(void **state)
{
    (void)state;
    char long_path[128], long_name[128];
    memset(long_path, '/', sizeof long_path);
    memset(long_name, '@', sizeof long_name);
    long_path[108] = 0; /* one more than fits with its zero byte */
    long_name[108] = 0;
    const char *const names[] = { "",         "/",       "@",       "x",        "notify",
                                  "./notify", long_path, long_name, "vsock:2:9" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rc sent = notify_send(NULL, names[i], text);
        assert_int_equal(rc_class_of(sent), RC_PEER);
        assert_int_equal(rc_number(sent), NOTIFY_E_NAME);
    }
}

static void test_nobody_there(void **state)
{
    const struct temp *temp = *state;
    char name[96];
    snprintf(name, sizeof name, "%s/nobody", temp->path);
    rc sent = notify_send(NULL, name, text);
    assert_int_equal(rc_class_of(sent), RC_WORLD);
    assert_int_equal(rc_errno(sent), ENOENT);
}

static void test_nobody_reads(void **state)
{
    const struct temp *temp = *state;
    char name[96];
    snprintf(name, sizeof name, "%s/notify", temp->path);
    int fd = listen_at(name);
    rc sent = RC_SUCCESS;
    for (int i = 0; i < 100000 && rc_ok(sent); i++)
        sent = notify_send(NULL, name, text);
    assert_int_equal(rc_class_of(sent), RC_WORLD);
    assert_int_equal(rc_errno(sent), EAGAIN);
    fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_path),         TEMP_TEST(test_longest_path),
        TEST(test_abstract, ""),      TEST(test_names_that_are_none, ""),
        TEMP_TEST(test_nobody_there), TEMP_TEST(test_nobody_reads),
    };
    return RUN_TESTS(tests);
}
