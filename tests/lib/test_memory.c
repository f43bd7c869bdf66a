/* test_memory.c - the heap used up at every single allocation of libward, in every call of a
   whole judgement: no crash, no leak, no out-parameter touched, never an allow that was not
   there with memory enough.  The linker sends the library's malloc through the one below. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/number.h"
#include "lib/subject.h"

void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static struct {
    size_t fail_at; /* the n-th allocation from now fails; 0: none */
    bool for_good;  /* and all after it */
    size_t made;
} heap;

static bool fails(void)
{
    heap.made++;
    return heap.fail_at != 0 &&
           (heap.made == heap.fail_at || (heap.for_good && heap.made > heap.fail_at));
}

void *__wrap_malloc(size_t len)
{
    return fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

/* OpenSSL's allocations take the same way. */
static void *crypto_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : __real_malloc(len);
}

static void *crypto_realloc(void *at, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(at, len);
}

static void crypto_free_block(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    free(at);
}

static struct stock stock;
static struct span root; /* of the test authority */

/* Everything that a policy can be made with; *out is NULL or whole. */
static enum ward_outcome make_policy(struct ward_policy **out, struct ward_error *error)
{
    static const char toml[] = "root_files = ['a.pem']\n[tcb]\nstatus = ['UpToDate']\n";
    struct ward_policy *usual = NULL;
    enum ward_outcome made = ward_policy_new(&usual, error);
    ward_policy_free(&usual);
    if (made == WARD_DONE)
        made = ward_policy_load(bytes_of(span_text(toml)), out, error);
    if (made == WARD_DONE)
        made = ward_policy_add_root(*out, bytes_of(root), error);
    if (made == WARD_DONE)
        made = ward_policy_add_root_file(*out, bytes_of(root), error);
    return made == WARD_DONE ? ward_policy_allow_tcb(*out, "OutOfDate", error) : made;
}

/* Everything that a caller does, from a policy to JSON. Returns whether it was allowed. */
static bool whole_judgement(const struct subject *subject)
{
    static char json[WARD_RESULT_JSON];
    struct ward_policy *policy = NULL;
    struct ward_collateral *collateral = NULL;
    struct judge judge = { 0 };
    struct ward_error error = { 0 };
    struct ward_collateral_files files = subject_files(subject);
    bool allowed = false;
    size_t len;
    bool ready = make_policy(&policy, &error) == WARD_DONE &&
                 ward_collateral_new(&files, subject->policy, &collateral, &error) == WARD_DONE &&
                 ward_verifier_new(&judge.verifier, &error) == WARD_DONE &&
                 ward_result_new(&judge.result, &error) == WARD_DONE;
    if (ready) {
        struct ward_request request = subject_request(subject, collateral);
        ward_verify(judge.verifier, &request, judge.result);
        allowed = ward_result_allowed(judge.result);
        assert_int_equal(ward_result_json(judge.result, json, sizeof json, &len, NULL), WARD_DONE);
    } else {
        assert_int_equal(error.outcome, WARD_NO_MEMORY);
        assert_true(policy != NULL || collateral == NULL);
        assert_true(judge.verifier != NULL || judge.result == NULL);
    }
    ward_policy_free(&policy);
    ward_collateral_free(&collateral);
    judge_close(&judge);
    return allowed;
}

/* `subject` is allowed with memory enough exactly when `good`. */
static void sweep(const struct subject *subject, bool good)
{
    heap.fail_at = 0;
    assert_true(whole_judgement(subject) == good); /* what is made once is made now */
    heap.made = 0;
    assert_true(whole_judgement(subject) == good);
    size_t all = heap.made, denied = 0;
    assert_true(all > 10);
    for (size_t n = 1; n <= 2 * all; n++) {
        heap.made = 0;
        heap.for_good = n > all;
        heap.fail_at = n > all ? n - all : n;
        bool allowed = whole_judgement(subject);
        heap.fail_at = 0;
        assert_true(good || !allowed);
        denied += !allowed;
    }
    if (good)
        assert_true(denied > all);
    print_message("# %s: %zu allocations, each failed once and for good, %zu refusals\n",
                  subject->name, all, denied);
}

static void every_allocation_fails(void **state)
{
    static uint8_t hex[32 * 1024], log_room[SIM_LOG_MAX];
    (void)state;
    /* Kinds between these take the same way. */
    static const char *const kinds[] = { "sgx-v3", "tdx-v5-1.5", "nitro" };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct subject subject = *stock_find(&stock, kinds[i]);
        sweep(&subject, true);
        subject.evidence.len--;
        sweep(&subject, false);
    }
    /* Text takes memory of its own, and so does a log in JSON. */
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    struct sim_log_spec log = sim_log_default(LOG_DSTACK_V2);
    struct sink out = sink_over(log_room, sizeof log_room), text = sink_over(hex, sizeof hex);
    sim_log_registers(&log, spec.tdx.rtmr);
    assert_true(sim_log(&log, &out));
    struct subject *logged = stock_make(&stock, "hex with a log", &spec);
    sink_hex(&text, logged->evidence);
    logged->evidence = sink_bytes(&text);
    logged->log = sink_bytes(&out);
    sweep(logged, true);
    hex[2 * 100] ^= 1;
    sweep(logged, false);
}

static int open_all(void **state)
{
    static uint8_t pem[4096];
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    struct sink out = sink_over(pem, sizeof pem);
    (void)state;
    stock_open(&stock);
    assert_true(sim_root(&stock.authority, &spec, &out));
    root = sink_bytes(&out);
    stock_add_made(&stock);
    stock_add_made_document(&stock);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    stock_close(&stock);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_allocation_fails, "RL-27"),
    };
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free_block) != 1)
        return 2;
    return cmocka_run_group_tests(tests, open_all, close_all);
}
