/* test_dcap_genuine.c - genuine quotes with Intel's collateral: every prefix, every flipped
   bit of one quote of each kind, dates to the second, and the vectors folder as a heap. */
#include <stdlib.h>
#include <string.h>

#include "attest/dcap_set.h"
#include "base/number.h"

static const struct genuine *const all[] = { &genuine_sgx3, &genuine_tdx4, &genuine_tdx5 };

/* A copy that may be spoilt, of the exact length, so that a reader past it is seen. */
static uint8_t *copy_of(struct span bytes)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    assert_true(copy != NULL && bytes.at != NULL);
    memcpy(copy, bytes.at, bytes.len);
    return copy;
}

static void every_kind_is_verified(void **state)
{
    (void)state;
    vectors_required();
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct set set;
        struct span quote = vectors_read(all[i]->quote);
        set_open(&set, &all[i]->files);
        set_build(&set);
        assert_int_equal(set_judge(&set, quote, all[i]->now), REASON_OK);
        assert_true(set.claims.verified && set.claims.hardware);
        assert_string_equal(evidence_kind_name(set.claims.kind), all[i]->name);
        assert_int_equal(set.claims.tcb.status, all[i]->status);
        assert_true(set.claims.valid_until > all[i]->now && set.claims.issued < all[i]->now);
        vectors_free(&quote);
        set_close(&set);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    vectors_required();
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct set set;
        struct span quote = vectors_read(all[i]->quote);
        set_open(&set, &all[i]->files);
        set_build(&set);
        for (size_t len = 0; len < quote.len; len++) {
            uint8_t *copy = copy_of(span_of(quote.at, len == 0 ? 1 : len));
            if (set_judge(&set, span_of(copy, len), all[i]->now) == REASON_OK)
                fail_msg("%s: %zu bytes are accepted", all[i]->name, len);
            free(copy);
        }
        vectors_free(&quote);
        set_close(&set);
    }
}

/* --- flipped bits ---------------------------------------------------------------------- */

/* No byte of a genuine quote is outside every signature: the root's certificate is known by
   heart, and a line end or the closing NUL cannot be another character.  Every bit of header,
   body, signatures and lengths; of the certificates, which are long and alike, every bit where
   the full sweep is wanted and else one of each byte. */
static void flip(const struct genuine *g)
{
    struct set set;
    struct span quote = vectors_read(g->quote);
    uint8_t *copy = copy_of(quote);
    size_t pem = 0;
    bool full = getenv("WARD_FULL") != NULL;
    set_open(&set, &g->files);
    set_build(&set);
    while (pem < quote.len && memcmp(quote.at + pem, "-----", 5) != 0)
        pem++;
    for (size_t bit = 0; bit < 8 * quote.len; bit++) {
        if (!full && bit / 8 >= pem && bit % 8 != (bit / 8) % 7)
            continue;
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (set_judge(&set, span_of(copy, quote.len), g->now) == REASON_OK)
            fail_msg("%s: bit %zu of byte %zu is accepted", g->name, bit % 8, bit / 8);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(copy);
    vectors_free(&quote);
    set_close(&set);
}

static void flipped_bits_of_sgx(void **state)
{
    (void)state;
    vectors_required();
    flip(&genuine_sgx3);
}

static void flipped_bits_of_tdx(void **state)
{
    (void)state;
    vectors_required();
    flip(&genuine_tdx4);
}

static void flipped_bits_of_tdx15(void **state)
{
    (void)state;
    vectors_required();
    flip(&genuine_tdx5);
}

/* Any bit of a signed file, of a CRL or of the signing certificate. */
static void flipped_bits_of_collateral(void **state)
{
    (void)state;
    vectors_required();
    struct set set;
    struct span quote = vectors_read(genuine_tdx4.quote);
    set_open(&set, &genuine_tdx4.files);
    struct collateral_item *const items[] = { &set.sources.tcb_info, &set.sources.qe_identity,
                                              &set.sources.pck_crl, &set.sources.root_crl,
                                              &set.sources.tcb_signing_cert };
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        const struct span whole = items[i]->bytes;
        uint8_t *copy = copy_of(whole);
        for (size_t at = 0; at<whole.len; at += whole.len> 1500 ? 7 : 2) {
            copy[at] ^= (uint8_t)(1u << at % 7);
            items[i]->bytes = span_of(copy, whole.len);
            set_build(&set);
            /* Hex digits of a signature may change case and say the same. */
            bool same = (copy[at] ^ whole.at[at]) == 0x20 && i < 2;
            if (set_judge(&set, quote, genuine_tdx4.now) == REASON_OK && !same)
                fail_msg("%s: byte %zu is accepted", items[i]->name, at);
            copy[at] = whole.at[at];
        }
        free(copy);
        items[i]->bytes = whole;
    }
    vectors_free(&quote);
    set_close(&set);
}

/* --- the whole folder ------------------------------------------------------------------ */

struct heap {
    struct collateral_item items[256];
    size_t count;
};

static void add(const char *name, void *arg)
{
    struct heap *heap = arg;
    assert_true(heap->count < COUNT_OF(heap->items));
    char *copy = malloc(strlen(name) + 1);
    assert_non_null(copy);
    memcpy(copy, name, strlen(name) + 1);
    heap->items[heap->count++] = (struct collateral_item){ vectors_read(name), copy };
}

static void empty(struct heap *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        vectors_free(&heap->items[i].bytes);
        free((char *)(uintptr_t)heap->items[i].name);
    }
}

static void fill(struct heap *heap)
{
    static const char *const endings[] = { ".json", ".der", ".pem" };
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        vectors_each("attest/tdx/collateral", endings[i], add, heap);
        vectors_each("attest/sgx/collateral", endings[i], add, heap);
    }
    assert_true(heap->count > 60);
}

/* Out of all generations, of all platforms, the right ones are found. */
static void the_folder_is_a_heap(void **state)
{
    (void)state;
    vectors_required();
    static struct heap heap;
    heap.count = 0;
    fill(&heap);
    struct set_files none = { 0 };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct set set;
        struct span quote = vectors_read(all[i]->quote);
        set_open(&set, &none);
        set.sources.items = heap.items;
        set.sources.count = heap.count;
        set_build(&set);
        enum reason reason = set_judge(&set, quote, all[i]->now);
        if (reason != REASON_OK)
            fail_msg("%s: %s", all[i]->name, reason_info(reason)->name);
        assert_int_equal(set.claims.tcb.status, all[i]->status);
        /* Years later nothing is valid, and the message says what was nearest. */
        reason = set_judge(&set, quote, 1830000000);
        assert_int_equal(reason, REASON_CRL_EXPIRED);
        const struct check *info = &set.report.checks[CHECK_AT_17];
        assert_non_null(strstr(report_text(&set.report, info->detail), "expired at 202"));
        assert_non_null(strstr(report_text(&set.report, info->detail), "tcbinfo_"));
        assert_int_not_equal(set.claims.tcb.status, TCB_STATUS_NONE);
        set.sources.items = NULL;
        vectors_free(&quote);
        set_close(&set);
    }
    empty(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_is_verified, ""), TEST(every_prefix_is_refused, ""),
        TEST(flipped_bits_of_sgx, ""),    TEST(flipped_bits_of_tdx, ""),
        TEST(flipped_bits_of_tdx15, ""),  TEST(flipped_bits_of_collateral, ""),
        TEST(the_folder_is_a_heap, ""),
    };
    return RUN_TESTS(tests);
}
