/* test_threads.c - sixty-four threads verify, each with a verifier of its own, while another
   replaces the snapshot of collateral and frees the old one: the same verdicts throughout.
   Worth most under ThreadSanitizer, which ./check builds this test with. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/number.h"
#include "lib/subject.h"

enum { THREADS = 64, CHECK_ROUNDS = 320, FULL_ROUNDS = 16 * 1024, KINDS = 3 };

/* What is judged: evidence that is good, and the same with a bit too many or too few. */
struct sample {
    struct ward_request request; /* without collateral */
    bool quote;
    const char *reason;
};

/* The snapshot of the day.  Readers hold the lock while they verify, so whoever has it for
   writing may free. */
struct office {
    pthread_rwlock_t lock;
    struct ward_collateral *collateral;
    struct ward_collateral_files files;
    const struct ward_policy *policy;
    struct sample samples[2 * KINDS];
    unsigned rounds;
    atomic_uint working, replaced;
};

/* Returns how many answers were wrong; no assertion in a thread that cmocka does not know. */
static void *work(void *arg)
{
    struct office *office = arg;
    struct ward_verifier *verifier = NULL;
    struct ward_result *result = NULL;
    uintptr_t wrong = 0;
    if (ward_verifier_new(&verifier, NULL) != WARD_DONE ||
        ward_result_new(&result, NULL) != WARD_DONE)
        return (void *)1;
    for (unsigned n = 0; n < office->rounds; n++) {
        const struct sample *sample = &office->samples[n % (2 * KINDS)];
        struct ward_request request = sample->request;
        wrong += pthread_rwlock_rdlock(&office->lock) != 0;
        request.collateral = office->collateral;
        ward_verify(verifier, &request, result);
        wrong += pthread_rwlock_unlock(&office->lock) != 0;
        bool allowed = strcmp(sample->reason, "OK") == 0;
        wrong += strcmp(ward_result_reason(result), sample->reason) != 0;
        wrong += ward_result_allowed(result) != allowed;
    }
    ward_result_free(&result);
    ward_verifier_free(&verifier);
    atomic_fetch_sub(&office->working, 1);
    return (void *)wrong;
}

static void *replace(void *arg)
{
    struct office *office = arg;
    uintptr_t wrong = 0;
    while (atomic_load(&office->working) > 0) {
        struct ward_collateral *fresh = NULL;
        if (ward_collateral_new(&office->files, office->policy, &fresh, NULL) != WARD_DONE)
            return (void *)1;
        wrong += pthread_rwlock_wrlock(&office->lock) != 0;
        struct ward_collateral *old = office->collateral;
        office->collateral = fresh;
        wrong += pthread_rwlock_unlock(&office->lock) != 0;
        ward_collateral_free(&old);
        atomic_fetch_add(&office->replaced, 1);
    }
    return (void *)wrong;
}

static uint8_t bent[KINDS][SIM_NITRO_MAX];

static void sample_of(struct office *office, size_t i, const struct subject *subject)
{
    bool quote = subject->files[FILE_TCB_INFO].len > 0;
    struct span bad = span_of(bent[i], subject->evidence.len);
    memcpy(bent[i], subject->evidence.at, bad.len);
    bent[i][quote ? 200 : 300] ^= 1;
    office->samples[2 * i] = (struct sample){ subject_request(subject, NULL), quote, "OK" };
    office->samples[2 * i + 1] = office->samples[2 * i];
    office->samples[2 * i + 1].request.evidence = bytes_of(bad);
    struct judge judge = judge_open();
    struct ward_request request = office->samples[2 * i + 1].request;
    request.collateral = office->collateral;
    office->samples[2 * i + 1].reason = judge_reason(&judge, &request);
    assert_string_not_equal(office->samples[2 * i + 1].reason, "OK");
    judge_close(&judge);
}

/* Whoever replaces is not kept waiting by readers who come after him. */
static void open_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t how;
    assert_int_equal(pthread_rwlockattr_init(&how), 0);
    assert_int_equal(
        pthread_rwlockattr_setkind_np(&how, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), 0);
    assert_int_equal(pthread_rwlock_init(lock, &how), 0);
    assert_int_equal(pthread_rwlockattr_destroy(&how), 0);
}

static void the_snapshot_is_replaced_under_way(void **state)
{
    static struct stock stock;
    static struct office office;
    pthread_t threads[THREADS + 1];
    uintptr_t wrong = 0;
    (void)state;
    stock_open(&stock);
    stock_add_made(&stock);
    stock_add_made_document(&stock);
    const struct subject *quote = stock_find(&stock, "tdx-v5-1.5");
    office.policy = stock.made;
    office.files = subject_files(quote);
    office.collateral = subject_collateral(quote);
    office.rounds = run_is_full() ? FULL_ROUNDS : CHECK_ROUNDS;
    if (run_slowness() > 1)
        office.rounds = CHECK_ROUNDS / 2;
    atomic_store(&office.working, THREADS);
    sample_of(&office, 0, quote);
    sample_of(&office, 1, stock_find(&stock, "tdx-v4"));
    sample_of(&office, 2, stock_find(&stock, "nitro"));
    open_lock(&office.lock);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &office), 0);
    assert_int_equal(pthread_create(&threads[THREADS], NULL, replace, &office), 0);
    for (size_t i = 0; i <= THREADS; i++) {
        void *one = NULL;
        assert_int_equal(pthread_join(threads[i], &one), 0);
        wrong += (uintptr_t)one;
    }
    assert_int_equal(wrong, 0);
    assert_true(atomic_load(&office.replaced) > 0);
    print_message("# %u verifications by %d threads, %u snapshots\n", THREADS * office.rounds,
                  THREADS, atomic_load(&office.replaced));
    assert_int_equal(pthread_rwlock_destroy(&office.lock), 0);
    ward_collateral_free(&office.collateral);
    stock_close(&stock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_snapshot_is_replaced_under_way, "RL-12"),
    };
    return RUN_TESTS(tests);
}
