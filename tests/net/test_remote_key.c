/* test_remote_key.c - TLS 1.3 handshakes in one process over a pair of BIOs: the server's key
   is a secret that is lent to a signer, who asks guard/ about every byte he is to sign. */
#include "net/remote_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/ecdsa_sign.h"
#include "crypto/hash.h"
#include "guard/guard.h"
#include "secret/secret.h"
#include "test.h"

enum { CERTIFICATE_ROOM = 1024 };

static const uint8_t tls_id[KEY_ID] = { 7 };

/* Where the private key is, and what it was asked for. */
struct keeper {
    struct secret *scalar;
    struct guard guard;
    enum guard_peer peer;
    struct span bound;
    unsigned asked, refused;
    size_t last_len;
    bool spoil; /* signs, and changes a bit of the signature */
};

struct made {
    uint8_t bytes[CERTIFICATE_ROOM];
    size_t len;
};

struct world {
    struct secret_pool *pool;
    struct keeper keeper;
    struct remote_library *library;
    struct made ca, server, client;
    uint8_t ca_point[P256_POINT];
    struct ecdsa_secret *ca_key, *client_key;
};

/* ---- the keeper's side ------------------------------------------------------------------ */

struct order {
    struct span message;
    uint8_t *raw;
};

static rc sign_lent(struct span scalar, void *arg)
{
    struct order *order = arg;
    uint8_t digest[SHA256_LEN];
    hash_sha256(order->message, digest);
    return ecdsa_sign_once(CURVE_P256, scalar, digest, order->raw) ? RC_SUCCESS
                                                                   : rc_make(RC_WORLD, 1);
}

static bool keeper_sign(void *arg, struct span point, struct span message,
                        uint8_t raw[REMOTE_SIGNATURE])
{
    struct keeper *keeper = arg;
    assert_true(point.len == REMOTE_POINT && point.at[0] == 0x04);
    const struct guard_request request = {
        .peer = keeper->peer,
        .bound = keeper->bound,
        .role = KEY_ROLE_TLS,
        .key = SPAN(tls_id),
        .state = KEY_STATE_ACTIVE,
        .operation = GUARD_SIGN,
        .payload = message,
    };
    struct payload payload;
    struct order order = { message, raw };
    keeper->asked++;
    keeper->last_len = message.len;
    if (!rc_ok(guard_check(NULL, &keeper->guard, &request, 1000, &payload))) {
        keeper->refused++;
        return false;
    }
    bool ok = rc_ok(secret_lend(keeper->scalar, sign_lent, &order));
    raw[40] ^= keeper->spoil;
    return ok;
}

static rc put_scalar(uint8_t *at, size_t len, void *arg)
{
    memcpy(at, arg, len);
    return RC_SUCCESS;
}

/* ---- certificates ----------------------------------------------------------------------- */

static void make_certificate(struct world *w, struct made *out, struct certificate *c)
{
    uint8_t room[CERTIFICATE_ROOM], digest[SHA256_LEN], raw[64];
    static uint8_t serial[CERTIFICATE_SERIAL] = { 0x40 };
    struct sink tbs = sink_over(room, sizeof room);
    struct sink whole = sink_over(out->bytes, sizeof out->bytes);
    assert_true(ecdsa_secret_point(w->ca_key, w->ca_point));
    serial[15]++;
    c->serial = SPAN(serial);
    c->issuer = span_text("Ward CA");
    c->issuer_point = SPAN(w->ca_point);
    if (c->ca)
        c->point = SPAN(w->ca_point);
    c->validity = (struct window){ 1700000000, 1700000000 + 300 * 86400 };
    certificate_write(&tbs, c);
    assert_true(sink_ok(&tbs));
    hash_sha256(sink_bytes(&tbs), digest);
    assert_true(ecdsa_sign(w->ca_key, digest, raw));
    certificate_finish(&whole, sink_bytes(&tbs), SPAN(raw));
    assert_true(sink_ok(&whole));
    out->len = whole.len;
}

