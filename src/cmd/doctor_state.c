/* doctor_state.c - see doctor.h: the checks of a state folder and what belongs to it, whether
   its house lives or not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "audit/rotate.h"
#include "base/cursor.h"
#include "base/number.h"
#include "cmd/doctor.h"
#include "codec/json.h"
#include "codec/pem.h"
#include "codec/x509.h"
#include "merkle/tree.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/listen.h"
#include "ward/collateral.h"
#include "ward/policy.h"

enum { CA_BYTES = 64 << 10, TAIL_BYTES = 128 << 10, HEADS_BYTES = 1 << 20, SEAL_BYTES = 32 };

/* What is there of the state; a row that says so when the answer is no. */
static bool see(const struct doctor *doctor, const char *name, struct stat *out,
                struct doctor_row *row)
{
    char path[DOCTOR_PATH];
    if (!doctor_path(path, doctor->settings->state, name)) {
        doctor_say(row, DOCTOR_FAIL, "the state folder's name is too long");
        return false;
    }
    if (lstat(path, out) == 0)
        return true;
    if (errno == ENOENT || errno == ENOTDIR)
        doctor_say(row, DOCTOR_OK, "there is none yet");
    else
        doctor_say(row, DOCTOR_WARN, "this user may not see it (%s)", strerror(errno));
    return false;
}

/* The folder or, before it is made, the nearest one above it. */
static bool nearest_folder(const struct doctor *doctor, char path[DOCTOR_PATH])
{
    if (!doctor_path(path, doctor->settings->state, ""))
        return false;
    for (;;) {
        struct stat is;
        char *slash = strrchr(path, '/');
        if (stat(path, &is) == 0)
            return true;
        if (slash == NULL)
            return false;
        slash[slash == path ? 1 : 0] = 0;
        if (path[1] == 0)
            return stat(path, &is) == 0;
    }
}

static void look_space(const struct doctor *doctor, struct doctor_row *row)
{
    char path[DOCTOR_PATH];
    struct statvfs is;
    if (!nearest_folder(doctor, path) || statvfs(path, &is) != 0)
        doctor_say(row, DOCTOR_WARN, "this user may not see it");
    else /* some file systems do not count names */
        judge_space(row, (uint64_t)is.f_bavail * is.f_frsize,
                    is.f_files == 0 ? UINT64_MAX : is.f_favail);
}

static void look_filesystem(const struct doctor *doctor, struct doctor_row *row)
{
    char path[DOCTOR_PATH];
    struct statfs is;
    if (!nearest_folder(doctor, path) || statfs(path, &is) != 0)
        doctor_say(row, DOCTOR_WARN, "this user may not see it");
    else
        judge_filesystem(row, (uint64_t)is.f_type & 0xffffffff);
}

static void look_modes(const struct doctor *doctor, struct doctor_row *row)
{
    static const char *const names[] = { "",
                                         "/run",
                                         "/run/lock",
                                         "/keyring",
                                         "/tee/authority",
                                         "/audit",
                                         "/audit/security.log",
                                         "/audit/leaves",
                                         "/audit/heads",
                                         "/ward.log",
                                         "/ward.db" };
    uid_t owner = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct stat is;
        struct doctor_row seen = { 0 };
        if (!see(doctor, names[i], &is, &seen)) {
            if (i == 0 || seen.finding != DOCTOR_OK) {
                *row = seen;
                return;
            }
            continue;
        }
        if (i == 0)
            owner = is.st_uid;
        judge_mode(row, i == 0 ? "the folder" : names[i] + 1, is.st_mode, is.st_uid == owner);
        if (row->finding != DOCTOR_OK)
            return;
    }
}

static void look_lock(const struct doctor *doctor, struct doctor_row *row)
{
    if (!doctor->lock_readable)
        doctor_say(row, DOCTOR_WARN, "this user may not read run/lock");
    else if (doctor->up)
        doctor_say(row, DOCTOR_OK, "a house lives in it (process %d)", (int)doctor->monitor);
    else
        doctor_say(row, DOCTOR_OK, "nobody lives in it");
}

static bool is_inside(const char *path, const char *folder)
{
    char real[PATH_MAX], above[PATH_MAX];
    if (realpath(path, real) == NULL || realpath(folder, above) == NULL)
        return false;
    size_t len = strlen(above);
    return strncmp(real, above, len) == 0 && (real[len] == '/' || real[len] == 0);
}

