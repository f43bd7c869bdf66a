/* test_file.c - reading whole files: the limit at every edge, what is no file, and a kernel
   that answers in small pieces (read is wrapped). */
#include "base/number.h"
#include "os/file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "temp.h"

static struct {
    size_t at_most; /* bytes a call; 0: as many as asked */
    unsigned interrupt_every;
    int fail_with; /* errno of the second call */
    unsigned calls;
} kernel;

ssize_t __real_read(int fd, void *out, size_t len);
ssize_t __wrap_read(int fd, void *out, size_t len);

ssize_t __wrap_read(int fd, void *out, size_t len)
{
    kernel.calls++;
    if (kernel.interrupt_every != 0 && kernel.calls % kernel.interrupt_every == 0) {
        errno = EINTR;
        return -1;
    }
    if (kernel.fail_with != 0 && kernel.calls == 2) {
        errno = kernel.fail_with;
        return -1;
    }
    return __real_read(fd, out, kernel.at_most != 0 && len > kernel.at_most ? kernel.at_most : len);
}

static uint8_t content[70000];

static void fill_content(void)
{
    struct test_random random = { 1 };
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)test_random_next(&random);
}

static void assert_fails(rc got, enum rc_class class, uint32_t number, const struct span *out)
{
    assert_int_equal(rc_class_of(got), class);
    assert_int_equal(rc_number(got), number);
    assert_null(out->at);
    assert_int_equal(out->len, 0);
}

static void read_all_lengths(struct temp *temp)
{
    static const size_t lens[] = { 0, 1, 4095, 4096, 16384, 16385, 32769, sizeof content };
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        temp_put(temp, "file", span_of(content, lens[i]));
        const char *path = temp_path(temp, "file");
        struct span out = { 0 };
        struct trail trail = { 0 };
        struct arena arena;
        arena_init(&arena, 1 << 20);
        assert_true(rc_ok(file_read(&trail, path, lens[i], &arena, &out)));
        assert_span_equal(out, span_of(content, lens[i]));
        assert_true(rc_ok(file_read(&trail, path, lens[i] + 1, &arena, &out)));
        assert_span_equal(out, span_of(content, lens[i]));
        assert_int_equal(trail.count, 0);
        out = (struct span){ 0 };
        if (lens[i] > 0)
            assert_fails(file_read(&trail, path, lens[i] - 1, &arena, &out), RC_PEER,
                         FILE_E_TOO_LARGE, &out);
        arena_fini(&arena);
    }
}

static void test_the_limit_is_exact(void **state)
{
    read_all_lengths(*state);
}

static void test_small_and_interrupted_reads_give_the_same(void **state)
{
    kernel.at_most = 997;
    kernel.interrupt_every = 3;
    read_all_lengths(*state);
    kernel.at_most = 0;
    kernel.interrupt_every = 0;
}

static void test_an_error_half_way_is_reported(void **state)
{
    struct temp *temp = *state;
    struct span out = { 0 };
    struct trail trail = { 0 };
    temp_put(temp, "file", SPAN(content));
    kernel.at_most = 1000;
    kernel.calls = 0;
    kernel.fail_with = EIO;
    rc got = file_read(&trail, temp_path(temp, "file"), sizeof content, &temp->arena, &out);
    kernel.fail_with = 0;
    kernel.at_most = 0;
    assert_fails(got, RC_WORLD, RC_ERRNO | EIO, &out);
    assert_true(trail.count >= 1);
    assert_string_equal(file_error_text(got), "Input/output error");
}

static void test_what_cannot_be_opened_says_why(void **state)
{
    struct temp *temp = *state;
    struct span out = { 0 };
    rc got = file_read(NULL, temp_path(temp, "absent"), 10, &temp->arena, &out);
    assert_fails(got, RC_WORLD, RC_ERRNO | ENOENT, &out);
    assert_string_equal(file_error_text(got), "No such file or directory");
    assert_int_equal(symlink("loop", temp_path(temp, "loop")), 0);
    got = file_read(NULL, temp_path(temp, "loop"), 10, &temp->arena, &out);
    assert_fails(got, RC_WORLD, RC_ERRNO | ELOOP, &out);
    got = file_read(NULL, "", 10, &temp->arena, &out);
    assert_fails(got, RC_WORLD, RC_ERRNO | ENOENT, &out);
}

