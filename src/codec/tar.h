/* tar.h - the one reader of tar archives: ustar and pax as IEEE Std 1003.1-2017 (pax) has them,
   and GNU's long names, a piece at a time.

       struct tar tar = { 0 };
       ...bytes have come: while there are some, tar_next(&tar, &bytes, &step) gives
           ENTRY     step.entry: what it is; its names until tar_next goes past its last byte
           DATA      step.data: the next bytes of a file
           MORE      all bytes were taken
           REFUSED   it is no such archive, or one that is not read here: step.what
       ...no more will come: tar_is_whole(&tar)

   Names are given as they stand, and judged by the caller: nothing says that they lead
   beneath a folder. */
#ifndef WARD_CODEC_TAR_H
#define WARD_CODEC_TAR_H

#include "base/result.h"
#include "base/span.h"

enum {
    TAR_BLOCK = 512,
    TAR_PATH_MAX = 4096,      /* bytes of a name, and of what a link names */
    TAR_EXTENDED_MAX = 16384, /* bytes of one extended header */
    TAR_AFTER_MAX = 1 << 20,  /* zeros after the end: what fills up the last record */
};

enum tar_kind {
    TAR_NONE = 0,
    TAR_FILE,
    TAR_HARD_LINK, /* to another entry of the archive */
    TAR_SYMBOLIC_LINK,
    TAR_CHARACTER,
    TAR_BLOCK_DEVICE,
    TAR_FOLDER,
    TAR_FIFO,
};

struct tar_entry {
    enum tar_kind kind;
    struct span path, target; /* not empty; without a NUL */
    uint32_t mode;            /* permissions: the lowest 12 bits */
    uint32_t uid, gid;
    uint64_t size; /* bytes of a file; 0 of everything else */
    int64_t mtime; /* seconds since 1970 */
};

enum tar_event { TAR_MORE = 0, TAR_ENTRY, TAR_DATA, TAR_REFUSED };

struct tar_step {
    struct tar_entry entry;
    struct span data;
    const char *what; /* static text, lower case, no full stop */
};

/* What an extended header says of the next entry. */
struct tar_says {
    bool path, target, size, uid, gid, mtime;
    size_t path_len, target_len;
    uint64_t size_is;
    uint32_t uid_is, gid_is;
    int64_t mtime_is;
};

/* Private to tar.c, public for its size.  {0} begins. */
struct tar {
    int state;
    uint8_t block[TAR_BLOCK];
    size_t have;      /* bytes of the block */
    uint64_t left;    /* bytes of the file, or of the extended header */
    uint64_t after;   /* bytes after the end */
    uint32_t padding; /* bytes after them */
    uint8_t extended_kind;
    size_t extended_len;
    struct tar_says says;
    uint8_t path[TAR_PATH_MAX], target[TAR_PATH_MAX];
    uint8_t extended[TAR_EXTENDED_MAX];
};

/* tar_next takes bytes off the front of *in.  After REFUSED nothing else follows. */
enum tar_event tar_next(struct tar *tar, struct span *in, struct tar_step *out);

/* tar_skip passes over what is left of a file: that many bytes are not given to tar_next. */
uint64_t tar_skip(struct tar *tar);

/* tar_is_whole: the end was there, and nothing is missing. */
bool tar_is_whole(const struct tar *tar);

#endif
