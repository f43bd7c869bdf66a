/* test_mix.c - genuine parts that do not belong together: quotes, TCB info, QE identities,
   CRLs, signing certificates and times of different origin in all combinations, logs of
   other machines, parts of one quote inside another.  Only genuine combinations are allowed;
   which those are, the index alone decides (oracle.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/quote.h"
#include "base/number.h"
#include "lib/oracle.h"
#include "vectors.h"

enum { SEED = 20261121, TIMES_MAX = 128 };

struct mix {
    struct stock stock;
    struct oracle oracle;
    struct judge judge;
    int64_t times[TIMES_MAX];
    size_t time_count;
    size_t counts[3]; /* by what the oracle said */
    size_t allowed;
};

static void open_mix(struct mix *mix)
{
    vectors_required();
    *mix = (struct mix){ 0 };
    stock_open(&mix->stock);
    stock_add_quotes(&mix->stock);
    oracle_open(&mix->oracle, &mix->stock);
    mix->judge = judge_open();
    for (size_t i = 0; i < mix->stock.count; i++)
        mix->times[mix->time_count++] = mix->stock.list[i].time;
    for (size_t i = 0; i < mix->oracle.file_count[FILE_TCB_INFO]; i++)
        mix->times[mix->time_count++] = mix->oracle.files[FILE_TCB_INFO][i].window.until - 3600;
    assert_true(mix->time_count <= TIMES_MAX);
}

static void close_mix(struct mix *mix)
{
    judge_close(&mix->judge);
    stock_close(&mix->stock);
}

/* Every kind of member and the time: how many there are to choose from. */
enum { SLOT_QUOTE = ORACLE_KINDS, SLOT_TIME, SLOTS };

static size_t choices(const struct mix *mix, size_t slot)
{
    if (slot == SLOT_QUOTE)
        return mix->oracle.quote_count;
    return slot == SLOT_TIME ? mix->time_count : mix->oracle.file_count[slot];
}

static void choose(const struct mix *mix, struct tuple *tuple, size_t slot, size_t i)
{
    if (slot == SLOT_QUOTE)
        tuple->quote = i;
    else if (slot == SLOT_TIME)
        tuple->time = mix->times[i];
    else
        tuple->file[slot] = i;
}

static void try_tuple(struct mix *mix, const struct tuple *tuple)
{
    struct oracle *oracle = &mix->oracle;
    struct subject subject = { .evidence = oracle->quotes[tuple->quote].bytes,
                               .time = tuple->time,
                               .policy = mix->stock.lenient };
    for (size_t k = 0; k < ORACLE_KINDS; k++)
        subject.files[k] = oracle->files[k][tuple->file[k]].bytes;
    struct ward_collateral *collateral = subject_collateral(&subject);
    struct ward_request request = subject_request(&subject, collateral);
    const char *reason = judge_reason(&mix->judge, &request);
    enum oracle_verdict verdict = oracle_judge(oracle, tuple);
    bool allowed = strcmp(reason, "OK") == 0;
    if ((allowed && verdict == MUST_DENY) || (!allowed && verdict == MUST_ALLOW))
        fail_msg("%s with %s, %s, %s, %s, %s at %lld: %s (%s)", oracle->quotes[tuple->quote].path,
                 oracle->files[0][tuple->file[0]].path, oracle->files[1][tuple->file[1]].path,
                 oracle->files[2][tuple->file[2]].path, oracle->files[3][tuple->file[3]].path,
                 oracle->files[4][tuple->file[4]].path, (long long)tuple->time, reason,
                 ward_result_detail(mix->judge.result));
    mix->counts[verdict]++;
    mix->allowed += allowed;
    ward_collateral_free(&collateral);
}

/* One member of a genuine combination replaced by each other one of its kind; then two. */
static void swap_members(struct mix *mix, const struct tuple *genuine, size_t stride)
{
    static size_t skip;
    for (size_t a = 0; a < SLOTS; a++) {
        for (size_t i = 0; i < choices(mix, a); i++) {
            struct tuple one = *genuine;
            choose(mix, &one, a, i);
            try_tuple(mix, &one);
        }
    }
    for (size_t pair = 0; pair < SLOTS * SLOTS; pair++) {
        size_t a = pair / SLOTS, b = pair % SLOTS;
        size_t count = a < b ? choices(mix, a) * choices(mix, b) : 0;
        for (size_t n = 0; n < count; n++) {
            struct tuple two = *genuine;
            if (skip++ % stride != 0)
                continue;
            choose(mix, &two, a, n / choices(mix, b));
            choose(mix, &two, b, n % choices(mix, b));
            try_tuple(mix, &two);
        }
    }
}

static void combinations(struct mix *mix)
{
    struct test_random random = { SEED };
    size_t slow = run_slowness(), wild = run_is_full() ? 400000 : 8000 / slow;
    for (size_t i = 0; i < mix->stock.count; i++) {
        struct tuple genuine = oracle_tuple(&mix->oracle, &mix->stock.list[i]);
        assert_int_equal(oracle_judge(&mix->oracle, &genuine), MUST_ALLOW);
        if (slow == 1 || i % 8 == 0)
            swap_members(mix, &genuine, run_is_full() ? 1 : (10 * slow) | 1);
    }
    for (size_t n = 0; n < wild; n++) {
        struct tuple tuple = { 0 };
        for (size_t slot = 0; slot < SLOTS; slot++)
            choose(mix, &tuple, slot, test_random_below(&random, choices(mix, slot)));
        try_tuple(mix, &tuple);
    }
    print_message("# %zu combinations must be refused, %zu allowed, %zu may be; %zu were allowed\n",
                  mix->counts[MUST_DENY], mix->counts[MUST_ALLOW], mix->counts[MAY_ALLOW],
                  mix->allowed);
    assert_true(mix->counts[MUST_ALLOW] > 0 && mix->counts[MUST_DENY] > 20000 / slow / 2);
}

