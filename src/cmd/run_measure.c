/* run_measure.c - see run_measure.h. */
#include "cmd/run_measure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "ipc/frame.h"
#include "job/guest_talk.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/packet.h"
#include "sim/launch.h"

enum {
    MEASURE_MS = 20000, /* for a tee that is started again, or has many to measure */
    ANSWER_MS = 10000,
    AGAIN_MS = 300,
};

struct asking {
    struct span said;
    const int *fds;
    size_t count;
    int wishes;
};

/* Until it answers, or it takes too long, or somebody wishes the end. */
static rc await(int house, int wishes)
{
    struct pollfd polled[] = { { .fd = house, .events = POLLIN },
                               { .fd = wishes, .events = POLLIN } };
    const int64_t until = clock_monotonic_ms() + ANSWER_MS;
    for (int64_t left = ANSWER_MS; left > 0; left = until - clock_monotonic_ms()) {
        if (poll(polled, COUNT_OF(polled), (int)left) <= 0)
            continue;
        return polled[1].revents == 0 ? RC_SUCCESS : rc_make(RC_BUSY, PACKET_E_BLOCK);
    }
    return rc_make(RC_BUSY, PACKET_E_TIME);
}

static rc ask_once(struct run_measure *measure, const struct asking *what, struct span *answer)
{
    struct packet_fds none = { .count = 0 };
    size_t len = 0;
    TRY(NULL, packet_send(NULL, measure->house, what->said, what->fds, what->count));
    TRY(NULL, await(measure->house, what->wishes));
    rc got = packet_receive(NULL, measure->house, measure->room, sizeof measure->room, &len, &none);
    packet_fds_close(&none);
    *answer = span_of(measure->room, len);
    return got;
}

static enum reason read_answer(struct span answer, struct span *ticket)
{
    struct cursor in = cur_over(answer);
    uint16_t reason = 0;
    return cur_u16le(&in, &reason) && reason < REASON_COUNT &&
                   get_bytes(&in, LAUNCH_TICKET_MAX, ticket) && cur_end(&in) &&
                   (reason != REASON_OK || ticket->len > 0)
               ? (enum reason)reason
               : REASON_NONE;
}

/* Again, where the tee was begun anew meanwhile or is asked too often. */
static enum reason ask(struct run_measure *measure, const struct asking *asking,
                       char what[SANDBOX_WHAT / 2])
{
    struct pollfd wished = { .fd = asking->wishes, .events = POLLIN };
    const int64_t until = clock_monotonic_ms() + MEASURE_MS;
    for (;;) {
        struct span answer = { 0 };
        rc asked = ask_once(measure, asking, &answer);
        enum reason reason = rc_ok(asked) ? read_answer(answer, &measure->ticket) : REASON_NONE;
        if (reason == REASON_OK)
            return reason;
        const bool may_pass = reason == REASON_HOUSE_UNAVAILABLE || reason == REASON_TEE_RATE;
        if (poll(&wished, 1, 0) > 0)
            return REASON_JOB_CANCELLED;
        if (!may_pass || clock_monotonic_ms() >= until) {
            snprintf(what, SANDBOX_WHAT / 2, "the house's tee %s",
                     reason == REASON_NONE ? "does not answer" : reason_info(reason)->name);
            return REASON_JOB_UNMEASURED;
        }
        (void)poll(&wished, 1, AGAIN_MS);
    }
}

enum reason run_measure_launch(void *arg, const struct sandbox_launch *launch,
                               char what[SANDBOX_WHAT / 2])
{
    struct run_measure *measure = arg;
    const bool machine = launch->kernel >= 0;
    uint8_t bytes[SIM_LAUNCH_HASH + 8 + SIM_LAUNCH_LINE_MAX], arguments[SIM_LAUNCH_HASH];
    struct sink said = sink_over(bytes, sizeof bytes);
    auto_fd int spec = open(measure->spec, O_RDONLY | O_CLOEXEC);
    const int fds[] = { spec, launch->manifest, launch->kernel, launch->initramfs };
    if (spec < 0) {
        snprintf(what, SANDBOX_WHAT / 2, "%.100s: %s", measure->spec, strerror(errno));
        return REASON_JOB_UNMEASURED;
    }
    sim_launch_arguments(launch->arguments, arguments);
    sink_put(&said, SPAN(arguments));
    sink_u8(&said, launch->folder);
    put_bytes(&said, machine ? span_text(MACHINE_COMMAND_LINE) : (struct span){ 0 });
    const struct asking asking = { .said = sink_bytes(&said),
                                   .fds = fds,
                                   .count = machine ? LAUNCH_MACHINE_FDS : LAUNCH_CONTAINER_FDS,
                                   .wishes = launch->wishes };
    return ask(measure, &asking, what);
}
