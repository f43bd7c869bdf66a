/* measure_read.c - see measure.h. */
#include <errno.h>
#include <fcntl.h>

#include "cmd/input.h"
#include "cmd/measure.h"
#include "crypto/hash.h"
#include "job/guest_talk.h"
#include "job/image.h"
#include "job/spec.h"
#include "os/fd.h"
#include "os/file.h"
#include "sandbox/kernel.h"

static bool read_spec(struct invocation *in, size_t first, struct measuring *m)
{
    struct ward_bytes bytes;
    struct job_spec spec;
    struct toml_problems *problems = arena_alloc(&in->arena, sizeof *problems);
    if (problems == NULL || !input_file(&in->arena, in->operands[first], JOB_SPEC_MAX, &bytes))
        return false;
    const struct span text = span_of(bytes.data, bytes.len);
    m->file = bytes.name;
    hash_sha256(text, m->launch.spec);
    if (!job_spec_load(text, &in->arena, &spec, problems) ||
        !image_digest_read(spec.image, m->launch.image)) {
        say("measure: %s is no specification: `ward spec check` says all that is wrong with it",
            bytes.name);
        return false;
    }
    m->launch.machine = spec.isolation == JOB_ISOLATION_VM;
    return true;
}

static bool read_arguments(struct invocation *in, size_t first, struct measuring *m)
{
    const size_t count = in->operand_count - first - 1;
    struct span *items = arena_array(&in->arena, count, sizeof *items);
    for (size_t i = 0; i < count && items != NULL; i++)
        items[i] = span_text(in->operands[first + i + 1]);
    if (items != NULL)
        sim_launch_arguments((struct span_list){ items, count }, m->launch.arguments);
    return items != NULL;
}

static rc hash_of(struct invocation *in, int folder, const char *name, uint8_t out[SIM_LAUNCH_HASH])
{
    struct span bytes;
    auto_fd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(NULL);
    TRY(NULL, file_read_fd(NULL, fd, KERNEL_MAX, &in->arena, &bytes));
    hash_sha256(bytes, out);
    return RC_SUCCESS;
}

static bool read_machine(struct invocation *in, struct measuring *m)
{
    const char *images = image_folder(in, MEASURE_IMAGES);
    auto_fd int folder = -1;
    if (!m->launch.machine)
        return true;
    rc done = kernel_open(NULL, images, &folder);
    if (rc_ok(done))
        done = hash_of(in, folder, "kernel", m->launch.kernel);
    if (rc_ok(done))
        done = hash_of(in, folder, "initramfs", m->launch.initramfs);
    m->launch.command_line = span_text(MACHINE_COMMAND_LINE);
    if (!rc_ok(done))
        say("measure: %s has no kernel for machines (`ward image build`): %s", images,
            file_error_text(done));
    return rc_ok(done);
}

bool measure_read(struct invocation *in, size_t first, struct measuring *out)
{
    *out = (struct measuring){ .launch = { .folder = option_given(in, MEASURE_FOLDER) } };
    return read_spec(in, first, out) && read_arguments(in, first, out) && read_machine(in, out);
}
