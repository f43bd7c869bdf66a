/* test_sdk_record.c - records of profile sdk-v1: known answers, what is dropped and counted, what
   comes back, what comes twice, and where a session ends. */
#include "sdk_pair.h"

#include "base/number.h"
#include "codec/base64.h"

static struct sdk_pair pair;

static const uint8_t known_key[AEAD_KEY] = {
    0x0b, 0x47, 0x97, 0x86, 0x6e, 0x5b, 0x0d, 0x92, 0x52, 0x6c, 0x85, 0xe1, 0x43, 0xfe, 0xd4, 0xfe,
    0x79, 0x62, 0x7e, 0x77, 0x10, 0xb1, 0x65, 0x06, 0x72, 0xfa, 0xd9, 0xd4, 0x98, 0x91, 0x53, 0xdd,
};

/* As the SDK writes it, with Python's separators. */
#define KNOWN                                                                                      \
    "{\"enc\": \"chacha20poly1305\", \"nonce\": \"AAECAwQFBgcICQoL\", \"ciphertext\": "            \
    "\"QBNfRpLgT6mdUWTsmsDyM638UMYbpCPr4rHR1VvZbwp0DBipWA==\"}"

static void way_make(struct sdk_way *way, struct sdk_slot *slots, size_t count, uint8_t secret)
{
    uint8_t own[32];
    memset(own, secret, sizeof own);
    sdk_way_init(way, own, slots, count);
    memcpy(way->key, known_key, sizeof way->key);
    way->open = true;
}

static enum reason open_text(struct sdk_way *way, struct span text, struct span *plain)
{
    static uint8_t room[SDK_FRAME_MAX + 1];
    assert_true(text.len <= sizeof room);
    memcpy(room, text.at, text.len);
    const enum reason reason = sdk_record_open(way, room, text.len, plain);
    assert_true(sdk_way_is_sound(way));
    return reason;
}

static void known_answers(void **state)
{
    (void)state;
    struct sdk_slot slots[8];
    struct sdk_way way;
    struct span plain;
    way_make(&way, slots, 8, 1);
    assert_int_equal(open_text(&way, span_text(KNOWN), &plain), REASON_OK);
    assert_span_equal(plain, span_text("{\"type\": \"orm_ready\"}"));
    static uint8_t padded[SDK_FRAME_MAX + 1]; /* as long as a frame may be, and longer */
    memset(padded, ' ', sizeof padded);
    memcpy(padded, KNOWN, sizeof KNOWN - 1);
    way_make(&way, slots, 8, 1);
    assert_int_equal(open_text(&way, SPAN(padded), &plain), REASON_CHANNEL_TOO_LARGE);
    assert_int_equal(open_text(&way, span_of(padded, SDK_FRAME_MAX), &plain), REASON_OK);

    uint8_t shared[32] = { 0 }, key[AEAD_KEY]; /* spec 1.1 with the shared secret of the vector */
    static const uint8_t vector[32] = {
        0x9e, 0x00, 0x40, 0x98, 0xef, 0xc0, 0x91, 0xd4, 0xec, 0x26, 0x63,
        0xb4, 0xe9, 0xf5, 0xcf, 0xd4, 0xd7, 0x06, 0x45, 0x71, 0x69, 0x0b,
        0x4b, 0xea, 0x97, 0xab, 0x14, 0x6a, 0xb9, 0xf3, 0x50, 0x56,
    };
    uint8_t salt[32];
    memset(salt, 0x33, sizeof salt);
    memcpy(shared, vector, sizeof shared);
    sdk_key(SPAN(shared), SPAN(salt), key);
    assert_memory_equal(key, known_key, sizeof key);
}

/* What the SDK's own code (AeadSession of its transport/ws.py, commit 219019b) wrote under this
   key, and what it read: the frame below, from this end, which writes it again byte for byte. */
static const struct {
    const char *frame, *says;
} of_the_sdk[] = {
    { "{\"enc\": \"chacha20poly1305\", \"nonce\": \"/RQG67g0B8CvgeSd\", \"ciphertext\": "
      "\"kD+fYj3rK43Nta6uI4QHJPo1JuT6jxoD+D9nem+jZT1shcXmP/v3J0FTj3coxbmFQ4st/ZPQCpaM9zu9lQ62vMyvf"
      "lHgKsAhMYCjfSQk6POknO2AkY3RgYKflDqGe/nD3AMuBkfSUGLxzL6jVrOi9koV7bgOYpmXqQ==\"}",
      "{\"type\": \"job_result\", \"job_id\": \"j1\", \"result\": {\"n\": 2, \"t\": \"\\u00e9\"}, "
      "\"message_id\": \"msg_1_443f403a\"}" },
    { "{\"enc\": \"chacha20poly1305\", \"nonce\": \"M8gPd2CUCyHUNXY6\", \"ciphertext\": "
      "\"m5qJhQ48DqPCsxLUZHZlGCDB\"}",
      "{}" },
};

