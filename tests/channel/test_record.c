/* test_record.c - records of an open channel: what changes one, moves one, or goes on too long
   with one key ends it.  Every seal of this program goes through a checker that has seen all
   keys and nonces before it (the linker puts it in front of bulk_seal). */
#include "pair.h"

bool __real_bulk_seal(struct bulk *bulk, const struct aead_use *use, struct span plain,
                      uint8_t *out);
bool __wrap_bulk_seal(struct bulk *bulk, const struct aead_use *use, struct span plain,
                      uint8_t *out);

/* Of each key: its first nonce, and the counter that was XORed into the last one. */
enum { KEYS_MAX = 4096 };
static struct seen {
    uint8_t key[AEAD_KEY];
    uint8_t first[XCHACHA20_NONCE];
    uint64_t last;
} seen[KEYS_MAX];
static size_t seen_count;
static size_t newest; /* keys come back mostly from the end of the list */
static uint64_t seals, repeats;

/* Tests that turn a channel back to spoil it again use `unwatched`: what they seal is sealed
   again with reason, and the checker does not look at it. */
static struct bulk *bulk, *unwatched;

/* Nonces of one key must be its first one XOR 1, 2, 3 ... in the last eight bytes. */
static uint64_t counter_of(const struct seen *key, struct span nonce)
{
    uint64_t counter = 0;
    for (size_t i = 0; i < nonce.len - 8; i++)
        if (nonce.at[i] != key->first[i])
            return 0;
    for (size_t i = 0; i < 8; i++)
        counter |= (uint64_t)(nonce.at[nonce.len - 8 + i] ^ key->first[nonce.len - 8 + i]) << 8 * i;
    return counter;
}

static void watch(const struct aead_use *use)
{
    seals++;
    for (size_t back = 0; back < seen_count; back++) {
        struct seen *key = &seen[(newest + seen_count - back) % seen_count];
        if (!bytes_equal(key->key, use->key, AEAD_KEY))
            continue;
        uint64_t counter = counter_of(key, use->nonce);
        repeats += counter <= key->last;
        key->last = counter;
        return;
    }
    if (seen_count == KEYS_MAX)
        fail();
    newest = seen_count++;
    memcpy(seen[newest].key, use->key, AEAD_KEY);
    memcpy(seen[newest].first, use->nonce.at, use->nonce.len);
    seen[newest].last = 0;
}

bool __wrap_bulk_seal(struct bulk *b, const struct aead_use *use, struct span plain, uint8_t *out)
{
    if (b == bulk)
        watch(use);
    return __real_bulk_seal(b, use, plain, out);
}

/* Seeds of this program are never used twice: the same one would rightly give the same keys. */
static uint64_t fresh_seed(void)
{
    static uint64_t seed = 1000;
    return seed++;
}

static void open_pair(struct pair *pair)
{
    pair_open(pair, bulk, fresh_seed());
}

static void open_to_turn_back(struct pair *pair)
{
    pair_open(pair, unwatched, fresh_seed());
}

/* 64 records of one side, kept: from none to 1890 bytes of message, so that either library
   has sealed some of them. */
enum { KEPT = 64, KEPT_STEP = 30 };
static struct message kept[KEPT];
static uint8_t kept_plain[KEPT][KEPT * KEPT_STEP];

static size_t kept_len(unsigned n)
{
    return (size_t)n * KEPT_STEP;
}

static void keep(struct end *from)
{
    struct test_random random = { 64 };
    for (unsigned n = 0; n < KEPT; n++) {
        struct sink out = sink_over(kept[n].at, sizeof kept[n].at);
        struct attested_sent sent;
        for (size_t i = 0; i < kept_len(n); i++)
            kept_plain[n][i] = (uint8_t)test_random_next(&random);
        assert_true(attested_send(&from->channel, span_of(kept_plain[n], kept_len(n)), from->now_ms,
                                  &out, &sent));
        kept[n].len = out.len;
    }
}

/* The channel of `to` as it was before it heard anything, to be spoilt again and again. */
static void hear_up_to(struct end *to, const struct attested *before, unsigned n)
{
    to->channel = *before;
    for (unsigned i = 0; i < n; i++) {
        end_hear(to, span_of(kept[i].at, kept[i].len));
        assert_int_equal(to->event.kind, ATTESTED_DATA);
    }
}

