/* files.c - see monitor.h: the state folder, and everything that is opened once.

       STATE/run/lock             held as long as the house lives; "NUMBER starting" or
                                  "NUMBER ready" of its monitor, nothing after an orderly end
       STATE/run/ward.sock        the owner's socket
       STATE/keyring              the keeper's sealed file
       STATE/audit/security.log   the log that is written; rotated ones beside it
       STATE/audit/leaves         the hash of every record ever
       STATE/audit/heads          the heads that the keeper signed
       STATE/ward.db              core's database, which it opens itself before its jail
       STATE/ca.pem               the CA's certificate, for clients
       STATE/tee/                 the simulated TEE's folder: see proc/tee/tee.h
       STATE/ward.log             what the processes say to people
       SEAL (beside STATE)        what the keyring is sealed with, where that is a file */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit/rotate.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/listen.h"
#include "os/random.h"
#include "proc/monitor/monitor.h"
#include "proc/store_password.h"
#include "proc/tables.h"
#include "proc/tls_open.h"

enum { SEAL_BYTES = 32, LISTEN_BACKLOG = 1024, OLD_LOOK_MS = 10 };

static const char open_log[] = "security.log";
static const char next_log[] = "security.new";
const char monitor_system_cas[] = "/etc/ssl/certs/ca-certificates.crt";

/* What is no folder or file of this user's own is refused, the rest is the system's word. */
static rc unusable(struct trail *trail, struct monitor *monitor, const char *name)
{
    int why = errno;
    bool unsafe = why == ENOTDIR || why == ELOOP || why == EISDIR || why == ENXIO;
    monitor_blame(monitor, unsafe ? REASON_HOUSE_STATE_UNSAFE : REASON_HOUSE_STATE_UNUSABLE,
                  "%s: %s", name, unsafe ? "not a plain folder or file" : strerror(why));
    return FAIL_OS(trail, why);
}

static rc make_folder(struct trail *trail, struct monitor *monitor, int above, const char *name,
                      int *out)
{
    if (mkdirat(above, name, 0700) != 0 && errno != EEXIST)
        return unusable(trail, monitor, name);
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return unusable(trail, monitor, name);
    struct stat is;
    /* A folder that others may write to could be made to say anything. */
    if (fstat(fd, &is) != 0 || is.st_uid != geteuid() || (is.st_mode & 022) != 0) {
        close(fd);
        monitor_blame(monitor, REASON_HOUSE_STATE_UNSAFE,
                      "%s: another user's, or writable by others", name);
        return FAIL(trail, RC_DENIED, MONITOR_E_STATE);
    }
    *out = fd;
    return RC_SUCCESS;
}

static rc open_file(struct trail *trail, int folder, const char *name, int flags, int *out)
{
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    struct stat is;
    if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode) || is.st_uid != geteuid()) {
        close(fd);
        return FAIL(trail, RC_DENIED, MONITOR_E_FILE);
    }
    *out = fd;
    return RC_SUCCESS;
}

/* For a file that is named in what is said when it cannot be used. */
static rc keep_file(struct trail *trail, struct monitor *monitor, int folder, const char *name,
                    int flags, int *out)
{
    rc opened = open_file(trail, folder, name, flags, out);
    if (rc_class_of(opened) == RC_DENIED)
        monitor_blame(monitor, REASON_HOUSE_STATE_UNSAFE, "%s: another user's, or no plain file",
                      name);
    else if (!rc_ok(opened))
        return unusable(trail, monitor, name);
    return opened;
}

static rc write_lock(struct trail *trail, struct monitor *monitor, const char *how)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%d %s\n", (int)getpid(), how);
    if (ftruncate(monitor->lock, 0) != 0 ||
        !fd_write_at(monitor->lock, 0, span_of(text, (size_t)len)))
        return unusable(trail, monitor, "run/lock");
    return RC_SUCCESS;
}

rc monitor_is_ready(struct trail *trail, struct monitor *monitor)
{
    return write_lock(trail, monitor, "ready");
}

