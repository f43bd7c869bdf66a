/* guest_talk.h - what is said over the port between a virtual machine and whoever runs it: frames,
   in which order they may come, and what each may hold.

   A frame is the length of its body (4 bytes, little-endian), its kind (1 byte), and the body. What
   the machine says is a stranger's, whatever program says it: here it is judged before anything is
   done with it. */
#ifndef WARD_JOB_GUEST_TALK_H
#define WARD_JOB_GUEST_TALK_H

#include "base/sink.h"
#include "job/denied.h"

enum {
    GUEST_VERSION = 5,
    GUEST_HEAD = 5,           /* bytes before a body */
    GUEST_BODY_MAX = 32768,   /* bytes of a body */
    GUEST_PATH_MAX = 4000,    /* of a path below /output */
    GUEST_WORDS_MAX = 200,    /* of what is said of a failure */
    GUEST_QUESTION = 68,      /* of one for evidence (agent/agent.h) */
    GUEST_REPLY_MAX = 16398,  /* and of its answer */
    GUEST_REFUSED_MAX = 400,  /* kinds of refused calls */
    GUEST_TOLD_MAX = 8 << 20, /* bytes of all frames that describe a job */
    MACHINE_TRIES = 3,        /* machines that are begun until one of them says something */
    MACHINE_BEGIN_MS = 30000, /* how long each of them may take */
};

/* Of its kernel.  Without `tsc=reliable no_timer_check`, with which some machines never begin. */
#define MACHINE_COMMAND_LINE "quiet panic=-1 reboot=t"

/* What a machine says. */
enum guest_said {
    GUEST_SAID_NONE = 0,
    GUEST_HELLO,  /* u32: GUEST_VERSION */
    GUEST_FAILED, /* the job does not run: words */
    GUEST_RUNS,
    GUEST_OUT,    /* what the job writes to its standard output, */
    GUEST_ERR,    /* and to standard error */
    GUEST_ENDED,  /* u8 of enum guest_end, u8 its exit code or the signal, u8: what not all was told
                     of (GUEST_UNTOLD_CALLS, GUEST_UNTOLD_PATHS) */
    GUEST_FOLDER, /* of /output: u16 mode, path */
    GUEST_FILE,   /* u16 mode, u64 size, path; then so many bytes */
    GUEST_BYTES,
    GUEST_ODD,    /* what is neither: u8 of enum guest_odd, path */
    GUEST_UNTOLD, /* there is more that no frame can say */
    GUEST_DONE,
    GUEST_REFUSED, /* struct guest_refused: calls of one kind, so far */
    GUEST_ASKS,    /* GUEST_QUESTION bytes: for whoever measured what it began with */
    GUEST_TRIED,   /* struct denied_try: of one kind, so far */
    GUEST_SAID_COUNT
};

enum guest_end { GUEST_EXITED = 1, GUEST_SIGNALLED, GUEST_MEMORY, GUEST_OUTPUT, GUEST_END_COUNT };
enum { GUEST_UNTOLD_CALLS = 1, GUEST_UNTOLD_PATHS = 2 };
enum guest_odd { GUEST_LINK = 1, GUEST_SPECIAL, GUEST_NAMED_TWICE, GUEST_ODD_COUNT };

/* What it is told.  A text ends with a NUL and has no other. */
enum guest_told {
    GUEST_TOLD_NONE = 0x40,
    GUEST_ARGUMENT, /* text */
    GUEST_VARIABLE, /* text */
    GUEST_START_IN, /* text: the folder that the job begins in */
    GUEST_ALLOWED,  /* text: a path */
    GUEST_DENIED,   /* u8 of enum guest_shown; text: a path.  In the order of the specification */
    GUEST_MASKED,   /* text: a path of /proc or /dev that nobody sees */
    GUEST_KEPT,     /* text: one that nobody changes */
    GUEST_CALL,     /* struct guest_call: what the job may ask its kernel for */
    GUEST_LIMITS,   /* struct guest_limits */
    GUEST_GO,       /* that was all */
    GUEST_END,      /* later: SIGTERM for the job; */
    GUEST_REPLY,    /* and an answer to what it asked */
    GUEST_TOLD_COUNT
};

/* In place of a denied path; nothing where another one hides it anyway, or nothing is there. */
enum guest_shown { GUEST_SHOWN_FOLDER = 0, GUEST_SHOWN_FILE, GUEST_SHOWN_NOTHING };

