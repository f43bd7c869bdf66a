/* known.c - see known.h.  A line in a file of root's, which tells nobody anything else. */
#include "sandbox/known.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sink.h"
#include "os/fd.h"

enum { KNOWN_PATH = 128 };

static bool name_record(const char *path, char out[KNOWN_PATH])
{
    const char *name = strrchr(path, '/');
    struct sink text = sink_over(out, KNOWN_PATH);
    sink_format(&text, KNOWN_FOLDER "/ward-known-%s", name == NULL ? path : name + 1);
    sink_terminate(&text);
    return sink_ok(&text);
}

/* The time of its last change nobody can set back but with the clock of the machine. */
struct known_file known_describe(const char *path)
{
    struct known_file file = { { 0 } };
    struct sink line = sink_over(file.line, sizeof file.line);
    struct stat is;
    if (stat(path, &is) != 0 || !S_ISREG(is.st_mode))
        return file;
    sink_format(&line, "%s %llu %llu %lld %lld.%09ld %lld.%09ld\n", path,
                (unsigned long long)is.st_dev, (unsigned long long)is.st_ino, (long long)is.st_size,
                (long long)is.st_mtim.tv_sec, is.st_mtim.tv_nsec, (long long)is.st_ctim.tv_sec,
                is.st_ctim.tv_nsec);
    sink_terminate(&line);
    return sink_ok(&line) ? file : (struct known_file){ { 0 } };
}

bool known_is_one(const struct known_file *file, const struct known_file *other)
{
    return file->line[0] != 0 && strcmp(file->line, other->line) == 0;
}

/* Root's, and written by nobody else. */
static bool is_ours(int fd)
{
    struct stat is;
    return fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_uid == 0 &&
           (is.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool known_find(const char *path, const struct known_file *file)
{
    char record[KNOWN_PATH], kept[KNOWN_LINE];
    if (file->line[0] == 0 || !name_record(path, record))
        return false;
    auto_fd int fd = open(record, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const ssize_t len = fd < 0 || !is_ours(fd) ? -1 : fd_read(fd, kept, sizeof kept);
    return len > 0 && span_equal(span_of(kept, (size_t)len), span_text(file->line));
}

/* Not synced, and not by another name first: half of a line is none. */
void known_keep(const char *path, const struct known_file *file)
{
    char record[KNOWN_PATH];
    if (file->line[0] == 0 || !name_record(path, record))
        return;
    auto_fd int fd = open(record, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0 || !is_ours(fd) || ftruncate(fd, 0) != 0)
        return;
    const bool kept = fd_write(fd, span_text(file->line));
    (void)kept; /* the next asks again */
}
