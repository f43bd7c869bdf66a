/* test_close.c - the ends of a channel: said by one side, by both, by nobody, and with a reason. */
#include "pair.h"
#include "with_bulk.h"

static void open_pair(struct pair *pair)
{
    static uint64_t seed = 600;
    pair_open(pair, bulk, seed++);
}

static void closing(void **state)
{
    (void)state;
    static struct pair pair;
    open_pair(&pair);
    struct sink out = sink_over(pair.i.said.at, sizeof pair.i.said.at);
    assert_true(attested_close(&pair.i.channel, &out));
    pair.i.said.len = out.len;
    struct attested_sent sent;
    assert_false(
        attested_send(&pair.i.channel, span_text("x"), 1000, &out, &sent)); /* it said so */
    assert_false(attested_close(&pair.i.channel, &out));
    end_hear(&pair.r, said_by(&pair.i));
    assert_int_equal(pair.r.event.kind, ATTESTED_CLOSED);
    end_hear(&pair.i, end_send(&pair.r, "one more")); /* the other direction goes on */
    assert_heard(&pair.i, "one more");
    struct attested half[2] = { pair.i.channel, pair.r.channel };

    out = sink_over(pair.r.said.at, sizeof pair.r.said.at);
    assert_true(attested_close(&pair.r.channel, &out));
    assert_int_equal(pair.r.channel.state, ATTESTED_IS_OVER); /* it heard the other's before */
    assert_true(attested_is_sound(&pair.r.channel));
    end_hear(&pair.i, span_of(pair.r.said.at, out.len));
    assert_int_equal(pair.i.event.kind, ATTESTED_CLOSED);
    assert_int_equal(pair.i.channel.state, ATTESTED_IS_OVER); /* both have */
    assert_true(attested_is_sound(&pair.i.channel));

    pair.r.channel = half[1]; /* after CLOSE nothing may come, and the wire may end */
    pair.i.channel = half[0];
    assert_int_equal(attested_cut(&pair.r.channel).kind, ATTESTED_NOTHING);
    assert_int_equal(pair.r.channel.state, ATTESTED_IS_OVER);
    pair.r.channel = half[1];
    uint8_t record[ATTESTED_RECORD_EXTRA];
    assert_true(attested_record_seal(bulk, &pair.i.channel.keys.out, ATTESTED_RECORD_DATA,
                                     (struct span){ 0 }, record));
    end_hear(&pair.r, SPAN(record));
    assert_ended(&pair.r, REASON_CHANNEL_UNEXPECTED);
}

static void a_cut_wire_is_no_end(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned heard = 0; heard < 3; heard++) {
        open_pair(&pair);
        for (unsigned n = 0; n < heard; n++)
            end_hear(&pair.r, end_send(&pair.i, "more"));
        pair.r.event = attested_cut(&pair.r.channel);
        assert_ended(&pair.r, REASON_CHANNEL_TRUNCATED);
        pair.r.event = attested_cut(&pair.r.channel);
        assert_int_equal(pair.r.event.kind, ATTESTED_NOTHING);
    }
}

/* Who ends a channel says why, sealed; what comes with a type that says all must be empty. */
static void the_last_word(void **state)
{
    (void)state;
    static struct pair pair;
    uint8_t bad[ATTESTED_RECORD_EXTRA + 1];
    static const enum attested_type empty[] = { ATTESTED_RECORD_REKEY, ATTESTED_RECORD_CLOSE };
    for (unsigned t = 0; t < 2; t++) {
        open_pair(&pair);
        assert_true(
            attested_record_seal(bulk, &pair.i.channel.keys.out, empty[t], span_text("x"), bad));
        end_hear(&pair.r, SPAN(bad));
        assert_ended(&pair.r, REASON_CHANNEL_MALFORMED);
        assert_int_equal(pair.r.said.at[0], ATTESTED_RECORD_REFUSE);
        end_hear(&pair.i, said_by(&pair.r));
        assert_ended(&pair.i, REASON_CHANNEL_REFUSED_BY_PEER);
        assert_int_equal(pair.i.event.about, REASON_CHANNEL_MALFORMED);
        assert_int_equal(pair.i.said.len, 0); /* and nobody answers that */
    }
}

