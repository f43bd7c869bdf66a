/* fence.c - see fence.h: its sockets, made in the job's network, and the process that is given
   them.  Both in the supervisor, before anything of the job runs. */
#include "sandbox/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/netns.h"
#include "os/spawn.h"
#include "sandbox/backend.h"

enum { READY_MS = 10000, BACKLOG = 128 };

/* Where the names are that reach.h gives addresses to. */
static const uint8_t names_v4[4] = { 198, 18 }, names_v6[16] = { 0xfd, 0, 0, 0x18 };
enum { NAMES_V4_BITS = 15, NAMES_V6_BITS = 32 };

struct making {
    struct fence_socket at[FENCE_SOCKETS_MOST];
    size_t count;
};

static enum reason failed(struct sandbox *sandbox, const char *what, rc why)
{
    return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s: %s", what, file_error_text(why));
}

/* Every address that a name has, and every one that is listed. */
static rc claim(struct trail *trail, const struct reach *reach)
{
    TRY(trail, netns_claim(trail, names_v4, sizeof names_v4, NAMES_V4_BITS));
    TRY(trail, netns_claim(trail, names_v6, sizeof names_v6, NAMES_V6_BITS));
    for (size_t i = 0; i < reach->listed_count; i++) {
        const struct address *address = &reach->listed[i].address;
        const size_t skipped = address_is_v4(address) ? ADDRESS_LEN - 4 : 0;
        const size_t len = ADDRESS_LEN - skipped;
        TRY(trail, netns_claim(trail, address->bytes + skipped, len, 8 * (unsigned)len));
    }
    return RC_SUCCESS;
}

/* Where a datagram was sent, and that an answer may come from there, although the address is no
   interface's. */
static bool tells_target(int fd)
{
    const int on = 1;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0 &&
           setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) == 0;
}

/* At one address, IPv4 as ::ffff:a.b.c.d; NULL: at all of both families. */
static bool open_socket(struct making *making, const struct address *at, struct job_port port)
{
    const int off = 0;
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(port.number) };
    if (at != NULL)
        memcpy(&name.sin6_addr, at->bytes, sizeof at->bytes);
    auto_fd int fd = socket(
        AF_INET6, (port.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
        (port.udp && !tells_target(fd)) ||
        bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
        (!port.udp && listen(fd, BACKLOG) != 0))
        return false;
    making->at[making->count++] = (struct fence_socket){ fd_take(&fd), port };
    return true;
}

static bool is_allowed(const struct reach *reach, struct job_port port)
{
    bool is = false;
    for (size_t i = 0; i < reach->port_count; i++)
        is = is || (reach->ports[i].number == port.number && reach->ports[i].udp == port.udp);
    return is;
}

/* Where its port is an allowed one the socket at all addresses is the name server's too: two could
   not be beside one another. */
static bool open_names(struct making *making, const struct reach *reach, bool udp)
{
    static const uint8_t v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };
    const struct address loopback_v4 = address_of_v4(v4), loopback_v6 = address_of_v6(v6);
    const struct job_port port = { FENCE_NAMES_PORT, udp };
    return is_allowed(reach, port) ||
           (open_socket(making, &loopback_v4, port) && open_socket(making, &loopback_v6, port));
}

static rc open_all(struct trail *trail, struct making *making, const struct reach *reach)
{
    bool opened = open_names(making, reach, true) && open_names(making, reach, false);
    for (size_t i = 0; i < reach->port_count && opened; i++)
        opened = open_socket(making, NULL, reach->ports[i]);
    if (!opened) {
        const int why = errno;
        return FAIL(trail, RC_WORLD, (uint32_t)why);
    }
    return RC_SUCCESS;
}

static rc furnish(struct trail *trail, struct making *making, const struct reach *reach)
{
    TRY(trail, netns_wake(trail));
    TRY(trail, claim(trail, reach));
    return open_all(trail, making, reach);
}

