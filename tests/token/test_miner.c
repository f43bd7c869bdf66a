/* test_miner.c - a token that is good, and each way in which one is not: by whom it was signed,
   with what, for whom and for when. */
#include "token/miner.h"

#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "crypto/hmac.h"
#include "test.h"

#define HOTKEY "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

enum { BORN = 1700000000, ROOM = 4096 };

/* Two keys of the house, the first one retired, and a stranger's. */
struct bench {
    struct ed25519_secret secrets[3];
    struct miner_key keys[3];
    struct miner_rules rules;
    struct miner_claims claims;
    uint8_t kid[MINER_KEY_ID], text[ROOM], room[MINER_ROOM];
    struct sink token;
};

static void name_key(struct bench *b, size_t key)
{
    struct sink kid = sink_over(b->kid, sizeof b->kid);
    sink_hex(&kid, SPAN(b->keys[key].id));
}

/* Writes the token of the claims, signed with that key. */
static struct span issue(struct bench *b, size_t signer)
{
    uint8_t signature[ED25519_SIGNATURE];
    b->token = sink_over(b->text, sizeof b->text);
    miner_input_write(&b->token, &b->claims);
    ed25519_sign(&b->secrets[signer], sink_bytes(&b->token), signature);
    miner_token_end(&b->token, signature);
    assert_true(sink_ok(&b->token));
    return sink_bytes(&b->token);
}

static void make(struct bench *b)
{
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < COUNT_OF(b->keys); i++) {
        uint8_t seed[ED25519_SEED] = { (uint8_t)(i + 1) };
        ed25519_secret_of_seed(seed, &b->secrets[i]);
        ed25519_secret_public(&b->secrets[i], b->keys[i].public_part);
        memset(b->keys[i].id, (int)(0x10 + i), KEY_ID);
    }
    b->keys[0].retired = BORN + 10;
    b->rules = (struct miner_rules){ .keys = b->keys,
                                     .key_count = 2,
                                     .issuer = span_text("ward.local/01"),
                                     .audience = span_text("sums"),
                                     .route = span_text("submit"),
                                     .now = BORN + 5 };
    b->claims = (struct miner_claims){ .key_id = SPAN(b->kid),
                                       .audience = span_text("sums"),
                                       .expires = BORN + 300,
                                       .issued = BORN,
                                       .issuer = span_text("ward.local/01"),
                                       .job = span_text("job-1"),
                                       .use = span_text("AAECAwQFBgcICQoLDA0ODw"),
                                       .not_before = BORN,
                                       .scope_count = 1,
                                       .scopes = { span_text("*") },
                                       .subject = span_text(HOTKEY),
                                       .uid = 42 };
    name_key(b, 1);
}

static enum reason judge(struct bench *b, struct span text)
{
    struct trail trail = { 0 };
    struct sink room = sink_over(b->room, sizeof b->room);
    struct miner out = { .uid = 7 };
    rc judged = miner_judge(&trail, text, &b->rules, &room, &out);
    if (rc_ok(judged)) {
        assert_int_equal(trail.count, 0);
        assert_span_equal(out.hotkey, b->claims.subject);
        assert_span_equal(out.job, b->claims.job);
        assert_span_equal(out.use, b->claims.use);
        assert_true(out.uid == b->claims.uid && out.until == b->claims.expires);
        return REASON_OK;
    }
    assert_true(trail.count > 0 && out.uid == 7 && out.hotkey.len == 0);
    return (enum reason)rc_number(judged);
}

static void good_ones(void **state)
{
    (void)state;
    static struct bench b;
    make(&b);
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_OK);
    b.claims.job = (struct span){ 0 };
    b.claims.uid = 0;
    b.claims.scopes[0] = span_text("status");
    b.claims.scopes[1] = span_text("submit");
    b.claims.scope_count = 2;
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_OK);
}

/* The key was rotated: what it had signed is good until it is over, and nothing else is. */
static void of_a_retired_key(void **state)
{
    (void)state;
    static struct bench b;
    make(&b);
    name_key(&b, 0);
    b.claims.issued = BORN + 10;
    b.claims.not_before = b.claims.issued;
    b.claims.expires = b.claims.issued + 300;
    b.rules.now = BORN + 309;
    assert_int_equal(judge(&b, issue(&b, 0)), REASON_OK);
    b.rules.now++;
    assert_int_equal(judge(&b, issue(&b, 0)), REASON_MINER_TOKEN_EXPIRED);
    b.rules.now--;
    b.claims.issued++;
    b.claims.not_before++;
    assert_int_equal(judge(&b, issue(&b, 0)), REASON_MINER_TOKEN_KEY);
}

static void of_other_keys(void **state)
{
    (void)state;
    static struct bench b;
    make(&b);
    assert_int_equal(judge(&b, issue(&b, 2)), REASON_MINER_TOKEN_SIGNATURE); /* a stranger's */
    assert_int_equal(judge(&b, issue(&b, 0)), REASON_MINER_TOKEN_SIGNATURE); /* our other one */
    name_key(&b, 2);
    assert_int_equal(judge(&b, issue(&b, 2)), REASON_MINER_TOKEN_KEY);
    make(&b);
    b.rules.key_count = 0;
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_KEY);
    /* A key of small order "verifies" anything where nobody looks. */
    make(&b);
    memset(b.keys[1].public_part, 0, ED25519_PUBLIC);
    b.keys[1].public_part[0] = 1;
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_SIGNATURE);
}

