/* net.c - see inside.h.  The machine's own network is QEMU's (10.0.2.0/24, fec0::/64): what goes to
   others is connected to by QEMU, in the network of the job's container. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/inside.h"
#include "os/fd.h"

static const char device[] = "eth0";
static const uint8_t own_v4[4] = { 10, 0, 2, 15 }, mask_v4[4] = { 255, 255, 255, 0 };
static const uint8_t way_v4[4] = { 10, 0, 2, 2 };
static const uint8_t own_v6[16] = { 0xfe, 0xc0, [15] = 15 }, way_v6[16] = { 0xfe, 0xc0, [15] = 2 };
enum { PREFIX_V6 = 64 };

/* As the kernel has it (linux/ipv6.h, which cannot stand beside the other headers). */
struct address_request {
    uint8_t address[16];
    uint32_t prefix;
    int device;
};

static struct ifreq request_for(const char *name)
{
    struct ifreq request = { .ifr_flags = 0 };
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return request;
}

static bool bring_up(int sock, const char *name)
{
    struct ifreq request = request_for(name);
    if (ioctl(sock, SIOCGIFFLAGS, &request) != 0)
        return false;
    request.ifr_flags |= IFF_UP;
    return ioctl(sock, SIOCSIFFLAGS, &request) == 0;
}

static struct sockaddr address_of(const uint8_t bytes[4])
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
    } address = { .v4 = { .sin_family = AF_INET } };
    memcpy(&address.v4.sin_addr, bytes, 4);
    return address.any;
}

static bool set_v4(int sock)
{
    static const uint8_t all[4] = { 0 };
    struct ifreq own = request_for(device), mask = request_for(device);
    struct rtentry way = { .rt_flags = RTF_UP | RTF_GATEWAY,
                           .rt_dst = address_of(all),
                           .rt_genmask = address_of(all),
                           .rt_gateway = address_of(way_v4) };
    own.ifr_addr = address_of(own_v4);
    mask.ifr_netmask = address_of(mask_v4);
    return ioctl(sock, SIOCSIFADDR, &own) == 0 && ioctl(sock, SIOCSIFNETMASK, &mask) == 0 &&
           bring_up(sock, device) && ioctl(sock, SIOCADDRT, &way) == 0;
}

/* It has its address at once, and takes no other from anybody. */
static bool settle_v6(void)
{
    static const char *const files[] = { "accept_dad", "accept_ra", "autoconf" };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", device, files[i]);
        auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || !fd_write(fd, span_text("0")))
            return false;
    }
    return true;
}

static bool set_v6(void)
{
    auto_fd int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq number = request_for(device);
    if (sock < 0 || ioctl(sock, SIOCGIFINDEX, &number) != 0)
        return false;
    struct address_request own = { .prefix = PREFIX_V6, .device = number.ifr_ifindex };
    struct in6_rtmsg way = { .rtmsg_flags = RTF_UP | RTF_GATEWAY,
                             .rtmsg_metric = 1,
                             .rtmsg_ifindex = number.ifr_ifindex };
    memcpy(own.address, own_v6, sizeof own_v6);
    memcpy(&way.rtmsg_gateway, way_v6, sizeof way_v6);
    return ioctl(sock, SIOCSIFADDR, &own) == 0 && ioctl(sock, SIOCADDRT, &way) == 0;
}

bool guest_wake_network(struct guest *guest)
{
    if (!guest_load_network(guest))
        return false;
    auto_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock < 0 || !bring_up(sock, "lo"))
        return guest_failed(guest, "its loopback", NULL);
    if (!guest->limits.network)
        return true;
    if (!settle_v6() || !set_v4(sock) || !set_v6())
        return guest_failed(guest, "its network", NULL);
    return guest_serve_names(guest) || guest_failed(guest, "its name server", NULL);
}
