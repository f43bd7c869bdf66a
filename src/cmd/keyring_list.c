/* keyring_list.c - `ward keyring list`: the keys of the house, without what is secret. */
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "codec/base64.h"
#include "model/api.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT, LIST_MS = 10000, ROW = 512 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static void put_padded(struct sink *row, struct span text, size_t width)
{
    sink_put(row, text);
    for (size_t have = text.len; have < width; have++)
        sink_u8(row, ' ');
    sink_u8(row, ' ');
}

static void put_time(struct sink *row, int64_t at)
{
    uint8_t bytes[32];
    struct sink text = sink_over(bytes, sizeof bytes);
    if (at == 0)
        sink_u8(&text, '-');
    else
        time_write(&text, at);
    put_padded(row, sink_bytes(&text), 20);
}

static void print_key(const struct api_keyring_key *key)
{
    char bytes[ROW];
    struct sink row = sink_over(bytes, sizeof bytes - 1);
    put_padded(&row, key->id, 32);
    put_padded(&row, key->role, 5);
    put_padded(&row, key->kind, 7);
    put_padded(&row, key->state, 9);
    put_time(&row, key->created);
    put_time(&row, key->retired);
    put_padded(&row, key->source, 7);
    base64_encode(&row, key->public_part);
    sink_terminate(&row);
    print_safe(stdout, bytes);
    putchar('\n');
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_keyring_list_response list;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "GET",
                                     .target = "/v1/keyring/keys",
                                     .timeout_ms = LIST_MS };
    code = house_ask(in, &request, &api_keyring_list_response, &list, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    printf("%-32s %-5s %-7s %-9s %-20s %-20s %-7s %s\n", "ID", "ROLE", "KIND", "STATE", "BORN",
           "RETIRED", "SOURCE", "PUBLIC");
    const struct api_keyring_key *keys = list.keys.items;
    for (size_t i = 0; i < list.keys.count; i++)
        print_key(&keys[i]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_keyring_list = {
    .name = "keyring list",
    .operands = "",
    .summary = "show the keys of the house",
    .description =
        "Prints every long-term key with what it is for, where it is in its life, when it was\n"
        "born and retired, where it is kept, and its public part in base64.  A retired key's "
        "private part is gone;\n"
        "it stays in the list so that what it signed can be verified.  One whose source is file "
        "is\n"
        "that of tls.key: it was born when the house took it, and `ward keyring rotate tls` does\n"
        "not replace it.\n\n"
        "The house is asked over its owner's socket and must be up.",
    .example = "ward keyring list --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "keyring.json#/$defs/list",
    .asks = true,
    .run = run,
};
