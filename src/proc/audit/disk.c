/* disk.c - see parts.h. */
#include <errno.h>

#include "os/fd.h"
#include "proc/audit/parts.h"

bool file_read_at(int fd, uint64_t offset, void *out, size_t len)
{
    return fd_read_at(fd, offset, out, len) == (ssize_t)len;
}

rc file_write_at(struct trail *trail, int fd, uint64_t offset, struct span bytes)
{
    return fd_write_at(fd, offset, bytes) ? RC_SUCCESS : FAIL_ERRNO(trail);
}
