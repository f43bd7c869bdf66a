/* test_channel.c - libward's channel as a program uses it: over each kind of connection, with
   evidence of either side, and how it ends well. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

#include "channel_ends.h"
#include "lib/subject.h"
#include "os/clock.h"

static uint8_t big[WARD_CHANNEL_MESSAGE];

static void talks(struct ends *ends)
{
    static const char text[] = "hello";
    for (unsigned round = 0; round < 3; round++) {
        say(&ends->i, text, sizeof text);
        say(&ends->i, NULL, 0);
        assert_heard(&ends->r, text, sizeof text);
        assert_heard(&ends->r, "", 0);
        say(&ends->r, big, sizeof big);
        assert_heard(&ends->i, big, sizeof big);
    }
    assert_memory_equal(ward_channel_session(ends->i.channel),
                        ward_channel_session(ends->r.channel), WARD_CHANNEL_SESSION);
}

/* One side says that it is all, and still hears the other. */
static void closes(struct ends *ends)
{
    struct ward_error error = { 0 };
    assert_int_equal(ward_channel_close(ends->i.channel, SOON_MS, &error), WARD_DONE);
    assert_int_equal(ward_channel_close(ends->i.channel, SOON_MS, &error), WARD_DONE);
    assert_int_equal(ward_channel_send(ends->i.channel, (struct ward_bytes){ 0 }, SOON_MS, &error),
                     WARD_BAD_INPUT);
    ends_with(&ends->r, SOON_MS, WARD_CLOSED);
    say(&ends->r, "late", 4);
    assert_heard(&ends->i, "late", 4);
    assert_int_equal(ward_channel_close(ends->r.channel, SOON_MS, &error), WARD_DONE);
    ends_with(&ends->i, SOON_MS, WARD_CLOSED);
    ends_with(&ends->i, 0, WARD_CLOSED);
    ends_with(&ends->r, 0, WARD_CLOSED);
}

static void over_a_pair_of_sockets(void **state)
{
    struct ends ends;
    (void)state;
    for (int framing = WARD_FRAMING_STREAM; framing <= WARD_FRAMING_WEBSOCKET; framing++) {
        ends_open(&ends, (enum ward_framing)framing);
        talks(&ends);
        closes(&ends);
        ends_free(&ends);
    }
}

static int listen_on(int family, const void *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)address, len) != 0 || listen(fd, 1) != 0)
        fail_msg("cannot listen: %s", strerror(errno));
    return fd;
}

/* The responder of a listener is the one connection that comes. */
static void *accept_one(void *arg)
{
    struct end *end = arg;
    int listener = end->fd;
    end->fd = accept(listener, NULL, NULL);
    close(listener);
    return end_shake(end);
}

static void meet(struct ends *ends, const char *address, int listener, enum ward_framing framing)
{
    pthread_t thread;
    end_init(&ends->i, false);
    end_init(&ends->r, true);
    ends->i.address = address;
    ends->r.fd = listener;
    ends->r.framing = framing;
    assert_int_equal(pthread_create(&thread, NULL, accept_one, &ends->r), 0);
    end_shake(&ends->i);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (ends->i.outcome != WARD_DONE || ends->r.outcome != WARD_DONE)
        fail_msg("%s: %s; %s", address, ends->i.error.message, ends->r.error.message);
    talks(ends);
    closes(ends);
    ends_free(ends);
}

static void to_a_websocket_of_this_machine(void **state)
{
    struct ends ends;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof to;
    char address[64];
    (void)state;
    int listener = listen_on(AF_INET, &to, sizeof to);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &len), 0);
    snprintf(address, sizeof address, "ws://127.0.0.1:%u/v1/channel", ntohs(to.sin_port));
    meet(&ends, address, listener, WARD_FRAMING_WEBSOCKET);
}

