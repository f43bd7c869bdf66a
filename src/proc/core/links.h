/* links.h - the attested channels whose peers core knows.  Front has the channel; core has the
   house's evidence made for it, the peer's judged under the channel's policy, and what follows from
   that: the record in the log, the session, and an end when the evidence is no longer good.

   A link, from front's question to its end:

       WAITS --a place at verify--> JUDGED --allowed--> LOGGED --durable--> OPEN
         \__________________________/\__ denied: refused     \__ not: refused

   An open one is judged again, as it is, when the policy or what is held of collateral changes, and
   when what it was judged with ends.  So its evidence is kept, in blocks of memory: what does not
   fit there is refused at first.  A judge that cannot be had is no verdict: it is asked again, for
   LINKS_DOUBT_MS.

   Strangers come as often as they like; whom the house has called itself has places of its own, one
   for each peer of the settings in all that is bounded here, and is judged before them. */
#ifndef WARD_PROC_CORE_LINKS_H
#define WARD_PROC_CORE_LINKS_H

#include "base/arena.h"
#include "channel/bound.h"
#include "ipc/door.h"
#include "model/reason.h"
#include "proc/messages.h"
#include "proc/peer.h"
#include "proc/settings.h"

enum {
    LINKS_BLOCK = 2048, /* bytes of a block of evidence */
    LINKS_CHUNK = 512,  /* blocks that are taken from the heap at once, when they are needed */
    LINKS_CHUNKS = 128,
    LINKS_BLOCKS = LINKS_CHUNK * LINKS_CHUNKS, /* of all links together */
    LINKS_WAITING_MAX = 64, /* that are not open yet, of those who called the house */
    LINKS_AT_ONCE = 2,      /* at verify, of the four that it judges */
    LINKS_QUOTES = 32,      /* pieces of the house's evidence under way, for those */
    /* Besides: of peers that the house has called. */
    LINKS_CALLED_MAX = SETTING_PEERS_MAX,
    LINKS_CALLED_BLOCKS = LINKS_CALLED_MAX * (LINK_EVIDENCE_BYTES / LINKS_BLOCK),
    LINKS_QUOTE_MS = 5000,  /* for tee to make one */
    LINKS_OWN_MS = 2000,    /* for tee to say its collateral */
    LINKS_HELD_MS = 5000,   /* for verify to hear what the house holds of others' */
    LINKS_FIRST_MS = 20000, /* from front's question to verify's answer */
    LINKS_TELL_MS = 100,    /* before front or verify is told again what it had no room for */
    LINKS_AGAIN_MS = 1000,  /* before a judge that could not be had is asked again */
    LINKS_DOUBT_MS = 60000, /* so long an open one stays without a judge */
    LINKS_LOOK_MS = 60000,  /* between two looks at what ends by its time */
    LINKS_NOTE_MS = 1000,   /* between two texts of one peer that are logged */
    LINK_POLICY_ROOM = LINK_POLICY_MAX + 1, /* one more shows that it is too long */
};

enum link_state { LINK_FREE = 0, LINK_WAITS, LINK_JUDGED, LINK_LOGGED, LINK_OPEN };

struct core_link {
    enum link_state state;
    uint32_t generation; /* of this row */
    uint64_t front_id;   /* of front's question */
    uint64_t question;   /* of ours, to verify or the log; 0: none */
    uint64_t order;      /* of waiting: the lowest is next */
    int64_t until_ms;    /* WAITS to LOGGED: refused then */
    uint64_t epoch;      /* of what the question was asked with */
    bool due;            /* OPEN: to be judged again, */
    int64_t due_ms;      /* not before, */
    int64_t due_since_ms;
    int64_t doubt_ms; /* since when nobody could judge it; 0: it has a verdict */
    uint8_t role, kind;
    uint8_t peer; /* of the settings, that the house has called; LINK_NOBODY: it was called */
    bool sdk;     /* of profile sdk-v1: `bound` is the nonce, and it is all that is bound */
    bool hardware;
    uint8_t bound[ATTESTED_BOUND];
    uint8_t address[16], trace[16];
    uint8_t identity[32];
    int64_t valid_until; /* seconds since 1970: of what it was judged with */
    uint32_t block;      /* of its evidence, the first; 0: none */
    uint32_t evidence_len, log_len;
    bool has_session, asks_session;
    uint8_t session[32];   /* the digest that ends it */
    uint64_t session_call; /* front's question for it */
    int64_t note_ms;       /* of the last text that was logged */
};

