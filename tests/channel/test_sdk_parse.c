/* test_sdk_parse.c - the members of the frames of profile sdk-v1, one by one, and the nonces that
   are remembered. */
#include "sdk_pair.h"

#include "base/number.h"
#include "codec/base64.h"

static struct sdk_pair pair;
static struct sdk_script script;

/* A frame with one member written otherwise; `value` NULL: without it. */
static struct span with_member(struct span frame, const char *name, const char *value)
{
    static uint8_t room[SDK_WIRE];
    struct json_node nodes[64];
    struct json json;
    struct sink out = sink_over(room, sizeof room);
    assert_true(json_parse_into(frame, nodes, COUNT_OF(nodes), NULL, &json, NULL));
    sink_text(&out, "{\"unknown\":[{}]");
    bool found = false;
    for (uint32_t n = json_first(&json, 0); n != JSON_NONE; n = json_next(&json, n)) {
        struct span key;
        const bool here = json_key_is(&json, n, name);
        found = found || here;
        assert_true(json_key(&json, n, &key));
        if (here && value == NULL)
            continue;
        sink_text(&out, ",\"");
        sink_put(&out, key);
        sink_text(&out, "\":");
        sink_put(&out, here ? span_text(value) : json_raw(&json, n));
    }
    sink_text(&out, "}");
    assert_true(found && sink_ok(&out));
    return sink_bytes(&out);
}

enum { BEGIN, RESPONSE, OK };

/* An end that waits for that frame, and hears it changed. */
static const struct sdk_end *hears(unsigned which, const char *name, const char *value)
{
    sdk_pair_make(&pair, 40);
    sdk_pair_shake(&pair, &script);
    sdk_pair_make(&pair, 40);
    sdk_speak(&pair.c);
    if (which == RESPONSE) {
        sdk_hear(&pair.c,
                 with_member(span_of(script.response.at, script.response.len), name, value));
        return &pair.c;
    }
    if (which == BEGIN) {
        sdk_hear(&pair.s, with_member(span_of(script.begin.at, script.begin.len), name, value));
        return &pair.s;
    }
    sdk_hear(&pair.s, span_of(script.begin.at, script.begin.len));
    sdk_hear(&pair.s, with_member(span_of(script.ok.at, script.ok.len), name, value));
    return &pair.s;
}

#define HEX_32   "\"2828282828282828282828282828282828282828282828282828282828282828\""
#define B64_31   "\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMw==\""
#define B64_32   "\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=\""
#define B64_33   "\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMz\""
#define B64_LOSE "\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzN=\"" /* pad bits are not zero */

