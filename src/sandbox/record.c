/* record.c - see record.h. */
#include "sandbox/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

/* Whoever holds it makes and takes no record beside another. */
static rc open_folder(struct trail *trail, int *out)
{
    bool held;
    if (mkdir(RECORDS_FOLDER, 0700) != 0 && errno != EEXIST)
        return FAIL_ERRNO(trail);
    auto_fd int folder = -1;
    TRY(trail, folder_lock(trail, RECORDS_FOLDER, &folder, &held));
    TRY(trail, folder_is_own(trail, folder));
    *out = fd_take(&folder);
    return RC_SUCCESS;
}

rc record_make(struct trail *trail, const char *name, struct span url, struct record *out)
{
    auto_fd int folder = -1;
    struct record record = { .young = true };
    TRY(trail, open_folder(trail, &folder));
    snprintf(record.name, sizeof record.name, "%s", name);
    auto_fd int file = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                              0600);
    if (file < 0)
        return FAIL_ERRNO(trail);
    if (flock(file, LOCK_EX | LOCK_NB) != 0 || !fd_write(file, url) || fsync(file) != 0 ||
        fsync(folder) != 0) {
        rc failed = FAIL_ERRNO(trail);
        (void)unlinkat(folder, name, 0);
        return failed;
    }
    record.file = fd_take(&file);
    *out = record;
    return RC_SUCCESS;
}

static bool is_name(const char *name)
{
    const size_t prefix = strlen(RECORD_PREFIX);
    return strlen(name) == RECORD_NAME && strncmp(name, RECORD_PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == SLOT_ID;
}

/* What somebody was killed over before it was written names no VMM: nothing was asked for. */
static bool names_url(int file, struct span url)
{
    char text[RECORD_URL_MAX];
    ssize_t got = pread(file, text, sizeof text, 0);
    return got >= 0 && span_equal(span_of(text, (size_t)got), url);
}

static void take(int folder, const char *name, struct span url, struct records *out)
{
    struct stat is;
    struct record *record = &out->at[out->count];
    auto_fd int file = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 || flock(file, LOCK_EX | LOCK_NB) != 0 || fstat(file, &is) != 0)
        return;
    if (is.st_size == 0)
        (void)unlinkat(folder, name, 0);
    if (!names_url(file, url))
        return;
    *record = (struct record){ .young = is.st_mtime + RECORD_YOUNG_S > clock_now() };
    snprintf(record->name, sizeof record->name, "%s", name);
    record->file = fd_take(&file);
    out->count++;
}

rc records_take(struct trail *trail, struct span url, struct records *out)
{
    auto_fd int folder = -1;
    TRY(trail, open_folder(trail, &folder));
    auto_fd int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *names = again < 0 ? NULL : fdopendir(again);
    if (names == NULL)
        return FAIL_ERRNO(trail);
    fd_take(&again);
    out->count = 0;
    const struct dirent *entry;
    while (out->count < RECORDS_TAKEN && (entry = readdir(names)) != NULL) {
        if (is_name(entry->d_name))
            take(folder, entry->d_name, url, out);
    }
    return RC_SUCCESS;
}

void record_close(struct record *record)
{
    fd_close(&record->file);
}

/* It is locked until it is closed, so the name is this file's. */
void record_remove(struct record *record)
{
    char path[SLOT_PATH];
    snprintf(path, sizeof path, "%s/%s", RECORDS_FOLDER, record->name);
    (void)unlink(path);
    record_close(record);
}
