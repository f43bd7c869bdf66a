/* tls_clients.c - see tls.h: certificates that clients show.  OpenSSL builds the chain and verifies
   it; what else a certificate must be like, and whose it is, is for who asked. */
#include <limits.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/remote_key.h"
#include "net/tls.h"

/* Between the client's own certificate and the root. */
enum { MIDDLE_MAX = TLS_CLIENT_CHAIN - 2 };

/* What is as strong as 112 bits, which RSA of 2048 is; SHA-1 is not. */
enum { AUTH_LEVEL = 2 };

struct tls_clients {
    X509_STORE *store;
    OSSL_LIB_CTX *library;
};

static bool add_ca(struct tls_clients *clients, struct span der)
{
    const unsigned char *at = der.at;
    X509 *one = X509_new_ex(clients->library, NULL);
    bool added = one != NULL && der.len <= LONG_MAX && d2i_X509(&one, &at, (long)der.len) != NULL &&
                 at == der.at + der.len && X509_STORE_add_cert(clients->store, one) == 1;
    X509_free(one);
    return added;
}

static bool add_crl(struct tls_clients *clients, struct span der)
{
    const unsigned char *at = der.at;
    X509_CRL *one = X509_CRL_new_ex(clients->library, NULL);
    bool added = one != NULL && der.len <= LONG_MAX &&
                 d2i_X509_CRL(&one, &at, (long)der.len) != NULL && at == der.at + der.len &&
                 X509_STORE_add_crl(clients->store, one) == 1;
    X509_CRL_free(one);
    return added;
}

static bool set_up(struct tls_clients *clients, bool has_crls)
{
    unsigned long flags = has_crls ? X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL : 0;
    if (clients->store == NULL || X509_STORE_set_depth(clients->store, MIDDLE_MAX) != 1 ||
        X509_STORE_set_purpose(clients->store, X509_PURPOSE_SSL_CLIENT) != 1 ||
        X509_STORE_set_flags(clients->store, flags) != 1)
        return false;
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(clients->store), AUTH_LEVEL);
    return true;
}

struct tls_clients *tls_clients_new(const struct tls_library *library, const struct span *cas,
                                    size_t ca_count, const struct span *crls, size_t crl_count)
{
    struct tls_clients *clients = OPENSSL_zalloc(sizeof *clients);
    if (clients == NULL)
        return NULL;
    ERR_set_mark();
    clients->library = remote_library_context((const struct remote_library *)library);
    clients->store = X509_STORE_new();
    bool good = set_up(clients, crl_count > 0);
    for (size_t i = 0; good && i < ca_count; i++)
        good = add_ca(clients, cas[i]);
    for (size_t i = 0; good && i < crl_count; i++)
        good = add_crl(clients, crls[i]);
    ERR_pop_to_mark();
    if (!good)
        tls_clients_free(&clients);
    return clients;
}

void tls_clients_free(struct tls_clients **clients)
{
    if (*clients == NULL)
        return;
    X509_STORE_free((*clients)->store);
    OPENSSL_free(*clients);
    *clients = NULL;
}

/* --- why not ------------------------------------------------------------------------------ */

/* The first row of a reason is the error that its alert comes from. */
static const struct {
    int error;
    enum reason reason;
} faults[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED, REASON_TLS_CLIENT_EXPIRED },
    { X509_V_ERR_CERT_NOT_YET_VALID, REASON_TLS_CLIENT_NOT_YET_VALID },
    { X509_V_ERR_CERT_REVOKED, REASON_TLS_CLIENT_REVOKED },
    { X509_V_ERR_UNABLE_TO_GET_CRL, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_CRL_NOT_YET_VALID, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_CRL_HAS_EXPIRED, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_CRL_SIGNATURE_FAILURE, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_CRL_PATH_VALIDATION_ERROR, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_DIFFERENT_CRL_SCOPE, REASON_TLS_CLIENT_UNCHECKED },
    { X509_V_ERR_INVALID_PURPOSE, REASON_TLS_CLIENT_USE },
    { X509_V_ERR_INVALID_CA, REASON_TLS_CLIENT_USE },
    { X509_V_ERR_EE_KEY_TOO_SMALL, REASON_TLS_CLIENT_WEAK },
    { X509_V_ERR_CA_KEY_TOO_SMALL, REASON_TLS_CLIENT_WEAK },
    { X509_V_ERR_CA_MD_TOO_WEAK, REASON_TLS_CLIENT_WEAK },
    { X509_V_ERR_CERT_REJECTED, REASON_TLS_CLIENT_UNKNOWN },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, REASON_TLS_CLIENT_UNTRUSTED },
};

