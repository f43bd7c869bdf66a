/* test_secret.c - guarded memory: what may be done with it, and what ends the process.  The
   system calls are wrapped, so that each can be made to fail. */
#include "secret/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "child.h"

static struct {
    unsigned step;    /* calls so far */
    unsigned fail_at; /* the n-th fails with ENOMEM */
} kernel;

static bool kernel_fails(void)
{
    kernel.step++;
    errno = ENOMEM;
    return kernel.step == kernel.fail_at;
}

void *__real_mmap64(void *at, size_t len, int access, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *at, size_t len, int access, int flags, int fd, off64_t offset);
int __real_mprotect(void *at, size_t len, int access);
int __wrap_mprotect(void *at, size_t len, int access);
int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);
int __real_mlock(const void *at, size_t len);
int __wrap_mlock(const void *at, size_t len);

void *__wrap_mmap64(void *at, size_t len, int access, int flags, int fd, off64_t offset)
{
    return kernel_fails() ? MAP_FAILED : __real_mmap64(at, len, access, flags, fd, offset);
}

int __wrap_mprotect(void *at, size_t len, int access)
{
    return kernel_fails() ? -1 : __real_mprotect(at, len, access);
}

int __wrap_madvise(void *at, size_t len, int advice)
{
    return kernel_fails() ? -1 : __real_madvise(at, len, advice);
}

int __wrap_mlock(const void *at, size_t len)
{
    return kernel_fails() ? -1 : __real_mlock(at, len);
}

static void use_kernel(unsigned fail_at)
{
    kernel.step = 0;
    kernel.fail_at = fail_at;
}

static int begin(void **state)
{
    struct secret_pool *pool = NULL;
    use_kernel(0);
    bool ok = rc_ok(secret_pool_new(NULL, 3, 100, &pool));
    *state = pool;
    return !ok;
}

static int end(void **state)
{
    struct secret_pool *pool = *state;
    use_kernel(0);
    secret_pool_free(&pool);
    secret_pool_free(&pool);
    return pool != NULL;
}

/* ---- what is done with it --------------------------------------------------------------- */

static rc put_text(uint8_t *at, size_t len, void *arg)
{
    memcpy(at, arg, len);
    return RC_SUCCESS;
}

static rc equals_text(struct span bytes, void *arg)
{
    return span_equal(bytes, span_of(arg, bytes.len)) ? RC_SUCCESS : rc_make(RC_DENIED, 1);
}

static struct secret *secret_with(struct secret_pool *pool, char *text)
{
    struct secret *secret = NULL;
    assert_true(rc_ok(secret_take(NULL, pool, strlen(text), &secret)));
    assert_true(rc_ok(secret_fill(secret, put_text, text)));
    return secret;
}

static void assert_rc(rc r, enum rc_class class, uint32_t number)
{
    assert_int_equal(rc_class_of(r), class);
    assert_int_equal(rc_number(r), number);
}

static void filled_lent_and_given_back(void **state)
{
    char text[] = "correct horse", other[] = "battery stapl";
    struct secret *secret = secret_with(*state, text);
    assert_int_equal(secret_len(secret), strlen(text));
    assert_true(rc_ok(secret_lend(secret, equals_text, text)));
    assert_rc(secret_lend(secret, equals_text, other), RC_DENIED, 1);
    assert_true(rc_ok(secret_fill(secret, put_text, other)));
    assert_true(rc_ok(secret_lend(secret, equals_text, other)));
    secret_free(&secret);
    assert_null(secret);
    secret_free(&secret);
}

