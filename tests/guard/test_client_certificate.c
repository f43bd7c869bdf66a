/* test_client_certificate.c - certificates of clients and their CAs as they stand: who they name,
   what they are for, and none that was cut or changed. */
#include "base/number.h"
#include "codec/pem.h"
#include "crypto/hash.h"
#include "guard/certificate.h"
#include "guard/client_certificate.h"
#include "guard_case.h"

enum { ROOM = 32768, ONE = 1024 };

struct made {
    uint8_t bytes[ONE];
    size_t len;
};

static struct guard_case points;
static struct made person, server, ca;

static void sign(struct made *out, const struct certificate *certificate)
{
    uint8_t bytes[ONE], digest[SHA256_LEN], raw[64];
    struct sink tbs = sink_over(bytes, sizeof bytes), whole = sink_over(out->bytes, ONE);
    struct ecdsa_secret *key = ecdsa_secret_from_seed(CURVE_P256, span_text("seed"), "ca");
    certificate_write(&tbs, certificate);
    hash_sha256(sink_bytes(&tbs), digest);
    assert_true(sink_ok(&tbs) && ecdsa_sign(key, digest, raw));
    certificate_finish(&whole, sink_bytes(&tbs), SPAN(raw));
    assert_true(sink_ok(&whole));
    out->len = whole.len;
    ecdsa_secret_free(&key);
}

static struct span der_of(const struct made *one)
{
    return span_of(one->bytes, one->len);
}

static int begin(void **state)
{
    (void)state;
    case_make(&points);
    struct certificate own = case_certificate(&points);
    own.names[1] = (struct certificate_name){ .value = span_text("bob.ops.example") };
    sign(&server, &own);
    own.server = false;
    own.client = true;
    sign(&person, &own);
    struct certificate root = own;
    root.client = false;
    root.ca = true;
    root.name_count = 0;
    root.subject = own.issuer;
    root.point = SPAN(points.ca);
    root.validity.until -= 86400;
    sign(&ca, &root);
    return 0;
}

static enum reason judge(const struct made *const *list, size_t count, int64_t *until)
{
    struct span chain[CLIENT_CHAIN_MAX + 1];
    struct x509_cert own;
    for (size_t i = 0; i < count; i++)
        chain[i] = der_of(list[i]);
    return client_chain_judge(chain, count, &own, until);
}

static void who_is_a_client(void **state)
{
    (void)state;
    const struct made *good[] = { &person, &ca, &ca, &ca, &ca };
    const struct made *of_server[] = { &server, &ca };
    const struct made *of_ca[] = { &ca, &ca };
    const struct made *by_person[] = { &person, &person, &ca };
    int64_t until = 7;
    assert_int_equal(judge(of_server, 2, &until), REASON_TLS_CLIENT_USE);
    assert_int_equal(judge(of_ca, 2, &until), REASON_TLS_CLIENT_USE);
    assert_int_equal(judge(by_person, 3, &until), REASON_TLS_CLIENT_WEAK);
    assert_int_equal(judge(good, 1, &until), REASON_TLS_CLIENT_USE);
    assert_int_equal(judge(good, CLIENT_CHAIN_MAX + 1, &until), REASON_TLS_CLIENT_USE);
    assert_int_equal(until, 7);
    assert_int_equal(judge(good, CLIENT_CHAIN_MAX, &until), REASON_OK);
    assert_int_equal(judge(good, 2, &until), REASON_OK);
    assert_int_equal(until, CASE_NOW + 89 * 86400);
}

/* Where these bytes stand in a certificate, once. */
static uint8_t *find(struct made *one, struct span what)
{
    uint8_t *at = memmem(one->bytes, one->len, what.at, what.len);
    assert_non_null(at);
    return at;
}

static bool has(const struct made *one, enum client_name kind, struct span name)
{
    struct x509_cert cert;
    assert_true(x509_parse(der_of(one), &cert));
    return client_has_name(&cert, kind, name);
}

static bool is_bob(const struct made *one)
{
    return has(one, CLIENT_NAME_DNS, span_text("bob.ops.example"));
}

