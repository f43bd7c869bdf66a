/* test_miner_token.c - one token, one text: every other way to write the same claims, every
   length, every bit, and each value at its limit and one past it. */
#include "codec/miner_token.h"

#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "test.h"

#define KID    "00112233445566778899aabbccddeeff"
#define HEADER "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}"
#define HOTKEY "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
#define USE    "AAECAwQFBgcICQoLDA0ODw"
#define CLAIMS                                                                                     \
    "{\"aud\":\"sums\",\"exp\":1700000300,\"iat\":1700000000,\"iss\":\"ward.local/01\","           \
    "\"job_id\":\"job-1\",\"jti\":\"" USE "\",\"nbf\":1700000000,\"scope\":[\"submit\",\"*\"],"    \
    "\"sub\":\"" HOTKEY "\",\"uid\":42}"

enum { TEXT = 4096 };

static struct span write_text(uint8_t room[TEXT], const char *header, const char *claims)
{
    struct sink out = sink_over(room, TEXT);
    base64url_encode(&out, span_text(header));
    sink_u8(&out, '.');
    base64url_encode(&out, span_text(claims));
    return sink_bytes(&out);
}

static enum miner_form form_of(struct span input)
{
    uint8_t room[MINER_ROOM];
    struct sink sink = sink_over(room, sizeof room);
    struct miner_claims out = { .uid = 7 };
    enum miner_form form = miner_input_read(input, &sink, &out);
    if (form != MINER_READ) /* untouched */
        assert_true(out.uid == 7 && out.subject.len == 0);
    return form;
}

static enum miner_form form_of_text(const char *header, const char *claims)
{
    uint8_t text[TEXT];
    return form_of(write_text(text, header, claims));
}

static struct miner_claims good(void)
{
    return (struct miner_claims){ .key_id = span_text(KID),
                                  .audience = span_text("sums"),
                                  .expires = 1700000300,
                                  .issued = 1700000000,
                                  .issuer = span_text("ward.local/01"),
                                  .job = span_text("job-1"),
                                  .use = span_text(USE),
                                  .not_before = 1700000000,
                                  .scope_count = 2,
                                  .scopes = { span_text("submit"), span_text("*") },
                                  .subject = span_text(HOTKEY),
                                  .uid = 42 };
}

/* The text is written here by hand: what the program writes is exactly that. */
static void what_is_read_and_written(void **state)
{
    (void)state;
    uint8_t text[TEXT], room[MINER_ROOM], again[MINER_TOKEN_MAX];
    struct sink sink = sink_over(room, sizeof room), out = sink_over(again, sizeof again);
    struct span input = write_text(text, HEADER, CLAIMS);
    struct miner_claims read;
    assert_int_equal(miner_input_read(input, &sink, &read), MINER_READ);
    assert_span_equal(read.key_id, span_text(KID));
    assert_span_equal(read.audience, span_text("sums"));
    assert_span_equal(read.issuer, span_text("ward.local/01"));
    assert_span_equal(read.job, span_text("job-1"));
    assert_span_equal(read.use, span_text(USE));
    assert_span_equal(read.subject, span_text(HOTKEY));
    assert_int_equal(read.scope_count, 2);
    assert_span_equal(read.scopes[0], span_text("submit"));
    assert_true(read.issued == 1700000000 && read.not_before == 1700000000 &&
                read.expires == 1700000300 && read.uid == 42);
    miner_input_write(&out, &read);
    assert_span_equal(sink_bytes(&out), input);
    struct miner_claims claims = good();
    sink_cut(&out, 0);
    miner_input_write(&out, &claims);
    assert_span_equal(sink_bytes(&out), input);
    uint8_t small[64];
    struct sink full = sink_over(small, sizeof small);
    miner_input_write(&full, &claims);
    assert_false(sink_ok(&full));
}

