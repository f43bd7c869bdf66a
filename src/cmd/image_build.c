/* image_build.c - `ward image build`: what virtual machines of jobs begin with. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/home.h"
#include "cmd/image.h"
#include "sandbox/kernel.h"

enum { OPT_IMAGES, OPT_JSON };

static const struct option_spec options[] = {
    [OPT_IMAGES] = IMAGE_FOLDER_OPTION,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static void write_text(struct sink *out, const struct kernel_built *built)
{
    sink_text(out, "kernel     sha256:");
    sink_hex(out, SPAN(built->kernel));
    sink_text(out, "\ninitramfs  sha256:");
    sink_hex(out, SPAN(built->initramfs));
    sink_text(out, "\n");
}

static void write_json(struct sink *out, const struct kernel_built *built)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "kernel");
    json_put_hex(&json, SPAN(built->kernel));
    json_put_key(&json, "initramfs");
    json_put_hex(&json, SPAN(built->initramfs));
    json_end_object(&json);
    sink_text(out, "\n");
}

static enum exit_code run(struct invocation *in)
{
    struct trail trail = { 0 };
    struct kernel_built built;
    char guest[PATH_MAX];
    struct sink out;
    const char *folder = image_folder(in, OPT_IMAGES);
    const struct kernel_build build = {
        .folder = folder, .kernel = in->operands[0], .modules = in->operands[1], .guest = guest
    };
    if (!home_guest(guest, sizeof guest)) {
        say("image build: ward-guest is not where this program was installed (../libexec/ward)");
        return EXIT_INTERNAL;
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        say("image build: %s: %s", folder, strerror(errno));
        return EXIT_USAGE;
    }
    rc result = kernel_build(&trail, &build, &built);
    if (!rc_ok(result))
        return image_failed(in, folder, result);
    if (built.refused) {
        say("image build: %s", built.what);
        return EXIT_USAGE;
    }
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    if (option_given(in, OPT_JSON))
        write_json(&out, &built);
    else
        write_text(&out, &built);
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_image_build = {
    .name = "image build",
    .operands = "KERNEL MODULES",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "make what virtual machines of jobs begin with",
    .description =
        "Makes a kernel and an initramfs for the virtual machines of jobs, and keeps them in\n"
        "the folder of the images.  KERNEL is a Linux kernel for this processor (a bzImage), and\n"
        "MODULES the folder of its modules (lib/modules/VERSION).  The initramfs has the modules\n"
        "for virtio, squashfs, overlayfs and, where there is one, FUSE that KERNEL has not in\n"
        "itself, and the program ward-guest; the same files make the same initramfs, to the byte.\n"
        "\n"
        "What was there is replaced in one step.  Prints the SHA-256 of both.  The script\n"
        "scripts/guest-kernel of the source tree gets Debian's kernel for clouds.",
    .example = "ward image build guest/kernel guest/modules",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "image.json#/$defs/build",
    .run = run,
};