static void its_names(void **state)
{
    (void)state;
    static const char *const others[] = {
        "", "bob.ops.exampl", "bob.ops.example.", "ops.example", "*.ops.example", "Ward CA 1"
    };
    assert_true(is_bob(&person));
    assert_true(has(&person, CLIENT_NAME_DNS, span_text("BOB.ops.Example")));
    assert_false(has(&person, CLIENT_NAME_URI, span_text("bob.ops.example")));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(has(&person, CLIENT_NAME_DNS, span_text(others[i])));
    /* The same bytes under the tag of a URI, where case counts. */
    struct made other = person;
    find(&other, span_text("bob.ops.example"))[-2] = 0x86;
    assert_false(is_bob(&other));
    assert_true(has(&other, CLIENT_NAME_URI, span_text("bob.ops.example")));
    assert_false(has(&other, CLIENT_NAME_URI, span_text("BOB.ops.example")));
}

static void names_that_are_torn(void **state)
{
    (void)state;
    struct made other = person;
    find(&other, span_text("bob.ops.example"))[3] = 0; /* one of the name's own bytes */
    assert_false(is_bob(&other));
    assert_true(has(&other, CLIENT_NAME_DNS, span_of("bob\0ops.example", 15)));
    for (unsigned len = 0; len < 256; len++) { /* the last of them, in every wrong length */
        other = person;
        find(&other, span_text("bob.ops.example"))[-1] = (uint8_t)len;
        struct x509_cert cert;
        if (x509_parse(der_of(&other), &cert) && len != 15)
            assert_false(client_has_name(&cert, CLIENT_NAME_DNS, span_text("localhost")));
    }
}

/* Nothing that is changed anywhere makes somebody of nobody. */
static void every_bit(void **state)
{
    (void)state;
    const struct span wanted = span_text("ann.ops.example");
    for (size_t i = 0; i < 8 * person.len; i++) {
        struct made other = person;
        struct x509_cert cert;
        other.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        if (x509_parse(der_of(&other), &cert))
            assert_false(client_has_name(&cert, CLIENT_NAME_DNS, wanted));
    }
}

static struct span blocks(struct sink *pem, const char *label, const struct made *one, size_t count)
{
    pem->len = 0;
    for (size_t i = 0; i < count; i++)
        pem_write(pem, label, der_of(one));
    assert_true(sink_ok(pem));
    return sink_bytes(pem);
}

static bool read_cas(struct span pem, struct client_files *files)
{
    static uint8_t room[ROOM];
    struct sink der = sink_over(room, sizeof room);
    return client_cas_read(pem, &der, files);
}

static void the_file_of_cas(void **state)
{
    (void)state;
    uint8_t text[ROOM];
    struct sink pem = sink_over(text, sizeof text);
    struct client_files files = { .count = 77 };
    assert_false(read_cas(span_text(""), &files));
    assert_false(read_cas(blocks(&pem, "CERTIFICATE", &person, 1), &files));
    assert_false(read_cas(blocks(&pem, "X509 CRL", &ca, 1), &files));
    assert_false(read_cas(blocks(&pem, "CERTIFICATE", &ca, CLIENT_CAS_MAX + 1), &files));
    struct span one = blocks(&pem, "CERTIFICATE", &ca, 1);
    for (size_t len = 0; len + 1 < one.len; len++)
        assert_false(read_cas(span_of(one.at, len), &files));
    assert_int_equal(files.count, 77);
    assert_true(read_cas(blocks(&pem, "CERTIFICATE", &ca, CLIENT_CAS_MAX), &files));
    assert_int_equal(files.count, CLIENT_CAS_MAX);
    assert_span_equal(files.der[CLIENT_CAS_MAX - 1], der_of(&ca));
}

static void a_list_that_is_none(void **state)
{
    (void)state;
    static uint8_t room[ROOM];
    uint8_t text[ROOM];
    struct sink pem = sink_over(text, sizeof text), der = sink_over(room, sizeof room);
    struct client_files files = { .count = 77 };
    assert_false(client_crls_read(blocks(&pem, "X509 CRL", &ca, 1), &der, &files));
    der.len = 0;
    assert_false(client_crls_read(span_text(""), &der, &files));
    assert_int_equal(files.count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_a_client, ""), TEST(its_names, ""),       TEST(names_that_are_torn, ""),
        TEST(every_bit, ""),       TEST(the_file_of_cas, ""), TEST(a_list_that_is_none, ""),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
