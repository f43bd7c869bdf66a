/* authority.c - see tee.h: the seed, from its file to the authority. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/ct.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "proc/log.h"
#include "proc/tee/tee.h"

static const char magic[TEE_MAGIC] = "ward simulated tee 1\n";

enum found { FOUND_NOTHING, FOUND_WHOLE, FOUND_DAMAGED };

static void hash_of(const uint8_t *file, uint8_t digest[SHA256_LEN])
{
    hash_sha256(span_of(file, TEE_MAGIC + TEE_SEED), digest);
}

static rc put_seed(uint8_t *at, size_t len, void *arg)
{
    memcpy(at, arg, len);
    return RC_SUCCESS;
}

static rc make_seed(uint8_t *at, size_t len, void *arg)
{
    (void)arg;
    random_bytes(at, len);
    return RC_SUCCESS;
}

/* A file that others may read or replace holds no secret. */
static bool is_ours(int fd)
{
    struct stat is;
    return fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_uid == geteuid() &&
           (is.st_mode & 077) == 0;
}

static rc take_file(struct trail *trail, struct tee *tee, const uint8_t *file, ssize_t got,
                    enum found *found)
{
    uint8_t digest[SHA256_LEN];
    *found = FOUND_DAMAGED;
    hash_of(file, digest);
    if (got != TEE_AUTHORITY || !bytes_equal(file, magic, TEE_MAGIC) ||
        !bytes_equal(file + TEE_MAGIC + TEE_SEED, digest, SHA256_LEN))
        return RC_SUCCESS;
    union {
        const uint8_t *given;
        void *taken;
    } seed = { .given = file + TEE_MAGIC };
    TRY(trail, secret_fill(tee->seed, put_seed, seed.taken));
    *found = FOUND_WHOLE;
    return RC_SUCCESS;
}

static rc read_file(struct trail *trail, struct tee *tee, enum found *found)
{
    uint8_t file[TEE_AUTHORITY + 1] = { 0 }; /* one more than there may be */
    *found = FOUND_NOTHING;
    auto_fd int fd = openat(tee->folder, "authority",
                            O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return RC_SUCCESS;
    if ((fd < 0 && errno == ELOOP) || (fd >= 0 && !is_ours(fd)))
        return REFUSE(trail, REASON_HOUSE_STATE_UNSAFE);
    ssize_t got = fd < 0 ? -1 : fd_read(fd, file, sizeof file);
    if (got < 0) {
        log_event("tee/authority cannot be read: %s", strerror(errno));
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    }
    rc taken = take_file(trail, tee, file, got, found);
    ct_wipe(file, sizeof file);
    return taken;
}

static rc write_file(struct span seed, void *arg)
{
    uint8_t file[TEE_AUTHORITY];
    const struct tee *tee = arg;
    memcpy(file, magic, TEE_MAGIC);
    memcpy(file + TEE_MAGIC, seed.at, TEE_SEED);
    hash_of(file, file + TEE_MAGIC + TEE_SEED);
    rc written = tee_write(NULL, tee, "authority", SPAN(file), 0600);
    ct_wipe(file, sizeof file);
    return written;
}

static rc derive(struct span seed, void *arg)
{
    struct tee *tee = arg;
    return sim_authority_init_intel(&tee->authority, seed) ? RC_SUCCESS
                                                           : rc_make(RC_WORLD, HOUSE_E_MEMORY);
}

/* Both secrets are open at once, and nothing lies between them. */
struct deriving {
    struct secret *seed;
    uint8_t *to;
};

static rc derive_scalar(struct span seed, void *arg)
{
    const struct deriving *what = arg;
    return sim_quoting_scalar(seed, what->to) ? RC_SUCCESS : rc_make(RC_WORLD, HOUSE_E_MEMORY);
}

/* From the seed, so that what one tee has sealed the next one opens. */
static rc derive_tickets(struct span seed, void *arg)
{
    static const char label[] = "ward launch tickets v1";
    const struct deriving *what = arg;
    hmac_sha256(seed, span_of(label, sizeof label), what->to);
    return RC_SUCCESS;
}

static rc fill_tickets(uint8_t *at, size_t len, void *arg)
{
    struct deriving *what = arg;
    (void)len;
    what->to = at;
    return secret_lend(what->seed, derive_tickets, what);
}

static rc fill_quoting(uint8_t *at, size_t len, void *arg)
{
    struct deriving *what = arg;
    (void)len;
    what->to = at;
    return secret_lend(what->seed, derive_scalar, what);
}

/* As long as no root is published nobody can have trusted this authority: what a start left
   unfinished, or something damaged, is made anew.  After that it is never replaced by another. */
static rc find_seed(struct trail *trail, struct tee *tee, bool published)
{
    enum found found = FOUND_NOTHING;
    TRY(trail, read_file(trail, tee, &found));
    if (found == FOUND_WHOLE)
        return RC_SUCCESS;
    if (published)
        return REFUSE(trail, found == FOUND_NOTHING ? REASON_TEE_AUTHORITY_MISSING
                                                    : REASON_TEE_AUTHORITY_DAMAGED);
    TRY(trail, secret_fill(tee->seed, make_seed, NULL));
    TRY(trail, secret_lend(tee->seed, write_file, tee));
    log_event("simulated authority made");
    return RC_SUCCESS;
}

/* What will be published is made twice: where memory runs short OpenSSL has been seen to make
   another certificate without a word, and one that is published is for ever. */
static rc make_root(struct trail *trail, struct tee *tee, struct sink *out)
{
    TRY(trail, secret_lend(tee->seed, derive, tee));
    bool made = sim_root(&tee->authority, &tee->spec, out);
    sim_authority_fini(&tee->authority);
    return made ? RC_SUCCESS : FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
}

rc tee_open_authority(struct trail *trail, struct tee *tee)
{
    uint8_t bytes[2][TEE_ROOT_MAX];
    struct sink published = sink_over(bytes[0], TEE_ROOT_MAX);
    struct sink root = sink_over(bytes[1], TEE_ROOT_MAX);
    if (!rc_ok(secret_pool_new(trail, 3, TEE_SEED, &tee->pool)))
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY); /* its own number is errno's */
    TRY(trail, secret_take(trail, tee->pool, TEE_SEED, &tee->seed));
    TRY(trail, secret_take(trail, tee->pool, P256_COORD, &tee->quoting));
    TRY(trail, secret_take(trail, tee->pool, SHA256_LEN, &tee->tickets));
    TRY(trail, tee_read_root(trail, tee, &published));
    TRY(trail, find_seed(trail, tee, published.len > 0));
    bool old = published.len > 0;
    if (!old)
        TRY(trail, make_root(trail, tee, &published));
    TRY(trail, secret_lend(tee->seed, derive, tee));
    struct deriving what = { .seed = tee->seed };
    TRY(trail, secret_fill(tee->quoting, fill_quoting, &what));
    TRY(trail, secret_fill(tee->tickets, fill_tickets, &what));
    if (!sim_root(&tee->authority, &tee->spec, &root))
        return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
    if (!span_equal(sink_bytes(&published), sink_bytes(&root)))
        return old ? REFUSE(trail, REASON_TEE_AUTHORITY_FOREIGN)
                   : FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    return RC_SUCCESS;
}

void tee_forget(struct tee *tee)
{
    sim_authority_fini(&tee->authority);
    secret_free(&tee->seed);
    fd_close(&tee->folder);
}