/* A lock of this open file, so that looking whether it is held never takes it. */
static rc take_lock(struct trail *trail, struct monitor *monitor, int run)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat is;
    TRY(trail, keep_file(trail, monitor, run, "lock", 0, &monitor->lock));
    if (fcntl(monitor->lock, F_OFD_SETLK, &whole) != 0) {
        monitor_blame(monitor, REASON_HOUSE_LOCKED, "%s", monitor->settings.state);
        return FAIL(trail, RC_DENIED, MONITOR_E_LOCKED);
    }
    monitor->was_killed = fstat(monitor->lock, &is) == 0 && is.st_size > 0;
    return write_lock(trail, monitor, "starting");
}

/* The processes have this very open file from the monitor, and with it its lock: it is free
   when the last of them is gone.  A monitor that was killed leaves them for a moment, and two
   that write one log would break its chain. */
static rc wait_for_old(struct trail *trail, struct monitor *monitor, enum house_file file)
{
    int64_t until = clock_monotonic_ms() + MONITOR_OLD_MS;
    while (flock(monitor->files[file], LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return unusable(trail, monitor, "the lock of a file");
        if (clock_monotonic_ms() >= until) {
            monitor_blame(monitor, REASON_HOUSE_NOT_GONE, "%s", monitor->settings.state);
            return FAIL(trail, RC_DENIED, MONITOR_E_LOCKED);
        }
        poll(NULL, 0, OLD_LOOK_MS);
    }
    return RC_SUCCESS;
}

/* An empty one is what a monitor left that was killed while it made it: it seals nothing. */
static bool is_no_seal(const char *path)
{
    struct stat is;
    if (lstat(path, &is) != 0)
        return errno == ENOENT;
    return S_ISREG(is.st_mode) && is.st_size == 0 && is.st_uid == geteuid() && unlink(path) == 0;
}

/* A seal is made only together with the keyring: a new one could open nothing. */
static rc open_seal(struct trail *trail, struct monitor *monitor)
{
    if (monitor->settings.seal == SEAL_BY_PASSPHRASE)
        return RC_SUCCESS; /* it was given */
    struct stat is;
    if (fstat(monitor->files[FILE_KEYRING], &is) != 0)
        return unusable(trail, monitor, "keyring");
    const char *path = monitor->settings.seal_path;
    if (is.st_size == 0 && monitor->settings.seal == SEAL_BY_FILE && is_no_seal(path)) {
        uint8_t bytes[SEAL_BYTES];
        random_bytes(bytes, sizeof bytes);
        rc made = file_write_new(trail, path, SPAN(bytes), 0600);
        explicit_bzero(bytes, sizeof bytes);
        if (!rc_ok(made))
            monitor_blame(monitor, REASON_HOUSE_STATE_UNUSABLE, "%s: %s", path,
                          strerror(rc_errno(made)));
        TRY(trail, made);
    }
    monitor->files[FILE_SEAL] = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (monitor->files[FILE_SEAL] < 0) {
        monitor_blame(monitor, REASON_HOUSE_SEAL_MISSING, "%s: %s", path, strerror(errno));
        return FAIL_ERRNO(trail);
    }
    return RC_SUCCESS;
}

/* Before any rights are given up: nobody but this user needs to read it. */
static rc open_password(struct trail *trail, struct monitor *monitor)
{
    const char *path = monitor->settings.password;
    if (path[0] == 0)
        return RC_SUCCESS;
    rc opened = store_password_open(trail, path, geteuid(), &monitor->files[FILE_PASSWORD]);
    if (rc_number(opened) == REASON_HOUSE_STATE_UNUSABLE)
        return unusable(trail, monitor, path);
    if (rc_ok(opened))
        return RC_SUCCESS;
    monitor_blame(monitor, REASON_HOUSE_STATE_UNSAFE,
                  "%s: another user's, no plain file, or open to others", path);
    return FAIL(trail, RC_DENIED, MONITOR_E_FILE);
}

/* Everybody may know what is in it; whoever names it says what is in it. */
static rc open_named(struct trail *trail, struct monitor *monitor, const char *path, int *out)
{
    struct stat is;
    int fd = path[0] == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (path[0] != 0 && fd < 0)
        return unusable(trail, monitor, path);
    if (fd >= 0)
        *out = fd;
    if (fd < 0 || (fstat(fd, &is) == 0 && S_ISREG(is.st_mode)))
        return RC_SUCCESS;
    monitor_blame(monitor, REASON_HOUSE_STATE_UNUSABLE, "%s: no plain file", path);
    return FAIL(trail, RC_WORLD, MONITOR_E_FILE);
}

/* Without the system's CAs no provider is known by them: fetch says so when it is asked. */
static rc open_collateral(struct trail *trail, struct monitor *monitor)
{
    const struct settings *settings = &monitor->settings;
    int *files = monitor->files;
    TRY(trail, open_named(trail, monitor, settings->collateral_root, &files[FILE_COLLATERAL_ROOT]));
    if (settings->provider_url[0] != 0 && settings->provider_ca[0] == 0)
        files[FILE_PROVIDER_CA] = open(monitor_system_cas, O_RDONLY | O_CLOEXEC);
    TRY(trail, open_named(trail, monitor, settings->provider_ca, &files[FILE_PROVIDER_CA]));
    TRY(trail, open_named(trail, monitor, settings->miners, &files[FILE_MINERS]));
    return open_named(trail, monitor, settings->channel_policy, &files[FILE_CHANNEL_POLICY]);
}

static rc open_tls(struct trail *trail, struct monitor *monitor)
{
    int *files = monitor->files;
    struct tls_fault fault;
    if (tls_open(&monitor->settings, geteuid(), &files[FILE_TLS_CERTIFICATE], &files[FILE_TLS_KEY],
                 &fault) &&
        tls_open_clients(&monitor->settings, geteuid(), &files[FILE_TLS_CLIENT_CA],
                         &files[FILE_TLS_CLIENT_CRL], &fault))
        return RC_SUCCESS;
    monitor_blame(monitor, fault.reason, "%s", fault.text);
    return FAIL(trail, RC_DENIED, MONITOR_E_FILE);
}

static rc open_kept(struct trail *trail, struct monitor *monitor)
{
    int *files = monitor->files;
    TRY(trail, keep_file(trail, monitor, monitor->audit, "leaves", 0, &files[FILE_AUDIT_LEAVES]));
    TRY(trail, keep_file(trail, monitor, monitor->audit, "heads", 0, &files[FILE_AUDIT_HEADS]));
    TRY(trail, keep_file(trail, monitor, monitor->state, "keyring", 0, &files[FILE_KEYRING]));
    return keep_file(trail, monitor, monitor->state, "ca.pem", 0, &files[FILE_CA]);
}

/* For everybody to look into, as far as the state folder lets them; tee writes there before its
   jail, and the lock keeps two from doing so at once. */
static rc open_tee(struct trail *trail, struct monitor *monitor)
{
    int *folder = &monitor->files[FILE_TEE];
    TRY(trail, make_folder(trail, monitor, monitor->state, "tee", folder));
    if (fchmod(*folder, 0755) != 0)
        return unusable(trail, monitor, "tee");
    return wait_for_old(trail, monitor, FILE_TEE);
}

rc monitor_open_state(struct trail *trail, struct monitor *monitor)
{
    int *files = monitor->files;
    int run = -1;
    TRY(trail, make_folder(trail, monitor, AT_FDCWD, monitor->settings.state, &monitor->state));
    TRY(trail, make_folder(trail, monitor, monitor->state, "run", &run));
    rc locked = take_lock(trail, monitor, run);
    fd_close(&run);
    TRY(trail, locked);
    TRY(trail, keep_file(trail, monitor, monitor->state, "ward.log", O_APPEND, &monitor->log));
    /* Whoever started the house may wait for its own output to end. */
    if (dup2(monitor->log, STDERR_FILENO) < 0)
        return FAIL_ERRNO(trail);
    TRY(trail, open_tls(trail, monitor)); /* before anything is made that a first start makes */
    TRY(trail, make_folder(trail, monitor, monitor->state, "audit", &monitor->audit));
    TRY(trail, open_kept(trail, monitor));
    if (fchmod(files[FILE_CA], 0644) != 0)
        return unusable(trail, monitor, "ca.pem");
    TRY(trail, wait_for_old(trail, monitor, FILE_AUDIT_HEADS));
    TRY(trail, wait_for_old(trail, monitor, FILE_KEYRING));
    TRY(trail, open_tee(trail, monitor));
    /* Only now: the house before may have rotated it to its last moment. */
    TRY(trail,
        keep_file(trail, monitor, monitor->audit, open_log, O_APPEND, &files[FILE_AUDIT_LOG]));
    /* The names must be as durable as what will be written under them. */
    if (fsync(monitor->audit) != 0 || fsync(monitor->state) != 0)
        return unusable(trail, monitor, monitor->settings.state);
    files[FILE_STATE] = fcntl(monitor->state, F_DUPFD_CLOEXEC, 0);
    if (files[FILE_STATE] < 0)
        return unusable(trail, monitor, monitor->settings.state);
    TRY(trail, open_password(trail, monitor));
    TRY(trail, open_collateral(trail, monitor));
    TRY(trail, monitor_open_peers(trail, monitor));
    return open_seal(trail, monitor);
}

rc monitor_make_tables(struct trail *trail, struct monitor *monitor)
{
    int *files = monitor->files;
    struct shared bans, serving;
    TRY(trail, tables_make_bans(trail, &bans));
    files[FILE_BANS] = bans.writer;
    files[FILE_BANS_READ] = bans.reader;
    TRY(trail, tables_make_serving(trail, &serving));
    files[FILE_SERVING] = serving.writer;
    files[FILE_SERVING_READ] = serving.reader;
    return RC_SUCCESS;
}

static rc listen_owner(struct trail *trail, struct monitor *monitor)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    /* Through the open folder: a path of any length, and of this folder only. */
    int len = snprintf(name.sun_path, sizeof name.sun_path, "/proc/self/fd/%d/run/ward.sock",
                       monitor->state);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || len < 0)
        return unusable(trail, monitor, "run/ward.sock");
    /* We hold the lock: a socket that lies here is of a house that is gone. */
    if (unlink(name.sun_path) != 0 && errno != ENOENT)
        return unusable(trail, monitor, "run/ward.sock");
    mode_t old = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)&name, sizeof name);
    umask(old);
    if (bound != 0 || listen(fd, LISTEN_BACKLOG) != 0)
        return unusable(trail, monitor, "run/ward.sock");
    monitor->files[FILE_OWNER_LISTENER] = fd_take(&fd);
    return RC_SUCCESS;
}

