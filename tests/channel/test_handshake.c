/* test_handshake.c - who gets to open a channel and who does not: every combination of showing
   and wanting evidence, every state with every message, every verdict, the clock, and callers
   that ask for the wrong thing. */
#include "pair.h"
#include "with_bulk.h"

static const enum attested_state all_states[] = {
    ATTESTED_IS_OVER,       ATTESTED_IS_NEW,        ATTESTED_WAITS_HELLO,   ATTESTED_QUOTES_ACCEPT,
    ATTESTED_WAITS_ACCEPT,  ATTESTED_JUDGES_ACCEPT, ATTESTED_QUOTES_FINISH, ATTESTED_WAITS_FINISH,
    ATTESTED_JUDGES_FINISH, ATTESTED_WAITS_DONE,    ATTESTED_IS_OPEN,
};

/* Goes on with a question that was held. */
static void go_on(struct end *end)
{
    struct sink out = sink_over(end->said.at, sizeof end->said.at);
    end->hold = false;
    end_answer(end, &out);
    end->hold = true;
}

/* Brings a pair to where one of its ends is in the state, and gives that end.  Ends hold. */
static struct end *reach(struct pair *pair, enum attested_state state)
{
    pair_make(pair, bulk, 7);
    struct end *i = &pair->i, *r = &pair->r;
    i->hold = r->hold = true;
    const bool of_initiator = state == ATTESTED_IS_NEW || state == ATTESTED_WAITS_ACCEPT ||
                              state == ATTESTED_JUDGES_ACCEPT || state == ATTESTED_QUOTES_FINISH ||
                              state == ATTESTED_WAITS_DONE || state == ATTESTED_IS_OPEN;
    struct end *end = of_initiator ? i : r;
    if (state == ATTESTED_IS_OVER)
        end->event = attested_cut(&end->channel);
    for (unsigned step = 0; end->channel.state != state && step < 10; step++) {
        struct sink out = sink_over(i->said.at, sizeof i->said.at);
        if (step == 0)
            end_start(i);
        if (step == 1)
            end_hear(r, said_by(i)); /* quotes */
        if (step == 2)
            go_on(r);
        if (step == 3)
            end_hear(i, said_by(r)); /* judges */
        if (step == 4)
            i->event = attested_judge(&i->channel, fake_judge(&i->event), i->now_ms, &out);
        if (step == 5)
            go_on(i);
        if (step == 6)
            end_hear(r, said_by(i)); /* judges */
        if (step == 7)
            go_on(r);
        if (step == 8)
            end_hear(i, said_by(r));
    }
    assert_int_equal(end->channel.state, state);
    assert_true(attested_is_sound(&end->channel));
    return end;
}

struct shape {
    bool i_gives, i_wants, r_gives, r_wants;
};

static struct shape shape_of(unsigned bits)
{
    return (struct shape){ bits & 1, bits & 2, bits & 4, bits & 8 };
}

static void pair_of_shape(struct pair *pair, struct shape shape, enum aead aead)
{
    struct attested_setup i = setup_of(ATTESTED_INITIATOR, bulk);
    struct attested_setup r = setup_of(ATTESTED_RESPONDER, bulk);
    i.gives_evidence = shape.i_gives;
    i.wants_evidence = shape.i_wants;
    r.gives_evidence = shape.r_gives;
    r.wants_evidence = shape.r_wants;
    r.aeads[0] = aead;
    r.aead_count = 1;
    end_make(&pair->i, i, 1);
    end_make(&pair->r, r, 2);
}

static void assert_talk(struct pair *pair)
{
    end_hear(&pair->r, end_send(&pair->i, "from i"));
    assert_heard(&pair->r, "from i");
    end_hear(&pair->i, end_send(&pair->r, "from r"));
    assert_heard(&pair->i, "from r");
    end_hear(&pair->i, end_send(&pair->r, ""));
    assert_heard(&pair->i, "");
}

