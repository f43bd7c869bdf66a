/* tls_look.c - see tls_look.h. */
#include "cmd/tls_look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"
#include "cmd/command.h"
#include "cmd/keyring_copy.h"
#include "ipc/frame.h"
#include "os/fd.h"
#include "os/spawn.h"

enum { LOOK_CHAIN = 3, LOOK_KEY, LOOK_ANSWER, LOOK_BYTES = 512 };

static bool take_name(struct cursor *in, char out[TLS_LOOK_NAME + 1])
{
    struct span name;
    if (!get_bytes(in, TLS_LOOK_NAME, &name))
        return false;
    if (name.len > 0)
        memcpy(out, name.at, name.len);
    out[name.len] = 0;
    return true;
}

/* keeper/look.h has its form. */
static bool read_answer(struct span answer, const struct settings *settings, struct tls_looked *out)
{
    struct cursor in = cur_over(answer);
    uint64_t from = 0, until = 0;
    uint16_t reason = 0;
    if (!cur_u16le(&in, &reason) || reason >= REASON_COUNT)
        return false;
    out->fault.reason = (enum reason)reason;
    if (reason != REASON_NONE) {
        const char *path = tls_path(settings, out->fault.reason);
        snprintf(out->fault.text, sizeof out->fault.text, "%s",
                 path != NULL ? path : settings->tls_certificate);
    }
    if (cur_end(&in))
        return reason != REASON_NONE && !tls_is_of_dates(out->fault.reason);
    if (!(cur_u64le(&in, &from) && cur_u64le(&in, &until) && take_name(&in, out->subject) &&
          take_name(&in, out->issuer) && cur_end(&in)))
        return false;
    out->validity = (struct window){ (int64_t)from, (int64_t)until };
    return true;
}

static bool run(int chain, int key, uint8_t *answer, size_t *len)
{
    static const char *const argv[] = { "ward-keyring", "look", NULL };
    char path[COPY_PATH];
    int ends[2], status = 0;
    struct spawned child;
    if (!keyring_program(path) || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    auto_fd int mine = ends[0];
    auto_fd int theirs = ends[1];
    struct spawn what = {
        .path = path,
        .argv = argv,
        .fds = { { chain, LOOK_CHAIN }, { key, LOOK_KEY }, { theirs, LOOK_ANSWER } },
        .fd_count = 3
    };
    if (!rc_ok(spawn(NULL, &what, &child)))
        return false;
    fd_close(&theirs);
    ssize_t got = fd_read(mine, answer, LOOK_BYTES);
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
        ;
    fd_close(&child.pidfd);
    *len = got > 0 ? (size_t)got : 0;
    return got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool tls_look(const struct settings *settings, struct tls_looked *out)
{
    struct tls_looked looked = { 0 };
    uint8_t answer[LOOK_BYTES];
    size_t len = 0;
    auto_fd int chain = -1;
    auto_fd int key = -1;
    if (tls_open(settings, TLS_ANY_OWNER, &chain, &key, &looked.fault) &&
        (!run(chain, key, answer, &len) || !read_answer(span_of(answer, len), settings, &looked))) {
        say("ward-keyring could not look at %s and %s", settings->tls_certificate,
            settings->tls_key);
        return false;
    }
    *out = looked;
    return true;
}
