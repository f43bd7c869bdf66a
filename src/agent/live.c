/* live.c - see agent.h. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_syscalls.h"
#include "base/number.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/jail.h"

enum { DESCRIPTORS = 64, STDERR_TOO = STDERR_FILENO + 1 };

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static rc confine(struct trail *trail, const struct agent_given *given, int ready, uid_t user)
{
    struct jail_report report;
    int keep[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, given->listener,
                   given->house, ready,         given->stop };
    /* Its own streams would be the job's, which end when the last of those who hold them does. */
    if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 || dup2(STDIN_FILENO, STDERR_FILENO) < 0)
        return FAIL_ERRNO(trail);
    qsort(keep + STDERR_TOO, COUNT_OF(keep) - STDERR_TOO, sizeof *keep, by_number);
    const struct jail jail = { .user = user,
                               .keep = keep,
                               .keep_count = COUNT_OF(keep),
                               .fds = DESCRIPTORS,
                               .own_network = true,
                               .rules = agent_rules,
                               .rule_count = COUNT_OF(agent_rules) };
    return jail_enter(trail, &jail, &report);
}

int agent_live(const struct agent_given *given, int ready, uid_t user)
{
    struct trail trail = { 0 };
    const bool made = agent_ready(given);
    rc confined = made ? confine(&trail, given, ready, user) : RC_SUCCESS;
    const struct span words = !made             ? span_text("no memory")
                              : rc_ok(confined) ? span_of("", 1)
                                                : span_text(file_error_text(confined));
    const bool told = fd_write(ready, words);
    close(ready);
    return told && made && rc_ok(confined) && agent_answer() ? 0 : 1;
}
