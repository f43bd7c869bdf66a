/* veil.h - a file system that hides: a folder of entries, files and folders of which nobody gets
   anything, and whose server hears of each try.  It is what is shown in place of something else.

   The kernel asks (FUSE: linux/fuse.h) whoever has its descriptor, and whoever asked the kernel
   waits for the answer, past SIGKILL once the question was read: so the server answers each at
   once, and whoever ends its users ends it too.  With the last copy of the descriptor the file
   system is over, and says ENOTCONN to everybody. */
#ifndef WARD_OS_VEIL_H
#define WARD_OS_VEIL_H

#include "base/result.h"
#include "base/span.h"

enum {
    VEIL_MAX = 256, /* entries */
    VEIL_QUESTION_MAX =
        8192, /* bytes of one; the kernel reads into no less (FUSE_MIN_READ_BUFFER) */
    VEIL_ANSWER_MAX = 144,
};

struct veil {
    size_t count; /* their names are their numbers, from 0 on, in decimal */
    bool is_file[VEIL_MAX];
};

/* A try to get something of an entry. */
struct veil_try {
    bool made;
    size_t entry;
    struct span name; /* what was looked for below it: any bytes that are a name; else empty.  It
                         views the question. */
};

/* veil_lay mounts one over a folder, for everybody; no device and no set-user-id bit counts there.
 *fd is its server's, and does not wait (O_NONBLOCK).  Needs root and /dev/fuse. */
MUST_USE
rc veil_lay(struct trail *trail, const char *target, int *fd);

/* veil_lack makes a folder that is shown as it is, without a veil, one like it in what may be done
   there: a runtime asks for the same of both. */
MUST_USE
rc veil_lack(struct trail *trail, const char *target);

/* veil_answer is the answer to a question, and how long it is; 0: there is none to give.  Whoever
   asks for an entry of the folder, what it is, and what the file system is, is told; everything
   else is EACCES, as of a file or a folder without a right for anybody, and of an entry it is a
   try. */
size_t veil_answer(const struct veil *veil, struct span question, uint8_t answer[VEIL_ANSWER_MAX],
                   struct veil_try *tried);

/* veil_serve reads one question and answers it; *tried views `question`. */
enum veil_turn {
    VEIL_FAILED = 0, /* it can no longer be served */
    VEIL_OVER,       /* it is mounted nowhere any more */
    VEIL_NOTHING,    /* whoever asked has gone */
    VEIL_SERVED,
};
enum veil_turn veil_serve(const struct veil *veil, int fd, uint8_t question[VEIL_QUESTION_MAX],
                          struct veil_try *tried);

#endif
