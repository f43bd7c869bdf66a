/* test_damage.c - evidence, collateral and event logs with damage: every prefix, every bit
   flipped, every byte set to 00 and FF and raised by one.  Nothing damaged is allowed, but for
   the bytes in the table `excuses`, each with the proof that no signature covers it and no
   claim comes from it.  The same damage gives the same reason with and without caches.

   One genuine piece of each kind is flipped whole; WARD_FULL does all of everything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/roots.h"
#include "base/number.h"
#include "base/sink.h"
#include "lib/subject.h"
#include "vectors.h"

enum { PART_EVIDENCE = SUBJECT_FILES, PART_LOG, DAMAGE_MAX = 64 * 1024, SEED = 20261120 };

/* One thing to damage. */
struct target {
    struct subject *subject;
    unsigned part; /* a file, the evidence or the log */
    size_t stride; /* one in so many flips is tried */
};

struct run {
    struct target target;
    struct span original;
    struct ward_collateral *collateral; /* undamaged */
    struct judge judge;
    char *json, *damaged_json;
    size_t json_len;
    size_t tried, excused;
    struct test_random random;
};

static struct span *part_of(struct subject *subject, unsigned part)
{
    if (part == PART_EVIDENCE)
        return &subject->evidence;
    return part == PART_LOG ? &subject->log : &subject->files[part];
}

/* --- bytes outside every signature ------------------------------------------------------- */

/* Where the n-th PEM block begins; the length when there are fewer. */
static size_t block_begin(struct span bytes, unsigned n)
{
    static const char begin[] = "-----BEGIN ";
    for (size_t i = 0; i + sizeof begin - 1 <= bytes.len; i++) {
        if (bytes_equal(bytes.at + i, begin, sizeof begin - 1) && n-- == 0)
            return i;
    }
    return bytes.len;
}

/* What follows the signing certificate in its file: the root's copy, which is not even
   needed there, because its key is pinned (AT-17). */
static bool damages_after_signer(const struct run *run, struct span damaged)
{
    size_t root = block_begin(run->original, 1);
    return run->target.part == FILE_TCB_SIGNER && root < run->original.len &&
           damaged.len + 1 >= root &&
           bytes_equal(damaged.at, run->original.at, damaged.len < root ? damaged.len : root);
}

/* The letters of the hex text of a file's signature may be of either case: the signature is
   the same 64 bytes. */
static bool damages_case_of_hex(const struct run *run, struct span damaged)
{
    static const char key[] = "\"signature\":\"";
    size_t at = 0, from = 0;
    if ((run->target.part != FILE_TCB_INFO && run->target.part != FILE_QE_IDENTITY) ||
        damaged.len != run->original.len)
        return false;
    for (size_t i = 0; i + sizeof key - 1 <= damaged.len; i++) {
        if (bytes_equal(run->original.at + i, key, sizeof key - 1))
            from = i + sizeof key - 1;
    }
    while (at < damaged.len && damaged.at[at] == run->original.at[at])
        at++;
    return from > 0 && at >= from && at < from + 128 &&
           (damaged.at[at] ^ run->original.at[at]) == 0x20;
}

/* White space after the end of a file of text. */
static bool damages_end_of_text(const struct run *run, struct span damaged)
{
    size_t same = 0;
    if (run->target.part == PART_EVIDENCE || run->target.part == PART_LOG)
        return false;
    while (same < damaged.len && damaged.at[same] == run->original.at[same])
        same++;
    for (size_t i = same; i < run->original.len; i++) {
        uint8_t was = run->original.at[i];
        uint8_t is = i < damaged.len ? damaged.at[i] : '\n';
        if (strchr(" \t\r\n", was) == NULL || was == 0 || is == 0 || strchr(" \t\r\n", is) == NULL)
            return false;
    }
    return true;
}

/* An event log is signed by nobody: what vouches for it are the registers, and the damaged
   log still replays to them.  So this damage is in names of boot events, in data that are but
   hints (AE-7), in types (no digest covers a type) or in white space. */
static bool damages_hint_of_log(const struct run *run, struct span damaged)
{
    (void)damaged;
    return run->target.part == PART_LOG;
}

static const struct excuse {
    const char *what;
    bool (*holds)(const struct run *run, struct span damaged);
} excuses[] = {
    { "what follows the signing certificate", damages_after_signer },
    { "letter case of a signature in hex", damages_case_of_hex },
    { "white space after the end", damages_end_of_text },
    { "hints of an event log", damages_hint_of_log },
};

/* Each member of `damaged`, an object of texts, is one of `original`. */
static bool values_are_among(struct span damaged, struct span original)
{
    struct arena arena;
    struct json was, is;
    arena_init(&arena, 1 << 20);
    bool fit = json_parse(original, &arena, NULL, &was, NULL) &&
               json_parse(damaged, &arena, NULL, &is, NULL);
    for (uint32_t n = fit ? json_first(&is, 0) : JSON_NONE; n != JSON_NONE; n = json_next(&is, n)) {
        char name[64];
        struct span key = { 0 };
        fit = fit && json_key(&is, n, &key) && key.len < sizeof name;
        struct sink text = sink_over(name, sizeof name);
        sink_put(&text, key);
        sink_terminate(&text);
        fit = fit && span_equal(json_raw(&is, n), json_raw(&was, json_member(&was, 0, name)));
    }
    arena_fini(&arena);
    return fit;
}

