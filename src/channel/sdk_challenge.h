/* sdk_challenge.h - the nonces of profile sdk-v1: what evidence for one must bear, and over HTTP
   how POST /attestation/challenge gives one out, and that it comes back once. */
#ifndef WARD_CHANNEL_SDK_CHALLENGE_H
#define WARD_CHANNEL_SDK_CHALLENGE_H

#include "base/sink.h"
#include "channel/sdk_nonces.h"
#include "model/reason.h"

enum { SDK_REPORT_DATA = 64, SDK_KEY = 32 };

/* sdk_challenge_write answers /attestation/challenge of an address with a nonce of SDK_NONCE random
   bytes, and remembers it for SDK_NONCE_S.  False, and nothing remembered, when `out` has not room
   for 128 bytes. */
MUST_USE
bool sdk_challenge_write(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                         const uint8_t address[SDK_ADDRESS], int64_t now_s, struct sink *out);

/* sdk_challenge_report_data: what evidence for it has as its report data: over the nonce as text,
   where /sdk/ws has its bytes. */
void sdk_challenge_report_data(const uint8_t nonce[SDK_NONCE], uint8_t out[SDK_REPORT_DATA]);

/* sdk_socket_report_data: the same on /sdk/ws, over the nonce's bytes. */
void sdk_socket_report_data(const uint8_t nonce[SDK_NONCE], uint8_t out[SDK_REPORT_DATA]);

/* The keys of a client, in what it sends to /attest. */
struct sdk_keys {
    const uint8_t *request; /* SDK_KEY bytes, of Ed25519: signs what follows */
    const uint8_t *point;   /* as many, of X25519 */
};

/* sdk_challenge_strict: the same where evidence must bind the keys.  Its second half, which the
   SDK's client leaves empty, is then a hash of nonce and keys, so that whoever puts in other keys
   has no evidence for them. */
void sdk_challenge_strict(const uint8_t nonce[SDK_NONCE], const struct sdk_keys *keys,
                          uint8_t out[SDK_REPORT_DATA]);

/* sdk_challenge_take: REASON_OK once, when this end has given the nonce out and it is not too old;
   else SDK_NONCE_UNKNOWN or SDK_NONCE_EXPIRED.  Asked before anything is judged. */
enum reason sdk_challenge_take(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                               int64_t now_s);

#endif
