/* verify.c - the whole sentence for one piece of evidence: bytes -> parse -> verify -> claims
   -> decide.  It decides nothing itself: attest/ finds out what is true, policy/ judges. */
#include "attest/detect.h"
#include "attest/eventlog.h"
#include "base/number.h"
#include "lib/evidence.h"
#include "lib/objects.h"

enum {
    VERIFIER_MAX = 1024 * 1024,
    /* What one call may take from the heap: the decoded evidence and the nodes of a JSON log,
       both bounded by the size of the input. */
    SCRATCH_MAX = 2 * WARD_EVIDENCE_MAX + 32 * WARD_EVENT_LOG_MAX,
};

enum ward_outcome ward_verifier_new(struct ward_verifier **out, struct ward_error *error)
{
    struct arena memory;
    struct ward_verifier *verifier = object_new(sizeof *verifier, VERIFIER_MAX, &memory);
    if (verifier == NULL)
        return ERROR(error, WARD_NO_MEMORY, "out of memory");
    verifier->memory = memory;
    ward_verifier_forget(verifier);
    verifier->crypto = crypto_new();
    if (verifier->crypto == NULL) {
        ward_verifier_free(&verifier);
        return ERROR(error, WARD_NO_MEMORY, "out of memory");
    }
    *out = verifier;
    return WARD_DONE;
}

void ward_verifier_free(struct ward_verifier **verifier)
{
    if (verifier == NULL || *verifier == NULL)
        return;
    crypto_free(&(*verifier)->crypto);
    struct arena memory = (*verifier)->memory;
    *verifier = NULL;
    arena_fini(&memory);
}

void ward_verifier_forget(struct ward_verifier *verifier)
{
    cache_remember(&verifier->quotes, CACHE_ALL);
    nitro_cache_remember(&verifier->documents, NITRO_CACHE_CA | NITRO_CACHE_LEAF);
}

/* One verification on its way. */
struct judgement {
    struct ward_verifier *verifier;
    const struct ward_request *request;
    const struct ward_policy *policy;
    struct trust_roots roots;
    struct arena scratch;
    struct span evidence;
    struct span log;
    bool has_log;
    struct expectation expected;
    struct ward_result *result;
};

/* Empty bytes that somebody gave are given: nothing could meet them, so they refuse. */
static bool is_given(struct ward_bytes bytes)
{
    return bytes.data != NULL || bytes.len > 0;
}

/* The check under which a piece of evidence that cannot be read at all is refused. */
static enum check_id first_check(const struct ward_request *request)
{
    return request->type == WARD_TYPE_NITRO ? CHECK_AN_1 : CHECK_AT_1;
}

static bool find_in_certificate(struct judgement *j)
{
    struct report *report = &j->result->report;
    struct ratls found;
    const char *why;
    if (!ratls_read(span_of_bytes(j->request->certificate), &j->scratch, &found, &why))
        return report_fail(report, CHECK_AT_1, REASON_EVIDENCE_UNRECOGNISED, "certificate: %s",
                           why);
    j->evidence = found.quote;
    if (!j->has_log && found.event_log.len > 0) {
        j->log = found.event_log;
        j->has_log = true;
    }
    /* A report data of the caller's own must be the certificate's binding too: evidence cannot
       be bound to two things. */
    const uint8_t *asked = j->request->report_data;
    if (asked != NULL && !bytes_equal(asked, found.report_data, sizeof found.report_data))
        return report_fail(report, CHECK_AT_41, REASON_POLICY_REPORT_DATA,
                           "the report data asked for is not this certificate's binding");
    j->expected.has_report_data = true;
    for (size_t i = 0; i < sizeof found.report_data; i++)
        j->expected.report_data[i] = found.report_data[i];
    return true;
}

static bool find_evidence(struct judgement *j)
{
    const struct ward_request *request = j->request;
    struct report *report = &j->result->report;
    struct span given = span_of_bytes(request->evidence);
    if (request->event_log.len > WARD_EVENT_LOG_MAX)
        return report_fail(report, CHECK_AE_1, REASON_EVIDENCE_TOO_LARGE,
                           "the event log has %zu bytes, at most %d are read",
                           request->event_log.len, WARD_EVENT_LOG_MAX);
    /* Text is up to twice as long as the bytes it stands for, and some white space. */
    if (given.len > 3 * (size_t)WARD_EVIDENCE_MAX || request->certificate.len > WARD_EVIDENCE_MAX)
        return report_fail(report, first_check(request), REASON_EVIDENCE_TOO_LARGE,
                           "%zu bytes, at most %d are read", given.len, WARD_EVIDENCE_MAX);
    if (request->certificate.len > 0)
        return find_in_certificate(j);
    if (!evidence_decode(given, &j->scratch, &j->evidence))
        return report_fail(report, first_check(request), REASON_OUT_OF_MEMORY, "%s", "");
    if (j->evidence.len > WARD_EVIDENCE_MAX)
        return report_fail(report, first_check(request), REASON_EVIDENCE_TOO_LARGE,
                           "%zu bytes, at most %d are read", j->evidence.len, WARD_EVIDENCE_MAX);
    return true;
}

