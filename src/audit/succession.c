/* succession.c - see succession.h. */
#include "audit/succession.h"

#include <string.h>

#include "base/cursor.h"
#include "codec/base64.h"

static const char begin_of_line[] = "{\"action\":\"key.rotate\",";
static const char heir_line[] = "ward-log-key ";

static void take_origin(struct audit_succession *s, struct span name)
{
    if (name.len == 0 || name.len > sizeof s->origin)
        return;
    memcpy(s->origin, name.at, name.len);
    s->origin_len = name.len;
}

static struct span origin_of(const struct audit_succession *s, const struct checkpoint *note)
{
    return s->origin_len > 0 ? span_of(s->origin, s->origin_len) : note->origin;
}

void audit_succession_begin(struct audit_succession *succession, const struct checkpoint_key *known,
                            const struct checkpoint_verifier *verifier)
{
    *succession = (struct audit_succession){ .verifier = verifier,
                                             .count = 1,
                                             .waiting = REASON_OK };
    take_origin(succession, known->name);
    memcpy(succession->reigns[0].public_key, known->public_key, CHECKPOINT_KEY_LEN);
}

bool audit_succession_may_be(struct span line)
{
    struct cursor in = cur_over(line);
    return cur_expect(&in, span_text(begin_of_line));
}

static const struct audit_detail *detail_of(const struct audit_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++) {
        if (span_equal_text(record->details[i].key, name))
            return &record->details[i];
    }
    return NULL;
}

/* The one extension line of a note, whole. */
static bool read_heir(struct span extensions, uint8_t public_key[CHECKPOINT_KEY_LEN])
{
    uint8_t bytes[CHECKPOINT_KEY_LEN];
    struct sink key = sink_over(bytes, sizeof bytes);
    struct cursor in = cur_over(extensions);
    struct span base64;
    if (!cur_expect(&in, span_text(heir_line)) || cur_left(&in) == 0 ||
        !cur_take(&in, cur_left(&in) - 1, &base64) || !cur_expect(&in, span_text("\n")) ||
        !base64_decode(base64, &key) || key.len != sizeof bytes)
        return false;
    memcpy(public_key, bytes, sizeof bytes);
    return true;
}

static bool is_signed_by(const struct audit_succession *s, const struct checkpoint *note,
                         size_t number)
{
    struct checkpoint_key key = { .name = origin_of(s, note) };
    memcpy(key.public_key, s->reigns[number].public_key, CHECKPOINT_KEY_LEN);
    return rc_ok(checkpoint_check_log(note, &key, s->verifier, NULL));
}

static bool reigns_now(const struct audit_succession *s,
                       const uint8_t public_key[CHECKPOINT_KEY_LEN])
{
    return bytes_equal(s->reigns[s->count - 1].public_key, public_key, CHECKPOINT_KEY_LEN);
}

/* The key that is known knows its heirs only: what stands before its own accession is of its
   ancestors, and what does not is an attack. */
static rc wait_for_accession(struct audit_succession *s, enum reason reason, uint64_t seq,
                             struct trail *trail)
{
    if (s->begun)
        return REFUSE(trail, reason);
    if (s->waiting == REASON_OK) {
        s->waiting = reason;
        s->waiting_seq = seq;
    }
    return RC_SUCCESS;
}

/* A note of the key that reigns: it must be of this log as it was then. */
static rc succeed(struct audit_succession *s, const struct checkpoint *note, uint64_t seq,
                  const struct merkle_source *leaves, struct trail *trail)
{
    struct audit_reign heir = { .from = note->head.size };
    struct merkle_hash root;
    if (!read_heir(note->extensions, heir.public_key) || note->head.size > seq ||
        note->head.size < s->reigns[s->count - 1].from || s->count == AUDIT_REIGNS)
        return REFUSE(trail, REASON_AUDIT_HANDOVER_INVALID);
    TRY(trail, merkle_root_at(leaves, note->head.size, &root, trail));
    if (!merkle_equal(&root, &note->head.root))
        return REFUSE(trail, REASON_AUDIT_HANDOVER_INVALID);
    take_origin(s, note->origin);
    s->reigns[s->count++] = heir;
    s->begun = true;
    return RC_SUCCESS;
}

static rc take_note(struct audit_succession *s, struct span text, uint64_t seq,
                    const struct merkle_source *leaves, struct trail *trail)
{
    struct checkpoint note;
    uint8_t heir[CHECKPOINT_KEY_LEN];
    if (!rc_ok(checkpoint_parse(text, &note, NULL)))
        return wait_for_accession(s, REASON_AUDIT_HANDOVER_INVALID, seq, trail);
    if (is_signed_by(s, &note, s->count - 1))
        return succeed(s, &note, seq, leaves, trail);
    bool names_ours = span_equal(note.origin, origin_of(s, &note)) &&
                      read_heir(note.extensions, heir) && reigns_now(s, heir);
    /* A crash repeats the record of a rotation. */
    if (names_ours && s->count > 1 && is_signed_by(s, &note, s->count - 2))
        return RC_SUCCESS;
    if (!names_ours || s->begun)
        return wait_for_accession(s, REASON_AUDIT_HANDOVER_INVALID, seq, trail);
    take_origin(s, note.origin);
    s->waiting = REASON_OK;
    s->begun = true;
    return RC_SUCCESS;
}

bool audit_succession_is(const struct audit_record *record)
{
    const struct audit_detail *role = detail_of(record, "role");
    return span_equal_text(record->action, "key.rotate") && role != NULL &&
           span_equal_text(role->text, "log");
}

rc audit_succession_take(struct audit_succession *succession, const struct audit_record *record,
                         const struct merkle_source *leaves, struct trail *trail)
{
    const struct audit_detail *note = detail_of(record, "handover");
    if (!audit_succession_is(record))
        return RC_SUCCESS;
    if (note == NULL || note->text.len == 0)
        return wait_for_accession(succession, REASON_AUDIT_HANDOVER_MISSING, record->seq, trail);
    return take_note(succession, note->text, record->seq, leaves, trail);
}

rc audit_succession_end(const struct audit_succession *succession, uint64_t *seq,
                        struct trail *trail)
{
    if (succession->waiting == REASON_OK)
        return RC_SUCCESS;
    *seq = succession->waiting_seq;
    return REFUSE(trail, succession->waiting);
}

/* The head that a note repeats may be signed by both: the keeper says again what was lost. */
enum audit_signer audit_succession_signer(const struct audit_succession *succession,
                                          const struct checkpoint *head)
{
    enum audit_signer signer = AUDIT_SIGNER_NONE;
    for (size_t i = 0; i < succession->count; i++) {
        bool last = i + 1 == succession->count;
        if (!is_signed_by(succession, head, i))
            continue;
        signer = AUDIT_SIGNER_PAST;
        if (head->head.size >= succession->reigns[i].from &&
            (last || head->head.size <= succession->reigns[i + 1].from))
            return AUDIT_SIGNER_REIGNING;
    }
    return signer;
}
