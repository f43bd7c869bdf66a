/* import.c - see import.h.

   The folder holds sha256-HEX for each image, with rootfs/ and config.json in it.  What is made or
   removed has another name meanwhile, which whoever comes next sweeps away. */
#include "sandbox/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/child.h"
#include "os/confine.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/tree.h"
#include "sandbox/import_syscalls.h"
#include "sandbox/report.h"

enum {
    DOCUMENTS_MEMORY = 16 << 20,
    CONFIG_ROOM = 6 * IMAGE_DOCUMENT_MAX + 1024,
    MEMORY_MOST = 256 << 20,
    CPU_SECONDS = 3600,
};

static const char staging_name[] = ".importing", leaving_name[] = ".leaving";
static const char manifest_name[] = "manifest.json";

/* --- the child -------------------------------------------------------------------------------- */

struct child {
    const struct image_import *in;
    pid_t parent;
    int archive, config, manifest_file, report, root;
    struct archive blobs;
    struct image_manifest manifest;
    struct image_config image;
    struct unpack unpack;
    struct arena arena;
};

/* The end that is read, the one that the child writes to, and what it fills; what it said. */
struct making {
    int read, write, staging;
    struct child child;
    bool told; /* to the end, and in the form that it has: */
    struct report last;
};

static enum reason read_documents(struct child *child, const char **what)
{
    struct span text = { 0 };
    enum reason reason = archive_open(&child->blobs, child->archive, what);
    if (reason == REASON_OK)
        reason = archive_read(&child->blobs, child->in->digest, UINT64_MAX, &child->arena, &text,
                              what);
    if (reason == REASON_OK)
        reason = image_manifest_read(text, &child->arena, &child->manifest, what);
    if (reason == REASON_OK && !fd_write(child->manifest_file, text)) {
        *what = "the manifest cannot be written";
        reason = REASON_HOUSE_STATE_UNUSABLE;
    }
    if (reason == REASON_OK)
        reason = archive_read(&child->blobs, child->manifest.config.digest,
                              child->manifest.config.size, &child->arena, &text, what);
    if (reason == REASON_OK)
        reason = image_config_read(text, &child->arena, child->in->architecture, &child->image,
                                   what);
    if (reason == REASON_OK && child->image.layer_count != child->manifest.layer_count) {
        *what = "a configuration of other layers than the manifest's";
        reason = REASON_IMAGE_FORMAT;
    }
    return reason;
}

static enum reason write_config(struct child *child, const char **what)
{
    void *room = arena_alloc(&child->arena, CONFIG_ROOM);
    struct sink out = sink_over(room, room == NULL ? 0 : CONFIG_ROOM);
    image_config_write(&out, &child->image);
    if (sink_ok(&out) && fd_write(child->config, sink_bytes(&out)))
        return REASON_OK;
    *what = "the configuration cannot be written";
    return REASON_HOUSE_STATE_UNUSABLE;
}

static enum reason unpack_all(struct child *child, const char **what)
{
    struct report report = { .layers = (uint32_t)child->manifest.layer_count };
    child->unpack.archive = &child->blobs;
    child->unpack.limits = child->in->limits;
    child->unpack.memory = arena_alloc(&child->arena, UNPACK_MEMORY);
    if (child->unpack.memory == NULL)
        return REASON_OUT_OF_MEMORY;
    for (size_t i = 0; i < child->manifest.layer_count; i++) {
        enum reason reason = unpack_layer(&child->unpack, &child->manifest.layers[i],
                                          child->image.diff_ids[i]);
        *what = child->unpack.what;
        if (reason != REASON_OK)
            return reason;
        report.step++;
        if (!report_send(child->report, &report))
            return REASON_IMAGE_CRASHED; /* nobody listens any more */
    }
    return REASON_OK;
}

