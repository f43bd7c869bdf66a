/* job_records.c - see jobs.h: what is logged of jobs.  What somebody wishes is durable before it is
   done; that a job began or ended waits for nothing, for it has. */
#include "base/number.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

enum { OWNER_TEXT = 32, ID_TEXT = 2 * JOB_ID, SPEC_TEXT = 7 + 2 * 32 };

static void write_id(struct sink *out, const uint8_t id[JOB_ID])
{
    sink_hex(out, span_of(id, JOB_ID));
}

/* A job of the owner's own machine costs nothing. */
static bool add_submit(struct core *core, const struct request *request,
                       struct audit_record *record, struct sink *config)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct sink none = { 0 };
    struct core_wanted wanted;
    if (job_body_read(request->body, &scratch, &wanted, &none) != REASON_OK)
        return false; /* it was checked before */
    sink_text(config, "sha256:");
    sink_hex(config, SPAN(wanted.spec));
    audit_add_text(record, "job_config", sink_bytes(config));
    audit_add_text(record, "payment", span_text("none"));
    if (wanted.name[0] != 0)
        audit_add_text(record, "name", span_text(wanted.name));
    if (wanted.tenant[0] != 0)
        audit_add_text(record, "tenant", span_text(wanted.tenant));
    return true;
}

static bool named(struct core *core, const struct request *request, struct sink *hex)
{
    struct core_job *job = NULL;
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    if (job_meant(core, request, &scratch, &job) != REASON_OK)
        return false;
    write_id(hex, job->id);
    return true;
}

bool core_log_job_wish(struct core *core, const struct request *request, uint64_t *id)
{
    uint8_t bytes[OWNER_TEXT], job[ID_TEXT], text[SPEC_TEXT];
    struct sink owner = sink_over(bytes, sizeof bytes), hex = sink_over(job, sizeof job);
    struct sink config = sink_over(text, sizeof text);
    const bool submits = request->method == METHOD_JOBS_SUBMIT;
    struct audit_record record = audit_record_of(
        submits ? AUDIT_EVENT_JOB_SUBMIT : AUDIT_EVENT_JOB_CANCEL, AUDIT_SUCCESS, 0);
    sink_format(&owner, "uid:%u", core->house->settings.owner);
    audit_set_actor(&record, AUDIT_USER, sink_bytes(&owner));
    audit_set_trace(&record, request->trace);
    if (submits)
        write_id(&hex, request->job);
    else if (!named(core, request, &hex))
        return false;
    audit_set_resource(&record, sink_bytes(&hex));
    if (submits && !add_submit(core, request, &record, &config))
        return false;
    audit_add_text(&record, "job", sink_bytes(&hex));
    return core_append(core, &record, id);
}

static struct audit_record record_of(const struct core_job *job, enum audit_event event,
                                     enum audit_outcome outcome, struct sink *hex)
{
    struct audit_record record = audit_record_of(event, outcome, 0);
    write_id(hex, job->id);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, sink_bytes(hex));
    audit_add_text(&record, "job", sink_bytes(hex));
    return record;
}

void core_log_job_start(struct core *core, const struct core_job *job)
{
    uint8_t bytes[ID_TEXT];
    struct sink hex = sink_over(bytes, sizeof bytes);
    struct audit_record record = record_of(job, AUDIT_EVENT_JOB_START, AUDIT_SUCCESS, &hex);
    uint64_t id = 0;
    audit_add_hash(&record, "spec", SPAN(job->spec));
    if (!core_append(core, &record, &id))
        core->cannot_log = true;
}

void core_log_job_end(struct core *core, const struct core_job *job)
{
    uint8_t bytes[ID_TEXT];
    struct sink hex = sink_over(bytes, sizeof bytes);
    struct audit_record record = record_of(
        job, AUDIT_EVENT_JOB_END, job->state == JOB_DONE ? AUDIT_SUCCESS : AUDIT_FAILURE, &hex);
    uint64_t id = 0;
    audit_add_text(&record, "reason", span_text(reason_info(job->fate.reason)->name));
    audit_add_text(&record, "state", span_text(job_state_name(job->state)));
    audit_add_number(&record, "code", job->fate.code);
    audit_add_number(&record, "signal", job->fate.signal);
    audit_add_number(&record, "cpu_us", (int64_t)job->fate.cpu_us);
    audit_add_number(&record, "memory_peak", (int64_t)job->fate.memory_peak);
    if (!core_append(core, &record, &id))
        core->cannot_log = true;
}

bool core_log_job_refused(struct core *core, const struct core_job *job,
                          const struct job_refused *row, uint64_t *id)
{
    uint8_t bytes[ID_TEXT];
    struct sink hex = sink_over(bytes, sizeof bytes);
    struct audit_record record = record_of(job, AUDIT_EVENT_JOB_REFUSE, AUDIT_DENIED, &hex);
    audit_add_text(&record, "rule", row->rule);
    audit_add_text(&record, "words", row->words);
    if (row->change.len > 0)
        audit_add_text(&record, "change", row->change);
    audit_add_number(&record, "count", row->count);
    return core_append(core, &record, id);
}