static void another_algorithm(void **state)
{
    (void)state;
    static const char *const words[] = { "none",  "None",  "HS256",   "HS512", "RS256",
                                         "ES256", "eddsa", "Ed25519", "",      "EdDSA " };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char header[160];
        struct sink out = sink_over(header, sizeof header - 1);
        sink_format(&out, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"MinerToken\"}", words[i], KID);
        sink_terminate(&out);
        assert_int_equal(form_of_text(header, CLAIMS), MINER_ALGORITHM);
    }
}

/* Each says what a good one says, or less, or more, in another way. */
static void headers_that_are_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":null,\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":[\"EdDSA\"],\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"alg\":\"none\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDS\\u0041\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"minertoken\"}",
        "{\"kid\":\"" KID "\",\"alg\":\"EdDSA\",\"typ\":\"MinerToken\"}",
        "{ \"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}\n",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\",\"crit\":[]}",
        "{\"alg\":\"EdDSA\",\"jwk\":{},\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"jku\":\"https://a\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"00112233445566778899AABBCCDDEEFF\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"../../../../../../../etc/passwd/\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"' OR '1'='1' --                 \",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "0\",\"typ\":\"MinerToken\"}",
        "[\"EdDSA\"]",
        "\"EdDSA\"",
        "{}",
        "",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (form_of_text(rows[i], CLAIMS) != MINER_MALFORMED)
            fail_msg("%s", rows[i]);
    }
}

/* The good claims with one text in them replaced by another. */
struct change {
    const char *from, *to;
};

static enum miner_form form_of_change(const struct change *change)
{
    char claims[TEXT];
    const char *at = strstr(CLAIMS, change->from);
    assert_non_null(at);
    struct sink out = sink_over(claims, sizeof claims - 1);
    sink_put(&out, span_of(CLAIMS, (size_t)(at - (const char *)CLAIMS)));
    sink_text(&out, change->to);
    sink_text(&out, at + strlen(change->from));
    sink_terminate(&out);
    return form_of_text(HEADER, claims);
}

static const struct change no_claims[] = {
    { "\"aud\":\"sums\"", "\"aud\":\"sums\",\"aud\":\"sums\"" },
    { "\"aud\":\"sums\"", "\"aud\":[\"sums\"]" },
    { "\"aud\":\"sums\"", "\"aud\":\"su ms\"" },
    { "\"aud\":\"sums\"", "\"aud\":\"..\"" },
    { "\"aud\":\"sums\"", "\"aud\":\"s%2fms\"" },
    { "\"aud\":\"sums\",", "" },
    { "1700000300", "1700000300.0" },
    { "1700000300", "1.7000003e9" },
    { "1700000300", "17000003e2" },
    { "1700000300", "\"1700000300\"" },
    { "1700000300", "-1700000300" },
    { "1700000300", "01700000300" },
    { "1700000300", "99999999999999999999" },
    { "1700000300", "9223372036854775807" },
    { "1700000300", "1700000301" }, /* a second more than a token may live */
    { "1700000300", "1700000000" }, /* over when it begins */
    { "1700000300", "true" },
    { "\"iat\":1700000000", "\"iat\":-1" },
    { "\"iat\":1700000000", "\"iat\":-0" },
    { "\"iat\":1700000000", "\"iat\":1700000001" }, /* good before it was made */
    { "\"nbf\":1700000000", "\"nbf\":1699999999" },
    { "\"nbf\":1700000000", "\"nbf\":1700000300" },
    { "\"nbf\":1700000000,", "" },
    { "ward.local/01", "ward local" },
    { "ward.local/01", "" },
    { "\"job_id\":\"job-1\"", "\"job_id\":\"\"" },
    { "\"job_id\":\"job-1\"", "\"job_id\":null" },
    { "\"job_id\":\"job-1\"", "\"job_id\":\"job\\r\\nX-Job: 2\"" },
    { USE, "AAECAwQFBgcICQoLDA0ODx" }, /* the same 16 bytes in other bits */
    { USE, "AAECAwQFBgcICQoLDA0OD" },
    { USE, "AAECAwQFBgcICQoLDA0ODw==" },
    { "\"scope\":[\"submit\",\"*\"]", "\"scope\":[]" },
    { "\"scope\":[\"submit\",\"*\"]", "\"scope\":\"*\"" },
    { "\"scope\":[\"submit\",\"*\"]", "\"scope\":[[\"*\"]]" },
    { "\"scope\":[\"submit\",\"*\"]", "\"scope\":[\"sub*\"]" },
    { "\"scope\":[\"submit\",\"*\"]",
      "\"scope\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]" },
    { HOTKEY, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKut0Y" }, /* no digit of base58 */
    { HOTKEY, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERH" },
    { "\"uid\":42", "\"uid\":-1" },
    { "\"uid\":42", "\"uid\":4294967296" },
    { "\"uid\":42", "\"uid\":42.0" },
    { "\"uid\":42", "\"uid\":\"42\"" },
    { ",\"uid\":42", "" },
    { "\"uid\":42", "\"uid\":42,\"zeal\":1" },
    { "\"uid\":42", "\"uid\":42,\"uid\":43" },
    { "\"uid\":42", "\"uid\": 42" },
    { "\"uid\":42}", "\"uid\":42}}" },
    { "\"uid\":42}", "\"uid\":42" },
};

static void claims_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_claims); i++) {
        if (form_of_change(&no_claims[i]) != MINER_MALFORMED)
            fail_msg("%s for %s", no_claims[i].to, no_claims[i].from);
    }
}

