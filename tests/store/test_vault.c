/* test_vault.c - a sealed stream under everything that befalls a file that is carried around. */
#include "store/vault.h"

#include <string.h>

#include "crypto/hash.h"
#include "model/reason.h"
#include "test.h"

enum { ROOM = 4 * (VAULT_BLOCK + 64), PAYLOAD = VAULT_BLOCK + 1000 };

/* A file in memory. */
struct file {
    uint8_t bytes[ROOM];
    size_t len, at;
    size_t slice; /* of a read, at most; 0: all */
};

static struct file good, bad;
static struct vault vault;
static uint8_t payload[PAYLOAD], out[PAYLOAD];
static const char phrase[] = "correct horse battery";

static rc put(struct trail *trail, void *arg, struct span bytes)
{
    struct file *file = arg;
    if (bytes.len > sizeof file->bytes - file->len)
        return REFUSE(trail, REASON_STORE_FULL);
    memcpy(file->bytes + file->len, bytes.at, bytes.len);
    file->len += bytes.len;
    return RC_SUCCESS;
}

static rc get(struct trail *trail, void *arg, void *to, size_t cap, size_t *got)
{
    struct file *file = arg;
    size_t left = file->len - file->at;
    size_t part = cap < left ? cap : left;
    (void)trail;
    if (file->slice != 0 && part > file->slice)
        part = file->slice;
    memcpy(to, file->bytes + file->at, part);
    file->at += part;
    *got = part;
    return RC_SUCCESS;
}

static void make(struct file *file, size_t len)
{
    const struct backup_out to = { put, file };
    file->len = file->at = 0;
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 31 + i / 251);
    assert_true(rc_ok(vault_write_begin(NULL, &vault, &to, span_text(phrase))));
    assert_true(rc_ok(vault_write(NULL, &vault, span_of(payload, len))));
    assert_true(rc_ok(vault_write_end(NULL, &vault)));
}

/* What reading all of it says; the key is derived anew only where the head is what is tried. */
static const char *reads(struct file *file, const char *with, size_t len)
{
    const struct backup_in from = { get, file };
    file->at = 0;
    memset(out, 0, sizeof out);
    rc read = vault_read_begin(NULL, &vault, &from, span_text(with));
    if (rc_ok(read))
        read = vault_read(NULL, &vault, out, len);
    if (rc_ok(read))
        read = vault_read_end(NULL, &vault);
    return rc_ok(read) ? "OK" : reason_info((enum reason)rc_number(read))->name;
}

/* The same behind the head, with the key of `good`: a derivation costs 64 MiB. */
static const char *reads_blocks(struct file *file, const struct vault *opened, size_t len)
{
    vault = *opened;
    vault.from = (struct backup_in){ get, file };
    file->at = KEYFILE_HEAD;
    rc read = vault_read(NULL, &vault, out, len);
    if (rc_ok(read))
        read = vault_read_end(NULL, &vault);
    return rc_ok(read) ? "OK" : reason_info((enum reason)rc_number(read))->name;
}

static struct vault opened;

static int begin(void **state)
{
    const struct backup_in from = { get, &good };
    (void)state;
    make(&good, PAYLOAD);
    good.at = 0;
    assert_true(rc_ok(vault_read_begin(NULL, &vault, &from, span_text(phrase))));
    opened = vault;
    return 0;
}

static void test_round_trip(void **state)
{
    static const size_t lengths[] = { 0, 1, VAULT_BLOCK - 1, VAULT_BLOCK, VAULT_BLOCK + 1 };
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        make(&bad, lengths[i]);
        bad.slice = i % 2 == 0 ? 0 : 777;
        assert_string_equal(reads(&bad, phrase, lengths[i]), "OK");
        assert_memory_equal(out, payload, lengths[i]);
        assert_string_equal(reads(&bad, phrase, lengths[i] + 1), "BACKUP_DAMAGED");
    }
    bad.slice = 0;
    assert_string_equal(reads(&good, phrase, PAYLOAD - 1), "BACKUP_DAMAGED");
}

static void test_nothing_in_clear(void **state)
{
    (void)state;
    static struct file other;
    make(&other, PAYLOAD);
    assert_null(memmem(other.bytes, other.len, payload, 16));
    assert_null(memmem(other.bytes, other.len, phrase, strlen(phrase)));
    /* Nothing is the same in two files of the same bytes but magic, version and cost. */
    assert_memory_not_equal(other.bytes + KEYFILE_HEAD + 4, good.bytes + KEYFILE_HEAD + 4, 64);
}