#define TO_THE_SDK "{\"type\":\"job_execute\",\"job_id\":\"j1\",\"payload\":{\"a\":\"\xc3\xa9\"}}"
#define READ_BY_IT                                                                                 \
    "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAAAAMH8EK5U8csF\","                                \
    "\"ciphertext\":\"VIbQaDJjaL6JHyxY5JRIwmRzq4maP2NGVzM9podGhwobtTqlO4HnxpoSq1f0/1cHXEkBFbQ"     \
    "GGfO21e5k/W7DXNU8GQzctJqozg==\"}"

static void with_the_sdks_own_code(void **state)
{
    (void)state;
    uint8_t room[512], nonce[CHACHA20_NONCE], plain_room[256];
    struct sdk_slot slots[8];
    struct sdk_way way;
    struct span plain;
    way_make(&way, slots, 8, 1);
    for (size_t i = 0; i < COUNT_OF(of_the_sdk); i++) {
        assert_int_equal(open_text(&way, span_text(of_the_sdk[i].frame), &plain), REASON_OK);
        assert_span_equal(plain, span_text(of_the_sdk[i].says));
    }
    struct sink out = sink_over(room, sizeof room);
    assert_true(sdk_record_seal(&way, span_text(TO_THE_SDK), &out));
    assert_span_equal(sink_bytes(&out), span_text(READ_BY_IT));

    /* Twelve bytes of nonce, nothing associated, and the tag behind what is sealed: by the cipher
       alone. */
    struct sdk_envelope envelope;
    assert_true(sdk_envelope_read(sink_bytes(&out), &envelope));
    memcpy(nonce, envelope.nonce, sizeof nonce);
    struct sink sealed = sink_over(plain_room, sizeof plain_room);
    assert_true(base64_decode(envelope.ciphertext, &sealed));
    assert_int_equal(sealed.len, strlen(TO_THE_SDK) + AEAD_TAG);
    const struct aead_use use = { AEAD_CHACHA20_POLY1305, known_key, SPAN(nonce), { 0 } };
    assert_true(aead_open(&use, sink_bytes(&sealed), plain_room));
    assert_span_equal(span_of(plain_room, strlen(TO_THE_SDK)), span_text(TO_THE_SDK));
}

/* Every length around the block of base64, and the largest; the frame is as long as was said. */
static void both_ways_and_every_length(void **state)
{
    (void)state;
    static uint8_t room[SDK_FRAME_MAX], text[SDK_PLAIN_MAX + 1];
    struct sdk_slot slots[2][256];
    struct sdk_way a, b;
    struct span plain;
    way_make(&a, slots[0], 256, 1);
    way_make(&b, slots[1], 256, 2);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n < 100; n++) {
        const size_t len = n == 99 ? SDK_PLAIN_MAX : n;
        struct sink out = sink_over(room, sizeof room);
        assert_true(sdk_record_seal(&a, span_of(text, len), &out));
        assert_int_equal(out.len, sdk_record_len(len));
        assert_true(out.len <= SDK_FRAME_MAX);
        assert_int_equal(open_text(&b, sink_bytes(&out), &plain), REASON_OK);
        assert_span_equal(plain, span_of(text, len));
    }
    assert_int_equal(a.sent, 100);
    assert_int_equal(b.taken, 100);
    struct sink out = sink_over(room, sizeof room);
    assert_false(sdk_record_seal(&a, span_of(text, SDK_PLAIN_MAX + 1), &out));
    out = sink_over(room, sdk_record_len(10) - 1);
    assert_false(sdk_record_seal(&a, span_of(text, 10), &out));
    assert_int_equal(out.len, 0);
    assert_true(sink_ok(&out));
    assert_int_equal(a.sent, 100);
    out = sink_over(room, sdk_record_len(10));
    assert_true(sdk_record_seal(&a, span_of(text, 10), &out));

    /* One byte more than may be said, by a peer that knows the key. */
    static uint8_t sealed[SDK_PLAIN_MAX + 1 + AEAD_TAG];
    static const uint8_t nonce[CHACHA20_NONCE] = { 1 };
    const struct aead_use use = { AEAD_CHACHA20_POLY1305, known_key, SPAN(nonce), { 0 } };
    assert_true(aead_seal(&use, SPAN(text), sealed));
    out = sink_over(room, sizeof room);
    sink_text(&out, "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AQAAAAAAAAAAAAAA\","
                    "\"ciphertext\":\"");
    base64_encode(&out, SPAN(sealed));
    sink_text(&out, "\"}");
    assert_true(sink_ok(&out));
    assert_int_equal(open_text(&b, sink_bytes(&out), &plain), REASON_CHANNEL_TOO_LARGE);
}

