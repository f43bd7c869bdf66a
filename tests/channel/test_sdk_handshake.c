/* test_sdk_handshake.c - the handshake of profile sdk-v1: known answers, every frame in every
   state, and what somebody with the wire in their hands gets. */
#include "sdk_pair.h"

#include "base/number.h"

static struct sdk_pair pair;
static struct sdk_script script;

#define POINT_C "e06Qm75//kTEZaIgA31gjuNYl9Me+XLwf3SJLLD3PxM="
#define POINT_S "D6poTtKIZ7l/Smot7l34zpdOdrcBjj8iocTPJnhXDyA="

/* Seed 0 gives the secrets 11.. and 22.., the nonce 00.. and the salt 33..: worked out with the
   RFCs alone. */
static void known_answers(void **state)
{
    (void)state;
    static const uint8_t key[AEAD_KEY] = {
        0x0b, 0x47, 0x97, 0x86, 0x6e, 0x5b, 0x0d, 0x92, 0x52, 0x6c, 0x85,
        0xe1, 0x43, 0xfe, 0xd4, 0xfe, 0x79, 0x62, 0x7e, 0x77, 0x10, 0xb1,
        0x65, 0x06, 0x72, 0xfa, 0xd9, 0xd4, 0x98, 0x91, 0x53, 0xdd,
    };
    static const uint8_t report_data[] = {
        /* SHA-256 of 32 zero bytes */
        0x66, 0x68, 0x7a, 0xad, 0xf8, 0x62, 0xbd, 0x77, 0x6c, 0x8f, 0xc1,
        0x8b, 0x8e, 0x9f, 0x8e, 0x20, 0x08, 0x97, 0x14, 0x85, 0x6e, 0xe2,
        0x33, 0xb3, 0x90, 0x2a, 0x59, 0x1d, 0x0d, 0x5f, 0x29, 0x25,
    };
    sdk_pair_make(&pair, 0);
    sdk_pair_shake(&pair, &script);
    assert_true(sdk_is_open(&pair.c.sdk) && sdk_is_open(&pair.s.sdk));
    assert_int_equal(pair.c.event.kind, SDK_OPEN);
    assert_int_equal(pair.s.event.kind, SDK_OPEN);
    assert_memory_equal(pair.c.sdk.way.key, key, sizeof key);
    assert_memory_equal(pair.s.sdk.way.key, key, sizeof key);
    assert_memory_equal(pair.c.sdk.report_data, report_data, sizeof report_data);
    assert_true(bytes_are_zero(pair.c.sdk.report_data + 32, 32));
    assert_memory_equal(pair.s.sdk.report_data, pair.c.sdk.report_data, SDK_REPORT_DATA);
    assert_span_equal(span_of(script.ok.at, script.ok.len),
                      span_text("{\"type\":\"attestation_ok\",\"aead\":\"chacha20poly1305\","
                                "\"hkdf_salt\":\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=\"}"));
    const char *begin = "{\"type\":\"attestation_begin\",\"nonce\":\""
                        "0000000000000000000000000000000000000000000000000000000000000000"
                        "\",\"val_x25519_pub\":\"" POINT_C "\",\"val_quote\":\"";
    assert_span_equal(span_of(script.begin.at, strlen(begin)), span_text(begin));
}

