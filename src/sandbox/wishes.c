/* wishes.c - see wishes.h. */
#include "sandbox/wishes.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"

bool wishes_begin(struct wishes *wishes)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction is;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (sigaction(numbers[i], NULL, &is) == 0 && is.sa_handler != SIG_IGN)
            sigaddset(&set, numbers[i]);
    }
    wishes->heard = false;
    sigprocmask(SIG_BLOCK, &set, &wishes->before);
    wishes->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return wishes->fd >= 0;
}

bool wishes_hear(struct wishes *wishes)
{
    struct signalfd_siginfo wish;
    while (read(wishes->fd, &wish, sizeof wish) > 0)
        wishes->heard = true;
    return wishes->heard;
}

void wishes_end(struct wishes *wishes)
{
    sigprocmask(SIG_SETMASK, &wishes->before, NULL);
    fd_close(&wishes->fd);
}