static void close_all(struct making *making)
{
    for (size_t i = 0; i < making->count; i++)
        fd_close(&making->at[i].fd);
}

static enum reason make_sockets(struct sandbox *sandbox, pid_t first, struct making *making)
{
    struct trail trail = { 0 };
    int home = -1;
    rc made = netns_enter(&trail, first, &home);
    if (!rc_ok(made))
        return failed(sandbox, "the job's network cannot be entered", made);
    made = furnish(&trail, making, sandbox->reach);
    rc left = netns_leave(&trail, &home);
    if (!rc_ok(left))
        _exit(3); /* nothing may be begun from within the job's network */
    return rc_ok(made) ? REASON_OK : failed(sandbox, "its sockets", made);
}

/* One byte, 0, and no word. */
static enum reason hear_ready(struct sandbox *sandbox, int ready)
{
    char words[SANDBOX_WHAT / 2];
    struct pollfd polled = { .fd = ready, .events = POLLIN };
    const int64_t until_ms = clock_monotonic_ms() + READY_MS;
    int told;
    do {
        const int64_t left = until_ms - clock_monotonic_ms();
        told = poll(&polled, 1, left > 0 ? (int)left : 0);
    } while (told < 0 && errno == EINTR);
    ssize_t got = told > 0 ? read(ready, words, sizeof words - 1) : 0;
    if (got == 1 && words[0] == 0)
        return REASON_OK;
    words[got > 0 ? got : 0] = 0;
    return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "its process: %s",
                        got > 0 ? words : "it has ended");
}

/* In the child.  What it uses is the job's. */
static _Noreturn void live(const struct sandbox *sandbox, const struct sandbox_fence *fence)
{
    rc joined = cgroup_join(NULL, &sandbox->groups, sandbox->slot.name);
    if (rc_ok(joined))
        _exit(sandbox->job->fence(fence));
    bool told = fd_write(fence->ready, span_text(file_error_text(joined)));
    (void)told; /* else it has ended */
    _exit(1);
}

static enum reason fork_fence(struct sandbox *sandbox, struct fence_held *held,
                              struct sandbox_fence *fence)
{
    struct trail trail = { 0 };
    int ready[2], stop[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s", strerror(errno));
    auto_fd int heard = ready[0];
    auto_fd int told = ready[1];
    if (pipe2(stop, O_CLOEXEC) != 0)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s", strerror(errno));
    auto_fd int stopped = stop[0];
    held->stop = stop[1];
    fence->ready = told;
    fence->stop = stopped;
    const pid_t pid = fork();
    if (pid < 0)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s", strerror(errno));
    if (pid == 0)
        live(sandbox, fence);
    fd_close(&told);
    rc found = process_hold(&trail, pid, &held->process);
    return rc_ok(found) ? hear_ready(sandbox, heard) : failed(sandbox, "its process", found);
}

enum reason fence_start(struct sandbox *sandbox, pid_t first, int refusals, struct fence_held *held)
{
    struct making *making = NULL;
    if (reach_is_nothing(sandbox->reach))
        return REASON_OK;
    if (sandbox->job->fence == NULL)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "there is none here");
    making = arena_alloc(sandbox->job->arena, sizeof *making);
    if (making == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the fence");
    enum reason reason = make_sockets(sandbox, first, making);
    struct sandbox_fence fence = { .reach = sandbox->reach,
                                   .sockets = making->at,
                                   .count = making->count,
                                   .refusals = refusals,
                                   .user = sandbox->slot.ids + SLOT_IDS - 1 };
    if (reason == REASON_OK)
        reason = fork_fence(sandbox, held, &fence);
    close_all(making);
    return reason;
}

void fence_stop(struct fence_held *held)
{
    fd_close(&held->stop);
    if (held->process < 0)
        return;
    /* What it had still to tell; with whoever calls it ends in any case. */
    rc ended = process_wait(NULL, held->process, clock_monotonic_ms() + FENCE_STOP_MS);
    (void)ended;
    fd_close(&held->process);
}
