/* test_job_result.c - a result that a key has signed, and each way in which it was not. */
#include "token/job_result.h"

#include <string.h>

#include "base/number.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/miner_token.h"
#include "test.h"
#include "vectors.h"

#define KID "00112233445566778899aabbccddeeff"

static struct job_result_room room;
static uint8_t text[JOB_RESULT_MAX], memory[JOB_RESULT_TEXT_MAX];

struct signer {
    struct ed25519_secret secret;
    uint8_t key[ED25519_PUBLIC];
};

static void make_signer(uint8_t seed_byte, struct signer *out)
{
    uint8_t seed[ED25519_SEED] = { seed_byte };
    ed25519_secret_of_seed(seed, &out->secret);
    ed25519_secret_public(&out->secret, out->key);
}

static struct span sign(const struct signer *signer)
{
    const struct job_output outputs[] = { { span_text("model.bin"), 7, { 1 } } };
    const struct job_result result = { .key_id = span_text(KID),
                                       .job = span_text("job-1"),
                                       .spec = { 9 },
                                       .reason = span_text("OK"),
                                       .started = 1700000000,
                                       .ended = 1700000001,
                                       .node = { .type = span_text("tdx"),
                                                 .evidence = span_text("quote") },
                                       .output_count = 1,
                                       .outputs = outputs };
    uint8_t signature[ED25519_SIGNATURE];
    struct sink out = sink_over(text, sizeof text);
    job_result_write_input(&out, &result, memory);
    ed25519_sign(&signer->secret, sink_bytes(&out), signature);
    job_result_end(&out, signature);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static enum reason judge(struct span bytes, struct span key, struct span spec)
{
    struct trail trail = { 0 };
    struct job_result_signed whole = { .result = { .code = 77 } };
    rc opened = job_result_open(&trail, bytes, &room, &whole);
    if (!rc_ok(opened)) {
        assert_true(trail.count == 1 && whole.result.code == 77);
        return (enum reason)rc_number(opened);
    }
    const struct job_result_rules rules = { key, spec };
    rc judged = job_result_judge(&trail, &whole, &rules);
    assert_int_equal(trail.count, rc_ok(judged) ? 0 : 1);
    return rc_ok(judged) ? REASON_OK : (enum reason)rc_number(judged);
}

static void who_signed_it(void **state)
{
    (void)state;
    struct signer a, b;
    make_signer(1, &a);
    make_signer(2, &b);
    struct span bytes = sign(&a);
    assert_int_equal(judge(bytes, SPAN(a.key), (struct span){ 0 }), REASON_OK);
    assert_int_equal(judge(bytes, SPAN(b.key), (struct span){ 0 }), REASON_RESULT_SIGNATURE);
    assert_int_equal(judge(bytes, span_of(a.key, 31), (struct span){ 0 }), REASON_RESULT_SIGNATURE);
    assert_int_equal(judge(bytes, (struct span){ 0 }, (struct span){ 0 }), REASON_RESULT_SIGNATURE);
    static const uint8_t small[ED25519_PUBLIC] = { 1 }; /* a key that "signs" everything */
    assert_int_equal(judge(bytes, SPAN(small), (struct span){ 0 }), REASON_RESULT_SIGNATURE);
}

static void of_which_specification(void **state)
{
    (void)state;
    struct signer a;
    uint8_t spec[32] = { 9 };
    make_signer(1, &a);
    struct span bytes = sign(&a);
    assert_int_equal(judge(bytes, SPAN(a.key), SPAN(spec)), REASON_OK);
    spec[31] ^= 1;
    assert_int_equal(judge(bytes, SPAN(a.key), SPAN(spec)), REASON_RESULT_SPEC);
    assert_int_equal(judge(bytes, SPAN(a.key), span_of(spec, 31)), REASON_RESULT_SPEC);
}

/* Not one bit of it may be another. */
static void every_bit(void **state)
{
    (void)state;
    struct signer a;
    make_signer(1, &a);
    struct span bytes = sign(&a);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(judge(bytes, SPAN(a.key), (struct span){ 0 }), REASON_OK);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* A token that the same key has signed is no result, and a result is no token. */
static void a_token_is_none(void **state)
{
    (void)state;
    struct signer a;
    make_signer(1, &a);
    const struct miner_claims claims = {
        .key_id = span_text(KID),
        .audience = span_text("sums"),
        .expires = 1700000300,
        .issued = 1700000000,
        .issuer = span_text("ward.local/01"),
        .use = span_text("AAECAwQFBgcICQoLDA0ODw"),
        .not_before = 1700000000,
        .scope_count = 1,
        .scopes = { span_text("*") },
        .subject = span_text("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
    };
    uint8_t signature[ED25519_SIGNATURE], token_room[MINER_ROOM];
    struct sink out = sink_over(text, sizeof text), tokens = sink_over(token_room, MINER_ROOM);
    struct miner_token token;
    miner_input_write(&out, &claims);
    ed25519_sign(&a.secret, sink_bytes(&out), signature);
    miner_token_end(&out, signature);
    assert_int_equal(judge(sink_bytes(&out), SPAN(a.key), (struct span){ 0 }), REASON_RESULT_TYPE);
    assert_int_equal(miner_token_read(sign(&a), &tokens, &token), MINER_MALFORMED);
}

static struct span text_of(const struct json *json, const char *name)
{
    struct span out = { 0 };
    assert_true(json_string(json, json_member(json, 0, name), &out));
    return out;
}

/* What another program has written and signed is read here, and written and signed again. */
static void the_known_answer(void **state)
{
    (void)state;
    static const struct json_limits limits = { .depth = 2, .nodes = 16 };
    static struct json_node nodes[16];
    struct span file = project_read("vectors/result/signed.json");
    uint8_t seed[ED25519_SEED], key[ED25519_PUBLIC], signature[ED25519_SIGNATURE];
    static uint8_t payload[4096];
    struct ed25519_secret secret;
    struct job_result_signed whole;
    struct json json;
    assert_true(json_parse_into(file, nodes, COUNT_OF(nodes), &limits, &json, NULL));
    assert_true(hex_decode(text_of(&json, "seed"), seed, sizeof seed));
    assert_true(hex_decode(text_of(&json, "public_key"), key, sizeof key));
    assert_int_equal(judge(text_of(&json, "result"), SPAN(key), (struct span){ 0 }), REASON_OK);
    assert_true(rc_ok(job_result_open(NULL, text_of(&json, "result"), &room, &whole)));
    struct sink same = sink_over(payload, sizeof payload);
    assert_true(json_string_copy(&json, json_member(&json, 0, "payload"), &same));
    assert_span_equal(whole.payload, sink_bytes(&same));
    struct sink out = sink_over(text, sizeof text);
    job_result_write_input(&out, &whole.result, memory);
    ed25519_secret_of_seed(seed, &secret);
    ed25519_sign(&secret, sink_bytes(&out), signature);
    job_result_end(&out, signature);
    assert_span_equal(sink_bytes(&out), text_of(&json, "result"));
    vectors_free(&file);
}

static void what_is_none(void **state)
{
    (void)state;
    struct signer a;
    make_signer(1, &a);
    assert_int_equal(judge((struct span){ 0 }, SPAN(a.key), (struct span){ 0 }),
                     REASON_RESULT_MALFORMED);
    struct span bytes = sign(&a);
    text[bytes.len] = '\n';
    assert_int_equal(judge(span_of(text, bytes.len + 1), SPAN(a.key), (struct span){ 0 }),
                     REASON_RESULT_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_signed_it, ""),   TEST(of_which_specification, ""), TEST(every_bit, ""),
        TEST(a_token_is_none, ""), TEST(the_known_answer, ""),       TEST(what_is_none, ""),
    };
    return RUN_TESTS(tests);
}
