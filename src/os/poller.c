/* poller.c - see poller.h. */
#include "os/poller.h"

#include <errno.h>
#include <sys/epoll.h>

rc poller_open(struct trail *trail, int *out)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    *out = fd;
    return RC_SUCCESS;
}

static struct epoll_event wanted(uint64_t token, bool reading, bool writing)
{
    uint32_t events = (reading ? EPOLLIN | EPOLLRDHUP : 0u) | (writing ? EPOLLOUT : 0u);
    return (struct epoll_event){ .events = events, .data.u64 = token };
}

rc poller_add(struct trail *trail, int poller, int fd, uint64_t token, bool reading, bool writing)
{
    struct epoll_event event = wanted(token, reading, writing);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc poller_change(struct trail *trail, int poller, int fd, uint64_t token, bool reading,
                 bool writing)
{
    struct epoll_event event = wanted(token, reading, writing);
    if (epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc poller_drop(struct trail *trail, int poller, int fd)
{
    if (epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

size_t poller_take(int poller, struct poller_event *events, size_t max)
{
    struct epoll_event ready[POLLER_EVENTS_MAX];
    int wanted_most = max < POLLER_EVENTS_MAX ? (int)max : POLLER_EVENTS_MAX;
    int count = epoll_wait(poller, ready, wanted_most, 0);
    for (int i = 0; i < count; i++) {
        uint32_t is = ready[i].events;
        events[i] = (struct poller_event){ .token = ready[i].data.u64,
                                           .readable = (is & (EPOLLIN | EPOLLRDHUP)) != 0,
                                           .writable = (is & EPOLLOUT) != 0,
                                           .gone = (is & (EPOLLERR | EPOLLHUP)) != 0 };
    }
    return count > 0 ? (size_t)count : 0;
}
