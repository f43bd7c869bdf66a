/* test_tree.c - all that is in a folder goes, and nothing else. */
#include "os/tree.h"

#include <errno.h>

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
    assert_int_equal(rc_number(refused), ENOTDIR);
    assert_true(there(temp, "keep/canary"));
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "keep"))));
}

static void test_a_file_is_no_folder(void **state)
{
    struct temp *temp = *state;
    temp_put(temp, "file", span_text("x"));
    assert_int_equal(rc_number(tree_remove(NULL, temp_path(temp, "file"))), ENOTDIR);
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

static void test_depth(void **state)
{
    struct temp *temp = *state;
    char name[128];
    nest(temp, TREE_DEPTH_MAX, name, sizeof name);
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "d"))));
    nest(temp, TREE_DEPTH_MAX + 1, name, sizeof name);
    rc deep = tree_remove(NULL, temp_path(temp, "d"));
    assert_int_equal(rc_class_of(deep), RC_PEER);
    assert_int_equal(rc_number(deep), TREE_E_DEEP);
    assert_int_equal(rmdir(temp_path(temp, name)), 0);
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, "d"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_folder_with_everything),
        TEMP_TEST(test_links_are_not_followed),
        TEMP_TEST(test_a_file_is_no_folder),
        TEMP_TEST(test_depth),
    };
    return RUN_TESTS(tests);
}
