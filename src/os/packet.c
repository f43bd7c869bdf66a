/* packet.c - see packet.h. */
#include "os/packet.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"

rc packet_pair(struct trail *trail, int ends[2])
{
    const int room = PACKET_BYTES_MAX; /* the kernel takes it twice, for its own needs */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return FAIL_ERRNO(trail);
    for (int i = 0; i < 2; i++) {
        if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) != 0) {
            rc failed = FAIL_ERRNO(trail);
            close(ends[0]);
            close(ends[1]);
            return failed;
        }
    }
    return RC_SUCCESS;
}

static rc fail_of_errno(struct trail *trail)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return FAIL(trail, RC_BUSY, PACKET_E_BLOCK);
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN || errno == ECONNREFUSED)
        return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
    return FAIL_ERRNO(trail);
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(PACKET_FDS_MAX * sizeof(int))];
};
_Static_assert(CMSG_SPACE(PACKET_FDS_MAX * sizeof(int)) == CMSG_LEN(PACKET_FDS_MAX * sizeof(int)),
               "the kernel fills padding with descriptors too, and nobody would close them");

rc packet_send(struct trail *trail, int fd, struct span bytes, const int *fds, size_t count)
{
    if (bytes.len == 0 || bytes.len > PACKET_BYTES_MAX || count > PACKET_FDS_MAX)
        return FAIL(trail, RC_BUG, PACKET_E_CUT);
    /* sendmsg takes what it will not change as if it might. */
    union {
        const void *given;
        void *taken;
    } base = { .given = bytes.at };
    struct iovec part = { base.taken, bytes.len };
    union control control = { 0 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
                                  .cmsg_level = SOL_SOCKET,
                                  .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? fail_of_errno(trail) : RC_SUCCESS;
}

static void collect(struct msghdr *message, struct packet_fds *out)
{
    out->count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
         head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && out->count < PACKET_FDS_MAX; i++)
            memcpy(&out->fds[out->count++], CMSG_DATA(head) + i * sizeof(int), sizeof(int));
    }
}

/* A peer that goes while something lies unread at its end leaves ECONNRESET, once, in front
   of what it said before. */
static ssize_t receive(int fd, struct msghdr *message)
{
    bool reset = false;
    for (;;) {
        ssize_t got = recvmsg(fd, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (got >= 0 || !(errno == EINTR || (errno == ECONNRESET && !reset)))
            return got;
        reset = reset || errno == ECONNRESET;
    }
}

rc packet_receive(struct trail *trail, int fd, void *buffer, size_t cap, size_t *len,
                  struct packet_fds *fds)
{
    struct iovec part = { buffer, cap };
    union control control = { 0 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    fds->count = 0;
    ssize_t got = receive(fd, &message);
    if (got < 0)
        return fail_of_errno(trail);
    collect(&message, fds);
    bool fds_cut = (message.msg_flags & MSG_CTRUNC) != 0;
    bool no_room = fds_cut && fds->count < PACKET_FDS_MAX;
    if (got == 0 || fds_cut || (message.msg_flags & MSG_TRUNC) != 0)
        packet_fds_close(fds);
    /* The kernel closed the descriptors that it could not hand over. With room for more in
       the message, it was this process that can have no more: nobody's fault but its own. */
    if (no_room)
        return FAIL_OS(trail, EMFILE);
    if (fds_cut || (message.msg_flags & MSG_TRUNC) != 0)
        return FAIL(trail, RC_PEER, PACKET_E_CUT);
    if (got == 0)
        return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
    *len = (size_t)got;
    return RC_SUCCESS;
}

void packet_fds_close(struct packet_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        fd_close(&fds->fds[i]);
    fds->count = 0;
}

rc packet_wait(struct trail *trail, int fd, bool writing, int64_t until_ms)
{
    struct pollfd what = { .fd = fd, .events = writing ? POLLOUT : POLLIN };
    for (;;) {
        int64_t now = clock_monotonic_ms();
        int64_t left = now < until_ms ? until_ms - now : 0;
        int ready = poll(&what, 1, left > 1000000 ? 1000000 : (int)left);
        if (ready > 0)
            return RC_SUCCESS;
        if (ready < 0 && errno != EINTR)
            return FAIL_ERRNO(trail);
        /* After an interruption too: a storm of signals puts no deadline off. */
        if (clock_monotonic_ms() >= until_ms)
            return FAIL(trail, RC_BUSY, PACKET_E_TIME);
    }
}
