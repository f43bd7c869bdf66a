/* test_folder.c - what files a folder holds. */
#include <errno.h>

#include "os/file.h"
#include "temp.h"

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
    assert_names(&folder, (const char *const[]){ "file", "link" }, 2);
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
    assert_int_equal(rc_number(got), ENOTDIR);
    got = folder_list(NULL, temp_path(temp, "absent"), 5, &temp->arena, &folder);
    assert_int_equal(rc_number(got), ENOENT);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_files_are_named_in_byte_order),
        TEMP_TEST(test_only_files_that_are_meant_to_be_seen),
        TEMP_TEST(test_the_limit_is_exact),
        TEMP_TEST(test_what_is_no_folder_says_why),
        TEMP_TEST(test_an_arena_without_room_is_busy),
    };
    return RUN_TESTS(tests);
}