/* Which reason a flipped bit of a record has, by the byte that it is in. */
static enum reason reason_of_flip(unsigned n, size_t byte, const uint8_t *changed)
{
    if (byte == 0)
        return changed[0] == ATTESTED_RECORD_REKEY || changed[0] == ATTESTED_RECORD_CLOSE ||
                       changed[0] == ATTESTED_RECORD_REFUSE
                   ? REASON_CHANNEL_TAMPERED
                   : REASON_CHANNEL_UNEXPECTED;
    if (byte < 5)
        return REASON_CHANNEL_EPOCH;
    if (byte >= ATTESTED_RECORD_HEAD)
        return REASON_CHANNEL_TAMPERED;
    uint64_t seq = 0;
    for (size_t i = 0; i < 8; i++)
        seq |= (uint64_t)changed[5 + i] << 8 * i;
    return seq < n ? REASON_CHANNEL_REPLAY : REASON_CHANNEL_GAP;
}

/* Each bit of each of 64 records: the session ends there, and nothing of it is given out, not
   even in the place where it was deciphered. */
static void every_bit_of_64_records(void **state)
{
    (void)state;
    static struct pair pair;
    unsigned flips = 0;
    open_to_turn_back(&pair);
    keep(&pair.i);
    struct attested before = pair.r.channel;
    for (unsigned n = 0; n < KEPT; n++) {
        hear_up_to(&pair.r, &before, n);
        const struct attested at = pair.r.channel;
        for (size_t bit = 0; bit < 8 * kept[n].len; bit++, flips++) {
            struct message changed = kept[n];
            changed.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
            pair.r.channel = at;
            end_hear(&pair.r, span_of(changed.at, changed.len));
            assert_ended(&pair.r, reason_of_flip(n, bit / 8, changed.at));
            assert_int_equal(pair.r.event.data.len, 0);
            if (n > 0)
                assert_memory_not_equal(pair.r.heard.at + ATTESTED_RECORD_HEAD, kept_plain[n],
                                        kept_len(n));
            end_hear(&pair.r, span_of(kept[n].at, kept[n].len)); /* it stays over */
            assert_int_equal(pair.r.event.kind, ATTESTED_NOTHING);
            assert_int_equal(pair.r.said.len, 0);
        }
    }
    assert_int_equal(flips, 498688);
}

/* Dropped, doubled, swapped, split, joined and cut: each of 64 records. */
static void every_record_moved(void **state)
{
    (void)state;
    static struct pair pair;
    open_to_turn_back(&pair);
    keep(&pair.i);
    struct attested before = pair.r.channel;
    for (unsigned n = 0; n < KEPT; n++) {
        for (unsigned other = 0; other < KEPT; other++) { /* out of its turn */
            hear_up_to(&pair.r, &before, n);
            end_hear(&pair.r, span_of(kept[other].at, kept[other].len));
            if (other == n)
                assert_int_equal(pair.r.event.kind, ATTESTED_DATA);
            else
                assert_ended(&pair.r, other < n ? REASON_CHANNEL_REPLAY : REASON_CHANNEL_GAP);
        }
        for (size_t len = 0; len < kept[n].len; len++) {
            hear_up_to(&pair.r, &before, n);
            end_hear(&pair.r, span_of(kept[n].at, len));
            assert_ended(&pair.r, len < ATTESTED_RECORD_EXTRA ? REASON_CHANNEL_MALFORMED
                                                              : REASON_CHANNEL_TAMPERED);
        }
        struct message joined = kept[n];
        memcpy(joined.at + joined.len, kept[(n + 1) % KEPT].at, kept[(n + 1) % KEPT].len);
        joined.len += kept[(n + 1) % KEPT].len;
        hear_up_to(&pair.r, &before, n);
        end_hear(&pair.r, span_of(joined.at, joined.len));
        assert_ended(&pair.r, REASON_CHANNEL_TAMPERED);
    }
}

