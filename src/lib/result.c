/* result.c - the accessors of a result, and the public list of reasons. */
#include <string.h>

#include "lib/claim_table.h"
#include "lib/objects.h"

enum ward_outcome ward_result_new(struct ward_result **out, struct ward_error *error)
{
    struct arena memory;
    struct ward_result *result = object_new(sizeof *result, 2 * sizeof *result, &memory);
    if (result == NULL)
        return ERROR(error, WARD_NO_MEMORY, "out of memory");
    result->memory = memory;
    *out = result;
    return WARD_DONE;
}

void result_object_clear(struct ward_result *result)
{
    struct arena memory = result->memory;
    *result = (struct ward_result){ .memory = memory };
}

void ward_result_free(struct ward_result **result)
{
    if (result == NULL || *result == NULL)
        return;
    struct arena memory = (*result)->memory;
    *result = NULL;
    arena_fini(&memory);
}

bool ward_result_allowed(const struct ward_result *result)
{
    return result->decision.verdict == ALLOW && result->decision.reason == REASON_OK;
}

const char *ward_result_reason(const struct ward_result *result)
{
    return reason_info(result->decision.reason)->name;
}

const char *ward_result_detail(const struct ward_result *result)
{
    enum check_id id = result->decision.check;
    return (unsigned)id < CHECK_COUNT
               ? report_text(&result->report, result->report.checks[id].detail)
               : "";
}

const char *ward_result_type(const struct ward_result *result)
{
    return evidence_kind_name(result->kind);
}

bool ward_result_hardware(const struct ward_result *result)
{
    return result->claims.hardware;
}

int64_t ward_result_valid_until(const struct ward_result *result)
{
    return result->valid_until;
}

int64_t ward_result_collateral_issued(const struct ward_result *result)
{
    return result->claims.issued;
}

const char *ward_result_tcb_status(const struct ward_result *result)
{
    return tcb_status_name(result->claims.tcb.status);
}

int64_t ward_result_tcb_date(const struct ward_result *result)
{
    return result->claims.tcb.date;
}

size_t ward_result_advisory_count(const struct ward_result *result)
{
    return result->claims.tcb.advisory_count;
}

const char *ward_result_advisory(const struct ward_result *result, size_t index)
{
    return index < result->claims.tcb.advisory_count ? result->claims.tcb.advisories[index] : "";
}

static bool give(struct ward_bytes *out, const char *name, const void *at, size_t len)
{
    *out = (struct ward_bytes){ at, len, name };
    return true;
}

static bool quote_claim(const struct claims *claims, const char *name, struct ward_bytes *out)
{
    for (size_t i = 0; i < claim_row_count; i++) {
        const struct claim_row *row = &claim_rows[i];
        if (row->form == CLAIM_BYTES && claim_row_applies(row, claims->kind) &&
            strcmp(row->name, name) == 0)
            return give(out, row->name, (const uint8_t *)claims + row->offset, row->len);
    }
    return false;
}

static bool blob_claim(const struct nitro_blob *blob, const char *name, struct ward_bytes *out)
{
    return blob->present && give(out, name, blob->bytes, blob->len);
}

/* "pcr0" .. "pcr31", without leading zeros. */
static bool pcr_claim(const struct nitro_claims *nitro, const char *name, struct ward_bytes *out)
{
    static const char *const names[NITRO_PCR_COUNT] = {
        "pcr0",  "pcr1",  "pcr2",  "pcr3",  "pcr4",  "pcr5",  "pcr6",  "pcr7",
        "pcr8",  "pcr9",  "pcr10", "pcr11", "pcr12", "pcr13", "pcr14", "pcr15",
        "pcr16", "pcr17", "pcr18", "pcr19", "pcr20", "pcr21", "pcr22", "pcr23",
        "pcr24", "pcr25", "pcr26", "pcr27", "pcr28", "pcr29", "pcr30", "pcr31",
    };
    for (size_t i = 0; i < NITRO_PCR_COUNT; i++) {
        if (strcmp(names[i], name) == 0 && nitro->pcrs[i].len > 0)
            return give(out, names[i], nitro->pcrs[i].bytes, nitro->pcrs[i].len);
    }
    return false;
}

