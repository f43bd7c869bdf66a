/* fd.h - descriptors with an owner, and all of what is read or written there.  `auto_fd int fd =
   open(...)` closes at the end of the scope unless fd_take moved it away; `auto_dir DIR *names =
   fdopendir(...)` does so always. */
#ifndef WARD_OS_FD_H
#define WARD_OS_FD_H

#include <dirent.h>
#include <sys/types.h>

#include "base/result.h"
#include "base/span.h"

#define auto_fd  __attribute__((cleanup(fd_close)))
#define auto_dir __attribute__((cleanup(fd_close_names)))

/* fd_close closes *fd unless it is negative, and makes it -1. */
void fd_close(int *fd);

/* fd_close_names closes a listing, and the descriptor that it took, unless it is NULL. */
void fd_close_names(DIR **names);

/* fd_take moves the descriptor out: *fd is -1 afterwards. */
int fd_take(int *fd);

/* fd_open_how opens a path below an open folder by the rules of openat2: `resolve` is its RESOLVE_*
   (linux/openat2.h).  Never passed on to another program.  -1, and errno. */
int fd_open_how(int folder, const char *path, uint64_t flags, uint64_t resolve);

/* The kernel may read or write less than was asked for, or be interrupted: these go on until it is
   done, a file ends, or something fails, which errno says.  Of a write that failed a part may be
   there.  With `at` the place is given, and that of the descriptor stays. */
bool fd_write(int fd, struct span bytes);
bool fd_write_at(int fd, uint64_t at, struct span bytes);

/* fd_read and fd_read_at give how many bytes there were, fewer than `cap` at the end; -1. */
ssize_t fd_read(int fd, void *out, size_t cap);
ssize_t fd_read_at(int fd, uint64_t at, void *out, size_t cap);

/* fd_takes tells whether something could be written there without waiting. */
bool fd_takes(int fd);

/* fd_close_others closes every descriptor that is not listed; the list is ascending, or it
   fails where it is not. */
MUST_USE
rc fd_close_others(struct trail *trail, const int *keep, size_t count);

#endif
