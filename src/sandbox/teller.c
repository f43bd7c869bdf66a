/* teller.c - see teller.h.  What a job does costs it a turn of this process for each refused call,
   which is the job's own time, a number here, and a bounded number of records. */
#include "sandbox/teller.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"
#include "os/call_filter.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/jail.h"
#include "sandbox/calls.h"
#include "sandbox/teller_syscalls.h"

/* New kinds are told at once, numbers so often. */
enum { TELL_MS = 500, DESCRIPTORS = 64, STDERR_TOO = STDERR_FILENO + 1 };

struct teller {
    int listening; /* where the runtime comes */
    int questions; /* what it brings: the kernel's */
    int ready, stop, calls;
    uid_t user;
    struct calls seen;
    uint32_t told[CALLS_ROOM];
    bool behind; /* a number has changed that was told */
    int64_t told_ms;
};

/* --- whether it is possible ------------------------------------------------------------------- */

bool teller_is_possible(void)
{
    struct seccomp_notif_sizes sizes = { 0 };
    struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = { .len = 1, .filter = &all };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 &&
           sizes.seccomp_notif == sizeof(struct seccomp_notif) &&
           sizes.seccomp_notif_resp == sizeof(struct seccomp_notif_resp) &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                   &program) >= 0;
}

/* --- what it tells ---------------------------------------------------------------------------- */

static void tell_row(struct teller *teller, const struct call_refused *row)
{
    if (call_refused_send(teller->calls, row))
        teller->told[row->row] = row->count;
    else
        teller->behind = true;
}

static void tell_all(struct teller *teller)
{
    teller->behind = false;
    for (size_t i = 0; i < CALLS_ROOM; i++) {
        if (teller->told[i] != teller->seen.at[i].count)
            tell_row(teller, &teller->seen.at[i]);
    }
    teller->told_ms = clock_monotonic_ms();
}

static void count(struct teller *teller, const struct seccomp_data *call)
{
    uint64_t arguments[COUNT_OF(call->args)];
    for (size_t i = 0; i < COUNT_OF(arguments); i++)
        arguments[i] = call->args[i];
    const struct call_refused *row = calls_add(&teller->seen, call->nr, arguments);
    if (row == NULL)
        return;
    if (row->count == 1)
        tell_row(teller, row);
    else
        teller->behind = true;
}

/* One question.  A thread that was killed while it waited takes no answer. */
static bool answer(struct teller *teller)
{
    struct seccomp_notif question;
    memset(&question, 0, sizeof question); /* the kernel insists on it */
    if (ioctl(teller->questions, SECCOMP_IOCTL_NOTIF_RECV, &question) != 0)
        return errno == EINTR || errno == ENOENT;
    struct seccomp_notif_resp refused = { .id = question.id, .error = -EPERM };
    const bool taken = ioctl(teller->questions, SECCOMP_IOCTL_NOTIF_SEND, &refused) == 0;
    if (!taken && errno != ENOENT)
        return false;
    count(teller, &question.data);
    if (teller->ready >= 0 && !fd_write(teller->ready, span_of("", 1)))
        return false;
    fd_close(&teller->ready); /* to be the job's once is enough */
    return true;
}

/* What there is to wait for, or that it is over: whoever started this wants its end, or nobody is
   left there.  Whoever is gone may have left something to be read: it comes first. */
enum turn { TURN_OVER = 0, TURN_NOTHING, TURN_READ };

static enum turn await(const struct teller *teller, int fd)
{
    struct pollfd polled[] = { { .fd = fd, .events = POLLIN },
                               { .fd = teller->stop, .events = POLLIN } };
    int64_t left = -1;
    if (teller->behind) {
        left = teller->told_ms + TELL_MS - clock_monotonic_ms();
        left = left < 0 ? 0 : left;
    }
    if (poll(polled, COUNT_OF(polled), (int)left) < 0)
        return errno == EINTR ? TURN_NOTHING : TURN_OVER;
    if (polled[1].revents != 0)
        return TURN_OVER;
    if (polled[0].revents == 0)
        return TURN_NOTHING;
    return (polled[0].revents & POLLIN) != 0 ? TURN_READ : TURN_OVER;
}

