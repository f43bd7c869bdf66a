/* test_parse.c - the forms of the messages that are read before there are keys, and of what is
   inside the sealed ones: every field at every value, every length, every bit. */
#include "pair.h"
#include "with_bulk.h"

/* What a fresh responder makes of a HELLO. */
static const struct end *told(struct end *end, const struct message *hello)
{
    static uint64_t seed = 500;
    end_make(end, setup_of(ATTESTED_RESPONDER, bulk), seed++);
    end_hear(end, span_of(hello->at, hello->len));
    return end;
}

static void make_hello(struct message *hello)
{
    static struct end end;
    end_make(&end, setup_of(ATTESTED_INITIATOR, bulk), 1);
    end_start(&end);
    *hello = end.said;
}

/* Where the fields of the HELLO of make_hello are. */
enum { AT_VERSION = 1, AT_COUNT = 66, AT_AEAD = 67, AT_FLAGS = 69, AT_LEN = 70, AT_PURPOSE = 71 };

static enum reason reason_of_hello(size_t at, unsigned value, unsigned was)
{
    if (value == was)
        return REASON_OK;
    if (at == 0)
        return REASON_CHANNEL_UNEXPECTED;
    if (at == AT_VERSION)
        return REASON_CHANNEL_VERSION;
    if (at == AT_FLAGS && value == 0)
        return REASON_CHANNEL_EVIDENCE_REQUIRED; /* it neither shows nor wants any */
    if (at == AT_FLAGS && value == 1)
        return REASON_OK; /* it wants none: the transcript will show what was said */
    if (at == AT_FLAGS && value == 2)
        return REASON_CHANNEL_EVIDENCE_REQUIRED;
    if (at >= AT_PURPOSE && value > 0x20 && value < 0x7f)
        return REASON_CHANNEL_PURPOSE;
    return REASON_CHANNEL_MALFORMED;
}

static void every_field_of_a_hello(void **state)
{
    (void)state;
    static struct end end;
    struct message hello;
    make_hello(&hello);
    assert_int_equal(hello.len, AT_PURPOSE + 4);
    static const size_t fields[] = { 0,        AT_VERSION, AT_COUNT,   AT_AEAD,       AT_AEAD + 1,
                                     AT_FLAGS, AT_LEN,     AT_PURPOSE, AT_PURPOSE + 3 };
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        for (unsigned value = 0; value < 256; value++) {
            struct message changed = hello;
            changed.at[fields[f]] = (uint8_t)value;
            enum reason want = reason_of_hello(fields[f], value, hello.at[fields[f]]);
            (void)told(&end, &changed);
            if (want == REASON_OK)
                assert_int_equal(end.channel.state, ATTESTED_WAITS_FINISH);
            else
                assert_ended(&end, want);
        }
    }
    struct message one = hello; /* one AEAD, and the bytes of the second left out */
    one.at[AT_COUNT] = 1;
    memmove(one.at + AT_AEAD + 1, one.at + AT_AEAD + 2, one.len - AT_AEAD - 2);
    one.len--;
    (void)told(&end, &one);
    assert_int_equal(end.channel.state, ATTESTED_WAITS_FINISH);
    assert_int_equal(end.channel.aead, AEAD_CHACHA20_POLY1305);
    struct message longest = hello;
    memset(longest.at + AT_PURPOSE, 'p', ATTESTED_PURPOSE_MAX + 1);
    for (unsigned over = 0; over < 2; over++) {
        longest.at[AT_LEN] = (uint8_t)(ATTESTED_PURPOSE_MAX + over);
        longest.len = AT_PURPOSE + ATTESTED_PURPOSE_MAX + over;
        (void)told(&end, &longest);
        assert_ended(&end, over ? REASON_CHANNEL_TOO_LARGE : REASON_CHANNEL_PURPOSE);
    }
}

static void every_length_of_a_hello(void **state)
{
    (void)state;
    static struct end end;
    struct message hello;
    make_hello(&hello);
    for (size_t len = 0; len <= ATTESTED_HELLO_MAX; len++) {
        struct message cut = hello;
        memset(cut.at + hello.len, 0, sizeof cut.at - hello.len);
        cut.len = len;
        (void)told(&end, &cut);
        if (len == hello.len)
            assert_int_equal(end.channel.state, ATTESTED_WAITS_FINISH);
        else
            assert_ended(&end, REASON_CHANNEL_MALFORMED);
    }
}

