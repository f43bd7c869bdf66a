/* world.h - the world in which a simulated core lives: one clock, packets that never leave
   memory, a disk that is bytes, and the processes that core talks to, each as short as it can
   be.  Core itself is the real one, from the loop that it serves in down to its last function.

   All that happens follows from the seed: what takes how long, who dies, is frozen, lies or
   is full, and when.  Two runs of a seed are the same to the bit, and so are their digests.

   What core says is judged where it leaves core, and what core is, whenever it waits; the
   first thing that is wrong ends the run, by the name of what must hold. */
#ifndef WARD_TESTS_SIMULATOR_WORLD_H
#define WARD_TESTS_SIMULATOR_WORLD_H

#include "proc/core/core.h"
#include "proc/tables.h"
#include "test.h"

enum {
    LINK_FIRST = 1 << 20, /* descriptors from here on are the world's */
    LINKS = 1024,         /* channels in one run */
    LINK_ROOM = 2 * PACKET_BYTES_MAX,
    EVENTS = 1 << 13, /* that are still to come */
    ASKED = 1 << 13,  /* requests in one run */
    RECORDS = 1 << 12,
    NEWS = 512,
    NEWS_DAWN = 1000, /* the instant of the first happening: so it is told from none */
    IMAGES = 8,       /* earlier states of the disk */
    TOKENS = 32,      /* sessions whose tokens the peers remember, */
    SIGNED = 16,      /* and requests that somebody has recorded */
    BUSY_MS = 20000,  /* so long there are faults, */
    WELL_MS = 35000,  /* since then it must have been well again */
    CALM_MS = 120000, /* and so long none: longer than anything may take */
    QUOTE_REPORT_DATA = 48 + 584 - 64, /* where a TDX quote has it */
    TRACE_BYTES = 1024,                /* of a line */
};

struct world;

/* Something that is to happen to a process, in the life that it has now. */
struct event {
    int64_t at;
    uint64_t order;
    enum peer peer; /* PEER_MONITOR: to the world */
    uint32_t life;
    int link; /* its channel to core when this was planned */
    void (*happen)(struct world *world, const struct event *event);
    uint64_t a, b;
    uint8_t *bytes; /* own; NULL for none */
    size_t len;
};

struct packet {
    struct packet *next;
    int fd; /* that came with it; -1: none */
    size_t len;
    uint8_t bytes[];
};

struct queue {
    struct packet *first, *last;
    size_t bytes;
};

/* A channel between core and one life of a process. */
struct link {
    enum peer peer;
    uint32_t life;
    bool near, far; /* its ends are open: core's, the other's */
    struct queue to_core, to_peer;
};

struct being {
    bool alive;
    uint32_t life, pid;
    int link;          /* its channel to core; -1: none */
    int64_t frozen_ms; /* until then */
    unsigned deaths;
};

/* A record of the log, as far as anybody asks. */
struct record {
    enum audit_event event;
    uint8_t trace[AUDIT_TRACE_LEN];
    int64_t generation;            /* of a mark */
    int64_t seen;                  /* by the monitor, then */
    uint64_t id;                   /* of the question, for its answer */
    int link;                      /* over which it came */
    struct merkle_hash leaf, root; /* of the log that ends with it */
};

/* A head that was durable once, and how much of the log before it that had been put back. */
struct past {
    uint64_t size, fork;
    struct merkle_hash root;
};

struct log {
    struct record records[RECORDS];
    struct past past[RECORDS];
    size_t past_count;
    uint64_t fork, cuts[RECORDS]; /* how long the log was when each began */
    bool accesses[ASKED + 1];     /* by tag: the record of this access was durable once */
    bool news[NEWS];              /* and of what the monitor saw */
    int64_t shown;                /* the highest mark when all of them were shown to be judged by */
    int64_t said;                 /* that, or the last since: of those that core knows of */
    struct merkle_tree tree;
    size_t count, durable;
    size_t answered; /* in this life of the audit process */
    bool writing;    /* a group is on its way to the disk */
    int64_t full_ms, slow_ms;
};