static void test_wrong_key(void **state)
{
    (void)state;
    assert_string_equal(reads(&good, "correct horse batterz", PAYLOAD), "BACKUP_KEY_WRONG");
    assert_string_equal(reads(&good, "", PAYLOAD), "BACKUP_KEY_WRONG");
}

static void set_version(struct file *file, uint8_t version)
{
    /* The head's last 32 bytes are its sum, and every version ends so. */
    *file = good;
    file->bytes[8] = version;
    hash_sha256(span_of(file->bytes, KEYFILE_HEAD - 32), file->bytes + KEYFILE_HEAD - 32);
}

static void test_head(void **state)
{
    (void)state;
    set_version(&bad, 0);
    assert_string_equal(reads(&bad, phrase, PAYLOAD), "BACKUP_OLDER");
    set_version(&bad, 2);
    assert_string_equal(reads(&bad, phrase, PAYLOAD), "BACKUP_NEWER");
    for (size_t i = 0; i < KEYFILE_HEAD; i++) {
        bad = good;
        bad.bytes[i] ^= 0x10;
        assert_string_equal(reads(&bad, phrase, PAYLOAD),
                            i < 8 ? "BACKUP_FORMAT" : "BACKUP_DAMAGED");
    }
    for (size_t len = 0; len < KEYFILE_HEAD; len++) {
        bad = good;
        bad.len = len;
        assert_string_equal(reads(&bad, phrase, PAYLOAD), "BACKUP_FORMAT");
    }
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    bad = good;
    for (size_t len = KEYFILE_HEAD; len<good.len; len += len + 40> good.len ? 1 : 97) {
        bad.len = len;
        assert_string_equal(reads_blocks(&bad, &opened, PAYLOAD), "BACKUP_CUT");
    }
    assert_string_equal(reads_blocks(&good, &opened, PAYLOAD), "OK");
}

static void test_one_bit_anywhere(void **state)
{
    (void)state;
    bad = good;
    for (size_t at = KEYFILE_HEAD; at < good.len; at += 61) {
        bad.bytes[at] ^= (uint8_t)(1u << at % 8);
        const char *said = reads_blocks(&bad, &opened, PAYLOAD);
        /* A length that grew looks like an end that is missing. */
        assert_true(strcmp(said, "BACKUP_DAMAGED") == 0 || strcmp(said, "BACKUP_CUT") == 0);
        bad.bytes[at] = good.bytes[at];
    }
}

static void test_blocks_moved(void **state)
{
    (void)state;
    size_t block = VAULT_BLOCK + AEAD_TAG + 4;
    /* Appended, doubled, left out, and the last one first. */
    bad = good;
    bad.bytes[bad.len++] = 0;
    assert_string_equal(reads_blocks(&bad, &opened, PAYLOAD), "BACKUP_DAMAGED");
    bad = good;
    memmove(bad.bytes + KEYFILE_HEAD + block, bad.bytes + KEYFILE_HEAD, good.len - KEYFILE_HEAD);
    bad.len += block;
    assert_string_equal(reads_blocks(&bad, &opened, PAYLOAD), "BACKUP_DAMAGED");
    bad = good;
    memmove(bad.bytes + KEYFILE_HEAD, bad.bytes + KEYFILE_HEAD + block,
            good.len - KEYFILE_HEAD - block);
    bad.len -= block;
    assert_string_equal(reads_blocks(&bad, &opened, PAYLOAD), "BACKUP_DAMAGED");
    /* A block that says that it is the last. */
    bad = good;
    bad.bytes[KEYFILE_HEAD + 3] |= 0x80;
    assert_string_equal(reads_blocks(&bad, &opened, VAULT_BLOCK), "BACKUP_DAMAGED");
    /* Of another file with the same passphrase. */
    make(&bad, PAYLOAD);
    memcpy(bad.bytes, good.bytes, KEYFILE_HEAD);
    assert_string_equal(reads_blocks(&bad, &opened, PAYLOAD), "BACKUP_DAMAGED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip, ""),   TEST(test_nothing_in_clear, ""),
        TEST(test_wrong_key, ""),    TEST(test_head, ""),
        TEST(test_cut_anywhere, ""), TEST(test_one_bit_anywhere, ""),
        TEST(test_blocks_moved, ""),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
