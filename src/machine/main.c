/* main.c - ward-machine: runs a job in a virtual machine, within the container of that job.  See
   inside.h.

       ward-machine MEMORY_MIB CPUS OUTPUT_BYTES [collect] [job] [network] [agent] */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "machine/inside.h"
#include "model/reason.h"
#include "os/file.h"

static bool read_words(int argc, char **argv, struct machine *machine)
{
    if (argc < 4 || !decimal_read(span_text(argv[1]), UINT32_MAX, &machine->memory_mib) ||
        !decimal_read(span_text(argv[2]), 1024, &machine->cpus) ||
        !decimal_read(span_text(argv[3]), INT64_MAX, &machine->output))
        return false;
    for (int i = 4; i < argc; i++) {
        const struct span word = span_text(argv[i]);
        machine->collect = machine->collect || span_equal_text(word, "collect");
        machine->job = machine->job || span_equal_text(word, "job");
        machine->network = machine->network || span_equal_text(word, "network");
        machine->agent = machine->agent || span_equal_text(word, "agent");
    }
    return true;
}

static int hear_signals(void)
{
    sigset_t heard;
    sigemptyset(&heard);
    sigaddset(&heard, SIGTERM);
    sigaddset(&heard, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &heard, NULL) == 0
               ? signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK)
               : -1;
}

/* A machine that says nothing is begun again: what it was to do has not begun. */
static void run(const struct machine *machine, int signals, struct machine_word *word)
{
    static struct talk talk;
    for (int i = 0; i < MACHINE_TRIES; i++) {
        talk = (struct talk){ .machine = machine,
                              .port = -1,
                              .errors = -1,
                              .signals = signals,
                              .qemu = -1,
                              .file = -1,
                              .word = { .stage = MACHINE_ENDED, .reason = REASON_OK } };
        talk.output = open("/output", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool began = talk.output >= 0 && machine_begin(&talk);
        if (!began)
            machine_fail(&talk, REASON_JOB_MACHINE, strerror(errno));
        const bool said = !began || machine_talk(&talk);
        machine_end(&talk);
        close(talk.output);
        *word = talk.word;
        if (said || talk.asked)
            break;
        machine_fail(&talk, REASON_JOB_MACHINE, "it does not begin");
        *word = talk.word;
    }
}

int main(int argc, char **argv)
{
    struct machine machine = { 0 };
    struct trail trail = { 0 };
    struct arena arena;
    arena_init(&arena, 2 * (size_t)GUEST_TOLD_MAX);
    const int signals = hear_signals();
    struct machine_word word = { .stage = MACHINE_ENDED, .reason = REASON_JOB_MACHINE };
    machine_word_what(&word, span_text("ward-machine is not used as it should be"));
    if (getpid() == 1 && signals >= 0 && fcntl(MACHINE_WORD_FD, F_SETFD, FD_CLOEXEC) == 0 &&
        read_words(argc, argv, &machine) &&
        (!machine.agent || fcntl(MACHINE_HOUSE_FD, F_SETFD, FD_CLOEXEC) == 0) &&
        rc_ok(file_read(&trail, "/vm/told", GUEST_TOLD_MAX, &arena, &machine.told)))
        run(&machine, signals, &word);
    if (word.reason == REASON_OK && word.ran == 0) {
        word.reason = REASON_JOB_MACHINE; /* it was to end before it began */
        machine_word_what(&word, span_text("it was ended before the job began"));
    }
    machine_tell(&word);
    return 0;
}