static void look_seal(const struct doctor *doctor, struct doctor_row *row)
{
    static const char *const kinds[] = { [SEAL_BY_FILE] = "a file",
                                         [SEAL_BY_PASSPHRASE] = "a passphrase",
                                         [SEAL_BY_CREDENTIAL] = "a credential of systemd" };
    const struct settings *settings = doctor->settings;
    bool named = settings->seal != SEAL_BY_PASSPHRASE && settings->seal_path[0] != 0;
    doctor_say(row, settings->seal < COUNT_OF(kinds) ? DOCTOR_OK : DOCTOR_FAIL, "%s%s%.200s",
               settings->seal < COUNT_OF(kinds) ? kinds[settings->seal] : "unknown",
               named ? ": " : "", named ? settings->seal_path : "");
}

static void look_seal_file(const struct doctor *doctor, struct doctor_row *row)
{
    const char *path = doctor->settings->seal_path;
    struct stat keyring, is;
    struct doctor_row seen = { 0 };
    bool has_keys = see(doctor, "/keyring", &keyring, &seen) && keyring.st_size > 0;
    if (doctor->settings->seal != SEAL_BY_FILE) {
        doctor_say(row, DOCTOR_OK, "no file seals the keyring");
    } else if (lstat(path, &is) != 0) {
        bool lost = errno == ENOENT && has_keys;
        bool hidden = errno != ENOENT;
        doctor_say(row,
                   lost     ? DOCTOR_FAIL
                   : hidden ? DOCTOR_WARN
                            : DOCTOR_OK,
                   "%s",
                   lost     ? "it is gone: the keyring opens to nobody"
                   : hidden ? "this user may not see it"
                            : "it is made at the first start");
    } else if (is_inside(path, doctor->settings->state)) {
        doctor_say(row, DOCTOR_FAIL,
                   "it lies inside the state folder: whoever copies one has both");
    } else if (!S_ISREG(is.st_mode) || is.st_size != SEAL_BYTES) {
        doctor_say(row, DOCTOR_FAIL, "it is no file of %d bytes", SEAL_BYTES);
    } else {
        judge_mode(row, "it", is.st_mode, !has_keys || is.st_uid == keyring.st_uid);
    }
}

static void look_port(const struct doctor *doctor, struct doctor_row *row)
{
    auto_fd int fd = -1;
    rc bound = listen_on(NULL, doctor->settings->listen, 1, &fd);
    if (rc_ok(bound))
        doctor_say(row, doctor->up ? DOCTOR_WARN : DOCTOR_OK, "%s %s", doctor->settings->listen,
                   doctor->up ? "is free: the house listens elsewhere" : "is free");
    else if (rc_errno(bound) == EADDRINUSE && (doctor->up || !doctor->lock_readable))
        doctor_say(row, DOCTOR_OK, "%s is the house's", doctor->settings->listen);
    else if (rc_class_of(bound) == RC_WORLD)
        doctor_say(row, DOCTOR_FAIL, "%s: %s", doctor->settings->listen, strerror(rc_errno(bound)));
    else
        doctor_say(row, DOCTOR_FAIL, "%s is no address", doctor->settings->listen);
}

static void look_certificate(const struct doctor *doctor, struct doctor_row *row)
{
    char path[DOCTOR_PATH];
    struct stat is;
    struct span pem, label;
    struct x509_cert cert;
    if (!see(doctor, "/ca.pem", &is, row))
        return;
    uint8_t *room = arena_alloc(doctor->arena, CA_BYTES);
    struct sink der = sink_over(room, room != NULL ? CA_BYTES : 0);
    if (!doctor_path(path, doctor->settings->state, "/ca.pem") ||
        !rc_ok(file_read_plain(NULL, path, CA_BYTES, doctor->arena, &pem))) {
        doctor_say(row, DOCTOR_WARN, "this user may not read it");
        return;
    }
    struct cursor in = cur_over(pem);
    if (pem_next(&in, &label, &der) && x509_parse(sink_bytes(&der), &cert))
        judge_certificate(row, doctor->now, cert.validity.from, cert.validity.until);
    else
        doctor_say(row, DOCTOR_FAIL, "ca.pem holds no certificate");
}

