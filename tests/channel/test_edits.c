/* test_edits.c - a handshake whose messages are changed under way: every field in the clear at
   every value, every bit, every length.  The two ends never both open after a change, and
   nothing is ever agreed on that is weaker than what both asked for. */
#include "pair.h"

static struct bulk *bulk;

/* Runs a handshake; before the message of that number is delivered it goes through `change`. */
enum { HELLO, ACCEPT, FINISH, DONE, MESSAGES };

struct edit {
    unsigned message;
    size_t at;
    uint8_t value; /* XORed in: 3 makes 1 of 2 and 2 of 1 */
    size_t cut;    /* new length; SIZE_MAX: as it is */
};

static void pass_on(struct end *from, struct end *to, const struct edit *edit, unsigned message)
{
    struct message under_way = from->said;
    if (edit->message == message && edit->at < under_way.len)
        under_way.at[edit->at] ^= edit->value;
    if (edit->message == message && edit->cut != SIZE_MAX) {
        memset(under_way.at + under_way.len, 0, sizeof under_way.at - under_way.len);
        under_way.len = edit->cut;
    }
    end_hear(to, span_of(under_way.at, under_way.len));
}

/* Making ends costs more than all the rest: they are made once and copied. */
static struct pair fresh;

/* The end that is the first to be over, or NULL when both are open. */
static const struct end *run(struct pair *pair, const struct edit *edit)
{
    struct end *ends[] = { &pair->i, &pair->r };
    *pair = fresh;
    end_start(&pair->i);
    for (unsigned message = HELLO; message < MESSAGES; message++) {
        struct end *from = ends[message % 2], *to = ends[1 - message % 2];
        pass_on(from, to, edit, message);
        if (to->event.kind == ATTESTED_ENDED)
            return to;
    }
    assert_true(attested_is_open(&pair->i.channel) && attested_is_open(&pair->r.channel));
    return NULL;
}

static size_t len_of(unsigned message)
{
    static struct pair pair;
    static struct script script;
    pair = fresh;
    pair_shake(&pair, &script);
    const size_t lens[] = { script.hello.len, script.accept.len, script.finish.len,
                            script.done.len };
    return lens[message];
}

static size_t clear_len(unsigned message)
{
    return message == HELLO    ? len_of(HELLO)
           : message == ACCEPT ? (size_t)ATTESTED_ACCEPT_CLEAR
           : message == FINISH ? 2
                               : ATTESTED_RECORD_HEAD;
}

static void every_value(unsigned message, size_t at)
{
    static struct pair pair;
    for (unsigned value = 1; value < 256; value++) {
        const struct edit edit = { message, at, (uint8_t)value, SIZE_MAX };
        const struct end *over = run(&pair, &edit);
        if (over == NULL)
            fail_msg("message %u, byte %zu ^ %u was taken", message, at, value);
        assert_int_equal(over->event.kind, ATTESTED_ENDED);
        assert_int_not_equal(over->event.reason, REASON_CHANNEL_MISUSED);
    }
}

/* Whatever is changed in the clear, one of the two is over before both are open: by its form,
   or because the transcripts differ. */
static void every_clear_byte_at_every_value(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned message = 0; message < MESSAGES; message++)
        for (size_t at = 0; at < clear_len(message); at++)
            every_value(message, at);
    assert_null(run(&pair, &(struct edit){ .message = MESSAGES, .cut = SIZE_MAX }));
}

