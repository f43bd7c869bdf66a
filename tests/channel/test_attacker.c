/* test_attacker.c - somebody who owns the wire, and may own a genuine session besides: relays,
   diverted evidence, reflection, replay.  Each attack ends with its reason, and where a hash in
   the report data is what stops it, a verifier that does not look at it is shown to lose. */
#include "pair.h"
#include "with_bulk.h"

static uint64_t fresh_seed(void)
{
    static uint64_t seed = 9000;
    return seed++;
}

static void make(struct end *end, enum attested_role role, enum aead aead)
{
    struct attested_setup setup = setup_of(role, bulk);
    setup.aeads[0] = aead;
    setup.aead_count = 1;
    end_make(end, setup, fresh_seed());
}

/* The attacker at a place where its own end is asked for something. */
static void give(struct end *end, const struct attested_evidence *evidence)
{
    struct sink out = sink_over(end->said.at, sizeof end->said.at);
    end->event = attested_give(&end->channel, evidence, &out);
    end->said.len = out.len;
}

static void allow(struct end *end)
{
    struct sink out = sink_over(end->said.at, sizeof end->said.at);
    end->event = attested_judge(&end->channel, (struct decision){ ALLOW, REASON_OK, CHECK_COUNT },
                                end->now_ms, &out);
    end->said.len = out.len;
}

/* --- evidence in the wrong place ---------------------------------------------------------- */

/* What the attacker shows in the place of the evidence that it cannot have. */
enum diverted {
    DIVERTED_PEERS_RELAYED, /* the genuine peer's, made at this moment for the attacker's session */
    DIVERTED_PEERS_EARLIER, /* the genuine peer's, of an honest session before */
    DIVERTED_OWN_EARLIER,   /* the victim's own, of an honest session before */
    DIVERTED_OTHER_ROLE,    /* for this very transcript, and the victim's role in it */
    DIVERTED_OTHER_WORK,    /* of another approved workload that was taken over */
    DIVERTED_OTHER_KIND,    /* right in all but its kind */
    DIVERTED_CUT,           /* right, less its last byte */
    DIVERTED_NONE,
    DIVERTED_COUNT
};

static const struct {
    const char *name;
    enum reason reason, about;
    bool by_binding; /* what stops it is the report data: without it the attack succeeds */
} outcomes[DIVERTED_COUNT] = {
    { "relayed", REASON_CHANNEL_EVIDENCE_DENIED, REASON_POLICY_REPORT_DATA, true },
    { "earlier", REASON_CHANNEL_EVIDENCE_DENIED, REASON_POLICY_REPORT_DATA, true },
    { "the victim's", REASON_CHANNEL_EVIDENCE_DENIED, REASON_POLICY_REPORT_DATA, true },
    { "other role", REASON_CHANNEL_EVIDENCE_DENIED, REASON_POLICY_REPORT_DATA, true },
    { "other workload", REASON_CHANNEL_EVIDENCE_DENIED, REASON_POLICY_MEASUREMENT, false },
    { "other kind", REASON_CHANNEL_EVIDENCE_DENIED, REASON_POLICY_MEASUREMENT, false },
    { "cut", REASON_CHANNEL_EVIDENCE_DENIED, REASON_POLICY_MEASUREMENT, false },
    { "none", REASON_CHANNEL_EVIDENCE_REQUIRED, REASON_NONE, false },
};

/* Report data for which the genuine peer (or the victim) would make evidence: whoever wants it
   opens a session with it. */
static void report_data_elsewhere(enum attested_role of, enum aead aead,
                                  uint8_t out[ATTESTED_REPORT_DATA])
{
    static struct pair honest;
    static struct script script;
    make(&honest.i, ATTESTED_INITIATOR, aead);
    make(&honest.r, ATTESTED_RESPONDER, aead);
    pair_shake(&honest, &script);
    assert_int_equal(honest.i.event.kind, ATTESTED_OPEN);
    memcpy(out, honest.i.channel.report_data[of - 1], ATTESTED_REPORT_DATA);
}

