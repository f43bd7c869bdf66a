/* objects.c - see objects.h; and the version. */
#include "lib/objects.h"

#include <stdarg.h>

#include "base/sink.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *ward_version(void)
{
    return TEXT(WARD_VERSION_MAJOR) "." TEXT(WARD_VERSION_MINOR) "." TEXT(WARD_VERSION_PATCH);
}

void *object_new(size_t size, size_t ceiling, struct arena *memory)
{
    arena_init(memory, ceiling);
    void *object = arena_alloc(memory, size);
    if (object == NULL)
        arena_fini(memory);
    return object;
}

enum ward_outcome error_set(struct ward_error *error, enum ward_outcome outcome,
                            const char *function, int line, const char *format, ...)
{
    if (error == NULL)
        return outcome;
    struct sink text = sink_over(error->message, sizeof error->message);
    va_list args;
    va_start(args, format);
    sink_vformat(&text, format, args);
    va_end(args);
    sink_terminate(&text);
    error->outcome = outcome;
    if (error->frame_count < WARD_ERROR_FRAMES)
        error->frames[error->frame_count] = (struct ward_frame){ function, line };
    error->frame_count++;
    return outcome;
}

enum ward_outcome error_detail(struct ward_error *error, enum ward_outcome outcome,
                               enum reason reason, const char *detail)
{
    const struct reason_info *info = reason_info(reason);
    if (error == NULL)
        return outcome;
    error->reason = info->name;
    error->about = NULL;
    return ERROR(error, outcome, "%s: %s %s%s%s", info->name, info->cause, detail,
                 detail[0] != 0 ? " " : "", info->help);
}

enum ward_outcome error_reason(struct ward_error *error, enum ward_outcome outcome,
                               enum reason reason, enum reason about)
{
    const struct reason_info *info = reason_info(reason), *beside = reason_info(about);
    if (error == NULL || about == REASON_NONE)
        return error_detail(error, outcome, reason, "");
    error->reason = info->name;
    error->about = beside->name;
    return ERROR(error, outcome, "%s: %s %s: %s %s", info->name, info->cause, beside->name,
                 beside->cause, beside->help);
}
