/* tell.c - see inside.h: system calls that the job's list does not have.  As the process beside a
   job in a container does, it looks at nothing of the job's, and its answer depends on nothing. */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "guest/inside.h"
#include "os/clock.h"
#include "os/fd.h"

enum { SAY_MS = 500 };

static bool holds(const struct guest_condition *condition, const struct seccomp_data *made)
{
    return (made->args[condition->argument] & condition->mask) == condition->value;
}

static bool fits(const struct guest_call *call, const struct seccomp_data *made)
{
    return made->nr >= 0 && call->number == (uint32_t)made->nr &&
           (!call->masked || holds(&call->first, made)) &&
           (call->also.mask == 0 || holds(&call->also, made));
}

static void say(struct guest *guest, struct guest_telling *telling, size_t row)
{
    uint8_t frame[GUEST_HEAD + sizeof(struct guest_refused)];
    struct sink out = sink_over(frame, sizeof frame);
    guest_put_refused(&out, &telling->at[row]);
    telling->said[row] = telling->at[row].count;
    guest_say(guest, GUEST_REFUSED, span_of(frame + GUEST_HEAD, out.len - GUEST_HEAD));
}

static void count(struct guest *guest, struct guest_telling *telling,
                  const struct seccomp_data *made)
{
    size_t row = 0;
    while (row < guest->told_count && !fits(&guest->told[row], made))
        row++;
    if (row == guest->told_count)
        return; /* what is refused and nobody is told */
    const struct guest_call *call = &guest->told[row];
    struct guest_refused *refused = &telling->at[row];
    if (refused->count == 0 && call->masked)
        refused->argument =
            made->args[call->also.mask != 0 ? call->also.argument : call->first.argument];
    refused->row = (uint32_t)row;
    refused->count += refused->count < UINT32_MAX ? 1 : 0;
    if (refused->count == 1)
        say(guest, telling, row);
    else
        telling->behind = true;
}

/* A thread that was killed while it waited takes no answer. */
void guest_answer(struct guest *guest, struct guest_telling *telling)
{
    struct seccomp_notif question;
    memset(&question, 0, sizeof question); /* the kernel insists on it */
    if (ioctl(guest->questions, SECCOMP_IOCTL_NOTIF_RECV, &question) != 0) {
        if (errno == EINTR || errno == ENOENT)
            return;
        telling->failed = true;
        fd_close(&guest->questions); /* from now on the kernel says ENOSYS */
        return;
    }
    struct seccomp_notif_resp refused = { .id = question.id, .error = -EPERM };
    if (ioctl(guest->questions, SECCOMP_IOCTL_NOTIF_SEND, &refused) != 0 && errno != ENOENT) {
        telling->failed = true;
        fd_close(&guest->questions);
    }
    count(guest, telling, &question.data);
}

void guest_say_counts(struct guest *guest, struct guest_telling *telling, bool all)
{
    const int64_t now = clock_monotonic_ms();
    if (!telling->behind || (!all && now - telling->said_ms < SAY_MS))
        return;
    telling->behind = false;
    telling->said_ms = now;
    for (size_t row = 0; row < guest->told_count; row++) {
        if (telling->said[row] != telling->at[row].count)
            say(guest, telling, row);
    }
}
