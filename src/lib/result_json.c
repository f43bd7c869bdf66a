/* result_json.c - a result as one JSON object; docs/schema/verify.json is its schema. */
#include "base/number.h"
#include "codec/json_write.h"
#include "lib/claim_table.h"
#include "lib/objects.h"

static void put_hex(struct json_writer *json, const char *name, const void *at, size_t len)
{
    json_put_key(json, name);
    json_put_hex(json, span_of(at, len));
}

/* A time that there is none of is null. */
static void put_time(struct json_writer *json, const char *name, int64_t at, bool present)
{
    json_put_key(json, name);
    if (present)
        json_put_time(json, at);
    else
        json_put_null(json);
}

static void put_tcb(struct json_writer *json, const struct ward_result *result)
{
    const struct tcb_claims *tcb = &result->claims.tcb;
    bool known = tcb->status != TCB_STATUS_NONE;
    json_put_key(json, "tcb");
    if (result->is_document) {
        json_put_null(json);
        return;
    }
    json_begin_object(json);
    json_put_member(json, "status", tcb_status_name(tcb->status));
    put_time(json, "date", tcb->date, known);
    json_put_key(json, "advisories");
    json_begin_array(json);
    for (size_t i = 0; i < tcb->advisory_count; i++)
        json_put_text(json, tcb->advisories[i]);
    json_end_array(json);
    json_put_key(json, "evaluation_number");
    json_put_u64(json, tcb->evaluation_number);
    json_put_key(json, "relaunch");
    json_begin_object(json);
    json_put_key(json, "advised");
    json_put_bool(json, tcb->relaunch_advised);
    json_put_member(json, "launch_status", tcb_status_name(tcb->launch_status));
    json_put_member(json, "current_status", tcb_status_name(tcb->current_status));
    json_end_object(json);
    json_end_object(json);
}

/* How old what was judged by is, whatever came of it. */
static void put_collateral(struct json_writer *json, const struct ward_result *result)
{
    int64_t issued = ward_result_collateral_issued(result), age = 0;
    json_put_key(json, "collateral");
    if (issued == 0) {
        json_put_null(json);
        return;
    }
    (void)!add_i64(result->time, -issued, &age);
    json_begin_object(json);
    put_time(json, "issued", issued, true);
    json_put_key(json, "age_seconds");
    json_put_i64(json, age);
    json_end_object(json);
}

static void put_row(struct json_writer *json, const struct claim_row *row,
                    const struct claims *claims)
{
    uint32_t number = claim_row_number(row, claims);
    json_put_key(json, row->name);
    switch (row->form) {
    case CLAIM_BYTES:
        json_put_hex(json, span_of((const uint8_t *)claims + row->offset, row->len));
        return;
    case CLAIM_U16:
    case CLAIM_U32:
        json_put_u64(json, number);
        return;
    case CLAIM_BOOL:
        json_put_bool(json, number != 0);
        return;
    case CLAIM_FLAG:
        if (number == FLAG_UNDEFINED)
            json_put_null(json);
        else
            json_put_bool(json, number == FLAG_TRUE);
        return;
    }
}

static void put_blob(struct json_writer *json, const char *name, const struct nitro_blob *blob)
{
    json_put_key(json, name);
    if (blob->present)
        json_put_hex(json, span_of(blob->bytes, blob->len));
    else
        json_put_null(json);
}

static void put_document(struct json_writer *json, const struct nitro_claims *nitro)
{
    json_put_key(json, "module_id");
    json_put_span(json, span_of(nitro->module_id, nitro->module_id_len));
    json_put_key(json, "timestamp");
    json_put_u64(json, nitro->timestamp_ms);
    json_put_key(json, "pcrs");
    json_begin_object(json);
    for (unsigned i = 0; i < NITRO_PCR_COUNT; i++) {
        char name[4] = { (char)('0' + i % 10), 0 };
        if (i >= 10) {
            name[1] = name[0];
            name[0] = (char)('0' + i / 10);
        }
        if (nitro->pcrs[i].len > 0)
            put_hex(json, name, nitro->pcrs[i].bytes, nitro->pcrs[i].len);
    }
    json_end_object(json);
    put_blob(json, "public_key", &nitro->public_key);
    put_blob(json, "user_data", &nitro->user_data);
    put_blob(json, "nonce", &nitro->nonce);
}

