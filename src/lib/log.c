/* log.c - the public face of a log's proofs: heads, inclusion, consistency. */
#include "ward/log.h"

#include <string.h>

#include "crypto/ed25519.h"
#include "lib/objects.h"
#include "merkle/checkpoint_judge.h"
#include "model/reason.h"

_Static_assert((int)WARD_LOG_HASH == (int)SHA256_LEN, "a hash is one of SHA-256");
_Static_assert((int)WARD_LOG_PROOF_HASHES == (int)MERKLE_PROOF_MAX, "no proof is longer");
_Static_assert((int)WARD_LOG_HEAD_BYTES == (int)CHECKPOINT_MAX, "no note is longer");

void ward_log_leaf(struct ward_bytes record, uint8_t leaf[WARD_LOG_HASH])
{
    struct merkle_hash hash;
    merkle_leaf(span_of_bytes(record), &hash);
    memcpy(leaf, hash.at, sizeof hash.at);
}

static enum ward_outcome refuse(struct ward_error *error, enum reason reason)
{
    return error_reason(error, WARD_BAD_INPUT, reason, REASON_NONE);
}

static enum ward_outcome outcome_of(struct ward_error *error, rc judged)
{
    return rc_ok(judged) ? WARD_DONE : refuse(error, reason_of_rc(judged, REASON_NONE));
}

static bool verify(void *arg, const uint8_t public_key[CHECKPOINT_KEY_LEN], struct span message,
                   const uint8_t signature[CHECKPOINT_ED25519])
{
    (void)arg;
    return ed25519_verify(span_of(public_key, CHECKPOINT_KEY_LEN), message,
                          span_of(signature, CHECKPOINT_ED25519));
}

static const struct checkpoint_verifier verifier = { .ed25519 = verify };

static bool read_key(const char *text, enum checkpoint_kind kind, struct checkpoint_key *out)
{
    return text != NULL && checkpoint_key_read(span_text(text), kind, out);
}

static enum ward_outcome check_witnesses(const struct checkpoint *note,
                                         const struct ward_log_trust *trust,
                                         struct ward_error *error)
{
    struct checkpoint_key keys[WARD_LOG_WITNESSES];
    struct checkpoint_witnesses witnesses = { .keys = keys,
                                              .count = trust->witness_count,
                                              .need = trust->witnesses_needed,
                                              .oldest = trust->oldest,
                                              .newest = trust->newest != 0 ? trust->newest
                                                                           : INT64_MAX };
    if (trust->witness_count > WARD_LOG_WITNESSES)
        return refuse(error, REASON_AUDIT_WITNESS_QUORUM);
    for (size_t i = 0; i < trust->witness_count; i++) {
        if (!read_key(trust->witnesses[i], CHECKPOINT_BY_WITNESS, &keys[i]))
            return refuse(error, REASON_AUDIT_WITNESS_QUORUM);
    }
    return outcome_of(error, checkpoint_check_witnesses(note, &witnesses, &verifier, NULL, NULL));
}

enum ward_outcome ward_log_check_head(struct ward_bytes note, const struct ward_log_trust *trust,
                                      struct ward_log_head *out, struct ward_error *error)
{
    struct checkpoint read;
    struct checkpoint_key key;
    rc judged = checkpoint_parse(span_of_bytes(note), &read, NULL);
    if (!rc_ok(judged))
        return outcome_of(error, judged);
    if (!read_key(trust->key, CHECKPOINT_BY_LOG, &key) ||
        !rc_ok(checkpoint_check_log(&read, &key, &verifier, NULL)))
        return refuse(error, REASON_AUDIT_HEAD_SIGNATURE);
    enum ward_outcome outcome = check_witnesses(&read, trust, error);
    if (outcome != WARD_DONE)
        return outcome;
    out->size = read.head.size;
    memcpy(out->root, read.head.root.at, sizeof out->root);
    return WARD_DONE;
}

static struct merkle_head head_of(const struct ward_log_head *head)
{
    struct merkle_head out = { .size = head->size };
    memcpy(out.root.at, head->root, sizeof out.root.at);
    return out;
}

/* False for one that is longer than any, or has a number of hashes and no hash. */
static bool take_proof(const struct ward_log_proof *proof, struct merkle_proof *out)
{
    if (proof->count > MERKLE_PROOF_MAX || (proof->hashes == NULL && proof->count > 0))
        return false;
    out->count = proof->count;
    if (proof->count > 0)
        memcpy(out->at, proof->hashes, proof->count * sizeof out->at[0]);
    return true;
}

enum ward_outcome ward_log_check_inclusion(const struct ward_log_head *head, uint64_t seq,
                                           const uint8_t leaf[WARD_LOG_HASH],
                                           const struct ward_log_proof *proof,
                                           struct ward_error *error)
{
    struct merkle_head of = head_of(head);
    struct merkle_hash hash;
    struct merkle_proof taken;
    memcpy(hash.at, leaf, sizeof hash.at);
    if (!take_proof(proof, &taken))
        return refuse(error, REASON_AUDIT_PROOF_INVALID);
    return outcome_of(error, merkle_check_inclusion(&of, seq, &hash, &taken, NULL));
}

enum ward_outcome ward_log_check_consistency(const struct ward_log_head *older,
                                             const struct ward_log_head *newer,
                                             const struct ward_log_proof *proof,
                                             struct ward_error *error)
{
    struct merkle_head old = head_of(older), new = head_of(newer);
    struct merkle_proof taken;
    if (!take_proof(proof, &taken))
        return refuse(error, REASON_AUDIT_PROOF_INVALID);
    return outcome_of(error, merkle_check_consistency(&old, &new, &taken, NULL));
}
