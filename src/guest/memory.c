/* memory.c - see inside.h: a control group for the job, with less than all the memory that there
   is.

   A kernel whose memory is all but full takes the pages of programs away and reads them again, for
   minutes, before it ends somebody; the first process waits with all others.  A group that is full
   is the job's own want, and the rest of the machine has what it needs meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decimal.h"
#include "guest/inside.h"
#include "os/fd.h"

#define GROUPS "/groups"

enum {
    LIST_ROOM = 16384, /* bytes of /proc/vmstat, and more than there are */
    KEPT_KB = 8 << 10, /* what is not the job's: this process, and what the kernel does for it */
};

bool guest_read_number(const char *list, const char *word, uint64_t *out)
{
    static char text[LIST_ROOM];
    auto_fd int fd = open(list, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : fd_read(fd, text + 1, sizeof text - 2);
    text[0] = '\n'; /* before each line */
    text[1 + (got < 0 ? 0 : got)] = 0;
    for (const char *line = text; (line = strchr(line, '\n')) != NULL;) {
        line++;
        const size_t len = strcspn(line, " :");
        if (!span_equal_text(span_of(line, len), word))
            continue;
        line += len + strspn(line + len, " :");
        return decimal_read(span_of(line, strspn(line, "0123456789")), UINT64_MAX, out);
    }
    return false;
}

static bool write_to(const char *path, const char *text)
{
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && fd_write(fd, span_text(text));
}

int guest_group_of_job(void)
{
    char most[32];
    uint64_t left;
    if (!guest_read_number("/proc/meminfo", "MemAvailable", &left) || left < 2 * KEPT_KB)
        return -1;
    snprintf(most, sizeof most, "%lluK", (unsigned long long)(left - KEPT_KB));
    if (mkdir(GROUPS, 0700) != 0 || mount("cgroup2", GROUPS, "cgroup2", 0, NULL) != 0 ||
        !write_to(GROUPS "/cgroup.subtree_control", "+memory") || mkdir(GROUPS "/job", 0700) != 0 ||
        !write_to(GROUPS "/job/memory.max", most))
        return -1;
    return open(GROUPS "/job/cgroup.procs", O_WRONLY | O_CLOEXEC);
}
