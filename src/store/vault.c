/* vault.c - see vault.h. */
#include "store/vault.h"

#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "crypto/ct.h"
#include "model/reason.h"
#include "os/random.h"

enum { LENGTH = 4 };
#define LAST_BLOCK UINT32_C(0x80000000)

_Static_assert((int)KEYFILE_ID + 8 == (int)XCHACHA20_NONCE, "an id and a number are a nonce");

/* What seals one block. */
struct seal {
    uint8_t length[LENGTH];
    uint8_t nonce[XCHACHA20_NONCE];
};

static struct aead_use use_of(const struct vault *vault, uint32_t length, struct seal *seal)
{
    struct sink extra = sink_over(seal->length, sizeof seal->length);
    struct sink nonce = sink_over(seal->nonce, sizeof seal->nonce);
    sink_u32le(&extra, length);
    sink_put(&nonce, SPAN(vault->head.id));
    sink_u64le(&nonce, vault->number);
    return (struct aead_use){ AEAD_XCHACHA20_POLY1305, vault->key, SPAN(seal->nonce),
                              SPAN(seal->length) };
}

static rc derive(struct trail *trail, struct vault *vault, struct span passphrase,
                 uint8_t seal_key[SEAL_KEY])
{
    TRY(trail, keyfile_seal_key(trail, &vault->head, passphrase, seal_key));
    keyfile_block_key(&vault->head, seal_key, vault->key);
    return RC_SUCCESS;
}

void vault_wipe(struct vault *vault)
{
    ct_wipe(vault->key, sizeof vault->key);
}

/* ---- writing ---------------------------------------------------------------------------- */

rc vault_write_begin(struct trail *trail, struct vault *vault, const struct backup_out *to,
                     struct span passphrase)
{
    uint8_t seal_key[SEAL_KEY], head[KEYFILE_HEAD];
    vault->head = (struct keyfile_head){ .form = KEYFILE_HOUSE,
                                         .source = SEAL_PASSPHRASE,
                                         .cost = SEAL_COST };
    vault->number = 0;
    vault->at = vault->len = 0;
    vault->to = *to;
    random_bytes(vault->head.salt, sizeof vault->head.salt);
    random_bytes(vault->head.id, sizeof vault->head.id);
    TRY(trail, derive(trail, vault, passphrase, seal_key));
    keyfile_head_write(&vault->head, seal_key, head);
    ct_wipe(seal_key, sizeof seal_key);
    return to->put(trail, to->arg, SPAN(head));
}

static rc write_block(struct trail *trail, struct vault *vault, bool last)
{
    struct seal seal;
    struct aead_use use = use_of(vault, (uint32_t)vault->len | (last ? LAST_BLOCK : 0), &seal);
    if (!aead_seal(&use, span_of(vault->block, vault->len), vault->block))
        return REFUSE(trail, REASON_STORE_STATEMENT);
    TRY(trail, vault->to.put(trail, vault->to.arg, SPAN(seal.length)));
    TRY(trail, vault->to.put(trail, vault->to.arg, span_of(vault->block, vault->len + AEAD_TAG)));
    vault->number++;
    vault->len = 0;
    return RC_SUCCESS;
}

rc vault_write(struct trail *trail, struct vault *vault, struct span bytes)
{
    while (bytes.len > 0) {
        size_t room = VAULT_BLOCK - vault->len;
        size_t part = bytes.len < room ? bytes.len : room;
        memcpy(vault->block + vault->len, bytes.at, part);
        vault->len += part;
        bytes = span_of(bytes.at + part, bytes.len - part);
        if (vault->len == VAULT_BLOCK)
            TRY(trail, write_block(trail, vault, false));
    }
    return RC_SUCCESS;
}

