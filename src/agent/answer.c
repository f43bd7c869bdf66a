/* answer.c - see agent.h. */
#include <poll.h>

#include "agent/agent.h"
#include "agent/serve.h"
#include "base/number.h"
#include "codec/guest_agent.h"
#include "codec/job_result.h"
#include "ipc/frame.h"
#include "model/reason.h"
#include "os/clock.h"
#include "os/packet.h"

enum { ROOM = 4 << 20 };

/* HTTP status of what is not given. */
enum { TOO_MANY = 429, NOT_NOW = 503 };

/* One for each process. */
static struct answering {
    struct agent_given given;
    struct agent agent;
    struct agent_serving *serving;
    struct arena arena;
    uint32_t number; /* of the last question */
    uint8_t reply[AGENT_REPLY_MAX];
} answering;

struct evidence {
    enum reason reason;
    struct span quote, log; /* view the reply */
};

/* --- whoever measured the sandbox ------------------------------------------------------------- */

/* False: it is no answer to the last question, but perhaps to one that nobody waits for any more.
 */
static bool read_reply(size_t len, struct evidence *out)
{
    struct cursor in = cur_over(span_of(answering.reply, len));
    uint32_t number = 0;
    uint16_t reason = 0;
    if (!cur_u32le(&in, &number) || number != answering.number || !cur_u16le(&in, &reason) ||
        reason >= REASON_COUNT || !get_bytes(&in, AGENT_EVIDENCE_MAX, &out->quote) ||
        !get_bytes(&in, AGENT_EVIDENCE_MAX, &out->log) || !cur_end(&in))
        return false;
    out->reason = (enum reason)reason;
    return true;
}

/* False: nothing comes any more, or not in time, or this process has to end. */
static bool await_reply(int64_t until_ms, struct evidence *out)
{
    struct pollfd polled[] = { { .fd = answering.given.house, .events = POLLIN },
                               { .fd = answering.given.stop, .events = POLLIN } };
    for (;;) {
        struct packet_fds none = { .count = 0 };
        size_t len = 0;
        const int64_t left = until_ms - clock_monotonic_ms();
        if (left <= 0 || poll(polled, COUNT_OF(polled), (int)left) < 0 || polled[1].revents != 0)
            return false;
        rc got = packet_receive(NULL, answering.given.house, answering.reply,
                                sizeof answering.reply, &len, &none);
        packet_fds_close(&none);
        if (!rc_ok(got) && rc_number(got) != PACKET_E_BLOCK)
            return false;
        if (rc_ok(got) && read_reply(len, out))
            return true;
    }
}

static struct evidence ask_house(const uint8_t *report_data)
{
    uint8_t bytes[AGENT_QUESTION];
    struct sink said = sink_over(bytes, sizeof bytes);
    struct evidence evidence = { .reason = REASON_HOUSE_UNAVAILABLE };
    sink_u32le(&said, ++answering.number);
    sink_put(&said, span_of(report_data, GUEST_AGENT_REPORT_DATA));
    if (!rc_ok(packet_send(NULL, answering.given.house, sink_bytes(&said), NULL, 0)) ||
        !await_reply(clock_monotonic_ms() + AGENT_QUOTE_MS, &evidence))
        return (struct evidence){ .reason = REASON_HOUSE_UNAVAILABLE };
    return evidence;
}

/* --- the job ---------------------------------------------------------------------------------- */

static unsigned put_quote(const struct guest_agent_ask *ask, struct sink *out)
{
    if (job_result_reserved(SPAN(ask->report_data)))
        return guest_agent_refuse(out, "report_data begins with a tag of a key of results");
    const struct evidence evidence = ask_house(ask->report_data);
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
    (void)arg;
    const char *why = guest_agent_read(path, body, &ask);
    if (why != NULL)
        return guest_agent_refuse(out, why);
    switch (ask.method) {
    case GUEST_AGENT_GET_QUOTE:
        return put_quote(&ask, out);
    case GUEST_AGENT_VERSION:
        return guest_agent_put_version(out, "ward");
    case GUEST_AGENT_INFO:
    case GUEST_AGENT_OTHER:
        break;
    }
    return guest_agent_refuse(out, "the guest agent of a job has GetQuote and Version");
}

/* --- both ------------------------------------------------------------------------------------- */

bool agent_ready(const struct agent_given *given)
{
    answering.given = *given;
    answering.agent = (struct agent){ .answer = answer,
                                      .listener = given->listener,
                                      .waits = { given->stop, -1 } };
    arena_init(&answering.arena, ROOM);
    answering.serving = agent_open(&answering.arena, &answering.agent);
    return answering.serving != NULL;
}

bool agent_answer(void)
{
    const enum agent_end how = agent_serve(answering.serving);
    agent_close(answering.serving);
    return how == AGENT_FIRST;
}
