/* test_pck.c - PCK chains as text, their names, and the SGX extension part by part. */
#include <string.h>

#include "attest/pck.h"
#include "attest/quote.h"
#include "base/number.h"
#include "codec/der_write.h"
#include "test.h"
#include "vectors.h"

/* --- the extension ------------------------------------------------------------------- */

/* What to write; each field may be spoilt. */
struct plan {
    unsigned skip;      /* bit of a top part to leave out (1..7) */
    unsigned twice;     /* bit of a top part to write twice */
    unsigned skip_tcb;  /* number of a TCB part to leave out */
    unsigned twice_tcb; /* number of a TCB part to write twice */
    unsigned big;       /* number of a component that says `value` */
    uint64_t value;
    uint64_t pce_svn;
    size_t ppid, cpu_svn, pce_id, fmspc, instance; /* lengths */
    unsigned type;
    unsigned flags; /* bits of configuration flags to write */
    unsigned extra; /* a further part of this number, 0: none */
    unsigned extra_tcb;
    uint8_t bool_value;
    bool long_oid, trailing;
};

static const struct plan processor = { .skip = 1 << 6 | 1 << 7,
                                       .value = 7,
                                       .pce_svn = 13,
                                       .ppid = 16,
                                       .cpu_svn = 16,
                                       .pce_id = 2,
                                       .fmspc = 6,
                                       .instance = 16,
                                       .bool_value = 0xff };
static const struct plan platform = { .value = 7,
                                      .pce_svn = 13,
                                      .ppid = 16,
                                      .cpu_svn = 16,
                                      .pce_id = 2,
                                      .fmspc = 6,
                                      .instance = 16,
                                      .flags = 1 << 1 | 1 << 2 | 1 << 3,
                                      .bool_value = 0xff };

static void put_oid(struct sink *out, const uint8_t *arcs, size_t count)
{
    uint8_t oid[12] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
    memcpy(oid + 9, arcs, count);
    der_put(out, DER_OID, span_of(oid, 9 + count));
}

static void put_octets(struct sink *out, size_t len, uint8_t fill)
{
    uint8_t bytes[64];
    memset(bytes, fill, sizeof bytes);
    der_put(out, DER_OCTET_STRING, span_of(bytes, len));
}

static void put_integer(struct sink *out, uint64_t value)
{
    uint8_t b[9] = { 0 };
    size_t at = 9;
    do {
        b[--at] = (uint8_t)value;
        value >>= 8;
    } while (value != 0);
    if ((b[at] & 0x80) != 0)
        at--;
    der_put(out, DER_INTEGER, span_of(b + at, 9 - at));
}

static void put_tcb_part(struct sink *out, const struct plan *p, unsigned part)
{
    uint8_t arcs[2] = { 2, (uint8_t)part };
    size_t pair = der_begin(out, DER_SEQUENCE);
    put_oid(out, arcs, 2);
    if (part == 18)
        put_octets(out, p->cpu_svn, 0xC5);
    else if (part == 17)
        put_integer(out, p->pce_svn);
    else
        put_integer(out, part == p->big ? p->value : part);
    der_end(out, pair);
}

static void put_tcb(struct sink *out, const struct plan *p)
{
    size_t list = der_begin(out, DER_SEQUENCE);
    for (unsigned part = 1; part <= 18; part++) {
        if (part != p->skip_tcb)
            put_tcb_part(out, p, part);
        if (part == p->twice_tcb)
            put_tcb_part(out, p, part);
    }
    if (p->extra_tcb != 0)
        put_tcb_part(out, p, p->extra_tcb);
    der_end(out, list);
}

static void put_configuration(struct sink *out, const struct plan *p)
{
    size_t list = der_begin(out, DER_SEQUENCE);
    for (unsigned flag = 1; flag <= 4; flag++)
        if ((p->flags & 1u << flag) != 0) {
            uint8_t arcs[2] = { 7, (uint8_t)flag }, value = flag == 2 ? 0 : p->bool_value;
            size_t pair = der_begin(out, DER_SEQUENCE);
            put_oid(out, arcs, 2);
            der_put(out, DER_BOOLEAN, span_of(&value, 1));
            der_end(out, pair);
        }
    der_end(out, list);
}

