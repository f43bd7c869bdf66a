/* test_signed_request.c - what a signature covers, and every form of it that is refused. */
#include "token/signed_request.h"

#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/start.h"
#include "test.h"
#include "vectors.h"

#define TOKEN "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define KEY   "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="

static struct ed25519_secret secret_of(uint8_t byte)
{
    uint8_t seed[ED25519_SEED];
    struct ed25519_secret secret;
    memset(seed, byte, sizeof seed);
    ed25519_secret_of_seed(seed, &secret);
    return secret;
}

static struct signed_request request_of(enum signed_version version)
{
    struct signed_request request = {
        .version = version,
        .method = span_text("POST"),
        .host = span_text("ward.example:8443"),
        .target = span_text("/v1/session"),
        .type = span_text("application/json"),
        .timestamp = 1795196247,
        .nonce = span_text("0123456789abcdef"),
        .token = span_text(TOKEN),
    };
    hash_sha256(span_text("{}"), request.body_hash);
    return request;
}

static struct signed_request signed_of(enum signed_version version)
{
    struct signed_request request = request_of(version);
    struct ed25519_secret secret = secret_of(1);
    assert_int_equal(signed_request_sign(&secret, &request), REASON_OK);
    return request;
}

/* Observed of the public SDK: spec platform-challenge 1.5. */
static void test_the_public_client(void **state)
{
    (void)state;
    struct signed_request request = {
        .version = SIGNED_V1,
        .method = span_text("POST"),
        .target = span_text("/results/heartbeat"),
        .timestamp = 1795196247,
        .nonce = span_text("c72f823d-a4c3-4fe8-a88d-52fb5887048b"),
        .token = span_text("session_t"),
    };
    struct sink key = sink_over(request.key, sizeof request.key);
    struct sink signature = sink_over(request.signature, sizeof request.signature);
    hash_sha256(span_text("{\"timestamp\": 1, \"status\": \"ok\", \"metrics\": {}}"),
                request.body_hash);
    assert_true(base64_decode(span_text(KEY), &key));
    assert_true(base64_decode(span_text("hXmTR7mpFsdV2gj8aSZLCoKQrYD2KvfP+RBHpKg9GEX+zqNmd7Mm1q"
                                        "V35WuL24ytioFQMz2nS+ZswhmqsS8ECQ=="),
                              &signature));
    assert_int_equal(signed_request_verify(&request), REASON_OK);
    struct ed25519_secret secret = secret_of(1);
    struct signed_request again = request;
    memset(again.signature, 0, sizeof again.signature);
    assert_int_equal(signed_request_sign(&secret, &again), REASON_OK);
    assert_memory_equal(again.signature, request.signature, sizeof again.signature);
}

