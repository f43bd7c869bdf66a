/* peer.c - see peer.h. */
#include "net/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/dial.h"
#include "os/clock.h"
#include "os/fd.h"

enum { HOST_MAX = 256, PORT_MAX = 8 };

struct endpoint {
    char host[HOST_MAX];
    char port[PORT_MAX];
};

static bool refuse(struct peer_error *error, bool usage, const char *what, const char *why)
{
    error->usage = usage;
    snprintf(error->message, sizeof error->message, "%s%s%s", what, why[0] != 0 ? ": " : "", why);
    return false;
}

/* HOST:PORT or [HOST]:PORT; the port is digits, so that no service name is looked up. */
static bool split_address(const char *address, struct endpoint *out, struct peer_error *error)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon == address)
        return refuse(error, true, "an address is HOST:PORT", "");
    const char *host = address;
    size_t host_len = (size_t)(colon - address);
    if (host[0] == '[' && colon[-1] == ']') {
        host++;
        host_len -= 2;
    } else if (memchr(host, ':', host_len) != NULL) {
        return refuse(error, true, "an IPv6 address is written [ADDRESS]:PORT", "");
    }
    size_t port_len = strlen(colon + 1);
    if (host_len == 0 || host_len >= HOST_MAX || port_len == 0 || port_len >= PORT_MAX ||
        strspn(colon + 1, "0123456789") != port_len)
        return refuse(error, true, "an address is HOST:PORT", "");
    memcpy(out->host, host, host_len);
    out->host[host_len] = 0;
    memcpy(out->port, colon + 1, port_len + 1);
    return true;
}

/* Milliseconds left until the deadline, never below 0. */
static int left_of(int64_t deadline)
{
    int64_t left = deadline - clock_monotonic_ms();
    return left > 0 ? (int)left : 0;
}

/* The request of a dial is where the deadline and the tick are. */
static bool wait_for(int fd, short events, const struct resolve_request *request)
{
    struct pollfd wanted = { .fd = fd, .events = events };
    for (;;) {
        int left = left_of(request->deadline_ms);
        int ready = poll(&wanted, 1, left > TICK_MS ? TICK_MS : left);
        net_tick(&request->tick);
        if (ready < 0 && errno == EINTR && left > 0)
            continue;
        if (ready != 0 || left <= TICK_MS)
            return ready == 1;
    }
}

static bool host_is_name(const char *host)
{
    return strspn(host, "0123456789.") != strlen(host) && strchr(host, ':') == NULL;
}

static bool copy_certificate(SSL *ssl, struct arena *arena, struct span *out,
                             struct peer_error *error)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    unsigned char *der = NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &der) : -1;
    X509_free(certificate);
    if (len <= 0)
        return refuse(error, false, "the peer sent no certificate", "");
    bool copied = arena_copy(arena, span_of(der, (size_t)len), out);
    OPENSSL_free(der);
    return copied || refuse(error, false, "out of memory", "");
}

/* One deadline for the whole handshake: a peer that drips bytes gains no time by it. */
static bool handshake(SSL *ssl, int fd, const struct resolve_request *request,
                      struct peer_error *error)
{
    while (true) {
        ERR_clear_error();
        int code = SSL_connect(ssl);
        if (code == 1)
            return true;
        int wanted = SSL_get_error(ssl, code);
        if (wanted == SSL_ERROR_WANT_READ || wanted == SSL_ERROR_WANT_WRITE) {
            if (wait_for(fd, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, request))
                continue;
            return refuse(error, false, "the TLS 1.3 handshake took too long", "");
        }
        char why[160] = "the peer closed the connection";
        unsigned long reason = ERR_get_error();
        if (reason != 0)
            ERR_error_string_n(reason, why, sizeof why);
        return refuse(error, false, "the TLS 1.3 handshake failed", why);
    }
}

static SSL *new_session(SSL_CTX *context, int fd, const char *host)
{
    SSL *ssl = SSL_new(context);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 &&
        (!host_is_name(host) || SSL_set_tlsext_host_name(ssl, host) == 1))
        return ssl;
    SSL_free(ssl);
    return NULL;
}

static bool speak(int fd, const struct resolve_request *request, struct arena *arena,
                  struct span *out, struct peer_error *error)
{
    /* The certificate is judged by its evidence: no CA is trusted, so none is asked. */
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    if (context != NULL && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        ssl = new_session(context, fd, request->host);
    }
    bool done = ssl != NULL
                    ? handshake(ssl, fd, request, error) && copy_certificate(ssl, arena, out, error)
                    : refuse(error, false, "out of memory", "");
    SSL_free(ssl);
    SSL_CTX_free(context);
    return done;
}

bool peer_certificate(const struct peer_request *request, struct arena *arena, struct span *out,
                      struct peer_error *error)
{
    struct endpoint endpoint;
    char message[DIAL_MESSAGE];
    int connected;
    int64_t deadline = clock_monotonic_ms() + request->timeout_ms;
    if (!split_address(request->address, &endpoint, error))
        return false;
    const struct resolve_request target = { .host = endpoint.host,
                                            .port = endpoint.port,
                                            .servers = request->name_servers,
                                            .deadline_ms = deadline,
                                            .tick = request->tick };
    if (!dial(&target, &connected, message))
        return refuse(error, false, message, "");
    auto_fd int fd = connected;
    return speak(fd, &target, arena, out, error);
}
