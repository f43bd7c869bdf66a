/* exits.c - see command.h: what the exit codes mean, for help, man pages and JSON alike. */
#include "base/number.h"
#include "cmd/command.h"

const struct exit_row exit_rows[] = {
    { EXIT_DONE, "done", "done; for a judgement: allowed" },
    { EXIT_NO, "no", "the answer is no: denied, verification failed" },
    { EXIT_USAGE, "usage", "arguments or input files that cannot be used" },
    { EXIT_CONFIG, "configuration", "configuration" },
    { EXIT_UNREACHABLE, "unreachable", "unreachable or timed out" },
    { EXIT_NOT_PERMITTED, "not-permitted", "not authenticated or not permitted" },
    { EXIT_NOT_FOUND, "not-found", "not found" },
    { EXIT_CONFLICT, "conflict", "conflict" },
    { EXIT_INTERNAL, "internal", "internal error" },
};
const size_t exit_row_count = COUNT_OF(exit_rows);
