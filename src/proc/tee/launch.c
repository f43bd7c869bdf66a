/* launch.c - see tee.h: the sandboxes that the runner launches, hashed from the files that they
   begin with.  Nothing is kept of one: what was measured goes out in a ticket that only tee can
   make, and comes back when evidence of it is wanted, be it to a tee that was started since. */
#include <string.h>
#include <sys/stat.h>

#include "crypto/ct.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/tee/tee.h"
#include "sim/launch.h"

enum { MAC = SHA256_LEN };

_Static_assert((int)LAUNCH_LINE_MAX == (int)SIM_LAUNCH_LINE_MAX, "a command line");
_Static_assert((int)JOB_ID == (int)SIM_LAUNCH_JOB, "a job");

static const char magic[16] = "ward launch v1";

/* ---- tickets --------------------------------------------------------------------------------- */

static void put_launch(struct sink *out, const struct sim_launch *launch)
{
    sink_put(out, SPAN(magic));
    sink_put(out, SPAN(launch->job));
    sink_put(out, SPAN(launch->spec));
    sink_put(out, SPAN(launch->image));
    sink_put(out, SPAN(launch->arguments));
    sink_u8(out, launch->folder);
    sink_u8(out, launch->machine);
    sink_put(out, SPAN(launch->kernel));
    sink_put(out, SPAN(launch->initramfs));
    put_bytes(out, launch->command_line);
}

static bool get_bool(struct cursor *in, bool *out)
{
    uint8_t value = 0;
    bool good = cur_u8(in, &value) && value <= 1;
    *out = value == 1;
    return good;
}

static bool get_launch(struct span bytes, struct sim_launch *out)
{
    struct cursor in = cur_over(bytes);
    *out = (struct sim_launch){ .has_job = true };
    return cur_expect(&in, SPAN(magic)) && cur_copy(&in, out->job, sizeof out->job) &&
           cur_copy(&in, out->spec, sizeof out->spec) &&
           cur_copy(&in, out->image, sizeof out->image) &&
           cur_copy(&in, out->arguments, sizeof out->arguments) && get_bool(&in, &out->folder) &&
           get_bool(&in, &out->machine) && cur_copy(&in, out->kernel, sizeof out->kernel) &&
           cur_copy(&in, out->initramfs, sizeof out->initramfs) &&
           get_bytes(&in, LAUNCH_LINE_MAX, &out->command_line) && cur_end(&in);
}

struct sealing {
    struct span launch;
    uint8_t mac[MAC];
};

static rc seal(struct span key, void *arg)
{
    struct sealing *what = arg;
    hmac_sha256(key, what->launch, what->mac);
    return RC_SUCCESS;
}

enum reason tee_open_ticket(struct tee *tee, struct span ticket, const uint8_t job[JOB_ID],
                            struct sim_launch *out)
{
    if (ticket.len <= MAC)
        return REASON_RESULT_TICKET;
    struct sealing what = { .launch = span_of(ticket.at, ticket.len - MAC) };
    if (!rc_ok(secret_lend(tee->tickets, seal, &what)))
        return REASON_HOUSE_UNAVAILABLE;
    bool own = ct_equal(what.mac, ticket.at + what.launch.len, MAC) &&
               get_launch(what.launch, out) && span_equal(SPAN(out->job), span_of(job, JOB_ID));
    return own ? REASON_OK : REASON_RESULT_TICKET;
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* Read and not mapped: whoever cuts the file meanwhile must not end this process. */
static bool hash_file(int fd, uint8_t piece[TEE_PIECE], uint8_t out[SIM_LAUNCH_HASH])
{
    struct hash_pieces pieces;
    struct stat is;
    uint64_t at = 0;
    if (fd < 0 || fstat(fd, &is) != 0 || !S_ISREG(is.st_mode) || is.st_size <= 0 ||
        is.st_size > TEE_PROGRAM_MAX)
        return false;
    hash_pieces_begin(&pieces, HASH_SHA256);
    while (at < (uint64_t)is.st_size) {
        ssize_t got = fd_read_at(fd, at, piece, TEE_PIECE);
        if (got <= 0)
            break;
        hash_pieces_more(&pieces, span_of(piece, (size_t)got));
        at += (uint64_t)got;
    }
    hash_pieces_end(&pieces, out);
    return at == (uint64_t)is.st_size;
}

static bool hash_files(struct tee *tee, struct channel *from, struct sim_launch *launch)
{
    uint8_t *const digests[] = { launch->spec, launch->image, launch->kernel, launch->initramfs };
    const size_t count = launch->machine ? LAUNCH_MACHINE_FDS : LAUNCH_CONTAINER_FDS;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        auto_fd int fd = channel_take_fd(from);
        good = good && hash_file(fd, tee->piece, digests[i]);
    }
    return good;
}

static rc tell(struct trail *trail, struct call *call, enum reason reason, struct span ticket)
{
    uint8_t bytes[LAUNCH_TICKET_MAX + 8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, ticket);
    struct frame frame = { .message = MSG_MEASURED, .id = call->id, .body = sink_bytes(&body) };
    return channel_put(trail, call->from, &frame);
}

rc tee_on_measure(struct trail *trail, void *self, struct call *call)
{
    struct tee *tee = self;
    uint8_t bytes[LAUNCH_TICKET_MAX];
    struct sink ticket = sink_over(bytes, sizeof bytes);
    struct sim_launch launch = { .has_job = true, .machine = call->message == MSG_MEASURE_MACHINE };
    if (call->id == 0 || !cur_copy(&call->body, launch.job, sizeof launch.job) ||
        !cur_copy(&call->body, launch.arguments, sizeof launch.arguments) ||
        !get_bool(&call->body, &launch.folder) ||
        !get_bytes(&call->body, LAUNCH_LINE_MAX, &launch.command_line) || !cur_end(&call->body) ||
        launch.machine != (launch.command_line.len > 0))
        return door_fault(trail, call, DOOR_E_BODY);
    uint64_t now_us = (uint64_t)clock_monotonic_ms() * 1000;
    if (!gcra_take(&tee->measured, &tee->measure_rate, 1, now_us).allowed)
        return tell(trail, call, REASON_TEE_RATE, (struct span){ 0 });
    if (!hash_files(tee, call->from, &launch))
        return tell(trail, call, REASON_JOB_UNMEASURED, (struct span){ 0 });
    put_launch(&ticket, &launch);
    struct sealing what = { .launch = sink_bytes(&ticket) };
    if (!sink_ok(&ticket) || !rc_ok(secret_lend(tee->tickets, seal, &what)))
        return tell(trail, call, REASON_HOUSE_UNAVAILABLE, (struct span){ 0 });
    sink_put(&ticket, SPAN(what.mac));
    return tell(trail, call, REASON_OK, sink_bytes(&ticket));
}

/* ---- evidence -------------------------------------------------------------------------------- */

bool tee_remeasure(struct tee *tee, const struct sim_launch *launch, struct sink *log)
{
    struct sim_log_spec events;
    uint8_t mrtd[48], rtmr[4][48];
    sim_launch_log(launch, &events);
    sim_launch_measure(launch, mrtd, rtmr);
    memcpy(tee->sandbox_quote, tee->quote, tee->quote_len);
    return sim_log(&events, log) &&
           sim_quote_remeasure(tee->sandbox_quote, tee->quote_len, mrtd, rtmr);
}