/* A side that wants evidence never opens without it, whatever the other one is. */
static void every_shape(void **state)
{
    (void)state;
    static struct pair pair;
    static struct script script;
    for (unsigned bits = 0; bits < 32; bits++) {
        struct shape shape = shape_of(bits);
        enum aead aead = bits < 16 ? AEAD_CHACHA20_POLY1305 : AEAD_XCHACHA20_POLY1305;
        pair_of_shape(&pair, shape, aead);
        end_start(&pair.i);
        end_hear(&pair.r, said_by(&pair.i));
        if (shape.r_wants && !shape.i_gives) {
            assert_ended(&pair.r, REASON_CHANNEL_EVIDENCE_REQUIRED);
        } else if (shape.i_wants && !shape.r_gives) {
            assert_ended(&pair.r, REASON_CHANNEL_EVIDENCE_UNAVAILABLE);
        } else {
            pair_of_shape(&pair, shape, aead);
            pair_shake(&pair, &script);
            assert_int_equal(pair.i.event.kind, ATTESTED_OPEN);
            assert_int_equal(pair.r.event.kind, ATTESTED_OPEN);
            assert_int_equal(pair.i.channel.aead, aead);
            assert_memory_equal(attested_session(&pair.i.channel),
                                attested_session(&pair.r.channel), SHA256_LEN);
            assert_int_equal(script.accept.len > 150, shape.i_wants);
            assert_int_equal(script.finish.len > 100, shape.r_wants);
            assert_talk(&pair);
            continue;
        }
        enum reason said = pair.r.event.reason;
        end_hear(&pair.i, said_by(&pair.r));
        assert_ended(&pair.i, REASON_CHANNEL_REFUSED_BY_PEER);
        assert_int_equal(pair.i.event.about, said);
        assert_int_equal(pair.i.said.len, 0);
    }
}

/* Each side's report data is its own, and that of this session alone. */
static void report_data_is_of_role_and_session(void **state)
{
    (void)state;
    static struct pair pair;
    uint8_t seen[4][ATTESTED_REPORT_DATA];
    for (unsigned n = 0; n < 2; n++) {
        pair_open(&pair, bulk, 20 + n);
        for (unsigned role = 0; role < 2; role++) {
            assert_memory_equal(pair.i.channel.report_data[role], pair.r.channel.report_data[role],
                                ATTESTED_REPORT_DATA);
            memcpy(seen[2 * n + role], pair.i.channel.report_data[role], ATTESTED_REPORT_DATA);
        }
    }
    for (unsigned a = 0; a < 4; a++)
        for (unsigned b = 0; b < a; b++)
            assert_memory_not_equal(seen[a], seen[b], ATTESTED_REPORT_DATA);
}

/* What each state does with a message of each type that is long enough and otherwise nothing.
   What is not here is CHANNEL_UNEXPECTED. */
static enum reason reason_for(enum attested_state state, unsigned type)
{
    if (state == ATTESTED_IS_OVER)
        return REASON_NONE;
    if (state == ATTESTED_WAITS_HELLO && type == ATTESTED_HELLO)
        return REASON_CHANNEL_MALFORMED;
    if (state == ATTESTED_WAITS_ACCEPT && type == ATTESTED_ACCEPT)
        return REASON_CHANNEL_MALFORMED;
    if (state == ATTESTED_WAITS_FINISH && type == ATTESTED_FINISH)
        return REASON_CHANNEL_TRANSCRIPT;
    if (type == ATTESTED_REFUSE &&
        (state == ATTESTED_WAITS_ACCEPT || state == ATTESTED_QUOTES_ACCEPT ||
         state == ATTESTED_WAITS_FINISH))
        return REASON_CHANNEL_MALFORMED;
    if (type == ATTESTED_REFUSE_SEALED &&
        (state == ATTESTED_JUDGES_ACCEPT || state == ATTESTED_QUOTES_FINISH ||
         state == ATTESTED_WAITS_FINISH || state == ATTESTED_JUDGES_FINISH ||
         state == ATTESTED_WAITS_DONE))
        return REASON_CHANNEL_TRANSCRIPT;
    if (state == ATTESTED_WAITS_DONE && type == ATTESTED_RECORD_DONE)
        return REASON_CHANNEL_EPOCH;
    if (state == ATTESTED_IS_OPEN &&
        (type == ATTESTED_RECORD_DATA || type == ATTESTED_RECORD_REKEY ||
         type == ATTESTED_RECORD_CLOSE || type == ATTESTED_RECORD_REFUSE))
        return REASON_CHANNEL_EPOCH;
    return REASON_CHANNEL_UNEXPECTED;
}

static void every_state_with_every_message(void **state)
{
    (void)state;
    static struct pair pair;
    for (size_t s = 0; s < sizeof all_states / sizeof all_states[0]; s++) {
        for (unsigned type = 0; type < 256; type++) {
            uint8_t bytes[60];
            struct end *end = reach(&pair, all_states[s]);
            memset(bytes, 2, sizeof bytes);
            bytes[0] = (uint8_t)type;
            end_hear(end, SPAN(bytes));
            enum reason want = reason_for(all_states[s], type);
            if (want == REASON_NONE)
                assert_int_equal(end->event.kind, ATTESTED_NOTHING);
            else
                assert_ended(end, want);
        }
    }
}

