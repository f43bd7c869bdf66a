/* fence_sockets.c - see fence.h: what the job's network has besides its loopback. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "os/fd.h"
#include "os/netns.h"
#include "sandbox/fence.h"

enum { BACKLOG = 128 };

/* Where the names are that reach.h gives addresses to. */
static const uint8_t names_v4[4] = { 198, 18 }, names_v6[16] = { 0xfd, 0, 0, 0x18 };
enum { NAMES_V4_BITS = 15, NAMES_V6_BITS = 32 };

/* For what goes to nobody; its own addresses are the first of each, which no name is given. */
static const char astray_device[] = "fence";

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
static bool open_socket(struct fence_sockets *out, const struct address *at, struct job_port port)
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
    out->at[out->count++] = (struct fence_socket){ fd_take(&fd), port };
    return true;
}

/* Where its port is an allowed one the socket at all addresses is the name server's too: two could
   not be beside one another. */
static bool open_names(struct fence_sockets *out, const struct reach *reach, bool udp)
{
    static const uint8_t v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };
    const struct address loopback_v4 = address_of_v4(v4), loopback_v6 = address_of_v6(v6);
    const struct job_port port = { FENCE_NAMES_PORT, udp };
    return reach_has_port(reach, port) ||
           (open_socket(out, &loopback_v4, port) && open_socket(out, &loopback_v6, port));
}

static rc open_all(struct trail *trail, struct fence_sockets *out, const struct reach *reach)
{
    bool opened = open_names(out, reach, true) && open_names(out, reach, false);
    for (size_t i = 0; i < reach->port_count && opened; i++)
        opened = open_socket(out, NULL, reach->ports[i]);
    if (!opened) {
        const int why = errno;
        return FAIL_OS(trail, why);
    }
    return RC_SUCCESS;
}

rc fence_sockets_open(struct trail *trail, const struct reach *reach, struct fence_sockets *out)
{
    out->count = 0;
    out->astray = out->overheard = -1;
    TRY(trail, netns_wake(trail));
    TRY(trail, claim(trail, reach));
    TRY(trail, netns_catch(trail, astray_device, names_v4, names_v6, &out->astray));
    TRY(trail, netns_overhear(trail, &out->overheard));
    return open_all(trail, out, reach);
}

void fence_sockets_close(struct fence_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++)
        fd_close(&sockets->at[i].fd);
    fd_close(&sockets->astray);
    fd_close(&sockets->overheard);
}
