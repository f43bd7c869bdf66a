/* gzip.h - RFC 1952 over descriptors, a piece at a time: the one face of zlib. */
#ifndef WARD_OS_GZIP_H
#define WARD_OS_GZIP_H

#include "base/arena.h"
#include "base/result.h"
#include "base/span.h"

enum { GZIP_BLOCK = 64 << 10 };

enum gzip_error {
    GZIP_E_MEMORY = 0x1701, /* RC_BUSY */
    GZIP_E_FORMAT,          /* RC_PEER: no gzip, or damaged, or cut off */
};

struct gzip_state;

/* Writes one member.  A failure of the disk is its errno, class RC_WORLD. */
struct gzip_writer {
    struct gzip_state *state; /* NULL: none */
    int fd;                   /* lent */
};

MUST_USE
rc gzip_write_begin(struct trail *trail, struct gzip_writer *writer, struct arena *arena, int fd);
MUST_USE
rc gzip_write(struct trail *trail, struct gzip_writer *writer, struct span bytes);
MUST_USE
rc gzip_write_end(struct trail *trail, struct gzip_writer *writer);

/* Reads one member; what follows it is GZIP_E_FORMAT. */
struct gzip_reader {
    struct gzip_state *state;
    int fd;
    uint64_t left; /* bytes of the file that belong to it */
};

MUST_USE
rc gzip_read_begin(struct trail *trail, struct gzip_reader *reader, struct arena *arena, int fd);

/* gzip_read_begin_part is the same for a part of the file: so many bytes from where it stands. */
MUST_USE
rc gzip_read_begin_part(struct trail *trail, struct gzip_reader *reader, struct arena *arena,
                        int fd, uint64_t len);

/* gzip_read gives at most cap bytes; *len 0 is the end, whose checksum was right.  What comes
   before a damage is given before the failure. */
MUST_USE
rc gzip_read(struct trail *trail, struct gzip_reader *reader, void *out, size_t cap, size_t *len);

#endif
