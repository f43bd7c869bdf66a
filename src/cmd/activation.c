/* activation.c - see activation.h.  What is not for this process is as if it were not there;
   what is, and cannot be used, is a mistake of whoever set it up, and is said. */
#include "cmd/activation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "cmd/command.h"
#include "os/listen.h"

enum { FIRST_FD = 3 };

int64_t activation_number(const char *variable)
{
    const char *text = getenv(variable);
    int64_t number = 0;
    size_t len = 0;
    for (; text != NULL && text[len] >= '0' && text[len] <= '9' && len < 15; len++)
        number = number * 10 + (text[len] - '0');
    return len > 0 && text[len] == 0 ? number : -1;
}

/* How many of the names, which colons part, are "tls", and the place of the last that is. */
static unsigned find_name(const char *names, int64_t count, int64_t *place)
{
    unsigned found = 0;
    for (int64_t i = 0; names != NULL && i < count; i++) {
        size_t len = strcspn(names, ":");
        if (span_equal_text(span_of(names, len), "tls")) {
            found++;
            *place = i;
        }
        names = names[len] == ':' ? names + len + 1 : NULL;
    }
    return found;
}

static bool choose(int64_t count, int64_t *place)
{
    unsigned named = find_name(getenv("LISTEN_FDNAMES"), count, place);
    if (count == 1 || named == 1)
        return true;
    say("up: %d sockets were handed over, and %s is named tls (FileDescriptorName=)", (int)count,
        named == 0 ? "none" : "more than one");
    return false;
}

bool activation_take(struct activation *out)
{
    struct trail trail = { 0 };
    int64_t count = activation_number("LISTEN_FDS"), place = 0;
    *out = (struct activation){ .fd = -1 };
    if (activation_number("LISTEN_PID") != getpid() || count == 0)
        return true;
    if (count < 0 || count > ACTIVATION_FDS_MAX) {
        say("up: LISTEN_FDS is no number of 1 to %d", ACTIVATION_FDS_MAX);
        return false;
    }
    if (!choose(count, &place))
        return false;
    int fd = FIRST_FD + (int)place;
    struct sink address = sink_over(out->address, sizeof out->address);
    if (!rc_ok(listen_given(&trail, fd, &address))) {
        say("up: descriptor %d is no TCP socket that listens (ListenStream=)", fd);
        return false;
    }
    sink_terminate(&address);
    out->fd = fd;
    return true;
}