static void to_a_unix_socket(void **state)
{
    struct ends ends;
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    char folder[] = "/tmp/ward-channel-XXXXXX", address[sizeof to.sun_path + 8];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(to.sun_path, sizeof to.sun_path, "%s/s", folder);
    snprintf(address, sizeof address, "unix:%s", to.sun_path);
    meet(&ends, address, listen_on(AF_UNIX, &to, sizeof to), WARD_FRAMING_STREAM);
    assert_int_equal(unlink(to.sun_path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Where the kernel has vsock's loopback (vsock_loopback); else the test says so. */
static void over_vsock(void **state)
{
    struct ends ends;
    struct sockaddr_vm to = { .svm_family = AF_VSOCK,
                              .svm_cid = VMADDR_CID_LOCAL,
                              .svm_port = VMADDR_PORT_ANY };
    socklen_t len = sizeof to;
    (void)state;
    int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || client < 0 || bind(listener, (const struct sockaddr *)&to, len) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&to, &len) != 0 ||
        connect(client, (const struct sockaddr *)&to, len) != 0) {
        print_message("# not tried, no vsock loopback here: %s\n", strerror(errno));
        close(listener);
        close(client);
        return;
    }
    ends_init(&ends, WARD_FRAMING_STREAM);
    close(ends.i.fd);
    close(ends.r.fd);
    ends.i.fd = client;
    ends.r.fd = accept(listener, NULL, NULL);
    close(listener);
    ends_shake(&ends);
    assert_int_equal(ends.i.outcome, WARD_DONE);
    talks(&ends);
    ends_free(&ends);
}

/* More than one message in one read. */
static void many_that_wait(void **state)
{
    struct ends ends;
    (void)state;
    for (int framing = WARD_FRAMING_STREAM; framing <= WARD_FRAMING_WEBSOCKET; framing++) {
        ends_open(&ends, (enum ward_framing)framing);
        for (uint32_t n = 0; n < 100; n++)
            say(&ends.r, &n, sizeof n);
        for (uint32_t n = 0; n < 100; n++)
            assert_heard(&ends.i, &n, sizeof n);
        ends_free(&ends);
    }
}

static void one_side_shows_nothing(void **state)
{
    struct ends ends;
    (void)state;
    ends_init(&ends, WARD_FRAMING_STREAM);
    ends.i.setup.evidence = NULL;
    ends.r.setup.trust = NULL;
    ends.r.setup.peer_unproven = true;
    ends_shake(&ends);
    assert_int_equal(ends.i.outcome, WARD_DONE);
    assert_int_equal(ends.r.outcome, WARD_DONE);
    talks(&ends);
    ends_free(&ends);
    /* The same peer, and a side that wants to see something. */
    ends_init(&ends, WARD_FRAMING_STREAM);
    ends.i.setup.evidence = NULL;
    ends_shake(&ends);
    assert_refused(&ends.r, "CHANNEL_EVIDENCE_REQUIRED", "");
    assert_refused(&ends.i, "CHANNEL_REFUSED_BY_PEER", "CHANNEL_EVIDENCE_REQUIRED");
}

/* --- evidence of the test authority, judged by a policy --------------------------------------- */

static struct stock stock;
static struct sim_spec machine;
static bool stale; /* it shows evidence that was made for another channel */

static bool sim_evidence(void *arg, const uint8_t report_data[WARD_REPORT_DATA],
                         struct ward_evidence *out)
{
    static _Thread_local uint8_t room[16 * 1024];
    struct sink quote = sink_over(room, sizeof room);
    struct sim_spec spec = machine;
    (void)arg;
    memcpy(spec.tdx.report_data, report_data, WARD_REPORT_DATA);
    spec.tdx.report_data[0] ^= stale;
    if (!sim_quote(&stock.authority, &spec, &quote))
        return false;
    *out = (struct ward_evidence){ .type = WARD_TYPE_TDX,
                                   .evidence = bytes_of(sink_bytes(&quote)) };
    return true;
}

/* Only the responder proves itself, to an initiator with this policy. */
static void prove(struct ends *ends, struct judge *judge, const struct ward_policy *policy,
                  const struct ward_collateral *collateral)
{
    ends_init(ends, WARD_FRAMING_STREAM);
    ends->i.setup.evidence = NULL;
    ends->i.trust = (struct ward_channel_trust){ .verifier = judge->verifier,
                                                 .result = judge->result,
                                                 .policy = policy,
                                                 .collateral = collateral };
    ends->r.setup.evidence = sim_evidence;
    ends->r.setup.trust = NULL;
    ends->r.setup.peer_unproven = true;
    ends_shake(ends);
}

static void judged_by_a_policy(void **state)
{
    struct ends ends;
    struct ward_bytes claim;
    struct judge judge = judge_open();
    (void)state;
    stock_open(&stock);
    machine = sim_spec_default(EVIDENCE_TDX_V4, clock_now());
    struct ward_collateral *collateral = subject_collateral(
        stock_make(&stock, "machine", &machine));

    prove(&ends, &judge, stock.made, collateral);
    assert_int_equal(ends.i.outcome, WARD_DONE);
    talks(&ends);
    assert_true(ward_result_allowed(judge.result));
    assert_true(ward_result_claim(judge.result, "mrtd", &claim));
    ends_free(&ends);

    /* The vendors' roots alone. */
    prove(&ends, &judge, NULL, collateral);
    assert_refused(&ends.i, "CHANNEL_EVIDENCE_DENIED", "PCK_ROOT_UNTRUSTED");
    assert_refused(&ends.r, "CHANNEL_REFUSED_BY_PEER", "PCK_ROOT_UNTRUSTED");
    assert_string_equal(ward_result_reason(judge.result), "PCK_ROOT_UNTRUSTED");

    /* A relay of genuine evidence. */
    stale = true;
    prove(&ends, &judge, stock.made, collateral);
    stale = false;
    assert_refused(&ends.i, "CHANNEL_EVIDENCE_DENIED", "POLICY_REPORT_DATA");

    ward_collateral_free(&collateral);
    stock_close(&stock);
    judge_close(&judge);
}

static bool says_no(void *arg, const struct ward_evidence *shown,
                    const uint8_t report_data[WARD_REPORT_DATA], const char **reason)
{
    (void)shown;
    (void)report_data;
    *reason = arg;
    return false;
}

/* Whatever the reason that is given: no is no. */
static void a_function_says_no(void **state)
{
    static char allowed[] = "OK", measured[] = "POLICY_MEASUREMENT", unknown[] = "\033[2J";
    static const struct {
        char *said;
        const char *about;
    } cases[] = { { NULL, "" }, { allowed, "" }, { unknown, "" }, { measured, measured } };
    struct ends ends;
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        ends_init(&ends, WARD_FRAMING_STREAM);
        ends.i.trust = (struct ward_channel_trust){ .judge = says_no, .judge_arg = cases[c].said };
        ends_shake(&ends);
        assert_refused(&ends.i, "CHANNEL_EVIDENCE_DENIED", cases[c].about);
        assert_int_equal(ends.r.outcome, WARD_REFUSED);
        assert_string_equal(ends.r.error.reason, "CHANNEL_REFUSED_BY_PEER");
    }
    /* Neither a verifier nor a function. */
    ends_init(&ends, WARD_FRAMING_STREAM);
    ends.r.trust = (struct ward_channel_trust){ 0 };
    ends_shake(&ends);
    assert_refused(&ends.r, "CHANNEL_EVIDENCE_DENIED", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(over_a_pair_of_sockets, ""), TEST(to_a_websocket_of_this_machine, ""),
        TEST(to_a_unix_socket, ""),       TEST(over_vsock, ""),
        TEST(many_that_wait, ""),         TEST(one_side_shows_nothing, ""),
        TEST(judged_by_a_policy, ""),     TEST(a_function_says_no, ""),
    };
    return RUN_TESTS(tests);
}
