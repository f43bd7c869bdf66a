/* judge.c - what a source gave is looked at before anybody gets it: a quote or a document, whole,
   that bears what was asked for.  No signature is checked here. */
#include <string.h>

#include "attest/detect.h"
#include "attest/nitro_document.h"
#include "attest/quote.h"
#include "source/parts.h"

static bool quote_bears(const struct quote *quote, const uint8_t report_data[SOURCE_REPORT_DATA])
{
    struct tdx_claims tdx;
    struct sgx_claims sgx;
    if (evidence_kind_is_tdx(quote->kind))
        return quote_body_tdx(quote->body, &tdx) &&
               bytes_equal(tdx.report_data, report_data, SOURCE_REPORT_DATA);
    return quote_body_sgx(quote->body, &sgx) &&
           bytes_equal(sgx.report_data, report_data, SOURCE_REPORT_DATA);
}

static bool judge_quote(const struct source_ask *ask, struct report *report,
                        struct source_evidence *made, struct source_problem *problem)
{
    struct quote quote;
    if (!quote_parse(made->evidence, report, &quote) ||
        !bytes_are_zero(quote.trailing.at, quote.trailing.len))
        return source_fail(problem, REASON_SOURCE_MALFORMED, "the quote cannot be read to its end");
    made->evidence.len -= quote.trailing.len;
    made->kind = quote.kind;
    return quote_bears(&quote, ask->report_data) ||
           source_fail(problem, REASON_SOURCE_OTHER_DATA, "the quote bears other report data");
}

/* Nothing that was not asked for may be there either: a verifier would believe it. */
static bool is_asked(const struct nitro_optional *field, struct span asked)
{
    return asked.len == 0 ? !field->present || field->bytes.len == 0
                          : field->present && span_equal(field->bytes, asked);
}

static bool judge_document(const struct source_ask *ask, struct report *report,
                           struct source_evidence *made, struct source_problem *problem)
{
    struct nitro_document document;
    if (!nitro_document_parse(made->evidence, SOURCE_NONCE_MAX, report, &document))
        return source_fail(problem, REASON_SOURCE_MALFORMED, "the document cannot be read");
    if (!is_asked(&document.user_data, SPAN(ask->report_data)) ||
        !is_asked(&document.nonce, ask->nonce) || !is_asked(&document.public_key, ask->public_key))
        return source_fail(problem, REASON_SOURCE_OTHER_DATA,
                           "the document bears other user data, nonce or key");
    made->kind = EVIDENCE_NITRO;
    return true;
}

bool source_judge(const struct source_ask *ask, struct arena *arena, struct source_evidence *made,
                  struct source_problem *problem)
{
    struct report *report = arena_alloc(arena, sizeof *report);
    if (report == NULL)
        return source_fail(problem, REASON_OUT_OF_MEMORY, "evidence");
    switch (evidence_family(made->evidence)) {
    case EVIDENCE_FAMILY_QUOTE:
        return judge_quote(ask, report, made, problem);
    case EVIDENCE_FAMILY_NITRO:
        return judge_document(ask, report, made, problem);
    case EVIDENCE_FAMILY_UNKNOWN:
        break;
    }
    return source_fail(problem, REASON_SOURCE_MALFORMED, "%zu bytes that are no evidence",
                       made->evidence.len);
}
