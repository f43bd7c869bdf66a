/* test_pcs.c - where each piece of collateral is, whom it is for, and how its issuers come. */
#include "attest/pcs.h"

#include "base/number.h"
#include "test.h"

static const struct pcs_platform tdx = { true, true, { 0x90, 0xc0, 0x6f, 0, 0, 1 } };
static const struct pcs_platform sgx = { false, false, { 0x90, 0xc0, 0x6f, 0, 0, 1 } };

#define INTEL "https://api.trustedservices.intel.com"

static void where_and_for_whom(void **state)
{
    (void)state;
    static const struct {
        enum pcs_thing thing;
        const struct pcs_platform *platform;
        const char *base, *url, *detail;
    } rows[] = {
        { PCS_TCB_INFO, &tdx, INTEL, INTEL "/tdx/certification/v4/tcb?fmspc=90c06f000001",
          "TDX 90c06f000001" },
        { PCS_TCB_INFO, &sgx, "https://m", "https://m/sgx/certification/v4/tcb?fmspc=90c06f000001",
          "SGX 90c06f000001" },
        { PCS_QE_IDENTITY, &tdx, "https://m/a", "https://m/a/tdx/certification/v4/qe/identity",
          "TD_QE" },
        { PCS_QE_IDENTITY, &sgx, INTEL, INTEL "/sgx/certification/v4/qe/identity", "QE" },
        { PCS_PCK_CRL, &tdx, "https://m",
          "https://m/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
          "Intel SGX PCK Platform CA" },
        { PCS_PCK_CRL, &sgx, INTEL, INTEL "/sgx/certification/v4/pckcrl?ca=processor&encoding=der",
          "Intel SGX PCK Processor CA" },
        { PCS_ROOT_CRL, &tdx, INTEL,
          "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
          "Intel SGX Root CA" },
        { PCS_ROOT_CRL, &sgx, "https://m", "https://m/sgx/certification/v4/rootcacrl",
          "Intel SGX Root CA" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[2][256];
        struct sink url = sink_over(text[0], sizeof text[0]);
        struct sink detail = sink_over(text[1], sizeof text[1]);
        pcs_url(rows[i].thing, rows[i].platform, rows[i].base, &url);
        pcs_detail(rows[i].thing, rows[i].platform, &detail);
        sink_terminate(&url);
        sink_terminate(&detail);
        assert_string_equal(text[0], rows[i].url);
        assert_string_equal(text[1], rows[i].detail);
    }
}

/* Of two platforms with one scope it is one thing: no two things that differ share a scope. */
static void a_scope_is_what_the_address_says(void **state)
{
    (void)state;
    for (enum pcs_thing thing = 0; thing < PCS_THING_COUNT; thing++) {
        for (unsigned bits = 0; bits < 64; bits++) {
            struct pcs_platform one = { bits & 1, (bits & 2) != 0, { (bits & 4) != 0 } };
            struct pcs_platform two = { (bits & 8) != 0, (bits & 16) != 0, { (bits & 32) != 0 } };
            struct pcs_platform a = pcs_scope(thing, &one), b = pcs_scope(thing, &two);
            uint8_t text[2][256];
            struct sink of_one = sink_over(text[0], sizeof text[0]);
            struct sink of_two = sink_over(text[1], sizeof text[1]);
            pcs_url(thing, &one, "https://m", &of_one);
            pcs_url(thing, &two, "https://m", &of_two);
            bool same = a.tdx == b.tdx && a.platform_ca == b.platform_ca &&
                        span_equal(SPAN(a.fmspc), SPAN(b.fmspc));
            assert_int_equal(span_equal(sink_bytes(&of_one), sink_bytes(&of_two)), same);
        }
    }
}

static void issuers_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *header, *chain; /* NULL: refused */
    } rows[] = {
        { "", "" },           { "abc", "abc\n" },     { "%2D%2d-%0A", "---\n\n" },
        { "%4", NULL },       { "%", NULL },          { "%g0", NULL },
        { "a%20b", "a b\n" }, { "0123456789", NULL }, /* it does not fit */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[11];
        struct sink out = sink_over(text, 10);
        bool done = pcs_chain(span_text(rows[i].header), &out);
        assert_int_equal(done, rows[i].chain != NULL);
        if (done && !span_equal_text(sink_bytes(&out), rows[i].chain))
            fail_msg("%s", rows[i].header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(where_and_for_whom, ""),
        TEST(a_scope_is_what_the_address_says, ""),
        TEST(issuers_are_decoded, ""),
    };
    return RUN_TESTS(tests);
}
