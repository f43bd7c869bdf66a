/* sdk_bootstrap.h - how a challenge of profile sdk-v1 gets a session over HTTP, the validator's
   side: what POST /attestation/challenge and POST /attest read and answer, and the bodies of signed
   requests after that.  docs/wire.md, "Profile sdk-v1".

   Pure as sdk.h, and as weak: the evidence binds a nonce and no key. */
#ifndef WARD_CHANNEL_SDK_BOOTSTRAP_H
#define WARD_CHANNEL_SDK_BOOTSTRAP_H

#include "channel/sdk.h"
#include "channel/sdk_challenge.h"

/* The body of /attest, read. */
struct sdk_attest {
    uint8_t request_key[32]; /* Ed25519: signs what follows */
    uint8_t point[X25519_LEN];
    uint8_t nonce[SDK_NONCE];
    uint8_t report_data[SDK_REPORT_DATA]; /* that the evidence must have */
    struct sdk_evidence evidence;         /* views the body; the registers in it are not read */
};

/* sdk_attest_read reads the body where it lies: CHANNEL_MALFORMED, CHANNEL_TOO_LARGE,
   CHANNEL_EVIDENCE_REQUIRED or SDK_DEV_PEER. */
enum reason sdk_attest_read(uint8_t *body, size_t len, struct sdk_attest *out);

/* sdk_attest_key: CHANNEL_KEY for a point that gives no key with whatever secret; asked before
   anything is granted. */
enum reason sdk_attest_key(const struct sdk_attest *attest);

/* sdk_sealed_max: the most bytes that a body which says so many has when it is sealed, in whatever
   way it is spelled that anybody writes. */
size_t sdk_sealed_max(size_t plain);

/* What the answer is made from: 32 random bytes each, wiped by the caller. */
struct sdk_grant {
    const uint8_t *secret, *salt;
    struct span token; /* of the session: visible ASCII */
};

/* sdk_attest_answer writes the answer to an attest whose evidence was found good, and gives the key
   of the session.  CHANNEL_KEY for a point that gives none, CHANNEL_TOO_LARGE when it does not
   fit; then nothing is written and *key is untouched. */
enum reason sdk_attest_answer(const struct sdk_attest *attest, const struct sdk_grant *grant,
                              uint8_t key[AEAD_KEY], struct sink *out);

/* sdk_body_open opens the body of a request on a session with a key, and appends what it says to
   `out`, which needs room for the whole body.  `quirk` also takes what the SDK's client seals: its
   12 bytes of nonce filled up to XChaCha20's 24 with zeros.  SDK_PLAINTEXT for what is no envelope:
   a session that has a key does not go on without. */
enum reason sdk_body_open(const uint8_t key[AEAD_KEY], bool quirk, struct span body,
                          struct sink *out);

#endif
