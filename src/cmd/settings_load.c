/* settings_load.c - see settings_load.h. */
#include "cmd/settings_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/input.h"

enum { PROBLEM_LINE_BYTES = PATH_MAX + 2 * CONFIG_PROBLEM_TEXT_MAX };

static bool find_working_folder(struct settings_loaded *loaded)
{
    if (getcwd(loaded->folder, sizeof loaded->folder) != NULL && loaded->folder[0] == '/')
        return true;
    say("the working folder cannot be found: %s", strerror(errno));
    return false;
}

/* The folder of a file, without symbolic links; standard input lies in the working folder. */
static bool find_file_folder(const char *path, struct settings_loaded *loaded)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        struct sink out = sink_over(folder, sizeof folder - 1);
        sink_put(&out, span_of(path, (size_t)(slash - path) + 1));
        if (!sink_ok(&out)) {
            say("%s: the path is too long", path);
            return false;
        }
        folder[out.len] = 0;
    }
    if (realpath(folder, loaded->file_folder) != NULL)
        return true;
    say("%s: %s", folder, strerror(errno));
    return false;
}

bool settings_read_file(struct invocation *invocation, const char *path,
                        struct settings_loaded *loaded, struct span *out)
{
    struct ward_bytes bytes;
    if (!find_working_folder(loaded) || !find_file_folder(path, loaded) ||
        !input_file(&invocation->arena, path, CONFIG_FILE_MAX, &bytes))
        return false;
    loaded->file = bytes.name;
    *out = span_of(bytes.data, bytes.len);
    return true;
}

void settings_origin(struct sink *out, const char *file, const struct config_key *key,
                     const struct config_origin *origin)
{
    switch (origin->source) {
    case CONFIG_DEFAULT:
        sink_text(out, "default");
        break;
    case CONFIG_FILE:
        sink_format(out, "%s:%u:%u", file, origin->place.line, origin->place.column);
        break;
    case CONFIG_ENVIRONMENT:
        config_key_variable(out, key);
        break;
    case CONFIG_FLAG:
        sink_text(out, origin->option);
        break;
    }
}

static void say_problems(const char *file, const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count && i < CONFIG_PROBLEMS_MAX; i++) {
        char text[PROBLEM_LINE_BYTES];
        struct sink line = sink_over(text, sizeof text);
        config_problem_write(&line, file, &problems->list[i]);
        sink_terminate(&line);
        say("%s", text);
    }
    if (problems->count > CONFIG_PROBLEMS_MAX)
        say("%zu more problems are not shown", problems->count - CONFIG_PROBLEMS_MAX);
}

/* The options of the command line that set a key, in the order of the table, then --set. */
static size_t list_flags(const struct invocation *invocation, struct config_flag *flags)
{
    size_t count = 0;
    for (size_t i = SETTINGS_STATE; i < SETTINGS_OPTION_COUNT; i++) {
        if (option_given(invocation, i))
            flags[count++] = (struct config_flag){ invocation->command->options[i].name,
                                                   invocation->values[i] };
    }
    for (size_t i = 0; i < invocation->repeated_count; i++) {
        if (invocation->repeated[i].option == SETTINGS_SET)
            flags[count++] = (struct config_flag){ "--set", invocation->repeated[i].value };
    }
    return count;
}

/* The whole path of ward.toml: a house reads it again from another working folder. */
static const char *whole_path(struct arena *arena, const char *folder, const char *file)
{
    if (file == NULL)
        return "";
    if (strcmp(file, "-") == 0)
        return "-";
    const char *slash = strrchr(file, '/');
    const char *name = slash == NULL ? file : slash + 1;
    size_t cap = strlen(folder) + strlen(name) + 2;
    char *path = arena_alloc(arena, cap);
    if (path != NULL)
        snprintf(path, cap, "%s/%s", folder, name);
    return path;
}

bool settings_override(struct invocation *invocation, struct settings_loaded *loaded,
                       const char *option, const char *value)
{
    struct config_inputs *inputs = &loaded->sources.inputs;
    struct config_flag *flags = arena_array(&invocation->arena, inputs->flag_count + 1,
                                            sizeof *flags);
    struct span text;
    if (flags == NULL ||
        !arena_copy(&invocation->arena, span_of(value, strlen(value) + 1), &text)) {
        say("%s: out of memory", invocation->command->name);
        return false;
    }
    for (size_t i = 0; i < inputs->flag_count; i++)
        flags[i] = inputs->flags[i];
    flags[inputs->flag_count] = (struct config_flag){ option, (const char *)text.at };
    inputs->flags = flags;
    inputs->flag_count++;
    return true;
}

enum exit_code settings_load(struct invocation *invocation, struct settings_loaded *out)
{
    struct config_flag *flags = arena_array(&invocation->arena,
                                            REPEATED_MAX + SETTINGS_OPTION_COUNT, sizeof *flags);
    if (flags == NULL) {
        say("%s: out of memory", invocation->command->name);
        return EXIT_INTERNAL;
    }
    struct config_inputs inputs = { .environment = (const char *const *)environ,
                                    .flags = flags,
                                    .flag_count = list_flags(invocation, flags) };
    const char *path = invocation->values[SETTINGS_CONFIG];
    if (path == NULL)
        path = getenv("WARD_CONFIG");
    out->file = NULL;
    if (!find_working_folder(out) ||
        (path != NULL && !settings_read_file(invocation, path, out, &inputs.file)))
        return EXIT_CONFIG;
    inputs.folder = out->folder;
    inputs.file_folder = out->file_folder;
    struct config_problems *problems = arena_alloc(&invocation->arena, sizeof *problems);
    out->sources = (struct sources){ whole_path(&invocation->arena, out->file_folder, path),
                                     inputs };
    out->sources.inputs.file = (struct span){ 0 };
    if (problems == NULL || out->sources.file == NULL) {
        say("%s: out of memory", invocation->command->name);
        return EXIT_INTERNAL;
    }
    if (!config_read(&inputs, &invocation->arena, &out->config, problems)) {
        say_problems(out->file, problems);
        return EXIT_CONFIG;
    }
    out->config.settings.owner = getuid();
    return EXIT_DONE;
}