static const struct {
    unsigned which;
    const char *name, *value;
    enum reason reason;
} rows[] = {
    { BEGIN, "nonce", HEX_32, REASON_OK },
    { BEGIN, "nonce", NULL, REASON_CHANNEL_MALFORMED },
    { BEGIN, "nonce", "null", REASON_CHANNEL_MALFORMED },
    { BEGIN, "nonce", "\"\"", REASON_CHANNEL_MALFORMED },
    { BEGIN, "nonce", "[" HEX_32 "]", REASON_CHANNEL_MALFORMED },
    { BEGIN, "nonce", "\"28282828282828282828282828282828282828282828282828282828282828\"",
      REASON_CHANNEL_MALFORMED },
    { BEGIN, "nonce", "\"282828282828282828282828282828282828282828282828282828282828282828\"",
      REASON_CHANNEL_MALFORMED },
    { BEGIN, "nonce", "\"282828282828282828282828282828282828282828282828282828282828282g\"",
      REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_x25519_pub", NULL, REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_x25519_pub", "7", REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_x25519_pub", B64_31, REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_x25519_pub", B64_33, REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_x25519_pub", B64_LOSE, REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_quote", NULL, REASON_CHANNEL_EVIDENCE_REQUIRED },
    { BEGIN, "val_quote", "null", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { BEGIN, "val_quote", "\"\"", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { BEGIN, "val_quote", "1", REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_quote", "\"AAA\"", REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_quote", "\"AAAA\\u003d\"", REASON_CHANNEL_MALFORMED },
    { BEGIN, "val_event_log", NULL, REASON_CHANNEL_EVIDENCE_REQUIRED },
    { BEGIN, "val_event_log", "[]", REASON_CHANNEL_MALFORMED }, /* it is a text */
    { RESPONSE, "chal_x25519_pub", NULL, REASON_CHANNEL_MALFORMED },
    { RESPONSE, "chal_x25519_pub", B64_31, REASON_CHANNEL_MALFORMED },
    { RESPONSE, "quote", NULL, REASON_CHANNEL_EVIDENCE_REQUIRED },
    { RESPONSE, "quote", "null", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { RESPONSE, "quote", "{}", REASON_CHANNEL_MALFORMED },
    { RESPONSE, "event_log", NULL, REASON_CHANNEL_EVIDENCE_REQUIRED },
    { RESPONSE, "event_log", "null", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { RESPONSE, "event_log", "{}", REASON_CHANNEL_MALFORMED },
    { RESPONSE, "rtmrs", "null", REASON_OK }, /* nobody looks at them */
    { RESPONSE, "rtmrs", "[1,2]", REASON_OK },
    { RESPONSE, "rtmrs", NULL, REASON_OK },
    { OK, "hkdf_salt", B64_32, REASON_OK },
    { OK, "hkdf_salt", NULL, REASON_CHANNEL_MALFORMED },
    { OK, "hkdf_salt", "\"\"", REASON_CHANNEL_MALFORMED },
    { OK, "hkdf_salt", B64_31, REASON_CHANNEL_MALFORMED },
    { OK, "hkdf_salt", B64_33, REASON_CHANNEL_MALFORMED },
    { OK, "aead", "\"xchacha20poly1305\"", REASON_OK }, /* the SDK does not look at it */
    { OK, "aead", NULL, REASON_OK },
};

static void every_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct sdk_end *end = hears(rows[i].which, rows[i].name, rows[i].value);
        const enum reason was = end->event.kind == SDK_ENDED ? end->event.reason : REASON_OK;
        if (was != rows[i].reason)
            fail_msg("%s %s: %s", rows[i].name, rows[i].value, reason_info(was)->name);
    }
}

static void the_older_name_of_the_salt(void **state)
{
    (void)state;
    sdk_pair_make(&pair, 0);
    sdk_speak(&pair.c);
    sdk_hear(&pair.s, sdk_said(&pair.c));
    sdk_hear(&pair.c, sdk_said(&pair.s));
    sdk_hear(&pair.s, span_text("{\"type\":\"attestation_ok\",\"hkdf_salt_b64\":" B64_32 "}"));
    assert_int_equal(pair.s.event.kind, SDK_OPEN);
    sdk_hear(&pair.s, sdk_record_of(&pair.c, "the same key"));
    assert_sdk_heard(&pair.s, "the same key");
}

/* What the two spellings of a quote are taken for. */
static void quotes_in_hex_and_base64(void **state)
{
    (void)state;
    static uint8_t bytes[700], text[1400];
    struct span out;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 5);
    struct sink hex = sink_over(text, sizeof text);
    sink_hex(&hex, SPAN(bytes));
    assert_true(sdk_quote_bytes(text, hex.len, &out));
    assert_span_equal(out, SPAN(bytes));
    struct sink base64 = sink_over(text, sizeof text);
    base64_encode(&base64, SPAN(bytes));
    assert_true(sdk_quote_bytes(text, base64.len, &out));
    assert_span_equal(out, SPAN(bytes));
    hex = sink_over(text, sizeof text); /* shorter than any quote: base64 that looks like hex */
    sink_hex(&hex, span_of(bytes, 631));
    sink_text(&hex, "00");
    sink_cut(&hex, 1260);
    assert_true(sdk_quote_bytes(text, hex.len, &out));
    assert_int_equal(out.len, 945);
    hex = sink_over(text, sizeof text);
    sink_hex(&hex, span_of(bytes, 632));
    assert_true(sdk_quote_bytes(text, hex.len, &out));
    assert_int_equal(out.len, 632);
    for (size_t i = 0; i < 632; i++) { /* in capitals */
        text[2 * i] = (uint8_t) "0F9A"[i % 4];
        text[2 * i + 1] = (uint8_t) "FA90"[i % 4];
    }
    assert_true(sdk_quote_bytes(text, 1264, &out));
    assert_int_equal(out.len, 632);
    for (size_t i = 0; i < 4; i++) { /* one letter that is no digit: base64 all of it */
        memset(text, '0', 1264);
        text[700] = (uint8_t) "gG/+"[i];
        assert_true(sdk_quote_bytes(text, 1264, &out));
        assert_int_equal(out.len, 948);
    }
    uint8_t bad[] = "AAAA!AAA";
    assert_false(sdk_quote_bytes(bad, 8, &out));
}

/* A log with every escape of JSON arrives as it was, and the quote beside it too. */
static void a_log_arrives_as_it_was(void **state)
{
    (void)state;
    static const char log[] = "[{\"event\":\"\\u00e9 \\\\ \\\"\",\"imr\":3},\n\t\"\xc3\xa9\"]";
    sdk_pair_make(&pair, 41);
    pair.s.log = log;
    sdk_speak(&pair.c);
    sdk_hear(&pair.s, sdk_said(&pair.c));
    pair.c.hold = true;
    sdk_hear(&pair.c, sdk_said(&pair.s));
    assert_int_equal(pair.c.event.kind, SDK_JUDGE);
    assert_span_equal(pair.c.event.evidence.log, span_text(log));
    assert_span_equal(pair.c.event.evidence.quote, sdk_fake(&pair.s, pair.s.sdk.report_data).quote);
    assert_true(span_inside(pair.c.event.evidence.log, SPAN(pair.c.heard.at)));
}

/* The largest that is read of either, and one byte more. */
static void evidence_at_its_limit(void **state)
{
    (void)state;
    static uint8_t room[SDK_FRAME_MAX], bytes[SDK_LOG_MAX + 2];
    memset(bytes, '[', sizeof bytes);
    for (unsigned i = 0; i < 4; i++) {
        const size_t quote = SDK_QUOTE_MAX + (i == 1 ? 1 : 0);
        const size_t log = SDK_LOG_MAX + (i == 2 ? 1 : 0);
        struct sink out = sink_over(room, sizeof room);
        sink_text(&out, "{\"type\":\"attestation_response\",\"chal_x25519_pub\":"
                        "\"D6poTtKIZ7l/Smot7l34zpdOdrcBjj8iocTPJnhXDyA=\",\"quote\":\"");
        base64_encode(&out, span_of(bytes, quote));
        sink_text(&out, "\",\"event_log\":\"");
        sink_put(&out, span_of(bytes, i == 3 ? log - 1 : log));
        sink_text(&out, i == 3 ? "\\n\"}" : "\"}"); /* an escape counts as what it says */
        assert_true(sink_ok(&out));
        sdk_pair_make(&pair, 44);
        sdk_speak(&pair.c);
        struct sink said = sdk_out(&pair.c);
        pair.c.event = sdk_take(&pair.c.sdk, (struct sdk_frame){ room, out.len, 1000 }, &said);
        if (i == 0 || i == 3)
            assert_int_equal(pair.c.event.kind, SDK_JUDGE);
        else
            assert_sdk_ended(&pair.c, REASON_CHANNEL_TOO_LARGE);
    }
}

static void registers_are_shown(void **state)
{
    (void)state;
    uint8_t rtmrs[SDK_RTMRS], room[4096];
    for (size_t i = 0; i < sizeof rtmrs; i++)
        rtmrs[i] = (uint8_t)(i / 48 * 0x11);
    const struct sdk_evidence shown = { span_text("q"), span_text("[]"), rtmrs };
    struct sdk sdk = { .state = 0 };
    struct sink out = sink_over(room, sizeof room);
    sdk_write_begin(&sdk, &shown, &out);
    sink_u8(&out, 0);
    assert_non_null(strstr((char *)room, "\"val_rtmrs\":[\"000000"));
    assert_non_null(strstr((char *)room, "3333\"]}"));
    out = sink_over(room, sizeof room);
    sdk_write_response(&sdk, &shown, &out);
    sink_u8(&out, 0);
    assert_non_null(strstr((char *)room, "\"rtmrs\":{\"rtmr0\":\"0000"));
    assert_non_null(strstr((char *)room, "\"rtmr3\":\"3333"));
}

/* Every prefix of every frame. */
static void truncation(void **state)
{
    (void)state;
    sdk_pair_make(&pair, 42);
    sdk_pair_shake(&pair, &script);
    const struct sdk_wire *frames[] = { &script.begin, &script.response, &script.ok };
    for (unsigned f = 0; f < 3; f++) {
        for (size_t len = 0; len < frames[f]->len; len += len < 200 ? 1 : 37) {
            sdk_pair_make(&pair, 42);
            if (f > 0)
                sdk_speak(&pair.c);
            if (f == 2)
                sdk_hear(&pair.s, sdk_said(&pair.c));
            struct sdk_end *end = f == 1 ? &pair.c : &pair.s;
            sdk_hear(end, span_of(frames[f]->at, len));
            assert_sdk_ended(end, REASON_CHANNEL_MALFORMED);
        }
    }
}

/* A refusal with so much beside it. */
static void assert_read(const char *opening, const char *each, size_t count, bool read)
{
    static uint8_t room[2048];
    struct sink out = sink_over(room, sizeof room);
    sink_text(&out, "{\"type\":\"error\",\"x\":");
    sink_text(&out, opening);
    for (size_t i = 0; i < count; i++)
        sink_text(&out, each);
    for (size_t i = 0; *each == '[' && i < count; i++)
        sink_u8(&out, ']');
    sink_text(&out, *each == '[' ? "}" : "]}");
    sdk_pair_make(&pair, 43);
    sdk_speak(&pair.c);
    sdk_hear(&pair.c, sink_bytes(&out));
    assert_sdk_ended(&pair.c, read ? REASON_CHANNEL_REFUSED_BY_PEER : REASON_CHANNEL_MALFORMED);
}

/* As deep and as many as are read, and one more. */
static void deep_and_many(void **state)
{
    (void)state;
    assert_read("", "[", SDK_SHAKE_DEPTH - 1, true);
    assert_read("", "[", SDK_SHAKE_DEPTH, false);
    assert_read("[0", ",0", SDK_SHAKE_NODES - 4, true);
    assert_read("[0", ",0", SDK_SHAKE_NODES - 3, false);
}

/* --- nonces ----------------------------------------------------------------------------------- */

static void nonce_of(uint8_t byte, uint8_t out[SDK_NONCE])
{
    memset(out, byte, SDK_NONCE);
}

static void given_out_once(void **state)
{
    (void)state;
    struct sdk_nonce places[4];
    struct sdk_nonces nonces = sdk_nonces_over(places, 4);
    uint8_t a[SDK_NONCE], b[SDK_NONCE];
    nonce_of(1, a);
    nonce_of(2, b);
    assert_int_equal(sdk_nonces_take(&nonces, a, 0), SDK_NONCE_UNKNOWN);
    sdk_nonces_put(&nonces, a, 1000 + SDK_NONCE_S);
    assert_int_equal(sdk_nonces_take(&nonces, b, 1000), SDK_NONCE_UNKNOWN);
    assert_int_equal(sdk_nonces_take(&nonces, a, 1000 + SDK_NONCE_S - 1), SDK_NONCE_GOOD);
    assert_int_equal(sdk_nonces_take(&nonces, a, 1000), SDK_NONCE_UNKNOWN);
    sdk_nonces_put(&nonces, a, 1000 + SDK_NONCE_S);
    assert_int_equal(sdk_nonces_take(&nonces, a, 1000 + SDK_NONCE_S), SDK_NONCE_EXPIRED);
    assert_int_equal(sdk_nonces_take(&nonces, a, 1000), SDK_NONCE_UNKNOWN);
    nonce_of(0, a); /* an empty place is not the nonce of zeros */
    assert_int_equal(sdk_nonces_take(&nonces, a, 0), SDK_NONCE_UNKNOWN);
    assert_false(sdk_nonces_has(&nonces, a));
    assert_true(sdk_nonces_is_sound(&nonces));
}

/* So many for one address, of which its own oldest gives way; what is used makes room. */
static void a_share_for_each_address(void **state)
{
    (void)state;
    struct sdk_nonce places[4 * SDK_NONCES_SHARE];
    struct sdk_nonces nonces = sdk_nonces_over(places, COUNT_OF(places));
    const uint8_t loud[SDK_ADDRESS] = { 1 }, quiet[SDK_ADDRESS] = { 2 };
    uint8_t first[SDK_NONCE], nonce[SDK_NONCE];
    nonce_of(200, first);
    sdk_nonces_give(&nonces, first, quiet, 1000);
    for (unsigned i = 1; i <= SDK_NONCES_SHARE; i++) {
        nonce_of((uint8_t)i, nonce);
        sdk_nonces_give(&nonces, nonce, loud, 1000 + i);
    }
    nonce_of(1, nonce);
    assert_true(sdk_nonces_has(&nonces, nonce)); /* at the share, and one past it */
    nonce_of(100, nonce);
    sdk_nonces_give(&nonces, nonce, loud, 2000);
    assert_true(sdk_nonces_has(&nonces, nonce) && sdk_nonces_has(&nonces, first));
    nonce_of(1, nonce);
    assert_false(sdk_nonces_has(&nonces, nonce));
    nonce_of(2, nonce);
    assert_int_equal(sdk_nonces_take(&nonces, nonce, 0), SDK_NONCE_GOOD);
    nonce_of(101, nonce);
    sdk_nonces_give(&nonces, nonce, loud, 2000);
    nonce_of(3, nonce);
    assert_true(sdk_nonces_has(&nonces, nonce));
    assert_true(sdk_nonces_is_sound(&nonces));
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct sdk_nonce places[4];
    struct sdk_nonces nonces = sdk_nonces_over(places, 4);
    uint8_t nonce[SDK_NONCE];
    for (uint8_t i = 1; i <= 100; i++) {
        nonce_of(i, nonce);
        sdk_nonces_put(&nonces, nonce, 100);
        assert_true(sdk_nonces_is_sound(&nonces));
        for (uint8_t j = 1; j <= i; j++) {
            nonce_of(j, nonce);
            assert_int_equal(sdk_nonces_has(&nonces, nonce), i - j < 4);
        }
    }
    assert_false(sdk_nonces_is_sound(&(struct sdk_nonces){ 0 }));
    assert_false(sdk_nonces_is_sound(&(struct sdk_nonces){ .at = places }));
    assert_false(sdk_nonces_is_sound(&(struct sdk_nonces){ .count = 4 }));
    assert_false(sdk_nonces_is_sound(&(struct sdk_nonces){ places, 4, 4 }));
    assert_true(sdk_nonces_is_sound(&(struct sdk_nonces){ places, 1, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_member, "PC-1"),
        TEST(the_older_name_of_the_salt, "PC-6"),
        TEST(quotes_in_hex_and_base64, ""),
        TEST(a_log_arrives_as_it_was, ""),
        TEST(evidence_at_its_limit, ""),
        TEST(registers_are_shown, ""),
        TEST(truncation, ""),
        TEST(deep_and_many, ""),
        TEST(given_out_once, ""),
        TEST(a_share_for_each_address, ""),
        TEST(the_oldest_gives_way, ""),
    };
    return RUN_TESTS(tests);
}
