/* watch.c - see monitor.h: the loop.  Waits for signals, for the end of a process, for what
   a process has to say, and for the time to start one again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/rotate.h"
#include "model/reason.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/control.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"
#include "proc/tls_open.h"

static rc on_ready(struct trail *trail, struct monitor *monitor, enum peer peer,
                   struct cursor *body)
{
    struct child *child = &monitor->children[peer];
    uint8_t own_user = 0, own_network = 0;
    uint32_t landlock = 0;
    if (child->ready || !(cur_u8(body, &own_user) && cur_u8(body, &own_network) &&
                          cur_u32le(body, &landlock) && cur_end(body)))
        return FAIL(trail, RC_PEER, DOOR_E_BODY);
    child->jail = (struct jail_report){ own_user != 0, landlock, own_network != 0 };
    if (child->starts > 1)
        news_add(monitor, HAPPENED_RESTART, peer, child->starts);
    child->ready = true;
    if (peer == PEER_CORE)
        news_all(monitor);
    else
        news_children(monitor);
    log_event("ready name=%s pid=%d ms=%lld own_user=%u landlock=%u", peer_name(peer),
              (int)child->pid, (long long)(clock_monotonic_ms() - child->since_ms),
              child->jail.own_user, child->jail.landlock);
    monitor_say(monitor, "ready %s", peer_name(peer));
    if (monitor_all_ready(monitor) && !monitor->was_ready) {
        monitor->was_ready = true;
        rc written = monitor_is_ready(trail, monitor);
        if (rc_ok(written)) {
            monitor_say(monitor, "serving");
        } else { /* nobody could find it to stop it */
            log_failure("ready not written down", written, trail);
            raise(SIGTERM);
        }
        fd_close(&monitor->report);
    }
    return RC_SUCCESS;
}

/* It ends by itself, and is judged then.  In a house that never was ready the reason is why:
   what a seal does not open is not opened by another try. */
static rc on_failed(struct trail *trail, struct monitor *monitor, enum peer peer,
                    struct cursor *body)
{
    uint16_t reason = 0;
    if (!cur_u16le(body, &reason) || reason >= REASON_COUNT || !cur_end(body))
        return FAIL(trail, RC_PEER, DOOR_E_BODY);
    const char *file = tls_path(&monitor->settings, (enum reason)reason);
    if (!monitor->was_ready)
        monitor_blame(monitor, (enum reason)reason, "%s", file != NULL ? file : peer_name(peer));
    return RC_SUCCESS;
}

/* What the audit process alone may ask for, and only with names of logs that were put away.
   A name that is none is the fault of whoever sent it; what the disk does not do is said in
   the answer, or here. */
static rc read_name(struct trail *trail, struct cursor *body, struct span *out)
{
    if (!get_bytes(body, AUDIT_FILE_NAME_MAX, out) || !cur_end(body))
        return FAIL(trail, RC_PEER, DOOR_E_BODY);
    return RC_SUCCESS;
}

static rc answer_files(struct trail *trail, struct monitor *monitor, uint16_t message, rc done,
                       const int *fds, size_t count)
{
    uint8_t answer = rc_ok(done);
    struct frame frame = { .message = message, .body = span_of(&answer, 1) };
    if (rc_class_of(done) == RC_PEER)
        return done;
    return channel_put_fds(trail, &monitor->children[PEER_AUDIT].control, &frame, fds,
                           answer ? count : 0);
}

static rc on_rotate(struct trail *trail, struct monitor *monitor, struct cursor *body)
{
    struct span name;
    int fd = -1;
    TRY(trail, read_name(trail, body, &name));
    rc rotated = monitor_rotate(trail, monitor, name, &fd);
    if (!rc_ok(rotated))
        log_failure("log not rotated", rotated, trail);
    return answer_files(trail, monitor, CONTROL_ROTATED, rotated, &fd, 1);
}

static rc on_pack(struct trail *trail, struct monitor *monitor, struct cursor *body)
{
    struct span name;
    int fds[2] = { -1, -1 };
    TRY(trail, read_name(trail, body, &name));
    rc opened = monitor_open_packed(trail, monitor, name, fds);
    if (!rc_ok(opened))
        log_failure("rotated log not opened", opened, trail);
    rc sent = answer_files(trail, monitor, CONTROL_PACK_OPENED, opened, fds, 2);
    fd_close(&fds[0]);
    fd_close(&fds[1]);
    return sent;
}

static rc on_packed(struct trail *trail, struct monitor *monitor, struct cursor *body)
{
    struct span name;
    TRY(trail, read_name(trail, body, &name));
    rc packed = monitor_packed(trail, monitor, name);
    if (rc_ok(packed) || rc_class_of(packed) == RC_PEER)
        return packed;
    log_failure("packed log not named", packed, trail);
    return RC_SUCCESS;
}

