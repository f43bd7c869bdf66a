/* test_verify.c - a log of 10,000 records, damaged in every way at every record: the first bad
   record is named. */
#include "audit/verify.h"

#include <stdlib.h>

#include "log.h"

enum { RECORDS = 10000, LOG_ROOM = 5 << 20, FILE_RECORDS = 1000, HEADS = RECORDS / FILE_RECORDS };

struct log {
    uint8_t bytes[LOG_ROOM];
    size_t at[RECORDS + 1]; /* where each line starts */
    struct merkle_hash leaves[RECORDS];
    struct merkle_head heads[HEADS]; /* one at the end of each file */
    bool unreadable;
};

static struct log genuine;
static struct log other;
static struct audit_reader reader;

static void make_log(struct log *log, uint64_t seed)
{
    struct audit_chain chain = { 0 };
    struct sink out = sink_over(log->bytes, sizeof log->bytes);
    struct test_random random = { seed };
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t text[12];
        for (size_t k = 0; k < sizeof text; k++)
            text[k] = (uint8_t)(i % 50 == 0 ? test_random_next(&random)
                                            : 'a' + test_random_below(&random, 26));
        struct audit_record record = log_event((enum audit_event)(1 + i % (AUDIT_EVENT_COUNT - 1)),
                                               SPAN(text));
        record.at += (int64_t)i * 1000;
        log->at[i] = out.len;
        assert_true(rc_ok(audit_chain_seal(&chain, &record, &out, &log->leaves[i], NULL)));
        if ((i + 1) % FILE_RECORDS == 0)
            audit_chain_head(&chain, &log->heads[i / FILE_RECORDS]);
    }
    log->at[RECORDS] = out.len;
}

static bool read_leaves(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    const struct log *log = arg;
    if (log->unreadable || first + count > RECORDS)
        return false;
    memcpy(out, &log->leaves[first], count * sizeof *out);
    return true;
}

static bool read_one(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    if (first != 0 || count != 1)
        return false;
    *out = *(const struct merkle_hash *)arg;
    return true;
}

static const struct merkle_source kept = { read_leaves, NULL, &genuine };
static const struct audit_against all = { &kept, RECORDS, genuine.heads, HEADS, false };
static const struct audit_against bytes_only = { &kept, RECORDS, genuine.heads, HEADS, true };
static const struct audit_against heads_only = { NULL, 0, genuine.heads, HEADS, false };
static const struct audit_against nothing = { NULL, 0, NULL, 0, false };

/* What a call says stands in the finding. */
static void seen(rc r)
{
    (void)r;
}

static struct span line_at(const struct log *log, size_t i)
{
    return span_of(log->bytes + log->at[i], log->at[i + 1] - log->at[i] - 1);
}

/* Feeds the bytes from record `from` on, cut into lines as a reader of files does, and ends.
   Stops at what is found. */
static void feed_rest(struct audit_verifier *v, const struct log *log, size_t from)
{
    const uint8_t *at = log->bytes + log->at[from];
    size_t left = log->at[RECORDS] - log->at[from];
    while (left > 0) {
        const uint8_t *end = memchr(at, '\n', left);
        if (end == NULL) {
            seen(audit_verify_torn(v, NULL));
            return;
        }
        size_t len = (size_t)(end - at);
        if (!rc_ok(audit_verify_line(v, span_of(at, len), NULL, NULL)))
            return;
        left -= len + 1;
        at = end + 1;
    }
    seen(audit_verify_end(v, NULL));
}

static void test_the_whole_log(void **state)
{
    static const struct audit_against *const ways[] = { &all, &bytes_only, &heads_only, &nothing };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct audit_verifier v;
        audit_verify_begin(&v, &reader, ways[i]);
        feed_rest(&v, &genuine, 0);
        assert_int_equal(v.finding.reason, REASON_OK);
        assert_int_equal(v.chain.tree.size, RECORDS);
        assert_true(merkle_equal(&v.chain.last, &genuine.leaves[RECORDS - 1]));
        assert_int_equal(v.agreed, ways[i]->head_count > 0 ? RECORDS : 0);
    }
}

/* A verifier that has taken all records up to one, for each record in turn. */
struct walk {
    struct audit_verifier v;
    size_t next;
};

static void walk_begin(struct walk *walk, const struct audit_against *against)
{
    audit_verify_begin(&walk->v, &reader, against);
    walk->next = 0;
}

