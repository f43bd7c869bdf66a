/* teller.c - see teller.h.  What a job does costs it a turn of this process for each refused call
   and each try of a hidden path, which is the job's own time, a number here, and a bounded number
   of records. */
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
#include "os/veil.h"
#include "sandbox/calls.h"
#include "sandbox/paths.h"
#include "sandbox/teller_syscalls.h"

enum {
    TELL_MS = 500, /* new kinds are told at once, numbers so often */
    DESCRIPTORS = 64,
    STDERR_TOO = STDERR_FILENO + 1,
    FREE_TURNS = 256, /* answers of which nothing is told: a runtime's own, and what is usual */
};

/* Who asks of calls: the runtime comes, brings the kernel's questions, and they are asked. */
enum stage { LISTENING = 0, COMES, ASKS };

struct teller {
    int asking; /* the descriptor of that stage; -1: nobody asks, or nobody does any more */
    enum stage stage;
    int files; /* of the veil; so too */
    struct veil veil;
    const struct span_list *denied;
    int ready, stop, calls, paths;
    uid_t user;
    struct calls seen;
    uint32_t told[CALLS_ROOM];
    struct denied_tries tried;
    uint32_t told_tries[DENIED_ROOM];
    uint32_t turns;
    bool begun;  /* the job is: what is tried before is the runtime's */
    bool failed; /* one could not be answered */
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

static void tell_try(struct teller *teller, const struct denied_try *row)
{
    if (denied_try_send(teller->paths, row))
        teller->told_tries[row - teller->tried.at] = row->count;
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
    for (size_t i = 0; i < DENIED_ROOM; i++) {
        if (teller->told_tries[i] != teller->tried.at[i].count)
            tell_try(teller, &teller->tried.at[i]);
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

/* To be the job's once is enough. */
static void be_charged(struct teller *teller)
{
    if (teller->ready >= 0 && !fd_write(teller->ready, span_of("", 1)))
        teller->failed = true;
    fd_close(&teller->ready);
}

static bool fail(struct teller *teller)
{
    teller->failed = true;
    return false;
}

/* One question.  A thread that was killed while it waited takes no answer. */
static bool answer(struct teller *teller)
{
    struct seccomp_notif question;
    memset(&question, 0, sizeof question); /* the kernel insists on it */
    if (ioctl(teller->asking, SECCOMP_IOCTL_NOTIF_RECV, &question) != 0)
        return errno == EINTR || errno == ENOENT || fail(teller);
    struct seccomp_notif_resp refused = { .id = question.id, .error = -EPERM };
    const bool taken = ioctl(teller->asking, SECCOMP_IOCTL_NOTIF_SEND, &refused) == 0;
    if (!taken && errno != ENOENT)
        return fail(teller);
    count(teller, &question.data);
    be_charged(teller);
    return true;
}

/* One question of the veil's.  What programs look for by themselves is refused as all else is, and
   told of nobody. */
static bool answer_file(struct teller *teller)
{
    uint8_t question[VEIL_QUESTION_MAX];
    struct veil_try tried;
    const enum veil_turn turn = veil_serve(&teller->veil, teller->files, question, &tried);
    if (turn == VEIL_FAILED)
        return fail(teller);
    if (++teller->turns == FREE_TURNS)
        be_charged(teller);
    if (!tried.made || !teller->begun ||
        denied_is_usual(teller->denied->items[tried.entry], tried.name))
        return turn != VEIL_OVER;
    const struct denied_try *row = denied_add(&teller->tried, tried.entry, tried.name);
    if (row->count == 1)
        tell_try(teller, row);
    else
        teller->behind = true;
    be_charged(teller);
    return true;
}

/* --- the runtime comes ------------------------------------------------------------------------ */

static bool accept_runtime(struct teller *teller)
{
    const int from = accept4(teller->asking, NULL, NULL, SOCK_CLOEXEC);
    close(teller->asking);
    teller->asking = from;
    teller->stage = COMES;
    return from >= 0 || fail(teller);
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
    if (recvmsg(teller->asking, &message, MSG_CMSG_CLOEXEC) < 1)
        return fail(teller);
    const struct cmsghdr *given = CMSG_FIRSTHDR(&message);
    if (given == NULL || given->cmsg_level != SOL_SOCKET || given->cmsg_type != SCM_RIGHTS ||
        given->cmsg_len != CMSG_LEN(sizeof(int)))
        return fail(teller);
    close(teller->asking);
    memcpy(&teller->asking, CMSG_DATA(given), sizeof(int));
    teller->stage = ASKS;
    return true;
}

/* --- its turns -------------------------------------------------------------------------------- */

/* A source that is at its end, or fails, is closed: the other one goes on. */
static void turn_calls(struct teller *teller, short events)
{
    static bool (*const steps[])(struct teller * teller) = {
        [LISTENING] = accept_runtime, [COMES] = take_questions, [ASKS] = answer
    };
    if (events == 0)
        return;
    /* Whoever is gone may have left something to be read: it comes first. */
    const bool done = (events & POLLIN) != 0 && steps[teller->stage](teller);
    if (!done && teller->stage != ASKS)
        teller->failed = true;
    if (!done)
        fd_close(&teller->asking);
}

/* It is mounted for as long as this lives. */
static void turn_files(struct teller *teller, short events)
{
    if (events == 0 || ((events & POLLIN) != 0 && answer_file(teller)))
        return;
    teller->failed = true;
    fd_close(&teller->files); /* from now on the kernel says ENOTCONN */
}

/* A byte: the job begins.  The end: this is to end. */
static bool goes_on(struct teller *teller)
{
    char byte;
    const ssize_t got = read(teller->stop, &byte, 1);
    teller->begun |= got == 1;
    return got == 1 || (got < 0 && errno == EINTR);
}

static int patience(const struct teller *teller)
{
    if (!teller->behind)
        return -1;
    const int64_t left = teller->told_ms + TELL_MS - clock_monotonic_ms();
    return left < 0 ? 0 : (int)left;
}

/* One of each at a time, until whoever started this wants its end, or nobody is left who could ask.
 */
static void serve(struct teller *teller)
{
    while (teller->asking >= 0 || teller->files >= 0) {
        struct pollfd polled[] = { { .fd = teller->asking, .events = POLLIN },
                                   { .fd = teller->files, .events = POLLIN },
                                   { .fd = teller->stop, .events = POLLIN } };
        if (poll(polled, COUNT_OF(polled), patience(teller)) < 0) {
            if (errno == EINTR)
                continue;
            teller->failed = true;
            break;
        }
        if (polled[2].revents != 0 && !goes_on(teller))
            break;
        turn_calls(teller, polled[0].revents);
        turn_files(teller, polled[1].revents);
        if (teller->behind && clock_monotonic_ms() - teller->told_ms >= TELL_MS)
            tell_all(teller);
    }
    tell_all(teller);
    if (teller->behind || (teller->asking >= 0 && teller->stage != ASKS))
        teller->failed = true;
}

/* --- its beginning ---------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static rc confine(struct trail *trail, const struct teller *teller)
{
    struct jail_report report;
    const int own[] = { teller->ready, teller->stop,   teller->calls,
                        teller->paths, teller->asking, teller->files };
    int keep[STDERR_TOO + COUNT_OF(own)] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
    size_t count = STDERR_TOO;
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (own[i] >= 0)
            keep[count++] = own[i];
    }
    /* Its own streams would be the job's, which end when the last of those who hold them does. */
    if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 || dup2(STDIN_FILENO, STDERR_FILENO) < 0 ||
        fcntl(teller->calls, F_SETFL, O_WRONLY | O_NONBLOCK) != 0 ||
        fcntl(teller->paths, F_SETFL, O_WRONLY | O_NONBLOCK) != 0)
        return FAIL_ERRNO(trail);
    qsort(keep + STDERR_TOO, count - STDERR_TOO, sizeof *keep, by_number);
    const struct jail jail = { .user = teller->user,
                               .keep = keep,
                               .keep_count = count,
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
    if (!fd_write(teller->ready, words) || !rc_ok(confined))
        _exit(1);
    serve(teller);
    _exit(teller->failed ? 1 : 0);
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

enum reason teller_start(struct sandbox *sandbox, const struct teller_given *given,
                         struct beside *held)
{
    static struct teller teller;
    auto_fd int listening = sandbox->teller == NULL ? -1 : open_socket(sandbox->teller);
    if (sandbox->teller != NULL && listening < 0)
        return sandbox_fail(sandbox, REASON_JOB_START, "%s: %s", sandbox->teller, strerror(errno));
    teller = (struct teller){ .asking = listening,
                              .files = given->files,
                              .veil = sandbox->veil,
                              .denied = &sandbox->spec.files.denied,
                              .calls = given->calls,
                              .paths = given->paths,
                              .user = sandbox->slot.ids + SLOT_IDS - 2 };
    return beside_begin(sandbox, &kind, &teller, held);
}

enum reason teller_hear(struct sandbox *sandbox, const struct beside *held)
{
    return beside_hear(sandbox, &kind, held);
}

void teller_begin(const struct beside *held)
{
    /* Without it there is nobody who could count. */
    (void)!(held->stop >= 0 && fd_write(held->stop, span_of("", 1)));
}

bool teller_charge(const struct sandbox *sandbox, struct beside *held)
{
    char byte;
    const bool asked = read(held->ready, &byte, 1) == 1;
    fd_close(&held->ready);
    return !asked || rc_ok(cgroup_join(NULL, &sandbox->groups, sandbox->slot.name, held->pid));
}
