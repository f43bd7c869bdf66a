/* main.c - ward.  It runs jobs itself, with the few libraries that this takes; for every other
   command it becomes ward-commands, which has them all and what they are linked with. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/carry_out.h"
#include "cmd/home.h"
#include "cmd/run.h"

enum { PROGRAM_PATH = 4096 };

static const struct command run_here = { RUN_WORDS, .run = run_job };

static enum exit_code become_commands(char **argv)
{
    char path[PROGRAM_PATH];
    if (!home_commands(path, sizeof path))
        return EXIT_INTERNAL;
    execv(path, argv);
    perror(path);
    return EXIT_INTERNAL;
}

/* A machine elsewhere is spoken to with all that this program does not have. */
static enum exit_code run(int argc, char **argv)
{
    const int count = argc - 2;
    char **words = argv + 2;
    struct invocation read = { .command = &run_here };
    if (asks_for_help(count, words))
        return become_commands(argv);
    if (!invocation_parse(&read, count, words))
        return EXIT_USAGE;
    return option_given(&read, OPT_VMM) ? become_commands(argv)
                                        : carry_out(&run_here, count, words);
}

int main(int argc, char **argv)
{
    carry_out_begin();
    const bool runs = argc > 1 && strcmp(argv[1], run_here.name) == 0;
    return (int)(runs ? run(argc, argv) : become_commands(argv));
}
