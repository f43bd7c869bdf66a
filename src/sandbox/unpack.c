/* unpack.c - see unpack.h. */
#include "sandbox/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/tar.h"
#include "crypto/hash.h"
#include "os/fd.h"
#include "os/gzip.h"
#include "os/tree.h"

enum { PIECE = 64 << 10, SPARE = 64 << 20, IDS_MAX = 65536, MODE_KEPT = 01777 };

/* Tar around a file: headers, and what fills the last block. */
enum { AROUND_ENTRY = 2048, AROUND_LAYERS = 1 << 20 };

/* One layer on its way. */
struct layer {
    struct unpack *unpack;
    const struct archive_blob *blob;
    enum image_packing packing;
    struct arena arena;
    struct gzip_reader gzip;
    uint64_t left;           /* of a plain one */
    uint64_t unpacked, most; /* and past it it is refused */
    struct tar tar;
    int file;            /* that is being written; -1: none */
    int64_t mtime;       /* of it: writing would change it */
    enum reason charged; /* of folders that were made on the way to a name */
    struct tar_entry entry;
    char name[IMAGE_PATH_MAX + 1];
    char target[IMAGE_PATH_MAX + 1];
};

static enum reason fail(struct layer *layer, enum reason reason, const char *what)
{
    struct sink where = sink_over(layer->unpack->where, REPORT_WHERE - 1);
    struct span name = layer->entry.path;
    sink_put(&where, span_of(name.at, name.len < REPORT_WHERE - 1 ? name.len : REPORT_WHERE - 2));
    layer->unpack->where[where.len] = 0;
    layer->unpack->what = what;
    return reason;
}

/* Between two entries the name of the last one may be written over by what comes next. */
static void leave_entry(struct layer *layer)
{
    layer->entry = (struct tar_entry){ 0 };
}

static enum reason fail_whole(struct layer *layer, enum reason reason, const char *what)
{
    leave_entry(layer);
    return fail(layer, reason, what);
}

/* errno says why: the disk, or a name that cannot be made because of what the image has there. */
static enum reason cannot(struct layer *layer)
{
    static const int of_the_disk[] = { ENOSPC, EDQUOT, EIO,    EROFS, ENFILE,
                                       EMFILE, ENOMEM, EACCES, EFBIG };
    bool disk = false;
    for (size_t i = 0; i < COUNT_OF(of_the_disk); i++)
        disk = disk || errno == of_the_disk[i];
    if (errno == ENOTDIR || errno == ELOOP)
        return fail(layer, REASON_IMAGE_PATH, "a name through a link, or through a file");
    return fail(layer, disk ? REASON_HOUSE_STATE_UNUSABLE : REASON_IMAGE_PATH, strerror(errno));
}

/* What all layers together may unpack to, what the first ones left of it, and so many times as
   large as it is. */
static uint64_t most_of(const struct layer *layer)
{
    const struct unpack_limits *limits = &layer->unpack->limits;
    uint64_t all, most;
    if (__builtin_add_overflow(limits->bytes,
                               (uint64_t)limits->entries * AROUND_ENTRY + AROUND_LAYERS, &all))
        all = UINT64_MAX;
    all = all > layer->unpack->unpacked ? all - layer->unpack->unpacked : 0;
    if (__builtin_mul_overflow(layer->blob->size, limits->ratio, &most) ||
        __builtin_add_overflow(most, (uint64_t)SPARE, &most))
        most = UINT64_MAX;
    return most < all ? most : all;
}

