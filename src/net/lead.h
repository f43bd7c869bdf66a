/* lead.h - whether one may go where a name leads: a name is somebody else's word. */
#ifndef WARD_NET_LEAD_H
#define WARD_NET_LEAD_H

#include "model/address.h"
#include "net/resolve.h"

/* address_of_socket: of AF_INET or AF_INET6, without its port. */
struct address address_of_socket(const struct sockaddr_storage *at);

/* addresses_may_lead: all of them lead to where one may go; one that does not spoils all, for a
   name with two meanings is a trap and not a choice.  `inward`: to this machine and networks that
   are private by their number (model/place.h).  `outward`: everywhere else. */
bool addresses_may_lead(const struct addresses *addresses, bool inward, bool outward);

#endif
