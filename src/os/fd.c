/* fd.c - see fd.h. */
#include "os/fd.h"

#include <errno.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd < 0)
        return;
    /* On Linux the descriptor is gone whatever close says; errno stays what it was for the
       failure that is being reported. */
    int saved = errno;
    close(*fd);
    errno = saved;
    *fd = -1;
}

int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
