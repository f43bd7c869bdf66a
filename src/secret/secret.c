/* secret.c - see secret.h.

   A pool is two mappings: one for what the room knows of its secrets, and one for them,

       guard | data ... | guard | data ... | guard

   where guards are pages without access that were never anything else.  Between two calls the
   data pages are without access too. */
#include "secret/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/ct.h"
#include "os/random.h"

enum { CANARY = 16 };

struct secret {
    struct secret_pool *pool;
    uint8_t *pages; /* pool->room bytes */
    size_t len;
    bool taken;
    bool open;
    bool full;
};

struct secret_pool {
    uint8_t *map;
    size_t map_len;
    size_t self_len; /* of the mapping that this struct lies in */
    size_t room;     /* bytes of the data pages of one secret */
    size_t bytes;    /* the largest secret */
    size_t count;
    uint8_t canary[CANARY];
    struct secret secrets[];
};

static uint8_t *start_of(const struct secret *secret)
{
    return secret->pages + (secret->pool->room - secret->len);
}

static bool allow(const struct secret *secret, int access)
{
    return mprotect(secret->pages, secret->pool->room, access) == 0;
}

static void close_or_abort(const struct secret *secret)
{
    if (!allow(secret, PROT_NONE))
        abort();
}

/* The canary stands right before the secret: what writes backwards meets it first. */
static void check_canary(const struct secret *secret)
{
    if (!ct_equal(start_of(secret) - CANARY, secret->pool->canary, CANARY))
        abort();
}

static void *map(size_t len, int access)
{
    void *at = mmap(NULL, len, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* mlock brings the pages in, so it comes before the access is taken away. */
static bool guard(const struct secret *secret)
{
    size_t room = secret->pool->room;
    return allow(secret, PROT_READ | PROT_WRITE) &&
           madvise(secret->pages, room, MADV_DONTDUMP) == 0 &&
           madvise(secret->pages, room, MADV_WIPEONFORK) == 0 && mlock(secret->pages, room) == 0 &&
           allow(secret, PROT_NONE);
}

static size_t pages_of(size_t len, size_t page)
{
    return (len + page - 1) / page * page;
}

/* The mappings of a pool whose sizes are set in `plan`; NULL with errno set. */
static struct secret_pool *map_pool(const struct secret_pool *plan, size_t page)
{
    struct secret_pool *pool = map(plan->self_len, PROT_READ | PROT_WRITE);
    if (pool == NULL)
        return NULL;
    memcpy(pool, plan, sizeof *plan);
    pool->map = map(pool->map_len, PROT_NONE);
    bool ok = pool->map != NULL;
    for (size_t i = 0; ok && i < pool->count; i++) {
        struct secret *secret = &pool->secrets[i];
        secret->pool = pool;
        secret->pages = pool->map + i * (page + pool->room) + page;
        ok = guard(secret);
    }
    if (ok)
        return pool;
    int failure = errno;
    if (pool->map != NULL)
        munmap(pool->map, pool->map_len);
    munmap(pool, pool->self_len);
    errno = failure;
    return NULL;
}

rc secret_pool_new(struct trail *trail, size_t count, size_t bytes, struct secret_pool **out)
{
    if (count == 0 || count > SECRET_COUNT_MAX || bytes == 0 || bytes > SECRET_BYTES_MAX)
        return FAIL(trail, RC_BUG, SECRET_E_LIMIT);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct secret_pool plan = { .room = pages_of(bytes + CANARY, page),
                                .bytes = bytes,
                                .count = count };
    plan.map_len = count * (page + plan.room) + page;
    plan.self_len = pages_of(sizeof plan + count * sizeof(struct secret), page);
    struct secret_pool *pool = map_pool(&plan, page);
    if (pool == NULL)
        return FAIL_ERRNO(trail);
    random_bytes(pool->canary, sizeof pool->canary);
    *out = pool;
    return RC_SUCCESS;
}

void secret_pool_free(struct secret_pool **pool)
{
    struct secret_pool *p = *pool;
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->count; i++) {
        struct secret *secret = &p->secrets[i];
        if (secret->taken)
            secret_free(&secret);
    }
    munmap(p->map, p->map_len);
    munmap(p, p->self_len);
    *pool = NULL;
}

rc secret_take(struct trail *trail, struct secret_pool *pool, size_t len, struct secret **out)
{
    if (len == 0 || len > pool->bytes)
        return FAIL(trail, RC_BUG, SECRET_E_LIMIT);
    for (size_t i = 0; i < pool->count; i++) {
        struct secret *secret = &pool->secrets[i];
        if (secret->taken)
            continue;
        if (!allow(secret, PROT_READ | PROT_WRITE))
            return FAIL_ERRNO(trail);
        secret->len = len;
        memcpy(start_of(secret) - CANARY, pool->canary, CANARY);
        close_or_abort(secret);
        secret->taken = true;
        *out = secret;
        return RC_SUCCESS;
    }
    return FAIL(trail, RC_BUSY, SECRET_E_FULL);
}

void secret_free(struct secret **secret)
{
    struct secret *s = *secret;
    if (s == NULL)
        return;
    if (!s->taken || s->open || !allow(s, PROT_READ | PROT_WRITE))
        abort();
    check_canary(s);
    ct_wipe(s->pages, s->pool->room);
    close_or_abort(s);
    s->taken = false;
    s->full = false;
    s->len = 0;
    *secret = NULL;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

rc secret_lend(struct secret *secret, secret_use_fn *use, void *arg)
{
    if (!secret->taken || secret->open)
        return rc_make(RC_BUG, SECRET_E_LENT);
    if (!secret->full)
        return rc_make(RC_BUG, SECRET_E_EMPTY);
    if (!allow(secret, PROT_READ))
        return rc_os(errno);
    check_canary(secret);
    secret->open = true;
    rc answer = use(span_of(start_of(secret), secret->len), arg);
    secret->open = false;
    close_or_abort(secret);
    return answer;
}

rc secret_fill(struct secret *secret, secret_make_fn *make, void *arg)
{
    if (!secret->taken || secret->open)
        return rc_make(RC_BUG, SECRET_E_LENT);
    if (!allow(secret, PROT_READ | PROT_WRITE))
        return rc_os(errno);
    check_canary(secret);
    secret->open = true;
    rc answer = make(start_of(secret), secret->len, arg);
    secret->open = false;
    secret->full = rc_ok(answer);
    if (!secret->full)
        ct_wipe(start_of(secret), secret->len);
    check_canary(secret);
    close_or_abort(secret);
    return answer;
}