static void sizes_at_and_past_the_limit(void **state)
{
    struct secret *secret = NULL;
    struct secret_pool *pool = NULL;
    struct trail trail = { 0 };
    static const size_t bad[][2] = {
        { 0, 1 },        { 1, 0 },        { SECRET_COUNT_MAX + 1, 1 }, { 1, SECRET_BYTES_MAX + 1 },
        { SIZE_MAX, 1 }, { 1, SIZE_MAX },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_rc(secret_pool_new(&trail, bad[i][0], bad[i][1], &pool), RC_BUG, SECRET_E_LIMIT);
    assert_int_equal(trail.count, sizeof bad / sizeof bad[0]);
    assert_null(pool);
    assert_rc(secret_take(NULL, *state, 0, &secret), RC_BUG, SECRET_E_LIMIT);
    assert_rc(secret_take(NULL, *state, 101, &secret), RC_BUG, SECRET_E_LIMIT);
    assert_null(secret);
    assert_true(rc_ok(secret_take(NULL, *state, 100, &secret)));

    assert_true(rc_ok(secret_pool_new(NULL, 1, SECRET_BYTES_MAX, &pool)));
    secret_pool_free(&pool);
    assert_true(rc_ok(secret_pool_new(NULL, SECRET_COUNT_MAX, 1, &pool)));
    secret_pool_free(&pool);
}

static void a_pool_does_not_grow(void **state)
{
    struct secret *all[3];
    struct secret *more = NULL;
    for (size_t i = 0; i < 3; i++)
        assert_true(rc_ok(secret_take(NULL, *state, 1, &all[i])));
    assert_rc(secret_take(NULL, *state, 1, &more), RC_BUSY, SECRET_E_FULL);
    assert_null(more);
    struct secret *second = all[1];
    secret_free(&all[1]);
    assert_true(rc_ok(secret_take(NULL, *state, 1, &more)));
    assert_ptr_equal(more, second);
}

static void empty_until_filled_and_after_a_free(void **state)
{
    char text[] = "correct horse", zeros[13] = { 0 };
    struct secret *secret = NULL;
    assert_true(rc_ok(secret_take(NULL, *state, 13, &secret)));
    assert_rc(secret_lend(secret, equals_text, text), RC_BUG, SECRET_E_EMPTY);
    assert_true(rc_ok(secret_fill(secret, put_text, text)));
    struct secret *same = secret;
    secret_free(&secret);
    assert_rc(secret_lend(same, equals_text, text), RC_BUG, SECRET_E_LENT);
    assert_true(rc_ok(secret_take(NULL, *state, 13, &secret)));
    assert_ptr_equal(secret, same);
    assert_rc(secret_lend(secret, equals_text, zeros), RC_BUG, SECRET_E_EMPTY);
}

static rc fill_half_and_fail(uint8_t *at, size_t len, void *arg)
{
    (void)arg;
    memset(at, 0xaa, len / 2);
    return rc_make(RC_WORLD, 7);
}

static rc expect_zeros(uint8_t *at, size_t len, void *arg)
{
    (void)arg;
    return bytes_are_zero(at, len) ? RC_SUCCESS : rc_make(RC_DENIED, 2);
}

static void a_failed_fill_leaves_nothing(void **state)
{
    char text[] = "correct horse";
    struct secret *secret = secret_with(*state, text);
    assert_rc(secret_fill(secret, fill_half_and_fail, NULL), RC_WORLD, 7);
    assert_rc(secret_lend(secret, equals_text, text), RC_BUG, SECRET_E_EMPTY);
    assert_true(rc_ok(secret_fill(secret, expect_zeros, NULL)));
}

static rc lend_again(struct span bytes, void *arg)
{
    (void)bytes;
    return secret_lend(arg, lend_again, arg);
}

static rc fill_again(struct span bytes, void *arg)
{
    (void)bytes;
    return secret_fill(arg, expect_zeros, arg);
}

struct pair {
    struct secret *other;
    char *text;
};

static rc lend_other(struct span bytes, void *arg)
{
    (void)bytes;
    struct pair *pair = arg;
    return secret_lend(pair->other, equals_text, pair->text);
}

static void one_loan_at_a_time(void **state)
{
    char text[] = "correct horse", other[] = "battery";
    struct secret *secret = secret_with(*state, text);
    assert_rc(secret_lend(secret, lend_again, secret), RC_BUG, SECRET_E_LENT);
    assert_rc(secret_lend(secret, fill_again, secret), RC_BUG, SECRET_E_LENT);
    struct pair pair = { secret_with(*state, other), other };
    assert_true(rc_ok(secret_lend(secret, lend_other, &pair)));
    assert_true(rc_ok(secret_lend(secret, equals_text, text)));
}

/* ---- what ends the process -------------------------------------------------------------- */

/* Keeps the address: what no caller may do, so that the tests can try what it would win. */
static rc leak(struct span bytes, void *arg)
{
    const uint8_t **at = arg;
    *at = bytes.at;
    return RC_SUCCESS;
}

static volatile uint8_t seen;

static void read_it(void *arg)
{
    const volatile uint8_t *at = arg;
    seen = *at;
}

static void write_it(void *arg)
{
    volatile uint8_t *at = arg;
    *at = 1;
}

static void no_access_at_rest(void **state)
{
    char text[] = "correct horse";
    struct secret *secret = secret_with(*state, text);
    const uint8_t *at = NULL;
    assert_true(rc_ok(secret_lend(secret, leak, (void *)&at)));
    assert_non_null(at);
    assert_int_equal(child_fate(read_it, (void *)at), SIGSEGV);
    assert_int_equal(child_fate(write_it, (void *)at), SIGSEGV);
    assert_true(rc_ok(secret_fill(secret, put_text, text)));
    assert_int_equal(child_fate(read_it, (void *)at), SIGSEGV);
    struct secret *same = secret;
    secret_free(&secret);
    assert_int_equal(child_fate(read_it, (void *)at), SIGSEGV);
    (void)same;
}

/* One byte at an offset of the secret, read or written while it is lent or filled. */
struct poke {
    struct secret *secret;
    long offset;
    bool write;
};

static rc poke_lent(struct span bytes, void *arg)
{
    const struct poke *poke = arg;
    const uint8_t *at = bytes.at + poke->offset;
    poke->write ? write_it((void *)at) : read_it((void *)at);
    return RC_SUCCESS;
}

static rc poke_filled(uint8_t *at, size_t len, void *arg)
{
    const struct poke *poke = arg;
    (void)len;
    poke->write ? write_it(at + poke->offset) : read_it(at + poke->offset);
    return RC_SUCCESS;
}

static void try_lent(void *arg)
{
    struct poke *poke = arg;
    rc r = secret_lend(poke->secret, poke_lent, poke);
    _exit(rc_ok(r) ? 0 : 1);
}

static void try_filled(void *arg)
{
    struct poke *poke = arg;
    rc r = secret_fill(poke->secret, poke_filled, poke);
    _exit(rc_ok(r) ? 0 : 1);
}

/* In a pool of the child's own: what it inherits is wiped. */
static void in_child(void *arg)
{
    const struct poke *given = arg;
    struct secret_pool *pool = NULL;
    char text[] = "correct horse";
    if (!rc_ok(secret_pool_new(NULL, 1, 100, &pool)))
        _exit(2);
    struct poke poke = *given;
    bool fill = poke.secret != NULL;
    poke.secret = secret_with(pool, text);
    fill ? try_filled(&poke) : try_lent(&poke);
}

static void every_step_aside_is_caught(void **state)
{
    struct secret *fills = *state; /* any address: "fill" */
    const struct {
        const char *name;
        struct secret *how;
        long offset;
        bool write;
        int fate;
    } rows[] = {
        { "lent, read inside", NULL, 12, false, 0 },
        { "lent, written", NULL, 0, true, SIGSEGV },
        { "lent, read one past the end", NULL, 13, false, SIGSEGV },
        { "lent, read a page before", NULL, -4096, false, SIGSEGV },
        { "filled, written at the end", fills, 12, true, 0 },
        { "filled, written one past the end", fills, 13, true, SIGSEGV },
        { "filled, read one past the end", fills, 13, false, SIGSEGV },
        { "filled, written a page past the end", fills, 13 + 4095, true, SIGSEGV },
        { "filled, written one before", fills, -1, true, SIGABRT },
        { "filled, written sixteen before", fills, -16, true, SIGABRT },
        { "filled, written a page before", fills, -4096, true, SIGSEGV },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct poke poke = { rows[i].how, rows[i].offset, rows[i].write };
        int fate = child_fate(in_child, &poke);
        if (fate != rows[i].fate)
            fail_msg("%s: %d", rows[i].name, fate);
    }
}

static void give_back_twice(void *arg)
{
    struct secret *secret = arg;
    struct secret *same = secret;
    secret_free(&secret);
    secret_free(&same);
}

static rc give_back_lent(struct span bytes, void *arg)
{
    (void)bytes;
    struct secret *secret = arg;
    secret_free(&secret);
    return RC_SUCCESS;
}

static void lend_and_give_back(void *arg)
{
    rc r = secret_lend(arg, give_back_lent, arg);
    _exit(rc_ok(r) ? 0 : 1);
}

static void with_own_pool(void *arg)
{
    child_fn **run = arg;
    struct secret_pool *pool = NULL;
    char text[] = "correct horse";
    if (!rc_ok(secret_pool_new(NULL, 1, 100, &pool)))
        _exit(2);
    (*run)(secret_with(pool, text));
}

static void giving_back_wrongly_aborts(void **state)
{
    (void)state;
    child_fn *wrong[] = { give_back_twice, lend_and_give_back };
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(child_fate(with_own_pool, &wrong[i]), SIGABRT);
}

/* ---- what a fork inherits --------------------------------------------------------------- */

static void expect_zero_bytes(void *arg)
{
    const struct span *bytes = arg;
    _exit(bytes_are_zero(bytes->at, bytes->len) ? 3 : 4);
}

static rc fork_while_lent(struct span bytes, void *arg)
{
    int *fate = arg;
    *fate = child_fate(expect_zero_bytes, &bytes);
    return RC_SUCCESS;
}

static void lend_it(void *arg)
{
    char text[] = "correct horse";
    rc r = secret_lend(arg, equals_text, text);
    _exit(rc_ok(r) ? 0 : 1);
}

static void free_it(void *arg)
{
    struct secret *secret = arg;
    secret_free(&secret);
}

static void a_forked_child_has_nothing(void **state)
{
    char text[] = "correct horse";
    struct secret *secret = secret_with(*state, text);
    int fate = 0;
    assert_true(rc_ok(secret_lend(secret, fork_while_lent, &fate)));
    assert_int_equal(fate, -3); /* readable just then, and zero */
    assert_int_equal(child_fate(lend_it, secret), SIGABRT);
    assert_int_equal(child_fate(free_it, secret), SIGABRT);
    assert_true(rc_ok(secret_lend(secret, equals_text, text))); /* the parent still has it */
}

/* ---- what the kernel refuses ------------------------------------------------------------ */

static unsigned mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned count = 0;
    assert_non_null(maps);
    for (int c = getc(maps); c != EOF; c = getc(maps))
        count += c == '\n';
    fclose(maps);
    return count;
}

