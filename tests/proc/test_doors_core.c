/* test_doors_core.c - the doors of ward-core, kicked.  The process itself is here, its main() under
   another name. */
#include <string.h>

#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/core/main.c"
#undef main

static void test_anything_is_said_by_front(void **state)
{
    struct hostile hostile;
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame frame = { .message = MSG_REQUEST, .id = 4711 };
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    hostile_run(&hostile, hostile_frames());
    hostile_descriptors(&hostile);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* And still it answers who asks properly. */
    sink_u16le(&body, METHOD_VERSION);
    sink_zero(&body, 1 + 16 + 16 + 4);
    frame.body = sink_bytes(&body);
    assert_true(rc_ok(hostile_say(&hostile, PEER_FRONT, &frame)));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.message, MSG_REPLY);
    assert_int_equal(frame.id, 4711);
    assert_int_equal(frame.body.at[0], REASON_OK);
    assert_true(may_stop(hostile.house.self)); /* nothing of it is still under way */
    hostile_end(&hostile);
}

static void test_anything_is_said_by_all(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &core_process, core_process.peers);
    hostile_run(&hostile, hostile_frames() / 4);
    hostile_descriptors(&hostile);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    hostile_end(&hostile);
}

static rc ask(struct hostile *hostile, uint64_t id)
{
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, METHOD_AUDIT_HEAD);
    sink_zero(&body, 1 + 16 + 16 + 4);
    struct frame frame = { .message = MSG_REQUEST, .id = id, .body = sink_bytes(&body) };
    return hostile_say(hostile, PEER_FRONT, &frame);
}

/* What front says of an operator, and what he hears; nothing where the channel is closed. */
static enum reason operator_asks(struct hostile *hostile, enum method method, const char *name,
                                 bool is_whole)
{
    uint8_t bytes[128 + OPERATOR_NAME_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)method);
    sink_u8(&body, CALLER_OPERATOR);
    sink_zero(&body, 16 + 16 + 4);
    if (is_whole)
        sink_zero(&body, SHA256_LEN);
    put_bytes(&body, span_text(name));
    struct frame frame = { .message = MSG_REQUEST, .id = 4711, .body = sink_bytes(&body) };
    if (!rc_ok(hostile_say(hostile, PEER_FRONT, &frame)))
        return REASON_NONE;
    assert_true(hostile_hear(hostile, PEER_FRONT, &frame));
    return (enum reason)(frame.body.at[0] | frame.body.at[1] << 8);
}

/* A front that is taken over has no operator but those that are listed, and of them what changes
   nothing. */
static void test_operators(void **state)
{
    static const struct {
        enum method method;
        const char *name;
        enum reason reason;
    } rows[] = {
        { METHOD_DOCTOR, "dns:bob", REASON_OK },
        { METHOD_PING, "dns:bob", REASON_OK },
        { METHOD_DOCTOR, "dns:eve", REASON_HOUSE_OWNER_ONLY },
        { METHOD_DOCTOR, "bob", REASON_HOUSE_OWNER_ONLY },
        { METHOD_KEYRING_LIST, "dns:bob", REASON_HOUSE_OWNER_ONLY },
        { METHOD_PEERS_LIST, "dns:bob", REASON_HOUSE_OWNER_ONLY },
        { METHOD_SESSION_SHOW, "dns:bob", REASON_SESSION_REQUIRED },
    };
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    memcpy(hostile.house.settings.operators, "dns:ann, dns:bob", sizeof "dns:ann, dns:bob");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(operator_asks(&hostile, rows[i].method, rows[i].name, true),
                         rows[i].reason);
    assert_int_equal(operator_asks(&hostile, METHOD_DOCTOR, "", true), REASON_NONE);
    hostile_end(&hostile);
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    assert_int_equal(operator_asks(&hostile, METHOD_DOCTOR, "dns:bob", false), REASON_NONE);
    hostile_end(&hostile);
}

