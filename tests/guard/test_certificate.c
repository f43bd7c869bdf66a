/* test_certificate.c - Ward's own certificates: written, read back by the program's reader,
   and every form that is not exactly theirs. */
#include "codec/der_write.h"
#include "codec/x509.h"
#include "crypto/hash.h"
#include "guard_case.h"

static struct guard_case made;

static int begin(void **state)
{
    (void)state;
    case_make(&made);
    return 0;
}

static bool recognised(struct span tbs)
{
    struct certificate out;
    return certificate_recognise(tbs, SPAN(made.ca), &out);
}

static void signed_and_read_back(void **state)
{
    (void)state;
    uint8_t room[2048], digest[SHA256_LEN], raw[64];
    struct sink out = sink_over(room, sizeof room);
    struct span tbs = made.payloads[PAYLOAD_CERTIFICATE];
    struct ecdsa_secret *ca = ecdsa_secret_from_seed(CURVE_P256, span_text("seed"), "ca");
    struct crypto *crypto = crypto_new();
    struct x509_cert parsed;
    hash_sha256(tbs, digest);
    assert_true(ecdsa_sign(ca, digest, raw));
    certificate_finish(&out, tbs, SPAN(raw));
    assert_true(sink_ok(&out) && x509_parse(sink_bytes(&out), &parsed));
    assert_true(ecdsa_verify(crypto, CURVE_P256, SPAN(made.ca), digest,
                             span_of(parsed.signature, sizeof raw)));
    assert_false(parsed.is_ca);
    assert_int_equal(parsed.key_usage, KEY_USAGE_DIGITAL_SIGNATURE);
    assert_false(parsed.unknown_critical);
    assert_true(span_equal_text(parsed.common_name, "localhost"));
    ecdsa_secret_free(&ca);
    crypto_free(&crypto);
}

static void taken_apart_again(void **state)
{
    (void)state;
    struct certificate out = { 0 };
    struct span tbs = made.payloads[PAYLOAD_CERTIFICATE];
    const struct certificate want = case_certificate(&made);
    assert_true(certificate_recognise(tbs, SPAN(made.ca), &out));
    assert_span_equal(out.serial, want.serial);
    assert_span_equal(out.issuer, want.issuer);
    assert_span_equal(out.subject, want.subject);
    assert_span_equal(out.point, want.point);
    assert_int_equal(out.validity.from, want.validity.from);
    assert_int_equal(out.validity.until, want.validity.until);
    assert_true(out.server && !out.client && !out.ca);
    assert_int_equal(out.name_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(out.names[i].address, want.names[i].address);
        assert_span_equal(out.names[i].value, want.names[i].value);
        assert_true(span_inside(out.names[i].value, tbs));
    }
    assert_true(span_inside(out.subject, tbs) && span_inside(out.point, tbs));
}

typedef void change_fn(struct certificate *c);

static void no_change(struct certificate *c)
{
    (void)c;
}
static void for_clients(struct certificate *c)
{
    c->server = false;
    c->client = true;
    c->name_count = 0;
}
static void for_both(struct certificate *c)
{
    c->client = true;
}
static void for_nobody(struct certificate *c)
{
    c->server = false;
}
static void nameless_server(struct certificate *c)
{
    c->name_count = 0;
}
static void longest_life(struct certificate *c)
{
    c->validity.until = c->validity.from + CERTIFICATE_LIFE_S;
}
static void longer_life(struct certificate *c)
{
    c->validity.until = c->validity.from + CERTIFICATE_LIFE_S + 1;
}
static void backward_life(struct certificate *c)
{
    c->validity.until = c->validity.from;
}
static void endless_life(struct certificate *c)
{
    c->validity.until = INT64_MAX;
}
static void before_1970(struct certificate *c)
{
    c->validity.from = -1;
}
static void short_serial(struct certificate *c)
{
    c->serial.len--;
}
static void negative_serial(struct certificate *c)
{
    c->serial = span_text("\x80"
                          "123456789012345");
}
static void padded_serial(struct certificate *c)
{
    c->serial = span_text("\x3f"
                          "123456789012345");
}
static void own_key(struct certificate *c)
{
    c->point = c->issuer_point;
}
static void compressed_key(struct certificate *c)
{
    c->point.len = 33;
}
static void hybrid_key(struct certificate *c)
{
    static const uint8_t point[P256_POINT] = { 0x06 };
    c->point = SPAN(point);
}
static void longest_subject(struct certificate *c)
{
    c->subject = span_text("0123456789012345678901234567890123456789012345678901234567890123");
}
static void longer_subject(struct certificate *c)
{
    c->subject = span_text("01234567890123456789012345678901234567890123456789012345678901234");
}
static void no_subject(struct certificate *c)
{
    c->subject.len = 0;
}
static void control_in_subject(struct certificate *c)
{
    c->subject = span_text("local\x1bhost");
}
static void with_unit(struct certificate *c)
{
    c->unit = span_text("SIMULATED TEE");
}
static void longest_unit(struct certificate *c)
{
    c->unit = span_text("0123456789012345678901234567890123456789012345678901234567890123");
}
static void longer_unit(struct certificate *c)
{
    c->unit = span_text("01234567890123456789012345678901234567890123456789012345678901234");
}
static void control_in_unit(struct certificate *c)
{
    c->unit = span_text("unit\x1b");
}
static void ca_of_a_unit(struct certificate *c)
{
    c->ca = true;
    c->server = false;
    c->name_count = 0;
    c->subject = c->issuer;
    c->point = c->issuer_point;
    with_unit(c);
}
static void nul_in_subject(struct certificate *c)
{
    c->subject = span_of("local\0host", 10);
}
static void as_ca(struct certificate *c)
{
    c->ca = true;
}
static void most_names(struct certificate *c)
{
    for (c->name_count = 0; c->name_count < CERTIFICATE_NAMES_MAX; c->name_count++)
        c->names[c->name_count] = (struct certificate_name){ false, span_text("a.example") };
}
static void too_many_names(struct certificate *c)
{
    most_names(c);
    c->name_count++;
}
static void longest_name(struct certificate *c)
{
    static uint8_t name[CERTIFICATE_NAME_MAX];
    memset(name, 'a', sizeof name);
    c->names[0].value = SPAN(name);
}
static void longer_name(struct certificate *c)
{
    static uint8_t name[CERTIFICATE_NAME_MAX + 1];
    memset(name, 'a', sizeof name);
    c->names[0].value = SPAN(name);
}
static void address_of_five(struct certificate *c)
{
    c->names[1].value = span_text("12345");
}
static void address_of_six(struct certificate *c)
{
    c->names[1].value = span_text("1234567890123456");
}

