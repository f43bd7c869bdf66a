/* main.c - ward-guest: the first process of the virtual machine of a job.  See inside.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "guest/inside.h"

/* The machine is of no use without whoever listens, who ends it when it has been heard. */
static _Noreturn void rest(void)
{
    for (;;)
        pause();
}

static _Noreturn void stop(const struct guest *guest)
{
    fprintf(stderr, "ward-guest: %s\n", guest->fault);
    reboot(RB_AUTOBOOT);
    _exit(1);
}

static void say_hello(struct guest *guest)
{
    uint8_t version[4];
    struct sink out = sink_over(version, sizeof version);
    sink_u32le(&out, GUEST_VERSION);
    guest_say(guest, GUEST_HELLO, sink_bytes(&out));
}

static void serve(struct guest *guest)
{
    const bool told = guest_listen(guest);
    if (told)
        guest_begin_veil(guest);
    if (!told || !guest_wake_network(guest) || !guest_make_root(guest) ||
        !guest_start_agent(guest) || !guest_start(guest)) {
        guest_say_failed(guest);
        return;
    }
    guest_say(guest, GUEST_RUNS, span_of("", 0));
    if (guest_watch(guest) && guest->limits.collect)
        guest_say_output(guest);
}

int main(void)
{
    static struct guest guest = { .port = -1,
                                  .modules = -1,
                                  .questions = -1,
                                  .agent = -1,
                                  .tries = -1,
                                  .tries_stop = -1,
                                  .veil_ready = -1 };
    if (getpid() != 1) {
        fprintf(stderr, "ward-guest: it is the first process of a virtual machine, and no other\n");
        return 2;
    }
    if (!guest_begin(&guest) || !guest_open_port(&guest))
        stop(&guest);
    say_hello(&guest);
    serve(&guest);
    rest();
}