static void test_folders_and_devices_are_no_files(void **state)
{
    struct temp *temp = *state;
    struct span out = { 0 };
    rc got = file_read(NULL, temp->path, 10, &temp->arena, &out);
    assert_fails(got, RC_PEER, FILE_E_KIND, &out);
    got = file_read(NULL, "/dev/zero", 10, &temp->arena, &out);
    assert_fails(got, RC_PEER, FILE_E_KIND, &out);
    assert_non_null(strstr(file_error_text(got), "regular file"));
}

static void test_a_link_to_a_file_is_followed(void **state)
{
    struct temp *temp = *state;
    struct span out = { 0 };
    temp_put(temp, "file", span_of(content, 100));
    assert_int_equal(symlink("file", temp_path(temp, "link")), 0);
    assert_true(rc_ok(file_read(NULL, temp_path(temp, "link"), 100, &temp->arena, &out)));
    assert_span_equal(out, span_of(content, 100));
}

/* Files of /proc say that they are empty. */
static void test_plain_is_a_regular_file_and_nothing_else(void **state)
{
    struct temp *temp = *state;
    struct span got = { 0 };
    temp_put(temp, "file", span_text("abc"));
    assert_int_equal(symlink("file", temp_path(temp, "link")), 0);
    assert_int_equal(symlink("nowhere", temp_path(temp, "dangling")), 0);
    assert_int_equal(mkdir(temp_path(temp, "folder"), 0700), 0);
    /* Nobody writes to it: a reader that waited would wait for ever. */
    assert_int_equal(mkfifo(temp_path(temp, "pipe"), 0600), 0);
    const struct {
        const char *name;
        uint32_t want;
    } rows[] = {
        { "link", RC_ERRNO | ELOOP },    { "dangling", RC_ERRNO | ELOOP },
        { "folder", FILE_E_KIND },       { "pipe", FILE_E_KIND },
        { "absent", RC_ERRNO | ENOENT }, { "../../dev/zero", FILE_E_KIND },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rc done = file_read_plain(NULL, temp_path(temp, rows[i].name), 3, &temp->arena, &got);
        assert_int_equal(rc_number(done), rows[i].want);
        assert_null(got.at);
    }
    assert_true(rc_ok(file_read_plain(NULL, temp_path(temp, "file"), 3, &temp->arena, &got)));
    assert_span_equal(got, span_text("abc"));
    rc done = file_read_plain(NULL, temp_path(temp, "file"), 2, &temp->arena, &got);
    assert_int_equal(rc_number(done), FILE_E_TOO_LARGE);
}

static void test_a_size_that_lies_is_not_believed(void **state)
{
    struct temp *temp = *state;
    struct span out = { 0 };
    assert_true(rc_ok(file_read(NULL, "/proc/self/status", 65536, &temp->arena, &out)));
    assert_true(out.len > 100);
    out = (struct span){ 0 };
    rc got = file_read(NULL, "/proc/self/status", 100, &temp->arena, &out);
    assert_fails(got, RC_PEER, FILE_E_TOO_LARGE, &out);
}

static void test_an_arena_without_room_is_busy(void **state)
{
    struct temp *temp = *state;
    struct span out = { 0 };
    struct arena arena;
    temp_put(temp, "file", SPAN(content));
    arena_init(&arena, sizeof content / 2);
    rc got = file_read(NULL, temp_path(temp, "file"), sizeof content, &arena, &out);
    assert_fails(got, RC_BUSY, FILE_E_MEMORY, &out);
    arena_fini(&arena);
}

struct feeder {
    const char *path;
    int fd;
    size_t len;
};

