/* test_keyfile.c - the keeper's file under everything that a disk, a power cut and a thief can
   do to it, and the backup of it. */
#include "guard/keyfile.h"

#include "crypto/hash.h"

#include "keyfile_case.h"

enum { SECTOR = 512 };

/* A file of generation 1 and the key to it. */
struct world {
    struct keyfile_head head;
    uint8_t key[SEAL_KEY];
    uint8_t plain[KEYRING_LEN]; /* of generation 1 */
    uint8_t file[KEYFILE_LEN];
    uint8_t slot[KEYFILE_SLOT];
    uint8_t out[KEYRING_LEN];
    uint8_t nonce[XCHACHA20_NONCE];
};

static struct world w;

static const uint8_t seal[SEAL_FILE_LEN] = "thirty-two bytes from somewhere";

static struct keyfile_head new_head(enum keyfile_form form, enum seal_source source)
{
    struct keyfile_head head = { .form = form, .source = source };
    if (source == SEAL_PASSPHRASE)
        head.cost = (struct argon2_cost){ ARGON2_MEMORY_KIB_MIN, 1 };
    memset(head.salt, 0x51, sizeof head.salt);
    memset(head.id, 0x1d, sizeof head.id);
    return head;
}

/* Every generation has a plaintext of its own, so that they can be told apart. */
static struct keyfile_generation generation(uint64_t number)
{
    w.nonce[0] = (uint8_t)number;
    w.plain[KEYRING_LEN - 1] = (uint8_t)number;
    return (struct keyfile_generation){ number, w.nonce, w.plain };
}

static struct keyfile_bytes whole_file(uint64_t floor)
{
    return (struct keyfile_bytes){ SPAN(w.file), floor };
}

static int begin(void **state)
{
    (void)state;
    const struct keyring ring = case_ring();
    memset(&w, 0, sizeof w);
    w.head = new_head(KEYFILE_STORE, SEAL_FILE);
    assert_true(rc_ok(keyfile_seal_key(NULL, &w.head, SPAN(seal), w.key)));
    assert_true(rc_ok(keyring_write(NULL, &ring, case_give, NULL, w.plain)));
    const struct keyfile_generation first = generation(1);
    assert_true(keyfile_make(&w.head, w.key, &first, w.file));
    return 0;
}

static void write_whole(uint64_t number)
{
    const struct keyfile_generation next = generation(number);
    assert_true(keyfile_slot_write(&w.head, w.key, &next, w.slot));
    memcpy(&w.file[keyfile_slot_offset(number)], w.slot, KEYFILE_SLOT);
}

static void assert_found(uint64_t number, enum keyfile_other other)
{
    struct keyfile_found found = { 0 };
    assert_true(rc_ok(keyfile_open(NULL, &w.head, w.key, whole_file(number), w.out, &found)));
    assert_int_equal(found.generation, number);
    assert_int_equal(found.other, other);
    assert_int_equal(w.out[KEYRING_LEN - 1], (uint8_t)number);
    assert_memory_equal(w.out, w.plain, KEYRING_LEN - 1);
}

static rc open_it(uint64_t floor)
{
    struct keyfile_found found = { .generation = 99 };
    rc r = keyfile_open(NULL, &w.head, w.key, whole_file(floor), w.out, &found);
    if (!rc_ok(r))
        assert_int_equal(found.generation, 99);
    return r;
}

static rc read_head(struct keyfile_head *head)
{
    return keyfile_head_read(NULL, KEYFILE_STORE, SPAN(w.file), head);
}

