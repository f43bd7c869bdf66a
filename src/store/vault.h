/* vault.h - bytes of any length as one sealed file: a passphrase opens it, and whether it is whole
   is seen before its end is believed.

   The file is a head as guard/keyfile.h has it (KEYFILE_HOUSE), and blocks.  A block is

       4 bytes   little endian: the length of its plaintext, bit 31 set in the last block
       ...       XChaCha20-Poly1305 of at most VAULT_BLOCK bytes, and its tag

   The nonce is the file's random id and the block's number, the four bytes are sealed along.
   So no block can be left out, doubled, moved, taken from another file or be the last one
   without having been written as that.  Bytes behind the last block are damage.

   The key is in the struct until vault_write_end or vault_read_end, which wipe it. */
#ifndef WARD_STORE_VAULT_H
#define WARD_STORE_VAULT_H

#include "guard/keyfile.h"
#include "store/backup.h"

enum { VAULT_BLOCK = 64 << 10 };

struct vault {
    struct keyfile_head head;
    uint8_t key[SEAL_KEY];
    uint64_t number;      /* of the next block */
    size_t at, len;       /* what of the block is to be read or written */
    bool last;            /* reading: this was the last one */
    struct backup_out to; /* one of the two */
    struct backup_in from;
    uint8_t block[VAULT_BLOCK + AEAD_TAG];
};

/* vault_write_begin draws salt and id, derives the key (which costs what SEAL_COST says) and
   writes the head. */
MUST_USE
rc vault_write_begin(struct trail *trail, struct vault *vault, const struct backup_out *to,
                     struct span passphrase);
MUST_USE
rc vault_write(struct trail *trail, struct vault *vault, struct span bytes);
MUST_USE
rc vault_write_end(struct trail *trail, struct vault *vault);

/* vault_read_begin: BACKUP_FORMAT when it is no such file, BACKUP_DAMAGED, BACKUP_OLDER and
   BACKUP_NEWER as its head says, BACKUP_KEY_WRONG. */
MUST_USE
rc vault_read_begin(struct trail *trail, struct vault *vault, const struct backup_in *from,
                    struct span passphrase);

/* vault_read gives exactly len bytes.  BACKUP_CUT when the file ends before its last block,
   BACKUP_DAMAGED when a block was changed or the last one ends before them. */
MUST_USE
rc vault_read(struct trail *trail, struct vault *vault, uint8_t *out, size_t len);

/* vault_read_end: success only at the very end of the last block of the file. */
MUST_USE
rc vault_read_end(struct trail *trail, struct vault *vault);

/* vault_wipe forgets the key; for who gives up in between. */
void vault_wipe(struct vault *vault);

#endif
