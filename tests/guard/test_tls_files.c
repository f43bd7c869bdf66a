/* test_tls_files.c - a listener's certificates and its key as they stand in files: read back what
   was written, and nothing that was cut, changed, or put into another order. */
#include "codec/der_write.h"
#include "codec/pem.h"
#include "crypto/hash.h"
#include "guard/certificate.h"
#include "guard/tls_chain.h"
#include "guard/tls_key.h"
#include "guard_case.h"

enum { ROOM = 8192, ONE = 1024 };

struct made {
    uint8_t bytes[ONE];
    size_t len;
};

static struct guard_case points;
static struct made leaf, ca, other_ca;

static void sign(struct made *out, const struct certificate *certificate, const char *by)
{
    uint8_t bytes[ONE], digest[SHA256_LEN], raw[64];
    struct sink tbs = sink_over(bytes, sizeof bytes), whole = sink_over(out->bytes, ONE);
    struct ecdsa_secret *key = ecdsa_secret_from_seed(CURVE_P256, span_text("seed"), by);
    certificate_write(&tbs, certificate);
    hash_sha256(sink_bytes(&tbs), digest);
    assert_true(sink_ok(&tbs) && ecdsa_sign(key, digest, raw));
    certificate_finish(&whole, sink_bytes(&tbs), SPAN(raw));
    assert_true(sink_ok(&whole));
    out->len = whole.len;
    ecdsa_secret_free(&key);
}

static int begin(void **state)
{
    (void)state;
    case_make(&points);
    struct certificate own = case_certificate(&points);
    sign(&leaf, &own, "ca");
    struct certificate root = own;
    root.server = false;
    root.ca = true;
    root.name_count = 0;
    root.subject = own.issuer;
    root.point = SPAN(points.ca);
    sign(&ca, &root, "ca");
    root.issuer = root.subject = span_text("Ward CA 2");
    sign(&other_ca, &root, "ca");
    return 0;
}

static void put(struct sink *pem, const struct made *one)
{
    pem_write(pem, "CERTIFICATE", span_of(one->bytes, one->len));
}

static enum reason reason_of(rc result)
{
    return rc_ok(result) ? REASON_OK : (enum reason)rc_number(result);
}

static enum reason read_chain(struct span pem, struct tls_chain *chain)
{
    static uint8_t room[TLS_CHAIN_BYTES_MAX];
    struct sink der = sink_over(room, sizeof room);
    return reason_of(tls_chain_read(NULL, pem, &der, chain));
}

static enum reason read_all(const struct made *const *list, size_t count)
{
    uint8_t text[ROOM];
    struct sink pem = sink_over(text, sizeof text);
    struct tls_chain chain;
    for (size_t i = 0; i < count; i++)
        put(&pem, list[i]);
    assert_true(sink_ok(&pem));
    return read_chain(sink_bytes(&pem), &chain);
}

static void a_chain_is_read_back(void **state)
{
    (void)state;
    uint8_t text[ROOM];
    struct sink pem = sink_over(text, sizeof text);
    struct tls_chain chain = { 0 };
    put(&pem, &leaf);
    put(&pem, &ca);
    assert_int_equal(read_chain(sink_bytes(&pem), &chain), REASON_OK);
    assert_int_equal(chain.count, 2);
    assert_span_equal(chain.der[0], span_of(leaf.bytes, leaf.len));
    assert_span_equal(chain.der[1], span_of(ca.bytes, ca.len));
    assert_span_equal(chain.point, SPAN(points.leaf));
    assert_true(span_equal_text(chain.subject, "localhost"));
    assert_true(span_equal_text(chain.issuer, "Ward CA 1"));
    assert_int_equal(chain.validity.from, CASE_NOW);
}

static void its_order(void **state)
{
    (void)state;
    const struct made *four[] = { &leaf, &ca, &ca, &ca, &ca };
    const struct made *alien[] = { &leaf, &other_ca };
    const struct made *turned[] = { &ca, &leaf };
    const struct made *twice[] = { &leaf, &leaf };
    assert_int_equal(read_all(four, 1), REASON_OK);
    assert_int_equal(read_all(four, TLS_CHAIN_MAX), REASON_OK);
    assert_int_equal(read_all(four, TLS_CHAIN_MAX + 1), REASON_TLS_CERTIFICATE_FORMAT);
    assert_int_equal(read_all(alien, 2), REASON_TLS_CERTIFICATE_ORDER);
    assert_int_equal(read_all(turned, 2), REASON_TLS_CERTIFICATE_USE);
    assert_int_equal(read_all(twice, 2), REASON_TLS_CERTIFICATE_ORDER);
    assert_int_equal(read_all(four, 0), REASON_TLS_CERTIFICATE_FORMAT);
}