static void put_part(struct sink *out, const struct plan *p, unsigned part)
{
    uint8_t arcs[2] = { (uint8_t)part, 1 }, type = (uint8_t)p->type;
    size_t pair = der_begin(out, DER_SEQUENCE);
    put_oid(out, arcs, p->long_oid && part == 1 ? 2 : 1);
    switch (part) {
    case 1:
        put_octets(out, p->ppid, 0x11);
        break;
    case 2:
        put_tcb(out, p);
        break;
    case 3:
        put_octets(out, p->pce_id, 0x33);
        break;
    case 4:
        put_octets(out, p->fmspc, 0x44);
        break;
    case 5:
        der_put(out, DER_ENUMERATED, span_of(&type, 1));
        break;
    case 6:
        put_octets(out, p->instance, 0x66);
        break;
    case 7:
        put_configuration(out, p);
        break;
    default:
        der_put(out, DER_NULL, (struct span){ 0 });
        break;
    }
    der_end(out, pair);
}

static struct span make(struct sink *out, const struct plan *p)
{
    size_t list = der_begin(out, DER_SEQUENCE);
    for (unsigned part = 1; part <= 7; part++) {
        if ((p->skip & 1u << part) == 0)
            put_part(out, p, part);
        if ((p->twice & 1u << part) != 0)
            put_part(out, p, part);
    }
    if (p->extra != 0)
        put_part(out, p, p->extra);
    der_end(out, list);
    if (p->trailing)
        sink_u8(out, 0);
    assert_true(sink_ok(out));
    return sink_bytes(out);
}

static void both_kinds_are_read(void **state)
{
    (void)state;
    uint8_t room[2048];
    struct pck_claims claims;
    struct sink out = sink_over(room, sizeof room);
    assert_null(pck_extension_parse(make(&out, &processor), false, &claims));
    assert_int_equal(claims.pce_svn, 13);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(claims.comp_svn[i], i + 1);
    assert_int_equal(claims.cpu_svn[15], 0xC5);
    assert_int_equal(claims.fmspc[5], 0x44);
    assert_int_equal(claims.pce_id[1], 0x33);
    assert_false(claims.platform_ca);
    assert_int_equal(claims.smt_enabled, FLAG_UNDEFINED);
    out = sink_over(room, sizeof room);
    assert_null(pck_extension_parse(make(&out, &platform), true, &claims));
    assert_true(claims.platform_ca);
    assert_int_equal(claims.dynamic_platform, FLAG_TRUE);
    assert_int_equal(claims.cached_keys, FLAG_FALSE);
    assert_int_equal(claims.smt_enabled, FLAG_TRUE);
}

struct row {
    const char *name;
    bool platform_ca;
    void (*spoil)(struct plan *p);
};

#define SPOIL(name, statement)                                                                     \
    static void name(struct plan *p)                                                               \
    {                                                                                              \
        statement;                                                                                 \
    }

SPOIL(no_ppid, p->skip |= 1 << 1)
SPOIL(no_tcb, p->skip |= 1 << 2)
SPOIL(no_pce_id, p->skip |= 1 << 3)
SPOIL(no_fmspc, p->skip |= 1 << 4)
SPOIL(no_type, p->skip |= 1 << 5)
SPOIL(no_instance, p->skip |= 1 << 6)
SPOIL(no_configuration, p->skip |= 1 << 7)
SPOIL(with_instance, p->skip = 1 << 7)
SPOIL(with_configuration, p->skip = 1 << 6)
SPOIL(two_ppids, p->twice = 1 << 1)
SPOIL(two_tcbs, p->twice = 1 << 2)
SPOIL(two_fmspcs, p->twice = 1 << 4)
SPOIL(two_configurations, p->twice = 1 << 7)
SPOIL(long_ppid, p->ppid = 17)
SPOIL(short_ppid, p->ppid = 15)
SPOIL(long_fmspc, p->fmspc = 7)
SPOIL(short_fmspc, p->fmspc = 5)
SPOIL(long_pce_id, p->pce_id = 3)
SPOIL(short_pce_id, p->pce_id = 1)
SPOIL(short_cpu_svn, p->cpu_svn = 15)
SPOIL(long_instance, p->instance = 17)
SPOIL(component_256, (p->big = 9, p->value = 256))
SPOIL(component_huge, (p->big = 16, p->value = UINT64_MAX))
SPOIL(pce_svn_65536, p->pce_svn = 65536)
SPOIL(no_component, p->skip_tcb = 5)
SPOIL(no_pce_svn, p->skip_tcb = 17)
SPOIL(no_cpu_svn, p->skip_tcb = 18)
SPOIL(two_components, p->twice_tcb = 3)
SPOIL(replaced_component, (p->skip_tcb = 4, p->twice_tcb = 3))
SPOIL(tcb_part_19, p->extra_tcb = 19)
SPOIL(part_8, p->extra = 8)
SPOIL(type_3, p->type = 3)
SPOIL(long_oid, p->long_oid = true)
SPOIL(trailing, p->trailing = true)
SPOIL(flag_4, p->flags |= 1 << 4)
SPOIL(flag_not_bool, p->bool_value = 1)

