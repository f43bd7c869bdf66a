/* session_list.c - `ward session list`: who was let in and signs what it asks. */
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "codec/hex.h"
#include "model/api.h"

enum {
    OPT_AFTER = SETTINGS_OPTION_COUNT,
    OPT_JSON,
    LIST_MS = 10000,
    LIMIT = 1000,
    AFTER_MAX = 32, /* bytes of what an earlier list named */
    TARGET = 128,
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_AFTER] = { "--after", "ID", NULL, "go on where an earlier list ended" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static const char *basis(const struct api_session *session)
{
    if (session->vouched)
        return "owner";
    return session->unbound ? "unbound" : "evidence";
}

static void print(const struct api_session *session)
{
    char bytes[320], end[32];
    struct sink row = sink_over(bytes, sizeof bytes - 1), until = sink_over(end, sizeof end - 1);
    time_write(&until, session->expires);
    sink_terminate(&until);
    sink_format(&row, "%-32.*s %-8s %-7.*s %s  %.*s", (int)session->id.len,
                (const char *)session->id.at, basis(session), (int)session->profile.len,
                (const char *)session->profile.at, end, (int)session->name.len,
                (const char *)session->name.at);
    sink_terminate(&row);
    print_safe(stdout, bytes);
    putchar('\n');
}

/* Hex alone, so that nothing of it could be read as more of a target. */
static bool make_target(const struct invocation *in, char target[TARGET])
{
    const char *after = option_given(in, OPT_AFTER) ? in->values[OPT_AFTER] : "";
    uint8_t bytes[AFTER_MAX];
    struct sink room = sink_over(bytes, sizeof bytes);
    bool good = hex_decode_sink(span_text(after), &room);
    if (!good)
        say("session list: --after is the id that an earlier list named");
    snprintf(target, TARGET, "/v1/sessions?after=%s&limit=%d", good ? after : "", LIMIT);
    return good;
}

static enum exit_code run(struct invocation *in)
{
    char target[TARGET];
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_session_list_response list;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!make_target(in, target))
        return EXIT_USAGE;
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "GET",
                                     .target = target,
                                     .timeout_ms = LIST_MS };
    code = house_ask(in, &request, &api_session_list_response, &list, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (list.next.len > 0)
        note(in, "more follow: --after %.*s", (int)list.next.len, (const char *)list.next.at);
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    const struct api_session *sessions = list.sessions.items;
    if (list.sessions.count > 0)
        printf("%-32s %-8s %-7s %-20s  %s\n", "ID", "BASIS", "PROFILE", "UNTIL", "NAME");
    else
        note(in, "there is no session");
    for (size_t i = 0; i < list.sessions.count; i++)
        print(&sessions[i]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_session_list = {
    .name = "session list",
    .operands = "",
    .summary = "show who has a session",
    .description =
        "Prints the sessions that are not over: what each is called by, what it rests on "
        "(evidence\n"
        "that was judged, or the owner's word), the profile that its peer speaks, until when, and\n"
        "the peer's name.  No token is shown: the house has none.\n\n"
        "The house is asked over its owner's socket and must be up.",
    .example = "ward session list --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "session.json#/$defs/list",
    .asks = true,
    .run = run,
};
