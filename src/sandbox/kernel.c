/* kernel.c - see kernel.h. */
#include "sandbox/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/cpio_write.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/tree.h"

static const char place[] = "machine", staging_name[] = "machine.incomplete";

enum {
    MODULE_MAX = 8 << 20,
    GUEST_MAX = 16 << 20,
    BUILTIN_MAX = 1 << 20,
    MEMORY_MAX = 4 * KERNEL_MAX,
    MAGIC_AT = 0x202, /* Documentation/arch/x86/boot: "HdrS" */
};

/* In the order in which they are loaded: virtio_ring has what virtio asks for. */
static const char *const modules[] = {
    "kernel/drivers/virtio/virtio_ring.ko",
    "kernel/drivers/virtio/virtio.ko",
    "kernel/drivers/virtio/virtio_pci_legacy_dev.ko",
    "kernel/drivers/virtio/virtio_pci_modern_dev.ko",
    "kernel/drivers/virtio/virtio_pci.ko",
    "kernel/drivers/char/virtio_console.ko",
    "kernel/drivers/block/virtio_blk.ko",
    "kernel/fs/squashfs/squashfs.ko",
    "kernel/fs/overlayfs/overlay.ko",
    "kernel/net/core/failover.ko",
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/net/virtio_net.ko",
};

/* For jobs that hide something: without it a guest hides it all the same, and nobody hears. */
static const char fuse[] = "kernel/fs/fuse/fuse.ko";

struct making {
    const struct kernel_build *in;
    struct kernel_built *out;
    struct arena arena;
    struct span builtin; /* the modules that the kernel has in itself, a line each */
};

static rc refuse(struct making *making, const char *what, const char *path, rc why)
{
    making->out->refused = true;
    snprintf(making->out->what, sizeof making->out->what, "%.160s: %s%s%s", path, what,
             rc_ok(why) ? "" : ": ", rc_ok(why) ? "" : file_error_text(why));
    return RC_SUCCESS;
}

static bool is_builtin(const struct making *making, const char *module)
{
    const struct span list = making->builtin;
    const size_t len = strlen(module);
    for (size_t at = 0; at < list.len;) {
        const uint8_t *end = memchr(list.at + at, '\n', list.len - at);
        const size_t line = end == NULL ? list.len - at : (size_t)(end - list.at) - at;
        if (line == len && span_equal_text(span_of(list.at + at, line), module))
            return true;
        at += line + 1;
    }
    return false;
}

static rc put_module(struct making *making, struct cpio_writer *archive, size_t number,
                     const char *module)
{
    char path[PATH_MAX], name[NAME_MAX];
    struct span bytes;
    struct trail trail = { 0 };
    if (is_builtin(making, module))
        return RC_SUCCESS;
    snprintf(path, sizeof path, "%.3900s/%s", making->in->modules, module);
    rc read = file_read_plain(&trail, path, MODULE_MAX, &making->arena, &bytes);
    if (!rc_ok(read) && module == fuse && rc_errno(read) == ENOENT)
        return RC_SUCCESS;
    if (!rc_ok(read))
        return refuse(making, "a module that a guest needs", path, read);
    snprintf(name, sizeof name, "modules/%02zu-%s", number, strrchr(module, '/') + 1);
    cpio_put_file(archive, name, 0444, bytes);
    return RC_SUCCESS;
}

static rc put_modules(struct making *making, struct cpio_writer *archive)
{
    for (size_t i = 0; i < COUNT_OF(modules) && !making->out->refused; i++)
        TRY(NULL, put_module(making, archive, i, modules[i]));
    return making->out->refused ? RC_SUCCESS : put_module(making, archive, COUNT_OF(modules), fuse);
}

