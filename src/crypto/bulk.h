/* bulk.h - aead.h for who seals much: the same bytes, by whichever library is the faster for
   the length.  libsodium's one call costs less to begin; OpenSSL's cipher is twice as fast per
   byte, but wants a context on its heap, which is made once and used for every key.

   The last key that a long message was sealed or opened with stays in that context until the
   next one, bulk_forget or bulk_free.  One thread at a time. */
#ifndef WARD_CRYPTO_BULK_H
#define WARD_CRYPTO_BULK_H

#include "crypto/aead.h"

struct bulk;

/* bulk_new returns NULL when there is no memory.  bulk_free nulls *bulk; NULL is fine. */
struct bulk *bulk_new(void);
void bulk_free(struct bulk **bulk);

/* bulk_forget leaves no key in it; NULL is fine. */
void bulk_forget(struct bulk *bulk);

/* As aead_seal and aead_open.  When the tag is wrong, plain.len bytes of `out` are zero. */
MUST_USE
bool bulk_seal(struct bulk *bulk, const struct aead_use *use, struct span plain, uint8_t *out);
MUST_USE
bool bulk_open(struct bulk *bulk, const struct aead_use *use, struct span sealed, uint8_t *out);

#endif
