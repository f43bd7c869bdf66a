/* file.c - see keeper.h: the sealed file through its one descriptor. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "crypto/ct.h"
#include "os/fd.h"
#include "os/random.h"
#include "proc/keeper/keeper.h"
#include "proc/log.h"

/* What the system said, for people; the number of the failure is of this program. */
static rc failed(struct trail *trail, const char *what)
{
    log_event("%s: %s", what, strerror(errno));
    return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
}

/* What a write leaves behind when it fails is not known, and after a failed fdatasync the
   kernel may show what the disk does not have.  So nothing is built on it before keeper_mend
   has written over it. */
static rc lost(struct trail *trail, struct keeper *keeper)
{
    bool news = !keeper->lost_was_said;
    keeper->lost = keeper->lost_was_said = true;
    return news ? failed(trail, "the sealed file cannot be written")
                : FAIL(trail, RC_WORLD, HOUSE_E_FILE);
}

struct deriving {
    const struct keyfile_head *head;
    struct span given;
};

static rc derive(uint8_t *at, size_t len, void *arg)
{
    const struct deriving *what = arg;
    (void)len;
    return keyfile_seal_key(NULL, what->head, what->given, at);
}

static enum seal_source source_of(const struct keeper *keeper)
{
    switch ((enum seal_kind)keeper->house->settings.seal) {
    case SEAL_BY_FILE:
        return SEAL_FILE;
    case SEAL_BY_PASSPHRASE:
        return SEAL_PASSPHRASE;
    case SEAL_BY_CREDENTIAL:
        return SEAL_CREDENTIAL;
    }
    return SEAL_NONE;
}

/* The seal's source is read once, before the jail, and wiped: from its beginning, for the monitor
   lends the same open file to each life of this process, and one byte more than any may have, so
   that what is too long is not cut. */
static rc derive_seal(struct trail *trail, struct keeper *keeper)
{
    uint8_t given[SEAL_CREDENTIAL_MAX + 1];
    ssize_t len = fd_read_at(keeper->house->files[FILE_SEAL], 0, given, sizeof given);
    rc derived;
    if (len < 0) {
        derived = failed(trail, "the seal cannot be read");
    } else {
        struct deriving what = { &keeper->head, span_of(given, (size_t)len) };
        derived = secret_fill(keeper->seal, derive, &what);
    }
    ct_wipe(given, sizeof given);
    return rc_ok(derived) ? RC_SUCCESS : rc_note(trail, derived, __func__, __LINE__);
}

/* Every use of the seal: with a keyring lent, too, where both are needed. */
struct sealing {
    struct keeper *keeper;
    struct secret *ring;
    const uint8_t *key;
    uint8_t *file; /* KEYFILE_LEN bytes, or a slot */
    uint64_t generation;
    struct keyfile_found found;
};

static rc make_with_plain(struct span plain, void *arg)
{
    struct sealing *what = arg;
    uint8_t nonce[XCHACHA20_NONCE];
    random_bytes(nonce, sizeof nonce);
    struct keyfile_generation first = { 1, nonce, plain.at };
    return keyfile_make(&what->keeper->head, what->key, &first, what->file)
               ? RC_SUCCESS
               : rc_make(RC_BUG, HOUSE_E_FILE);
}

static rc make_with_key(struct span key, void *arg)
{
    struct sealing *what = arg;
    what->key = key.at;
    return secret_lend(what->ring, make_with_plain, what);
}

static rc slot_with_plain(struct span plain, void *arg)
{
    struct sealing *what = arg;
    uint8_t nonce[XCHACHA20_NONCE];
    random_bytes(nonce, sizeof nonce);
    struct keyfile_generation next = { what->generation, nonce, plain.at };
    return keyfile_slot_write(&what->keeper->head, what->key, &next, what->file)
               ? RC_SUCCESS
               : rc_make(RC_BUG, HOUSE_E_FILE);
}

static rc slot_with_key(struct span key, void *arg)
{
    struct sealing *what = arg;
    what->key = key.at;
    return secret_lend(what->ring, slot_with_plain, what);
}

static rc open_into_plain(uint8_t *at, size_t len, void *arg)
{
    struct sealing *what = arg;
    (void)len;
    struct keyfile_bytes bytes = { .file = span_of(what->file, KEYFILE_LEN),
                                   .floor = what->keeper->standing.logged };
    return keyfile_open(NULL, &what->keeper->head, what->key, bytes, at, &what->found);
}

static rc open_with_key(struct span key, void *arg)
{
    struct sealing *what = arg;
    what->key = key.at;
    return secret_fill(what->ring, open_into_plain, what);
}

