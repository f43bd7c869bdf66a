/* netns.h - the network of another process, entered for a moment: a socket that is made there stays
   there, whoever holds it.  Needs root of the namespace, or of one around it. */
#ifndef WARD_OS_NETNS_H
#define WARD_OS_NETNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/result.h"

enum { NETNS_LOOPBACK = 1 }; /* its number among the devices of every network */

/* netns_enter makes the network of a process that of the caller, who must have another one: EEXIST
   where it is the same.  *home, close-on-exec, is the way back.  The process is one that nobody has
   waited for: /proc/PROCESS is what it is found by. */
MUST_USE
rc netns_enter(struct trail *trail, pid_t process, int *home);

/* netns_leave goes back and closes *home.  On a failure the caller is in the wrong network, and
   ends. */
MUST_USE
rc netns_leave(struct trail *trail, int *home);

/* netns_wake brings the loopback of the caller's network up. */
MUST_USE
rc netns_wake(struct trail *trail);

/* netns_catch makes a device in the caller's network with these two addresses of its own, to which
   everything goes that nothing else there leads to, over IPv4 and IPv6.  *packets, close-on-exec
   and non-blocking, is its other end: each read is one packet, each write one that comes in by the
   device, and the device goes when it is closed.  `device`: shorter than IFNAMSIZ.  Needs
   /dev/net/tun (ENOENT, ENODEV where there is none). */
MUST_USE
rc netns_catch(struct trail *trail, const char *device, const uint8_t v4[4], const uint8_t v6[16],
               int *packets);

/* netns_overhear makes a socket, close-on-exec and non-blocking, that gets a copy of those packets
   on the loopback of the caller's network that tell what is refused there: TCP's resets with
   ACK, and messages that say that something is unreachable (ICMP type 3, ICMPv6 type 1).  Each
   datagram is a packet from its IP header on; what finds no room is lost.  Whoever holds it cannot
   make it hear more. */
MUST_USE
rc netns_overhear(struct trail *trail, int *packets);

/* netns_claim makes all addresses that begin with the first `bits` bits of this one (4 or 16 bytes)
   the machine's own, in the caller's network: what goes to them comes back by the loopback.  Once
   more is no failure. */
MUST_USE
rc netns_claim(struct trail *trail, const uint8_t *address, size_t len, unsigned bits);

#endif