static void walk_on(struct walk *walk)
{
    assert_true(rc_ok(audit_verify_line(&walk->v, line_at(&genuine, walk->next++), NULL, NULL)));
}

static void assert_named(const struct audit_verifier *v, uint64_t first, const char *what)
{
    if (v->finding.reason == REASON_OK || v->finding.first != first || v->finding.last != first)
        print_message("# %s: %s %llu..%llu, not %llu\n", what, reason_info(v->finding.reason)->name,
                      (unsigned long long)v->finding.first, (unsigned long long)v->finding.last,
                      (unsigned long long)first);
    assert_int_not_equal(v->finding.reason, REASON_OK);
    assert_int_equal(v->finding.first, first);
    assert_int_equal(v->finding.last, first);
}

static size_t stride(size_t sampled)
{
    return getenv("WARD_FULL") != NULL ? 1 : sampled;
}

/* Every byte of every line and its newline, with the bits in turn. */
static void flip_bytes(const struct audit_against *against, size_t step)
{
    static struct walk walk;
    size_t flips = 0;
    walk_begin(&walk, against);
    for (size_t byte = 0; byte < genuine.at[RECORDS]; byte += step, flips++) {
        while (byte >= genuine.at[walk.next + 1])
            walk_on(&walk);
        struct audit_verifier v = walk.v;
        uint8_t bit = (uint8_t)(1u << (byte / step % 8));
        genuine.bytes[byte] ^= bit;
        feed_rest(&v, &genuine, walk.next);
        genuine.bytes[byte] ^= bit;
        assert_named(&v, walk.next, "flip");
    }
    assert_true(flips > 10000);
}

static void test_every_byte_flipped(void **state)
{
    (void)state;
    flip_bytes(&all, stride(61));
}

static void test_every_byte_flipped_bytes_only(void **state)
{
    (void)state;
    flip_bytes(&bytes_only, stride(67));
}

/* Without kept hashes the chain finds it too, within one record. */
static void test_flips_found_by_the_chain(void **state)
{
    (void)state;
    static struct walk walk;
    size_t step = stride(409);
    walk_begin(&walk, &heads_only);
    for (size_t byte = 0; byte < genuine.at[RECORDS]; byte += step) {
        while (byte >= genuine.at[walk.next + 1])
            walk_on(&walk);
        struct audit_verifier v = walk.v;
        uint8_t bit = (uint8_t)(1u << (byte / step % 8));
        genuine.bytes[byte] ^= bit;
        feed_rest(&v, &genuine, walk.next);
        genuine.bytes[byte] ^= bit;
        assert_int_not_equal(v.finding.reason, REASON_OK);
        assert_in_range(walk.next, v.finding.first, v.finding.last);
        bool under_a_head = walk.next % FILE_RECORDS == FILE_RECORDS - 1;
        assert_true(under_a_head || v.finding.last - v.finding.first <= 1);
    }
}

/* What is done to the lines from one record on. */
static void give(struct audit_verifier *v, const struct log *log, size_t i)
{
    if (i < RECORDS)
        seen(audit_verify_line(v, line_at(log, i), NULL, NULL));
    else
        seen(audit_verify_end(v, NULL));
}

static void damage_at(const struct audit_verifier *before, size_t i)
{
    struct audit_verifier v = *before;
    give(&v, &genuine, i + 1); /* deleted */
    assert_named(&v, i, "deleted");

    v = *before;
    give(&v, &genuine, i);
    give(&v, &genuine, i); /* doubled */
    assert_named(&v, i + 1, "doubled");

    if (i + 1 < RECORDS) {
        v = *before;
        give(&v, &genuine, i + 1); /* swapped */
        give(&v, &genuine, i);
        assert_named(&v, i, "swapped");
    }

    v = *before;
    assert_int_equal(rc_number(audit_verify_end(&v, NULL)), REASON_AUDIT_TRUNCATED);
    assert_int_equal(v.finding.first, i);
    assert_int_equal(v.finding.last, RECORDS - 1);

    v = *before;
    assert_int_equal(rc_number(audit_verify_torn(&v, NULL)), REASON_AUDIT_TRUNCATED);
    assert_named(&v, i, "torn");

    v = *before;
    give(&v, &other, i); /* another log from here on */
    give(&v, &other, i + 1);
    assert_named(&v, i, "spliced");
}

