/* sdk_parts.h - inside channel/ only: the handshake of profile sdk-v1. */
#ifndef WARD_CHANNEL_SDK_PARTS_H
#define WARD_CHANNEL_SDK_PARTS_H

#include "channel/sdk.h"
#include "codec/json.h"

enum sdk_state {
    SDK_IS_OVER = 0,
    SDK_IS_NEW,          /* client, silent so far */
    SDK_QUOTES_BEGIN,    /* client: its evidence is being made */
    SDK_WAITS_RESPONSE,  /* client */
    SDK_JUDGES_RESPONSE, /* client: the challenge's evidence is being judged */
    SDK_WAITS_BEGIN,     /* server */
    SDK_JUDGES_BEGIN,    /* server: the validator's evidence is being judged */
    SDK_QUOTES_RESPONSE, /* server: its evidence is being made */
    SDK_WAITS_OK,        /* server */
    SDK_IS_OPEN,
    SDK_STATE_COUNT
};

/* "type" of a frame in the clear. */
enum sdk_type {
    SDK_TYPE_NONE = 0, /* one that no handshake has */
    SDK_TYPE_BEGIN,
    SDK_TYPE_RESPONSE,
    SDK_TYPE_OK,
    SDK_TYPE_REJECT,
    SDK_TYPE_ERROR,
    SDK_TYPE_COUNT
};

enum { SDK_SHAKE_NODES = 64, SDK_SHAKE_DEPTH = 4 };

/* A frame of the handshake, read. */
struct sdk_hand {
    uint8_t *at; /* of the frame */
    struct json json;
    struct json_node nodes[SDK_SHAKE_NODES];
};

/* Parsing says whether the form is right, and nothing else: CHANNEL_MALFORMED or REASON_OK.  What
   is evidence is decoded where it stands in the frame. */
enum reason sdk_hand_read(struct sdk_frame frame, struct sdk_hand *out);
enum sdk_type sdk_hand_type(const struct sdk_hand *hand);
enum reason sdk_hand_nonce(const struct sdk_hand *hand, uint8_t out[SDK_NONCE]);
enum reason sdk_hand_point(const struct sdk_hand *hand, const char *name, uint8_t out[X25519_LEN]);
enum reason sdk_hand_salt(const struct sdk_hand *hand, uint8_t out[SDK_NONCE]);
enum reason sdk_hand_evidence(const struct sdk_hand *hand, uint32_t object, const char *quote,
                              const char *log, struct sdk_evidence *out);

/* What a peer says of a refusal, as it stands there. */
struct span sdk_hand_said(const struct sdk_hand *hand);

/* sdk_quote_bytes decodes a quote in hex or base64 where it stands. */
MUST_USE
bool sdk_quote_bytes(uint8_t *at, size_t len, struct span *out);

/* sdk_evidence_judge: there is a quote, and an event log that is an array, as a production machine
   writes it.  SDK_DEV_PEER for an object, which only a development set-up writes;
   CHANNEL_EVIDENCE_REQUIRED for what is not there. */
enum reason sdk_evidence_judge(const struct sdk_evidence *evidence);

/* The frames of this end. */
void sdk_write_begin(const struct sdk *sdk, const struct sdk_evidence *evidence, struct sink *out);
void sdk_write_response(const struct sdk *sdk, const struct sdk_evidence *evidence,
                        struct sink *out);
void sdk_write_ok(const struct sdk *sdk, struct sink *out);

/* Why the peer is refused; `expected` and `actual` are shown when they are not empty. */
struct sdk_refusal {
    enum reason reason;
    struct span expected, actual;
};
void sdk_write_reject(const struct sdk_refusal *refusal, struct sink *out);

/* One frame, or one answer of the caller's, on its way through the table. */
struct sdk_step {
    struct sdk *sdk;
    struct sdk_hand *hand;
    struct sink *out;
    struct sdk_event event;
    struct sdk_refusal refusal; /* what is said instead of the reason itself */
};

/* What is not REASON_OK ends the session. */
enum reason sdk_on_begin(struct sdk_step *step);
enum reason sdk_on_response(struct sdk_step *step);
enum reason sdk_on_ok(struct sdk_step *step);

/* What follows an answer of the caller's, or the absence of a question. */
enum reason sdk_give_begin(struct sdk_step *step, const struct sdk_evidence *evidence);
enum reason sdk_give_response(struct sdk_step *step, const struct sdk_evidence *evidence);
enum reason sdk_after_begin(struct sdk_step *step);
enum reason sdk_after_response(struct sdk_step *step);

/* sdk_signed_part: the digest of that part of a quote which its signature covers.  Both sides show
   evidence over the same report data, so one could show the other's. */
void sdk_signed_part(struct span quote, uint8_t out[SHA256_LEN]);

#endif
