/* store.h - what the house remembers between two starts: who it is, sessions, one-use values,
   bans, and how long the log was when it was last looked at.

   One interface, two backends: a SQLite file, or a PostgreSQL server.  Which of them answers
   is seen by nobody above this room.  Nothing here reads a clock: the time is an argument.
   A failure is an rc whose number is a reason (model/reason.h, STORE_* and BACKUP_*) and
   whose class says what to do: RC_BUSY, try the same again soon; RC_WORLD, try again with
   back-off; RC_DENIED, a person must look.  Out-parameters are untouched on failure.

   One store is used by one thread.  It holds no secret: of a session's token there is only
   the SHA-256. */
#ifndef WARD_STORE_STORE_H
#define WARD_STORE_STORE_H

#include "base/result.h"
#include "base/span.h"
#include "model/reason.h"
#include "model/session.h"
#include "store/db.h"

enum { STORE_ID_LEN = 32, STORE_KEY_LEN = 16, STORE_INSTALLATION_LEN = 16 };

/* How many rows there may be in all, and of one identity. */
struct store_limits {
    int64_t sessions, sessions_share;
    int64_t nonces, nonces_share;
    int64_t bans;
};

/* 65,536 sessions and 262,144 one-use values, a 64th part to an identity; 65,536 bans. */
extern const struct store_limits store_limits_default;

/* Private to the room; public only for its size. */
struct store {
    struct db db;
    struct store_limits limits;
    bool open;    /* the backend was opened and its schema is ours */
    bool writing; /* inside store_transact */
};

/* store_open opens what the spec names (db.h) and judges it before anything is served: every
   page and index of a SQLite file is read (STORE_DAMAGED), a server that would forget
   (STORE_NOT_DURABLE) or that is not one of the addresses configured (STORE_ADDRESS) is
   refused, and so is a schema that is newer, older or other than this program's
   (STORE_SCHEMA_NEWER, STORE_SCHEMA_OLDER, STORE_SCHEMA_CHANGED).  The strings of the spec
   must outlive the store.  {0} is valid to close. */
MUST_USE
rc store_open(struct trail *trail, const struct db_spec *spec, const struct store_limits *limits,
              struct store *out);
void store_close(struct store *store);

/* Migrations.  A store is made and brought up to date by store_migrate only, never by being
   opened.  Each step is one transaction under a lock that a second migrator waits for, so
   whenever the machine stops there is the old schema or the new one. */
struct store_step {
    uint32_t number;
    const char *what; /* static text, one sentence */
    bool applied;
};

enum { STORE_STEPS = 8 };

struct store_plan {
    uint32_t schema; /* what the database has; 0: nothing yet */
    uint32_t wanted; /* what this program has */
    struct store_step steps[STORE_STEPS];
};

/* store_plan_read says what store_migrate would do, and changes nothing. */
MUST_USE
rc store_plan_read(struct trail *trail, const struct db_spec *spec, struct store_plan *out);

/* store_migrate does it.  `until` is the last number to apply; UINT32_MAX for all. */
MUST_USE
rc store_migrate(struct trail *trail, const struct db_spec *spec, int64_t now, uint32_t until);

/* Transactions.  The work runs between begin and commit; its failure undoes all of it.  It may
   run more than once, so it does nothing but call this room and fill its own outcome anew.

   The key names the work: two transactions with one key are the same one, and it is done
   once.  That is how a commit whose answer was lost is resolved: the store connects again and
   runs the work under the same key, which either finds it done or does it.  Where that cannot
   be found out in time the failure is STORE_UNCERTAIN, and the caller may ask again with the
   same key within STORE_KEY_KEPT_S. */
struct store_work {
    rc (*run)(struct trail *trail, struct store *store, void *arg);
    void *arg;
    uint8_t key[STORE_KEY_LEN];
};

enum { STORE_KEY_KEPT_S = 86400 };

/* store_transact: *ran is false when the key had been used before, by a call that is over. */
MUST_USE
rc store_transact(struct trail *trail, struct store *store, int64_t now,
                  const struct store_work *work, bool *ran);

/* Every call below that writes is a transaction of its own, or part of the one that it is
   called in. */

struct store_meta {
    uint8_t installation[STORE_INSTALLATION_LEN];
    int64_t created;
    int64_t high_water; /* see nonce_window.h */
    int64_t generation; /* transactions so far; see store_judge */
};

