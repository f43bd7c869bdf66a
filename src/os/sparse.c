/* sparse.c - see sparse.h. */
#include "os/sparse.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 64 << 10 };

/* What lies at the same place, of which there is something up to `end`. */
static bool copy_piece(int from, int to, off_t *at, off_t end)
{
    uint8_t bytes[PIECE];
    const size_t len = end - *at < PIECE ? (size_t)(end - *at) : PIECE;
    const ssize_t got = pread(from, bytes, len, *at);
    if (got <= 0) {
        errno = got == 0 ? EIO : errno; /* it was longer a moment ago */
        return errno == EINTR;
    }
    const ssize_t put = pwrite(to, bytes, (size_t)got, *at);
    *at += put > 0 ? put : 0;
    return put > 0 || errno == EINTR;
}

rc sparse_copy(struct trail *trail, int from, int to)
{
    struct stat is;
    off_t at = 0;
    if (fstat(from, &is) != 0 || ftruncate(to, is.st_size) != 0)
        return FAIL_ERRNO(trail);
    while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
        const off_t end = lseek(from, at, SEEK_HOLE);
        if (end < 0)
            return FAIL_ERRNO(trail);
        while (at < end) {
            if (!copy_piece(from, to, &at, end))
                return FAIL_ERRNO(trail);
        }
    }
    return errno == ENXIO ? RC_SUCCESS : FAIL_ERRNO(trail); /* nothing behind it */
}