/* Evidence of all links, in blocks that are named by number from 1 on. */
struct link_blocks {
    struct arena *arena;
    uint8_t *chunks[LINKS_CHUNKS];
    uint32_t *next; /* of each block: the one behind it */
    uint32_t used;  /* ever: blocks behind these were never touched */
    uint32_t free;
    uint32_t taken;
};

struct link_quote {
    uint64_t id; /* of our question to tee; 0: free */
    uint64_t front_id;
    int64_t until_ms;
    uint8_t report_data[ATTESTED_REPORT_DATA];
};

/* A policy is in force when verify has read it and found no fault. */
struct link_policy {
    struct span text;    /* in force; none: every peer is refused */
    struct span offered; /* to verify */
    uint8_t *rooms[2];
    bool asked;       /* the question is at verify */
    uint64_t id;      /* of it */
    int64_t again_ms; /* when to ask, if it could not be had */
    bool is_bad;      /* the last that was offered is none */
};

/* A piece of the house's own collateral, for a verify that is started again. */
struct link_own {
    uint8_t *bytes; /* COLLATERAL_BODY_MAX */
    size_t len;     /* 0: none came */
};

/* One that is over, and front was not told yet: its queue had no room. */
struct link_untold {
    uint64_t number, front_id;
    enum reason reason;
};

struct core_links {
    struct core_link *rows; /* LINKS_MAX */
    uint32_t used;          /* rows behind these were never touched */
    uint32_t free;          /* by number from 1 on, through `question` */
    uint32_t waiting, judged, open, due;
    uint32_t called, called_waiting; /* of all rows, and of `waiting`: peers that were called */
    uint64_t order;
    uint64_t epoch; /* of what evidence is judged by: another one with each change */
    uint64_t again; /* verdicts that counted on open ones, since the start */
    int64_t look_ms;
    struct link_untold *untold; /* LINKS_MAX: nothing is opened while there are any */
    uint32_t untold_count;
    struct link_blocks blocks;
    /* Those behind LINKS_QUOTES are of peers that the house has called. */
    struct link_quote quotes[LINKS_QUOTES + LINKS_CALLED_MAX];
    struct link_policy policy;
    bool swept;       /* of sessions that rest on no channel: nothing is left to end */
    int64_t sweep_ms; /* not before */
    struct link_own own[COLLATERAL_OWN];
    bool own_changed;         /* since the last piece of it came */
    bool own_told;            /* verify has all that there is, */
    int64_t own_ms;           /* and else so long nothing is asked of it */
    uint64_t own_id;          /* of the question for the house's own collateral; 0: none */
    int64_t refusals_ms;      /* since when there are such */
    uint64_t unrecorded;      /* refusals that have no record of their own, */
    struct core_link refused; /* the last of them, */
    enum reason refused_for;
};

struct core;

