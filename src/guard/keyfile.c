/* keyfile.c - see keyfile.h.

   The head, little endian:
     8 magic, 4 version, 4 source, 4 KiB and 4 passes of a passphrase's cost, 32 salt, 16 id,
     24 zeros, 32 check (a MAC of all before it), 32 sum (SHA-256 of all before it).
   A slot:
     8 magic, 4 version, 4 length of the plaintext, 8 generation, 24 nonce, 16 id of the file,
   which are sealed along with the ciphertext and tag that follow.

   Sum and check are two, so that damage (the sum) is told from a wrong seal (the check). */
#include "guard/keyfile.h"

#include <string.h>

#include "base/cursor.h"
#include "crypto/ct.h"
#include "crypto/hkdf.h"
#include "crypto/hmac.h"

enum { MAGIC = 8, FIELDS = 96, SLOT_HEAD = 64, SPARE = 24 };

_Static_assert(FIELDS + 32 + SHA256_LEN == KEYFILE_HEAD, "a head");
_Static_assert(KEYFILE_HEAD <= KEYFILE_SLOT_0, "the head ends before the slots");
_Static_assert(KEYFILE_SLOT_0 + KEYFILE_SLOT <= KEYFILE_SLOT_1, "slots lie apart");
_Static_assert(KEYFILE_SLOT_1 + KEYFILE_SLOT <= KEYFILE_LEN, "the second one fits");

static const char slot_magic[] = "WARDSLOT";

static const struct form {
    size_t len; /* of what the head is read from */
    const char *magic;
    const char *slot_info;
    const char *check_info;
} forms[] = {
    [KEYFILE_STORE] = { KEYFILE_LEN, "WARDKEYS", "ward keyfile v1 slot", "ward keyfile v1 check" },
    [KEYFILE_BACKUP] = { BACKUP_LEN, "WARDBACK", "ward backup v1 slot", "ward backup v1 check" },
    [KEYFILE_HOUSE] = { KEYFILE_HEAD, "WARDHOME", "ward house v1 block", "ward house v1 check" },
};

static const struct source {
    const char *name;
    const char *info;
    size_t least, most; /* bytes that it gives */
} sources[SEAL_SOURCE_COUNT] = {
    [SEAL_NONE] = { "none", NULL, 1, 0 },
    [SEAL_FILE] = { "file", "ward keyfile v1 seal file", SEAL_FILE_LEN, SEAL_FILE_LEN },
    [SEAL_PASSPHRASE] = { "passphrase", NULL, 1, ARGON2_PASSPHRASE_MAX },
    [SEAL_CREDENTIAL] = { "credential", "ward keyfile v1 seal credential", SEAL_CREDENTIAL_MIN,
                          SEAL_CREDENTIAL_MAX },
};

const char *seal_source_name(enum seal_source source)
{
    return (unsigned)source < SEAL_SOURCE_COUNT ? sources[source].name : "unknown";
}

/* ---- keys ------------------------------------------------------------------------------- */

/* A length that HKDF always gives. */
static void derive(struct span from, struct span salt, const char *info, uint8_t key[SEAL_KEY])
{
    bool ok = hkdf_sha256(from, salt, span_text(info), key, SEAL_KEY);
    (void)ok;
}

static bool cost_is_good(const struct keyfile_head *head)
{
    if (head->source == SEAL_PASSPHRASE)
        return argon2_cost_is_good(head->cost);
    return head->cost.memory_kib == 0 && head->cost.passes == 0;
}

rc keyfile_seal_key(struct trail *trail, const struct keyfile_head *head, struct span given,
                    uint8_t key[SEAL_KEY])
{
    if (head->source <= SEAL_NONE || head->source >= SEAL_SOURCE_COUNT || !cost_is_good(head) ||
        given.len < sources[head->source].least || given.len > sources[head->source].most)
        return REFUSE(trail, REASON_KEYFILE_SEAL_INPUT);
    if (head->source != SEAL_PASSPHRASE) {
        derive(given, SPAN(head->salt), sources[head->source].info, key);
        return RC_SUCCESS;
    }
    if (!argon2id(head->cost, given, span_of(head->salt, ARGON2_SALT), key, SEAL_KEY))
        return REFUSE(trail, REASON_OUT_OF_MEMORY);
    return RC_SUCCESS;
}

/* ---- the head --------------------------------------------------------------------------- */

static void put_fields(struct sink *out, const struct keyfile_head *head)
{
    sink_text(out, forms[head->form].magic);
    sink_u32le(out, KEYFILE_VERSION);
    sink_u32le(out, (uint32_t)head->source);
    sink_u32le(out, head->cost.memory_kib);
    sink_u32le(out, head->cost.passes);
    sink_put(out, SPAN(head->salt));
    sink_put(out, SPAN(head->id));
    sink_zero(out, SPARE);
}

