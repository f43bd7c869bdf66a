/* test_progress_text.c - how far a long operation is, in words and as JSON, and when it is said:
   with the time as an argument nothing here waits. */
#include <string.h>

#include "base/number.h"
#include "cmd/progress.h"
#include "test.h"

static const struct {
    const char *name;
    struct progress_view view;
    const char *text;
    int64_t left_ms;
} views[] = {
    { "only time", { "up", "starting", NULL, 0, 0, 1000 }, "up: starting, 1 s", -1 },
    { "counted, total unknown", { "c", "s", "files", 7, 0, 1999 }, "c: s, 7 files, 1 s", -1 },
    { "counted", { "c", "s", "files", 1, 4, 9999 }, "c: s, 1 of 4 files, 9 s", -1 },
    { "with what is left",
      { "c", "s", "files", 1, 4, 10000 },
      "c: s, 1 of 4 files, 10 s, about 30 s left",
      30000 },
    { "nothing done promises nothing",
      { "c", "s", "files", 0, 4, 60000 },
      "c: s, 0 of 4 files, 1 min 0 s",
      -1 },
    { "all done",
      { "c", "s", "files", 4, 4, 20000 },
      "c: s, 4 of 4 files, 20 s, about 0 s left",
      0 },
    { "more than there were", { "c", "s", "files", 5, 4, 20000 }, "c: s, 5 of 4 files, 20 s", -1 },
    { "total unknown has no end", { "c", "s", "files", 5, 0, 20000 }, "c: s, 5 files, 20 s", -1 },
    { "bytes",
      { "audit verify", "reading the log", "bytes", 1 << 20, 4 << 20, 7322000 },
      "audit verify: reading the log, 1024 of 4096 KiB, 2 h 2 min, about 6 h 6 min left",
      21966000 },
    { "largest numbers",
      { "c", "s", "files", 1, UINT64_MAX, 10000 },
      "c: s, 1 of 18446744073709551615 files, 10 s",
      -1 },
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        char line[300];
        struct sink out = sink_over(line, sizeof line);
        progress_text(&out, &views[i].view);
        sink_terminate(&out);
        if (strcmp(line, views[i].text) != 0)
            fail_msg("%s: %s", views[i].name, line);
        if (progress_left_ms(&views[i].view) != views[i].left_ms)
            fail_msg("%s: left", views[i].name);
    }
}

static void test_json(void **state)
{
    (void)state;
    static const struct {
        struct progress_view view;
        const char *text;
    } rows[] = {
        { { "up", "start\"ing", "processes", 1, 4, 20 },
          "{\"event\":\"progress\",\"command\":\"up\",\"step\":\"start\\\"ing\",\"unit\":"
          "\"processes\",\"done\":1,\"total\":4,\"elapsed_ms\":20,\"left_ms\":null}" },
        { { "c", "s", NULL, 0, 0, 1 },
          "{\"event\":\"progress\",\"command\":\"c\",\"step\":\"s\",\"unit\":null,\"done\":0,"
          "\"total\":null,\"elapsed_ms\":1,\"left_ms\":null}" },
        { { "c", "s", "files", 1, 2, 10000 },
          "{\"event\":\"progress\",\"command\":\"c\",\"step\":\"s\",\"unit\":\"files\",\"done\":1,"
          "\"total\":2,\"elapsed_ms\":10000,\"left_ms\":10000}" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[300];
        struct sink out = sink_over(line, sizeof line);
        progress_json(&out, &rows[i].view);
        sink_terminate(&out);
        assert_string_equal(line, rows[i].text);
    }
}

static void test_when(void **state)
{
    (void)state;
    enum { NEVER = -1 };
    static const struct {
        const char *name;
        enum progress_form form;
        int64_t shown, now; /* after the beginning; shown NEVER: nothing was */
        bool due;
    } rows[] = {
        { "nothing within the first second", PROGRESS_DRAWN, NEVER, 999, false },
        { "then at once", PROGRESS_DRAWN, NEVER, 1000, true },
        { "lines too", PROGRESS_LINES, NEVER, 1000, true },
        { "events too", PROGRESS_EVENTS, NEVER, 1000, true },
        { "silence never", PROGRESS_SILENT, NEVER, 100000, false },
        { "drawn not too often", PROGRESS_DRAWN, 1000, 1199, false },
        { "drawn five times a second", PROGRESS_DRAWN, 1000, 1200, true },
        { "lines seldom", PROGRESS_LINES, 1000, 9999, false },
        { "a line when it becomes long", PROGRESS_LINES, 1000, 10000, true },
        { "and only once for that", PROGRESS_LINES, 10000, 10001, false },
        { "a line every ten seconds", PROGRESS_LINES, 10000, 20000, true },
        { "an event a second", PROGRESS_EVENTS, 1000, 1999, false },
        { "an event after a second", PROGRESS_EVENTS, 1000, 2000, true },
        { "an early event does not count", PROGRESS_EVENTS, 20, 999, false },
    };
    static const int64_t began = 123456789;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t shown = rows[i].shown == NEVER ? INT64_MIN : began + rows[i].shown;
        if (progress_is_due(rows[i].form, began, shown, began + rows[i].now) != rows[i].due)
            fail_msg("%s", rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_words, ""), TEST(test_json, ""),
                                        TEST(test_when, "") };
    return RUN_TESTS(tests);
}