/* Both ends' records, sent back to where they come from. */
static void reflected_records(void **state)
{
    (void)state;
    static struct pair pair;
    for (unsigned later = 0; later < 2; later++) {
        open_pair(&pair);
        end_hear(&pair.r, end_send(&pair.i, "a")); /* r has heard 1 and said 1, as i has */
        if (later)
            end_hear(&pair.i, end_send(&pair.r, "b"));
        struct end *ends[] = { &pair.i, &pair.r };
        for (unsigned e = 0; e < 2; e++) {
            const struct attested at = ends[e]->channel;
            struct span own = end_send(ends[e], "mine");
            struct message copy = ends[e]->said;
            ends[e]->channel.keys.in.seq = at.keys.out.seq; /* even where the numbers fit */
            end_hear(ends[e], span_of(copy.at, own.len));
            assert_ended(ends[e], REASON_CHANNEL_TAMPERED);
        }
    }
}

static bool send_len(struct end *from, size_t len, struct sink *out, struct attested_sent *sent)
{
    static const uint8_t bytes[ATTESTED_PLAIN_MAX + 1];
    return attested_send(&from->channel, span_of(bytes, len), from->now_ms, out, sent);
}

static struct attested_event hear_at(struct end *to, struct span message, struct sink *answer)
{
    static uint8_t room[ATTESTED_PLAIN_MAX + ATTESTED_RECORD_EXTRA + 1];
    memcpy(room, message.at, message.len);
    return attested_take(&to->channel, (struct attested_message){ room, message.len, to->now_ms },
                         answer);
}

static void the_largest_message(void **state)
{
    (void)state;
    static struct pair pair;
    static uint8_t wire[ATTESTED_PLAIN_MAX + 2 * ATTESTED_RECORD_EXTRA];
    struct attested_sent sent;
    open_pair(&pair);
    struct sink answer = sink_over(pair.r.said.at, sizeof pair.r.said.at);
    struct sink out = sink_over(wire, sizeof wire);
    const struct attested before = pair.i.channel;
    assert_false(send_len(&pair.i, ATTESTED_PLAIN_MAX + 1, &out, &sent));
    out.cap--;
    assert_false(send_len(&pair.i, ATTESTED_PLAIN_MAX, &out, &sent));
    assert_memory_equal(&before, &pair.i.channel, sizeof before);
    assert_int_equal(out.len, 0);
    out.cap++;
    assert_true(send_len(&pair.i, ATTESTED_PLAIN_MAX, &out, &sent));
    assert_int_equal(sent.messages[0].len, attested_message_max(&pair.r.channel));
    struct attested_event event = hear_at(&pair.r, sent.messages[0], &answer);
    assert_int_equal(event.kind, ATTESTED_DATA);
    assert_int_equal(event.data.len, ATTESTED_PLAIN_MAX);
}

/* An epoch ends after 2^20 records, 2^30 bytes or an hour, whichever comes first; a sender that
   goes on is cut, at the same marks or, for the hour, at two. */
struct edge {
    const char *name;
    uint64_t seq, bytes;
    int64_t age_ms;
    size_t len;
    bool next;    /* the sender renews its key first */
    bool overdue; /* the receiver cuts one that did not */
};

static const struct edge edges[] = {
    { "2^20 - 1 records before", ATTESTED_EPOCH_RECORDS_MAX - 2, 0, 0, 1, false, false },
    { "2^20 records", ATTESTED_EPOCH_RECORDS_MAX - 1, 0, 0, 1, false, false },
    { "2^20 + 1 records", ATTESTED_EPOCH_RECORDS_MAX, 0, 0, 1, true, true },
    { "1 GiB - 1", 5, ATTESTED_EPOCH_BYTES_MAX - 2, 0, 1, false, false },
    { "1 GiB", 5, ATTESTED_EPOCH_BYTES_MAX - 1, 0, 1, false, false },
    { "1 GiB + 1", 5, ATTESTED_EPOCH_BYTES_MAX, 0, 1, true, true },
    { "1 GiB + 1, by a long one", 5, ATTESTED_EPOCH_BYTES_MAX - ATTESTED_PLAIN_MAX + 1, 0,
      ATTESTED_PLAIN_MAX, true, true },
    { "1 GiB, by nothing", 5, ATTESTED_EPOCH_BYTES_MAX, 0, 0, false, false },
    { "an hour less 1 ms", 5, 0, ATTESTED_EPOCH_MS - 1, 1, false, false },
    { "an hour", 5, 0, ATTESTED_EPOCH_MS, 1, true, false },
    { "two hours", 5, 0, ATTESTED_EPOCH_LATE_MS, 1, true, false },
    { "two hours and 1 ms", 5, 0, ATTESTED_EPOCH_LATE_MS + 1, 1, true, true },
    { "a clock that went back", 5, 0, -ATTESTED_EPOCH_LATE_MS, 1, false, false },
};

