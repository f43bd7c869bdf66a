/* ban_lift.c - `ward ban lift`: an address may come again. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/ban.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT, LIFT_MS = 10000 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code run(struct invocation *in)
{
    char body[128];
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_admission_lift_response lifted;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!ban_peer_is_one(in, in->operands[0]))
        return EXIT_USAGE;
    int len = snprintf(body, sizeof body, "{\"address\":\"%s\"}", in->operands[0]);
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "POST",
                                     .target = "/v1/admission/lift",
                                     .body = span_of(body, (size_t)len),
                                     .timeout_ms = LIFT_MS };
    code = house_ask(in, &request, &api_admission_lift_response, &lifted, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    printf("%.*s may come again\n", (int)lifted.address.len, (const char *)lifted.address.at);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_ban_lift = {
    .name = "ban lift",
    .operands = "ADDRESS",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "end a ban or a suspicion",
    .description =
        "Ends the ban of an address, or the suspicion that it crashed a process, and forgets what\n"
        "led to it.  The security log has it before it is done.  ADDRESS is one that `ward ban\n"
        "list` shows; an address of IPv6 stands for its /64.",
    .example = "ward ban lift 192.0.2.1",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "ban.json#/$defs/lifted",
    .asks = true,
    .run = run,
};
