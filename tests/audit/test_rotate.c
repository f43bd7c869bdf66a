/* test_rotate.c - files are closed, named and taken away as they must be, whatever the clock
   does. */
#include "audit/rotate.h"

#include <string.h>

#include "test.h"

#define DAY      INT64_C(86400000)
#define MIDNIGHT (20785 * DAY) /* 2026-11-28T00:00:00.000Z */

static const struct {
    const char *name;
    struct audit_file file;
    int64_t now;
    uint64_t more;
    enum audit_rotation want;
} rows[] = {
    { "the same day", { 5, 500, 20785 }, MIDNIGHT, 10, AUDIT_ROTATE_NOT },
    { "the last millisecond", { 5, 500, 20785 }, MIDNIGHT + DAY - 1, 10, AUDIT_ROTATE_NOT },
    { "midnight", { 5, 500, 20785 }, MIDNIGHT + DAY, 10, AUDIT_ROTATE_DAY },
    { "a year later", { 5, 500, 20785 }, MIDNIGHT + 365 * DAY, 10, AUDIT_ROTATE_DAY },
    { "the clock back over midnight", { 5, 500, 20785 }, MIDNIGHT - 1, 10, AUDIT_ROTATE_NOT },
    { "the clock back to 1970", { 5, 500, 20785 }, 0, 10, AUDIT_ROTATE_NOT },
    { "before 1970", { 5, 500, 20785 }, -1, 10, AUDIT_ROTATE_NOT },
    { "an empty file at midnight", { 0, 0, 20785 }, MIDNIGHT + DAY, 10, AUDIT_ROTATE_NOT },
    { "just fits", { 5, 990, 20785 }, MIDNIGHT, 10, AUDIT_ROTATE_NOT },
    { "one byte too many", { 5, 990, 20785 }, MIDNIGHT, 11, AUDIT_ROTATE_SIZE },
    { "already too large", { 5, 1001, 20785 }, MIDNIGHT, 0, AUDIT_ROTATE_SIZE },
    { "a line larger than a file", { 0, 0, 20785 }, MIDNIGHT, 5000, AUDIT_ROTATE_NOT },
    { "more than there is", { 5, 1, 20785 }, MIDNIGHT, UINT64_MAX, AUDIT_ROTATE_SIZE },
    { "day before size", { 5, 2000, 20785 }, MIDNIGHT + DAY, 10, AUDIT_ROTATE_DAY },
};

static void test_when_to_rotate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum audit_rotation got = audit_must_rotate(&rows[i].file, rows[i].now, rows[i].more, 1000);
        if (got != rows[i].want)
            print_message("# %s\n", rows[i].name);
        assert_int_equal(got, rows[i].want);
    }
}

/* A clock that goes forth and back over midnight any number of times: each midnight closes one
   file, no day is opened twice, no record is lost or doubled, names sort as records do. */
static void test_a_clock_that_swings(void **state)
{
    (void)state;
    struct audit_file file = { .day = audit_day_of(MIDNIGHT) };
    struct test_random random = { 79 };
    uint64_t records = 0;
    uint64_t closed = 0;
    int64_t furthest = MIDNIGHT;
    char last[AUDIT_FILE_NAME_MAX] = "";
    for (size_t i = 0; i < 20000; i++) {
        int64_t now = MIDNIGHT + (int64_t)i * 60000 -
                      (int64_t)test_random_below(&random, 200000000);
        if (audit_must_rotate(&file, now, 100, UINT64_MAX) != AUDIT_ROTATE_NOT) {
            struct audit_file_name name = { closed, file.day, false };
            char text[AUDIT_FILE_NAME_MAX] = "";
            struct sink out = sink_over(text, sizeof text - 1);
            audit_file_name_put(&out, &name);
            assert_true(sink_ok(&out) && strcmp(text, last) > 0);
            memcpy(last, text, sizeof last);
            assert_true(audit_day_of(now) > audit_day_of(furthest));
            closed += file.records;
            file = audit_file_next(&file, now);
        }
        furthest = now > furthest ? now : furthest;
        audit_file_count(&file, 1, 100);
        records++;
        assert_int_equal(closed + file.records, records);
        assert_true(file.day >= audit_day_of(MIDNIGHT) && file.day <= audit_day_of(furthest));
    }
    assert_true(closed > 1000);
}

static void test_days(void **state)
{
    (void)state;
    assert_int_equal(audit_day_of(0), 0);
    assert_int_equal(audit_day_of(DAY - 1), 0);
    assert_int_equal(audit_day_of(DAY), 1);
    assert_int_equal(audit_day_of(-1), -1);
    assert_int_equal(audit_day_of(-DAY), -1);
    assert_int_equal(audit_day_of(-DAY - 1), -2);
    assert_true(audit_day_of(INT64_MIN) < audit_day_of(INT64_MAX));
}

