/* start.c - see inside.h: the job's first process, and what it gives up before it is the job. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "guest/inside.h"
#include "os/fd.h"
#include "os/packet.h"

enum { CAPABILITIES_MAX = 63 };

struct ends {
    int in, out, err, fault, asked;
    int group; /* -1: there is none */
};

static bool limit(__rlimit_resource_t which, uint64_t most)
{
    const struct rlimit both = { .rlim_cur = most, .rlim_max = most };
    return setrlimit(which, &both) == 0;
}

static bool limit_all(const struct guest_limits *limits)
{
    return limit(RLIMIT_NOFILE, limits->files) && limit(RLIMIT_CORE, 0) &&
           limit(RLIMIT_MEMLOCK, limits->locked) && limit(RLIMIT_FSIZE, limits->file) &&
           limit(RLIMIT_NPROC, limits->processes);
}

/* Another user, whose rights are those of nobody, now and after whatever it executes. */
static bool give_up_rights(const struct guest_limits *limits)
{
    const gid_t group = (gid_t)limits->user;
    const uid_t user = (uid_t)limits->user;
    for (int right = 0; right <= CAPABILITIES_MAX; right++) {
        if (prctl(PR_CAPBSET_DROP, right, 0, 0, 0) != 0 && errno != EINVAL)
            return false;
    }
    return user != 0 && setgroups(0, NULL) == 0 && setresgid(group, group, group) == 0 &&
           setresuid(user, user, user) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void set_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool take_streams(const struct ends *ends)
{
    return dup2(ends->in, STDIN_FILENO) >= 0 && dup2(ends->out, STDOUT_FILENO) >= 0 &&
           dup2(ends->err, STDERR_FILENO) >= 0;
}

/* Where the job's own PATH says, unless the command says where it is; errno of the last that was
   there. */
static void execute(const struct guest *guest, char *const *argv, char *const *variables)
{
    const char *name = argv[0], *path = "";
    int why = ENOENT;
    for (size_t i = 0; i < guest->variables.count; i++) {
        if (strncmp(guest->variables.at[i], "PATH=", 5) == 0)
            path = guest->variables.at[i] + 5;
    }
    if (strchr(name, '/') != NULL) {
        execve(name, argv, variables);
        return;
    }
    while (*path != 0) {
        char whole[PATH_MAX];
        const size_t len = strcspn(path, ":");
        snprintf(whole, sizeof whole, "%.*s/%s", (int)len, path, name);
        execve(whole, argv, variables);
        why = errno == ENOENT || errno == ENOTDIR ? why : errno;
        path += len + (path[len] == ':' ? 1 : 0);
    }
    errno = why;
}

/* What the kernel asks of refused calls goes to whoever answers: by a call of the list's. */
static bool give_questions(int to, int questions)
{
    return questions < 0 || rc_ok(packet_send(NULL, to, span_of("", 1), &questions, 1));
}

/* They were given before the job's program began, or are not. */
static int take_questions(int from)
{
    struct packet_fds given = { .count = 0 };
    uint8_t byte;
    size_t len = 0;
    rc got = packet_receive(NULL, from, &byte, sizeof byte, &len, &given);
    return rc_ok(got) && given.count == 1 ? given.fds[0] : -1;
}

/* In the child: words of what failed, or nothing, for the pipe ends with a success. */
static _Noreturn void become(struct guest *guest, const struct ends *ends)
{
    union {
        const char *const *told;
        char *const *taken;
    } argv = { .told = guest->arguments.at }, variables = { .told = guest->variables.at };
    guest->fault = "what it gives up";
    guest->at = NULL;
    bool ready = (ends->group < 0 || fd_write(ends->group, span_text("0"))) && setsid() >= 0 &&
                 guest_stays(false) && take_streams(ends) &&
                 unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP) == 0 &&
                 guest_enter_root(guest) && limit_all(&guest->limits) &&
                 give_up_rights(&guest->limits);
    if (ready) {
        umask(022);
        set_signals();
        guest->fault = "the folder it begins in";
        guest->at = guest->start_in;
        ready = chdir(guest->start_in) == 0;
    }
    if (ready) {
        guest->fault = "the command";
        guest->at = guest->arguments.at[0];
        int asked;
        if (guest_hold_to(guest->calls, guest->call_count, &asked) &&
            give_questions(ends->asked, asked))
            execute(guest, argv.taken, variables.taken);
    }
    const int why = errno;
    const struct span parts[] = { span_text(guest->fault), span_text(guest->at == NULL ? "" : " "),
                                  span_text(guest->at == NULL ? "" : guest->at), span_text(": "),
                                  span_text(strerror(why)) };
    bool told = true;
    for (size_t i = 0; i < COUNT_OF(parts) && told; i++)
        told = fd_write(ends->fault, parts[i]);
    _exit(127);
}

static bool hear_fault(struct guest *guest, int fault)
{
    static char words[GUEST_WORDS_MAX + 1];
    ssize_t got = fd_read(fault, words, sizeof words - 1);
    if (got == 0)
        return true;
    words[got < 0 ? 0 : got] = 0;
    errno = 0;
    return guest_failed(guest, words, NULL);
}

bool guest_start(struct guest *guest)
{
    int in[2], out[2], err[2], fault[2], asked[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 ||
        pipe2(fault, O_CLOEXEC) != 0 || !rc_ok(packet_pair(NULL, asked)) ||
        unshare(CLONE_NEWPID) != 0)
        return guest_failed(guest, "its processes", NULL);
    auto_fd int group = guest_group_of_job();
    const struct ends ends = { in[0], out[1], err[1], fault[1], asked[1], group };
    guest->first = fork();
    if (guest->first < 0)
        return guest_failed(guest, "its processes", NULL);
    if (guest->first == 0)
        become(guest, &ends);
    close(in[0]);
    close(in[1]);
    close(out[1]);
    close(err[1]);
    close(fault[1]);
    guest->streams[0] = out[0];
    guest->streams[1] = err[0];
    bool started = hear_fault(guest, fault[0]);
    close(fault[0]);
    guest->questions = take_questions(asked[0]);
    close(asked[0]);
    close(asked[1]);
    return started;
}
