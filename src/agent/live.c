/* live.c - see agent.h. */
#include "agent/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent_syscalls.h"
#include "agent/serve.h"
#include "base/number.h"
#include "codec/guest_agent.h"
#include "codec/job_result.h"
#include "ipc/frame.h"
#include "model/reason.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/jail.h"
#include "os/packet.h"

enum { ROOM = 4 << 20, DESCRIPTORS = 64, STDERR_TOO = STDERR_FILENO + 1 };

/* HTTP status of what is not given. */
enum { TOO_MANY = 429, NOT_NOW = 503 };

struct living {
    const struct sandbox_agent *given;
    struct arena arena;
    uint32_t number; /* of the last question */
    uint8_t reply[AGENT_REPLY_MAX];
};

struct evidence {
    enum reason reason;
    struct span quote, log; /* view living->reply */
};

/* --- whoever measured the sandbox ------------------------------------------------------------- */

/* False: it is no answer to the last question, but perhaps to one that nobody waits for any more.
 */
static bool read_reply(const struct living *living, size_t len, struct evidence *out)
{
    struct cursor in = cur_over(span_of(living->reply, len));
    uint32_t number = 0;
    uint16_t reason = 0;
    if (!cur_u32le(&in, &number) || number != living->number || !cur_u16le(&in, &reason) ||
        reason >= REASON_COUNT || !get_bytes(&in, AGENT_EVIDENCE_MAX, &out->quote) ||
        !get_bytes(&in, AGENT_EVIDENCE_MAX, &out->log) || !cur_end(&in))
        return false;
    out->reason = (enum reason)reason;
    return true;
}

/* False: nothing comes any more, or not in time, or this process has to end. */
static bool await_reply(struct living *living, int64_t until_ms, struct evidence *out)
{
    struct pollfd polled[] = { { .fd = living->given->house, .events = POLLIN },
                               { .fd = living->given->stop, .events = POLLIN } };
    for (;;) {
        struct packet_fds none = { .count = 0 };
        size_t len = 0;
        const int64_t left = until_ms - clock_monotonic_ms();
        if (left <= 0 || poll(polled, COUNT_OF(polled), (int)left) < 0 || polled[1].revents != 0)
            return false;
        rc got = packet_receive(NULL, living->given->house, living->reply, sizeof living->reply,
                                &len, &none);
        packet_fds_close(&none);
        if (!rc_ok(got) && rc_number(got) != PACKET_E_BLOCK)
            return false;
        if (rc_ok(got) && read_reply(living, len, out))
            return true;
    }
}

static struct evidence ask_house(struct living *living, const uint8_t *report_data)
{
    uint8_t bytes[AGENT_QUESTION];
    struct sink said = sink_over(bytes, sizeof bytes);
    struct evidence evidence = { .reason = REASON_HOUSE_UNAVAILABLE };
    sink_u32le(&said, ++living->number);
    sink_put(&said, span_of(report_data, AGENT_REPORT_DATA));
    if (!rc_ok(packet_send(NULL, living->given->house, sink_bytes(&said), NULL, 0)) ||
        !await_reply(living, clock_monotonic_ms() + AGENT_QUOTE_MS, &evidence))
        return (struct evidence){ .reason = REASON_HOUSE_UNAVAILABLE };
    return evidence;
}

/* --- the job ---------------------------------------------------------------------------------- */

static unsigned put_quote(struct living *living, const struct guest_agent_ask *ask,
                          struct sink *out)
{
    if (job_result_reserved(SPAN(ask->report_data)))
        return guest_agent_refuse(out, "report_data begins with a tag of a key of results");
    const struct evidence evidence = ask_house(living, ask->report_data);
    if (evidence.reason != REASON_OK) {
        guest_agent_refuse(out, reason_info(evidence.reason)->name);
        return evidence.reason == REASON_TEE_RATE ? TOO_MANY : NOT_NOW;
    }
    const struct guest_agent_quote quote = { .quote = evidence.quote,
                                             .event_log = evidence.log,
                                             .vm_config = span_text("{}"),
                                             .report_data = ask->report_data };
    return guest_agent_put_quote(out, &quote);
}

static unsigned answer(void *arg, struct span path, struct span body, struct sink *out)
{
    struct guest_agent_ask ask;
    const char *why = guest_agent_read(path, body, &ask);
    if (why != NULL)
        return guest_agent_refuse(out, why);
    switch (ask.method) {
    case GUEST_AGENT_GET_QUOTE:
        return put_quote(arg, &ask, out);
    case GUEST_AGENT_VERSION:
        return guest_agent_put_version(out, "ward");
    case GUEST_AGENT_INFO:
    case GUEST_AGENT_OTHER:
        break;
    }
    return guest_agent_refuse(out, "the guest agent of a job has GetQuote and Version");
}

/* --- the process ------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static rc confine(struct trail *trail, const struct sandbox_agent *given)
{
    struct jail_report report;
    int keep[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, given->listener,
                   given->house, given->ready,  given->stop };
    /* Its own streams would be the job's, which end when the last of those who hold them does. */
    if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 || dup2(STDIN_FILENO, STDERR_FILENO) < 0)
        return FAIL_ERRNO(trail);
    qsort(keep + STDERR_TOO, COUNT_OF(keep) - STDERR_TOO, sizeof *keep, by_number);
    const struct jail jail = { .user = given->user,
                               .keep = keep,
                               .keep_count = COUNT_OF(keep),
                               .fds = DESCRIPTORS,
                               .own_network = true,
                               .rules = agent_rules,
                               .rule_count = COUNT_OF(agent_rules) };
    return jail_enter(trail, &jail, &report);
}

int agent_live(const struct sandbox_agent *given)
{
    static struct living living;
    struct trail trail = { 0 };
    const struct agent agent = {
        .answer = answer, .arg = &living, .listener = given->listener, .waits = { given->stop, -1 }
    };
    living.given = given;
    arena_init(&living.arena, ROOM);
    struct agent_serving *serving = agent_open(&living.arena, &agent);
    rc confined = serving == NULL ? RC_SUCCESS : confine(&trail, given);
    const struct span words = serving == NULL   ? span_text("no memory")
                              : rc_ok(confined) ? span_of("", 1)
                                                : span_text(file_error_text(confined));
    const bool told = fd_write(given->ready, words);
    close(given->ready);
    if (!told || serving == NULL || !rc_ok(confined))
        return 1;
    const enum agent_end how = agent_serve(serving);
    agent_close(serving);
    return how == AGENT_FIRST ? 0 : 1;
}