static const struct {
    const char *name, *text;
    enum reason reason;
} bad[] = {
    { "empty", "", REASON_CHANNEL_MALFORMED },
    { "no JSON", "hello", REASON_CHANNEL_MALFORMED },
    { "an array", "[]", REASON_CHANNEL_MALFORMED },
    { "in the clear", "{\"type\":\"job_execute\",\"job_id\":\"1\"}", REASON_CHANNEL_MALFORMED },
    { "an ok", "{\"type\":\"attestation_ok\"}", REASON_CHANNEL_MALFORMED },
    { "no cipher", "{\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "another cipher",
      "{\"enc\":\"aes256gcm\",\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "the longer nonce's",
      "{\"enc\":\"xchacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "11 bytes of nonce",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQo=\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "13 bytes of nonce",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoLDA==\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "no nonce", "{\"enc\":\"chacha20poly1305\",\"ciphertext\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "a nonce that is no base64",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQo!\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "15 bytes of ciphertext",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAA\"}",
      REASON_CHANNEL_MALFORMED },
    { "no ciphertext", "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoM\"}",
      REASON_CHANNEL_MALFORMED },
    { "a ciphertext that is no base64",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA\"}",
      REASON_CHANNEL_MALFORMED },
    { "a number", "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":1}",
      REASON_CHANNEL_MALFORMED },
    { "a member twice",
      "{\"enc\":\"chacha20poly1305\",\"enc\":\"chacha20poly1305\",\"nonce\":"
      "\"AAECAwQFBgcICQoM\",\"ciphertext\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_MALFORMED },
    { "a tag of nobody",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      REASON_CHANNEL_TAMPERED },
    { "a record of another key",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAECAwQFBgcICQoM\",\"ciphertext\":"
      "\"qeW4cvhQnHgFA4Dzz2kZFeMMuyPd\"}",
      REASON_CHANNEL_TAMPERED },
};

/* Each is dropped and counted, changes nothing, and the session goes on. */
static void dropped_and_counted(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        sdk_pair_open(&pair, 30);
        struct sdk_end *end = who == 0 ? &pair.c : &pair.s;
        struct sdk_end *peer = who == 0 ? &pair.s : &pair.c;
        for (size_t i = 0; i < COUNT_OF(bad); i++) {
            struct sdk before = end->sdk;
            struct sdk_slot slots[SDK_FAKE_SLOTS];
            memcpy(slots, end->slots, sizeof slots);
            sdk_hear(end, span_text(bad[i].text));
            assert_sdk_dropped(end, bad[i].reason);
            assert_int_equal(end->sdk.dropped, i + 1);
            before.dropped++;
            assert_memory_equal(&before, &end->sdk, sizeof before);
            assert_memory_equal(slots, end->slots, sizeof slots);
            assert_int_equal(end->said.len, 0);
        }
        sdk_hear(end, sdk_record_of(peer, "still here"));
        assert_sdk_heard(end, "still here");
    }
}

static void any_bit_flipped(void **state)
{
    (void)state;
    struct sdk_slot slots[8];
    struct sdk_way way;
    struct span plain = { 0 };
    uint8_t text[sizeof KNOWN - 1];
    for (size_t bit = 0; bit < 8 * sizeof text; bit++) {
        memcpy(text, KNOWN, sizeof text);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        way_make(&way, slots, 8, 1);
        assert_int_not_equal(open_text(&way, SPAN(text), &plain), REASON_OK);
    }
    for (size_t len = 0; len < sizeof text; len++) {
        way_make(&way, slots, 8, 1);
        assert_int_not_equal(open_text(&way, span_of(KNOWN, len), &plain), REASON_OK);
    }
}

