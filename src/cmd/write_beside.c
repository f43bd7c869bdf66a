/* write_beside.c - see write_beside.h. */
#include "cmd/write_beside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sink.h"
#include "os/file.h"
#include "os/random.h"

/* The folder that a path lies in, as the kernel takes it. */
static bool folder_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t above = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    int len = above == 0 ? snprintf(out, PATH_MAX, ".")
                         : snprintf(out, PATH_MAX, "%.*s", (int)above, path);
    return len > 0 && len < PATH_MAX;
}

bool path_is_free(const char *option, const char *path)
{
    char folder[PATH_MAX];
    struct stat is;
    size_t len = strlen(path);
    if (lstat(path, &is) == 0)
        say("run: %s %s: it is there already, and is not written over", option, path);
    else if (errno != ENOENT || len == 0 || path[len - 1] == '/' || !folder_of(path, folder) ||
             access(folder, W_OK | X_OK) != 0)
        say("run: %s %s: it needs a name, in a folder that is there and can be written", option,
            path);
    else
        return true;
    return false;
}

/* A name that nobody else has. */
static bool name_beside(const char *path, char out[PATH_MAX])
{
    uint8_t random[8];
    struct sink name = sink_over(out, PATH_MAX);
    random_bytes(random, sizeof random);
    sink_text(&name, path);
    sink_text(&name, ".incomplete-");
    sink_hex(&name, SPAN(random));
    sink_terminate(&name);
    return sink_ok(&name);
}

const char *write_beside(const char *path, struct span text, mode_t mode)
{
    char beside[PATH_MAX];
    const char *why = NULL;
    if (!name_beside(path, beside))
        return "its name is too long";
    rc written = file_write_new(NULL, beside, text, mode);
    if (!rc_ok(written))
        return file_error_text(written);
    if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
        why = strerror(errno);
    if (why != NULL)
        (void)unlink(beside);
    if (why == NULL && !rc_ok(file_sync_name(NULL, path)))
        why = "it is there, but may not outlive a power cut";
    return why;
}
