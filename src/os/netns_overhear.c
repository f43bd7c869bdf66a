/* netns_overhear.c - see netns.h: a socket of packets with a filter that cannot be taken off. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/netns.h"

enum { VERSION = 0xf0, RST_AND_ACK = 0x14, MOST = 0xffff };

/* What each row of the filter does: the kernel's packet filter of the classic kind, in which a jump
   counts the rows between.  Offsets begin at the header of IP; X is what IPv4's has of length. */
#define BYTE_AT(at)          BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (at))
#define BYTE_BEHIND_HEAD(at) BPF_STMT(BPF_LD | BPF_B | BPF_IND, (at))
#define AND(bits)            BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (bits))
#define IS(row, value, yes, no)                                                                    \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes) - (row)-1, (no) - (row)-1)

enum { V4 = 3, V4_ICMP = 9, V6 = 12, V6_ICMP = 18, HEAR = 21, DROP = 22 };

static struct sock_filter heard[] = {
    [0] = BYTE_AT(0),
    [1] = AND(VERSION),
    [2] = IS(2, 0x40, V4, V6),
    [V4] = BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
    [4] = BYTE_AT(9),
    [5] = IS(5, IPPROTO_TCP, 6, V4_ICMP),
    [6] = BYTE_BEHIND_HEAD(13),
    [7] = AND(RST_AND_ACK),
    [8] = IS(8, RST_AND_ACK, HEAR, DROP),
    [V4_ICMP] = IS(V4_ICMP, IPPROTO_ICMP, 10, DROP),
    [10] = BYTE_BEHIND_HEAD(0),
    [11] = IS(11, ICMP_DEST_UNREACH, HEAR, DROP),
    [V6] = IS(V6, 0x60, 13, DROP),
    [13] = BYTE_AT(6),
    [14] = IS(14, IPPROTO_TCP, 15, V6_ICMP),
    [15] = BYTE_AT(40 + 13),
    [16] = AND(RST_AND_ACK),
    [17] = IS(17, RST_AND_ACK, HEAR, DROP),
    [V6_ICMP] = IS(V6_ICMP, IPPROTO_ICMPV6, 19, DROP),
    [19] = BYTE_AT(40),
    [20] = IS(20, ICMPV6_DEST_UNREACH, HEAR, DROP),
    [HEAR] = BPF_STMT(BPF_RET | BPF_K, MOST),
    [DROP] = BPF_STMT(BPF_RET | BPF_K, 0),
};

rc netns_overhear(struct trail *trail, int *packets)
{
    const int on = 1;
    const struct sock_fprog filter = { .len = COUNT_OF(heard), .filter = heard };
    const struct sockaddr_ll loopback = { .sll_family = AF_PACKET,
                                          .sll_protocol = htons(ETH_P_ALL),
                                          .sll_ifindex = NETNS_LOOPBACK };
    /* Of no protocol: it hears nothing before its filter is there.  Each packet of a loopback
       leaves and comes, and is heard when it comes. */
    auto_fd int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) != 0)
        return FAIL_ERRNO(trail);
    *packets = fd_take(&fd);
    return RC_SUCCESS;
}
