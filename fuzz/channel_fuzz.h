/* channel_fuzz.h - one end of a channel under a script, with a genuine peer at the other end and
   somebody between them: what the peer says arrives as it is, changed, or not at all, and
   anything else may arrive instead.

   What holds whatever the script is: the end is sound after each step, and it is never opened,
   and never gives out a message, by bytes that the peer did not say.  */
#ifndef WARD_FUZZ_CHANNEL_FUZZ_H
#define WARD_FUZZ_CHANNEL_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "channel/attested.h"

enum { FUZZ_WIRE = 4096 };

/* The low three bits of a script's byte; what else a step reads follows it. */
enum fuzz_step {
    FUZZ_RAW,    /* u8 length, bytes: they arrive */
    FUZZ_PASS,   /* what the peer said last arrives */
    FUZZ_SPOIL,  /* u16 place, u8: it arrives with that XORed in */
    FUZZ_ANSWER, /* u8: what is asked is answered, well when it is even */
    FUZZ_PEER,   /* u8 length: the peer sends so much */
    FUZZ_TIME,   /* u16 seconds go by */
    FUZZ_SEND,   /* u8 length: the end sends so much */
    FUZZ_CLOSE,  /* the peer closes */
};

struct fuzz_end {
    struct attested channel;
    struct attested_event event;
    int64_t now_ms;
    uint8_t said[FUZZ_WIRE];
    size_t said_len;
    bool heard;   /* the other end has had what was said */
    bool allowed; /* it was told that the peer's evidence is good */
};

static void insist(bool held)
{
    if (!held)
        abort();
}

static void fuzz_make(struct fuzz_end *end, enum attested_role role, struct bulk *bulk)
{
    uint8_t random[2][ATTESTED_RANDOM];
    memset(random[0], role == ATTESTED_INITIATOR ? 1 : 2, ATTESTED_RANDOM);
    memset(random[1], role == ATTESTED_INITIATOR ? 3 : 4, ATTESTED_RANDOM);
    const struct attested_setup setup = { .role = role,
                                          .purpose = span_text("fuzz"),
                                          .aeads = { AEAD_CHACHA20_POLY1305 },
                                          .aead_count = 1,
                                          .gives_evidence = true,
                                          .wants_evidence = true,
                                          .nonce = random[0],
                                          .secret = random[1],
                                          .bulk = bulk };
    memset(end, 0, sizeof *end);
    insist(attested_init(&end->channel, &setup));
}

static struct sink fuzz_out(struct fuzz_end *end)
{
    end->heard = false;
    return sink_over(end->said, sizeof end->said);
}

static void fuzz_answer(struct fuzz_end *end, bool well)
{
    struct sink out = fuzz_out(end);
    const struct attested_evidence shown = { well ? ATTESTED_KIND_TDX : ATTESTED_KIND_NONE,
                                             span_text("evidence"), span_text("log") };
    if (end->event.kind == ATTESTED_NEEDS_EVIDENCE) {
        end->event = attested_give(&end->channel, &shown, &out);
    } else if (end->event.kind == ATTESTED_JUDGE) {
        end->allowed = well;
        end->event = attested_judge(&end->channel,
                                    (struct decision){ well ? ALLOW : DENY,
                                                       well ? REASON_OK : REASON_POLICY_DEBUG,
                                                       CHECK_COUNT },
                                    end->now_ms, &out);
    } else {
        return;
    }
    end->said_len = out.len;
}

static void fuzz_hear(struct fuzz_end *end, struct span bytes)
{
    static uint8_t room[FUZZ_WIRE];
    struct sink out = fuzz_out(end);
    if (bytes.len > 0)
        memcpy(room, bytes.at, bytes.len);
    end->event = attested_take(&end->channel,
                               (struct attested_message){ room, bytes.len, end->now_ms }, &out);
    end->said_len = out.len;
    if (end->event.kind == ATTESTED_JUDGE) {
        insist(span_inside(end->event.evidence.evidence, SPAN(room)));
        insist(end->event.evidence.log.len == 0 ||
               span_inside(end->event.evidence.log, SPAN(room)));
    }
    if (end->event.kind == ATTESTED_DATA && end->event.data.len > 0)
        insist(span_inside(end->event.data, SPAN(room)));
}

/* The peer hears all that the end says, and answers what it is asked. */
static void fuzz_peer_hears(struct fuzz_end *peer, const struct fuzz_end *end)
{
    if (end->said_len == 0)
        return;
    fuzz_hear(peer, span_of(end->said, end->said_len));
    while (peer->event.kind == ATTESTED_NEEDS_EVIDENCE || peer->event.kind == ATTESTED_JUDGE)
        fuzz_answer(peer, true);
}

