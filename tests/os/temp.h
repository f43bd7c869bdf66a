/* temp.h - a folder of a test's own, made before each test and removed with all that is in
   it after.  Header only. */
#ifndef WARD_TESTS_OS_TEMP_H
#define WARD_TESTS_OS_TEMP_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "test.h"

struct temp {
    char path[64];
    struct arena arena;
};

static inline int temp_begin(void **state)
{
    struct temp *temp = calloc(1, sizeof *temp);
    snprintf(temp->path, sizeof temp->path, "/tmp/ward-test-XXXXXX");
    arena_init(&temp->arena, 1 << 20);
    *state = temp;
    return mkdtemp(temp->path) == NULL;
}

static inline int temp_end(void **state)
{
    struct temp *temp = *state;
    DIR *folder = opendir(temp->path);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0)
            unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
    }
    if (folder != NULL)
        closedir(folder);
    int failed = rmdir(temp->path);
    arena_fini(&temp->arena);
    free(temp);
    return failed;
}

/* The path of a name in the folder.  The text lives until the next call but one. */
static inline const char *temp_path(const struct temp *temp, const char *name)
{
    static char paths[2][512];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", temp->path, name);
    return path;
}

static inline void temp_put(const struct temp *temp, const char *name, struct span bytes)
{
    FILE *file = fopen(temp_path(temp, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

/* How many entries the folder has, hidden ones too. */
static inline size_t temp_count(const struct temp *temp)
{
    size_t count = 0;
    DIR *folder = opendir(temp->path);
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

/* A row of a test that uses the folder; it proves no requirement line by itself. */
#define TEMP_TEST(function) cmocka_unit_test_setup_teardown(function, temp_begin, temp_end)

#endif