/* Where the values of a log stand in an answer; the end when there are none. */
static struct span values_of(struct span json)
{
    static const char key[] = "\"values\":";
    for (size_t i = 0; i + sizeof key - 1 <= json.len; i++) {
        struct span rest = span_of(json.at + i + sizeof key - 1, json.len - i - sizeof key + 1);
        const uint8_t *end = memchr(rest.at, '}', rest.len);
        if (bytes_equal(json.at + i, key, sizeof key - 1) && end != NULL)
            return span_of(rest.at, (size_t)(end - rest.at) + 1);
    }
    return span_of(json.at + json.len, 0);
}

/* The answer is the same to the byte, but that a log may have lost a value: then a policy that
   asks for it refuses. */
static bool is_same_answer(struct span damaged, struct span original)
{
    struct span is = values_of(damaged), was = values_of(original);
    size_t before = (size_t)(was.at - original.at);
    struct span is_rest = span_of(is.at + is.len, damaged.len - before - is.len);
    struct span was_rest = span_of(was.at + was.len, original.len - before - was.len);
    return (size_t)(is.at - damaged.at) == before && bytes_equal(damaged.at, original.at, before) &&
           span_equal(is_rest, was_rest) && (span_equal(is, was) || values_are_among(is, was));
}

/* An excused damage must not change the answer either. */
static bool is_excused(struct run *run, struct span damaged)
{
    size_t len = 0;
    assert_int_equal(
        ward_result_json(run->judge.result, run->damaged_json, WARD_RESULT_JSON, &len, NULL),
        WARD_DONE);
    if (!is_same_answer(span_of(run->damaged_json, len), span_of(run->json, run->json_len)))
        return false;
    for (size_t i = 0; i < COUNT_OF(excuses); i++) {
        if (excuses[i].holds(run, damaged))
            return true;
    }
    return false;
}

/* --- the sweep --------------------------------------------------------------------------- */

static const char *judge_damaged(struct run *run, struct span damaged)
{
    struct subject subject = *run->target.subject;
    *part_of(&subject, run->target.part) = damaged;
    bool file = run->target.part < SUBJECT_FILES;
    struct ward_collateral *collateral = file ? subject_collateral(&subject) : run->collateral;
    struct ward_request request = subject_request(&subject, collateral);
    const char *reason = judge_reason(&run->judge, &request);
    if (file)
        ward_collateral_free(&collateral);
    return reason;
}

static void try_damage(struct run *run, struct span damaged, const char *how, size_t at)
{
    struct span whole = run->original;
    const char *first = judge_damaged(run, damaged);
    run->tried++;
    if (strcmp(first, "OK") == 0) {
        if (!is_excused(run, damaged))
            fail_msg("%s, part %u: allowed with %s at byte %zu of %zu", run->target.subject->name,
                     run->target.part, how, at, whole.len);
        run->excused++;
    }
    /* Texts of reasons are static, so one may be compared with another. */
    if (test_random_below(&run->random, 64) == 0) {
        ward_verifier_forget(run->judge.verifier);
        const char *again = judge_damaged(run, damaged);
        if (strcmp(first, again) != 0)
            fail_msg("%s, part %u, %s at byte %zu: %s, then %s", run->target.subject->name,
                     run->target.part, how, at, first, again);
    }
}

/* An empty part is one that was not given, which is no damage. */
static void sweep_prefixes(struct run *run, size_t stride)
{
    size_t len = 1 + test_random_below(&run->random, stride);
    for (; len < run->original.len; len += stride) {
        /* A block of exactly this size, so that one byte too far is seen. */
        uint8_t *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, run->original.at, len);
        try_damage(run, span_of(copy, len), "the rest cut off", len);
        free(copy);
    }
}

/* Every bit; then the byte set to 00, to FF, and raised by one, four times as seldom. */
static void sweep_bytes(struct run *run, size_t stride)
{
    enum { BITS = 8, WAYS = BITS + 3 };
    size_t sets = run_is_full() ? 1 : 4 * stride;
    size_t skip_flip = test_random_below(&run->random, stride);
    size_t skip_set = test_random_below(&run->random, sets);
    uint8_t *copy = malloc(run->original.len);
    assert_non_null(copy);
    memcpy(copy, run->original.at, run->original.len);
    for (size_t i = 0; i < run->original.len; i++) {
        uint8_t was = copy[i];
        const uint8_t ways[3] = { 0x00, 0xff, (uint8_t)(was + 1) };
        for (size_t way = 0; way < WAYS; way++) {
            size_t *skip = way < BITS ? &skip_flip : &skip_set;
            if ((*skip)-- > 0)
                continue;
            *skip = (way < BITS ? stride : sets) - 1;
            copy[i] = (uint8_t)(way < BITS ? was ^ (1u << way) : ways[way - BITS]);
            if (copy[i] != was)
                try_damage(run, span_of(copy, run->original.len), "a byte changed", i);
        }
        copy[i] = was;
    }
    free(copy);
}

