/* wire_tls.c - see wire.h: the same connection under TLS.  OpenSSL writes to its socket by
   write(2): where the peer is gone that is a signal, which is kept from the program here. */
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "base/cursor.h"
#include "net/wire.h"

/* SIGPIPE of this thread, while something is written. */
struct hush {
    sigset_t before;
    bool was_pending;
};

static sigset_t pipe_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

static struct hush hush_begin(void)
{
    struct hush hush;
    sigset_t set = pipe_signal(), pending;
    sigpending(&pending);
    hush.was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &set, &hush.before);
    return hush;
}

static void hush_end(const struct hush *hush)
{
    const struct timespec none = { 0, 0 };
    sigset_t set = pipe_signal();
    if (!hush->was_pending)
        (void)sigtimedwait(&set, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &hush->before, NULL);
}

/* DONE: try again. */
static enum wire_step wait_as(struct wire *wire, enum tls_step step, int64_t deadline_ms)
{
    if (step != TLS_WANT_READ && step != TLS_WANT_WRITE)
        return WIRE_ENDED;
    short events = step == TLS_WANT_READ ? POLLIN : POLLOUT;
    return wire_wait(wire->fd, events, deadline_ms) ? WIRE_DONE : WIRE_LATE;
}

enum wire_step wire_read_tls(struct wire *wire, uint8_t *at, size_t cap, int64_t deadline_ms,
                             size_t *len)
{
    for (;;) {
        struct hush hush = hush_begin(); /* an answer to another key may be written */
        enum tls_step done = tls_read(wire->tls, at, cap, len);
        hush_end(&hush);
        if (done == TLS_DONE)
            return WIRE_DONE;
        enum wire_step step = wait_as(wire, done, deadline_ms);
        if (step != WIRE_DONE)
            return step;
    }
}

enum wire_step wire_write_tls(struct wire *wire, struct cursor *left, int64_t deadline_ms)
{
    while (cur_left(left) > 0) {
        size_t gone = 0;
        struct hush hush = hush_begin();
        enum tls_step done = tls_write(wire->tls, cur_rest(left), &gone);
        hush_end(&hush);
        enum wire_step step = done == TLS_DONE ? WIRE_DONE : wait_as(wire, done, deadline_ms);
        if (step != WIRE_DONE)
            return step;
        if (done == TLS_DONE && !cur_skip(left, gone))
            return WIRE_ENDED;
    }
    return WIRE_DONE;
}

static const char *fault_of(const struct wire *wire)
{
    const char *detail = "";
    switch (tls_fault(wire->tls, &detail)) {
    case TLS_FAULT_PIN:
        return "its key is none of those that it may have";
    case TLS_FAULT_CERTIFICATE:
        return detail;
    case TLS_FAULT_PROTOCOL:
    default:
        return "it does not speak TLS 1.3, or ended the handshake";
    }
}

enum wire_step wire_secure(struct wire *wire, const struct tls_expectation *expected,
                           int64_t deadline_ms, const char **why)
{
    wire->client = tls_client_new(expected);
    wire->tls = wire->client != NULL ? tls_connect(wire->client, wire->fd) : NULL;
    *why = "no memory, or no CA in what was given";
    if (wire->tls == NULL)
        return WIRE_REFUSED;
    for (;;) {
        struct hush hush = hush_begin();
        enum tls_step done = tls_handshake(wire->tls);
        hush_end(&hush);
        if (done == TLS_DONE)
            return WIRE_DONE;
        enum wire_step step = wait_as(wire, done, deadline_ms);
        *why = fault_of(wire);
        if (step != WIRE_DONE)
            return step == WIRE_LATE ? WIRE_LATE : WIRE_REFUSED;
    }
}

void wire_end_tls(struct wire *wire)
{
    if (wire->tls != NULL) {
        struct hush hush = hush_begin();
        tls_end(wire->tls);
        hush_end(&hush);
        tls_free(&wire->tls);
    }
    if (wire->client != NULL)
        tls_client_free(&wire->client);
}
