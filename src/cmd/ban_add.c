/* ban_add.c - `ward ban add`: an address is kept out from now on. */
#include <stddef.h>
#include <stdio.h>

#include "base/number.h"
#include "cmd/ban.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "model/address.h"
#include "proc/config_value.h"

enum { OPT_FOR = SETTINGS_OPTION_COUNT, OPT_JSON, ADD_MS = 10000, LONGEST = 10 * 365 * 86400 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_FOR] = { "--for", "TIME", NULL,
                  "how long: seconds, or a number with s, m, h or d (default: until it is "
                  "lifted)" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

bool ban_read_number(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    if (text[0] == 0)
        return false;
    for (const char *c = text; *c != 0; c++) {
        if (*c < '0' || *c > '9')
            return false;
        number = 10 * number + (uint64_t)(*c - '0');
        if (number > UINT32_MAX)
            return false;
    }
    *out = number;
    return true;
}

bool ban_peer_is_one(const struct invocation *in, const char *text)
{
    struct network network;
    bool good = network_parse(span_text(text), &network);
    bool is_peer = good && (network.bits == ADDRESS_BITS ||
                            (network.bits == ADDRESS_PEER_BITS && !address_is_v4(&network.base)));
    if (!is_peer)
        say("%s: \"%s\" is neither an address nor a /64 of IPv6; names are not looked up",
            in->command->name, text);
    return is_peer;
}

/* As a time of ward.toml is read; 0 where none is given. */
static bool read_time(const struct invocation *in, uint32_t *out)
{
    static const struct config_key time = { .name = "--for",
                                            .form = CONFIG_SECONDS,
                                            .field = offsetof(struct settings, idle_seconds),
                                            .least = 1,
                                            .most = LONGEST };
    struct settings settings = { .idle_seconds = 0 };
    struct config_why why;
    bool good = !option_given(in, OPT_FOR) ||
                config_value_text(&time, span_text(in->values[OPT_FOR]), "/", &settings, &why);
    if (!good)
        say("ban add: --for %s %s", in->values[OPT_FOR], why.text);
    *out = settings.idle_seconds;
    return good;
}

static enum exit_code run(struct invocation *in)
{
    char body[128];
    uint32_t seconds = 0;
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_ban ban;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!ban_peer_is_one(in, in->operands[0]) || !read_time(in, &seconds))
        return EXIT_USAGE;
    int len = snprintf(body, sizeof body, "{\"address\":\"%s\",\"seconds\":%u}", in->operands[0],
                       seconds);
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "POST",
                                     .target = "/v1/admission/impose",
                                     .body = span_of(body, (size_t)len),
                                     .timeout_ms = ADD_MS };
    code = house_ask(in, &request, &api_ban, &ban, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    ban_print_head();
    ban_print(&ban);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_ban_add = {
    .name = "ban add",
    .operands = "ADDRESS",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "ban an address",
    .description =
        "Keeps an address out: what is open from there is cut, and nothing new is let in, for a\n"
        "time or until `ward ban lift`.  Of IPv6 the whole /64 is banned.  A ban by hand gives "
        "way\n"
        "to no flood, and is in the security log before it holds.  It ends with the house: after\n"
        "`ward down` it is forgotten.\n\n"
        "This machine itself and what is on admit.never_ban cannot be banned.",
    .example = "ward ban add 192.0.2.1 --for 2h",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "ban.json#/$defs/ban",
    .asks = true,
    .run = run,
};