/* Weaker offers and weaker answers: each named, with who notices and why. */
static const struct {
    const char *name;
    struct edit edit;
    bool by_initiator;
    enum reason reason;
} downgrades[] = {
    { "HELLO of version 1", { HELLO, 1, 3, SIZE_MAX }, false, REASON_CHANNEL_VERSION },
    { "HELLO of version 3", { HELLO, 1, 1, SIZE_MAX }, false, REASON_CHANNEL_VERSION },
    { "ACCEPT of version 1", { ACCEPT, 1, 3, SIZE_MAX }, true, REASON_CHANNEL_VERSION },
    { "FINISH of version 1", { FINISH, 1, 3, SIZE_MAX }, false, REASON_CHANNEL_VERSION },
    { "the better cipher offered twice",
      { HELLO, 68, 3, SIZE_MAX },
      false,
      REASON_CHANNEL_MALFORMED },
    { "a cipher of number 0", { HELLO, 67, 1, SIZE_MAX }, false, REASON_CHANNEL_MALFORMED },
    { "the other cipher chosen", { ACCEPT, 66, 3, SIZE_MAX }, true, REASON_CHANNEL_TRANSCRIPT },
    { "no cipher chosen", { ACCEPT, 66, 1, SIZE_MAX }, true, REASON_CHANNEL_MALFORMED },
    { "the initiator has no evidence",
      { HELLO, 69, 1, SIZE_MAX },
      false,
      REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "the initiator wants no evidence",
      { HELLO, 69, 2, SIZE_MAX },
      true,
      REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "the responder shows no evidence",
      { ACCEPT, 67, 1, SIZE_MAX },
      true,
      REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "the responder wants no evidence",
      { ACCEPT, 67, 2, SIZE_MAX },
      true,
      REASON_CHANNEL_TRANSCRIPT },
    { "a flag of a later version", { ACCEPT, 67, 4, SIZE_MAX }, true, REASON_CHANNEL_MALFORMED },
    { "another purpose", { HELLO, 71, 1, SIZE_MAX }, false, REASON_CHANNEL_PURPOSE },
    { "another nonce of the initiator",
      { HELLO, 2, 1, SIZE_MAX },
      true,
      REASON_CHANNEL_TRANSCRIPT },
    { "another nonce of the responder",
      { ACCEPT, 2, 1, SIZE_MAX },
      true,
      REASON_CHANNEL_TRANSCRIPT },
};

static void every_downgrade(void **state)
{
    (void)state;
    static struct pair pair;
    for (size_t row = 0; row < sizeof downgrades / sizeof downgrades[0]; row++) {
        const struct end *over = run(&pair, &downgrades[row].edit);
        if (over == NULL)
            fail_msg("%s: taken", downgrades[row].name);
        if (over->event.reason != downgrades[row].reason)
            fail_msg("%s: %s", downgrades[row].name, reason_info(over->event.reason)->name);
        assert_int_equal(over == &pair.i, downgrades[row].by_initiator);
    }
}

/* Changes that leave a good HELLO behind, where no evidence is wanted that would name what was
   said: only the transcript in the keys is left to see them. */
static void what_only_the_transcript_sees(void **state)
{
    (void)state;
    static struct pair pair;
    enum { COUNT = 66, FIRST = 67, SECOND = 68, FLAGS = 69 };
    for (unsigned edit = 0; edit < 5; edit++) {
        struct attested_setup i = setup_of(ATTESTED_INITIATOR, bulk);
        struct attested_setup r = setup_of(ATTESTED_RESPONDER, bulk);
        i.wants_evidence = r.wants_evidence = false;
        end_make(&pair.i, i, 78);
        end_make(&pair.r, r, 79);
        end_start(&pair.i);
        struct message *hello = &pair.i.said;
        if (edit == 1) { /* the other order */
            hello->at[FIRST] = 2;
            hello->at[SECOND] = 1;
        }
        if (edit == 2 || edit == 3) { /* one of the two is gone */
            hello->at[COUNT] = 1;
            hello->at[FIRST] = (uint8_t)(edit - 1);
            memmove(hello->at + SECOND, hello->at + SECOND + 1, hello->len - SECOND - 1);
            hello->len--;
        }
        if (edit == 4) /* it could show evidence, and seems not to */
            hello->at[FLAGS] = 0;
        end_hear(&pair.r, said_by(&pair.i));
        assert_int_equal(pair.r.channel.state, ATTESTED_WAITS_FINISH);
        end_hear(&pair.i, said_by(&pair.r));
        if (edit == 0)
            assert_int_equal(pair.i.channel.state, ATTESTED_WAITS_DONE);
        else
            assert_ended(&pair.i, REASON_CHANNEL_TRANSCRIPT);
    }
}

