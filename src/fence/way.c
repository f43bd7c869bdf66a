/* way.c - one direction of a connection: what one side said, until the other has it.

   As long as somebody has to look at the bytes they are copied here.  Later, where they are many,
   the kernel passes them from socket to socket through a pipe, uncopied. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fence/inside.h"

enum { PIPE_BYTES = 512 << 10 };

static bool is_later(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* --- by the pipe ------------------------------------------------------------------------------ */

static void take_pipe(struct fence *fence, struct way *way)
{
    for (size_t i = 0; i < FENCE_PIPES && way->pipe == NULL; i++) {
        if (!fence->pipes[i].used)
            way->pipe = &fence->pipes[i];
    }
    if (way->pipe == NULL)
        return;
    way->pipe->used = true;
    /* The more goes at once, the more seldom somebody is woken.  Where it is refused less does. */
    (void)fcntl(way->pipe->in, F_SETPIPE_SZ, PIPE_BYTES);
}

/* The next connection finds nothing of this one in it. */
static void empty_pipe(struct fence_pipe *pipe)
{
    uint8_t bytes[4096];
    ssize_t got = 0;
    while (pipe->held > 0 && (got = read(pipe->out, bytes, sizeof bytes)) > 0)
        pipe->held -= (size_t)got;
}

/* Only what is empty is filled: a full one would be told for ever of a side that has more. */
static bool fill_pipe(struct way *way, int fd)
{
    if (way->pipe->held > 0)
        return true;
    ssize_t got = splice(fd, NULL, way->pipe->in, NULL, PIPE_BYTES, SPLICE_F_NONBLOCK);
    if (got < 0)
        return is_later();
    way->ended = got == 0;
    way->pipe->held = (size_t)got;
    way->moved += (size_t)got;
    return true;
}

static bool drain_pipe(struct way *way, int fd)
{
    ssize_t put = splice(way->pipe->out, NULL, fd, NULL, way->pipe->held, SPLICE_F_NONBLOCK);
    if (put < 0)
        return is_later();
    way->pipe->held -= (size_t)put;
    way->moved += (size_t)put;
    return true;
}

void way_end(struct way *way)
{
    if (way->pipe == NULL)
        return;
    empty_pipe(way->pipe);
    way->pipe->used = false;
    way->pipe = NULL;
}

/* --- both ------------------------------------------------------------------------------------- */

bool way_has_room(const struct way *way)
{
    if (way->ended)
        return false;
    return way->pipe != NULL ? way->pipe->held == 0 : way->to < FENCE_HELD || way->from == way->to;
}

bool way_holds(const struct way *way)
{
    return way->from < way->to || (way->pipe != NULL && way->pipe->held > 0);
}

bool way_read(struct fence *fence, struct way *way, int fd, bool is_free)
{
    if (way->from == way->to)
        way->from = way->to = 0;
    if (!way_has_room(way))
        return true;
    if (is_free && way->much && way->to == 0 && way->pipe == NULL)
        take_pipe(fence, way);
    if (way->pipe != NULL)
        return fill_pipe(way, fd);
    const size_t room = FENCE_HELD - way->to;
    ssize_t got = read(fd, way->at + way->to, room);
    if (got < 0)
        return is_later();
    way->much = (size_t)got == room;
    way->ended = got == 0;
    way->to += (size_t)got;
    way->moved += (size_t)got;
    return true;
}

static bool write_held(struct way *way, int fd, size_t most)
{
    const size_t has = way->to - way->from;
    ssize_t put = send(fd, way->at + way->from, has < most ? has : most, MSG_NOSIGNAL);
    if (put < 0)
        return is_later();
    way->from += (size_t)put;
    way->moved += (size_t)put;
    return true;
}

bool way_write(struct way *way, int fd, size_t most)
{
    bool sound = true;
    if (way->from < way->to && most > 0)
        sound = write_held(way, fd, most);
    else if (way_holds(way) && most > 0)
        sound = drain_pipe(way, fd);
    if (sound && way->ended && !way->passed && !way_holds(way)) {
        shutdown(fd, SHUT_WR);
        way->passed = true;
    }
    return sound;
}