static rc check_key(struct span key, void *arg)
{
    const struct keeper *keeper = arg;
    return keyfile_check_key(NULL, &keeper->head, key.at);
}

static rc read_ring(struct span plain, void *arg)
{
    struct keeper *keeper = arg;
    return keyring_read(NULL, plain, &keeper->ring);
}

/* Zeros that lie on the disk: a full disk does not keep a head from being kept. */
static bool write_blank(const struct keeper *keeper)
{
    static const uint8_t zeros[2 * KEEPER_BLOCK];
    return fd_write_at(keeper->file, KEYFILE_LEN, SPAN(zeros));
}

/* The head is written last: as long as it is not there, the file was never used and is made
   again.  Behind the slots two blocks are for the standing. */
static rc make_file(struct trail *trail, struct keeper *keeper, uint8_t *file)
{
    struct sealing what = { .keeper = keeper, .ring = keeper->plain, .file = file };
    keeper->head = (struct keyfile_head){ .form = KEYFILE_STORE, .source = source_of(keeper) };
    if (keeper->head.source == SEAL_PASSPHRASE)
        keeper->head.cost = SEAL_COST;
    random_bytes(keeper->head.salt, sizeof keeper->head.salt);
    random_bytes(keeper->head.id, sizeof keeper->head.id);
    TRY(trail, derive_seal(trail, keeper));
    TRY(trail, keeper_make_ring(keeper));
    TRY(trail, secret_lend(keeper->seal, make_with_key, &what));
    struct cursor whole = cur_over(span_of(file, KEYFILE_LEN));
    struct span head;
    if (!cur_take(&whole, KEYFILE_HEAD, &head))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    if (!fd_write_at(keeper->file, KEYFILE_HEAD, cur_rest(&whole)) || !write_blank(keeper) ||
        fdatasync(keeper->file) != 0 || !fd_write_at(keeper->file, 0, head) ||
        fdatasync(keeper->file) != 0)
        return lost(trail, keeper);
    keeper->generation = 1;
    keeper->other = KEYFILE_OTHER_EMPTY;
    log_event("keyring made keys=%zu", keeper->ring.count);
    return keeper_load_standing(trail, keeper);
}

/* What was read may be in the kernel's memory alone, when an earlier life's fdatasync failed:
   the slot is written again as it is, so that no key is used that the disk does not have. */
static rc keep_slot(struct trail *trail, struct keeper *keeper, const uint8_t *file)
{
    size_t at = keyfile_slot_offset(keeper->generation);
    struct cursor whole = cur_over(span_of(file, KEYFILE_LEN));
    struct span slot;
    if (!cur_skip(&whole, at) || !cur_take(&whole, KEYFILE_SLOT, &slot))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    if (!fd_write_at(keeper->file, at, slot) || fdatasync(keeper->file) != 0)
        return lost(trail, keeper);
    return RC_SUCCESS;
}

/* A keyring that is older than what the log was told of would bring retired keys back to
   life. */
static rc open_file(struct trail *trail, struct keeper *keeper, uint8_t *file)
{
    static const char *const others[] = { [KEYFILE_OTHER_EMPTY] = "empty",
                                          [KEYFILE_OTHER_OLDER] = "older",
                                          [KEYFILE_OTHER_DAMAGED] = "damaged" };
    struct sealing what = { .keeper = keeper, .ring = keeper->plain, .file = file };
    TRY(trail, keyfile_head_read(trail, KEYFILE_STORE, span_of(file, KEYFILE_LEN), &keeper->head));
    TRY(trail, derive_seal(trail, keeper));
    TRY(trail, secret_lend(keeper->seal, check_key, keeper));
    TRY(trail, keeper_load_standing(trail, keeper));
    TRY(trail, secret_lend(keeper->seal, open_with_key, &what));
    TRY(trail, secret_lend(keeper->plain, read_ring, keeper));
    keeper->generation = what.found.generation;
    keeper->other = what.found.other;
    /* No key is changed before the log has the first ones, which leaves a standing behind. */
    if (keeper->standing.counter == 0 && keeper->generation > 1)
        return REFUSE(trail, REASON_KEYFILE_DAMAGED);
    TRY(trail, keep_slot(trail, keeper, file));
    log_event("keyring opened keys=%zu generation=%llu other_slot=%s", keeper->ring.count,
              (unsigned long long)keeper->generation, others[keeper->other]);
    return RC_SUCCESS;
}