static rc on_remove(struct trail *trail, struct monitor *monitor, struct cursor *body)
{
    uint32_t count = 0;
    struct span name;
    if (!cur_u32le(body, &count))
        return FAIL(trail, RC_PEER, DOOR_E_BODY);
    for (uint32_t i = 0; i < count; i++) {
        if (!get_bytes(body, AUDIT_FILE_NAME_MAX, &name))
            return FAIL(trail, RC_PEER, DOOR_E_BODY);
        rc removed = monitor_remove(trail, monitor, name);
        if (rc_class_of(removed) == RC_PEER)
            return removed;
        if (!rc_ok(removed))
            log_failure("old log not removed", removed, trail);
    }
    return cur_end(body) ? RC_SUCCESS : FAIL(trail, RC_PEER, DOOR_E_BODY);
}

static rc on_frame(struct trail *trail, struct monitor *monitor, enum peer peer,
                   const struct frame *frame)
{
    struct cursor body = cur_over(frame->body);
    if (frame->message == CONTROL_READY)
        return on_ready(trail, monitor, peer, &body);
    if (frame->message == CONTROL_RELOADED)
        return reload_answered(trail, monitor, peer, &body);
    if (frame->message == CONTROL_LOST)
        return edge_lost(trail, monitor, monitor_row(peer), frame);
    if (frame->message == CONTROL_FAILED)
        return on_failed(trail, monitor, peer, &body);
    if (frame->message == CONTROL_AGAIN && (peer == PEER_CORE || peer == PEER_TEE) &&
        cur_end(&body)) {
        monitor->children[peer].again = true;
        return RC_SUCCESS;
    }
    if (frame->message == CONTROL_ROTATE && peer == PEER_AUDIT)
        return on_rotate(trail, monitor, &body);
    if (frame->message == CONTROL_PACK && peer == PEER_AUDIT)
        return on_pack(trail, monitor, &body);
    if (frame->message == CONTROL_PACKED && peer == PEER_AUDIT)
        return on_packed(trail, monitor, &body);
    if (frame->message == CONTROL_REMOVE && peer == PEER_AUDIT)
        return on_remove(trail, monitor, &body);
    if (frame->message == CONTROL_LOGGED && peer == PEER_CORE)
        return news_logged(trail, monitor, &body);
    return FAIL(trail, RC_PEER, DOOR_E_NONE);
}

/* Whoever says something that it may not say is taken over or broken: it is ended. */
static void listen_to(struct monitor *monitor, enum peer peer)
{
    struct child *child = &monitor->children[peer];
    struct trail trail = { 0 };
    for (;;) {
        struct frame frame;
        rc got = channel_get(&trail, &child->control, &frame);
        if (rc_class_of(got) == RC_BUSY)
            return;
        if (rc_ok(got))
            got = on_frame(&trail, monitor, peer, &frame);
        if (rc_ok(got))
            continue;
        if (rc_class_of(got) == RC_PEER) {
            log_event("bad control message name=%s", peer_name(peer));
            log_failure("bad control message", got, &trail);
            child_signal(child, SIGKILL);
        }
        channel_close(&child->control);
        return;
    }
}