/* --- logs -------------------------------------------------------------------------------- */

/* The index names the quotes that a log belongs to. */
static bool log_belongs(struct mix *mix, uint32_t log, const char *quote)
{
    struct cases *cases = &mix->stock.cases;
    const struct json *json = &cases->json;
    uint32_t list = json_member(json, log, "matching_quotes");
    for (uint32_t n = json_first(json, list); n != JSON_NONE; n = json_next(json, n)) {
        if (json_equal_text(json, json_member(json, n, "quote"), quote))
            return true;
    }
    return false;
}

struct log_counts {
    size_t allowed, tried;
};

/* One quote with every log of a kind. */
static void try_logs(struct mix *mix, const struct subject *quote, const char *kind,
                     struct log_counts *counts)
{
    struct cases *cases = &mix->stock.cases;
    struct subject subject = *quote;
    struct ward_collateral *collateral = subject_collateral(&subject);
    uint32_t n = JSON_NONE;
    while ((n = cases_next(cases, n, kind)) != JSON_NONE) {
        subject.log = stock_read(&mix->stock, case_text(cases, n, "file"));
        struct ward_request request = subject_request(&subject, collateral);
        bool ok = strcmp(judge_reason(&mix->judge, &request), "OK") == 0;
        if (ok != log_belongs(mix, n, subject.name))
            fail_msg("%s with %s: %s", subject.name, case_text(cases, n, "file"),
                     ward_result_reason(mix->judge.result));
        counts->allowed += ok;
        counts->tried++;
    }
    ward_collateral_free(&collateral);
}

static void logs_of_others(struct mix *mix)
{
    struct log_counts counts = { 0 };
    for (size_t i = 0; i < mix->stock.count; i++) {
        try_logs(mix, &mix->stock.list[i], "ccel", &counts);
        try_logs(mix, &mix->stock.list[i], "dstack-eventlog", &counts);
    }
    print_message("# %zu pairs of quote and log, %zu belong together\n", counts.tried,
                  counts.allowed);
    assert_true(counts.allowed >= 3);
}

/* --- parts of quotes ------------------------------------------------------------------------ */

enum { PART_COUNT = 7 };

static struct span part_of(const struct quote *quote, size_t part)
{
    const struct span parts[PART_COUNT] = { quote->body,      quote->signature,    quote->att_key,
                                            quote->qe_report, quote->qe_signature, quote->qe_auth,
                                            quote->cert_data };
    return parts[part];
}

/* The quote with one part of another; false when the part is of another length or is the
   same.  The header's lengths stay right, so what refuses it is a signature. */
static bool transplant(struct span into, struct span from, size_t part, uint8_t *out)
{
    static struct report report;
    struct quote a, b;
    report = (struct report){ 0 };
    if (!quote_parse(into, &report, &a) || !quote_parse(from, &report, &b))
        return false;
    struct span was = part_of(&a, part), is = part_of(&b, part);
    if (was.len != is.len || was.len == 0 || span_equal(was, is))
        return false;
    memcpy(out, into.at, into.len);
    memcpy(out + (was.at - into.at), is.at, is.len);
    return true;
}

static void parts_of_others(struct mix *mix)
{
    static uint8_t bytes[WARD_EVIDENCE_MAX];
    size_t tried = 0;
    for (size_t i = 0; i < mix->stock.count; i++) {
        struct subject *subject = &mix->stock.list[i];
        struct ward_collateral *collateral = subject_collateral(subject);
        for (size_t n = 0; n < mix->oracle.quote_count * PART_COUNT; n++) {
            struct span other = mix->oracle.quotes[n / PART_COUNT].bytes;
            struct ward_request request = subject_request(subject, collateral);
            if (!transplant(subject->evidence, other, n % PART_COUNT, bytes))
                continue;
            request.evidence.data = bytes;
            const char *reason = judge_reason(&mix->judge, &request);
            if (strcmp(reason, "OK") == 0)
                fail_msg("%s with part %zu of %s is allowed", subject->name, n % PART_COUNT,
                         mix->oracle.quotes[n / PART_COUNT].path);
            tried++;
        }
        ward_collateral_free(&collateral);
    }
    print_message("# %zu quotes with a part of another\n", tried);
    assert_true(tried > 100);
}

/* --- documents -------------------------------------------------------------------------------- */

/* A document at the time of another; and its certificates are valid for three hours. */
static void documents_at_other_times(struct mix *mix)
{
    size_t first = mix->stock.count;
    stock_add_documents(&mix->stock);
    for (size_t i = first; i < mix->stock.count; i++) {
        for (size_t k = first; k < mix->stock.count; k++) {
            struct ward_request request = subject_request(&mix->stock.list[i], NULL);
            request.time = mix->stock.list[k].time;
            bool ok = strcmp(judge_reason(&mix->judge, &request), "OK") == 0;
            assert_true(ok == (i == k));
        }
    }
}

static void genuine_parts_of_different_origin(void **state)
{
    static struct mix mix;
    (void)state;
    open_mix(&mix);
    combinations(&mix);
    logs_of_others(&mix);
    parts_of_others(&mix);
    documents_at_other_times(&mix);
    close_mix(&mix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(genuine_parts_of_different_origin, "RL-3"),
    };
    return RUN_TESTS(tests);
}
