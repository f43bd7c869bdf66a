/* tls_client.c - see tls.h: the side that connects, and how it knows whom it has reached. */
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/number.h"
#include "net/tls.h"

enum {
    PIN = 32,
    CHAIN_BYTES = 32 << 10, /* of what a peer shows of certificates */
    CHAIN_DEPTH = 6,
    HOST = 256,
};

struct tls_client {
    SSL_CTX *context;
    char host[HOST];
    bool is_address;
    bool has_ca;
    uint8_t pins[TLS_PINS_MAX][PIN];
    size_t pin_count;
};

/* RFC 7469 2.4: the whole SubjectPublicKeyInfo, as the certificate has it. */
static bool key_digest(X509 *certificate, uint8_t out[PIN])
{
    unsigned char *der = NULL;
    unsigned len = 0;
    int der_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool made = der_len > 0 &&
                EVP_Digest(der, (size_t)der_len, out, &len, EVP_sha256(), NULL) == 1 && len == PIN;
    OPENSSL_free(der);
    return made;
}

static bool is_pinned(const struct tls_client *client, X509 *certificate)
{
    uint8_t digest[PIN];
    if (client->pin_count == 0)
        return true;
    for (size_t i = 0; key_digest(certificate, digest) && i < client->pin_count; i++) {
        if (bytes_equal(digest, client->pins[i], PIN))
            return true;
    }
    return false;
}

/* Without CAs the certificate with the pinned key stands for itself: its dates, its name and what
   it may be used for are judged all the same. */
static bool trust_itself(X509_STORE_CTX *judged, X509 *certificate, STACK_OF(X509) * alone)
{
    if (alone == NULL || sk_X509_push(alone, certificate) == 0)
        return false;
    X509_STORE_CTX_set0_trusted_stack(judged, alone);
    return X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(judged),
                                       X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static int judge(X509_STORE_CTX *judged, void *arg)
{
    const struct tls_client *client = arg;
    X509 *certificate = X509_STORE_CTX_get0_cert(judged);
    STACK_OF(X509) *alone = client->has_ca ? NULL : sk_X509_new_null();
    int verified = 0;
    if (certificate == NULL || !is_pinned(client, certificate))
        X509_STORE_CTX_set_error(judged, X509_V_ERR_APPLICATION_VERIFICATION);
    else if (client->has_ca || trust_itself(judged, certificate, alone))
        verified = X509_verify_cert(judged);
    else
        X509_STORE_CTX_set_error(judged, X509_V_ERR_OUT_OF_MEM);
    sk_X509_free(alone);
    return verified == 1;
}

static bool add_cas(SSL_CTX *context, struct span pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    BIO *in = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
    size_t count = 0;
    bool good = in != NULL;
    while (good) {
        X509 *one = PEM_read_bio_X509(in, NULL, NULL, NULL);
        if (one == NULL)
            break;
        good = X509_STORE_add_cert(store, one) == 1;
        count += good;
        X509_free(one);
    }
    ERR_clear_error(); /* the end of the text is one */
    BIO_free(in);
    return good && count > 0;
}

static bool set_up(SSL_CTX *context, struct tls_client *client)
{
    static const unsigned char ours[] = "\x08http/1.1";
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, judge, client);
    SSL_CTX_set_verify_depth(context, CHAIN_DEPTH);
    SSL_CTX_set_max_cert_list(context, CHAIN_BYTES);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_alpn_protos(context, ours, sizeof ours - 1) == 0;
}

struct tls_client *tls_client_new(const struct tls_expectation *expected)
{
    struct tls_client *client = OPENSSL_zalloc(sizeof *client);
    size_t host_len = strnlen(expected->host, HOST);
    bool good = client != NULL && host_len > 0 && host_len < HOST &&
                expected->pin_count <= TLS_PINS_MAX &&
                (expected->ca_pem.len > 0 || expected->pin_count > 0);
    if (good) {
        memcpy(client->host, expected->host, host_len);
        client->is_address = expected->is_address;
        client->has_ca = expected->ca_pem.len > 0;
        client->pin_count = expected->pin_count;
        for (size_t i = 0; i < expected->pin_count; i++)
            memcpy(client->pins[i], expected->pins[i], PIN);
        client->context = SSL_CTX_new(TLS_client_method());
        good = client->context != NULL && set_up(client->context, client) &&
               (!client->has_ca || add_cas(client->context, expected->ca_pem));
    }
    if (!good)
        tls_client_free(&client);
    return client;
}

void tls_client_free(struct tls_client **client)
{
    if (*client != NULL)
        SSL_CTX_free((*client)->context);
    OPENSSL_free(*client);
    *client = NULL;
}

/* The name that is asked for and that the certificate must have.  An address is never asked for
   (RFC 6066 3). */
static bool expect(SSL *ssl, const struct tls_client *client)
{
    if (client->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), client->host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, client->host) == 1 &&
           SSL_set_tlsext_host_name(ssl, client->host) == 1;
}

struct tls *tls_connect(struct tls_client *client, int fd)
{
    SSL *ssl = SSL_new(client->context);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || !expect(ssl, client)) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return (struct tls *)ssl;
}

enum tls_fault tls_fault(const struct tls *tls, const char **detail)
{
    long result = SSL_get_verify_result((const SSL *)tls);
    *detail = "";
    if (result == X509_V_OK)
        return TLS_FAULT_PROTOCOL;
    if (result == X509_V_ERR_APPLICATION_VERIFICATION)
        return TLS_FAULT_PIN;
    *detail = X509_verify_cert_error_string(result);
    return TLS_FAULT_CERTIFICATE;
}