static void set_way(struct attested_way *way, const struct edge *edge)
{
    way->seq = edge->seq;
    way->bytes = edge->bytes;
}

/* As it should, or counting anew and keeping its key. */
static void send_at(const struct edge *edge, struct end *from, bool stubborn, struct sink *out,
                    struct attested_sent *sent)
{
    static const uint8_t plain[ATTESTED_PLAIN_MAX];
    struct attested_way *way = &from->channel.keys.out;
    size_t len = edge->len + ATTESTED_RECORD_EXTRA;
    if (!stubborn) {
        assert_true(send_len(from, edge->len, out, sent));
        if (sent->count != (edge->next ? 2 : 1))
            fail_msg("%s: %zu messages", edge->name, sent->count);
        assert_int_equal(way->epoch, edge->next ? 1 : 0);
        return;
    }
    way->bytes = 0; /* or it could not be sound */
    uint8_t *at = sink_room(out, len);
    assert_non_null(at);
    assert_true(
        attested_record_seal(bulk, way, ATTESTED_RECORD_DATA, span_of(plain, edge->len), at));
    *sent = (struct attested_sent){ .messages = { span_of(at, len) }, .count = 1 };
}

static void try_edge(const struct edge *edge, bool stubborn)
{
    static struct pair pair;
    static uint8_t wire[ATTESTED_PLAIN_MAX + 2 * ATTESTED_RECORD_EXTRA];
    struct attested_sent sent;
    struct sink out = sink_over(wire, sizeof wire);
    open_pair(&pair);
    struct sink answer = sink_over(pair.r.said.at, sizeof pair.r.said.at);
    set_way(&pair.i.channel.keys.out, edge);
    set_way(&pair.r.channel.keys.in, edge);
    pair.i.now_ms = pair.r.now_ms = 1000 + edge->age_ms;
    send_at(edge, &pair.i, stubborn, &out, &sent);
    if (sent.count == 2) {
        pair.r.event = hear_at(&pair.r, sent.messages[0], &answer);
        assert_int_equal(pair.r.event.kind, ATTESTED_NOTHING);
        assert_int_equal(pair.r.channel.keys.in.epoch, 1);
    }
    pair.r.event = hear_at(&pair.r, sent.messages[sent.count - 1], &answer);
    if (stubborn && edge->overdue)
        assert_ended(&pair.r, REASON_CHANNEL_REKEY_OVERDUE);
    else if (pair.r.event.kind != ATTESTED_DATA || pair.r.event.data.len != edge->len)
        fail_msg("%s: %s", edge->name, reason_info(pair.r.event.reason)->name);
    assert_true(attested_is_sound(&pair.r.channel) && attested_is_sound(&pair.i.channel));
}

static void every_edge_of_an_epoch(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof edges / sizeof edges[0]; row++) {
        try_edge(&edges[row], false);
        try_edge(&edges[row], true);
    }
}

