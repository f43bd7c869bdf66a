/* keyring_rotate.c - `ward keyring rotate`: a new key takes over. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/confirm.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "model/api.h"

enum { OPT_YES = SETTINGS_OPTION_COUNT, OPT_PLAN, OPT_JSON, ROTATE_MS = 10000 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_YES] = { "--yes", NULL, NULL, "do not ask before replacing the key" },
    [OPT_PLAN] = { "--plan", NULL, NULL, "only say what would be done" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* What replacing a key of this role means to others. */
static const struct consequence {
    const char *role;
    const char *what;
} consequences[] = {
    { "ca", "STATE/ca.pem changes: every client that trusts this CA must be given the new one" },
    { "tls", "the listener gets a new certificate of the same CA: clients notice only when they "
             "pin the key; one of tls.certificate stays as it is" },
    { "log", "heads of the security log are signed by the new key; the record of the rotation "
             "bears the old key's word for it" },
    { "node", "the node has another identity: whoever knows it by its key must be told" },
    { "miner", "miners' tokens are signed by the new key; those of the old one are good until they "
               "expire" },
    { "result", "results of jobs are signed by the new key; those of the old one stay good: each "
                "brings the evidence of its key along" },
};

static const struct consequence *find(const char *role)
{
    for (size_t i = 0; i < COUNT_OF(consequences); i++) {
        if (strcmp(consequences[i].role, role) == 0)
            return &consequences[i];
    }
    return NULL;
}

static bool agreed(const struct invocation *in, const struct consequence *what)
{
    char loss[300];
    snprintf(loss, sizeof loss,
             "this destroys the private part of the %s key and makes a new one: %s", what->role,
             what->what);
    const struct question question = { loss, "the role", what->role };
    return confirm(in, &question);
}

static enum exit_code print_plan(struct invocation *in, const struct consequence *what)
{
    char made[32], destroyed[64];
    snprintf(made, sizeof made, "a new %s key", what->role);
    snprintf(destroyed, sizeof destroyed, "the private part of the present %s key", what->role);
    const struct plan_step steps[] = {
        { "make", made, "it is on disk before it is used" },
        { "destroy", destroyed, what->what },
    };
    return plan_print(in, steps, COUNT_OF(steps), false);
}

static enum exit_code rotate(struct invocation *in, const struct settings *settings,
                             const struct consequence *what)
{
    char body[64];
    struct owner_reply reply;
    struct api_keyring_rotate_response rotated;
    int len = snprintf(body, sizeof body, "{\"role\":\"%s\"}", what->role);
    struct owner_request request = { .state = settings->state,
                                     .method = "POST",
                                     .target = "/v1/keyring/rotate",
                                     .body = span_of(body, (size_t)len),
                                     .timeout_ms = ROTATE_MS };
    enum exit_code code = house_ask(in, &request, &api_keyring_rotate_response, &rotated, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    if (rotated.replaces.len == 0)
        printf("%.*s is the first of its role\n", (int)rotated.id.len, (const char *)rotated.id.at);
    else
        printf("%.*s replaces %.*s\n", (int)rotated.id.len, (const char *)rotated.id.at,
               (int)rotated.replaces.len, (const char *)rotated.replaces.at);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    const struct consequence *what = find(in->operands[0]);
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (what == NULL) {
        say("keyring rotate: there is no key of the role \"%s\"; the roles are ca, tls, log, "
            "node, miner and result",
            in->operands[0]);
        return EXIT_USAGE;
    }
    if (option_given(in, OPT_PLAN))
        return print_plan(in, what);
    if (!shows_calls(in) && !option_given(in, OPT_YES) && !agreed(in, what))
        return EXIT_USAGE;
    return rotate(in, &loaded.config.settings, what);
}

const struct command command_keyring_rotate = {
    .name = "keyring rotate",
    .operands = "ROLE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "replace a key of the house",
    .description =
        "Makes a new key for a role - ca, tls, log, node, miner or result - that takes over from\n"
        "the one in use.  The new keyring is on disk before the new key is used, and the old key's "
        "private\n"
        "part is destroyed with it; the security log gets a record.  Nothing is restarted.\n\n"
        "It asks for the name of the role first, or wants --yes where there is nobody to ask.",
    .example = "ward keyring rotate tls --plan",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "keyring.json#/$defs/rotate",
    .operand_values = "ca tls log node miner result",
    .destroys = "the private part of the key that is replaced",
    .asks = true,
    .run = run,
};
