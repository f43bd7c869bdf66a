/* measure.c - what a sandbox begins with, for whoever measures it (sandbox.h). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "os/fd.h"
#include "sandbox/backend.h"
#include "sandbox/import.h"

/* Of a machine the very copies that it begins with: nobody but this run writes in its slot. */
static int open_copy(const struct sandbox *sandbox, const char *name)
{
    char path[SLOT_PATH];
    slot_file(&sandbox->slot, name, path);
    return open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

enum reason sandbox_measure(struct sandbox *sandbox)
{
    const struct sandbox_job *job = sandbox->job;
    if (job->measure == NULL)
        return REASON_OK;
    const bool machine = sandbox->spec.isolation == JOB_ISOLATION_VM;
    auto_fd int manifest = image_manifest_open(sandbox->held);
    if (manifest < 0)
        return sandbox_fail(sandbox, REASON_JOB_UNMEASURED, "the manifest of the image: %s",
                            strerror(errno));
    auto_fd int kernel = machine ? open_copy(sandbox, "kernel") : -1;
    auto_fd int initramfs = machine ? open_copy(sandbox, "initramfs") : -1;
    if (machine && (kernel < 0 || initramfs < 0))
        return sandbox_fail(sandbox, REASON_JOB_UNMEASURED, "what the machine begins with: %s",
                            strerror(errno));
    const struct sandbox_launch launch = { .manifest = manifest,
                                           .kernel = kernel,
                                           .initramfs = initramfs,
                                           .folder = job->job != NULL,
                                           .arguments = job->arguments,
                                           .wishes = sandbox->wishes.fd };
    char what[SANDBOX_WHAT / 2] = "";
    enum reason reason = job->measure(job->measure_arg, &launch, what);
    return reason == REASON_OK ? reason : sandbox_fail(sandbox, reason, "%s", what);
}
