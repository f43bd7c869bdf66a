/* test_file_write.c - writing whole files: what is at the path after every failure and after
   a stop at every step.  The calls that change the disk are wrapped. */
#include <errno.h>
#include <sys/wait.h>

#include "base/number.h"
#include "os/file.h"
#include "temp.h"

static struct {
    unsigned step;    /* calls so far */
    unsigned fail_at; /* the n-th fails with EIO, and so does every later one that adds */
    unsigned stop_at; /* before the n-th the process is gone */
    size_t at_most;   /* bytes a write takes; 0: all */
    char calls[64];   /* a letter for each call: w write, s fsync, r rename */
} disk;

static bool disk_fails(char call)
{
    if (disk.step < sizeof disk.calls - 1)
        disk.calls[disk.step] = call;
    disk.step++;
    if (disk.step == disk.stop_at)
        _exit(99);
    errno = EIO;
    return disk.step == disk.fail_at;
}

ssize_t __real_write(int fd, const void *in, size_t len);
ssize_t __wrap_write(int fd, const void *in, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new);

ssize_t __wrap_write(int fd, const void *in, size_t len)
{
    if (disk_fails('w'))
        return -1;
    return __real_write(fd, in, disk.at_most != 0 && len > disk.at_most ? disk.at_most : len);
}

int __wrap_fsync(int fd)
{
    return disk_fails('s') ? -1 : __real_fsync(fd);
}

int __wrap_renameat(int from, const char *old, int to, const char *new)
{
    return disk_fails('r') ? -1 : __real_renameat(from, old, to, new);
}

static void use_disk(unsigned fail_at, unsigned stop_at)
{
    memset(disk.calls, 0, sizeof disk.calls);
    disk.step = 0;
    disk.fail_at = fail_at;
    disk.stop_at = stop_at;
    disk.at_most = 7; /* so that a file takes several writes */
}

static const char old_text[] = "what was there before";
static const char new_text[] = "what is written now, a little longer";

static struct span text_at(struct temp *temp, const char *name)
{
    struct span out = { 0 };
    rc got = file_read(NULL, temp_path(temp, name), 1000, &temp->arena, &out);
    return rc_ok(got) ? out : (struct span){ 0 };
}