struct image {
    uint8_t *bytes;
    size_t len;
    int64_t generation;
    struct store_anchor anchor;
};

struct disk {
    struct image now, earlier[IMAGES];
    size_t kept;
    int64_t opened;  /* the generation that it had when it was opened last */
    bool server;     /* it is a PostgreSQL server, far away */
    int64_t down_ms; /* the server is gone until then */
    unsigned faults; /* of the next writes */
    bool failed;     /* in this life of core */
    bool old;        /* it was put back once */
};

/* A request of front's, and what was answered. */
struct asked {
    enum method method;
    enum caller caller;
    bool answered;
    uint8_t session[STORE_ID_LEN]; /* that it is signed for, or is to end */
    int64_t at, stalled;
    uint64_t tag; /* comes back with the answer */
};

struct asking {
    struct asked asked[ASKED];
    size_t count, first; /* the first of this life of front */
    size_t open;         /* the first of this life of core */
    bool overflowed;     /* it did not read for so long that answers were thrown away */
    uint64_t tags;
};

/* Peers with sessions, all of one key, and somebody who records what they send. */
struct signers {
    struct {
        uint8_t text[SESSION_TOKEN_TEXT];
        uint8_t digest[STORE_ID_LEN];
        bool over; /* core has said so */
    } tokens[TOKENS];
    size_t count;
    struct {
        struct signed_request request;
        uint8_t nonce[SIGNED_NONCE_MAX], token[SESSION_TOKEN_TEXT];
    } recorded[SIGNED];
    size_t recorded_count;
    uint64_t accepted[ASKED]; /* by their signatures */
    size_t accepted_count;
};

struct refusals {
    uint64_t told;     /* core was told of so many, in this life */
    uint64_t recorded; /* in what it said to the audit process, or what it threw away */
};

struct news_kept {
    struct happening rows[NEWS]; /* by number */
    uint64_t last, logged;
    bool lost; /* more than core keeps at once */
};

/* What core and front share; it outlives both. */
struct tables {
    uint64_t bans[TABLES_BANS_BYTES / sizeof(uint64_t)];
    uint64_t serving[TABLES_SERVING_BYTES / sizeof(uint64_t)];
};

struct world {
    uint64_t seed, digest, order;
    struct test_random random;
    int64_t now_ms, jump_ms; /* monotonic; the other clock beside it */
    int64_t stalled_ms;      /* in which core was kept from its work, in all */
    struct event events[EVENTS];
    size_t event_count;
    struct link links[LINKS];
    size_t link_count;
    struct being beings[PEER_COUNT];
    struct log log;
    struct disk disk;
    struct asking asking;
    struct signers signers;
    struct refusals refusals;
    struct news_kept news;
    struct tables tables;
    struct house *house; /* core's, while it lives */
    bool dead;           /* core was killed: what it still does reaches nobody */
    bool again;          /* it ends by itself, to begin anew */
    bool stopping, stopped, calm;
    uint32_t lives;
    int64_t stop_ms;
    unsigned kill_in; /* core dies in so many calls; 0: not soon */
    uint64_t reloads;
    bool reloading;             /* one at a time, as the monitor does it */
    uint64_t steps, core_lives; /* for who wants to know what was tried */
    bool tracing;
    const char *wrong; /* what does not hold; NULL: all holds */
    char what[TRACE_BYTES];
};

/* run.c: one life of a house from a seed.  Returns the name of what did not hold, or NULL. */
const char *run_seed(struct world *world, uint64_t seed, bool tracing);

