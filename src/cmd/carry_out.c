/* carry_out.c - see carry_out.h. */
#include "cmd/carry_out.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_MEMORY_MAX = 64 * 1024 * 1024 };

bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

enum exit_code carry_out(const struct command *command, int argc, char **argv)
{
    struct invocation invocation = { .command = command };
    if (!invocation_parse(&invocation, argc, argv))
        return EXIT_USAGE;
    arena_init(&invocation.arena, COMMAND_MEMORY_MAX);
    enum exit_code code = command->run(&invocation);
    arena_fini(&invocation.arena);
    /* Data that did not reach its reader is not "done". */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        say("%s: the output could not be written", command->name);
        return code == EXIT_DONE ? EXIT_INTERNAL : code;
    }
    return code;
}

/* What is opened later must not get the number of a standard descriptor that was closed:
   talk would end up in it.  Reading and writing still fail, as they would have. */
static void hold_standard_numbers(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return;
    }
}

void carry_out_begin(void)
{
    hold_standard_numbers();
    signal(SIGPIPE, SIG_IGN);
}