/* store_look asks whether the store still answers, by the cheapest question there is. */
MUST_USE
rc store_look(struct trail *trail, struct store *store);

/* store_found gives an empty store its installation id; a store that has one keeps it. */
MUST_USE
rc store_found(struct trail *trail, struct store *store, int64_t now);

/* store_touch writes to the disk and changes nothing, not even the generation: what the backend
   takes from the system at its first write it has then, and a copy that is older than its log
   stays as old as it is however often it is opened. */
MUST_USE
rc store_touch(struct trail *trail, struct store *store);

/* STORE_EMPTY when it was never founded. */
MUST_USE
rc store_meta_read(struct trail *trail, struct store *store, struct store_meta *out);

/* store_high_water_raise never lowers it; what it returns is durable. */
MUST_USE
rc store_high_water_raise(struct trail *trail, struct store *store, int64_t now, int64_t to);

/* A one-use value that must stay used over a restart; `value` is the caller's digest of it.
   STORE_USED when it was used and has not expired, STORE_SHARE and STORE_LIMIT at the bounds
   (what has expired is cleared away first). */
MUST_USE
rc store_nonce_use(struct trail *trail, struct store *store, int64_t now,
                   const uint8_t identity[STORE_ID_LEN], const uint8_t value[STORE_ID_LEN],
                   int64_t expires);

struct store_session {
    uint8_t token[STORE_ID_LEN]; /* SHA-256 of the token */
    uint8_t identity[STORE_ID_LEN];
    int64_t created;
    int64_t expires;           /* the session is over at this second */
    uint8_t key[STORE_ID_LEN]; /* Ed25519, that its requests are signed with */
    enum session_profile profile;
    bool vouched; /* it rests on the owner's word, not on evidence */
    size_t name_len;
    uint8_t name[SESSION_NAME_MAX]; /* of the peer, for people */
};

/* STORE_SHARE, STORE_LIMIT as above; STORE_USED when the token is there already, STORE_STATEMENT
   when the name is too long or the profile none. */
MUST_USE
rc store_session_add(struct trail *trail, struct store *store, int64_t now,
                     const struct store_session *session);

/* STORE_NO_SESSION also for one that has expired. */
MUST_USE
rc store_session_find(struct trail *trail, struct store *store, int64_t now,
                      const uint8_t token[STORE_ID_LEN], struct store_session *out);

/* Memory of the caller's for some sessions. */
struct store_page {
    struct store_session *rows;
    size_t cap, count;
};

/* store_session_page fills a page with those that are not over, in the order of their tokens'
   digests, past `after`: STORE_ID_LEN bytes, or fewer for zeros behind them.  On failure the count
   is what it was, and the rows are nothing. */
MUST_USE
rc store_session_page(struct trail *trail, struct store *store, int64_t now, struct span after,
                      struct store_page *page);

/* Ending what is not there is no failure. */
MUST_USE
rc store_session_end(struct trail *trail, struct store *store, int64_t now,
                     const uint8_t token[STORE_ID_LEN]);

struct store_ban {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d; bits past the prefix are zero */
    uint8_t prefix;      /* 0..128 */
    enum reason reason;
    int64_t until; /* the ban is over at this second */
    int64_t count; /* how often this prefix was banned; written by the store */
};

/* store_ban_add makes or renews a ban; `until` never moves back.  At the bound the ban that
   ends first gives way. */
MUST_USE
rc store_ban_add(struct trail *trail, struct store *store, int64_t now,
                 const struct store_ban *ban);

/* store_ban_next walks the bans that hold, in byte order; `after` is NULL to begin.  *found
   is false, and *out untouched, past the last one. */
MUST_USE
rc store_ban_next(struct trail *trail, struct store *store, int64_t now,
                  const struct store_ban *after, struct store_ban *out, bool *found);

MUST_USE
rc store_ban_lift(struct trail *trail, struct store *store, int64_t now, const uint8_t address[16],
                  uint8_t prefix);

/* store_sweep deletes what has expired; *swept is how many rows. */
MUST_USE
rc store_sweep(struct trail *trail, struct store *store, int64_t now, int64_t *swept);

/* One piece of collateral (attest/pcs.h), that its caller has judged.  It is fetched again where it
   is lost, so a backup has only how new it was: restored, it is a piece without a body, and nothing
   older may take its place. */
