/* auditor.h - the process that owns the security log: appends what it is told, durably or not
   at all, answers questions about it, and never overwrites a byte of it.

   Its parts, a file each: start.c reads what is there, group.c appends, lines.c and leaves.c
   are the two files, heads.c asks for signatures, rotate.c puts files away, pack.c compresses
   them, ask.c and check.c answer.  docs/audit-log.md says what is durable when. */
#ifndef WARD_PROC_AUDIT_AUDITOR_H
#define WARD_PROC_AUDIT_AUDITOR_H

#include "audit/chain.h"
#include "audit/query.h"
#include "audit/read.h"
#include "audit/rotate.h"
#include "audit/verify.h"
#include "os/gzip.h"
#include "proc/audit_slot.h"
#include "proc/house.h"

enum {
    GROUP_RECORDS = 2048,                         /* made durable by one fdatasync */
    GROUP_BYTES = 1 << 20,                        /* of their lines */
    GROUP_HOLD_MS = 800,                          /* waiting for a new file; then refused */
    PROBE_MS = 200,                               /* between tries to write again */
    LINES_MARK_EVERY = 256,                       /* records from one known place to the next */
    LINES_MARKS = 1 << 15,                        /* known places of one file */
    LINES_WINDOW = AUDIT_LINE_MAX + (128 << 10),  /* bytes of the log in memory at once */
    LEAVES_BLOCK_LEVEL = 8,                       /* of kept nodes, and twice that */
    LEAVES_BLOCK = 1 << LEAVES_BLOCK_LEVEL,       /* leaves, or blocks, under one of them */
    LEAVES_BLOCKS = 1 << 18,                      /* kept nodes of the lower level */
    LEAVES_GROUPS = LEAVES_BLOCKS / LEAVES_BLOCK, /* and of the upper one */
    HEADS_EVERY_MS = 200,                         /* between two questions to the keeper */
    HEADS_AGAIN_MS = 5000,                        /* after a refusal, or no answer */
    CLOSED_FILES = 4096,                          /* rotated files that are known */
    ROTATE_AGAIN_MS = 10000,                      /* after a failure */
    PACK_AGAIN_MS = 60000,
    PACK_MEMORY = 1 << 20, /* of zlib, for one file */
    REMOVE_EVERY_MS = 60000,
    REMOVE_AT_ONCE = 16,                    /* files */
    ASKS = 32,                              /* questions that wait */
    ASK_BYTES = 16 << 10,                   /* of one of them */
    SLICE_MS = 3,                           /* of work on one question between two groups */
    PAGE_BYTES = FRAME_BODY_MAX - 2 * 1024, /* of an answer */
    QUERY_MS = 15,                          /* of work on one page: then it is sent as it is */
};

/* leaves.c */

/* 32 bytes for each record ever.  Written behind the log, made durable before a head or a
   rotation relies on them; every 256th subtree is kept at hand for proofs. */
struct leaves {
    int fd;
    uint64_t count;             /* in the file */
    uint64_t durable;           /* of them */
    uint64_t taken;             /* leaves whose nodes count */
    struct merkle_hash *blocks; /* of LEAVES_BLOCK leaves each */
    struct merkle_hash *groups; /* of LEAVES_BLOCK blocks each */
};

MUST_USE
bool leaves_init(struct leaves *leaves, struct arena *arena, int fd);

/* leaves_read: count hashes of the file from `first` on. */
MUST_USE
bool leaves_read(const struct leaves *leaves, uint64_t first, size_t count,
                 struct merkle_hash *out);

/* leaves_keep, called with the tree after each leaf, keeps the subtree that this leaf completed, if
   it is one that proofs want.  It counts when `taken` says so, and may be kept again. */
void leaves_keep(struct leaves *leaves, const struct merkle_tree *tree);

/* leaves_write puts hashes behind those in the file; leaves_sync makes all durable. */
MUST_USE
rc leaves_write(struct trail *trail, struct leaves *leaves, const struct merkle_hash *hashes,
                size_t count);
MUST_USE
rc leaves_sync(struct trail *trail, struct leaves *leaves);

struct merkle_source leaves_source(struct leaves *leaves);

/* lines.c */

/* The open file of the log, read by number. */
struct lines {
    int fd;
    uint64_t first;         /* seq of its first line */
    struct audit_file file; /* what is durable in it */
    uint64_t *marks;        /* where every 256th line begins */
    uint64_t mark_count;
};

MUST_USE
bool lines_init(struct lines *lines, struct arena *arena, int fd);

/* lines_took notes where a line begins: the next one by number. */
void lines_took(struct lines *lines, uint64_t number, uint64_t offset);

/* A reader that walks over lines with a window of its own. */
struct lines_walk {
    int fd;
    uint64_t at, end; /* offsets: of the window's unread bytes, and of the file's end */
    uint64_t seq;     /* of the next line */
    struct cursor window;
    uint8_t *room; /* LINES_WINDOW bytes */
    bool torn;     /* what is left is no line */
    bool unreadable;
};

