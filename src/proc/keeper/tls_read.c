/* tls_read.c - see tls_read.h. */
#include "proc/keeper/tls_read.h"

#include <string.h>

#include "crypto/ct.h"
#include "os/fd.h"

/* What is being read. */
struct reading {
    struct trail *trail;
    const struct tls_source *from;
    struct file_pair *pair;
};

/* All of a file, or one byte more than it may have. */
static rc read_file(struct trail *trail, int fd, uint8_t *at, size_t max, struct span *out)
{
    ssize_t got = fd_read_at(fd, 0, at, max + 1);
    if (got < 0)
        return REFUSE(trail, REASON_TLS_FILE_UNUSABLE);
    *out = span_of(at, (size_t)got);
    return RC_SUCCESS;
}

static rc copy_scalar(uint8_t *at, size_t len, void *arg)
{
    memcpy(at, arg, len);
    return RC_SUCCESS;
}

static rc take_scalar(const struct reading *what, uint8_t scalar[KEY_PRIVATE])
{
    struct file_pair *pair = what->pair;
    if (!keyring_make_key(KEY_ROLE_TLS, span_of(scalar, KEY_PRIVATE), what->from->now, &pair->key))
        return REFUSE(what->trail, REASON_TLS_KEY_FORMAT);
    TRY(what->trail, secret_take(what->trail, what->from->pool, KEY_PRIVATE, &pair->scalar));
    return secret_fill(pair->scalar, copy_scalar, scalar);
}

static rc read_key(const struct reading *what, uint8_t *at, size_t len)
{
    uint8_t scalar[KEY_PRIVATE];
    struct span text;
    const size_t half = TLS_KEY_FILE_MAX + 1;
    struct sink der = sink_over(at + half, len - half);
    TRY(what->trail, read_file(what->trail, what->from->key, at, TLS_KEY_FILE_MAX, &text));
    if (text.len > TLS_KEY_FILE_MAX)
        return REFUSE(what->trail, REASON_TLS_KEY_FORMAT);
    rc read = tls_key_read(what->trail, text, &der, scalar);
    if (rc_ok(read))
        read = take_scalar(what, scalar);
    ct_wipe(scalar, sizeof scalar);
    return read;
}

static rc fill_room(uint8_t *at, size_t len, void *arg)
{
    rc read = read_key(arg, at, len);
    ct_wipe(at, len);
    return read;
}

static rc read_chain(struct trail *trail, int fd, struct file_pair *pair, struct tls_chain *chain)
{
    uint8_t text[TLS_CHAIN_FILE_MAX + 1];
    struct sink der = sink_over(pair->der, sizeof pair->der);
    struct span pem;
    TRY(trail, read_file(trail, fd, text, TLS_CHAIN_FILE_MAX, &pem));
    if (pem.len > TLS_CHAIN_FILE_MAX)
        return REFUSE(trail, REASON_TLS_CERTIFICATE_FORMAT);
    TRY(trail, tls_chain_read(trail, pem, &der, chain));
    pair->der_len = der.len;
    pair->count = chain->count;
    for (size_t i = 0; i < chain->count; i++)
        pair->len[i] = chain->der[i].len;
    pair->until = chain->validity.until;
    return RC_SUCCESS;
}

rc tls_read_pair(struct trail *trail, const struct tls_source *from, struct file_pair *pair,
                 struct tls_chain *chain)
{
    struct reading what = { trail, from, pair };
    TRY(trail, read_chain(trail, from->chain, pair, chain));
    TRY(trail, secret_fill(from->room, fill_room, &what));
    if (!span_equal(SPAN(pair->key.public_part), chain->point))
        return REFUSE(trail, REASON_TLS_KEY_MISMATCH);
    return RC_SUCCESS;
}

void file_pair_fini(struct file_pair *pair)
{
    secret_free(&pair->scalar);
    *pair = (struct file_pair){ 0 };
}
