/* names.c - see inside.h: questions for names, which a C library asks at its own loopback, are
   passed on to the fence's name server, and its answers back.  Nothing of them is looked at. */
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/inside.h"
#include "os/fd.h"

enum {
    PORT = 53,
    ASKED_MAX = 64,    /* questions at once; the oldest is forgotten */
    STREAMS_MAX = 32,  /* connections at once */
    STREAM_MS = 10000, /* on which nothing goes */
    MESSAGE = 4096,
    USER = 65533, /* nobody else's in a machine */
};

/* Who asked, and the socket that asks for him. */
struct asked {
    int out;
    int by; /* the listening socket that he asked */
    struct sockaddr_in6 who;
};

struct names {
    int datagrams[2], streams[2]; /* of IPv4 and IPv6 */
    struct asked asked[ASKED_MAX];
    size_t next;
};

static bool listen_at(int family, int kind, int *out)
{
    const int on = 1;
    const struct sockaddr_in v4 = { .sin_family = AF_INET,
                                    .sin_port = htons(PORT),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                                     .sin6_port = htons(PORT),
                                     .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    const bool new = family == AF_INET6;
    *out = socket(family, kind | SOCK_CLOEXEC, 0);
    return *out >= 0 && setsockopt(*out, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(*out, new ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4,
                new ? sizeof v6 : sizeof v4) == 0 &&
           (kind == SOCK_DGRAM || listen(*out, STREAMS_MAX) == 0);
}

/* To the fence's, by the way out. */
static int ask_there(int kind)
{
    const struct sockaddr_in there = { .sin_family = AF_INET,
                                       .sin_port = htons(PORT),
                                       .sin_addr.s_addr = htonl(0x0a000202) };
    auto_fd int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&there, sizeof there) != 0)
        return -1;
    return fd_take(&fd);
}

static void take_question(struct names *names, int by)
{
    uint8_t message[MESSAGE];
    struct asked *asked = &names->asked[names->next];
    socklen_t len = sizeof asked->who;
    ssize_t got = recvfrom(by, message, sizeof message, MSG_DONTWAIT,
                           (struct sockaddr *)&asked->who, &len);
    if (got < 0)
        return;
    if (asked->out < 0)
        asked->out = ask_there(SOCK_DGRAM);
    asked->by = by;
    names->next = (names->next + 1) % ASKED_MAX;
    (void)send(asked->out, message, (size_t)got, MSG_DONTWAIT); /* lost: he asks again */
}

static void take_answer(const struct asked *asked)
{
    uint8_t message[MESSAGE];
    ssize_t got = recv(asked->out, message, sizeof message, MSG_DONTWAIT);
    const socklen_t len = asked->who.sin6_family == AF_INET6 ? sizeof asked->who
                                                             : sizeof(struct sockaddr_in);
    if (got > 0)
        (void)sendto(asked->by, message, (size_t)got, MSG_DONTWAIT,
                     (const struct sockaddr *)&asked->who, len); /* lost: he asks again */
}

/* In a child of its own, both ways until one of them ends. */
static _Noreturn void pass_on(int here)
{
    const int there = ask_there(SOCK_STREAM);
    struct pollfd ends[] = { { .fd = here, .events = POLLIN }, { .fd = there, .events = POLLIN } };
    while (there >= 0 && poll(ends, 2, STREAM_MS) > 0) {
        for (size_t i = 0; i < 2; i++) {
            uint8_t piece[MESSAGE];
            ssize_t got = ends[i].revents == 0 ? 0 : read(ends[i].fd, piece, sizeof piece);
            if (ends[i].revents != 0 &&
                (got <= 0 || !fd_write(ends[1 - i].fd, span_of(piece, (size_t)got))))
                _exit(0);
        }
    }
    _exit(0);
}

static void take_stream(int by)
{
    auto_fd int here = accept4(by, NULL, NULL, SOCK_CLOEXEC);
    if (here < 0)
        return;
    const pid_t pid = fork();
    if (pid == 0)
        pass_on(here);
}

static _Noreturn void serve(struct names *names)
{
    for (;;) {
        struct pollfd polled[4 + ASKED_MAX];
        for (size_t i = 0; i < 2; i++) {
            polled[i] = (struct pollfd){ .fd = names->datagrams[i], .events = POLLIN };
            polled[2 + i] = (struct pollfd){ .fd = names->streams[i], .events = POLLIN };
        }
        for (size_t i = 0; i < ASKED_MAX; i++)
            polled[4 + i] = (struct pollfd){ .fd = names->asked[i].out, .events = POLLIN };
        poll(polled, 4 + ASKED_MAX, -1);
        for (size_t i = 0; i < 2; i++) {
            if (polled[i].revents != 0)
                take_question(names, names->datagrams[i]);
            if (polled[2 + i].revents != 0)
                take_stream(names->streams[i]);
        }
        for (size_t i = 0; i < ASKED_MAX; i++) {
            if (polled[4 + i].revents != 0)
                take_answer(&names->asked[i]);
        }
    }
}

/* What it reads is the job's, so it has nothing that the job has not. */
static bool give_up(void)
{
    const struct rlimit processes = { STREAMS_MAX + 1, STREAMS_MAX + 1 };
    struct sigaction gone = { .sa_handler = SIG_IGN };
    return sigaction(SIGCHLD, &gone, NULL) == 0 && sigaction(SIGPIPE, &gone, NULL) == 0 &&
           setrlimit(RLIMIT_NPROC, &processes) == 0 && setgroups(0, NULL) == 0 &&
           setresgid(USER, USER, USER) == 0 && setresuid(USER, USER, USER) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool guest_serve_names(const struct guest *guest)
{
    static struct names names;
    static const int families[] = { AF_INET, AF_INET6 };
    for (size_t i = 0; i < 2; i++) {
        if (!listen_at(families[i], SOCK_DGRAM, &names.datagrams[i]) ||
            !listen_at(families[i], SOCK_STREAM, &names.streams[i]))
            return false;
    }
    for (size_t i = 0; i < ASKED_MAX; i++)
        names.asked[i].out = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        close(guest->port);
        if (give_up())
            serve(&names);
        _exit(1);
    }
    for (size_t i = 0; i < 2; i++) {
        close(names.datagrams[i]);
        close(names.streams[i]);
    }
    return pid > 0;
}
