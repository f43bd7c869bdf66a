/* short_io.c - preloaded into a program of ours: the kernel does as little as it
   may.  What is read or written comes in pieces, often of one byte; calls that may be interrupted
   are, both by a signal every half millisecond and for nothing at all; what would rather not wait
   is told to come back.  Nothing of that is an error, and nothing may come out differently.

   WARD_SHORT_IO is "SEED PERCENT": so many of the pieces are of one byte, the others of any length.
   Messages, which the kernel never cuts, are never cut.  That fsync is interrupted is no short
   write but a failure, which is another test's. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

enum { DESCRIPTORS = 1024, EVERY_NS = 500 * 1000, ONE_IN = 8 };

/* What a descriptor is, as far as somebody here made it. */
enum kind { UNKNOWN, STREAM, MESSAGES, NONBLOCKING_STREAM };

static struct {
    uint64_t state;
    unsigned ones;
    uint8_t kinds[DESCRIPTORS];
} storm;

#define CALLS(CALL)                                                                                \
    CALL(ssize_t, read, (int, void *, size_t))                                                     \
    CALL(ssize_t, write, (int, const void *, size_t))                                              \
    CALL(ssize_t, pread64, (int, void *, size_t, off_t))                                           \
    CALL(ssize_t, pwrite64, (int, const void *, size_t, off_t))                                    \
    CALL(ssize_t, send, (int, const void *, size_t, int))                                          \
    CALL(ssize_t, recv, (int, void *, size_t, int))                                                \
    CALL(ssize_t, sendmsg, (int, const struct msghdr *, int))                                      \
    CALL(ssize_t, recvmsg, (int, struct msghdr *, int))                                            \
    CALL(int, poll, (struct pollfd *, nfds_t, int))                                                \
    CALL(int, epoll_wait, (int, struct epoll_event *, int, int))                                   \
    CALL(int, accept4, (int, struct sockaddr *, socklen_t *, int))                                 \
    CALL(int, socket, (int, int, int))                                                             \
    CALL(int, close, (int))                                                                        \
    CALL(ssize_t, getrandom, (void *, size_t, unsigned))                                           \
    CALL(pid_t, waitpid, (pid_t, int *, int))

static struct {
#define MEMBER(result, name, parameters) result(*name) parameters;
    CALLS(MEMBER)
} real;

/* What a program calls that was built to check its buffers. */
ssize_t __pread64_chk(int fd, void *at, size_t len, off_t from, size_t room);
int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t room);

static uint64_t next(void)
{
    storm.state ^= storm.state << 13;
    storm.state ^= storm.state >> 7;
    storm.state ^= storm.state << 17;
    return storm.state;
}

static void interrupt(int number)
{
    (void)number;
}

/* Ignored where nobody handles it, so that it harms no program that this one becomes. */
static void start_signals(void)
{
    struct sigaction action = { .sa_handler = interrupt }; /* no SA_RESTART */
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG };
    struct itimerspec every = { { 0, EVERY_NS }, { 0, EVERY_NS } };
    timer_t timer;
    if (sigaction(SIGURG, &action, NULL) != 0 ||
        timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &every, NULL) != 0)
        abort();
}

/* Also called before: the constructors of other libraries may come first. */
__attribute__((constructor)) static void be_ready(void)
{
    const char *words = getenv("WARD_SHORT_IO");
    unsigned long seed = 0;
    if (real.read != NULL)
        return;
    if (words == NULL || sscanf(words, "%lu %u", &seed, &storm.ones) != 2)
        abort();
    storm.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
#define FIND(result, name, parameters) *(void **)&real.name = dlsym(RTLD_NEXT, #name);
    CALLS(FIND)
    start_signals();
}

static enum kind kind_of(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? (enum kind)storm.kinds[fd] : UNKNOWN;
}

static void is_kind(int fd, enum kind kind)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        storm.kinds[fd] = (uint8_t)kind;
}

/* One call in so many comes to nothing. */
static bool fails(int with)
{
    be_ready();
    if (next() % ONE_IN != 0)
        return false;
    errno = with;
    return true;
}