static void test_damage_at_every_record(void **state)
{
    (void)state;
    static struct walk walk;
    walk_begin(&walk, &all);
    while (walk.next < RECORDS) {
        damage_at(&walk.v, walk.next);
        walk_on(&walk);
    }
}

/* The same with every record: deleted, doubled, swapped and truncated are seen by the chain
   alone, a splice within one record. */
static void test_damage_without_kept_hashes(void **state)
{
    (void)state;
    static struct walk walk;
    for (walk_begin(&walk, &nothing); walk.next + 2 < RECORDS; walk_on(&walk)) {
        struct audit_verifier v = walk.v;
        give(&v, &genuine, walk.next + 1);
        assert_named(&v, walk.next, "deleted");
        v = walk.v;
        give(&v, &genuine, walk.next);
        give(&v, &genuine, walk.next);
        assert_named(&v, walk.next + 1, "doubled");
        if (walk.next == 0)
            continue;
        v = walk.v;
        give(&v, &other, walk.next);
        assert_int_equal(v.finding.reason, REASON_AUDIT_CHAIN_BROKEN);
        assert_int_equal(v.finding.last, walk.next);
        assert_int_equal(v.finding.first, walk.next - 1);
    }
}

static void test_rotated_files_swapped(void **state)
{
    (void)state;
    for (size_t file = 0; file + 1 < HEADS; file++) {
        struct audit_verifier v;
        audit_verify_begin(&v, &reader, &all);
        for (size_t i = 0; i < file * FILE_RECORDS; i++)
            give(&v, &genuine, i);
        for (size_t i = 0; i < FILE_RECORDS; i++)
            give(&v, &genuine, (file + 1) * FILE_RECORDS + i);
        assert_int_equal(v.finding.reason, REASON_AUDIT_SEQ_GAP);
        assert_named(&v, file * FILE_RECORDS, "files swapped");
    }
}

/* Rewritten from a record on with chain and kept hashes made anew: only the head can tell, and
   it tells between which heads. */
static void test_a_consistent_rewriting(void **state)
{
    (void)state;
    static const struct merkle_source theirs = { read_leaves, NULL, &other };
    struct audit_against against = { &theirs, RECORDS, genuine.heads, HEADS, false };
    struct audit_verifier v;
    for (unsigned mode = 0; mode < 2; mode++) {
        against.bytes_only = mode == 1;
        audit_verify_begin(&v, &reader, &against);
        feed_rest(&v, &other, 0);
        assert_int_equal(v.finding.reason, REASON_AUDIT_HEAD_MISMATCH);
        assert_int_equal(v.finding.first, 0);
        assert_int_equal(v.finding.last, FILE_RECORDS - 1);
    }
    /* The third head is the first that does not fit. */
    struct merkle_head heads[3] = { other.heads[0], other.heads[1], genuine.heads[2] };
    against.heads = heads;
    against.head_count = 3;
    audit_verify_begin(&v, &reader, &against);
    feed_rest(&v, &other, 0);
    assert_int_equal(v.finding.reason, REASON_AUDIT_HEAD_MISMATCH);
    assert_int_equal(v.finding.first, 2 * FILE_RECORDS);
    assert_int_equal(v.finding.last, 3 * FILE_RECORDS - 1);
}

/* A writer that was taken over chains and keeps what is no record, and has it signed: the bytes
   are those that were signed, and the line is no record all the same. */
static void test_a_writer_taken_over(void **state)
{
    (void)state;
    static struct merkle_hash leaf;
    static const struct merkle_source theirs = { read_one, NULL, &leaf };
    static const char line[] = "{\"action\":\"login\" }";
    struct audit_chain chain = { 0 };
    struct merkle_head head;
    struct audit_verifier v;
    merkle_leaf(span_text(line), &leaf);
    assert_true(audit_chain_take(&chain, &leaf));
    audit_chain_head(&chain, &head);
    for (unsigned mode = 0; mode < 2; mode++) {
        struct audit_against against = { &theirs, 1, &head, 1, mode == 1 };
        audit_verify_begin(&v, &reader, &against);
        seen(audit_verify_line(&v, span_text(line), NULL, NULL));
        seen(audit_verify_end(&v, NULL));
        assert_int_equal(v.finding.reason, mode == 1 ? REASON_OK : REASON_AUDIT_LINE_INVALID);
    }
    /* Past the head nothing is believed unread. */
    struct audit_against past = { &theirs, 1, NULL, 0, true };
    audit_verify_begin(&v, &reader, &past);
    seen(audit_verify_line(&v, span_text(line), NULL, NULL));
    assert_int_equal(v.finding.reason, REASON_AUDIT_LINE_INVALID);
}