static void reap(struct monitor *monitor, enum peer peer)
{
    struct child *child = &monitor->children[peer];
    int status = 0;
    if (child->pid == 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
        return;
    listen_to(monitor, peer); /* its last words */
    child_ended(monitor, peer, status, clock_monotonic_ms());
}

/* The last to be started is the first to stop: nobody loses the one it depends on. */
static struct child *last_alive(struct monitor *monitor)
{
    for (size_t i = monitor_plan_count; i > 0; i--) {
        struct child *child = &monitor->children[monitor_plan[i - 1].peer];
        if (child->pid != 0)
            return child;
    }
    return NULL;
}

static void tell_to_stop(struct monitor *monitor)
{
    struct child *child = last_alive(monitor);
    struct frame stop = { .message = CONTROL_STOP };
    monitor->stop_ms = clock_monotonic_ms() + MONITOR_STOP_MS;
    if (!rc_ok(channel_put(NULL, &child->control, &stop)) ||
        !rc_ok(channel_flush(NULL, &child->control)))
        child_signal(child, SIGKILL);
}

static void take_signals(struct monitor *monitor)
{
    struct signalfd_siginfo info;
    while (read(monitor->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            monitor->reload.wanted = true;
        bool end = info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
        if (!end || monitor->stopping)
            continue;
        log_event("stopping signal=%u", info.ssi_signo);
        news_add(monitor, HAPPENED_HOUSE_STOP, PEER_MONITOR, info.ssi_signo);
        monitor->stopping = true;
    }
}

/* What is due now; returns the instant of the next. */
static int64_t do_due(struct monitor *monitor, int64_t now)
{
    int64_t next = reload_step(monitor, now), edge = edges_step(monitor, now);
    if (edge < next)
        next = edge;
    for (size_t i = 0; i < monitor_plan_count; i++) {
        enum peer peer = monitor_plan[i].peer;
        struct child *child = &monitor->children[peer];
        struct trail trail = { 0 };
        if (child->pid == 0 && !monitor->stopping && child->again_ms <= now) {
            rc started = child_start(&trail, monitor, peer);
            if (!rc_ok(started))
                log_failure("process not started", started, &trail);
            if (child->pid == 0) {
                child->failures++;
                child->again_ms = now + MONITOR_BACKOFF_LONGEST_MS;
            }
        }
        if (child->pid != 0 && !child->ready && child->since_ms + MONITOR_START_MS <= now)
            child_signal(child, SIGKILL);
        int64_t due = child->pid == 0 ? child->again_ms
                      : !child->ready ? child->since_ms + MONITOR_START_MS
                                      : INT64_MAX;
        if (due < next)
            next = due;
    }
    if (monitor->stopping && monitor->stop_ms <= now) {
        struct child *child = last_alive(monitor);
        if (child != NULL)
            child_signal(child, SIGKILL);
        monitor->stop_ms = now + MONITOR_STOP_MS;
    }
    if (monitor->stopping && monitor->stop_ms < next)
        next = monitor->stop_ms;
    return next;
}

static void flush(struct monitor *monitor)
{
    for (size_t i = 0; i < monitor_plan_count; i++) {
        struct channel *control = &monitor->children[monitor_plan[i].peer].control;
        if (channel_is_open(control) && !rc_ok(channel_flush(NULL, control)))
            channel_close(control);
    }
}

/* A readable pidfd is a process that ended.  [0] signals, then for each process its pidfd
   and its control channel. */
static rc wait_and_handle(struct trail *trail, struct monitor *monitor)
{
    struct pollfd fds[1 + 2 * PEER_COUNT];
    int64_t now = clock_monotonic_ms();
    int64_t next = do_due(monitor, now);
    flush(monitor); /* what a start has told the neighbours */
    fds[0] = (struct pollfd){ .fd = monitor->signals, .events = POLLIN };
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        struct child *child = &monitor->children[peer];
        fds[1 + 2 * peer] = (struct pollfd){ .fd = child->pidfd, .events = POLLIN };
        short events = channel_has_queued(&child->control) ? POLLIN | POLLOUT : POLLIN;
        fds[2 + 2 * peer] = (struct pollfd){ .fd = child->control.fd, .events = events };
    }
    int64_t left = next <= now ? 0 : next - now;
    int ready = poll(fds, 1 + 2 * PEER_COUNT, next == INT64_MAX ? -1 : (int)left);
    if (ready < 0 && errno != EINTR)
        return FAIL_ERRNO(trail);
    if (ready <= 0)
        return RC_SUCCESS;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (fds[2 + 2 * peer].revents != 0 && channel_is_open(&monitor->children[peer].control))
            listen_to(monitor, (enum peer)peer);
        if (fds[1 + 2 * peer].revents != 0)
            reap(monitor, (enum peer)peer);
    }
    if (fds[0].revents != 0)
        take_signals(monitor);
    flush(monitor);
    return RC_SUCCESS;
}

/* A house that runs goes on trying; one that never did ends, for somebody waits to hear. */
static rc judge_start(struct trail *trail, struct monitor *monitor)
{
    for (unsigned peer = 0; peer < PEER_COUNT && !monitor->was_ready; peer++) {
        if (monitor->children[peer].failures > 0 && monitor->because != REASON_NONE)
            return FAIL(trail, RC_DENIED, MONITOR_E_START);
        if (monitor->children[peer].failures < MONITOR_TRIES)
            continue;
        monitor_blame(monitor, REASON_HOUSE_PROCESS_FAILED, "%s", peer_name((enum peer)peer));
        return FAIL(trail, RC_WORLD, MONITOR_E_START);
    }
    return RC_SUCCESS;
}

rc monitor_watch(struct trail *trail, struct monitor *monitor)
{
    const struct child *told = NULL;
    for (;;) {
        const struct child *last = last_alive(monitor);
        if (monitor->stopping && last == NULL)
            return RC_SUCCESS;
        if (monitor->stopping && last != told) {
            tell_to_stop(monitor);
            told = last;
        }
        TRY(trail, wait_and_handle(trail, monitor));
        TRY(trail, judge_start(trail, monitor));
    }
}