/* An audit process that never answers: who finds no place any more is told so at once. */
static void test_so_many_wait_and_no_more(void **state)
{
    struct hostile hostile;
    struct frame frame;
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_AUDIT));
    for (uint64_t id = 1; id <= CORE_PENDING_MAX; id++) {
        assert_true(rc_ok(ask(&hostile, id)));
        assert_true(hostile_hear(&hostile, PEER_AUDIT, &frame));
        assert_int_equal(frame.message, MSG_AUDIT_ASK);
        assert_false(hostile_hear(&hostile, PEER_FRONT, &frame));
    }
    assert_true(rc_ok(ask(&hostile, 4711)));
    assert_false(hostile_hear(&hostile, PEER_AUDIT, &frame));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.id, 4711);
    assert_int_equal(frame.body.at[0] | frame.body.at[1] << 8, REASON_HOUSE_UNAVAILABLE);
    hostile_end(&hostile);
}

/* A front that is started again counts its requests from one, as the one before did: what that
   one had asked for is nobody's answer. */
static void test_next_front_hears_no_answer_of_the_last(void **state)
{
    static const uint8_t nothing[10];
    struct hostile hostile;
    struct frame frame;
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_AUDIT));
    assert_true(rc_ok(ask(&hostile, 1)));
    assert_true(hostile_hear(&hostile, PEER_AUDIT, &frame));
    struct frame late = { .message = MSG_AUDIT_ANSWER, .id = frame.id, .body = SPAN(nothing) };
    hostile_replace(&hostile, PEER_FRONT);
    assert_true(may_stop(hostile.house.self));
    assert_true(rc_ok(hostile_say(&hostile, PEER_AUDIT, &late)));
    assert_false(hostile_hear(&hostile, PEER_FRONT, &frame));
    /* Nor does what it asks itself wait behind that. */
    assert_true(rc_ok(ask(&hostile, 1)));
    assert_true(hostile_hear(&hostile, PEER_AUDIT, &frame));
    late.id = frame.id;
    assert_true(rc_ok(hostile_say(&hostile, PEER_AUDIT, &late)));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.id, 1);
    hostile_end(&hostile);
}

/* The owner's wish for evidence that bears 64 bytes of this value; tee hears of it. */
static void want_evidence(struct hostile *hostile, uint64_t id, uint8_t value, struct frame *asked)
{
    uint8_t bytes[256], wanted[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    memset(wanted, value, sizeof wanted);
    sink_u16le(&body, METHOD_ATTEST_EVIDENCE);
    sink_u8(&body, CALLER_OWNER);
    sink_zero(&body, 16 + 16);
    sink_u32le(&body, 2 + sizeof wanted);
    sink_u8(&body, 1 << 3 | 2); /* the one field, its length */
    sink_u8(&body, sizeof wanted);
    sink_put(&body, SPAN(wanted));
    struct frame frame = { .message = MSG_REQUEST, .id = id, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_FRONT, &frame)));
    if (!hostile_hear(hostile, PEER_TEE, asked))
        return;
    assert_int_equal(asked->message, MSG_EVIDENCE);
    assert_true(span_equal(asked->body, SPAN(wanted)));
}

/* What is wrong with what a tee says: a byte that is another, a quote or a log of another length.
 */
struct spoiled {
    size_t at;
    uint8_t flip;
    size_t quote_len, log_len;
};

static const struct spoiled nothing = { 0, 0, EVIDENCE_QUOTE_MAX, EVIDENCE_LOG_MAX };