static void hear_large(struct end *end, struct span bytes)
{
    static uint8_t room[ATTESTED_MESSAGE_MAX + 1];
    struct sink out = sink_over(end->said.at, sizeof end->said.at);
    memcpy(room, bytes.at, bytes.len);
    end->event = attested_take(&end->channel,
                               (struct attested_message){ room, bytes.len, end->now_ms }, &out);
}

/* In every state: nothing at all, one byte, one too many; and another version. */
static void every_state_with_every_length(void **state)
{
    (void)state;
    static struct pair pair;
    static uint8_t bytes[ATTESTED_MESSAGE_MAX + 1];
    for (size_t s = 1; s < sizeof all_states / sizeof all_states[0]; s++) {
        struct end *end = reach(&pair, all_states[s]);
        size_t max = attested_message_max(&end->channel);
        assert_true(max >= 2 && max <= ATTESTED_MESSAGE_MAX);
        end_hear(end, (struct span){ 0 });
        assert_ended(end, REASON_CHANNEL_MALFORMED);
        for (unsigned type = 0; type < ATTESTED_TYPE_COUNT; type++) {
            enum reason small = reason_for(all_states[s], type);
            bytes[0] = (uint8_t)type;
            end = reach(&pair, all_states[s]);
            hear_large(end, span_of(bytes, max + 1));
            assert_ended(end,
                         small == REASON_CHANNEL_UNEXPECTED ? small : REASON_CHANNEL_TOO_LARGE);
            end = reach(&pair, all_states[s]);
            hear_large(end, span_of(bytes, max));
            assert_int_equal(end->event.kind, ATTESTED_ENDED);
            assert_int_not_equal(end->event.reason, REASON_CHANNEL_TOO_LARGE);
        }
        for (unsigned type = ATTESTED_HELLO; type <= ATTESTED_REFUSE_SEALED; type++) {
            if (reason_for(all_states[s], type) == REASON_CHANNEL_UNEXPECTED)
                continue;
            for (unsigned version = 0; version < 256; version++) {
                const uint8_t head[] = { (uint8_t)type, (uint8_t)version };
                end = reach(&pair, all_states[s]);
                end_hear(end, SPAN(head));
                assert_ended(end, version == ATTESTED_VERSION ? REASON_CHANNEL_MALFORMED
                                                              : REASON_CHANNEL_VERSION);
            }
            const uint8_t alone = (uint8_t)type;
            end = reach(&pair, all_states[s]);
            end_hear(end, span_of(&alone, 1));
            assert_ended(end, REASON_CHANNEL_MALFORMED);
        }
    }
}

/* Only ALLOW with OK is yes: not the zero value, not a yes with a reason against it. */
static void every_verdict(void **state)
{
    (void)state;
    static struct pair pair;
    static const struct {
        struct decision decision;
        enum reason about; /* what the peer is told */
        bool open;
    } rows[] = {
        { { ALLOW, REASON_OK, CHECK_COUNT }, REASON_OK, true },
        { { DENY, REASON_NONE, CHECK_COUNT }, REASON_CHANNEL_EVIDENCE_DENIED, false },
        { { DENY, REASON_OK, CHECK_COUNT }, REASON_CHANNEL_EVIDENCE_DENIED, false },
        { { ALLOW, REASON_NONE, CHECK_COUNT }, REASON_CHANNEL_EVIDENCE_DENIED, false },
        { { ALLOW, REASON_PCK_REVOKED, CHECK_COUNT }, REASON_PCK_REVOKED, false },
        { { DENY, REASON_PCK_REVOKED, CHECK_COUNT }, REASON_PCK_REVOKED, false },
        { { (enum verdict)2, REASON_OK, CHECK_COUNT }, REASON_CHANNEL_EVIDENCE_DENIED, false },
    };
    static const enum attested_state judging[] = { ATTESTED_JUDGES_ACCEPT, ATTESTED_JUDGES_FINISH };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (size_t s = 0; s < 2; s++) {
            struct end *end = reach(&pair, judging[s]);
            struct end *peer = end == &pair.i ? &pair.r : &pair.i;
            struct sink out = sink_over(end->said.at, sizeof end->said.at);
            end->event = attested_judge(&end->channel, rows[row].decision, end->now_ms, &out);
            end->said.len = out.len;
            if (rows[row].open) {
                assert_int_not_equal(end->event.kind, ATTESTED_ENDED);
                continue;
            }
            assert_ended(end, REASON_CHANNEL_EVIDENCE_DENIED);
            assert_int_equal(end->said.at[0], ATTESTED_REFUSE_SEALED);
            end_hear(peer, said_by(end));
            assert_ended(peer, REASON_CHANNEL_REFUSED_BY_PEER);
            assert_int_equal(peer->event.about, rows[row].about);
        }
    }
}

