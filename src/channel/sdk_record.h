/* sdk_record.h - the records of profile sdk-v1: envelopes in JSON, sealed with the one key that
   both ends have.

       {"enc":"chacha20poly1305","nonce":"<12 bytes>","ciphertext":"<sealed, tag last>"}

   One key goes both ways and nonces are what each side likes, so both ends must see to it that no
   nonce is used twice.  What is sent from here is numbered: a nonce is the number and a keyed hash
   of it.  To a peer it looks like any other; here it tells an own record that comes back.  What
   comes is remembered by its nonce, and taken once. */
#ifndef WARD_CHANNEL_SDK_RECORD_H
#define WARD_CHANNEL_SDK_RECORD_H

#include "base/sink.h"
#include "crypto/aead.h"
#include "crypto/siphash.h"
#include "model/reason.h"

enum {
    SDK_PLAIN_MAX = 1 << 19, /* bytes of one message */
    SDK_FRAME_MAX = 1 << 20, /* bytes of any frame */
    SDK_TAKEN_MAX = 1 << 16, /* records of one session that are taken */
    SDK_SENT_MAX = 1 << 20,  /* records of one session that are sent */
};

/* A nonce that was taken.  {0} is empty. */
struct sdk_slot {
    uint8_t nonce[CHACHA20_NONCE];
    uint32_t used;
};

/* Both directions of a session.  {0} has no key. */
struct sdk_way {
    bool open;
    uint8_t key[AEAD_KEY];
    uint8_t hash_key[SIPHASH_KEY_LEN]; /* this end's alone */
    uint32_t sent, taken;
    struct sdk_slot *slots;
    size_t slot_count;
};

/* sdk_key derives the key of a session: HKDF-SHA256 over the shared secret. */
void sdk_key(struct span shared, struct span salt, uint8_t out[AEAD_KEY]);

/* sdk_way_init clears the slots.  `secret` is 32 bytes that no other end has; the hash key comes
   from it. */
void sdk_way_init(struct sdk_way *way, const uint8_t *secret, struct sdk_slot *slots,
                  size_t slot_count);
void sdk_way_wipe(struct sdk_way *way);

bool sdk_way_is_sound(const struct sdk_way *way);

/* sdk_record_len: the bytes of the frame for a message of that many. */
size_t sdk_record_len(size_t plain);

/* sdk_record_seal appends one frame.  False, and nothing changed, as sdk_send. */
MUST_USE
bool sdk_record_seal(struct sdk_way *way, struct span plain, struct sink *out);

/* sdk_record_open reads and opens the frame where it lies.  Not REASON_OK: nothing was taken, and
   the way is as it was.  CHANNEL_EXHAUSTED: no record will be taken any more. */
MUST_USE
enum reason sdk_record_open(struct sdk_way *way, uint8_t *frame, size_t len, struct span *plain);

/* The envelope by itself. */
struct sdk_envelope {
    bool named_x; /* "enc" is xchacha20poly1305, which records never are */
    uint8_t nonce[CHACHA20_NONCE];
    struct span ciphertext; /* base64, a view of the text */
};

/* sdk_envelope_read: false for what is none, and for one of another cipher.  Other members are not
   looked at, as in the SDK. */
MUST_USE
bool sdk_envelope_read(struct span text, struct sdk_envelope *out);

#endif