static void make_certificates(struct world *w, struct span server_point)
{
    static const uint8_t loopback[] = { 127, 0, 0, 1 };
    uint8_t client_point[P256_POINT];
    assert_true(ecdsa_secret_point(w->client_key, client_point));
    struct certificate ca = { .ca = true, .subject = span_text("Ward CA") };
    struct certificate server = { .server = true,
                                  .subject = span_text("server"),
                                  .point = server_point,
                                  .name_count = 2,
                                  .names = { { false, span_text("localhost") },
                                             { true, SPAN(loopback) } } };
    struct certificate client = { .client = true,
                                  .subject = span_text("client"),
                                  .point = SPAN(client_point) };
    make_certificate(w, &w->ca, &ca);
    make_certificate(w, &w->server, &server);
    make_certificate(w, &w->client, &client);
}

static int begin(void **state)
{
    static struct world w;
    uint8_t scalar[KEY_PRIVATE], point[P256_POINT];
    memset(&w, 0, sizeof w);
    w.library = remote_library_new();
    for (size_t i = 0; i < sizeof scalar; i++)
        scalar[i] = (uint8_t)(3 * i + 1);
    w.ca_key = ecdsa_secret_from_seed(CURVE_P256, span_text("seed"), "ca");
    w.client_key = ecdsa_secret_from_seed(CURVE_P256, span_text("seed"), "client");
    struct ecdsa_secret *server = ecdsa_secret_new(CURVE_P256, SPAN(scalar));
    assert_true(ecdsa_secret_point(server, point));
    ecdsa_secret_free(&server);
    make_certificates(&w, SPAN(point));
    assert_true(rc_ok(secret_pool_new(NULL, 1, KEY_PRIVATE, &w.pool)));
    assert_true(rc_ok(secret_take(NULL, w.pool, KEY_PRIVATE, &w.keeper.scalar)));
    assert_true(rc_ok(secret_fill(w.keeper.scalar, put_scalar, scalar)));
    w.keeper.peer = GUARD_FRONT;
    w.keeper.bound = SPAN(tls_id);
    *state = &w;
    return w.library == NULL;
}

static int end(void **state)
{
    struct world *w = *state;
    remote_library_free(&w->library);
    remote_library_free(&w->library);
    secret_pool_free(&w->pool);
    ecdsa_secret_free(&w->ca_key);
    ecdsa_secret_free(&w->client_key);
    return 0;
}

/* ---- both ends -------------------------------------------------------------------------- */

static struct remote_signer signer_of(struct world *w)
{
    return (struct remote_signer){ keeper_sign, &w->keeper };
}

static SSL_CTX *server_of(struct world *w)
{
    const struct span chain[] = { span_of(w->server.bytes, w->server.len),
                                  span_of(w->ca.bytes, w->ca.len) };
    const struct remote_signer signer = signer_of(w);
    SSL_CTX *server = remote_server_new(w->library, chain, 2, &signer);
    assert_non_null(server);
    return server;
}

static X509 *parsed(const struct made *made)
{
    const unsigned char *at = made->bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)made->len);
    assert_non_null(certificate);
    return certificate;
}

/* A verifier that trusts the CA alone, on a day when all certificates are valid. */
static void trust_the_ca(SSL_CTX *context, const struct world *w)
{
    X509 *ca = parsed(&w->ca);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca), 1);
    X509_free(ca);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context), 1700086400);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* OpenSSL's usual client: the peer of another program. */
static SSL_CTX *usual_client(const struct world *w)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    assert_non_null(client);
    trust_the_ca(client, w);
    return client;
}

struct outcome {
    bool done; /* both ends */
    int version;
    char why[256]; /* the first error of either end */
};

static bool step(SSL *ssl, bool *done, struct outcome *outcome)
{
    if (*done)
        return true;
    ERR_clear_error();
    int code = SSL_do_handshake(ssl);
    *done = code == 1;
    int wanted = SSL_get_error(ssl, code);
    if (*done || wanted == SSL_ERROR_WANT_READ || wanted == SSL_ERROR_WANT_WRITE)
        return true;
    if (outcome->why[0] == 0)
        ERR_error_string_n(ERR_get_error(), outcome->why, sizeof outcome->why);
    return false;
}

