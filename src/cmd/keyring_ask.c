/* keyring_ask.c - see keyring_ask.h. */
#include "cmd/keyring_ask.h"

#include <stdio.h>

#include "codec/json.h"
#include "codec/values.h"
#include "model/reason.h"

enum { HTTP_OK = 200, HTTP_DENIED = 403, CODE_BYTES = 64 };

/* A refusal bears the name of its reason (RFC 9457, member "code"); what it says of it is in
   this program, too. */
static enum exit_code refused(struct invocation *in, const struct owner_reply *reply)
{
    struct json json;
    uint8_t bytes[CODE_BYTES];
    struct sink code = sink_over(bytes, sizeof bytes);
    if (!json_parse(reply->body, &in->arena, NULL, &json, NULL) ||
        !json_string_copy(&json, json_member(&json, 0, "code"), &code)) {
        say("%s: the house answered with status %ld", in->command->name, reply->status);
        return EXIT_INTERNAL;
    }
    enum reason reason = reason_find(sink_bytes(&code));
    const struct reason_info *info = reason_info(reason);
    say("%s: %s: %s %s", in->command->name, info->name, info->cause, info->help);
    if (reply->status == HTTP_DENIED && reason == REASON_HOUSE_OWNER_ONLY)
        return EXIT_NOT_PERMITTED;
    return info->class == RC_DENIED ? EXIT_NO : EXIT_UNREACHABLE;
}

enum exit_code keyring_ask(struct invocation *in, const struct owner_request *request,
                           const struct schema_message *message, void *values,
                           struct owner_reply *reply)
{
    char why[OWNER_MESSAGE_MAX];
    struct values_error error;
    if (!owner_ask(request, &in->arena, reply, why)) {
        say("%s: %s", in->command->name, why);
        return EXIT_UNREACHABLE;
    }
    if (reply->status != HTTP_OK)
        return refused(in, reply);
    if (!values_read_json(message, reply->body, &in->arena, values, &error)) {
        say("%s: the house answered what this version does not understand", in->command->name);
        return EXIT_INTERNAL;
    }
    return EXIT_DONE;
}

enum exit_code keyring_print_json(const struct owner_reply *reply)
{
    fwrite(reply->body.at, 1, reply->body.len, stdout);
    putchar('\n');
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}
