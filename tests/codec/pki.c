/* pki.c - see pki.h. */
#include "pki.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "codec/der_write.h"
#include "codec/hex.h"
#include "codec/pem.h"
#include "test.h"
#include "vectors.h"

enum { DER_MAX = 64 * 1024, KNOWN_MAX = 512 };

static size_t heap_calls;

/* The linker sends the test's own calls here (--wrap, see meson.build). */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);

void *__wrap_malloc(size_t size)
{
    heap_calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    heap_calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    heap_calls++;
    return __real_realloc(at, size);
}

size_t pki_heap_calls(void)
{
    return heap_calls;
}

struct walk {
    void (*each)(const char *name, struct span der, void *arg);
    void *arg;
    const char *label; /* of the PEM blocks wanted */
    size_t known;
    uint64_t hashes[KNOWN_MAX];
};

/* FNV-1a: enough to know a certificate again. */
static uint64_t hash_of(struct span bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Hands over a copy of exactly that length, so that a sanitizer sees an overread. */
static void meet(struct walk *walk, const char *name, struct span der)
{
    uint64_t hash = hash_of(der);
    for (size_t i = 0; i < walk->known; i++)
        if (walk->hashes[i] == hash)
            return;
    assert_in_range(walk->known, 0, KNOWN_MAX - 1);
    walk->hashes[walk->known++] = hash;
    uint8_t *copy = malloc(der.len);
    assert_non_null(copy);
    memcpy(copy, der.at, der.len);
    walk->each(name, span_of(copy, der.len), walk->arg);
    free(copy);
}

/* The blocks of PEM text, wherever in the file it lies. */
static void meet_pem(const char *name, void *arg)
{
    static const char begin[] = "-----BEGIN ";
    static uint8_t bytes[DER_MAX];
    struct walk *walk = arg;
    struct span file = vectors_read(name);
    const uint8_t *at = file.at;
    const uint8_t *end = file.at + file.len;
    while ((at = memmem(at, (size_t)(end - at), begin, sizeof begin - 1)) != NULL) {
        /* A quote may hold a NUL and more behind its chain, which no block may. */
        const uint8_t *nul = memchr(at, 0, (size_t)(end - at));
        struct cursor in = cur_over(span_of(at, (size_t)((nul != NULL ? nul : end) - at)));
        struct sink der = sink_over(bytes, sizeof bytes);
        struct span label;
        if (!pem_next(&in, &label, &der))
            fail_msg("%s: a block that PEM refuses", name);
        if (span_equal_text(label, walk->label))
            meet(walk, name, sink_bytes(&der));
        at = in.at;
    }
    vectors_free(&file);
}

static void meet_whole(const char *name, void *arg)
{
    struct span file = vectors_read(name);
    meet(arg, name, file);
    vectors_free(&file);
}

/* A Nitro document holds its certificates in byte strings: what starts like one and is one
   to OpenSSL. */
static void meet_inside(const char *name, void *arg)
{
    struct span file = vectors_read(name);
    for (size_t i = 0; i + 6 < file.len; i++) {
        const uint8_t *at = file.at + i;
        size_t len = 4 + (size_t)at[2] * 256 + at[3];
        if (at[0] != 0x30 || at[1] != 0x82 || at[4] != 0x30 || at[5] != 0x82 || len > file.len - i)
            continue;
        const uint8_t *moved = at;
        X509 *x509 = d2i_X509(NULL, &moved, (long)len);
        if (x509 != NULL)
            meet(arg, name, span_of(at, len));
        X509_free(x509);
    }
    vectors_free(&file);
}

void pki_each_certificate(void (*each)(const char *name, struct span der, void *arg), void *arg)
{
    struct walk walk = { .each = each, .arg = arg, .label = "CERTIFICATE" };
    static const char *const folders[] = {
        "attest/tdx/collateral",
        "attest/tdx/intel_qvl_synthetic_set",
        "attest/sgx/intel_qvl_synthetic_set",
        "attest/nitro",
    };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        vectors_each(folders[i], ".pem", meet_pem, &walk);
    vectors_each("attest/tdx", ".quote.bin", meet_pem, &walk);
    vectors_each("attest/sgx", ".quote.bin", meet_pem, &walk);
    vectors_each("attest/nitro", ".cose.bin", meet_inside, &walk);
    assert_in_range(walk.known, 50, KNOWN_MAX);
}

void pki_each_crl(void (*each)(const char *name, struct span der, void *arg), void *arg)
{
    struct walk walk = { .each = each, .arg = arg, .label = "X509 CRL" };
    vectors_each("attest/tdx/collateral", ".der", meet_whole, &walk);
    vectors_each("attest/tdx/intel_qvl_synthetic_set", ".der", meet_whole, &walk);
    vectors_each("attest/sgx/intel_qvl_synthetic_set", ".der", meet_whole, &walk);
    vectors_each("attest/sgx/intel_qvl_synthetic_set", "Crl.pem", meet_pem, &walk);
    assert_in_range(walk.known, 15, KNOWN_MAX);
}

#define ECDSA_SHA256 "300a06082a8648ce3d040302"
#define NAME_A       "300c310a300806035504030c0141"
#define NAME_B       "300c310a300806035504030c0142"
#define EIGHT        "0102030405060708"
#define IS_CA        "300f0603551d130101ff040530030101ff"
#define SIGNS_ALL    "300e0603551d0f0101ff040403020106" /* keyCertSign, cRLSign */
#define POINT        "04" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT

static const char *const good_certificate[PKI_PARTS] = {
    [PKI_VERSION] = "a003020102",
    [PKI_SERIAL] = "02020105",
    [PKI_INNER_ALGORITHM] = ECDSA_SHA256,
    [PKI_ISSUER] = NAME_A,
    [PKI_VALIDITY] = "301e170d3230303130313030303030305a170d3330303130313030303030305a",
    [PKI_SUBJECT] = NAME_B,
    [PKI_KEY] = "3059301306072a8648ce3d020106082a8648ce3d030107034200" POINT,
    [PKI_UNIQUE_IDS] = "",
    [PKI_EXTENSIONS] = (IS_CA SIGNS_ALL),
    [PKI_TBS_END] = "",
    [PKI_OUTER_ALGORITHM] = ECDSA_SHA256,
    [PKI_SIGNATURE] = "0309003006020101020102",
    [PKI_END] = "",
    [PKI_OUTSIDE] = "",
};

static const char *const good_crl[PKI_PARTS] = {
    [PKI_VERSION] = "020101",
    [PKI_INNER_ALGORITHM] = ECDSA_SHA256,
    [PKI_ISSUER] = NAME_A,
    [PKI_VALIDITY] = "170d3230303130313030303030305a170d3330303130313030303030305a",
    [PKI_REVOKED] = ("3012020105170d3230303130313030303030305a"
                     "3021020200ff170d3230303130313030303030305a300c300a0603551d1504030a0101"),
    [PKI_EXTENSIONS] = "300a0603551d140403020107",
    [PKI_TBS_END] = "",
    [PKI_OUTER_ALGORITHM] = ECDSA_SHA256,
    [PKI_SIGNATURE] = "0309003006020101020102",
    [PKI_END] = "",
    [PKI_OUTSIDE] = "",
};

struct kitchen {
    struct sink *out;
    const struct pki_recipe *recipe;
    const char *const *defaults;
};

static void put_part(const struct kitchen *kitchen, enum pki_part part)
{
    const char *text = kitchen->recipe->part[part];
    if (text == NULL)
        text = kitchen->defaults[part];
    assert_true(hex_decode_sink(span_text(text), kitchen->out));
}

static void put_extensions(const struct kitchen *kitchen, uint8_t tag)
{
    const char *text = kitchen->recipe->part[PKI_EXTENSIONS];
    if (text != NULL && text[0] == 0)
        return;
    size_t outer = der_begin(kitchen->out, tag);
    size_t inner = der_begin(kitchen->out, DER_SEQUENCE);
    put_part(kitchen, PKI_EXTENSIONS);
    der_end(kitchen->out, inner);
    der_end(kitchen->out, outer);
}

static void put_outer(const struct kitchen *kitchen, size_t whole)
{
    put_part(kitchen, PKI_OUTER_ALGORITHM);
    put_part(kitchen, PKI_SIGNATURE);
    put_part(kitchen, PKI_END);
    der_end(kitchen->out, whole);
    put_part(kitchen, PKI_OUTSIDE);
    assert_true(sink_ok(kitchen->out));
}

void pki_build_certificate(struct sink *out, const struct pki_recipe *recipe)
{
    struct kitchen kitchen = { out, recipe, good_certificate };
    size_t whole = der_begin(out, DER_SEQUENCE);
    size_t tbs = der_begin(out, DER_SEQUENCE);
    for (enum pki_part part = PKI_VERSION; part <= PKI_KEY; part++)
        put_part(&kitchen, part);
    put_part(&kitchen, PKI_UNIQUE_IDS);
    put_extensions(&kitchen, DER_EXPLICIT(3));
    put_part(&kitchen, PKI_TBS_END);
    der_end(out, tbs);
    put_outer(&kitchen, whole);
}

void pki_build_crl(struct sink *out, const struct pki_recipe *recipe)
{
    struct kitchen kitchen = { out, recipe, good_crl };
    size_t whole = der_begin(out, DER_SEQUENCE);
    size_t tbs = der_begin(out, DER_SEQUENCE);
    put_part(&kitchen, PKI_VERSION);
    put_part(&kitchen, PKI_INNER_ALGORITHM);
    put_part(&kitchen, PKI_ISSUER);
    put_part(&kitchen, PKI_VALIDITY);
    if (recipe->part[PKI_REVOKED] == NULL || recipe->part[PKI_REVOKED][0] != 0) {
        size_t revoked = der_begin(out, DER_SEQUENCE);
        put_part(&kitchen, PKI_REVOKED);
        der_end(out, revoked);
    }
    put_extensions(&kitchen, DER_EXPLICIT(0));
    put_part(&kitchen, PKI_TBS_END);
    der_end(out, tbs);
    put_outer(&kitchen, whole);
}
