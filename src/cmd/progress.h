/* progress.h - how far a long operation is, said on stderr: nothing within the first second, then
   the step, what is done of how much, and the time; past ten seconds also how long it may still
   take.  On a terminal one line that is drawn anew; elsewhere a line now and then; with --json a
   JSON object a line (docs/schema/progress.json); with --quiet nothing. */
#ifndef WARD_CMD_PROGRESS_H
#define WARD_CMD_PROGRESS_H

#include "base/sink.h"
#include "cmd/command.h"

enum {
    PROGRESS_FROM_MS = 1000,      /* what is over sooner needs none */
    PROGRESS_LEFT_FROM_MS = 10000 /* from then on with what is left */
};

/* How far it is at one instant. */
struct progress_view {
    const char *command, *step;
    const char *unit;     /* of the count: "bytes", "files"; NULL: it counts nothing but steps */
    uint64_t done, total; /* total 0: nobody knows */
    int64_t elapsed_ms;
};

/* progress_left_ms: how long it still takes if it goes on as it went; -1 when that cannot be
   said, or is not said yet. */
int64_t progress_left_ms(const struct progress_view *view);

/* progress_text and progress_json write it without a line end. */
void progress_text(struct sink *out, const struct progress_view *view);
void progress_json(struct sink *out, const struct progress_view *view);

enum progress_form { PROGRESS_SILENT = 0, PROGRESS_DRAWN, PROGRESS_LINES, PROGRESS_EVENTS };

/* progress_is_due: there is something to be said at `now` that was not said at `shown`; shown is
   INT64_MIN as long as nothing was. */
bool progress_is_due(enum progress_form form, int64_t began_ms, int64_t shown_ms, int64_t now_ms);

/* One operation of one command.  The zeroed struct is one that says nothing. */
struct progress {
    struct progress_view view;
    enum progress_form form;
    int64_t began_ms, shown_ms;
    bool drawn; /* a line of it stands on the terminal */
};

/* progress_begin starts the clock. */
void progress_begin(struct progress *progress, const struct invocation *in, const char *step);

/* progress_step: another step has begun; the clock and the count go on.  With JSON events and
   past the first second it is said at once. */
void progress_step(struct progress *progress, const char *step);

/* progress_count tells how far it is, progress_tick only that time goes by; both say what is
   due.  progress_tick takes a struct progress, in the form that waiting calls want. */
void progress_count(struct progress *progress, uint64_t done, uint64_t total);
void progress_tick(void *arg);

/* progress_event is progress_count that programs hear of at once, also within the first second;
   for what is counted on one hand. */
void progress_event(struct progress *progress, uint64_t done, uint64_t total);

/* progress_clear takes the drawn line away, so that something else can be said; progress_end at
   last. */
void progress_clear(struct progress *progress);
void progress_end(struct progress *progress);

#endif
