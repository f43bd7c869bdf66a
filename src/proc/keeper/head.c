/* head.c - see keeper.h: heads of the security log are signed only as extensions of the last
   one that was, whatever the audit process says and whoever was started again. */
#include "crypto/ct.h"
#include "crypto/hmac.h"
#include "merkle/checkpoint.h"
#include "os/clock.h"
#include "proc/keeper/keeper.h"

/* A record of the standing, little endian: magic, counter, the head's size and root, the
   generation that is logged, the length of the handover, its bytes and zeros, and an HMAC of
   all that under the seal's key.  Two of them, written in turn: a power cut leaves the older
   or the newer one whole. */
enum {
    RECORD_MAGIC = 8,
    RECORD_SIGNED = RECORD_MAGIC + 8 + 8 + SHA256_LEN + 8 + 4 + KEEPER_HANDOVER,
    RECORD_LEN = RECORD_SIGNED + SHA256_LEN
};
_Static_assert((int)RECORD_LEN <= (int)KEEPER_BLOCK, "a record lies in its block");
static const uint8_t magic[RECORD_MAGIC + 1] = "WARDLAST";

struct tagging {
    struct span record;
    uint8_t tag[SHA256_LEN];
};

static rc tag_with_key(struct span key, void *arg)
{
    struct tagging *what = arg;
    hmac_sha256(key, what->record, what->tag);
    return RC_SUCCESS;
}

static size_t block_of(uint64_t counter)
{
    return KEYFILE_LEN + KEEPER_BLOCK * (size_t)(counter % 2);
}

static bool take_record(struct cursor *in, struct standing *out, uint8_t tag[SHA256_LEN])
{
    uint32_t len = 0;
    if (!(cur_expect(in, span_of(magic, RECORD_MAGIC)) && cur_u64le(in, &out->counter) &&
          cur_u64le(in, &out->head.size) &&
          cur_copy(in, out->head.root.at, sizeof out->head.root.at) &&
          cur_u64le(in, &out->logged) && cur_u32le(in, &len) && len <= KEEPER_HANDOVER &&
          cur_copy(in, out->handover, KEEPER_HANDOVER) && cur_copy(in, tag, SHA256_LEN)))
        return false;
    out->handover_len = len;
    return true;
}

static bool read_record(struct keeper *keeper, const uint8_t block[RECORD_LEN],
                        struct standing *out)
{
    struct cursor in = cur_over(span_of(block, RECORD_LEN));
    struct standing standing = { 0 };
    struct tagging what = { .record = span_of(block, RECORD_SIGNED) };
    uint8_t tag[SHA256_LEN];
    if (!take_record(&in, &standing, tag) ||
        !rc_ok(secret_lend(keeper->seal, tag_with_key, &what)) ||
        !ct_equal(what.tag, tag, sizeof tag))
        return false;
    *out = standing;
    return true;
}

/* One of the two is torn at most: with neither, either the first one ever was torn, of which
   nothing had left yet, or somebody wrote over both.  As with the keyring, what was read is
   written again before it counts. */
rc keeper_load_standing(struct trail *trail, struct keeper *keeper)
{
    uint8_t blocks[2][RECORD_LEN];
    bool whole = false, unused = false;
    size_t newest = 0;
    for (uint64_t i = 0; i < 2; i++) {
        struct standing found;
        TRY(trail, keeper_read_block(trail, keeper, block_of(i), blocks[i], RECORD_LEN));
        unused = unused || (i == 0 && bytes_are_zero(blocks[i], RECORD_LEN)); /* 1 is the first */
        if (!read_record(keeper, blocks[i], &found) ||
            (whole && found.counter < keeper->standing.counter))
            continue;
        whole = true;
        newest = i;
        keeper->standing = found;
    }
    if (!whole && !unused)
        return REFUSE(trail, REASON_KEYFILE_DAMAGED);
    if (whole)
        return keeper_write_block(trail, keeper, block_of(newest), SPAN(blocks[newest]));
    merkle_root(&(struct merkle_tree){ 0 }, &keeper->standing.head.root);
    return RC_SUCCESS;
}

static void put_head(struct sink *body, const struct merkle_head *head)
{
    sink_u64le(body, head->size);
    sink_put(body, SPAN(head->root.at));
}

