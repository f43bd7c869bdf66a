/* session_revoke.c - `ward session revoke`: a session ends now. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "codec/hex.h"
#include "model/api.h"
#include "model/session.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT, REVOKE_MS = 10000 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code run(struct invocation *in)
{
    char body[128];
    uint8_t id[SESSION_ID];
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_session_end_response over;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (strlen(in->operands[0]) != 2 * sizeof id ||
        !hex_decode(span_text(in->operands[0]), id, sizeof id)) {
        say("session revoke: an id is %zu hex digits, as `ward session list` shows it",
            2 * sizeof id);
        return EXIT_USAGE;
    }
    int len = snprintf(body, sizeof body, "{\"id\":\"%s\"}", in->operands[0]);
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "POST",
                                     .target = "/v1/sessions/revoke",
                                     .body = span_of(body, (size_t)len),
                                     .timeout_ms = REVOKE_MS };
    code = house_ask(in, &request, &api_session_end_response, &over, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    printf("%.*s is over\n", (int)over.id.len, (const char *)over.id.at);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_session_revoke = {
    .name = "session revoke",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "end a session",
    .description =
        "Ends a session now: nothing that is signed for it is carried out any more.  The security\n"
        "log has it before it is done.  ID is one that `ward session list` shows.",
    .example = "ward session revoke 5f71e5b109c49be951c809e3b84e838f",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "session.json#/$defs/over",
    .asks = true,
    .run = run,
};