static void claims_that_are_others(void **state)
{
    (void)state;
    static const struct change same[] = {
        { ",\"job_id\":\"job-1\"", "" },
        { "1700000300", "1700000001" },
        { "\"nbf\":1700000000", "\"nbf\":1700000299" },
        { "\"uid\":42", "\"uid\":4294967295" },
        { "\"uid\":42", "\"uid\":0" },
        { HOTKEY, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHp" },
        { "\"scope\":[\"submit\",\"*\"]",
          "\"scope\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"]" },
    };
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        if (form_of_change(&same[i]) != MINER_READ)
            fail_msg("%s for %s", same[i].to, same[i].from);
    }
}

/* The largest token that there is fits what is set aside for it; one character more does not. */
static void the_largest(void **state)
{
    (void)state;
    char issuer[MINER_ISSUER_MAX + 1], word[MINER_WORD_MAX + 1], hotkey[MINER_SUBJECT_MAX + 1];
    memset(issuer, 'i', sizeof issuer);
    memset(word, 'w', sizeof word);
    memset(hotkey, '5', sizeof hotkey);
    struct miner_claims claims = good();
    claims.issuer = span_of(issuer, MINER_ISSUER_MAX);
    claims.audience = claims.job = span_of(word, MINER_WORD_MAX);
    claims.subject = span_of(hotkey, MINER_SUBJECT_MAX);
    claims.scope_count = MINER_SCOPES_MAX;
    claims.uid = UINT32_MAX;
    claims.issued = claims.not_before = INT64_C(253402300799) - MINER_LIFE_MAX_S;
    claims.expires = INT64_C(253402300799);
    for (size_t i = 0; i < MINER_SCOPES_MAX; i++)
        claims.scopes[i] = span_of(word, MINER_WORD_MAX);
    assert_true(miner_claims_are_good(&claims));
    uint8_t text[MINER_TOKEN_MAX], room[MINER_ROOM];
    const uint8_t signature[MINER_TOKEN_SIGNATURE] = { 1 };
    struct sink out = sink_over(text, sizeof text), read = sink_over(room, sizeof room);
    miner_input_write(&out, &claims);
    miner_token_end(&out, signature);
    assert_true(sink_ok(&out));
    struct miner_token token;
    assert_int_equal(miner_token_read(sink_bytes(&out), &read, &token), MINER_READ);
    assert_memory_equal(token.signature, signature, sizeof signature);

    struct miner_claims longer = claims;
    longer.issuer.len++;
    assert_false(miner_claims_are_good(&longer));
    longer = claims;
    longer.audience.len++;
    assert_false(miner_claims_are_good(&longer));
    longer = claims;
    longer.job.len++;
    assert_false(miner_claims_are_good(&longer));
    longer = claims;
    longer.subject.len++;
    assert_false(miner_claims_are_good(&longer));
    longer = claims;
    longer.scopes[7].len++;
    assert_false(miner_claims_are_good(&longer));
    longer = claims;
    longer.scope_count = 0;
    assert_false(miner_claims_are_good(&longer));
    longer = claims;
    longer.issued++, longer.not_before++, longer.expires++;
    assert_false(miner_claims_are_good(&longer));
}

