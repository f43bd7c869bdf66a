/* test_version.c - which runtimes are new enough, by what they say. */
#include "sandbox/version.h"

#include "base/number.h"
#include "test.h"

static void test_what_runtimes_say(void **state)
{
    static const struct {
        const char *said, *name;
        unsigned major, minor;
        bool is;
    } rows[] = {
        { "crun version 1.8.1\ncommit: f8a0\n", "crun", 0, 19, true },
        { "crun version 0.19\n", "crun", 0, 19, true },
        { "crun version 0.19.1\n", "crun", 0, 19, true },
        { "crun version 0.18\n", "crun", 0, 19, false },
        { "crun version 0.17+dfsg\n", "crun", 0, 19, false },
        { "crun version 1.19.1.0.0.0.28-f8a3\n", "crun", 0, 19, true },
        { "runc version 1.1.5+ds1\n", "runc", 1, 1, true },
        { "runc version 1.1.0-rc.1\n", "runc", 1, 1, true },
        { "runc version 1.0.3\n", "runc", 1, 1, false },
        { "runc version 2.0\n", "runc", 1, 1, true },
        { "runc version 1.1", "crun", 0, 19, false },
        { "crun version 1.x", "crun", 0, 19, false },
        { "crun version 1", "crun", 0, 19, false },
        { "crun version 999999.1", "crun", 0, 19, false },
        { "crun version 9999999.1", "crun", 0, 19, false },
        { "crun version 01.1", "crun", 0, 19, false },
        { "crun version .1", "crun", 0, 19, false },
        { "crun 1.8", "crun", 0, 19, false },
        { "", "crun", 0, 19, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (version_is_from(span_text(rows[i].said), rows[i].name, rows[i].major, rows[i].minor) !=
            rows[i].is)
            fail_msg("%s", rows[i].said);
    }
}

/* Every prefix that is shorter than the version is none. */
static void test_prefixes(void **state)
{
    static const char said[] = "runc version 1.1";
    (void)state;
    for (size_t len = 0; len < sizeof said - 1; len++)
        assert_false(version_is_from(span_of(said, len), "runc", 1, 1));
    assert_true(version_is_from(span_of(said, sizeof said - 1), "runc", 1, 1));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = { TEST(test_what_runtimes_say, ""), TEST(test_prefixes, "") };
    return RUN_TESTS(tests);
}
