/* result_outputs.c - see result_outputs.h. */
#include "cmd/result_outputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/job_result.h"
#include "crypto/hash.h"
#include "os/fd.h"
#include "sandbox/collect.h"

enum { READ_ROOM = 64 << 10, PATH_ROOM = JOB_RESULT_PATH_MAX + 1 };

struct walk {
    const struct ward_job *job;
    char *what;
    size_t found;
    bool seen[JOB_RESULT_OUTPUTS_MAX];
    char path[PATH_ROOM]; /* of what is looked at, below the folder */
    uint8_t room[READ_ROOM];
};

/* The name may be anybody's: what would do something on a terminal is not shown. */
static enum outputs_answer say_of(struct walk *walk, enum outputs_answer answer, const char *fault)
{
    bool plain = job_result_path_is_good(span_text(walk->path));
    snprintf(walk->what, OUTPUTS_WHAT, "%s: %s",
             plain ? walk->path : "a name that is no plain text", fault);
    return answer;
}

static enum outputs_answer unreadable(struct walk *walk)
{
    return say_of(walk, OUTPUTS_UNREADABLE, strerror(errno));
}

static bool find(struct walk *walk, struct ward_job_output *out, size_t *index)
{
    for (*index = 0; ward_job_output(walk->job, *index, out); ++*index) {
        if (strcmp(out->path, walk->path) == 0)
            return true;
    }
    return false;
}

static bool hash_of(struct walk *walk, int file, uint64_t most, uint64_t *size,
                    uint8_t digest[SHA256_LEN])
{
    struct hash_pieces hash;
    ssize_t got = 0;
    *size = 0;
    hash_pieces_begin(&hash, HASH_SHA256);
    while (*size <= most && (got = fd_read(file, walk->room, sizeof walk->room)) > 0) {
        hash_pieces_more(&hash, span_of(walk->room, (size_t)got));
        *size += (uint64_t)got;
    }
    hash_pieces_end(&hash, digest);
    return got >= 0;
}

static enum outputs_answer compare_file(struct walk *walk, int file)
{
    struct ward_job_output listed;
    uint8_t digest[SHA256_LEN];
    uint64_t size = 0;
    size_t index = 0;
    if (!find(walk, &listed, &index))
        return say_of(walk, OUTPUTS_DIFFER, "it is not listed");
    if (!hash_of(walk, file, listed.size, &size, digest))
        return unreadable(walk);
    if (size != listed.size)
        return say_of(walk, OUTPUTS_DIFFER, "it has another size than is listed");
    if (!bytes_equal(digest, listed.sha256, sizeof digest))
        return say_of(walk, OUTPUTS_DIFFER, "it has another content than is listed");
    walk->found += !walk->seen[index];
    walk->seen[index] = true;
    return OUTPUTS_SAME;
}

static enum outputs_answer compare_folder(struct walk *walk, int folder, size_t at, unsigned depth);

/* Opened first and looked at then: no name leads to another thing in between. */
static enum outputs_answer compare_entry(struct walk *walk, int folder, const char *name, size_t at,
                                         unsigned depth)
{
    struct stat is;
    int len = snprintf(walk->path + at, sizeof walk->path - at, "%s%s", at == 0 ? "" : "/", name);
    if (len < 0 || (size_t)len >= sizeof walk->path - at)
        return say_of(walk, OUTPUTS_DIFFER, "its path is longer than any that is listed");
    auto_fd int entry = openat(folder, name,
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (entry < 0 && (errno == ELOOP || errno == ENXIO))
        return say_of(walk, OUTPUTS_DIFFER, "it is neither a file nor a folder");
    if (entry < 0 || fstat(entry, &is) != 0)
        return unreadable(walk);
    if (S_ISDIR(is.st_mode))
        return depth == 0 ? say_of(walk, OUTPUTS_DIFFER, "too many folders inside one another")
                          : compare_folder(walk, entry, at + (size_t)len, depth - 1);
    return S_ISREG(is.st_mode) ? compare_file(walk, entry)
                               : say_of(walk, OUTPUTS_DIFFER, "it is neither a file nor a folder");
}

static enum outputs_answer compare_folder(struct walk *walk, int folder, size_t at, unsigned depth)
{
    auto_fd int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *names = again < 0 ? NULL : fdopendir(again);
    enum outputs_answer answer = OUTPUTS_SAME;
    if (names == NULL)
        return unreadable(walk);
    fd_take(&again);
    while (answer == OUTPUTS_SAME) {
        walk->path[at] = 0;
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (entry == NULL)
            return errno == 0 ? OUTPUTS_SAME : unreadable(walk);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            answer = compare_entry(walk, folder, entry->d_name, at, depth);
    }
    return answer;
}

static enum outputs_answer name_missing(struct walk *walk)
{
    struct ward_job_output listed;
    for (size_t i = 0; ward_job_output(walk->job, i, &listed); i++) {
        if (walk->seen[i])
            continue;
        snprintf(walk->what, OUTPUTS_WHAT, "%s: it is not there", listed.path);
        break;
    }
    return OUTPUTS_DIFFER;
}

enum outputs_answer result_outputs_compare(const char *folder, const struct ward_job *job,
                                           char what[OUTPUTS_WHAT])
{
    static struct walk walk;
    walk = (struct walk){ .job = job, .what = what };
    what[0] = 0;
    auto_fd int top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) {
        snprintf(what, OUTPUTS_WHAT, "%.512s: %s", folder, strerror(errno));
        return OUTPUTS_UNREADABLE;
    }
    enum outputs_answer answer = compare_folder(&walk, top, 0, OUTPUT_DEPTH_MAX);
    if (answer != OUTPUTS_SAME || walk.found == ward_job_claims(job)->output_count)
        return answer;
    return name_missing(&walk);
}
