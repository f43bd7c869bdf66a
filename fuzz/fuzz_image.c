/* fuzz_image.c - any text as a manifest, as a configuration and as a name: read or refused; a name
   that is read leads nowhere outside. */
#include <stdlib.h>
#include <string.h>

#include "job/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void name(struct span text)
{
    static char room[IMAGE_PATH_MAX + 1];
    enum image_entry kind = image_entry_read(text, room);
    if (kind == IMAGE_ENTRY_NONE)
        return;
    if (room[0] == '/' || strstr(room, "//") != NULL || strcmp(room, "..") == 0 ||
        strncmp(room, "../", 3) == 0 || strstr(room, "/../") != NULL ||
        (strlen(room) >= 3 && strcmp(room + strlen(room) - 3, "/..") == 0))
        abort();
}

/* What is kept of a configuration is read again for each job, and says the same then; where escapes
   make it too long it is refused. */
static void keep(const struct image_config *config, struct arena *arena)
{
    static uint8_t first[1 << 20], second[sizeof first];
    struct sink out = sink_over(first, sizeof first), again = sink_over(second, sizeof second);
    struct image_config loaded;
    image_config_write(&out, config);
    if (!sink_ok(&out))
        return;
    if (!image_config_load(sink_bytes(&out), arena, &loaded))
        return;
    image_config_write(&again, &loaded);
    if (!span_equal(sink_bytes(&out), sink_bytes(&again)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct image_manifest manifest;
    static struct image_config config;
    struct arena arena;
    const char *what = NULL;
    struct span text = span_of(data, size);
    arena_init(&arena, 1 << 24);
    if (image_manifest_read(text, &arena, &manifest, &what) == REASON_OK &&
        manifest.layer_count > IMAGE_LAYERS_MAX)
        abort();
    if (image_config_read(text, &arena, "amd64", &config, &what) == REASON_OK) {
        if (config.layer_count > IMAGE_LAYERS_MAX)
            abort();
        keep(&config, &arena);
    }
    if (image_config_load(text, &arena, &config))
        keep(&config, &arena);
    name(text);
    arena_fini(&arena);
    return 0;
}
