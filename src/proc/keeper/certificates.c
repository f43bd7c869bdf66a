/* certificates.c - see keeper.h.  A certificate follows from the keys alone: its serial from
   its key's id, its dates from its key's birth, its signature from RFC 6979.  So a client that
   keeps the CA's finds the same one for as long as the key lives. */
#include <string.h>
#include <unistd.h>

#include "codec/pem.h"
#include "model/address.h"
#include "model/tee.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/keeper/keeper.h"
#include "proc/log.h"

static const char ca_name[] = "Ward local CA";

/* Serials are positive and of one length (RFC 5280 4.1.2.2). */
static void serial_of(const struct keyring_key *key, uint8_t out[CERTIFICATE_SERIAL])
{
    memcpy(out, key->id, CERTIFICATE_SERIAL);
    out[0] = (uint8_t)((out[0] & 0x3f) | 0x40);
}

static bool add_address(struct certificate *certificate, struct address *address)
{
    size_t skip = address_is_v4(address) ? ADDRESS_LEN - 4 : 0;
    struct cursor in = cur_over(SPAN(address->bytes));
    if (certificate->name_count == CERTIFICATE_NAMES_MAX || !cur_skip(&in, skip))
        return false;
    certificate->names[certificate->name_count++] = (struct certificate_name){
        .address = true, .value = cur_rest(&in)
    };
    return true;
}

/* Every name that a client on this machine may use, and the address that is listened on. */
static void add_names(struct certificate *certificate, struct address addresses[3],
                      const char *listen)
{
    size_t count = 2;
    const uint8_t four[4] = { 127, 0, 0, 1 };
    const uint8_t six[16] = { [15] = 1 };
    certificate->names[0].value = span_text("localhost");
    certificate->name_count = 1;
    addresses[0] = address_of_v4(four);
    addresses[1] = address_of_v6(six);
    const char *end = strrchr(listen, ':');
    if (end != NULL) {
        bool bracket = listen[0] == '[';
        struct span host = span_of(listen + (bracket ? 1 : 0),
                                   (size_t)(end - listen) - (bracket ? 2 : 0));
        if (address_parse(host, &addresses[2]) && !address_equal(&addresses[2], &addresses[0]) &&
            !address_equal(&addresses[2], &addresses[1]) &&
            !bytes_are_zero(addresses[2].bytes, sizeof addresses[2].bytes))
            count = 3;
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_address(certificate, &addresses[i]))
            return;
    }
}

static rc finish(struct trail *trail, struct keeper *keeper, const struct certificate *certificate,
                 uint8_t out[KEEPER_CERTIFICATE_MAX], size_t *len)
{
    uint8_t bytes[KEEPER_CERTIFICATE_MAX], signature[64];
    struct sink tbs = sink_over(bytes, sizeof bytes);
    struct sink whole = sink_over(out, KEEPER_CERTIFICATE_MAX);
    certificate_write(&tbs, certificate);
    if (!sink_ok(&tbs))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    TRY(trail, keeper_sign_p256(trail, keeper, KEY_ROLE_CA, sink_bytes(&tbs), signature));
    certificate_finish(&whole, sink_bytes(&tbs), SPAN(signature));
    if (!sink_ok(&whole))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    *len = whole.len;
    return RC_SUCCESS;
}

/* The window of a listener's certificate that holds `now`: one after another from the key's
   birth on, each overlapping the next by two thirds. */
static struct window leaf_window(int64_t created, int64_t now)
{
    int64_t step = KEEPER_LEAF_S / 3;
    int64_t n = now > created ? (now - created) / step : 0;
    int64_t from = created + n * step;
    return (struct window){ from - KEEPER_SKEW_S, from + KEEPER_LEAF_S };
}

/* Deterministic signatures: the same certificate is the same bytes. */
static rc make_leaf(struct trail *trail, struct keeper *keeper, const struct certificate *leaf,
                    bool *changed)
{
    uint8_t made[KEEPER_CERTIFICATE_MAX];
    size_t len = 0;
    TRY(trail, finish(trail, keeper, leaf, made, &len));
    *changed = !span_equal(span_of(made, len), span_of(keeper->leaf, keeper->leaf_len));
    memcpy(keeper->leaf, made, len);
    keeper->leaf_len = len;
    keeper->leaf_until = leaf->validity.until;
    return RC_SUCCESS;
}

