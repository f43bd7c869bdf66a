/* report.c - see report.h. */
#include "sandbox/report.h"

#include "os/fd.h"

bool report_send(int fd, const struct report *report)
{
    return fd_write(fd, span_of(report, sizeof *report));
}

static bool is_sound(const struct report *report)
{
    return report->ended <= 1 && report->layers <= IMAGE_LAYERS_MAX &&
           report->reason < REASON_COUNT;
}

bool report_read(int fd, report_progress_fn *progress, void *arg, struct report *last)
{
    struct report report;
    uint32_t step = 0;
    while (fd_read(fd, &report, sizeof report) == (ssize_t)sizeof report) {
        if (!is_sound(&report))
            return false;
        if (report.ended == 1) {
            uint8_t more;
            if (fd_read(fd, &more, 1) != 0)
                return false;
            report.what[REPORT_WHAT - 1] = 0;
            report.where[REPORT_WHERE - 1] = 0;
            *last = report;
            return true;
        }
        if (report.step != ++step || step > report.layers)
            return false;
        if (progress != NULL)
            progress(arg, step, report.layers);
    }
    return false;
}
