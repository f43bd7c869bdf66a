/* copy.c - ward-keyring: makes a backup of a sealed keyring, or a keyring of a backup, while
   the house is down.  Started by `ward keyring`, which opens everything and holds the house's
   lock; here keys are in the clear, in the pages of secret/ alone.

       3  what is read: the sealed file, or the backup      4  what opens it
       5  what is written: an empty file                    6  what seals it

   It proves itself: what was written is read back, opened, and compared before it says yes.
   A failure is one line on stderr and a status other than 0. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "crypto/ct.h"
#include "crypto/ecdsa_sign.h"
#include "crypto/start.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "proc/keeper/keeper.h"
#include "proc/keeper/look.h"

enum { COPY_FROM = 3, COPY_FROM_SEAL, COPY_TO, COPY_TO_SEAL };
enum { COPY_OK = 0, COPY_REFUSED = 1, COPY_USAGE = 2, COPY_FAILED = 70 };
enum { COPY_SECRETS = 4, COPY_SECRET_BYTES = 16 << 10, COPY_BYTES = KEEPER_FILE_LEN };

/* One end: a file of a form, as bytes, and the key that seals it. */
struct end {
    enum keyfile_form form;
    int fd, seal_fd;
    struct keyfile_head head;
    struct secret *key;
    size_t len;
    uint8_t bytes[COPY_BYTES];
};

/* What guard/ knows of the file: the keeper's standing lies behind it. */
static struct span sealed_part(const struct end *end)
{
    size_t most = end->form == KEYFILE_BACKUP ? COPY_BYTES : KEYFILE_LEN;
    return span_of(end->bytes, end->len < most ? end->len : most);
}

struct copy {
    struct secret_pool *pool;
    struct secret *plain, *proof;
    uint64_t generation;
    struct end from, to;
};

/* A file that is longer is none of ours. */
static bool read_bytes(struct end *end)
{
    ssize_t have = fd_read(end->fd, end->bytes, sizeof end->bytes);
    end->len = have > 0 ? (size_t)have : 0;
    return have >= 0;
}

static rc derive(uint8_t *at, size_t len, void *arg)
{
    struct end *end = arg;
    uint8_t given[SEAL_CREDENTIAL_MAX + 1];
    (void)len;
    ssize_t have = fd_read(end->seal_fd, given, sizeof given);
    rc derived = have >= 0 ? keyfile_seal_key(NULL, &end->head, span_of(given, (size_t)have), at)
                           : rc_make(RC_WORLD, REASON_KEYFILE_SEAL_INPUT);
    ct_wipe(given, sizeof given);
    return derived;
}

/* ---- opening ---------------------------------------------------------------------------- */

struct opening {
    struct copy *copy;
    const struct end *end;
    struct secret *into;
    const uint8_t *key;
};

static rc open_into(uint8_t *at, size_t len, void *arg)
{
    struct opening *what = arg;
    const struct end *end = what->end;
    struct keyfile_bytes bytes = { .file = sealed_part(end) };
    struct keyfile_found found;
    (void)len;
    if (end->form == KEYFILE_BACKUP)
        return backup_open(NULL, &end->head, what->key, sealed_part(end), at,
                           &what->copy->generation);
    return keyfile_open(NULL, &end->head, what->key, bytes, at, &found);
}

static rc open_with_key(struct span key, void *arg)
{
    struct opening *what = arg;
    what->key = key.at;
    rc good = keyfile_check_key(NULL, &what->end->head, key.at);
    return rc_ok(good) ? secret_fill(what->into, open_into, what) : good;
}

static rc judge(struct span plain, void *arg)
{
    struct keyring ring;
    (void)arg;
    return keyring_read(NULL, plain, &ring);
}

static rc read_end(struct trail *trail, struct copy *copy)
{
    struct end *from = &copy->from;
    struct opening what = { .copy = copy, .end = from, .into = copy->plain };
    size_t least = from->form == KEYFILE_BACKUP ? BACKUP_LEN : KEYFILE_LEN;
    if (!read_bytes(from) || from->len < least)
        return REFUSE(trail, REASON_KEYFILE_FORMAT);
    TRY(trail, keyfile_head_read(trail, from->form, sealed_part(from), &from->head));
    TRY(trail, secret_fill(from->key, derive, from));
    TRY(trail, secret_lend(from->key, open_with_key, &what));
    return secret_lend(copy->plain, judge, NULL);
}

/* ---- making ----------------------------------------------------------------------------- */

struct making {
    struct copy *copy;
    const uint8_t *key;
};

static rc make_with_plain(struct span plain, void *arg)
{
    struct making *what = arg;
    struct end *to = &what->copy->to;
    uint8_t nonce[XCHACHA20_NONCE];
    random_bytes(nonce, sizeof nonce);
    struct keyfile_generation one = { 1, nonce, plain.at };
    bool made = to->form == KEYFILE_BACKUP ? backup_make(&to->head, what->key, &one, to->bytes)
                                           : keyfile_make(&to->head, what->key, &one, to->bytes);
    return made ? RC_SUCCESS : rc_make(RC_BUG, REASON_KEYRING_FORMAT);
}

