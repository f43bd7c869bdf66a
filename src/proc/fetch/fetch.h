/* fetch.h - the process that asks the one provider of collateral that is set, for core: the only
   one of the house that connects to an address that it was not given open.  It holds no key and no
   file, accepts nothing, and decides nothing: what a provider gave is judged elsewhere.

   Where the provider's name leads is asked anew for each exchange and looked at first: a name
   must not lead to this machine or its own network unless that was set.  The exchange itself,
   with all that is parsed in it, is a child's (forked.h), which has the addresses and looks no
   name up. */
#ifndef WARD_PROC_FETCH_FETCH_H
#define WARD_PROC_FETCH_FETCH_H

#include "attest/pcs.h"
#include "model/reason.h"
#include "net/fetch.h"
#include "net/resolve.h"
#include "proc/forked.h"
#include "proc/house.h"
#include "proc/messages.h"

enum {
    FETCH_CA_MAX = 1 << 20,    /* bytes of the file of CAs */
    FETCH_NAME_MS = 3000,      /* for the name's servers: nobody else is answered then */
    FETCH_EXCHANGE_MS = 15000, /* for all of the exchange */
    FETCH_WALL_S = 20,         /* then the kernel ends its child */
    FETCH_CPU_S = 5,
};

/* Whom it asks.  Everything of the system that it needs is in here before the jail. */
struct provider {
    const char *url; /* "": nobody */
    char host[FETCH_HOST_MAX], port[FETCH_PORT_MAX];
    bool is_address;        /* the host is written as one */
    bool is_known;          /* that, or a name of /etc/hosts */
    struct addresses known; /* its addresses then */
    struct resolver resolver;
    bool resolves; /* there are name servers */
    bool inward;   /* a name may lead to a private address */
    struct span ca;
};

struct fetch {
    struct house *house;
    struct provider provider;
    struct forked child;
};

/* provider.c */

/* provider_open takes what an exchange needs from settings, files and system.  A provider that
   cannot be asked is no failure: whoever asks is told. */
MUST_USE
rc provider_open(struct trail *trail, struct provider *provider, struct house *house);

/* provider_find gives the addresses that may be connected to: REASON_OK, or why there are none
   with static text in *why. */
MUST_USE
enum reason provider_find(const struct provider *provider, struct addresses *out, const char **why);

/* exchange.c */

/* What is asked for, and where. */
struct exchange {
    const struct provider *provider;
    enum pcs_thing thing;
    struct pcs_platform platform;
    struct addresses addresses;
};

/* exchange_start begins a child that has the exchange and says the body of a MSG_FETCHED. */
MUST_USE
rc exchange_start(struct trail *trail, struct forked *child, const struct exchange *exchange);

/* exchange_finish: REASON_OK when the child's answer is such a body, FETCH_SLOW or FETCH_CRASHED
   otherwise. */
enum reason exchange_finish(struct forked *child);

#endif
