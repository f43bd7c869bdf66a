/* inside.h - what the parts of ward-machine share: the process beside a virtual machine.

   It is the first process of a job's container, and all that it has is the job's: its user, its
   limits, its network, its /output.  It starts QEMU, tells the guest of the job, and does what the
   job in a container would do itself: writes to the job's streams and to /output.  So whoever takes
   it over by what a guest says has what a job in a container has. */
#ifndef WARD_MACHINE_INSIDE_H
#define WARD_MACHINE_INSIDE_H

#include <sys/types.h>

#include "job/guest_talk.h"

enum {
    MACHINE_WORD_FD = 3,  /* where it tells the supervisor */
    MACHINE_HOUSE_FD = 4, /* and, with `agent`, whoever measured what the machine begins with */
};

struct machine {
    uint64_t memory_mib, cpus;
    uint64_t output; /* bytes that /output may hold */
    bool collect, job, network, agent;
    struct span told; /* the frames that describe the job */
};

/* What is under way with one machine. */
struct talk {
    const struct machine *machine;
    int port, errors; /* ends of ours: the guest's port, QEMU's own words */
    int signals;
    pid_t qemu;
    struct guest_hearing hearing;
    uint8_t room[GUEST_HEAD + GUEST_BODY_MAX]; /* of what the guest says: a frame and no more */
    size_t len;
    uint8_t reply[GUEST_HEAD + GUEST_REPLY_MAX]; /* to what it asked, */
    size_t reply_len;                            /* 0: none waits to be told */
    bool deaf;                                   /* to whoever answers: nobody is there */
    struct span saying;                          /* what it is not told yet, */
    struct span held;                            /* and what of its frame waits for a reader; */
    struct span kept;                            /* then what it has said after that */
    int held_to;
    bool gone;          /* the machine */
    bool over;          /* nothing more is wanted of it */
    bool asked, ending; /* the job is to end, and the guest has not been told so */
    struct machine_word word;
    int file;         /* of /output, which is being written, */
    mode_t mode;      /* and what it has at its end */
    uint64_t written; /* bytes of all files */
    int output;       /* the folder, open */
};

/* --- begin.c ---------------------------------------------------------------------------------- */

/* machine_begin starts QEMU; the talk has its ends. */
bool machine_begin(struct talk *talk);
void machine_end(struct talk *talk);

/* --- hear.c ----------------------------------------------------------------------------------- */

/* machine_hear does what a word of the guest asks for. */
void machine_hear(struct talk *talk, const struct guest_word *word);

/* machine_fail: the machine is of no use any more, for this reason. */
void machine_fail(struct talk *talk, uint32_t reason, const char *what);

/* machine_tell sends the talk's word to the supervisor. */
void machine_tell(const struct machine_word *word);

/* --- house.c: evidence for the job ------------------------------------------------------------ */

/* machine_ask passes a question on; machine_hear_house takes an answer, which the guest is told
   next.  Of a house that is gone it hears nothing, and waits no longer than it likes. */
void machine_ask(struct span question);
void machine_hear_house(struct talk *talk);

/* --- talk.c ----------------------------------------------------------------------------------- */

/* machine_talk speaks with the guest until all is said: true, and talk->word is the end; false: it
   said nothing in time, and another may be tried. */
bool machine_talk(struct talk *talk);

#endif