/* ecdsa-with-SHA256, and ecdsa-with-SHA224 in its place: once in what is signed, once behind it. */
static void weaken(struct made *one)
{
    static const uint8_t sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
    size_t count = 0;
    for (size_t i = 0; i + sizeof sha256 <= one->len; i++) {
        if (!span_equal(span_of(one->bytes + i, sizeof sha256), SPAN(sha256)))
            continue;
        one->bytes[i + sizeof sha256 - 1] = 0x01;
        count++;
    }
    assert_int_equal(count, 2);
}

/* A root's signature is nobody's to look at, and one is a root at the end alone. */
static void a_weak_signature(void **state)
{
    (void)state;
    struct made weak_ca = ca, weak_leaf = leaf;
    weaken(&weak_ca);
    weaken(&weak_leaf);
    const struct made *last[] = { &leaf, &weak_ca };
    const struct made *between[] = { &leaf, &weak_ca, &ca };
    const struct made *first[] = { &weak_leaf, &ca };
    assert_int_equal(read_all(last, 2), REASON_OK);
    assert_int_equal(read_all(between, 3), REASON_TLS_CERTIFICATE_WEAK);
    assert_int_equal(read_all(first, 2), REASON_TLS_CERTIFICATE_WEAK);
}

static void every_byte_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < leaf.len; i++) {
        struct made changed = leaf;
        const struct made *list[] = { &changed, &ca };
        changed.bytes[i] ^= 1;
        assert_int_not_equal(read_all(list, 2), REASON_OK);
    }
}

static void what_was_cut(void **state)
{
    (void)state;
    uint8_t text[ROOM];
    struct sink pem = sink_over(text, sizeof text);
    struct tls_chain chain = { .count = 7 };
    put(&pem, &leaf);
    size_t one = pem.len;
    put(&pem, &ca);
    for (size_t len = 0; len + 1 < pem.len; len++) {
        if (len == one - 1 || len == one)
            continue; /* the leaf alone is a chain */
        assert_int_equal(read_chain(span_of(text, len), &chain), REASON_TLS_CERTIFICATE_FORMAT);
    }
    assert_int_equal(chain.count, 7);
}