/* What the running house shows is its own to say (house.certificate): these may be newer. */
static void look_listener_files(const struct doctor *doctor, struct doctor_row *row)
{
    const struct settings *settings = doctor->settings;
    struct tls_looked looked;
    if (settings->tls_certificate[0] == 0) {
        doctor_say(row, DOCTOR_OK, "none are set: the house makes a certificate of its own");
    } else if (access(settings->tls_key, R_OK) != 0 && errno == EACCES) {
        doctor_say(row, DOCTOR_WARN, "this user may not read %.200s", settings->tls_key);
    } else if (!doctor->look_tls(settings, &looked)) {
        doctor_say(row, DOCTOR_WARN, "nobody could look at them");
    } else if (looked.fault.reason != REASON_NONE && !tls_is_of_dates(looked.fault.reason)) {
        doctor_say(row, DOCTOR_FAIL, "%s: %.200s", reason_info(looked.fault.reason)->name,
                   looked.fault.text);
    } else {
        struct doctor_row dates;
        judge_certificate(&dates, doctor->now, looked.validity.from, looked.validity.until);
        doctor_say(row, dates.finding, "%.60s; of %.100s, issued by %.100s", dates.detail,
                   looked.subject, looked.issuer);
    }
}

static bool may_not_read(const char *path)
{
    return path[0] != 0 && access(path, R_OK) != 0 && errno == EACCES;
}

/* An ended list shuts all operators out (TLS_CLIENT_UNCHECKED), and most are of days: it is said
   when they have ended, and before that nobody is woken. */
static void look_client_files(const struct doctor *doctor, struct doctor_row *row)
{
    const struct settings *settings = doctor->settings;
    struct tls_clients_looked looked;
    if (may_not_read(settings->tls_client_ca) || may_not_read(settings->tls_client_crl)) {
        doctor_say(row, DOCTOR_WARN, "this user may not read tls.client_ca or tls.client_crl");
    } else if (!doctor->look_clients(settings, doctor->arena, &looked)) {
        doctor_say(row, DOCTOR_WARN, "nobody could look at tls.client_ca");
    } else if (looked.fault.reason != REASON_NONE) {
        doctor_say(row, DOCTOR_FAIL, "%s: %.200s", reason_info(looked.fault.reason)->name,
                   looked.fault.text);
    } else if (looked.lists_end < doctor->now) {
        doctor_say(row, DOCTOR_FAIL, "a list of tls.client_crl has ended: nobody is an operator");
    } else {
        struct doctor_row dates;
        judge_certificate(&dates, doctor->now, 0, looked.cas_end);
        doctor_say(row, dates.finding, "tls.client_ca: %.100s", dates.detail);
    }
}

/* The worse of the two; the listener's where they are alike. */
static void look_tls_files(const struct doctor *doctor, struct doctor_row *row)
{
    struct doctor_row clients;
    look_listener_files(doctor, row);
    if (doctor->settings->tls_client_ca[0] == 0)
        return;
    look_client_files(doctor, &clients);
    if (clients.finding > row->finding)
        *row = clients;
}

/* The names of the folder of logs that were put away; the day of the oldest. */
static bool oldest_day(const char *path, int64_t *out)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    int64_t oldest = INT64_MAX;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        struct audit_file_name name;
        if (audit_file_name_read(span_text(entry->d_name), &name) && name.day < oldest)
            oldest = name.day;
    }
    closedir(folder);
    *out = oldest;
    return true;
}

static void look_rotated(const struct doctor *doctor, struct doctor_row *row)
{
    char path[DOCTOR_PATH];
    struct stat is;
    int64_t oldest = INT64_MAX;
    if (!see(doctor, "/audit", &is, row))
        return;
    if (doctor_path(path, doctor->settings->state, "/audit") && oldest_day(path, &oldest))
        judge_rotated(row, doctor->now / 86400, oldest, doctor->settings->audit_keep_days);
    else
        doctor_say(row, DOCTOR_WARN, "this user may not look into it");
}

/* The file of heads has its whole size from the start; its slots are text. */
static bool has_head(const struct doctor *doctor, bool *out)
{
    static const char mark[] = "ward head ";
    char path[DOCTOR_PATH];
    struct span bytes;
    if (!doctor_path(path, doctor->settings->state, "/audit/heads") ||
        !rc_ok(file_read_plain(NULL, path, HEADS_BYTES, doctor->arena, &bytes)))
        return false;
    *out = bytes.len > 0 && memmem(bytes.at, bytes.len, mark, sizeof mark - 1) != NULL;
    return true;
}

static void look_head(const struct doctor *doctor, struct doctor_row *row)
{
    struct stat log, heads;
    bool signed_once = false;
    if (!see(doctor, "/audit/security.log", &log, row) || !see(doctor, "/audit/heads", &heads, row))
        return;
    if (has_head(doctor, &signed_once))
        judge_head(row, doctor->now, log.st_size > 0 ? log.st_mtim.tv_sec : 0,
                   signed_once ? heads.st_mtim.tv_sec : 0);
    else
        doctor_say(row, DOCTOR_WARN, "this user may not read it");
}

