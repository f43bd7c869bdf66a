/* sdk_pair.h - two ends of profile sdk-v1 in one program and every frame between them in the hands
   of the test.  Evidence is a fake that says of itself what a verifier would find out. */
#ifndef WARD_TESTS_CHANNEL_SDK_PAIR_H
#define WARD_TESTS_CHANNEL_SDK_PAIR_H

#include <stdio.h>
#include <string.h>

#include "channel/sdk_parts.h"
#include "test.h"

enum { SDK_FAKE_LEN = 1200, SDK_FAKE_SLOTS = 64, SDK_FAKE_HEARD = 8, SDK_WIRE = 16 * 1024 };

/* Where a quote of version 4 has its report data. */
enum { SDK_FAKE_AT = 568 };

struct sdk_wire {
    uint8_t at[SDK_WIRE];
    size_t len;
};

struct sdk_end {
    struct sdk sdk;
    struct sdk_slot slots[SDK_FAKE_SLOTS];
    const char *log; /* beside the own quote */
    uint8_t who;     /* what the own quote says besides */
    int64_t now_ms;
    bool hold;           /* questions are left to the test */
    struct span hash;    /* the compose hash that the peer's log is found to have */
    enum reason verdict; /* REASON_OK: what the fake says is right */
    struct sdk_event event;
    struct sdk_wire said, heard;
};

struct sdk_pair {
    struct sdk_nonces heard;
    struct sdk_nonce nonces[SDK_FAKE_HEARD];
    struct sdk_end c, s;
};

/* It lives until the next one of the same end. */
static inline struct sdk_evidence sdk_fake(const struct sdk_end *end, const uint8_t *report_data)
{
    static uint8_t rooms[2][SDK_FAKE_LEN];
    uint8_t *room = rooms[end->sdk.role == SDK_CLIENT ? 0 : 1];
    memset(room, 'q', SDK_FAKE_LEN);
    room[0] = end->who;
    memcpy(room + SDK_FAKE_AT, report_data, SDK_REPORT_DATA);
    return (struct sdk_evidence){ .quote = span_of(room, SDK_FAKE_LEN),
                                  .log = span_text(end->log) };
}

static inline struct sdk_judgement sdk_fake_judge(const struct sdk_end *end)
{
    const struct span quote = end->event.evidence.quote;
    enum reason reason = end->verdict;
    if (reason == REASON_OK && quote.len != SDK_FAKE_LEN)
        reason = REASON_QUOTE_TRUNCATED;
    if (reason == REASON_OK &&
        !bytes_equal(quote.at + SDK_FAKE_AT, end->event.report_data, SDK_REPORT_DATA))
        reason = REASON_POLICY_REPORT_DATA;
    return (struct sdk_judgement){
        .decision = { reason == REASON_OK ? ALLOW : DENY, reason, CHECK_COUNT },
        .compose_hash = end->hash,
        .now_ms = end->now_ms,
    };
}

static inline struct sink sdk_out(struct sdk_end *end)
{
    return sink_over(end->said.at, sizeof end->said.at);
}

static inline void sdk_answer(struct sdk_end *end, struct sink *out)
{
    while (!end->hold) {
        if (end->event.kind == SDK_JUDGE) {
            const struct sdk_judgement found = sdk_fake_judge(end);
            end->event = sdk_judge(&end->sdk, &found, out);
        } else if (end->event.kind == SDK_NEEDS_EVIDENCE) {
            const struct sdk_evidence shown = sdk_fake(end, end->event.report_data);
            end->event = sdk_give(&end->sdk, &shown, out);
        } else {
            break;
        }
    }
    assert_true(sink_ok(out));
    assert_true(sdk_is_sound(&end->sdk));
    end->said.len = out->len;
}

static inline void sdk_hear(struct sdk_end *end, struct span frame)
{
    struct sink out = sdk_out(end);
    assert_true(frame.len <= sizeof end->heard.at);
    if (frame.len > 0)
        memmove(end->heard.at, frame.at, frame.len);
    end->heard.len = frame.len;
    end->event = sdk_take(&end->sdk, (struct sdk_frame){ end->heard.at, frame.len, end->now_ms },
                          &out);
    sdk_answer(end, &out);
}

static inline void sdk_speak(struct sdk_end *end)
{
    struct sink out = sdk_out(end);
    end->event = sdk_start(&end->sdk, &out);
    sdk_answer(end, &out);
}

static inline struct span sdk_said(const struct sdk_end *end)
{
    return span_of(end->said.at, end->said.len);
}

/* Mutual.  Tests change a field and then make the end; the bytes are what anybody can write down.
 */
struct sdk_random {
    uint8_t nonce[SDK_NONCE], secret[SDK_NONCE], salt[SDK_NONCE];
};

static inline struct sdk_setup sdk_setup_of(enum sdk_role role, struct sdk_pair *pair,
                                            struct sdk_random *random, uint8_t seed)
{
    struct sdk_end *end = role == SDK_CLIENT ? &pair->c : &pair->s;
    memset(random->nonce, seed, SDK_NONCE);
    memset(random->secret, seed + (role == SDK_CLIENT ? 0x11 : 0x22), SDK_NONCE);
    memset(random->salt, seed + 0x33, SDK_NONCE);
    return (struct sdk_setup){ .role = role,
                               .gives_evidence = true,
                               .wants_evidence = true,
                               .nonce = role == SDK_CLIENT ? random->nonce : NULL,
                               .salt = role == SDK_CLIENT ? random->salt : NULL,
                               .secret = random->secret,
                               .heard = role == SDK_SERVER ? &pair->heard : NULL,
                               .slots = end->slots,
                               .slot_count = SDK_FAKE_SLOTS,
                               .now_ms = 1000 };
}

