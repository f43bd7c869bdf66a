/* peer_list.c - `ward peer list`: whom the house knows by name, and how they are. */
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "model/api.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT, LIST_MS = 10000, LINE = 1024 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static void put_why(struct sink *row, struct span reason, struct span detail)
{
    sink_put(row, reason.len > 0 ? reason : span_text("-"));
    if (detail.len > 0) {
        sink_text(row, ": ");
        sink_put(row, detail);
    }
    sink_terminate(row);
    print_safe(stdout, (const char *)row->at);
    putchar('\n');
}

/* A challenge has a row of its own for what is passed on to it. */
static void print(const struct api_peer *peer)
{
    char bytes[LINE], since[32] = "-";
    struct sink row = sink_over(bytes, sizeof bytes - 1), when = sink_over(since, sizeof since - 1);
    if (peer->since != 0) {
        time_write(&when, peer->since);
        sink_terminate(&when);
    }
    const struct span profile = peer->profile.len > 0 ? peer->profile : span_text("-");
    sink_format(&row, "%-31.*s %-10.*s %-8.*s %-20s ", (int)peer->name.len,
                (const char *)peer->name.at, (int)peer->state.len, (const char *)peer->state.at,
                (int)profile.len, (const char *)profile.at, since);
    put_why(&row, peer->reason, peer->detail);
    if (peer->public.len == 0)
        return;
    row = sink_over(bytes, sizeof bytes - 1);
    sink_format(&row, "%-31.*s %-10s %-8s %-20s ", (int)peer->name.len, (const char *)peer->name.at,
                "public", "-", "-");
    put_why(&row, peer->public_reason, peer->public_detail);
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_peers_list_response list;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "GET",
                                     .target = "/v1/peers",
                                     .timeout_ms = LIST_MS };
    code = house_ask(in, &request, &api_peers_list_response, &list, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    const struct api_peer *peers = list.peers.items;
    if (list.peers.count > 0)
        printf("%-31s %-10s %-8s %-20s %s\n", "NAME", "STATE", "PROFILE", "SINCE", "REASON");
    else
        note(in, "there is no [peers.NAME] in what the house was started with");
    for (size_t i = 0; i < list.peers.count; i++)
        print(&peers[i]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_peer_list = {
    .name = "peer list",
    .operands = "",
    .summary = "show the peers that the house knows by name",
    .description =
        "Prints every [peers.NAME] of the ward.toml(5) that the house was started with: whether\n"
        "its connection is open, what is spoken over it, since when it is as it is, and why it\n"
        "is not there.  A peer is called again and again, 1 to 30 seconds after a failure.  The\n"
        "session of one of profile sdk-v1, that of the public Challenge SDK, is unbound: it\n"
        "has no key, no credential and no authority.  One with `public`, a challenge, has a\n"
        "second row: why the last request of a miner that was passed on to it had no answer.\n\n"
        "The house is asked over its owner's socket and must be up.",
    .example = "ward peer list --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "peer.json",
    .asks = true,
    .run = run,
};