static const struct {
    const char *text;
    bool good;
    struct audit_file_name name;
} names[] = {
    { "security-00000000000000012345-2026-11-28.log", true, { 12345, 20785, false } },
    { "security-00000000000000012345-2026-11-28.log.gz", true, { 12345, 20785, true } },
    { "security-18446744073709551615-9999-12-31.log", true, { UINT64_MAX, 2932896, false } },
    { "security-00000000000000000000-1970-01-01.log", true, { 0, 0, false } },
    { "security-18446744073709551616-2026-11-28.log", false, { 0 } },
    { "security-00000000000000012345-2026-11-31.log", false, { 0 } },
    { "security-00000000000000012345-1969-12-31.log", false, { 0 } },
    { "security-0000000000000012345-2026-11-28.log", false, { 0 } },
    { "security-00000000000000012345-2026-11-28.log.gz.tmp", false, { 0 } },
    { "security-00000000000000012345-2026-11-28.log.xz", false, { 0 } },
    { "security-00000000000000012345-2026-11-28", false, { 0 } },
    { "security-0000000000000001234a-2026-11-28.log", false, { 0 } },
    { "security-+0000000000000012345-2026-11-28.log", false, { 0 } },
    { "../security-00000000000000012345-2026-11-28.log", false, { 0 } },
    { "security.log", false, { 0 } },
    { "", false, { 0 } },
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char room[AUDIT_FILE_NAME_MAX];
        struct sink out = sink_over(room, sizeof room);
        struct audit_file_name name = { 99, 99, true };
        assert_int_equal(audit_file_name_read(span_text(names[i].text), &name), names[i].good);
        if (!names[i].good) {
            assert_true(name.first == 99 && name.day == 99);
            continue;
        }
        assert_int_equal(name.first, names[i].name.first);
        assert_int_equal(name.day, names[i].name.day);
        assert_int_equal(name.gzip, names[i].name.gzip);
        audit_file_name_put(&out, &name);
        assert_span_equal(sink_bytes(&out), span_text(names[i].text));
        for (size_t len = 0; len + 1 < strlen(names[i].text); len++) {
            bool whole = len + 3 == strlen(names[i].text) && name.gzip;
            assert_int_equal(audit_file_name_read(span_of(names[i].text, len), &name), whole);
        }
    }
}

static void test_a_day_that_has_no_name(void **state)
{
    (void)state;
    static const int64_t days[] = { -1, 2932897, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        char room[AUDIT_FILE_NAME_MAX];
        struct sink out = sink_over(room, sizeof room);
        audit_file_name_put(&out, &(struct audit_file_name){ 1, days[i], false });
        assert_false(sink_ok(&out));
        assert_int_equal(out.len, 0);
    }
}

/* A file of records 100 to 199, of the day MIDNIGHT begins. */
static const struct {
    const char *name;
    int64_t now;
    struct audit_retention retention;
    bool remove;
} removals[] = {
    { "eight days later", MIDNIGHT + 8 * DAY, { 7, 200, 200, UINT64_MAX }, true },
    { "seven days later", MIDNIGHT + 8 * DAY - 1, { 7, 200, 200, UINT64_MAX }, false },
    { "the clock before it", MIDNIGHT - 9 * DAY, { 7, 200, 200, UINT64_MAX }, false },
    { "not all under a head", MIDNIGHT + 8 * DAY, { 7, 199, 200, UINT64_MAX }, false },
    { "not all hashes kept", MIDNIGHT + 8 * DAY, { 7, 200, 199, UINT64_MAX }, false },
    { "not all shipped", MIDNIGHT + 8 * DAY, { 7, 200, 200, 199 }, false },
    { "all shipped", MIDNIGHT + 8 * DAY, { 7, 200, 200, 200 }, true },
    { "no days at all", MIDNIGHT + DAY, { 0, 200, 200, 200 }, true },
    { "the same day", MIDNIGHT + DAY - 1, { 0, 200, 200, 200 }, false },
    { "fewer than no days", MIDNIGHT + 8 * DAY, { -1, 200, 200, 200 }, false },
};

static void test_when_to_remove(void **state)
{
    (void)state;
    static const struct audit_file_name file = { 100, 20785, true };
    for (size_t i = 0; i < sizeof removals / sizeof removals[0]; i++) {
        bool got = audit_may_remove(&file, 200, removals[i].now, &removals[i].retention);
        if (got != removals[i].remove)
            print_message("# %s\n", removals[i].name);
        assert_int_equal(got, removals[i].remove);
    }
    assert_false(audit_may_remove(&file, 100, MIDNIGHT + 99 * DAY, &removals[0].retention));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_when_to_rotate, ""),
        TEST(test_a_clock_that_swings, ""),
        TEST(test_days, ""),
        TEST(test_names, ""),
        TEST(test_a_day_that_has_no_name, ""),
        TEST(test_when_to_remove, ""),
    };
    return RUN_TESTS(tests);
}
