/* evidence_source.c - see evidence_source.h. */
#include "cmd/evidence_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cmd/config_print.h"

enum { PRINT_MAX = 2 * (SOURCE_EVIDENCE_MAX + SOURCE_LOG_MAX) + 2 * SOURCE_PATH_MAX };

static bool choose(const char *wanted, struct source_name *name)
{
    if (strcmp(wanted, "auto") != 0) {
        if (source_name_read(wanted, name))
            return true;
        say("evidence: --source is auto, nsm, tsm, dstack or tappd, with :PATH after it where it "
            "is "
            "not at its usual place, or house:STATE; not \"%s\"",
            wanted);
        return false;
    }
    if (source_find(getenv("DSTACK_SIMULATOR_ENDPOINT"), name))
        return true;
    say("evidence: no source of evidence is on this machine: no agent's socket, no /dev/nsm, no "
        "report interface of Linux");
    return false;
}

static enum exit_code say_problem(const struct source_name *name,
                                  const struct source_problem *problem)
{
    static const struct {
        enum reason reason;
        enum exit_code code;
    } table[] = {
        { REASON_SOURCE_ABSENT, EXIT_UNREACHABLE }, { REASON_SOURCE_FORBIDDEN, EXIT_NOT_PERMITTED },
        { REASON_SOURCE_BUSY, EXIT_UNREACHABLE },   { REASON_SOURCE_DEADLINE, EXIT_UNREACHABLE },
        { REASON_SOURCE_FAILED, EXIT_UNREACHABLE }, { REASON_SOURCE_MALFORMED, EXIT_NO },
        { REASON_SOURCE_TOO_LARGE, EXIT_NO },       { REASON_SOURCE_OTHER_DATA, EXIT_NO },
        { REASON_SOURCE_UNSUPPORTED, EXIT_USAGE },
    };
    const struct reason_info *info = reason_info(problem->reason);
    say("evidence: %s: %s: %s", source_kind_name(name->kind), info->name, problem->detail);
    say("%s %s", info->cause, info->help);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (table[i].reason == problem->reason)
            return table[i].code;
    }
    return EXIT_INTERNAL;
}

enum exit_code evidence_source_get(struct invocation *in, const char *wanted,
                                   const uint8_t report_data[SOURCE_REPORT_DATA],
                                   struct source_name *name, struct source_evidence *out)
{
    struct source source;
    struct source_problem problem;
    struct source_ask ask = { 0 };
    memcpy(ask.report_data, report_data, sizeof ask.report_data);
    if (!choose(wanted, name))
        return strcmp(wanted, "auto") == 0 ? EXIT_UNREACHABLE : EXIT_USAGE;
    if (!source_open(name, SOURCE_TIMEOUT_MS, &source, &problem))
        return say_problem(name, &problem);
    bool made = source_quote(&source, &ask, &in->arena, out, &problem);
    source_close(&source);
    return made ? EXIT_DONE : say_problem(name, &problem);
}

enum exit_code evidence_source_print(struct invocation *in, const struct source_name *name,
                                     const struct source_evidence *made)
{
    char text[SOURCE_PATH_MAX + 16];
    uint8_t *room = arena_room(&in->arena, PRINT_MAX);
    struct sink out = sink_over(room, room != NULL ? PRINT_MAX : 0);
    struct json_writer json = json_write_to(&out, 0);
    snprintf(text, sizeof text, "%s:%s", source_kind_name(name->kind), name->path);
    json_begin_object(&json);
    config_json_text(&json, "source", text);
    config_json_text(&json, "kind", evidence_kind_name(made->kind));
    json_put_key(&json, "evidence");
    json_put_base64(&json, made->evidence);
    json_put_key(&json, "event_log");
    json_put_base64(&json, made->event_log);
    json_put_key(&json, "simulated");
    json_put_bool(&json, made->simulated);
    json_end_object(&json);
    sink_text(&out, "\n");
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}
