/* file.c - see keeper.h: the sealed file through its one descriptor. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/keeper/keeper.h"
#include "proc/log.h"

static bool read_at(int fd, size_t at, uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t got = pread(fd, bytes, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        at += (size_t)got;
        len -= (size_t)got;
    }
    return true;
}

static bool write_at(int fd, size_t at, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = pwrite(fd, bytes.at, bytes.len, (off_t)at);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += (size_t)sent;
        bytes = span_of(bytes.at + sent, bytes.len - (size_t)sent);
    }
    return true;
}

/* What a write leaves behind when it fails is not known, and after a failed fdatasync the
   kernel may show what the disk does not have.  So the first failure is the last. */
static rc lost(struct trail *trail, struct keeper *keeper)
{
    keeper->lost = true;
    return FAIL(trail, RC_WORLD, (uint32_t)errno);
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

/* The seal's source is read once, before the jail, and wiped. */
static rc derive_seal(struct trail *trail, struct keeper *keeper)
{
    uint8_t given[SEAL_CREDENTIAL_MAX];
    ssize_t len = pread(keeper->house->files[FILE_SEAL], given, sizeof given, 0);
    if (len < 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    struct deriving what = { &keeper->head, span_of(given, (size_t)len) };
    rc derived = secret_fill(keeper->seal, derive, &what);
    explicit_bzero(given, sizeof given);
    return rc_ok(derived) ? RC_SUCCESS : rc_note(trail, derived, __func__, __LINE__);
}

/* Every use of the seal: with the keyring lent, too, where both are needed. */
struct sealing {
    struct keeper *keeper;
    const uint8_t *key;
    uint8_t *file; /* KEYFILE_LEN bytes, or a slot */
    uint64_t generation;
    struct keyfile_found found;
    rc result;
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
    return secret_lend(what->keeper->plain, make_with_plain, what);
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
    return secret_lend(what->keeper->plain, slot_with_plain, what);
}

static rc open_into_plain(uint8_t *at, size_t len, void *arg)
{
    struct sealing *what = arg;
    (void)len;
    struct keyfile_bytes bytes = { .file = span_of(what->file, KEYFILE_LEN) };
    return keyfile_open(NULL, &what->keeper->head, what->key, bytes, at, &what->found);
}

static rc open_with_key(struct span key, void *arg)
{
    struct sealing *what = arg;
    what->key = key.at;
    rc good = keyfile_check_key(NULL, &what->keeper->head, key.at);
    return rc_ok(good) ? secret_fill(what->keeper->plain, open_into_plain, what) : good;
}

static rc read_ring(struct span plain, void *arg)
{
    struct keeper *keeper = arg;
    return keyring_read(NULL, plain, &keeper->ring);
}

/* A new keyring is made where its private parts stay. */
static rc fill_new_ring(uint8_t *at, size_t len, void *arg)
{
    static const enum key_role roles[] = { KEY_ROLE_CA, KEY_ROLE_TLS, KEY_ROLE_LOG, KEY_ROLE_NODE };
    struct keeper *keeper = arg;
    uint8_t privates[COUNT_OF(roles)][KEY_PRIVATE];
    rc result = RC_SUCCESS;
    (void)len;
    keeper->ring = (struct keyring){ 0 };
    for (size_t i = 0; i < COUNT_OF(roles) && rc_ok(result); i++) {
        struct keyring_key key;
        do {
            random_bytes(privates[i], KEY_PRIVATE);
        } while (!keyring_make_key(roles[i], SPAN(privates[i]), clock_now(), &key));
        result = keyring_add(NULL, &keeper->ring, &key);
    }
    if (rc_ok(result))
        result = keeper_write_ring(keeper, privates, at);
    explicit_bzero(privates, sizeof privates);
    return result;
}

struct parts {
    const struct keyring *ring;
    uint8_t (*privates)[KEY_PRIVATE];
};

static rc give_part(const struct keyring_key *key, uint8_t *at, void *arg)
{
    const struct parts *parts = arg;
    memcpy(at, parts->privates[key - parts->ring->keys], KEY_PRIVATE);
    return RC_SUCCESS;
}

rc keeper_write_ring(const struct keeper *keeper, uint8_t (*privates)[KEY_PRIVATE], uint8_t *plain)
{
    struct parts parts = { &keeper->ring, privates };
    return keyring_write(NULL, &keeper->ring, give_part, &parts, plain);
}

/* The head is written last: as long as it is not there, the file was never used and is made
   again.  Behind the slots two blocks are for the last signed head. */
static rc make_file(struct trail *trail, struct keeper *keeper, uint8_t *file)
{
    struct sealing what = { .keeper = keeper, .file = file };
    keeper->head = (struct keyfile_head){ .form = KEYFILE_STORE, .source = source_of(keeper) };
    if (keeper->head.source == SEAL_PASSPHRASE)
        keeper->head.cost = SEAL_COST;
    random_bytes(keeper->head.salt, sizeof keeper->head.salt);
    random_bytes(keeper->head.id, sizeof keeper->head.id);
    TRY(trail, derive_seal(trail, keeper));
    TRY(trail, secret_fill(keeper->plain, fill_new_ring, keeper));
    TRY(trail, secret_lend(keeper->seal, make_with_key, &what));
    struct cursor whole = cur_over(span_of(file, KEYFILE_LEN));
    struct span head;
    if (!cur_take(&whole, KEYFILE_HEAD, &head))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    if (ftruncate(keeper->file, KEEPER_FILE_LEN) != 0 ||
        !write_at(keeper->file, KEYFILE_HEAD, cur_rest(&whole)) || fdatasync(keeper->file) != 0 ||
        !write_at(keeper->file, 0, head) || fdatasync(keeper->file) != 0)
        return lost(trail, keeper);
    keeper->generation = 1;
    log_event("keyring made keys=%zu", keeper->ring.count);
    return RC_SUCCESS;
}

static rc open_file(struct trail *trail, struct keeper *keeper, uint8_t *file)
{
    struct sealing what = { .keeper = keeper, .file = file };
    TRY(trail, keyfile_head_read(trail, KEYFILE_STORE, span_of(file, KEYFILE_LEN), &keeper->head));
    TRY(trail, derive_seal(trail, keeper));
    TRY(trail, secret_lend(keeper->seal, open_with_key, &what));
    TRY(trail, secret_lend(keeper->plain, read_ring, keeper));
    keeper->generation = what.found.generation;
    log_event("keyring opened keys=%zu generation=%llu other_slot=%d", keeper->ring.count,
              (unsigned long long)keeper->generation, (int)what.found.other);
    return RC_SUCCESS;
}

rc keeper_open_file(struct trail *trail, struct keeper *keeper)
{
    struct stat is;
    uint8_t *file = arena_alloc(&keeper->house->arena, KEYFILE_LEN);
    if (file == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    if (fstat(keeper->file, &is) != 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    bool there = is.st_size >= KEYFILE_LEN;
    if (there && !read_at(keeper->file, 0, file, KEYFILE_LEN))
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    if (!there || bytes_are_zero(file, KEYFILE_HEAD))
        return make_file(trail, keeper, file);
    return open_file(trail, keeper, file);
}

rc keeper_store(struct trail *trail, struct keeper *keeper)
{
    uint8_t slot[KEYFILE_SLOT];
    struct sealing what = { .keeper = keeper, .file = slot, .generation = keeper->generation + 1 };
    if (keeper->lost)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    TRY(trail, secret_lend(keeper->seal, slot_with_key, &what));
    if (!write_at(keeper->file, keyfile_slot_offset(what.generation), SPAN(slot)) ||
        fdatasync(keeper->file) != 0)
        return lost(trail, keeper);
    keeper->generation = what.generation;
    return RC_SUCCESS;
}

rc keeper_read_block(struct trail *trail, struct keeper *keeper, size_t at, uint8_t *block,
                     size_t len)
{
    if (!read_at(keeper->file, at, block, len))
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    return RC_SUCCESS;
}

rc keeper_write_block(struct trail *trail, struct keeper *keeper, size_t at, struct span block)
{
    if (keeper->lost)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    if (!write_at(keeper->file, at, block) || fdatasync(keeper->file) != 0)
        return lost(trail, keeper);
    return RC_SUCCESS;
}
