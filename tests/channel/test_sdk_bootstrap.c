/* test_sdk_bootstrap.c - the HTTP bodies of profile sdk-v1: a nonce that is good once, an attest
   member by member, its answer and the key that follows, and the bodies of requests after that. */
#include "channel/sdk_bootstrap.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "test.h"

enum { NOW = 1795196247, ROOM = 16 * 1024 };

static struct sdk_nonce places[4];
static struct sdk_nonces nonces;
static const uint8_t here[SDK_ADDRESS] = { 1 };
static uint8_t room[ROOM];

#define NONCE_05 "0505050505050505050505050505050505050505050505050505050505050505"
/* X25519 of 22.., as in test_sdk_handshake.c */
#define POINT "D6poTtKIZ7l/Smot7l34zpdOdrcBjj8iocTPJnhXDyA="
#define KEY   "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=" /* spec 1.5 */

/* As the SDK's client writes it. */
#define ATTEST                                                                                     \
    "{\"ephemeral_public_key\": \"" KEY "\", \"attestation\": {\"attestation_type\": \"Tdx\", "    \
    "\"nonce\": \"" NONCE_05 "\", \"quote\": \"cXVvdGU=\", \"report\": null, "                     \
    "\"measurements\": [], \"capabilities\": [\"cvm\"], \"event_log\": \"[]\", \"rtmrs\": "        \
    "{\"rtmr0\": null, \"rtmr1\": null, \"rtmr2\": null, \"rtmr3\": null}}, "                      \
    "\"sdk_x25519_pub\": \"" POINT "\"}"

static enum reason read_attest(const char *text, struct sdk_attest *out)
{
    struct sink body = sink_over(room, sizeof room);
    sink_text(&body, text);
    assert_true(sink_ok(&body));
    return sdk_attest_read(room, body.len, out);
}

static void a_nonce_is_given_out(void **state)
{
    (void)state;
    uint8_t nonce[SDK_NONCE];
    struct sdk_attest attest;
    memset(nonce, 5, sizeof nonce);
    nonces = sdk_nonces_over(places, COUNT_OF(places));
    struct sink out = sink_over(room, sizeof room);
    assert_true(sdk_challenge_write(&nonces, nonce, here, NOW, &out));
    assert_span_equal(sink_bytes(&out),
                      span_text("{\"nonce\":\"" NONCE_05 "\",\"expires_at\":1795196547}"));
    assert_true(out.len <= 128);
    assert_int_equal(read_attest(ATTEST, &attest), REASON_OK);
    assert_int_equal(sdk_challenge_take(&nonces, attest.nonce, NOW + 299), REASON_OK);
    assert_int_equal(sdk_challenge_take(&nonces, attest.nonce, NOW),
                     REASON_SDK_NONCE_UNKNOWN); /* once */
    out = sink_over(room, sizeof room);
    assert_true(sdk_challenge_write(&nonces, nonce, here, NOW, &out));
    assert_int_equal(sdk_challenge_take(&nonces, attest.nonce, NOW + 300),
                     REASON_SDK_NONCE_EXPIRED);

    for (uint8_t i = 10; i < 15; i++) { /* the oldest of too many is not good any more */
        uint8_t other[SDK_NONCE];
        memset(other, i == 10 ? 5 : i, sizeof other);
        out = sink_over(room, sizeof room);
        assert_true(sdk_challenge_write(&nonces, other, here, NOW, &out));
    }
    assert_int_equal(sdk_challenge_take(&nonces, attest.nonce, NOW), REASON_SDK_NONCE_UNKNOWN);

    nonces = sdk_nonces_over(places, COUNT_OF(places)); /* what could not be told is not good */
    out = sink_over(room, 40);
    assert_false(sdk_challenge_write(&nonces, nonce, here, NOW, &out));
    assert_int_equal(out.len, 0);
    out = sink_over(room, sizeof room);
    assert_false(sdk_challenge_write(&nonces, nonce, here, INT64_MAX, &out));
    assert_int_equal(sdk_challenge_take(&nonces, attest.nonce, NOW), REASON_SDK_NONCE_UNKNOWN);
}

/* A point of small order, or in a second spelling, is found before anything is granted; what is
   sealed has room for what the SDK's spelling adds. */