static enum reason unpack_image(struct child *child, const char **what)
{
    enum reason reason = read_documents(child, what);
    if (reason == REASON_OK)
        reason = unpack_all(child, what);
    return reason == REASON_OK ? write_config(child, what) : reason;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static rc enter(struct child *child)
{
    int keep[] = { child->archive, child->report, child->config, child->manifest_file };
    const uint64_t most = child->in->limits.bytes;
    const struct confine confine = { .folder = child->root,
                                     .parent = child->parent,
                                     .keep = keep,
                                     .keep_count = COUNT_OF(keep),
                                     .file_bytes = most < CONFIG_ROOM ? CONFIG_ROOM : most,
                                     .memory_bytes = MEMORY_MOST,
                                     .cpu_seconds = CPU_SECONDS,
                                     .rules = import_rules,
                                     .rule_count = COUNT_OF(import_rules) };
    qsort(keep, COUNT_OF(keep), sizeof *keep, by_number);
    return confine_enter(NULL, &confine, &child->unpack.owns);
}

static int live(void *arg)
{
    struct making *making = arg;
    struct child *child = &making->child;
    struct report report = { .ended = 1, .reason = REASON_IMAGE_UNCONFINED };
    const char *what = NULL;
    rc entered = enter(child);
    if (rc_ok(entered))
        report.reason = (uint32_t)unpack_image(child, &what);
    else
        what = file_error_text(entered);
    report.layers = (uint32_t)child->manifest.layer_count;
    report.bytes = child->unpack.bytes;
    report.entries = child->unpack.entries;
    if (report.reason != REASON_OK) {
        snprintf(report.what, sizeof report.what, "%s", what == NULL ? "" : what);
        memcpy(report.where, child->unpack.where, sizeof report.where);
    }
    return report_send(child->report, &report) ? 0 : 3;
}

/* --- the parent ------------------------------------------------------------------------------- */

static const char name_start[] = "sha256-";
enum { NAME_START = sizeof name_start - 1 };

static void name_of(char out[IMAGE_PATH_MAX], const uint8_t digest[IMAGE_DIGEST])
{
    struct sink name = sink_over(out, IMAGE_PATH_MAX);
    sink_text(&name, name_start);
    sink_hex(&name, span_of(digest, IMAGE_DIGEST));
    sink_terminate(&name);
}

/* What somebody was making or removing when he was stopped.  The folder is locked. */
static rc sweep(struct trail *trail, int folder)
{
    TRY(trail, tree_remove_at(trail, folder, staging_name));
    return tree_remove_at(trail, folder, leaving_name);
}

/* The folder, locked and swept.  All that is done in it goes by this descriptor; and were others
   able to change what lies in it, a link of theirs could lead the unpacking anywhere. */
static rc open_images(struct trail *trail, const char *path, int *out)
{
    auto_fd int folder = -1;
    bool held;
    TRY(trail, folder_lock(trail, path, &folder, &held));
    if (!held)
        return FAIL_OS(trail, ENOLCK);
    TRY(trail, folder_is_own(trail, folder));
    TRY(trail, sweep(trail, folder));
    *out = fd_take(&folder);
    return RC_SUCCESS;
}

static int open_folder(int above, const char *name)
{
    return openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static rc prepare(struct trail *trail, struct making *making, const struct image_import *in,
                  int folder)
{
    struct child *child = &making->child;
    int ends[2];
    if (mkdirat(folder, staging_name, 0700) != 0 || pipe2(ends, O_CLOEXEC) != 0)
        return FAIL_ERRNO(trail);
    making->read = ends[0];
    making->write = ends[1];
    making->staging = open_folder(folder, staging_name);
    if (making->staging < 0 || mkdirat(making->staging, "rootfs", 0700) != 0)
        return FAIL_ERRNO(trail);
    child->in = in;
    child->parent = getpid();
    child->archive = in->archive;
    child->report = making->write;
    child->config = openat(making->staging, "config.json",
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    child->manifest_file = openat(making->staging, manifest_name,
                                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    child->root = open_folder(making->staging, "rootfs");
    /* Whatever the umask is: where the image says nothing of it, the root is as usual. */
    if (child->config < 0 || child->manifest_file < 0 || child->root < 0 ||
        fchmod(child->root, 0755) != 0)
        return FAIL_ERRNO(trail);
    arena_init(&child->arena, DOCUMENTS_MEMORY);
    return RC_SUCCESS;
}

static void clear(struct making *making)
{
    fd_close(&making->read);
    fd_close(&making->write);
    fd_close(&making->staging);
    fd_close(&making->child.config);
    fd_close(&making->child.manifest_file);
    fd_close(&making->child.root);
    arena_fini(&making->child.arena);
}

static void take_last(const struct report *last, struct image_imported *out)
{
    out->reason = (enum reason)last->reason;
    out->bytes = last->bytes;
    out->entries = last->entries;
    out->layers = last->layers;
    memcpy(out->what, last->what, sizeof out->what);
    memcpy(out->where, last->where, sizeof out->where);
}

static void hear(pid_t pid, void *arg)
{
    struct making *making = arg;
    const struct image_import *in = making->child.in;
    fd_close(&making->write);
    making->told = report_read(making->read, in->progress, in->arg, &making->last);
    if (!making->told)
        kill(pid, SIGKILL);
}

static rc unpack_apart(struct trail *trail, struct making *making, struct image_imported *out)
{
    int status = 0;
    const struct child_work work = { .child = live, .parent = hear, .arg = making };
    TRY(trail, child_run(trail, &work, &status));
    if (making->told && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        take_last(&making->last, out);
        return RC_SUCCESS;
    }
    *out = (struct image_imported){ .reason = REASON_IMAGE_CRASHED };
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        out->reason = REASON_IMAGE_TOO_LARGE;
        snprintf(out->what, sizeof out->what, "more work than an hour of this processor");
    }
    return RC_SUCCESS;
}

/* All of it is on disk before it gets its name. */
static rc publish(struct trail *trail, const struct making *making, int folder, const char *name)
{
    if (fsync(making->child.config) != 0 || fsync(making->child.manifest_file) != 0 ||
        syncfs(folder) != 0 || renameat(folder, staging_name, folder, name) != 0 ||
        fsync(folder) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* A name that name_of gives, and no other. */
static bool read_name(const char *name, uint8_t digest[IMAGE_DIGEST])
{
    return strncmp(name, name_start, NAME_START) == 0 &&
           image_hex_read(span_text(name + NAME_START), digest);
}

/* The images of an open folder, to a list of IMAGES_MAX of them; NULL: they are only counted.
   FILE_E_TOO_MANY where there are more, as when somebody copied them there. */
static rc find_images(struct trail *trail, int folder, struct image_held *list, size_t *count)
{
    struct stat is;
    size_t found = 0;
    auto_fd int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *names = again < 0 ? NULL : fdopendir(again);
    if (names == NULL)
        return FAIL_ERRNO(trail);
    fd_take(&again);
    for (;;) {
        struct image_held one;
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (entry == NULL && errno != 0)
            return FAIL_ERRNO(trail);
        if (entry == NULL)
            break;
        if (!read_name(entry->d_name, one.digest))
            continue;
        if (fstatat(folder, entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno != ENOENT)
                return FAIL_ERRNO(trail);
            continue; /* it was removed meanwhile */
        }
        if (found == IMAGES_MAX)
            return FAIL(trail, RC_PEER, FILE_E_TOO_MANY);
        one.imported = is.st_ctime;
        if (list != NULL)
            list[found] = one;
        found++;
    }
    *count = found;
    return RC_SUCCESS;
}

/* Before anything is read: an image that could not be listed would be lost. */
static rc check_room(struct trail *trail, int folder)
{
    size_t count;
    TRY(trail, find_images(trail, folder, NULL, &count));
    return count < IMAGES_MAX ? RC_SUCCESS : FAIL(trail, RC_PEER, FILE_E_TOO_MANY);
}

static rc import_new(struct trail *trail, const struct image_import *in, int folder,
                     const char *name, struct image_imported *out)
{
    static struct making making;
    memset(&making, 0, sizeof making);
    making.read = making.write = making.staging = making.child.config = making.child.root = -1;
    making.child.manifest_file = -1;
    rc result = prepare(trail, &making, in, folder);
    if (rc_ok(result))
        result = unpack_apart(trail, &making, out);
    if (rc_ok(result) && out->reason == REASON_OK)
        result = publish(trail, &making, folder, name);
    clear(&making);
    if (!rc_ok(result) || out->reason != REASON_OK) {
        rc swept = sweep(NULL, folder); /* what stays now, the next one sweeps */
        (void)swept;
    }
    return result;
}

rc image_import(struct trail *trail, const struct image_import *in, struct image_imported *out)
{
    char name[IMAGE_PATH_MAX];
    struct stat is;
    auto_fd int folder = -1;
    *out = (struct image_imported){ .reason = REASON_OK };
    name_of(name, in->digest);
    TRY(trail, open_images(trail, in->folder, &folder));
    if (fstatat(folder, name, &is, AT_SYMLINK_NOFOLLOW) == 0) {
        out->existed = true;
        return RC_SUCCESS;
    }
    TRY(trail, check_room(trail, folder));
    return import_new(trail, in, folder, name, out);
}

/* --- what is held ----------------------------------------------------------------------------- */

static int by_digest(const void *a, const void *b)
{
    const uint8_t *left = ((const struct image_held *)a)->digest;
    const uint8_t *right = ((const struct image_held *)b)->digest;
    for (size_t i = 0; i < IMAGE_DIGEST; i++) {
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    }
    return 0;
}

rc image_list(struct trail *trail, const char *folder, struct arena *arena, struct image_held **out,
              size_t *count)
{
    auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    TRY(trail, folder_is_own(trail, fd));
    struct image_held *list = arena_array(arena, IMAGES_MAX, sizeof *list);
    if (list == NULL)
        return FAIL(trail, RC_BUSY, FILE_E_MEMORY);
    TRY(trail, find_images(trail, fd, list, count));
    qsort(list, *count, sizeof *list, by_digest);
    *out = list;
    return RC_SUCCESS;
}

/* Whoever removes an image has it for himself first; whoever came too late finds another one there,
   or none. */
static rc lock_image(struct trail *trail, int folder, const char *name, int how, int *out)
{
    struct stat held, is;
    auto_fd int image = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (image < 0)
        return FAIL_ERRNO(trail);
    if (flock(image, how | LOCK_NB) != 0)
        return FAIL(trail, RC_BUSY, RC_ERRNO | (uint32_t)(errno == EWOULDBLOCK ? EBUSY : errno));
    if (fstat(image, &held) != 0 || fstatat(folder, name, &is, AT_SYMLINK_NOFOLLOW) != 0)
        return FAIL_ERRNO(trail);
    if (is.st_ino != held.st_ino || is.st_dev != held.st_dev)
        return FAIL_OS(trail, ENOENT);
    *out = fd_take(&image);
    return RC_SUCCESS;
}

rc image_hold(struct trail *trail, const char *folder, const uint8_t digest[IMAGE_DIGEST],
              struct arena *arena, struct image_config *config, int *out)
{
    char name[IMAGE_PATH_MAX];
    struct span text;
    auto_fd int all = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_fd int image = -1;
    name_of(name, digest);
    if (all < 0)
        return FAIL_ERRNO(trail);
    TRY(trail, folder_is_own(trail, all));
    TRY(trail, lock_image(trail, all, name, LOCK_SH, &image));
    auto_fd int file = openat(image, "config.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return FAIL_ERRNO(trail);
    TRY(trail, file_read_fd(trail, file, CONFIG_ROOM, arena, &text));
    if (!image_config_load(text, arena, config))
        return FAIL(trail, RC_PEER, RC_ERRNO | EUCLEAN);
    *out = fd_take(&image);
    return RC_SUCCESS;
}

int image_manifest_open(int image)
{
    return openat(image, manifest_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

rc image_remove(struct trail *trail, const char *folder, const uint8_t digest[IMAGE_DIGEST],
                bool *was)
{
    char name[IMAGE_PATH_MAX];
    auto_fd int fd = -1;
    name_of(name, digest);
    rc opened = open_images(NULL, folder, &fd);
    if (rc_errno(opened) == ENOENT) {
        *was = false;
        return RC_SUCCESS;
    }
    TRY(trail, opened);
    auto_fd int image = -1;
    rc locked = lock_image(NULL, fd, name, LOCK_EX, &image);
    *was = rc_ok(locked);
    if (rc_errno(locked) == ENOENT)
        return RC_SUCCESS;
    TRY(trail, locked);
    if (renameat(fd, name, fd, leaving_name) != 0)
        return FAIL_ERRNO(trail);
    return sweep(trail, fd);
}
