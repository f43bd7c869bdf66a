/* sdk_fuzz.h - one end of profile sdk-v1 under a script, with a genuine peer at the other end and
   somebody between them: what the peer says arrives as it is, changed, again, or not at all, and
   anything else may arrive instead.

   What holds whatever the script is: the end is sound after each step, it is not open unless the
   peer's evidence was judged, what it gives out the peer has said, and as often at most. */
#ifndef WARD_FUZZ_SDK_FUZZ_H
#define WARD_FUZZ_SDK_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "channel/sdk.h"

enum { FUZZ_WIRE = 8192, FUZZ_SLOTS = 16, FUZZ_HEARD = 4, FUZZ_QUOTE = 700 };

/* The low three bits of a script's byte; what else a step reads follows it. */
enum fuzz_step {
    FUZZ_RAW,    /* u8 length, bytes: they arrive */
    FUZZ_PASS,   /* what the peer said last arrives, maybe once more */
    FUZZ_SPOIL,  /* u16 place, u8: it arrives with that XORed in */
    FUZZ_ANSWER, /* u8: what is asked is answered, well when it is even */
    FUZZ_PEER,   /* u8 length: the peer sends so much */
    FUZZ_TIME,   /* u16 seconds go by */
    FUZZ_SEND,   /* u8 length: the end sends so much, and hears it itself */
    FUZZ_CUT,    /* u16 length: what the peer said arrives up to there */
};

struct fuzz_end {
    struct sdk sdk;
    struct sdk_event event;
    int64_t now_ms;
    struct sdk_slot slots[FUZZ_SLOTS];
    struct sdk_nonce places[FUZZ_HEARD];
    struct sdk_nonces heard;
    uint8_t said[FUZZ_WIRE];
    size_t said_len;
    bool allowed; /* it was told that the peer's evidence is good */
    unsigned given_out;
};

static void insist(bool held)
{
    if (!held)
        abort();
}

static void fuzz_make(struct fuzz_end *end, enum sdk_role role)
{
    uint8_t random[3][SDK_NONCE];
    memset(random[0], (int)role, SDK_NONCE);
    memset(random[1], 2 + (int)role, SDK_NONCE);
    memset(random[2], 4 + (int)role, SDK_NONCE);
    memset(end, 0, sizeof *end);
    end->heard = sdk_nonces_over(end->places, FUZZ_HEARD);
    const struct sdk_setup setup = { .role = role,
                                     .gives_evidence = true,
                                     .wants_evidence = true,
                                     .nonce = random[0],
                                     .secret = random[1],
                                     .salt = random[2],
                                     .heard = &end->heard,
                                     .slots = end->slots,
                                     .slot_count = FUZZ_SLOTS };
    insist(sdk_init(&end->sdk, &setup));
}

static void fuzz_answer(struct fuzz_end *end, bool well)
{
    static uint8_t quote[FUZZ_QUOTE];
    struct sink out = sink_over(end->said, sizeof end->said);
    quote[0] = (uint8_t)end->sdk.role;
    const struct sdk_evidence shown = { span_of(quote, well ? sizeof quote : 0),
                                        span_text("[\"\\u0001\"]"), NULL };
    const struct sdk_judgement found = { { well ? ALLOW : DENY,
                                           well ? REASON_OK : REASON_POLICY_DEBUG, CHECK_COUNT },
                                         { 0 },
                                         end->now_ms };
    if (end->event.kind == SDK_NEEDS_EVIDENCE) {
        end->event = sdk_give(&end->sdk, &shown, &out);
    } else if (end->event.kind == SDK_JUDGE) {
        end->allowed = well;
        end->event = sdk_judge(&end->sdk, &found, &out);
    } else {
        return;
    }
    end->said_len = out.len;
}

static void fuzz_hear(struct fuzz_end *end, struct span bytes)
{
    static uint8_t room[FUZZ_WIRE];
    struct sink out = sink_over(end->said, sizeof end->said);
    if (bytes.len > 0)
        memcpy(room, bytes.at, bytes.len);
    end->event = sdk_take(&end->sdk, (struct sdk_frame){ room, bytes.len, end->now_ms }, &out);
    end->said_len = out.len;
    if (end->event.kind == SDK_JUDGE) {
        insist(span_inside(end->event.evidence.quote, SPAN(room)));
        insist(span_inside(end->event.evidence.log, SPAN(room)));
    }
    if (end->event.said.len > 0)
        insist(span_inside(end->event.said, SPAN(room)));
    if (end->event.kind == SDK_DATA) {
        insist(span_inside(end->event.data, SPAN(room)));
        insist(bytes_are_zero(end->event.data.at, end->event.data.len));
        end->given_out++;
    }
}