rc vault_write_end(struct trail *trail, struct vault *vault)
{
    rc done = write_block(trail, vault, true);
    vault_wipe(vault);
    return done;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* All of len bytes, or what there is of them. */
static rc get_all(struct trail *trail, const struct backup_in *from, uint8_t *out, size_t len,
                  size_t *have)
{
    for (*have = 0; *have < len;) {
        size_t got = 0;
        TRY(trail, from->get(trail, from->arg, out + *have, len - *have, &got));
        if (got == 0)
            return RC_SUCCESS;
        *have += got;
    }
    return RC_SUCCESS;
}

/* The reasons of a key file, as those of a backup. */
static rc refuse_head(struct trail *trail, rc why)
{
    static const struct {
        enum reason of_key_file, of_backup;
    } names[] = {
        { REASON_KEYFILE_FORMAT, REASON_BACKUP_FORMAT },
        { REASON_KEYFILE_DAMAGED, REASON_BACKUP_DAMAGED },
        { REASON_KEYFILE_OLDER, REASON_BACKUP_OLDER },
        { REASON_KEYFILE_NEWER, REASON_BACKUP_NEWER },
        { REASON_KEYFILE_SEAL_WRONG, REASON_BACKUP_KEY_WRONG },
        { REASON_KEYFILE_SEAL_INPUT, REASON_BACKUP_KEY_WRONG },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (reason_of_rc(why, REASON_NONE) == names[i].of_key_file)
            return REFUSE(trail, names[i].of_backup);
    }
    return why;
}

rc vault_read_begin(struct trail *trail, struct vault *vault, const struct backup_in *from,
                    struct span passphrase)
{
    uint8_t seal_key[SEAL_KEY], head[KEYFILE_HEAD];
    size_t have = 0;
    vault->number = 0;
    vault->at = vault->len = 0;
    vault->last = false;
    vault->from = *from;
    TRY(trail, get_all(trail, from, head, sizeof head, &have));
    rc read = keyfile_head_read(NULL, KEYFILE_HOUSE, span_of(head, have), &vault->head);
    if (rc_ok(read))
        read = derive(NULL, vault, passphrase, seal_key);
    if (rc_ok(read))
        read = keyfile_check_key(NULL, &vault->head, seal_key);
    ct_wipe(seal_key, sizeof seal_key);
    return rc_ok(read) ? RC_SUCCESS : refuse_head(trail, read);
}

static rc read_block(struct trail *trail, struct vault *vault)
{
    uint8_t bytes[LENGTH];
    uint32_t length = 0;
    struct seal seal;
    size_t have = 0;
    TRY(trail, get_all(trail, &vault->from, bytes, sizeof bytes, &have));
    struct cursor in = cur_over(span_of(bytes, have));
    if (!cur_u32le(&in, &length))
        return REFUSE(trail, REASON_BACKUP_CUT);
    size_t len = length & ~LAST_BLOCK;
    if (len > VAULT_BLOCK)
        return REFUSE(trail, REASON_BACKUP_DAMAGED);
    TRY(trail, get_all(trail, &vault->from, vault->block, len + AEAD_TAG, &have));
    if (have < len + AEAD_TAG)
        return REFUSE(trail, REASON_BACKUP_CUT);
    struct aead_use use = use_of(vault, length, &seal);
    if (!aead_open(&use, span_of(vault->block, have), vault->block))
        return REFUSE(trail, REASON_BACKUP_DAMAGED);
    vault->number++;
    vault->at = 0;
    vault->len = len;
    vault->last = (length & LAST_BLOCK) != 0;
    return RC_SUCCESS;
}

rc vault_read(struct trail *trail, struct vault *vault, uint8_t *out, size_t len)
{
    while (len > 0) {
        if (vault->at == vault->len && vault->last)
            return REFUSE(trail, REASON_BACKUP_DAMAGED);
        if (vault->at == vault->len) {
            TRY(trail, read_block(trail, vault));
            continue;
        }
        size_t left = vault->len - vault->at;
        size_t part = len < left ? len : left;
        memcpy(out, vault->block + vault->at, part);
        vault->at += part;
        out += part;
        len -= part;
    }
    return RC_SUCCESS;
}

rc vault_read_end(struct trail *trail, struct vault *vault)
{
    uint8_t more;
    size_t got = 0;
    while (vault->at == vault->len && !vault->last)
        TRY(trail, read_block(trail, vault));
    bool ended = vault->at == vault->len;
    vault_wipe(vault);
    TRY(trail, get_all(trail, &vault->from, &more, 1, &got));
    return ended && got == 0 ? RC_SUCCESS : REFUSE(trail, REASON_BACKUP_DAMAGED);
}
