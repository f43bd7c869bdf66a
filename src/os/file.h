/* file.h - whole files and folders, bounded.

   A failure is an rc whose number is an errno value (class RC_WORLD) or one of FILE_E_*
   below; file_error_text turns it into words.  Out-parameters are untouched on failure.
   "-" is a name like any other here. */
#ifndef WARD_OS_FILE_H
#define WARD_OS_FILE_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/result.h"
#include "base/span.h"

enum file_error {
    FILE_E_TOO_LARGE = 0x1001, /* RC_PEER: more bytes than the limit */
    FILE_E_KIND,               /* RC_PEER: neither a regular file nor a pipe */
    FILE_E_TOO_MANY,           /* RC_PEER: more files in the folder than the limit */
    FILE_E_MEMORY,             /* RC_BUSY: the arena has no room */
    FILE_E_NAME,               /* RC_PEER: a path too long, or one that names no file */
};

/* file_error_text: static text such as "No such file or directory"; never NULL. */
const char *file_error_text(rc error);

/* file_read reads a whole regular file or pipe of at most `max` bytes (below SIZE_MAX) into
   the arena.  The
   limit holds while reading, so a file that grows or lies about its size cannot pass it.
   Costs the file's size and a block of the arena; a pipe up to four times its length. */
MUST_USE
rc file_read(struct trail *trail, const char *path, size_t max, struct arena *arena,
             struct span *out);

/* file_read_fd is the same for an open descriptor of any kind, read to its end and left open
   (standard input may be a terminal or a socket). */
MUST_USE
rc file_read_fd(struct trail *trail, int fd, size_t max, struct arena *arena, struct span *out);

/* file_write_new makes a file that must not exist yet, written through to disk before it
   returns.  On failure no file is left that was not there before.  mode is cut by umask. */
MUST_USE
rc file_write_new(struct trail *trail, const char *path, struct span bytes, mode_t mode);

/* file_write_atomic makes or replaces a file so that, whenever the machine stops, the path
   holds all of the old bytes or all of the new ones.  The bytes go to a hidden file beside
   it (".NAME.XXXXXXXXXXXXXXXX"), are written through, renamed, and the folder is written
   through.  A symbolic link at path is replaced, not followed. */
MUST_USE
rc file_write_atomic(struct trail *trail, const char *path, struct span bytes, mode_t mode);

struct folder {
    const char *const *names; /* without the folder's path; in byte order */
    size_t count;
};

/* folder_list names the regular files directly in a folder (also through a symbolic link),
   leaving out names that begin with a dot.  Names live in the arena. */
MUST_USE
rc folder_list(struct trail *trail, const char *path, size_t max_entries, struct arena *arena,
               struct folder *out);

#endif
