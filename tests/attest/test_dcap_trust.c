/* test_dcap_trust.c - what a root vouches for: nothing that it did not sign, even where its key
   or its genuine chain is in sight. */
#include "attest/collateral.h"
#include "attest/sim_set.h"
#include "codec/pem.h"
#include "codec/x509.h"

/* "Hardware" is said of the quote, not of the chain that somebody put into it. */
static void hardware_is_what_signed_the_quote(void **state)
{
    (void)state;
    static uint8_t copy[SIM_COLLATERAL_MAX];
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_run(set, &spec, SIM_NOW);
    set->root.vendor = true;
    struct span quote = set->files[SIM_FILE_QUOTE];
    /* The body; the quote's signature; the attestation key; the QE report. */
    static const size_t spoiled[] = { 100, 48 + 584 + 4 + 3, 48 + 584 + 4 + 70,
                                      48 + 584 + 4 + 200 };
    for (size_t i = 0; i <= COUNT_OF(spoiled); i++) {
        memcpy(copy, quote.at, quote.len);
        if (i < COUNT_OF(spoiled))
            copy[spoiled[i]] ^= 1;
        struct dcap_input input = { .quote = span_of(copy, quote.len),
                                    .collateral = set->collateral,
                                    .roots = &set->roots,
                                    .now = SIM_NOW };
        dcap_verify(&input, set->crypto, &set->report, &set->claims);
        assert_true(report_passed(&set->report, CHECK_AT_10));
        assert_int_equal(set->claims.verified, i == COUNT_OF(spoiled));
        assert_int_equal(set->claims.hardware, i == COUNT_OF(spoiled));
    }
    sim_set_free(set);
}

/* The first certificate of a PEM file with the root's key in place of its own. */
static struct span with_root_key(const struct sim_set *set, struct span pem, uint8_t *room)
{
    struct cursor in = cur_over(pem);
    struct sink der = sink_over(room, SIM_COLLATERAL_MAX);
    struct x509_cert cert;
    struct span label;
    assert_true(pem_next(&in, &label, &der) && x509_parse(sink_bytes(&der), &cert));
    memcpy(room + (cert.point.at - room), set->root.point, set->root.point_len);
    return sink_bytes(&der);
}

static void a_root_s_key_is_no_signature(void **state)
{
    (void)state;
    static uint8_t rooms[2][SIM_COLLATERAL_MAX];
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    struct span chain = set->files[SIM_FILE_CHAIN];
    struct collateral_item heap[] = {
        { with_root_key(set, set->files[SIM_FILE_SIGNER], rooms[0]), "signer" },
        { { 0 }, "intermediate" },
    };
    /* The chain's second block is the intermediate CA. */
    struct cursor in = cur_over(chain);
    struct sink skipped = sink_over(rooms[1], sizeof rooms[1]);
    struct span label;
    assert_true(pem_next(&in, &label, &skipped));
    heap[1].bytes = with_root_key(set, cur_rest(&in), rooms[1]);
    struct collateral_sources sources = { .items = heap, .count = COUNT_OF(heap) };
    sim_set_build(set, &sources);
    struct collateral_entry entry;
    for (size_t i = 0; i < COUNT_OF(heap); i++) {
        assert_true(collateral_entry(set->collateral, i, &entry));
        assert_int_equal(entry.kind, COLLATERAL_CERTIFICATE);
        assert_false(entry.trusted);
    }
    sim_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hardware_is_what_signed_the_quote, ""),
        TEST(a_root_s_key_is_no_signature, ""),
    };
    return RUN_TESTS(tests);
}
