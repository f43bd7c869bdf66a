/* audit_log.h - the files of the security log as the commands read them: every line, oldest
   first, from rotated files (packed or not) and the open one; the kept hashes; the signed
   heads.  Reads only, and needs no house. */
#ifndef WARD_CMD_AUDIT_LOG_H
#define WARD_CMD_AUDIT_LOG_H

#include "audit/record.h"
#include "audit/rotate.h"
#include "base/cursor.h"
#include "cmd/command.h"
#include "cmd/progress.h"
#include "merkle/checkpoint.h"
#include "merkle/checkpoint_judge.h"
#include "merkle/proof.h"
#include "os/gzip.h"

enum {
    AUDIT_LOG_FILES = 8192,                /* in one folder */
    AUDIT_LOG_WINDOW = 4 * AUDIT_LINE_MAX, /* of a file, in memory at once */
    AUDIT_LOG_HEADS = 64,
    AUDIT_LOG_PATH = 4096 + 128,
};

struct audit_log {
    struct arena *arena;
    const char *folder;       /* NULL: names are paths */
    const char *const *names; /* in the order of reading */
    size_t count, next;
    int open; /* security.log, open since before the folder was listed; -1: none */
    uint64_t open_size;

    const char *name; /* of the file that is read now */
    int fd;
    bool packed, ended, damaged;
    struct gzip_reader gzip;
    struct arena memory; /* of zlib, for one file */
    uint64_t left;       /* of a plain file: what was not read yet */
    uint8_t *room;
    struct cursor window;

    struct progress progress;
    uint64_t done, total; /* bytes on disk, of all files; total 0: nobody knows */

    int leaves; /* -1: none */
    uint64_t leaf_count;
};

/* audit_log_open reads STATE/audit, audit_log_files the files that are named ("-": standard
   input).  On failure they have said why. */
MUST_USE
enum exit_code audit_log_open(struct invocation *in, const char *folder, struct audit_log *out);
MUST_USE
enum exit_code audit_log_files(struct invocation *in, struct audit_log *out);
void audit_log_close(struct audit_log *log);

enum audit_log_step {
    AUDIT_LOG_LINE,
    AUDIT_LOG_END,
    AUDIT_LOG_TORN,    /* a file ends inside a line */
    AUDIT_LOG_DAMAGED, /* a packed file is not whole; that was said */
    AUDIT_LOG_BROKEN   /* a file cannot be read; that was said */
};

/* audit_log_next views the next line without its newline until the next call. */
MUST_USE
enum audit_log_step audit_log_next(struct audit_log *log, struct span *line);

/* audit_log_first: the seq that the first line must have, by the name of the oldest file that is
   there.  What was before it may have been removed, and is known by its hashes only. */
uint64_t audit_log_first(const struct audit_log *log, uint64_t base);

/* audit_log_source reads the kept hashes. */
struct merkle_source audit_log_source(struct audit_log *log);

/* A record by which the log's key was handed on. */
struct audit_heir {
    uint64_t seq;
    struct span line;
};

/* The heads that the house keeps, by size, each with its note; and the hand-overs, by seq. */
struct audit_heads {
    uint64_t base; /* seq of the open file's first record, 0 when it is not said */
    size_t count;
    struct merkle_head heads[AUDIT_LOG_HEADS];
    struct span notes[AUDIT_LOG_HEADS];
    size_t heir_count;
    struct audit_heir heirs[AUDIT_LOG_HEADS];
};

/* audit_heads_read reads STATE/audit/heads; none when there is no such file. */
MUST_USE
bool audit_heads_read(struct arena *arena, const char *folder, struct audit_heads *out);

/* audit_heads_add adds one from a file of its own. */
MUST_USE
bool audit_heads_add(struct audit_heads *heads, struct span note);

/* A log's public key as it is published: "ORIGIN+KEY ID+BASE64" (c2sp.org/signed-note), or 64
   hex digits, which are good for any origin. */
struct audit_key {
    struct checkpoint_key key;
    bool any_origin;
};

MUST_USE
bool audit_key_read(const char *text, struct audit_key *out);

/* audit_key_verifier: how signatures are checked. */
const struct checkpoint_verifier *audit_key_verifier(void);

#endif
