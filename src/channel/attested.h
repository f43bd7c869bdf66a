/* attested.h - one end of an attested channel: two sides prove what they are, agree on keys
   that only they have, and then talk where nobody between them can read, change, replay,
   reorder, drop or cut anything unseen.  docs/wire.md has every byte.

   Sans-I/O: whole messages of some transport go in, whole messages come out; time and random
   bytes are arguments; nothing is allocated.  What a message leads to is an event.  Evidence
   is neither made nor judged here: the channel asks for both, and says over which report data.

   An end that refuses something is over: its keys are wiped, and what it says to the peer is
   the last thing that it says.  The zero value of a verdict is no, and an end that was set up
   to want evidence is never open without it.

   (The names begin with attested_ because channel_ is the talk between two processes.) */
#ifndef WARD_CHANNEL_ATTESTED_H
#define WARD_CHANNEL_ATTESTED_H

#include "base/sink.h"
#include "channel/bound.h"
#include "crypto/bulk.h"
#include "crypto/hash.h"
#include "crypto/x25519.h"
#include "model/decision.h"

enum {
    ATTESTED_PURPOSE_MAX = 64,       /* bytes of visible ASCII, at least one */
    ATTESTED_EVIDENCE_MAX = 1 << 18, /* bytes of a quote or document */
    ATTESTED_LOG_MAX = 1 << 20,      /* bytes of an event log */
    ATTESTED_PLAIN_MAX = 1 << 16,    /* bytes of one message of the application */
    ATTESTED_REASON_MAX = 64,        /* bytes of the name of a reason */
    ATTESTED_HANDSHAKE_MS = 30000,   /* from attested_init until it is open */

    /* How long one key of one direction is used; then follows the next. */
    ATTESTED_EPOCH_RECORDS_MAX = 1 << 20,
    ATTESTED_EPOCH_BYTES_MAX = 1 << 30,
    ATTESTED_EPOCH_MS = 3600 * 1000,
    ATTESTED_EPOCH_LATE_MS = 2 * ATTESTED_EPOCH_MS, /* what the receiver still takes */

    ATTESTED_RANDOM = 32, /* bytes of a nonce and of a secret */
    ATTESTED_HELLO_MAX = 2 + 32 + 32 + 1 + 2 + 1 + 1 + ATTESTED_PURPOSE_MAX,
    ATTESTED_ACCEPT_CLEAR = 2 + 32 + 32 + 1 + 1,
    ATTESTED_EVIDENCE_HEAD = 1 + 4 + 4,
    ATTESTED_RECORD_HEAD = 1 + 4 + 8,
    ATTESTED_RECORD_EXTRA = ATTESTED_RECORD_HEAD + AEAD_TAG,
    /* No message is longer: an ACCEPT with the largest evidence and log. */
    ATTESTED_MESSAGE_MAX = ATTESTED_ACCEPT_CLEAR + ATTESTED_EVIDENCE_HEAD + ATTESTED_EVIDENCE_MAX +
                           ATTESTED_LOG_MAX + AEAD_TAG,
};

struct attested_evidence {
    enum attested_kind kind;
    struct span evidence;
    struct span log; /* may be empty */
};

/* What an end is made from.  Texts and bytes are copied. */
struct attested_setup {
    enum attested_role role;
    struct span purpose; /* what the channel is for; the peer must have the same */
    enum aead aeads[2];  /* best first; the responder takes its best that is offered */
    size_t aead_count;
    bool gives_evidence;   /* it can show evidence, if the peer wants it */
    bool wants_evidence;   /* without the peer's evidence there is no channel */
    const uint8_t *nonce;  /* ATTESTED_RANDOM random bytes, used for nothing else */
    const uint8_t *secret; /* as many others; the caller wipes its own copy */
    struct bulk *bulk;     /* may be shared by all channels of a thread; outlives them */
    int64_t now_ms;        /* monotonic, as every now_ms here */
};

/* One direction under one key. */
struct attested_way {
    enum aead aead; /* AEAD_NONE: there is no key */
    uint32_t epoch;
    uint64_t seq;   /* of the next record */
    uint64_t bytes; /* of the application in this epoch */
    int64_t since_ms;
    uint8_t secret[SHA256_LEN];
    uint8_t key[AEAD_KEY];
    uint8_t iv[XCHACHA20_NONCE];
};

/* Everything that must not outlive the channel. */
struct attested_keys {
    uint8_t own[X25519_LEN];
    uint8_t handshake[SHA256_LEN];
    struct attested_way in, out;
};

/* Fields are for this room and its tests.  {0} is over, and valid to fini. */
struct attested {
    unsigned state;
    enum attested_role role;
    enum aead aeads[2];
    size_t aead_count;
    bool gives_evidence, wants_evidence;
    bool peer_wants_evidence;
    bool sent_close, got_close;
    struct bulk *bulk;
    int64_t deadline_ms;
    enum aead aead; /* what was agreed on */
    uint8_t purpose[ATTESTED_PURPOSE_MAX];
    size_t purpose_len;
    uint8_t nonce[2][ATTESTED_RANDOM]; /* by role: initiator, responder */
    uint8_t point[2][X25519_LEN];
    uint8_t hello[ATTESTED_HELLO_MAX]; /* the initiator's, until ACCEPT */
    size_t hello_len;
    uint8_t transcript[SHA256_LEN];
    uint8_t bound[ATTESTED_BOUND]; /* the transcript as it was when evidence was bound to it */
    uint8_t report_data[2][ATTESTED_REPORT_DATA];
    struct attested_keys keys;
};

