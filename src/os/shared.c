/* shared.c - see shared.h. */
#include "os/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

enum { SIZE_IS_KEPT = F_SEAL_SHRINK | F_SEAL_GROW, SEALS = SIZE_IS_KEPT | F_SEAL_SEAL };

rc shared_make(struct trail *trail, const char *name, size_t bytes, struct shared *out)
{
    char path[32];
    auto_fd int writer = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* The mode is for those who would open it again by /proc. */
    if (writer < 0 || fchmod(writer, 0600) != 0 || ftruncate(writer, (off_t)bytes) != 0 ||
        fcntl(writer, F_ADD_SEALS, SEALS) != 0)
        return FAIL_ERRNO(trail);
    snprintf(path, sizeof path, "/proc/self/fd/%d", writer);
    auto_fd int reader = open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return FAIL_ERRNO(trail);
    *out = (struct shared){ .writer = fd_take(&writer), .reader = fd_take(&reader) };
    return RC_SUCCESS;
}

/* A page that goes away later kills whoever reads it: the size must be sealed. */
static void *map(int fd, size_t bytes, int rights)
{
    struct stat is;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SIZE_IS_KEPT) != SIZE_IS_KEPT || fstat(fd, &is) != 0 ||
        is.st_size != (off_t)bytes)
        return NULL;
    void *memory = mmap(NULL, bytes, rights, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *shared_map_writer(int fd, size_t bytes)
{
    return map(fd, bytes, PROT_READ | PROT_WRITE);
}

const void *shared_map_reader(int fd, size_t bytes)
{
    return map(fd, bytes, PROT_READ);
}