/* Was the file never made whole?  Its head is zeros then, and so is the standing, which the
   first use of a key leaves behind.  A file that is short, or whose head alone is gone, has
   been used: it is kept as it is. */
static rc was_never_made(struct trail *trail, struct keeper *keeper, const uint8_t *file,
                         bool *never)
{
    const uint8_t *blocks = file + KEYFILE_LEN;
    *never = bytes_are_zero(file, KEYFILE_HEAD) && bytes_are_zero(blocks, 2 * KEEPER_BLOCK);
    if (*never)
        return RC_SUCCESS;
    struct stat is;
    if (fstat(keeper->file, &is) != 0)
        return failed(trail, "the sealed file cannot be looked at");
    if (is.st_size != KEEPER_FILE_LEN || bytes_are_zero(file, KEYFILE_HEAD))
        return REFUSE(trail, REASON_KEYFILE_DAMAGED);
    return RC_SUCCESS;
}

rc keeper_open_file(struct trail *trail, struct keeper *keeper)
{
    struct stat is;
    bool never = false;
    uint8_t *file = arena_alloc(&keeper->house->arena, KEEPER_FILE_LEN);
    if (file == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    if (fstat(keeper->file, &is) != 0)
        return failed(trail, "the sealed file cannot be looked at");
    size_t have = is.st_size < KEEPER_FILE_LEN ? (size_t)is.st_size : KEEPER_FILE_LEN;
    memset(file, 0, KEEPER_FILE_LEN);
    if (fd_read_at(keeper->file, 0, file, have) != (ssize_t)have)
        return failed(trail, "the sealed file cannot be read");
    TRY(trail, was_never_made(trail, keeper, file, &never));
    return never ? make_file(trail, keeper, file) : open_file(trail, keeper, file);
}

rc keeper_store_next(struct trail *trail, struct keeper *keeper, const struct keyring *ring)
{
    uint8_t slot[KEYFILE_SLOT];
    struct sealing what = {
        .keeper = keeper, .ring = keeper->next, .file = slot, .generation = keeper->generation + 1
    };
    if (keeper->lost)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    TRY(trail, secret_lend(keeper->seal, slot_with_key, &what));
    if (!fd_write_at(keeper->file, keyfile_slot_offset(what.generation), SPAN(slot)) ||
        fdatasync(keeper->file) != 0) {
        keeper->slot_lost = true;
        return lost(trail, keeper);
    }
    struct secret *before = keeper->plain;
    keeper->plain = keeper->next;
    keeper->next = NULL;
    keeper->ring = *ring;
    keeper->generation = what.generation;
    keeper->other = KEYFILE_OTHER_OLDER;
    secret_free(&before);
    return secret_take(trail, keeper->pool, KEYRING_LEN, &keeper->next);
}

rc keeper_read_block(struct trail *trail, struct keeper *keeper, size_t at, uint8_t *block,
                     size_t len)
{
    if (fd_read_at(keeper->file, at, block, len) != (ssize_t)len)
        return failed(trail, "the sealed file cannot be read");
    return RC_SUCCESS;
}

rc keeper_write_block(struct trail *trail, struct keeper *keeper, size_t at, struct span block)
{
    if (keeper->lost)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    if (!fd_write_at(keeper->file, at, block) || fdatasync(keeper->file) != 0)
        return lost(trail, keeper);
    return RC_SUCCESS;
}

/* A keyring that may or may not be on the disk must not come to life at the next start, after its
   old keys have signed more: its slot is emptied. */
static bool empty_slot(struct keeper *keeper)
{
    static const uint8_t zeros[KEYFILE_SLOT];
    if (!fd_write_at(keeper->file, keyfile_slot_offset(keeper->generation + 1), SPAN(zeros)) ||
        fdatasync(keeper->file) != 0)
        return false;
    keeper->slot_lost = false;
    keeper->other = KEYFILE_OTHER_EMPTY;
    return true;
}

int64_t keeper_mend(struct keeper *keeper, int64_t now_ms)
{
    struct standing same = keeper->standing;
    if (!keeper->lost)
        return INT64_MAX;
    if (now_ms < keeper->mend_ms)
        return keeper->mend_ms;
    keeper->mend_ms = now_ms + KEEPER_AGAIN_MS;
    if (keeper->slot_lost && !empty_slot(keeper))
        return keeper->mend_ms;
    keeper->lost = false;
    if (!rc_ok(keeper_write_standing(NULL, keeper, &same)))
        return keeper->mend_ms;
    keeper->lost_was_said = false;
    log_event("the sealed file is written again");
    return INT64_MAX;
}