static void make_check(const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                       uint8_t check[SHA256_LEN])
{
    uint8_t fields[FIELDS], check_key[SEAL_KEY];
    struct sink out = sink_over(fields, sizeof fields);
    put_fields(&out, head);
    derive(span_of(key, SEAL_KEY), SPAN(head->salt), forms[head->form].check_info, check_key);
    hmac_sha256(SPAN(check_key), SPAN(fields), check);
    ct_wipe(check_key, sizeof check_key);
}

void keyfile_head_write(struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                        uint8_t out[KEYFILE_HEAD])
{
    struct sink sink = sink_over(out, KEYFILE_HEAD);
    uint8_t sum[SHA256_LEN];
    make_check(head, key, head->check);
    put_fields(&sink, head);
    sink_put(&sink, SPAN(head->check));
    hash_sha256(sink_bytes(&sink), sum);
    sink_put(&sink, SPAN(sum));
}

rc keyfile_check_key(struct trail *trail, const struct keyfile_head *head,
                     const uint8_t key[SEAL_KEY])
{
    uint8_t check[SHA256_LEN];
    make_check(head, key, check);
    if (!ct_equal(check, head->check, sizeof check))
        return REFUSE(trail, REASON_KEYFILE_SEAL_WRONG);
    return RC_SUCCESS;
}

/* What follows the version, which was read already. */
static bool read_fields(struct cursor *in, struct keyfile_head *head)
{
    uint32_t source = 0;
    struct span spare;
    if (!cur_u32le(in, &source) || !cur_u32le(in, &head->cost.memory_kib) ||
        !cur_u32le(in, &head->cost.passes) || !cur_copy(in, head->salt, KEYFILE_SALT) ||
        !cur_copy(in, head->id, KEYFILE_ID) || !cur_take(in, SPARE, &spare) ||
        !cur_copy(in, head->check, sizeof head->check))
        return false;
    head->source = source < SEAL_SOURCE_COUNT ? (enum seal_source)source : SEAL_NONE;
    return head->source != SEAL_NONE && cost_is_good(head) && bytes_are_zero(spare.at, SPARE) &&
           (head->form == KEYFILE_STORE || head->source == SEAL_PASSPHRASE);
}

rc keyfile_head_read(struct trail *trail, enum keyfile_form form, struct span file,
                     struct keyfile_head *out)
{
    struct cursor in = cur_over(file);
    struct keyfile_head head = { .form = form };
    uint8_t sum[SHA256_LEN];
    uint32_t version = 0;
    if (file.len != forms[form].len || !cur_expect(&in, span_text(forms[form].magic)) ||
        !cur_u32le(&in, &version))
        return REFUSE(trail, REASON_KEYFILE_FORMAT);
    /* Every version ends its head with the sum, so damage is never taken for a version. */
    hash_sha256(span_of(file.at, KEYFILE_HEAD - SHA256_LEN), sum);
    if (!bytes_equal(sum, &file.at[KEYFILE_HEAD - SHA256_LEN], sizeof sum))
        return REFUSE(trail, REASON_KEYFILE_DAMAGED);
    if (version != KEYFILE_VERSION)
        return REFUSE(trail,
                      version < KEYFILE_VERSION ? REASON_KEYFILE_OLDER : REASON_KEYFILE_NEWER);
    if (!read_fields(&in, &head))
        return REFUSE(trail, REASON_KEYFILE_FORMAT);
    *out = head;
    return RC_SUCCESS;
}

void keyfile_block_key(const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                       uint8_t out[SEAL_KEY])
{
    derive(span_of(key, SEAL_KEY), SPAN(head->salt), forms[head->form].slot_info, out);
}

/* ---- slots ------------------------------------------------------------------------------ */

static void put_slot_head(struct sink *out, const struct keyfile_head *head, uint64_t generation,
                          const uint8_t *nonce)
{
    sink_text(out, slot_magic);
    sink_u32le(out, KEYFILE_VERSION);
    sink_u32le(out, KEYRING_LEN);
    sink_u64le(out, generation);
    sink_put(out, span_of(nonce, XCHACHA20_NONCE));
    sink_put(out, SPAN(head->id));
}

bool keyfile_slot_write(const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                        const struct keyfile_generation *generation, uint8_t *out)
{
    uint8_t slot_key[SEAL_KEY];
    struct sink sink = sink_over(out, KEYFILE_SLOT);
    if (generation->number == 0)
        return false;
    derive(span_of(key, SEAL_KEY), SPAN(head->salt), forms[head->form].slot_info, slot_key);
    put_slot_head(&sink, head, generation->number, generation->nonce);
    const struct aead_use use = { AEAD_XCHACHA20_POLY1305, slot_key,
                                  span_of(generation->nonce, XCHACHA20_NONCE), sink_bytes(&sink) };
    uint8_t *sealed = sink_room(&sink, KEYRING_LEN + AEAD_TAG);
    bool ok = sealed != NULL && aead_seal(&use, span_of(generation->plain, KEYRING_LEN), sealed);
    ct_wipe(slot_key, sizeof slot_key);
    return ok;
}

/* Opens one slot; the generation it has, 0 when it is not whole.  Which generation lies where
   is a rule too: a slot that was copied into the other's place is not whole. */
