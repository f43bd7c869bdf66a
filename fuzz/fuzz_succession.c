/* fuzz_succession.c - the first line is the key of a log as it is published, each other one a
   record of it: whoever is followed is no more than the notes say, in their order, and what is
   refused leaves those who were followed before. */
#include <stdlib.h>
#include <string.h>

#include "audit/read.h"
#include "audit/succession.h"
#include "base/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct audit_reader reader;

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* Judges nothing: what is asked, and with what, is the point. */
static bool every_second(void *arg, const uint8_t public_key[CHECKPOINT_KEY_LEN],
                         struct span message, const uint8_t signature[CHECKPOINT_ED25519])
{
    (void)arg;
    return ((public_key[0] ^ signature[CHECKPOINT_ED25519 - 1] ^ message.at[0]) & 1) != 0;
}

/* A log of records that all have the same hash; some places cannot be read. */
static bool same_leaves(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    (void)arg;
    memset(out, 7, count * sizeof *out);
    return first + count < 1u << 16;
}

static bool next_line(struct cursor *in, struct span *line)
{
    const struct span left = cur_rest(in);
    const uint8_t *end = left.len > 0 ? memchr(left.at, '\n', left.len) : NULL;
    struct span newline;
    if (left.len == 0)
        return false;
    if (end == NULL)
        return cur_take(in, left.len, line);
    return cur_take(in, (size_t)(end - left.at), line) && cur_take(in, 1, &newline);
}

static struct checkpoint_key read_key(struct span line)
{
    struct checkpoint_key key = { .public_key = { 1 } }, other = { .public_key = { 9 } };
    bool by_log = checkpoint_key_read(line, CHECKPOINT_BY_LOG, &key);
    bool by_witness = checkpoint_key_read(line, CHECKPOINT_BY_WITNESS, &other);
    must(!by_log || !by_witness); /* the kind stands in the key itself */
    must(by_log || (key.name.len == 0 && key.public_key[0] == 1));
    must(by_witness || (other.name.len == 0 && other.public_key[0] == 9));
    must(!by_log || (span_inside(key.name, line) && checkpoint_name_is_legal(key.name)));
    return key;
}

static void must_be_sound(const struct audit_succession *s)
{
    must(s->count >= 1 && s->count <= AUDIT_REIGNS && s->origin_len <= sizeof s->origin);
    must(s->begun || s->count == 1);
    for (size_t i = 1; i < s->count; i++)
        must(s->reigns[i].from >= s->reigns[i - 1].from);
}

/* One more reign at most; a refusal, and what is no note of this log's key, changes none. */
static void take(struct audit_succession *s, const struct audit_record *record)
{
    const struct merkle_source leaves = { .leaves = same_leaves };
    struct audit_succession before = *s;
    rc taken = audit_succession_take(s, record, &leaves, NULL);
    must_be_sound(s);
    must(s->count == before.count || (rc_ok(taken) && s->count == before.count + 1 &&
                                      s->reigns[before.count].from <= record->seq));
    must(memcmp(s->reigns, before.reigns, before.count * sizeof before.reigns[0]) == 0);
    must(rc_ok(taken) || rc_number(taken) == REASON_AUDIT_HANDOVER_INVALID ||
         rc_number(taken) == REASON_AUDIT_HANDOVER_MISSING || rc_class_of(taken) == RC_WORLD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct checkpoint_verifier verifier = { every_second, NULL };
    struct cursor in = cur_over(span_of(data, size));
    struct audit_succession s;
    struct checkpoint head;
    struct span line = { 0 };
    uint64_t seq = UINT64_MAX;
    bool any = next_line(&in, &line);
    struct checkpoint_key key = read_key(any ? line : (struct span){ 0 });
    audit_succession_begin(&s, &key, &verifier);
    while (next_line(&in, &line)) {
        struct audit_record record;
        bool may_be = audit_succession_may_be(line);
        if (!rc_ok(audit_read(&reader, line, &record, NULL)))
            continue;
        size_t before = s.count;
        take(&s, &record);
        must(may_be || s.count == before); /* so others need not be read */
        if (record.count > 0 && rc_ok(checkpoint_parse(record.details[0].text, &head, NULL)))
            must(audit_succession_signer(&s, &head) <= AUDIT_SIGNER_REIGNING);
    }
    rc ended = audit_succession_end(&s, &seq, NULL);
    must(rc_ok(ended) == (seq == UINT64_MAX));
    return 0;
}