rc monitor_open_listeners(struct trail *trail, struct monitor *monitor)
{
    int64_t until = clock_monotonic_ms() + (monitor->was_killed ? MONITOR_OLD_MS : 0);
    TRY(trail, listen_owner(trail, monitor));
    if (monitor->files[FILE_TLS_LISTENER] >= 0)
        return RC_SUCCESS; /* it was given */
    for (;;) {
        rc bound = listen_on(trail, monitor->settings.listen, LISTEN_BACKLOG,
                             &monitor->files[FILE_TLS_LISTENER]);
        if (rc_ok(bound))
            return RC_SUCCESS;
        if (rc_errno(bound) != EADDRINUSE || clock_monotonic_ms() >= until) {
            monitor_blame(monitor, REASON_HOUSE_LISTEN, "%s: %s", monitor->settings.listen,
                          strerror(rc_errno(bound)));
            return bound;
        }
        poll(NULL, 0, OLD_LOOK_MS);
    }
}

/* Room for a name of audit/rotate.h and ".gz.part". */
enum { NAME_ROOM = AUDIT_FILE_NAME_MAX + 16 };

/* The name of a log that was put away, of one form or the other: no other file can be meant,
   and none outside the folder. */
static bool log_name(struct span name, bool gzip, char out[NAME_ROOM])
{
    struct audit_file_name said;
    if (name.len > AUDIT_FILE_NAME_MAX || !audit_file_name_read(name, &said) || said.gzip != gzip)
        return false;
    memcpy(out, name.at, name.len);
    out[name.len] = 0;
    return true;
}

