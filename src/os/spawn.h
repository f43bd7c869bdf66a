/* spawn.h - starting another program of ours, and ending it, without ever meaning another
   process that got its number. */
#ifndef WARD_OS_SPAWN_H
#define WARD_OS_SPAWN_H

#include <sys/types.h>

#include "base/result.h"

enum { SPAWN_FDS_MAX = 8 };

/* A descriptor of the caller's and the number that the new program finds it under. */
struct spawn_fd {
    int from, to;
};

struct spawn {
    const char *path; /* of the program; not searched for */
    int program;      /* above 0: an open program, which is started and not what `path` names */
    const char *const *argv; /* ends with NULL */
    struct spawn_fd fds[SPAWN_FDS_MAX];
    size_t fd_count;  /* standard input and output not among them are /dev/null; standard error
                         is the caller's; everything else is closed */
    bool new_session; /* outlives the terminal; its folder is / */
};

struct spawned {
    pid_t pid;
    int pidfd;
};

enum spawn_error {
    SPAWN_E_TIME = 0x1801, /* RC_BUSY: it still runs at the deadline */
};

/* spawn starts the program with an empty environment.  A program that cannot be run is an
   errno of class RC_WORLD. */
MUST_USE
rc spawn(struct trail *trail, const struct spawn *what, struct spawned *out);

/* spawn_place is the part of it that places the descriptors, for a child that executes the program
   itself: *program is its descriptor then, or 0.  Nothing in it allocates or takes a lock. */
MUST_USE
bool spawn_place(const struct spawn *what, int *program);

/* process_hold gets hold of a process by number: the caller knows that the number is that of
   the process it means at this moment. */
MUST_USE
rc process_hold(struct trail *trail, pid_t pid, int *pidfd);

/* process_signal and process_wait mean the process that is held, also when its number is
   used again.  process_wait returns when it has ended. */
MUST_USE
rc process_signal(struct trail *trail, int pidfd, int signal);
MUST_USE
rc process_wait(struct trail *trail, int pidfd, int64_t until_ms);

#endif
