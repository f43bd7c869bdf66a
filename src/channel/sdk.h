/* sdk.h - one end of the channel that the public Challenge SDK speaks on /sdk/ws (profile sdk-v1),
   as the validator, which is the WebSocket's client and speaks first, or as the challenge.
   docs/wire.md, "Profile sdk-v1", has what is the same, what is stricter, and what stays weak.

   It stays weak in this: the evidence binds a nonce and no key, so who relays it owns both
   channels, and records have no number, so one that is lost or comes late is not missed.  A
   session of it is unbound: it gets no key, no credential and no authority.  Who may choose
   takes attested.h.

   Sans-I/O as that: whole text frames go in, whole text frames come out, each one JSON object;
   time, random bytes and all memory are arguments.  Evidence is neither made nor judged here.
   There is no switch that takes a mock quote or the peer of a development set-up. */
#ifndef WARD_CHANNEL_SDK_H
#define WARD_CHANNEL_SDK_H

#include "base/sink.h"
#include "channel/sdk_challenge.h"
#include "channel/sdk_nonces.h"
#include "channel/sdk_record.h"
#include "crypto/hash.h"
#include "crypto/x25519.h"
#include "model/decision.h"

enum {
    SDK_QUOTE_MAX = 1 << 16,  /* bytes of a quote */
    SDK_LOG_MAX = 1 << 18,    /* bytes of an event log */
    SDK_HANDSHAKE_MS = 30000, /* from sdk_init until it is open */
    SDK_SHORT_MAX = 4096,     /* bytes of a frame that carries no evidence and no record */
    SDK_DROPPED_MAX = 1000,   /* records that were no good, before the session is given up */

    SDK_COMPOSE_HASH = SHA256_LEN,
    SDK_RTMRS = 4 * 48,
};

enum sdk_role { SDK_CLIENT = 1, SDK_SERVER };

struct sdk_evidence {
    struct span quote;    /* empty: there is none */
    struct span log;      /* an array in JSON */
    const uint8_t *rtmrs; /* SDK_RTMRS bytes, or NULL; the peer's are not looked at */
};

/* What an end is made from.  What is pointed to and not copied outlives it. */
struct sdk_setup {
    enum sdk_role role;
    bool gives_evidence;         /* a server always does */
    bool wants_evidence;         /* without the peer's there is no session; a client always does */
    const uint8_t *compose_hash; /* SDK_COMPOSE_HASH bytes that the peer's replayed log must
                                    have; copied.  NULL: what the policy says is enough */
    const uint8_t *nonce;        /* client: SDK_NONCE random bytes, used for nothing else */
    const uint8_t *secret;       /* as many others; the caller wipes its own copy */
    const uint8_t *salt;         /* client: as many others */
    struct sdk_nonces *heard;    /* server that wants evidence: what was shown to it before; one
                                    for all its sessions */
    struct sdk_slot *slots;      /* slot_count of them, all for this session */
    size_t slot_count;           /* a power of two, 2 to 2 * SDK_TAKEN_MAX; half as many records
                                    are taken */
    int64_t now_ms;              /* monotonic, as every now_ms here */
};

/* Fields are for this room and its tests.  {0} is over, and valid to fini. */
struct sdk {
    unsigned state;
    enum sdk_role role;
    bool gives_evidence, wants_evidence, wants_compose_hash;
    int64_t deadline_ms;
    uint8_t compose_hash[SDK_COMPOSE_HASH];
    uint8_t report_data[SDK_REPORT_DATA]; /* of both sides' evidence */
    uint8_t signed_part[SHA256_LEN];      /* digest of the own quote's */
    uint8_t nonce[SDK_NONCE];
    uint8_t salt[SDK_NONCE];
    uint8_t own[X25519_LEN]; /* the secret, until there is a key */
    uint8_t point[X25519_LEN];
    uint8_t peer[X25519_LEN];
    struct sdk_nonces *heard;
    struct sdk_way way;
    uint32_t dropped;
};