/* What a tee says: evidence that bears 64 bytes of this value, but for that. */
static rc give_evidence(struct hostile *hostile, uint64_t id, uint8_t value,
                        const struct spoiled *spoiled)
{
    static uint8_t quote[EVIDENCE_QUOTE_MAX + 1], log[EVIDENCE_LOG_MAX + 1], bytes[FRAME_BODY_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    memset(quote, 0, sizeof quote);
    quote[0] = 4;
    quote[4] = 0x81;
    memset(quote + 568, value, 64);
    quote[spoiled->at] ^= spoiled->flip;
    sink_u16le(&body, REASON_OK);
    put_bytes(&body, span_of(quote, spoiled->quote_len));
    put_bytes(&body, span_of(log, spoiled->log_len));
    struct frame frame = { .message = MSG_EVIDENCE_IS, .id = id, .body = sink_bytes(&body) };
    return hostile_say(hostile, PEER_TEE, &frame);
}

static uint16_t heard_reason(struct hostile *hostile, uint64_t id)
{
    struct frame frame;
    assert_true(hostile_hear(hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.message, MSG_REPLY);
    assert_int_equal(frame.id, id);
    return (uint16_t)(frame.body.at[0] | frame.body.at[1] << 8);
}

/* A tee that was taken over loses its channel, and whoever waited is told that nobody answers. */
static void test_a_tee_that_was_taken_over(void **state)
{
    static const struct spoiled spoiled[] = {
        { 568 + 63, 1, EVIDENCE_QUOTE_MAX, EVIDENCE_LOG_MAX }, /* other data */
        { 568, 0x80, EVIDENCE_QUOTE_MAX, EVIDENCE_LOG_MAX },
        { 0, 7, EVIDENCE_QUOTE_MAX, EVIDENCE_LOG_MAX },    /* another version */
        { 4, 0x81, EVIDENCE_QUOTE_MAX, EVIDENCE_LOG_MAX }, /* another TEE */
        { 0, 0, 631, EVIDENCE_LOG_MAX },                   /* too short to bear anything */
        { 0, 0, 0, EVIDENCE_LOG_MAX },
        { 0, 0, EVIDENCE_QUOTE_MAX + 1, EVIDENCE_LOG_MAX },
        { 0, 0, EVIDENCE_QUOTE_MAX, EVIDENCE_LOG_MAX + 1 },
    };
    struct frame asked, frame;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(spoiled); i++) {
        struct hostile hostile;
        hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_AUDIT) | IN(PEER_TEE));
        want_evidence(&hostile, 4711, 0x5a, &asked);
        rc given = give_evidence(&hostile, asked.id, 0x5a, &spoiled[i]);
        assert_int_equal(rc_class_of(given), RC_PEER);
        assert_false(hostile_hear(&hostile, PEER_FRONT, &frame));
        peer_changed(hostile.house.self, PEER_TEE, false); /* as house_serve does */
        assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_FRONT])));
        assert_int_equal(heard_reason(&hostile, 4711), REASON_HOUSE_UNAVAILABLE);
        assert_false(hostile_hear(&hostile, PEER_AUDIT, &frame));
        assert_true(may_stop(hostile.house.self));
        hostile_end(&hostile);
    }
}

/* The record first: until it is durable nobody has the evidence, and without it nobody gets it. */
static void test_evidence_waits_for_its_record(void **state)
{
    struct frame asked, record, frame;
    (void)state;
    for (uint8_t logged = 0; logged < 2; logged++) {
        struct hostile hostile;
        uint8_t bytes[9] = { logged };
        hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_AUDIT) | IN(PEER_TEE));
        want_evidence(&hostile, 4711, 7, &asked);
        uint64_t id = asked.id;
        assert_true(
            rc_ok(give_evidence(&hostile, id + 1, 7, &nothing))); /* nobody asked for that */
        assert_false(hostile_hear(&hostile, PEER_AUDIT, &frame));
        assert_true(rc_ok(give_evidence(&hostile, id, 7, &nothing)));
        assert_true(hostile_hear(&hostile, PEER_AUDIT, &record));
        assert_int_equal(record.message, MSG_AUDIT_APPEND);
        uint64_t question = record.id;
        assert_false(hostile_hear(&hostile, PEER_FRONT, &frame));
        struct frame answer = { .message = MSG_AUDIT_APPENDED,
                                .id = question,
                                .body = span_of(bytes, logged ? 9 : 1) };
        assert_true(rc_ok(hostile_say(&hostile, PEER_AUDIT, &answer)));
        assert_int_equal(heard_reason(&hostile, 4711),
                         logged ? REASON_OK : REASON_AUDIT_CANNOT_LOG);
        assert_true(may_stop(hostile.house.self));
        hostile_end(&hostile);
    }
}

/* A tee that never answers: so many wait, the next is told at once, and all are when it is gone. */
static void test_so_many_wait_for_tee(void **state)
{
    struct hostile hostile;
    struct frame asked = { 0 }, frame;
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_AUDIT) | IN(PEER_TEE));
    for (uint64_t id = 1; id <= CORE_EVIDENCES; id++) {
        want_evidence(&hostile, id, (uint8_t)id, &asked);
        assert_false(hostile_hear(&hostile, PEER_FRONT, &frame));
    }
    want_evidence(&hostile, 4711, 1, &asked);
    assert_int_equal(heard_reason(&hostile, 4711), REASON_HOUSE_UNAVAILABLE);
    core_peer_gone(hostile.house.self, PEER_TEE);
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_FRONT])));
    assert_true(may_stop(hostile.house.self));
    hostile_end(&hostile);
}

