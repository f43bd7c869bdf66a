/* tls.c - see tls.h. */
#include "net/tls.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/remote_key.h"

/* OpenSSL's own objects under names of ours: what is behind a pointer here is never looked
   at. */
static SSL *ssl_of(struct tls *tls)
{
    return (SSL *)tls;
}

struct tls_library *tls_library_new(void)
{
    return (struct tls_library *)remote_library_new();
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

struct tls_server *tls_server_new(const struct tls_library *library, const struct span *chain,
                                  size_t count, tls_sign_fn *sign, void *arg)
{
    struct remote_signer signer = { sign, arg };
    SSL_CTX *context = remote_server_new((const struct remote_library *)library, chain, count,
                                         &signer);
    if (context == NULL)
        return NULL;
    /* An idle connection keeps no buffers; a session is never taken up again, because what
       was true of a peer once may not be true any more. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1); /* a record is one read, not its head and its body */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_num_tickets(context, 0) != 1 ||
        !remote_server_works((const struct remote_library *)library, context)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return (struct tls_server *)context;
}

void tls_server_free(struct tls_server **server)
{
    SSL_CTX_free((SSL_CTX *)*server);
    *server = NULL;
}

/* Called at each ClientHello, before the server's certificate is looked at. */
static int take_latest(SSL *ssl, void *arg)
{
    struct tls_server *const *latest = arg;
    SSL_CTX *now = (SSL_CTX *)*latest;
    if (now != NULL && SSL_get_SSL_CTX(ssl) != now && SSL_set_SSL_CTX(ssl, now) != now)
        return 0;
    return 1;
}

void tls_server_follow(struct tls_server *server, struct tls_server *const *latest)
{
    union {
        struct tls_server *const *given;
        void *taken;
    } arg = { .given = latest };
    SSL_CTX_set_cert_cb((SSL_CTX *)server, take_latest, arg.taken);
}

struct tls *tls_accept(struct tls_server *server, int fd)
{
    SSL *ssl = SSL_new((SSL_CTX *)server);
    if (ssl == NULL)
        return NULL;
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    return (struct tls *)ssl;
}

void tls_free(struct tls **tls)
{
    SSL_free(ssl_of(*tls));
    *tls = NULL;
}

static enum tls_step step_of(struct tls *tls, int result)
{
    int why = SSL_get_error(ssl_of(tls), result);
    ERR_clear_error();
    switch (why) {
    case SSL_ERROR_NONE:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        return TLS_FAILED;
    }
}

enum tls_step tls_handshake(struct tls *tls)
{
    ERR_clear_error();
    return step_of(tls, SSL_do_handshake(ssl_of(tls)));
}

bool tls_chose_h2(const struct tls *tls)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected((const SSL *)tls, &name, &len);
    return span_equal_text(span_of(name, len), "h2");
}

bool tls_has_read(const struct tls *tls)
{
    return SSL_has_pending((const SSL *)tls) == 1;
}

enum tls_step tls_read(struct tls *tls, uint8_t *at, size_t cap, size_t *len)
{
    ERR_clear_error();
    return step_of(tls, SSL_read_ex(ssl_of(tls), at, cap, len));
}

enum tls_step tls_write(struct tls *tls, struct span bytes, size_t *len)
{
    ERR_clear_error();
    return step_of(tls, SSL_write_ex(ssl_of(tls), bytes.at, bytes.len, len));
}

void tls_end(struct tls *tls)
{
    ERR_clear_error();
    SSL_shutdown(ssl_of(tls));
    ERR_clear_error();
}