enum sdk_event_kind {
    SDK_NOTHING = 0,    /* send what was written, and wait */
    SDK_NEEDS_EVIDENCE, /* over report_data: answer with sdk_give */
    SDK_JUDGE,          /* evidence, and the report data that it must have: sdk_judge */
    SDK_OPEN,           /* the peer is who it should be: sdk_send */
    SDK_DATA,           /* of the application */
    SDK_DROPPED,        /* a frame that was no good; nothing else has changed */
    SDK_ENDED,          /* it is over, and why */
};

struct sdk_event {
    enum sdk_event_kind kind;
    enum reason reason;           /* DROPPED, ENDED */
    enum reason about;            /* ENDED: why the evidence was denied */
    const uint8_t *report_data;   /* NEEDS_EVIDENCE, JUDGE: SDK_REPORT_DATA bytes */
    struct sdk_evidence evidence; /* JUDGE: views the frame */
    struct span data;             /* DATA: views the frame */
    struct span said;             /* ENDED by the peer: its words as they stand in the frame, JSON
                                     quotes included; anything at all */
};

/* sdk_init: false, and *sdk over, when the set-up cannot be. */
MUST_USE
bool sdk_init(struct sdk *sdk, const struct sdk_setup *setup);

/* sdk_fini wipes all keys and the rest. */
void sdk_fini(struct sdk *sdk);

bool sdk_is_sound(const struct sdk *sdk);
bool sdk_is_open(const struct sdk *sdk);

/* sdk_frame_max: how long the next frame may be.  A transport asks before it makes room for one
   and cuts a peer that announces more; sdk_take refuses it as well. */
size_t sdk_frame_max(const struct sdk *sdk);

/* The calls below write at most one frame to `out`, which is sent whether or not the event is
   ENDED.  Room for SDK_FRAME_MAX bytes is always enough, SDK_SHORT_MAX for an end that gives no
   evidence.  Asked for what its state does not have, a session ends as CHANNEL_MISUSED; one that is
   over stays over and says nothing. */

/* sdk_start makes the client speak first, or asks it for its evidence. */
MUST_USE
struct sdk_event sdk_start(struct sdk *sdk, struct sink *out);

/* A frame as it came.  It is read and deciphered where it lies: what events view lives in it. */
struct sdk_frame {
    uint8_t *at;
    size_t len;
    int64_t now_ms;
};

MUST_USE
struct sdk_event sdk_take(struct sdk *sdk, struct sdk_frame frame, struct sink *out);

/* sdk_give answers NEEDS_EVIDENCE.  Evidence that could not be made has no quote: the session then
   ends. */
MUST_USE
struct sdk_event sdk_give(struct sdk *sdk, const struct sdk_evidence *evidence, struct sink *out);

/* What the caller found.  The compose hash is the one that the replayed log had: the text of a log
   that was not replayed says nothing. */
struct sdk_judgement {
    struct decision decision;
    struct span compose_hash; /* empty: there was none */
    int64_t now_ms;
};

/* sdk_judge answers JUDGE.  Only ALLOW with REASON_OK goes on. */
MUST_USE
struct sdk_event sdk_judge(struct sdk *sdk, const struct sdk_judgement *found, struct sink *out);

/* sdk_tick ends a handshake that takes too long; to be called now and then until open. */
MUST_USE
struct sdk_event sdk_tick(struct sdk *sdk, int64_t now_ms, struct sink *out);

/* sdk_refuse ends it for a reason of the caller's own, which a peer in its handshake is told. */
MUST_USE
struct sdk_event sdk_refuse(struct sdk *sdk, enum reason reason, struct sink *out);

/* sdk_send seals one message, a JSON object, into one frame.  `plain` must not lie in `out`.
   False, and nothing changed, when the session is not open or SDK_SENT_MAX records were sent, the
   message is longer than SDK_PLAIN_MAX, or `out` has not room for sdk_record_len of it. */
MUST_USE
bool sdk_send(struct sdk *sdk, struct span plain, struct sink *out);

/* sdk_end: the transport is gone, or the caller has had enough.  There is no farewell in this
   profile: whether more was to come nobody knows. */
void sdk_end(struct sdk *sdk);

#endif