struct guest_limits {
    uint64_t tmpfs, disk, output; /* bytes */
    uint64_t file, files, locked, processes, user;
    bool read_only, job, collect, network, agent;
};

/* What an argument of a system call must be: (argument & mask) == value. */
struct guest_condition {
    uint8_t argument; /* 0..5 */
    uint64_t mask, value;
};

/* What becomes of a system call: it is made; it is refused as if the kernel had none; or it is
   refused, and told under its place among all of these.  What no frame names is refused. */
enum guest_action { GUEST_MADE = 0, GUEST_UNSEEN, GUEST_TELLS, GUEST_ACTION_COUNT };

/* A system call: with `masked` only where the first condition holds, and the second unless its mask
   is 0. */
struct guest_call {
    uint32_t number;
    enum guest_action action;
    bool masked;
    struct guest_condition first, also;
};

/* What a job was refused: which of the calls that are told, how often, and the argument by which,
   the first time; else 0. */
struct guest_refused {
    uint32_t row; /* less than GUEST_REFUSED_MAX */
    uint32_t count;
    uint64_t argument;
};

/* --- frames ----------------------------------------------------------------------------------- */

struct guest_frame {
    uint8_t kind;
    struct span body;
};

void guest_put(struct sink *out, uint8_t kind, struct span body);

/* guest_put_text appends a text with its NUL, behind a byte of its own where `mark` is not
   negative. */
void guest_put_text(struct sink *out, uint8_t kind, int mark, struct span text);
void guest_put_limits(struct sink *out, const struct guest_limits *limits);
void guest_put_call(struct sink *out, const struct guest_call *call);
void guest_put_refused(struct sink *out, const struct guest_refused *refused);
void guest_put_tried(struct sink *out, const struct denied_try *tried);

/* guest_take takes a frame from the beginning of *bytes: 1, and *bytes goes on after it; 0, it is
   not whole; -1, it is longer than any. */
int guest_take(struct span *bytes, struct guest_frame *out);

/* --- what a machine says ---------------------------------------------------------------------- */

struct guest_hearing {
    int state;     /* 0: nothing was said */
    uint64_t left; /* bytes of a file that have not come */
};

struct guest_word {
    enum guest_said said;
    enum guest_end end;
    enum guest_odd odd;
    uint8_t number;
    uint16_t mode; /* permissions */
    uint64_t size;
    uint8_t untold; /* of the end: bits of what not all was told of */
    struct guest_refused refused;
    struct denied_try tried;
    struct span text; /* bytes, words, or a path: relative, plain, without a NUL */
};

/* guest_hear judges a frame: whether it may come now, and holds what its kind may hold.  False: no
   guest of ours says that. */
MUST_USE
bool guest_hear(struct guest_hearing *hearing, const struct guest_frame *frame,
                struct guest_word *out);

/* guest_hearing_is_over tells whether all was said. */
bool guest_hearing_is_over(const struct guest_hearing *hearing);

/* --- what it is told -------------------------------------------------------------------------- */

/* guest_text reads the text of a frame, behind its mark where it has one; NULL where it is none. It
   lives as long as the body. */
const char *guest_text(const struct guest_frame *frame, uint8_t *mark);
MUST_USE
bool guest_read_limits(const struct guest_frame *frame, struct guest_limits *out);
MUST_USE
bool guest_read_call(const struct guest_frame *frame, struct guest_call *out);

/* --- what is told of the machine -------------------------------------------------------------- */

enum machine_stage { MACHINE_RUNS = 1, MACHINE_ENDED, MACHINE_REFUSED, MACHINE_TRIED };

/* One word from the process beside the machine to the supervisor of the job, over a pipe.  That
   process may be the job's by now. */
struct machine_word {
    uint32_t stage;
    uint32_t reason; /* of the end: OK, JOB_START, JOB_MACHINE, JOB_MEMORY, JOB_OUTPUT_LIMIT,
                        JOB_OUTPUT_KIND */
    uint32_t ran;    /* 0 or 1 */
    uint32_t code, signal;
    uint32_t untold;                /* of the end: bits of what not all was told of */
    struct guest_refused refused;   /* of that stage alone, */
    struct denied_try tried;        /* and of that one */
    char what[GUEST_WORDS_MAX + 1]; /* printable */
};

bool machine_word_is_sound(const struct machine_word *word);

/* machine_word_what makes of any bytes what a word may hold. */
void machine_word_what(struct machine_word *word, struct span bytes);

#endif
