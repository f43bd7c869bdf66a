/* keyfile.h - the keeper's file, and the backup of it, as bytes.

   The file is made once, whole, and from then on written in place through the one descriptor
   that the keeper has.  It is a head and two slots.  The head says how the seal's key comes
   about and never changes.  A slot is a generation of the keyring's plaintext, sealed with
   XChaCha20-Poly1305; generation n lies in slot n mod 2, so that a write never touches the
   newest one.  Whatever a power cut leaves of it, one whole slot is there.

       pread the file, keyfile_open; for each change: keyfile_slot_write with the next
       generation, pwrite at keyfile_slot_offset, fdatasync, and only then use it.

   Whoever can write the file can put an older copy of it back.  Nothing inside can tell;
   keyfile_open reports the generation, and refuses one below a floor that the caller knows
   from elsewhere (the security log holds each).

   A backup is a head and one slot, sealed with a passphrase.  It has the same reasons. */
#ifndef WARD_GUARD_KEYFILE_H
#define WARD_GUARD_KEYFILE_H

#include "crypto/aead.h"
#include "crypto/argon2.h"
#include "guard/keyring.h"

enum {
    KEYFILE_VERSION = 1,
    KEYFILE_SALT = 32,
    KEYFILE_ID = 16,
    KEYFILE_HEAD = 160,
    KEYFILE_SLOT = 64 + KEYRING_LEN + AEAD_TAG,
    KEYFILE_SLOT_0 = 4096, /* where slots begin: no sector holds two of head, slot, slot */
    KEYFILE_SLOT_1 = 4096 + 12288,
    KEYFILE_LEN = 4096 + 2 * 12288,
    BACKUP_LEN = KEYFILE_HEAD + KEYFILE_SLOT
};

/* What is given to unseal it. */
enum seal_source {
    SEAL_NONE = 0,
    SEAL_FILE = 1,       /* the 32 bytes of a file outside the state folder */
    SEAL_PASSPHRASE = 2, /* through Argon2id */
    SEAL_CREDENTIAL = 3, /* what systemd hands over: 16 to 4096 bytes */
    SEAL_SOURCE_COUNT
};

enum { SEAL_FILE_LEN = 32, SEAL_CREDENTIAL_MIN = 16, SEAL_CREDENTIAL_MAX = 4096, SEAL_KEY = 32 };

/* The cost of a passphrase, unless the caller has a better idea: RFC 9106 4, the second
   recommended option, with one lane. */
#define SEAL_COST ((struct argon2_cost){ 64 * 1024, 3 })

const char *seal_source_name(enum seal_source source);

/* KEYFILE_HOUSE is the head alone: what follows it is the sealed stream of a whole house
   (store/vault.h). */
enum keyfile_form { KEYFILE_STORE = 0, KEYFILE_BACKUP = 1, KEYFILE_HOUSE = 2 };

struct keyfile_head {
    enum keyfile_form form;
    enum seal_source source;
    struct argon2_cost cost; /* of a passphrase; zeros otherwise */
    uint8_t salt[KEYFILE_SALT];
    uint8_t id[KEYFILE_ID]; /* of this file: no slot of another one fits */
    uint8_t check[32];      /* tells a wrong seal from a damaged slot */
};

/* keyfile_seal_key derives the key from what the source gives.  KEYFILE_SEAL_INPUT when that
   has not the source's length, or the head no source or cost; OUT_OF_MEMORY.  Whether it is
   the right key is for keyfile_check_key to say.  Before the jail: Argon2id takes memory. */
MUST_USE
rc keyfile_seal_key(struct trail *trail, const struct keyfile_head *head, struct span given,
                    uint8_t key[SEAL_KEY]);

/* keyfile_check_key: KEYFILE_SEAL_WRONG when this is not the key of the file. */
MUST_USE
rc keyfile_check_key(struct trail *trail, const struct keyfile_head *head,
                     const uint8_t key[SEAL_KEY]);

/* keyfile_head_read reads the head at the beginning of a file of this form.  KEYFILE_FORMAT
   when it is no such file; KEYFILE_DAMAGED when the head was changed; KEYFILE_OLDER and
   KEYFILE_NEWER for another version. */
MUST_USE
rc keyfile_head_read(struct trail *trail, enum keyfile_form form, struct span file,
                     struct keyfile_head *out);

/* keyfile_head_write sets head->check for this key and writes KEYFILE_HEAD bytes.  salt and id
   are random and the caller's. */
void keyfile_head_write(struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                        uint8_t out[KEYFILE_HEAD]);

/* keyfile_block_key derives the key of what follows a head of KEYFILE_HOUSE. */
void keyfile_block_key(const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                       uint8_t out[SEAL_KEY]);

/* One generation of the plaintext (KEYRING_LEN bytes) with its random nonce, which is never
   used twice. */
struct keyfile_generation {
    uint64_t number; /* from 1 */
    const uint8_t *nonce;
    const uint8_t *plain;
};

/* keyfile_slot_write seals one into KEYFILE_SLOT bytes.  False for generation 0. */
MUST_USE
bool keyfile_slot_write(const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                        const struct keyfile_generation *generation, uint8_t *out);

/* keyfile_slot_offset: where in the file that generation lies. */
size_t keyfile_slot_offset(uint64_t generation);

/* keyfile_make writes a whole new file, KEYFILE_LEN bytes, with generation 1. */
MUST_USE
bool keyfile_make(struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                  const struct keyfile_generation *first, uint8_t *out);

/* How the slot that was not taken was found: a torn write is DAMAGED, and so is tampering. */
enum keyfile_other { KEYFILE_OTHER_EMPTY, KEYFILE_OTHER_OLDER, KEYFILE_OTHER_DAMAGED };

struct keyfile_found {
    uint64_t generation;
    enum keyfile_other other;
};

/* The whole file as it was read, and the generation that it must have at least (0: any). */
struct keyfile_bytes {
    struct span file;
    uint64_t floor;
};

/* keyfile_open opens the newest whole slot of a file into KEYRING_LEN bytes of plaintext (a
   place in guarded memory: it holds keys even when a later step fails).  KEYFILE_DAMAGED when
   no slot is whole; KEYFILE_ROLLED_BACK when the newest is below the floor. */
MUST_USE
rc keyfile_open(struct trail *trail, const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                struct keyfile_bytes bytes, uint8_t *plain, struct keyfile_found *out);

/* backup_make writes BACKUP_LEN bytes; head->form must be KEYFILE_BACKUP and its source a
   passphrase.  backup_open is its reverse, after keyfile_head_read and keyfile_check_key. */
MUST_USE
bool backup_make(struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                 const struct keyfile_generation *generation, uint8_t *out);
MUST_USE
rc backup_open(struct trail *trail, const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
               struct span file, uint8_t *plain, uint64_t *generation);

#endif