static rc make_initramfs(struct making *making, struct span *out)
{
    struct trail trail = { 0 };
    struct span guest;
    uint8_t *room = arena_room(&making->arena, KERNEL_MAX);
    if (room == NULL)
        return FAIL(NULL, RC_BUSY, FILE_E_MEMORY);
    struct sink bytes = sink_over(room, KERNEL_MAX);
    struct cpio_writer archive = { .out = &bytes };
    rc read = file_read(&trail, making->in->guest, GUEST_MAX, &making->arena, &guest);
    if (!rc_ok(read))
        return refuse(making, "ward-guest", making->in->guest, read);
    cpio_put_folder(&archive, "modules", 0755);
    cpio_put_file(&archive, "init", 0555, guest);
    TRY(NULL, put_modules(making, &archive));
    cpio_put_end(&archive);
    if (!sink_ok(&bytes))
        return refuse(making, "the initramfs is larger than 64 MiB", making->in->modules,
                      RC_SUCCESS);
    *out = sink_bytes(&bytes);
    return RC_SUCCESS;
}

static rc read_all(struct making *making, struct span *kernel, struct span *initramfs)
{
    char path[PATH_MAX];
    struct trail trail = { 0 };
    const struct kernel_build *in = making->in;
    rc read = file_read(&trail, in->kernel, KERNEL_MAX, &making->arena, kernel);
    if (!rc_ok(read))
        return refuse(making, "the kernel", in->kernel, read);
    if (kernel->len < MAGIC_AT + 4 || !span_equal_text(span_of(kernel->at + MAGIC_AT, 4), "HdrS"))
        return refuse(making, "it is no bzImage", in->kernel, RC_SUCCESS);
    snprintf(path, sizeof path, "%.3900s/modules.builtin", in->modules);
    read = file_read_plain(&trail, path, BUILTIN_MAX, &making->arena, &making->builtin);
    if (!rc_ok(read))
        return refuse(making, "this is no folder of modules", path, read);
    TRY(NULL, make_initramfs(making, initramfs));
    hash_sha256(*kernel, making->out->kernel);
    hash_sha256(*initramfs, making->out->initramfs);
    return RC_SUCCESS;
}

static rc write_one(struct trail *trail, int folder, const char *name, struct span bytes)
{
    auto_fd int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0 || !fd_write(fd, bytes) || fsync(fd) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* In the place of what was there, in one step. */
static rc publish(struct trail *trail, int folder)
{
    if (renameat2(folder, staging_name, folder, place, RENAME_EXCHANGE) != 0 &&
        (errno != ENOENT || renameat(folder, staging_name, folder, place) != 0))
        return FAIL_ERRNO(trail);
    if (fsync(folder) != 0)
        return FAIL_ERRNO(trail);
    return tree_remove_at(trail, folder, staging_name);
}

static rc write_all(struct trail *trail, const char *path, struct span kernel,
                    struct span initramfs)
{
    auto_fd int folder = -1;
    bool held;
    TRY(trail, folder_lock(trail, path, &folder, &held));
    if (!held)
        return FAIL_OS(trail, ENOLCK);
    TRY(trail, folder_is_own(trail, folder));
    TRY(trail, tree_remove_at(trail, folder, staging_name));
    if (mkdirat(folder, staging_name, 0700) != 0)
        return FAIL_ERRNO(trail);
    auto_fd int staging = openat(folder, staging_name,
                                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (staging < 0)
        return FAIL_ERRNO(trail);
    rc written = write_one(trail, staging, "kernel", kernel);
    if (rc_ok(written))
        written = write_one(trail, staging, "initramfs", initramfs);
    if (rc_ok(written))
        return publish(trail, folder);
    rc removed = tree_remove_at(NULL, folder, staging_name);
    (void)removed; /* what stays, the next one removes */
    return written;
}

rc kernel_build(struct trail *trail, const struct kernel_build *in, struct kernel_built *out)
{
    struct making making = { .in = in, .out = out };
    struct span kernel = { 0 }, initramfs = { 0 };
    *out = (struct kernel_built){ 0 };
    arena_init(&making.arena, MEMORY_MAX);
    rc result = read_all(&making, &kernel, &initramfs);
    if (rc_ok(result) && !out->refused)
        result = write_all(trail, in->folder, kernel, initramfs);
    arena_fini(&making.arena);
    return result;
}

rc kernel_open(struct trail *trail, const char *images, int *out)
{
    auto_fd int folder = open(images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return FAIL_ERRNO(trail);
    TRY(trail, folder_is_own(trail, folder));
    auto_fd int machine = openat(folder, place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (machine < 0)
        return FAIL_ERRNO(trail);
    *out = fd_take(&machine);
    return RC_SUCCESS;
}
