/* documents.c - see documents.h. */
#include "attest/documents.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

const struct trust_roots documents_pinned = { &aws_nitro_root, 1 };

void document_open(struct document *document)
{
    *document = (struct document){ .crypto = crypto_new() };
    assert_non_null(document->crypto);
    document->input.roots = &documents_pinned;
}

void document_close(struct document *document)
{
    crypto_free(&document->crypto);
}

static void check_judgement(const struct document *document)
{
    const struct report *report = &document->report;
    const struct claims *claims = &document->claims;
    static const struct nitro_claims nothing;
    enum check_id first = report_first_failure(report);
    assert_true(report_is_sound(report));
    assert_int_equal(claims->kind, EVIDENCE_NITRO);
    assert_int_equal(claims->verified, first == CHECK_COUNT && report_passed(report, CHECK_AN_9));
    assert_true(first == CHECK_COUNT || (first >= CHECK_AN_1 && first <= CHECK_AN_9));
    assert_true(first != CHECK_COUNT || report_passed(report, CHECK_AN_9));
    for (int id = CHECK_AN_1; id <= CHECK_AN_7 && first == CHECK_COUNT; id++)
        assert_true(report_passed(report, (enum check_id)id));
    /* Nothing is claimed without the signatures. */
    if (!report_passed(report, CHECK_AN_9)) {
        assert_true(bytes_equal(&claims->nitro, &nothing, sizeof nothing));
        assert_false(claims->hardware);
        assert_int_equal(claims->valid_until, 0);
    } else {
        assert_true(report_passed(report, CHECK_AN_6));
    }
}

enum reason document_judge(struct document *document, struct span bytes, int64_t now)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    document->input.document = span_of(copy, bytes.len);
    document->input.now = now;
    memset(&document->report, 0xee, sizeof document->report);
    memset(&document->claims, 0xee, sizeof document->claims);
    nitro_verify(&document->input, document->crypto, &document->report, &document->claims);
    free(copy);
    check_judgement(document);
    enum check_id id = report_first_failure(&document->report);
    return id == CHECK_COUNT ? REASON_NONE : (enum reason)document->report.checks[id].reason;
}
