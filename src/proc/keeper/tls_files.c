/* tls_files.c - see keeper.h: the listener's certificate and key where ward.toml names files.

   The monitor opens them and reads neither.  A pair is judged as a whole before anything is
   changed; those before it stay until front has said that no handshake uses them, so that every
   handshake that front began is signed. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/keeper/keeper.h"
#include "proc/log.h"

static bool is_in_force(const struct keeper *keeper, const struct file_pair *pair)
{
    const struct file_pair *now = keeper->pair;
    return now != NULL &&
           span_equal(span_of(now->der, now->der_len), span_of(pair->der, pair->der_len));
}

/* The dates of one that serves already are not held against it: nor of one that served until the
   reload that is taken back. */
static rc read_pair(struct trail *trail, struct keeper *keeper, struct file_pair *pair, bool serves)
{
    const int *files = keeper->house->files;
    struct tls_source from = { .chain = files[FILE_TLS_CERTIFICATE],
                               .key = files[FILE_TLS_KEY],
                               .pool = keeper->pool,
                               .room = keeper->room,
                               .now = clock_now() };
    struct tls_chain chain;
    TRY(trail, tls_read_pair(trail, &from, pair, &chain));
    if (serves || is_in_force(keeper, pair))
        return RC_SUCCESS;
    return tls_chain_judge_time(trail, &chain, from.now);
}

static void drop(struct file_pair **pair)
{
    if (*pair != NULL)
        file_pair_fini(*pair);
    *pair = NULL;
}

static struct file_pair *vacant(struct keeper *keeper)
{
    for (size_t i = 0; i < COUNT_OF(keeper->pairs); i++) {
        if (keeper->pairs[i].scalar == NULL)
            return &keeper->pairs[i];
    }
    return NULL;
}

static bool is_given(const struct keeper *keeper, const struct file_pair *pair)
{
    for (uint32_t i = 0; i < keeper->given_count; i++) {
        if (bytes_equal(keeper->given[i], pair->key.id, KEY_ID))
            return true;
    }
    return false;
}

/* One of each key that may be used: a certificate that is renewed has the key of the one before. */
static void drop_unused(struct keeper *keeper)
{
    for (size_t i = 0; i < COUNT_OF(keeper->pairs); i++) {
        struct file_pair *pair = &keeper->pairs[i];
        if (pair->scalar == NULL || pair == keeper->pair)
            continue;
        bool is_twice = keeper->pair != NULL &&
                        bytes_equal(keeper->pair->key.id, pair->key.id, KEY_ID);
        for (size_t k = 0; k < i; k++)
            is_twice |= keeper->pairs[k].scalar != NULL &&
                        bytes_equal(keeper->pairs[k].key.id, pair->key.id, KEY_ID);
        if (is_twice || !is_given(keeper, pair))
            file_pair_fini(pair);
    }
}

static rc take_pair(struct trail *trail, struct keeper *keeper, bool serves, bool *changed)
{
    struct file_pair *pair = vacant(keeper);
    *changed = false;
    if (pair == NULL)
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    rc read = read_pair(trail, keeper, pair, serves);
    if (!rc_ok(read) || is_in_force(keeper, pair)) {
        drop(&pair);
        return read;
    }
    keeper->pair = pair;
    drop_unused(keeper);
    *changed = true;
    return RC_SUCCESS;
}

static bool are_there(const struct keeper *keeper)
{
    return keeper->house->files[FILE_TLS_CERTIFICATE] >= 0 &&
           keeper->house->files[FILE_TLS_KEY] >= 0;
}

static rc take_files(struct trail *trail, struct keeper *keeper, bool serves, bool *changed)
{
    *changed = false;
    if (!are_there(keeper))
        return RC_SUCCESS;
    rc taken = take_pair(trail, keeper, serves, changed);
    fd_close(&keeper->house->files[FILE_TLS_CERTIFICATE]);
    fd_close(&keeper->house->files[FILE_TLS_KEY]);
    if (*changed)
        log_event("certificate taken from its file");
    return taken;
}

