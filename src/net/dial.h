/* dial.h - a TCP connection to a host, by a deadline that bounds all of it: the name's
   resolution and every address that is tried.

   Addresses are not asked one after another: one that is silent has a head start and no more
   (RFC 8305, "Happy Eyeballs": section 5). */
#ifndef WARD_NET_DIAL_H
#define WARD_NET_DIAL_H

#include "net/resolve.h"

/* DIAL_HEAD_START_MS: how long an address is waited for before the next is tried beside it.
   DIAL_MESSAGE: bytes of a message, its NUL counted. */
enum { DIAL_HEAD_START_MS = 250, DIAL_MESSAGE = 160 };

/* dial gives a connected, non-blocking descriptor in *out.  Otherwise `message` says in one line
   why not, and *out is untouched. */
MUST_USE bool dial(const struct resolve_request *request, int *out, char message[DIAL_MESSAGE]);

#endif
