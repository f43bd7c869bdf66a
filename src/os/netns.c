/* netns.c - see netns.h.  Speaks rtnetlink: each request is answered before the next. */
#include "os/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

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
        return FAIL_OS(trail, EEXIST);
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
    return left == 0 ? RC_SUCCESS : FAIL_OS(trail, why);
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
        return FAIL_OS(trail, EPROTO);
    *error = -got.answer.error.error;
    return RC_SUCCESS;
}

/* What is there already is no failure. */
static rc demand(struct trail *trail, const struct nlmsghdr *request)
{
    int error = 0;
    TRY(trail, ask(trail, request, &error));
    return error == 0 || error == EEXIST ? RC_SUCCESS : FAIL_OS(trail, error);
}

static rc wake(struct trail *trail, unsigned device)
{
    const struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } request = { .head = { .nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_NEWLINK,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
                  .link = { .ifi_index = (int)device, .ifi_flags = IFF_UP, .ifi_change = IFF_UP } };
    return demand(trail, &request.head);
}

rc netns_wake(struct trail *trail)
{
    return wake(trail, NETNS_LOOPBACK);
}

enum { MAKE = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL };

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
    struct route request = {
        .head = { .nlmsg_len = (uint32_t)(offsetof(struct route, target) + len),
                  .nlmsg_type = RTM_NEWROUTE,
                  .nlmsg_flags = MAKE },
        .route = { .rtm_family = len == 4 ? AF_INET : AF_INET6,
                   .rtm_dst_len = (uint8_t)bits,
                   .rtm_table = RT_TABLE_LOCAL,
                   .rtm_protocol = RTPROT_STATIC,
                   .rtm_scope = RT_SCOPE_HOST,
                   .rtm_type = RTN_LOCAL },
        .device_head = { .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_OIF },
        .device = NETNS_LOOPBACK,
        .target_head = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = RTA_DST },
    };
    if ((len != 4 && len != sizeof request.target) || bits > 8 * len)
        return FAIL(trail, RC_BUG, RC_ERRNO | EINVAL);
    memcpy(request.target, address, len);
    return demand(trail, &request.head);
}

/* --- a device for what goes to nobody --------------------------------------------------------- */

struct own_address {
    struct nlmsghdr head;
    struct ifaddrmsg address;
    struct rtattr local_head;
    uint8_t local[16];
};

static rc give_address(struct trail *trail, unsigned device, const uint8_t *address, size_t len)
{
    struct own_address request = {
        .head = { .nlmsg_len = (uint32_t)(offsetof(struct own_address, local) + len),
                  .nlmsg_type = RTM_NEWADDR,
                  .nlmsg_flags = MAKE },
        .address = { .ifa_family = len == 4 ? AF_INET : AF_INET6,
                     .ifa_prefixlen = (uint8_t)(8 * len),
                     .ifa_flags = IFA_F_NODAD, /* nobody else is there to have it */
                     .ifa_index = device },
        .local_head = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = IFA_LOCAL },
    };
    memcpy(request.local, address, len);
    return demand(trail, &request.head);
}

static rc lead_there(struct trail *trail, unsigned device, uint8_t family)
{
    const struct route request = {
        .head = { .nlmsg_len = offsetof(struct route, target_head),
                  .nlmsg_type = RTM_NEWROUTE,
                  .nlmsg_flags = MAKE },
        .route = { .rtm_family = family,
                   .rtm_table = RT_TABLE_MAIN,
                   .rtm_protocol = RTPROT_STATIC,
                   .rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                   .rtm_type = RTN_UNICAST },
        .device_head = { .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_OIF },
        .device = device,
    };
    return demand(trail, &request.head);
}

static rc furnish(struct trail *trail, const char *device, const uint8_t v4[4],
                  const uint8_t v6[16])
{
    const unsigned number = if_nametoindex(device);
    if (number == 0)
        return FAIL_ERRNO(trail);
    TRY(trail, wake(trail, number));
    TRY(trail, give_address(trail, number, v4, 4));
    TRY(trail, give_address(trail, number, v6, 16));
    TRY(trail, lead_there(trail, number, AF_INET));
    return lead_there(trail, number, AF_INET6);
}

rc netns_catch(struct trail *trail, const char *device, const uint8_t v4[4], const uint8_t v6[16],
               int *packets)
{
    struct ifreq wish = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    auto_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    if (strlen(device) >= sizeof wish.ifr_name)
        return FAIL(trail, RC_BUG, RC_ERRNO | EINVAL);
    snprintf(wish.ifr_name, sizeof wish.ifr_name, "%s", device);
    if (ioctl(fd, TUNSETIFF, &wish) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, furnish(trail, device, v4, v6));
    *packets = fd_take(&fd);
    return RC_SUCCESS;
}