static void evidence_that_cannot_be_shown(void **state)
{
    (void)state;
    static struct pair pair;
    static uint8_t bytes[ATTESTED_LOG_MAX + 1];
    static const struct {
        const char *name;
        enum attested_kind kind;
        size_t evidence, log;
    } rows[] = {
        { "none", ATTESTED_KIND_NONE, 0, 0 },
        { "none of its kind", ATTESTED_KIND_NONE, 10, 0 },
        { "empty", ATTESTED_KIND_SGX, 0, 10 },
        { "evidence past its limit", ATTESTED_KIND_TDX, ATTESTED_EVIDENCE_MAX + 1, 0 },
        { "log past its limit", ATTESTED_KIND_TDX, 1, ATTESTED_LOG_MAX + 1 },
    };
    static const enum attested_state quoting[] = { ATTESTED_QUOTES_ACCEPT, ATTESTED_QUOTES_FINISH };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (size_t s = 0; s < 2; s++) {
            struct end *end = reach(&pair, quoting[s]);
            struct end *peer = end == &pair.i ? &pair.r : &pair.i;
            struct sink out = sink_over(end->said.at, sizeof end->said.at);
            const struct attested_evidence evidence = { rows[row].kind,
                                                        span_of(bytes, rows[row].evidence),
                                                        span_of(bytes, rows[row].log) };
            end->event = attested_give(&end->channel, &evidence, &out);
            end->said.len = out.len;
            assert_ended(end, REASON_CHANNEL_EVIDENCE_UNAVAILABLE);
            end_hear(peer, said_by(end));
            assert_ended(peer, REASON_CHANNEL_REFUSED_BY_PEER);
            assert_int_equal(peer->event.about, REASON_CHANNEL_EVIDENCE_UNAVAILABLE);
        }
    }
}

/* The largest evidence and log go through, in the largest messages that the other side takes. */
static void evidence_at_its_limit(void **state)
{
    (void)state;
    static struct pair pair;
    static uint8_t bytes[ATTESTED_LOG_MAX], wire[ATTESTED_MESSAGE_MAX];
    const struct attested_evidence largest = { ATTESTED_KIND_NITRO,
                                               span_of(bytes, ATTESTED_EVIDENCE_MAX), SPAN(bytes) };
    static const enum attested_state quoting[] = { ATTESTED_QUOTES_ACCEPT, ATTESTED_QUOTES_FINISH };
    for (size_t s = 0; s < 2; s++) {
        struct end *end = reach(&pair, quoting[s]);
        struct end *peer = end == &pair.i ? &pair.r : &pair.i;
        struct sink out = sink_over(wire, sizeof wire);
        end->event = attested_give(&end->channel, &largest, &out);
        assert_int_equal(end->event.kind, ATTESTED_NOTHING);
        assert_int_equal(out.len, attested_message_max(&peer->channel));
        struct sink answer = sink_over(peer->said.at, sizeof peer->said.at);
        peer->event = attested_take(
            &peer->channel, (struct attested_message){ wire, out.len, peer->now_ms }, &answer);
        assert_int_equal(peer->event.kind, ATTESTED_JUDGE);
        assert_int_equal(peer->event.evidence.kind, ATTESTED_KIND_NITRO);
        assert_span_equal(peer->event.evidence.log, SPAN(bytes));
    }
}

