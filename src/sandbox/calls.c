/* calls.c - see calls.h. */
#include "sandbox/calls.h"

#include <errno.h>
#include <unistd.h>

#include "base/number.h"
#include "sandbox/job_refused.h"

_Static_assert(COUNT_OF(job_refused) <= CALLS_ROOM, "each row has its place");

const struct seccomp_rule *calls_refused(size_t *count)
{
    *count = COUNT_OF(job_refused);
    return job_refused;
}

static bool fits(const struct seccomp_rule *rule, int number, const uint64_t *arguments)
{
    return rule->number == number &&
           (!rule->masked || (arguments[rule->argument] & rule->mask) == rule->value) &&
           (rule->also.mask == 0 ||
            (arguments[rule->also.argument] & rule->also.mask) == rule->also.value);
}

/* That by which a use was refused: of two arguments the second, for the first may be such a one. */
static unsigned telling(const struct seccomp_rule *rule)
{
    return rule->also.mask != 0 ? rule->also.argument : rule->argument;
}

struct call_refused *calls_add(struct calls *calls, int number, const uint64_t *arguments)
{
    for (size_t i = 0; i < COUNT_OF(job_refused); i++) {
        struct call_refused *row = &calls->at[i];
        if (!fits(&job_refused[i], number, arguments))
            continue;
        if (row->count == 0 && job_refused[i].masked)
            row->argument = arguments[telling(&job_refused[i])];
        row->row = (uint32_t)i;
        row->count += row->count < UINT32_MAX ? 1 : 0;
        return row;
    }
    return NULL;
}

/* Shorter than what a pipe takes at once or not at all (PIPE_BUF, 4096). */
bool call_refused_send(int fd, const struct call_refused *call)
{
    return write(fd, call, sizeof *call) == (ssize_t)sizeof *call;
}

const struct call_refused *calls_read(struct calls *calls, int fd, bool *open)
{
    struct call_refused got;
    ssize_t len = read(fd, &got, sizeof got);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return NULL;
    *open = len == (ssize_t)sizeof got && got.row < COUNT_OF(job_refused) && got.count > 0;
    if (!*open)
        return NULL;
    struct call_refused *row = &calls->at[got.row];
    const bool known = row->count > 0;
    *row = got;
    return known ? NULL : row;
}

void call_refused_write(struct sink *out, const struct call_refused *call)
{
    const struct seccomp_rule *rule = &job_refused[call->row];
    sink_format(out, "the system call %s", rule->name);
    if (rule->masked)
        sink_format(out, " with %#llx as argument %u", (unsigned long long)call->argument,
                    telling(rule));
    sink_text(out, " is not in the list of those that jobs have, for no specification");
}
