/* image.h - what the `ward image` commands have in common. */
#ifndef WARD_CMD_IMAGE_H
#define WARD_CMD_IMAGE_H

#include "cmd/command.h"
#include "sandbox/import.h"

#define IMAGE_FOLDER_OPTION                                                                        \
    {                                                                                              \
        "--images", "FOLDER", NULL, "where the images are (default: ward-images)"                  \
    }

/* image_folder: the folder that was named by the option with that index, or the usual one. */
const char *image_folder(const struct invocation *in, size_t option);

/* image_digest reads a digest as it is written on the command line; says what is wrong with it. */
MUST_USE bool image_digest(const struct invocation *in, const char *text,
                           uint8_t out[IMAGE_DIGEST]);

/* image_sweep removes what killed runs of jobs left: one may still hold an image. */
void image_sweep(const struct invocation *in);

/* image_failed says that the folder cannot be used, and why. */
enum exit_code image_failed(const struct invocation *in, const char *folder, rc failure);

#endif