/* The evidence that the attacker's end, being asked for some, brings instead. */
static void divert(enum diverted how, const struct end *attacker, uint8_t room[FAKE_LEN],
                   struct attested_evidence *out)
{
    enum attested_role role = attacker->channel.role;
    enum attested_role other = role == ATTESTED_INITIATOR ? ATTESTED_RESPONDER : ATTESTED_INITIATOR;
    uint8_t report_data[ATTESTED_REPORT_DATA];
    memcpy(report_data, attacker->channel.report_data[role - 1], sizeof report_data);
    if (how == DIVERTED_PEERS_RELAYED || how == DIVERTED_PEERS_EARLIER)
        report_data_elsewhere(role, attacker->channel.aead, report_data);
    if (how == DIVERTED_OWN_EARLIER)
        report_data_elsewhere(other, attacker->channel.aead, report_data);
    if (how == DIVERTED_OTHER_ROLE)
        memcpy(report_data, attacker->channel.report_data[other - 1], sizeof report_data);
    fake_evidence(report_data, room, out);
    if (how == DIVERTED_OTHER_WORK)
        memset(room, 'w', 8);
    if (how == DIVERTED_OTHER_KIND)
        out->kind = ATTESTED_KIND_SGX;
    if (how == DIVERTED_CUT)
        out->evidence.len--;
}

/* An attacker's end, with keys of its own, against a victim that wants to see evidence. */
static void attack(enum diverted how, struct end *victim, enum aead aead, judge_fn *judge)
{
    static struct end attacker;
    uint8_t room[FAKE_LEN];
    struct attested_evidence evidence;
    bool on_initiator = victim->channel.role == ATTESTED_INITIATOR;
    make(&attacker, on_initiator ? ATTESTED_RESPONDER : ATTESTED_INITIATOR, aead);
    attacker.hold = true;
    victim->judge = judge;
    end_start(on_initiator ? victim : &attacker);
    if (on_initiator) {
        end_hear(&attacker, said_by(victim));
    } else {
        end_hear(victim, said_by(&attacker));
        end_hear(&attacker, said_by(victim));
        allow(&attacker);
    }
    assert_int_equal(attacker.event.kind, ATTESTED_NEEDS_EVIDENCE);
    divert(how, &attacker, room, &evidence);
    if (how == DIVERTED_NONE) {
        struct sink out = sink_over(attacker.said.at, sizeof attacker.said.at);
        struct attested_step step = { .channel = &attacker.channel, .out = &out };
        assert_int_equal(on_initiator ? attested_give_accept(&step, &attested_no_evidence)
                                      : attested_give_finish(&step, &attested_no_evidence),
                         REASON_OK);
        attacker.said.len = out.len;
    } else {
        give(&attacker, &evidence);
    }
    end_hear(victim, said_by(&attacker));
    if (on_initiator && victim->event.kind != ATTESTED_ENDED) {
        end_hear(&attacker, said_by(victim)); /* it has even the victim's evidence now */
        allow(&attacker);
        end_hear(victim, said_by(&attacker));
    }
}

static void diverted_evidence(void **state)
{
    (void)state;
    unsigned scripts = 0;
    static struct end victim;
    for (unsigned how = 0; how < DIVERTED_COUNT; how++) {
        for (unsigned script = 0; script < 4; script++, scripts++) {
            enum attested_role role = script & 1 ? ATTESTED_RESPONDER : ATTESTED_INITIATOR;
            enum aead aead = script & 2 ? AEAD_XCHACHA20_POLY1305 : AEAD_CHACHA20_POLY1305;
            make(&victim, role, aead);
            attack((enum diverted)how, &victim, aead, fake_judge);
            assert_ended(&victim, outcomes[how].reason);
            assert_int_equal(victim.event.about, outcomes[how].about);
        }
    }
    assert_true(scripts >= 30);
}

/* The control: a verifier that takes any report data lets in exactly those that the binding
   keeps out. */
static void diverted_evidence_without_the_binding(void **state)
{
    (void)state;
    static struct end victim;
    for (unsigned how = 0; how < DIVERTED_COUNT; how++) {
        for (unsigned role = ATTESTED_INITIATOR; role <= ATTESTED_RESPONDER; role++) {
            make(&victim, (enum attested_role)role, AEAD_CHACHA20_POLY1305);
            attack((enum diverted)how, &victim, AEAD_CHACHA20_POLY1305, unbound_judge);
            assert_int_equal(attested_is_open(&victim.channel), outcomes[how].by_binding);
        }
    }
}

/* --- the relay as a whole ------------------------------------------------------------------- */

/* Both honest ends talk to the one in the middle, who shows each the other's genuine evidence. */
struct relay {
    struct end i, r;               /* honest */
    struct end middle_r, middle_i; /* to the initiator, to the responder */
};

