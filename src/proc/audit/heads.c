/* heads.c - see auditor.h: the file of signed heads, and the keeper who signs them.

   The file is a row of slots (audit_slot.h): the first two say where the open file of the log
   begins, others hold the last heads, and the last ones the records by which the log's key was
   handed on. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/succession.h"
#include "merkle/checkpoint.h"
#include "model/reason.h"
#include "os/clock.h"
#include "proc/audit/parts.h"
#include "proc/audit_slot.h"
#include "proc/log.h"
#include "proc/messages.h"

static rc write_slot(struct trail *trail, const struct heads *heads, unsigned number,
                     const struct audit_slot *slot)
{
    uint8_t bytes[AUDIT_SLOT_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    audit_slot_put(&out, slot);
    if (!sink_ok(&out))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    TRY(trail,
        file_write_at(trail, heads->fd, (uint64_t)number * AUDIT_SLOT_BYTES, sink_bytes(&out)));
    if (fdatasync(heads->fd) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static void take_base(struct heads *heads, unsigned number, const struct audit_slot *slot)
{
    if (heads->based && slot->a < heads->base_first)
        return;
    heads->based = true;
    heads->base_first = slot->a;
    heads->base_day = (int64_t)slot->b;
    heads->next_base = (number + 1) % AUDIT_SLOT_BASES;
}

static void take_head(struct heads *heads, unsigned number, const struct audit_slot *slot)
{
    struct checkpoint checkpoint;
    if (slot->payload.len > sizeof heads->note ||
        !rc_ok(checkpoint_parse(slot->payload, &checkpoint, NULL)) ||
        checkpoint.head.size <= heads->head.size)
        return;
    heads->head = heads->known = checkpoint.head;
    heads->signed_at = (int64_t)slot->a;
    heads->note_len = slot->payload.len;
    memcpy(heads->note, slot->payload.at, slot->payload.len);
    heads->next_slot = number + 1 < AUDIT_SLOTS ? number + 1 : AUDIT_SLOT_BASES;
}

static void take_heir(struct heads *heads, unsigned number, const struct audit_slot *slot)
{
    heads->heirs = number + 1 - AUDIT_SLOTS;
    heads->heir_next = slot->a + 1;
}

/* All slots are there from the beginning: a full disk does not keep a head from being kept.
   Where it is full already, the log is read all the same. */
static rc reserve(struct trail *trail, int fd)
{
    static const uint8_t zeros[AUDIT_SLOT_BYTES];
    struct stat is;
    if (fstat(fd, &is) != 0)
        return FAIL_ERRNO(trail);
    for (unsigned i = (unsigned)(is.st_size / AUDIT_SLOT_BYTES); i < AUDIT_SLOTS_ALL; i++)
        TRY(trail, file_write_at(trail, fd, (uint64_t)i * AUDIT_SLOT_BYTES, SPAN(zeros)));
    return RC_SUCCESS;
}

void heads_open(struct trail *trail, struct heads *heads, int fd)
{
    uint8_t bytes[AUDIT_SLOT_BYTES];
    *heads = (struct heads){ .fd = fd, .next_slot = AUDIT_SLOT_BASES };
    rc reserved = reserve(trail, fd);
    if (!rc_ok(reserved))
        log_failure("no room for heads", reserved, trail);
    for (unsigned i = 0; i < AUDIT_SLOTS_ALL; i++) {
        struct audit_slot slot;
        if (!file_read_at(fd, (uint64_t)i * AUDIT_SLOT_BYTES, bytes, sizeof bytes) ||
            !audit_slot_get(SPAN(bytes), &slot))
            continue;
        if (slot.kind == AUDIT_SLOT_BASE && i < AUDIT_SLOT_BASES)
            take_base(heads, i, &slot);
        else if (slot.kind == AUDIT_SLOT_HEAD && i >= AUDIT_SLOT_BASES && i < AUDIT_SLOTS)
            take_head(heads, i, &slot);
        else if (slot.kind == AUDIT_SLOT_HEIR && i >= AUDIT_SLOTS)
            take_heir(heads, i, &slot);
    }
}