static void test_texts(void **state)
{
    (void)state;
    static const char first[] =
        "POST\n/v1/session\n44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n"
        "1795196247\n0123456789abcdef\n" TOKEN;
    static const char second[] =
        "ward-signed-request-v2\nPOST\nward.example:8443\n/v1/session?a=%20b\napplication/json\n"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n"
        "1795196247\n0123456789abcdef\n"
        "ea866a757e4c38babfa8127cbe9a409d3e1f93a00ff1488ff735fcf917afffd0";
    uint8_t bytes[SIGNED_TEXT_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct signed_request request = request_of(SIGNED_V1);
    assert_int_equal(signed_text_write(&request, &out), REASON_OK);
    assert_span_equal(sink_bytes(&out), span_text(first));
    request = request_of(SIGNED_V2);
    request.target = span_text("/v1/session?a=%20b");
    sink_cut(&out, 0);
    assert_int_equal(signed_text_write(&request, &out), REASON_OK);
    assert_span_equal(sink_bytes(&out), span_text(second));
}

static struct span member(const struct json *json, uint32_t node, const char *name)
{
    struct span text;
    assert_true(json_string(json, json_member(json, node, name), &text));
    return text;
}

static void check_known(const struct json *json, uint32_t node)
{
    uint8_t bytes[SIGNED_TEXT_MAX], body[256], whole[SIGNED_TEXT_MAX];
    struct sink text = sink_over(bytes, sizeof bytes), plain = sink_over(whole, sizeof whole);
    struct span hex = member(json, node, "body");
    struct ed25519_secret secret = secret_of(1);
    uint64_t version = 0;
    struct signed_request request = { .method = member(json, node, "method"),
                                      .host = member(json, node, "host"),
                                      .target = member(json, node, "target"),
                                      .type = member(json, node, "content_type"),
                                      .nonce = member(json, node, "nonce"),
                                      .token = member(json, node, "token") };
    assert_true(json_u64(json, json_member(json, node, "version"), 2, &version));
    assert_true(json_i64(json, json_member(json, node, "timestamp"), &request.timestamp));
    assert_true(json_hex(json, json_member(json, node, "body"), body, hex.len / 2));
    assert_true(json_string_copy(json, json_member(json, node, "text"), &plain));
    request.version = version == 1 ? SIGNED_V1 : SIGNED_V2;
    hash_sha256(span_of(body, hex.len / 2), request.body_hash);
    assert_int_equal(signed_text_write(&request, &text), REASON_OK);
    assert_span_equal(sink_bytes(&text), sink_bytes(&plain));
    assert_int_equal(signed_request_sign(&secret, &request), REASON_OK);
    sink_cut(&text, 0);
    base64_encode(&text, SPAN(request.signature));
    assert_span_equal(sink_bytes(&text), member(json, node, "signature"));
}

/* Made by somebody else's program from the document. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct json_limits limits = { .depth = 4, .nodes = 256 };
    static struct json_node nodes[256];
    struct span file = project_read("vectors/request/signed.json");
    struct json json;
    size_t count = 0;
    assert_true(json_parse_into(file, nodes, COUNT_OF(nodes), &limits, &json, NULL));
    uint32_t cases = json_member(&json, 0, "cases");
    for (uint32_t node = json_first(&json, cases); node != JSON_NONE;
         node = json_next(&json, node)) {
        check_known(&json, node);
        count++;
    }
    assert_int_equal(count, 6);
    vectors_free(&file);
}

/* What is signed is what is asked: each part, and the version itself. */
static void test_every_part_is_covered(void **state)
{
    (void)state;
    static const enum signed_version versions[] = { SIGNED_V1, SIGNED_V2 };
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        const struct signed_request good = signed_of(versions[i]);
        assert_int_equal(signed_request_verify(&good), REASON_OK);
        struct signed_request changed[8] = { good, good, good, good, good, good, good, good };
        changed[0].method = span_text("PUT");
        changed[1].target = span_text("/v1/sessioN");
        changed[2].body_hash[31] ^= 1;
        changed[3].timestamp++;
        changed[4].nonce = span_text("0123456789abcdeF");
        changed[5].token = span_text("BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        changed[6].version = good.version == SIGNED_V1 ? SIGNED_V2 : SIGNED_V1;
        struct ed25519_secret other = secret_of(2);
        ed25519_secret_public(&other, changed[7].key);
        for (size_t n = 0; n < COUNT_OF(changed); n++)
            assert_int_equal(signed_request_verify(&changed[n]), REASON_SIGNED_SIGNATURE_INVALID);
    }
    struct signed_request host = signed_of(SIGNED_V2), type = host, query = host;
    host.host = span_text("ward.example");
    type.type = span_text("application/x-encrypted+json");
    query.target = span_text("/v1/session?all=1");
    assert_int_equal(signed_request_verify(&host), REASON_SIGNED_SIGNATURE_INVALID);
    assert_int_equal(signed_request_verify(&type), REASON_SIGNED_SIGNATURE_INVALID);
    assert_int_equal(signed_request_verify(&query), REASON_SIGNED_SIGNATURE_INVALID);
}

/* Version 1 covers neither host, type nor query: the last of them is refused, whatever is signed,
   and by whoever would sign it. */
static void test_a_query_is_not_for_version_1(void **state)
{
    (void)state;
    static const char *const targets[] = { "/v1/session?", "/v1/session?a=1", "/v1/session?a?b" };
    struct ed25519_secret secret = secret_of(1);
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        struct signed_request request = signed_of(SIGNED_V1);
        request.target = span_text(targets[i]);
        assert_int_equal(signed_request_verify(&request), REASON_SIGNED_QUERY);
        assert_int_equal(signed_request_sign(&secret, &request), REASON_SIGNED_QUERY);
        request.version = SIGNED_V2;
        assert_int_equal(signed_request_sign(&secret, &request), REASON_OK);
        assert_int_equal(signed_request_verify(&request), REASON_OK);
    }
}

