/* test_tree.c - all that is in a folder goes, and nothing else. */
#include "os/tree.h"

#include <errno.h>
#include <fcntl.h>

#include "os/temp.h"

static bool there(const struct temp *temp, const char *name)
{
    return access(temp_path(temp, name), F_OK) == 0;
}

static void make(const struct temp *temp, const char *name)
{
    assert_int_equal(mkdir(temp_path(temp, name), 0700), 0);
}

static void test_folder_with_everything(void **state)
{
    struct temp *temp = *state;
    make(temp, "a");
    make(temp, "a/b");
    make(temp, "a/b/c");
    for (int i = 0; i < 500; i++) {
        char name[32];
        snprintf(name, sizeof name, "a/b/f%d", i);
        temp_put(temp, name, span_text("x"));
    }
    temp_put(temp, "a/.hidden", span_text("x"));
    assert_int_equal(mkfifo(temp_path(temp, "a/pipe"), 0600), 0);
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "a"))));
    assert_int_equal(temp_count(temp), 0);
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "a")))); /* not there any more */
}

static void test_links_are_not_followed(void **state)
{
    struct temp *temp = *state;
    make(temp, "keep");
    temp_put(temp, "keep/canary", span_text("x"));
    make(temp, "a");
    assert_int_equal(symlink(temp_path(temp, "keep"), temp_path(temp, "a/link")), 0);
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "a"))));
    assert_true(there(temp, "keep/canary"));
    /* Neither is one that stands for the folder itself. */
    assert_int_equal(symlink(temp_path(temp, "keep"), temp_path(temp, "link")), 0);
    rc refused = tree_remove(NULL, temp_path(temp, "link"));
    assert_int_equal(rc_errno(refused), ENOTDIR);
    assert_true(there(temp, "keep/canary"));
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "keep"))));
}

static void test_a_file_is_no_folder(void **state)
{
    struct temp *temp = *state;
    temp_put(temp, "file", span_text("x"));
    assert_int_equal(rc_errno(tree_remove(NULL, temp_path(temp, "file"))), ENOTDIR);
    assert_true(there(temp, "file"));
}

static void nest(const struct temp *temp, int depth, char *name, size_t cap)
{
    size_t len = (size_t)snprintf(name, cap, "d");
    make(temp, name);
    for (int i = 1; i < depth; i++) {
        len += (size_t)snprintf(name + len, cap - len, "/d");
        make(temp, name);
    }
}

/* Deeper than anybody goes down, and names in the way of what is moved up. */
static void test_depth(void **state)
{
    struct temp *temp = *state;
    enum { DEEP = 2 * TREE_DEPTH_MAX + 3 };
    char name[2 * DEEP + 1];
    nest(temp, DEEP, name, sizeof name);
    make(temp, "d/.lifted-0");
    make(temp, "d/.lifted-0/full");
    temp_put(temp, "d/.lifted-1", span_text("x"));
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "d"))));
    assert_int_equal(temp_count(temp), 0);
    nest(temp, DEEP, name, sizeof name);
    temp_put(temp, "d/kept", span_text("x"));
    assert_true(rc_ok(tree_remove_around(NULL, temp_path(temp, "d"), "kept")));
    assert_true(there(temp, "d/kept"));
    assert_int_equal(unlink(temp_path(temp, "d/kept")), 0);
    assert_int_equal(rmdir(temp_path(temp, "d")), 0); /* nothing else was left */
}

/* By an open folder, which stays the same whatever its path leads to meanwhile. */
static void test_in_an_open_folder(void **state)
{
    struct temp *temp = *state;
    make(temp, "f");
    make(temp, "f/a");
    int folder = open(temp_path(temp, "f"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    assert_int_equal(rename(temp_path(temp, "f"), temp_path(temp, "g")), 0);
    make(temp, "f");
    make(temp, "f/a");
    assert_true(rc_ok(tree_remove_at(NULL, folder, "a")));
    assert_true(there(temp, "f/a"));
    assert_false(there(temp, "g/a"));
    close(folder);
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "f"))));
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "g"))));
}

/* All goes but the folder, and more than one reading of it finds. */
static void test_an_open_folder_is_emptied(void **state)
{
    struct temp *temp = *state;
    make(temp, "f");
    for (int i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof name, "f/%d", i);
        temp_put(temp, name, span_text("x"));
    }
    make(temp, "f/a");
    temp_put(temp, "f/a/b", span_text("x"));
    int folder = open(temp_path(temp, "f"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    assert_true(rc_ok(tree_empty(NULL, folder)));
    assert_true(rc_ok(tree_empty(NULL, folder))); /* there is nothing any more */
    assert_int_equal(fcntl(folder, F_GETFD), FD_CLOEXEC);
    assert_int_equal(rmdir(temp_path(temp, "f")), 0);
    close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_folder_with_everything), TEMP_TEST(test_links_are_not_followed),
        TEMP_TEST(test_a_file_is_no_folder),    TEMP_TEST(test_depth),
        TEMP_TEST(test_in_an_open_folder),      TEMP_TEST(test_an_open_folder_is_emptied),
    };
    return RUN_TESTS(tests);
}
