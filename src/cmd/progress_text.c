/* progress_text.c - see progress.h: the words, and when they are due.  No clock, no terminal. */
#include <string.h>

#include "cmd/progress.h"
#include "codec/json_write.h"

enum { DRAWN_MS = 200, LINES_MS = 10000, EVENTS_MS = 1000, KIB = 1024 };

int64_t progress_left_ms(const struct progress_view *view)
{
    if (view->elapsed_ms < PROGRESS_LEFT_FROM_MS || view->done == 0 || view->total < view->done)
        return -1;
    double rest = (double)(view->total - view->done) / (double)view->done;
    double left = (double)view->elapsed_ms * rest;
    /* A count that has hardly begun promises nothing. */
    return left < 9e15 ? (int64_t)left : -1;
}

static void put_amount(struct sink *out, uint64_t amount, const char *unit)
{
    bool is_bytes = unit != NULL && strcmp(unit, "bytes") == 0;
    sink_format(out, "%llu", (unsigned long long)(is_bytes ? amount / KIB : amount));
}

static void put_time(struct sink *out, int64_t ms)
{
    long long s = ms / 1000;
    if (s >= 3600)
        sink_format(out, "%lld h %lld min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        sink_format(out, "%lld min %lld s", s / 60, s % 60);
    else
        sink_format(out, "%lld s", s);
}

void progress_text(struct sink *out, const struct progress_view *view)
{
    int64_t left = progress_left_ms(view);
    sink_format(out, "%s: %s", view->command, view->step);
    if (view->unit != NULL) {
        bool is_bytes = strcmp(view->unit, "bytes") == 0;
        sink_text(out, ", ");
        put_amount(out, view->done, view->unit);
        if (view->total > 0)
            sink_text(out, " of ");
        if (view->total > 0)
            put_amount(out, view->total, view->unit);
        sink_format(out, " %s", is_bytes ? "KiB" : view->unit);
    }
    sink_text(out, ", ");
    put_time(out, view->elapsed_ms);
    if (left >= 0) {
        sink_text(out, ", about ");
        put_time(out, left + 999);
        sink_text(out, " left");
    }
}

void progress_json(struct sink *out, const struct progress_view *view)
{
    int64_t left = progress_left_ms(view);
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "event");
    json_put_text(&json, "progress");
    json_put_key(&json, "command");
    json_put_text(&json, view->command);
    json_put_key(&json, "step");
    json_put_text(&json, view->step);
    json_put_key(&json, "unit");
    if (view->unit != NULL)
        json_put_text(&json, view->unit);
    else
        json_put_null(&json);
    json_put_key(&json, "done");
    json_put_u64(&json, view->done);
    json_put_key(&json, "total");
    if (view->total > 0)
        json_put_u64(&json, view->total);
    else
        json_put_null(&json);
    json_put_key(&json, "elapsed_ms");
    json_put_i64(&json, view->elapsed_ms);
    json_put_key(&json, "left_ms");
    if (left >= 0)
        json_put_i64(&json, left);
    else
        json_put_null(&json);
    json_end_object(&json);
}

bool progress_is_due(enum progress_form form, int64_t began_ms, int64_t shown_ms, int64_t now_ms)
{
    static const int64_t pause[] = { [PROGRESS_SILENT] = 0,
                                     [PROGRESS_DRAWN] = DRAWN_MS,
                                     [PROGRESS_LINES] = LINES_MS,
                                     [PROGRESS_EVENTS] = EVENTS_MS };
    if (form == PROGRESS_SILENT || now_ms - began_ms < PROGRESS_FROM_MS)
        return false;
    if (shown_ms == INT64_MIN)
        return true;
    /* When it becomes long the time that is left is told at once. */
    bool becomes_long = now_ms - began_ms >= PROGRESS_LEFT_FROM_MS &&
                        shown_ms - began_ms < PROGRESS_LEFT_FROM_MS;
    return becomes_long || now_ms - shown_ms >= pause[form];
}