static void test_new_makes_a_file(void **state)
{
    struct temp *temp = *state;
    struct stat about;
    use_disk(0, 0);
    mode_t mask = umask(0022);
    assert_true(rc_ok(file_write_new(NULL, temp_path(temp, "new"), span_text(new_text), 0666)));
    assert_true(rc_ok(file_write_new(NULL, temp_path(temp, "key"), span_text(new_text), 0600)));
    umask(mask);
    assert_span_equal(text_at(temp, "new"), span_text(new_text));
    assert_int_equal(stat(temp_path(temp, "new"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0644);
    assert_int_equal(stat(temp_path(temp, "key"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_true(rc_ok(file_write_new(NULL, temp_path(temp, "none"), (struct span){ 0 }, 0600)));
    assert_int_equal(temp_count(temp), 3);
}

static void test_new_replaces_nothing(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    temp_put(temp, "file", span_text(old_text));
    assert_int_equal(symlink("elsewhere", temp_path(temp, "link")), 0);
    rc got = file_write_new(NULL, temp_path(temp, "file"), span_text(new_text), 0600);
    assert_int_equal(rc_errno(got), EEXIST);
    got = file_write_new(NULL, temp_path(temp, "link"), span_text(new_text), 0600);
    assert_int_equal(rc_errno(got), EEXIST);
    assert_span_equal(text_at(temp, "file"), span_text(old_text));
    assert_int_equal(temp_count(temp), 2);
}

static void test_new_leaves_nothing_behind_a_failure(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    assert_true(rc_ok(file_write_new(NULL, temp_path(temp, "a"), span_text(new_text), 0600)));
    unsigned steps = disk.step;
    assert_true(steps > 3);
    assert_int_equal(unlink(temp_path(temp, "a")), 0);
    for (unsigned n = 1; n <= steps; n++) {
        use_disk(n, 0);
        rc got = file_write_new(NULL, temp_path(temp, "a"), span_text(new_text), 0600);
        assert_int_equal(rc_errno(got), EIO);
        assert_int_equal(temp_count(temp), 0);
    }
}

static void test_atomic_makes_and_replaces(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    assert_true(rc_ok(file_write_atomic(NULL, temp_path(temp, "f"), span_text(old_text), 0600)));
    assert_span_equal(text_at(temp, "f"), span_text(old_text));
    assert_true(rc_ok(file_write_atomic(NULL, temp_path(temp, "f"), span_text(new_text), 0600)));
    assert_span_equal(text_at(temp, "f"), span_text(new_text));
    assert_int_equal(temp_count(temp), 1);
}

/* A name may reach the disk before the bytes do, unless they are written through first; and
   the name itself is written through before success is reported. */
static void test_bytes_reach_the_disk_before_the_name(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    disk.at_most = 0;
    assert_true(rc_ok(file_write_new(NULL, temp_path(temp, "n"), span_text(new_text), 0600)));
    assert_string_equal(disk.calls, "wss");
    use_disk(0, 0);
    disk.at_most = 0;
    assert_true(rc_ok(file_write_atomic(NULL, temp_path(temp, "f"), span_text(new_text), 0600)));
    assert_string_equal(disk.calls, "wsrs");
}

static void test_atomic_replaces_a_link_and_not_its_target(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    temp_put(temp, "target", span_text(old_text));
    assert_int_equal(symlink("target", temp_path(temp, "link")), 0);
    assert_true(rc_ok(file_write_atomic(NULL, temp_path(temp, "link"), span_text(new_text), 0600)));
    assert_span_equal(text_at(temp, "target"), span_text(old_text));
    assert_span_equal(text_at(temp, "link"), span_text(new_text));
}

/* The old bytes stay whole until the new ones are; only the last step, when the name is
   already the new file's, reports a failure with the new bytes in place. */
static void test_atomic_is_all_or_nothing_at_every_failure(void **state)
{
    struct temp *temp = *state;
    temp_put(temp, "f", span_text(old_text));
    use_disk(0, 0);
    assert_true(rc_ok(file_write_atomic(NULL, temp_path(temp, "f"), span_text(new_text), 0600)));
    unsigned steps = disk.step;
    for (unsigned n = 1; n <= steps; n++) {
        temp_put(temp, "f", span_text(old_text));
        use_disk(n, 0);
        rc got = file_write_atomic(NULL, temp_path(temp, "f"), span_text(new_text), 0600);
        assert_int_equal(rc_errno(got), EIO);
        assert_span_equal(text_at(temp, "f"), span_text(n < steps ? old_text : new_text));
        assert_int_equal(temp_count(temp), 1);
    }
}

static void test_atomic_is_all_or_nothing_at_every_stop(void **state)
{
    struct temp *temp = *state;
    bool seen_new = false;
    for (unsigned n = 1; !seen_new; n++) {
        temp_put(temp, "f", span_text(old_text));
        pid_t child = fork();
        if (child == 0) {
            use_disk(0, n);
            rc got = file_write_atomic(NULL, temp_path(temp, "f"), span_text(new_text), 0600);
            _exit(rc_ok(got) ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        struct span now = text_at(temp, "f");
        seen_new = span_equal_text(now, new_text);
        assert_true(seen_new || span_equal_text(now, old_text));
        assert_int_equal(WEXITSTATUS(status), 99);
        assert_true(n < 50);
    }
    /* What a stop leaves is hidden, so that no listing takes it for a file. */
    struct folder folder = { 0 };
    assert_true(rc_ok(folder_list(NULL, temp->path, 10, &temp->arena, &folder)));
    assert_int_equal(folder.count, 1);
    assert_true(temp_count(temp) > 1);
}

static void test_names_that_cannot_be(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    char long_name[300] = { 0 };
    memset(long_name, 'a', 256);
    static char long_path[5000];
    memset(long_path, '/', sizeof long_path - 2);
    long_path[sizeof long_path - 2] = 'a';
    const char *bad[] = { "", "/", temp_path(temp, ""), temp_path(temp, long_name), long_path };
    for (size_t i = 0; i < 5; i++) {
        rc got = file_write_new(NULL, bad[i], span_text(new_text), 0600);
        assert_int_equal(rc_number(got), FILE_E_NAME);
        got = file_write_atomic(NULL, bad[i], span_text(new_text), 0600);
        assert_int_equal(rc_number(got), FILE_E_NAME);
    }
    rc got = file_write_atomic(NULL, temp_path(temp, "no/such"), span_text(new_text), 0600);
    assert_int_equal(rc_errno(got), ENOENT);
    assert_int_equal(temp_count(temp), 0);
}

static void test_the_longest_name_can_be_written(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    char name[256] = { 0 };
    memset(name, 'a', 255);
    assert_true(rc_ok(file_write_atomic(NULL, temp_path(temp, name), span_text(new_text), 0600)));
    assert_span_equal(text_at(temp, name), span_text(new_text));
}

static void test_a_name_without_a_folder_is_here(void **state)
{
    struct temp *temp = *state;
    use_disk(0, 0);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chdir(temp->path), 0);
    rc got = file_write_atomic(NULL, "f", span_text(new_text), 0600);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_true(rc_ok(got));
    assert_span_equal(text_at(temp, "f"), span_text(new_text));
}

static bool starts_with_f(const char *name)
{
    return name[0] == 'f';
}

static void test_sweep_removes_what_a_stop_left_and_nothing_else(void **state)
{
    struct temp *temp = *state;
    size_t removed = 9;
    use_disk(0, 0);
    static const struct {
        const char *name;
        bool kept;
    } rows[] = {
        { ".f.0123456789abcdef", false },
        { ".f.g.h.0123456789abcdef", false },
        { "f", true },
        { "f.0123456789abcdef", true },
        { ".g.0123456789abcdef", true },
        { ".f.0123456789abcde", true },
        { ".f.0123456789abcdef0", true },
        { ".f.0123456789abcdeF", true },
        { ".f.0123456789abcdeg", true },
        { ".f0123456789abcdef0", true },
        { "..0123456789abcdef", true },
        { ".0123456789abcdef", true },
        { ".f", true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        temp_put(temp, rows[i].name, span_text("x"));
    assert_int_equal(mkdir(temp_path(temp, ".f.00000000000000aa"), 0700), 0);
    int folder = open(temp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Twice: nothing about the descriptor is used up. */
    for (size_t turn = 0; turn < 2; turn++) {
        assert_true(rc_ok(file_write_sweep(NULL, folder, starts_with_f, &removed)));
        assert_int_equal(removed, turn == 0 ? 2 : 0);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            assert_int_equal(access(temp_path(temp, rows[i].name), F_OK) == 0, rows[i].kept);
    }
    assert_int_equal(temp_count(temp), COUNT_OF(rows) - 2 + 1);
    close(folder);
}

static void test_sweep_after_a_stop_at_every_step(void **state)
{
    struct temp *temp = *state;
    for (unsigned stop = 1; stop <= 12; stop++) {
        pid_t child = fork();
        if (child == 0) {
            use_disk(0, stop);
            rc done = file_write_atomic(NULL, temp_path(temp, "f"), span_text(new_text), 0600);
            _exit(rc_ok(done) ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        size_t removed;
        int folder = open(temp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(rc_ok(file_write_sweep(NULL, folder, starts_with_f, &removed)));
        close(folder);
        /* Only the whole file, or nothing. */
        assert_true(removed <= 1);
        assert_int_equal(temp_count(temp), access(temp_path(temp, "f"), F_OK) == 0 ? 1 : 0);
    }
    assert_span_equal(text_at(temp, "f"), span_text(new_text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_new_makes_a_file),
        TEMP_TEST(test_new_replaces_nothing),
        TEMP_TEST(test_new_leaves_nothing_behind_a_failure),
        TEMP_TEST(test_atomic_makes_and_replaces),
        TEMP_TEST(test_bytes_reach_the_disk_before_the_name),
        TEMP_TEST(test_atomic_replaces_a_link_and_not_its_target),
        TEMP_TEST(test_atomic_is_all_or_nothing_at_every_failure),
        TEMP_TEST(test_atomic_is_all_or_nothing_at_every_stop),
        TEMP_TEST(test_names_that_cannot_be),
        TEMP_TEST(test_the_longest_name_can_be_written),
        TEMP_TEST(test_a_name_without_a_folder_is_here),
        TEMP_TEST(test_sweep_removes_what_a_stop_left_and_nothing_else),
        TEMP_TEST(test_sweep_after_a_stop_at_every_step),
    };
    return RUN_TESTS(tests);
}
