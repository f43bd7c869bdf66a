/* test_recover.c - a crash is repaired, a loss is named; and a process that is killed at any
   moment of writing leaves only what can be repaired. */
#include "audit/recover.h"

#include "audit/verify.h"
#include "log.h"

static const struct {
    const char *name;
    struct audit_remains remains;
    enum reason reason;
    struct audit_repair repair;
} rows[] = {
    { "nothing yet", { 0 }, REASON_OK, { 0 } },
    { "closed in order", { 0, 100, 0, 100, 0, 100 }, REASON_OK, { 0 } },
    { "grown since the head", { 0, 100, 0, 100, 0, 60 }, REASON_OK, { 0 } },
    { "without a head", { 0, 100, 0, 100, 0, 0 }, REASON_OK, { 0 } },
    { "a torn line", { 0, 100, 17, 100, 0, 60 }, REASON_OK, { 17, 0, 0 } },
    { "a torn line alone", { 0, 0, 17, 0, 0, 0 }, REASON_OK, { 17, 0, 0 } },
    { "hashes behind", { 0, 100, 0, 97, 0, 60 }, REASON_OK, { 0, 0, 3 } },
    { "hashes torn", { 0, 100, 0, 97, 31, 60 }, REASON_OK, { 0, 31, 3 } },
    { "hashes behind the head", { 0, 100, 0, 50, 0, 60 }, REASON_OK, { 0, 0, 50 } },
    { "no hashes, all lines", { 0, 100, 0, 0, 0, 100 }, REASON_OK, { 0, 0, 100 } },
    { "all three at once", { 90, 100, 5, 95, 1, 90 }, REASON_OK, { 5, 1, 5 } },
    { "all lines gone by age", { 100, 100, 0, 100, 0, 100 }, REASON_OK, { 0 } },
    { "the last record gone", { 0, 99, 0, 100, 0, 60 }, REASON_AUDIT_TRUNCATED, { 0 } },
    { "cut below the head", { 0, 59, 0, 59, 0, 60 }, REASON_AUDIT_TRUNCATED, { 0 } },
    { "cut inside a line that was durable",
      { 0, 99, 17, 100, 0, 60 },
      REASON_AUDIT_TRUNCATED,
      { 0 } },
    { "everything gone but the head", { 0, 0, 0, 0, 0, 1 }, REASON_AUDIT_TRUNCATED, { 0 } },
    { "hashes gone with their lines",
      { 50, 100, 0, 49, 0, 100 },
      REASON_AUDIT_LEAVES_UNREADABLE,
      { 0 } },
    { "a beginning past the end", { 101, 100, 0, 100, 0, 0 }, REASON_AUDIT_SEQ_GAP, { 0 } },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct audit_repair repair = { 7, 7, 7 };
        rc r = audit_recover(&rows[i].remains, &repair, NULL);
        enum reason got = rc_ok(r) ? REASON_OK : (enum reason)rc_number(r);
        if (got != rows[i].reason)
            print_message("# %s\n", rows[i].name);
        assert_int_equal(got, rows[i].reason);
        if (got != REASON_OK) {
            assert_int_equal(repair.cut_line, 7);
            continue;
        }
        assert_int_equal(repair.cut_line, rows[i].repair.cut_line);
        assert_int_equal(repair.cut_kept, rows[i].repair.cut_kept);
        assert_int_equal(repair.add_kept, rows[i].repair.add_kept);
    }
}

/* Two groups of records, written as recover.h says, and stopped after each byte: what was
   acknowledged is always there afterwards, and the log goes on from the repair. */
enum { GROUP = 4, ROOM = 8192 };

static uint8_t file[ROOM];
static uint8_t hashes[2 * GROUP * SHA256_LEN];
static struct audit_reader reader;

static struct audit_remains look(size_t file_len, size_t hashes_len, uint64_t head)
{
    struct audit_remains remains = { .head = head,
                                     .kept = hashes_len / SHA256_LEN,
                                     .kept_torn = hashes_len % SHA256_LEN };
    size_t line = 0;
    for (size_t i = 0; i < file_len; i++) {
        if (file[i] != '\n')
            continue;
        remains.records++;
        line = i + 1;
    }
    remains.torn = file_len - line;
    return remains;
}

