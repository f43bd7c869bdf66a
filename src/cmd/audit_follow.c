/* audit_follow.c - see audit_follow.h. */
#include "cmd/audit_follow.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/fd.h"

static bool read_spool(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    struct audit_follower *follower = arg;
    size_t len = count * sizeof *out;
    return fflush(follower->spool) == 0 &&
           fd_read_at(fileno(follower->spool), first * sizeof *out, out, len) == (ssize_t)len;
}

/* The name in the first head that can be read, where the key does not say one. */
static struct span origin_of(const struct audit_key *key, const struct audit_heads *heads)
{
    struct checkpoint head;
    for (size_t i = 0; key->any_origin && i < heads->count; i++) {
        if (rc_ok(checkpoint_parse(heads->notes[i], &head, NULL)))
            return head.origin;
    }
    return key->key.name;
}

bool audit_follow_begin(struct audit_follower *follower, const struct audit_key *key,
                        const struct audit_heads *heads, const struct merkle_source *kept)
{
    follower->key = *key;
    follower->key.key.name = origin_of(key, heads);
    follower->finding = (struct audit_finding){ .reason = REASON_OK };
    audit_succession_begin(&follower->keys, &follower->key.key, audit_key_verifier());
    follower->spool = NULL;
    if (kept != NULL) {
        follower->kept = *kept;
        return true;
    }
    follower->spool = tmpfile();
    follower->kept = (struct merkle_source){ .leaves = read_spool, .arg = follower };
    if (follower->spool == NULL)
        say("audit verify: no temporary file for the hashes of the log: %s", strerror(errno));
    return follower->spool != NULL;
}

void audit_follow_end(struct audit_follower *follower)
{
    if (follower->spool != NULL)
        (void)fclose(follower->spool); /* nobody needs what was in it */
    follower->spool = NULL;
}

static bool found(struct audit_follower *follower, rc failure, uint64_t seq)
{
    if (rc_ok(failure))
        return true;
    follower->finding = (struct audit_finding){
        reason_of_rc(failure, REASON_AUDIT_LEAVES_UNREADABLE), seq, seq
    };
    return false;
}

bool audit_follow_line(struct audit_follower *follower, struct span line, uint64_t seq,
                       const struct merkle_hash *leaf)
{
    struct audit_record record;
    if (follower->spool != NULL && fwrite(leaf, sizeof *leaf, 1, follower->spool) != 1)
        return found(follower, rc_make(RC_WORLD, REASON_AUDIT_LEAVES_UNREADABLE), seq);
    if (!audit_succession_may_be(line))
        return true;
    rc taken = audit_read(follower->reader, line, &record, NULL);
    if (rc_ok(taken))
        taken = audit_succession_take(&follower->keys, &record, &follower->kept, NULL);
    return found(follower, taken, seq);
}

bool audit_follow_kept(struct audit_follower *follower, const struct audit_heads *heads,
                       uint64_t first)
{
    for (size_t i = 0; follower->spool == NULL && i < heads->heir_count; i++) {
        const struct audit_heir *heir = &heads->heirs[i];
        struct merkle_hash leaf, have;
        merkle_leaf(heir->line, &leaf);
        if (heir->seq >= first)
            continue;
        if (!follower->kept.leaves(follower->kept.arg, heir->seq, 1, &have))
            return found(follower, rc_make(RC_WORLD, REASON_AUDIT_LEAVES_UNREADABLE), heir->seq);
        if (!merkle_equal(&leaf, &have))
            return found(follower, rc_make(RC_DENIED, REASON_AUDIT_LEAF_MISMATCH), heir->seq);
        if (!audit_follow_line(follower, heir->line, heir->seq, &leaf))
            return false;
    }
    return true;
}

static enum audit_signer signer_of(const struct audit_follower *follower, struct span note)
{
    struct checkpoint head;
    return rc_ok(checkpoint_parse(note, &head, NULL))
               ? audit_succession_signer(&follower->keys, &head)
               : AUDIT_SIGNER_NONE;
}

enum reason audit_follow_heads(struct audit_follower *follower, const struct audit_heads *heads,
                               struct span wanted)
{
    uint64_t seq = 0;
    size_t first = 0;
    while (first < heads->count &&
           signer_of(follower, heads->notes[first]) != AUDIT_SIGNER_REIGNING)
        first++;
    /* A key that has nothing to do with the log cannot judge what its keys have signed. */
    if (first == heads->count && heads->count > 0 && !follower->keys.begun)
        return REASON_AUDIT_HEAD_SIGNATURE;
    rc ended = audit_succession_end(&follower->keys, &seq, NULL);
    if (!found(follower, ended, seq))
        return follower->finding.reason;
    for (size_t i = 0; i < heads->count; i++) {
        enum audit_signer signer = signer_of(follower, heads->notes[i]);
        bool is_wanted = wanted.len > 0 && heads->notes[i].at == wanted.at;
        if (signer == AUDIT_SIGNER_PAST || (signer == AUDIT_SIGNER_NONE && is_wanted))
            return REASON_AUDIT_HEAD_SIGNATURE;
        if (signer == AUDIT_SIGNER_NONE && i > first)
            return REASON_AUDIT_HANDOVER_MISSING;
    }
    if (first < heads->count || heads->count == 0)
        return REASON_OK;
    return REASON_AUDIT_HANDOVER_MISSING;
}
