/* collateral_house.c - see collateral_house.h. */
#include "cmd/collateral_house.h"

#include <stdio.h>

#include "base/time.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"

enum { SHOW_MS = 10000, ROW = 512 };

enum exit_code collateral_house_ask(struct invocation *in, const char *state,
                                    struct api_collateral_show_response *out,
                                    struct owner_reply *reply)
{
    struct owner_request request = {
        .state = state, .method = "GET", .target = "/v1/collateral", .timeout_ms = SHOW_MS
    };
    return house_ask(in, &request, &api_collateral_show_response, out, reply);
}

static void put_time(char out[32], int64_t at)
{
    struct sink text = sink_over(out, 31);
    if (at == 0)
        sink_u8(&text, '-');
    else
        time_write(&text, at);
    sink_terminate(&text);
}

static void print_piece(const struct api_collateral_piece *piece)
{
    char bytes[ROW], until[32], fetched[32], next[32];
    struct sink row = sink_over(bytes, sizeof bytes - 1);
    put_time(until, piece->valid_until);
    put_time(fetched, piece->fetched);
    put_time(next, piece->next_try);
    sink_format(&row, "%-12.*s %-26.*s %-13.*s %-20s %-20s %-20s", (int)piece->kind.len,
                (const char *)piece->kind.at, (int)piece->detail.len,
                (const char *)piece->detail.at, (int)piece->state.len,
                (const char *)piece->state.at, until, fetched, next);
    if (piece->failures > 0)
        sink_format(&row, " %.*s (%u)", (int)piece->reason.len, (const char *)piece->reason.at,
                    piece->failures);
    sink_terminate(&row);
    print_safe(stdout, bytes);
    putchar('\n');
}

enum exit_code collateral_house_print(const struct invocation *in, bool json,
                                      const struct api_collateral_show_response *shown,
                                      const struct owner_reply *reply)
{
    const struct api_collateral_piece *pieces = shown->pieces.items;
    if (json)
        return house_print_json(reply);
    if (shown->provider.len == 0)
        note(in, "no provider is set (collateral.url): nothing is fetched");
    if (shown->pieces.count == 0)
        note(in, "the house holds no collateral; the first evidence of a platform asks for it");
    else
        printf("%-12s %-26s %-13s %-20s %-20s %-20s %s\n", "KIND", "OF", "STATE", "ENDS", "FETCHED",
               "NEXT TRY", "LAST FAILURE");
    for (size_t i = 0; i < shown->pieces.count; i++)
        print_piece(&pieces[i]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

enum exit_code collateral_house_show(struct invocation *in, bool json)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_collateral_show_response shown;
    enum exit_code code = settings_load(in, &loaded);
    if (code == EXIT_DONE)
        code = collateral_house_ask(in, loaded.config.settings.state, &shown, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    return collateral_house_print(in, json, &shown, &reply);
}
