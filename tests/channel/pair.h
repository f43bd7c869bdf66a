/* pair.h - two ends in one program and every message between them in the hands of the test.

   Evidence is a fake that says of itself what a verifier would find out: "approved" and the
   report data that it was made for.  fake_judge is strict; unbound_judge is the negative
   control, a verifier that does not look at the report data. */
#ifndef WARD_TESTS_CHANNEL_PAIR_H
#define WARD_TESTS_CHANNEL_PAIR_H

#include <string.h>

#include "channel/parts.h"
#include "crypto/hkdf.h"
#include "test.h"

/* Room for one message; a test with evidence of full size says more before it includes this. */
#ifndef WIRE_MAX
#define WIRE_MAX 4096
#endif

enum { FAKE_LEN = 8 + ATTESTED_REPORT_DATA };

static const uint8_t fake_approved[8] = { 'a', 'p', 'p', 'r', 'o', 'v', 'e', 'd' };

typedef struct decision judge_fn(const struct attested_event *asked);
typedef struct attested_evidence quote_fn(const uint8_t *report_data);

struct message {
    uint8_t at[WIRE_MAX];
    size_t len;
};

struct end {
    struct attested channel;
    judge_fn *judge;
    quote_fn *quote;
    bool hold; /* questions are left to the test */
    int64_t now_ms;
    struct message said;         /* by the last call; len 0: nothing */
    struct attested_event event; /* of the last call */
    struct message heard;        /* what the event views */
};

struct pair {
    struct bulk *bulk;
    struct end i, r;
};

static inline struct decision fake_judge(const struct attested_event *asked)
{
    const struct span shown = asked->evidence.evidence;
    if (asked->evidence.kind != ATTESTED_KIND_TDX || shown.len != FAKE_LEN ||
        !bytes_equal(shown.at, fake_approved, 8))
        return (struct decision){ DENY, REASON_POLICY_MEASUREMENT, CHECK_COUNT };
    if (!bytes_equal(shown.at + 8, asked->report_data, ATTESTED_REPORT_DATA))
        return (struct decision){ DENY, REASON_POLICY_REPORT_DATA, CHECK_COUNT };
    return (struct decision){ ALLOW, REASON_OK, CHECK_COUNT };
}

static inline struct decision unbound_judge(const struct attested_event *asked)
{
    struct decision decision = fake_judge(asked);
    if (decision.reason == REASON_POLICY_REPORT_DATA)
        decision = (struct decision){ ALLOW, REASON_OK, CHECK_COUNT };
    return decision;
}

static inline void fake_evidence(const uint8_t *report_data, uint8_t room[FAKE_LEN],
                                 struct attested_evidence *out)
{
    memcpy(room, fake_approved, sizeof fake_approved);
    memcpy(room + sizeof fake_approved, report_data, ATTESTED_REPORT_DATA);
    *out = (struct attested_evidence){ .kind = ATTESTED_KIND_TDX,
                                       .evidence = span_of(room, FAKE_LEN),
                                       .log = span_text("a log") };
}

/* It lives until the next one. */
static inline struct attested_evidence fake_quote(const uint8_t *report_data)
{
    static uint8_t room[FAKE_LEN];
    struct attested_evidence evidence;
    fake_evidence(report_data, room, &evidence);
    return evidence;
}

/* Answers what the channel asks, until it asks nothing. */
static inline void end_answer(struct end *end, struct sink *out)
{
    while (!end->hold) {
        if (end->event.kind == ATTESTED_JUDGE) {
            end->event = attested_judge(&end->channel, end->judge(&end->event), end->now_ms, out);
        } else if (end->event.kind == ATTESTED_NEEDS_EVIDENCE) {
            const struct attested_evidence evidence = end->quote(end->event.report_data);
            end->event = attested_give(&end->channel, &evidence, out);
        } else {
            break;
        }
    }
    assert_true(sink_ok(out));
    assert_true(attested_is_sound(&end->channel));
    end->said.len = out->len;
}

