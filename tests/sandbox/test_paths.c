/* test_paths.c - tries of denied paths over a pipe, read only where they are records. */
#include "sandbox/paths.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "test.h"

static void test_over_a_pipe(void **state)
{
    static struct denied_tries tries;
    struct denied_try sent = { .rule = 1, .count = 1, .name_len = 6, .name = "shadow" };
    int ends[2];
    bool open = true;
    (void)state;
    memset(&tries, 0, sizeof tries);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_null(denied_try_read(&tries, ends[0], 2, &open));
    assert_true(open); /* nothing is there yet */
    assert_true(denied_try_send(ends[1], &sent));
    const struct denied_try *row = denied_try_read(&tries, ends[0], 2, &open);
    assert_true(open);
    assert_non_null(row);
    assert_memory_equal(row, &sent, sizeof sent);
    sent.count = 7;
    assert_true(denied_try_send(ends[1], &sent));
    assert_null(denied_try_read(&tries, ends[0], 2, &open));
    assert_true(open);
    assert_int_equal(row->count, 7);
    close(ends[1]);
    assert_null(denied_try_read(&tries, ends[0], 2, &open));
    assert_false(open);
    close(ends[0]);
}

static void test_what_is_no_record(void **state)
{
    static struct denied_tries tries;
    static const struct {
        struct denied_try what;
        size_t len;
    } rows[] = {
        { { .rule = 2, .count = 1 }, sizeof(struct denied_try) },
        { { .rule = 0, .count = 0 }, sizeof(struct denied_try) },
        { { .rule = 0, .count = 1, .name_len = 2, .name = "\x1b[" }, sizeof(struct denied_try) },
        { { .rule = 0, .count = 1, .name_len = 255 }, sizeof(struct denied_try) },
        { { .rule = 0, .count = 1 }, sizeof(struct denied_try) - 1 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int ends[2];
        bool open = true;
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], &rows[i].what, rows[i].len), rows[i].len);
        assert_null(denied_try_read(&tries, ends[0], 2, &open));
        assert_false(open);
        close(ends[0]);
        close(ends[1]);
    }
    assert_true(bytes_are_zero(&tries, sizeof tries));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_over_a_pipe, ""),
        TEST(test_what_is_no_record, ""),
    };
    return RUN_TESTS(tests);
}