/* A client that shows nothing, as the Platform API is one. */
static void without_mutual_evidence(void **state)
{
    (void)state;
    struct sdk_random random;
    sdk_pair_make(&pair, 1);
    struct sdk_setup setup = sdk_setup_of(SDK_CLIENT, &pair, &random, 1);
    setup.gives_evidence = false;
    sdk_end_make(&pair.c, &setup);
    setup = sdk_setup_of(SDK_SERVER, &pair, &random, 1);
    setup.wants_evidence = false;
    setup.heard = NULL;
    sdk_end_make(&pair.s, &setup);
    sdk_pair_shake(&pair, &script);
    assert_true(sdk_is_open(&pair.c.sdk) && sdk_is_open(&pair.s.sdk));
    const char *whole = "{\"type\":\"attestation_begin\",\"nonce\":\""
                        "0101010101010101010101010101010101010101010101010101010101010101"
                        "\",\"val_x25519_pub\":\"";
    assert_span_equal(span_of(script.begin.at, strlen(whole)), span_text(whole));
    assert_int_equal(script.begin.len, strlen(whole) + 44 + 2);
    sdk_hear(&pair.s, sdk_record_of(&pair.c, "{\"a\":1}"));
    assert_sdk_heard(&pair.s, "{\"a\":1}");

    sdk_pair_make(&pair, 2); /* and one that wants it does not go on without */
    setup = sdk_setup_of(SDK_CLIENT, &pair, &random, 2);
    setup.gives_evidence = false;
    sdk_end_make(&pair.c, &setup);
    sdk_speak(&pair.c);
    sdk_hear(&pair.s, sdk_said(&pair.c));
    assert_sdk_ended(&pair.s, REASON_CHANNEL_EVIDENCE_REQUIRED);
    assert_sdk_rejects(&pair.s, "CHANNEL_EVIDENCE_REQUIRED");
    sdk_hear(&pair.c, sdk_said(&pair.s));
    assert_sdk_ended(&pair.c, REASON_CHANNEL_REFUSED_BY_PEER);
    assert_span_equal(pair.c.event.said, span_text("\"CHANNEL_EVIDENCE_REQUIRED\""));
    assert_int_equal(pair.c.said.len, 0);
}

static void set_ups_that_cannot_be(void **state)
{
    (void)state;
    struct sdk_random random;
    struct sdk sdk;
    for (unsigned i = 0; i < 12; i++) {
        struct sdk_setup c = sdk_setup_of(SDK_CLIENT, &pair, &random, 3), s;
        c.nonce = i == 0 ? NULL : c.nonce;
        c.salt = i == 1 ? NULL : c.salt;
        c.secret = i == 2 ? NULL : c.secret;
        c.wants_evidence = i != 3; /* a client always wants it */
        c.slots = i == 4 ? NULL : c.slots;
        c.slot_count = i == 5 ? 63 : i == 6 ? 1 : i == 7 ? 4 * (size_t)SDK_TAKEN_MAX : 64;
        c.now_ms = i == 8 ? INT64_MAX : 0;
        c.role = i == 9 ? (enum sdk_role)3 : SDK_CLIENT;
        assert_int_equal(sdk_init(&sdk, &c), i > 9);
        assert_true(sdk_is_sound(&sdk));
        s = sdk_setup_of(SDK_SERVER, &pair, &random, 3);
        s.gives_evidence = i != 0; /* a server always gives it */
        s.heard = i == 1 ? NULL : s.heard;
        assert_int_equal(sdk_init(&sdk, &s), i > 1);
    }
    static struct sdk_slot most[2 * SDK_TAKEN_MAX];
    for (unsigned i = 0; i < 2; i++) { /* as few slots and as many as there may be */
        struct sdk_setup c = sdk_setup_of(SDK_CLIENT, &pair, &random, 3);
        c.slots = most;
        c.slot_count = i == 0 ? 2 : COUNT_OF(most);
        assert_true(sdk_init(&sdk, &c));
        assert_true(sdk_is_sound(&sdk));
    }
    struct sdk over = { 0 };
    uint8_t room[8];
    struct sink out = sink_over(room, sizeof room);
    assert_int_equal(sdk_start(&over, &out).kind, SDK_NOTHING);
    assert_int_equal(sdk_take(&over, (struct sdk_frame){ room, 1, 0 }, &out).kind, SDK_NOTHING);
    assert_false(sdk_send(&over, span_text("x"), &out));
    sdk_fini(&over);
}

/* --- every frame in every state --------------------------------------------------------------- */

/* Those that have a place somewhere, and those that have none. */
struct frame_row {
    const char *name, *text; /* NULL: of a genuine handshake of the same bytes */
    unsigned next[2];        /* states in which it is the next one */
};

