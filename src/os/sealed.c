/* sealed.c - see sealed.h. */
#include "os/sealed.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"
#include "os/fd.h"

/* Linux 6.3 asks to be told; those before it know no such flag. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

static int make_memory(void)
{
    int fd = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    return fd < 0 && errno == EINVAL ? memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING)
                                     : fd;
}

static bool copy_all(int from, int to, off_t size)
{
    off_t at = 0;
    while (at < size) {
        const ssize_t got = sendfile(to, from, &at, (size_t)(size - at));
        if (got < 0 && errno != EINTR)
            return false;
        if (got == 0) { /* it was longer a moment ago */
            errno = EIO;
            return false;
        }
    }
    return true;
}

/* What an interpreter is to read it could not find in memory. */
static bool is_program(int fd)
{
    char magic[SELFMAG];
    return pread(fd, magic, SELFMAG, 0) == SELFMAG && span_equal_text(SPAN(magic), ELFMAG);
}

rc sealed_copy(struct trail *trail, const char *path, size_t most, int *out)
{
    struct stat is;
    auto_fd int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0 || fstat(from, &is) != 0)
        return FAIL_ERRNO(trail);
    if (!S_ISREG(is.st_mode))
        return FAIL_OS(trail, EINVAL);
    if (is.st_size < 0 || (size_t)is.st_size > most)
        return FAIL_OS(trail, EFBIG);
    if (!is_program(from))
        return FAIL_OS(trail, ENOEXEC);
    auto_fd int to = make_memory();
    if (to < 0 || fchmod(to, 0500) != 0 || !copy_all(from, to, is.st_size) ||
        fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return FAIL_ERRNO(trail);
    *out = fd_take(&to);
    return RC_SUCCESS;
}
