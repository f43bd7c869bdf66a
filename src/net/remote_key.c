/* remote_key.c - see remote_key.h.  What OpenSSL is given; remote_provider.c is what it calls. */
#include "net/remote_key.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "net/remote_provider.h"

struct remote_library {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *usual;
    OSSL_PROVIDER *remote;
};

struct remote_library *remote_library_new(void)
{
    /* Whoever comes first decides for the process whether openssl.cnf is read: nobody does. */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return NULL;
    struct remote_library *library = OPENSSL_zalloc(sizeof *library);
    if (library == NULL)
        return NULL;
    library->context = OSSL_LIB_CTX_new();
    bool ok = library->context != NULL;
    if (ok) {
        library->usual = OSSL_PROVIDER_load(library->context, "default");
        ok = library->usual != NULL && OSSL_PROVIDER_add_builtin(library->context, REMOTE_PROVIDER,
                                                                 remote_provider_init) == 1;
    }
    if (ok) {
        library->remote = OSSL_PROVIDER_load(library->context, REMOTE_PROVIDER);
        /* Both have an "EC": whoever does not ask for ours by name gets the usual one, with
           which certificates are read, verified and made. */
        ok = library->remote != NULL &&
             EVP_set_default_properties(library->context, "?provider=default") == 1;
    }
    if (!ok)
        remote_library_free(&library);
    return library;
}

void remote_library_free(struct remote_library **library)
{
    struct remote_library *l = *library;
    if (l == NULL)
        return;
    if (l->remote != NULL)
        OSSL_PROVIDER_unload(l->remote);
    if (l->usual != NULL)
        OSSL_PROVIDER_unload(l->usual);
    OSSL_LIB_CTX_free(l->context);
    OPENSSL_free(l);
    *library = NULL;
}

OSSL_LIB_CTX *remote_library_context(const struct remote_library *library)
{
    return library->context;
}

EVP_PKEY *remote_key_new(const struct remote_library *library, struct span point,
                         const struct remote_signer *signer)
{
    char group[] = SN_X9_62_prime256v1;
    uint8_t public_part[REMOTE_POINT];
    struct remote_signer with = *signer;
    if (point.len != sizeof public_part)
        return NULL;
    memcpy(public_part, point.at, point.len);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public_part, sizeof public_part),
        OSSL_PARAM_construct_octet_string(REMOTE_PARAM_SIGNER, &with, sizeof with),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(library->context, "EC", REMOTE_PROPERTY);
    if (making == NULL || EVP_PKEY_fromdata_init(making) != 1 ||
        EVP_PKEY_fromdata(making, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(making);
    return key;
}

/* The certificate, exactly the bytes of `der`; NULL when it is none. */
static X509 *read_certificate(const struct remote_library *library, struct span der)
{
    const unsigned char *at = der.at;
    X509 *certificate = X509_new_ex(library->context, NULL);
    if (certificate != NULL && der.len <= LONG_MAX &&
        d2i_X509(&certificate, &at, (long)der.len) != NULL && at == der.at + der.len)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* The point of a certificate's P-256 key; false for any other key. */
static bool point_of(const X509 *certificate, uint8_t point[REMOTE_POINT])
{
    char group[32] = "";
    size_t len = 0;
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    return key != NULL && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0 &&
           EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                           REMOTE_POINT, &len) == 1 &&
           len == REMOTE_POINT;
}

/* Our own certificate and its key.  The certificate goes first: libssl then compares. */
static bool use_own(SSL_CTX *server, const struct remote_library *library, struct span der,
                    const struct remote_signer *signer)
{
    uint8_t point[REMOTE_POINT];
    EVP_PKEY *key = NULL;
    X509 *certificate = read_certificate(library, der);
    if (certificate != NULL && point_of(certificate, point))
        key = remote_key_new(library, SPAN(point), signer);
    bool ok = key != NULL && SSL_CTX_use_certificate(server, certificate) == 1 &&
              SSL_CTX_use_PrivateKey(server, key) == 1 && SSL_CTX_check_private_key(server) == 1;
    EVP_PKEY_free(key);
    X509_free(certificate);
    return ok;
}

static bool add_to_chain(SSL_CTX *server, const struct remote_library *library, struct span der)
{
    X509 *certificate = read_certificate(library, der);
    if (certificate != NULL && SSL_CTX_add0_chain_cert(server, certificate) == 1)
        return true;
    X509_free(certificate);
    return false;
}

static bool set_up(SSL_CTX *server, const struct remote_library *library, const struct span *chain,
                   size_t count, const struct remote_signer *signer)
{
    if (count == 0 || count > REMOTE_CHAIN_MAX ||
        SSL_CTX_set_min_proto_version(server, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(server, TLS1_3_VERSION) != 1 ||
        !use_own(server, library, chain[0], signer))
        return false;
    for (size_t i = 1; i < count; i++)
        if (!add_to_chain(server, library, chain[i]))
            return false;
    return true;
}

SSL_CTX *remote_server_new(const struct remote_library *library, const struct span *chain,
                           size_t count, const struct remote_signer *signer)
{
    ERR_set_mark();
    SSL_CTX *server = SSL_CTX_new_ex(library->context, NULL, TLS_server_method());
    if (server != NULL && !set_up(server, library, chain, count, signer)) {
        SSL_CTX_free(server);
        server = NULL;
    }
    ERR_pop_to_mark();
    return server;
}

/* Two ends that speak through memory; false also when there is none. */
static bool connect_ends(SSL *client, SSL *server)
{
    BIO *asked = BIO_new(BIO_s_mem());
    BIO *answered = BIO_new(BIO_s_mem());
    if (asked == NULL || answered == NULL || BIO_up_ref(asked) != 1 || BIO_up_ref(answered) != 1) {
        BIO_free(asked);
        BIO_free(answered);
        return false;
    }
    SSL_set_bio(client, answered, asked);
    SSL_set_bio(server, asked, answered);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    return true;
}

/* One turn of an end: false when it cannot go on. */
static bool turn(SSL *end, bool *done)
{
    int result = SSL_do_handshake(end);
    *done = result == 1;
    return *done || SSL_get_error(end, result) == SSL_ERROR_WANT_READ;
}

static bool shake_hands(SSL *client, SSL *server)
{
    enum { FLIGHTS = 4 }; /* of TLS 1.3, when one is asked for another group */
    bool client_done = false, server_done = false;
    if (!connect_ends(client, server))
        return false;
    for (int i = 0; i < FLIGHTS && !(client_done && server_done); i++) {
        if (!turn(client, &client_done) || !turn(server, &server_done))
            return false;
    }
    return client_done && server_done;
}

bool remote_server_works(const struct remote_library *library, SSL_CTX *server)
{
    ERR_set_mark();
    /* Who the server is, the certificate says; that it has the key is looked at always. */
    SSL_CTX *other = SSL_CTX_new_ex(library->context, NULL, TLS_client_method());
    SSL *ours = SSL_new(server);
    SSL *theirs = other != NULL ? SSL_new(other) : NULL;
    bool works = ours != NULL && theirs != NULL && shake_hands(theirs, ours);
    SSL_free(ours);
    SSL_free(theirs);
    SSL_CTX_free(other);
    ERR_pop_to_mark();
    return works;
}