static inline void sdk_end_make(struct sdk_end *end, const struct sdk_setup *setup)
{
    *end = (struct sdk_end){ .log = "[]", .who = (uint8_t)setup->role, .now_ms = 1000 };
    end->verdict = REASON_OK;
    assert_true(sdk_init(&end->sdk, setup));
    assert_true(sdk_is_sound(&end->sdk));
}

static inline void sdk_pair_make(struct sdk_pair *pair, uint8_t seed)
{
    struct sdk_random random;
    pair->heard = sdk_nonces_over(pair->nonces, SDK_FAKE_HEARD);
    struct sdk_setup setup = sdk_setup_of(SDK_CLIENT, pair, &random, seed);
    sdk_end_make(&pair->c, &setup);
    setup = sdk_setup_of(SDK_SERVER, pair, &random, seed);
    sdk_end_make(&pair->s, &setup);
}

/* The frames of a handshake, as they went over the wire. */
struct sdk_script {
    struct sdk_wire begin, response, ok;
};

static inline void sdk_pair_shake(struct sdk_pair *pair, struct sdk_script *script)
{
    sdk_speak(&pair->c);
    script->begin = pair->c.said;
    sdk_hear(&pair->s, sdk_said(&pair->c));
    script->response = pair->s.said;
    sdk_hear(&pair->c, sdk_said(&pair->s));
    script->ok = pair->c.said;
    sdk_hear(&pair->s, sdk_said(&pair->c));
}

static inline void sdk_pair_open(struct sdk_pair *pair, uint8_t seed)
{
    static struct sdk_script script;
    sdk_pair_make(pair, seed);
    sdk_pair_shake(pair, &script);
    assert_true(sdk_is_open(&pair->c.sdk) && sdk_is_open(&pair->s.sdk));
}

/* Leaves the end under test in that state. */
static inline struct sdk_end *sdk_end_in(struct sdk_pair *pair, unsigned in, uint8_t seed)
{
    sdk_pair_make(pair, seed);
    struct sdk_end *end = in <= SDK_JUDGES_RESPONSE ? &pair->c : &pair->s;
    end->hold = in == SDK_QUOTES_BEGIN || in == SDK_JUDGES_RESPONSE || in == SDK_JUDGES_BEGIN;
    if (in == SDK_QUOTES_BEGIN) {
        sdk_speak(&pair->c);
        return end;
    }
    if (in != SDK_IS_NEW && in != SDK_WAITS_BEGIN) {
        pair->c.hold = false;
        sdk_speak(&pair->c);
        pair->c.hold = in == SDK_JUDGES_RESPONSE;
    }
    if (in == SDK_JUDGES_RESPONSE || in == SDK_JUDGES_BEGIN || in == SDK_WAITS_OK ||
        in == SDK_IS_OPEN)
        sdk_hear(&pair->s, sdk_said(&pair->c));
    if (in == SDK_QUOTES_RESPONSE) {
        pair->s.hold = true;
        sdk_hear(&pair->s, sdk_said(&pair->c));
        const struct sdk_judgement found = sdk_fake_judge(&pair->s);
        struct sink out = sdk_out(&pair->s);
        pair->s.event = sdk_judge(&pair->s.sdk, &found, &out);
    }
    if (in == SDK_JUDGES_RESPONSE || in == SDK_IS_OPEN)
        sdk_hear(&pair->c, sdk_said(&pair->s));
    if (in == SDK_IS_OPEN)
        sdk_hear(&pair->s, sdk_said(&pair->c));
    assert_int_equal(end->sdk.state, in);
    return end;
}

static inline struct span sdk_record_of(struct sdk_end *from, const char *text)
{
    struct sink out = sdk_out(from);
    assert_true(sdk_send(&from->sdk, span_text(text), &out));
    from->said.len = out.len;
    return sink_bytes(&out);
}

static inline void assert_sdk_ended(const struct sdk_end *end, enum reason reason)
{
    if (end->event.kind != SDK_ENDED || end->event.reason != reason)
        fail_msg("event %d with %s instead of %s", (int)end->event.kind,
                 reason_info(end->event.reason)->name, reason_info(reason)->name);
    assert_false(sdk_is_open(&end->sdk));
    assert_true(sdk_is_sound(&end->sdk)); /* no key is left */
}

static inline void assert_sdk_dropped(const struct sdk_end *end, enum reason reason)
{
    if (end->event.kind != SDK_DROPPED || end->event.reason != reason)
        fail_msg("event %d with %s instead of %s", (int)end->event.kind,
                 reason_info(end->event.reason)->name, reason_info(reason)->name);
    assert_true(sdk_is_open(&end->sdk));
}

static inline void assert_sdk_heard(const struct sdk_end *end, const char *text)
{
    assert_int_equal(end->event.kind, SDK_DATA);
    assert_span_equal(end->event.data, span_text(text));
}

/* What was said is a rejection with these words. */
static inline void assert_sdk_rejects(const struct sdk_end *end, const char *words)
{
    char text[SDK_SHORT_MAX];
    (void)snprintf(text, sizeof text, "{\"type\":\"attestation_reject\",\"reason\":\"%s\"}", words);
    assert_span_equal(sdk_said(end), span_text(text));
}

#endif