enum { STORE_SCOPE_LEN = 8 };
struct store_collateral {
    int64_t thing;
    uint8_t scope[STORE_SCOPE_LEN]; /* whose it is */
    int64_t issued, expires;
    int64_t evaluation; /* 0 where there is none */
    int64_t fetched;
    struct span chain, body; /* none: only its floor is known */
};

/* store_collateral_put takes the place of what is held of the same thing and scope, unless that is
   newer: FETCH_OLDER. */
MUST_USE
rc store_collateral_put(struct trail *trail, struct store *store, int64_t now,
                        const struct store_collateral *piece);

/* store_collateral_each shows every piece; its spans live as long as the call of `visit`. */
MUST_USE
rc store_collateral_each(struct trail *trail, struct store *store,
                         void (*visit)(void *arg, const struct store_collateral *piece), void *arg);

/* store_collateral_drop: dropping what is not there is no failure. */
MUST_USE
rc store_collateral_drop(struct trail *trail, struct store *store, int64_t now, int64_t thing,
                         const uint8_t scope[STORE_SCOPE_LEN]);

/* A job of the queue.  How many there are is the caller's affair, and which step of its state may
   follow which: to the store a state is a number.  They belong to the machine that runs them, and
   are in no backup: a job that was restored would run twice. */
enum { STORE_JOB_ID = 16, STORE_FATE_MAX = 128, STORE_JOB_BODY_MAX = 32 << 10 };
struct store_job {
    int64_t seq; /* its place in the queue, nobody else's */
    uint8_t id[STORE_JOB_ID];
    int64_t state;
    int64_t submitted, started, ended; /* seconds since 1970; 0: not yet */
    struct span fate;                  /* how it ended, as the caller writes it */
};

/* store_job_add: STORE_USED when its id or its place is somebody's. */
MUST_USE
rc store_job_add(struct trail *trail, struct store *store, int64_t now, const struct store_job *job,
                 struct span body);

/* store_job_move takes it from that state to job->state, with its times and its fate; STORE_DAMAGED
   where it is not in that state, or not there. */
MUST_USE
rc store_job_move(struct trail *trail, struct store *store, int64_t now, int64_t from,
                  const struct store_job *job);

/* store_job_each shows every job in the order of the queue; spans live as long as the call of
   `visit`.  store_job_body shows what was submitted in the same way, STORE_DAMAGED where there is
   no such job. */
MUST_USE
rc store_job_each(struct trail *trail, struct store *store,
                  void (*visit)(void *arg, const struct store_job *job), void *arg);
MUST_USE
rc store_job_body(struct trail *trail, struct store *store, int64_t seq,
                  void (*visit)(void *arg, struct span body), void *arg);

/* store_job_drop: dropping what is not there is no failure. */
MUST_USE
rc store_job_drop(struct trail *trail, struct store *store, int64_t now, int64_t seq);

/* The log's size and root when they were last durable. */
struct store_anchor {
    int64_t size;
    uint8_t root[32];
};

/* store_anchor_move: never to a smaller size (STORE_ANCHOR_BACK), nor to another root of the
   same size. */
MUST_USE
rc store_anchor_move(struct trail *trail, struct store *store, int64_t now,
                     const struct store_anchor *anchor);
/* {0} when there is none yet. */
MUST_USE
rc store_anchor_read(struct trail *trail, struct store *store, struct store_anchor *out);

/* What the log knows: the generation of the store that was written into it last, its own size,
   and its root when it had anchor.size records (the caller asks store_anchor_read first; an
   array of zeros when the log is not that long). */
struct store_evidence {
    int64_t generation;
    int64_t log_size;
    uint8_t root_at_anchor[32];
};

/* store_judge finds a database older than its log (STORE_ROLLED_BACK) and a log older or other
   than the database knows it (STORE_LOG_ROLLED_BACK). */
MUST_USE
rc store_judge(struct trail *trail, struct store *store, const struct store_evidence *evidence);

/* store_forgive makes a restored database pass again: its generation moves past the one in the
   log, and its high-water time to `now` or later.  For an operator's command, logged by it. */
MUST_USE
rc store_forgive(struct trail *trail, struct store *store, int64_t now, int64_t generation);

#endif