static rc report(struct hostile *hostile, uint8_t offence, const struct address *address)
{
    uint8_t bytes[1 + ADDRESS_LEN];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, offence);
    sink_put(&body, SPAN(address->bytes));
    struct frame frame = { .message = MSG_OFFENCE, .body = sink_bytes(&body) };
    return hostile_say(hostile, PEER_FRONT, &frame);
}

static struct address stranger(uint8_t last)
{
    return address_of_v4((const uint8_t[]){ 203, 0, 113, last });
}

static bool is_banned(const struct hostile *hostile, const struct address *address)
{
    const struct core *core = hostile->house.self;
    uint64_t now = (uint64_t)clock_monotonic_ms() * 1000;
    return ban_find(&core->bans.table.bans.view, address, now, NULL);
}

/* What a front may say of others, and what a front that lies cannot: ban for long, ban the
   owner's own machine or whoever is on the list, or use the operator's word. */
static void test_what_front_says_of_others(void **state)
{
    struct hostile hostile;
    struct address abuser = stranger(1), slow = stranger(2), listed = stranger(65),
                   here = address_of_v4((const uint8_t[]){ 127, 0, 0, 1 });
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    const struct core *core = hostile.house.self;
    assert_true(rc_ok(report(&hostile, OFFENCE_GRACE_EXCEEDED, &slow)));
    assert_false(is_banned(&hostile, &slow));
    assert_int_equal(*core->bans.table.changes, 0);
    assert_true(rc_ok(report(&hostile, OFFENCE_GRACE_EXCEEDED, &slow)));
    assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &abuser)));
    assert_true(is_banned(&hostile, &slow) && is_banned(&hostile, &abuser));
    assert_int_equal(*core->bans.table.changes, 2);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &here)));
        assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &listed)));
        assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &abuser)));
    }
    assert_false(is_banned(&hostile, &here) || is_banned(&hostile, &listed));
    struct ban ban;
    uint64_t now = (uint64_t)clock_monotonic_ms() * 1000;
    assert_true(ban_find(&core->bans.table.bans.view, &abuser, now, &ban));
    assert_true(ban.until_us <= now + ban_rules_default().cap_us);
    /* These are not front's to say. */
    static const uint8_t others[] = { OFFENCE_NONE,    OFFENCE_CRASH, OFFENCE_AUTH_FAILED,
                                      OFFENCE_IMPOSED, OFFENCE_COUNT, 255 };
    for (size_t i = 0; i < sizeof others; i++) {
        struct address other = stranger((uint8_t)(100 + i));
        assert_int_equal(rc_class_of(report(&hostile, others[i], &other)), RC_PEER);
        assert_false(is_banned(&hostile, &other));
    }
    hostile_end(&hostile);
}

/* A verify that crashes on what one peer sent, and what core makes of it. */
static void send_evidence(struct hostile *hostile, uint64_t id, const struct address *from,
                          enum reason verdict)
{
    uint8_t bytes[64];
    struct frame frame;
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, METHOD_ATTEST_VERIFY);
    sink_u8(&body, CALLER_OWNER); /* nobody else may ask yet */
    sink_put(&body, SPAN(from->bytes));
    sink_zero(&body, 16 + 4);
    frame = (struct frame){ .message = MSG_REQUEST, .id = id, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_FRONT, &frame)));
    assert_true(hostile_hear(hostile, PEER_VERIFY, &frame));
    body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)verdict);
    sink_zero(&body, 12);
    frame = (struct frame){ .message = MSG_JUDGED, .id = frame.id, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_VERIFY, &frame)));
    struct frame judged = frame;
    assert_true(hostile_hear(hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.id, id);
    /* What is said once more is said too late. */
    assert_true(rc_ok(hostile_say(hostile, PEER_VERIFY, &judged)));
    assert_false(hostile_hear(hostile, PEER_FRONT, &frame));
}

