/* publish.c - see tee.h: what others need to judge this house's evidence, as files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"
#include "proc/log.h"
#include "proc/tee/tee.h"

enum { PATH_ROOM = 64 };

/* Through the open folder: whatever lies above it may be renamed. */
static void path_of(const struct tee *tee, const char *name, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, "/proc/self/fd/%d/%s", tee->folder, name);
}

_Static_assert((int)SIM_COLLATERAL_FILES == (int)COLLATERAL_OWN, "core hears of each");
_Static_assert((int)SIM_COLLATERAL_MAX <= (int)COLLATERAL_BODY_MAX, "and of all of it");

/* What the system said, for people; the number of the failure is of this program. */
static rc failed(struct trail *trail, const char *name, const char *what)
{
    log_event("tee/%s: %s", name, what);
    return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
}

rc tee_write(struct trail *trail, const struct tee *tee, const char *name, struct span bytes,
             mode_t mode)
{
    char path[PATH_ROOM];
    path_of(tee, name, path);
    rc written = file_write_atomic(NULL, path, bytes, mode);
    return rc_ok(written) ? RC_SUCCESS : failed(trail, name, file_error_text(written));
}

/* What cannot be read is as good as another content: it is replaced, or refused. */
static rc read_published(struct trail *trail, const struct tee *tee, const char *name,
                         struct sink *out)
{
    auto_fd int fd = openat(tee->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return RC_SUCCESS;
    while (fd >= 0 && out->len < out->cap) {
        ssize_t got = fd_read(fd, out->at + out->len, out->cap - out->len);
        if (got == 0)
            return RC_SUCCESS;
        if (got < 0)
            break;
        out->len += (size_t)got;
    }
    return fd >= 0 && out->len == out->cap ? RC_SUCCESS : failed(trail, name, strerror(errno));
}

rc tee_read_root(struct trail *trail, const struct tee *tee, struct sink *out)
{
    return read_published(trail, tee, sim_root_file.name, out);
}

/* Written only where it is not so already: a start changes nothing on the disk. */
static rc publish(struct trail *trail, const struct tee *tee, const struct sim_published *one,
                  struct span *bytes_of)
{
    uint8_t *bytes[2] = { arena_room(&tee->house->arena, SIM_COLLATERAL_MAX),
                          arena_room(&tee->house->arena, SIM_COLLATERAL_MAX) };
    if (bytes[0] == NULL || bytes[1] == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    struct sink made = sink_over(bytes[0], SIM_COLLATERAL_MAX);
    struct sink there = sink_over(bytes[1], SIM_COLLATERAL_MAX);
    if (!one->write(&tee->authority, &tee->spec, &made))
        return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
    *bytes_of = sink_bytes(&made);
    if (rc_ok(read_published(NULL, tee, one->name, &there)) &&
        span_equal(sink_bytes(&there), sink_bytes(&made)))
        return RC_SUCCESS;
    return tee_write(trail, tee, one->name, sink_bytes(&made), 0644);
}

static bool is_published(const char *name)
{
    for (size_t i = 0; i < SIM_COLLATERAL_FILES; i++) {
        if (strcmp(strchr(sim_collateral_files[i].name, '/') + 1, name) == 0)
            return true;
    }
    return strcmp(name, sim_root_file.name) == 0 || strcmp(name, "authority") == 0;
}

/* What a start that was killed left behind; nobody else is at work in these folders. */
static void sweep(int folder)
{
    size_t removed = 0;
    rc swept = file_write_sweep(NULL, folder, is_published, &removed);
    (void)swept; /* it costs space and nothing else */
}

rc tee_publish_root(struct trail *trail, struct tee *tee)
{
    struct span bytes;
    sweep(tee->folder);
    return publish(trail, tee, &sim_root_file, &bytes);
}

rc tee_publish_collateral(struct trail *trail, struct tee *tee)
{
    if (mkdirat(tee->folder, "collateral", 0755) != 0 && errno != EEXIST)
        return failed(trail, "collateral", strerror(errno));
    auto_fd int folder = openat(tee->folder, "collateral",
                                O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0)
        return failed(trail, "collateral", strerror(errno));
    sweep(folder);
    for (size_t i = 0; i < SIM_COLLATERAL_FILES; i++)
        TRY(trail, publish(trail, tee, &sim_collateral_files[i], &tee->collateral[i]));
    return RC_SUCCESS;
}
