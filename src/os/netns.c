/* netns.c - see netns.h.  Speaks rtnetlink: two requests, each answered before the next. */
#include "os/netns.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file_rc.h"

enum { LOOPBACK = 1 }; /* the number of the loopback in every network */

rc netns_enter(struct trail *trail, pid_t process, int *home)
{
    char path[64];
    struct stat own, other;
    snprintf(path, sizeof path, "/proc/%d/ns/net", process);
    auto_fd int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    auto_fd int there = open(path, O_RDONLY | O_CLOEXEC);
    if (here < 0 || there < 0 || fstat(here, &own) != 0 || fstat(there, &other) != 0)
        return FAIL_ERRNO(trail);
    if (own.st_ino == other.st_ino && own.st_dev == other.st_dev)
        return FAIL(trail, RC_WORLD, EEXIST);
    if (setns(there, CLONE_NEWNET) != 0)
        return FAIL_ERRNO(trail);
    *home = fd_take(&here);
    return RC_SUCCESS;
}

rc netns_leave(struct trail *trail, int *home)
{
    int left = setns(*home, CLONE_NEWNET);
    int why = errno;
    fd_close(home);
    return left == 0 ? RC_SUCCESS : FAIL(trail, RC_WORLD, (uint32_t)why);
}

/* The kernel's answer to a request: an error, which is 0 where there is none. */
struct answer {
    struct nlmsghdr head;
    struct nlmsgerr error;
};

/* The errno that the kernel answers with, or 0. */
static rc ask(struct trail *trail, const struct nlmsghdr *request, int *error)
{
    struct {
        struct answer answer;
        uint8_t rest[256]; /* of the request, which it repeats */
    } got;
    auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || send(fd, request, request->nlmsg_len, 0) != (ssize_t)request->nlmsg_len)
        return FAIL_ERRNO(trail);
    ssize_t len = recv(fd, &got, sizeof got, 0);
    if (len < 0)
        return FAIL_ERRNO(trail);
    if (len < (ssize_t)sizeof got.answer || got.answer.head.nlmsg_type != NLMSG_ERROR)
        return FAIL(trail, RC_WORLD, EPROTO);
    *error = -got.answer.error.error;
    return RC_SUCCESS;
}

rc netns_wake(struct trail *trail)
{
    int error = 0;
    const struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } request = { .head = { .nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_NEWLINK,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
                  .link = { .ifi_index = LOOPBACK, .ifi_flags = IFF_UP, .ifi_change = IFF_UP } };
    TRY(trail, ask(trail, &request.head, &error));
    return error == 0 ? RC_SUCCESS : FAIL(trail, RC_WORLD, (uint32_t)error);
}

/* Attributes are aligned to 4 bytes, and so are all of these. */
struct route {
    struct nlmsghdr head;
    struct rtmsg route;
    struct rtattr device_head;
    uint32_t device;
    struct rtattr target_head;
    uint8_t target[16];
};

rc netns_claim(struct trail *trail, const uint8_t *address, size_t len, unsigned bits)
{
    int error = 0;
    struct route request = {
        .head = { .nlmsg_len = (uint32_t)(offsetof(struct route, target) + len),
                  .nlmsg_type = RTM_NEWROUTE,
                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
        .route = { .rtm_family = len == 4 ? AF_INET : AF_INET6,
                   .rtm_dst_len = (uint8_t)bits,
                   .rtm_table = RT_TABLE_LOCAL,
                   .rtm_protocol = RTPROT_STATIC,
                   .rtm_scope = RT_SCOPE_HOST,
                   .rtm_type = RTN_LOCAL },
        .device_head = { .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_OIF },
        .device = LOOPBACK,
        .target_head = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = RTA_DST },
    };
    if ((len != 4 && len != sizeof request.target) || bits > 8 * len)
        return FAIL(trail, RC_BUG, EINVAL);
    memcpy(request.target, address, len);
    TRY(trail, ask(trail, &request.head, &error));
    return error == 0 || error == EEXIST ? RC_SUCCESS : FAIL(trail, RC_WORLD, (uint32_t)error);
}
