/* fd.h - descriptors with an owner.  `auto_fd int fd = open(...)` closes at the end of the
   scope unless fd_take moved it away. */
#ifndef WARD_OS_FD_H
#define WARD_OS_FD_H

#define auto_fd __attribute__((cleanup(fd_close)))

/* fd_close closes *fd unless it is negative, and makes it -1. */
void fd_close(int *fd);

/* fd_take moves the descriptor out: *fd is -1 afterwards. */
int fd_take(int *fd);

#endif
