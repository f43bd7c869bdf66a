/* tree.c - see tree.h. */
#include "os/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file_rc.h"

static rc remove_entry(struct trail *trail, int above, const char *name, dev_t device,
                       unsigned depth);

/* Entries are removed while the folder is read: what readdir may then skip stays, and the
   rmdir that follows says so; such a folder is read again. */
static rc remove_entries(struct trail *trail, int folder, dev_t device, unsigned depth,
                         const char *kept)
{
    DIR *list = fdopendir(folder);
    if (list == NULL) {
        rc failed = FAIL_ERRNO(trail);
        close(folder);
        return failed;
    }
    rc result = RC_SUCCESS;
    const struct dirent *entry;
    while (rc_ok(result) && (entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            (kept == NULL || strcmp(entry->d_name, kept) != 0))
            result = remove_entry(trail, dirfd(list), entry->d_name, device, depth);
    }
    closedir(list);
    return result;
}

static rc remove_folder(struct trail *trail, int above, const char *name, dev_t device,
                        unsigned depth)
{
    enum { READINGS = 64 };
    if (depth == TREE_DEPTH_MAX)
        return FAIL(trail, RC_PEER, TREE_E_DEEP);
    for (unsigned i = 0; i < READINGS; i++) {
        int folder = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0)
            return FAIL_ERRNO(trail);
        TRY(trail, remove_entries(trail, folder, device, depth + 1, NULL));
        if (unlinkat(above, name, AT_REMOVEDIR) == 0)
            return RC_SUCCESS;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return FAIL_ERRNO(trail);
    }
    return FAIL(trail, RC_WORLD, ENOTEMPTY);
}

static rc remove_entry(struct trail *trail, int above, const char *name, dev_t device,
                       unsigned depth)
{
    struct stat is;
    if (fstatat(above, name, &is, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? RC_SUCCESS : FAIL_ERRNO(trail);
    if (is.st_dev != device)
        return FAIL(trail, RC_WORLD, EXDEV);
    if (S_ISDIR(is.st_mode))
        return remove_folder(trail, above, name, device, depth);
    if (unlinkat(above, name, 0) != 0 && errno != ENOENT)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc tree_remove_around(struct trail *trail, const char *path, const char *kept)
{
    struct stat is;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return FAIL_ERRNO(trail);
    if (fstat(folder, &is) != 0) {
        rc failed = FAIL_ERRNO(trail);
        close(folder);
        return failed;
    }
    return remove_entries(trail, folder, is.st_dev, 0, kept);
}

rc tree_remove(struct trail *trail, const char *path)
{
    struct stat is;
    if (lstat(path, &is) != 0)
        return errno == ENOENT ? RC_SUCCESS : FAIL_ERRNO(trail);
    if (!S_ISDIR(is.st_mode))
        return FAIL(trail, RC_WORLD, ENOTDIR);
    return remove_folder(trail, AT_FDCWD, path, is.st_dev, 0);
}
