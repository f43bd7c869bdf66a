/* audit_slot.h - the file of signed heads beside the log, for the process that writes it and
   the commands that read it.

   A row of slots of one size.  A slot is written in place and whole, so a write that is cut
   off costs that slot alone.  Of bases and heads the one that is ahead of all others counts; of
   heirs all do: the records in which the log's key was handed on are read there when their file
   was removed long ago.

       ward KIND NUMBER NUMBER LENGTH SHA-256\n     of all of it but itself
       LENGTH bytes, then zeros                                                     */
#ifndef WARD_PROC_AUDIT_SLOT_H
#define WARD_PROC_AUDIT_SLOT_H

#include "base/sink.h"

enum {
    AUDIT_SLOT_BYTES = 4096,
    AUDIT_SLOT_BASES = 2,  /* the first of them: where the open file begins */
    AUDIT_SLOTS = 64,      /* of bases and heads; behind them */
    AUDIT_SLOT_HEIRS = 64, /* as many as a keyring has keys, each written once */
    AUDIT_SLOTS_ALL = AUDIT_SLOTS + AUDIT_SLOT_HEIRS,
};

enum audit_slot_kind { AUDIT_SLOT_NONE = 0, AUDIT_SLOT_BASE, AUDIT_SLOT_HEAD, AUDIT_SLOT_HEIR };

struct audit_slot {
    enum audit_slot_kind kind;
    uint64_t a, b;       /* base: seq of the first record, its day; head: when it came, 0; heir:
                            the record's seq, 0 */
    struct span payload; /* head: the checkpoint; heir: the record's line */
};

/* audit_slot_put fills the sink, which has room for one slot; full when it does not fit. */
void audit_slot_put(struct sink *out, const struct audit_slot *slot);

/* audit_slot_get reads a whole slot; the payload views the bytes.  False for a slot that was
   never written, is torn, or damaged: for all but what audit_slot_put writes. */
MUST_USE
bool audit_slot_get(struct span bytes, struct audit_slot *out);

#endif