/* lines_walk_from starts at the record `seq`, which is in the file, in the memory of walk. */
MUST_USE
bool lines_walk_from(const struct lines *lines, struct lines_walk *walk, uint64_t seq);

/* lines_walk_on starts at a known place of a file. */
void lines_walk_on(struct lines_walk *walk, int fd, uint64_t offset, uint64_t end, uint64_t seq);

/* lines_next views the next line without its newline until the next call.  False at the end,
   or when torn or unreadable say why not. */
MUST_USE
bool lines_next(struct lines_walk *walk, struct span *line);

/* heads.c */

struct heads {
    int fd;
    unsigned next_slot, next_base;
    bool based;          /* a base is there */
    uint64_t base_first; /* seq of the open file's first record */
    int64_t base_day;
    struct merkle_head head;  /* the last one that is signed and durable; size 0: none */
    struct merkle_head known; /* the last one that the keeper signed, as far as we know */
    int64_t signed_at;        /* milliseconds since 1970 */
    size_t note_len;
    uint8_t note[AUDIT_SLOT_BYTES];
    uint64_t asked; /* id of the question that is out, 0 for none */
    struct merkle_head asked_head;
    int64_t next_ms;    /* when to ask again */
    unsigned heirs;     /* hand-overs that are kept */
    uint64_t heir_next; /* those of records before it are there */
};

void heads_open(struct trail *trail, struct heads *heads, int fd);
MUST_USE
rc heads_write_base(struct trail *trail, struct heads *heads, uint64_t first, int64_t day);

/* heads_keep_heir keeps a line that hands the log's key on for as long as there are heads; any
   other line, and one that is kept, is passed over.  The reader is the caller's. */
MUST_USE
rc heads_keep_heir(struct trail *trail, struct heads *heads, struct audit_reader *reader,
                   uint64_t seq, struct span line);

/* group.c */

enum writing {
    WRITING = 0,    /* durable, and on */
    WRITING_FAILED, /* a write or a sync failed: probed until it works again */
    WRITING_GONE,   /* the file was taken away */
    WRITING_DAMAGED /* what is there is not what was written: nothing is added to it */
};

struct waiting_append {
    enum peer peer; /* PEER_COUNT: nobody */
    uint64_t id;
};

struct group {
    struct audit_chain next; /* the chain with this group */
    struct sink lines;       /* GROUP_BYTES */
    size_t count;
    struct merkle_hash *leaves; /* GROUP_RECORDS */
    uint32_t *starts;           /* where each line begins in lines */
    struct waiting_append *who;
    int64_t since_ms; /* when it was first to be written */
};

/* rotate.c and pack.c */

/* A file that was put away. */
struct closed_file {
    uint64_t first;
    int64_t day;
    bool plain, packed; /* which of its forms are there */
};

struct closed {
    struct closed_file *files; /* CLOSED_FILES, by first */
    size_t count;
    bool asked; /* for a new file: nothing is written until it comes */
    int64_t asked_ms;
    int64_t next_ms;   /* when rotating may be tried again */
    int64_t remove_ms; /* when to look for old ones */
};

struct pack {
    bool asked, working;
    struct closed_file file;
    int plain, gz; /* -1: none */
    struct arena arena;
    uint8_t *block; /* GZIP_BLOCK bytes */
    struct gzip_writer writer;
    int64_t next_ms;
};

/* ask.c and check.c */

struct ask {
    uint64_t id;
    uint16_t method;
    size_t len;
    uint8_t request[ASK_BYTES];
};

/* Work on one question, in slices. */
struct work {
    bool busy;
    uint64_t id;
    uint16_t method;
    int64_t begun_ms;
    int fd;        /* of the lines that are read: its own */
    uint8_t *room; /* LINES_WINDOW bytes */
    struct lines_walk walk;
    struct sink page; /* the answer so far */
    struct audit_query query;
    uint64_t left; /* records that may still be given */
    struct audit_verifier verifier;
    struct merkle_source kept;
    struct merkle_head head;
    uint64_t skip, from, until; /* records to pass over; seq to check from, and up to */
};

struct auditor {
    struct house *house;
    enum writing writing;
    rc why;              /* success: the last line was torn */
    uint64_t lost_bytes; /* cut off and not said in the log yet */
    bool repaired;       /* something is to be said */
    int64_t probe_ms;
    int64_t now_ms;
    int events;               /* inotify of the folder, -1 without */
    struct audit_chain chain; /* all that is durable */
    struct lines lines;
    struct leaves leaves;
    struct heads heads;
    struct group group;
    struct closed closed;
    struct pack pack;
    struct audit_reader reader;
    uint8_t *scratch; /* LINES_WINDOW bytes, for a walk that ends where it begins */
    struct ask *asks; /* a ring */
    size_t ask_first, ask_count;
    struct work work;
    uint8_t *page;       /* FRAME_BODY_MAX bytes: an answer that is being made, */
    uint8_t *reply;      /* and the frame that it goes into */
    struct arena asking; /* memory of one question */
};

#endif