/* Two bytes name the ciphers of a HELLO: of all pairs the one that was meant is the only one with
   which both ends open. */
static void every_pair_of_ciphers(void **state)
{
    (void)state;
    static struct pair pair;
    enum { FIRST = 67, SECOND = 68 };
    for (unsigned both = 0; both < 65536; both++) {
        const uint8_t ciphers[] = { (uint8_t)(both >> 8), (uint8_t)both };
        pair = fresh;
        end_start(&pair.i);
        const bool meant = bytes_equal(&pair.i.said.at[FIRST], ciphers, sizeof ciphers);
        memcpy(&pair.i.said.at[FIRST], ciphers, sizeof ciphers);
        end_hear(&pair.r, said_by(&pair.i));
        if (pair.r.event.kind != ATTESTED_ENDED)
            end_hear(&pair.i, said_by(&pair.r));
        const bool over = pair.r.event.kind == ATTESTED_ENDED ||
                          pair.i.event.kind == ATTESTED_ENDED;
        if (over == meant)
            fail_msg("ciphers %u and %u", ciphers[0], ciphers[1]);
    }
}

static void every_bit(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned message = 0; message < MESSAGES; message++) {
        for (size_t bit = 0; bit < 8 * len_of(message); bit++) {
            const struct edit edit = { message, bit / 8, (uint8_t)(1u << bit % 8), SIZE_MAX };
            const struct end *over = run(&pair, &edit);
            if (over == NULL)
                fail_msg("message %u, bit %zu was taken", message, bit);
            /* Sealed parts are opened or not: nothing of them is understood first. */
            if (bit / 8 >= clear_len(message))
                assert_int_equal(over->event.reason, message == DONE ? REASON_CHANNEL_TAMPERED
                                                                     : REASON_CHANNEL_TRANSCRIPT);
        }
    }
}

static void every_length(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned message = 0; message < MESSAGES; message++) {
        const size_t whole = len_of(message);
        for (size_t len = 0; len < whole + 80; len++) {
            const struct edit edit = { message, SIZE_MAX, 0, len };
            const struct end *over = run(&pair, &edit);
            assert_int_equal(over == NULL, len == whole);
            if (over != NULL && len < clear_len(message) + (message == HELLO ? 0 : AEAD_TAG))
                assert_int_equal(over->event.reason, REASON_CHANNEL_MALFORMED);
        }
    }
}

/* Twice, left out, in another order: for each end there is one next message.  (The ends are
   copies of those that said these messages, so only the order at each end counts.) */
static void every_order(void **state)
{
    (void)state;
    static struct pair pair;
    static struct script script;
    pair = fresh;
    pair_shake(&pair, &script);
    const struct message *said[] = { &script.hello, &script.accept, &script.finish, &script.done };
    for (unsigned order = 0; order < 256; order++) { /* four messages out of four, any */
        static struct pair again;
        struct end *ends[] = { &again.i, &again.r };
        unsigned heard[2] = { 0 }; /* by each end: the numbers of the messages, one after another */
        again = fresh;
        end_start(&again.i);
        for (unsigned n = 0; n < 4; n++) {
            unsigned message = order >> 2 * n & 3;
            unsigned to = 1 - message % 2;
            heard[to] = heard[to] * 10 + message + 1;
            end_hear(ends[to], span_of(said[message]->at, said[message]->len));
        }
        bool open = attested_is_open(&again.i.channel) && attested_is_open(&again.r.channel);
        assert_int_equal(open, heard[0] == 24 && heard[1] == 13);
    }
}

static int begin(void **state)
{
    (void)state;
    bulk = bulk_new();
    if (bulk == NULL)
        return -1;
    pair_make(&fresh, bulk, 77);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    bulk_free(&bulk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_clear_byte_at_every_value, "RL-18"),
        TEST(every_downgrade, "RL-18"),
        TEST(what_only_the_transcript_sees, "RL-18"),
        TEST(every_pair_of_ciphers, "RL-18"),
        TEST(every_bit, ""),
        TEST(every_length, ""),
        TEST(every_order, ""),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