/* Claims of evidence that is not verified are nobody's: the object stays empty. */
static void put_claims(struct json_writer *json, const struct claims *claims)
{
    json_put_key(json, "claims");
    json_begin_object(json);
    if (claims->verified && claims->kind == EVIDENCE_NITRO)
        put_document(json, &claims->nitro);
    for (size_t i = 0; claims->verified && i < claim_row_count; i++) {
        if (claim_row_applies(&claim_rows[i], claims->kind))
            put_row(json, &claim_rows[i], claims);
    }
    json_end_object(json);
}

static void put_log(struct json_writer *json, const struct ward_result *result)
{
    const struct log_claims *log = &result->claims.log;
    json_put_key(json, "event_log");
    if (!result->has_log) {
        json_put_null(json);
        return;
    }
    json_begin_object(json);
    json_put_member(json, "format", log_format_name(log->format));
    json_put_member_u64(json, "events", log->events);
    json_put_key(json, "replayed");
    json_begin_array(json);
    for (size_t i = 0; i < 4; i++)
        json_put_hex(json, SPAN(log->replayed[i]));
    json_end_array(json);
    json_put_key(json, "match");
    json_begin_array(json);
    for (size_t i = 0; i < 4; i++)
        json_put_bool(json, log->match[i]);
    json_end_array(json);
    json_put_key(json, "values");
    json_begin_object(json);
    for (size_t i = 0; i < log->value_count; i++)
        put_hex(json, log->values[i].name, log->values[i].bytes, log->values[i].len);
    json_end_object(json);
    json_end_object(json);
}

static void put_checks(struct json_writer *json, const struct ward_result *result)
{
    struct ward_check check;
    json_put_key(json, "checks");
    json_begin_array(json);
    for (size_t i = 0; ward_result_check(result, i, &check); i++) {
        json_begin_object(json);
        json_put_member(json, "id", check.id);
        json_put_member(json, "name", check.name);
        json_put_member(json, "result", check.result);
        json_put_key(json, "relaxed");
        json_put_bool(json, check.relaxed);
        json_put_member(json, "reason", check.reason);
        json_put_member(json, "side", check.side);
        json_put_member(json, "detail", check.detail);
        json_put_member(json, "expected", check.expected);
        json_put_member(json, "actual", check.actual);
        json_put_member(json, "help", check.help);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_result(struct json_writer *json, const struct ward_result *result)
{
    bool allowed = ward_result_allowed(result);
    json_begin_object(json);
    json_put_member(json, "decision", allowed ? "allow" : "deny");
    json_put_member(json, "reason", ward_result_reason(result));
    json_put_member(json, "detail", ward_result_detail(result));
    json_put_member(json, "type", ward_result_type(result));
    json_put_key(json, "hardware");
    json_put_bool(json, ward_result_hardware(result));
    json_put_key(json, "relaxed");
    json_begin_array(json);
    for (size_t i = 0; i < result->relaxed_count; i++)
        json_put_text(json, result->relaxed[i]);
    json_end_array(json);
    put_time(json, "time", result->time, true);
    put_tcb(json, result);
    put_collateral(json, result);
    put_time(json, "valid_until", result->valid_until, allowed);
    put_claims(json, &result->claims);
    put_log(json, result);
    put_checks(json, result);
    json_end_object(json);
}

enum ward_outcome ward_result_json(const struct ward_result *result, char *buffer, size_t cap,
                                   size_t *len, struct ward_error *error)
{
    struct sink out = sink_over(buffer, cap);
    struct json_writer json = json_write_to(&out, 0);
    put_result(&json, result);
    if (!json_write_ok(&json))
        return ERROR(error, WARD_BAD_INPUT, "the buffer of %zu bytes is too small", cap);
    *len = out.len;
    return WARD_DONE;
}