static void judge_document(struct judgement *j)
{
    struct nitro_input input = {
        .document = j->evidence,
        .roots = &j->roots,
        .now = j->request->time,
        .user_data_max = j->policy->rules.nitro.user_data_max,
        .cache = &j->verifier->documents,
    };
    if (j->request->collateral != NULL) {
        input.crls = j->request->collateral->crls;
        input.crl_count = j->request->collateral->crl_count;
    }
    j->result->is_document = true;
    j->result->kind = EVIDENCE_NITRO;
    nitro_verify(&input, j->verifier->crypto, &j->result->report, &j->result->claims);
}

static void judge_quote(struct judgement *j)
{
    struct report *report = &j->result->report;
    struct claims *claims = &j->result->claims;
    struct dcap_input input = {
        .quote = j->evidence,
        .collateral = j->request->collateral != NULL ? j->request->collateral->snapshot : NULL,
        .roots = &j->roots,
        .now = j->request->time,
        .allow_trailing = j->policy->rules.relaxed.trailing,
        .cache = &j->verifier->quotes,
    };
    dcap_verify(&input, j->verifier->crypto, report, claims);
    j->result->kind = claims->kind;
    bool wrong_tee = (j->request->type == WARD_TYPE_TDX && evidence_kind_is_sgx(claims->kind)) ||
                     (j->request->type == WARD_TYPE_SGX && evidence_kind_is_tdx(claims->kind));
    if (wrong_tee)
        report_fail(report, CHECK_AT_2, REASON_QUOTE_TEE_TYPE_UNSUPPORTED,
                    "the quote is not of the kind that was asked for");
    /* An expectation that the evidence cannot meet is never passed over. */
    if (j->expected.has_user_data)
        report_fail(report, CHECK_AT_41, REASON_POLICY_USER_DATA,
                    "a quote has no user_data; use report_data or nonce");
}

static void judge_log(struct judgement *j)
{
    struct claims *claims = &j->result->claims;
    if (!j->has_log)
        return;
    j->result->has_log = true;
    /* A register that the policy compares with values of its own, or does not look at, need
       not be explained by the log. */
    struct eventlog_rules rules = {
        .rtmr3 = j->policy->rules.log.rtmr3 == POLICY_RTMR3_MATCH ? LOG_RTMR3_MATCH
                                                                  : LOG_RTMR3_IGNORE,
    };
    eventlog_verify(j->log, claims, &rules, &j->scratch, &j->result->report, &claims->log);
}

/* Nothing at all is a quote that was cut off before its first byte. */
static void judge_evidence(struct judgement *j)
{
    enum ward_type type = j->request->type;
    enum evidence_family family = evidence_family(j->evidence);
    if (type == WARD_TYPE_NITRO || (type == WARD_TYPE_AUTO && family == EVIDENCE_FAMILY_NITRO)) {
        judge_document(j);
        return;
    }
    if (type == WARD_TYPE_AUTO && family == EVIDENCE_FAMILY_UNKNOWN && j->evidence.len > 0) {
        report_fail(&j->result->report, CHECK_AT_1, REASON_EVIDENCE_UNRECOGNISED,
                    "%zu bytes that begin as neither", j->evidence.len);
        return;
    }
    judge_quote(j);
}

static void set_expectation(struct judgement *j)
{
    const struct ward_request *request = j->request;
    struct expectation *expected = &j->expected;
    if (request->report_data != NULL) {
        expected->has_report_data = true;
        for (size_t i = 0; i < sizeof expected->report_data; i++)
            expected->report_data[i] = request->report_data[i];
    }
    expected->nonce = span_of_bytes(request->nonce);
    expected->has_nonce = is_given(request->nonce);
    expected->nonce_seen = request->nonce_seen;
    expected->user_data = span_of_bytes(request->user_data);
    expected->has_user_data = is_given(request->user_data);
}

void ward_verify(struct ward_verifier *verifier, const struct ward_request *request,
                 struct ward_result *result)
{
    struct ward_policy standard;
    struct judgement j = { .verifier = verifier, .request = request, .result = result };
    result_object_clear(result);
    result->time = request->time;
    j.policy = request->policy;
    if (j.policy == NULL) {
        policy_object_init(&standard);
        j.policy = &standard;
    }
    j.roots = policy_roots(j.policy);
    j.log = span_of_bytes(request->event_log);
    j.has_log = is_given(request->event_log);
    arena_init(&j.scratch, SCRATCH_MAX);
    set_expectation(&j);
    if (find_evidence(&j)) {
        judge_evidence(&j);
        judge_log(&j);
    }
    result->decision = policy_decide(&j.policy->rules, &result->claims, &j.expected, request->time,
                                     &result->report);
    if (result->decision.verdict == ALLOW)
        result->valid_until = policy_valid_until(&j.policy->rules, &result->claims);
    result->relaxed_count = policy_relaxed(&j.policy->rules, result->relaxed);
    arena_fini(&j.scratch);
}