rc heads_keep_heir(struct trail *trail, struct heads *heads, struct audit_reader *reader,
                   uint64_t seq, struct span line)
{
    struct audit_record record;
    struct audit_slot slot = { .kind = AUDIT_SLOT_HEIR, .a = seq, .payload = line };
    unsigned number = AUDIT_SLOTS + heads->heirs;
    if (seq < heads->heir_next || !audit_succession_may_be(line) ||
        !rc_ok(audit_read(reader, line, &record, NULL)) || !audit_succession_is(&record))
        return RC_SUCCESS;
    if (number == AUDIT_SLOTS_ALL) {
        log_event("a hand-over of the log's key is not kept beyond its file: there are too many");
        return RC_SUCCESS;
    }
    TRY(trail, write_slot(trail, heads, number, &slot));
    take_heir(heads, number, &slot);
    return RC_SUCCESS;
}

rc heads_write_base(struct trail *trail, struct heads *heads, uint64_t first, int64_t day)
{
    struct audit_slot slot = { .kind = AUDIT_SLOT_BASE,
                               .a = first,
                               .b = day > 0 ? (uint64_t)day : 0 };
    heads->based = false;
    TRY(trail, write_slot(trail, heads, heads->next_base, &slot));
    take_base(heads, heads->next_base, &slot);
    return RC_SUCCESS;
}

/* What the head relies on is durable before it is. */
static rc keep(struct trail *trail, struct auditor *auditor, struct span note)
{
    struct heads *heads = &auditor->heads;
    struct audit_slot slot = { .kind = AUDIT_SLOT_HEAD,
                               .a = (uint64_t)clock_now_ms(),
                               .payload = note };
    unsigned number = heads->next_slot;
    rc synced = leaves_sync(trail, &auditor->leaves);
    if (!rc_ok(synced)) {
        group_stop(auditor, WRITING_FAILED, synced);
        return synced;
    }
    TRY(trail, write_slot(trail, heads, number, &slot));
    take_head(heads, number, &slot);
    return RC_SUCCESS;
}

static rc prove(struct trail *trail, struct auditor *auditor, uint64_t from, uint64_t to,
                struct merkle_proof *out)
{
    struct merkle_source source = leaves_source(&auditor->leaves);
    *out = (struct merkle_proof){ 0 };
    if (from == 0)
        return RC_SUCCESS;
    return merkle_prove_consistency(&source, from, to, out, trail);
}

static void put_head(struct sink *body, const struct merkle_head *head)
{
    sink_u64le(body, head->size);
    sink_put(body, SPAN(head->root.at));
}

static rc ask(struct trail *trail, struct auditor *auditor)
{
    uint8_t bytes[2 * 40 + 4 + MERKLE_PROOF_MAX * SHA256_LEN];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct heads *heads = &auditor->heads;
    struct merkle_head old = heads->known, head;
    struct merkle_proof proof;
    audit_chain_head(&auditor->chain, &head);
    TRY(trail, prove(trail, auditor, old.size, head.size, &proof));
    if (old.size == 0)
        merkle_root(&(struct merkle_tree){ 0 }, &old.root);
    put_head(&body, &old);
    put_head(&body, &head);
    sink_u32le(&body, (uint32_t)proof.count);
    sink_put(&body, span_of(proof.at, proof.count * sizeof proof.at[0]));
    struct channel *keeper = &auditor->house->channels[PEER_KEEPER];
    struct frame frame = { .message = MSG_SIGN_HEAD,
                           .id = channel_next_id(keeper),
                           .body = sink_bytes(&body) };
    TRY(trail, channel_put(trail, keeper, &frame));
    heads->asked = frame.id;
    heads->asked_head = head;
    return RC_SUCCESS;
}