/* The peer hears all that the end says, and answers what it is asked. */
static void fuzz_peer_hears(struct fuzz_end *peer, const struct fuzz_end *end)
{
    if (end->said_len == 0)
        return;
    fuzz_hear(peer, span_of(end->said, end->said_len));
    while (peer->event.kind == SDK_NEEDS_EVIDENCE || peer->event.kind == SDK_JUDGE)
        fuzz_answer(peer, true);
}

static void fuzz_send(struct fuzz_end *end, size_t len)
{
    static const uint8_t zeros[256];
    struct sink out = sink_over(end->said, sizeof end->said);
    if (sdk_send(&end->sdk, span_of(zeros, len), &out))
        end->said_len = out.len;
}

/* The steps by which something arrives. */
static void fuzz_arrive(enum fuzz_step step, struct cursor *script, struct fuzz_end *end,
                        const struct fuzz_end *peer)
{
    static uint8_t changed[FUZZ_WIRE];
    struct span bytes = span_of(peer->said, peer->said_len);
    uint16_t place = 0;
    uint8_t value = 0;
    if (step == FUZZ_RAW && (!cur_u8(script, &value) || !cur_take(script, value, &bytes)))
        bytes.len = 0;
    if (step == FUZZ_CUT && cur_u16le(script, &place) && place < bytes.len)
        bytes.len = place;
    if (step == FUZZ_SPOIL && cur_u16le(script, &place) && cur_u8(script, &value)) {
        memcpy(changed, peer->said, peer->said_len);
        if (place < peer->said_len)
            changed[place] ^= value;
        bytes.at = changed;
    }
    fuzz_hear(end, bytes);
}

static void fuzz_own(struct fuzz_end *end, size_t len)
{
    static uint8_t own[FUZZ_WIRE];
    const unsigned before = end->given_out;
    fuzz_send(end, len);
    const size_t said = end->said_len;
    memcpy(own, end->said, said);
    fuzz_hear(end, span_of(own, said));
    insist(end->given_out == before); /* its own never comes back to it */
    memcpy(end->said, own, said);
    end->said_len = sdk_is_open(&end->sdk) ? said : end->said_len;
}

/* One step of the script; false when it is over. */
static bool fuzz_one(struct cursor *script, struct fuzz_end *end, struct fuzz_end *peer)
{
    struct sink out;
    uint16_t seconds = 0;
    uint8_t step;
    uint8_t value = 0;
    if (!cur_u8(script, &step))
        return false;
    end->said_len = 0;
    switch ((enum fuzz_step)(step & 7)) {
    case FUZZ_RAW:
    case FUZZ_PASS:
    case FUZZ_SPOIL:
    case FUZZ_CUT:
        fuzz_arrive((enum fuzz_step)(step & 7), script, end, peer);
        break;
    case FUZZ_ANSWER:
        if (cur_u8(script, &value))
            fuzz_answer(end, value % 2 == 0);
        break;
    case FUZZ_PEER:
        if (cur_u8(script, &value))
            fuzz_send(peer, value);
        break;
    case FUZZ_TIME:
        if (!cur_u16le(script, &seconds))
            return false;
        end->now_ms += (int64_t)seconds * 1000;
        out = sink_over(end->said, sizeof end->said);
        end->event = sdk_tick(&end->sdk, end->now_ms, &out);
        end->said_len = out.len;
        break;
    case FUZZ_SEND:
        if (cur_u8(script, &value))
            fuzz_own(end, value);
        break;
    }
    return true;
}

/* `role` is that of the end under test. */
static int fuzz_sdk(struct span script, enum sdk_role role)
{
    static struct fuzz_end end, peer;
    struct cursor in = cur_over(script);
    fuzz_make(&end, role);
    fuzz_make(&peer, role == SDK_CLIENT ? SDK_SERVER : SDK_CLIENT);
    struct fuzz_end *first = role == SDK_CLIENT ? &end : &peer;
    struct sink out = sink_over(first->said, sizeof first->said);
    first->event = sdk_start(&first->sdk, &out);
    fuzz_answer(first, true);
    if (first == &end)
        fuzz_peer_hears(&peer, &end);
    while (fuzz_one(&in, &end, &peer)) {
        insist(sdk_is_sound(&end.sdk) && sdk_is_sound(&peer.sdk));
        insist(!sdk_is_open(&end.sdk) || end.allowed);
        insist(end.given_out <= peer.sdk.way.sent);
        insist(end.event.kind != SDK_ENDED || !sdk_is_open(&end.sdk));
        fuzz_peer_hears(&peer, &end);
    }
    sdk_fini(&end.sdk);
    sdk_fini(&peer.sdk);
    return 0;
}

#endif
