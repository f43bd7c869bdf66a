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
    FILE_E_OPEN_TO_OTHERS,     /* RC_PEER: another user's, or others may write to it */
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

/* file_read_plain is the same for what must be a regular file itself: a symbolic link at the
   path (not above it) is refused with ELOOP, and a pipe is refused without waiting for its
   writer.  For names that were found in a folder and not given by anybody. */
MUST_USE
rc file_read_plain(struct trail *trail, const char *path, size_t max, struct arena *arena,
                   struct span *out);

/* file_read_fd is the same for an open descriptor of any kind, read to its end and left open
   (standard input may be a terminal or a socket). */
MUST_USE
rc file_read_fd(struct trail *trail, int fd, size_t max, struct arena *arena, struct span *out);

/* file_open_regular opens a regular file to be read, where a link leads, too, and waits for nobody;
   NULL, or why it cannot be: static text, or strerror's.  file_open_whole is the same for one that
   nobody may have open to write to; file_why_not_whole looks again at such a one, for whoever has
   read it. */
MUST_USE
const char *file_open_regular(const char *path, int *out);
MUST_USE
const char *file_open_whole(const char *path, int *out);
MUST_USE
const char *file_why_not_whole(int fd);

/* file_write_new makes a file that must not exist yet, written through to disk before it
   returns.  On failure no file is left that was not there before.  mode is cut by umask. */
MUST_USE
rc file_write_new(struct trail *trail, const char *path, struct span bytes, mode_t mode);

/* file_sync_name writes through the folder that a path lies in, so that its name outlives a power
   cut, whoever gave it that name. */
MUST_USE
rc file_sync_name(struct trail *trail, const char *path);

/* file_write_atomic makes or replaces a file so that, whenever the machine stops, the path
   holds all of the old bytes or all of the new ones.  The bytes go to a hidden file beside
   it (".NAME.XXXXXXXXXXXXXXXX"), are written through, renamed, and the folder is written
   through.  A symbolic link at path is replaced, not followed. */
MUST_USE
rc file_write_atomic(struct trail *trail, const char *path, struct span bytes, mode_t mode);

/* file_write_sweep removes the hidden files that file_write_atomic leaves in a folder when it
   is killed, for every NAME that is_ours says yes to; *removed counts them.  A writer that is
   at work loses its file and fails: call it only while folder_lock keeps all others out.
   `folder` is open and stays so. */
MUST_USE
rc file_write_sweep(struct trail *trail, int folder, bool (*is_ours)(const char *name),
                    size_t *removed);

struct folder {
    const char *const *names; /* without the folder's path; in byte order */
    size_t count;
    size_t links; /* symbolic links that were left out */
};

/* folder_list names the regular files directly in a folder.  Names that begin with a dot are
   left out, and so are symbolic links: what a folder holds is decided by who may write to it,
   not by what its links lead to.  The path itself may be a link.  Names live in the arena. */
MUST_USE
rc folder_list(struct trail *trail, const char *path, size_t max_entries, struct arena *arena,
               struct folder *out);

/* folder_lock opens a folder and waits until nobody else holds its lock.  Closing *out, or the
   end of the process however it comes, gives it up.  It keeps out only who asks for it too.
   *held is false where the file system knows no locks of folders (NFS): the folder is open, and
   others may be at work in it. */
MUST_USE
rc folder_lock(struct trail *trail, const char *path, int *out, bool *held);

/* folder_is_own looks whether nobody but this user (and root) can change what is in an open
   folder: FILE_E_OPEN_TO_OTHERS. */
MUST_USE
rc folder_is_own(struct trail *trail, int folder);

/* folder_remove removes one name from an open folder; one that is gone already is no failure.
   Not written through: after a crash the name may be back. */
MUST_USE
rc folder_remove(struct trail *trail, int folder, const char *name);

#endif
