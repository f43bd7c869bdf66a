/* token_issue.c - `ward token issue`: a token that lets a miner ask a challenge, once. */
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/house_ask.h"
#include "cmd/input.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "codec/json_write.h"
#include "codec/miner_token.h"
#include "model/api.h"

enum {
    OPT_MINER = SETTINGS_OPTION_COUNT,
    OPT_SUBJECT,
    OPT_CHALLENGE,
    OPT_UID,
    OPT_JOB,
    OPT_SCOPE,
    OPT_TTL,
    OPT_JSON,
    ISSUE_MS = 10000,
    BODY = 2048,
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_MINER] = { "--miner", NULL, NULL, "a miner's token (there is no other kind yet)" },
    [OPT_SUBJECT] = { "--subject", "HOTKEY", NULL, "for whom: the miner's hotkey, in base58" },
    [OPT_CHALLENGE] = { "--challenge", "NAME", NULL, "for which challenge" },
    [OPT_UID] = { "--uid", "N", NULL, "the miner's number (default: 0)" },
    [OPT_JOB] = { "--job", "ID", NULL, "the job that it is about" },
    [OPT_SCOPE] = { .name = "--scope",
                    .argument = "ROUTE",
                    .help = "a public route that it is good for; may be repeated (default: all)",
                    .repeats = true },
    [OPT_TTL] = { "--ttl", "SECONDS", NULL, "for how long, at most 300 (default: 300)" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static bool is_wrong(const struct invocation *in, size_t option, bool good, const char *what)
{
    if (!good)
        say("token issue: %s %s, not \"%s\"", options[option].name, what, in->values[option]);
    return !good;
}

/* What the house would refuse is said here, with the option's name. */
static bool words_are_good(const struct invocation *in, int64_t *uid, int64_t *seconds)
{
    static const char word[] = "is 1 to 64 letters, digits, - or _";
    static const size_t needed[] = { OPT_MINER, OPT_SUBJECT, OPT_CHALLENGE };
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (!option_given(in, needed[i])) {
            say("token issue: %s is needed: %s", options[needed[i]].name, options[needed[i]].help);
            return false;
        }
    }
    if (is_wrong(in, OPT_SUBJECT, miner_subject_is_good(span_text(in->values[OPT_SUBJECT])),
                 "is 32 to 64 characters of base58") ||
        is_wrong(in, OPT_CHALLENGE, miner_word_is_good(span_text(in->values[OPT_CHALLENGE])), word))
        return false;
    if (option_given(in, OPT_JOB) &&
        is_wrong(in, OPT_JOB, miner_word_is_good(span_text(in->values[OPT_JOB])), word))
        return false;
    if (option_given(in, OPT_UID) &&
        is_wrong(in, OPT_UID, input_number(in->values[OPT_UID], 0, UINT32_MAX, uid),
                 "is a number below 2^32"))
        return false;
    return !option_given(in, OPT_TTL) ||
           !is_wrong(in, OPT_TTL, input_number(in->values[OPT_TTL], 1, MINER_LIFE_MAX_S, seconds),
                     "is a number of seconds, 1 to 300");
}

static bool put_scopes(const struct invocation *in, struct json_writer *json)
{
    size_t count = 0;
    json_put_key(json, "scope");
    json_begin_array(json);
    for (size_t i = 0; i < in->repeated_count; i++) {
        const char *scope = in->repeated[i].value;
        if (in->repeated[i].option != OPT_SCOPE)
            continue;
        if (!miner_scope_is_good(span_text(scope)) || ++count > MINER_SCOPES_MAX) {
            say("token issue: --scope is a route's name or *, at most 8 of them, not \"%s\"",
                scope);
            return false;
        }
        json_put_text(json, scope);
    }
    json_end_array(json);
    return true;
}

static bool write_body(const struct invocation *in, struct sink *body)
{
    struct json_writer json = json_write_to(body, 0);
    int64_t uid = 0, seconds = 0;
    if (!words_are_good(in, &uid, &seconds))
        return false;
    json_begin_object(&json);
    json_put_key(&json, "type");
    json_put_text(&json, "miner");
    json_put_key(&json, "subject");
    json_put_text(&json, in->values[OPT_SUBJECT]);
    json_put_key(&json, "challenge");
    json_put_text(&json, in->values[OPT_CHALLENGE]);
    json_put_key(&json, "uid");
    json_put_i64(&json, uid);
    if (option_given(in, OPT_JOB)) {
        json_put_key(&json, "job");
        json_put_text(&json, in->values[OPT_JOB]);
    }
    if (!put_scopes(in, &json))
        return false;
    json_put_key(&json, "seconds");
    json_put_i64(&json, seconds);
    json_end_object(&json);
    return json_write_ok(&json);
}

/* The token alone on stdout, so that it can be handed on; what is to be known of it beside. */
static enum exit_code print_token(const struct invocation *in,
                                  const struct api_token_issue_response *issued)
{
    char text[32];
    struct sink expires = sink_over(text, sizeof text - 1);
    time_write(&expires, issued->expires);
    sink_terminate(&expires);
    note(in, "good for one request until %s; the security log knows it as %.*s", text,
         (int)issued->id.len, (const char *)issued->id.at);
    printf("%.*s\n", (int)issued->token.len, (const char *)issued->token.at);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code run(struct invocation *in)
{
    uint8_t bytes[BODY];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_token_issue_response issued;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!write_body(in, &body))
        return EXIT_USAGE;
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "POST",
                                     .target = "/v1/token/issue",
                                     .body = sink_bytes(&body),
                                     .timeout_ms = ISSUE_MS };
    code = house_ask(in, &request, &api_token_issue_response, &issued, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    return option_given(in, OPT_JSON) ? house_print_json(&reply) : print_token(in, &issued);
}

const struct command command_token_issue = {
    .name = "token issue",
    .operands = "",
    .summary = "issue a token to a miner",
    .description =
        "Prints a MinerToken: whoever shows it may ask the public routes of one challenge, in the\n"
        "name of the hotkey, with one request and for at most five minutes.  It is printed this\n"
        "once and kept nowhere; the security log has its jti before it is given out.\n\n"
        "The house is asked over its owner's socket and must be up.",
    .example = "ward token issue --miner --challenge sums "
               "--subject 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "token.json",
    .asks = true,
    .run = run,
};