/* Both renew at once, crossing on the wire, a few times; old keys are nowhere any more. */
static void both_renew_at_once(void **state)
{
    (void)state;
    static struct pair pair;
    open_pair(&pair);
    for (uint32_t epoch = 1; epoch < 5; epoch++) {
        struct end *ends[] = { &pair.i, &pair.r };
        struct attested_sent sent[2];
        uint8_t old[2][SHA256_LEN];
        for (unsigned e = 0; e < 2; e++) {
            struct sink out = sink_over(ends[e]->said.at, sizeof ends[e]->said.at);
            memcpy(old[e], ends[e]->channel.keys.out.secret, SHA256_LEN);
            ends[e]->now_ms += ATTESTED_EPOCH_MS;
            assert_true(send_len(ends[e], 9, &out, &sent[e]));
            assert_int_equal(sent[e].count, 2);
        }
        for (unsigned e = 0; e < 2; e++) {
            struct end *to = ends[1 - e];
            struct message crossing[2];
            for (unsigned m = 0; m < 2; m++) {
                memcpy(crossing[m].at, sent[e].messages[m].at, sent[e].messages[m].len);
                crossing[m].len = sent[e].messages[m].len;
            }
            struct message own = to->said; /* what it said is still on its way */
            end_hear(to, span_of(crossing[0].at, crossing[0].len));
            assert_int_equal(to->event.kind, ATTESTED_NOTHING);
            end_hear(to, span_of(crossing[1].at, crossing[1].len));
            assert_int_equal(to->event.data.len, 9);
            to->said = own;
            assert_int_equal(to->channel.keys.in.epoch, epoch);
            for (size_t at = 0; at + SHA256_LEN <= sizeof to->channel; at++)
                assert_memory_not_equal((const uint8_t *)&to->channel + at, old[e], SHA256_LEN);
        }
    }
}

static void an_earlier_or_later_epoch(void **state)
{
    (void)state;
    static struct pair pair;
    open_to_turn_back(&pair);
    struct span early = end_send(&pair.i, "of epoch 0");
    struct message record = pair.i.said;
    end_hear(&pair.r, early);
    struct sink out = sink_over(pair.i.said.at, sizeof pair.i.said.at);
    struct attested_sent sent;
    pair.i.now_ms += ATTESTED_EPOCH_MS;
    assert_true(send_len(&pair.i, 1, &out, &sent));
    struct attested at = pair.r.channel;
    end_hear(&pair.r, sent.messages[1]); /* the renewal was dropped */
    assert_ended(&pair.r, REASON_CHANNEL_EPOCH);
    pair.r.channel = at;
    end_hear(&pair.r, sent.messages[0]);
    end_hear(&pair.r, span_of(record.at, record.len));
    assert_ended(&pair.r, REASON_CHANNEL_EPOCH);
}

/* Past the last number there is none: nothing is sealed, nothing is taken. */
static void numbers_that_run_out(void **state)
{
    (void)state;
    static struct pair pair;
    uint8_t room[ATTESTED_RECORD_EXTRA];
    struct span plain;
    open_pair(&pair);
    struct attested_way *way = &pair.i.channel.keys.out;
    struct attested_way *in = &pair.r.channel.keys.in;
    way->seq = in->seq = UINT64_MAX - 1;
    assert_true(attested_record_seal(bulk, way, ATTESTED_RECORD_DATA, (struct span){ 0 }, room));
    const struct attested_message message = { room, sizeof room, 0 };
    assert_int_equal(attested_record_open(bulk, in, message, &plain), REASON_OK);
    assert_int_equal(way->seq, UINT64_MAX);
    uint64_t before = seals;
    assert_false(attested_record_seal(bulk, way, ATTESTED_RECORD_DATA, (struct span){ 0 }, room));
    const struct attested_parcel parcel = { room, 1, 0 };
    assert_false(attested_parcel_seal(bulk, way, parcel));
    assert_false(attested_parcel_open(bulk, way, parcel));
    assert_int_equal(seals, before);
    assert_int_equal(attested_record_open(bulk, in, message, &plain), REASON_CHANNEL_EXHAUSTED);

    open_pair(&pair); /* the last epoch */
    way->epoch = in->epoch = UINT32_MAX;
    struct sink out = sink_over(pair.i.said.at, sizeof pair.i.said.at);
    struct attested_sent sent;
    assert_true(send_len(&pair.i, 1, &out, &sent));
    end_hear(&pair.r, sent.messages[0]);
    assert_int_equal(pair.r.event.kind, ATTESTED_DATA);
    pair.i.now_ms += ATTESTED_EPOCH_MS;
    assert_false(send_len(&pair.i, 1, &out, &sent));
    assert_true(attested_record_seal(bulk, way, ATTESTED_RECORD_REKEY, (struct span){ 0 }, room));
    end_hear(&pair.r, SPAN(room));
    assert_ended(&pair.r, REASON_CHANNEL_EXHAUSTED);
}

