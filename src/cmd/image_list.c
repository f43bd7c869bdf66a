/* image_list.c - `ward image list`: which images jobs can be run from. */
#include <errno.h>
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/config_print.h"
#include "cmd/image.h"

enum { OPT_IMAGES, OPT_JSON };

static const struct option_spec options[] = {
    [OPT_IMAGES] = IMAGE_FOLDER_OPTION,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static void write_text(struct sink *out, const struct image_held *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        image_digest_write(out, list[i].digest);
        sink_text(out, "  ");
        time_write(out, list[i].imported);
        sink_text(out, "\n");
    }
}

static void write_json(struct sink *out, const struct image_held *list, size_t count)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "images");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        char digest[80];
        struct sink text = sink_over(digest, sizeof digest);
        image_digest_write(&text, list[i].digest);
        json_begin_object(&json);
        json_put_key(&json, "digest");
        json_put_span(&json, sink_bytes(&text));
        json_put_key(&json, "imported");
        json_put_time(&json, list[i].imported);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    sink_text(out, "\n");
}

static enum exit_code run(struct invocation *in)
{
    struct trail trail = { 0 };
    struct image_held *list = NULL;
    size_t count = 0;
    struct sink out;
    const char *folder = image_folder(in, OPT_IMAGES);
    rc result = image_list(&trail, folder, &in->arena, &list, &count);
    /* The usual folder is made by the first import. */
    bool none = rc_errno(result) == ENOENT && in->values[OPT_IMAGES] == NULL;
    if (!rc_ok(result) && !none)
        return image_failed(in, folder, result);
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    if (option_given(in, OPT_JSON))
        write_json(&out, list, count);
    else
        write_text(&out, list, count);
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_image_list = {
    .name = "image list",
    .operands = "",
    .summary = "list the images that jobs can be run from",
    .description = "Prints the digest of each image and when it was imported, one a line.",
    .example = "ward image list",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "image.json#/$defs/list",
    .run = run,
};