static struct outcome shake_hands(SSL_CTX *server, SSL_CTX *client)
{
    struct outcome outcome = { 0 };
    BIO *left = NULL, *right = NULL;
    SSL *s = SSL_new(server), *c = SSL_new(client);
    assert_true(s != NULL && c != NULL && BIO_new_bio_pair(&left, 0, &right, 0) == 1);
    SSL_set_bio(s, left, left);
    SSL_set_bio(c, right, right);
    SSL_set_accept_state(s);
    SSL_set_connect_state(c);
    assert_int_equal(SSL_set1_host(c, "localhost"), 1);
    bool server_done = false, client_done = false, alive = true;
    for (unsigned round = 0; alive && round < 20; round++)
        alive = step(c, &client_done, &outcome) && step(s, &server_done, &outcome);
    outcome.done = alive && server_done && client_done;
    outcome.version = SSL_version(c);
    SSL_free(s);
    SSL_free(c);
    ERR_clear_error();
    return outcome;
}

/* ---- tests ------------------------------------------------------------------------------ */

static void every_suite(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *suite;
        size_t len;
    } rows[] = { { "TLS_AES_128_GCM_SHA256", 130 },
                 { "TLS_CHACHA20_POLY1305_SHA256", 130 },
                 { "TLS_AES_256_GCM_SHA384", 146 } };
    for (size_t i = 0; i < 3; i++) {
        SSL_CTX *server = server_of(w), *client = usual_client(w);
        assert_int_equal(SSL_CTX_set_ciphersuites(client, rows[i].suite), 1);
        struct outcome outcome = shake_hands(server, client);
        if (!outcome.done)
            fail_msg("%s: %s", rows[i].suite, outcome.why);
        assert_int_equal(outcome.version, TLS1_3_VERSION);
        assert_int_equal(w->keeper.asked, i + 1);
        assert_int_equal(w->keeper.last_len, rows[i].len);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
    }
    assert_int_equal(w->keeper.refused, 0);
}

/* RFC 8446 4.2.1; the keeper hears nothing of it. */
static void older_versions_are_refused(void **state)
{
    struct world *w = *state;
    SSL_CTX *server = server_of(w);
    static const int versions[] = { TLS1_2_VERSION, TLS1_1_VERSION, TLS1_VERSION };
    for (size_t i = 0; i < 3; i++) {
        SSL_CTX *client = usual_client(w);
        SSL_CTX_set_security_level(client, 0);
        assert_int_equal(SSL_CTX_set_max_proto_version(client, versions[i]), 1);
        assert_int_equal(SSL_CTX_set_min_proto_version(client, versions[i]), 1);
        struct outcome outcome = shake_hands(server, client);
        assert_false(outcome.done);
        assert_non_null(strstr(outcome.why, i == 0 ? "unsupported protocol" : ""));
        SSL_CTX_free(client);
    }
    assert_int_equal(w->keeper.asked, 0);
    SSL_CTX_free(server);
}

