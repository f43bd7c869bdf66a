/* random.c - see random.h. */
#include "os/random.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* Written with no help from stdio, which may be what is broken. */
static _Noreturn void give_up(void)
{
    static const char text[] = "ward: getrandom failed: no randomness, stopping\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    abort();
}

void random_bytes(void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || (size_t)got > len)
            give_up();
        at += got;
        len -= (size_t)got;
    }
}
