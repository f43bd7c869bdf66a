/* begin.c - see inside.h: QEMU, and all that the machine has.  Nothing that is not named here is
   there: no device by default, no monitor, no console, no configuration of the host's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "machine/inside.h"
#include "os/fd.h"

enum { PORT_FD = 3, WORDS_MAX = 64, ROOM = 32 };

struct words {
    const char *at[WORDS_MAX + 1];
    size_t count;
    char memory[ROOM], cpus[ROOM];
};

static void add(struct words *words, const char *const *more, size_t count)
{
    for (size_t i = 0; i < count && words->count < WORDS_MAX; i++)
        words->at[words->count++] = more[i];
}

static const char *const always[] = {
    "/usr/bin/qemu-system-x86_64",
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "none",
    "-parallel",
    "none",
    "-machine",
    "q35,usb=off,vmport=off,smm=off,sata=off,smbus=off,graphics=off,dump-guest-core=off",
    "-accel",
    "tcg,tb-size=128", /* MiB of translated code, for which the sandbox keeps room */
    "-cpu",
    "max",
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    "-kernel",
    "/vm/kernel",
    "-initrd",
    "/vm/initramfs",
    "-append",
    MACHINE_COMMAND_LINE,
    "-device",
    "virtio-serial-pci,max_ports=2",
    "-chardev",
    "socket,id=port,fd=3",
    "-device",
    "virtserialport,chardev=port,name=ward",
    "-blockdev",
    "driver=file,node-name=root-file,filename=/vm/root,read-only=on",
    "-blockdev",
    "driver=raw,node-name=root,file=root-file,read-only=on",
    "-device",
    "virtio-blk-pci,drive=root",
};

static const char *const with_job[] = {
    "-blockdev", "driver=file,node-name=job-file,filename=/vm/job,read-only=on",
    "-blockdev", "driver=raw,node-name=job,file=job-file,read-only=on",
    "-device",   "virtio-blk-pci,drive=job",
};

/* QEMU is the way out: it connects in the network of this container, where 10.0.2.2 is the loopback
   and nothing is but the fence. */
static const char *const with_network[] = {
    "-netdev",
    "user,id=net,ipv4=on,net=10.0.2.0/24,host=10.0.2.2,ipv6=on,ipv6-net=fec0::/64",
    "-device",
    "virtio-net-pci,netdev=net,romfile=",
};

static void make_words(const struct machine *machine, struct words *words)
{
    const char *const sized[] = { "-m", words->memory, "-smp", words->cpus };
    words->count = 0;
    snprintf(words->memory, sizeof words->memory, "%lluM", (unsigned long long)machine->memory_mib);
    snprintf(words->cpus, sizeof words->cpus, "%llu", (unsigned long long)machine->cpus);
    add(words, always, COUNT_OF(always));
    add(words, sized, COUNT_OF(sized));
    if (machine->job)
        add(words, with_job, COUNT_OF(with_job));
    if (machine->network)
        add(words, with_network, COUNT_OF(with_network));
    words->at[words->count] = NULL;
}

/* In the child. */
static _Noreturn void become(const struct words *words, int port, int errors)
{
    static char *const no_environment[] = { NULL };
    union {
        const char *const *given;
        char *const *taken;
    } argv = { .given = words->at };
    sigset_t none;
    sigemptyset(&none);
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        dup2(errors, STDERR_FILENO) < 0 || dup2(port, PORT_FD) < 0 ||
        close_range(PORT_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0 ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        _exit(126);
    execve(words->at[0], argv.taken, no_environment);
    dprintf(STDERR_FILENO, "%s: %s\n", words->at[0], strerror(errno));
    _exit(127);
}

bool machine_begin(struct talk *talk)
{
    struct words words;
    int port[2], errors[2];
    make_words(talk->machine, &words);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port) != 0)
        return false;
    talk->port = port[0];
    auto_fd int theirs = port[1];
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    talk->errors = errors[0];
    auto_fd int said = errors[1];
    if (fcntl(talk->port, F_SETFL, O_NONBLOCK) != 0)
        return false;
    talk->qemu = fork();
    if (talk->qemu == 0)
        become(&words, theirs, said);
    return talk->qemu > 0;
}

void machine_end(struct talk *talk)
{
    if (talk->qemu > 0 && !talk->gone) {
        kill(talk->qemu, SIGKILL);
        while (waitpid(talk->qemu, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    talk->qemu = -1;
    fd_close(&talk->port);
    fd_close(&talk->errors);
    fd_close(&talk->file);
}
