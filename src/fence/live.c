/* live.c - the process: what it gives up before it serves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "fence/fence_syscalls.h"
#include "fence/inside.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/jail.h"

enum {
    MEMORY = 512 << 20, /* bytes of addresses, all libraries included */
    /* Sockets, connections with all that is tried for one, flows, name servers, and the rest. */
    DESCRIPTORS = FENCE_SOCKETS_MOST + 4 * FENCE_LINKS_MAX + FENCE_FLOWS_MAX + 2 * JOB_LIST_MAX +
                  2 * FENCE_PIPES + 64,
    /* Streams, pipes, the poller, and those of the name servers. */
    OTHER_DESCRIPTORS = 2 * FENCE_PIPES + 32,
    /* Streams, two for packets, four pipes to the run, the poller, and pipes for what is much. */
    KEPT = FENCE_SOCKETS_MOST + 10 + 2 * FENCE_PIPES,
};

struct living {
    struct fence fence;
    int keep[KEPT];
    size_t kept;
    uint16_t ports[REACH_PORTS_MAX + 1];
    size_t port_count;
};

/* --- what it gives up ------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void keep(struct living *living, int fd)
{
    living->keep[living->kept++] = fd;
}

static void list_descriptors(struct living *living)
{
    const struct sandbox_fence *given = living->fence.given;
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        keep(living, number);
    for (size_t i = 0; i < given->sockets->count; i++)
        keep(living, given->sockets->at[i].fd);
    keep(living, given->sockets->astray);
    keep(living, given->sockets->overheard);
    keep(living, given->refusals);
    if (given->uses >= 0)
        keep(living, given->uses);
    keep(living, given->ready);
    keep(living, given->stop);
    keep(living, living->fence.poller);
    for (size_t i = 0; i < FENCE_PIPES; i++) {
        keep(living, living->fence.pipes[i].out);
        keep(living, living->fence.pipes[i].in);
    }
    qsort(living->keep, living->kept, sizeof *living->keep, by_number);
}

/* Where the kernel can tell, TCP to no other ports: those that anything is allowed on, and the one
   on which a name server is asked again when its answer was long. */
static void list_ports(struct living *living)
{
    const struct reach *reach = living->fence.reach;
    living->ports[living->port_count++] = FENCE_NAMES_PORT;
    for (size_t i = 0; i < reach->port_count; i++) {
        if (!reach->ports[i].udp && reach->ports[i].number != FENCE_NAMES_PORT)
            living->ports[living->port_count++] = reach->ports[i].number;
    }
}

/* Each connection may need one on the job's side and those that are tried. */
static bool share_descriptors(struct living *living, size_t descriptors)
{
    const size_t others = living->fence.given->sockets->count + FENCE_FLOWS_MAX + OTHER_DESCRIPTORS;
    const size_t links = descriptors < others ? 0 : (descriptors - others) / (1 + FENCE_RACED_MOST);
    living->fence.most = links < FENCE_LINKS_MAX ? links : FENCE_LINKS_MAX;
    return links > 0;
}

/* What whoever started the run has in it is nobody's business here; c-ares has read it. */
static void forget_environment(void)
{
    for (char **variable = environ; *variable != NULL; variable++)
        explicit_bzero(*variable, strlen(*variable));
    environ[0] = NULL;
}

static rc confine(struct trail *trail, struct living *living)
{
    struct jail_report report;
    struct rlimit files, memory;
    /* Its own streams would be the job's, which end when the last of those who hold them does. */
    if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 || dup2(STDIN_FILENO, STDERR_FILENO) < 0 ||
        getrlimit(RLIMIT_NOFILE, &files) != 0 || getrlimit(RLIMIT_AS, &memory) != 0)
        return FAIL_ERRNO(trail);
    const size_t descriptors = (size_t)least_u64(DESCRIPTORS, files.rlim_max);
    if (!share_descriptors(living, descriptors))
        return FAIL_OS(trail, EMFILE);
    memory.rlim_cur = memory.rlim_max = least_u64(MEMORY, memory.rlim_max);
    if (setrlimit(RLIMIT_AS, &memory) != 0)
        return FAIL_ERRNO(trail);
    forget_environment();
    list_descriptors(living);
    list_ports(living);
    const struct jail jail = { .user = living->fence.given->user,
                               .keep = living->keep,
                               .keep_count = living->kept,
                               .fds = descriptors,
                               .connect_ports = living->ports,
                               .connect_port_count = living->port_count,
                               .rules = fence_rules,
                               .rule_count = COUNT_OF(fence_rules) };
    return jail_enter(trail, &jail, &report);
}

static void say_ready(const struct sandbox_fence *given, const char *fault)
{
    const struct span words = fault == NULL ? span_of("", 1) : span_text(fault);
    bool told = fd_write(given->ready, words);
    (void)told; /* whoever started it sees the end of the pipe */
    close(given->ready);
}

int fence_live(const struct sandbox_fence *given)
{
    static struct living living;
    struct trail trail = { 0 };
    const char *fault = fence_open(&living.fence, given);
    rc confined = fault == NULL ? confine(&trail, &living) : RC_SUCCESS;
    if (!rc_ok(confined))
        fault = file_error_text(confined);
    say_ready(given, fault);
    if (fault != NULL)
        return 1;
    while (fence_turn(&living.fence))
        ;
    fence_tell_rest(&living.fence);
    return 0;
}
