/* audit_query.c - `ward audit query`: records of the security log that are asked for. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/audit_rows.h"
#include "cmd/input.h"

enum { OPT_FROM = AUDIT_FILTER_END, OPT_LIMIT, OPT_FILES, OPT_JSON };
enum { LIMIT_DEFAULT = 100 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    AUDIT_FILTER_OPTIONS,
    [OPT_FROM] = { "--from", "SEQ", NULL, "begin at this record" },
    [OPT_LIMIT] = { "--limit", "N", NULL, "print at most so many (default: 100; 0: all)" },
    [OPT_FILES] = { "--files", NULL, NULL,
                    "read the files, also those that were rotated, and ask no house" },
    [OPT_JSON] = { "--json", NULL, NULL, "print each record as it stands, one JSON object a line" },
};

static enum exit_code run(struct invocation *in)
{
    struct audit_rows rows;
    int64_t limit = LIMIT_DEFAULT, from = 0;
    enum exit_code code = audit_rows_begin(in, &rows);
    if (code != EXIT_DONE)
        return code;
    if (in->values[OPT_LIMIT] != NULL &&
        !input_number(in->values[OPT_LIMIT], 0, INT64_MAX, &limit)) {
        say("audit query: --limit is a number of records, 0 for all; not \"%s\"",
            in->values[OPT_LIMIT]);
        return EXIT_USAGE;
    }
    if (in->values[OPT_FROM] != NULL && !input_number(in->values[OPT_FROM], 0, INT64_MAX, &from)) {
        say("audit query: --from is the number of a record, like 0; not \"%s\"",
            in->values[OPT_FROM]);
        return EXIT_USAGE;
    }
    rows.json = option_given(in, OPT_JSON);
    rows.left = limit == 0 ? UINT64_MAX : (uint64_t)limit;
    rows.next = (uint64_t)from;
    if (rows.lived_in && !option_given(in, OPT_FILES))
        return audit_rows_of_house(&rows, from == 0);
    return audit_rows_of_files(&rows);
}

const struct command command_audit_query = {
    .name = "audit query",
    .operands = "",
    .summary = "list records of the security log",
    .description =
        "Prints the records that all given filters fit, oldest first: time, number, outcome,\n"
        "action, actor, resource, address and details.  Asks the house that runs, which has\n"
        "the open file alone: it begins at midnight UTC, or later.  Without a house, or with\n"
        "--files, reads those before it too.  100 records are shown, the oldest first;\n"
        "--limit 0 shows all.\n"
        "Nothing that a stranger put into a record can do anything to the terminal.",
    .example = "ward audit query --action key. --outcome Denied --since 2026-11-28T00:00:00Z",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "audit.json#/$defs/record",
    .asks = true,
    .run = run,
};
