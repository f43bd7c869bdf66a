/* agent.c - see inside.h: the process that a job asks for evidence of its machine (agent/agent.h),
   and what goes between it and the port.  What it reads is the job's, so it has nothing that the
   job has not, and no file. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_syscalls.h"
#include "base/number.h"
#include "guest/inside.h"
#include "os/call_filter.h"
#include "os/fd.h"
#include "os/packet.h"

_Static_assert((int)GUEST_QUESTION == (int)AGENT_QUESTION &&
                   (int)GUEST_REPLY_MAX == (int)AGENT_REPLY_MAX,
               "the body of a frame is a packet");

enum { BACKLOG = 16, USER = 65531, RULES_ROOM = 32 }; /* nobody else's in a machine */

static int listen_for_job(void)
{
    static const char path[] = GUEST_ROOT AGENT_SOCKET;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    _Static_assert(sizeof path <= sizeof name.sun_path, "the path of a socket");
    memcpy(name.sun_path, path, sizeof path);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
        chmod(path, 0666) != 0 || listen(fd, BACKLOG) != 0)
        return -1;
    return fd_take(&fd);
}

bool guest_give_up(const struct call_rule *rules, size_t count, uid_t user)
{
    static struct sock_filter at[CALL_FILTER_ROOM(RULES_ROOM)];
    const struct rlimit none = { 0, 0 };
    struct call_filter filter;
    if (count > RULES_ROOM)
        return false;
    call_filter_begin(&filter, at, COUNT_OF(at));
    for (size_t i = 0; i < count; i++)
        call_filter_put(&filter, &rules[i], SECCOMP_RET_ALLOW);
    return setrlimit(RLIMIT_NPROC, &none) == 0 && setgroups(0, NULL) == 0 &&
           setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           call_filter_hold(&filter, SECCOMP_RET_KILL_PROCESS);
}

static _Noreturn void become(struct guest *guest, int listener, int house, int stop)
{
    const struct agent_given given = { .listener = listener, .house = house, .stop = stop };
    close(guest->port);
    fd_close(&guest->modules);
    /* All that it will need of memory is there. */
    const bool ready = agent_ready(&given) && guest_stays(false) &&
                       guest_give_up(agent_rules, COUNT_OF(agent_rules), USER);
    _exit(ready && agent_answer() ? 0 : 1);
}

bool guest_start_agent(struct guest *guest)
{
    int ends[2], stop[2];
    if (!guest->limits.agent)
        return true;
    auto_fd int listener = listen_for_job();
    /* The other end of `stop` stays open: it is stopped with the machine. */
    if (listener < 0 || !rc_ok(packet_pair(NULL, ends)) || pipe2(stop, O_CLOEXEC) != 0)
        return guest_failed(guest, "its guest agent", NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        close(stop[1]);
        become(guest, listener, ends[1], stop[0]);
    }
    guest->agent = ends[0];
    close(ends[1]);
    close(stop[0]);
    return pid > 0 || guest_failed(guest, "its guest agent", NULL);
}

void guest_pass_question(struct guest *guest)
{
    uint8_t question[GUEST_QUESTION];
    struct packet_fds none = { .count = 0 };
    size_t len = 0;
    rc got = packet_receive(NULL, guest->agent, question, sizeof question, &len, &none);
    packet_fds_close(&none);
    if (rc_ok(got) && len == sizeof question)
        guest_say(guest, GUEST_ASKS, SPAN(question));
    else if (rc_ok(got) || rc_number(got) != PACKET_E_BLOCK)
        fd_close(&guest->agent); /* it has ended, or is no agent of ours any more */
}

void guest_pass_reply(const struct guest *guest, struct span reply)
{
    if (guest->agent < 0 || reply.len == 0)
        return;
    rc sent = packet_send(NULL, guest->agent, reply, NULL, 0);
    (void)sent; /* it waits for no longer than it likes */
}