/* Ten million records through both ends: every key's nonces go up by one, and no key is met
   again. */
static void ten_million_records(void **state)
{
    (void)state;
    enum { RECORDS = 10 * 1000 * 1000 };
    static struct pair pair;
    static uint8_t wire[64 + 2 * ATTESTED_RECORD_EXTRA];
    open_pair(&pair);
    uint64_t before = seals;
    size_t keys = seen_count;
    unsigned renewed = 0;
    struct sink answer = sink_over(pair.r.said.at, sizeof pair.r.said.at);
    for (unsigned n = 0; n < RECORDS; n++) {
        struct attested_sent sent;
        struct sink out = sink_over(wire, sizeof wire);
        assert_true(send_len(&pair.i, n % 9, &out, &sent));
        renewed += sent.count == 2;
        for (size_t m = 0; m < sent.count; m++)
            pair.r.event = hear_at(&pair.r, sent.messages[m], &answer);
        if (pair.r.event.kind != ATTESTED_DATA || pair.r.event.data.len != n % 9)
            fail_msg("record %u: %s", n, reason_info(pair.r.event.reason)->name);
    }
    assert_int_equal(renewed, (RECORDS - 1) / ATTESTED_EPOCH_RECORDS_MAX);
    assert_int_equal(seals - before, RECORDS + renewed);
    assert_int_equal(seen_count - keys, 1 + renewed); /* the first key of i, and each after it */
}

/* What the checker is worth: a number used twice, and two records under one nonce. */
static void the_checker_sees_a_repeat(void **state)
{
    (void)state;
    static struct pair pair;
    uint64_t before = repeats;
    open_pair(&pair);
    (void)end_send(&pair.i, "one");
    assert_int_equal(repeats, before);
    pair.i.channel.keys.out.seq--; /* the seeded fault */
    (void)end_send(&pair.i, "two");
    assert_int_equal(repeats, before + 1);
    repeats = before;
}

static void no_nonce_was_used_twice(void **state)
{
    (void)state;
    assert_true(seals > 10 * 1000 * 1000);
    assert_int_equal(repeats, 0);
}

static void closing(void **state)
{
    (void)state;
    static struct pair pair;
    open_to_turn_back(&pair);
    struct sink out = sink_over(pair.i.said.at, sizeof pair.i.said.at);
    assert_true(attested_close(&pair.i.channel, &out));
    pair.i.said.len = out.len;
    struct attested_sent sent;
    assert_false(send_len(&pair.i, 1, &out, &sent)); /* it said so */
    assert_false(attested_close(&pair.i.channel, &out));
    end_hear(&pair.r, said_by(&pair.i));
    assert_int_equal(pair.r.event.kind, ATTESTED_CLOSED);
    end_hear(&pair.i, end_send(&pair.r, "one more")); /* the other direction goes on */
    assert_heard(&pair.i, "one more");
    struct attested half[2] = { pair.i.channel, pair.r.channel };

    out = sink_over(pair.r.said.at, sizeof pair.r.said.at);
    assert_true(attested_close(&pair.r.channel, &out));
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

static int begin(void **state)
{
    (void)state;
    bulk = bulk_new();
    unwatched = bulk_new();
    return bulk == NULL || unwatched == NULL ? -1 : 0;
}

static int finish(void **state)
{
    (void)state;
    bulk_free(&bulk);
    bulk_free(&unwatched);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_bit_of_64_records, "RL-16"),
        TEST(every_record_moved, "RL-16"),
        TEST(reflected_records, ""),
        TEST(the_largest_message, ""),
        TEST(every_edge_of_an_epoch, "RL-23"),
        TEST(both_renew_at_once, "RL-23"),
        TEST(an_earlier_or_later_epoch, ""),
        TEST(numbers_that_run_out, "RL-23"),
        TEST(ten_million_records, "RL-23"),
        TEST(the_checker_sees_a_repeat, ""),
        TEST(no_nonce_was_used_twice, "RL-23"),
        TEST(closing, ""),
        TEST(a_cut_wire_is_no_end, ""),
        TEST(the_last_word, ""),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
