/* file.c - see file.h: reading.  Writing is in file_write.c, folders in folder.c. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

enum { FIRST_ROOM = 16 * 1024 };

const char *file_error_text(rc error)
{
    if (rc_ok(error))
        return "no error";
    switch (rc_number(error)) {
    case FILE_E_TOO_LARGE:
        return "larger than the limit";
    case FILE_E_KIND:
        return "neither a regular file nor a pipe";
    case FILE_E_TOO_MANY:
        return "more files than the limit";
    case FILE_E_MEMORY:
        return "no memory left for it";
    case FILE_E_NAME:
        return "not a usable file name";
    case FILE_E_OPEN_TO_OTHERS:
        return "it is another user's, or others may write to it";
    }
    const char *text = rc_errno(error) == 0 ? NULL : strerrordesc_np(rc_errno(error));
    return text != NULL ? text : "unknown error";
}

/* What is being read: room grows by copying, because an arena gives nothing back. */
struct filling {
    uint8_t *at;
    size_t len;
    size_t room;
    size_t hint; /* how much room to begin with */
    size_t max;
    struct arena *arena;
};

/* Always room for one byte past the limit, so that "exactly the limit" and "more" differ. */
static bool filling_grow(struct filling *f)
{
    size_t room = f->room == 0 ? f->hint : f->room > f->max / 2 ? f->max : f->room * 2;
    if (room > f->max)
        room = f->max;
    uint8_t *at = arena_alloc(f->arena, room + 1);
    if (at == NULL)
        return false;
    if (f->len > 0)
        memcpy(at, f->at, f->len);
    f->at = at;
    f->room = room + 1;
    return true;
}

static rc read_to_end(struct trail *trail, int fd, struct filling *f, struct span *out)
{
    for (;;) {
        if (f->len == f->room && !filling_grow(f))
            return FAIL(trail, RC_BUSY, FILE_E_MEMORY);
        ssize_t got = read(fd, f->at + f->len, f->room - f->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL_ERRNO(trail);
        if (got == 0)
            break;
        f->len += (size_t)got;
        if (f->len > f->max)
            return FAIL(trail, RC_PEER, FILE_E_TOO_LARGE);
    }
    *out = span_of(f->at, f->len);
    return RC_SUCCESS;
}

rc file_read_fd(struct trail *trail, int fd, size_t max, struct arena *arena, struct span *out)
{
    struct filling f = { .hint = FIRST_ROOM, .max = max, .arena = arena };
    return read_to_end(trail, fd, &f, out);
}

static rc read_regular(struct trail *trail, int fd, const struct stat *about, struct filling *f,
                       struct span *out)
{
    if (!S_ISREG(about->st_mode))
        return FAIL(trail, RC_PEER, FILE_E_KIND);
    if (about->st_size > 0 && (uintmax_t)about->st_size > f->max)
        return FAIL(trail, RC_PEER, FILE_E_TOO_LARGE);
    /* Files of /proc say 0 and have more: the size is a hint, never a promise. */
    f->hint = about->st_size > 0 ? (size_t)about->st_size : FIRST_ROOM;
    return read_to_end(trail, fd, f, out);
}

rc file_read(struct trail *trail, const char *path, size_t max, struct arena *arena,
             struct span *out)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    struct stat about;
    struct filling f = { .max = max, .arena = arena };
    if (fstat(fd, &about) != 0)
        return FAIL_ERRNO(trail);
    if (S_ISFIFO(about.st_mode))
        return file_read_fd(trail, fd, max, arena, out);
    return read_regular(trail, fd, &about, &f, out);
}

rc file_read_plain(struct trail *trail, const char *path, size_t max, struct arena *arena,
                   struct span *out)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    struct stat about;
    struct filling f = { .max = max, .arena = arena };
    if (fstat(fd, &about) != 0)
        return FAIL_ERRNO(trail);
    return read_regular(trail, fd, &about, &f, out);
}

const char *file_open_regular(const char *path, int *out)
{
    struct stat about;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return "no plain file";
    *out = fd_take(&fd);
    return NULL;
}

/* A file that its writer has still open is not whole.  The kernel knows, and tells by not
   giving a lease; where it gives none to anybody, the file's end must do. */
const char *file_why_not_whole(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        fcntl(fd, F_SETLEASE, F_UNLCK);
        return NULL;
    }
    return errno == EAGAIN ? "somebody is writing it: give it its name when it is whole" : NULL;
}

const char *file_open_whole(const char *path, int *out)
{
    auto_fd int fd = -1;
    const char *wrong = file_open_regular(path, &fd);
    if (wrong == NULL)
        wrong = file_why_not_whole(fd);
    if (wrong == NULL)
        *out = fd_take(&fd);
    return wrong;
}