/* Returns how many damages were allowed and excused. */
static size_t sweep(struct target target)
{
    struct run run = { .target = target, .random = { SEED }, .judge = judge_open() };
    run.original = *part_of(target.subject, target.part);
    run.collateral = subject_collateral(target.subject);
    run.json = malloc(WARD_RESULT_JSON);
    run.damaged_json = malloc(WARD_RESULT_JSON);
    assert_true(run.original.len > 0 && run.json != NULL && run.damaged_json != NULL);
    const char *reason = judge_damaged(&run, run.original);
    if (strcmp(reason, "OK") != 0)
        fail_msg("%s: %s (%s)", target.subject->name, reason, ward_result_detail(run.judge.result));
    assert_int_equal(
        ward_result_json(run.judge.result, run.json, WARD_RESULT_JSON, &run.json_len, NULL),
        WARD_DONE);
    /* Odd, so that a sample takes every bit of a byte in turn. */
    size_t stride = run_is_full() ? 1 : (target.stride * run_slowness()) | 1;
    /* Cut evidence is refused before any signature is looked at; a cut file is not so cheap. */
    sweep_prefixes(&run, run_is_full() || target.part >= SUBJECT_FILES ? 1 : stride);
    sweep_bytes(&run, stride);
    print_message("# %s, part %u: %zu damages, %zu excused\n", target.subject->name, target.part,
                  run.tried, run.excused);
    free(run.json);
    free(run.damaged_json);
    ward_collateral_free(&run.collateral);
    judge_close(&run.judge);
    return run.excused;
}

static void sweep_files(struct subject *subject, size_t stride)
{
    for (unsigned part = FILE_TCB_INFO; part <= FILE_TCB_SIGNER; part++)
        sweep((struct target){ subject, part, stride });
}

/* --- what is swept ------------------------------------------------------------------------ */

/* The log of one quote of the index, which names no collateral for logs. */
static struct subject *with_log(struct stock *stock, const char *quote, const char *log)
{
    struct subject *subject = stock_find(stock, quote);
    subject->log = stock_read(stock, log);
    return subject;
}

/* In the normal run: every flip of one piece of each kind, a sample of the same kinds' other
   damage; every prefix of every piece of evidence. */
static void genuine_evidence(void **state)
{
    static const char *const whole[] = { "sgx-quote_f8b810", "tdx-quote_f1c850",
                                         "quote-v5-sample_cf77a6", "attestation_54ae0f" };
    static struct stock stock;
    (void)state;
    vectors_required();
    stock_open(&stock);
    stock_add_quotes(&stock);
    stock_add_documents(&stock);
    for (size_t i = 0; i < stock.count; i++) {
        size_t stride = 500;
        bool again = i > 0 && strcmp(stock.list[i].name, stock.list[i - 1].name) == 0;
        for (size_t k = 0; k < COUNT_OF(whole) && !again; k++)
            stride = strstr(stock.list[i].name, whole[k]) != NULL ? 1 : stride;
        /* No byte of evidence is outside every check. */
        assert_int_equal(sweep((struct target){ &stock.list[i], PART_EVIDENCE, stride }), 0);
    }
    /* The smallest files of each kind whole, so that the normal run stays short. */
    for (unsigned part = FILE_TCB_INFO; part <= FILE_TCB_SIGNER; part++) {
        bool list = part == FILE_PCK_CRL || part == FILE_ROOT_CRL;
        sweep((struct target){ stock_find(&stock, "quote_f8b810"), part, list ? 1 : 200 });
        sweep((struct target){ stock_find(&stock, "quote_f1c850"), part, list ? 64 : 1 });
    }
    sweep((struct target){ with_log(&stock, "lite-attestation_1d0342",
                                    "eventlog/dstack_tdx-lite-getquote.dstack-eventlog.json"),
                           PART_LOG, 1 });
    sweep((struct target){ with_log(&stock, "cos-113-tdx-quote_00b252",
                                    "eventlog/go-eventlog_cos-113-intel-tdx-bin.ccel.bin"),
                           PART_LOG, 64 });
    stock_close(&stock);
}

/* The same for evidence of the test authority, which is always there. */
static void made_evidence(void **state)
{
    static struct stock stock;
    (void)state;
    stock_open(&stock);
    stock_add_made(&stock);
    stock_add_made_document(&stock);
    for (size_t i = 0; i < stock.count; i++)
        sweep((struct target){ &stock.list[i], PART_EVIDENCE, 16 });
    sweep_files(stock_find(&stock, "tdx-v5-1.5"), 64);
    /* The negative control: an allow of damaged bytes is seen when there is one. */
    assert_true(sweep((struct target){ stock_find(&stock, "tdx-v5-1.5"), FILE_TCB_SIGNER, 4 }) > 0);
    sweep_files(stock_find(&stock, "sgx-v3"), 64);
    stock_close(&stock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(genuine_evidence, "RL-1"),
        TEST(made_evidence, ""),
    };
    return RUN_TESTS(tests);
}
