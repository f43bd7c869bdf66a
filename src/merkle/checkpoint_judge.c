/* checkpoint_judge.c - see checkpoint_judge.h. */
#include "merkle/checkpoint_judge.h"

#include <string.h>

#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "model/reason.h"

uint32_t checkpoint_key_id(const struct checkpoint_key *key, enum checkpoint_kind kind)
{
    const uint8_t between[] = { '\n', (uint8_t)kind };
    const struct span parts[] = { key->name, SPAN(between), SPAN(key->public_key) };
    uint8_t digest[SHA256_LEN];
    uint32_t id = 0;
    hash_sha256_parts(parts, 3, digest);
    for (size_t i = 0; i < 4; i++)
        id = id << 8 | digest[i];
    return id;
}

static bool read_parts(struct span text, struct span *name, uint8_t id[4], struct span *base64)
{
    const uint8_t *plus = text.len > 0 ? memchr(text.at, '+', text.len) : NULL;
    struct cursor in = cur_over(text);
    struct span hex;
    if (plus == NULL || !cur_take(&in, (size_t)(plus - text.at), name) || !cur_skip(&in, 1) ||
        !cur_take(&in, 8, &hex) || !hex_decode(hex, id, 4) || !cur_expect(&in, span_text("+")))
        return false;
    *base64 = cur_rest(&in);
    return checkpoint_name_is_legal(*name);
}

bool checkpoint_key_read(struct span text, enum checkpoint_kind kind, struct checkpoint_key *out)
{
    struct checkpoint_key read = { 0 };
    struct span base64;
    uint8_t id[4], bytes[1 + CHECKPOINT_KEY_LEN];
    struct sink key = sink_over(bytes, sizeof bytes);
    if (!read_parts(text, &read.name, id, &base64) || !base64_decode(base64, &key) ||
        key.len != sizeof bytes || bytes[0] != (uint8_t)kind)
        return false;
    memcpy(read.public_key, bytes + 1, CHECKPOINT_KEY_LEN);
    uint32_t said = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    if (said != checkpoint_key_id(&read, kind))
        return false;
    *out = read;
    return true;
}

void checkpoint_put_cosigned(struct sink *out, struct span text, uint64_t at)
{
    sink_format(out, "cosignature/v1\ntime %llu\n", (unsigned long long)at);
    sink_put(out, text);
}

/* "The tuple of key name and key ID uniquely identifies the key." */
static bool is_of(const struct checkpoint_signature *signature, const struct checkpoint_key *key,
                  enum checkpoint_kind kind)
{
    return span_equal(signature->name, key->name) &&
           signature->key_id == checkpoint_key_id(key, kind);
}

rc checkpoint_check_log(const struct checkpoint *checkpoint, const struct checkpoint_key *key,
                        const struct checkpoint_verifier *verifier, struct trail *trail)
{
    size_t good = 0;
    if (!span_equal(checkpoint->origin, key->name))
        return REFUSE(trail, REASON_AUDIT_HEAD_SIGNATURE);
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct checkpoint_signature *signature = &checkpoint->signatures[i];
        if (!is_of(signature, key, CHECKPOINT_BY_LOG))
            continue;
        if (signature->len != CHECKPOINT_ED25519 ||
            !verifier->ed25519(verifier->arg, key->public_key, checkpoint->text, signature->bytes))
            return REFUSE(trail, REASON_AUDIT_HEAD_SIGNATURE);
        good++;
    }
    return good > 0 ? RC_SUCCESS : REFUSE(trail, REASON_AUDIT_HEAD_SIGNATURE);
}

/* What a witness has done about a checkpoint. */
enum stand { STAND_NONE = 0, STAND_SIGNED, STAND_WRONG };

static enum stand judge_cosignature(const struct checkpoint *checkpoint,
                                    const struct checkpoint_signature *signature,
                                    const struct checkpoint_witnesses *witnesses,
                                    const struct checkpoint_key *key,
                                    const struct checkpoint_verifier *verifier)
{
    uint8_t room[CHECKPOINT_TEXT_MAX + 64];
    struct sink message = sink_over(room, sizeof room);
    struct cursor in = cur_over(SPAN(signature->bytes));
    uint64_t at;
    struct span bytes;
    if (signature->len != CHECKPOINT_COSIGNATURE || !cur_u64be(&in, &at) ||
        !cur_take(&in, CHECKPOINT_ED25519, &bytes) || at > INT64_MAX)
        return STAND_WRONG;
    checkpoint_put_cosigned(&message, checkpoint->text, at);
    if (!sink_ok(&message) ||
        !verifier->ed25519(verifier->arg, key->public_key, sink_bytes(&message), bytes.at))
        return STAND_WRONG;
    bool in_time = (int64_t)at >= witnesses->oldest && (int64_t)at <= witnesses->newest;
    return in_time ? STAND_SIGNED : STAND_NONE;
}

/* All that one listed witness has said. */
static enum stand stand_of(const struct checkpoint *checkpoint,
                           const struct checkpoint_witnesses *witnesses, size_t number,
                           const struct checkpoint_verifier *verifier)
{
    enum stand stand = STAND_NONE;
    const struct checkpoint_key *key = &witnesses->keys[number];
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct checkpoint_signature *signature = &checkpoint->signatures[i];
        if (!is_of(signature, key, CHECKPOINT_BY_WITNESS))
            continue;
        enum stand one = judge_cosignature(checkpoint, signature, witnesses, key, verifier);
        if (one == STAND_WRONG)
            return one;
        stand = one == STAND_SIGNED ? one : stand;
    }
    return stand;
}

/* A key that is listed twice, perhaps under two names, has one voice. */
static bool is_counted_before(const struct checkpoint *checkpoint,
                              const struct checkpoint_witnesses *witnesses, size_t number,
                              const struct checkpoint_verifier *verifier)
{
    for (size_t i = 0; i < number; i++) {
        if (bytes_equal(witnesses->keys[i].public_key, witnesses->keys[number].public_key,
                        CHECKPOINT_KEY_LEN) &&
            stand_of(checkpoint, witnesses, i, verifier) == STAND_SIGNED)
            return true;
    }
    return false;
}

rc checkpoint_check_witnesses(const struct checkpoint *checkpoint,
                              const struct checkpoint_witnesses *witnesses,
                              const struct checkpoint_verifier *verifier, size_t *have,
                              struct trail *trail)
{
    size_t good = 0;
    bool wrong = false;
    for (size_t i = 0; i < witnesses->count; i++) {
        enum stand stand = stand_of(checkpoint, witnesses, i, verifier);
        wrong = wrong || stand == STAND_WRONG;
        if (stand == STAND_SIGNED && !is_counted_before(checkpoint, witnesses, i, verifier))
            good++;
    }
    if (have != NULL)
        *have = good;
    if (wrong || good < witnesses->need)
        return REFUSE(trail, REASON_AUDIT_WITNESS_QUORUM);
    return RC_SUCCESS;
}

rc checkpoint_check_fork(const struct checkpoint *a, const struct checkpoint *b,
                         const struct checkpoint_key *key,
                         const struct checkpoint_verifier *verifier, struct trail *trail)
{
    TRY(trail, checkpoint_check_log(a, key, verifier, trail));
    TRY(trail, checkpoint_check_log(b, key, verifier, trail));
    if (a->head.size != b->head.size || merkle_equal(&a->head.root, &b->head.root))
        return REFUSE(trail, REASON_AUDIT_PROOF_INVALID);
    return RC_SUCCESS;
}