/* links.c: the doors, and what is due. */
MUST_USE
bool core_links_open(struct core *core);
MUST_USE
rc core_on_link_judge(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_sdk_link_judge(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_link_over(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_link_note(struct trail *trail, void *core, struct call *call);

/* links_step does what is due; says when to be called again. */
int64_t links_step(struct core *core, int64_t now_ms);

/* links_peer: the channel to a peer is another one, or closed. */
void links_peer(struct core *core, enum peer peer, bool open);

/* links_appended: the answer to a record; false when it is another's. */
bool links_appended(struct core *core, uint64_t id, bool logged);

/* links_look_again: what evidence is judged by has changed.  A verdict that was asked for before
   lets in, and puts out, and is then asked for again. */
void links_look_again(struct core *core);

/* link_end ends an open one, for a reason that its peer is told. */
void link_end(struct core *core, struct core_link *link, enum reason reason);

/* link_drop frees a row and all that it has.  link_refuse answers front's first question. */
void link_drop(struct core *core, struct core_link *link);
void link_refuse(struct core *core, struct core_link *link, enum reason reason);
uint64_t link_number(const struct core *core, const struct core_link *link);

/* link_find: the open one of this number; NULL: there is none. */
struct core_link *link_find(struct core *core, uint64_t number);

/* link_is_called: the house has begun with it. */
bool link_is_called(const struct core_link *link);

/* link_tell_front: false when front has no room for it. */
bool link_tell_front(struct core *core, uint16_t message, uint64_t id, struct span body);

/* link_session.c */
MUST_USE
rc core_on_link_session(struct trail *trail, void *core, struct call *call);

/* links_sweep_sessions ends what rests on a channel that this core does not know: after a start,
   and after a session's end that the store did not take. */
void links_sweep_sessions(struct core *core, int64_t now_ms);

/* links_have_session: there is an open one for this session. */
bool links_have_session(const struct core *core, const uint8_t token[32]);

/* link_session_end ends the session of a link, if it has one. */
void link_session_end(struct core *core, struct core_link *link, enum reason reason);

/* links_session_ended: a session is over, by whatever; its link goes, too. */
void links_session_ended(struct core *core, const uint8_t token[32]);

/* link_judge.c: the way to verify and back. */

/* What verify says of evidence: numbers and a digest. */
struct link_verdict {
    uint8_t allowed, hardware;
    uint16_t reason;
    uint64_t valid_until;
    uint8_t identity[32];
};

/* link_verdict_read takes the verdict of verify's answer; one that is none is EVIDENCE_CRASHED. */
void link_verdict_read(enum reason reason, struct span bytes, struct link_verdict *out);

/* link_verdict_wants: what could not be judged for want of collateral may be, once that is there.
 */
bool link_verdict_wants(const struct link_verdict *said);

/* Evidence that is kept, and what it is to be judged by. */
struct link_evidence {
    uint32_t block, evidence_len, log_len;
    const char *type;
    const uint8_t *report_data; /* ATTESTED_REPORT_DATA bytes */
    struct span policy;
};

/* link_ask_judge puts it to verify; *id is the question's.  False: there is no judge. */
MUST_USE
bool link_ask_judge(struct core *core, uint16_t message, const struct link_evidence *evidence,
                    uint64_t *id);
void links_ask_verify(struct core *core, int64_t now_ms);
MUST_USE
rc core_on_link_evidence(struct trail *trail, void *core, struct call *call);

/* links_judged_sdk takes verify's answer to evidence of profile sdk-v1; false when it is another's.
 */
struct link_judged {
    enum reason reason;
    struct span verdict, platform;
};
bool links_judged_sdk(struct core *core, uint64_t id, const struct link_judged *said);

/* link_quote.c: the house's own evidence, and its own collateral. */
MUST_USE
rc core_on_link_quote(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_sdk_link_quote(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_collateral_own(struct trail *trail, void *core, struct call *call);

/* links_quoted takes tee's answer; false when it is another's. */
bool links_quoted(struct core *core, const struct call *call, enum reason reason,
                  const struct span made[2]);
void links_quotes_expire(struct core *core, int64_t now_ms, int64_t *next);
void links_quotes_gone(struct core *core);

/* links_ask_own has tee say the collateral of the house's own evidence; it goes to verify.
   links_tell_own is for a verify that has not heard of it: false while it is not asked anything. */
void links_ask_own(struct core *core);
bool links_tell_own(struct core *core, int64_t now_ms);

/* link_policy.c */

/* link_policy_of: what the peer of a link is judged by: its own policy, or that of all; none is
   empty. */
struct span link_policy_of(const struct core *core, const struct core_link *link);

/* links_policy_read reads the policy of a file that was handed over, if one was; it is offered to
   verify next.  False: it cannot be read, and what is in force stays; links_policy_unread then has
   that recorded, which before the jail it cannot be. */
MUST_USE
bool links_policy_read(struct core *core);
void links_policy_unread(struct core *core);
void links_policy_step(struct core *core, int64_t now_ms, int64_t *next);
bool links_policy_judged(struct core *core, uint64_t id, enum reason reason);
void links_policy_gone(struct core *core);

/* link_blocks.c */
MUST_USE
bool link_blocks_open(struct link_blocks *blocks, struct arena *arena);

/* link_blocks_put keeps bytes that stand in two spans, where so many blocks stay free for others
   besides; false, with nothing kept, when there is no room. */
MUST_USE
bool link_blocks_put(struct link_blocks *blocks, const struct span parts[2], uint32_t spared,
                     uint32_t *first);
void link_blocks_get(const struct link_blocks *blocks, uint32_t first, size_t len,
                     struct sink *out);
void link_blocks_drop(struct link_blocks *blocks, uint32_t first);

/* link_records.c */
MUST_USE
bool core_log_link_open(struct core *core, const struct core_link *link, uint64_t *id);
void core_log_link_refuse(struct core *core, const struct core_link *link, enum reason reason);
void core_log_links_unrecorded(struct core *core, int64_t now_ms, int64_t *next);
void core_log_link_end(struct core *core, const struct core_link *link, enum reason reason);
void core_log_links_end(struct core *core, uint32_t count, enum reason reason);
void core_log_link_note(struct core *core, const struct core_link *link, struct span text);
void core_log_link_policy(struct core *core, struct span text, enum reason reason);

#endif
