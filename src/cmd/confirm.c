/* confirm.c - see confirm.h. */
#include "cmd/confirm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/config_print.h"

enum { ANSWER_BYTES = 4096 };

static void print_steps(const struct plan_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("%s ", steps[i].action);
        print_safe(stdout, steps[i].target);
        if (steps[i].consequence != NULL)
            printf(": %s", steps[i].consequence);
        putchar('\n');
    }
}

enum exit_code plan_print(struct invocation *in, const struct plan_step *steps, size_t count,
                          bool done)
{
    struct sink out;
    if (!json_wanted(in)) {
        print_steps(steps, count);
        return EXIT_DONE;
    }
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    json_put_key(&json, "done");
    json_put_bool(&json, done);
    json_put_key(&json, "steps");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&json);
        config_json_text(&json, "action", steps[i].action);
        config_json_text(&json, "target", steps[i].target);
        config_json_text(&json, "consequence", steps[i].consequence);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    sink_text(&out, "\n");
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}

bool confirm(const struct invocation *in, const struct question *question)
{
    char line[ANSWER_BYTES];
    const char *name = in->command->name;
    if (in->common[COMMON_NO_INPUT] || isatty(STDIN_FILENO) == 0) {
        say("%s: %s; nothing was done: say --yes to have it done, --plan to see each step", name,
            question->loss);
        return false;
    }
    print_safe(stderr, question->loss);
    fprintf(stderr, ".\nType the name of %s to go on (", question->named);
    print_safe(stderr, question->name);
    fputs("): ", stderr);
    if (fgets(line, sizeof line, stdin) == NULL)
        line[0] = 0;
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, question->name) == 0)
        return true;
    say("%s: that is not the name; nothing was done", name);
    return false;
}
