/* chain.c - see chain.h. */
#include "audit/chain.h"

#include "model/reason.h"

rc audit_chain_seal(struct audit_chain *chain, struct audit_record *record, struct sink *out,
                    struct merkle_hash *leaf, struct trail *trail)
{
    size_t mark = out->len;
    struct merkle_hash hash;
    record->seq = chain->tree.size;
    record->prev = chain->last;
    TRY(trail, audit_write(record, out, trail));
    merkle_leaf(span_of(out->at + mark, out->len - mark), &hash);
    sink_u8(out, '\n');
    if (!sink_ok(out) || !audit_chain_take(chain, &hash)) {
        sink_cut(out, mark);
        return REFUSE(trail, REASON_AUDIT_RECORD_INVALID);
    }
    *leaf = hash;
    return RC_SUCCESS;
}

bool audit_chain_take(struct audit_chain *chain, const struct merkle_hash *leaf)
{
    if (!merkle_append(&chain->tree, leaf))
        return false;
    chain->last = *leaf;
    return true;
}

void audit_chain_head(const struct audit_chain *chain, struct merkle_head *out)
{
    out->size = chain->tree.size;
    merkle_root(&chain->tree, &out->root);
}