static bool nitro_claim(const struct nitro_claims *nitro, const char *name, struct ward_bytes *out)
{
    if (strcmp(name, "module_id") == 0)
        return give(out, "module_id", nitro->module_id, nitro->module_id_len);
    if (strcmp(name, "public_key") == 0)
        return blob_claim(&nitro->public_key, "public_key", out);
    if (strcmp(name, "user_data") == 0)
        return blob_claim(&nitro->user_data, "user_data", out);
    if (strcmp(name, "nonce") == 0)
        return blob_claim(&nitro->nonce, "nonce", out);
    return pcr_claim(nitro, name, out);
}

static bool log_claim(const struct log_claims *log, const char *name, struct ward_bytes *out)
{
    for (size_t i = 0; i < log->value_count; i++) {
        if (strcmp(log->values[i].name, name) == 0)
            return give(out, log->values[i].name, log->values[i].bytes, log->values[i].len);
    }
    return false;
}

bool ward_result_claim(const struct ward_result *result, const char *name, struct ward_bytes *out)
{
    const struct claims *claims = &result->claims;
    if (!claims->verified)
        return false;
    if (claims->kind == EVIDENCE_NITRO)
        return nitro_claim(&claims->nitro, name, out);
    return quote_claim(claims, name, out) || log_claim(&claims->log, name, out);
}

size_t ward_result_relaxed_count(const struct ward_result *result)
{
    return result->relaxed_count;
}

const char *ward_result_relaxed(const struct ward_result *result, size_t index)
{
    return index < result->relaxed_count ? result->relaxed[index] : "";
}

/* The checks of one kind of evidence stand together in checks.def; those of the log follow. */
static bool check_is_listed(const struct ward_result *result, enum check_id id)
{
    if (id >= CHECK_AE_1)
        return result->has_log || result->report.checks[id].state != CHECK_SKIP;
    if (result->is_document)
        return id >= CHECK_AN_1;
    return id <= CHECK_AT_41 || result->report.checks[id].state != CHECK_SKIP;
}

size_t ward_result_check_count(const struct ward_result *result)
{
    size_t count = 0;
    for (unsigned i = 0; i < CHECK_COUNT; i++)
        count += check_is_listed(result, (enum check_id)i) ? 1 : 0;
    return count;
}

static const char *state_name(uint8_t state)
{
    switch ((enum check_state)state) {
    case CHECK_PASS:
        return "pass";
    case CHECK_FAIL:
        return "fail";
    case CHECK_SKIP:
        break;
    }
    return "skip";
}

bool ward_result_check(const struct ward_result *result, size_t index, struct ward_check *out)
{
    unsigned id = 0;
    for (; id < CHECK_COUNT; id++) {
        if (check_is_listed(result, (enum check_id)id) && index-- == 0)
            break;
    }
    if (id == CHECK_COUNT)
        return false;
    const struct check *check = &result->report.checks[id];
    const struct check_info *info = check_info((enum check_id)id);
    const struct reason_info *reason = reason_info((enum reason)check->reason);
    bool has_reason = check->reason != REASON_NONE;
    *out = (struct ward_check){
        .id = info->id,
        .name = info->name,
        .result = state_name(check->state),
        .relaxed = check->relaxed != 0,
        .reason = has_reason ? reason->name : "",
        .side = side_name(info->side),
        .detail = report_text(&result->report, check->detail),
        .expected = report_text(&result->report, check->expected),
        .actual = report_text(&result->report, check->actual),
        .help = has_reason ? reason->help : "",
    };
    return true;
}

size_t ward_reason_count(void)
{
    return REASON_COUNT - REASON_OK;
}

bool ward_reason(size_t index, struct ward_reason *out)
{
    if (index >= ward_reason_count())
        return false;
    const struct reason_info *info = reason_info((enum reason)(REASON_OK + index));
    *out = (struct ward_reason){ info->name, info->cause, info->help };
    return true;
}
