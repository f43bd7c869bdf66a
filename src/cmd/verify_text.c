/* verify_text.c - see verify_text.h. */
#include "cmd/verify_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sink.h"
#include "base/time.h"
#include "cmd/command.h"

enum { HOUR_SECONDS = 60 * 60, DAY_SECONDS = 24 * HOUR_SECONDS };

struct paint {
    const char *good, *bad, *quiet, *off;
};

static struct paint paint_for(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    bool wanted = isatty(fileno(out)) && (no_color == NULL || no_color[0] == 0);
    return wanted ? (struct paint){ "\033[1;32m", "\033[1;31m", "\033[2m", "\033[0m" }
                  : (struct paint){ "", "", "", "" };
}

static void print_line(FILE *out, const char *label, const char *text)
{
    if (text[0] == 0)
        return;
    fprintf(out, "      %-9s ", label);
    print_safe(out, text);
    fputc('\n', out);
}

static void print_time(FILE *out, const char *label, int64_t at)
{
    char text[40];
    struct sink sink = sink_over(text, sizeof text);
    time_write(&sink, at);
    sink_terminate(&sink);
    print_line(out, label, text);
}

static void print_refused(FILE *out, const struct ward_check *check, struct paint paint)
{
    bool failed = strcmp(check->result, "fail") == 0;
    fprintf(out, "  %s%s%s %s %s: %s (%s)\n", failed ? paint.bad : paint.quiet,
            failed ? "fail" : "relaxed", paint.off, check->id, check->name, check->reason,
            check->side);
    print_line(out, "what", check->detail);
    print_line(out, "expected", check->expected);
    print_line(out, "actual", check->actual);
    print_line(out, "do", check->help);
}

static void print_checks(FILE *out, const struct ward_result *result, struct paint paint)
{
    size_t passed = 0;
    size_t skipped = 0;
    struct ward_check check;
    for (size_t i = 0; ward_result_check(result, i, &check); i++) {
        if (strcmp(check.result, "fail") == 0 || check.relaxed)
            print_refused(out, &check, paint);
        else if (strcmp(check.result, "pass") == 0)
            passed++;
        else
            skipped++;
    }
    fprintf(out,
            "  %spass%s %zu checks; %zu did not apply or could not be made (--json lists all)\n",
            paint.good, paint.off, passed, skipped);
}

static void print_tcb(FILE *out, const struct ward_result *result)
{
    const char *status = ward_result_tcb_status(result);
    if (status[0] == 0)
        return;
    fprintf(out, "  tcb\n");
    print_line(out, "status", status);
    print_time(out, "date", ward_result_tcb_date(result));
    char advisories[2400];
    struct sink sink = sink_over(advisories, sizeof advisories);
    for (size_t i = 0; i < ward_result_advisory_count(result); i++)
        sink_format(&sink, "%s%s", i > 0 ? " " : "", ward_result_advisory(result, i));
    sink_terminate(&sink);
    print_line(out, "advisory", advisories);
}

/* "3 days", or hours where that says more. */
static void print_age(FILE *out, int64_t seconds)
{
    char text[48];
    bool early = seconds < 0;
    bool days = seconds >= 2 * DAY_SECONDS || seconds <= -2 * DAY_SECONDS;
    int64_t age = (early ? -seconds : seconds) / (days ? DAY_SECONDS : HOUR_SECONDS);
    snprintf(text, sizeof text, "%lld %s%s%s", (long long)age, days ? "day" : "hour",
             age == 1 ? "" : "s", early ? " before its time" : "");
    print_line(out, "age", text);
}

static void print_collateral(FILE *out, const struct ward_result *result, int64_t now)
{
    int64_t issued = ward_result_collateral_issued(result);
    if (issued == 0)
        return;
    fprintf(out, "  collateral\n");
    print_time(out, "issued", issued);
    print_age(out, now - issued);
}

static void print_claims(FILE *out, const struct ward_result *result)
{
    static const char *const names[] = { "mrtd",  "rtmr0",      "rtmr1",      "rtmr2",
                                         "rtmr3", "mr_enclave", "mr_signer",  "pcr0",
                                         "pcr1",  "pcr2",       "report_data" };
    bool any = false;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct ward_bytes bytes;
        if (!ward_result_claim(result, names[i], &bytes))
            continue;
        if (!any)
            fprintf(out, "  claims\n");
        any = true;
        char hex[160];
        struct sink sink = sink_over(hex, sizeof hex);
        sink_hex(&sink, span_of(bytes.data, bytes.len));
        sink_terminate(&sink);
        fprintf(out, "      %-11s %s\n", names[i], hex);
    }
}

void verify_text_print(FILE *out, const struct ward_result *result, int64_t now)
{
    struct paint paint = paint_for(out);
    bool allowed = ward_result_allowed(result);
    fprintf(out, "%s%s%s %s, %s, %s\n", allowed ? paint.good : paint.bad,
            allowed ? "ALLOW" : "DENY", paint.off, ward_result_reason(result),
            ward_result_type(result),
            ward_result_hardware(result) ? "genuine hardware" : "NOT hardware");
    for (size_t i = 0; i < ward_result_relaxed_count(result); i++) {
        fprintf(out, "  %srelaxed%s ", paint.bad, paint.off);
        print_safe(out, ward_result_relaxed(result, i));
        fputc('\n', out);
    }
    print_checks(out, result, paint);
    print_tcb(out, result);
    print_collateral(out, result, now);
    print_claims(out, result);
    if (allowed)
        print_time(out, "valid to", ward_result_valid_until(result));
}

/* The texts of the vocabulary hold neither quotes nor control characters (a test says so). */
static void print_reason(FILE *out, const struct ward_reason *reason, bool json, bool first)
{
    if (json)
        fprintf(out, "%s{\"reason\":\"%s\",\"cause\":\"%s\",\"help\":\"%s\"}", first ? "" : ",",
                reason->name, reason->cause, reason->help);
    else
        fprintf(out, "%s\n    %s%s%s\n", reason->name, reason->cause,
                reason->help[0] != 0 ? "\n    " : "", reason->help);
}

void verify_text_reasons(FILE *out, bool json)
{
    struct ward_reason reason;
    if (json)
        fputc('[', out);
    for (size_t i = 0; ward_reason(i, &reason); i++)
        print_reason(out, &reason, json, i == 0);
    if (json)
        fputs("]\n", out);
}