/* Two requests never have one text: nothing that a part may hold ends a line. */
static void test_no_part_can_hold_another(void **state)
{
    (void)state;
    static const char *const bad[] = { "x\ny", "x\ry", "x\ty", "x\177", "x\200", "\n", "x\1" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct span text = span_text(bad[i]);
        uint8_t path[16] = { '/' };
        memcpy(&path[1], text.at, text.len);
        const struct signed_request good = signed_of(SIGNED_V2);
        struct signed_request changed[6] = { good, good, good, good, good, good };
        changed[0].method = text;
        changed[1].host = text;
        changed[2].target = span_of(path, text.len + 1);
        changed[3].type = text;
        changed[4].nonce = text;
        changed[5].token = text;
        for (size_t n = 0; n < COUNT_OF(changed); n++)
            assert_int_equal(signed_request_verify(&changed[n]), REASON_SIGNED_TEXT);
    }
    static const char *const spaced[] = { "a b", " ", "/ " };
    for (size_t i = 0; i < COUNT_OF(spaced); i++) {
        struct signed_request host = signed_of(SIGNED_V2), target = host, type = host;
        host.host = target.target = type.type = span_text(spaced[i]);
        assert_int_equal(signed_request_verify(&host), REASON_SIGNED_TEXT);
        assert_int_equal(signed_request_verify(&target), REASON_SIGNED_TEXT);
        assert_int_equal(signed_request_verify(&type), REASON_SIGNED_SIGNATURE_INVALID);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    static uint8_t long_target[SIGNED_TARGET_MAX + 1], long_host[SIGNED_HOST_MAX + 1];
    static uint8_t long_type[SIGNED_TYPE_MAX + 1];
    struct ed25519_secret secret = secret_of(1);
    memset(long_target, '/', sizeof long_target);
    memset(long_host, 'h', sizeof long_host);
    memset(long_type, 't', sizeof long_type);
    struct signed_request longest = request_of(SIGNED_V2);
    longest.target = span_of(long_target, SIGNED_TARGET_MAX);
    longest.host = span_of(long_host, SIGNED_HOST_MAX);
    longest.type = span_of(long_type, SIGNED_TYPE_MAX);
    longest.timestamp = 999999999999;
    assert_int_equal(signed_request_sign(&secret, &longest), REASON_OK);
    assert_int_equal(signed_request_verify(&longest), REASON_OK);
    struct signed_request target = longest, host = longest, type = longest, none = longest;
    target.target = SPAN(long_target);
    host.host = SPAN(long_host);
    type.type = SPAN(long_type);
    none.target = (struct span){ 0 };
    assert_int_equal(signed_request_verify(&target), REASON_SIGNED_TEXT);
    assert_int_equal(signed_request_verify(&host), REASON_SIGNED_TEXT);
    assert_int_equal(signed_request_verify(&type), REASON_SIGNED_TEXT);
    assert_int_equal(signed_request_verify(&none), REASON_SIGNED_TEXT);
    struct signed_request zero = { 0 };
    assert_int_equal(signed_request_verify(&zero), REASON_SIGNED_TEXT);
}

/* No verifier with another rule takes what this one refuses, or the other way. */
static void test_strict_signatures(void **state)
{
    (void)state;
    /* RFC 8032 5.1: the group's order, little endian. */
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                       0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
    struct signed_request request = signed_of(SIGNED_V2);
    unsigned carry = 0;
    for (size_t i = 0; i < sizeof order; i++) {
        carry += request.signature[32 + i] + order[i];
        request.signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_int_equal(signed_request_verify(&request), REASON_SIGNED_SIGNATURE_INVALID);
    /* The neutral element as key and R, with S = 0, fits every message where that is let pass. */
    static const uint8_t small[][32] = { { 1 }, { 0 }, { [31] = 0x80 } };
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        struct signed_request forged = request_of(SIGNED_V2);
        memcpy(forged.key, small[i], sizeof forged.key);
        memcpy(forged.signature, small[i], 32);
        assert_int_equal(signed_request_verify(&forged), REASON_SIGNED_SIGNATURE_INVALID);
        assert_false(ed25519_public_is_good(SPAN(forged.key)));
    }
    assert_true(ed25519_public_is_good(SPAN(request.key)));
    assert_false(ed25519_public_is_good(span_of(request.key, 31)));
}

static struct signed_headers good_headers(const struct signed_request *request, char signature[96])
{
    struct sink text = sink_over(signature, 96);
    base64_encode(&text, SPAN(request->signature));
    return (struct signed_headers){
        .signature = sink_bytes(&text),
        .timestamp = span_text("1795196247"),
        .nonce = span_text("0123456789abcdef"),
        .key = span_text(KEY),
        .token = span_text(TOKEN),
        .version = span_text("2"),
        .has_version = true,
    };
}

static void test_headers(void **state)
{
    (void)state;
    char signature[96];
    struct signed_request request = signed_of(SIGNED_V2), read = { 0 };
    struct signed_headers headers = good_headers(&request, signature);
    assert_int_equal(signed_headers_read(&headers, &read), REASON_OK);
    assert_int_equal(read.version, SIGNED_V2);
    assert_int_equal(read.timestamp, 1795196247);
    assert_memory_equal(read.key, request.key, sizeof read.key);
    assert_memory_equal(read.signature, request.signature, sizeof read.signature);
    assert_span_equal(read.nonce, span_text("0123456789abcdef"));
    assert_span_equal(read.token, span_text(TOKEN));
    headers.has_version = false;
    assert_int_equal(signed_headers_read(&headers, &read), REASON_OK);
    assert_int_equal(read.version, SIGNED_V1);
}

/* Text of one header and what it is refused for. */
struct bad {
    const char *what;
    size_t header; /* signature, timestamp, nonce, key, token, version */
    const char *text;
    enum reason reason;
};

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
static const struct bad bads[] = {
    { "no signature", 0, "", REASON_SIGNED_HEADERS },
    { "no time", 1, "", REASON_SIGNED_HEADERS },
    { "no nonce", 2, "", REASON_SIGNED_HEADERS },
    { "no key", 3, "", REASON_SIGNED_HEADERS },
    { "no token", 4, "", REASON_SIGNED_HEADERS },
    { "empty version", 5, "", REASON_SIGNED_VERSION },
    { "version 1 said aloud", 5, "1", REASON_SIGNED_VERSION },
    { "a later version", 5, "3", REASON_SIGNED_VERSION },
    { "a zero before", 5, "02", REASON_SIGNED_VERSION },
    { "a sign", 1, "+1795196247", REASON_SIGNED_TIMESTAMP },
    { "a leading zero", 1, "01795196247", REASON_SIGNED_TIMESTAMP },
    { "a minus", 1, "-1", REASON_SIGNED_TIMESTAMP },
    { "a fraction", 1, "1795196247.0", REASON_SIGNED_TIMESTAMP },
    { "an exponent", 1, "1e9", REASON_SIGNED_TIMESTAMP },
    { "hex", 1, "0x6b", REASON_SIGNED_TIMESTAMP },
    { "a space", 1, "1795196247 ", REASON_SIGNED_TIMESTAMP },
    { "13 digits", 1, "1795196247000", REASON_SIGNED_TIMESTAMP },
    { "past 64 bits", 1, "18446744073709551617", REASON_SIGNED_TIMESTAMP },
    { "7 bytes of nonce", 2, "1234567", REASON_SIGNED_NONCE },
    { "65 bytes of nonce", 2, A64 "a", REASON_SIGNED_NONCE },
    { "a space in the nonce", 2, "1234 5678", REASON_SIGNED_NONCE },
    { "a line's end in the nonce", 2, "1234\n5678", REASON_SIGNED_NONCE },
    { "no ASCII in the nonce", 2, "1234567\303\251", REASON_SIGNED_NONCE },
    { "key without padding", 3, "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w", REASON_SIGNED_KEY },
    { "key with bits left over", 3,
      "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1x=", REASON_SIGNED_KEY },
    { "key in hex", 3, A64, REASON_SIGNED_KEY },
    { "key of 31 bytes", 3, "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPbw==", REASON_SIGNED_KEY },
    { "a space after the key", 3,
      "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w= ", REASON_SIGNED_KEY },
    { "signature of 32 bytes", 0, KEY, REASON_SIGNED_SIGNATURE_FORM },
    { "signature in the other alphabet", 0,
      "-_" A64 "aaaaaaaaaaaaaaaaaaaa==", REASON_SIGNED_SIGNATURE_FORM },
    { "signature that is none", 0, "!", REASON_SIGNED_SIGNATURE_FORM },
    { "token too short", 4, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", REASON_SIGNED_TOKEN },
    { "token with padding", 4, TOKEN "=", REASON_SIGNED_TOKEN },
    { "token with bits left over", 4, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
      REASON_SIGNED_TOKEN },
    { "token in the other alphabet", 4, "++ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
      REASON_SIGNED_TOKEN },
    { "somebody else's token", 4, "session_2b0d9f1e-6a1c-4b7e-9a55-0a5e6c0d1f22",
      REASON_SIGNED_TOKEN },
};

static void test_bad_headers(void **state)
{
    (void)state;
    struct signed_request request = signed_of(SIGNED_V2);
    for (size_t i = 0; i < COUNT_OF(bads); i++) {
        char signature[96];
        struct signed_headers headers = good_headers(&request, signature);
        struct span *const all[] = { &headers.signature, &headers.timestamp, &headers.nonce,
                                     &headers.key,       &headers.token,     &headers.version };
        struct signed_request read = { .timestamp = 7 };
        *all[bads[i].header] = span_text(bads[i].text);
        enum reason reason = signed_headers_read(&headers, &read);
        if (reason != bads[i].reason)
            print_message("%s\n", bads[i].what);
        assert_int_equal(reason, bads[i].reason);
        assert_int_equal(read.timestamp, 7);
        assert_int_equal(read.version, SIGNED_NONE);
    }
}

/* At the limit it is taken. */
static void test_nonce_at_its_limits(void **state)
{
    (void)state;
    char signature[96];
    struct signed_request request = signed_of(SIGNED_V2), read;
    struct signed_headers headers = good_headers(&request, signature);
    headers.nonce = span_text("12345678");
    assert_int_equal(signed_headers_read(&headers, &read), REASON_OK);
    headers.nonce = span_text(A64);
    assert_int_equal(signed_headers_read(&headers, &read), REASON_OK);
    headers.timestamp = span_text("999999999999");
    assert_int_equal(signed_headers_read(&headers, &read), REASON_OK);
    headers.timestamp = span_text("0");
    assert_int_equal(signed_headers_read(&headers, &read), REASON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_public_client, "PC-13"),
        TEST(test_texts, "PC-13"),
        TEST(test_known_answers, "PC-13"),
        TEST(test_every_part_is_covered, ""),
        TEST(test_a_query_is_not_for_version_1, ""),
        TEST(test_no_part_can_hold_another, ""),
        TEST(test_lengths, ""),
        TEST(test_strict_signatures, "PC-27"),
        TEST(test_headers, ""),
        TEST(test_bad_headers, ""),
        TEST(test_nonce_at_its_limits, ""),
    };
    if (!sodium_start())
        return 1;
    return RUN_TESTS(tests);
}