/* The classic: the header says HMAC, and the MAC's key is the public key that everybody has. */
static void with_another_algorithm(void **state)
{
    (void)state;
    static struct bench b;
    static const char *const words[] = { "HS256", "none" };
    make(&b);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char header[160];
        uint8_t mac[SHA256_LEN], claims[ROOM];
        struct sink head = sink_over(header, sizeof header), text = sink_over(b.text, ROOM);
        struct span whole = issue(&b, 1);
        size_t dot = 0, end = whole.len - 87; /* before the second dot and 86 characters */
        while (whole.at[dot] != '.')
            dot++;
        struct span body = span_of(whole.at + dot, end - dot);
        memcpy(claims, body.at, body.len);
        sink_format(&head, "{\"alg\":\"%s\",\"kid\":\"", words[i]);
        sink_put(&head, SPAN(b.kid));
        sink_text(&head, "\",\"typ\":\"MinerToken\"}");
        base64url_encode(&text, sink_bytes(&head));
        sink_put(&text, span_of(claims, body.len));
        const struct span input[] = { sink_bytes(&text) };
        hmac_parts(HASH_SHA256, SPAN(b.keys[1].public_part), input, 1, mac);
        sink_text(&text, ".");
        if (i == 0)
            base64url_encode(&text, SPAN(mac));
        assert_int_equal(judge(&b, sink_bytes(&text)), REASON_MINER_TOKEN_ALGORITHM);
    }
}

static void for_another(void **state)
{
    (void)state;
    static struct bench b;
    make(&b);
    b.claims.issuer = span_text("ward.local/02");
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_ISSUER);
    make(&b);
    b.claims.audience = span_text("Sums");
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_AUDIENCE);
    make(&b);
    b.rules.audience = span_text("sum");
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_AUDIENCE);
    make(&b);
    b.claims.scopes[0] = span_text("submit2");
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_SCOPE);
    b.claims.scopes[0] = span_text("submi");
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_SCOPE);
}

/* Who is not let in is told so only when all else is good. */
static void of_miners_that_are_let_in(void **state)
{
    (void)state;
    static struct bench b;
    struct miner_name names[2];
    struct miner_list list = { .names = names };
    struct miner_list_error error;
    make(&b);
    b.rules.miners = &list;
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_UNKNOWN);
    assert_true(miner_list_read(span_text("5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty\n"),
                                &list, &error));
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_UNKNOWN);
    b.claims.scopes[0] = span_text("status");
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_MINER_TOKEN_SCOPE);
    make(&b);
    b.rules.miners = &list;
    assert_true(miner_list_read(span_text(HOTKEY "\n"), &list, &error));
    assert_int_equal(judge(&b, issue(&b, 1)), REASON_OK);
}

/* To the second, with no leeway, and whatever the clock says. */
static void for_another_time(void **state)
{
    (void)state;
    static struct bench b;
    static const struct {
        int64_t now;
        enum reason reason;
    } rows[] = {
        { BORN + 19, REASON_MINER_TOKEN_EARLY },
        { BORN + 20, REASON_OK },
        { BORN + 299, REASON_OK },
        { BORN + 300, REASON_MINER_TOKEN_EXPIRED },
        { 0, REASON_MINER_TOKEN_EARLY },
        { INT64_MIN, REASON_MINER_TOKEN_EARLY },
        { INT64_MAX, REASON_MINER_TOKEN_EXPIRED },
    };
    make(&b);
    b.claims.not_before = BORN + 20;
    struct span text = issue(&b, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        b.rules.now = rows[i].now;
        assert_int_equal(judge(&b, text), rows[i].reason);
    }
}

/* Any bit of a token that is changed makes it none. */
static void any_bit(void **state)
{
    (void)state;
    static struct bench b;
    make(&b);
    struct span text = issue(&b, 1);
    assert_int_equal(judge(&b, text), REASON_OK);
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        b.text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(judge(&b, text), REASON_OK);
        b.text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < text.len; len++)
        assert_int_equal(judge(&b, span_of(text.at, len)), REASON_MINER_TOKEN_MALFORMED);
}

/* What is used up is a token's alone; whose share it is, a miner's. */
static void what_is_used_up(void **state)
{
    (void)state;
    static struct bench b;
    struct miner first, other;
    struct sink room = sink_over(b.room, sizeof b.room);
    make(&b);
    assert_true(rc_ok(miner_judge(NULL, issue(&b, 1), &b.rules, &room, &first)));
    b.claims.use = span_text("AAECAwQFBgcICQoLDA0OEA");
    sink_cut(&room, 0);
    assert_true(rc_ok(miner_judge(NULL, issue(&b, 1), &b.rules, &room, &other)));
    assert_memory_not_equal(first.once, other.once, SHA256_LEN);
    assert_memory_equal(first.identity, other.identity, SHA256_LEN);
    assert_memory_not_equal(first.once, first.identity, SHA256_LEN);
    b.claims.use = span_text("AAECAwQFBgcICQoLDA0ODw");
    b.claims.subject = span_text("5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty");
    sink_cut(&room, 0);
    assert_true(rc_ok(miner_judge(NULL, issue(&b, 1), &b.rules, &room, &other)));
    assert_memory_equal(first.once, other.once, SHA256_LEN);
    assert_memory_not_equal(first.identity, other.identity, SHA256_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_ones, ""),
        TEST(of_a_retired_key, ""),
        TEST(of_other_keys, ""),
        TEST(with_another_algorithm, ""),
        TEST(for_another, ""),
        TEST(of_miners_that_are_let_in, ""),
        TEST(for_another_time, "PC-35"),
        TEST(any_bit, ""),
        TEST(what_is_used_up, ""),
    };
    return RUN_TESTS(tests);
}
