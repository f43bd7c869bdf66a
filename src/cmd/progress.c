/* progress.c - see progress.h: the clock and the terminal. */
#include "cmd/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"

enum { LINE_BYTES = 512 };

/* A terminal that cannot draw a line anew is given lines, like a file. */
static bool can_draw(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) != 0 && terminal != NULL && terminal[0] != 0 &&
           strcmp(terminal, "dumb") != 0;
}

void progress_begin(struct progress *progress, const struct invocation *in, const char *step)
{
    *progress = (struct progress){ .view = { .command = in->command->name, .step = step },
                                   .began_ms = clock_monotonic_ms(),
                                   .shown_ms = INT64_MIN };
    if (in->common[COMMON_QUIET])
        progress->form = PROGRESS_SILENT;
    else if (json_wanted(in))
        progress->form = PROGRESS_EVENTS;
    else
        progress->form = can_draw() ? PROGRESS_DRAWN : PROGRESS_LINES;
}

static void show(struct progress *progress, int64_t now)
{
    char line[LINE_BYTES];
    struct sink out = sink_over(line, sizeof line);
    progress->view.elapsed_ms = now - progress->began_ms;
    progress->shown_ms = now;
    if (progress->form == PROGRESS_EVENTS)
        progress_json(&out, &progress->view);
    else
        progress_text(&out, &progress->view);
    sink_terminate(&out);
    if (progress->form == PROGRESS_EVENTS) {
        fprintf(stderr, "%s\n", line);
    } else if (progress->form == PROGRESS_LINES) {
        fputs("ward: ", stderr);
        print_safe(stderr, line);
        fputc('\n', stderr);
    } else {
        fputs("\r", stderr);
        print_safe(stderr, line);
        fputs("\033[K", stderr);
        progress->drawn = true;
    }
    fflush(stderr);
}

void progress_tick(void *arg)
{
    struct progress *progress = arg;
    if (progress->form == PROGRESS_SILENT)
        return;
    int64_t now = clock_monotonic_ms();
    if (progress_is_due(progress->form, progress->began_ms, progress->shown_ms, now))
        show(progress, now);
}

void progress_step(struct progress *progress, const char *step)
{
    progress->view.step = step;
    if (progress->form == PROGRESS_SILENT)
        return;
    int64_t now = clock_monotonic_ms();
    if (now - progress->began_ms >= PROGRESS_FROM_MS)
        show(progress, now);
}

void progress_count(struct progress *progress, uint64_t done, uint64_t total)
{
    progress->view.done = done;
    progress->view.total = total;
    progress_tick(progress);
}

void progress_event(struct progress *progress, uint64_t done, uint64_t total)
{
    progress->view.done = done;
    progress->view.total = total;
    if (progress->form == PROGRESS_EVENTS)
        show(progress, clock_monotonic_ms());
    else
        progress_tick(progress);
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}

void progress_end(struct progress *progress)
{
    progress_clear(progress);
    progress->form = PROGRESS_SILENT;
}
