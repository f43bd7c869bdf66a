/* vectors.c - see vectors.h. */
#include "vectors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static const char *root(void)
{
    const char *folder = getenv("WARD_VECTORS");
    return folder != NULL && folder[0] != 0 ? folder : WARD_SOURCE "/../shared/vectors";
}

void vectors_required(void)
{
    if (access(root(), R_OK | X_OK) != 0)
        skip();
}

const char *vectors_path(const char *name)
{
    static char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", root(), name);
    assert_in_range(len, 1, sizeof path - 1);
    return path;
}

/* What scripts/vectors brings lacks the index of verdicts and what it alone names. */
static void skip_unless_whole(void)
{
    if (access(vectors_path("attest/index.json"), R_OK) != 0)
        skip();
}

static struct span read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_in_range(size, 0, 64 << 20);
    rewind(file);
    /* One byte more than wanted is never read: the exact size lets ASan see an overread. */
    uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    fclose(file);
    return span_of(bytes, (size_t)size);
}

struct span vectors_read(const char *name)
{
    if (access(vectors_path(name), R_OK) != 0)
        skip_unless_whole();
    return read_whole(vectors_path(name));
}

const char *project_path(const char *path)
{
    static char whole[4096];
    int len = snprintf(whole, sizeof whole, "%s/%s", WARD_SOURCE, path);
    assert_in_range(len, 1, sizeof whole - 1);
    return whole;
}

struct span project_read(const char *path)
{
    return read_whole(project_path(path));
}

void vectors_free(struct span *bytes)
{
    free((void *)(uintptr_t)bytes->at);
    *bytes = (struct span){ 0 };
}

void vectors_each(const char *folder, const char *ending, void (*each)(const char *name, void *arg),
                  void *arg)
{
    struct dirent **entries;
    int count = scandir(vectors_path(folder), &entries, NULL, alphasort);
    if (count < 0)
        skip_unless_whole();
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        size_t len = strlen(entries[i]->d_name);
        size_t end = strlen(ending);
        if (entries[i]->d_type == DT_REG && len >= end &&
            strcmp(entries[i]->d_name + len - end, ending) == 0) {
            char name[1024];
            int wrote = snprintf(name, sizeof name, "%s/%s", folder, entries[i]->d_name);
            assert_in_range(wrote, 1, sizeof name - 1);
            each(name, arg);
        }
        free(entries[i]);
    }
    free(entries);
}

void assert_reference(const char *page, struct span made, const char *program)
{
    struct span file = project_read(page);
    static const char mark[] = "prints everything below this line.\n";
    const uint8_t *at = memmem(file.at, file.len, mark, sizeof mark - 1);
    assert_non_null(at);
    struct span tail = span_of(at + sizeof mark - 1,
                               file.len - (size_t)(at - file.at) - (sizeof mark - 1));
    if (!span_equal(tail, made))
        fail_msg("%s is stale: put the output of %s below its last marked line", page, program);
    vectors_free(&file);
}
