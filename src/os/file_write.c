/* file_write.c - see file.h: writing.  A file is always written beside its place or new,
   never in place, and written through to disk before its name is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"

enum { NAME_LEN_MAX = 255, SUFFIX_BYTES = 8 };

/* An open folder and a name in it: what follows cannot be diverted by a folder above that
   is renamed meanwhile. */
struct place {
    int folder;
    const char *name;
};

static rc place_open(struct trail *trail, const char *path, struct place *out)
{
    char above[4096] = ".";
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= sizeof above || name[0] == 0 || strlen(name) > NAME_LEN_MAX)
        return FAIL(trail, RC_PEER, FILE_E_NAME);
    if (slash != NULL) {
        memcpy(above, path, len);
        above[len] = 0;
    }
    int folder = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return FAIL_ERRNO(trail);
    *out = (struct place){ folder, name };
    return RC_SUCCESS;
}

static rc write_all(struct trail *trail, int fd, struct span bytes)
{
    if (!fd_write(fd, bytes) || fsync(fd) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc write_new(struct trail *trail, struct place place, struct span bytes, mode_t mode)
{
    auto_fd int fd = openat(place.folder, place.name,
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    rc wrote = write_all(trail, fd, bytes);
    if (!rc_ok(wrote))
        unlinkat(place.folder, place.name, 0);
    return wrote;
}

rc file_write_new(struct trail *trail, const char *path, struct span bytes, mode_t mode)
{
    struct place place = { .folder = -1 };
    TRY(trail, place_open(trail, path, &place));
    auto_fd int folder = place.folder;
    TRY(trail, write_new(trail, place, bytes, mode));
    if (fsync(folder) == 0)
        return RC_SUCCESS;
    rc failed = FAIL_ERRNO(trail);
    unlinkat(folder, place.name, 0);
    return failed;
}

rc file_sync_name(struct trail *trail, const char *path)
{
    struct place place = { .folder = -1 };
    TRY(trail, place_open(trail, path, &place));
    auto_fd int folder = place.folder;
    if (fsync(folder) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* The name is cut where it and the suffix would be too long for a folder entry. */
static void hidden_name(const char *name, char out[NAME_LEN_MAX + 1])
{
    uint8_t suffix[SUFFIX_BYTES];
    random_bytes(suffix, sizeof suffix);
    int keep = NAME_LEN_MAX - 2 - 2 * SUFFIX_BYTES;
    int len = snprintf(out, NAME_LEN_MAX + 1, ".%.*s.", keep, name);
    for (size_t i = 0; i < sizeof suffix; i++)
        snprintf(out + len + 2 * i, 3, "%02x", suffix[i]);
}

rc file_write_atomic(struct trail *trail, const char *path, struct span bytes, mode_t mode)
{
    struct place place = { .folder = -1 };
    TRY(trail, place_open(trail, path, &place));
    auto_fd int folder = place.folder;
    char hidden[NAME_LEN_MAX + 1];
    hidden_name(place.name, hidden);
    TRY(trail, write_new(trail, (struct place){ folder, hidden }, bytes, mode));
    if (renameat(folder, hidden, folder, place.name) != 0) {
        rc failed = FAIL_ERRNO(trail);
        unlinkat(folder, hidden, 0);
        return failed;
    }
    if (fsync(folder) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* True when the name is one that hidden_name made; out is then the NAME it was made for. */
static bool hidden_of(const char *entry, char out[NAME_LEN_MAX + 1])
{
    size_t len = strlen(entry);
    size_t tail = 1 + 2 * SUFFIX_BYTES;
    if (entry[0] != '.' || len < 2 + tail || len > NAME_LEN_MAX || entry[len - tail] != '.' ||
        strspn(entry + len - tail + 1, "0123456789abcdef") != tail - 1)
        return false;
    memcpy(out, entry + 1, len - 1 - tail);
    out[len - 1 - tail] = 0;
    return true;
}

rc file_write_sweep(struct trail *trail, int folder, bool (*is_ours)(const char *name),
                    size_t *removed)
{
    char name[NAME_LEN_MAX + 1];
    /* Opened again, for a copy of the descriptor would share its place in the listing. */
    auto_fd int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    auto_dir DIR *list = fdopendir(fd);
    if (list == NULL)
        return FAIL_ERRNO(trail);
    fd_take(&fd);
    *removed = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(list);
        if (entry == NULL && errno != 0)
            return FAIL_ERRNO(trail);
        if (entry == NULL)
            return RC_SUCCESS;
        if (!hidden_of(entry->d_name, name) || !is_ours(name))
            continue;
        /* A folder of such a name is nothing that was ever written here. */
        bool gone = unlinkat(folder, entry->d_name, 0) == 0;
        if (!gone && errno != EISDIR)
            return FAIL_ERRNO(trail);
        *removed += gone ? 1 : 0;
    }
}
