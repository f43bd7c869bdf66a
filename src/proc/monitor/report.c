/* report.c - see monitor.h: what whoever started the house is told. */
#include <errno.h>
#include <unistd.h>

#include "os/fd.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"

void monitor_say(struct monitor *monitor, const char *format, ...)
{
    uint8_t bytes[MONITOR_DETAIL_MAX + 128];
    struct sink line = sink_over(bytes, sizeof bytes);
    va_list args;
    va_start(args, format);
    sink_vformat(&line, format, args);
    va_end(args);
    sink_u8(&line, '\n');
    if (monitor->report < 0 || !sink_ok(&line))
        return;
    if (!fd_write(monitor->report, sink_bytes(&line)))
        fd_close(&monitor->report);
}

void monitor_blame(struct monitor *monitor, enum reason reason, const char *format, ...)
{
    int saved = errno;
    va_list args;
    if (monitor->because == REASON_NONE) {
        struct sink text = sink_over(monitor->detail, sizeof monitor->detail);
        va_start(args, format);
        sink_vformat(&text, format, args);
        va_end(args);
        sink_terminate(&text);
        monitor->because = reason;
        log_event("failed reason=%s %s", reason_info(reason)->name, monitor->detail);
    }
    errno = saved;
}