static void twice_reflected_and_late(void **state)
{
    (void)state;
    static struct sdk_wire records[3];
    for (unsigned who = 0; who < 2; who++) {
        sdk_pair_open(&pair, 31);
        struct sdk_end *from = who == 0 ? &pair.c : &pair.s;
        struct sdk_end *to = who == 0 ? &pair.s : &pair.c;
        for (unsigned i = 0; i < 3; i++) {
            (void)sdk_record_of(from, "one");
            records[i] = from->said;
        }
        for (unsigned i = 0; i < 3; i++) { /* back to where they came from */
            sdk_hear(from, span_of(records[i].at, records[i].len));
            assert_sdk_dropped(from, REASON_SDK_REFLECTED);
        }
        /* Late and in another order: this profile cannot tell.  One that is lost nobody misses. */
        sdk_hear(to, span_of(records[2].at, records[2].len));
        assert_sdk_heard(to, "one");
        sdk_hear(to, span_of(records[0].at, records[0].len));
        assert_sdk_heard(to, "one");
        for (unsigned i = 0; i < 3; i += 2) { /* but each is taken once */
            sdk_hear(to, span_of(records[i].at, records[i].len));
            assert_sdk_dropped(to, REASON_CHANNEL_REPLAY);
        }
        /* The same nonce in an envelope that is written otherwise is the same record. */
        static uint8_t spaced[SDK_WIRE];
        spaced[0] = ' ';
        memcpy(spaced + 1, records[0].at, records[0].len);
        sdk_hear(to, span_of(spaced, records[0].len + 1));
        assert_sdk_dropped(to, REASON_CHANNEL_REPLAY);
    }
    static struct sdk_pair other; /* and in no other session */
    sdk_pair_open(&other, 32);
    sdk_hear(&other.s, span_of(records[1].at, records[1].len));
    assert_sdk_dropped(&other.s, REASON_CHANNEL_TAMPERED);
}

/* A frame that does not open does not take the place of the one that will. */
static void a_forgery_burns_no_nonce(void **state)
{
    (void)state;
    sdk_pair_open(&pair, 33);
    (void)sdk_record_of(&pair.c, "genuine");
    static struct sdk_wire record;
    record = pair.c.said;
    uint8_t *tag = &record.at[record.len - 6];
    const uint8_t was = *tag;
    *tag = was == 'A' ? 'B' : 'A';
    sdk_hear(&pair.s, span_of(record.at, record.len));
    assert_sdk_dropped(&pair.s, REASON_CHANNEL_TAMPERED);
    *tag = was;
    sdk_hear(&pair.s, span_of(record.at, record.len));
    assert_sdk_heard(&pair.s, "genuine");
}

static void a_session_ends_at_its_count(void **state)
{
    (void)state;
    sdk_pair_open(&pair, 34);
    for (unsigned i = 0; i < SDK_FAKE_SLOTS / 2; i++) {
        sdk_hear(&pair.s, sdk_record_of(&pair.c, "more"));
        assert_sdk_heard(&pair.s, "more");
    }
    sdk_hear(&pair.s, sdk_record_of(&pair.c, "too many"));
    assert_sdk_ended(&pair.s, REASON_CHANNEL_EXHAUSTED);

    struct sdk_slot slots[8];
    struct sdk_way way;
    uint8_t room[256];
    struct sink out = sink_over(room, sizeof room);
    way_make(&way, slots, 8, 1);
    way.sent = SDK_SENT_MAX - 1;
    assert_true(sdk_record_seal(&way, span_text("last"), &out));
    out = sink_over(room, sizeof room);
    assert_false(sdk_record_seal(&way, span_text("one more"), &out));
    assert_int_equal(out.len, 0);
    assert_true(sdk_way_is_sound(&way));

    /* The most that may be taken, with slots for them. */
    static struct sdk_slot all[2 * SDK_TAKEN_MAX], few[8];
    static uint8_t frame[256];
    struct sdk_way from;
    struct span plain;
    way_make(&way, all, COUNT_OF(all), 1);
    way_make(&from, few, 8, 2);
    for (unsigned i = 0; i < SDK_TAKEN_MAX; i++) {
        out = sink_over(frame, sizeof frame);
        assert_true(sdk_record_seal(&from, span_text("x"), &out));
        assert_int_equal(sdk_record_open(&way, frame, out.len, &plain), REASON_OK);
    }
    out = sink_over(frame, sizeof frame);
    assert_true(sdk_record_seal(&from, span_text("x"), &out));
    assert_int_equal(sdk_record_open(&way, frame, out.len, &plain), REASON_CHANNEL_EXHAUSTED);
}