static const struct frame_row frame_rows[] = {
    { "begin", NULL, { SDK_WAITS_BEGIN } },
    { "response", NULL, { SDK_WAITS_RESPONSE } },
    { "ok", NULL, { SDK_WAITS_OK } },
    { "unknown", "{\"type\":\"attestation_done\"}", { 0 } },
    { "of no type", "{\"typ\":\"attestation_begin\"}", { 0 } },
    { "a type that is no text", "{\"type\":1}", { 0 } },
    { "a message in the clear", "{\"type\":\"job_execute\",\"job_id\":\"1\"}", { 0 } },
    { "a record",
      "{\"enc\":\"chacha20poly1305\",\"nonce\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":"
      "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
      { 0 } },
};

static struct span frame_of(const struct frame_row *row)
{
    if (row->text != NULL)
        return span_text(row->text);
    const struct sdk_wire *wire = row->name[0] == 'b'   ? &script.begin
                                  : row->name[0] == 'r' ? &script.response
                                                        : &script.ok;
    return span_of(wire->at, wire->len);
}

static void every_frame_in_every_state(void **state)
{
    (void)state;
    for (unsigned in = SDK_IS_NEW; in < SDK_IS_OPEN; in++) {
        for (size_t r = 0; r < COUNT_OF(frame_rows); r++) {
            sdk_pair_make(&pair, 5);
            sdk_pair_shake(&pair, &script);
            struct sdk_end *end = sdk_end_in(&pair, in, 5);
            end->hold = true;
            sdk_hear(end, frame_of(&frame_rows[r]));
            if (frame_rows[r].next[0] == in)
                assert_int_not_equal(end->event.kind, SDK_ENDED);
            else
                assert_sdk_ended(end, REASON_CHANNEL_UNEXPECTED);
        }
    }
}

/* A challenge that says at once that all is well. */
static void an_unsolicited_ok(void **state)
{
    (void)state;
    static const char *const oks[] = {
        "{\"type\":\"attestation_ok\",\"chal_x25519_pub\":\"" POINT_S
        "\",\"hkdf_salt\":\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=\"}",
        "{\"type\":\"attestation_ok\",\"aead\":\"chacha20poly1305\",\"hkdf_salt\":"
        "\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=\"}",
    };
    for (size_t i = 0; i < COUNT_OF(oks); i++) {
        sdk_pair_make(&pair, 6);
        sdk_speak(&pair.c);
        sdk_hear(&pair.c, span_text(oks[i]));
        assert_sdk_ended(&pair.c, REASON_CHANNEL_UNEXPECTED);
        assert_sdk_rejects(&pair.c, "CHANNEL_UNEXPECTED");
    }
}

static void refusals_of_the_peer(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        { "{\"type\":\"attestation_reject\",\"reason\":\"no\\u001b[2J\"}", "\"no\\u001b[2J\"" },
        { "{\"type\":\"error\",\"message\":\"first\"}", "\"first\"" },
        { "{\"type\":\"error\",\"error\":7}", "7" },
        { "{\"type\":\"attestation_reject\"}", "" },
    };
    for (unsigned in = SDK_WAITS_RESPONSE; in < SDK_IS_OPEN; in++) {
        for (size_t i = 0; i < COUNT_OF(words) && in != SDK_WAITS_BEGIN; i++) {
            struct sdk_end *end = sdk_end_in(&pair, in, 7);
            end->hold = true;
            sdk_hear(end, span_text(words[i][0]));
            assert_sdk_ended(end, REASON_CHANNEL_REFUSED_BY_PEER);
            assert_span_equal(end->event.said, span_text(words[i][1]));
            assert_int_equal(end->said.len, 0);
        }
    }
}

