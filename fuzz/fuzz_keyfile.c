/* fuzz_keyfile.c - the keeper's file: a plaintext that is read is a sound keyring that is written
   back the same, and a head is read, whatever it says, without harm.  The sum of the head is
   made good first, as somebody who forges one would. */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "guard/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
    struct span plain;
    const struct keyring *ring;
};

static void insist(bool held)
{
    if (!held)
        abort();
}

static rc give(const struct keyring_key *key, uint8_t *at, void *arg)
{
    const struct source *source = arg;
    struct span part = keyring_private(source->plain, source->ring,
                                       (size_t)(key - source->ring->keys));
    insist(part.len == KEY_PRIVATE);
    memcpy(at, part.at, KEY_PRIVATE);
    return RC_SUCCESS;
}

static void try_plaintext(struct span plain)
{
    static uint8_t again[KEYRING_LEN];
    struct keyring ring;
    if (!rc_ok(keyring_read(NULL, plain, &ring)))
        return;
    struct source source = { plain, &ring };
    insist(keyring_is_sound(&ring));
    insist(rc_ok(keyring_write(NULL, &ring, give, &source, again)));
    insist(span_equal(plain, SPAN(again)));
}

static void try_head(enum keyfile_form form, uint8_t *file, size_t len)
{
    const uint8_t key[SEAL_KEY] = { 1 };
    struct keyfile_head head;
    hash_sha256(span_of(file, KEYFILE_HEAD - SHA256_LEN), file + KEYFILE_HEAD - SHA256_LEN);
    if (!rc_ok(keyfile_head_read(NULL, form, span_of(file, len), &head)))
        return;
    insist(head.source > SEAL_NONE && head.source < SEAL_SOURCE_COUNT);
    insist(!rc_ok(keyfile_check_key(NULL, &head, key)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[KEYFILE_LEN];
    memset(file, 0, sizeof file);
    memcpy(file, data, size < sizeof file ? size : sizeof file);
    try_plaintext(span_of(file, KEYRING_LEN));
    try_head(KEYFILE_STORE, file, KEYFILE_LEN);
    try_head(KEYFILE_BACKUP, file, BACKUP_LEN);
    return 0;
}
