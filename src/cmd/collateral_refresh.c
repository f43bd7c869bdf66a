/* collateral_refresh.c - `ward collateral refresh`: the house fetches its collateral anew, now. */
#include <poll.h>

#include "base/number.h"
#include "cmd/collateral_house.h"
#include "cmd/house_ask.h"
#include "cmd/input.h"
#include "cmd/progress.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "os/clock.h"

enum {
    OPT_TIMEOUT = SETTINGS_OPTION_COUNT,
    OPT_JSON,
    REFRESH_MS = 10000,
    LOOK_MS = 250,
    WAIT_S = 120,
    WAIT_MAX_S = 600,
    LOOK_MEMORY = 4 * OWNER_REPLY_MAX, /* as a command has it: an answer grows in blocks */
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_TIMEOUT] = { "--timeout", "SECONDS", NULL, "wait so long for all of it (default 120)" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code ask_for_all(struct invocation *in, const char *state, uint32_t *pieces)
{
    struct owner_reply reply;
    struct api_collateral_refresh_response refresh = { .pieces = 0 };
    struct owner_request request = { .state = state,
                                     .method = "POST",
                                     .target = "/v1/collateral/refresh",
                                     .body = span_text("{}"),
                                     .timeout_ms = REFRESH_MS };
    enum exit_code code = house_ask(in, &request, &api_collateral_refresh_response, &refresh,
                                    &reply);
    if (code == EXIT_DONE && !shows_calls(in))
        *pieces = refresh.pieces;
    return code;
}

/* How many pieces the house still waits for.  A look has memory of its own: there are thousands of
   them. */
static enum exit_code look(const struct invocation *in, const char *state, uint32_t *waiting)
{
    struct invocation once = *in;
    struct owner_reply reply;
    struct api_collateral_show_response shown;
    arena_init(&once.arena, LOOK_MEMORY);
    enum exit_code code = collateral_house_ask(&once, state, &shown, &reply);
    if (code == EXIT_DONE)
        *waiting = shown.waiting;
    arena_fini(&once.arena);
    return code;
}

/* Until nothing waits: each piece came, or could not be had. */
static enum exit_code wait_for_all(const struct invocation *in, const char *state, int64_t until_ms,
                                   uint32_t pieces)
{
    struct progress progress;
    uint32_t waiting = 0;
    enum exit_code code;
    progress_begin(&progress, in, "fetching");
    progress.view.unit = "pieces";
    for (;;) {
        code = look(in, state, &waiting);
        if (code != EXIT_DONE || waiting == 0 || clock_monotonic_ms() >= until_ms)
            break;
        progress_count(&progress, pieces > waiting ? pieces - waiting : 0, pieces);
        poll(NULL, 0, LOOK_MS);
    }
    progress_end(&progress);
    if (code != EXIT_DONE || waiting == 0)
        return code;
    say("collateral refresh: not all of it came in time; the house goes on: `ward collateral "
        "show` has how far it is");
    return EXIT_UNREACHABLE;
}

static bool some_failed(const struct api_collateral_show_response *shown)
{
    const struct api_collateral_piece *pieces = shown->pieces.items;
    for (size_t i = 0; i < shown->pieces.count; i++) {
        if (pieces[i].failures > 0)
            return true;
    }
    return false;
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_collateral_show_response shown = { .waiting = 0 };
    uint32_t pieces = 0;
    int64_t wait_s = WAIT_S;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    const char *state = loaded.config.settings.state;
    if (option_given(in, OPT_TIMEOUT) &&
        !input_number(in->values[OPT_TIMEOUT], 1, WAIT_MAX_S, &wait_s)) {
        say("collateral refresh: --timeout is 1 to %d seconds; not \"%s\"", WAIT_MAX_S,
            in->values[OPT_TIMEOUT]);
        return EXIT_USAGE;
    }
    int64_t until_ms = clock_monotonic_ms() + 1000 * wait_s;
    code = ask_for_all(in, state, &pieces);
    if (code == EXIT_DONE && !shows_calls(in))
        code = wait_for_all(in, state, until_ms, pieces);
    if (code == EXIT_DONE)
        code = collateral_house_ask(in, state, &shown, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    code = collateral_house_print(in, option_given(in, OPT_JSON), &shown, &reply);
    if (code != EXIT_DONE || !some_failed(&shown))
        return code;
    say("collateral refresh: not every piece could be had; what was held is kept");
    return EXIT_UNREACHABLE;
}

const struct command command_collateral_refresh = {
    .name = "collateral refresh",
    .operands = "",
    .summary = "have the house fetch its collateral anew",
    .description =
        "Has the house ask its provider (collateral.url) for every piece of collateral that it\n"
        "holds or wants, without waiting for the day that each is due, and waits until all came\n"
        "or could not be had.  Then prints what `ward collateral show` prints.  What is refused\n"
        "or does not come leaves what is held as it is; the exit status is 4 then.\n\n"
        "The house is asked over its owner's socket and must be up.",
    .example = "ward collateral refresh --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "collateral.json#/$defs/house",
    .asks = true,
    .run = run,
};
