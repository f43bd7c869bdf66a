/* full_disk.c - preloaded into a process whose jail no injected call would pass: a disk that is
   full for whoever writes in place, as long as a test says so.

   WARD_FULL_DISK names a file of two 64-bit numbers, which is mapped: where the disk ends, 0 for
   nowhere, and whether fdatasync fails. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct disk {
    volatile uint64_t end, broken;
};

static const struct disk *disk;

__attribute__((constructor)) static void look(void)
{
    const char *path = getenv("WARD_FULL_DISK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd >= 0 ? mmap(NULL, sizeof *disk, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED)
        abort();
    close(fd);
    disk = at;
}

/* As much as there is room for, then nothing more. */
__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *bytes, size_t len,
                                                        off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    uint64_t end = disk->end;
    if (real == NULL)
        real = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    if (end != 0 && (uint64_t)at >= end) {
        errno = ENOSPC;
        return -1;
    }
    if (end != 0 && end - (uint64_t)at < len)
        len = (size_t)(end - (uint64_t)at);
    return real(fd, bytes, len, at);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (disk->broken == 0)
        return real(fd);
    errno = EIO;
    return -1;
}
