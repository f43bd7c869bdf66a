/* paths.c - see paths.h. */
#include "sandbox/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

_Static_assert((int)VEIL_MAX == (int)JOB_LIST_MAX, "an entry for each denied path");

static bool make_entry(const char *path, bool is_file)
{
    if (!is_file)
        return mkdir(path, 0) == 0;
    auto_fd int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
    return file >= 0;
}

bool paths_are_hidden(const struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->spec->files.denied.count; i++) {
        if (bundle_hides(bundle, i))
            return true;
    }
    return false;
}

enum reason paths_prepare(struct sandbox *sandbox, const struct bundle *bundle)
{
    const size_t count = bundle->spec->files.denied.count;
    char folder[SLOT_PATH], path[SLOT_PATH + 16];
    slot_file(&sandbox->slot, DENIED_ENTRIES, folder);
    bool made = mkdir(folder, 0711) == 0 && chmod(folder, 0711) == 0;
    sandbox->veil.count = count;
    sandbox->hides = paths_are_hidden(bundle);
    for (size_t i = 0; i < count && made; i++) {
        sandbox->veil.is_file[i] = bundle->shown_as[i] == SHOWN_AS_FILE;
        if (!bundle_hides(bundle, i))
            continue;
        snprintf(path, sizeof path, "%s/%zu", folder, i);
        made = make_entry(path, sandbox->veil.is_file[i]);
    }
    return made ? REASON_OK
                : sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", folder, strerror(errno));
}

/* Without it the entries themselves are shown, of which nobody may open one either. */
void paths_lay(const struct sandbox *sandbox, int *files)
{
    char folder[SLOT_PATH];
    *files = -1;
    slot_file(&sandbox->slot, DENIED_ENTRIES, folder);
    if (!sandbox->hides)
        return;
    rc laid = veil_lay(NULL, folder, files);
    if (rc_ok(laid))
        return;
    *files = -1;
    rc lacks = veil_lack(NULL, folder);
    (void)lacks; /* the runtime then says what it could not do */
}

/* Shorter than what a pipe takes at once or not at all (PIPE_BUF, 4096). */
bool denied_try_send(int fd, const struct denied_try *tried)
{
    return write(fd, tried, sizeof *tried) == (ssize_t)sizeof *tried;
}

const struct denied_try *denied_try_read(struct denied_tries *tries, int fd, size_t rules,
                                         bool *open)
{
    struct denied_try got;
    const struct denied_try *is_new = NULL;
    const ssize_t len = read(fd, &got, sizeof got);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return NULL;
    *open = len == (ssize_t)sizeof got && denied_take(tries, &got, rules, &is_new);
    return is_new;
}
