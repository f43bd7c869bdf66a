/* house_ask.c - see house_ask.h. */
#include "cmd/house_ask.h"

#include <stdio.h>
#include <string.h>

#include "cmd/show_call.h"
#include "codec/json.h"
#include "codec/values.h"

enum { HTTP_OK = 200, CODE_BYTES = 64 };

enum exit_code house_send(struct invocation *in, const struct owner_request *request,
                          struct arena *arena, struct owner_reply *reply)
{
    char why[OWNER_MESSAGE_MAX];
    struct progress progress;
    struct owner_request timed = *request;
    if (shows_calls(in))
        show_call_of_house(in, request);
    if (shows_calls(in) && strcmp(request->method, "GET") != 0) {
        *reply = (struct owner_reply){ .status = HTTP_OK };
        return EXIT_DONE;
    }
    progress_begin(&progress, in, "asking the house");
    timed.tick = (struct net_tick){ progress_tick, &progress };
    bool answered = owner_ask(&timed, arena, reply, why);
    progress_end(&progress);
    if (answered)
        return EXIT_DONE;
    say("%s: the house in %s does not answer: %s; `ward up` starts one, `ward doctor` says what "
        "is wrong, --state names another",
        in->command->name, request->state, why);
    return EXIT_UNREACHABLE;
}

/* A refusal bears the name of its reason (RFC 9457, member "code"); what it says of it is in
   this program, too. */
enum reason house_reason(const struct owner_reply *reply, struct arena *arena)
{
    struct json json;
    uint8_t bytes[CODE_BYTES];
    struct sink code = sink_over(bytes, sizeof bytes);
    if (!json_parse(reply->body, arena, NULL, &json, NULL) ||
        !json_string_copy(&json, json_member(&json, 0, "code"), &code))
        return REASON_NONE;
    return reason_find(sink_bytes(&code));
}

void house_say_refusal(const struct invocation *in, long status, enum reason reason)
{
    const struct reason_info *info = reason_info(reason);
    if (reason == REASON_NONE)
        say("%s: the house answered with status %ld and no reason that this version knows; "
            "`ward doctor` says whether the two are of one version",
            in->command->name, status);
    else
        say("%s: %s: %s %s", in->command->name, info->name, info->cause, info->help);
}

enum exit_code house_exit_code(long status, enum reason reason)
{
    bool is_denied = reason != REASON_NONE && reason_info(reason)->class == RC_DENIED;
    switch (status) {
    case 401:
    case 403:
        return is_denied && reason != REASON_HOUSE_OWNER_ONLY ? EXIT_NO : EXIT_NOT_PERMITTED;
    case 404:
        return EXIT_NOT_FOUND;
    case 409:
    case 412:
        return EXIT_CONFLICT;
    default:
        break;
    }
    if (is_denied)
        return EXIT_NO;
    return status >= 500 || status == 429 ? EXIT_UNREACHABLE : EXIT_USAGE;
}

enum exit_code house_ask(struct invocation *in, const struct owner_request *request,
                         const struct schema_message *message, void *values,
                         struct owner_reply *reply)
{
    struct values_error error;
    enum exit_code code = house_send(in, request, &in->arena, reply);
    if (code != EXIT_DONE)
        return code;
    if (reply->status != HTTP_OK) {
        enum reason reason = house_reason(reply, &in->arena);
        house_say_refusal(in, reply->status, reason);
        return house_exit_code(reply->status, reason);
    }
    if (reply->body.len == 0 && shows_calls(in))
        return EXIT_DONE;
    if (!values_read_json(message, reply->body, &in->arena, values, &error)) {
        say("%s: the house answered what this version does not understand; `ward doctor` says "
            "whether the two are of one version",
            in->command->name);
        return EXIT_INTERNAL;
    }
    return EXIT_DONE;
}

enum exit_code house_print_json(const struct owner_reply *reply)
{
    fwrite(reply->body.at, 1, reply->body.len, stdout);
    putchar('\n');
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}