/* One question at a time.  After a failure the next one waits, so that a keeper that is
   starting again, or a disk that is full, is not asked in a circle. */
void heads_ask(struct auditor *auditor)
{
    struct heads *heads = &auditor->heads;
    struct trail trail = { 0 };
    if (auditor->now_ms < heads->next_ms || auditor->writing != WRITING ||
        auditor->chain.tree.size <= heads->head.size ||
        auditor->leaves.count < auditor->chain.tree.size ||
        !channel_is_open(&auditor->house->channels[PEER_KEEPER]))
        return;
    heads->asked = 0;
    heads->next_ms = auditor->now_ms + HEADS_AGAIN_MS;
    rc asked = ask(&trail, auditor);
    if (!rc_ok(asked))
        log_failure("head not sent to be signed", asked, &trail);
}

/* The keeper signed last what we do not know: an answer that was lost on its way, which the
   next question starts from, or a log that was put back to an earlier state.  The roots tell
   which. */
static void compare_with(struct auditor *auditor, const struct merkle_head *theirs)
{
    struct merkle_hash mine;
    struct trail trail = { 0 };
    struct merkle_source source = leaves_source(&auditor->leaves);
    if (theirs->size > auditor->chain.tree.size) {
        group_stop(auditor, WRITING_DAMAGED, REFUSE(NULL, REASON_AUDIT_TRUNCATED));
        return;
    }
    rc made = merkle_root_at(&source, theirs->size, &mine, &trail);
    if (!rc_ok(made)) {
        log_failure("head not compared", made, &trail);
        return;
    }
    if (!merkle_equal(&mine, &theirs->root)) {
        group_stop(auditor, WRITING_DAMAGED, REFUSE(NULL, REASON_AUDIT_HEAD_MISMATCH));
        return;
    }
    if (theirs->size != auditor->heads.known.size)
        auditor->heads.next_ms = auditor->now_ms;
    auditor->heads.known = *theirs;
}

static rc take_refusal(struct trail *trail, struct auditor *auditor, struct call *call)
{
    struct merkle_head theirs = { 0 };
    if (!cur_u64le(&call->body, &theirs.size) ||
        !cur_copy(&call->body, theirs.root.at, sizeof theirs.root.at) || !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    log_event("head refused by the keeper size=%llu signed_last=%llu",
              (unsigned long long)auditor->heads.asked_head.size, (unsigned long long)theirs.size);
    compare_with(auditor, &theirs);
    return RC_SUCCESS;
}

rc heads_signed(struct trail *trail, void *self, struct call *call)
{
    struct auditor *auditor = self;
    struct heads *heads = &auditor->heads;
    struct checkpoint checkpoint;
    struct trail why = { 0 };
    struct span note;
    uint8_t is_signed = 0;
    auditor->now_ms = clock_monotonic_ms();
    if (!cur_u8(&call->body, &is_signed) || is_signed > 1)
        return door_fault(trail, call, DOOR_E_BODY);
    if (call->id != heads->asked) /* of a question that was given up */
        return RC_SUCCESS;
    heads->asked = 0;
    if (!is_signed)
        return take_refusal(trail, auditor, call);
    if (!get_bytes(&call->body, AUDIT_SLOT_BYTES, &note) || !cur_end(&call->body) ||
        !rc_ok(checkpoint_parse(note, &checkpoint, NULL)) ||
        checkpoint.head.size != heads->asked_head.size ||
        !merkle_equal(&checkpoint.head.root, &heads->asked_head.root))
        return door_fault(trail, call, DOOR_E_BODY);
    rc kept = keep(&why, auditor, note);
    if (!rc_ok(kept))
        log_failure("head not kept", kept, &why);
    else
        heads->next_ms = auditor->now_ms + HEADS_EVERY_MS;
    return RC_SUCCESS;
}
