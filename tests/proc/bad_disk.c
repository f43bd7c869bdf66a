/* bad_disk.c - preloaded into a process whose jail no injected call would pass: a disk that is
   full for whoever writes in place, that fails or that is slow, as long as a test says so.

   WARD_BAD_DISK names a file of four 64-bit numbers, which is mapped: where the disk ends, 0 for
   nowhere; whether fdatasync fails; how many milliseconds it takes; how many bytes are written in
   a second, 0 for as many as there are. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

struct disk {
    volatile uint64_t end, broken, sync_ms, bytes_a_second;
};

static const struct disk *disk;

__attribute__((constructor)) static void look(void)
{
    const char *path = getenv("WARD_BAD_DISK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd >= 0 ? mmap(NULL, sizeof *disk, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED)
        abort();
    close(fd);
    disk = at;
}

/* No process is without poll. */
static void last(uint64_t ms)
{
    if (ms > 0)
        poll(NULL, 0, (int)ms);
}

/* Returns what the write did, when the disk has taken that much. */
static ssize_t took(ssize_t put)
{
    static uint64_t rest; /* less than one millisecond's bytes */
    uint64_t rate = disk->bytes_a_second;
    int error = errno;
    if (put > 0 && rate > 0) {
        uint64_t owed = rest + (uint64_t)put * 1000;
        last(owed / rate);
        rest = owed % rate;
    }
    errno = error;
    return put;
}

/* As much as there is room for, then nothing more. */
SHOWN ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
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
    return took(real(fd, bytes, len, at));
}

/* The log of the house is no disk of interest, and a message goes out by another call. */
SHOWN ssize_t write(int fd, const void *bytes, size_t len)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL)
        real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    ssize_t put = real(fd, bytes, len);
    return fd > STDERR_FILENO ? took(put) : put;
}

SHOWN int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    last(disk->sync_ms);
    if (disk->broken == 0)
        return real(fd);
    errno = EIO;
    return -1;
}
