/* checkpoint.h - the signed head of a log as text: a C2SP checkpoint (c2sp.org/tlog-checkpoint)
   in a signed note (c2sp.org/signed-note), read strictly and written.  No key is used here:
   the caller signs the text and judges what is signed (checkpoint_judge.h).

       example.com/log42          origin
       20852163                   size
       CsUYapGGPo4d...jxq2I=      root
       any extension lines
       (an empty line)
       — example.com/log42 Az3gr...  signatures, each of a key's name, its id and its bytes

   Strict means that one checkpoint has one text: writing what was read gives the same bytes. */
#ifndef WARD_MERKLE_CHECKPOINT_H
#define WARD_MERKLE_CHECKPOINT_H

#include "base/sink.h"
#include "merkle/proof.h"

enum {
    CHECKPOINT_MAX = 64 * 1024,     /* bytes of a note */
    CHECKPOINT_TEXT_MAX = 4096,     /* bytes of what is signed */
    CHECKPOINT_SIGNATURES_MAX = 32, /* the note's format wants room for at least 16 */
    CHECKPOINT_NAME_MAX = 256,      /* bytes of an origin or a key's name */
};

enum { CHECKPOINT_ED25519 = 64, CHECKPOINT_COSIGNATURE = 8 + 64 };

struct checkpoint_signature {
    struct span name;
    uint32_t key_id;
    size_t len; /* of the signature without the key id; other lengths are of kinds unknown here */
    uint8_t bytes[CHECKPOINT_COSIGNATURE]; /* empty when it is longer than any kind known here */
};

/* Views of the note that was read, which must live as long. */
struct checkpoint {
    struct span text; /* the bytes that are signed */
    struct span origin;
    struct merkle_head head;
    struct span extensions; /* whole lines, or empty */
    size_t count;
    struct checkpoint_signature signatures[CHECKPOINT_SIGNATURES_MAX];
};

/* checkpoint_parse reads a whole note.  AUDIT_HEAD_INVALID for anything else; *out is
   untouched then.  Nothing that it says may be believed before a signature was judged. */
MUST_USE
rc checkpoint_parse(struct span note, struct checkpoint *out, struct trail *trail);

/* checkpoint_parse_text reads the text alone, what is signed, up to its end: no signatures. */
MUST_USE
rc checkpoint_parse_text(struct span text, struct checkpoint *out, struct trail *trail);

/* checkpoint_put_text appends the bytes to sign; `extensions` are whole lines or empty.
   checkpoint_put_signature appends one signature line; the first of them is preceded by
   checkpoint_end_text.  They write what they are given: checkpoint_parse judges a note. */
void checkpoint_put_text(struct sink *out, struct span origin, const struct merkle_head *head,
                         struct span extensions);
void checkpoint_end_text(struct sink *out);
void checkpoint_put_signature(struct sink *out, struct span name, uint32_t key_id,
                              struct span signature);

/* checkpoint_name_is_legal: not empty, not too long, valid UTF-8 without spaces of any kind,
   control characters or '+'. */
bool checkpoint_name_is_legal(struct span name);

#endif
