/* tls_read.h - reading a certificate chain and its private key from two descriptors.

   What is read of the key lies in guarded pages from the first byte on, and of all of it only the
   scalar stays. */
#ifndef WARD_PROC_KEEPER_TLS_READ_H
#define WARD_PROC_KEEPER_TLS_READ_H

#include "guard/keyring.h"
#include "guard/tls_chain.h"
#include "guard/tls_key.h"
#include "secret/secret.h"

enum { TLS_READ_ROOM = 2 * (TLS_KEY_FILE_MAX + 1) /* bytes of the secret that is read into */ };

/* A chain and its key.  {0} is none. */
struct file_pair {
    struct secret *scalar;
    struct keyring_key key; /* never in the ring */
    int64_t until;          /* the end of the first certificate that ends */
    size_t count, len[TLS_CHAIN_MAX];
    size_t der_len;
    uint8_t der[TLS_CHAIN_BYTES_MAX];
};

struct tls_source {
    int chain, key;           /* open to be read, from their beginning */
    struct secret_pool *pool; /* has room for the scalar */
    struct secret *room;      /* TLS_READ_ROOM bytes, wiped afterwards */
    int64_t now;              /* when the key is taken for one of the house's */
};

/* tls_read_pair reads and judges all but the dates; *chain views *pair.  Reasons of tls_chain.h and
   tls_key.h, TLS_FILE_UNUSABLE and TLS_KEY_MISMATCH; what is in *pair is then to be given back all
   the same. */
MUST_USE
rc tls_read_pair(struct trail *trail, const struct tls_source *from, struct file_pair *pair,
                 struct tls_chain *chain);

/* file_pair_fini wipes and gives back; *pair is none then. */
void file_pair_fini(struct file_pair *pair);

#endif