/* A responder with one AEAD only, and an initiator with the other one only. */
static void no_cipher_in_common(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned which = 1; which <= 2; which++) {
        struct attested_setup i = setup_of(ATTESTED_INITIATOR, bulk);
        struct attested_setup r = setup_of(ATTESTED_RESPONDER, bulk);
        i.aead_count = r.aead_count = 1;
        i.aeads[0] = (enum aead)which;
        r.aeads[0] = (enum aead)(3 - which);
        end_make(&pair.i, i, 3);
        end_make(&pair.r, r, 4);
        end_start(&pair.i);
        end_hear(&pair.r, said_by(&pair.i));
        assert_ended(&pair.r, REASON_CHANNEL_AEAD);
        end_hear(&pair.i, said_by(&pair.r));
        assert_int_equal(pair.i.event.about, REASON_CHANNEL_AEAD);
    }
}

static struct span evidence_of(uint8_t *room, size_t cap, unsigned kind, size_t evidence,
                               size_t log)
{
    struct sink out = sink_over(room, cap);
    sink_u8(&out, (uint8_t)kind);
    sink_u32le(&out, (uint32_t)evidence);
    sink_zero(&out, evidence);
    sink_u32le(&out, (uint32_t)log);
    sink_zero(&out, log);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static void every_field_of_evidence(void **state)
{
    (void)state;
    static uint8_t room[ATTESTED_EVIDENCE_HEAD + ATTESTED_EVIDENCE_MAX + ATTESTED_LOG_MAX + 1];
    struct attested_evidence evidence = { 0 };
    for (unsigned kind = 0; kind < 256; kind++) {
        for (unsigned shape = 0; shape < 4; shape++) {
            size_t quote = shape & 1 ? 5 : 0, log = shape & 2 ? 7 : 0;
            bool good = kind == 0 ? shape == 0 : kind <= 3 && quote > 0;
            struct span bytes = evidence_of(room, sizeof room, kind, quote, log);
            assert_int_equal(attested_parse_evidence(bytes, &evidence),
                             good ? REASON_OK : REASON_CHANNEL_MALFORMED);
            if (!good)
                continue;
            assert_int_equal(evidence.kind, kind);
            assert_int_equal(evidence.evidence.len, quote);
            assert_int_equal(evidence.log.len, log);
            room[bytes.len] = 0; /* one byte left over */
            assert_int_equal(attested_parse_evidence(span_of(room, bytes.len + 1), &evidence),
                             REASON_CHANNEL_MALFORMED);
            for (size_t len = 0; len < bytes.len; len++)
                assert_int_equal(attested_parse_evidence(span_of(room, len), &evidence),
                                 REASON_CHANNEL_MALFORMED);
        }
    }
    const struct {
        size_t evidence, log;
        enum reason reason;
    } rows[] = {
        { ATTESTED_EVIDENCE_MAX, ATTESTED_LOG_MAX, REASON_OK },
        { ATTESTED_EVIDENCE_MAX + 1, 0, REASON_CHANNEL_TOO_LARGE },
        { 1, ATTESTED_LOG_MAX + 1, REASON_CHANNEL_TOO_LARGE },
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++)
        assert_int_equal(
            attested_parse_evidence(
                evidence_of(room, sizeof room, 1, rows[row].evidence, rows[row].log), &evidence),
            rows[row].reason);
}

/* A responder that is genuine and rude: what it seals for an initiator is well sealed, and not
   what the initiator asked for. */
static enum reason accept_with(bool wants, const struct attested_evidence *evidence)
{
    static struct pair pair;
    struct attested_setup setup = setup_of(ATTESTED_INITIATOR, bulk);
    setup.wants_evidence = wants;
    end_make(&pair.i, setup, 5);
    end_make(&pair.r, setup_of(ATTESTED_RESPONDER, bulk), 6);
    pair.r.hold = true;
    end_start(&pair.i);
    end_hear(&pair.r, said_by(&pair.i));
    struct attested_step step = { .channel = &pair.r.channel };
    struct sink out = sink_over(pair.r.said.at, sizeof pair.r.said.at);
    if (!wants) { /* it was answered already: back to before that */
        memset(&pair.r.channel.keys.out, 0, sizeof pair.r.channel.keys.out);
        uint8_t clear[ATTESTED_ACCEPT_CLEAR];
        struct sink accept = sink_over(clear, sizeof clear);
        attested_write_accept(&pair.r.channel, &accept);
        attested_transcript_begin(&pair.r.channel, span_of(pair.i.said.at, pair.i.said.len),
                                  sink_bytes(&accept));
    }
    step.out = &out;
    assert_int_equal(attested_give_accept(&step, evidence), REASON_OK);
    pair.i.hold = true;
    end_hear(&pair.i, sink_bytes(&out));
    return pair.i.event.kind == ATTESTED_ENDED ? pair.i.event.reason : REASON_OK;
}

static void evidence_that_was_not_asked_for(void **state)
{
    (void)state;
    const struct attested_evidence quote = { ATTESTED_KIND_SGX, span_text("quote"), { 0 } };
    const struct attested_evidence log = { ATTESTED_KIND_NONE, { 0 }, span_text("log") };
    assert_int_equal(accept_with(true, &quote), REASON_OK);
    assert_int_equal(accept_with(true, &attested_no_evidence), REASON_CHANNEL_EVIDENCE_REQUIRED);
    assert_int_equal(accept_with(false, &attested_no_evidence), REASON_OK);
    /* There is no room for what nobody asked for: it is not even deciphered. */
    assert_int_equal(accept_with(false, &quote), REASON_CHANNEL_TOO_LARGE);
    assert_int_equal(accept_with(true, &log), REASON_CHANNEL_MALFORMED);
}

/* A responder that asks for, or announces, what the HELLO before it excludes. */
static void an_accept_that_does_not_fit(void **state)
{
    (void)state;
    static struct pair pair;
    static const enum reason reasons[] = { REASON_OK, REASON_CHANNEL_MALFORMED,
                                           REASON_CHANNEL_EVIDENCE_UNAVAILABLE,
                                           REASON_CHANNEL_AEAD };
    for (unsigned row = 0; row < 4; row++) {
        struct attested_setup i = setup_of(ATTESTED_INITIATOR, bulk);
        struct attested_setup r = setup_of(ATTESTED_RESPONDER, bulk);
        i.wants_evidence = i.gives_evidence = r.wants_evidence = false;
        i.aead_count = 1;
        end_make(&pair.i, i, 9);
        end_make(&pair.r, r, 10);
        end_start(&pair.i);
        end_hear(&pair.r, said_by(&pair.i));
        struct attested *rude = &pair.r.channel;
        rude->peer_wants_evidence = row == 1;
        rude->wants_evidence = row == 2;
        rude->aead = row == 3 ? AEAD_XCHACHA20_POLY1305 : rude->aead;
        memset(&rude->keys.out, 0, sizeof rude->keys.out); /* back to before its answer */
        uint8_t clear[ATTESTED_ACCEPT_CLEAR];
        struct sink accept = sink_over(clear, sizeof clear);
        attested_write_accept(rude, &accept);
        attested_transcript_begin(rude, said_by(&pair.i), sink_bytes(&accept));
        struct sink out = sink_over(pair.r.said.at, sizeof pair.r.said.at);
        struct attested_step step = { .channel = rude, .out = &out };
        assert_int_equal(attested_give_accept(&step, &attested_no_evidence), REASON_OK);
        end_hear(&pair.i, sink_bytes(&out));
        if (row == 0)
            assert_int_equal(pair.i.channel.state, ATTESTED_WAITS_DONE);
        else
            assert_ended(&pair.i, reasons[row]);
    }
}

/* The same of an initiator. */
static enum reason finish_with(bool wants, const struct attested_evidence *evidence)
{
    static struct pair pair;
    struct attested_setup setup = setup_of(ATTESTED_RESPONDER, bulk);
    setup.wants_evidence = wants;
    end_make(&pair.i, setup_of(ATTESTED_INITIATOR, bulk), 7);
    end_make(&pair.r, setup, 8);
    end_start(&pair.i);
    end_hear(&pair.r, said_by(&pair.i));
    pair.i.hold = true;
    end_hear(&pair.i, said_by(&pair.r));
    struct sink out = sink_over(pair.i.said.at, sizeof pair.i.said.at);
    struct attested_step step = { .channel = &pair.i.channel, .out = &out };
    assert_int_equal(attested_give_finish(&step, evidence), REASON_OK);
    pair.r.hold = true;
    end_hear(&pair.r, sink_bytes(&out));
    return pair.r.event.kind == ATTESTED_ENDED ? pair.r.event.reason : REASON_OK;
}

static void an_initiator_that_shows_the_wrong_thing(void **state)
{
    (void)state;
    const struct attested_evidence quote = { ATTESTED_KIND_SGX, span_text("quote"), { 0 } };
    assert_int_equal(finish_with(true, &quote), REASON_OK);
    assert_int_equal(finish_with(true, &attested_no_evidence), REASON_CHANNEL_EVIDENCE_REQUIRED);
    assert_int_equal(finish_with(false, &attested_no_evidence), REASON_OK);
    assert_int_equal(finish_with(false, &quote), REASON_CHANNEL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_of_a_hello, ""),
        TEST(every_length_of_a_hello, ""),
        TEST(no_cipher_in_common, ""),
        TEST(every_field_of_evidence, ""),
        TEST(evidence_that_was_not_asked_for, ""),
        TEST(an_accept_that_does_not_fit, ""),
        TEST(an_initiator_that_shows_the_wrong_thing, ""),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
