/* remote_provider.c - see remote_provider.h.  Two algorithms, both as little as libssl needs:
   the management of P-256 keys that have a public point and perhaps a signer, and the one-shot
   ECDSA signature with SHA-256 that hands the message to the signer.

   The keys cannot be exported, not even their point: what can be exported could be moved into
   another provider, which would then try to sign without a private part. */
#include "net/remote_provider.h"

#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "codec/der_write.h"
#include "net/remote_key.h"

enum { SIGNATURE_MAX = 72, BITS = 256, SECURITY_BITS = 128 };

struct key {
    struct remote_signer signer; /* sign is NULL in a key that only compares */
    bool has_point;
    uint8_t point[REMOTE_POINT];
};

struct signing {
    const struct key *key;
};

/* OpenSSL's tables hold functions of many types as one; what each is, its number says. */
#define ENTRY(number, function)                                                                    \
    {                                                                                              \
        (number), (void (*)(void))(function)                                                       \
    }
#define END_OF_TABLE                                                                               \
    {                                                                                              \
        0, NULL                                                                                    \
    }

/* ---- keys ------------------------------------------------------------------------------- */

static void *key_new(void *context)
{
    (void)context;
    return OPENSSL_zalloc(sizeof(struct key));
}

static void key_free(void *key)
{
    OPENSSL_free(key);
}

static int key_has(const void *data, int selection)
{
    const struct key *key = data;
    if (key == NULL)
        return 0;
    return ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || key->has_point) &&
           ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key->signer.sign != NULL);
}

/* How a certificate's key is found to be this one: it is imported here, and compared. */
static int key_match(const void *one, const void *two, int selection)
{
    const struct key *a = one;
    const struct key *b = two;
    if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
        return 1; /* the group is one and the same */
    return a->has_point && b->has_point && bytes_equal(a->point, b->point, sizeof a->point);
}

static bool import_group(const OSSL_PARAM params[])
{
    const OSSL_PARAM *group = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
    const char *name = NULL;
    return group != NULL && OSSL_PARAM_get_utf8_string_ptr(group, &name) == 1 &&
           strcmp(name, SN_X9_62_prime256v1) == 0;
}

static bool import_point(const OSSL_PARAM params[], struct key *key)
{
    const OSSL_PARAM *point = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
    const void *at = NULL;
    size_t len = 0;
    if (point == NULL || OSSL_PARAM_get_octet_string_ptr(point, &at, &len) != 1 ||
        len != sizeof key->point || *(const uint8_t *)at != 0x04)
        return false;
    memcpy(key->point, at, len);
    return true;
}

static bool import_signer(const OSSL_PARAM params[], struct key *key)
{
    const OSSL_PARAM *signer = OSSL_PARAM_locate_const(params, REMOTE_PARAM_SIGNER);
    const void *at = NULL;
    size_t len = 0;
    if (signer == NULL)
        return true;
    if (OSSL_PARAM_get_octet_string_ptr(signer, &at, &len) != 1 || len != sizeof key->signer)
        return false;
    memcpy(&key->signer, at, len);
    return true;
}

static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
    struct key *key = data;
    if (key == NULL || (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || !import_group(params) ||
        !import_point(params, key) || !import_signer(params, key))
        return 0;
    key->has_point = true;
    return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(REMOTE_PARAM_SIGNER, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)selection;
    return types;
}

/* A parameter that was not asked for is fine. */
static bool give_number(OSSL_PARAM params[], const char *name, int value)
{
    OSSL_PARAM *param = OSSL_PARAM_locate(params, name);
    return param == NULL || OSSL_PARAM_set_int(param, value) == 1;
}

static bool give_text(OSSL_PARAM params[], const char *name, const char *value)
{
    OSSL_PARAM *param = OSSL_PARAM_locate(params, name);
    return param == NULL || OSSL_PARAM_set_utf8_string(param, value) == 1;
}

