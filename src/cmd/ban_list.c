/* ban_list.c - `ward ban list`: who is kept out, and who is served alone. */
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/ban.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"

enum { OPT_FROM = SETTINGS_OPTION_COUNT, OPT_LIMIT, OPT_JSON, LIST_MS = 10000, TARGET = 128 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_FROM] = { "--from", "NUMBER", NULL, "go on where an earlier list ended" },
    [OPT_LIMIT] = { "--limit", "NUMBER", NULL, "the most to show, 1 to 1000 (default: 1000)" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

void ban_print_head(void)
{
    printf("%-44s %-9s %-14s %-6s %s\n", "ADDRESS", "STATE", "OFFENCE", "TIMES", "UNTIL");
}

void ban_print(const struct api_ban *ban)
{
    char bytes[256], until[32] = "lifted by hand";
    struct sink row = sink_over(bytes, sizeof bytes - 1), end = sink_over(until, sizeof until - 1);
    if (ban->until != 0) {
        time_write(&end, ban->until);
        sink_terminate(&end);
    }
    sink_format(&row, "%-44.*s %-9.*s %-14.*s %-6u %s", (int)ban->address.len,
                (const char *)ban->address.at, (int)ban->state.len, (const char *)ban->state.at,
                ban->offence.len > 0 ? (int)ban->offence.len : 1,
                ban->offence.len > 0 ? (const char *)ban->offence.at : "-", ban->count, until);
    sink_terminate(&row);
    print_safe(stdout, bytes);
    putchar('\n');
}

/* What the house is asked: numbers only, which it judges itself. */
static bool make_target(const struct invocation *in, char target[TARGET])
{
    uint64_t from = 0, limit = 1000;
    bool good = (!option_given(in, OPT_FROM) || ban_read_number(in->values[OPT_FROM], &from)) &&
                (!option_given(in, OPT_LIMIT) || ban_read_number(in->values[OPT_LIMIT], &limit)) &&
                limit >= 1 && limit <= 1000;
    if (!good)
        say("ban list: --from is the number that an earlier list named, --limit 1 to 1000");
    snprintf(target, TARGET, "/v1/admission/bans?from=%llu&limit=%llu", (unsigned long long)from,
             (unsigned long long)limit);
    return good;
}

static enum exit_code run(struct invocation *in)
{
    char target[TARGET];
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_admission_list_response list;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!make_target(in, target))
        return EXIT_USAGE;
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "GET",
                                     .target = target,
                                     .timeout_ms = LIST_MS };
    code = house_ask(in, &request, &api_admission_list_response, &list, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (list.next != 0)
        note(in, "more follow: --from %u", list.next);
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    const struct api_ban *bans = list.bans.items;
    if (list.bans.count > 0)
        ban_print_head();
    else
        note(in, "nobody is banned or suspected");
    for (size_t i = 0; i < list.bans.count; i++)
        ban_print(&bans[i]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_ban_list = {
    .name = "ban list",
    .operands = "",
    .summary = "show who is banned",
    .description =
        "Prints every address that is banned, for what, how often, and until when, and those that\n"
        "are suspected of a crash: a process fell while it served them, and for an hour they are\n"
        "served when nobody else is.\n\n"
        "The house is asked over its owner's socket and must be up.",
    .example = "ward ban list --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "ban.json#/$defs/list",
    .asks = true,
    .run = run,
};