/* One more file or folder, and bytes of it. */
static enum reason charge(struct layer *layer, uint64_t bytes)
{
    struct unpack *unpack = layer->unpack;
    uint64_t taken;
    if (++unpack->inodes > unpack->limits.entries)
        return fail(layer, REASON_IMAGE_TOO_LARGE, "too many entries");
    if (__builtin_add_overflow(unpack->bytes, bytes, &unpack->bytes) ||
        __builtin_add_overflow(unpack->bytes, (uint64_t)unpack->inodes * UNPACK_INODE, &taken) ||
        taken > unpack->limits.bytes)
        return fail(layer, REASON_IMAGE_TOO_LARGE, "too many bytes");
    return REASON_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum reason begin(struct layer *layer)
{
    struct unpack *unpack = layer->unpack;
    layer->arena = arena_over(unpack->memory, UNPACK_MEMORY);
    layer->left = layer->blob->size;
    layer->unpacked = 0;
    memset(&layer->tar, 0, sizeof layer->tar);
    leave_entry(layer);
    if (lseek(unpack->archive->fd, (off_t)layer->blob->at, SEEK_SET) < 0)
        return cannot(layer);
    if (layer->packing == IMAGE_GZIP &&
        !rc_ok(gzip_read_begin_part(NULL, &layer->gzip, &layer->arena, unpack->archive->fd,
                                    layer->blob->size)))
        return fail(layer, REASON_OUT_OF_MEMORY, "no memory");
    return REASON_OK;
}

/* The next bytes of the tar; *len 0 at its end. */
static enum reason read_piece(struct layer *layer, uint8_t piece[PIECE], size_t *len)
{
    ssize_t got;
    if (layer->packing == IMAGE_GZIP) {
        if (!rc_ok(gzip_read(NULL, &layer->gzip, piece, PIECE, len)))
            return fail_whole(layer, REASON_IMAGE_FORMAT, "a layer that is no gzip, or damaged");
    } else {
        got = fd_read(layer->unpack->archive->fd, piece,
                      layer->left < PIECE ? (size_t)layer->left : PIECE);
        if (got < 0) {
            leave_entry(layer);
            return cannot(layer);
        }
        layer->left -= (uint64_t)got;
        *len = (size_t)got;
    }
    layer->unpacked += *len;
    if (layer->unpacked > layer->most)
        return fail_whole(layer, REASON_IMAGE_TOO_LARGE,
                          "a layer that unpacks to much more than it is");
    return REASON_OK;
}

/* What is done with an entry, and with the bytes of a file. */
struct visitor {
    enum reason (*entry)(struct layer *layer);
    enum reason (*data)(struct layer *layer, struct span bytes);
};

static enum reason visit_piece(struct layer *layer, const struct visitor *visitor,
                               struct span piece)
{
    struct tar_step step;
    enum tar_event event;
    while ((event = tar_next(&layer->tar, &piece, &step)) != TAR_MORE) {
        enum reason reason = REASON_OK;
        if (event == TAR_REFUSED)
            return fail_whole(layer, REASON_IMAGE_FORMAT, step.what);
        if (event == TAR_ENTRY) {
            layer->entry = step.entry;
            reason = visitor->entry(layer);
        } else {
            reason = visitor->data(layer, step.data);
        }
        if (reason != REASON_OK)
            return reason;
    }
    return REASON_OK;
}

static bool close_file(struct layer *layer)
{
    const struct timespec times[2] = { { .tv_sec = layer->mtime }, { .tv_sec = layer->mtime } };
    bool ok = layer->file < 0 || futimens(layer->file, times) == 0;
    fd_close(&layer->file);
    return ok;
}

/* Reads the whole layer; with `sum` its hash. */
static enum reason visit(struct layer *layer, const struct visitor *visitor,
                         uint8_t sum[IMAGE_DIGEST])
{
    static uint8_t piece[PIECE];
    struct hash_pieces pieces;
    size_t len = 1;
    enum reason reason = begin(layer);
    hash_pieces_begin(&pieces, HASH_SHA256);
    while (reason == REASON_OK && len > 0) {
        reason = read_piece(layer, piece, &len);
        if (reason == REASON_OK) {
            hash_pieces_more(&pieces, span_of(piece, len));
            reason = visit_piece(layer, visitor, span_of(piece, len));
        }
    }
    hash_pieces_end(&pieces, sum);
    bool closed = close_file(layer);
    if (reason != REASON_OK)
        return reason;
    leave_entry(layer);
    if (!closed)
        return cannot(layer);
    if (!tar_is_whole(&layer->tar))
        return fail(layer, REASON_IMAGE_FORMAT, "a layer that is cut short");
    return REASON_OK;
}

/* --- taking away ------------------------------------------------------------------------------ */

static bool is_done(rc result)
{
    errno = rc_errno(result);
    return rc_ok(result);
}

/* A name with all below it, no link followed; one that is not there is no failure.  Nothing lies so
   deep that a folder would have to be moved up first, which the list of calls does not allow. */
static bool remove_name(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT || errno == ENOTDIR)
        return true;
    return errno == EISDIR && is_done(tree_remove_at(NULL, folder, name));
}

