/* test_random.c - randomness: where it comes from, what a fork and a failure do to it.  The
   system call is wrapped so that it can be made to fail. */
#include "os/random.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum behaviour { AS_IT_IS, ONE_BYTE, INTERRUPTED, ZERO, FAILING };

static enum behaviour behaviour;
static unsigned calls;

ssize_t __real_getrandom(void *out, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t len, unsigned flags);

ssize_t __wrap_getrandom(void *out, size_t len, unsigned flags)
{
    calls++;
    assert_int_equal(flags, 0); /* not the pool that may be unseeded, and never a short wait */
    switch (behaviour) {
    case AS_IT_IS:
        break;
    case ONE_BYTE:
        return __real_getrandom(out, 1, flags);
    case INTERRUPTED:
        if (calls % 2 == 1) {
            errno = EINTR;
            return -1;
        }
        break;
    case ZERO:
        return 0;
    case FAILING:
        errno = ENOSYS;
        return -1;
    }
    return __real_getrandom(out, len, flags);
}

static void use(enum behaviour next)
{
    behaviour = next;
    calls = 0;
}

/* Fills of the length, each compared with what was there before: no byte is left alone. */
static void assert_fills(size_t len)
{
    uint8_t bytes[600] = { 0 };
    uint8_t seen[600] = { 0 };
    for (unsigned round = 0; round < 16; round++) {
        random_bytes(bytes, len);
        for (size_t i = 0; i < len; i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof seen; i++)
        assert_int_equal(seen[i] != 0, i < len);
}

static void test_every_byte_is_filled(void **state)
{
    (void)state;
    static const enum behaviour all[] = { AS_IT_IS, ONE_BYTE, INTERRUPTED };
    static const size_t lens[] = { 0, 1, 7, 32, 256, 257, 599 };
    for (size_t b = 0; b < 3; b++) {
        use(all[b]);
        for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
            assert_fills(lens[i]);
    }
    use(AS_IT_IS);
}

static void test_nothing_is_buffered(void **state)
{
    (void)state;
    uint8_t byte;
    use(AS_IT_IS);
    for (unsigned i = 1; i <= 20; i++) {
        random_bytes(&byte, 1);
        assert_int_equal(calls, i);
    }
}

static void test_forks_share_no_bytes(void **state)
{
    (void)state;
    enum { FORKS = 8, LEN = 32 };
    uint8_t drawn[FORKS + 1][LEN];
    int ends[2];
    use(AS_IT_IS);
    random_bytes(drawn[FORKS], LEN); /* so that there would be something to inherit */
    assert_int_equal(pipe(ends), 0);
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            uint8_t bytes[LEN];
            random_bytes(bytes, sizeof bytes);
            _exit(write(ends[1], bytes, sizeof bytes) == LEN ? 0 : 1);
        }
        assert_true(child > 0);
    }
    for (unsigned i = 0; i < FORKS; i++) {
        assert_int_equal(read(ends[0], drawn[i], LEN), LEN);
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    random_bytes(drawn[FORKS], LEN);
    for (unsigned a = 0; a <= FORKS; a++)
        for (unsigned b = 0; b < a; b++)
            assert_memory_not_equal(drawn[a], drawn[b], LEN);
    close(ends[0]);
    close(ends[1]);
}

/* A child draws with the given behaviour; its stderr comes back. */
static int draw_in_child(enum behaviour next, char *said, size_t cap)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uint8_t byte;
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        use(next);
        random_bytes(&byte, 1);
        _exit(0);
    }
    close(ends[1]);
    ssize_t len = read(ends[0], said, cap - 1);
    said[len > 0 ? len : 0] = 0;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_failure_ends_the_process(void **state)
{
    (void)state;
    static const enum behaviour failures[] = { FAILING, ZERO };
    char said[200];
    for (size_t i = 0; i < 2; i++) {
        int status = draw_in_child(failures[i], said, sizeof said);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        assert_non_null(strstr(said, "getrandom"));
    }
    int status = draw_in_child(AS_IT_IS, said, sizeof said);
    assert_true(WIFEXITED(status));
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_byte_is_filled, ""),
        TEST(test_nothing_is_buffered, ""),
        TEST(test_forks_share_no_bytes, ""),
        TEST(test_failure_ends_the_process, ""),
    };
    return RUN_TESTS(tests);
}