static const struct row refused[] = {
    { "no PPID", false, no_ppid },
    { "no TCB", false, no_tcb },
    { "no PCE id", false, no_pce_id },
    { "no FMSPC", false, no_fmspc },
    { "no type", true, no_type },
    { "no instance id", true, no_instance },
    { "no configuration", true, no_configuration },
    { "instance id of a processor", false, with_instance },
    { "configuration of a processor", false, with_configuration },
    { "two PPIDs", false, two_ppids },
    { "two TCBs", false, two_tcbs },
    { "two FMSPCs", true, two_fmspcs },
    { "two configurations", true, two_configurations },
    { "PPID of 17", false, long_ppid },
    { "PPID of 15", false, short_ppid },
    { "FMSPC of 7", false, long_fmspc },
    { "FMSPC of 5", false, short_fmspc },
    { "PCE id of 3", false, long_pce_id },
    { "PCE id of 1", false, short_pce_id },
    { "CPUSVN of 15", false, short_cpu_svn },
    { "instance id of 17", true, long_instance },
    { "component of 256", false, component_256 },
    { "component beyond any", false, component_huge },
    { "PCESVN of 65536", false, pce_svn_65536 },
    { "no component 5", false, no_component },
    { "no PCESVN", false, no_pce_svn },
    { "no CPUSVN", false, no_cpu_svn },
    { "component 3 twice", false, two_components },
    { "component 3 for 4", false, replaced_component },
    { "TCB part 19", false, tcb_part_19 },
    { "part 8", false, part_8 },
    { "SGX type 3", false, type_3 },
    { "identifier too long", false, long_oid },
    { "bytes behind it", false, trailing },
    { "flag 4", true, flag_4 },
    { "boolean of 01", true, flag_not_bool },
};

static void every_departure_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        uint8_t room[4096];
        struct sink out = sink_over(room, sizeof room);
        struct plan plan = refused[i].platform_ca ? platform : processor;
        struct pck_claims claims = { .pce_svn = 77 };
        refused[i].spoil(&plan);
        if (pck_extension_parse(make(&out, &plan), refused[i].platform_ca, &claims) == NULL)
            fail_msg("accepted: %s", refused[i].name);
        assert_int_equal(claims.pce_svn, 77);
    }
}

static void edges_are_accepted(void **state)
{
    (void)state;
    uint8_t room[2048];
    struct sink out = sink_over(room, sizeof room);
    struct plan plan = processor;
    struct pck_claims claims;
    plan.big = 1;
    plan.value = 255;
    plan.pce_svn = 65535;
    plan.type = 2;
    assert_null(pck_extension_parse(make(&out, &plan), false, &claims));
    assert_int_equal(claims.comp_svn[0], 255);
    assert_int_equal(claims.pce_svn, 65535);
}

