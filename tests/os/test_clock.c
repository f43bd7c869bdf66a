/* test_clock.c - the two clocks, and the dates of files. */
#include "os/clock.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static void test_now_is_the_systems_time(void **state)
{
    (void)state;
    int64_t before = time(NULL);
    int64_t now = clock_now();
    int64_t after = time(NULL);
    /* time() may lag behind by the kernel's tick. */
    assert_true(now >= before && now <= after + 1);
}

static void test_monotonic_counts_milliseconds(void **state)
{
    (void)state;
    const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
    int64_t before = clock_monotonic_ms();
    nanosleep(&pause, NULL);
    int64_t passed = clock_monotonic_ms() - before;
    assert_true(passed >= 19 && passed < 60 * 1000);
}

static bool is_earlier(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* A file that was looked at gets a date of its own with its next change, finer than the ticks, and
   no file that is made after that an earlier one. */
static int make_after_a_fine_date(const char *name)
{
    struct stat is;
    const int looked_at = memfd_create("looked at", MFD_CLOEXEC);
    assert_int_equal(fstat(looked_at, &is), 0);
    assert_int_equal(write(looked_at, "x", 1), 1);
    close(looked_at);
    return memfd_create(name, MFD_CLOEXEC);
}

/* What was made before has an earlier date, what is made after it has not. */
static void test_the_next_date_of_files(void **state)
{
    struct stat before, after;
    (void)state;
    for (int i = 0; i < 50; i++) {
        const int first = make_after_a_fine_date("first");
        const struct timespec date = clock_next_date();
        const int second = memfd_create("second", MFD_CLOEXEC);
        assert_int_equal(fstat(first, &before), 0);
        assert_int_equal(fstat(second, &after), 0);
        close(first);
        close(second);
        assert_true(is_earlier(before.st_ctim, date));
        assert_false(is_earlier(after.st_ctim, date));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_now_is_the_systems_time, ""),
        TEST(test_monotonic_counts_milliseconds, ""),
        TEST(test_the_next_date_of_files, ""),
    };
    return RUN_TESTS(tests);
}
