/* config_check.c - `ward config check`: every mistake of a file, before it is used. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/settings_load.h"
#include "cmd/tls_look.h"

enum { OPT_JSON };

static const struct option_spec options[] = {
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static size_t kept(const struct config_problems *problems)
{
    return problems->count < CONFIG_PROBLEMS_MAX ? problems->count : CONFIG_PROBLEMS_MAX;
}

static void write_text(const char *file, const struct config_problems *problems)
{
    for (size_t i = 0; i < kept(problems); i++) {
        char text[PATH_MAX + 2 * CONFIG_PROBLEM_TEXT_MAX];
        struct sink line = sink_over(text, sizeof text);
        config_problem_write(&line, file, &problems->list[i]);
        sink_terminate(&line);
        print_safe(stdout, text);
        fputc('\n', stdout);
    }
    if (problems->count > kept(problems))
        say("%zu more problems are not shown", problems->count - kept(problems));
}

static void write_json(struct sink *out, const char *file, const struct config_problems *problems)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "valid");
    json_put_bool(&json, problems->count == 0);
    config_json_text(&json, "file", file);
    json_put_key(&json, "problem_count");
    json_put_u64(&json, problems->count);
    json_put_key(&json, "problems");
    json_begin_array(&json);
    for (size_t i = 0; i < kept(problems); i++) {
        const struct config_problem *problem = &problems->list[i];
        json_begin_object(&json);
        json_put_key(&json, "line");
        json_put_u64(&json, problem->place.line);
        json_put_key(&json, "column");
        json_put_u64(&json, problem->place.column);
        config_json_text(&json, "text", problem->text);
        config_json_text(&json, "nearest", problem->nearest[0] != 0 ? problem->nearest : NULL);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    sink_text(out, "\n");
}

/* A fault of one of the files that settings name, as the mistake of that setting. */
static void put_fault(const struct config *config, const char *name, const struct tls_fault *fault,
                      struct config_problems *problems)
{
    const struct reason_info *info = reason_info(fault->reason);
    struct config_problem *problem = &problems->list[problems->count++];
    size_t key = config_key_index(config_key_find(span_text(name)));
    *problem = (struct config_problem){ .source = CONFIG_FILE,
                                        .place = config->origins[key].place };
    snprintf(problem->text, sizeof problem->text, "%s: %s: %s", name, info->name, info->cause);
    say("%s: %s. %s", info->name, fault->text, info->help);
}

/* The listener's certificate and its key.  False: nobody could look at them. */
static bool check_own(const struct config *config, struct config_problems *problems)
{
    struct tls_looked looked;
    if (config->settings.tls_certificate[0] == 0)
        return true;
    if (!tls_look(&config->settings, &looked))
        return false;
    if (looked.fault.reason == REASON_NONE)
        return true;
    bool of_key = tls_path(&config->settings, looked.fault.reason) == config->settings.tls_key;
    put_fault(config, of_key ? "tls.key" : "tls.certificate", &looked.fault, problems);
    return true;
}

/* What operators' certificates are judged by.  A list that has ended is no mistake of the file's:
   doctor says so. */
static bool check_clients(const struct config *config, struct arena *arena,
                          struct config_problems *problems)
{
    struct tls_clients_looked looked;
    if (!tls_look_clients(&config->settings, arena, &looked))
        return false;
    if (looked.fault.reason != REASON_NONE)
        put_fault(config,
                  looked.fault.reason == REASON_TLS_CLIENT_CA_UNUSABLE ? "tls.client_ca"
                                                                       : "tls.client_crl",
                  &looked.fault, problems);
    return true;
}

/* The files that the settings name, where all else is good. */
static bool check_tls(const struct config *config, struct arena *arena,
                      struct config_problems *problems)
{
    return check_own(config, problems) && check_clients(config, arena, problems);
}

static enum exit_code run(struct invocation *invocation)
{
    struct settings_loaded loaded;
    struct config_problems problems;
    struct config_inputs inputs = { .folder = loaded.folder, .file_folder = loaded.file_folder };
    struct sink out;
    if (!settings_read_file(invocation, invocation->operands[0], &loaded, &inputs.file))
        return EXIT_USAGE;
    bool valid = config_read(&inputs, &invocation->arena, &loaded.config, &problems);
    if (valid && !check_tls(&loaded.config, &invocation->arena, &problems))
        return EXIT_INTERNAL;
    valid = valid && problems.count == 0;
    if (!option_given(invocation, OPT_JSON)) {
        write_text(loaded.file, &problems);
        return valid ? EXIT_DONE : EXIT_CONFIG;
    }
    if (!config_print_begin(invocation, &out))
        return EXIT_INTERNAL;
    write_json(&out, loaded.file, &problems);
    if (!config_print_end(&out))
        return EXIT_INTERNAL;
    return valid ? EXIT_DONE : EXIT_CONFIG;
}

const struct command command_config_check = {
    .name = "config check",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "find every mistake of a ward.toml",
    .description =
        "Reads a ward.toml(5) as the house would and prints every mistake, one a line, with\n"
        "the place and, where a name is not known, the nearest that is.  Nothing is printed,\n"
        "and the exit code is 0, when there is none; it is 3 when there are some.  The\n"
        "environment is not looked at.  \"-\" is standard input.",
    .example = "ward config check ward.toml",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "config.json#/$defs/check",
    .run = run,
};
