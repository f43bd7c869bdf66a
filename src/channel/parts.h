/* parts.h - inside channel/ only: the messages, the key schedule, the records. */
#ifndef WARD_CHANNEL_PARTS_H
#define WARD_CHANNEL_PARTS_H

#include "base/cursor.h"
#include "channel/attested.h"

enum { ATTESTED_VERSION = 2 };

#define ATTESTED_LABEL "ward channel v2 "

enum attested_state {
    ATTESTED_IS_OVER = 0,
    ATTESTED_IS_NEW,        /* initiator, silent so far */
    ATTESTED_WAITS_HELLO,   /* responder */
    ATTESTED_QUOTES_ACCEPT, /* responder: its evidence is being made */
    ATTESTED_WAITS_ACCEPT,  /* initiator */
    ATTESTED_JUDGES_ACCEPT, /* initiator: the responder's evidence is being judged */
    ATTESTED_QUOTES_FINISH, /* initiator: its evidence is being made */
    ATTESTED_WAITS_FINISH,  /* responder */
    ATTESTED_JUDGES_FINISH, /* responder: the initiator's evidence is being judged */
    ATTESTED_WAITS_DONE,    /* initiator */
    ATTESTED_IS_OPEN,
    ATTESTED_STATE_COUNT
};

/* The first byte of a message. */
enum attested_type {
    ATTESTED_HELLO = 1,
    ATTESTED_ACCEPT,
    ATTESTED_FINISH,
    ATTESTED_REFUSE,        /* in the clear: there are no keys yet */
    ATTESTED_REFUSE_SEALED, /* in a handshake that has keys */
    /* Records. */
    ATTESTED_RECORD_DONE,
    ATTESTED_RECORD_DATA,
    ATTESTED_RECORD_REKEY,
    ATTESTED_RECORD_CLOSE,
    ATTESTED_RECORD_REFUSE,
    ATTESTED_TYPE_COUNT
};

/* --- messages (message.c) ---------------------------------------------------------------- */

/* Parsing gives no opinion but that of the form: CHANNEL_MALFORMED or REASON_OK.  The cursor
   stands after the version. */
struct attested_hello {
    uint8_t nonce[ATTESTED_RANDOM];
    uint8_t point[X25519_LEN];
    enum aead aeads[2];
    size_t aead_count;
    bool gives, wants;
    struct span purpose;
};

struct attested_accept {
    uint8_t nonce[ATTESTED_RANDOM];
    uint8_t point[X25519_LEN];
    enum aead aead;
    bool gives, wants;
};

enum reason attested_parse_hello(struct cursor *in, struct attested_hello *out);
enum reason attested_parse_accept(struct cursor *in, struct attested_accept *out);
enum reason attested_parse_evidence(struct span sealed_part, struct attested_evidence *out);

/* A name of capital letters, digits and underscores, to the end; REASON_NONE in *out for one
   that is not known here. */
enum reason attested_parse_refusal(struct cursor *in, enum reason *out);

void attested_write_hello(const struct attested *channel, struct sink *out);
void attested_write_accept(const struct attested *channel, struct sink *out); /* clear part */
void attested_write_evidence(const struct attested_evidence *evidence, struct sink *out);

bool attested_purpose_is_good(struct span purpose);
bool attested_evidence_fits(const struct attested_evidence *evidence);

/* --- keys (keys.c) ------------------------------------------------------------------------ */

/* The transcript so far: its clear beginning, and then one step for each later part. */
void attested_transcript_begin(struct attested *channel, struct span hello, struct span accept);
void attested_transcript_accept(struct attested *channel, struct span sealed_part);
void attested_transcript_finish(struct attested *channel, struct span finish);

/* attested_shared gives the secret that both sides share.  False, and `out` untouched, for a peer's
   point that is not canonical, of small order, or this end's own. */
bool attested_shared(const uint8_t own[X25519_LEN], const uint8_t point[X25519_LEN],
                     const uint8_t peer[X25519_LEN], uint8_t out[X25519_LEN]);

/* attested_agree derives the handshake's secret from both nonces, the own secret, which it
   wipes, and the peer's point.  CHANNEL_KEY, before any use of it, for a point that gives none. */
enum reason attested_agree(struct attested *channel);

/* Keys of one sender, over the transcript as it stands. */
void attested_handshake_way(const struct attested *channel, enum attested_role sender,
                            struct attested_way *out);
void attested_traffic_way(const struct attested *channel, enum attested_role sender, int64_t now_ms,
                          struct attested_way *out);

/* attested_way_next goes to the next epoch and wipes the one before; false when there is none. */
bool attested_way_next(struct attested_way *way, int64_t now_ms);

/* --- sealing (record.c) ------------------------------------------------------------------- */

/* A handshake message in place: `clear` bytes that are shown, `plain` bytes that are sealed, and
   room for a tag.  Opening gives false when it was changed. */
struct attested_parcel {
    uint8_t *at;
    size_t clear, plain;
};
bool attested_parcel_seal(struct bulk *bulk, struct attested_way *way, struct attested_parcel p);
bool attested_parcel_open(struct bulk *bulk, struct attested_way *way, struct attested_parcel p);

/* A whole record: written to room for plain.len + ATTESTED_RECORD_EXTRA bytes; opened in place.
   Opening says what is wrong with it; the way has moved on only when nothing is. */
bool attested_record_seal(struct bulk *bulk, struct attested_way *way, enum attested_type type,
                          struct span plain, uint8_t *out);
enum reason attested_record_open(struct bulk *bulk, struct attested_way *way,
                                 struct attested_message message, struct span *plain);

/* attested_wipe ends the channel: what only it knew is gone. */
void attested_wipe(struct attested *channel);

/* Milliseconds between two instants; 0 when the clock went back. */
uint64_t attested_elapsed(int64_t since_ms, int64_t now_ms);

/* --- steps (initiator.c, responder.c, open.c) ----------------------------------------------- */

/* One message on its way through the table. */
struct attested_step {
    struct attested *channel;
    struct attested_message message;
    struct cursor in; /* after type and, in a handshake message, version */
    struct sink *out;
    struct attested_event event;
    enum reason about; /* of a refusal */
};

/* What is not REASON_OK ends the channel. */
enum reason attested_on_hello(struct attested_step *step);
enum reason attested_on_accept(struct attested_step *step);
enum reason attested_on_finish(struct attested_step *step);
enum reason attested_on_done(struct attested_step *step);
enum reason attested_on_data(struct attested_step *step);
enum reason attested_on_rekey(struct attested_step *step);
enum reason attested_on_close(struct attested_step *step);
enum reason attested_on_record_refuse(struct attested_step *step);

/* What follows an answer of the caller's, or the absence of a question. */
enum reason attested_give_accept(struct attested_step *step,
                                 const struct attested_evidence *evidence);
enum reason attested_give_finish(struct attested_step *step,
                                 const struct attested_evidence *evidence);
enum reason attested_after_accept(struct attested_step *step);
enum reason attested_after_finish(struct attested_step *step);

/* What an end that gives evidence, or none, writes in its place. */
extern const struct attested_evidence attested_no_evidence;

#endif
