/* image.c - see image.h. */
#include "cmd/image.h"

#include <errno.h>

#include "os/file.h"
#include "sandbox/sandbox.h"

const char *image_folder(const struct invocation *in, size_t option)
{
    return in->values[option] != NULL ? in->values[option] : "ward-images";
}

void image_sweep(const struct invocation *in)
{
    struct trail trail = { 0 };
    rc swept = sandbox_sweep(&trail);
    if (!rc_ok(swept))
        note(in, "%s: what a killed job left stays: %s", in->command->name, file_error_text(swept));
}

bool image_digest(const struct invocation *in, const char *text, uint8_t out[IMAGE_DIGEST])
{
    if (image_digest_read(span_text(text), out))
        return true;
    say("%s: \"%s\" is no digest: an image is named by \"sha256:\" and 64 hex digits, not by a "
        "tag, "
        "which can be moved",
        in->command->name, text);
    return false;
}

enum exit_code image_failed(const struct invocation *in, const char *folder, rc failure)
{
    if (rc_errno(failure) == EBUSY) {
        say("%s: a job uses this image: try again when it has ended", in->command->name);
        return EXIT_CONFLICT;
    }
    if (rc_number(failure) == FILE_E_TOO_MANY)
        say("%s: %s: there is room for %d images: remove some", in->command->name, folder,
            IMAGES_MAX);
    else
        say("%s: %s: %s", in->command->name, folder, file_error_text(failure));
    return EXIT_USAGE;
}