static const struct {
    const char *name;
    change_fn *change;
    bool good;
} forms[] = {
    { "as it is", no_change, true },
    { "for clients, without names", for_clients, true },
    { "for both", for_both, true },
    { "longest life", longest_life, true },
    { "longest subject", longest_subject, true },
    { "with a unit", with_unit, true },
    { "longest unit", longest_unit, true },
    { "most names", most_names, true },
    { "longest name", longest_name, true },
    { "IPv6 address", address_of_six, true },
    { "for nobody", for_nobody, false },
    { "server without a name", nameless_server, false },
    { "one second too long", longer_life, false },
    { "ends as it begins", backward_life, false },
    { "endless", endless_life, false },
    { "before 1970", before_1970, false },
    { "short serial", short_serial, false },
    { "negative serial", negative_serial, false },
    { "serial below 40", padded_serial, false },
    { "the CA's own key", own_key, false },
    { "compressed key", compressed_key, false },
    { "hybrid key", hybrid_key, false },
    { "subject one too long", longer_subject, false },
    { "no subject", no_subject, false },
    { "control in the subject", control_in_subject, false },
    { "NUL in the subject", nul_in_subject, false },
    { "unit one too long", longer_unit, false },
    { "control in the unit", control_in_unit, false },
    { "a CA with a unit", ca_of_a_unit, false },
    { "a CA that is another's", as_ca, false },
    { "one name too many", too_many_names, false },
    { "name one too long", longer_name, false },
    { "address of five bytes", address_of_five, false },
};

static void good_and_bad_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        uint8_t room[8192];
        struct sink out = sink_over(room, sizeof room);
        struct certificate c = case_certificate(&made);
        forms[i].change(&c);
        certificate_write(&out, &c);
        if (certificate_is_good(&c) != forms[i].good || sink_ok(&out) != forms[i].good)
            fail_msg("%s", forms[i].name);
        if (forms[i].good && !recognised(sink_bytes(&out)))
            fail_msg("%s: not recognised", forms[i].name);
        assert_int_equal(out.len > 0, forms[i].good);
    }
}

static void dns_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        { "a", true },
        { "*.example.org", true },
        { "xn--nxasmq6b.example", true },
        { "A.example", false },
        { "*", false },
        { "*.", false },
        { "a.*.org", false },
        { "a*.org", false },
        { ".a", false },
        { "a.", false },
        { "a..b", false },
        { "a b", false },
        { "a/b", false },
        { "a_b", false },
        { "l\xc3\xb6g", false },
        { "", false },
        { "**.org", false },
        { "a:443", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct certificate c = case_certificate(&made);
        c.names[0].value = span_text(rows[i].name);
        if (certificate_is_good(&c) != rows[i].good)
            fail_msg("%s", rows[i].name);
    }
}

/* The CA's own certificate is written by the keeper, and never signed because somebody asks. */
static void a_ca_is_written_and_not_recognised(void **state)
{
    (void)state;
    uint8_t room[2048], whole[2048], raw[64];
    struct sink out = sink_over(room, sizeof room), finished = sink_over(whole, sizeof whole);
    struct x509_cert parsed;
    struct certificate c = case_certificate(&made);
    c.ca = true;
    c.server = false;
    c.name_count = 0;
    c.subject = c.issuer;
    c.point = c.issuer_point;
    c.validity.until = c.validity.from + 20 * INT64_C(365) * 86400;
    certificate_write(&out, &c);
    assert_true(sink_ok(&out));
    assert_false(recognised(sink_bytes(&out)));
    memset(raw, 1, sizeof raw);
    certificate_finish(&finished, sink_bytes(&out), SPAN(raw));
    assert_true(x509_parse(sink_bytes(&finished), &parsed));
    assert_true(parsed.is_ca && parsed.basic_constraints_critical);
    assert_int_equal(parsed.path_len, 0);
    assert_int_equal(parsed.key_usage, KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN);
    c.client = true;
    assert_false(certificate_is_good(&c));
}

static void finishing_wrongly(void **state)
{
    (void)state;
    uint8_t room[2048], raw[96] = { 1 };
    for (size_t len = 0; len <= sizeof raw; len++) {
        struct sink out = sink_over(room, sizeof room);
        certificate_finish(&out, made.payloads[PAYLOAD_CERTIFICATE], span_of(raw, len));
        assert_int_equal(sink_ok(&out), len == 64);
    }
}

#define MADE_TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MADE_TEST(signed_and_read_back),
        MADE_TEST(taken_apart_again),
        MADE_TEST(good_and_bad_forms),
        MADE_TEST(dns_names),
        MADE_TEST(a_ca_is_written_and_not_recognised),
        MADE_TEST(finishing_wrongly),
    };
    return RUN_TESTS(tests);
}