rc keeper_make_certificates(struct trail *trail, struct keeper *keeper, int64_t now, bool *changed)
{
    const struct keyring_key *ca = keyring_active(&keeper->ring, KEY_ROLE_CA);
    const struct keyring_key *tls = keyring_active(&keeper->ring, KEY_ROLE_TLS);
    uint8_t serials[2][CERTIFICATE_SERIAL];
    struct address addresses[3];
    if (ca == NULL || tls == NULL)
        return FAIL(trail, RC_BUG, REASON_KEYRING_NO_SUCH_KEY);
    serial_of(ca, serials[0]);
    serial_of(tls, serials[1]);
    struct certificate root = { .ca = true,
                                .serial = SPAN(serials[0]),
                                .issuer = span_text(ca_name),
                                .subject = span_text(ca_name),
                                .validity = { ca->created - KEEPER_SKEW_S,
                                              ca->created + KEEPER_CA_S },
                                .issuer_point = SPAN(ca->public_part),
                                .point = SPAN(ca->public_part) };
    struct certificate leaf = { .server = true,
                                .serial = SPAN(serials[1]),
                                .issuer = span_text(ca_name),
                                .subject = span_text("localhost"),
                                .unit = span_text(TEE_IS_HARDWARE ? "" : TEE_MARK),
                                .validity = leaf_window(tls->created, now),
                                .issuer_point = SPAN(ca->public_part),
                                .point = SPAN(tls->public_part) };
    add_names(&leaf, addresses, keeper->house->settings.listen);
    TRY(trail, finish(trail, keeper, &root, keeper->ca, &keeper->ca_len));
    return make_leaf(trail, keeper, &leaf, changed);
}

/* For everybody to read at any time: the bytes first, then the length, so that the file is
   never empty. */
rc keeper_publish_ca(struct trail *trail, struct keeper *keeper)
{
    uint8_t text[2 * KEEPER_CERTIFICATE_MAX];
    struct sink pem = sink_over(text, sizeof text);
    int fd = keeper->house->files[FILE_CA];
    pem_write(&pem, "CERTIFICATE", span_of(keeper->ca, keeper->ca_len));
    if (!sink_ok(&pem) || !fd_write_at(fd, 0, sink_bytes(&pem)) ||
        ftruncate(fd, (off_t)pem.len) != 0)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    return RC_SUCCESS;
}

/* A front that does not read has lost its channel by then, or asks again when it signs. */
void keeper_tell_front(struct keeper *keeper)
{
    struct frame notice = { .message = MSG_CHAIN_CHANGED };
    if (keeper->given_count == 0 || keeper->front_is_behind)
        return;
    keeper->front_is_behind = true;
    rc told = house_put(NULL, keeper->house, PEER_FRONT, &notice);
    (void)told;
}

rc keeper_renew_certificates(struct trail *trail, struct keeper *keeper)
{
    bool changed = false;
    TRY(trail, keeper_make_certificates(trail, keeper, clock_now(), &changed));
    if (!changed)
        return RC_SUCCESS;
    log_event("certificates made again");
    TRY(trail, keeper_publish_ca(trail, keeper));
    keeper_tell_front(keeper);
    keeper_tell_core(keeper);
    return RC_SUCCESS;
}

static void put_own(const struct keeper *keeper, struct sink *body)
{
    sink_u32le(body, 2);
    put_bytes(body, span_of(keeper->leaf, keeper->leaf_len));
    put_bytes(body, span_of(keeper->ca, keeper->ca_len));
}

static void put_pair(const struct file_pair *pair, struct sink *body)
{
    struct cursor der = cur_over(span_of(pair->der, pair->der_len));
    struct span one;
    sink_u32le(body, (uint32_t)pair->count);
    for (size_t i = 0; i < pair->count && cur_take(&der, pair->len[i], &one); i++)
        put_bytes(body, one);
}

rc keeper_on_chain(struct trail *trail, void *self, struct call *call)
{
    struct keeper *keeper = self;
    uint8_t bytes[TLS_CHAIN_BYTES_MAX + 4 * (TLS_CHAIN_MAX + 1)];
    struct sink body = sink_over(bytes, sizeof bytes);
    const struct keyring_key *key = keeper->pair != NULL
                                        ? &keeper->pair->key
                                        : keyring_active(&keeper->ring, KEY_ROLE_TLS);
    if (key != NULL)
        keeper_give(keeper, key->id);
    keeper->front_is_behind = false;
    if (keeper->pair != NULL)
        put_pair(keeper->pair, &body);
    else
        put_own(keeper, &body);
    struct frame answer = { .message = MSG_TLS_CHAIN_IS,
                            .id = call->id,
                            .body = sink_bytes(&body) };
    return channel_put(trail, call->from, &answer);
}
