/* verify.h - the process that judges evidence for core.  It owns nothing, learns nothing from one
   piece of evidence for the next, and reads none of it itself: each is judged in a child of its
   own, forked from this process as it was after its start, that may read, write and end.

   What the house holds of collateral it keeps for them, as bytes that core handed over.

   What a child says is passed on as bytes: a piece of evidence that takes its judge over can
   lie about itself and about nothing else.  One that never answers, or dies, is an answer. */
#ifndef WARD_PROC_VERIFY_VERIFY_H
#define WARD_PROC_VERIFY_VERIFY_H

#include "model/reason.h"
#include "proc/forked.h"
#include "proc/house.h"
#include "proc/messages.h"
#include "ward/collateral.h"

enum {
    VERIFY_CHILDREN = 4,     /* pieces of evidence that are judged at once */
    VERIFY_WALL_MS = 10000,  /* for one, by the clock */
    VERIFY_CPU_SECONDS = 5,  /* and of the processor */
    VERIFY_GROWN = 48 << 20, /* bytes of heap that a child has; it can get no others */
};

/* What the house holds in one place, as core told it: bytes, read by children only. */
struct verify_piece {
    uint8_t *chain, *body; /* COLLATERAL_CHAIN_MAX, COLLATERAL_BODY_MAX; NULL: no piece was here */
    size_t chain_len, body_len;
};

struct verify_held {
    struct verify_piece places[COLLATERAL_PLACES_HELD];
    struct span root; /* PEM or DER of a root besides the pinned ones; none: there is none */
};

/* What a child does: judges a request of api_attest_verify_request as of a time, and writes the
   body of MSG_JUDGED. */
typedef void verify_judge_fn(const struct verify_held *held, struct span request, int64_t now,
                             struct sink *answer);

struct verify {
    struct house *house;
    verify_judge_fn *judge;
    struct verify_held held;
    struct forked children[VERIFY_CHILDREN];
    uint16_t answers[VERIFY_CHILDREN]; /* the message that each one's answer is */
};

/* judge.c: the judgement of `ward verify`, over the same public face of libward. */
verify_judge_fn verify_judge;

/* The same for a channel, whose peers are judged with the house's collateral; writes the body of
   MSG_LINK_EVIDENCE_IS. */
verify_judge_fn verify_judge_link;

/* The same for a peer of profile sdk-v1, under a policy that names compose hashes and no other:
   without one any machine of the vendor's would do, as would a log that nobody has measured. */
verify_judge_fn verify_judge_sdk;

/* renew.c: judges the body of a MSG_COLLATERAL_JUDGE, and writes that of its answer. */
verify_judge_fn verify_renew;

/* held.c */

/* verify_held_open makes room for what core will tell, and reads the root. */
MUST_USE
rc verify_held_open(struct trail *trail, struct verify_held *held, struct house *house);

/* verify_held_put reads the body of a MSG_COLLATERAL_HELD; false when it is none. */
MUST_USE
bool verify_held_put(struct verify_held *held, struct cursor *body);

/* verify_held_pool views all that is held, two files for each place; says how many. */
enum { VERIFY_POOL = 2 * COLLATERAL_PLACES_HELD };
size_t verify_held_pool(const struct verify_held *held, struct ward_bytes pool[VERIFY_POOL]);

/* verify_warm_up takes from libraries and system, before the jail, all that a judgement takes once:
   a heap of VERIFY_GROWN bytes that never shrinks, and what the libraries make at first use. */
MUST_USE
bool verify_warm_up(void);

/* child.c */

/* Whom to ask what. */
struct verify_work {
    verify_judge_fn *judge;
    const struct verify_held *held;
    struct span request;
    int64_t now;
};

/* verify_child_start forks one that judges the request, and ends at its deadline whatever it
   does.  The answer's room is the caller's. */
MUST_USE
rc verify_child_start(struct trail *trail, struct forked *child, const struct verify_work *work);

/* verify_child_end waits for its death, which has begun, and frees its place.  REASON_OK when
   it ended well and `answer` is the body of a MSG_JUDGED, else EVIDENCE_CRASHED or
   EVIDENCE_DEADLINE. */
enum reason verify_child_end(struct forked *child);

#endif