/* A kept hash that was altered is seen at its record. */
static void test_a_kept_hash_altered(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDS; i += 331) {
        struct audit_verifier v;
        audit_verify_begin(&v, &reader, i % 2 == 0 ? &all : &bytes_only);
        genuine.leaves[i].at[i % 32] ^= 1;
        feed_rest(&v, &genuine, 0);
        genuine.leaves[i].at[i % 32] ^= 1;
        assert_int_equal(v.finding.reason, REASON_AUDIT_LEAF_MISMATCH);
        assert_named(&v, i, "kept hash");
    }
}

/* Old lines are gone after seven days: their hashes stand for them, and the head still fits. */
static void test_old_lines_gone(void **state)
{
    (void)state;
    static const size_t gone[] = { 1, 255, 256, 257, 5000, RECORDS - 1, RECORDS };
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        struct audit_verifier v;
        audit_verify_begin(&v, &reader, &all);
        assert_true(rc_ok(audit_verify_skip(&v, gone[i], NULL)));
        feed_rest(&v, &genuine, gone[i]);
        assert_int_equal(v.finding.reason, REASON_OK);
        assert_int_equal(v.agreed, RECORDS);
        /* One line fewer than was said. */
        audit_verify_begin(&v, &reader, &all);
        assert_true(rc_ok(audit_verify_skip(&v, gone[i] - 1, NULL)));
        if (gone[i] < RECORDS) {
            feed_rest(&v, &genuine, gone[i]);
            assert_named(&v, gone[i] - 1, "gap after the gone");
        }
    }
}

static void test_skipping_where_it_may_not_be(void **state)
{
    (void)state;
    struct audit_verifier v;
    audit_verify_begin(&v, &reader, &heads_only);
    assert_int_equal(rc_number(audit_verify_skip(&v, 1, NULL)), REASON_AUDIT_SEQ_GAP);
    audit_verify_begin(&v, &reader, &all);
    assert_int_equal(rc_number(audit_verify_skip(&v, RECORDS + 1, NULL)), REASON_AUDIT_SEQ_GAP);
    assert_named(&v, RECORDS, "past the kept");
    audit_verify_begin(&v, &reader, &all);
    give(&v, &genuine, 0);
    assert_int_equal(rc_number(audit_verify_skip(&v, 1, NULL)), REASON_AUDIT_SEQ_GAP);
    assert_named(&v, 1, "after a line");
    genuine.unreadable = true;
    audit_verify_begin(&v, &reader, &all);
    assert_int_equal(rc_number(audit_verify_skip(&v, 1, NULL)), REASON_AUDIT_LEAVES_UNREADABLE);
    audit_verify_begin(&v, &reader, &all);
    give(&v, &genuine, 0);
    genuine.unreadable = false;
    assert_int_equal(v.finding.reason, REASON_AUDIT_LEAVES_UNREADABLE);
}

/* The last records are not under a head yet, or their hashes not kept yet: they are judged by
   what there is. */
static void test_a_log_that_has_grown(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 3; n++) {
        struct audit_against against = { &kept, n * 2000, genuine.heads, n * 3, n % 2 == 0 };
        struct audit_verifier v;
        audit_verify_begin(&v, &reader, &against);
        feed_rest(&v, &genuine, 0);
        assert_int_equal(v.finding.reason, REASON_OK);
        assert_int_equal(v.agreed, n * 3 * FILE_RECORDS);
        audit_verify_begin(&v, &reader, &against);
        genuine.bytes[genuine.at[9500] + 40] ^= 1;
        feed_rest(&v, &genuine, 0);
        genuine.bytes[genuine.at[9500] + 40] ^= 1;
        assert_int_not_equal(v.finding.reason, REASON_OK);
        assert_int_equal(v.finding.first, 9500);
    }
}