static void every_prefix_and_many_flips(void **state)
{
    (void)state;
    uint8_t room[2048], copy[2048] = { 0 };
    struct sink out = sink_over(room, sizeof room);
    struct span good = make(&out, &platform);
    struct pck_claims claims;
    for (size_t len = 0; len < good.len; len++)
        assert_non_null(pck_extension_parse(span_of(good.at, len), true, &claims));
    /* The first octets of each pair are structure: any bit of them counts. */
    memcpy(copy, good.at, good.len);
    for (size_t bit = 0; bit < 8 * 20; bit++) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_non_null(pck_extension_parse(span_of(copy, good.len), true, &claims));
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* --- the chain ----------------------------------------------------------------------- */

struct chain {
    struct span quote;
    struct span pem;
    uint8_t der[PCK_CHAIN_DER_MAX];
    struct x509_cert certs[PCK_CHAIN_LEN];
};

static struct chain chain_of(const char *name)
{
    struct report report = { 0 };
    struct quote quote;
    struct chain chain = { .quote = vectors_read(name) };
    assert_true(quote_parse(chain.quote, &report, &quote));
    chain.pem = quote.cert_data;
    return chain;
}

static const char *read_text(struct span pem, struct chain *chain, size_t *which)
{
    struct sink der = sink_over(chain->der, sizeof chain->der);
    return pck_chain_read(pem, NULL, &der, chain->certs, which);
}

static void genuine_chains_are_read(void **state)
{
    (void)state;
    vectors_required();
    size_t which = 9;
    static const char *const names[] = { "attest/tdx/dcap-qvl_tdx-quote_f1c850.quote.bin",
                                         "attest/sgx/dcap-qvl_sgx-quote_f8b810.quote.bin" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct chain chain = chain_of(names[i]);
        struct pck_claims claims;
        assert_null(read_text(chain.pem, &chain, &which));
        assert_null(pck_names_problem(chain.certs, &which));
        bool is_platform = pck_ca_is_platform(&chain.certs[PCK_INTERMEDIATE]);
        assert_int_equal(is_platform, i == 0);
        assert_null(pck_extension_read(&chain.certs[PCK_LEAF], is_platform, &claims));
        assert_non_null(pck_extension_read(&chain.certs[PCK_LEAF], !is_platform, &claims));
        assert_non_null(pck_extension_read(&chain.certs[PCK_ROOT], is_platform, &claims));
        /* Every shorter text is refused. */
        for (size_t len = 0; len + 1 < chain.pem.len; len += 7)
            assert_non_null(read_text(span_of(chain.pem.at, len), &chain, &which));
        vectors_free(&chain.quote);
    }
}

static void exactly_three_certificates(void **state)
{
    (void)state;
    vectors_required();
    struct chain chain = chain_of("attest/tdx/dcap-qvl_tdx-quote_f1c850.quote.bin");
    uint8_t text[16384];
    size_t which = 9;
    struct sink out = sink_over(text, sizeof text);
    sink_put(&out, chain.pem);
    sink_put(&out, chain.pem);
    assert_string_equal(read_text(sink_bytes(&out), &chain, &which),
                        "more than three certificates, or bytes after them");
    out = sink_over(text, sizeof text);
    sink_put(&out, chain.pem);
    sink_text(&out, "x");
    assert_non_null(read_text(sink_bytes(&out), &chain, &which));
    assert_string_equal(read_text((struct span){ 0 }, &chain, &which),
                        "the chain has fewer than three certificates");
    assert_int_equal(which, 0);
    /* Two of them. */
    struct span second = { 0 };
    for (size_t i = 1; i + 10 < chain.pem.len && second.len == 0; i++)
        if (memcmp(chain.pem.at + i, "-----BEGIN", 10) == 0)
            second = span_of(chain.pem.at + i, chain.pem.len - i);
    assert_string_equal(read_text(second, &chain, &which),
                        "the chain has fewer than three certificates");
    assert_int_equal(which, 2);
    /* Room for less than the chain. */
    struct sink small = sink_over(chain.der, 1000);
    assert_string_equal(pck_chain_read(chain.pem, NULL, &small, chain.certs, &which),
                        "the chain is too large");
    vectors_free(&chain.quote);
}

static void expect_same_certs(const struct chain *a, const struct chain *b)
{
    for (size_t i = 0; i < PCK_CHAIN_LEN; i++) {
        const struct x509_cert *x = &a->certs[i], *y = &b->certs[i];
        assert_true(span_equal(x->whole, y->whole) && span_equal(x->tbs, y->tbs));
        assert_true(span_equal(x->point, y->point) && span_equal(x->subject, y->subject));
        assert_true(span_equal(x->extensions, y->extensions) && x->is_ca == y->is_ca);
    }
}

/* With or without the end of an earlier chain, a text reads the same; and an end that differs
   in one byte is read for itself. */
static void a_known_end_reads_the_same(void **state)
{
    (void)state;
    vectors_required();
    static struct pck_tail tail;
    struct chain chain = chain_of("attest/tdx/dcap-qvl_tdx-quote_f1c850.quote.bin");
    struct chain other = chain_of("attest/tdx/dcap-qvl_quote-hex_9069d4.quote.bin");
    struct chain again = other;
    size_t which = 9;
    assert_null(read_text(chain.pem, &chain, &which));
    pck_tail_keep(&tail, chain.pem, chain.certs);
    assert_true(tail.text_len > 1000);
    struct sink der = sink_over(again.der, sizeof again.der);
    assert_null(pck_chain_read(other.pem, &tail, &der, again.certs, &which));
    assert_true(span_inside(again.certs[PCK_ROOT].whole, SPAN(tail.der)));
    assert_null(read_text(other.pem, &other, &which));
    expect_same_certs(&other, &again);
    uint8_t text[16384];
    for (size_t back = 1; back < tail.text_len; back += 97) {
        memcpy(text, chain.pem.at, chain.pem.len);
        text[chain.pem.len - back] ^= 1;
        struct span changed = span_of(text, chain.pem.len);
        der = sink_over(again.der, sizeof again.der);
        bool good = pck_chain_read(changed, &tail, &der, again.certs, &which) == NULL;
        assert_int_equal(good, read_text(changed, &other, &which) == NULL);
        if (good)
            expect_same_certs(&other, &again);
    }
    /* An end that is too long is not kept, and what was there is gone. */
    struct sink out = sink_over(text, sizeof text);
    sink_put(&out, chain.pem);
    sink_put(&out, chain.pem);
    pck_tail_keep(&tail, sink_bytes(&out), chain.certs);
    assert_int_equal(tail.text_len, 0);
    vectors_free(&chain.quote);
    vectors_free(&other.quote);
}

static void names_are_judged(void **state)
{
    (void)state;
    vectors_required();
    struct chain chain = chain_of("attest/tdx/dcap-qvl_tdx-quote_f1c850.quote.bin");
    size_t which = 9;
    for (size_t i = 0; i < PCK_CHAIN_LEN; i++) {
        assert_null(read_text(chain.pem, &chain, &which));
        chain.certs[i].common_name = span_text("Intel SGX TCB Signing");
        assert_non_null(pck_names_problem(chain.certs, &which));
        assert_int_equal(which, i);
        chain.certs[i].common_name = (struct span){ 0 };
        assert_non_null(pck_names_problem(chain.certs, &which));
        /* A subject with a value that is no text: the tag of its last value changed. */
        assert_null(read_text(chain.pem, &chain, &which));
        uint8_t name[256];
        struct span subject = chain.certs[i].subject;
        memcpy(name, subject.at, subject.len);
        assert_int_equal(name[subject.len - 4], DER_PRINTABLE_STRING);
        name[subject.len - 4] = DER_BIT_STRING;
        chain.certs[i].subject = span_of(name, subject.len);
        assert_string_equal(pck_names_problem(chain.certs, &which),
                            "a value of its subject is not text");
        assert_int_equal(which, i);
    }
    assert_null(read_text(chain.pem, &chain, &which));
    chain.certs[PCK_INTERMEDIATE].common_name = span_text("Intel SGX PCK Processor CA");
    assert_null(pck_names_problem(chain.certs, &which));
    vectors_free(&chain.quote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_kinds_are_read, ""),        TEST(every_departure_is_refused, ""),
        TEST(edges_are_accepted, ""),         TEST(every_prefix_and_many_flips, ""),
        TEST(genuine_chains_are_read, ""),    TEST(exactly_three_certificates, ""),
        TEST(a_known_end_reads_the_same, ""), TEST(names_are_judged, ""),
    };
    return RUN_TESTS(tests);
}
