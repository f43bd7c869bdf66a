/* test_time_edges.c - genuine evidence a second before, at and after each validity bound that
   has a part in its verdict, and at instants where a time of 32 bits or with a sign would go
   wrong.  Intervals are closed; nothing is allowed outside any one of them.

   One bound is let pass on purpose: the first day of the PCK leaf, where a whole set of
   signed collateral vouches for the time (ADR 0008). */
#include <string.h>

#include "base/number.h"
#include "lib/oracle.h"
#include "vectors.h"

static const int64_t instants[] = {
    0,
    -1,
    -86400,
    INT64_C(-2147483649),
    (INT64_C(1) << 31) - 1,
    INT64_C(1) << 31,
    (INT64_C(1) << 31) + 1,
    (INT64_C(1) << 32) - 1,
    INT64_C(1) << 32,
    (INT64_C(1) << 32) + 1,
    TIME_MAX,
    TIME_MAX + 1,
    INT64_MAX,
    INT64_MIN,
};

struct edges {
    struct judge judge;
    struct ward_request request;
    struct window window; /* of all that decides */
    size_t allowed, refused;
};

static void try_at(struct edges *edges, int64_t at, const char *name)
{
    edges->request.time = at;
    bool wanted = at >= edges->window.from && at <= edges->window.until;
    const char *reason = judge_reason(&edges->judge, &edges->request);
    if ((strcmp(reason, "OK") == 0) != wanted)
        fail_msg("%s at %lld, valid from %lld to %lld: %s (%s)", name, (long long)at,
                 (long long)edges->window.from, (long long)edges->window.until, reason,
                 ward_result_detail(edges->judge.result));
    if (wanted && ward_result_valid_until(edges->judge.result) < at)
        fail_msg("%s at %lld: allowed until before that", name, (long long)at);
    edges->allowed += wanted;
    edges->refused += !wanted;
}

/* Around both ends; the same times with 2^32 seconds more or less are other times. */
static void try_around(struct edges *edges, struct window window, const char *name)
{
    static const int64_t far[] = { 0, INT64_C(1) << 32, -(INT64_C(1) << 32), INT64_C(1) << 31 };
    for (size_t i = 0; i < COUNT_OF(far); i++) {
        for (int64_t step = -1; step <= 1; step++) {
            try_at(edges, window.from + step + far[i], name);
            try_at(edges, window.until + step + far[i], name);
        }
    }
}

static void quotes(struct stock *stock)
{
    static struct oracle oracle;
    struct edges edges = { .judge = judge_open() };
    oracle_open(&oracle, stock);
    for (size_t i = 0; i < stock->count; i++) {
        const struct subject *subject = &stock->list[i];
        struct tuple tuple = oracle_tuple(&oracle, subject);
        struct ward_collateral *collateral = subject_collateral(subject);
        edges.request = subject_request(subject, collateral);
        edges.window = oracle_window(&oracle, &tuple);
        for (size_t k = 0; k < ORACLE_KINDS; k++)
            try_around(&edges, oracle.files[k][tuple.file[k]].window, subject->name);
        try_around(&edges, oracle.quotes[tuple.quote].leaf, subject->name);
        for (size_t k = 0; k < COUNT_OF(instants); k++)
            try_at(&edges, instants[k], subject->name);
        edges.request.time = subject->time;
        assert_string_equal(judge_reason(&edges.judge, &edges.request), "OK");
        assert_true(ward_result_valid_until(edges.judge.result) == edges.window.until);
        ward_collateral_free(&collateral);
    }
    print_message("# quotes: %zu times inside, %zu outside\n", edges.allowed, edges.refused);
    judge_close(&edges.judge);
}

/* The window of a document's certificates, as the index has it.  Its age is not limited here,
   so that the certificates alone decide. */
static struct window window_of(struct stock *stock, const char *file)
{
    const struct json *json = &stock->cases.json;
    uint32_t details = json_member(json, cases_find(&stock->cases, file), "details");
    uint32_t from = json_first(json, json_member(json, details, "window"));
    struct window window = { 1, 0 };
    assert_true(json_time(json, from, &window.from));
    assert_true(json_time(json, json_next(json, from), &window.until));
    return window;
}

static void documents(struct stock *stock)
{
    static const char any_age[] = "[nitro]\nallow_debug = true\n"
                                  "max_age = 268435456\nskew = 268435456\n";
    struct edges edges = { .judge = judge_open() };
    struct ward_policy *policy = NULL;
    size_t first = stock->count;
    stock_add_documents(stock);
    assert_int_equal(ward_policy_load(bytes_of(span_text(any_age)), &policy, NULL), WARD_DONE);
    for (size_t i = first; i < stock->count; i++) {
        const struct subject *subject = &stock->list[i];
        edges.request = subject_request(subject, NULL);
        edges.request.policy = policy;
        edges.window = window_of(stock, subject->name);
        try_around(&edges, edges.window, subject->name);
        for (size_t k = 0; k < COUNT_OF(instants); k++)
            try_at(&edges, instants[k], subject->name);
    }
    print_message("# documents: %zu times inside, %zu outside\n", edges.allowed, edges.refused);
    ward_policy_free(&policy);
    judge_close(&edges.judge);
}

static void every_bound_of_genuine_evidence(void **state)
{
    static struct stock stock;
    (void)state;
    vectors_required();
    stock_open(&stock);
    stock_add_quotes(&stock);
    quotes(&stock);
    documents(&stock);
    stock_close(&stock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_bound_of_genuine_evidence, "RL-4"),
    };
    return RUN_TESTS(tests);
}
