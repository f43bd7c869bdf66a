/* peers.c - see monitor.h: the files that ward.toml names for its peers, in memory that is sealed:
   one descriptor for all of a kind, whatever becomes of the files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/file.h"
#include "proc/messages.h"
#include "proc/monitor/monitor.h"

/* Files of one kind: what a peer has of it, "" for none, and how many bytes one may have. */
struct kind {
    enum house_file file;
    const char *(*of)(const struct peer_settings *peer);
    uint32_t max;
};

/* The first file that cannot be taken, and why. */
struct bad_file {
    const char *path, *why;
};

static bool wants_tls(const struct peer_settings *peer)
{
    return strncmp(peer->url, "wss:", 4) == 0 || strncmp(peer->public, "https:", 6) == 0;
}

/* Where there are pins the peer's key alone counts. */
static const char *ca_of(const struct peer_settings *peer)
{
    if (!wants_tls(peer))
        return "";
    return peer->ca[0] != 0 ? peer->ca : peer->pins[0] != 0 ? "" : monitor_system_cas;
}

static const char *policy_of(const struct peer_settings *peer)
{
    return peer->policy;
}

static const struct kind kinds[] = {
    { FILE_PEER_CAS, ca_of, MONITOR_PEER_FILE_MAX },
    { FILE_PEER_POLICIES, policy_of, LINK_POLICY_MAX },
};

/* An empty one would be taken for none, and what it was to demand of the peer for nothing.  To be
   open to be written is no fault: a house has its ca.pem open for as long as it lives. */
static const char *read_file(const char *path, size_t max, struct arena *arena, struct span *out)
{
    auto_fd int fd = -1;
    const char *wrong = file_open_regular(path, &fd);
    if (wrong != NULL)
        return wrong;
    rc got = file_read_fd(NULL, fd, max, arena, out);
    if (!rc_ok(got))
        return file_error_text(got);
    return out->len == 0 ? "empty" : NULL;
}

/* A file's length and its bytes; "": none. */
static rc add_file(struct trail *trail, const struct kind *kind, const char *path, int memory,
                   struct bad_file *bad)
{
    struct arena arena;
    struct span bytes = { 0 };
    rc added = RC_SUCCESS;
    arena_init(&arena, 2 * (size_t)MONITOR_PEER_FILE_MAX);
    bad->path = path;
    bad->why = path[0] == 0 ? NULL : read_file(path, kind->max, &arena, &bytes);
    /* A machine without any CAs: front says so of those peers. */
    if (bad->why != NULL && path != monitor_system_cas)
        added = FAIL(trail, RC_WORLD, MONITOR_E_FILE);
    uint32_t len = (uint32_t)bytes.len;
    if (rc_ok(added) && (!fd_write(memory, span_of(&len, sizeof len)) || !fd_write(memory, bytes)))
        added = FAIL_ERRNO(trail);
    arena_fini(&arena);
    return added;
}

/* Each peer's in its place, and behind the policies that of profile sdk-v1. */
static rc pack(struct trail *trail, const struct settings *settings, const struct kind *kind,
               int *out, struct bad_file *bad)
{
    auto_fd int memory = memfd_create("peers", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0)
        return FAIL_ERRNO(trail);
    for (uint32_t i = 0; i < settings->peer_count; i++)
        TRY(trail, add_file(trail, kind, kind->of(&settings->peers[i]), memory, bad));
    if (kind->file == FILE_PEER_POLICIES)
        TRY(trail, add_file(trail, kind, settings->sdk_policy, memory, bad));
    if (fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return FAIL_ERRNO(trail);
    *out = fd_take(&memory);
    return RC_SUCCESS;
}

rc monitor_open_peers(struct trail *trail, struct monitor *monitor)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct bad_file bad = { 0 };
        rc packed = pack(trail, &monitor->settings, &kinds[i], &monitor->files[kinds[i].file],
                         &bad);
        if (bad.why != NULL && !rc_ok(packed))
            monitor_blame(monitor, REASON_HOUSE_STATE_UNUSABLE, "%s: %s", bad.path, bad.why);
        TRY(trail, packed);
    }
    return RC_SUCCESS;
}

static bool map(int fd, struct span *out)
{
    struct stat is;
    if (fstat(fd, &is) != 0)
        return false;
    *out = (struct span){ 0 };
    if (is.st_size == 0)
        return true;
    void *mapped = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped != MAP_FAILED)
        *out = span_of(mapped, (size_t)is.st_size);
    return mapped != MAP_FAILED;
}

static bool has_changed(const struct monitor *monitor, const struct kind *kind)
{
    auto_fd int now = -1;
    struct bad_file bad;
    struct span bytes[2] = { 0 };
    bool same = rc_ok(pack(NULL, &monitor->settings, kind, &now, &bad)) && map(now, &bytes[0]) &&
                map(monitor->files[kind->file], &bytes[1]) && span_equal(bytes[0], bytes[1]);
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        if (bytes[i].len > 0)
            munmap((void *)(uintptr_t)bytes[i].at, bytes[i].len);
    }
    return !same;
}

bool monitor_peers_changed(const struct monitor *monitor)
{
    bool changed = false;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        changed |= has_changed(monitor, &kinds[i]);
    return changed;
}
