/* session_grant.c - `ward session grant`: the owner vouches for a key. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "codec/base64.h"
#include "codec/json_write.h"
#include "model/api.h"
#include "model/session.h"

enum {
    OPT_KEY = SETTINGS_OPTION_COUNT,
    OPT_PROFILE,
    OPT_JSON,
    GRANT_MS = 10000,
    KEY_LEN = 32,
    BODY = 512,
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_KEY] = { "--key", "BASE64", NULL, "the Ed25519 public key that will sign its requests" },
    [OPT_PROFILE] = { "--profile", "NAME", NULL, "v2, or sdk-v1 for the public Challenge SDK" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* Whether the key is one at all, and the profile known, the house says. */
static bool make_body(const struct invocation *in, struct sink *body)
{
    uint8_t key[KEY_LEN];
    struct sink room = sink_over(key, sizeof key);
    struct span name = span_text(in->operands[0]);
    if (!option_given(in, OPT_KEY) || !base64_decode(span_text(in->values[OPT_KEY]), &room) ||
        room.len != sizeof key) {
        say("session grant: --key wants the 32 bytes of an Ed25519 public key, in base64 with its "
            "padding");
        return false;
    }
    if (name.len > SESSION_NAME_MAX) {
        say("session grant: NAME has at most %d characters", SESSION_NAME_MAX);
        return false;
    }
    struct json_writer json = json_write_to(body, 0);
    json_begin_object(&json);
    json_put_key(&json, "name");
    json_put_span(&json, name);
    json_put_key(&json, "public_key");
    json_put_base64(&json, SPAN(key));
    json_put_key(&json, "profile");
    json_put_text(&json, option_given(in, OPT_PROFILE) ? in->values[OPT_PROFILE] : "v2");
    json_end_object(&json);
    if (json_write_ok(&json))
        return true;
    say("session grant: NAME and --profile are UTF-8 text, and not longer than a line");
    return false;
}

static enum exit_code run(struct invocation *in)
{
    uint8_t bytes[BODY];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_session_grant_response granted;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!make_body(in, &body))
        return EXIT_USAGE;
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "POST",
                                     .target = "/v1/sessions/grant",
                                     .body = sink_bytes(&body),
                                     .timeout_ms = GRANT_MS };
    code = house_ask(in, &request, &api_session_grant_response, &granted, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    note(in, "session %.*s begins; its token is on stdout, and nowhere else", (int)granted.id.len,
         (const char *)granted.id.at);
    printf("%.*s\n", (int)granted.token.len, (const char *)granted.token.at);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_session_grant = {
    .name = "session grant",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "let in a client that you vouch for",
    .description =
        "Grants a session of an hour to the holder of a key, on the owner's word, and prints its\n"
        "token, once.  The token is worth nothing without the key: each request is signed.  Such "
        "a\n"
        "session is marked as vouched for and is unbound: it rests on no evidence, so it may make\n"
        "the calls that are for sessions, and gets no key, no credential and no authority.\n\n"
        "It is granted when the security log has it.  A key has 1024 sessions at most.",
    .example = "ward session grant alice --key iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "session.json#/$defs/granted",
    .asks = true,
    .run = run,
};