static void test_evidence_that_crashes_is_charged(void **state)
{
    struct hostile hostile;
    struct address guilty = stranger(1), honest = stranger(2), nobody = { { 0 } };
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_VERIFY) | IN(PEER_AUDIT));
    const struct core *core = hostile.house.self;
    send_evidence(&hostile, 1, &guilty, REASON_EVIDENCE_CRASHED);
    assert_false(is_banned(&hostile, &guilty)); /* once is nothing yet */
    send_evidence(&hostile, 2, &honest, REASON_EVIDENCE_DEADLINE);
    send_evidence(&hostile, 3, &honest, REASON_EVIDENCE_DEADLINE);
    for (uint64_t id = 4; id < 8; id++)
        send_evidence(&hostile, id, &nobody, REASON_EVIDENCE_CRASHED); /* the owner's own */
    send_evidence(&hostile, 8, &guilty, REASON_EVIDENCE_CRASHED);
    assert_true(is_banned(&hostile, &guilty));
    assert_false(is_banned(&hostile, &honest) || is_banned(&hostile, &nobody));
    assert_int_equal(ban_count(&core->bans.table.bans.view, (uint64_t)clock_monotonic_ms() * 1000),
                     1);
    hostile_end(&hostile);
}

/* The end of a front, as the monitor tells of it: once for each number, however often. */
static void front_ends(struct hostile *hostile, uint64_t number, uint32_t pid)
{
    struct happening happening = {
        .number = number, .what = HAPPENED_KILLED, .peer = PEER_FRONT, .pid = pid, .code = 11
    };
    core_front_died(hostile->house.self, &happening);
}

static void test_a_crash_is_judged_once(void **state)
{
    struct hostile hostile;
    struct serving_writer front;
    struct address guilty = stranger(1), bystander = stranger(2);
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    struct core *core = hostile.house.self;
    const struct crash_log *crashes = core->bans.table.crashes;
    assert_true(serving_begin(&front, hostile.house.files[FILE_SERVING], 100));
    serving_note(&front, 0, &guilty);
    front_ends(&hostile, 7, 99); /* of which nothing is known */
    assert_int_equal(crashes->count, 0);
    for (unsigned i = 0; i < 5; i++)
        front_ends(&hostile, 8, 100);
    assert_int_equal(crashes->count, 1);
    assert_false(is_banned(&hostile, &guilty));
    /* In company, as often as it likes: nobody is guilty, both are suspects. */
    serving_note(&front, 1, &bystander);
    for (uint64_t number = 9; number < 20; number++)
        front_ends(&hostile, number, 100);
    uint64_t now = (uint64_t)clock_monotonic_ms() * 1000;
    assert_false(is_banned(&hostile, &guilty) || is_banned(&hostile, &bystander));
    assert_int_equal(ban_count(&core->bans.table.suspects.view, now), 2);
    /* A second time alone. */
    serving_clear(&front, 1);
    front_ends(&hostile, 20, 100);
    assert_true(is_banned(&hostile, &guilty));
    assert_false(is_banned(&hostile, &bystander));
    hostile_end(&hostile);
}

/* Once it was fetched at 1,000,000: a day later, in the last quarter of its life at the latest, and
   never at once; chance only brings it nearer. */
static void test_when_a_piece_is_due(void **state)
{
    enum { AT = 1000000, DAY = 86400 };
    static const struct {
        int64_t issued, expires, refresh, due;
    } rows[] = {
        { AT, AT + 30 * DAY, DAY, AT + DAY },
        { AT - 29 * DAY, AT + DAY, DAY, AT + 600 },
        { AT - 10 * DAY, AT + 30 * DAY, 30 * DAY, AT + 20 * DAY },
        { AT - DAY, AT + 1, DAY, AT + 600 },
        { AT, AT + 2, DAY, AT + 600 },
    };
    static const uint32_t chances[] = { 0, 1, 4711, UINT32_MAX };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct core_piece piece = { .fetched = AT,
                                    .issued = rows[i].issued,
                                    .expires = rows[i].expires };
        assert_int_equal(collateral_due(&piece, rows[i].refresh, 0), rows[i].due);
        for (size_t j = 0; j < COUNT_OF(chances); j++) {
            int64_t due = collateral_due(&piece, rows[i].refresh, chances[j]);
            assert_true(due >= AT + 600 && due <= rows[i].due);
            assert_true(due == AT + 600 || due - AT >= (rows[i].due - AT) / 8 * 7);
        }
    }
    for (uint32_t failures = 1; failures < 40; failures++) {
        int64_t wait = failures < 8 ? 30 << (failures - 1) : 3840;
        assert_int_equal(collateral_again(failures, AT, 0), AT + wait);
        for (size_t j = 0; j < COUNT_OF(chances); j++) {
            int64_t again = collateral_again(failures, AT, chances[j]);
            assert_true(again >= AT + wait && again < AT + wait + wait / 4 + 1);
        }
    }
}

