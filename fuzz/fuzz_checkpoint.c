/* fuzz_checkpoint.c - a note that is read is written again byte for byte, and its parts lie
   inside it; a refused one leaves nothing behind. */
#include <stdlib.h>

#include "merkle/checkpoint_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void judge(const struct checkpoint *c)
{
    struct checkpoint_verifier verifier = { every_second, NULL };
    struct checkpoint_key keys[2] = { { .name = c->origin },
                                      { .name = c->signatures[c->count - 1].name } };
    struct checkpoint_witnesses witnesses = { keys, 2, 1, 0, INT64_MAX };
    size_t have;
    bool enough = rc_ok(checkpoint_check_witnesses(c, &witnesses, &verifier, &have, NULL));
    must(have <= 2 && (!enough || have > 0));
    if (rc_ok(checkpoint_check_log(c, &keys[0], &verifier, NULL)))
        must(!rc_ok(checkpoint_check_fork(c, c, &keys[0], &verifier, NULL)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[2 * CHECKPOINT_MAX];
    struct span note = span_of(data, size);
    struct checkpoint c = { .count = 99 };
    if (!rc_ok(checkpoint_parse(note, &c, NULL))) {
        must(c.count == 99 && c.origin.len == 0);
        return 0;
    }
    must(span_inside(c.text, note) && span_inside(c.origin, note) && c.count >= 1);
    must(size <= CHECKPOINT_MAX && c.count <= CHECKPOINT_SIGNATURES_MAX);
    judge(&c);
    struct sink out = sink_over(room, sizeof room);
    bool known = true;
    checkpoint_put_text(&out, c.origin, &c.head, c.extensions);
    must(span_equal(sink_bytes(&out), c.text));
    checkpoint_end_text(&out);
    for (size_t i = 0; i < c.count; i++) {
        const struct checkpoint_signature *s = &c.signatures[i];
        must(span_inside(s->name, note) && checkpoint_name_is_legal(s->name));
        known = known && s->len <= sizeof s->bytes;
        if (known)
            checkpoint_put_signature(&out, s->name, s->key_id, span_of(s->bytes, s->len));
    }
    must(!known || (sink_ok(&out) && span_equal(sink_bytes(&out), note)));
    return 0;
}