static void what_gives_no_key(void **state)
{
    (void)state;
    struct sdk_attest attest = { .point = { 9 } };
    assert_int_equal(sdk_attest_key(&attest), REASON_OK);
    attest.point[0] = 1;
    assert_int_equal(sdk_attest_key(&attest), REASON_CHANNEL_KEY);
    attest.point[0] = 0;
    assert_int_equal(sdk_attest_key(&attest), REASON_CHANNEL_KEY);
    attest = (struct sdk_attest){ .point = { 9, [31] = 0x80 } };
    assert_int_equal(sdk_attest_key(&attest), REASON_CHANNEL_KEY);
    const char spaced[] = "{\"enc\": \"chacha20poly1305\", \"nonce\": \"AAAAAAAAAAAAAAAA\", "
                          "\"ciphertext\": \"AAAAAAAAAAAAAAAAAAAAAA==\"}";
    assert_true(sizeof spaced - 1 <= sdk_sealed_max(0));
    assert_true(sdk_sealed_max(64) < 300);
}

/* Over the 64 characters, where /sdk/ws has the 32 bytes. */
static void the_report_data_is_of_the_text(void **state)
{
    (void)state;
    static const uint8_t of_text[32] = {
        0x05, 0x2a, 0x67, 0xd2, 0x18, 0xc3, 0x9a, 0xad, 0x73, 0xac, 0xb3,
        0x16, 0x91, 0xd6, 0x8f, 0x8a, 0xff, 0x33, 0x32, 0x17, 0x46, 0xc1,
        0xa3, 0x1c, 0x24, 0xfb, 0x4b, 0xcb, 0xad, 0xb3, 0x96, 0x72,
    };
    struct sdk_attest attest;
    uint8_t of_bytes[32];
    assert_int_equal(read_attest(ATTEST, &attest), REASON_OK);
    assert_memory_equal(attest.report_data, of_text, sizeof of_text);
    assert_true(bytes_are_zero(attest.report_data + 32, 32));
    hash_sha256(SPAN(attest.nonce), of_bytes);
    assert_memory_not_equal(attest.report_data, of_bytes, sizeof of_bytes);
    assert_span_equal(attest.evidence.quote, span_text("quote"));
    assert_span_equal(attest.evidence.log, span_text("[]"));
}

/* Both halves: the SDK's, and SHA-256 of "ward sdk-v1 keys", nonce and both keys; each byte of each
   of them counts. */
static void the_strict_report_data(void **state)
{
    (void)state;
    static const uint8_t second[32] = {
        0xcb, 0x75, 0xab, 0x05, 0x61, 0x29, 0x04, 0xf2, 0x1e, 0xc3, 0xc4,
        0x81, 0xfe, 0x85, 0x4b, 0xe2, 0x75, 0xb6, 0x91, 0xbe, 0xcd, 0xd8,
        0x87, 0x0f, 0x4e, 0x1e, 0xee, 0x34, 0x2b, 0x44, 0xa4, 0xbf,
    };
    uint8_t made[SDK_REPORT_DATA], loose[SDK_REPORT_DATA], parts[3][32];
    const struct sdk_keys keys = { parts[1], parts[2] };
    for (unsigned i = 0; i < 3; i++)
        memset(parts[i], 5 + (int)i, sizeof parts[i]);
    sdk_challenge_report_data(parts[0], loose);
    sdk_challenge_strict(parts[0], &keys, made);
    assert_memory_equal(made, loose, 32);
    assert_memory_equal(made + 32, second, 32);
    for (size_t at = 0; at < sizeof parts; at++) {
        uint8_t other[SDK_REPORT_DATA];
        parts[at / 32][at % 32] ^= 1;
        sdk_challenge_strict(parts[0], &keys, other);
        assert_memory_not_equal(other + 32, second, 32);
        parts[at / 32][at % 32] ^= 1;
    }
}

static const struct {
    const char *from, *to;
    enum reason reason;
} attest_rows[] = {
    { "\"Tdx\"", "\"tdx\"", REASON_CHANNEL_MALFORMED },
    { "\"Tdx\"", "null", REASON_CHANNEL_MALFORMED },
    { "\"nonce\": \"" NONCE_05 "\"", "\"nonce\": null", REASON_CHANNEL_MALFORMED },
    { "\"nonce\": \"05", "\"nonce\": \"0", REASON_CHANNEL_MALFORMED },
    { "\"nonce\": \"05", "\"nonce\": \"A5", REASON_CHANNEL_MALFORMED }, /* another text */
    { "\"nonce\": \"05", "\"nonce\": \"\\u00305", REASON_CHANNEL_MALFORMED },
    { "\"cXVvdGU=\"", "null", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "\"cXVvdGU=\"", "\"\"", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "\"cXVvdGU=\"", "\"cXVvdGU\"", REASON_CHANNEL_MALFORMED },
    { "\"[]\"", "null", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "\"[]\"", "\"{\\\"dev_mode\\\":true}\"", REASON_SDK_DEV_PEER },
    { "\"[]\"", "[]", REASON_CHANNEL_MALFORMED },
    { "\"sdk_x25519_pub\"", "\"sdk_x25519\"", REASON_CHANNEL_MALFORMED },
    { KEY, "AAAA", REASON_CHANNEL_MALFORMED },
    { "\"attestation\"", "\"attest\"", REASON_CHANNEL_MALFORMED },
    { "\"capabilities\": [\"cvm\"]", "\"capabilities\": 1", REASON_OK },
    { "{\"rtmr0\": null, \"rtmr1\": null, \"rtmr2\": null, \"rtmr3\": null}", "null", REASON_OK },
};

