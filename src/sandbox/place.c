/* place.c - see backend.h: where the paths of a policy lead in the files of a sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/utf8.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mount.h"
#include "sandbox/backend.h"

enum { SHOWN = 200, WHERE = JOB_TEXT_MAX + SLOT_PATH };

/* One path under way: what of it is there already, and as what. */
struct place {
    struct span path;
    int found;   /* the last of it that is there, links followed */
    size_t kept; /* how much of the path that is */
};

static int open_there(int top, struct span path, uint64_t flags, uint64_t resolve)
{
    char name[JOB_TEXT_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)path.len, (const char *)path.at);
    return fd_open_how(top, path.len == 0 ? "." : name, flags, resolve);
}

static const struct span job = { (const uint8_t *)"/job", 4 };

bool place_is_given(const struct sandbox *sandbox, struct span path)
{
    return sandbox->job->job != NULL && job_path_is_beneath(path, job);
}

int place_open(const struct sandbox *sandbox, struct span path, uint64_t flags)
{
    char from[SLOT_PATH];
    const bool given = place_is_given(sandbox, path);
    const size_t skipped = !given ? 0 : path.len > job.len ? job.len + 1 : job.len;
    const struct span rest = span_of(path.at + skipped, path.len - skipped);
    slot_file(&sandbox->slot, given ? "job" : "rootfs", from);
    auto_fd int top = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return open_there(top, rest, flags,
                      given ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS : RESOLVE_IN_ROOT);
}

static enum reason refuse(struct sandbox *sandbox, struct span path, const char *why)
{
    return sandbox_fail(sandbox, REASON_JOB_PATH, "%.*s: %s",
                        (int)(path.len < SHOWN ? path.len : SHOWN), (const char *)path.at, why);
}