enum attested_event_kind {
    ATTESTED_NOTHING = 0,    /* send what was written, and wait */
    ATTESTED_NEEDS_EVIDENCE, /* over report_data: answer with attested_give */
    ATTESTED_JUDGE,          /* evidence, and the report data that it must have: attested_judge */
    ATTESTED_OPEN,           /* the peer is who it should be: attested_send */
    ATTESTED_DATA,           /* of the application */
    ATTESTED_CLOSED,         /* the peer has said that no more follows */
    ATTESTED_ENDED,          /* it is over, and why */
};

struct attested_event {
    enum attested_event_kind kind;
    enum reason reason;         /* ENDED */
    enum reason about;          /* ENDED: why the evidence was denied, or what the peer said */
    const uint8_t *report_data; /* NEEDS_EVIDENCE, JUDGE: ATTESTED_REPORT_DATA bytes */
    struct attested_evidence evidence; /* JUDGE: views the message */
    struct span data;                  /* DATA: views the message */
};

/* attested_init: false, and *channel over, when the set-up cannot be (no purpose or a bad one,
   no AEAD or one twice). */
MUST_USE
bool attested_init(struct attested *channel, const struct attested_setup *setup);

/* attested_fini wipes all keys and the rest. */
void attested_fini(struct attested *channel);

bool attested_is_sound(const struct attested *channel);
bool attested_is_open(const struct attested *channel);

/* attested_message_max: how long the next message may be.  A transport asks before it makes
   room for one and cuts a peer that announces more; attested_take refuses it as well. */
size_t attested_message_max(const struct attested *channel);

/* attested_session: what both ends, and no other two, have in common once they are open; not
   a secret.  SHA256_LEN bytes. */
const uint8_t *attested_session(const struct attested *channel);

/* attested_bound: ATTESTED_BOUND bytes from which the report data of both sides of this channel
   follow (bound.h), as soon as an event names report data. */
const uint8_t *attested_bound(const struct attested *channel);

/* The calls below write at most one message to `out`, which is sent whether or not the event
   is ENDED.  An `out` with room for ATTESTED_MESSAGE_MAX bytes always has enough; for an end that
   gives no evidence 256 bytes are.  Asked for what its state does not have, a channel ends as
   CHANNEL_MISUSED; one that is over stays over and says nothing. */

/* attested_start makes the initiator speak first. */
MUST_USE
struct attested_event attested_start(struct attested *channel, struct sink *out);

/* A message as it came.  It is deciphered where it lies: what events view lives in it. */
struct attested_message {
    uint8_t *at;
    size_t len;
    int64_t now_ms;
};

MUST_USE
struct attested_event attested_take(struct attested *channel, struct attested_message message,
                                    struct sink *out);

/* attested_give answers NEEDS_EVIDENCE.  Evidence that could not be made is kind NONE: the
   channel then ends, and the peer is told. */
MUST_USE
struct attested_event attested_give(struct attested *channel,
                                    const struct attested_evidence *evidence, struct sink *out);

/* attested_judge answers JUDGE.  Only ALLOW with REASON_OK goes on. */
MUST_USE
struct attested_event attested_judge(struct attested *channel, struct decision decision,
                                     int64_t now_ms, struct sink *out);

/* attested_tick ends a handshake that takes too long; to be called now and then until open. */
MUST_USE
struct attested_event attested_tick(struct attested *channel, int64_t now_ms, struct sink *out);

/* attested_refuse ends a channel for a reason of the caller's, in any state; the peer is told. */
MUST_USE
struct attested_event attested_refuse(struct attested *channel, enum reason reason,
                                      struct sink *out);

/* attested_cut: the transport has ended.  NOTHING when the peer had closed before, else
   ENDED. */
MUST_USE
struct attested_event attested_cut(struct attested *channel);

/* What attested_send wrote: one message, or two when it was time for another key.  They stand
   one after the other in `out` and are sent each by itself, in this order. */
struct attested_sent {
    struct span messages[2];
    size_t count;
};

/* attested_send seals a message of the application; `plain` must not lie in `out`.  False, and
   nothing changed, when the channel is not open or was closed by this end, the message is
   longer than ATTESTED_PLAIN_MAX, or `out` has not room for plain.len + 2 *
   ATTESTED_RECORD_EXTRA bytes. */
MUST_USE
bool attested_send(struct attested *channel, struct span plain, int64_t now_ms, struct sink *out,
                   struct attested_sent *sent);

/* attested_close says that no more follows; the peer may still send.  False as attested_send. */
MUST_USE
bool attested_close(struct attested *channel, struct sink *out);

#endif