/* What a restored store knows of a piece is how new it was: nothing older takes its place, whoever
   judged it good. */
static void test_an_older_piece_than_the_floor(void **state)
{
    static const struct {
        uint64_t issued;
        uint32_t evaluation;
        enum reason reason;
    } rows[] = { { 1999, 5, REASON_FETCH_OLDER },
                 { 2000, 4, REASON_FETCH_OLDER },
                 { 2000, 5, REASON_AUDIT_CANNOT_LOG }, /* that is what comes next */
                 { 2001, 6, REASON_AUDIT_CANNOT_LOG } };
    const struct pcs_platform platform = { .tdx = true };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hostile hostile;
        hostile_begin(&hostile, &core_process, 0);
        struct core *core = hostile.house.self;
        struct core_collateral *collateral = &core->collateral;
        struct core_piece *piece = &collateral->pieces[0];
        uint8_t bytes[64], dates[20];
        struct sink body = sink_over(bytes, sizeof bytes), of = sink_over(dates, sizeof dates);
        collateral_want(core, &platform, true, 1000);
        piece->issued = 2000;
        piece->evaluation = 5;
        collateral->state = RENEWING_JUDGE;
        collateral->id = 7;
        sink_u64le(&of, rows[i].issued);
        sink_u64le(&of, rows[i].issued + 30);
        sink_u32le(&of, rows[i].evaluation);
        sink_u16le(&body, REASON_OK);
        put_bytes(&body, (struct span){ 0 });
        put_bytes(&body, sink_bytes(&of));
        struct call call = { .from = &core->house->channels[PEER_VERIFY],
                             .message = MSG_COLLATERAL_JUDGED,
                             .id = 7,
                             .body = cur_over(sink_bytes(&body)) };
        assert_true(rc_ok(core_on_collateral_judged(NULL, core, &call)));
        assert_int_equal(collateral->state, RENEWING_NONE);
        assert_int_equal(piece->reason, rows[i].reason);
        assert_true(piece->issued == 2000 && piece->evaluation == 5);
        hostile_end(&hostile);
    }
}

/* However many platforms are seen: so many are kept, the newest, and what all of them need. */
static void test_so_many_platforms_and_no_more(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &core_process, 0);
    struct core *core = hostile.house.self;
    for (uint8_t i = 1; i <= 100; i++) {
        const struct pcs_platform platform = { i % 2 == 0, i % 3 == 0, { i } };
        size_t infos = 0, others = 0;
        collateral_want(core, &platform, true, 1000);
        collateral_want(core, &platform, true, 1000); /* seen again it is the same one */
        for (size_t j = 0; j < COLLATERAL_PLACES; j++) {
            const struct core_piece *piece = &core->collateral.pieces[j];
            bool info = piece->used && piece->thing == PCS_TCB_INFO;
            infos += info;
            others += piece->used && !info;
            assert_true(!info || piece->scope.fmspc[0] + COLLATERAL_PLATFORMS > i);
            assert_true(piece->chain != NULL && piece->body != NULL);
        }
        assert_int_equal(infos, i < COLLATERAL_PLATFORMS ? i : COLLATERAL_PLATFORMS);
        assert_true(others <= COLLATERAL_PLACES - COLLATERAL_PLATFORMS);
    }
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_front, "RL-34"),
        TEST(test_anything_is_said_by_all, "RL-34"),
        TEST(test_operators, ""),
        TEST(test_so_many_wait_and_no_more, ""),
        TEST(test_next_front_hears_no_answer_of_the_last, ""),
        TEST(test_a_tee_that_was_taken_over, ""),
        TEST(test_evidence_waits_for_its_record, ""),
        TEST(test_so_many_wait_for_tee, ""),
        TEST(test_what_front_says_of_others, ""),
        TEST(test_evidence_that_crashes_is_charged, "RL-34"),
        TEST(test_a_crash_is_judged_once, ""),
        TEST(test_when_a_piece_is_due, ""),
        TEST(test_an_older_piece_than_the_floor, ""),
        TEST(test_so_many_platforms_and_no_more, ""),
    };
    return RUN_TESTS(tests);
}