static void generations_rise(void **state)
{
    (void)state;
    assert_found(1, KEYFILE_OTHER_EMPTY);
    for (uint64_t n = 2; n < 40; n++) {
        write_whole(n);
        assert_found(n, KEYFILE_OTHER_OLDER);
    }
    struct keyfile_head head;
    assert_true(rc_ok(read_head(&head)));
    assert_memory_equal(&head, &w.head, sizeof head);
    assert_true(rc_ok(keyfile_check_key(NULL, &head, w.key)));
    const struct keyfile_generation none = generation(0);
    assert_false(keyfile_slot_write(&w.head, w.key, &none, w.slot));
    const struct keyfile_generation second = generation(2);
    assert_false(keyfile_make(&w.head, w.key, &second, w.file));
}

/* A power cut after any byte of the next generation: the old one or the new one, and work goes
   on from there. */
static void torn_after_every_byte(void **state)
{
    (void)state;
    static uint8_t before[KEYFILE_LEN];
    write_whole(2);
    for (uint64_t next = 3; next <= 4; next++) {
        memcpy(before, w.file, sizeof before);
        const struct keyfile_generation one = generation(next);
        size_t offset = keyfile_slot_offset(next);
        assert_true(keyfile_slot_write(&w.head, w.key, &one, w.slot));
        for (size_t done = 0; done <= KEYFILE_SLOT; done++) {
            memcpy(&w.file[offset], w.slot, done);
            struct keyfile_found found = { 0 };
            assert_true(rc_ok(keyfile_open(NULL, &w.head, w.key, whole_file(0), w.out, &found)));
            bool whole = bytes_equal(&w.file[offset], w.slot, KEYFILE_SLOT);
            assert_int_equal(found.generation, whole ? next : next - 1);
            assert_int_equal(w.out[KEYRING_LEN - 1], (uint8_t)found.generation);
            if (!whole && done > 0 && !bytes_equal(w.file, before, sizeof before))
                assert_int_equal(found.other, KEYFILE_OTHER_DAMAGED);
        }
        assert_found(next, KEYFILE_OTHER_OLDER);
    }
    /* Torn, and written once more. */
    const struct keyfile_generation five = generation(5);
    assert_true(keyfile_slot_write(&w.head, w.key, &five, w.slot));
    memcpy(&w.file[keyfile_slot_offset(5)], w.slot, KEYFILE_SLOT / 2);
    (void)generation(4);
    assert_found(4, KEYFILE_OTHER_DAMAGED);
    write_whole(5);
    assert_found(5, KEYFILE_OTHER_OLDER);
}

/* The first generation after the file was made goes into the empty slot. */
static void torn_in_any_set_of_sectors(void **state)
{
    (void)state;
    static uint8_t before[KEYFILE_LEN];
    struct test_random random = { 49 };
    memcpy(before, w.file, sizeof before);
    const struct keyfile_generation two = generation(2);
    size_t offset = keyfile_slot_offset(2);
    assert_true(keyfile_slot_write(&w.head, w.key, &two, w.slot));
    for (unsigned round = 0; round < 3000; round++) {
        memcpy(w.file, before, sizeof before);
        for (size_t at = 0; at < KEYFILE_SLOT; at += SECTOR) {
            size_t len = KEYFILE_SLOT - at < SECTOR ? KEYFILE_SLOT - at : SECTOR;
            if (test_random_below(&random, 8) != 0)
                memcpy(&w.file[offset + at], &w.slot[at], len);
        }
        struct keyfile_found found = { 0 };
        assert_true(rc_ok(keyfile_open(NULL, &w.head, w.key, whole_file(1), w.out, &found)));
        bool whole = bytes_equal(&w.file[offset], w.slot, KEYFILE_SLOT);
        assert_int_equal(found.generation, whole ? 2 : 1);
        assert_int_equal(w.out[KEYRING_LEN - 1], found.generation);
    }
}