static bool give_point(OSSL_PARAM params[], const char *name, const struct key *key)
{
    OSSL_PARAM *param = OSSL_PARAM_locate(params, name);
    return param == NULL || OSSL_PARAM_set_octet_string(param, key->point, sizeof key->point) == 1;
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
    const struct key *key = data;
    return give_number(params, OSSL_PKEY_PARAM_BITS, BITS) &&
           give_number(params, OSSL_PKEY_PARAM_SECURITY_BITS, SECURITY_BITS) &&
           give_number(params, OSSL_PKEY_PARAM_MAX_SIZE, SIGNATURE_MAX) &&
           give_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, "SHA256") &&
           give_text(params, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1) &&
           give_text(params, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") &&
           give_point(params, OSSL_PKEY_PARAM_PUB_KEY, key) &&
           give_point(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, key);
}

static const OSSL_PARAM *key_gettable_params(void *context)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)context;
    return types;
}

static const char *key_operation_name(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const OSSL_DISPATCH key_functions[] = {
    ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new),
    ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),
    ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has),
    ENTRY(OSSL_FUNC_KEYMGMT_MATCH, key_match),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
    ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
    ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),
    ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation_name),
    END_OF_TABLE,
};

/* ---- signatures ------------------------------------------------------------------------- */

static void *signing_new(void *context, const char *properties)
{
    (void)context;
    (void)properties;
    return OPENSSL_zalloc(sizeof(struct signing));
}

static void signing_free(void *signing)
{
    OPENSSL_free(signing);
}

/* The names under which OpenSSL knows the one hash that goes with P-256 in TLS 1.3. */
static bool is_sha256(const char *name)
{
    return name == NULL || OPENSSL_strcasecmp(name, "SHA256") == 0 ||
           OPENSSL_strcasecmp(name, "SHA2-256") == 0 || OPENSSL_strcasecmp(name, "SHA-256") == 0;
}

static int signing_init(void *data, const char *hash, void *key, const OSSL_PARAM params[])
{
    struct signing *signing = data;
    const struct key *with = key;
    (void)params;
    if (with == NULL || with->signer.sign == NULL || !is_sha256(hash))
        return 0;
    signing->key = with;
    return 1;
}

/* Called twice, first without room to learn how much is needed. */
static int signing_sign(void *data, unsigned char *out, size_t *out_len, size_t room,
                        const unsigned char *message, size_t len)
{
    const struct signing *signing = data;
    uint8_t raw[REMOTE_SIGNATURE];
    if (signing->key == NULL)
        return 0;
    if (out == NULL) {
        *out_len = SIGNATURE_MAX;
        return 1;
    }
    const struct remote_signer *signer = &signing->key->signer;
    if (!signer->sign(signer->arg, SPAN(signing->key->point), span_of(message, len), raw))
        return 0;
    struct sink der = sink_over(out, room);
    der_put_ecdsa_sig(&der, SPAN(raw));
    if (!sink_ok(&der))
        return 0;
    *out_len = der.len;
    return 1;
}

static const OSSL_DISPATCH signing_functions[] = {
    ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_init),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signing_sign),
    END_OF_TABLE,
};

/* ---- the provider ----------------------------------------------------------------------- */

/* The names of the default provider's: libssl asks for them, and a certificate's key is
   compared only with a key of the same name. */
static const OSSL_ALGORITHM keys[] = {
    { "EC:id-ecPublicKey:1.2.840.10045.2.1", REMOTE_PROPERTY, key_functions, NULL },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM signatures[] = {
    { "ECDSA", REMOTE_PROPERTY, signing_functions, NULL },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *algorithms(void *context, int operation, int *no_store)
{
    (void)context;
    *no_store = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
    ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, algorithms),
    END_OF_TABLE,
};

int remote_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **context)
{
    (void)in;
    *out = provider_functions;
    *context = (void *)handle; /* not used, and not NULL */
    return 1;
}