/* How many records there are, by the number of the last one; false when that cannot be read. */
static bool count_records(const struct doctor *doctor, uint64_t *out)
{
    char path[DOCTOR_PATH];
    auto_fd int fd = -1;
    struct stat is;
    struct json line;
    uint8_t *tail = arena_alloc(doctor->arena, TAIL_BYTES);
    if (tail == NULL || !doctor_path(path, doctor->settings->state, "/audit/security.log"))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &is) != 0)
        return false;
    off_t from = is.st_size > TAIL_BYTES ? is.st_size - TAIL_BYTES : 0;
    ssize_t len = fd_read_at(fd, (uint64_t)from, tail, TAIL_BYTES);
    while (len > 0 && tail[len - 1] != '\n') /* one that is being written */
        len--;
    if (len <= 1)
        return false;
    uint8_t *begin = memrchr(tail, '\n', (size_t)len - 1);
    begin = begin == NULL ? tail : begin + 1;
    uint64_t seq = 0;
    if (!json_parse(span_of(begin, (size_t)(tail + len - 1 - begin)), doctor->arena, NULL, &line,
                    NULL) ||
        !json_u64(&line, json_member(&line, 0, "seq"), UINT32_MAX, &seq))
        return false;
    *out = seq + 1;
    return true;
}

static void look_leaves(const struct doctor *doctor, struct doctor_row *row)
{
    struct stat log, leaves;
    uint64_t records = 0;
    if (!see(doctor, "/audit/security.log", &log, row) ||
        !see(doctor, "/audit/leaves", &leaves, row))
        return;
    uint64_t kept = (uint64_t)leaves.st_size / sizeof(struct merkle_hash);
    if (log.st_size == 0)
        doctor_say(row, DOCTOR_OK, "%llu hashes; the open file is empty", (unsigned long long)kept);
    else if (count_records(doctor, &records))
        judge_leaves(row, records, kept, doctor->up);
    else
        doctor_say(row, DOCTOR_WARN, "the last record cannot be read by this user, or at all");
}

static void look_log_size(const struct doctor *doctor, struct doctor_row *row)
{
    struct stat log;
    if (!see(doctor, "/audit/security.log", &log, row))
        return;
    uint64_t limit = doctor->settings->audit_rotate_bytes;
    doctor_say(row, (uint64_t)log.st_size > limit + (1 << 20) ? DOCTOR_WARN : DOCTOR_OK,
               "%lld KiB of %llu", (long long)log.st_size >> 10, (unsigned long long)limit >> 10);
}

/* What is genuine under the pinned roots: the newest of each kind counts, as it does when
   evidence is judged. */
static void judge_items(const struct doctor *doctor, const struct ward_collateral *all,
                        struct doctor_row *row)
{
    struct doctor_collateral found = { .until = INT64_MAX };
    struct ward_collateral_item item, other;
    for (size_t i = 0; ward_collateral_item(all, i, &item); i++) {
        bool newest = item.genuine && strcmp(item.kind, "certificate") != 0;
        for (size_t j = 0; newest && ward_collateral_item(all, j, &other); j++)
            newest = !(other.genuine && strcmp(other.kind, item.kind) == 0 &&
                       strcmp(other.detail, item.detail) == 0 &&
                       other.valid_from > item.valid_from);
        if (!newest)
            continue;
        found.count++;
        found.from = found.from == 0 || item.valid_from < found.from ? item.valid_from : found.from;
        found.until = item.valid_until < found.until ? item.valid_until : found.until;
    }
    judge_collateral(row, doctor->now, &found);
}

static void look_collateral(const struct doctor *doctor, struct doctor_row *row)
{
    const char *path = doctor->settings->collateral;
    struct ward_error error = { 0 };
    struct ward_policy *policy = NULL;
    struct ward_collateral *all = NULL;
    struct ward_collateral_files files = { 0 };
    struct ward_bytes *pool = NULL;
    if (path[0] == 0) {
        doctor_say(row, DOCTOR_OK, "none configured (collateral.folder)");
        return;
    }
    if (access(path, R_OK | X_OK) != 0) {
        doctor_say(row, DOCTOR_WARN, "%.200s: %s", path, strerror(errno));
        return;
    }
    bool read = doctor->read_folder(doctor->arena, path, &pool, &files.pool_count);
    files.pool = pool;
    if (read && ward_policy_new(&policy, &error) == WARD_DONE &&
        ward_collateral_new(&files, policy, &all, &error) == WARD_DONE)
        judge_items(doctor, all, row);
    else
        doctor_say(row, DOCTOR_WARN, "%.200s cannot be read", path);
    ward_collateral_free(&all);
    ward_policy_free(&policy);
}

