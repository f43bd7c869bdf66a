/* version.c - `ward version`. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/command.h"
#include "ward/base.h"

enum { VERSION_JSON };

static const struct option_spec options[] = {
    [VERSION_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code run(struct invocation *invocation)
{
    if (option_given(invocation, VERSION_JSON))
        printf("{\"version\":\"%s\"}\n", ward_version());
    else
        printf("ward %s\n", ward_version());
    return EXIT_DONE;
}

const struct command command_version = {
    .name = "version",
    .operands = "",
    .summary = "print the version",
    .description = "Prints the version of the program.",
    .example = "ward version --json",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "version.json",
    .run = run,
};
