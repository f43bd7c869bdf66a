/* audit_tail.c - `ward audit tail`: the last records, and those that come. */
#include <stdio.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/audit_rows.h"
#include "cmd/input.h"
#include "cmd/show_call.h"
#include "codec/values.h"
#include "model/api.h"

enum { OPT_LINES = AUDIT_FILTER_END, OPT_FOLLOW, OPT_JSON };
enum { LINES_DEFAULT = 20, LINES_LIMIT = 10000, FOLLOW_US = 500000, HEAD_MEMORY = 1 << 20 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    AUDIT_FILTER_OPTIONS,
    [OPT_LINES] = { "--lines", "N", NULL, "look at the last N records (default: 20)",
                    .letter = "-n" },
    [OPT_FOLLOW] = { "--follow", NULL, NULL, "go on with the records that come, until interrupted",
                     .letter = "-f" },
    [OPT_JSON] = { "--json", NULL, NULL, "print each record as it stands, one JSON object a line" },
};

static enum exit_code not_understood(const struct audit_rows *rows)
{
    say("%s: the answer of the house cannot be read; `ward doctor` says whether the two are of one "
        "version",
        rows->in->command->name);
    return EXIT_INTERNAL;
}

/* The head covers all but the last fraction of a second. */
static enum exit_code size_at_house(struct audit_rows *rows, uint64_t *out)
{
    struct api_audit_head_response head;
    struct values_error error;
    struct arena arena;
    struct span body;
    enum reason reason = REASON_OK;
    arena_init(&arena, HEAD_MEMORY);
    enum exit_code code = audit_house_ask(rows, "/v1/audit/head", &arena, &body, &reason);
    if (code == EXIT_DONE) {
        if (values_read_json(&api_audit_head_response, body, &arena, &head, &error))
            *out = head.size;
        else
            code = not_understood(rows);
    }
    arena_fini(&arena);
    return code;
}

static enum exit_code tail_of_house(struct audit_rows *rows, uint64_t lines, bool follow)
{
    uint64_t size = 0;
    enum exit_code code = size_at_house(rows, &size);
    rows->next = size > lines ? size - lines : 0;
    if (code == EXIT_DONE)
        code = audit_rows_of_house(rows, true);
    follow = follow && !shows_calls(rows->in);
    while (follow && code == EXIT_DONE && fflush(stdout) == 0) {
        usleep(FOLLOW_US);
        code = audit_rows_of_house(rows, false);
    }
    return code;
}

/* Counts first and prints then: the numbers of records are their places. */
static enum exit_code tail_of_files(struct audit_rows *rows, uint64_t lines)
{
    struct audit_log log;
    struct audit_record record;
    struct span line;
    uint64_t end = 0;
    enum exit_code code = audit_log_open(rows->in, rows->folder, &log);
    if (code != EXIT_DONE)
        return code;
    /* The last file alone says where the log ends, unless it is empty. */
    for (size_t from = log.count; end == 0 && from > 0; from--) {
        log.next = from - 1;
        while (audit_log_next(&log, &line) == AUDIT_LOG_LINE) {
            if (rc_ok(audit_read(rows->reader, line, &record, NULL)))
                end = record.seq + 1;
        }
    }
    audit_log_close(&log);
    rows->next = end > lines ? end - lines : 0;
    return audit_rows_of_files(rows);
}

static enum exit_code run(struct invocation *in)
{
    struct audit_rows rows;
    int64_t lines = LINES_DEFAULT;
    bool follow = option_given(in, OPT_FOLLOW);
    enum exit_code code = audit_rows_begin(in, &rows);
    if (code != EXIT_DONE)
        return code;
    if (in->values[OPT_LINES] != NULL &&
        !input_number(in->values[OPT_LINES], 0, LINES_LIMIT, &lines)) {
        say("audit tail: --lines is a number of records up to %d; not \"%s\"", LINES_LIMIT,
            in->values[OPT_LINES]);
        return EXIT_USAGE;
    }
    rows.json = option_given(in, OPT_JSON);
    if (rows.lived_in)
        return tail_of_house(&rows, (uint64_t)lines, follow);
    if (follow) {
        say("audit tail: no house runs in %s, so no record will come; `ward up` starts one, and "
            "without --follow the files are read",
            rows.state);
        return EXIT_UNREACHABLE;
    }
    return tail_of_files(&rows, (uint64_t)lines);
}

const struct command command_audit_tail = {
    .name = "audit tail",
    .operands = "",
    .summary = "print the last records of the security log, and those that come",
    .description =
        "Prints those of the last records that the filters fit, and with --follow every new\n"
        "one within half a second.  Asks the house that runs; without one, reads the files.",
    .example = "ward audit tail --follow --outcome Denied",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "audit.json#/$defs/record",
    .asks = true,
    .run = run,
};