static void every_bit_of_a_slot(void **state)
{
    (void)state;
    write_whole(2);
    for (size_t bit = 0; bit < 8 * (size_t)KEYFILE_SLOT; bit++) {
        uint64_t number = 1 + bit % 2;
        uint8_t *at = &w.file[keyfile_slot_offset(number) + bit / 8];
        *at ^= (uint8_t)(1u << bit % 8);
        struct keyfile_found found = { 0 };
        assert_true(rc_ok(keyfile_open(NULL, &w.head, w.key, whole_file(0), w.out, &found)));
        assert_int_equal(found.generation, 3 - number);
        assert_int_equal(found.other, KEYFILE_OTHER_DAMAGED);
        *at ^= (uint8_t)(1u << bit % 8);
    }
    assert_found(2, KEYFILE_OTHER_OLDER);
    w.file[KEYFILE_SLOT_0 + 100] ^= 1;
    w.file[KEYFILE_SLOT_1 + 100] ^= 1;
    assert_reason(open_it(0), REASON_KEYFILE_DAMAGED);
    memset(&w.file[KEYFILE_SLOT_0], 0, KEYFILE_LEN - KEYFILE_SLOT_0);
    assert_reason(open_it(0), REASON_KEYFILE_DAMAGED);
}

static void every_bit_of_the_head(void **state)
{
    (void)state;
    struct keyfile_head head;
    for (size_t bit = 0; bit < 8 * (size_t)KEYFILE_HEAD; bit++) {
        w.file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_reason(read_head(&head),
                      bit / 8 < 8 ? REASON_KEYFILE_FORMAT : REASON_KEYFILE_DAMAGED);
        w.file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len <= KEYFILE_LEN; len += len < 200 ? 1 : 997)
        assert_reason(keyfile_head_read(NULL, KEYFILE_STORE, span_of(w.file, len), &head),
                      REASON_KEYFILE_FORMAT);
    struct keyfile_found found;
    assert_reason(keyfile_open(NULL, &w.head, w.key,
                               (struct keyfile_bytes){ span_of(w.file, KEYFILE_LEN - 1), 0 }, w.out,
                               &found),
                  REASON_KEYFILE_FORMAT);
}

/* Changes a word of the head and makes its sum fit again, as somebody with the file can. */
static void forge(size_t at, uint32_t value)
{
    struct sink out = sink_over(&w.file[at], sizeof value);
    sink_u32le(&out, value);
    hash_sha256(span_of(w.file, KEYFILE_HEAD - SHA256_LEN), &w.file[KEYFILE_HEAD - SHA256_LEN]);
}

static void forged_heads(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at;
        uint32_t value;
        enum reason reason;
    } rows[] = {
        { "older", 8, KEYFILE_VERSION - 1, REASON_KEYFILE_OLDER },
        { "newer", 8, KEYFILE_VERSION + 1, REASON_KEYFILE_NEWER },
        { "much newer", 8, UINT32_MAX, REASON_KEYFILE_NEWER },
        { "no source", 12, 0, REASON_KEYFILE_FORMAT },
        { "unknown source", 12, SEAL_SOURCE_COUNT, REASON_KEYFILE_FORMAT },
        { "negative source", 12, UINT32_MAX, REASON_KEYFILE_FORMAT },
        { "passphrase without a cost", 12, SEAL_PASSPHRASE, REASON_KEYFILE_FORMAT },
        { "a cost for a file", 16, ARGON2_MEMORY_KIB_MIN, REASON_KEYFILE_FORMAT },
        { "passes for a file", 20, 1, REASON_KEYFILE_FORMAT },
        { "something to spare", 72, 1, REASON_KEYFILE_FORMAT },
        { "another source", 12, SEAL_CREDENTIAL, REASON_OK },
        { "another salt", 24, 0, REASON_OK },
        { "another id", 56, 0, REASON_OK },
        { "another check", 96, 0, REASON_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct keyfile_head head;
        uint8_t key[SEAL_KEY];
        begin(NULL);
        forge(rows[i].at, rows[i].value);
        rc r = read_head(&head);
        if (rc_number(r) != (rows[i].reason == REASON_OK ? 0 : (uint32_t)rows[i].reason))
            fail_msg("%s: %u", rows[i].name, rc_number(r));
        if (!rc_ok(r))
            continue;
        /* It reads well, and no seal opens it. */
        assert_true(rc_ok(keyfile_seal_key(NULL, &head, SPAN(seal), key)));
        assert_reason(keyfile_check_key(NULL, &head, key), REASON_KEYFILE_SEAL_WRONG);
    }
}