/* At 29,999 ms it goes on, at 30,000 it is over, by a message or by a tick; the peer is told. */
static void thirty_seconds(void **state)
{
    (void)state;
    static struct pair pair;
    for (size_t s = 1; s < sizeof all_states / sizeof all_states[0]; s++) {
        const bool open = all_states[s] == ATTESTED_IS_OPEN;
        for (unsigned by_message = 0; by_message < 2; by_message++) {
            struct end *end = reach(&pair, all_states[s]);
            struct sink out = sink_over(end->said.at, sizeof end->said.at);
            int64_t last = end->channel.deadline_ms - 1;
            assert_int_equal(last, 1000 + ATTESTED_HANDSHAKE_MS - 1);
            end->event = attested_tick(&end->channel, last, &out);
            assert_int_equal(end->event.kind, ATTESTED_NOTHING);
            uint8_t bytes[] = { ATTESTED_FINISH };
            end->event = by_message
                             ? attested_take(&end->channel,
                                             (struct attested_message){ bytes, 1, last + 1 }, &out)
                             : attested_tick(&end->channel, last + 1, &out);
            if (open && !by_message)
                assert_int_equal(end->event.kind, ATTESTED_NOTHING);
            else
                assert_ended(end, open ? REASON_CHANNEL_UNEXPECTED : REASON_CHANNEL_TIMEOUT);
        }
    }
    struct end *end = reach(&pair, ATTESTED_JUDGES_FINISH); /* a verdict that came too late */
    struct sink out = sink_over(end->said.at, sizeof end->said.at);
    end->event = attested_judge(&end->channel, (struct decision){ ALLOW, REASON_OK, CHECK_COUNT },
                                end->channel.deadline_ms, &out);
    end->said.len = out.len;
    assert_ended(end, REASON_CHANNEL_TIMEOUT);
    end_hear(&pair.i, said_by(end));
    assert_int_equal(pair.i.event.about, REASON_CHANNEL_TIMEOUT);
}

/* A caller that mixes the calls up ends its channel; one that is over says nothing more. */
static void every_state_misused(void **state)
{
    (void)state;
    static struct pair pair;
    const struct decision yes = { ALLOW, REASON_OK, CHECK_COUNT };
    const struct attested_evidence shown = { ATTESTED_KIND_TDX, span_text("x"), { 0 } };
    for (size_t s = 0; s < sizeof all_states / sizeof all_states[0]; s++) {
        for (unsigned call = 0; call < 3; call++) {
            enum attested_state at = all_states[s];
            struct end *end = reach(&pair, at);
            struct sink out = sink_over(end->said.at, sizeof end->said.at);
            if (call == 0)
                end->event = attested_start(&end->channel, &out);
            if (call == 1)
                end->event = attested_give(&end->channel, &shown, &out);
            if (call == 2)
                end->event = attested_judge(&end->channel, yes, end->now_ms, &out);
            bool fits = (call == 0 && at == ATTESTED_IS_NEW) ||
                        (call == 1 &&
                         (at == ATTESTED_QUOTES_ACCEPT || at == ATTESTED_QUOTES_FINISH)) ||
                        (call == 2 &&
                         (at == ATTESTED_JUDGES_ACCEPT || at == ATTESTED_JUDGES_FINISH));
            if (at == ATTESTED_IS_OVER)
                assert_int_equal(end->event.kind + out.len, 0);
            else if (!fits)
                assert_ended(end, REASON_CHANNEL_MISUSED);
            else
                assert_int_not_equal(end->event.kind, ATTESTED_ENDED);
        }
        struct end *end = reach(&pair, all_states[s]);
        struct sink out = sink_over(end->said.at, sizeof end->said.at);
        struct attested_sent sent;
        bool open = all_states[s] == ATTESTED_IS_OPEN;
        assert_int_equal(attested_send(&end->channel, span_text("x"), 1000, &out, &sent), open);
        assert_int_equal(attested_close(&end->channel, &out), open);
    }
}

/* Nothing is half written: what does not fit is not there, and there is no channel. */
static void no_room_to_write(void **state)
{
    (void)state;
    static struct pair pair;
    static const enum attested_state writing[] = { ATTESTED_IS_NEW, ATTESTED_QUOTES_ACCEPT,
                                                   ATTESTED_QUOTES_FINISH, ATTESTED_JUDGES_FINISH };
    for (size_t s = 0; s < sizeof writing / sizeof writing[0]; s++) {
        uint8_t room[20], shown[FAKE_LEN];
        struct attested_evidence evidence;
        struct end *end = reach(&pair, writing[s]);
        struct sink out = sink_over(room, sizeof room);
        fake_evidence(end->channel.report_data[0], shown, &evidence);
        if (s == 0)
            end->event = attested_start(&end->channel, &out);
        if (s == 1 || s == 2)
            end->event = attested_give(&end->channel, &evidence, &out);
        if (s == 3)
            end->event = attested_judge(&end->channel, fake_judge(&end->event), 1000, &out);
        assert_ended(end, REASON_CHANNEL_MISUSED);
        assert_int_equal(out.len, 0);
    }
}

