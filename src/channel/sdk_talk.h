/* sdk_talk.h - what is said inside a session of profile sdk-v1: JSON objects with a "type", as the
   challenge or as the validator.  Reads what comes, answers what has one right answer, keeps what
   was asked until its answer or its time has come, and hands on the rest as typed values.

   Knows no key and no socket: plain messages go in and come out, sdk.h seals them.  Values that
   this end passes on (a payload, a result, a query) are JSON already and stand in a message as
   they are; it is the caller's care that each is one whole value. */
#ifndef WARD_CHANNEL_SDK_TALK_H
#define WARD_CHANNEL_SDK_TALK_H

#include "channel/sdk.h"
#include "codec/json.h"

enum {
    SDK_ID_MAX = 128,              /* bytes of an id or a name, as this end takes and gives them */
    SDK_WAITS_MAX = 64,            /* requests or jobs under way */
    SDK_WORDS_DEPTH = 32,          /* containers inside one another in a message */
    SDK_ANSWER_MS = 30000,         /* how long an answer is waited for */
    SDK_MIGRATIONS_MS = 300 * 1000 /* and one to migrations_request */
};

/* "type".  What a validator (v) or a challenge (c) says. */
enum sdk_word {
    SDK_WORD_NONE = 0,
    SDK_MIGRATIONS_REQUEST,  /* v */
    SDK_MIGRATIONS_RESPONSE, /* c */
    SDK_DB_VERSION_REQUEST,  /* v */
    SDK_DB_VERSION_RESPONSE, /* c */
    SDK_ORM_READY,           /* v */
    SDK_ORM_PERMISSIONS,     /* c */
    SDK_ORM_PERMISSIONS_ACK, /* v */
    SDK_ORM_QUERY,           /* c */
    SDK_ORM_RESULT,          /* v */
    SDK_ERROR,               /* v, c */
    SDK_JOB_EXECUTE,         /* v */
    SDK_JOB_RESULT,          /* c */
    SDK_JOB_RESULT_ACK,      /* v: this end's own, which the SDK does not look at */
    SDK_HEARTBEAT,           /* c */
    SDK_LOGS,                /* c */
    SDK_SUBMIT,              /* c */
    SDK_BENCHMARK_PROGRESS,  /* c */
    SDK_GET_VALIDATOR_COUNT, /* c */
    SDK_VALIDATOR_STATUS,    /* v */
    SDK_WORD_COUNT
};

/* A message, read.  Values are views of it as they stand there; {0} where there is none. */
struct sdk_words {
    enum sdk_word word;
    struct span message_id;   /* any JSON value of at most SDK_ID_MAX bytes; an answer copies it */
    struct span id;           /* which request it answers: message_id, else query_id, else that of
                                 the payload; plain text */
    struct span job_id;       /* plain text of 1 to SDK_ID_MAX bytes */
    struct span challenge_id; /* the same */
    struct span payload, result, error, permissions, query_id;
    uint32_t job_name; /* node, or JSON_NONE */
    struct json json;
};

/* sdk_words_read: CHANNEL_MALFORMED for what is no object of at most `capacity` values with a type;
   REASON_OK also for a type that is not known. */
enum reason sdk_words_read(struct span text, struct json_node *nodes, size_t capacity,
                           struct sdk_words *out);

/* What a challenge is. */
struct sdk_challenge {
    const char *const *jobs; /* names that have a handler of their own */
    size_t job_count;
    bool has_default;       /* others go to the default handler */
    struct span migrations; /* an array in JSON; empty: none */
    uint32_t db_version;
};

/* Something that is under way. */
struct sdk_wait {
    enum sdk_word word; /* NONE: the place is free */
    size_t id_len;
    uint8_t id[SDK_ID_MAX];
    uint64_t tag; /* the caller's */
    int64_t until_ms;
};

/* Fields are for this room and its tests.  What is pointed to outlives it. */
struct sdk_talk {
    const struct sdk_challenge *challenge; /* NULL: the validator's end */
    struct json_node *nodes;
    size_t capacity;
    uint32_t numbered; /* ids that were given out */
    struct sdk_wait waits[SDK_WAITS_MAX];
};

