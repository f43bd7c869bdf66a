/* report.c - see report.h. */
#include "model/report.h"

#include <stddef.h>

#include "base/sink.h"
#include "base/time.h"

static const struct check_info infos[CHECK_COUNT] = {
#define CHECK(id, text, side, name) [CHECK_##id] = { text, name, side },
#include "model/checks.def"
#undef CHECK
};

bool report_is_sound(const struct report *report)
{
    if (report->text_len > REPORT_TEXT_MAX)
        return false;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        const struct check *c = &report->checks[i];
        bool has_reason = c->state == CHECK_FAIL || c->relaxed;
        if (c->state > CHECK_FAIL || has_reason != (c->reason != REASON_NONE))
            return false;
        if (c->relaxed && c->state != CHECK_PASS)
            return false;
        if (c->detail > REPORT_TEXT_MAX || c->expected > REPORT_TEXT_MAX ||
            c->actual > REPORT_TEXT_MAX)
            return false;
    }
    return true;
}

const struct check_info *check_info(enum check_id id)
{
    static const struct check_info none = { "", "", SIDE_MINE };
    return (unsigned)id < CHECK_COUNT ? &infos[id] : &none;
}

const char *side_name(enum side side)
{
    switch (side) {
    case SIDE_PEER:
        return "peer";
    case SIDE_MINE:
        return "mine";
    case SIDE_HOST:
        return "host";
    }
    return "mine";
}

/* A sink over the pool's free end.  Offset 0 is kept for the empty text. */
static struct sink pool_open(struct report *report)
{
    if (report->text_len == 0)
        report->text_len = 1;
    return sink_over(report->text + report->text_len, REPORT_TEXT_MAX - report->text_len);
}

/* A text that does not fit is cut: the pool is for people, the reason is elsewhere. */
static uint16_t pool_close(struct report *report, struct sink *out)
{
    if (out->cap == 0 || (out->len == 0 && !out->full))
        return 0;
    sink_terminate(out);
    uint16_t offset = (uint16_t)report->text_len;
    report->text_len += out->len + 1;
    return offset;
}

void report_pass(struct report *report, enum check_id id)
{
    struct check *c = &report->checks[id];
    if (c->state == CHECK_SKIP)
        c->state = CHECK_PASS;
}

void report_add_failure(struct report *report, enum check_id id, enum reason reason,
                        const char *detail, ...)
{
    struct check *c = &report->checks[id];
    if (c->state == CHECK_FAIL)
        return;
    struct sink text = pool_open(report);
    va_list args;
    va_start(args, detail);
    sink_vformat(&text, detail, args);
    va_end(args);
    *c = (struct check){ .state = CHECK_FAIL,
                         .reason = (uint16_t)reason,
                         .detail = pool_close(report, &text) };
}

void report_relax(struct report *report, enum check_id id, enum reason reason)
{
    struct check *c = &report->checks[id];
    if (c->state != CHECK_FAIL || c->reason != (uint16_t)reason)
        return;
    c->state = CHECK_PASS;
    c->relaxed = 1;
}

void report_skip(struct report *report, enum check_id id, const char *detail)
{
    struct check *c = &report->checks[id];
    if (c->state != CHECK_SKIP)
        return;
    struct sink text = pool_open(report);
    sink_text(&text, detail);
    c->detail = pool_close(report, &text);
}

void report_note(struct report *report, enum check_id id, const char *detail)
{
    struct check *c = &report->checks[id];
    if (c->state == CHECK_FAIL)
        return;
    struct sink text = pool_open(report);
    sink_text(&text, detail);
    c->detail = pool_close(report, &text);
}

static bool values_wanted(const struct check *c)
{
    return c->state == CHECK_FAIL && c->expected == 0 && c->actual == 0;
}

void report_values_text(struct report *report, enum check_id id, struct span expected,
                        struct span actual)
{
    struct check *c = &report->checks[id];
    if (!values_wanted(c))
        return;
    struct sink text = pool_open(report);
    sink_put(&text, expected);
    c->expected = pool_close(report, &text);
    text = pool_open(report);
    sink_put(&text, actual);
    c->actual = pool_close(report, &text);
}

void report_values_hex(struct report *report, enum check_id id, struct span expected,
                       struct span actual)
{
    struct check *c = &report->checks[id];
    if (!values_wanted(c))
        return;
    struct sink text = pool_open(report);
    sink_hex(&text, expected);
    c->expected = pool_close(report, &text);
    text = pool_open(report);
    sink_hex(&text, actual);
    c->actual = pool_close(report, &text);
}

void report_values_number(struct report *report, enum check_id id, int64_t expected, int64_t actual)
{
    struct check *c = &report->checks[id];
    if (!values_wanted(c))
        return;
    struct sink text = pool_open(report);
    sink_format(&text, "%lld", (long long)expected);
    c->expected = pool_close(report, &text);
    text = pool_open(report);
    sink_format(&text, "%lld", (long long)actual);
    c->actual = pool_close(report, &text);
}

void report_values_time(struct report *report, enum check_id id, int64_t expected, int64_t actual)
{
    struct check *c = &report->checks[id];
    if (!values_wanted(c))
        return;
    struct sink text = pool_open(report);
    time_write(&text, expected);
    c->expected = pool_close(report, &text);
    text = pool_open(report);
    time_write(&text, actual);
    c->actual = pool_close(report, &text);
}

const char *report_text(const struct report *report, uint16_t offset)
{
    return offset < report->text_len ? report->text + offset : "";
}

enum check_id report_first_failure(const struct report *report)
{
    unsigned i = 0;
    while (i < CHECK_COUNT && report->checks[i].state != CHECK_FAIL)
        i++;
    return (enum check_id)i;
}

bool report_failed(const struct report *report, enum check_id id)
{
    return report->checks[id].state == CHECK_FAIL;
}

bool report_passed(const struct report *report, enum check_id id)
{
    return report->checks[id].state == CHECK_PASS;
}
