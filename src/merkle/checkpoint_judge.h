/* checkpoint_judge.h - whose signature a checkpoint bears: that of the log, those of k of n
   witnesses (c2sp.org/tlog-cosignature, cosignature/v1), and whether two of them prove that
   a log has told two stories.

   Ed25519 is a function that the caller gives; everything that is signed is put together
   here. */
#ifndef WARD_MERKLE_CHECKPOINT_JUDGE_H
#define WARD_MERKLE_CHECKPOINT_JUDGE_H

#include "merkle/checkpoint.h"

enum { CHECKPOINT_KEY_LEN = 32 };

/* The kinds of signature that are judged, with their bytes in a key's id. */
enum checkpoint_kind {
    CHECKPOINT_BY_LOG = 0x01,     /* over the text */
    CHECKPOINT_BY_WITNESS = 0x04, /* over a time and the text */
};

struct checkpoint_key {
    struct span name;
    uint8_t public_key[CHECKPOINT_KEY_LEN];
};

/* checkpoint_key_id: "SHA-256(key name || 0x0A || signature type || public key)[:4]" */
uint32_t checkpoint_key_id(const struct checkpoint_key *key, enum checkpoint_kind kind);

/* checkpoint_key_read reads a key as it is published (c2sp.org/signed-note):
   "NAME+KEY ID+BASE64", of the kind that is wanted.  The name views the text.  False, with *out
   untouched, for everything else. */
MUST_USE
bool checkpoint_key_read(struct span text, enum checkpoint_kind kind, struct checkpoint_key *out);

/* checkpoint_put_cosigned appends what a witness signs at `at`, whole seconds since 1970. */
void checkpoint_put_cosigned(struct sink *out, struct span text, uint64_t at);

/* Pure Ed25519 (RFC 8032), which refuses what it should: points of small order, s past the
   group's order. */
struct checkpoint_verifier {
    bool (*ed25519)(void *arg, const uint8_t public_key[CHECKPOINT_KEY_LEN], struct span message,
                    const uint8_t signature[CHECKPOINT_ED25519]);
    void *arg;
};

/* checkpoint_check_log: the origin is the key's name, and the key has signed.  Every
   signature under that name and id must be good, so that a note is not good for one reader
   and bad for another; AUDIT_HEAD_SIGNATURE otherwise.  Signatures of other keys are
   ignored. */
MUST_USE
rc checkpoint_check_log(const struct checkpoint *checkpoint, const struct checkpoint_key *key,
                        const struct checkpoint_verifier *verifier, struct trail *trail);

/* Whose word is asked for, and how many must have given it. */
struct checkpoint_witnesses {
    const struct checkpoint_key *keys;
    size_t count;
    size_t need;    /* 0: no witness is needed, and none may have signed wrongly */
    int64_t oldest; /* seconds since 1970: a cosignature made before is not counted, */
    int64_t newest; /* nor one made after: now, and what clocks may differ by */
};

/* checkpoint_check_witnesses counts each public key once, however often it has signed or is
   listed.  AUDIT_WITNESS_QUORUM when fewer than `need` have signed in time, when a listed
   witness's signature is wrong, or when more are needed than listed.  *have, which may be
   NULL, is written in every case. */
MUST_USE
rc checkpoint_check_witnesses(const struct checkpoint *checkpoint,
                              const struct checkpoint_witnesses *witnesses,
                              const struct checkpoint_verifier *verifier, size_t *have,
                              struct trail *trail);

/* checkpoint_check_fork judges a proof of a fork: two notes with one origin and one size,
   both signed by the log's key, with different roots.  Success: the log is caught, and
   anybody with the two notes and the public key can see it.  AUDIT_PROOF_INVALID when they
   prove nothing; AUDIT_HEAD_SIGNATURE when one of them is not the log's. */
MUST_USE
rc checkpoint_check_fork(const struct checkpoint *a, const struct checkpoint *b,
                         const struct checkpoint_key *key,
                         const struct checkpoint_verifier *verifier, struct trail *trail);

#endif