static void test_heads_that_cannot_be(void **state)
{
    (void)state;
    struct merkle_head heads[2] = { genuine.heads[1], genuine.heads[0] };
    struct audit_against against = { NULL, 0, heads, 2, false };
    struct audit_verifier v;
    audit_verify_begin(&v, &reader, &against);
    assert_int_equal(v.finding.reason, REASON_AUDIT_HEAD_INVALID);
    heads[0] = (struct merkle_head){ heads[1].size, other.heads[0].root };
    audit_verify_begin(&v, &reader, &against);
    assert_int_equal(v.finding.reason, REASON_AUDIT_FORK);
    assert_int_equal(rc_number(audit_verify_line(&v, line_at(&genuine, 0), NULL, NULL)),
                     REASON_AUDIT_FORK);
    /* The head of the empty log is one too. */
    heads[0] = (struct merkle_head){ 0, other.heads[0].root };
    audit_verify_begin(&v, &reader, &against);
    assert_int_equal(v.finding.reason, REASON_AUDIT_HEAD_MISMATCH);
    merkle_root(&(struct merkle_tree){ 0 }, &heads[0].root);
    audit_verify_begin(&v, &reader, &against);
    assert_int_equal(v.finding.reason, REASON_OK);
}

/* The first failure stays, whatever is given afterwards. */
static void test_the_first_failure_stays(void **state)
{
    (void)state;
    struct audit_verifier v;
    struct trail trail = { 0 };
    audit_verify_begin(&v, &reader, &all);
    assert_false(rc_ok(audit_verify_line(&v, span_text("{}"), NULL, &trail)));
    assert_true(trail.count > 0);
    assert_int_equal(v.finding.reason, REASON_AUDIT_LINE_INVALID);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(rc_number(audit_verify_line(&v, line_at(&genuine, i), NULL, NULL)),
                         REASON_AUDIT_LINE_INVALID);
    assert_int_equal(rc_number(audit_verify_end(&v, NULL)), REASON_AUDIT_LINE_INVALID);
    assert_int_equal(rc_number(audit_verify_torn(&v, NULL)), REASON_AUDIT_LINE_INVALID);
    assert_int_equal(rc_number(audit_verify_skip(&v, 1, NULL)), REASON_AUDIT_LINE_INVALID);
    assert_named(&v, 0, "stays");
}

/* A record that cannot be written, or for which there is no room, leaves the chain as it was;
   a copy taken before a group is the way back. */
static void test_sealing_all_or_nothing(void **state)
{
    (void)state;
    static uint8_t room[2048];
    struct audit_chain chain = { 0 };
    struct merkle_hash leaf = { { 7 } };
    struct audit_record record = log_login(AUDIT_SUCCESS);
    struct sink out = sink_over(room, sizeof room);
    assert_true(rc_ok(audit_chain_seal(&chain, &record, &out, &leaf, NULL)));
    struct audit_chain before = chain;
    struct merkle_hash kept_leaf = leaf;
    size_t whole = out.len;
    for (size_t cap = 0; cap < whole; cap++) {
        struct sink small = sink_over(room, cap);
        record = log_login(AUDIT_SUCCESS);
        assert_false(rc_ok(audit_chain_seal(&chain, &record, &small, &leaf, NULL)));
        assert_int_equal(small.len, 0);
        assert_true(bytes_equal(&chain, &before, sizeof chain));
        assert_true(merkle_equal(&leaf, &kept_leaf));
    }
    record.count = 0;
    out = sink_over(room, sizeof room);
    assert_false(rc_ok(audit_chain_seal(&chain, &record, &out, &leaf, NULL)));
    assert_true(out.len == 0 && bytes_equal(&chain, &before, sizeof chain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_whole_log, ""),
        TEST(test_every_byte_flipped, ""),
        TEST(test_every_byte_flipped_bytes_only, ""),
        TEST(test_flips_found_by_the_chain, ""),
        TEST(test_damage_at_every_record, ""),
        TEST(test_damage_without_kept_hashes, ""),
        TEST(test_rotated_files_swapped, ""),
        TEST(test_a_consistent_rewriting, ""),
        TEST(test_a_writer_taken_over, ""),
        TEST(test_a_kept_hash_altered, ""),
        TEST(test_old_lines_gone, ""),
        TEST(test_skipping_where_it_may_not_be, ""),
        TEST(test_a_log_that_has_grown, ""),
        TEST(test_heads_that_cannot_be, ""),
        TEST(test_the_first_failure_stays, ""),
        TEST(test_sealing_all_or_nothing, ""),
    };
    make_log(&genuine, 1);
    make_log(&other, 2);
    return RUN_TESTS(tests);
}
