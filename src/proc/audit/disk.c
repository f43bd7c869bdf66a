/* disk.c - see parts.h. */
#include <errno.h>
#include <unistd.h>

#include "proc/audit/parts.h"

bool file_read_at(int fd, uint64_t offset, void *out, size_t len)
{
    uint8_t *at = out;
    size_t done = 0;
    while (done < len) {
        ssize_t got = pread(fd, at + done, len - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

rc file_write_at(struct trail *trail, int fd, uint64_t offset, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = pwrite(fd, bytes.at + done, bytes.len - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return FAIL(trail, RC_WORLD, put == 0 ? EIO : (uint32_t)errno);
        done += (size_t)put;
    }
    return RC_SUCCESS;
}
