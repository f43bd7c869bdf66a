/* image_remove.c - `ward image remove`: an image and all of its files go. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/image.h"

enum { OPT_IMAGES, OPT_JSON };

static const struct option_spec options[] = {
    [OPT_IMAGES] = IMAGE_FOLDER_OPTION,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code run(struct invocation *in)
{
    struct trail trail = { 0 };
    uint8_t digest[IMAGE_DIGEST];
    bool was = false;
    const char *folder = image_folder(in, OPT_IMAGES);
    if (!image_digest(in, in->operands[0], digest))
        return EXIT_USAGE;
    image_sweep(in);
    rc result = image_remove(&trail, folder, digest, &was);
    if (!rc_ok(result))
        return image_failed(in, folder, result);
    if (!was) {
        say("image remove: there is no image %s in %s", in->operands[0], folder);
        return EXIT_NOT_FOUND;
    }
    if (option_given(in, OPT_JSON))
        printf("{\"removed\":\"%s\"}\n", in->operands[0]);
    else
        printf("%s is removed\n", in->operands[0]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_image_remove = {
    .name = "image remove",
    .operands = "DIGEST",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "remove an image of jobs",
    .description = "Removes the image of that digest.  It can be imported again from its archive.",
    .example = "ward image remove sha256:DIGEST",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "image.json#/$defs/remove",
    .run = run,
};
