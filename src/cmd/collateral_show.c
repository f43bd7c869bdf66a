/* collateral_show.c - `ward collateral show`: what the house or a folder holds, for whom, until
   when. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "base/time.h"
#include "cmd/collateral_house.h"
#include "cmd/input.h"
#include "cmd/settings_load.h"
#include "codec/json_write.h"
#include "os/clock.h"
#include "ward/collateral.h"

enum { OPT_ROOT = SETTINGS_OPTION_COUNT, OPT_AT, OPT_JSON };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_ROOT] = { "--root", "FILE", NULL, "of a folder: trust this root certificate too" },
    [OPT_AT] = { "--at", "TIME", NULL,
                 "of a folder: say what is valid at this time (default: now)" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static const char *state_of(const struct ward_collateral_item *item, int64_t now)
{
    struct window window = { item->valid_from, item->valid_until };
    if (!item->genuine)
        return "UNVERIFIED";
    switch (window_side_of(window, now)) {
    case WINDOW_BEFORE:
        return "NOT_YET_VALID";
    case WINDOW_AFTER:
        return "EXPIRED";
    case WINDOW_INSIDE:
        break;
    }
    return "OK";
}

static void put_time(char *out, size_t cap, int64_t at)
{
    struct sink sink = sink_over(out, cap);
    time_write(&sink, at);
    sink_terminate(&sink);
}

static void print_text(const struct ward_collateral *collateral, int64_t now)
{
    struct ward_collateral_item item;
    for (size_t i = 0; ward_collateral_item(collateral, i, &item); i++) {
        char from[40];
        char until[40];
        put_time(from, sizeof from, item.valid_from);
        put_time(until, sizeof until, item.valid_until);
        printf("%-12s %-14s %s .. %s  ", item.kind, state_of(&item, now), from, until);
        if (item.evaluation_number > 0)
            printf("evaluation %u  ", item.evaluation_number);
        print_safe(stdout, item.detail);
        fputs("  ", stdout);
        print_safe(stdout, item.name);
        if (item.problem[0] != 0)
            printf(" (%s)", item.problem);
        fputc('\n', stdout);
    }
}

static bool print_json(struct arena *arena, const struct ward_collateral *collateral, int64_t now)
{
    struct ward_collateral_item item;
    size_t cap = 4096;
    /* A byte of a name is at most six of JSON. */
    for (size_t i = 0; ward_collateral_item(collateral, i, &item); i++)
        cap += 2048 + 6 * strlen(item.name);
    char *room = arena_alloc(arena, cap);
    if (room == NULL)
        return false;
    struct sink sink = sink_over(room, cap);
    struct json_writer json = json_write_to(&sink, 0);
    json_begin_object(&json);
    json_put_key(&json, "items");
    json_begin_array(&json);
    for (size_t i = 0; ward_collateral_item(collateral, i, &item); i++) {
        json_begin_object(&json);
        json_put_member(&json, "name", item.name);
        json_put_member(&json, "kind", item.kind);
        json_put_member(&json, "detail", item.detail);
        json_put_member(&json, "state", state_of(&item, now));
        json_put_member(&json, "problem", item.problem);
        json_put_key(&json, "valid_from");
        json_put_time(&json, item.valid_from);
        json_put_key(&json, "valid_until");
        json_put_time(&json, item.valid_until);
        json_put_key(&json, "evaluation_number");
        json_put_u64(&json, item.evaluation_number);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    if (!json_write_ok(&json))
        return false;
    fwrite(room, 1, sink.len, stdout);
    fputc('\n', stdout);
    return true;
}

static enum exit_code show(struct invocation *in, struct ward_policy *policy,
                           struct ward_collateral **collateral)
{
    struct ward_collateral_files files = { 0 };
    struct ward_error error = { 0 };
    struct ward_bytes *pool;
    struct ward_bytes root = { 0 };
    int64_t now = clock_now();
    if (in->values[OPT_AT] != NULL && !input_time(in->values[OPT_AT], &now))
        return EXIT_USAGE;
    if (in->values[OPT_ROOT] != NULL) {
        if (!input_file(&in->arena, in->values[OPT_ROOT], COLLATERAL_FILE_MAX, &root))
            return EXIT_USAGE;
        if (ward_policy_add_root(policy, root, &error) != WARD_DONE) {
            say("%s", error.message);
            return EXIT_USAGE;
        }
    }
    if (!input_folder(&in->arena, in->operands[0], &pool, &files.pool_count))
        return EXIT_USAGE;
    files.pool = pool;
    if (ward_collateral_new(&files, policy, collateral, &error) != WARD_DONE) {
        say("%s", error.message);
        return EXIT_USAGE;
    }
    if (!option_given(in, OPT_JSON)) {
        print_text(*collateral, now);
        return EXIT_DONE;
    }
    return print_json(&in->arena, *collateral, now) ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code show_folder(struct invocation *invocation)
{
    struct ward_policy *policy = NULL;
    struct ward_collateral *collateral = NULL;
    struct ward_error error = { 0 };
    if (ward_policy_new(&policy, &error) != WARD_DONE) {
        say("%s", error.message);
        return EXIT_INTERNAL;
    }
    enum exit_code code = show(invocation, policy, &collateral);
    ward_collateral_free(&collateral);
    ward_policy_free(&policy);
    return code;
}

/* What belongs to the other of the two says nothing here. */
static enum exit_code run(struct invocation *in)
{
    bool folder = in->operand_count > 0;
    size_t from = folder ? 0 : OPT_ROOT, to = folder ? OPT_ROOT : OPT_JSON;
    for (size_t i = from; i < to; i++) {
        if (!option_given(in, i))
            continue;
        say("collateral show: %s is for %s", options[i].name,
            folder ? "the house: leave DIR out" : "a folder: name it");
        return EXIT_USAGE;
    }
    return folder ? show_folder(in) : collateral_house_show(in, option_given(in, OPT_JSON));
}

const struct command command_collateral_show = {
    .name = "collateral show",
    .operands = "[DIR]",
    .operands_max = 1,
    .summary = "list the collateral of the house or of a folder",
    .description =
        "Without DIR: each piece that the house keeps, for which platform or enclave, whether it\n"
        "is valid, until when, when it was fetched and is fetched next, and why the last try\n"
        "failed if it did.  The house is asked over its owner's socket and must be up.\n\n"
        "With DIR: every file of that folder that is collateral: what it is, for which platform\n"
        "or enclave, whether its signature leads to a trusted root, and when it is valid.  Files\n"
        "are recognised by content, never by name.  No house is asked.",
    .example = "ward collateral show ./collateral",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "collateral.json#/$defs/show",
    .asks = true,
    .run = run,
};