/* The log after the repair is whole and takes the next record. */
static void go_on(const struct audit_remains *remains, size_t file_len)
{
    struct audit_repair repair;
    struct audit_verifier v;
    struct audit_against against = { 0 };
    assert_true(rc_ok(audit_recover(remains, &repair, NULL)));
    audit_verify_begin(&v, &reader, &against);
    size_t end = file_len - repair.cut_line;
    for (size_t at = 0; at < end;) {
        const uint8_t *newline = memchr(file + at, '\n', end - at);
        assert_non_null(newline);
        size_t len = (size_t)(newline - (file + at));
        assert_true(rc_ok(audit_verify_line(&v, span_of(file + at, len), NULL, NULL)));
        at += len + 1;
    }
    assert_int_equal(v.chain.tree.size, remains->kept + repair.add_kept);
    uint8_t room[2048];
    struct sink next = sink_over(room, sizeof room);
    struct merkle_hash leaf;
    struct audit_record record = log_event(AUDIT_EVENT_LOG_REPAIR, span_text("security.log"));
    struct audit_chain chain = v.chain;
    assert_true(rc_ok(audit_chain_seal(&chain, &record, &next, &leaf, NULL)));
    assert_true(rc_ok(audit_verify_line(&v, span_of(room, next.len - 1), NULL, NULL)));
}

static void test_killed_after_each_byte(void **state)
{
    (void)state;
    struct audit_chain chain = { 0 };
    struct sink lines = sink_over(file, sizeof file);
    size_t file_len = 0;
    size_t hashes_len = 0;
    uint64_t acknowledged = 0;
    for (size_t group = 0; group < 2; group++) {
        for (size_t i = 0; i < GROUP; i++) {
            struct merkle_hash leaf;
            struct audit_record record = log_login(AUDIT_SUCCESS);
            assert_true(rc_ok(audit_chain_seal(&chain, &record, &lines, &leaf, NULL)));
            memcpy(hashes + (group * GROUP + i) * SHA256_LEN, leaf.at, SHA256_LEN);
        }
        for (; file_len < lines.len; file_len++) {
            struct audit_remains remains = look(file_len, hashes_len, acknowledged);
            assert_true(remains.records >= acknowledged);
            go_on(&remains, file_len);
        }
        acknowledged += GROUP;
        for (; hashes_len < acknowledged * SHA256_LEN; hashes_len++) {
            struct audit_remains remains = look(file_len, hashes_len, acknowledged);
            assert_int_equal(remains.records, acknowledged);
            go_on(&remains, file_len);
        }
    }
}

/* A record that another process has written as a draft is read, stamped and sealed: only its
   place and its time are new. */
static void test_a_draft_is_sealed(void **state)
{
    (void)state;
    uint8_t draft_room[2048];
    uint8_t room[2048];
    struct sink draft = sink_over(draft_room, sizeof draft_room);
    struct sink out = sink_over(room, sizeof room);
    struct audit_chain chain = { .last = { { 5 } } };
    struct merkle_hash leaf;
    struct audit_record record = log_event(AUDIT_EVENT_HEAD_SIGN,
                                           span_text("a\n\xe2\x80\xae\xe2\x80\xac"));
    struct audit_record read;
    audit_add_secret(&record, "token");
    assert_true(rc_ok(audit_write(&record, &draft, NULL)));
    assert_true(rc_ok(audit_read(&reader, sink_bytes(&draft), &read, NULL)));
    assert_int_equal(read.event, AUDIT_EVENT_HEAD_SIGN);
    read.at = LOG_NOON + 5;
    assert_true(rc_ok(audit_chain_seal(&chain, &read, &out, &leaf, NULL)));
    record.prev.at[0] = 5;
    record.at = LOG_NOON + 5;
    draft = sink_over(draft_room, sizeof draft_room);
    assert_true(rc_ok(audit_write(&record, &draft, NULL)));
    assert_span_equal(span_of(room, out.len - 1), sink_bytes(&draft));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows, ""),
        TEST(test_killed_after_each_byte, ""),
        TEST(test_a_draft_is_sealed, ""),
    };
    return RUN_TESTS(tests);
}
