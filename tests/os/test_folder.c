/* test_folder.c - what files a folder holds. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/number.h"
#include "os/file.h"
#include "temp.h"

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);

static int flock_error; /* 0: the real one */

static size_t flock_interrupts; /* so often before that */

int __wrap_flock(int fd, int how)
{
    if (flock_interrupts > 0) {
        flock_interrupts--;
        errno = EINTR;
        return -1;
    }
    if (flock_error == 0)
        return __real_flock(fd, how);
    errno = flock_error;
    return -1;
}

static void assert_names(const struct folder *folder, const char *const *want, size_t count)
{
    assert_int_equal(folder->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(folder->names[i], want[i]);
}

static void test_files_are_named_in_byte_order(void **state)
{
    struct temp *temp = *state;
    static const char *const want[] = { "A", "B", "a", "a.json", "b", "\xc3\xa4" };
    for (size_t i = 6; i-- > 0;)
        temp_put(temp, want[i], span_text("x"));
    struct folder folder = { 0 };
    assert_true(rc_ok(folder_list(NULL, temp->path, 6, &temp->arena, &folder)));
    assert_names(&folder, want, 6);
}

static void test_only_files_that_are_meant_to_be_seen(void **state)
{
    struct temp *temp = *state;
    temp_put(temp, "file", span_text("x"));
    temp_put(temp, ".hidden", span_text("x"));
    assert_int_equal(mkdir(temp_path(temp, "folder"), 0700), 0);
    assert_int_equal(mkfifo(temp_path(temp, "pipe"), 0600), 0);
    assert_int_equal(symlink("file", temp_path(temp, "link")), 0);
    assert_int_equal(symlink("nowhere", temp_path(temp, "dangling")), 0);
    assert_int_equal(symlink("folder", temp_path(temp, "to-folder")), 0);
    struct folder folder = { 0 };
    assert_true(rc_ok(folder_list(NULL, temp->path, 10, &temp->arena, &folder)));
    assert_names(&folder, (const char *const[]){ "file" }, 1);
    assert_int_equal(folder.links, 3);
}

static void test_the_folder_itself_may_be_a_link(void **state)
{
    struct temp *temp = *state;
    struct folder folder = { 0 };
    assert_int_equal(mkdir(temp_path(temp, "to"), 0700), 0);
    assert_int_equal(symlink("to", temp_path(temp, "link")), 0);
    temp_put(temp, "to/file", span_text("x"));
    rc got = folder_list(NULL, temp_path(temp, "link"), 10, &temp->arena, &folder);
    assert_int_equal(unlink(temp_path(temp, "to/file")), 0);
    assert_true(rc_ok(got));
    assert_names(&folder, (const char *const[]){ "file" }, 1);
    assert_int_equal(folder.links, 0);
}

/* The child tells when it holds the lock; only its end gives it up. */
static void test_one_at_a_time_holds_the_lock(void **state)
{
    struct temp *temp = *state;
    int told[2], mine = -1;
    bool held = false;
    char byte;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd;
        bool locked;
        if (!rc_ok(folder_lock(NULL, temp->path, &fd, &locked)) || !locked ||
            write(told[1], "x", 1) != 1)
            _exit(1);
        usleep(200 * 1000);
        temp_put(temp, "late", span_text("x"));
        raise(SIGKILL);
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_true(rc_ok(folder_lock(NULL, temp->path, &mine, &held)));
    assert_true(held);
    assert_int_equal(access(temp_path(temp, "late"), F_OK), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    for (size_t i = 0; i < 2; i++)
        close(told[i]);
    assert_int_equal(rc_number(folder_remove(NULL, mine, "late")), 0);
    assert_true(rc_ok(folder_remove(NULL, mine, "late")));
    assert_int_equal(temp_count(temp), 0);
    close(mine);
    assert_int_equal(rc_errno(folder_lock(NULL, temp_path(temp, "absent"), &mine, &held)), ENOENT);
}

static void test_a_folder_is_not_removed_as_a_file(void **state)
{
    struct temp *temp = *state;
    int fd;
    bool held;
    assert_int_equal(mkdir(temp_path(temp, "folder"), 0700), 0);
    assert_true(rc_ok(folder_lock(NULL, temp->path, &fd, &held)));
    assert_false(rc_ok(folder_remove(NULL, fd, "folder")));
    assert_int_equal(temp_count(temp), 1);
    close(fd);
}

static void test_a_file_system_without_locks(void **state)
{
    struct temp *temp = *state;
    static const struct {
        int error;
        bool opened;
    } errors[] = { { 0, true },      { EBADF, true },      { ENOLCK, true }, { EINVAL, true },
                   { ENOSYS, true }, { EOPNOTSUPP, true }, { EIO, false },   { ENOMEM, false } };
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        int fd = -1;
        bool held = errors[i].error != 0;
        flock_error = errors[i].error;
        flock_interrupts = i;
        rc got = folder_lock(NULL, temp->path, &fd, &held);
        flock_error = 0;
        assert_int_equal(rc_ok(got), errors[i].opened);
        assert_int_equal(fd >= 0, errors[i].opened);
        if (rc_ok(got))
            assert_int_equal(held, errors[i].error == 0);
        else
            assert_int_equal(rc_errno(got), errors[i].error);
        if (fd >= 0)
            close(fd);
    }
}

static void test_the_limit_is_exact(void **state)
{
    struct temp *temp = *state;
    struct folder folder = { 0 };
    assert_true(rc_ok(folder_list(NULL, temp->path, 0, &temp->arena, &folder)));
    assert_int_equal(folder.count, 0);
    for (char name[] = "a"; name[0] <= 'e'; name[0]++)
        temp_put(temp, name, span_text("x"));
    assert_true(rc_ok(folder_list(NULL, temp->path, 5, &temp->arena, &folder)));
    assert_int_equal(folder.count, 5);
    folder = (struct folder){ 0 };
    rc got = folder_list(NULL, temp->path, 4, &temp->arena, &folder);
    assert_int_equal(rc_class_of(got), RC_PEER);
    assert_int_equal(rc_number(got), FILE_E_TOO_MANY);
    assert_null(folder.names);
}

static void test_what_is_no_folder_says_why(void **state)
{
    struct temp *temp = *state;
    struct folder folder = { 0 };
    temp_put(temp, "file", span_text("x"));
    rc got = folder_list(NULL, temp_path(temp, "file"), 5, &temp->arena, &folder);
    assert_int_equal(rc_errno(got), ENOTDIR);
    got = folder_list(NULL, temp_path(temp, "absent"), 5, &temp->arena, &folder);
    assert_int_equal(rc_errno(got), ENOENT);
    assert_null(folder.names);
}

static void test_an_arena_without_room_is_busy(void **state)
{
    struct temp *temp = *state;
    struct folder folder = { 0 };
    uint8_t room[96];
    temp_put(temp, "a", span_text("x"));
    for (size_t size = 0; size <= sizeof room; size += 16) {
        struct arena arena = arena_over(room, size);
        rc got = folder_list(NULL, temp->path, 4, &arena, &folder);
        assert_int_equal(rc_ok(got), folder.names != NULL);
        if (!rc_ok(got))
            assert_int_equal(rc_number(got), FILE_E_MEMORY);
    }
    assert_int_equal(folder.count, 1);
}

static void test_whose_folder_it_is(void **state)
{
    struct temp *temp = *state;
    static const struct {
        mode_t mode;
        bool own;
    } rows[] = { { 0700, true },  { 0755, true },   { 0500, true },  { 0720, false },
                 { 0702, false }, { 01777, false }, { 02775, false } };
    assert_int_equal(mkdir(temp_path(temp, "f"), 0700), 0);
    int folder = open(temp_path(temp, "f"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(fchmod(folder, rows[i].mode), 0);
        assert_int_equal(rc_number(folder_is_own(NULL, folder)),
                         rows[i].own ? 0 : FILE_E_OPEN_TO_OTHERS);
    }
    assert_int_equal(fchmod(folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(fchown(folder, 65534, 0), 0);
        assert_int_equal(rc_number(folder_is_own(NULL, folder)), FILE_E_OPEN_TO_OTHERS);
    }
    close(folder);
    assert_int_equal(rmdir(temp_path(temp, "f")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_whose_folder_it_is),
        TEMP_TEST(test_files_are_named_in_byte_order),
        TEMP_TEST(test_only_files_that_are_meant_to_be_seen),
        TEMP_TEST(test_the_folder_itself_may_be_a_link),
        TEMP_TEST(test_one_at_a_time_holds_the_lock),
        TEMP_TEST(test_a_folder_is_not_removed_as_a_file),
        TEMP_TEST(test_a_file_system_without_locks),
        TEMP_TEST(test_the_limit_is_exact),
        TEMP_TEST(test_what_is_no_folder_says_why),
        TEMP_TEST(test_an_arena_without_room_is_busy),
    };
    return RUN_TESTS(tests);
}