static void its_dates(void **state)
{
    (void)state;
    const struct tls_chain chain = { .validity = { 1000, 2000 } };
    const struct {
        int64_t now;
        enum reason reason;
    } rows[] = {
        { 999, REASON_TLS_CERTIFICATE_NOT_YET_VALID },
        { 1000, REASON_OK },
        { 2000, REASON_OK },
        { 2001, REASON_TLS_CERTIFICATE_EXPIRED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(reason_of(tls_chain_judge_time(NULL, &chain, rows[i].now)),
                         rows[i].reason);
}

/* ---- the key ----------------------------------------------------------------------------- */

static const uint8_t scalar[KEY_PRIVATE] = { 1, 2, 3, [31] = 9 };

struct form {
    const char *curve;
    bool names_curve, has_public;
    size_t len;
};

static void put_ec(struct sink *out, const struct form *form)
{
    size_t all = der_begin(out, DER_SEQUENCE);
    der_put_small(out, 1);
    der_put(out, DER_OCTET_STRING, span_of(scalar, form->len));
    if (form->names_curve) {
        size_t parameters = der_begin(out, DER_EXPLICIT(0));
        der_put_oid(out, form->curve);
        der_end(out, parameters);
    }
    if (form->has_public) {
        size_t key = der_begin(out, DER_EXPLICIT(1));
        der_put_bits(out, SPAN(points.leaf));
        der_end(out, key);
    }
    der_end(out, all);
}

static void put_pkcs8(struct sink *out, const struct form *form, const char *algorithm)
{
    size_t all = der_begin(out, DER_SEQUENCE);
    der_put_small(out, 0);
    size_t kind = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, algorithm);
    der_put_oid(out, form->curve);
    der_end(out, kind);
    size_t key = der_begin(out, DER_OCTET_STRING);
    put_ec(out, form);
    der_end(out, key);
    der_end(out, all);
}

static const char p256[] = "1.2.840.10045.3.1.7", p384[] = "1.3.132.0.34";
static const char ec[] = "1.2.840.10045.2.1", rsa[] = "1.2.840.113549.1.1.1";

static enum reason read_key(struct span text, uint8_t out[KEY_PRIVATE])
{
    uint8_t room[ROOM];
    struct sink der = sink_over(room, sizeof room);
    return reason_of(tls_key_read(NULL, text, &der, out));
}

static struct span as_pem(struct sink *text, const char *label, const struct sink *der)
{
    text->len = 0;
    pem_write(text, label, sink_bytes(der));
    assert_true(sink_ok(text) && sink_ok(der));
    return sink_bytes(text);
}

static void the_forms_of_a_key(void **state)
{
    (void)state;
    const struct {
        const char *label, *algorithm; /* NULL: an ECPrivateKey */
        struct form form;
        enum reason reason;
    } rows[] = {
        { "PRIVATE KEY", ec, { p256, false, true, 32 }, REASON_OK },
        { "PRIVATE KEY", ec, { p256, true, false, 32 }, REASON_OK },
        { "EC PRIVATE KEY", NULL, { p256, true, true, 32 }, REASON_OK },
        { "EC PRIVATE KEY", NULL, { p256, false, false, 32 }, REASON_OK },
        { "EC PRIVATE KEY", NULL, { p384, true, true, 32 }, REASON_TLS_KEY_KIND },
        { "EC PRIVATE KEY", NULL, { p256, true, true, 31 }, REASON_TLS_KEY_KIND },
        { "PRIVATE KEY", ec, { p384, false, true, 32 }, REASON_TLS_KEY_KIND },
        { "PRIVATE KEY", rsa, { p256, false, true, 32 }, REASON_TLS_KEY_KIND },
        { "PRIVATE KEY", NULL, { p256, true, true, 32 }, REASON_TLS_KEY_FORMAT },
        { "EC PRIVATE KEY", ec, { p256, true, true, 32 }, REASON_TLS_KEY_FORMAT },
        { "RSA PRIVATE KEY", NULL, { p256, true, true, 32 }, REASON_TLS_KEY_KIND },
        { "PUBLIC KEY", ec, { p256, true, true, 32 }, REASON_TLS_KEY_FORMAT },
        { "EC PARAMETERS", ec, { p256, true, true, 32 }, REASON_TLS_KEY_FORMAT },
        { "ENCRYPTED PRIVATE KEY", ec, { p256, true, true, 32 }, REASON_TLS_KEY_ENCRYPTED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[ROOM], encoded[ROOM], out[KEY_PRIVATE] = { 0 };
        struct sink der = sink_over(bytes, sizeof bytes), text = sink_over(encoded, sizeof encoded);
        if (rows[i].algorithm != NULL)
            put_pkcs8(&der, &rows[i].form, rows[i].algorithm);
        else
            put_ec(&der, &rows[i].form);
        assert_int_equal(read_key(as_pem(&text, rows[i].label, &der), out), rows[i].reason);
        if (rows[i].reason == REASON_OK)
            assert_memory_equal(out, scalar, sizeof scalar);
        else
            assert_true(bytes_are_zero(out, sizeof out));
    }
}

static void a_key_that_was_cut(void **state)
{
    (void)state;
    const struct form form = { p256, true, true, 32 };
    uint8_t bytes[ROOM], encoded[ROOM], out[KEY_PRIVATE] = { 0 };
    struct sink der = sink_over(bytes, sizeof bytes), text = sink_over(encoded, sizeof encoded);
    put_pkcs8(&der, &form, ec);
    struct span whole = as_pem(&text, "PRIVATE KEY", &der);
    for (size_t len = 0; len + 1 < whole.len; len++)
        assert_int_equal(read_key(span_of(whole.at, len), out), REASON_TLS_KEY_FORMAT);
    for (size_t len = 0; len < der.len; len++) { /* the text is whole, and what it says is not */
        struct sink part = { bytes, sizeof bytes, len, false };
        text.len = 0;
        if (len > 0)
            assert_int_equal(read_key(as_pem(&text, "PRIVATE KEY", &part), out),
                             REASON_TLS_KEY_FORMAT);
    }
    assert_true(bytes_are_zero(out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_chain_is_read_back, ""), TEST(its_order, ""),        TEST(every_byte_counts, ""),
        TEST(what_was_cut, ""),         TEST(its_dates, ""),        TEST(the_forms_of_a_key, ""),
        TEST(a_key_that_was_cut, ""),   TEST(a_weak_signature, ""),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