/* True when both honest ends believe that they talk to one another. */
static bool relay_run(struct relay *relay, judge_fn *judge)
{
    struct attested_evidence evidence;
    uint8_t room[FAKE_LEN];
    make(&relay->i, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
    make(&relay->r, ATTESTED_RESPONDER, AEAD_CHACHA20_POLY1305);
    make(&relay->middle_r, ATTESTED_RESPONDER, AEAD_CHACHA20_POLY1305);
    make(&relay->middle_i, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
    relay->i.judge = relay->r.judge = judge;
    relay->middle_r.hold = relay->middle_i.hold = true;

    end_start(&relay->i);
    end_hear(&relay->middle_r, said_by(&relay->i));
    end_start(&relay->middle_i);
    end_hear(&relay->r, said_by(&relay->middle_i));
    end_hear(&relay->middle_i, said_by(&relay->r));
    evidence = relay->middle_i.event.evidence; /* the responder's, genuine */
    memcpy(room, evidence.evidence.at, FAKE_LEN);
    evidence.evidence = SPAN(room);
    evidence.log = (struct span){ 0 };
    give(&relay->middle_r, &evidence);
    end_hear(&relay->i, said_by(&relay->middle_r));
    if (relay->i.event.kind == ATTESTED_ENDED)
        return false;
    end_hear(&relay->middle_r, said_by(&relay->i));
    evidence = relay->middle_r.event.evidence; /* the initiator's */
    memcpy(room, evidence.evidence.at, FAKE_LEN);
    evidence.evidence = SPAN(room);
    evidence.log = (struct span){ 0 };
    allow(&relay->middle_i);
    give(&relay->middle_i, &evidence);
    end_hear(&relay->r, said_by(&relay->middle_i));
    if (relay->r.event.kind == ATTESTED_ENDED)
        return false;
    end_hear(&relay->middle_i, said_by(&relay->r));
    allow(&relay->middle_r);
    end_hear(&relay->i, said_by(&relay->middle_r));
    return attested_is_open(&relay->i.channel) && attested_is_open(&relay->r.channel);
}

static void a_relay_with_keys_of_its_own(void **state)
{
    (void)state;
    static struct relay relay;
    assert_false(relay_run(&relay, fake_judge));
    assert_ended(&relay.i, REASON_CHANNEL_EVIDENCE_DENIED);
    assert_int_equal(relay.i.event.about, REASON_POLICY_REPORT_DATA);
    end_hear(&relay.middle_r, said_by(&relay.i)); /* which is told what it is told */
    assert_ended(&relay.middle_r, REASON_CHANNEL_REFUSED_BY_PEER);

    assert_true(relay_run(&relay, unbound_judge)); /* the control: it reads everything */
    end_hear(&relay.middle_r, end_send(&relay.i, "the secret"));
    assert_heard(&relay.middle_r, "the secret");
    end_hear(&relay.r, end_send(&relay.middle_i, "the secret"));
    assert_heard(&relay.r, "the secret");
}

/* One that changes a key on the way and nothing else has keys that nobody else has. */
static void a_key_swapped_on_the_way(void **state)
{
    (void)state;
    static struct pair pair;
    static struct end stranger;
    for (unsigned which = 0; which < 2; which++) {
        make(&pair.i, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
        make(&pair.r, ATTESTED_RESPONDER, AEAD_CHACHA20_POLY1305);
        make(&stranger, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
        end_start(&pair.i);
        if (which == 0)
            memcpy(pair.i.said.at + 34, stranger.channel.point[0], X25519_LEN);
        end_hear(&pair.r, said_by(&pair.i));
        if (which == 1)
            memcpy(pair.r.said.at + 34, stranger.channel.point[0], X25519_LEN);
        end_hear(&pair.i, said_by(&pair.r));
        assert_ended(&pair.i, REASON_CHANNEL_TRANSCRIPT);
        end_hear(&pair.r, said_by(&pair.i));
        assert_ended(&pair.r, REASON_CHANNEL_REFUSED_BY_PEER);
    }
}

/* --- reflection ------------------------------------------------------------------------------ */

/* What an end says at each step, for the recorded session below and for echoes. */
enum step {
    STEP_HELLO,
    STEP_ACCEPT,
    STEP_FINISH,
    STEP_DONE,
    STEP_DATA_I,
    STEP_DATA_R,
    STEP_REKEY_I,
    STEP_AFTER_I,
    STEP_REKEY_R,
    STEP_AFTER_R,
    STEP_CLOSE_I,
    STEP_CLOSE_R,
    STEP_COUNT
};

static bool of_initiator(unsigned step)
{
    return step == STEP_HELLO || step == STEP_FINISH || step == STEP_DATA_I ||
           step == STEP_REKEY_I || step == STEP_AFTER_I || step == STEP_CLOSE_I;
}

/* Makes the message of the step, at the end whose it is. */
static void say(struct pair *pair, unsigned step, struct message *out)
{
    struct end *end = of_initiator(step) ? &pair->i : &pair->r;
    struct sink sink = sink_over(end->said.at, sizeof end->said.at);
    struct attested_sent sent = { .count = 0 };
    if (step == STEP_HELLO)
        end_start(end);
    if (step == STEP_DATA_I || step == STEP_DATA_R)
        (void)end_send(end, "data");
    if (step == STEP_REKEY_I || step == STEP_REKEY_R) {
        end->channel.keys.out.seq = ATTESTED_EPOCH_RECORDS_MAX; /* it is due */
        struct end *peer = end == &pair->i ? &pair->r : &pair->i;
        peer->channel.keys.in.seq = ATTESTED_EPOCH_RECORDS_MAX;
        assert_true(attested_send(&end->channel, span_text("after"), end->now_ms, &sink, &sent));
        assert_int_equal(sent.count, 2);
        end->said.len = sink.len;
        memcpy(out->at, sent.messages[0].at, sent.messages[0].len);
        out->len = sent.messages[0].len;
        return;
    }
    if (step == STEP_AFTER_I || step == STEP_AFTER_R) { /* the second message of the step before */
        memcpy(out->at, end->said.at + ATTESTED_RECORD_EXTRA,
               end->said.len - ATTESTED_RECORD_EXTRA);
        out->len = end->said.len - ATTESTED_RECORD_EXTRA;
        return;
    }
    if (step == STEP_CLOSE_I || step == STEP_CLOSE_R) {
        assert_true(attested_close(&end->channel, &sink));
        end->said.len = sink.len;
    }
    *out = end->said;
}

/* Delivers it where it belongs. */
static void deliver(struct pair *pair, unsigned step, const struct message *message)
{
    end_hear(of_initiator(step) ? &pair->r : &pair->i, span_of(message->at, message->len));
}

/* A session up to (and without) the step; fills what was said. */
static void play(struct pair *pair, unsigned until, struct message said[STEP_COUNT])
{
    make(&pair->i, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
    make(&pair->r, ATTESTED_RESPONDER, AEAD_CHACHA20_POLY1305);
    for (unsigned step = 0; step < until; step++) {
        say(pair, step, &said[step]);
        deliver(pair, step, &said[step]);
        const struct end *to = of_initiator(step) ? &pair->r : &pair->i;
        if (to->event.kind == ATTESTED_ENDED)
            fail_msg("step %u: %s", step, reason_info(to->event.reason)->name);
    }
}

/* Every message, back to who has just said it. */
static void every_message_reflected(void **state)
{
    (void)state;
    static struct pair pair;
    static struct message said[STEP_COUNT], own;
    static const enum reason reasons[STEP_COUNT] = {
        [STEP_HELLO] = REASON_CHANNEL_UNEXPECTED,  [STEP_ACCEPT] = REASON_CHANNEL_UNEXPECTED,
        [STEP_FINISH] = REASON_CHANNEL_UNEXPECTED, [STEP_DONE] = REASON_CHANNEL_UNEXPECTED,
        [STEP_DATA_I] = REASON_CHANNEL_REPLAY, /* DONE was number 0 of the responder's */
        [STEP_DATA_R] = REASON_CHANNEL_TAMPERED,   [STEP_REKEY_I] = REASON_CHANNEL_GAP,
        [STEP_AFTER_I] = REASON_CHANNEL_EPOCH,     [STEP_REKEY_R] = REASON_CHANNEL_EPOCH,
        [STEP_AFTER_R] = REASON_CHANNEL_REPLAY,    [STEP_CLOSE_I] = REASON_CHANNEL_TAMPERED,
    };
    for (unsigned step = 0; step < STEP_COUNT; step++) {
        play(&pair, step, said);
        say(&pair, step, &own);
        struct end *end = of_initiator(step) ? &pair.i : &pair.r;
        bool over = end->channel.state == ATTESTED_IS_OVER;
        end_hear(end, span_of(own.at, own.len));
        if (over) { /* both have closed: what still comes is heard by nobody */
            assert_int_equal(step, STEP_CLOSE_R);
            assert_int_equal(end->event.kind, ATTESTED_NOTHING);
        } else {
            assert_ended(end, reasons[step]);
        }
    }
}

static void two_of_a_kind(void **state)
{
    (void)state;
    static struct end a, b;
    make(&a, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
    make(&b, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
    end_start(&a);
    end_start(&b);
    struct message of_a = a.said;
    end_hear(&a, said_by(&b));
    end_hear(&b, span_of(of_a.at, of_a.len));
    assert_ended(&a, REASON_CHANNEL_UNEXPECTED);
    assert_ended(&b, REASON_CHANNEL_UNEXPECTED);

    make(&a, ATTESTED_RESPONDER, AEAD_CHACHA20_POLY1305); /* they wait for one another */
    struct sink out = sink_over(a.said.at, sizeof a.said.at);
    a.event = attested_tick(&a.channel, a.channel.deadline_ms, &out);
    assert_ended(&a, REASON_CHANNEL_TIMEOUT);
}

/* --- replay ----------------------------------------------------------------------------------- */

/* Every message of a recorded session, into every point of a session: the same one, a later one
   of its kind, or one that the attacker opened beside it.  None is taken. */
static void replay_all(const struct message recorded[STEP_COUNT], bool same)
{
    static struct pair pair;
    static struct message said[STEP_COUNT];
    for (unsigned at = 0; at <= STEP_COUNT; at++) {
        play(&pair, at, said);
        const struct pair before = pair;
        const struct message *from = same ? said : recorded;
        for (unsigned step = 0; step < (same ? at : STEP_COUNT); step++) {
            pair = before;
            struct end *to = of_initiator(step) ? &pair.r : &pair.i;
            if (!same && at == 0 && (step == STEP_HELLO || !of_initiator(step)))
                continue; /* a first message; and an initiator that has not begun hears nothing */
            if (to->channel.state == ATTESTED_IS_OVER)
                continue; /* both had closed */
            end_hear(to, span_of(from[step].at, from[step].len));
            if (to->event.kind != ATTESTED_ENDED)
                fail_msg("message %u at %u was taken", step, at);
            assert_int_equal(to->channel.state, ATTESTED_IS_OVER);
        }
    }
}

static void every_message_replayed(void **state)
{
    (void)state;
    static struct pair pair;
    static struct message recorded[STEP_COUNT];
    replay_all(recorded, true);
    play(&pair, STEP_COUNT, recorded);
    replay_all(recorded, false);
}

/* An old HELLO is answered, with a nonce that the old FINISH does not know. */
static void a_whole_session_replayed(void **state)
{
    (void)state;
    static struct pair pair;
    static struct end again;
    static struct message recorded[STEP_COUNT];
    play(&pair, STEP_COUNT, recorded);
    make(&again, ATTESTED_RESPONDER, AEAD_CHACHA20_POLY1305);
    end_hear(&again, span_of(recorded[STEP_HELLO].at, recorded[STEP_HELLO].len));
    assert_int_equal(again.channel.state, ATTESTED_WAITS_FINISH);
    end_hear(&again, span_of(recorded[STEP_FINISH].at, recorded[STEP_FINISH].len));
    assert_ended(&again, REASON_CHANNEL_TRANSCRIPT);

    make(&again, ATTESTED_INITIATOR, AEAD_CHACHA20_POLY1305);
    end_start(&again);
    end_hear(&again, span_of(recorded[STEP_ACCEPT].at, recorded[STEP_ACCEPT].len));
    assert_ended(&again, REASON_CHANNEL_TRANSCRIPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(diverted_evidence, "RL-15"),
        TEST(diverted_evidence_without_the_binding, "RL-15"),
        TEST(a_relay_with_keys_of_its_own, "PC-22 RL-15"),
        TEST(a_key_swapped_on_the_way, "PC-22 RL-15"),
        TEST(every_message_reflected, "RL-14"),
        TEST(two_of_a_kind, "RL-14"),
        TEST(every_message_replayed, "RL-13"),
        TEST(a_whole_session_replayed, "RL-13"),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