/* What the caller asks for where it is not to be had. */
static void every_call_in_every_state(void **state)
{
    (void)state;
    for (unsigned in = SDK_IS_NEW; in <= SDK_IS_OPEN; in++) {
        for (unsigned call = 0; call < 3; call++) {
            struct sdk_end *end = sdk_end_in(&pair, in, 8);
            struct sink out = sdk_out(end);
            const struct sdk_evidence shown = sdk_fake(end, end->sdk.report_data);
            const struct sdk_judgement found = { { ALLOW, REASON_OK, CHECK_COUNT },
                                                 { 0 },
                                                 end->now_ms };
            const bool good = call == 0   ? in == SDK_IS_NEW
                              : call == 1 ? in == SDK_QUOTES_BEGIN || in == SDK_QUOTES_RESPONSE
                                          : in == SDK_JUDGES_BEGIN || in == SDK_JUDGES_RESPONSE;
            end->event = call == 0   ? sdk_start(&end->sdk, &out)
                         : call == 1 ? sdk_give(&end->sdk, &shown, &out)
                                     : sdk_judge(&end->sdk, &found, &out);
            if (good)
                assert_int_not_equal(end->event.kind, SDK_ENDED);
            else
                assert_sdk_ended(end, REASON_CHANNEL_MISUSED);
        }
    }
}

/* Whoever is in a handshake reads why; a session says nothing in the clear, nor one that has not
   spoken. */
static void a_refusal_of_its_owner(void **state)
{
    (void)state;
    for (unsigned in = SDK_IS_NEW; in <= SDK_IS_OPEN; in++) {
        struct sdk_end *end = sdk_end_in(&pair, in, 9);
        struct sink out = sdk_out(end);
        const bool silent = in == SDK_IS_NEW || in == SDK_QUOTES_BEGIN || in == SDK_IS_OPEN;
        end->event = sdk_refuse(&end->sdk, REASON_LINK_FULL, &out);
        assert_sdk_ended(end, REASON_LINK_FULL);
        assert_true(span_equal_text(
            sink_bytes(&out),
            silent ? "" : "{\"type\":\"attestation_reject\",\"reason\":\"LINK_FULL\"}"));
        out = sdk_out(end);
        assert_int_equal(sdk_refuse(&end->sdk, REASON_LINK_FULL, &out).kind, SDK_NOTHING);
        assert_int_equal(out.len, 0);
    }
}

/* --- time ----------------------------------------------------------------------------------- */

