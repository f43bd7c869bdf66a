/* ban.h - who has done what is not forgiven for a while.  One process (core) writes the table,
   the others look into the same memory, which they cannot write; nothing here locks or waits.

   An offence costs a penalty of its kind.  Penalties of one peer (an address, or a /64) add up
   while they run, to at most `cap`; once they reach `threshold` the peer is banned until they
   have run out, so that one wrong password is no ban and a crash is.  That is the rule of
   OpenSSH's PerSourcePenalties.

   Never banned are loopback and whatever has an address in common with the `never` list
   (proxies, CDN, the owner): not even a /64 that holds one such address.  Whoever lets an
   attacker speak through his address is limited by rate instead.  An offence is reported only of
   an address from which a handshake was completed, or which a listed proxy vouched for:
   never of one that a packet merely claims.

   The table has a fixed size.  In a full set of eight the penalty that ends first makes room,
   and nothing that an operator imposed does: a flood of small offences pushes out only small
   ones. */
#ifndef WARD_ADMIT_BAN_H
#define WARD_ADMIT_BAN_H

#include "crypto/siphash.h"
#include "model/address.h"

enum { BAN_WAYS = 8, BAN_SETS_MAX = 1 << 16 };

enum offence {
    OFFENCE_NONE = 0,
    OFFENCE_CRASH,          /* it was found guilty of a crash (crash.h) */
    OFFENCE_AUTH_FAILED,    /* a credential that is wrong, not one that has expired */
    OFFENCE_GRACE_EXCEEDED, /* a handshake that was not done in time */
    OFFENCE_ABUSE,          /* of a protocol: resets, floods, smuggling */
    OFFENCE_IMPOSED,        /* by an operator */
    OFFENCE_COUNT
};

/* A lower-case word for logs and metrics; never NULL. */
const char *offence_name(enum offence offence);

struct ban_rules {
    uint64_t penalty_us[OFFENCE_COUNT]; /* of the imposed kind and none: not used */
    uint64_t threshold_us;
    uint64_t cap_us;
};

/* Crash 90 s, failed authentication 5 s, grace exceeded 10 s, abuse 20 s; banned from 15 s on,
   for at most 600 s. */
struct ban_rules ban_rules_default(void);
bool ban_rules_are_sound(const struct ban_rules *rules);

struct ban_set;

/* What readers have. */
struct ban_view {
    const struct ban_set *sets;
    size_t set_count;
    uint8_t key[SIPHASH_KEY_LEN];
};

struct ban_table {
    struct ban_set *sets;
    struct ban_view view; /* of the same memory */
    struct ban_rules rules;
    const struct address_list *never; /* borrowed; NULL: loopback only */
    uint64_t evicted;                 /* penalties that were still running */
};

/* ban_memory: bytes for so many sets of eight; 0 unless a power of two up to BAN_SETS_MAX. */
size_t ban_memory(size_t sets);

/* ban_table_init takes over memory of ban_memory(sets) bytes, aligned to 8: zeros, or what an
   earlier writer left when it ended, wherever it ended.  What cannot be or may no longer be
   is cleared.  The key is the same 16 random bytes for all processes, and of this table only. */
MUST_USE
bool ban_table_init(struct ban_table *table, void *memory, size_t sets,
                    const uint8_t key[SIPHASH_KEY_LEN]);
bool ban_table_is_sound(const struct ban_table *table);

/* ban_table_configure sets rules and list (NULL: none), at the start and on a reload; a ban
   that the new list forbids is lifted.  False and nothing changed when the rules are not
   sound. */
MUST_USE
bool ban_table_configure(struct ban_table *table, const struct ban_rules *rules,
                         const struct address_list *never);

/* ban_is_never: the address, or of IPv6 its /64, is never banned. */
bool ban_is_never(const struct ban_table *table, const struct address *address);

enum ban_outcome {
    BAN_NOTED = 0, /* counted, not banned yet */
    BAN_BEGUN,     /* from now on: worth a line in the log */
    BAN_LONGER,    /* it was banned before */
    BAN_NEVER,     /* an address that is never banned: nothing was written */
    BAN_NO_ROOM,   /* the operator's own bans fill the set: nothing was written */
};

enum ban_outcome ban_offend(struct ban_table *table, const struct address *address,
                            enum offence offence, uint64_t now_us);

/* ban_impose bans by hand, until then or (UINT64_MAX) for ever; ban_lift ends a ban of any
   kind and forgets what led to it, and says whether there was anything. */
enum ban_outcome ban_impose(struct ban_table *table, const struct address *address,
                            uint64_t until_us, uint64_t now_us);
bool ban_lift(struct ban_table *table, const struct address *address);

struct ban {
    struct address peer;
    uint64_t until_us;
    enum offence offence; /* the last one */
    uint32_t count;       /* offences since the first that still runs */
};

/* For readers.  The memory may be written at the same time: a set that cannot be read in a
   few tries, or whose content cannot be, is taken as empty. */
MUST_USE
bool ban_view_init(struct ban_view *view, const void *memory, size_t sets,
                   const uint8_t key[SIPHASH_KEY_LEN]);

/* ban_find: is the address banned now?  *out (which may be NULL) only if so. */
bool ban_find(const struct ban_view *view, const struct address *address, uint64_t now_us,
              struct ban *out);

/* ban_at lists: index from 0 to set_count * BAN_WAYS - 1, true where a ban runs. */
bool ban_at(const struct ban_view *view, size_t index, uint64_t now_us, struct ban *out);

/* ban_count: how many run.  Looks at all of the table. */
size_t ban_count(const struct ban_view *view, uint64_t now_us);

#endif