static void every_member_of_an_attest(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(attest_rows); i++) {
        char text[2048];
        struct sdk_attest attest;
        const char *whole = ATTEST;
        const char *at = strstr(whole, attest_rows[i].from);
        assert_non_null(at);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, attest_rows[i].to,
                       at + strlen(attest_rows[i].from));
        const enum reason reason = read_attest(text, &attest);
        if (reason != attest_rows[i].reason)
            fail_msg("%s: %s", attest_rows[i].to, reason_info(reason)->name);
    }
    struct sdk_attest attest;
    for (size_t len = 0; len < strlen(ATTEST); len++) {
        memcpy(room, ATTEST, len);
        assert_int_equal(sdk_attest_read(room, len, &attest), REASON_CHANNEL_MALFORMED);
    }
    static uint8_t large[SDK_FRAME_MAX + 1];
    memset(large, ' ', sizeof large);
    assert_int_equal(sdk_attest_read(large, SDK_FRAME_MAX, &attest), REASON_CHANNEL_MALFORMED);
    assert_int_equal(sdk_attest_read(large, SDK_FRAME_MAX + 1, &attest), REASON_CHANNEL_TOO_LARGE);
}

/* The peer of the known answer of test_sdk_handshake.c, from the other side. */
static void the_answer_and_its_key(void **state)
{
    (void)state;
    static const uint8_t expected[AEAD_KEY] = {
        0x0b, 0x47, 0x97, 0x86, 0x6e, 0x5b, 0x0d, 0x92, 0x52, 0x6c, 0x85,
        0xe1, 0x43, 0xfe, 0xd4, 0xfe, 0x79, 0x62, 0x7e, 0x77, 0x10, 0xb1,
        0x65, 0x06, 0x72, 0xfa, 0xd9, 0xd4, 0x98, 0x91, 0x53, 0xdd,
    };
    uint8_t secret[32], salt[32], key[AEAD_KEY] = { 0 };
    struct sdk_attest attest;
    memset(secret, 0x11, sizeof secret);
    memset(salt, 0x33, sizeof salt);
    const struct sdk_grant grant = { secret, salt, span_text("session_t") };
    assert_int_equal(read_attest(ATTEST, &attest), REASON_OK);
    struct sink small = sink_over(room, 100);
    assert_int_equal(sdk_attest_answer(&attest, &grant, key, &small), REASON_CHANNEL_TOO_LARGE);
    assert_int_equal(small.len, 0);
    assert_true(bytes_are_zero(key, sizeof key));
    struct sink out = sink_over(room, sizeof room);
    assert_int_equal(sdk_attest_answer(&attest, &grant, key, &out), REASON_OK);
    assert_span_equal(
        sink_bytes(&out),
        span_text("{\"session_token\":\"session_t\",\"attested\":true,\"crypto\":"
                  "{\"srv_x25519_pub\":\"e06Qm75//kTEZaIgA31gjuNYl9Me+XLwf3SJLLD3PxM=\","
                  "\"aead\":\"xchacha20poly1305\",\"hkdf_salt\":"
                  "\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=\"}}"));
    assert_memory_equal(key, expected, sizeof key);
    static const uint8_t bad[][32] = { { 0 }, { 1 } };
    for (size_t i = 0; i < 3; i++) { /* small order, and its own */
        out = sink_over(room, sizeof room);
        if (i < 2)
            memcpy(attest.point, bad[i], 32);
        else
            x25519_public(secret, attest.point);
        assert_int_equal(sdk_attest_answer(&attest, &grant, key, &out), REASON_CHANNEL_KEY);
        assert_int_equal(out.len, 0);
        assert_memory_equal(key, expected, sizeof key);
    }
}

