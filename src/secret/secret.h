/* secret.h - memory for secrets: lent for the length of a call, never handed out.

   A pool is made once, before its process is jailed, and never grows.  Each of its secrets
   lies in pages of its own between pages that nobody may touch, against their end, so that one
   byte too many is a SIGSEGV.  The pages are locked (no swap), left out of core dumps, zero in
   a forked child, and without any access except while the secret is lent.  What lies before
   the secret is a canary; it and everything else is wiped when the secret is given back.

   No function returns an address.  Who is lent a secret copies nothing of it to where it
   outlives the call, and wipes what it computes from it.

   After secret_pool_new the room makes one kind of system call: mprotect, on whole secrets,
   with PROT_NONE, PROT_READ or PROT_READ | PROT_WRITE.  A process needs no other for it in its
   list.  secret_pool_new itself: mmap, mprotect, madvise, mlock, getrandom, and munmap when it
   fails; secret_pool_free: munmap.

   abort() ends the process, and leaves a core without secrets, when something cannot be that
   is: a damaged canary (a write before the secret, or a forked child that asks for what it
   does not have), a secret that cannot be closed again, one given back while it is lent or
   twice.  Not for several threads. */
#ifndef WARD_SECRET_SECRET_H
#define WARD_SECRET_SECRET_H

#include <stddef.h>

#include "base/result.h"
#include "base/span.h"

struct secret;
struct secret_pool;

/* Numbers of the failures below; the others are errno values (RC_WORLD). */
enum secret_error {
    SECRET_E_LIMIT = 0x2001, /* RC_BUG: a size or a count of 0 or past its limit */
    SECRET_E_FULL,           /* RC_BUSY: every secret of the pool is taken */
    SECRET_E_LENT,           /* RC_BUG: it is lent or being filled already */
    SECRET_E_EMPTY,          /* RC_BUG: nothing was put into it yet */
};

enum { SECRET_COUNT_MAX = 256, SECRET_BYTES_MAX = 64 * 1024 };

/* secret_pool_new makes room for `count` secrets of up to `bytes` bytes each.  It costs two
   pages and a guard page each at least, and the data pages count against RLIMIT_MEMLOCK.  It
   fails as a whole: a secret that could be swapped, dumped or inherited is none. */
MUST_USE
rc secret_pool_new(struct trail *trail, size_t count, size_t bytes, struct secret_pool **out);

/* secret_pool_free wipes and gives back everything; no secret of it may be lent.  NULL is fine. */
void secret_pool_free(struct secret_pool **pool);

/* secret_take reserves one of `len` bytes, still empty. */
MUST_USE
rc secret_take(struct trail *trail, struct secret_pool *pool, size_t len, struct secret **out);

/* secret_free wipes it and gives it back to its pool; NULL is fine. */
void secret_free(struct secret **secret);

size_t secret_len(const struct secret *secret);

/* Who is lent bytes to read, and who puts them there.  What it returns is returned. */
typedef rc secret_use_fn(struct span bytes, void *arg);
typedef rc secret_make_fn(uint8_t *at, size_t len, void *arg);

/* secret_lend calls `use` with the bytes, readable during that call only.  Other secrets may
   be lent meanwhile, this one not. */
MUST_USE
rc secret_lend(struct secret *secret, secret_use_fn *use, void *arg);

/* secret_fill calls `make` to write all len bytes, which hold what they held before (zeros at
   first).  When it fails, the secret is wiped and empty. */
MUST_USE
rc secret_fill(struct secret *secret, secret_make_fn *make, void *arg);

#endif