static void a_pool_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    struct secret_pool *pool = NULL;
    (void)mappings(); /* what stdio maps for itself is there before counting */
    unsigned before = mappings();
    use_kernel(0);
    assert_true(rc_ok(secret_pool_new(NULL, 2, 5000, &pool)));
    unsigned calls = kernel.step;
    assert_int_equal(calls, 2 + 2 * 5);
    secret_pool_free(&pool);
    for (unsigned n = 1; n <= calls; n++) {
        use_kernel(n);
        assert_rc(secret_pool_new(NULL, 2, 5000, &pool), RC_WORLD, RC_ERRNO | ENOMEM);
        assert_null(pool);
    }
    use_kernel(0);
    assert_int_equal(mappings(), before);
}

static void calls_that_fail_later(void **state)
{
    char text[] = "correct horse";
    struct secret *secret = secret_with(*state, text);
    struct secret *more = NULL;
    use_kernel(1);
    assert_rc(secret_lend(secret, equals_text, text), RC_WORLD, RC_ERRNO | ENOMEM);
    use_kernel(1);
    assert_rc(secret_fill(secret, put_text, text), RC_WORLD, RC_ERRNO | ENOMEM);
    use_kernel(1);
    assert_rc(secret_take(NULL, *state, 1, &more), RC_WORLD, RC_ERRNO | ENOMEM);
    assert_null(more);
    use_kernel(0);
    assert_true(rc_ok(secret_lend(secret, equals_text, text)));
}