static void wrong_seals(void **state)
{
    (void)state;
    uint8_t other[SEAL_FILE_LEN], key[SEAL_KEY];
    for (size_t bit = 0; bit < 8 * sizeof other; bit++) {
        memcpy(other, seal, sizeof other);
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(rc_ok(keyfile_seal_key(NULL, &w.head, SPAN(other), key)));
        assert_reason(keyfile_check_key(NULL, &w.head, key), REASON_KEYFILE_SEAL_WRONG);
    }
    memcpy(w.key, key, sizeof key);
    assert_reason(open_it(0), REASON_KEYFILE_DAMAGED); /* for who did not ask keyfile_check_key */
}

static void what_a_source_gives(void **state)
{
    (void)state;
    static const uint8_t bytes[SEAL_CREDENTIAL_MAX + 1] = { 1 };
    uint8_t keys[SEAL_SOURCE_COUNT][SEAL_KEY];
    static const struct {
        enum seal_source source;
        size_t len;
        bool good;
    } rows[] = {
        { SEAL_FILE, 0, false },
        { SEAL_FILE, SEAL_FILE_LEN - 1, false },
        { SEAL_FILE, SEAL_FILE_LEN, true },
        { SEAL_FILE, SEAL_FILE_LEN + 1, false },
        { SEAL_CREDENTIAL, SEAL_CREDENTIAL_MIN - 1, false },
        { SEAL_CREDENTIAL, SEAL_CREDENTIAL_MIN, true },
        { SEAL_CREDENTIAL, SEAL_CREDENTIAL_MAX, true },
        { SEAL_CREDENTIAL, SEAL_CREDENTIAL_MAX + 1, false },
        { SEAL_PASSPHRASE, 0, false },
        { SEAL_PASSPHRASE, 1, true },
        { SEAL_PASSPHRASE, ARGON2_PASSPHRASE_MAX, true },
        { SEAL_PASSPHRASE, ARGON2_PASSPHRASE_MAX + 1, false },
        { SEAL_NONE, 32, false },
        { SEAL_SOURCE_COUNT, 32, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct keyfile_head head = new_head(KEYFILE_STORE, rows[i].source);
        uint8_t key[SEAL_KEY];
        rc r = keyfile_seal_key(NULL, &head, span_of(bytes, rows[i].len), key);
        assert_int_equal(rc_ok(r), rows[i].good);
        if (!rows[i].good)
            assert_reason(r, REASON_KEYFILE_SEAL_INPUT);
    }
    /* The same 32 bytes from three sources are three keys, and another salt is another key. */
    for (int source = SEAL_FILE; source < SEAL_SOURCE_COUNT; source++) {
        struct keyfile_head head = new_head(KEYFILE_STORE, (enum seal_source)source);
        uint8_t salted[SEAL_KEY];
        assert_true(rc_ok(keyfile_seal_key(NULL, &head, SPAN(seal), keys[source])));
        head.salt[0] ^= 1;
        assert_true(rc_ok(keyfile_seal_key(NULL, &head, SPAN(seal), salted)));
        assert_memory_not_equal(keys[source], salted, SEAL_KEY);
    }
    assert_memory_not_equal(keys[SEAL_FILE], keys[SEAL_PASSPHRASE], SEAL_KEY);
    assert_memory_not_equal(keys[SEAL_FILE], keys[SEAL_CREDENTIAL], SEAL_KEY);
    assert_memory_not_equal(keys[SEAL_PASSPHRASE], keys[SEAL_CREDENTIAL], SEAL_KEY);
    struct keyfile_head costly = new_head(KEYFILE_STORE, SEAL_PASSPHRASE);
    costly.cost.memory_kib = UINT32_MAX;
    assert_reason(keyfile_seal_key(NULL, &costly, SPAN(seal), w.key), REASON_KEYFILE_SEAL_INPUT);
    assert_string_equal(seal_source_name(SEAL_CREDENTIAL), "credential");
    assert_string_equal(seal_source_name(SEAL_SOURCE_COUNT), "unknown");
}

/* What somebody can do who has the file and older copies of it, and no seal. */
static void older_copies(void **state)
{
    (void)state;
    static uint8_t old[KEYFILE_LEN];
    for (uint64_t n = 2; n <= 6; n++)
        write_whole(n);
    memcpy(old, w.file, sizeof old);
    for (uint64_t n = 7; n <= 9; n++)
        write_whole(n);

    /* A slot in the other's place, and both places the same. */
    memcpy(&w.file[KEYFILE_SLOT_0], &w.file[KEYFILE_SLOT_1], KEYFILE_SLOT);
    assert_found(9, KEYFILE_OTHER_DAMAGED);
    memset(&w.file[KEYFILE_SLOT_1], 0, KEYFILE_SLOT);
    assert_reason(open_it(0), REASON_KEYFILE_DAMAGED);

    /* The whole old file: the generation tells, and the floor refuses. */
    memcpy(w.file, old, sizeof old);
    (void)generation(6);
    assert_found(6, KEYFILE_OTHER_OLDER);
    assert_reason(open_it(7), REASON_KEYFILE_ROLLED_BACK);
    assert_reason(open_it(UINT64_MAX), REASON_KEYFILE_ROLLED_BACK);

    /* The same key, another file: its slots do not fit. */
    struct keyfile_head head = w.head;
    head.id[0] ^= 1;
    struct keyfile_found found;
    assert_reason(keyfile_open(NULL, &head, w.key, whole_file(0), w.out, &found),
                  REASON_KEYFILE_DAMAGED);
}

static void the_last_generation(void **state)
{
    (void)state;
    write_whole(UINT64_MAX - 1);
    assert_found(UINT64_MAX - 1, KEYFILE_OTHER_OLDER);
    write_whole(UINT64_MAX);
    assert_found(UINT64_MAX, KEYFILE_OTHER_OLDER);
}

/* ---- the backup ------------------------------------------------------------------------- */

static void a_backup_and_back(void **state)
{
    (void)state;
    static uint8_t backup[BACKUP_LEN];
    struct keyfile_head head = new_head(KEYFILE_BACKUP, SEAL_PASSPHRASE), read;
    struct keyring ring;
    uint8_t key[SEAL_KEY];
    uint64_t number = 0;
    const struct keyfile_generation nine = generation(9);
    w.plain[KEYRING_LEN - 1] = 0;
    assert_true(rc_ok(keyfile_seal_key(NULL, &head, span_text("correct horse"), key)));
    assert_true(backup_make(&head, key, &nine, backup));

    assert_true(rc_ok(keyfile_head_read(NULL, KEYFILE_BACKUP, SPAN(backup), &read)));
    assert_true(rc_ok(keyfile_check_key(NULL, &read, key)));
    assert_true(rc_ok(backup_open(NULL, &read, key, SPAN(backup), w.out, &number)));
    assert_int_equal(number, 9);
    assert_memory_equal(w.out, w.plain, KEYRING_LEN);
    assert_true(rc_ok(keyring_read(NULL, SPAN(w.out), &ring)));

    assert_true(rc_ok(keyfile_seal_key(NULL, &read, span_text("correct hors"), key)));
    assert_reason(keyfile_check_key(NULL, &read, key), REASON_KEYFILE_SEAL_WRONG);
    assert_true(rc_ok(keyfile_seal_key(NULL, &read, span_text("correct horse"), key)));
    for (size_t bit = 0; bit < 8 * sizeof backup; bit++) {
        struct keyfile_head other;
        backup[bit / 8] ^= (uint8_t)(1u << bit % 8);
        rc r = keyfile_head_read(NULL, KEYFILE_BACKUP, SPAN(backup), &other);
        assert_int_equal(rc_ok(r), bit / 8 >= KEYFILE_HEAD);
        if (rc_ok(r))
            assert_reason(backup_open(NULL, &other, key, SPAN(backup), w.out, &number),
                          REASON_KEYFILE_DAMAGED);
        backup[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sizeof backup; len++)
        assert_reason(keyfile_head_read(NULL, KEYFILE_BACKUP, span_of(backup, len), &read),
                      REASON_KEYFILE_FORMAT);
}

/* A backup is no key file and a key file no backup, also under one key. */
static void forms_do_not_mix(void **state)
{
    (void)state;
    static uint8_t backup[BACKUP_LEN];
    struct keyfile_head head = new_head(KEYFILE_BACKUP, SEAL_PASSPHRASE), read;
    struct keyfile_head store = new_head(KEYFILE_STORE, SEAL_PASSPHRASE);
    uint8_t key[SEAL_KEY];
    uint64_t number = 0;
    const struct keyfile_generation one = generation(1);
    assert_true(rc_ok(keyfile_seal_key(NULL, &head, span_text("correct horse"), key)));
    assert_true(backup_make(&head, key, &one, backup));
    assert_true(keyfile_make(&store, key, &one, w.file));
    assert_reason(keyfile_head_read(NULL, KEYFILE_STORE, SPAN(backup), &read),
                  REASON_KEYFILE_FORMAT);
    assert_reason(keyfile_head_read(NULL, KEYFILE_BACKUP, SPAN(w.file), &read),
                  REASON_KEYFILE_FORMAT);
    memcpy(&backup[KEYFILE_HEAD], &w.file[keyfile_slot_offset(1)], KEYFILE_SLOT);
    assert_reason(backup_open(NULL, &head, key, SPAN(backup), w.out, &number),
                  REASON_KEYFILE_DAMAGED);
    assert_false(backup_make(&store, key, &one, backup));
    assert_false(keyfile_make(&head, key, &one, w.file));
    struct keyfile_head file_backup = new_head(KEYFILE_BACKUP, SEAL_FILE);
    assert_false(backup_make(&file_backup, key, &one, backup));
    assert_reason(backup_open(NULL, &store, key, SPAN(backup), w.out, &number),
                  REASON_KEYFILE_FORMAT);
}

/* Nothing of a key can be seen in what is written. */
static void sealed_is_sealed(void **state)
{
    (void)state;
    for (unsigned n = 0; n < KEY_ROLE_COUNT + 20; n++) {
        uint8_t private_part[KEY_PRIVATE];
        case_private(n, private_part);
        assert_null(memmem(w.file, sizeof w.file, private_part, 8));
    }
    assert_null(memmem(w.file, sizeof w.file, seal, 8));
    assert_null(memmem(w.file, sizeof w.file, w.key, 8));
}

#define WORLD_TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(generations_rise),
        WORLD_TEST(torn_after_every_byte),
        WORLD_TEST(torn_in_any_set_of_sectors),
        WORLD_TEST(every_bit_of_a_slot),
        WORLD_TEST(every_bit_of_the_head),
        WORLD_TEST(forged_heads),
        WORLD_TEST(wrong_seals),
        WORLD_TEST(what_a_source_gives),
        WORLD_TEST(older_copies),
        WORLD_TEST(the_last_generation),
        WORLD_TEST(a_backup_and_back),
        WORLD_TEST(forms_do_not_mix),
        WORLD_TEST(sealed_is_sealed),
    };
    return RUN_TESTS(tests);
}
