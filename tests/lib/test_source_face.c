/* test_source_face.c - libward's sources of evidence: which there are, and what comes of those that
   are not there.  Evidence itself is asked for by tools/installed.py, of an agent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"
#include "ward/source.h"

#include "test.h"

static void names_that_are_none(void **state)
{
    static const char *const names[] = { "", "TSM", "tpm", "house", "dstack:", "nsm ", "house:" };
    struct ward_source *source = NULL;
    struct ward_error error = { 0 };
    (void)state;
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        assert_int_equal(ward_source_open(names[n], NULL, 0, &source, &error), WARD_BAD_INPUT);
        assert_null(source);
        assert_true(error.message[0] != 0);
    }
}

static void sources_that_are_not_there(void **state)
{
    static const char *const names[] = { "nsm:/nonexistent/nsm", "tsm:/nonexistent/report",
                                         "dstack:/nonexistent/s", "tappd:/nonexistent/s",
                                         "house:/nonexistent" };
    struct ward_source *source = NULL;
    struct ward_error error = { 0 };
    (void)state;
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        assert_int_equal(ward_source_open(names[n], NULL, 0, &source, &error), WARD_UNREACHABLE);
        assert_non_null(error.reason);
        assert_memory_equal(error.reason, "SOURCE_", 7);
        assert_null(source);
    }
    ward_source_free(&source);
    ward_source_free(NULL);
}

/* An agent that went away between two questions. */
static void one_that_goes_away(void **state)
{
    static const uint8_t report_data[WARD_REPORT_DATA];
    struct sockaddr_un here = { .sun_family = AF_UNIX };
    char folder[] = "/tmp/ward-source-XXXXXX", name[sizeof here.sun_path + 8];
    struct ward_evidence evidence = { 0 };
    struct ward_source *source = NULL;
    struct ward_error error = { 0 };
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(here.sun_path, sizeof here.sun_path, "%s/s", folder);
    snprintf(name, sizeof name, "dstack:%s", here.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(ward_source_open(name, NULL, 1000, &source, &error), WARD_DONE);
    close(listener);
    assert_int_equal(ward_source_quote(source, report_data, &evidence, &error), WARD_REFUSED);
    assert_memory_equal(error.reason, "SOURCE_", 7);
    assert_false(ward_source_evidence(source, report_data, &evidence));
    assert_int_equal(evidence.evidence.len, 0);
    ward_source_free(&source);
    assert_null(source);
    assert_int_equal(unlink(here.sun_path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_that_are_none, ""),
        TEST(sources_that_are_not_there, ""),
        TEST(one_that_goes_away, ""),
    };
    return RUN_TESTS(tests);
}