static bool is_open_log(const struct monitor *monitor, const char *name)
{
    struct stat named, opened;
    return fstat(monitor->files[FILE_AUDIT_LOG], &opened) == 0 &&
           fstatat(monitor->audit, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

/* link and not rename: a name that is taken is a failure, never overwritten.  Then the new
   file takes the old one's place in one step: there is no instant without an open log.  Killed
   between the two, the log has both names, and the next rotation finds it so. */
static rc put_away(struct trail *trail, struct monitor *monitor, const char *away)
{
    auto_fd int fresh = -1;
    if (unlinkat(monitor->audit, next_log, 0) != 0 && errno != ENOENT)
        return FAIL_ERRNO(trail);
    TRY(trail, open_file(trail, monitor->audit, next_log, O_APPEND | O_EXCL, &fresh));
    if (!is_open_log(monitor, away) &&
        linkat(monitor->audit, open_log, monitor->audit, away, 0) != 0)
        return FAIL_ERRNO(trail);
    if (renameat(monitor->audit, next_log, monitor->audit, open_log) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* Where the names are changed already, an earlier try failed after that. */
rc monitor_rotate(struct trail *trail, struct monitor *monitor, struct span name, int *fd)
{
    char away[NAME_ROOM];
    struct stat is;
    auto_fd int fresh = -1;
    if (!log_name(name, false, away))
        return FAIL(trail, RC_PEER, MONITOR_E_FILE);
    if (is_open_log(monitor, open_log))
        TRY(trail, put_away(trail, monitor, away));
    else if (!is_open_log(monitor, away))
        return FAIL_OS(trail, ENOENT);
    TRY(trail, open_file(trail, monitor->audit, open_log, O_APPEND, &fresh));
    if (fstat(fresh, &is) != 0 || fsync(monitor->audit) != 0)
        return FAIL_ERRNO(trail);
    if (is.st_size != 0)
        return FAIL_OS(trail, EEXIST);
    fd_close(&monitor->files[FILE_AUDIT_LOG]);
    *fd = monitor->files[FILE_AUDIT_LOG] = fd_take(&fresh);
    return RC_SUCCESS;
}

static void packed_name(const char *plain, const char *end, char out[NAME_ROOM])
{
    struct sink name = sink_over(out, NAME_ROOM);
    sink_format(&name, "%s.gz%s", plain, end);
    sink_terminate(&name);
}

rc monitor_open_packed(struct trail *trail, struct monitor *monitor, struct span name, int fds[2])
{
    char plain[NAME_ROOM], part[NAME_ROOM];
    auto_fd int old = -1;
    if (!log_name(name, false, plain))
        return FAIL(trail, RC_PEER, MONITOR_E_FILE);
    packed_name(plain, ".part", part);
    old = openat(monitor->audit, plain, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (old < 0)
        return FAIL_ERRNO(trail);
    TRY(trail, open_file(trail, monitor->audit, part, O_TRUNC, &fds[1]));
    fds[0] = fd_take(&old);
    return RC_SUCCESS;
}

/* The packed form has its name, for good, before the plain one goes. */
rc monitor_packed(struct trail *trail, struct monitor *monitor, struct span name)
{
    char plain[NAME_ROOM], part[NAME_ROOM], whole[NAME_ROOM];
    if (!log_name(name, false, plain))
        return FAIL(trail, RC_PEER, MONITOR_E_FILE);
    packed_name(plain, ".part", part);
    packed_name(plain, "", whole);
    if (renameat(monitor->audit, part, monitor->audit, whole) != 0 || fsync(monitor->audit) != 0 ||
        unlinkat(monitor->audit, plain, 0) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc monitor_remove(struct trail *trail, struct monitor *monitor, struct span name)
{
    char path[NAME_ROOM];
    if (!log_name(name, false, path) && !log_name(name, true, path))
        return FAIL(trail, RC_PEER, MONITOR_E_FILE);
    if (unlinkat(monitor->audit, path, 0) != 0 && errno != ENOENT)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}