/* Only its first bytes: to open it would be to change it, and the house reads all of it at each
   start. */
static void look_store(const struct doctor *doctor, struct doctor_row *row)
{
    static const char magic[16] = "SQLite format 3";
    char path[DOCTOR_PATH], begin[sizeof magic] = "";
    struct stat is;
    if (strcmp(doctor->settings->store, "sqlite") != 0) {
        doctor_say(row, DOCTOR_OK, "a server: %s",
                   doctor->up ? "what the house says of it is house.store"
                              : "it is asked when the house is up");
        return;
    }
    if (!see(doctor, "/ward.db", &is, row) ||
        !doctor_path(path, doctor->settings->state, "/ward.db"))
        return;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        doctor_say(row, DOCTOR_WARN, "this user may not read it");
    else if (is.st_size != 0 &&
             (fd_read(fd, begin, sizeof begin) != (ssize_t)sizeof begin ||
              !span_equal(span_of(begin, sizeof begin), span_of(magic, sizeof magic))))
        doctor_say(row, DOCTOR_FAIL, "ward.db is no database");
    else
        doctor_say(row, DOCTOR_OK, "ward.db, %lld KiB", (long long)is.st_size >> 10);
}

static bool is_backup(const char *name)
{
    static const char ending[] = ".wardbackup";
    size_t len = strlen(name), end = sizeof ending - 1;
    return len > end && name[0] != '.' && strcmp(name + len - end, ending) == 0;
}

static void look_backup(const struct doctor *doctor, struct doctor_row *row)
{
    const char *path = doctor->settings->backup_dir;
    int64_t newest = 0;
    DIR *folder = opendir(path);
    if (folder == NULL && errno != ENOENT) {
        doctor_say(row, DOCTOR_WARN, "this user may not look into %.200s", path);
        return;
    }
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat is;
        if (is_backup(entry->d_name) &&
            fstatat(dirfd(folder), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(is.st_mode) && is.st_mtim.tv_sec > newest)
            newest = is.st_mtim.tv_sec;
    }
    if (folder != NULL)
        closedir(folder);
    judge_backup(row, doctor->now, newest);
}

const struct doctor_check doctor_state[] = {
    { "state.space", "the disk has room",
      "Free space on the disk of the state folder: a full one refuses what must be logged.",
      look_space },
    { "state.filesystem", "what is written stays written",
      "Put the state folder on a local disk: --state, or state.folder in ward.toml.",
      look_filesystem },
    { "state.permissions", "the state is the owner's alone",
      "chown -R the owner and chmod -R go-rwx the state folder (not ca.pem).", look_modes },
    { "state.lock", "it is known who lives here", "Ask as the user who runs the house.",
      look_lock },
    { "seal.kind", "the keyring is sealed", "Set seal.kind to file, passphrase or credential.",
      look_seal },
    { "seal.file", "the seal is safe",
      "Keep it beside the state folder, mode 0600, and in another backup than the keyring.",
      look_seal_file },
    { "listen.port", "the address can be listened on",
      "End who has it (ss -ltnp), or choose another: --listen, or listen.tls in ward.toml.",
      look_port },
    { "certificate.ca", "clients can trust the house",
      "Start the house again: it makes its certificates anew when they end.", look_certificate },
    { "certificate.files", "the files of [tls] can be used",
      "Renew the certificate or the list and `ward reload`; `ward config check` says what is "
      "wrong.",
      look_tls_files },
    { "collateral.age", "evidence is judged by fresh collateral",
      "Fetch it again: ward collateral fetch.", look_collateral },
    { "store.file", "the database is there",
      "Keep the file for inspection, and restore the backup of the state folder.", look_store },
    { "audit.head", "the log is under a signed head",
      "Look into ward.log: the keeper signs heads, and says there why it does not.", look_head },
    { "audit.leaves", "no record is missing",
      "Have the log verified (Audit.Verify); restore the folder audit/ from the backup if it "
      "fails.",
      look_leaves },
    { "audit.size", "the log is put away in time",
      "Look into ward.log: putting a log away needs room for a second file.", look_log_size },
    { "audit.rotated", "old logs go in time",
      "Look into ward.log; a log stays while it is not under a signed head.", look_rotated },
    { "backup.age", "there is a fresh backup",
      "Make one every day: ward backup create; backup.dir says where they are.", look_backup },
};
const size_t doctor_state_count = COUNT_OF(doctor_state);
