/* inside.h - what the parts of ward-guest share: the first process of a virtual machine.

   It is told of one job, makes the files that the job sees, runs it as a user without any right,
   passes on what it says, and tells what it left in /output.  It trusts whoever runs the machine,
   and nothing that comes of the job. */
#ifndef WARD_GUEST_INSIDE_H
#define WARD_GUEST_INSIDE_H

#include <sys/types.h>

#include "job/guest_talk.h"
#include "os/call_filter.h"

enum {
    GUEST_LIST_MAX = 1024, /* texts of one kind that it may be told */
    GUEST_CALLS_MAX = 400, /* system calls that are not told */
};

/* Where the job's files are put together, seen from the first process. */
#define GUEST_ROOT "/root"

struct guest_list {
    const char *at[GUEST_LIST_MAX + 1]; /* ends with NULL */
    size_t count;
};

struct guest {
    int port;
    int modules; /* the folder that they are in, which has no name any more */
    struct guest_list arguments, variables, allowed, denied, masked, kept;
    enum guest_shown shown_as[GUEST_LIST_MAX]; /* by the index of denied */
    const char *start_in;
    struct guest_limits limits;
    struct guest_call calls[GUEST_CALLS_MAX];
    size_t call_count;
    struct guest_call told[GUEST_REFUSED_MAX]; /* those that are, by their rows */
    size_t told_count;
    int questions;     /* of the job's refused calls; -1: nobody can be asked, or nobody asks */
    int agent;         /* the job's guest agent, as it asks; -1: it has none */
    int tries;         /* of denied paths, as who answers them tells; -1: nobody does */
    int tries_stop;    /* where a byte ends that process, */
    pid_t veil;        /* which is this; 0: there is none, or it has ended */
    int veil_ready;    /* for one byte, when it serves; -1: it was heard */
    bool veiled;       /* there was one, */
    bool veil_failed;  /* and it did not end well */
    const char *fault; /* of what failed: what it was, */
    const char *at;    /* and where; may be NULL */
    pid_t first;       /* of the job */
    int streams[2];    /* what it says */
};

/* guest_failed notes what failed, and gives false; errno is kept. */
bool guest_failed(struct guest *guest, const char *what, const char *at);

/* --- begin.c: a machine that has just begun --------------------------------------------------- */

/* guest_begin mounts what the kernel tells, loads all modules but those that not each job needs,
   and makes an empty file system the root of all paths. */
bool guest_begin(struct guest *guest);

/* guest_load_network loads those of the network, unless the job reaches nothing, and closes their
   folder; guest_load_veil those that a veil needs, as far as they are there. */
bool guest_load_network(struct guest *guest);
bool guest_load_veil(struct guest *guest);

/* guest_stays says whether the kernel may end the caller, and what it starts, when memory is all
   gone: it may end the job, and not this process, whatever the job takes. */
bool guest_stays(bool stays);

/* guest_open_port waits for the port and opens it. */
bool guest_open_port(struct guest *guest);

/* --- told.c ----------------------------------------------------------------------------------- */

/* guest_listen reads until it has been told all of the job. */
bool guest_listen(struct guest *guest);

/* --- root.c: the job's files ------------------------------------------------------------------ */

bool guest_make_root(struct guest *guest);

/* --- paths.c: tries of denied paths ----------------------------------------------------------- */

#define GUEST_VEIL "/veil"

/* guest_begin_veil starts who lays what hides denied paths over GUEST_VEIL (os/veil.h) and answers
   there, if the job hides something.  It takes as long as much of what else there is to be done
   before the job runs, and is done beside it.  guest_has_veil waits for it.  False: there is none,
   and nobody hears of tries. */
void guest_begin_veil(struct guest *guest);
bool guest_has_veil(struct guest *guest);

/* guest_pass_try passes on one that it has told; guest_end_veil ends it, and passes on all that is
   left.  True: all was told. */
void guest_pass_try(struct guest *guest);
bool guest_end_veil(struct guest *guest);

/* guest_enter_root: in the job's first process, with mounts of its own: makes that the root of all
   paths, with a /proc of the caller's processes. */
bool guest_enter_root(struct guest *guest);

/* --- start.c ---------------------------------------------------------------------------------- */

/* guest_start begins the job; it runs when this returns true. */
bool guest_start(struct guest *guest);

/* --- memory.c: what memory the job has ---------------------------------------------------------
 */

/* guest_group_of_job makes a control group with all the memory that is free but for a little:
   whoever writes 0 to the file that it gives is in it, with all that he starts.  -1: the kernel has
   none, and the machine's own memory is the bound. */
int guest_group_of_job(void);

/* guest_read_number reads the number behind a word that begins a line of one of the kernel's lists.
 */
MUST_USE
bool guest_read_number(const char *list, const char *word, uint64_t *out);

/* --- agent.c: evidence for the job ------------------------------------------------------------ */

/* guest_start_agent starts the process that answers the job's questions, where it is to have one.
   What is asked there goes out over the port, and comes back (GUEST_ASKS, GUEST_REPLY). */
bool guest_start_agent(struct guest *guest);

/* guest_give_up: in a child that is to have nothing that the job has not: another user, that nobody
   else is, and these system calls. */
bool guest_give_up(const struct call_rule *rules, size_t count, uid_t user);

/* guest_pass_question says what it asks; guest_pass_reply gives it an answer. */
void guest_pass_question(struct guest *guest);
void guest_pass_reply(const struct guest *guest, struct span reply);

/* --- calls.c ---------------------------------------------------------------------------------- */

/* guest_hold_to allows the caller, and what it starts, those system calls alone.  *asked is what
   the kernel asks of each other one, and the caller's; -1: it cannot, and refuses them by itself.
 */
bool guest_hold_to(const struct guest_call *calls, size_t count, int *asked);

/* --- tell.c: refused calls, each kind once with how often ------------------------------------- */

struct guest_telling {
    struct guest_refused at[GUEST_REFUSED_MAX];
    uint32_t said[GUEST_REFUSED_MAX];
    bool behind; /* a number has changed that was said */
    bool failed; /* not all could be answered, or counted */
    int64_t said_ms;
};

/* guest_answer refuses one call that the kernel asks of, and counts it. */
void guest_answer(struct guest *guest, struct guest_telling *telling);

/* guest_say_counts says the numbers that have changed: at most twice a second, or with `all`. */
void guest_say_counts(struct guest *guest, struct guest_telling *telling, bool all);

/* --- say.c ------------------------------------------------------------------------------------ */

/* What is said over the port; without whoever listens, the machine has no use, and stops. */
void guest_say(struct guest *guest, uint8_t kind, struct span body);
void guest_say_failed(struct guest *guest);

/* guest_say_output tells all that is in /output. */
void guest_say_output(struct guest *guest);

/* --- watch.c ---------------------------------------------------------------------------------- */

/* guest_watch passes on what the job says until it has ended, or is ended for its limits, and says
   which.  True: it ended by itself. */
bool guest_watch(struct guest *guest);

/* --- net.c ------------------------------------------------------------------------------------ */

/* guest_wake_network brings up the loopback, and where the job may reach something the way there.
 */
bool guest_wake_network(struct guest *guest);

/* --- names.c ---------------------------------------------------------------------------------- */

/* guest_serve_names starts a process that answers at 127.0.0.1 and ::1 what the fence's name server
   at 10.0.2.2 says. */
bool guest_serve_names(const struct guest *guest);

#endif