/* A client with a certificate: its key is verified by the usual provider beside ours. */
static void a_client_with_a_certificate(void **state)
{
    struct world *w = *state;
    SSL_CTX *server = server_of(w), *client = usual_client(w);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = parsed(&w->client);
    trust_the_ca(server, w);
    assert_false(shake_hands(server, client).done);
    /* Its certificate, and a key that is not the certificate's: libssl does not take it. */
    assert_int_equal(SSL_CTX_use_certificate(client, certificate), 1);
    assert_int_not_equal(SSL_CTX_use_PrivateKey(client, key), 1);
    EVP_PKEY_free(key);

    uint8_t point[P256_POINT], scalar[KEY_PRIVATE];
    memset(scalar, 0x33, sizeof scalar);
    struct ecdsa_secret *secret = ecdsa_secret_new(CURVE_P256, SPAN(scalar));
    assert_true(ecdsa_secret_point(secret, point));
    ecdsa_secret_free(&secret);
    struct certificate again = { .client = true,
                                 .subject = span_text("client"),
                                 .point = SPAN(point) };
    make_certificate(w, &w->client, &again);
    X509_free(certificate);
    certificate = parsed(&w->client);
    BIGNUM *number = BN_bin2bn(scalar, sizeof scalar, NULL);
    uint8_t native[KEY_PRIVATE];
    assert_int_equal(BN_bn2nativepad(number, native, sizeof native), sizeof native);
    BN_free(number);
    char group[] = "prime256v1";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof native),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(making), 1);
    assert_int_equal(EVP_PKEY_fromdata(making, &key, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(making);
    assert_int_equal(SSL_CTX_use_certificate(client, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(client, key), 1);
    struct outcome outcome = shake_hands(server, client);
    if (!outcome.done)
        fail_msg("%s", outcome.why);
    EVP_PKEY_free(key);
    X509_free(certificate);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void the_keeper_says_no(void **state)
{
    struct world *w = *state;
    static const uint8_t other_id[KEY_ID] = { 8 };
    SSL_CTX *server = server_of(w), *client = usual_client(w);
    w->keeper.bound = SPAN(other_id);
    assert_false(shake_hands(server, client).done);
    w->keeper.bound = SPAN(tls_id);
    w->keeper.peer = GUARD_VERIFY;
    assert_false(shake_hands(server, client).done);
    assert_int_equal(w->keeper.asked, 2);
    assert_int_equal(w->keeper.refused, 2);
    w->keeper.peer = GUARD_FRONT;
    w->keeper.spoil = true; /* signed, and wrong: the client sees it */
    assert_false(shake_hands(server, client).done);
    w->keeper.spoil = false;
    assert_true(shake_hands(server, client).done);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

/* What a server would find out by its first client. */
static void a_server_tries_itself(void **state)
{
    struct world *w = *state;
    SSL_CTX *server = server_of(w);
    assert_true(remote_server_works(w->library, server));
    assert_int_equal(w->keeper.asked, 1);
    w->keeper.spoil = true;
    assert_false(remote_server_works(w->library, server));
    w->keeper.spoil = false;
    w->keeper.peer = GUARD_VERIFY;
    assert_false(remote_server_works(w->library, server));
    w->keeper.peer = GUARD_FRONT;
    assert_true(remote_server_works(w->library, server));
    assert_int_equal(SSL_CTX_set_ciphersuites(server, ""), 1); /* as if none could be loaded */
    assert_false(remote_server_works(w->library, server));
    assert_int_equal(ERR_peek_error(), 0);
    SSL_CTX_free(server);
}

/* ---- what else could be tried with the key ------------------------------------------------ */

static EVP_PKEY *key_of(struct world *w, const struct remote_signer *signer)
{
    uint8_t point[REMOTE_POINT];
    size_t len = 0;
    X509 *certificate = parsed(&w->server);
    assert_int_equal(EVP_PKEY_get_octet_string_param(X509_get0_pubkey(certificate),
                                                     OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                                     sizeof point, &len),
                     1);
    X509_free(certificate);
    EVP_PKEY *key = remote_key_new(w->library, SPAN(point), signer);
    assert_non_null(key);
    return key;
}

/* A front that is taken over asks for other signatures through its own OpenSSL. */
static bool signs(struct world *w, EVP_PKEY *key, const char *hash, struct span message)
{
    uint8_t out[80];
    size_t len = sizeof out;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = EVP_DigestSignInit_ex(context, NULL, hash, remote_library_context(w->library), NULL,
                                    key, NULL) == 1 &&
              EVP_DigestSign(context, out, &len, message.at, message.len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ok;
}

static void only_a_servers_handshake(void **state)
{
    struct world *w = *state;
    const struct remote_signer signer = signer_of(w);
    EVP_PKEY *key = key_of(w, &signer);
    uint8_t content[147];
    memset(content, 0x20, sizeof content);
    memcpy(content + 64, "TLS 1.3, server CertificateVerify", 34);
    for (size_t len = 0; len <= sizeof content; len++)
        assert_int_equal(signs(w, key, "SHA256", span_of(content, len)), len == 130 || len == 146);
    memcpy(content + 64, "TLS 1.3, client CertificateVerify", 34);
    assert_false(signs(w, key, "SHA256", span_of(content, 130)));
    memcpy(content + 64, "TLS 1.3, server CertificateVerify", 34);
    unsigned asked = w->keeper.asked;
    static const char *const hashes[] = { "SHA384", "SHA512", "SHA1", "MD5", "SHA3-256" };
    for (size_t i = 0; i < 5; i++)
        assert_false(signs(w, key, hashes[i], span_of(content, 130)));
    assert_int_equal(w->keeper.asked, asked);
    EVP_PKEY_free(key);
}

static void no_other_door(void **state)
{
    struct world *w = *state;
    const struct remote_signer signer = signer_of(w);
    EVP_PKEY *key = key_of(w, &signer);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(remote_library_context(w->library), key,
                                                       NULL);
    EVP_MD_CTX *digesting = EVP_MD_CTX_new();
    BIGNUM *number = NULL;
    OSSL_PARAM *exported = NULL;
    unsigned char *der = NULL;
    uint8_t digest[SHA256_LEN] = { 1 }, out[80];
    size_t len = sizeof out;
    assert_non_null(context);
    /* A digest of the front's own choosing; Diffie-Hellman; message in parts. */
    assert_true(EVP_PKEY_sign_init(context) != 1 ||
                EVP_PKEY_sign(context, out, &len, digest, sizeof digest) != 1);
    assert_int_not_equal(EVP_PKEY_derive_init(context), 1);
    assert_true(EVP_DigestSignInit_ex(digesting, NULL, "SHA256", remote_library_context(w->library),
                                      NULL, key, NULL) != 1 ||
                EVP_DigestSignUpdate(digesting, out, 1) != 1 ||
                EVP_DigestSignFinal(digesting, out, &len) != 1);
    /* The private part. */
    assert_int_not_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
    assert_int_not_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &exported), 1);
    assert_true(i2d_PrivateKey(key, &der) <= 0);
    assert_int_equal(w->keeper.asked, 0);
    EVP_MD_CTX_free(digesting);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

/* ---- what is no server ------------------------------------------------------------------- */

static void chains_that_are_none(void **state)
{
    struct world *w = *state;
    const struct remote_signer signer = signer_of(w);
    const struct span good = span_of(w->server.bytes, w->server.len);
    struct span many[REMOTE_CHAIN_MAX + 1];
    for (size_t i = 0; i <= REMOTE_CHAIN_MAX; i++)
        many[i] = i == 0 ? good : span_of(w->ca.bytes, w->ca.len);
    assert_null(remote_server_new(w->library, many, 0, &signer));
    assert_null(remote_server_new(w->library, many, REMOTE_CHAIN_MAX + 1, &signer));
    SSL_CTX *server = remote_server_new(w->library, many, REMOTE_CHAIN_MAX, &signer);
    assert_non_null(server);
    SSL_CTX_free(server);
    for (size_t at = 0; at < 2; at++) {
        struct span chain[] = { good, good };
        for (size_t len = 0; len < good.len; len += 13) {
            chain[at].len = len;
            assert_null(remote_server_new(w->library, chain, 2, &signer));
        }
        uint8_t longer[CERTIFICATE_ROOM] = { 0 };
        memcpy(longer, good.at, good.len);
        chain[at] = span_of(longer, good.len + 1);
        assert_null(remote_server_new(w->library, chain, 2, &signer));
    }
    for (size_t len = 0; len <= REMOTE_POINT + 1; len++) {
        uint8_t point[REMOTE_POINT + 1] = { 0x04 };
        EVP_PKEY *key = remote_key_new(w->library, span_of(point, len), &signer);
        assert_int_equal(key != NULL, len == REMOTE_POINT);
        EVP_PKEY_free(key);
    }
    const uint8_t hybrid[REMOTE_POINT] = { 0x06 };
    assert_null(remote_key_new(w->library, SPAN(hybrid), &signer));
    ERR_clear_error();
}

/* The certificate of one key with the point of another. */
static void another_key_does_not_fit(void **state)
{
    struct world *w = *state;
    const struct remote_signer signer = signer_of(w);
    uint8_t point[P256_POINT];
    SSL_CTX *server = server_of(w);
    assert_true(ecdsa_secret_point(w->client_key, point));
    EVP_PKEY *other = remote_key_new(w->library, SPAN(point), &signer);
    assert_non_null(other);
    assert_int_not_equal(SSL_CTX_use_PrivateKey(server, other), 1);
    EVP_PKEY_free(other);
    EVP_PKEY *own = key_of(w, &signer);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, own), 1);
    EVP_PKEY_free(own);
    SSL_CTX_free(server);
    ERR_clear_error();
}

#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_suite),
        WORLD_TEST(older_versions_are_refused),
        WORLD_TEST(a_client_with_a_certificate),
        WORLD_TEST(the_keeper_says_no),
        WORLD_TEST(a_server_tries_itself),
        WORLD_TEST(only_a_servers_handshake),
        WORLD_TEST(no_other_door),
        WORLD_TEST(chains_that_are_none),
        WORLD_TEST(another_key_does_not_fit),
    };
    return RUN_TESTS(tests);
}