/* Without its last name. */
static struct span above(struct span path)
{
    while (path.len > 0 && path.at[path.len - 1] != '/')
        path.len--;
    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

/* Back to what is there.  A link to nothing is not: it may lead to what the runtime has only while
   it makes the sandbox. */
static enum reason find(struct sandbox *sandbox, int top, struct place *place)
{
    struct span left = place->path;
    for (;;) {
        place->found = open_there(top, left, O_PATH,
                                  RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
        if (place->found >= 0)
            break;
        if (errno == EXDEV)
            return refuse(sandbox, place->path, "the image leads it to what the sandbox makes");
        if (errno != ENOENT || left.len == 0)
            return refuse(sandbox, place->path, strerror(errno));
        auto_fd int link = open_there(top, left, O_PATH | O_NOFOLLOW,
                                      RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
        if (link >= 0)
            return refuse(sandbox, place->path, "a link of the image leads to nothing there");
        left = above(left);
    }
    place->kept = left.len;
    return REASON_OK;
}

/* The kernel's own name of what is open. */
static bool name_of(int fd, char out[WHERE])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, WHERE);
    if (len <= 0 || len >= WHERE)
        return false;
    out[len] = 0;
    return true;
}

static enum reason tell(struct sandbox *sandbox, int top, const struct place *place,
                        struct span *out)
{
    char root[WHERE], name[WHERE], whole[JOB_TEXT_MAX + 1];
    const struct span rest = span_of(place->path.at + place->kept, place->path.len - place->kept);
    if (!name_of(top, root) || !name_of(place->found, name) ||
        !job_path_is_beneath(span_text(name), span_text(root)))
        return refuse(sandbox, place->path, "it leads out of the image");
    struct sink path = sink_over(whole, sizeof whole);
    sink_text(&path, name + strlen(root));
    sink_put(&path, rest);
    if (!sink_ok(&path) || !utf8_valid(sink_bytes(&path)))
        return refuse(sandbox, place->path, "it leads to what has no plain name");
    if (!arena_copy(sandbox->job->arena, sink_bytes(&path), out))
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the paths of the policy");
    return REASON_OK;
}

/* A file with a second name would be denied by one of the two alone. */
static bool has_another_name(int file)
{
    struct stat is;
    return fstat(file, &is) != 0 || (S_ISREG(is.st_mode) && is.st_nlink > 1);
}

/* What the runtime mounts before is not in the root yet; of that only /job has anything in it. What
   is wrong with it, or NULL. */
static const char *fault_in_job(const struct sandbox *sandbox, struct span path)
{
    if (!place_is_given(sandbox, path))
        return NULL;
    auto_fd int found = place_open(sandbox, path, O_PATH);
    if (found < 0)
        return errno == ENOENT ? NULL : "a link is on the way";
    return has_another_name(found) ? "the folder of --job has this file under another name too"
                                   : NULL;
}

static enum reason settle(struct sandbox *sandbox, int top, struct span path, struct span *out)
{
    struct place place = { .path = path, .found = -1 };
    enum reason reason = find(sandbox, top, &place);
    auto_fd int found = place.found;
    if (reason == REASON_OK)
        reason = tell(sandbox, top, &place, out);
    if (reason != REASON_OK)
        return reason;
    if (place.kept == path.len && has_another_name(found))
        return refuse(sandbox, path, "the image has this file under another name too");
    const char *fault = fault_in_job(sandbox, *out);
    return fault == NULL ? REASON_OK : refuse(sandbox, path, fault);
}

/* The outermost allowed path that this one lies in: all of it will be empty. */
static struct span covering(const struct span_list *allowed, struct span path)
{
    struct span outermost = path;
    for (size_t i = 0; i < allowed->count; i++) {
        if (job_path_is_beneath(outermost, allowed->items[i]))
            outermost = allowed->items[i];
    }
    return outermost;
}

static enum reason place_one(struct sandbox *sandbox, int top, struct span path, bool denied,
                             struct span *out)
{
    char room[JOB_TEXT_MAX + 1];
    struct span begins = covering(&sandbox->job->spec->files.allowed, path);
    const struct span rest = span_of(path.at + begins.len, path.len - begins.len);
    /* The sandbox makes it in a /dev of its own. */
    if (!span_equal_text(begins, "/dev/shm")) {
        enum reason reason = settle(sandbox, top, begins, &begins);
        if (reason != REASON_OK)
            return reason;
    }
    struct sink whole = sink_over(room, sizeof room);
    sink_put(&whole, begins);
    sink_put(&whole, rest);
    if (!sink_ok(&whole) || sandbox_makes(sink_bytes(&whole), denied))
        return refuse(sandbox, path, "the image leads it to what the sandbox makes itself");
    return arena_copy(sandbox->job->arena, sink_bytes(&whole), out)
               ? REASON_OK
               : sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the paths of the policy");
}

static enum reason place_list(struct sandbox *sandbox, int top, bool denied,
                              struct span_list *paths)
{
    const size_t count = paths->count;
    struct span *items = arena_array(sandbox->job->arena, count, sizeof *items);
    if (count > 0 && items == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the paths of the policy");
    for (size_t i = 0; i < count; i++) {
        enum reason reason = place_one(sandbox, top, paths->items[i], denied, &items[i]);
        if (reason != REASON_OK)
            return reason;
    }
    *paths = (struct span_list){ items, count };
    return REASON_OK;
}

/* What the runtime will mount over the image's own: as long as something is mounted there, a path
   that goes through it does not resolve. */
static const char *const covered[] = { "rootfs/proc", "rootfs/dev", "rootfs/sys" };
/* And of ours: by a link it would lie over another place of the image, or over all of it. */
static const char *const given[] = { "rootfs/output", "rootfs/job" };

static enum reason uncover(struct sandbox *sandbox, enum reason reason)
{
    char path[SLOT_PATH];
    struct trail trail = { 0 };
    for (size_t i = 0; i < COUNT_OF(covered); i++) {
        slot_file(&sandbox->slot, covered[i], path);
        rc removed = mount_remove(&trail, path);
        if (!rc_ok(removed) && rc_errno(removed) != ENOTDIR)
            return sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", path, file_error_text(removed));
    }
    return reason;
}

static enum reason cover(struct sandbox *sandbox)
{
    char path[SLOT_PATH];
    struct stat is;
    struct trail trail = { 0 };
    for (size_t i = 0; i < COUNT_OF(covered); i++) {
        slot_file(&sandbox->slot, covered[i], path);
        if (lstat(path, &is) != 0 && errno == ENOENT)
            continue;
        if (!S_ISDIR(is.st_mode))
            return sandbox_fail(sandbox, REASON_JOB_IMAGE, "its %s is no folder",
                                covered[i] + strlen("rootfs"));
        rc mounted = mount_memory(&trail, path, "size=4k,mode=0");
        if (!rc_ok(mounted))
            return sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", path, file_error_text(mounted));
    }
    return REASON_OK;
}

static enum reason check_given(struct sandbox *sandbox)
{
    char path[SLOT_PATH];
    struct stat is;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        slot_file(&sandbox->slot, given[i], path);
        if (lstat(path, &is) == 0 && !S_ISDIR(is.st_mode))
            return sandbox_fail(sandbox, REASON_JOB_IMAGE, "its %s is no folder",
                                given[i] + strlen("rootfs"));
    }
    return REASON_OK;
}

/* A job begins in its own files: by a link into /proc an image could name what the runtime has open
   (as in CVE-2024-21626).  One that is not there yet the runtime makes. */
static enum reason check_folder(struct sandbox *sandbox, int top)
{
    const struct span folder = sandbox->image.folder;
    auto_fd int found = open_there(top, folder, O_PATH | O_DIRECTORY,
                                   RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    if (found >= 0 || errno == ENOENT)
        return REASON_OK;
    return sandbox_fail(sandbox, REASON_JOB_IMAGE, "its folder %.*s is no folder, or behind a link",
                        (int)(folder.len < SHOWN ? folder.len : SHOWN), (const char *)folder.at);
}

enum reason places_settle(struct sandbox *sandbox)
{
    char root[SLOT_PATH];
    slot_file(&sandbox->slot, "rootfs", root);
    auto_fd int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", root, strerror(errno));
    enum reason reason = cover(sandbox);
    if (reason == REASON_OK)
        reason = check_given(sandbox);
    if (reason == REASON_OK)
        reason = check_folder(sandbox, top);
    if (reason == REASON_OK)
        reason = place_list(sandbox, top, false, &sandbox->spec.files.allowed);
    if (reason == REASON_OK)
        reason = place_list(sandbox, top, true, &sandbox->spec.files.denied);
    return uncover(sandbox, reason);
}
