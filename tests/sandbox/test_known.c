/* test_known.c - of which file it is remembered, and of which it is not any more. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/known.h"
#include "test.h"

/* A program of a name that no runtime has, and where it is remembered. */
struct scene {
    char folder[32], program[64], other[64], record[128];
};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct scene begin(void)
{
    struct scene scene = { .folder = "/tmp/ward-known-XXXXXX" };
    if (geteuid() != 0)
        skip(); /* its records are root's */
    assert_non_null(mkdtemp(scene.folder));
    snprintf(scene.program, sizeof scene.program, "%.31s/run-%d", scene.folder, getpid());
    snprintf(scene.other, sizeof scene.other, "%.31s/other", scene.folder);
    snprintf(scene.record, sizeof scene.record, KNOWN_FOLDER "/ward-known-run-%d", getpid());
    write_text(scene.program, "one");
    return scene;
}

/* As they are asked: of what the file is now. */
static bool finds(const struct scene *scene)
{
    const struct known_file now = known_describe(scene->program);
    return known_find(scene->program, &now);
}

static void keep(const struct scene *scene)
{
    const struct known_file now = known_describe(scene->program);
    known_keep(scene->program, &now);
}

static void end(const struct scene *scene)
{
    unlink(scene->record);
    unlink(scene->program);
    unlink(scene->other);
    rmdir(scene->folder);
}

static void test_a_file_is_known_until_it_changes(void **state)
{
    const struct scene scene = begin();
    struct stat is;
    (void)state;
    assert_false(finds(&scene));
    keep(&scene);
    assert_true(finds(&scene));

    /* The same length, and the time put back to what it was. */
    assert_int_equal(stat(scene.program, &is), 0);
    const struct timespec times[] = { is.st_atim, is.st_mtim };
    usleep(20000); /* the kernel's clock for files is no finer than its ticks */
    write_text(scene.program, "two");
    assert_int_equal(utimensat(AT_FDCWD, scene.program, times, 0), 0);
    assert_false(finds(&scene));
    keep(&scene);
    assert_true(finds(&scene));

    /* Another in its place. */
    write_text(scene.other, "two");
    assert_int_equal(rename(scene.other, scene.program), 0);
    assert_false(finds(&scene));

    /* What was copied before is not what has its name now. */
    const struct known_file before = known_describe(scene.program);
    write_text(scene.other, "two");
    assert_int_equal(rename(scene.other, scene.program), 0);
    const struct known_file after = known_describe(scene.program);
    assert_true(known_is_one(&after, &after));
    assert_false(known_is_one(&before, &after));
    assert_int_equal(unlink(scene.program), 0);
    const struct known_file none = known_describe(scene.program);
    assert_false(known_is_one(&none, &none));
    assert_false(finds(&scene));
    keep(&scene);
    end(&scene);
}

static void test_a_record_that_is_not_ours_says_nothing(void **state)
{
    const struct scene scene = begin();
    (void)state;
    keep(&scene);
    assert_true(finds(&scene));
    assert_int_equal(chmod(scene.record, 0622), 0);
    assert_false(finds(&scene));
    assert_int_equal(chmod(scene.record, 0600), 0);
    assert_int_equal(chown(scene.record, 65534, 65534), 0);
    assert_false(finds(&scene));
    assert_int_equal(unlink(scene.record), 0);

    keep(&scene);
    assert_int_equal(rename(scene.record, scene.other), 0);
    assert_int_equal(symlink(scene.other, scene.record), 0);
    assert_false(finds(&scene));
    keep(&scene); /* and nothing is written where it leads */
    assert_int_equal(unlink(scene.record), 0);
    assert_int_equal(mkfifo(scene.record, 0600), 0);
    assert_false(finds(&scene));
    keep(&scene);
    end(&scene);
}

static void test_half_a_record_says_nothing(void **state)
{
    const struct scene scene = begin();
    struct stat is;
    (void)state;
    keep(&scene);
    assert_int_equal(stat(scene.record, &is), 0);
    assert_true(is.st_size > 0);
    for (off_t len = is.st_size; len-- > 0;) {
        assert_int_equal(truncate(scene.record, len), 0);
        assert_false(finds(&scene));
        keep(&scene);
        assert_true(finds(&scene));
    }
    FILE *file = fopen(scene.record, "a");
    assert_non_null(file);
    fputs("x", file);
    assert_int_equal(fclose(file), 0);
    assert_false(finds(&scene));
    end(&scene);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = { TEST(test_a_file_is_known_until_it_changes, ""),
                                        TEST(test_a_record_that_is_not_ours_says_nothing, ""),
                                        TEST(test_half_a_record_says_nothing, "") };
    return RUN_TESTS(tests);
}