/* Not a byte of it is decoded; of one that is not longer, the header is. */
static void longer_than_any(void **state)
{
    (void)state;
    uint8_t text[TEXT], room[MINER_ROOM];
    struct miner_token token;
    struct sink read = sink_over(room, sizeof room);
    struct span input = write_text(text, HEADER, CLAIMS);
    memset(text + input.len, 'A', sizeof text - input.len);
    text[input.len] = '.';
    assert_int_equal(miner_token_read(span_of(text, MINER_TOKEN_MAX + 1), &read, &token),
                     MINER_MALFORMED);
    assert_int_equal(read.len, 0);
    assert_int_equal(miner_token_read(span_of(text, MINER_TOKEN_MAX), &read, &token),
                     MINER_MALFORMED);
    assert_int_not_equal(read.len, 0);
    struct miner_claims claims;
    sink_cut(&read, 0);
    assert_int_equal(miner_input_read(span_of(text, MINER_TOKEN_MAX + 1), &read, &claims),
                     MINER_MALFORMED);
    assert_int_equal(read.len, 0);
}

/* A whole token: every prefix, every bit, another dot, and another length of its signature. */
static void every_length_and_bit(void **state)
{
    (void)state;
    uint8_t text[TEXT], room[MINER_ROOM];
    struct miner_claims claims = good();
    const uint8_t signature[MINER_TOKEN_SIGNATURE] = { 9 };
    struct sink out = sink_over(text, sizeof text);
    struct miner_token token;
    miner_input_write(&out, &claims);
    size_t input = out.len;
    miner_token_end(&out, signature);
    for (size_t len = 0; len < out.len; len++) {
        struct sink read = sink_over(room, sizeof room);
        assert_int_equal(miner_token_read(span_of(text, len), &read, &token), MINER_MALFORMED);
    }
    for (size_t bit = 0; bit < 8 * out.len; bit++) {
        struct sink read = sink_over(room, sizeof room);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        /* Another value of a claim or of the signature, another algorithm, or no token; what is
           read always has this one text. */
        if (miner_token_read(sink_bytes(&out), &read, &token) == MINER_READ) {
            uint8_t other[TEXT];
            struct sink again = sink_over(other, sizeof other);
            miner_input_write(&again, &token.claims);
            miner_token_end(&again, token.signature);
            assert_span_equal(sink_bytes(&again), sink_bytes(&out));
        }
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    sink_u8(&out, '.');
    struct sink read = sink_over(room, sizeof room);
    assert_int_equal(miner_token_read(sink_bytes(&out), &read, &token), MINER_MALFORMED);
    sink_cut(&out, input + 1);
    base64url_encode(&out, span_of(signature, 63));
    sink_cut(&read, 0);
    assert_int_equal(miner_token_read(sink_bytes(&out), &read, &token), MINER_MALFORMED);
    uint8_t none[16];
    struct sink little = sink_over(none, sizeof none);
    assert_int_equal(form_of(span_of(text, input)), MINER_READ);
    assert_int_equal(miner_input_read(span_of(text, input), &little, &claims), MINER_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_read_and_written, ""), TEST(another_algorithm, ""),
        TEST(headers_that_are_none, ""),    TEST(claims_that_are_none, ""),
        TEST(claims_that_are_others, ""),   TEST(the_largest, ""),
        TEST(longer_than_any, ""),          TEST(every_length_and_bit, ""),
    };
    return RUN_TESTS(tests);
}