static void close_fails(void *arg)
{
    (void)arg;
    struct secret_pool *pool = NULL;
    char text[] = "correct horse";
    if (!rc_ok(secret_pool_new(NULL, 1, 100, &pool)))
        _exit(2);
    struct secret *secret = secret_with(pool, text);
    use_kernel(2);
    rc r = secret_lend(secret, equals_text, text);
    _exit(rc_ok(r) ? 0 : 1);
}

static void what_cannot_be_closed_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(child_fate(close_fails, NULL), SIGABRT);
}

#define POOL_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(filled_lent_and_given_back),
        POOL_TEST(sizes_at_and_past_the_limit),
        POOL_TEST(a_pool_does_not_grow),
        POOL_TEST(empty_until_filled_and_after_a_free),
        POOL_TEST(a_failed_fill_leaves_nothing),
        POOL_TEST(one_loan_at_a_time),
        POOL_TEST(no_access_at_rest),
        POOL_TEST(every_step_aside_is_caught),
        POOL_TEST(giving_back_wrongly_aborts),
        POOL_TEST(a_forked_child_has_nothing),
        POOL_TEST(a_pool_is_made_whole_or_not_at_all),
        POOL_TEST(calls_that_fail_later),
        POOL_TEST(what_cannot_be_closed_ends_the_process),
    };
    return RUN_TESTS(tests);
}