/* Where another key comes before it, the message itself is lost. */
static void fuzz_send(struct fuzz_end *end, size_t len)
{
    static const uint8_t zeros[256];
    struct sink out = fuzz_out(end);
    struct attested_sent sent;
    if (attested_send(&end->channel, span_of(zeros, len), end->now_ms, &out, &sent))
        end->said_len = sent.messages[0].len;
}

/* True when these bytes are what the peer said, and for the first time. */
static bool fuzz_deliver(struct fuzz_end *end, struct fuzz_end *peer, struct span bytes)
{
    bool genuine = !peer->heard && span_equal(bytes, span_of(peer->said, peer->said_len));
    peer->heard = peer->heard || genuine;
    fuzz_hear(end, bytes);
    return genuine;
}

/* The steps by which something arrives. */
static bool fuzz_arrive(enum fuzz_step step, struct cursor *script, struct fuzz_end *end,
                        struct fuzz_end *peer)
{
    static uint8_t changed[FUZZ_WIRE];
    struct span bytes = span_of(peer->said, peer->said_len);
    uint16_t place = 0;
    uint8_t value = 0;
    if (step == FUZZ_RAW && (!cur_u8(script, &value) || !cur_take(script, value, &bytes)))
        bytes.len = 0;
    if (step == FUZZ_SPOIL && cur_u16le(script, &place) && cur_u8(script, &value)) {
        memcpy(changed, peer->said, peer->said_len);
        if (place < peer->said_len)
            changed[place] ^= value;
        bytes.at = changed;
    }
    return fuzz_deliver(end, peer, bytes);
}

/* One step of the script; false when it is over.  *genuine: nothing has arrived but what the
   peer has said. */
static bool fuzz_one(struct cursor *script, struct fuzz_end *end, struct fuzz_end *peer,
                     bool *genuine)
{
    struct sink out;
    uint16_t seconds = 0;
    uint8_t step;
    uint8_t value = 0;
    if (!cur_u8(script, &step))
        return false;
    *genuine = true;
    end->said_len = 0;
    switch ((enum fuzz_step)(step & 7)) {
    case FUZZ_RAW:
    case FUZZ_PASS:
    case FUZZ_SPOIL:
        *genuine = fuzz_arrive((enum fuzz_step)(step & 7), script, end, peer);
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
        out = fuzz_out(end);
        end->event = attested_tick(&end->channel, end->now_ms, &out);
        end->said_len = out.len;
        break;
    case FUZZ_SEND:
        if (cur_u8(script, &value))
            fuzz_send(end, value);
        break;
    case FUZZ_CLOSE:
        out = fuzz_out(peer);
        if (attested_close(&peer->channel, &out))
            peer->said_len = out.len;
        break;
    }
    return true;
}

/* `role` is that of the end under test. */
static int fuzz_channel(struct span script, enum attested_role role)
{
    static struct bulk *bulk;
    static struct fuzz_end fresh[2], end, peer;
    struct cursor in = cur_over(script);
    bool genuine;
    if (bulk == NULL) {
        bulk = bulk_new();
        insist(bulk != NULL);
        fuzz_make(&fresh[0], role, bulk);
        fuzz_make(&fresh[1], role == ATTESTED_INITIATOR ? ATTESTED_RESPONDER : ATTESTED_INITIATOR,
                  bulk);
    }
    end = fresh[0];
    peer = fresh[1];
    struct fuzz_end *first = role == ATTESTED_INITIATOR ? &end : &peer;
    struct sink out = fuzz_out(first);
    first->event = attested_start(&first->channel, &out);
    first->said_len = out.len;
    if (first == &end)
        fuzz_peer_hears(&peer, &end);
    while (fuzz_one(&in, &end, &peer, &genuine)) {
        const enum attested_event_kind kind = end.event.kind;
        insist(attested_is_sound(&end.channel) && attested_is_sound(&peer.channel));
        insist(genuine ||
               (kind != ATTESTED_OPEN && kind != ATTESTED_DATA && kind != ATTESTED_CLOSED));
        insist(!attested_is_open(&end.channel) || end.allowed);
        insist((kind == ATTESTED_ENDED) <=
               bytes_are_zero(&end.channel.keys, sizeof end.channel.keys));
        fuzz_peer_hears(&peer, &end);
    }
    attested_fini(&end.channel);
    attested_fini(&peer.channel);
    return 0;
}

#endif