static void *feed(void *arg)
{
    struct feeder *feeder = arg;
    int fd = feeder->path != NULL ? open(feeder->path, O_WRONLY | O_CLOEXEC) : feeder->fd;
    for (size_t done = 0; done < feeder->len;) {
        ssize_t wrote = write(fd, content + done, feeder->len - done);
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    close(fd);
    return NULL;
}

static void test_a_pipe_is_read_to_its_end(void **state)
{
    struct temp *temp = *state;
    char path[128];
    snprintf(path, sizeof path, "%s", temp_path(temp, "pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    static const size_t maxima[] = { sizeof content, sizeof content - 1 };
    for (size_t i = 0; i < 2; i++) {
        struct feeder feeder = { .path = path, .len = sizeof content };
        struct span out = { 0 };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
        rc got = file_read(NULL, path, maxima[i], &temp->arena, &out);
        pthread_join(thread, NULL);
        if (i == 0)
            assert_span_equal(out, SPAN(content));
        else
            assert_fails(got, RC_PEER, FILE_E_TOO_LARGE, &out);
        assert_int_equal(rc_ok(got), i == 0);
    }
}

static void test_a_descriptor_of_any_kind_is_read_and_left_open(void **state)
{
    struct temp *temp = *state;
    int ends[2];
    struct span out = { 0 };
    pthread_t thread;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct feeder feeder = { .fd = ends[1], .len = sizeof content };
    assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
    rc got = file_read_fd(NULL, ends[0], sizeof content, &temp->arena, &out);
    pthread_join(thread, NULL);
    assert_true(rc_ok(got));
    assert_span_equal(out, SPAN(content));
    assert_true(fcntl(ends[0], F_GETFD) >= 0);
    close(ends[0]);
    out = (struct span){ 0 };
    got = file_read_fd(NULL, -1, 10, &temp->arena, &out);
    assert_fails(got, RC_WORLD, RC_ERRNO | EBADF, &out);
}

static void test_a_file_that_is_not_whole(void **state)
{
    struct temp *temp = *state;
    temp_put(temp, "f", SPAN(content));
    const char *path = temp_path(temp, "f");
    int fd = -1;
    assert_null(file_open_whole(path, &fd));
    assert_true(fd >= 0);
    assert_null(file_why_not_whole(fd));
    int writer = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(writer >= 0);
    assert_non_null(file_why_not_whole(fd));
    close(fd);
    fd = -1;
    assert_non_null(file_open_whole(path, &fd));
    assert_int_equal(fd, -1);
    assert_null(file_open_regular(path, &fd));
    close(fd);
    close(writer);
    fd = -1;
    assert_string_equal(file_open_whole(temp->path, &fd), "no plain file");
    assert_string_equal(file_open_regular("/nowhere", &fd), "No such file or directory");
    assert_int_equal(mkfifo(temp_path(temp, "pipe"), 0600), 0);
    assert_string_equal(file_open_regular(temp_path(temp, "pipe"), &fd), "no plain file");
    assert_int_equal(fd, -1);
}

static void test_every_error_has_words(void **state)
{
    (void)state;
    const char *unknown = file_error_text(rc_make(RC_WORLD, 4000));
    for (uint32_t e = FILE_E_TOO_LARGE; e <= FILE_E_OPEN_TO_OTHERS; e++)
        assert_string_not_equal(file_error_text(rc_make(RC_PEER, e)), unknown);
    assert_string_equal(file_error_text(RC_SUCCESS), "no error");
    assert_string_equal(file_error_text(rc_os(ENOSPC)), "No space left on device");
}

int main(void)
{
    fill_content();
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_the_limit_is_exact),
        TEMP_TEST(test_small_and_interrupted_reads_give_the_same),
        TEMP_TEST(test_an_error_half_way_is_reported),
        TEMP_TEST(test_what_cannot_be_opened_says_why),
        TEMP_TEST(test_folders_and_devices_are_no_files),
        TEMP_TEST(test_a_link_to_a_file_is_followed),
        TEMP_TEST(test_plain_is_a_regular_file_and_nothing_else),
        TEMP_TEST(test_a_size_that_lies_is_not_believed),
        TEMP_TEST(test_an_arena_without_room_is_busy),
        TEMP_TEST(test_a_pipe_is_read_to_its_end),
        TEMP_TEST(test_a_descriptor_of_any_kind_is_read_and_left_open),
        TEMP_TEST(test_a_file_that_is_not_whole),
        TEST(test_every_error_has_words, ""),
    };
    return RUN_TESTS(tests);
}
