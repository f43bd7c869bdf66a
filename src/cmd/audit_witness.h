/* audit_witness.h - k of n others who must have seen a head. */
#ifndef WARD_CMD_AUDIT_WITNESS_H
#define WARD_CMD_AUDIT_WITNESS_H

#include "cmd/audit_log.h"
#include "model/reason.h"

struct audit_witnesses {
    struct checkpoint_key keys[REPEATED_MAX]; /* names view the command line */
    struct checkpoint_witnesses asked;
    size_t have; /* how many have signed the head that was judged */
};

/* audit_witnesses_read takes the keys from the option `key`, which repeats, and how many of them
   are needed from `need`; all of them without it.  On failure it has said why. */
MUST_USE
enum exit_code audit_witnesses_read(const struct invocation *in, size_t key, size_t need,
                                    struct audit_witnesses *out);

/* audit_witnesses_judge: REASON_OK, or what is wrong with the cosignatures of this note. */
enum reason audit_witnesses_judge(struct audit_witnesses *witnesses, struct span note);

#endif