static uint64_t open_slot(const struct keyfile_head *head, const uint8_t slot_key[SEAL_KEY],
                          struct span slot, uint8_t *plain)
{
    struct cursor in = cur_over(slot);
    uint32_t version = 0, len = 0;
    uint64_t generation = 0;
    struct span nonce;
    if (!cur_expect(&in, span_text(slot_magic)) || !cur_u32le(&in, &version) ||
        !cur_u32le(&in, &len) || !cur_u64le(&in, &generation) ||
        !cur_take(&in, XCHACHA20_NONCE, &nonce) || !cur_expect(&in, SPAN(head->id)) ||
        version != KEYFILE_VERSION || len != KEYRING_LEN)
        return 0;
    const struct aead_use use = { AEAD_XCHACHA20_POLY1305, slot_key, nonce, cur_since(&in, 0) };
    return aead_open(&use, cur_rest(&in), plain) ? generation : 0;
}

size_t keyfile_slot_offset(uint64_t generation)
{
    return generation % 2 == 0 ? KEYFILE_SLOT_0 : KEYFILE_SLOT_1;
}

bool keyfile_make(struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                  const struct keyfile_generation *first, uint8_t *out)
{
    if (first->number != 1 || head->form != KEYFILE_STORE)
        return false;
    memset(out, 0, KEYFILE_LEN);
    keyfile_head_write(head, key, out);
    return keyfile_slot_write(head, key, first, &out[keyfile_slot_offset(first->number)]);
}

/* The generation that a slot of the file holds, its plaintext at `plain`. */
static uint64_t open_at(const struct keyfile_head *head, const uint8_t slot_key[SEAL_KEY],
                        struct span file, size_t offset, uint8_t *plain)
{
    uint64_t generation = open_slot(head, slot_key, span_of(&file.at[offset], KEYFILE_SLOT), plain);
    return generation != 0 && keyfile_slot_offset(generation) == offset ? generation : 0;
}

static enum keyfile_other judge_other(struct span file, size_t offset, uint64_t generation)
{
    if (generation != 0)
        return KEYFILE_OTHER_OLDER;
    return bytes_are_zero(&file.at[offset], KEYFILE_SLOT) ? KEYFILE_OTHER_EMPTY
                                                          : KEYFILE_OTHER_DAMAGED;
}

rc keyfile_open(struct trail *trail, const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                struct keyfile_bytes bytes, uint8_t *plain, struct keyfile_found *out)
{
    struct span file = bytes.file;
    if (file.len != KEYFILE_LEN || head->form != KEYFILE_STORE)
        return REFUSE(trail, REASON_KEYFILE_FORMAT);
    uint8_t slot_key[SEAL_KEY];
    derive(span_of(key, SEAL_KEY), SPAN(head->salt), forms[head->form].slot_info, slot_key);
    uint64_t zero = open_at(head, slot_key, file, KEYFILE_SLOT_0, plain);
    uint64_t one = open_at(head, slot_key, file, KEYFILE_SLOT_1, plain);
    if (zero > one)
        zero = open_at(head, slot_key, file, KEYFILE_SLOT_0, plain);
    ct_wipe(slot_key, sizeof slot_key);

    struct keyfile_found found = { .generation = zero > one ? zero : one };
    found.other = zero > one ? judge_other(file, KEYFILE_SLOT_1, one)
                             : judge_other(file, KEYFILE_SLOT_0, zero);
    if (found.generation == 0)
        return REFUSE(trail, REASON_KEYFILE_DAMAGED);
    if (found.generation < bytes.floor)
        return REFUSE(trail, REASON_KEYFILE_ROLLED_BACK);
    *out = found;
    return RC_SUCCESS;
}

/* ---- the backup ------------------------------------------------------------------------- */

bool backup_make(struct keyfile_head *head, const uint8_t key[SEAL_KEY],
                 const struct keyfile_generation *generation, uint8_t *out)
{
    if (head->form != KEYFILE_BACKUP || head->source != SEAL_PASSPHRASE)
        return false;
    keyfile_head_write(head, key, out);
    return keyfile_slot_write(head, key, generation, &out[KEYFILE_HEAD]);
}

rc backup_open(struct trail *trail, const struct keyfile_head *head, const uint8_t key[SEAL_KEY],
               struct span file, uint8_t *plain, uint64_t *generation)
{
    if (file.len != BACKUP_LEN || head->form != KEYFILE_BACKUP)
        return REFUSE(trail, REASON_KEYFILE_FORMAT);
    uint8_t slot_key[SEAL_KEY];
    derive(span_of(key, SEAL_KEY), SPAN(head->salt), forms[head->form].slot_info, slot_key);
    uint64_t found = open_slot(head, slot_key, span_of(&file.at[KEYFILE_HEAD], KEYFILE_SLOT),
                               plain);
    ct_wipe(slot_key, sizeof slot_key);
    if (found == 0)
        return REFUSE(trail, REASON_KEYFILE_DAMAGED);
    *generation = found;
    return RC_SUCCESS;
}
