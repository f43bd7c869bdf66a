/* fuzz_qe_identity.c - any text as a QE identity: what is accepted lies in the signed bytes,
   and an enclave in debug mode never fits it. */
#include <stdlib.h>
#include <string.h>

#include "attest/qe_identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

/* The report that an identity asks for, as far as one can. */
static struct sgx_claims wanted_report(const struct qe_identity *q)
{
    struct sgx_claims r = { .misc_select = q->misc_select, .isv_prod_id = q->isv_prod_id };
    memcpy(r.attributes, q->attributes, sizeof r.attributes);
    memcpy(r.mr_signer, q->mr_signer, sizeof r.mr_signer);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct signed_file file;
    struct qe_identity q;
    struct file_problem problem = { 0 };
    arena_init(&arena, 64 << 20);
    if (signed_file_open(span_of(data, size), &arena, &file, &problem) &&
        qe_identity_parse(&file, &arena, &q, &problem)) {
        insist(span_inside(file.signed_bytes, span_of(data, size)) && q.version == 2);
        insist(q.id_text.len == 0 || span_inside(q.id_text, file.signed_bytes));
        insist(q.level_count > 0);
        struct sgx_claims r = wanted_report(&q);
        bool maskable = (q.misc_select & ~q.misc_select_mask) == 0;
        for (size_t i = 0; i < sizeof q.attributes; i++)
            maskable = maskable && (q.attributes[i] & ~q.attributes_mask[i]) == 0;
        bool debug = (q.attributes[0] & 2) != 0;
        insist((qe_identity_mismatch(&q, &r) == NULL) == (maskable && !debug));
        r.attributes[0] |= 2;
        insist(qe_identity_mismatch(&q, &r) != NULL);
    } else {
        insist(problem.what != NULL);
    }
    arena_fini(&arena);
    return 0;
}