#define ENVELOPE(enc, text)                                                                        \
    "{\"enc\": \"" enc "\", \"nonce\": \"AAECAwQFBgcICQoL\", \"ciphertext\": \"" text "\"}"

/* spec 1.1: the same key, nonce and message, by RFC 8439 and as the SDK's client seals it. */
static const struct {
    const char *body;
    enum reason strict, quirk;
    const char *says;
} bodies[] = {
    { ENVELOPE("chacha20poly1305", "qeW4cvhQnHgFA4Dz82kaHDDLsj3S"), REASON_OK, REASON_OK, "hello" },
    { ENVELOPE("xchacha20poly1305", "qeW4cvhQnHgFA4Dz82kaHDDLsj3S"), REASON_OK, REASON_OK,
      "hello" },
    { ENVELOPE("chacha20poly1305", "/71kyQccJaFuScs9lwo7m0AgkKwL"), REASON_CHANNEL_TAMPERED,
      REASON_OK, "hello" },
    { ENVELOPE("chacha20poly1305", "+kIXNOwySObHzvorDkj+cA=="), REASON_OK, REASON_OK, "" },
    { ENVELOPE("chacha20poly1305", "5ygw4MRjcVNm3Y6kkNQRmQ=="), REASON_CHANNEL_TAMPERED, REASON_OK,
      "" },
    { ENVELOPE("chacha20poly1305", "/71kyQccJaFuScs9lwo7m0AgkKwM"), REASON_CHANNEL_TAMPERED,
      REASON_CHANNEL_TAMPERED, NULL },
    { ENVELOPE("chacha20poly1305", "qeW4"), REASON_CHANNEL_TAMPERED, REASON_CHANNEL_TAMPERED,
      NULL },
    { ENVELOPE("aes256gcm", "qeW4cvhQnHgFA4Dz82kaHDDLsj3S"), REASON_SDK_PLAINTEXT,
      REASON_SDK_PLAINTEXT, NULL },
    { "{\"timestamp\": 1, \"status\": \"ok\", \"metrics\": {}}", REASON_SDK_PLAINTEXT,
      REASON_SDK_PLAINTEXT, NULL },
    { "", REASON_SDK_PLAINTEXT, REASON_SDK_PLAINTEXT, NULL },
    { "hello", REASON_SDK_PLAINTEXT, REASON_SDK_PLAINTEXT, NULL },
};

static void bodies_of_requests(void **state)
{
    (void)state;
    uint8_t key[AEAD_KEY], before[4] = "ab";
    memset(key, 2, sizeof key);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        for (unsigned quirk = 0; quirk < 2; quirk++) {
            struct sink out = sink_over(room, strlen(bodies[i].body) + 2);
            const enum reason expected = quirk == 1 ? bodies[i].quirk : bodies[i].strict;
            sink_put(&out, span_of(before, 2));
            assert_int_equal(sdk_body_open(key, quirk == 1, span_text(bodies[i].body), &out),
                             expected);
            assert_memory_equal(room, before, 2);
            assert_int_equal(out.len, 2 + (expected == REASON_OK ? strlen(bodies[i].says) : 0));
            if (expected == REASON_OK)
                assert_memory_equal(room + 2, bodies[i].says, out.len - 2);
        }
    }
    key[0] ^= 1;
    struct sink out = sink_over(room, sizeof room);
    assert_int_equal(sdk_body_open(key, true, span_text(bodies[0].body), &out),
                     REASON_CHANNEL_TAMPERED);
    out = sink_over(room, 10);
    assert_int_equal(sdk_body_open(key, true, span_text(bodies[0].body), &out),
                     REASON_CHANNEL_TOO_LARGE);
    static uint8_t large[SDK_FRAME_MAX + 1];
    key[0] ^= 1;
    memset(large, ' ', sizeof large);
    memcpy(large, bodies[0].body, strlen(bodies[0].body));
    out = sink_over(room, sizeof room);
    assert_int_equal(sdk_body_open(key, false, span_of(large, SDK_FRAME_MAX), &out), REASON_OK);
    out = sink_over(room, sizeof room);
    assert_int_equal(sdk_body_open(key, true, SPAN(large), &out), REASON_CHANNEL_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_nonce_is_given_out, ""),
        TEST(what_gives_no_key, ""),
        TEST(the_report_data_is_of_the_text, "PC-3"),
        TEST(the_strict_report_data, "PC-22"),
        TEST(every_member_of_an_attest, ""),
        TEST(the_answer_and_its_key, "PC-4 PC-23"),
        TEST(bodies_of_requests, "PC-18"),
    };
    return RUN_TESTS(tests);
}
