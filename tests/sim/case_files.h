/* case_files.h - leaves a case that was judged in files, when the environment variable WARD_CASES
   names a folder: the first of each reason, in a folder of the reason's name.  So the cases of
   these tests can be given to programs too, which tests/proc/test_no_secrets_evidence.py does. */
#ifndef WARD_TESTS_SIM_CASE_FILES_H
#define WARD_TESTS_SIM_CASE_FILES_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/number.h"
#include "model/reason.h"

#include "test.h"

struct case_file {
    const char *name;
    struct span bytes; /* empty: there is none */
};

static inline void case_file_write(const char *folder, const char *name, struct span bytes)
{
    char path[512];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(len > 0 && (size_t)len < sizeof path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static inline void case_keep(enum reason reason, int64_t now, const struct case_file *files,
                             size_t count)
{
    const char *above = getenv("WARD_CASES");
    char folder[256], time[32];
    if (above == NULL)
        return;
    int len = snprintf(folder, sizeof folder, "%s/%s", above, reason_info(reason)->name);
    assert_true(len > 0 && (size_t)len < sizeof folder);
    if (mkdir(folder, 0755) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (files[i].bytes.len > 0)
            case_file_write(folder, files[i].name, files[i].bytes);
    }
    (void)snprintf(time, sizeof time, "%" PRId64, now);
    case_file_write(folder, "time", span_text(time));
}

#endif
