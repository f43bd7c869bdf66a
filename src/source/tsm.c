/* tsm.c - evidence by Linux's report interface (Documentation/ABI/testing/configfs-tsm-report).
   An entry of our own is made for each report and removed afterwards, so that nobody else's
   options are in it; whoever writes into it all the same is noticed by its generation.  It is
   locked for as long as its maker lives, so that what one that was killed left behind can be
   told, and goes with the next report. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/sink.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/random.h"
#include "source/parts.h"

enum { NAME = 40, GENERATION = 24, PROVIDER = 64, WAIT_MS = 40, SWEPT = 64 };

static const char prefix[] = "ward-";

/* The log of the boot, where the firmware left one. */
#define CCEL "/sys/firmware/acpi/tables/data/CCEL"

struct entry {
    int folder; /* where it stands */
    char name[NAME];
    int fd; /* itself */
};

/* One attribute, whole; -1 with errno, EFBIG when it is longer than the room. */
static ssize_t read_attribute(const struct entry *entry, const char *name, void *out, size_t cap)
{
    uint8_t more;
    auto_fd int fd = openat(entry->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = fd < 0 ? -1 : fd_read(fd, out, cap);
    if (got >= 0 && (size_t)got == cap && fd_read(fd, &more, 1) != 0) {
        errno = EFBIG;
        return -1;
    }
    return got;
}

/* Digits and a line end. */
static bool read_generation(const struct entry *entry, uint64_t *out)
{
    char text[GENERATION];
    ssize_t got = read_attribute(entry, "generation", text, sizeof text);
    if (got < 2 || text[got - 1] != '\n' ||
        !decimal_read(span_of(text, (size_t)got - 1), UINT64_MAX, out)) {
        errno = got < 0 ? errno : EPROTO;
        return false;
    }
    return true;
}

/* Who sweeps may take a new one for left over, in the instant before it is locked. */
static bool make_entry(int folder, struct entry *out)
{
    uint64_t number;
    random_bytes(&number, sizeof number);
    *out = (struct entry){ .folder = folder, .fd = -1 };
    snprintf(out->name, sizeof out->name, "%s%016llx", prefix, (unsigned long long)number);
    if (mkdirat(folder, out->name, 0700) != 0)
        return false;
    out->fd = openat(folder, out->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (out->fd >= 0 && flock(out->fd, LOCK_EX | LOCK_NB) != 0)
        fd_close(&out->fd); /* errno stays */
    return true;
}

static void remove_entry(struct entry *entry)
{
    fd_close(&entry->fd);
    unlinkat(entry->folder, entry->name, AT_REMOVEDIR);
}

static void remove_left_over(int folder, const char *name)
{
    auto_fd int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, AT_REMOVEDIR);
}

static void sweep(int folder)
{
    auto_fd int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (list == NULL)
        return; /* it costs the kernel some memory and nothing else */
    fd_take(&fd);
    for (unsigned i = 0; i < SWEPT; i++) {
        const struct dirent *one = readdir(list);
        if (one == NULL)
            break;
        if (strncmp(one->d_name, prefix, sizeof prefix - 1) == 0)
            remove_left_over(folder, one->d_name);
    }
    closedir(list);
}

/* The kernel takes the bytes when the file is closed, all of them or none. */
static bool write_report_data(const struct entry *entry, const struct source_ask *ask)
{
    int fd = openat(entry->fd, "inblob", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool wrote = fd_write(fd, SPAN(ask->report_data));
    int error = errno;
    bool closed = close(fd) == 0;
    errno = wrote ? errno : error;
    return wrote && closed;
}

enum outcome { GOT, AGAIN, NEVER };

static enum outcome failed(struct source_problem *problem, const char *what)
{
    int error = errno;
    if (error == EFBIG) {
        source_fail(problem, REASON_SOURCE_TOO_LARGE, "tsm: %s", what);
        return NEVER;
    }
    if (error == EPROTO) {
        source_fail(problem, REASON_SOURCE_MALFORMED, "tsm: %s", what);
        return NEVER;
    }
    source_fail_errno(problem, error, what);
    return error == EBUSY || error == EAGAIN || error == ENOENT ? AGAIN : NEVER;
}

/* "Userspace can detect conflicts by checking generation before writing to any attribute and
   making sure the number of writes matches expectations after reading @outblob." */
static enum outcome report(const struct entry *entry, const struct source_ask *ask,
                           struct sink *out, struct source_problem *problem)
{
    uint64_t before = 0, after = 0;
    if (!read_generation(entry, &before))
        return failed(problem, "generation");
    if (!write_report_data(entry, ask))
        return failed(problem, "inblob");
    ssize_t got = read_attribute(entry, "outblob", out->at, out->cap);
    if (got < 0)
        return failed(problem, "outblob");
    if (!read_generation(entry, &after))
        return failed(problem, "generation");
    if (after != before + 1) {
        source_fail(problem, REASON_SOURCE_BUSY, "tsm: somebody else writes into the entry");
        return AGAIN;
    }
    out->len = (size_t)got;
    return GOT;
}

/* Reports of others have layouts of their own. */
static enum outcome is_tdx(const struct entry *entry, struct source_problem *problem)
{
    char provider[PROVIDER + 1] = { 0 };
    if (read_attribute(entry, "provider", provider, PROVIDER) < 0)
        return failed(problem, "provider");
    provider[strcspn(provider, "\n")] = 0;
    if (strcmp(provider, "tdx_guest") == 0)
        return GOT;
    source_fail(problem, REASON_SOURCE_UNSUPPORTED, "tsm: the provider is %s", provider);
    return NEVER;
}

static enum outcome try_once(const struct source *source, const struct source_ask *ask,
                             struct sink *out, struct source_problem *problem)
{
    struct entry entry;
    if (!make_entry(source->fd, &entry))
        return errno == EEXIST ? AGAIN : failed(problem, source->name.path);
    enum outcome outcome = entry.fd < 0 ? failed(problem, entry.name) : is_tdx(&entry, problem);
    if (outcome == GOT)
        outcome = report(&entry, ask, out, problem);
    remove_entry(&entry);
    return outcome;
}

/* Only root may read it, and not every firmware has it: no log is no failure. */
static struct span boot_log(struct arena *arena)
{
    auto_fd int fd = open(CCEL, O_RDONLY | O_CLOEXEC);
    uint8_t *room = fd < 0 ? NULL : arena_room(arena, SOURCE_LOG_MAX);
    ssize_t got = room == NULL ? -1 : fd_read(fd, room, SOURCE_LOG_MAX);
    return got > 0 && got < SOURCE_LOG_MAX ? span_of(room, (size_t)got) : (struct span){ 0 };
}

bool source_tsm_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                      struct source_evidence *out, struct source_problem *problem)
{
    int64_t until_ms = clock_monotonic_ms() + source->timeout_ms;
    uint8_t *room = arena_room(arena, SOURCE_EVIDENCE_MAX);
    struct sink made = sink_over(room, room != NULL ? SOURCE_EVIDENCE_MAX : 0);
    if (room == NULL)
        return source_fail(problem, REASON_OUT_OF_MEMORY, "tsm");
    sweep(source->fd);
    source_fail(problem, REASON_SOURCE_BUSY, "tsm: every name is taken");
    for (unsigned i = 0; i < SOURCE_TRIES && clock_monotonic_ms() <= until_ms; i++) {
        switch (try_once(source, ask, &made, problem)) {
        case GOT:
            *out = (struct source_evidence){ .evidence = sink_bytes(&made),
                                             .event_log = boot_log(arena) };
            return true;
        case NEVER:
            return false;
        case AGAIN:
            poll(NULL, 0, WAIT_MS << i);
        }
    }
    return false;
}
