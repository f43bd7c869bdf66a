/* ward/base.h - what every part of libward shares: bytes, outcomes, errors.

   libward has no global state.  Objects that take no `const` are used by one thread at a
   time; `const` objects may be shared by any number of threads.  Every function that can
   fail returns an enum ward_outcome, leaves its out-parameters untouched when it fails, and
   fills the caller's struct ward_error (which may be NULL). */
#ifndef WARD_BASE_H
#define WARD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WARD_API      __attribute__((visibility("default")))
#define WARD_MUST_USE __attribute__((warn_unused_result))

/* The version of the headers; ward_version() is that of the library at run time. */
#define WARD_VERSION_MAJOR 0
#define WARD_VERSION_MINOR 1
#define WARD_VERSION_PATCH 0

/* ward_version returns "MAJOR.MINOR.PATCH"; static text. */
WARD_API const char *ward_version(void);

/* Bytes that the caller owns.  A function that keeps them copies them, unless it says so.
   `name` is what messages call them, for example a file's path; NULL is allowed. */
struct ward_bytes {
    const void *data;
    size_t len;
    const char *name;
};

enum ward_outcome {
    WARD_DONE = 0,
    WARD_BAD_INPUT = 1, /* the caller's bytes or arguments cannot be used */
    WARD_NO_MEMORY = 2,
    WARD_REFUSED = 3,     /* one of two sides says no, or breaks the rules: see the reason */
    WARD_UNREACHABLE = 4, /* there is no connection */
    WARD_TIMED_OUT = 5,   /* not done when time was over */
    WARD_CLOSED = 6,      /* the peer has said that no more follows */
};

enum { WARD_ERROR_TEXT = 1024, WARD_ERROR_FRAMES = 8 };

/* Where a failure passed through inside the library, innermost first. */
struct ward_frame {
    const char *function; /* static text */
    int line;
};

/* Zero it before the call.  `message` says what was wrong, where, and what to do; when more
   than one thing is wrong (a policy file), each stands on a line of its own.  `reason` is a
   stable code ("CHANNEL_REPLAY"; docs/reasons.md has all) and `about` the one beside it that
   says more ("POLICY_REPORT_DATA"); static text, or NULL where there is none. */
struct ward_error {
    enum ward_outcome outcome;
    char message[WARD_ERROR_TEXT]; /* NUL-terminated */
    uint32_t frame_count;          /* frames in all; the first WARD_ERROR_FRAMES are kept */
    struct ward_frame frames[WARD_ERROR_FRAMES];
    const char *reason;
    const char *about;
};

#ifdef __cplusplus
}
#endif
#endif
