/* audit_export.c - `ward audit export`: the security log for other people's tools. */
#include <stdio.h>

#include "audit/view.h"
#include "base/number.h"
#include "cmd/audit_rows.h"
#include "cmd/input.h"
#include "ward/base.h"

enum { OPT_FORMAT = AUDIT_FILTER_END, OPT_FROM, OPT_TO, OPT_JSON };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    AUDIT_FILTER_OPTIONS,
    [OPT_FORMAT] = { "--format", "FORMAT", "jsonl ocsf cef csv",
                     "jsonl (default, can be verified), ocsf, cef or csv" },
    [OPT_FROM] = { "--from", "SEQ", NULL, "begin at this record" },
    [OPT_TO] = { "--to", "SEQ", NULL, "end before this record" },
    [OPT_JSON] = { "--json", NULL, NULL, "the same as --format jsonl" },
};

struct exporting {
    struct audit_rows rows;
    enum audit_view view;
    struct sink out;
    struct audit_reader *viewer; /* the rows' own holds what was read */
};

static enum exit_code put_line(struct exporting *e, struct span line)
{
    struct audit_record record;
    struct trail trail = { 0 };
    if (!rc_ok(audit_read(e->rows.reader, line, &record, NULL))) {
        say("a record after %llu is not as Ward writes them; `ward audit verify` says more",
            (unsigned long long)e->rows.next);
        return EXIT_NO;
    }
    e->rows.next = record.seq;
    if (!audit_query_matches(&e->rows.query, &record))
        return EXIT_DONE;
    sink_cut(&e->out, 0);
    if (!rc_ok(audit_view_put(e->view, e->viewer, line, ward_version(), &e->out, &trail)))
        return EXIT_INTERNAL;
    return fwrite(e->out.at, 1, e->out.len, stdout) == e->out.len ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code put_all(struct exporting *e, struct audit_log *log)
{
    struct span line;
    enum exit_code code = EXIT_DONE;
    enum audit_log_step step = audit_log_next(log, &line);
    audit_view_begin(e->view, &e->out);
    fwrite(e->out.at, 1, e->out.len, stdout);
    for (; step == AUDIT_LOG_LINE && code == EXIT_DONE; step = audit_log_next(log, &line)) {
        code = put_line(e, line);
        if (audit_query_is_past(&e->rows.query, e->rows.next))
            return code;
    }
    if (code == EXIT_DONE && (step == AUDIT_LOG_BROKEN || step == AUDIT_LOG_DAMAGED))
        return EXIT_USAGE;
    if (step == AUDIT_LOG_TORN && !e->rows.lived_in)
        say("the log ends inside a line; `ward audit verify` says more");
    return code;
}

static bool read_seq(struct invocation *in, size_t option, uint64_t *out)
{
    int64_t value = 0;
    if (in->values[option] != NULL && !input_number(in->values[option], 0, INT64_MAX, &value)) {
        say("audit export: %s is the number of a record, like 0; not \"%s\"",
            in->command->options[option].name, in->values[option]);
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

static enum exit_code run(struct invocation *in)
{
    struct exporting e = { .view = AUDIT_VIEW_JSONL };
    struct audit_log log;
    enum exit_code code = audit_rows_begin(in, &e.rows);
    if (code != EXIT_DONE)
        return code;
    if (!read_seq(in, OPT_FROM, &e.rows.query.from) || !read_seq(in, OPT_TO, &e.rows.query.to))
        return EXIT_USAGE;
    if (in->values[OPT_FORMAT] != NULL &&
        !audit_view_find(span_text(in->values[OPT_FORMAT]), &e.view))
        return EXIT_USAGE;
    if (option_given(in, OPT_JSON) && e.view != AUDIT_VIEW_JSONL) {
        say("audit export: --json is --format jsonl; leave one of it and --format %s out",
            in->values[OPT_FORMAT]);
        return EXIT_USAGE;
    }
    uint8_t *room = arena_alloc(&in->arena, AUDIT_VIEW_ROOM);
    e.viewer = arena_alloc(&in->arena, sizeof *e.viewer);
    if (room == NULL || e.viewer == NULL)
        return EXIT_INTERNAL;
    e.out = sink_over(room, AUDIT_VIEW_ROOM);
    code = audit_log_open(in, e.rows.folder, &log);
    if (code == EXIT_DONE)
        code = put_all(&e, &log);
    audit_log_close(&log);
    return code;
}

const struct command command_audit_export = {
    .name = "audit export",
    .operands = "",
    .summary = "write the security log in a form for other tools",
    .description =
        "Writes every record that the filters fit, from all files that are there, to standard\n"
        "output: as it stands (jsonl), as OCSF 1.3.0, as CEF, or as CSV (RFC 4180).  Needs no\n"
        "house that runs.  Only jsonl without filters can be verified by others, with\n"
        "`ward audit verify FILE`.",
    .example = "ward audit export --format ocsf --since 2026-11-28T00:00:00Z",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "audit.json#/$defs/record",
    .run = run,
};