static bool may_not_wait(int fd, int flags)
{
    bool stays = kind_of(fd) == NONBLOCKING_STREAM || (flags & MSG_DONTWAIT) != 0;
    return fails(EINTR) || (stays && fails(EAGAIN));
}

static size_t piece(size_t len)
{
    if (len < 2)
        return len;
    return next() % 100 < storm.ones ? 1 : 1 + (size_t)(next() % len);
}

/* A signalfd and the like give whole rows or say EINVAL. */
SHOWN ssize_t read(int fd, void *at, size_t len)
{
    if (may_not_wait(fd, 0))
        return -1;
    ssize_t got = real.read(fd, at, kind_of(fd) == MESSAGES ? len : piece(len));
    return got < 0 && errno == EINVAL ? real.read(fd, at, len) : got;
}

SHOWN ssize_t write(int fd, const void *at, size_t len)
{
    if (may_not_wait(fd, 0))
        return -1;
    ssize_t put = real.write(fd, at, kind_of(fd) == MESSAGES ? len : piece(len));
    return put < 0 && errno == EINVAL ? real.write(fd, at, len) : put;
}

SHOWN ssize_t pread64(int fd, void *at, size_t len, off_t from)
{
    return fails(EINTR) ? -1 : real.pread64(fd, at, piece(len), from);
}

SHOWN ssize_t __pread64_chk(int fd, void *at, size_t len, off_t from, size_t room)
{
    if (len > room)
        abort();
    return pread64(fd, at, len, from);
}

SHOWN ssize_t pwrite64(int fd, const void *at, size_t len, off_t to)
{
    return fails(EINTR) ? -1 : real.pwrite64(fd, at, piece(len), to);
}

/* Of a socket that was inherited nobody knows whether it carries messages. */
static bool is_stream(int fd)
{
    return kind_of(fd) == STREAM || kind_of(fd) == NONBLOCKING_STREAM;
}

SHOWN ssize_t send(int fd, const void *at, size_t len, int flags)
{
    return may_not_wait(fd, flags) ? -1
                                   : real.send(fd, at, is_stream(fd) ? piece(len) : len, flags);
}

SHOWN ssize_t recv(int fd, void *at, size_t len, int flags)
{
    return may_not_wait(fd, flags) ? -1
                                   : real.recv(fd, at, is_stream(fd) ? piece(len) : len, flags);
}

SHOWN ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return may_not_wait(fd, flags) ? -1 : real.sendmsg(fd, message, flags);
}

SHOWN ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    return may_not_wait(fd, flags) ? -1 : real.recvmsg(fd, message, flags);
}

SHOWN int poll(struct pollfd *fds, nfds_t count, int ms)
{
    return fails(EINTR) ? -1 : real.poll(fds, count, ms);
}

SHOWN int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t room)
{
    if (count * sizeof *fds > room)
        abort();
    return poll(fds, count, ms);
}

SHOWN int epoll_wait(int poller, struct epoll_event *events, int most, int ms)
{
    return fails(EINTR) ? -1 : real.epoll_wait(poller, events, most, ms);
}

SHOWN int accept4(int listener, struct sockaddr *from, socklen_t *len, int flags)
{
    if (fails(EINTR) || ((flags & SOCK_NONBLOCK) != 0 && fails(EAGAIN)))
        return -1;
    int fd = real.accept4(listener, from, len, flags);
    is_kind(fd, (flags & SOCK_NONBLOCK) != 0 ? NONBLOCKING_STREAM : STREAM);
    return fd;
}

SHOWN int socket(int family, int type, int protocol)
{
    be_ready();
    int fd = real.socket(family, type, protocol);
    int plain = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    is_kind(fd, plain == SOCK_STREAM ? STREAM : MESSAGES);
    return fd;
}

SHOWN int close(int fd)
{
    be_ready();
    is_kind(fd, UNKNOWN);
    return real.close(fd);
}

SHOWN ssize_t getrandom(void *at, size_t len, unsigned flags)
{
    return fails(EINTR) ? -1 : real.getrandom(at, piece(len), flags);
}

SHOWN pid_t waitpid(pid_t pid, int *status, int flags)
{
    return fails(EINTR) ? -1 : real.waitpid(pid, status, flags);
}