enum { FAULTS = sizeof faults / sizeof faults[0] };

static enum reason reason_of(int error)
{
    for (size_t i = 0; i < FAULTS; i++) {
        if (faults[i].error == error)
            return faults[i].reason;
    }
    return REASON_TLS_CLIENT_UNTRUSTED;
}

static int error_of(enum reason reason)
{
    for (size_t i = 0; i < FAULTS; i++) {
        if (faults[i].reason == reason)
            return faults[i].error;
    }
    return X509_V_ERR_APPLICATION_VERIFICATION;
}

/* --- judging ------------------------------------------------------------------------------ */

/* The chain as whoever asked judges it: as its bytes. */
static enum reason judge_bytes(STACK_OF(X509) * chain, const struct tls_asking *asking)
{
    struct span der[TLS_CLIENT_CHAIN];
    unsigned char *bytes[TLS_CLIENT_CHAIN] = { NULL };
    int count = sk_X509_num(chain), made = 0;
    enum reason reason = REASON_TLS_CLIENT_UNTRUSTED;
    while (made < count && count <= TLS_CLIENT_CHAIN) {
        int len = i2d_X509(sk_X509_value(chain, made), &bytes[made]);
        if (len <= 0)
            break;
        der[made] = span_of(bytes[made], (size_t)len);
        made++;
    }
    if (count > 0 && made == count)
        reason = asking->judge(asking->arg, der, (size_t)count);
    for (int i = 0; i < made; i++)
        OPENSSL_free(bytes[i]);
    return reason;
}

static enum reason judge(X509 *own, STACK_OF(X509) * shown, const struct tls_asking *asking)
{
    const struct tls_clients *clients = *asking->latest;
    enum reason reason = REASON_TLS_CLIENT_UNTRUSTED;
    if (clients == NULL || own == NULL || sk_X509_num(shown) > TLS_CLIENT_CHAIN)
        return reason;
    ERR_set_mark();
    X509_STORE_CTX *judged = X509_STORE_CTX_new_ex(clients->library, NULL);
    if (judged != NULL && X509_STORE_CTX_init(judged, clients->store, own, shown) == 1)
        reason = X509_verify_cert(judged) == 1
                     ? judge_bytes(X509_STORE_CTX_get0_chain(judged), asking)
                     : reason_of(X509_STORE_CTX_get_error(judged));
    X509_STORE_CTX_free(judged);
    ERR_pop_to_mark();
    return reason;
}

/* Called where the client's certificates have been read, and nothing behind them: what is no here
   is an alert.  The context that is given is not used: it is the one of a client's side, too. */
static int on_certificate(X509_STORE_CTX *given, void *arg)
{
    const struct tls_asking *asking = arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(given, SSL_get_ex_data_X509_STORE_CTX_idx());
    enum reason reason = judge(X509_STORE_CTX_get0_cert(given),
                               X509_STORE_CTX_get0_untrusted(given), asking);
    if (reason == REASON_OK)
        return 1;
    SSL_set_app_data(ssl, (void *)(uintptr_t)reason); /* a number in the place of a pointer */
    X509_STORE_CTX_set_error(given, error_of(reason));
    return 0;
}

void tls_server_ask(struct tls_server *server, const struct tls_asking *asking)
{
    /* RFC 8446 4.2.3: what its key may sign the handshake with; and, where it looks, what its
       certificates may be signed with (the last three). */
    static const char signatures[] =
        "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:"
        "RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";
    SSL_CTX *context = (SSL_CTX *)server;
    union {
        const struct tls_asking *given;
        void *taken;
    } arg = { .given = asking };
    if (*asking->latest == NULL)
        return;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, on_certificate, arg.taken);
    SSL_CTX_set_max_cert_list(context, TLS_CLIENT_BYTES);
    (void)SSL_CTX_set1_client_sigalgs_list(context, signatures);
}

bool tls_shows_certificate(const struct tls *tls)
{
    return SSL_get0_peer_certificate((const SSL *)tls) != NULL;
}

enum reason tls_judge_again(const struct tls *tls, const struct tls_asking *asking)
{
    const SSL *ssl = (const SSL *)tls;
    return judge(SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl), asking);
}

enum reason tls_refusal(const struct tls *tls)
{
    const SSL *ssl = (const SSL *)tls;
    uintptr_t said = (uintptr_t)SSL_get_app_data(ssl);
    if (said != 0)
        return (enum reason)said;
    return tls_shows_certificate(tls) ? REASON_TLS_CLIENT_PROOF : REASON_NONE;
}
