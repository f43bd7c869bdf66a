/* image_import.c - `ward image import`: an OCI archive becomes an image of jobs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/image.h"
#include "cmd/progress.h"
#include "job/size.h"
#include "os/fd.h"

enum { OPT_IMAGES, OPT_MAX_SIZE, OPT_JSON };
enum { ENTRIES_MAX = 1 << 20, RATIO_MAX = 256 };

static const struct option_spec options[] = {
    [OPT_IMAGES] = IMAGE_FOLDER_OPTION,
    [OPT_MAX_SIZE] = { "--max-size", "SIZE", NULL,
                       "what it may unpack to, as 512M or 8G (default: 8G)" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* In the words of OCI.  The lists of system calls are of no other (os/jail_filter.c). */
static const char architecture[] = "amd64";

static int open_archive(const char *path)
{
    struct stat is;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &is) != 0) {
        say("image import: %s: %s", path, strerror(errno));
        return -1;
    }
    if (!S_ISREG(is.st_mode)) {
        say("image import: %s: an archive is read here and there, so it must be a file", path);
        return -1;
    }
    return fd_take(&fd);
}

static bool read_size(const char *text, uint64_t *out)
{
    if (job_size_parse(span_text(text), 1, out) && *out > 0)
        return true;
    say("image import: --max-size %s: a size is a number with K, M or G after it or nothing", text);
    return false;
}

static void show_progress(void *arg, uint32_t done, uint32_t layers)
{
    progress_event(arg, done, layers);
}

static void write_json(struct sink *out, const char *digest, const struct image_imported *made)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    config_json_text(&json, "digest", digest);
    config_json_text(&json, "reason", reason_info(made->reason)->name);
    config_json_text(&json, "detail", made->what);
    config_json_text(&json, "entry", made->where);
    json_put_key(&json, "existed");
    json_put_bool(&json, made->existed);
    json_put_key(&json, "layers");
    json_put_u64(&json, made->layers);
    json_put_key(&json, "entries");
    json_put_u64(&json, made->entries);
    json_put_key(&json, "bytes");
    json_put_u64(&json, made->bytes);
    json_end_object(&json);
    sink_text(out, "\n");
}

/* An entry's name is the archive's: it is cut where a text of ours would not be readable. */
static enum exit_code refused(const char *archive, const struct image_imported *made)
{
    const struct reason_info *info = reason_info(made->reason);
    say("image import: %s: %s%s%s%s%s%s", archive, info->name, made->what[0] == 0 ? "" : ": ",
        made->what, made->where[0] == 0 ? "" : " (entry \"", made->where,
        made->where[0] == 0 ? "" : "\")");
    say("%s %s", info->cause, info->help);
    return info->class == RC_DENIED ? EXIT_NO : EXIT_USAGE;
}

static enum exit_code finish(struct invocation *in, const struct image_imported *made)
{
    const char *digest = in->operands[1];
    char text[64];
    struct sink out;
    if (option_given(in, OPT_JSON)) {
        if (!config_print_begin(in, &out))
            return EXIT_INTERNAL;
        write_json(&out, digest, made);
        if (!config_print_end(&out))
            return EXIT_INTERNAL;
        return made->reason == REASON_OK ? EXIT_DONE : refused(in->operands[0], made);
    }
    if (made->reason != REASON_OK)
        return refused(in->operands[0], made);
    if (made->existed) {
        printf("%s is there already\n", digest);
        return EXIT_DONE;
    }
    out = sink_over(text, sizeof text);
    job_size_write(&out, made->bytes);
    sink_terminate(&out);
    printf("%s: %u layers, %u entries, %s\n", digest, made->layers, made->entries, text);
    return EXIT_DONE;
}

static enum exit_code run(struct invocation *in)
{
    struct trail trail = { 0 };
    struct progress progress;
    struct image_imported made;
    struct image_import import = { .folder = image_folder(in, OPT_IMAGES),
                                   .architecture = architecture,
                                   .limits = { UINT64_C(8) << 30, ENTRIES_MAX, RATIO_MAX },
                                   .progress = show_progress,
                                   .arg = &progress };
    const char *size = in->values[OPT_MAX_SIZE];
    if (!image_digest(in, in->operands[1], import.digest) ||
        (size != NULL && !read_size(size, &import.limits.bytes)))
        return EXIT_USAGE;
    auto_fd int archive = open_archive(in->operands[0]);
    if (archive < 0)
        return EXIT_USAGE;
    import.archive = archive;
    if (mkdir(import.folder, 0700) != 0 && errno != EEXIST) {
        say("image import: %s: %s", import.folder, strerror(errno));
        return EXIT_USAGE;
    }
    image_sweep(in);
    progress_begin(&progress, in, "unpacking layers");
    rc result = image_import(&trail, &import, &made);
    progress_end(&progress);
    return rc_ok(result) ? finish(in, &made) : image_failed(in, import.folder, result);
}

const struct command command_image_import = {
    .name = "image import",
    .operands = "ARCHIVE DIGEST",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "take an image of jobs from an OCI archive",
    .description =
        "Takes one image out of an OCI archive (a tar, as `skopeo copy ... oci-archive:FILE` and\n"
        "`docker save` write it) and unpacks it for jobs.  DIGEST is that of the image's "
        "manifest,\n"
        "\"sha256:\" and 64 hex digits: it is the only name that an image has here, for a tag is\n"
        "whatever somebody says today.  The manifest, the configuration and every layer must have\n"
        "the SHA-256 by which they are named, packed and unpacked.\n"
        "\n"
        "The archive is read in a process of its own that sees the folder it fills and nothing\n"
        "else.  Names that lead out of the image, devices, pipes, and what unpacks to more than\n"
        "--max-size or to 256 times its size are refused; set-user-id bits and extended "
        "attributes\n"
        "are left out.  A refused archive leaves nothing behind.  Without root all files are\n"
        "yours.",
    .example = "ward image import python.tar sha256:DIGEST",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "image.json#/$defs/import",
    .run = run,
};
