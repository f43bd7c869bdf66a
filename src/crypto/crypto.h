/* crypto.h - the scratch objects that one thread verifies with.

   Making OpenSSL's groups, keys and numbers costs more than some of the work done with
   them, so they are made once per thread and used again.  There is no state in it that an
   earlier call could leave for a later one to trust: each call sets all that it reads.

   One thread at a time.  Memory comes from OpenSSL's heap. */
#ifndef WARD_CRYPTO_CRYPTO_H
#define WARD_CRYPTO_CRYPTO_H

struct crypto;

/* crypto_new returns NULL when there is no memory.  crypto_free nulls *crypto; NULL is fine. */
struct crypto *crypto_new(void);
void crypto_free(struct crypto **crypto);

#endif
