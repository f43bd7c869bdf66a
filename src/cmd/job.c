/* job.c - see job.h. */
#include "cmd/job.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "job/size.h"

enum { LINE = 512, LABEL = 13 };

enum exit_code job_asked_begin(struct invocation *in, struct job_asked *asked)
{
    asked->id = in->operands[0];
    if (strlen(asked->id) != JOB_ID_TEXT || strspn(asked->id, "0123456789abcdef") != JOB_ID_TEXT) {
        say("%s: an id is %d hex digits, as `ward job list` shows it", in->command->name,
            JOB_ID_TEXT);
        return EXIT_USAGE;
    }
    return settings_load(in, &asked->loaded);
}

enum exit_code job_ask(struct invocation *in, struct job_asked *asked, const char *target,
                       const struct schema_message *message, void *values)
{
    char path[JOB_TARGET];
    snprintf(path, sizeof path, "/v1/jobs/%s%s", asked->id, target);
    const struct owner_request request = { .state = asked->loaded.config.settings.state,
                                           .method = "GET",
                                           .target = path,
                                           .timeout_ms = JOB_ASK_MS };
    return house_ask(in, &request, message, values, &asked->reply);
}

bool job_has_ended(const struct api_job *job)
{
    return span_equal_text(job->state, "done") || span_equal_text(job->state, "failed") ||
           span_equal_text(job->state, "cancelled");
}

static void put_time(struct sink *out, int64_t at)
{
    if (at == 0)
        sink_text(out, "-");
    else
        time_write(out, at);
}

static void print_line(struct sink *row, char *bytes)
{
    sink_terminate(row);
    print_safe(stdout, bytes);
    putchar('\n');
}

void job_print_head(void)
{
    printf("%-32s %-9s %-20s %-20s  %s\n", "ID", "STATE", "SUBMITTED", "ENDED", "NAME");
}

void job_print_row(const struct api_job *job)
{
    char bytes[LINE], times[2][32];
    struct sink row = sink_over(bytes, sizeof bytes - 1);
    for (size_t i = 0; i < 2; i++) {
        struct sink text = sink_over(times[i], sizeof times[i] - 1);
        put_time(&text, i == 0 ? job->submitted : job->ended);
        sink_terminate(&text);
    }
    sink_format(&row, "%-32.*s %-9.*s %-20s %-20s  %.*s", (int)job->job_id.len,
                (const char *)job->job_id.at, (int)job->state.len, (const char *)job->state.at,
                times[0], times[1], (int)job->name.len, (const char *)job->name.at);
    print_line(&row, bytes);
}

void job_print_text(const char *name, struct span text)
{
    char bytes[2];
    if (text.len == 0)
        return;
    printf("%-*s", LABEL, name);
    for (size_t i = 0; i < text.len; i++) {
        bytes[0] = (char)text.at[i];
        bytes[1] = 0;
        print_safe(stdout, bytes);
    }
    putchar('\n');
}

static void print_time(const char *name, int64_t at)
{
    char bytes[32];
    struct sink text = sink_over(bytes, sizeof bytes);
    if (at == 0)
        return;
    time_write(&text, at);
    job_print_text(name, sink_bytes(&text));
}

static void print_size(const char *name, uint64_t size)
{
    char bytes[64];
    struct sink text = sink_over(bytes, sizeof bytes);
    job_size_write(&text, size);
    job_print_text(name, sink_bytes(&text));
}

static void print_end(const struct api_job *job)
{
    if (job->signal != 0)
        printf("%-*s%u\n", LABEL, "signal", job->signal);
    else if (span_equal_text(job->reason, "OK"))
        printf("%-*s%u\n", LABEL, "exited with", job->code);
    printf("%-*s%llu.%02llu s\n", LABEL, "processors", (unsigned long long)(job->cpu_us / 1000000),
           (unsigned long long)(job->cpu_us / 10000 % 100));
    print_size("memory", job->memory_peak);
}

static void print_reserved(const struct api_job *job)
{
    char bytes[128];
    struct sink text = sink_over(bytes, sizeof bytes);
    sink_format(&text, "%u vcpu, ", job->vcpu);
    job_size_write(&text, job->memory);
    sink_text(&text, " of memory, ");
    job_size_write(&text, job->disk);
    sink_text(&text, " of disk");
    job_print_text("reserved", sink_bytes(&text));
}

void job_print(const struct api_job *job)
{
    char hex[65];
    struct sink digest = sink_over(hex, sizeof hex);
    sink_hex(&digest, job->spec_sha256);
    job_print_text("job", job->job_id);
    job_print_text("name", job->name);
    job_print_text("tenant", job->tenant);
    job_print_text("spec sha256", sink_bytes(&digest));
    job_print_text("state", job->state);
    if (span_equal_text(job->state, "queued"))
        printf("%-*s%u\n", LABEL, "ahead of it", job->ahead);
    print_time("submitted", job->submitted);
    print_time("started", job->started);
    print_time("ended", job->ended);
    job_print_text("reason", job->reason);
    if (job_has_ended(job) && job->started != 0)
        print_end(job);
    print_reserved(job);
}