/* A caller that no longer wants a channel says why, before it is open and afterwards. */
static void a_refusal_of_the_callers(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned heard = 0; heard < 4; heard++) {
        if (heard < 3)
            pair_make(&pair, bulk, 670 + heard);
        else
            open_pair(&pair);
        for (unsigned n = 0; heard < 3 && n <= heard; n++) {
            if (n == 0)
                end_start(&pair.i);
            else if (n == 1)
                end_hear(&pair.r, said_by(&pair.i));
            else
                end_hear(&pair.i, said_by(&pair.r));
        }
        pair.r.hold = heard == 2; /* the initiator's evidence waits for its judge */
        if (heard == 2)
            end_hear(&pair.r, said_by(&pair.i));
        struct sink out = sink_over(pair.r.said.at, sizeof pair.r.said.at);
        pair.r.event = attested_refuse(&pair.r.channel, REASON_HOUSE_UNAVAILABLE, &out);
        assert_ended(&pair.r, REASON_HOUSE_UNAVAILABLE);
        assert_true(attested_is_sound(&pair.r.channel));
        pair.r.event = attested_refuse(&pair.r.channel, REASON_HOUSE_UNAVAILABLE, &out);
        assert_int_equal(pair.r.event.kind, ATTESTED_NOTHING);
        /* After ACCEPT it is sealed: an initiator that has not opened that one reads no seal. */
        end_hear(&pair.i, span_of(pair.r.said.at, out.len));
        assert_ended(&pair.i,
                     heard == 1 ? REASON_CHANNEL_UNEXPECTED : REASON_CHANNEL_REFUSED_BY_PEER);
        if (heard != 1)
            assert_int_equal(pair.i.event.about, REASON_HOUSE_UNAVAILABLE);
    }
}

/* What evidence is bound to is the same for both, and another for each channel. */
static void what_is_bound(void **state)
{
    (void)state;
    static struct pair pair;
    uint8_t before[ATTESTED_BOUND] = { 0 }, bytes[ATTESTED_REPORT_DATA];
    for (unsigned n = 0; n < 3; n++) {
        open_pair(&pair);
        const uint8_t *bound = attested_bound(&pair.r.channel);
        assert_memory_equal(bound, attested_bound(&pair.i.channel), ATTESTED_BOUND);
        assert_memory_not_equal(bound, before, ATTESTED_BOUND);
        for (unsigned role = ATTESTED_INITIATOR; role <= ATTESTED_RESPONDER; role++) {
            attested_report_data(bound, (enum attested_role)role, bytes);
            assert_memory_equal(bytes, pair.i.channel.report_data[role - 1], sizeof bytes);
            assert_memory_equal(bytes, pair.r.channel.report_data[role - 1], sizeof bytes);
        }
        memcpy(before, bound, sizeof before);
    }
}

/* A DONE that says more than that it is one. */
static void a_done_with_words(void **state)
{
    (void)state;
    static struct pair pair;
    struct attested_way way;
    uint8_t record[ATTESTED_RECORD_EXTRA + 1];
    for (size_t len = 0; len < 2; len++) {
        pair_make(&pair, bulk, 650);
        end_start(&pair.i);
        end_hear(&pair.r, said_by(&pair.i));
        end_hear(&pair.i, said_by(&pair.r));
        pair.r.hold = true;
        end_hear(&pair.r, said_by(&pair.i));
        attested_traffic_way(&pair.r.channel, ATTESTED_RESPONDER, 0, &way);
        assert_true(
            attested_record_seal(bulk, &way, ATTESTED_RECORD_DONE, span_of("x", len), record));
        end_hear(&pair.i, span_of(record, ATTESTED_RECORD_EXTRA + len));
        if (len == 0)
            assert_int_equal(pair.i.event.kind, ATTESTED_OPEN);
        else
            assert_ended(&pair.i, REASON_CHANNEL_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(closing, ""),       TEST(a_cut_wire_is_no_end, ""),
        TEST(the_last_word, ""), TEST(a_refusal_of_the_callers, ""),
        TEST(what_is_bound, ""), TEST(a_done_with_words, ""),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
