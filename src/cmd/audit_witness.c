/* audit_witness.c - see audit_witness.h. */
#include "cmd/audit_witness.h"

#include "cmd/input.h"
#include "os/clock.h"

enum { CLOCKS_DIFFER = 300 }; /* seconds that a witness's clock may be ahead */

enum exit_code audit_witnesses_read(const struct invocation *in, size_t key, size_t need,
                                    struct audit_witnesses *out)
{
    int64_t wanted = 0;
    size_t count = 0;
    for (size_t i = 0; i < in->repeated_count; i++) {
        if (in->repeated[i].option != key)
            continue;
        if (!checkpoint_key_read(span_text(in->repeated[i].value), CHECKPOINT_BY_WITNESS,
                                 &out->keys[count])) {
            say("%s: not NAME+ID+BASE64 of a witness's Ed25519 key (cosignature/v1)",
                in->repeated[i].value);
            return EXIT_USAGE;
        }
        count++;
    }
    if (in->values[need] != NULL && !input_number(in->values[need], 1, (int64_t)count, &wanted)) {
        say("%s: not a number from 1 to that of the witnesses, which is %zu", in->values[need],
            count);
        return EXIT_USAGE;
    }
    out->have = 0;
    out->asked = (struct checkpoint_witnesses){ .keys = out->keys,
                                                .count = count,
                                                .need = wanted > 0 ? (size_t)wanted : count,
                                                .newest = clock_now() + CLOCKS_DIFFER };
    return EXIT_DONE;
}

enum reason audit_witnesses_judge(struct audit_witnesses *witnesses, struct span note)
{
    struct checkpoint head;
    if (witnesses->asked.count == 0)
        return REASON_OK;
    rc judged = checkpoint_parse(note, &head, NULL);
    if (rc_ok(judged))
        judged = checkpoint_check_witnesses(&head, &witnesses->asked, audit_key_verifier(),
                                            &witnesses->have, NULL);
    return rc_ok(judged) ? REASON_OK : reason_of_rc(judged, REASON_NONE);
}
