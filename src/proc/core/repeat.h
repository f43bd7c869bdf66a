/* repeat.h - calls that make something, by the word that their caller gave them (Idempotency-Key):
   whoever did not hear the answer asks again with the same word, and nothing is made twice.

   A word belongs to what was asked with it.  While that is under way, and when nobody can know any
   more how it ended, it is refused; what was refused is forgotten, since nothing was made.  The
   table has a fixed size: a new word takes the place of the oldest answer, never of a call whose
   end is open.  It lives as long as core does; over a restart the caller's If-Match holds.  The
   time is an argument. */
#ifndef WARD_PROC_CORE_REPEAT_H
#define WARD_PROC_CORE_REPEAT_H

#include "model/api.h"
#include "model/reason.h"

enum {
    REPEATS = 64,        /* words that are remembered */
    REPEAT_ANSWER = 256, /* bytes of an answer */
    REPEAT_MS = 86400000 /* how long */
};

enum repeat_state {
    REPEAT_FREE = 0,
    REPEAT_ASKED,  /* under way */
    REPEAT_DONE,   /* answered */
    REPEAT_UNKNOWN /* whoever did it is gone, and did or did not */
};

struct repeat {
    enum repeat_state state;
    uint64_t id;      /* of the question that does it */
    int64_t until_ms; /* when it is forgotten */
    uint8_t what;     /* what was asked: the same word for something else is a mistake */
    uint64_t generation;
    size_t word_len, answer_len;
    uint8_t word[API_IDEMPOTENCY_MAX];
    uint8_t answer[REPEAT_ANSWER];
};

struct repeats {
    struct repeat rows[REPEATS];
};

/* What is asked, and with which word (not empty). */
struct repeat_call {
    struct span word;
    uint8_t what;
    uint64_t generation;
};

/* repeats_find: REASON_OK with *done NULL for a word that is new and has room, with *done set to
   what is to be answered again; else IDEMPOTENCY_KEY_BUSY, IDEMPOTENCY_KEY_REUSED, or
   HOUSE_UNAVAILABLE: all places are taken by calls whose end is open. */
enum reason repeats_find(struct repeats *repeats, const struct repeat_call *call, int64_t now_ms,
                         const struct repeat **done);

/* repeats_begin keeps a word that repeats_find has just called new, for the question `id`. */
void repeats_begin(struct repeats *repeats, const struct repeat_call *call, uint64_t id,
                   int64_t now_ms);

/* repeats_end: how that question was answered; one that is not there has no word. */
void repeats_end(struct repeats *repeats, uint64_t id, bool made, struct span answer,
                 int64_t now_ms);

/* repeats_lost: whoever was asked is gone. */
void repeats_lost(struct repeats *repeats);

#endif