rc keeper_write_standing(struct trail *trail, struct keeper *keeper, struct standing *next)
{
    uint8_t bytes[RECORD_LEN];
    struct sink out = sink_over(bytes, sizeof bytes);
    next->counter = keeper->standing.counter + 1;
    sink_put(&out, span_of(magic, RECORD_MAGIC));
    sink_u64le(&out, next->counter);
    put_head(&out, &next->head);
    sink_u64le(&out, next->logged);
    sink_u32le(&out, (uint32_t)next->handover_len);
    sink_put(&out, SPAN(next->handover));
    struct tagging what = { .record = sink_bytes(&out) };
    TRY(trail, secret_lend(keeper->seal, tag_with_key, &what));
    sink_put(&out, SPAN(what.tag));
    TRY(trail, keeper_write_block(trail, keeper, block_of(next->counter), sink_bytes(&out)));
    keeper->standing = *next;
    return RC_SUCCESS;
}

struct asked {
    struct merkle_head old, new;
    struct merkle_proof proof;
};

static bool read_asked(struct call *call, struct asked *out)
{
    uint32_t count = 0;
    if (!(cur_u64le(&call->body, &out->old.size) &&
          cur_copy(&call->body, out->old.root.at, sizeof out->old.root.at) &&
          cur_u64le(&call->body, &out->new.size) &&
          cur_copy(&call->body, out->new.root.at, sizeof out->new.root.at) &&
          cur_u32le(&call->body, &count) && count <= MERKLE_PROOF_MAX))
        return false;
    out->proof.count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!cur_copy(&call->body, out->proof.at[i].at, sizeof out->proof.at[i].at))
            return false;
    }
    return cur_end(&call->body);
}

/* The head is stored before its signature leaves: what was signed is never forgotten. */
static rc sign(struct trail *trail, struct keeper *keeper, const struct asked *asked,
               struct sink *note)
{
    const struct keyring_key *key = keyring_active(&keeper->ring, KEY_ROLE_LOG);
    const struct merkle_head *last = &keeper->standing.head;
    struct payload payload;
    if (key == NULL)
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    if (asked->old.size != last->size || !merkle_equal(&asked->old.root, &last->root))
        return REFUSE(trail, REASON_AUDIT_FORK);
    TRY(trail, merkle_check_consistency(&asked->old, &asked->new, &asked->proof, trail));
    checkpoint_put_text(note, keeper->origin, &asked->new, (struct span){ 0 });
    struct guard_request request = { .peer = GUARD_AUDIT,
                                     .bound = SPAN(key->id),
                                     .role = KEY_ROLE_LOG,
                                     .key = SPAN(key->id),
                                     .state = key->state,
                                     .operation = GUARD_SIGN,
                                     .payload = sink_bytes(note),
                                     .origin = keeper->origin };
    TRY(trail, guard_check(trail, &keeper->audit, &request, clock_monotonic_ms() * 1000, &payload));
    TRY(trail, keeper_sign_note(trail, keeper, note));
    struct standing next = keeper->standing;
    next.head = asked->new;
    return keeper_write_standing(trail, keeper, &next);
}

rc keeper_on_sign_head(struct trail *trail, void *self, struct call *call)
{
    struct keeper *keeper = self;
    struct asked asked;
    uint8_t text[CHECKPOINT_TEXT_MAX], bytes[CHECKPOINT_TEXT_MAX + 8];
    struct sink note = sink_over(text, sizeof text), body = sink_over(bytes, sizeof bytes);
    if (!read_asked(call, &asked))
        return door_fault(trail, call, DOOR_E_BODY);
    struct trail of_sign = { 0 };
    rc signed_it = sign(&of_sign, keeper, &asked, &note);
    if (!rc_ok(signed_it))
        keeper_refused(keeper, REFUSED_HEAD, signed_it, &of_sign);
    sink_u8(&body, rc_ok(signed_it));
    if (rc_ok(signed_it))
        put_bytes(&body, sink_bytes(&note));
    else /* an answer that was lost on its way is found again from here */
        put_head(&body, &keeper->standing.head);
    struct frame answer = { .message = MSG_HEAD_SIGNED, .id = call->id, .body = sink_bytes(&body) };
    return channel_put(trail, call->from, &answer);
}
