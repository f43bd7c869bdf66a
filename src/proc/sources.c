/* sources.c - see sources.h.  A text is a u16 length and so many bytes, the last of them NUL and
   no other; a list is a u32 count and so many texts. */
#include "proc/sources.h"

#include <string.h>

#include "base/cursor.h"

static void put_text(struct sink *out, const char *text)
{
    size_t len = strnlen(text, SOURCES_MAX) + 1;
    sink_u16le(out, (uint16_t)len);
    sink_put(out, span_of(text, len));
}

static bool is_ours(const char *variable)
{
    static const char start[] = "WARD_";
    return strncmp(variable, start, sizeof start - 1) == 0;
}

static size_t count_ours(const char *const *environment)
{
    size_t count = 0;
    for (; environment != NULL && *environment != NULL; environment++)
        count += is_ours(*environment);
    return count;
}

void sources_write(struct sink *out, const struct sources *sources)
{
    const struct config_inputs *inputs = &sources->inputs;
    put_text(out, sources->file);
    put_text(out, inputs->file_folder);
    put_text(out, inputs->folder);
    sink_u32le(out, (uint32_t)count_ours(inputs->environment));
    for (const char *const *at = inputs->environment; at != NULL && *at != NULL; at++) {
        if (is_ours(*at))
            put_text(out, *at);
    }
    sink_u32le(out, (uint32_t)inputs->flag_count);
    for (size_t i = 0; i < inputs->flag_count; i++) {
        put_text(out, inputs->flags[i].option);
        put_text(out, inputs->flags[i].value);
    }
}

static bool take_text(struct cursor *in, const char **out)
{
    uint16_t len = 0;
    struct span bytes;
    if (!cur_u16le(in, &len) || len == 0 || !cur_take(in, len, &bytes) ||
        memchr(bytes.at, 0, len) != bytes.at + len - 1)
        return false;
    *out = (const char *)bytes.at;
    return true;
}

static bool take_count(struct cursor *in, uint32_t *out)
{
    return cur_u32le(in, out) && *out <= SOURCES_TEXTS_MAX;
}

static bool take_environment(struct cursor *in, struct arena *arena, struct config_inputs *out)
{
    uint32_t count = 0;
    if (!take_count(in, &count))
        return false;
    const char **list = arena_array(arena, count + 1u, sizeof *list);
    if (list == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_text(in, &list[i]))
            return false;
    }
    out->environment = list;
    return true;
}

static bool take_flags(struct cursor *in, struct arena *arena, struct config_inputs *out)
{
    uint32_t count = 0;
    if (!take_count(in, &count))
        return false;
    struct config_flag *list = arena_array(arena, count + 1u, sizeof *list);
    if (list == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_text(in, &list[i].option) || !take_text(in, &list[i].value))
            return false;
    }
    out->flags = list;
    out->flag_count = count;
    return true;
}

bool sources_read(struct span bytes, struct arena *arena, struct sources *out)
{
    struct sources got = { 0 };
    struct cursor in = cur_over(bytes);
    if (!(take_text(&in, &got.file) && take_text(&in, &got.inputs.file_folder) &&
          take_text(&in, &got.inputs.folder) && take_environment(&in, arena, &got.inputs) &&
          take_flags(&in, arena, &got.inputs) && cur_end(&in)))
        return false;
    *out = got;
    return true;
}
