/* quota.h - what a node has for jobs, who may have how much of it, and who has what now.

   Capacity is divided among tenants by their shares, by what each has asked for lately, and so that
   nobody who asks is left with nothing; what is divided is always exactly what there is.  A claim
   is granted when it fits into its tenant's part and into what is left of the whole, in every kind
   of resource at once.  Each claim has an id: the same one asked for twice is one claim, and given
   back twice it was given back once.

   Pure: one thread, no clock.  Whoever has several askers asks one after the other. */
#ifndef WARD_JOB_QUOTA_H
#define WARD_JOB_QUOTA_H

#include <stddef.h>

#include "base/result.h"

enum {
    QUOTA_TENANTS_MAX = 64,
    QUOTA_CLAIMS_MAX = 4096,
    QUOTA_WHOLE = 1000000, /* of a share: millionths */
    /* As the public validator has them: how fast demand is learnt, and forgotten, what it weighs,
       and what each active tenant has at least. */
    QUOTA_LEARN = 300000,
    QUOTA_KEEP = 950000,
    QUOTA_DEMAND_WEIGHT = 500000,
    QUOTA_FLOOR = 50000,
};

enum quota_kind { QUOTA_CPU_MILLI, QUOTA_MEMORY_MIB, QUOTA_DISK_MIB, QUOTA_GPU, QUOTA_KINDS };

/* More of anything no machine has; products with QUOTA_WHOLE stay in 64 bits. */
#define QUOTA_AMOUNT_MOST (UINT64_C(1) << 40)

struct quota_amount {
    uint64_t of[QUOTA_KINDS];
};

struct quota_tenant {
    uint32_t
        share; /* millionths, 1 to QUOTA_WHOLE; of all tenants together they need not be whole */
    uint32_t demand; /* millionths: 1 is "asks all the time" */
    bool active;     /* has a part of its own */
    struct quota_amount reserved, in_use;
};

struct quota_claim {
    uint64_t id; /* 0: free */
    size_t tenant;
    struct quota_amount amount;
};

struct quota {
    struct quota_amount capacity;
    size_t tenant_count;
    struct quota_tenant tenants[QUOTA_TENANTS_MAX];
    struct quota_claim claims[QUOTA_CLAIMS_MAX];
};

enum quota_answer {
    QUOTA_REFUSED =
        0,         /* no such tenant, id 0, nothing asked for, or an id that another claim has */
    QUOTA_GRANTED, /* it is there now, or was: asked again it is the same claim */
    QUOTA_TENANT_FULL,   /* more than is left of the tenant's part */
    QUOTA_CAPACITY_FULL, /* more than is left of the whole: others still have what is not theirs now
                          */
    QUOTA_LEDGER_FULL,   /* as many claims as can be kept */
};

/* quota_is_sound: what is in use is what the claims say, no more than there is of anything, and
   what is reserved no more either. */
bool quota_is_sound(const struct quota *quota);

/* quota_init: a node with that much, and nobody on it.  False: it has more than QUOTA_AMOUNT_MOST
   of something. */
MUST_USE
bool quota_init(struct quota *quota, const struct quota_amount *capacity);

/* quota_add makes a tenant, active, without demand; *index is its number from then on.  False:
   there is no place, or the share is none.  What it may have is known after quota_divide. */
MUST_USE
bool quota_add(struct quota *quota, uint32_t share, size_t *index);

/* quota_activate: a tenant that is not active has no part of its own after the next division; what
   it has it keeps until it gives it back. */
void quota_activate(struct quota *quota, size_t tenant, bool active);

/* quota_divide divides the capacity among those who are active, all of it, and lets demand fade. */
void quota_divide(struct quota *quota);

/* quota_claim asks for an amount, which counts as demand whatever the answer is. */
MUST_USE
enum quota_answer quota_claim(struct quota *quota, size_t tenant, uint64_t id,
                              const struct quota_amount *amount);

/* quota_claim_whole is the same without the tenant's part: for what runs already, and for a tenant
   that has nothing and would not get it from its part. */
MUST_USE
enum quota_answer quota_claim_whole(struct quota *quota, size_t tenant, uint64_t id,
                                    const struct quota_amount *amount);

/* quota_release gives a claim back.  False: there is none of this id, or it was given back. */
MUST_USE
bool quota_release(struct quota *quota, uint64_t id);

/* quota_in_use: of all tenants together. */
struct quota_amount quota_in_use(const struct quota *quota);

#endif
