/* verify.c - see verify.h. */
#include "audit/verify.h"

static rc found(struct audit_verifier *v, enum reason reason, uint64_t first, uint64_t last)
{
    v->finding = (struct audit_finding){ reason, first, last };
    return rc_make(reason_info(reason)->class, (uint32_t)reason);
}

static rc as_found(const struct audit_verifier *v)
{
    return v->finding.reason == REASON_OK
               ? RC_SUCCESS
               : rc_make(reason_info(v->finding.reason)->class, (uint32_t)v->finding.reason);
}

/* The next head that has not been met yet. */
static const struct merkle_head *next_head(const struct audit_verifier *v)
{
    return v->heads_met < v->against.head_count ? &v->against.heads[v->heads_met] : NULL;
}

/* Heads of the size that the log has now. */
static rc meet_heads(struct audit_verifier *v)
{
    const struct merkle_head *head = next_head(v);
    struct merkle_head mine;
    if (head == NULL || head->size != v->chain.tree.size)
        return RC_SUCCESS;
    audit_chain_head(&v->chain, &mine);
    for (; head != NULL && head->size == mine.size; head = next_head(v)) {
        if (!merkle_equal(&head->root, &mine.root))
            return found(v, REASON_AUDIT_HEAD_MISMATCH, v->agreed,
                         mine.size > 0 ? mine.size - 1 : 0);
        v->heads_met++;
    }
    v->agreed = mine.size;
    return RC_SUCCESS;
}

static rc judge_heads(struct audit_verifier *v)
{
    const struct merkle_head *heads = v->against.heads;
    for (size_t i = 1; i < v->against.head_count; i++) {
        const struct merkle_head *a = &heads[i - 1];
        const struct merkle_head *b = &heads[i];
        uint64_t last = b->size > 0 ? b->size - 1 : 0;
        if (a->size > b->size)
            return found(v, REASON_AUDIT_HEAD_INVALID, last, last);
        if (a->size == b->size && !merkle_equal(&a->root, &b->root))
            return found(v, REASON_AUDIT_FORK, 0, last);
    }
    return RC_SUCCESS;
}

void audit_verify_begin(struct audit_verifier *verifier, struct audit_reader *reader,
                        const struct audit_against *against)
{
    *verifier = (struct audit_verifier){
        .against = *against, .reader = reader, .finding = { .reason = REASON_OK }, .skipping = true
    };
    if (rc_ok(judge_heads(verifier)))
        (void)meet_heads(verifier);
}

/* The kept hash of record `seq`, which is below kept_count. */
static bool kept_hash(struct audit_verifier *v, uint64_t seq, struct merkle_hash *out)
{
    if (seq < v->batch_first || seq - v->batch_first >= v->batch_count) {
        uint64_t left = v->against.kept_count - seq;
        size_t count = left < MERKLE_BATCH ? (size_t)left : MERKLE_BATCH;
        v->batch_count = 0;
        if (!v->against.kept->leaves(v->against.kept->arg, seq, count, v->batch))
            return false;
        v->batch_first = seq;
        v->batch_count = count;
    }
    *out = v->batch[seq - v->batch_first];
    return true;
}

static bool is_kept(const struct audit_verifier *v, uint64_t seq)
{
    return v->against.kept != NULL && seq < v->against.kept_count;
}

/* The next record is the one with this hash. */
static rc take(struct audit_verifier *v, const struct merkle_hash *leaf)
{
    uint64_t seq = v->chain.tree.size;
    if (!audit_chain_take(&v->chain, leaf))
        return found(v, REASON_AUDIT_SEQ_GAP, seq, seq);
    return meet_heads(v);
}

rc audit_verify_skip(struct audit_verifier *verifier, uint64_t count, struct trail *trail)
{
    struct merkle_hash leaf;
    TRY(trail, as_found(verifier));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t seq = verifier->chain.tree.size;
        if (!verifier->skipping || !is_kept(verifier, seq))
            return rc_note(trail, found(verifier, REASON_AUDIT_SEQ_GAP, seq, seq), __func__,
                           __LINE__);
        if (!kept_hash(verifier, seq, &leaf))
            return rc_note(trail, found(verifier, REASON_AUDIT_LEAVES_UNREADABLE, seq, seq),
                           __func__, __LINE__);
        TRY(trail, take(verifier, &leaf));
    }
    return RC_SUCCESS;
}

/* The line's own words: that it is a record, which one, and after which. */
static rc judge_record(struct audit_verifier *v, struct span line, struct audit_record *record)
{
    uint64_t seq = v->chain.tree.size;
    if (!rc_ok(audit_read(v->reader, line, record, NULL)))
        return found(v, REASON_AUDIT_LINE_INVALID, seq, seq);
    if (record->seq != seq)
        return found(v, REASON_AUDIT_SEQ_GAP, seq, seq);
    if (!merkle_equal(&record->prev, &v->chain.last)) {
        /* With its hash kept, the record before is known to be right. */
        uint64_t first = seq == 0 || is_kept(v, seq - 1) ? seq : seq - 1;
        return found(v, REASON_AUDIT_CHAIN_BROKEN, first, seq);
    }
    return RC_SUCCESS;
}

static bool is_under_a_head(const struct audit_verifier *v, uint64_t seq)
{
    size_t count = v->against.head_count;
    return count > 0 && seq < v->against.heads[count - 1].size;
}

static rc judge_line(struct audit_verifier *v, struct span line, struct audit_record *record)
{
    uint64_t seq = v->chain.tree.size;
    struct merkle_hash leaf;
    struct merkle_hash kept;
    bool compared = is_kept(v, seq);
    if (compared && !kept_hash(v, seq, &kept))
        return found(v, REASON_AUDIT_LEAVES_UNREADABLE, seq, seq);
    merkle_leaf(line, &leaf);
    bool same = compared && merkle_equal(&leaf, &kept);
    if (!(same && v->against.bytes_only && is_under_a_head(v, seq))) {
        rc r = judge_record(v, line, record);
        if (!rc_ok(r))
            return r;
    }
    if (compared && !same)
        return found(v, REASON_AUDIT_LEAF_MISMATCH, seq, seq);
    return take(v, &leaf);
}

rc audit_verify_line(struct audit_verifier *verifier, struct span line, struct audit_record *record,
                     struct trail *trail)
{
    struct audit_record unused;
    TRY(trail, as_found(verifier));
    verifier->skipping = false;
    TRY(trail, judge_line(verifier, line, record != NULL ? record : &unused));
    return RC_SUCCESS;
}

rc audit_verify_torn(struct audit_verifier *verifier, struct trail *trail)
{
    uint64_t seq = verifier->chain.tree.size;
    TRY(trail, as_found(verifier));
    return rc_note(trail, found(verifier, REASON_AUDIT_TRUNCATED, seq, seq), __func__, __LINE__);
}

rc audit_verify_end(struct audit_verifier *verifier, struct trail *trail)
{
    uint64_t size = verifier->chain.tree.size;
    uint64_t claimed = verifier->against.kept != NULL ? verifier->against.kept_count : 0;
    TRY(trail, as_found(verifier));
    if (verifier->against.head_count > 0) {
        uint64_t head = verifier->against.heads[verifier->against.head_count - 1].size;
        claimed = head > claimed ? head : claimed;
    }
    if (claimed > size)
        return rc_note(trail, found(verifier, REASON_AUDIT_TRUNCATED, size, claimed - 1), __func__,
                       __LINE__);
    return RC_SUCCESS;
}