static void a_flood_of_what_is_no_good(void **state)
{
    (void)state;
    sdk_pair_open(&pair, 35);
    for (unsigned i = 0; i < SDK_DROPPED_MAX; i++) {
        sdk_hear(&pair.s, span_text("{}"));
        assert_sdk_dropped(&pair.s, REASON_CHANNEL_MALFORMED);
    }
    sdk_hear(&pair.s, sdk_record_of(&pair.c, "this one is good"));
    assert_sdk_heard(&pair.s, "this one is good");
    sdk_hear(&pair.s, span_text("{}"));
    assert_sdk_ended(&pair.s, REASON_CHANNEL_MALFORMED);
    assert_int_equal(pair.s.said.len, 0);
}

/* No two own nonces are alike, they are another end's in no other session, and the peer's are
   remembered whatever they are: also those that only a peer with the key could choose. */
static void nonces(void **state)
{
    (void)state;
    struct sdk_slot slots[2][64];
    struct sdk_way way[2];
    struct sdk_envelope envelopes[2][20];
    for (unsigned w = 0; w < 2; w++) {
        way_make(&way[w], slots[w], 64, (uint8_t)(w + 1));
        for (unsigned i = 0; i < 20; i++) {
            uint8_t room[256];
            struct sink out = sink_over(room, sizeof room);
            assert_true(sdk_record_seal(&way[w], span_text("x"), &out));
            assert_true(sdk_envelope_read(sink_bytes(&out), &envelopes[w][i]));
        }
    }
    for (unsigned i = 0; i < 40; i++)
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(envelopes[i / 20][i % 20].nonce,
                                    envelopes[j / 20][j % 20].nonce, CHACHA20_NONCE);
    for (unsigned i = 0; i < 32; i++) { /* numbers that this end has used or will use */
        uint8_t nonce[CHACHA20_NONCE] = { (uint8_t)i }, sealed[1 + AEAD_TAG], room[256];
        const struct aead_use use = { AEAD_CHACHA20_POLY1305, known_key, SPAN(nonce), { 0 } };
        struct sink out = sink_over(room, sizeof room);
        struct span plain;
        assert_true(aead_seal(&use, span_text("y"), sealed));
        sink_text(&out, "{\"enc\":\"chacha20poly1305\",\"nonce\":\"");
        base64_encode(&out, SPAN(nonce));
        sink_text(&out, "\",\"ciphertext\":\"");
        base64_encode(&out, SPAN(sealed));
        sink_text(&out, "\"}");
        assert_int_equal(open_text(&way[0], sink_bytes(&out), &plain), REASON_OK);
        assert_int_equal(open_text(&way[0], sink_bytes(&out), &plain),
                         i == 31 ? REASON_CHANNEL_EXHAUSTED : REASON_CHANNEL_REPLAY);
    }
}

static void nothing_before_and_after(void **state)
{
    (void)state;
    static uint8_t room[SDK_WIRE];
    struct sink out = sink_over(room, sizeof room);
    sdk_pair_make(&pair, 36);
    assert_false(sdk_send(&pair.c.sdk, span_text("x"), &out));
    sdk_pair_open(&pair, 36);
    assert_true(sdk_send(&pair.c.sdk, span_text("x"), &out));
    sdk_end(&pair.s.sdk);
    sdk_hear(&pair.s, sink_bytes(&out));
    assert_int_equal(pair.s.event.kind, SDK_NOTHING);
    assert_true(sdk_is_sound(&pair.s.sdk));
    out = sink_over(room, sizeof room);
    assert_false(sdk_send(&pair.s.sdk, span_text("x"), &out));
    sdk_fini(&pair.c.sdk);
    assert_true(bytes_are_zero(&pair.c.sdk, sizeof pair.c.sdk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_answers, "PC-4"),          TEST(with_the_sdks_own_code, "PC-5"),
        TEST(both_ways_and_every_length, ""), TEST(dropped_and_counted, "PC-7"),
        TEST(any_bit_flipped, "PC-7"),        TEST(twice_reflected_and_late, "PC-33"),
        TEST(a_forgery_burns_no_nonce, ""),   TEST(a_session_ends_at_its_count, ""),
        TEST(a_flood_of_what_is_no_good, ""), TEST(nonces, ""),
        TEST(nothing_before_and_after, ""),
    };
    return RUN_TESTS(tests);
}