_Static_assert((int)IMAGE_DEPTH_MAX < (int)TREE_DEPTH_MAX, "an image would be too deep");

/* One step down; -1. */
static int open_part(struct layer *layer, int above, const char *part, bool make)
{
    if (make && mkdirat(above, part, 0755) != 0) {
        if (errno != EEXIST)
            return -1;
        make = false;
    }
    if (make)
        layer->charged = charge(layer, 0);
    return openat(above, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The folder that a plain name lies in, and what it is called there; -1.  Step by step and through
   no link: a name through one could lie deeper than any name is long, and nobody could remove it.
   With `make` folders that are not there are made. */
static int walk_above(struct layer *layer, char *name, bool make, const char **called)
{
    auto_fd int at = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *part = name;
    char *slash;
    layer->charged = REASON_OK;
    while (layer->charged == REASON_OK && at >= 0 && (slash = strchr(part, '/')) != NULL) {
        auto_fd int above = fd_take(&at);
        *slash = 0;
        at = open_part(layer, above, part, make);
        *slash = '/';
        part = slash + 1;
    }
    *called = part;
    return layer->charged == REASON_OK ? fd_take(&at) : -1;
}

static enum reason open_above(struct layer *layer, char *name, bool make, int *out,
                              const char **called)
{
    int above = walk_above(layer, name, make, called);
    if (layer->charged != REASON_OK)
        return layer->charged;
    if (above < 0)
        return cannot(layer);
    *out = above;
    return REASON_OK;
}

/* Nothing of lower layers can have such a name. */
static bool is_nowhere(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/* Nothing of the layer itself is written yet: so a mark takes away what lower layers have, wherever
   it stands. */
static enum reason white_out(struct layer *layer, enum image_entry kind)
{
    const char *called = "";
    auto_fd int above = walk_above(layer, layer->name, false, &called);
    if (above < 0)
        return is_nowhere(errno) ? REASON_OK : cannot(layer);
    if (kind == IMAGE_ENTRY_WHITEOUT)
        return remove_name(above, called) ? REASON_OK : cannot(layer);
    auto_fd int folder = openat(above, called[0] == 0 ? "." : called,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return is_nowhere(errno) ? REASON_OK : cannot(layer);
    return is_done(tree_empty(NULL, folder)) ? REASON_OK : cannot(layer);
}

/* --- the first reading ---------------------------------------------------------------------- */

/* What is asked of every entry each time it is read; its plain name is in layer->name. */
static enum reason judge_entry(struct layer *layer, enum image_entry *kind)
{
    switch (layer->entry.kind) {
    case TAR_FILE:
    case TAR_HARD_LINK:
    case TAR_SYMBOLIC_LINK:
    case TAR_FOLDER:
        break;
    case TAR_NONE:
    case TAR_CHARACTER:
    case TAR_BLOCK_DEVICE:
    case TAR_FIFO:
        return fail(layer, REASON_IMAGE_ENTRY, "a device, a pipe or worse");
    }
    *kind = image_entry_read(layer->entry.path, layer->name);
    if (*kind == IMAGE_ENTRY_NONE)
        return fail(layer, REASON_IMAGE_PATH, "a name that leads out of the image");
    if (*kind == IMAGE_ENTRY_ROOT && layer->entry.kind != TAR_FOLDER)
        return fail(layer, REASON_IMAGE_PATH, "an image's own folder that is none");
    if (layer->entry.uid >= IDS_MAX || layer->entry.gid >= IDS_MAX)
        return fail(layer, REASON_IMAGE_ENTRY, "an owner past 65535");
    return REASON_OK;
}

static enum reason look_at_entry(struct layer *layer)
{
    enum image_entry kind = IMAGE_ENTRY_NONE;
    enum reason reason = judge_entry(layer, &kind);
    layer->unpack->entries++;
    if (reason == REASON_OK)
        reason = charge(layer, layer->entry.size);
    if (reason == REASON_OK && (kind == IMAGE_ENTRY_WHITEOUT || kind == IMAGE_ENTRY_OPAQUE))
        reason = white_out(layer, kind);
    return reason;
}

static enum reason pass_over(struct layer *layer, struct span bytes)
{
    (void)layer;
    (void)bytes;
    return REASON_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool make_folder(int above, const char *name)
{
    struct stat is;
    if (fstatat(above, name, &is, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(is.st_mode))
        return true;
    return remove_name(above, name) && mkdirat(above, name, 0755) == 0;
}

/* A link to another file of the image; never to what a symbolic link leads to. */
static enum reason make_hard_link(struct layer *layer, int above, const char *name)
{
    const char *called = "";
    auto_fd int other = -1;
    if (image_entry_read(layer->entry.target, layer->target) != IMAGE_ENTRY_PLAIN)
        return fail(layer, REASON_IMAGE_PATH, "a link that leads out of the image");
    enum reason reason = open_above(layer, layer->target, false, &other, &called);
    if (reason != REASON_OK)
        return reason;
    return linkat(other, called, above, name, 0) == 0 ? REASON_OK : cannot(layer);
}

static bool make_symbolic_link(struct layer *layer, int above, const char *name)
{
    struct sink target = sink_over(layer->target, sizeof layer->target);
    sink_put(&target, layer->entry.target);
    sink_terminate(&target);
    if (!sink_ok(&target))
        errno = ENAMETOOLONG;
    return sink_ok(&target) && symlinkat(layer->target, above, name) == 0;
}

/* What stands in the way goes: an entry takes the place of what lower layers have there. */
static enum reason make_entry(struct layer *layer, int above, const char *name)
{
    const struct tar_entry *entry = &layer->entry;
    bool ok;
    if (entry->kind == TAR_FOLDER)
        return make_folder(above, name) ? REASON_OK : cannot(layer);
    if (!remove_name(above, name))
        return cannot(layer);
    if (entry->kind == TAR_HARD_LINK)
        return make_hard_link(layer, above, name);
    if (entry->kind == TAR_SYMBOLIC_LINK) {
        ok = make_symbolic_link(layer, above, name);
    } else {
        layer->file = openat(above, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                             0600);
        ok = layer->file >= 0;
    }
    return ok ? REASON_OK : cannot(layer);
}

/* The root of a namespace may not have the owner that is named, and some disks know none: nothing
   of that is the image's fault. */
static enum reason give_away(struct layer *layer, int above, const char *name)
{
    const struct tar_entry *entry = &layer->entry;
    if (!layer->unpack->owns ||
        fchownat(above, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) == 0)
        return REASON_OK;
    if (errno == EINVAL || errno == EPERM)
        return fail(layer, REASON_HOUSE_STATE_UNUSABLE,
                    "files cannot be given to the owners that the image names");
    return cannot(layer);
}

/* Owner, then mode (which giving away may change), then time.  A hard link has those of its file,
   and a symbolic link no mode. */
static enum reason dress_entry(struct layer *layer, int above, const char *name)
{
    const struct tar_entry *entry = &layer->entry;
    const struct timespec times[2] = { { .tv_sec = entry->mtime }, { .tv_sec = entry->mtime } };
    if (entry->kind == TAR_HARD_LINK)
        return REASON_OK;
    enum reason reason = give_away(layer, above, name);
    if (reason != REASON_OK)
        return reason;
    /* Where files are this user's own, folders stay such that they can be removed. */
    mode_t mode = entry->mode & MODE_KEPT;
    if (entry->kind == TAR_FOLDER && !layer->unpack->owns)
        mode |= 0700;
    if (entry->kind != TAR_SYMBOLIC_LINK && fchmodat(above, name, mode, 0) != 0)
        return cannot(layer);
    return utimensat(above, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? REASON_OK : cannot(layer);
}

static enum reason write_entry(struct layer *layer)
{
    enum image_entry kind;
    const char *name = "";
    auto_fd int above = -1;
    if (!close_file(layer))
        return cannot(layer);
    enum reason reason = judge_entry(layer, &kind);
    layer->mtime = layer->entry.mtime;
    if (reason != REASON_OK || kind == IMAGE_ENTRY_WHITEOUT || kind == IMAGE_ENTRY_OPAQUE)
        return reason;
    reason = open_above(layer, layer->name, true, &above, &name);
    if (reason != REASON_OK)
        return reason;
    if (kind == IMAGE_ENTRY_ROOT)
        return dress_entry(layer, above, ".");
    reason = make_entry(layer, above, name);
    return reason == REASON_OK ? dress_entry(layer, above, name) : reason;
}

static enum reason write_data(struct layer *layer, struct span bytes)
{
    /* Of a mark that is no empty file nothing is kept. */
    return layer->file < 0 || fd_write(layer->file, bytes) ? REASON_OK : cannot(layer);
}

/* The two readings.  The file could have been changed between them; what was found of the first one
   bounds the other.  Of a layer that is refused after the first one nothing is left either: then
   there is no image. */
static enum reason read_all(struct layer *layer, const uint8_t diff_id[IMAGE_DIGEST])
{
    static const struct visitor visitors[] = { { look_at_entry, pass_over },
                                               { write_entry, write_data } };
    uint8_t sum[IMAGE_DIGEST];
    layer->most = most_of(layer);
    for (size_t i = 0; i < COUNT_OF(visitors); i++) {
        enum reason reason = visit(layer, &visitors[i], sum);
        if (reason != REASON_OK)
            return reason;
        if (!bytes_equal(sum, diff_id, IMAGE_DIGEST))
            return fail(layer, REASON_IMAGE_DIGEST,
                        i == 0 ? "a layer that is not the one of the configuration"
                               : "a layer that changed while it was read");
        layer->most = layer->unpacked;
    }
    layer->unpack->unpacked += layer->unpacked;
    return REASON_OK;
}

enum reason unpack_layer(struct unpack *unpack, const struct image_blob *blob,
                         const uint8_t diff_id[IMAGE_DIGEST])
{
    static struct layer layer;
    memset(&layer, 0, sizeof layer);
    layer.unpack = unpack;
    layer.packing = blob->packing;
    layer.file = -1;
    enum reason reason = archive_find(unpack->archive, blob->digest, blob->size, &layer.blob,
                                      &unpack->what);
    /* Before all of it is read: a file with holes may have any size. */
    if (reason == REASON_OK && layer.blob->size > most_of(&layer))
        return fail(&layer, REASON_IMAGE_TOO_LARGE, "too many bytes");
    if (reason == REASON_OK)
        reason = archive_check(unpack->archive, layer.blob, &unpack->what);
    return reason == REASON_OK ? read_all(&layer, diff_id) : reason;
}
