/* documents.h - what the tests of Nitro documents share: judging one at a time that the test
   chooses, under the pinned root or the one of nitro_maker.h. */
#ifndef WARD_TESTS_ATTEST_DOCUMENTS_H
#define WARD_TESTS_ATTEST_DOCUMENTS_H

#include "attest/nitro.h"

/* One judgement.  `input` may be changed between document_judge calls. */
struct document {
    struct nitro_input input;
    struct crypto *crypto;
    struct report report;
    struct claims claims;
};

/* The pinned root of AWS alone. */
extern const struct trust_roots documents_pinned;

/* document_open trusts the pinned root; document_close frees what it made. */
void document_open(struct document *document);
void document_close(struct document *document);

/* document_judge judges an exactly-sized copy of the bytes at a time, and checks what holds of
   every judgement: verified if and only if nothing failed and AN-9 passed. */
enum reason document_judge(struct document *document, struct span bytes, int64_t now);

#endif
