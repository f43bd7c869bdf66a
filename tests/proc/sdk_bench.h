/* sdk_bench.h - core's side of clients of profile sdk-v1, with every other process played here. */
#ifndef WARD_TESTS_PROC_SDK_BENCH_H
#define WARD_TESTS_PROC_SDK_BENCH_H
#include <stdio.h>

#include "codec/hex.h"
#include "crypto/ed25519.h"
#include "proc/links_bench.h"

static char token_text[SESSION_TOKEN_TEXT]; /* of the session that was granted last */
static char place[SETTING_TEXT_MAX + 16];

/* A core that serves the profile, and has a store that is open and judged. */
static inline void begin_clients(void)
{
    begin_core();
    struct core_store *store = &core->store;
    snprintf(place, sizeof place, "%s/ward.db", hostile.house.settings.state);
    store->spec = (struct db_spec){ .kind = DB_SQLITE, .place = place };
    assert_true(rc_ok(store_migrate(NULL, &store->spec, clock_now(), UINT32_MAX)));
    assert_true(rc_ok(store_open(NULL, &store->spec, &store_limits_default, &store->store)));
    assert_true(rc_ok(store_found(NULL, &store->store, clock_now())));
    store->reason = REASON_OK;
    store->judged = true;
    memcpy(hostile.house.settings.sdk_peer, "sdk", sizeof "sdk");
    hostile.house.settings.sdk_policy[0] = '/';
    core->sdk.policy = span_text("[log]\n");
}

static inline void end_clients(void)
{
    links_peer(core, PEER_FRONT, false);
    sdk_peer(core, PEER_FRONT);
    assert_int_equal(core->sdk.waiting + core->sdk.judged + core->sdk.open, 0);
    store_close(&core->store.store);
    end_core();
}

static inline void put_address(struct sink *out, uint8_t last)
{
    sink_zero(out, 10);
    sink_u16le(out, 0xffff);
    sink_u8(out, 127);
    sink_zero(out, 2);
    sink_u8(out, last);
}

/* The nonce that an address is given. */
static inline void challenge(uint8_t address, uint8_t nonce[SDK_NONCE])
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct span text, hex;
    uint16_t reason = 0;
    put_address(&body, address);
    assert_true(rc_ok(say(PEER_FRONT, MSG_SDK_CHALLENGE, 99, sink_bytes(&body))));
    assert_true(hears(PEER_FRONT, MSG_SDK_CHALLENGED));
    struct cursor in = cur_over(heard.body);
    assert_true(cur_u16le(&in, &reason) && reason == REASON_OK &&
                get_bytes(&in, SDK_ANSWER_BYTES, &text) && cur_end(&in));
    in = cur_over(text);
    assert_true(cur_expect(&in, span_text("{\"nonce\":\"")) && cur_take(&in, 64, &hex));
    assert_true(hex_decode(hex, nonce, SDK_NONCE));
}

static const uint8_t point[SDK_KEY] = { 9 };

static inline void secret_of(uint64_t id, struct ed25519_secret *out)
{
    const uint8_t seed[ED25519_SEED] = { (uint8_t)id, 1 };
    ed25519_secret_of_seed(seed, out);
}

static inline void key_of(uint64_t id, uint8_t key[ED25519_PUBLIC])
{
    struct ed25519_secret secret;
    secret_of(id, &secret);
    ed25519_secret_public(&secret, key);
}

static inline rc attest_with(uint64_t id, uint8_t address, const uint8_t nonce[SDK_NONCE],
                             size_t size)
{
    static uint8_t bytes[SDK_ATTEST_HEAD + LINK_EVIDENCE_BYTES + 8], evidence[LINK_PART_MAX + 1];
    struct sink body = sink_over(bytes, sizeof bytes);
    uint8_t key[ED25519_PUBLIC];
    key_of(id, key);
    memset(evidence, (int)id, sizeof evidence);
    sink_put(&body, SPAN(key));
    sink_put(&body, SPAN(point));
    sink_put(&body, span_of(nonce, SDK_NONCE));
    put_address(&body, address);
    sink_zero(&body, 16);
    put_bytes(&body, span_of(evidence, size));
    put_bytes(&body, span_text("log"));
    return say(PEER_FRONT, MSG_SDK_ATTEST, id, sink_bytes(&body));
}

static inline void attest(uint64_t id, uint8_t address)
{
    uint8_t nonce[SDK_NONCE];
    challenge(address, nonce);
    assert_true(rc_ok(attest_with(id, address, nonce, LONG)));
}

/* The id of the question that verify hears. */
static inline uint64_t is_asked(int64_t now_ms)
{
    (void)sdk_step(core, now_ms);
    assert_true(hears(PEER_VERIFY, MSG_SDK_EVIDENCE));
    return heard.id;
}

static inline void verdict(uint64_t id, enum reason reason, enum reason why)
{
    uint8_t bytes[128];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    sink_u32le(&body, reason == REASON_OK ? LINK_VERDICT : 0);
    if (reason == REASON_OK) {
        sink_u8(&body, why == REASON_OK);
        sink_u16le(&body, (uint16_t)why);
        sink_u8(&body, 0);
        sink_u64le(&body, (uint64_t)clock_now() + 3600);
        sink_zero(&body, 31);
        sink_u8(&body, 7);
    }
    put_bytes(&body, (struct span){ 0 });
    assert_true(rc_ok(say(PEER_VERIFY, MSG_SDK_EVIDENCE_IS, id, sink_bytes(&body))));
}

/* The answer to an attestation; the session's place and the digest of its token. */
static inline enum reason said(uint64_t id, uint16_t *number, uint8_t token[SHA256_LEN])
{
    uint16_t reason = 0;
    struct span text = { 0 };
    assert_true(hears(PEER_FRONT, MSG_SDK_ATTESTED));
    assert_int_equal(heard.id, id);
    struct cursor in = cur_over(heard.body);
    assert_true(cur_u16le(&in, &reason));
    if (reason == REASON_OK) {
        assert_true(cur_u16le(&in, number) && get_bytes(&in, LINK_TOKEN, &text));
        assert_int_equal(text.len, SESSION_TOKEN_TEXT);
        signed_token_hash(text, token);
        memcpy(token_text, text.at, text.len);
    }
    assert_true(cur_end(&in));
    return (enum reason)reason;
}

static inline enum reason refusal(uint64_t id)
{
    uint16_t number = 0;
    uint8_t token[SHA256_LEN];
    return said(id, &number, token);
}

static inline uint16_t is_let_in(uint64_t id, uint8_t address, uint8_t token[SHA256_LEN])
{
    uint16_t number = 0;
    while (hear(PEER_AUDIT)) /* records of others */
        ;
    attest(id, address);
    verdict(is_asked(clock_monotonic_ms()), REASON_OK, REASON_OK);
    assert_false(hears(PEER_FRONT, MSG_SDK_ATTESTED)); /* not before it is in the log */
    logs(true);
    assert_int_equal(said(id, &number, token), REASON_OK);
    assert_true(sdk_has_session(core, token));
    return number;
}

#endif
