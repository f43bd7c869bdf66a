/* launch.c - see launch.h. */
#include "sim/launch.h"

#include <string.h>

#include "crypto/hash.h"

enum { BOOT_EVENT = 6, RUNTIME_EVENT = 0x08000001, BOOT_RTMR = 1, LINE_RTMR = 2, RUNTIME_RTMR = 3 };

static const char firmware[] = "ward sandbox v1";

void sim_launch_arguments(struct span_list arguments, uint8_t out[SIM_LAUNCH_HASH])
{
    struct hash_pieces pieces;
    hash_pieces_begin(&pieces, HASH_SHA256);
    for (size_t i = 0; i < arguments.count; i++) {
        uint8_t len[4];
        struct sink number = sink_over(len, sizeof len);
        sink_u32le(&number, (uint32_t)arguments.items[i].len);
        hash_pieces_more(&pieces, SPAN(len));
        hash_pieces_more(&pieces, arguments.items[i]);
    }
    hash_pieces_end(&pieces, out);
}

static void boot(struct sim_log_spec *log, unsigned rtmr, struct span data)
{
    log->events[log->count++] = (struct sim_event){ rtmr, BOOT_EVENT, NULL, data };
}

static void say(struct sim_log_spec *log, const char *name, struct span payload)
{
    log->events[log->count++] = (struct sim_event){ RUNTIME_RTMR, RUNTIME_EVENT, name, payload };
}

void sim_launch_log(const struct sim_launch *launch, struct sim_log_spec *out)
{
    *out = (struct sim_log_spec){ .format = LOG_DSTACK_V1 };
    if (launch->machine) {
        boot(out, BOOT_RTMR, SPAN(launch->kernel));
        boot(out, LINE_RTMR, SPAN(launch->initramfs));
        boot(out, LINE_RTMR, launch->command_line);
    } else {
        boot(out, BOOT_RTMR, SPAN(launch->image));
    }
    say(out, "compose-hash", SPAN(launch->spec));
    say(out, "image-digest", SPAN(launch->image));
    say(out, "arguments-hash", SPAN(launch->arguments));
    say(out, "job-folder", span_text(launch->folder ? "unmeasured" : "none"));
    if (launch->has_job)
        say(out, "job-id", SPAN(launch->job));
}

void sim_launch_measure(const struct sim_launch *launch, uint8_t mrtd[48], uint8_t rtmr[4][48])
{
    struct sim_log_spec log;
    sim_launch_log(launch, &log);
    hash_sha384(span_text(firmware), mrtd);
    sim_log_registers(&log, rtmr);
}