rc keeper_open_tls_files(struct trail *trail, struct keeper *keeper)
{
    bool changed = false, served = keeper->house->settings.was_ready;
    rc taken = take_files(trail, keeper, served, &changed);
    if (rc_ok(taken) || !served)
        return taken;
    /* The log, the heads and the owner need a keeper more than strangers need this certificate. */
    keeper_log("certificate of the files not taken: the house's own is shown", taken, trail);
    keeper->pair_problem = reason_of_rc(taken, REASON_TLS_FILE_UNUSABLE);
    return RC_SUCCESS;
}

bool keeper_reload_tls_files(struct keeper *keeper, const struct settings *next)
{
    struct trail trail = { 0 };
    bool changed = false;
    rc taken = take_files(&trail, keeper, next->taken_back, &changed);
    if (!rc_ok(taken)) {
        if (!next->taken_back) /* it was said when they came */
            keeper_log("certificate of the files not taken: nothing is changed", taken, &trail);
        keeper->pair_problem = reason_of_rc(taken, REASON_TLS_FILE_UNUSABLE);
        keeper->house->refusal = keeper->pair_problem;
    } else if (!next->taken_back) {
        keeper->pair_problem = REASON_NONE;
    }
    if (changed)
        keeper_tell_front(keeper);
    keeper_tell_core(keeper);
    return rc_ok(taken);
}

const struct file_pair *keeper_pair_of(const struct keeper *keeper, struct span id)
{
    for (size_t i = 0; i < COUNT_OF(keeper->pairs); i++) {
        const struct file_pair *pair = &keeper->pairs[i];
        if (pair->scalar != NULL && span_equal(id, SPAN(pair->key.id)))
            return pair;
    }
    return NULL;
}

/* The oldest gives way: whoever has a handshake of it has let it wait through three reloads. */
void keeper_give(struct keeper *keeper, const uint8_t id[KEY_ID])
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < keeper->given_count; i++) {
        bool stays = !bytes_equal(keeper->given[i], id, KEY_ID) &&
                     (i > 0 || keeper->given_count < KEEPER_GIVEN_MAX);
        if (stays)
            memmove(keeper->given[kept++], keeper->given[i], KEY_ID);
    }
    memcpy(keeper->given[kept], id, KEY_ID);
    keeper->given_count = kept + 1;
    drop_unused(keeper);
}

static const struct keyring_key *key_of(const struct keeper *keeper, struct span id)
{
    const struct file_pair *pair = keeper_pair_of(keeper, id);
    return pair != NULL ? &pair->key : keyring_find(&keeper->ring, id);
}

static const struct keyring_key *find_given(const struct keeper *keeper, struct span point,
                                            uint32_t *place)
{
    for (uint32_t i = 0; i < keeper->given_count; i++) {
        const struct keyring_key *key = key_of(keeper, SPAN(keeper->given[i]));
        *place = i;
        if (key != NULL && span_equal(SPAN(key->public_part), point))
            return key;
    }
    return NULL;
}

const struct keyring_key *keeper_given_key(const struct keeper *keeper, struct span point)
{
    uint32_t place;
    return find_given(keeper, point, &place);
}

void keeper_used(struct keeper *keeper, struct span point)
{
    uint32_t place = 0;
    if (find_given(keeper, point, &place) == NULL)
        return; /* it gave way meanwhile */
    keeper->given_count -= place;
    memmove(keeper->given[0], keeper->given[place], (size_t)keeper->given_count * KEY_ID);
    drop_unused(keeper);
}

void keeper_give_none(struct keeper *keeper)
{
    keeper->given_count = 0;
    drop_unused(keeper);
}

void keeper_tell_core(struct keeper *keeper)
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame notice = { .message = MSG_CERTIFICATE };
    sink_u8(&body, keeper->pair != NULL);
    sink_u64le(&body, (uint64_t)(keeper->pair != NULL ? keeper->pair->until : keeper->leaf_until));
    sink_u16le(&body, (uint16_t)keeper->pair_problem);
    notice.body = sink_bytes(&body);
    rc told = house_put(NULL, keeper->house, PEER_CORE, &notice);
    (void)told; /* a core that comes later is told then */
}
