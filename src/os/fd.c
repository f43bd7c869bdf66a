/* fd.c - see fd.h. */
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/syscall.h>
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

void fd_close_names(DIR **names)
{
    int saved = errno;
    if (*names != NULL)
        closedir(*names);
    errno = saved;
    *names = NULL;
}

int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

int fd_open_how(int folder, const char *path, uint64_t flags, uint64_t resolve)
{
    const struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

bool fd_write(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.at, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = EIO;
        if (put <= 0)
            return false;
        bytes = span_of(bytes.at + put, bytes.len - (size_t)put);
    }
    return true;
}

bool fd_write_at(int fd, uint64_t at, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t put = pwrite(fd, bytes.at, bytes.len, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = EIO;
        if (put <= 0)
            return false;
        at += (size_t)put;
        bytes = span_of(bytes.at + put, bytes.len - (size_t)put);
    }
    return true;
}

ssize_t fd_read(int fd, void *out, size_t cap)
{
    uint8_t *room = out;
    size_t have = 0;
    while (have < cap) {
        ssize_t got = read(fd, room + have, cap - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

ssize_t fd_read_at(int fd, uint64_t at, void *out, size_t cap)
{
    uint8_t *room = out;
    size_t have = 0;
    while (have < cap) {
        ssize_t got = pread(fd, room + have, cap - have, (off_t)(at + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

bool fd_takes(int fd)
{
    struct pollfd polled = { .fd = fd, .events = POLLOUT };
    return poll(&polled, 1, 0) > 0 && (polled.revents & POLLOUT) != 0;
}

rc fd_close_others(struct trail *trail, const int *keep, size_t count)
{
    unsigned next = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned kept = (unsigned)keep[i];
        if (keep[i] < 0 || kept < next)
            return FAIL(trail, RC_BUG, RC_ERRNO | EINVAL);
        if (kept > next && close_range(next, kept - 1, 0) != 0)
            return FAIL_ERRNO(trail);
        next = kept + 1;
    }
    if (close_range(next, ~0u, 0) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}
