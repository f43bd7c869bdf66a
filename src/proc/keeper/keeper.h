/* keeper.h - the process that holds every long-term key.  It has no network and opens no file:
   one descriptor leads to its sealed file, which it reads and writes in place.

   Nobody is told a private part, and no key is used on bytes that guard/ does not recognise
   as exactly what that process may have signed. */
#ifndef WARD_PROC_KEEPER_H
#define WARD_PROC_KEEPER_H

#include "guard/guard.h"
#include "guard/keyfile.h"
#include "guard/keyring.h"
#include "merkle/proof.h"
#include "proc/house.h"
#include "proc/messages.h"
#include "secret/secret.h"

enum {
    KEEPER_CERTIFICATE_MAX = 2048, /* bytes of one of its own certificates */
    KEEPER_LEAF_S = 90 * 86400,    /* how long a listener's certificate is good */
    KEEPER_CA_S = 3650 * 86400,    /* and that of the CA */
    KEEPER_SKEW_S = 3600,          /* clocks that are behind see them as good, too */
    KEEPER_BLOCK = 4096,           /* apart, so that no sector holds two of them */
    KEEPER_FILE_LEN = KEYFILE_LEN + 2 * KEEPER_BLOCK, /* and the two blocks of the last head */
};

/* The last head that was signed, kept behind the slots of the sealed file so that neither a
   restart nor the audit process can make the keeper sign a second story. */
struct signed_head {
    uint64_t counter; /* of these records; 0: none was signed yet */
    struct merkle_head head;
};

struct keeper {
    struct house *house;
    int file;
    struct secret_pool *pool;
    struct secret *seal;  /* the key of the sealed file */
    struct secret *plain; /* the keyring with its private parts */
    struct keyring ring;  /* without them */
    struct keyfile_head head;
    uint64_t generation;
    struct signed_head last;
    bool lost; /* a write failed: what is on disk is not known, so nothing more is signed */
    struct guard front, audit; /* how often each channel has asked */
    struct span origin;        /* the name of the log */
    char origin_text[64];
    size_t ca_len, leaf_len;
    uint8_t ca[KEEPER_CERTIFICATE_MAX], leaf[KEEPER_CERTIFICATE_MAX];
};

/* file.c */

/* keeper_open_file opens the sealed file, or makes it when it was never made whole. */
MUST_USE
rc keeper_open_file(struct trail *trail, struct keeper *keeper);

/* keeper_store writes the keyring as it is now as the next generation, durably. */
MUST_USE
rc keeper_store(struct trail *trail, struct keeper *keeper);

/* keeper_write_ring writes the plaintext of the ring from the private parts of its keys. */
MUST_USE
rc keeper_write_ring(const struct keeper *keeper, uint8_t (*privates)[KEY_PRIVATE], uint8_t *plain);

/* Whole blocks behind the slots; a write is durable, or the keeper signs nothing more. */
MUST_USE
rc keeper_read_block(struct trail *trail, struct keeper *keeper, size_t at, uint8_t *block,
                     size_t len);
MUST_USE
rc keeper_write_block(struct trail *trail, struct keeper *keeper, size_t at, struct span block);

/* head.c */
MUST_USE
rc keeper_load_head(struct trail *trail, struct keeper *keeper);
MUST_USE
rc keeper_on_sign_head(struct trail *trail, void *keeper, struct call *call);

/* sign.c */

/* keeper_sign uses the active key of a role on bytes that were checked already. */
MUST_USE
rc keeper_sign_p256(struct trail *trail, struct keeper *keeper, enum key_role role,
                    struct span message, uint8_t raw[64]);
MUST_USE
rc keeper_sign_ed25519(struct trail *trail, struct keeper *keeper, enum key_role role,
                       struct span message, uint8_t signature[64]);
MUST_USE
rc keeper_on_sign_tls(struct trail *trail, void *keeper, struct call *call);

/* certificates.c */

/* keeper_make_certificates makes the CA's own and the listener's from the keyring: the same
   ones at every start, as long as the keys are the same and the listener's has not run out. */
MUST_USE
rc keeper_make_certificates(struct trail *trail, struct keeper *keeper, int64_t now);
MUST_USE
rc keeper_on_chain(struct trail *trail, void *keeper, struct call *call);

/* keyring_doors.c */
MUST_USE
rc keeper_on_list(struct trail *trail, void *keeper, struct call *call);

#endif
