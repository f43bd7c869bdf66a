/* log.c - see log.h.  Holds the one mutable global of the program: who is talking. */
#include "proc/log.h"

#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/sink.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/fd.h"

enum {
    LOG_LINE_MAX = 1024, /* bytes of a line */
    LOG_TEXT_MAX = 4096, /* of an event before it is cut; a longer one is only named */
};

static const char *log_name = "ward";

void log_as(const char *name)
{
    log_name = name;
}

static void write_line(struct span text)
{
    uint8_t bytes[LOG_LINE_MAX + 64];
    struct sink line = sink_over(bytes, sizeof bytes);
    struct cursor in = cur_over(text);
    uint8_t c = 0;
    while (cur_u8(&in, &c) && line.len < LOG_LINE_MAX) {
        if (c >= 0x20 && c < 0x7f)
            sink_u8(&line, c);
        else
            sink_format(&line, "\\x%02x", c);
    }
    sink_u8(&line, '\n');
    bool written = fd_write(STDERR_FILENO, sink_bytes(&line));
    (void)written; /* there is nobody left to tell */
}

static struct sink begin_line(uint8_t *bytes, size_t cap)
{
    struct sink out = sink_over(bytes, cap);
    time_write(&out, clock_now());
    sink_format(&out, " %s ", log_name);
    return out;
}

void log_event(const char *format, ...)
{
    uint8_t bytes[LOG_TEXT_MAX];
    struct sink out = begin_line(bytes, sizeof bytes);
    va_list args;
    va_start(args, format);
    sink_vformat(&out, format, args);
    va_end(args);
    write_line(sink_bytes(&out));
}

static const char *error_name(int error)
{
    const char *name = strerrorname_np(error);
    return name != NULL ? name : "unknown";
}

void log_failure(const char *event, rc failure, const struct trail *trail)
{
    uint8_t bytes[LOG_TEXT_MAX];
    struct sink out = begin_line(bytes, sizeof bytes);
    sink_format(&out, "%s class=%s ", event, rc_class_name(rc_class_of(failure)));
    if (rc_errno(failure) != 0)
        sink_format(&out, "error=%s", error_name(rc_errno(failure)));
    else
        sink_format(&out, "number=%u", rc_number(failure));
    for (uint32_t i = 0; trail != NULL && i < trail->count && i < TRAIL_FRAMES; i++)
        sink_format(&out, " at=%s:%d", trail->frames[i].function, trail->frames[i].line);
    write_line(sink_bytes(&out));
}