static void thirty_seconds(void **state)
{
    (void)state;
    for (unsigned in = SDK_IS_NEW; in <= SDK_IS_OPEN; in++) {
        struct sdk_end *end = sdk_end_in(&pair, in, 9);
        struct sink out = sdk_out(end);
        assert_int_equal(sdk_tick(&end->sdk, 1000 + SDK_HANDSHAKE_MS - 1, &out).kind, SDK_NOTHING);
        assert_int_equal(sdk_tick(&end->sdk, 0, &out).kind, SDK_NOTHING); /* the clock went back */
        end->event = sdk_tick(&end->sdk, 1000 + SDK_HANDSHAKE_MS, &out);
        if (in == SDK_IS_OPEN)
            assert_int_equal(end->event.kind, SDK_NOTHING);
        else
            assert_sdk_ended(end, REASON_CHANNEL_TIMEOUT);
    }
    static const unsigned waits[] = { SDK_WAITS_BEGIN, SDK_WAITS_RESPONSE, SDK_WAITS_OK };
    for (size_t i = 0; i < COUNT_OF(waits); i++) { /* the right frame, too late */
        sdk_pair_make(&pair, 9);
        sdk_pair_shake(&pair, &script);
        struct sdk_end *end = sdk_end_in(&pair, waits[i], 9);
        end->now_ms = 1000 + SDK_HANDSHAKE_MS;
        sdk_hear(end, frame_of(&frame_rows[i]));
        assert_sdk_ended(end, REASON_CHANNEL_TIMEOUT);
    }
    struct sdk_end *end = sdk_end_in(&pair, SDK_JUDGES_RESPONSE, 9); /* and the right answer */
    struct sink out = sdk_out(end);
    end->now_ms = 1000 + SDK_HANDSHAKE_MS;
    const struct sdk_judgement found = sdk_fake_judge(end);
    end->event = sdk_judge(&end->sdk, &found, &out);
    assert_sdk_ended(end, REASON_CHANNEL_TIMEOUT);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* Of small order or not canonical: RFC 7748 6.1, and what libsodium refuses too. */
static const char *const bad_points[] = {
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* 0 */
    "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* 1 */
    "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=", /* order 8 */
    "X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=", /* order 8 */
    "7P///////////////////////////////////////38=", /* p - 1 */
    "7f///////////////////////////////////////38=", /* p: 0 again */
    "7v///////////////////////////////////////38=", /* p + 1: 1 again */
    "/////////////////////////////////////////38=", /* 9 + ... not canonical */
    "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA=", /* 9 with the top bit set */
};

/* Puts other text where `from` stands in a frame of the same length. */
static struct span replaced(struct span frame, const char *from, const char *to)
{
    static uint8_t room[SDK_WIRE];
    const size_t len = strlen(from);
    assert_int_equal(len, strlen(to));
    memcpy(room, frame.at, frame.len);
    uint8_t *at = memmem(room, frame.len, from, len);
    assert_non_null(at);
    memcpy(at, to, len);
    return span_of(room, frame.len);
}

static void points_that_no_peer_has(void **state)
{
    (void)state;
    for (size_t i = 0; i <= COUNT_OF(bad_points); i++) {
        const bool own = i == COUNT_OF(bad_points); /* its own comes back */
        sdk_pair_make(&pair, 0);
        sdk_speak(&pair.c);
        sdk_hear(&pair.s, replaced(sdk_said(&pair.c), POINT_C, own ? POINT_S : bad_points[i]));
        assert_sdk_ended(&pair.s, REASON_CHANNEL_KEY);
        sdk_pair_make(&pair, 0);
        sdk_speak(&pair.c);
        sdk_hear(&pair.s, sdk_said(&pair.c));
        sdk_hear(&pair.c, replaced(sdk_said(&pair.s), POINT_S, own ? POINT_C : bad_points[i]));
        assert_sdk_ended(&pair.c, REASON_CHANNEL_KEY);
    }
}

/* --- lengths ---------------------------------------------------------------------------------- */

static void every_state_with_every_length(void **state)
{
    (void)state;
    static uint8_t large[SDK_FRAME_MAX + 1];
    memset(large, ' ', sizeof large);
    for (unsigned in = SDK_IS_NEW; in <= SDK_IS_OPEN; in++) {
        const bool long_one = in == SDK_WAITS_BEGIN || in == SDK_WAITS_RESPONSE ||
                              in == SDK_IS_OPEN;
        assert_int_equal(sdk_frame_max(&sdk_end_in(&pair, in, 20)->sdk),
                         long_one ? SDK_FRAME_MAX : SDK_SHORT_MAX);
    }
    for (unsigned in = SDK_IS_NEW; in < SDK_IS_OPEN; in++) {
        struct sdk_end *end = sdk_end_in(&pair, in, 20);
        const size_t most = sdk_frame_max(&end->sdk);
        struct sink out = sdk_out(end);
        end->event = sdk_take(&end->sdk, (struct sdk_frame){ large, most, end->now_ms }, &out);
        assert_sdk_ended(end, REASON_CHANNEL_MALFORMED);
        end = sdk_end_in(&pair, in, 20);
        out = sdk_out(end);
        end->event = sdk_take(&end->sdk, (struct sdk_frame){ large, most + 1, end->now_ms }, &out);
        assert_sdk_ended(end, REASON_CHANNEL_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_answers, "PC-1 PC-2 PC-4"),   TEST(without_mutual_evidence, ""),
        TEST(set_ups_that_cannot_be, ""),        TEST(every_frame_in_every_state, "PC-24"),
        TEST(an_unsolicited_ok, "PC-24"),        TEST(refusals_of_the_peer, ""),
        TEST(every_call_in_every_state, ""),     TEST(thirty_seconds, "PC-25"),
        TEST(points_that_no_peer_has, "PC-23"),  TEST(a_refusal_of_its_owner, ""),
        TEST(every_state_with_every_length, ""),
    };
    return RUN_TESTS(tests);
}