/* Until nobody is under the filter any longer.  False: it could not answer one. */
static bool serve(struct teller *teller)
{
    enum turn turn;
    bool answered = true;
    while (answered && (turn = await(teller, teller->questions)) != TURN_OVER) {
        answered = turn != TURN_READ || answer(teller);
        if (teller->behind && clock_monotonic_ms() - teller->told_ms >= TELL_MS)
            tell_all(teller);
    }
    tell_all(teller);
    return answered;
}

/* --- its beginning ---------------------------------------------------------------------------- */

static bool comes(const struct teller *teller, int fd)
{
    enum turn turn = TURN_NOTHING;
    while (turn == TURN_NOTHING)
        turn = await(teller, fd);
    return turn == TURN_READ;
}

/* One descriptor, from whoever comes first: before the job begins, and it is root's socket. */
static bool take_questions(struct teller *teller)
{
    uint8_t byte;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    if (!comes(teller, teller->listening))
        return false;
    auto_fd int from = accept4(teller->listening, NULL, NULL, SOCK_CLOEXEC);
    fd_close(&teller->listening);
    if (from < 0 || !comes(teller, from) || recvmsg(from, &message, MSG_CMSG_CLOEXEC) < 1)
        return false;
    const struct cmsghdr *given = CMSG_FIRSTHDR(&message);
    if (given == NULL || given->cmsg_level != SOL_SOCKET || given->cmsg_type != SCM_RIGHTS ||
        given->cmsg_len != CMSG_LEN(sizeof(int)))
        return false;
    memcpy(&teller->questions, CMSG_DATA(given), sizeof(int));
    return true;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static rc confine(struct trail *trail, const struct teller *teller)
{
    struct jail_report report;
    int keep[] = { STDIN_FILENO,  STDOUT_FILENO, STDERR_FILENO, teller->listening,
                   teller->ready, teller->stop,  teller->calls };
    /* Its own streams would be the job's, which end when the last of those who hold them does. */
    if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 || dup2(STDIN_FILENO, STDERR_FILENO) < 0 ||
        fcntl(teller->calls, F_SETFL, O_WRONLY | O_NONBLOCK) != 0)
        return FAIL_ERRNO(trail);
    qsort(keep + STDERR_TOO, COUNT_OF(keep) - STDERR_TOO, sizeof *keep, by_number);
    const struct jail jail = { .user = teller->user,
                               .keep = keep,
                               .keep_count = COUNT_OF(keep),
                               .fds = DESCRIPTORS,
                               .rules = teller_rules,
                               .rule_count = COUNT_OF(teller_rules) };
    return jail_enter(trail, &jail, &report);
}

static void live(void *arg, const struct beside_ends *ends)
{
    struct teller *teller = arg;
    teller->ready = ends->ready;
    teller->stop = ends->stop;
    rc confined = confine(NULL, teller);
    const struct span words = rc_ok(confined) ? span_of("", 1)
                                              : span_text(file_error_text(confined));
    const bool told = fd_write(teller->ready, words);
    const bool served = told && rc_ok(confined) && take_questions(teller) && serve(teller);
    _exit(served ? 0 : 1);
}

static const struct beside_kind kind = { "the teller", REASON_JOB_START, live };

/* A socket of root's, in the job's place: the job never sees it. */
static int open_socket(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof name.sun_path)
        return -1;
    memcpy(name.sun_path, path, strlen(path));
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || fchmod(fd, 0600) != 0 ||
        bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 || listen(fd, 1) != 0)
        return -1;
    return fd_take(&fd);
}

enum reason teller_start(struct sandbox *sandbox, int calls, struct beside *held)
{
    static struct teller teller;
    auto_fd int listening = open_socket(sandbox->teller);
    if (listening < 0)
        return sandbox_fail(sandbox, REASON_JOB_START, "%s: %s", sandbox->teller, strerror(errno));
    teller = (struct teller){ .listening = listening,
                              .calls = calls,
                              .user = sandbox->slot.ids + SLOT_IDS - 2 };
    return beside_begin(sandbox, &kind, &teller, held);
}

enum reason teller_hear(struct sandbox *sandbox, const struct beside *held)
{
    return beside_hear(sandbox, &kind, held);
}

bool teller_charge(const struct sandbox *sandbox, struct beside *held)
{
    char byte;
    const bool asked = read(held->ready, &byte, 1) == 1;
    fd_close(&held->ready);
    return !asked || rc_ok(cgroup_join(NULL, &sandbox->groups, sandbox->slot.name, held->pid));
}
