/* channel_ends.h - two ends of a channel in one program, each in a thread while they shake hands,
   because the calls wait.  Evidence is a fake that says of itself what a verifier would find. */
#ifndef WARD_TESTS_LIB_CHANNEL_ENDS_H
#define WARD_TESTS_LIB_CHANNEL_ENDS_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ward/channel.h"

#include "test.h"

enum { SOON_MS = 5000, FAKE = 8 + WARD_REPORT_DATA };

struct end {
    struct ward_channel_setup setup;
    struct ward_channel_trust trust;
    int fd;
    enum ward_framing framing;
    bool accepts;
    const char *address; /* instead of fd */
    struct ward_channel *channel;
    enum ward_outcome outcome;
    struct ward_error error;
    uint8_t shown[FAKE];
};

static inline bool fake_evidence(void *arg, const uint8_t report_data[WARD_REPORT_DATA],
                                 struct ward_evidence *out)
{
    struct end *end = arg;
    memcpy(end->shown, "approved", 8);
    memcpy(end->shown + 8, report_data, WARD_REPORT_DATA);
    *out = (struct ward_evidence){ .type = WARD_TYPE_TDX,
                                   .evidence = { .data = end->shown, .len = FAKE } };
    return true;
}

static inline bool fake_judge(void *arg, const struct ward_evidence *shown,
                              const uint8_t report_data[WARD_REPORT_DATA], const char **reason)
{
    (void)arg;
    bool approved = shown->type == WARD_TYPE_TDX && shown->evidence.len == FAKE &&
                    bytes_equal(shown->evidence.data, "approved", 8);
    *reason = approved ? "POLICY_REPORT_DATA" : "POLICY_MEASUREMENT";
    return approved &&
           bytes_equal((const uint8_t *)shown->evidence.data + 8, report_data, WARD_REPORT_DATA);
}

/* An end that shows evidence and wants the peer's. */
static inline void end_init(struct end *end, bool accepts)
{
    *end = (struct end){ .fd = -1, .framing = WARD_FRAMING_STREAM, .accepts = accepts };
    end->trust = (struct ward_channel_trust){ .judge = fake_judge };
    end->setup = (struct ward_channel_setup){ .purpose = "test",
                                              .evidence = fake_evidence,
                                              .evidence_arg = end,
                                              .trust = &end->trust,
                                              .timeout_ms = SOON_MS };
}

static inline void *end_shake(void *arg)
{
    struct end *end = arg;
    if (end->address != NULL)
        end->outcome = ward_channel_connect(&end->setup, end->address, &end->channel, &end->error);
    else if (end->accepts)
        end->outcome = ward_channel_accept(&end->setup, end->fd, end->framing, &end->channel,
                                           &end->error);
    else
        end->outcome = ward_channel_join(&end->setup, end->fd, end->framing, &end->channel,
                                         &end->error);
    return NULL;
}

struct ends {
    struct end i, r;
};

/* Two ends over a pair of sockets. */
static inline void ends_init(struct ends *ends, enum ward_framing framing)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    end_init(&ends->i, false);
    end_init(&ends->r, true);
    ends->i.fd = pair[0];
    ends->r.fd = pair[1];
    ends->i.framing = ends->r.framing = framing;
}

static inline void ends_shake(struct ends *ends)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_shake, &ends->r), 0);
    end_shake(&ends->i);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static inline void ends_open(struct ends *ends, enum ward_framing framing)
{
    ends_init(ends, framing);
    ends_shake(ends);
    if (ends->i.outcome != WARD_DONE || ends->r.outcome != WARD_DONE)
        fail_msg("%s; %s", ends->i.error.message, ends->r.error.message);
}

static inline void ends_free(struct ends *ends)
{
    ward_channel_free(&ends->i.channel);
    ward_channel_free(&ends->r.channel);
}

static inline void assert_refused(const struct end *end, const char *reason, const char *about)
{
    assert_int_equal(end->outcome, WARD_REFUSED);
    assert_null(end->channel);
    assert_non_null(end->error.reason);
    assert_string_equal(end->error.reason, reason);
    assert_string_equal(end->error.about != NULL ? end->error.about : "", about);
}

static inline void say(struct end *from, const void *at, size_t len)
{
    struct ward_error error = { 0 };
    if (ward_channel_send(from->channel, (struct ward_bytes){ .data = at, .len = len }, SOON_MS,
                          &error) != WARD_DONE)
        fail_msg("%s", error.message);
}

static inline void assert_heard(struct end *to, const void *at, size_t len)
{
    struct ward_error error = { 0 };
    struct ward_bytes got;
    if (ward_channel_receive(to->channel, SOON_MS, &got, &error) != WARD_DONE)
        fail_msg("%s", error.message);
    assert_span_equal(span_of(got.data, got.len), span_of(at, len));
}

/* What receiving ends with; its reason. */
static inline const char *ends_with(struct end *to, int timeout_ms, enum ward_outcome wanted)
{
    static struct ward_error error;
    struct ward_bytes got;
    error = (struct ward_error){ 0 };
    assert_int_equal(ward_channel_receive(to->channel, timeout_ms, &got, &error), wanted);
    return error.reason != NULL ? error.reason : "";
}

#endif