static void set_ups_that_cannot_be(void **state)
{
    (void)state;
    static const uint8_t random[ATTESTED_RANDOM] = { 1 };
    static uint8_t purpose[ATTESTED_PURPOSE_MAX + 1];
    struct attested channel;
    for (unsigned row = 0; row < 13; row++) {
        struct attested_setup setup = setup_of(ATTESTED_INITIATOR, bulk);
        memset(purpose, 'p', sizeof purpose);
        setup.nonce = setup.secret = random;
        setup.purpose = span_of(purpose, ATTESTED_PURPOSE_MAX);
        switch (row) {
        case 1:
            setup.role = (enum attested_role)0;
            break;
        case 2:
            setup.role = (enum attested_role)3;
            break;
        case 3:
            setup.purpose.len = 0;
            break;
        case 4:
            setup.purpose.len++;
            break;
        case 5:
            purpose[9] = ' ';
            break;
        case 6:
            purpose[9] = 0x7f;
            break;
        case 7:
            setup.aead_count = 0;
            break;
        case 8:
            setup.aead_count = 3;
            break;
        case 9:
            setup.aeads[1] = setup.aeads[0];
            break;
        case 10:
            setup.aeads[0] = AEAD_NONE;
            break;
        case 11:
            setup.bulk = NULL;
            break;
        case 12:
            setup.now_ms = INT64_MAX;
            break;
        default:
            break;
        }
        memset(&channel, 0xff, sizeof channel);
        assert_int_equal(attested_init(&channel, &setup), row == 0);
        assert_true(attested_is_sound(&channel));
        assert_int_equal(channel.state, row == 0 ? ATTESTED_IS_NEW : ATTESTED_IS_OVER);
        attested_fini(&channel);
        assert_true(bytes_are_zero(&channel, sizeof channel));
    }
}

/* A refusal is a name and nothing else: no byte that a terminal or a log would act on. */
static void refusals_that_are_read(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t bytes[] = { ATTESTED_REFUSE, ATTESTED_VERSION, 3, 'A', (uint8_t)c, '1' };
        struct end *end = reach(&pair, ATTESTED_WAITS_ACCEPT);
        end_hear(end, SPAN(bytes));
        bool good = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        assert_ended(end, good ? REASON_CHANNEL_REFUSED_BY_PEER : REASON_CHANNEL_MALFORMED);
        assert_int_equal(end->event.about, REASON_NONE); /* no such reason here */
    }
    for (unsigned len = 0; len < 256; len++) {
        uint8_t bytes[3 + 80];
        memset(bytes, 'A', sizeof bytes);
        bytes[0] = ATTESTED_REFUSE;
        bytes[1] = ATTESTED_VERSION;
        bytes[2] = (uint8_t)len;
        struct end *end = reach(&pair, ATTESTED_WAITS_FINISH);
        end_hear(end, span_of(bytes, 3 + (len < 80 ? len : 80)));
        assert_ended(end, len > 0 && len <= ATTESTED_REASON_MAX ? REASON_CHANNEL_REFUSED_BY_PEER
                                                                : REASON_CHANNEL_MALFORMED);
    }
    const uint8_t more[] = { ATTESTED_REFUSE, ATTESTED_VERSION, 1, 'A', 'B' }; /* one left over */
    struct end *waiting = reach(&pair, ATTESTED_WAITS_ACCEPT);
    end_hear(waiting, SPAN(more));
    assert_ended(waiting, REASON_CHANNEL_MALFORMED);
    for (unsigned reason = 1; reason < REASON_COUNT; reason++)
        assert_true(strlen(reason_info((enum reason)reason)->name) <= ATTESTED_REASON_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_shape, ""),
        TEST(report_data_is_of_role_and_session, ""),
        TEST(every_state_with_every_message, ""),
        TEST(every_state_with_every_length, ""),
        TEST(every_verdict, ""),
        TEST(evidence_that_cannot_be_shown, ""),
        TEST(evidence_at_its_limit, ""),
        TEST(thirty_seconds, ""),
        TEST(every_state_misused, ""),
        TEST(no_room_to_write, ""),
        TEST(set_ups_that_cannot_be, ""),
        TEST(refusals_that_are_read, ""),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
