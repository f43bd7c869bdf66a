/* reach.h - what a job may reach outside of its sandbox, and under which addresses it knows it.

   Allowed is the union of [resources.network_whitelist] and of the network policy's allowed_hosts,
   each with its own ports; nothing where allow_outbound is false.  Each name has an address of its
   own inside the sandbox: the n-th 198.18.0.0/15 + n and fd00:18::/32 + n, so that the destination
   of a connection tells the name.  A listed address is met at itself.  Resolves nothing, connects
   to nothing.

   The sandbox's own (loopback, unspecified) is no part of this, nor is what no connection leads to
   (multicast, broadcast, reserved): neither is ever reached, listed or not. */
#ifndef WARD_JOB_REACH_H
#define WARD_JOB_REACH_H

#include "job/spec.h"
#include "model/address.h"

enum {
    REACH_NAMES_MAX = 1024,             /* names with an address, those under a wildcard included */
    REACH_PORTS_MAX = 2 * JOB_LIST_MAX, /* that anything listens on */
    REACH_LISTED_MAX = 2 * JOB_LIST_MAX, /* addresses that are listed */
};

/* Why not; zero is a refusal as well. */
enum reach_rule {
    REACH_NAME = 0,  /* nothing lists the name */
    REACH_PLACES,    /* a wildcard allows it, and there are REACH_NAMES_MAX already */
    REACH_ADDRESS,   /* no name has this address, and it is not listed */
    REACH_PORT,      /* of what is listed, another port */
    REACH_INSIDE,    /* the name leads to an address that is not outside */
    REACH_NO_TLS,    /* port 443, and it is not TLS */
    REACH_NO_SNI,    /* TLS that does not say for whom */
    REACH_OTHER_SNI, /* TLS for somebody else */
    REACH_ECH,       /* TLS whose name is hidden */
    REACH_MALFORMED, /* begins as TLS and is none */
    REACH_RULES,
};

/* Two lists may name the same. */
enum { REACH_OF_WHITELIST = 1, REACH_OF_ALLOWED = 2 };

struct reach_name {
    struct span name;       /* in small letters; of an address its one form (RFC 5952) */
    uint32_t number;        /* 0: an address, met at itself */
    struct address address; /* that address; not for names */
    uint8_t lists;          /* REACH_OF_ */
};

struct reach {
    const struct job_spec *spec;
    struct arena *arena;
    struct reach_name *names; /* by rising number */
    size_t name_count, name_cap;
    struct reach_name *listed; /* addresses, each once */
    size_t listed_count;
    struct job_port *ports; /* what something outside is allowed on, each once */
    size_t port_count;
    uint32_t number; /* the last one given */
};

bool reach_is_sound(const struct reach *reach);

/* reach_make works it out.  It views the specification and takes memory from the arena, later for
   names under a wildcard too: both stay as long as *out.  False: no memory. */
MUST_USE
bool reach_make(const struct job_spec *spec, struct arena *arena, struct reach *out);

/* reach_is_nothing: no fence is needed. */
bool reach_is_nothing(const struct reach *reach);

/* reach_has_port tells whether something outside is allowed on this port. */
bool reach_has_port(const struct reach *reach, struct job_port port);

/* reach_is_served tells whether a listed address is any part of this. */
bool reach_is_served(const struct address *address);

/* reach_find_name finds an allowed name, in any case; a name under a wildcard that is met for the
   first time is given an address.  NULL: *why is REACH_NAME or REACH_PLACES.  What it points to
   stays where it is. */
MUST_USE
const struct reach_name *reach_find_name(struct reach *reach, struct span name,
                                         enum reach_rule *why);

/* reach_by_address finds who is met at an address inside: NULL for REACH_ADDRESS. */
MUST_USE
const struct reach_name *reach_by_address(const struct reach *reach, const struct address *address);

/* reach_allows tells whether this port is allowed to it: else REACH_PORT. */
MUST_USE
bool reach_allows(const struct reach *reach, const struct reach_name *name,
                  const struct job_port *port);

/* reach_leads tells whether a name that was allowed on this port may lead to the address that it
   resolved to: one of the Internet (model/place.h), or one that is itself listed with that port.
   Else REACH_INSIDE. */
MUST_USE
bool reach_leads(const struct reach *reach, const struct address *resolved,
                 const struct job_port *port);

/* reach_is_localhost: a name that is the sandbox itself (RFC 6761 6.3), to be answered with
   loopback. */
bool reach_is_localhost(struct span name);

/* reach_is_given tells whether it is one of those that names are given, whether one has it or not.
 */
bool reach_is_given(const struct address *address);

/* The address of a name inside, 4 bytes or 16; empty where an address is of the other family. */
struct span reach_v4(const struct reach_name *name, uint8_t room[4]);
struct span reach_v6(const struct reach_name *name, uint8_t room[16]);

/* What was refused: as much as is known of it. */
struct reach_refusal {
    enum reach_rule rule;
    struct span name;       /* who was asked for; or the text of an address; or empty */
    struct job_port port;   /* number 0: none, as when a name was asked for */
    struct span other;      /* REACH_OTHER_SNI: the name in the hello */
    struct address address; /* REACH_INSIDE: where it leads */
};

/* In words: the rule that refused, as a clause; and the change of the specification that would
   allow it, nothing where none would.  What somebody else wrote is written only where it is the
   name of a host or an address. */
void reach_write_rule(struct sink *out, const struct reach *reach,
                      const struct reach_refusal *refusal);
void reach_write_change(struct sink *out, const struct reach *reach,
                        const struct reach_refusal *refusal);

/* reach_rule_word is one word for machines: "name", "other-sni"; never NULL. */
const char *reach_rule_word(enum reach_rule rule);

#endif
