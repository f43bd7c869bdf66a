/* result.h - how a function says that it did not do what it was asked.

   An `rc` is a newtype: the compiler refuses to mix it with an int, and MUST_USE
   refuses to drop it.  Its code is a class (what to do about it) and a number
   (what it was, for people).  Zero is success.  Nothing here allocates, logs or
   keeps state: a trail is the caller's memory. */
#ifndef WARD_BASE_RESULT_H
#define WARD_BASE_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#define MUST_USE                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* What the caller does about a failure; the behaviour of each class is decided in one
   table by the process that owns the loop, never from the number. */
enum rc_class {
    RC_OK = 0,
    RC_PEER,   /* what the other side sent is bad: refuse it */
    RC_DENIED, /* understood, and the answer is no */
    RC_BUSY,   /* a limit is reached: try later */
    RC_WORLD,  /* disk, network, memory: retry with back-off */
    RC_BUG,    /* cannot happen: stop */
};

typedef struct {
    uint32_t code;
} rc;

#define RC_SUCCESS ((rc){ 0 })

/* rc_make packs a class and a number (0..0xffffff) into an rc. */
static inline rc rc_make(enum rc_class class, uint32_t number)
{
    return (rc){ ((uint32_t) class << 24) | (number & 0xffffffu) };
}

static inline bool rc_ok(rc r)
{
    return r.code == 0;
}

static inline enum rc_class rc_class_of(rc r)
{
    return (enum rc_class)(r.code >> 24);
}

static inline uint32_t rc_number(rc r)
{
    return r.code & 0xffffffu;
}

/* An errno as a failure.  Its numbers are its own: those of reasons and of rooms are all below. */
enum { RC_ERRNO = 0x800000 };

static inline rc rc_os(int error)
{
    return rc_make(RC_WORLD, RC_ERRNO | (uint32_t)error);
}

/* rc_errno is the errno that a failure carries; 0: it carries none. */
static inline int rc_errno(rc r)
{
    uint32_t number = rc_number(r);
    return (number & RC_ERRNO) != 0 ? (int)(number & ~(uint32_t)RC_ERRNO) : 0;
}

/* rc_class_name returns a lower-case word for the class; never NULL. */
const char *rc_class_name(enum rc_class class);

/* Where a failure passed through, innermost first.  {0} is an empty trail.  Frames past
   the eighth are counted, not kept. */
enum { TRAIL_FRAMES = 8 };

struct trail_frame {
    const char *function; /* static text */
    int line;
    rc code;
};

struct trail {
    uint32_t count;
    struct trail_frame frames[TRAIL_FRAMES];
};

/* trail_add adds a frame to the trail (which may be NULL); a success leaves none. */
void trail_add(struct trail *trail, rc r, const char *function, int line);

/* rc_note does that and returns r unchanged, visibly so for compilers and analyzers. */
static inline rc rc_note(struct trail *trail, rc r, const char *function, int line)
{
    trail_add(trail, r, function, line);
    return r;
}

/* FAIL notes a new failure and is the value to return. */
#define FAIL(trail, class, number) rc_note((trail), rc_make((class), (number)), __func__, __LINE__)

/* FAIL_OS does so for an errno, FAIL_ERRNO for the last one. */
#define FAIL_OS(trail, error) rc_note((trail), rc_os(error), __func__, __LINE__)
#define FAIL_ERRNO(trail)     FAIL_OS((trail), errno)

/* TRY returns from the calling function when the call fails, leaving a frame behind. */
#define TRY(trail, call)                                                                           \
    do {                                                                                           \
        rc try_rc_ = (call);                                                                       \
        if (try_rc_.code != 0)                                                                     \
            return rc_note((trail), try_rc_, __func__, __LINE__);                                  \
    } while (0)

#endif