static inline void end_hear(struct end *end, struct span bytes)
{
    struct sink out = sink_over(end->said.at, sizeof end->said.at);
    assert_true(bytes.len <= sizeof end->heard.at);
    if (bytes.len > 0)
        memmove(end->heard.at, bytes.at, bytes.len);
    end->heard.len = bytes.len;
    const struct attested_message message = { end->heard.at, bytes.len, end->now_ms };
    end->event = attested_take(&end->channel, message, &out);
    end_answer(end, &out);
}

static inline void end_start(struct end *end)
{
    struct sink out = sink_over(end->said.at, sizeof end->said.at);
    end->event = attested_start(&end->channel, &out);
    end_answer(end, &out);
}

static inline struct span said_by(const struct end *end)
{
    return span_of(end->said.at, end->said.len);
}

/* Mutual, both AEADs, purpose "test"; nonces and secrets from the seed.  Tests change a field
   and then make the end. */
static inline struct attested_setup setup_of(enum attested_role role, struct bulk *bulk)
{
    return (struct attested_setup){
        .role = role,
        .purpose = span_text("test"),
        .aeads = { AEAD_CHACHA20_POLY1305, AEAD_XCHACHA20_POLY1305 },
        .aead_count = 2,
        .gives_evidence = true,
        .wants_evidence = true,
        .bulk = bulk,
        .now_ms = 1000,
    };
}

static inline void end_make(struct end *end, struct attested_setup setup, uint64_t seed)
{
    struct test_random random = { seed };
    uint8_t nonce[ATTESTED_RANDOM], secret[ATTESTED_RANDOM];
    for (size_t i = 0; i < sizeof nonce; i++) {
        nonce[i] = (uint8_t)test_random_next(&random);
        secret[i] = (uint8_t)test_random_next(&random);
    }
    memset(end, 0, sizeof *end);
    end->judge = fake_judge;
    end->quote = fake_quote;
    end->now_ms = setup.now_ms;
    setup.nonce = nonce;
    setup.secret = secret;
    assert_true(attested_init(&end->channel, &setup));
    assert_true(attested_is_sound(&end->channel));
}

static inline void pair_make(struct pair *pair, struct bulk *bulk, uint64_t seed)
{
    pair->bulk = bulk;
    end_make(&pair->i, setup_of(ATTESTED_INITIATOR, bulk), 2 * seed);
    end_make(&pair->r, setup_of(ATTESTED_RESPONDER, bulk), 2 * seed + 1);
}

/* The messages of a handshake, as they went over the wire. */
struct script {
    struct message hello, accept, finish, done;
};

static inline void pair_shake(struct pair *pair, struct script *script)
{
    end_start(&pair->i);
    script->hello = pair->i.said;
    end_hear(&pair->r, said_by(&pair->i));
    script->accept = pair->r.said;
    end_hear(&pair->i, said_by(&pair->r));
    script->finish = pair->i.said;
    end_hear(&pair->r, said_by(&pair->i));
    script->done = pair->r.said;
    end_hear(&pair->i, said_by(&pair->r));
}

static inline void pair_open(struct pair *pair, struct bulk *bulk, uint64_t seed)
{
    static struct script script;
    pair_make(pair, bulk, seed);
    pair_shake(pair, &script);
    assert_true(attested_is_open(&pair->i.channel) && attested_is_open(&pair->r.channel));
}

/* One record of `from`, without a rekey before it. */
static inline struct span end_send(struct end *from, const char *text)
{
    struct sink out = sink_over(from->said.at, sizeof from->said.at);
    struct attested_sent sent;
    assert_true(attested_send(&from->channel, span_text(text), from->now_ms, &out, &sent));
    assert_int_equal(sent.count, 1);
    from->said.len = out.len;
    return sent.messages[0];
}

static inline void assert_ended(const struct end *end, enum reason reason)
{
    if (end->event.kind != ATTESTED_ENDED || end->event.reason != reason)
        fail_msg("event %d with %s instead of %s", (int)end->event.kind,
                 reason_info(end->event.reason)->name, reason_info(reason)->name);
    assert_int_equal(end->channel.state, ATTESTED_IS_OVER);
    assert_true(attested_is_sound(&end->channel)); /* no key is left */
}

static inline void assert_heard(const struct end *end, const char *text)
{
    assert_int_equal(end->event.kind, ATTESTED_DATA);
    assert_span_equal(end->event.data, span_text(text));
}

#endif