static rc make_with_key(struct span key, void *arg)
{
    struct making *what = arg;
    what->key = key.at;
    return secret_lend(what->copy->plain, make_with_plain, what);
}

static rc write_end(struct trail *trail, struct copy *copy)
{
    struct end *to = &copy->to;
    struct making what = { .copy = copy };
    random_bytes(to->head.salt, sizeof to->head.salt);
    random_bytes(to->head.id, sizeof to->head.id);
    to->len = to->form == KEYFILE_BACKUP ? BACKUP_LEN : KEEPER_FILE_LEN;
    TRY(trail, secret_fill(to->key, derive, to));
    TRY(trail, secret_lend(to->key, make_with_key, &what));
    if (!fd_write(to->fd, span_of(to->bytes, to->len)) || fsync(to->fd) != 0)
        return REFUSE(trail, REASON_KEYRING_NOT_WRITTEN);
    return RC_SUCCESS;
}

/* ---- proving ---------------------------------------------------------------------------- */

static rc compare_with(struct span proof, void *arg)
{
    const struct span *plain = arg;
    return plain->len == proof.len && ct_equal(plain->at, proof.at, proof.len)
               ? RC_SUCCESS
               : rc_make(RC_WORLD, REASON_KEYFILE_DAMAGED);
}

static rc compare(struct span plain, void *arg)
{
    struct copy *copy = arg;
    return secret_lend(copy->proof, compare_with, &plain);
}

static rc prove(struct trail *trail, struct copy *copy)
{
    struct end *to = &copy->to;
    struct opening what = { .copy = copy, .end = to, .into = copy->proof };
    memset(to->bytes, 0, sizeof to->bytes);
    if (lseek(to->fd, 0, SEEK_SET) != 0 || !read_bytes(to))
        return REFUSE(trail, REASON_KEYRING_NOT_WRITTEN);
    TRY(trail, keyfile_head_read(trail, to->form, sealed_part(to), &to->head));
    TRY(trail, secret_lend(to->key, open_with_key, &what));
    return secret_lend(copy->plain, compare, copy);
}

static rc run(struct trail *trail, struct copy *copy)
{
    if (!sodium_start() || !ecdsa_guard_heap())
        return REFUSE(trail, REASON_OUT_OF_MEMORY);
    TRY(trail, secret_pool_new(trail, COPY_SECRETS, COPY_SECRET_BYTES, &copy->pool));
    TRY(trail, secret_take(trail, copy->pool, SEAL_KEY, &copy->from.key));
    TRY(trail, secret_take(trail, copy->pool, SEAL_KEY, &copy->to.key));
    TRY(trail, secret_take(trail, copy->pool, KEYRING_LEN, &copy->plain));
    TRY(trail, secret_take(trail, copy->pool, KEYRING_LEN, &copy->proof));
    TRY(trail, read_end(trail, copy));
    TRY(trail, write_end(trail, copy));
    return prove(trail, copy);
}

static enum seal_source source_of(const char *name)
{
    enum seal_source source = SEAL_FILE;
    while (source < SEAL_SOURCE_COUNT && strcmp(name, seal_source_name(source)) != 0)
        source++;
    return source;
}

/* ward-keyring backup|restore SOURCE: what seals the file that is written. */
static bool read_words(int argc, char **argv, struct copy *copy)
{
    if (argc != 3)
        return false;
    bool backup = strcmp(argv[1], "backup") == 0;
    enum seal_source source = source_of(argv[2]);
    copy->from.form = backup ? KEYFILE_STORE : KEYFILE_BACKUP;
    copy->to.form = backup ? KEYFILE_BACKUP : KEYFILE_STORE;
    copy->to.head = (struct keyfile_head){ .form = copy->to.form, .source = source };
    if (source == SEAL_PASSPHRASE)
        copy->to.head.cost = SEAL_COST;
    return source != SEAL_SOURCE_COUNT && (backup || strcmp(argv[1], "restore") == 0);
}

/* No core, and nobody of the same user looks in. */
static bool close_up(void)
{
    struct rlimit none = { 0, 0 };
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

int main(int argc, char **argv)
{
    struct copy copy = { .from = { .fd = COPY_FROM, .seal_fd = COPY_FROM_SEAL },
                         .to = { .fd = COPY_TO, .seal_fd = COPY_TO_SEAL } };
    struct trail trail = { 0 };
    if (argc == 2 && strcmp(argv[1], "look") == 0 && close_up())
        return keyring_look();
    if (!read_words(argc, argv, &copy) || !close_up())
        return COPY_USAGE;
    rc done = run(&trail, &copy);
    secret_pool_free(&copy.pool);
    if (rc_ok(done))
        return COPY_OK;
    enum reason reason = reason_of_rc(done, REASON_NONE);
    if (reason == REASON_NONE) {
        fprintf(stderr, "ward: keyring: %s\n", file_error_text(done));
        return COPY_FAILED;
    }
    const struct reason_info *info = reason_info(reason);
    fprintf(stderr, "ward: keyring: %s: %s %s\n", info->name, info->cause, info->help);
    return rc_class_of(done) == RC_DENIED ? COPY_REFUSED : COPY_USAGE;
}
