/* channel_echo.c - the limit of a channel end to end: a TLS WebSocket echo over the same net/ and
   http/ as front's, one client at a time, that does nothing else.  It waits as a server of many
   does: reads until there is nothing, then asks a poller.  Prints its port and serves until it is
   killed. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cursor.h"
#include "http/http1.h"
#include "http/websocket.h"
#include "net/tls.h"
#include "os/poller.h"

enum { IN = 16 << 10, MESSAGE = 128 << 10, CERT = 1024 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "channel_echo: %s\n", what);
    exit(1);
}

static EVP_PKEY *key;

static bool sign(void *arg, struct span point, struct span content,
                 uint8_t signature[TLS_SIGNATURE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[96];
    size_t len = sizeof der;
    const uint8_t *at = der;
    (void)arg;
    (void)point;
    if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, der, &len, content.at, content.len) != 1)
        fail("no signature");
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    if (sig == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 32, 32) != 32)
        fail("no signature");
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(context);
    return true;
}

/* A certificate of its own for a key that was just made. */
static struct span certificate(uint8_t room[CERT])
{
    X509 *made = X509_new();
    uint8_t *at = room;
    key = EVP_EC_gen("P-256");
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), 86400);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               (const uint8_t *)"localhost", -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    if (X509_sign(made, key, EVP_sha256()) == 0 || i2d_X509(made, NULL) > CERT)
        fail("no certificate");
    int len = i2d_X509(made, &at);
    X509_free(made);
    return span_of(room, (size_t)len);
}

static int poller = -1;

/* What has come, once there is some. */
static bool take(struct tls *tls, uint8_t *at, size_t cap, size_t *len)
{
    struct poller_event events[POLLER_EVENTS_MAX];
    enum tls_step step;
    while ((step = tls_read(tls, at, cap, len)) == TLS_WANT_READ) {
        struct pollfd wait = { .fd = poller, .events = POLLIN };
        if (poll(&wait, 1, -1) < 0)
            return false;
        (void)poller_take(poller, events, POLLER_EVENTS_MAX);
    }
    return step == TLS_DONE;
}

static bool put(struct tls *tls, struct span bytes)
{
    size_t sent = 0;
    for (; bytes.len > 0; bytes = span_of(bytes.at + sent, bytes.len - sent)) {
        if (tls_write(tls, bytes, &sent) != TLS_DONE)
            return false;
    }
    return true;
}

static void on_message(void *arg, struct span message, bool text)
{
    struct websocket *ws = arg;
    if (!websocket_put(ws, message, text))
        fail("the client does not read");
}

static const struct websocket_limits limits = { MESSAGE, 8 * MESSAGE, 64, 8 };
static const struct websocket_kind kind = { .limits = &limits, .on_message = on_message };

/* The request to its end, and the answer to it. */
static bool upgrade(struct tls *tls)
{
    static uint8_t in[IN], out[1024];
    struct http1 http;
    struct http1_room room;
    char accept[WEBSOCKET_ACCEPT + 1];
    size_t len = 0, have = 0;
    void *memory = malloc(http1_room_size(&http_limits_default));
    struct sink answer = sink_over(out, sizeof out);
    http1_init(&http, &http_limits_default);
    bool good = memory != NULL && http1_room_init(&room, &http_limits_default, memory,
                                                  http1_room_size(&http_limits_default));
    while (good && take(tls, in + have, sizeof in - have, &len)) {
        have += len;
        if (have >= 4 && memcmp(in + have - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    struct cursor left = cur_over(span_of(in, have));
    good = good && http1_next(&http, &room, &left).kind == HTTP_EVENT_HEAD;
    if (good)
        http1_admit(&http, &room, 0);
    good = good && http1_next(&http, &room, &left).kind == HTTP_EVENT_DONE &&
           websocket_judge(&room.request, accept) == REASON_OK &&
           http1_write_upgrade(&http, span_text(accept), &answer) && put(tls, sink_bytes(&answer));
    free(memory);
    return good;
}

static void serve(struct tls *tls)
{
    static uint8_t memory[MESSAGE], in[IN], out[IN];
    struct websocket ws;
    size_t len = 0;
    if (!upgrade(tls) || !websocket_init(&ws, &kind, memory, &ws))
        return;
    bool more = true;
    while (more && take(tls, in, sizeof in, &len)) {
        more = websocket_feed(&ws, 0, span_of(in, len));
        while (websocket_has_queued(&ws)) {
            struct sink part = sink_over(out, sizeof out);
            (void)websocket_send(&ws, &part);
            if (part.len == 0 || !put(tls, sink_bytes(&part)))
                break;
        }
    }
    websocket_fini(&ws);
}

int main(void)
{
    uint8_t room[CERT];
    struct span chain = certificate(room);
    struct tls_server *server = tls_server_new(tls_library_new(), &chain, 1, sign, NULL);
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (server == NULL || bind(listener, (struct sockaddr *)&name, len) != 0 ||
        listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&name, &len) != 0)
        fail("cannot serve");
    printf("%d\n", ntohs(name.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct tls *tls = tls_accept(server, fd);
        if (tls != NULL && tls_handshake(tls) == TLS_DONE && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
            rc_ok(poller_open(NULL, &poller)) &&
            rc_ok(poller_add(NULL, poller, fd, 1, true, false)))
            serve(tls);
        close(poller);
        tls_free(&tls);
        close(fd);
    }
}