/* `nodes` are for one message at a time. */
struct sdk_talk sdk_talk_over(const struct sdk_challenge *challenge, struct json_node *nodes,
                              size_t capacity);

enum sdk_heard_kind {
    SDK_HEARD_NOTHING = 0, /* answered, or nothing to do */
    SDK_HEARD_JOB,         /* challenge: run job `handler` (job_count: the default) */
    SDK_HEARD_READY,       /* challenge: queries are welcome from here on */
    SDK_HEARD_STATUS,      /* challenge: validators; the whole message is `value` */
    SDK_HEARD_ANSWER,      /* to what was asked with `tag`: `value`, or why there is none */
    SDK_HEARD_RESULT,      /* validator: of the job with `tag`; the same */
    SDK_HEARD_PERMISSIONS, /* validator: `value` */
    SDK_HEARD_REPORT,      /* validator: the payload of a heartbeat, log, submission, progress */
    SDK_HEARD_IGNORED,     /* and why */
};

/* Spans view the message. */
struct sdk_heard {
    enum sdk_heard_kind kind;
    enum reason reason; /* ANSWER, RESULT: OK, SDK_PEER_ERROR or what is wrong with it; IGNORED */
    enum sdk_word word;
    struct span job_id, challenge_id;
    uint64_t tag;
    size_t handler;
    struct span value; /* JSON; of an SDK_PEER_ERROR what the peer says, anything at all */
};

/* sdk_talk_hear reads one message; at most one answer is written to `out`, which needs
   SDK_PLAIN_MAX bytes for migrations and 2 KiB else.  An answer that does not fit is none: IGNORED
   with CHANNEL_TOO_LARGE. */
MUST_USE
struct sdk_heard sdk_talk_hear(struct sdk_talk *talk, struct span text, struct sink *out);

/* sdk_talk_tick gives what has waited in vain, one at a time, as an ANSWER or RESULT with
   SDK_NO_ANSWER; NOTHING when there is no more. */
MUST_USE
struct sdk_heard sdk_talk_tick(struct sdk_talk *talk, int64_t now_ms);

/* The calls below write one message.  False, and nothing changed or written, when it does not fit,
   an id is not plain text of 1 to SDK_ID_MAX bytes, SDK_WAITS_MAX are under way already, or this
   role does not say it. */

/* Challenge: an orm_query, whose answer comes with `tag`. */
MUST_USE
bool sdk_talk_query(struct sdk_talk *talk, struct span query, uint64_t tag, int64_t now_ms,
                    struct sink *out);

/* Challenge: the one result of a job that is under way; of `error` and `result` one is empty.  The
   error is text. */
MUST_USE
bool sdk_talk_done(struct sdk_talk *talk, struct span job_id, struct span result, struct span error,
                   struct sink *out);

/* Challenge: a heartbeat, logs, a submission, progress. */
MUST_USE
bool sdk_talk_report(struct sdk_talk *talk, enum sdk_word word, struct span payload,
                     struct sink *out);

/* Challenge: what the tables allow. */
MUST_USE
bool sdk_talk_permissions(struct sdk_talk *talk, struct span challenge_id, struct span permissions,
                          struct sink *out);

/* Validator: migrations_request or db_version_request. */
MUST_USE
bool sdk_talk_ask(struct sdk_talk *talk, enum sdk_word word, uint64_t tag, int64_t now_ms,
                  struct sink *out);

/* Validator: queries are welcome. */
MUST_USE
bool sdk_talk_ready(struct sdk_talk *talk, struct sink *out);

/* Validator: a job; an empty name is the default handler's.  Its result comes once, with `tag`. */
struct sdk_job {
    struct span id, name, payload;
    uint64_t tag;
    int64_t until_ms; /* when its result is not waited for any more */
};
MUST_USE
bool sdk_talk_job(struct sdk_talk *talk, const struct sdk_job *job, struct sink *out);

/* sdk_talk_word: its "type". */
const char *sdk_talk_word(enum sdk_word word);

#endif
