/* dcap_text.c - the small texts of details, and the book-keeping that all lines share. */
#include "attest/dcap_parts.h"

#include "base/sink.h"

struct detail_text detail_time(int64_t at)
{
    struct detail_text text = { { 0 } };
    struct sink out = sink_over(text.at, sizeof text.at);
    time_write(&out, at);
    sink_terminate(&out);
    return text;
}

struct detail_text detail_hex(struct span bytes)
{
    struct detail_text text = { { 0 } };
    struct sink out = sink_over(text.at, sizeof text.at);
    sink_hex(&out, bytes);
    sink_terminate(&out);
    return text;
}

struct detail_text detail_file(const char *name)
{
    struct detail_text text = { { 0 } };
    struct sink out = sink_over(text.at, sizeof text.at);
    if (name != NULL && name[0] != 0)
        sink_format(&out, " (%.*s)", DETAIL_NAME_MAX, name);
    sink_terminate(&out);
    return text;
}

struct detail_text detail_problem(const char *name, const struct file_problem *problem)
{
    struct detail_text text = { { 0 } };
    struct sink out = sink_over(text.at, sizeof text.at);
    if (name != NULL && name[0] != 0)
        sink_format(&out, "%.*s: ", DETAIL_NAME_MAX, name);
    if (problem->name != NULL)
        sink_format(&out, "%s: ", problem->name);
    sink_text(&out, problem->what == NULL ? "not readable" : problem->what);
    if (problem->has_offset)
        sink_format(&out, " at byte %zu", problem->offset);
    sink_terminate(&out);
    return text;
}

void lines_need(struct report *report, enum check_id first, enum check_id last,
                enum check_id needed)
{
    char text[32];
    struct sink out = sink_over(text, sizeof text);
    sink_format(&out, "needs %s", check_info(needed)->id);
    sink_terminate(&out);
    for (int id = (int)first; id <= (int)last; id++)
        if (report->checks[id].state == CHECK_SKIP && report->checks[id].detail == 0)
            report_skip(report, (enum check_id)id, text);
}

void note_used(struct claims *claims, struct window window)
{
    if (claims->valid_until == 0 || window.until < claims->valid_until)
        claims->valid_until = window.until;
}

void note_issued(struct claims *claims, struct window window)
{
    if (claims->issued == 0 || window.from < claims->issued)
        claims->issued = window.from;
    note_used(claims, window);
}