/* world.c */
void world_begin(struct world *world, uint64_t seed, bool tracing);
void world_end(struct world *world);
size_t world_below(struct world *world, size_t limit);
bool world_chance(struct world *world, size_t one_in);
void world_note(struct world *world, const char *what, uint64_t a, uint64_t b);
void world_wrong(struct world *world, const char *invariant, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* world_later has it happen to that process unless it dies before; when it is frozen then,
   afterwards.  The bytes are copied. */
void world_later(struct world *world, enum peer peer, int64_t delay_ms,
                 void (*happen)(struct world *, const struct event *), uint64_t a,
                 struct span bytes);

/* world_next lets the next thing happen that is due by then; false when there is none. */
bool world_next(struct world *world, int64_t until_ms);
void world_pass(struct world *world, int64_t until_ms);

/* world_say puts a packet of frames into a process's channel to core, with a descriptor or
   -1; nothing when the channel is gone. */
void world_say(struct world *world, enum peer peer, struct span packet, int fd);
void world_say_frame(struct world *world, enum peer peer, const struct frame *frame);

/* world_hears_it: who asked when this was planned still hears what is said now.  Numbers of a
   core that was started again begin anew. */
bool world_hears_it(const struct world *world, const struct event *event);

/* world_link makes a channel from core to this life of a process and returns core's end. */
int world_link(struct world *world, enum peer peer);
void world_unlink(struct world *world, int fd); /* by the process */

/* world_listen lets the process read what core said before it ended. */
void world_listen(struct world *world, enum peer peer);

/* disk.c */
void disk_begin(struct world *world);
void disk_end(struct disk *disk);
void disk_put_back(struct world *world, size_t steps);
size_t disk_shake(struct world *world); /* faults for the next writes */

/* What each process does with what it hears, when it begins, and with what is sent. */
void auditor_begin(struct world *world);
void auditor_hears(struct world *world, const struct frame *frame);
void auditor_put_back(struct world *world, size_t records);
int64_t auditor_mark(const struct world *world); /* the highest that is durable */

/* auditor_extends: the one head was durable once, and so was the other, in the same log. */
bool auditor_extends(const struct world *world, const struct store_anchor *from,
                     const struct store_anchor *to);
void keeper_hears(struct world *world, const struct frame *frame);
void verify_hears(struct world *world, const struct frame *frame);
void tee_hears(struct world *world, const struct frame *frame);
void front_begin(struct world *world);
void front_loses_core(struct world *world);
void front_is_told(struct world *world, const struct frame *frame); /* while core says it */
void front_ends(struct world *world); /* all that was asked and can still be answered was */

/* signers.c: what is signed for sessions, and what core makes of it. */
void signers_begin(struct world *world);
struct span signers_key(void);

/* signers_put appends a credential: good, changed, too old, or one that was sent before. */
void signers_put(struct world *world, struct asked *asked, struct sink *out);

/* signers_pick: a session that there is or was, or none at all. */
void signers_pick(struct world *world, uint8_t digest[STORE_ID_LEN]);
void signers_granted(struct world *world, const struct api_session_grant_response *granted);
void signers_over(struct world *world, const uint8_t digest[STORE_ID_LEN]);

/* monitor.c */
void monitor_begin(struct world *world);
void monitor_hears(struct world *world, const struct frame *frame);
void monitor_tells_all(struct world *world); /* to a core that begins */
void monitor_kill(struct world *world, enum peer peer);
void monitor_stop(struct world *world);
bool monitor_has_logged(const struct world *world, uint64_t number);

/* witness.c: what must hold. */
void witness_said(struct world *world, enum peer peer, const struct frame *frame);
void witness_reads(struct world *world, enum peer peer, struct span packet);
void witness_closes(struct world *world, enum peer peer); /* core does, its queue still there */
void witness_waits(struct world *world, int timeout);
void witness_commits(struct world *world, const struct image *before, const struct image *after);
void witness_rests(struct world *world); /* all is well again, and nothing under way */
void witness_ends(struct world *world);  /* the house has stopped */

/* life.c: core itself. */
rc life_run(struct world *world);
struct core *life_core(const struct world *world);

#endif
