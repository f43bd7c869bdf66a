/* doctor.h - what `ward doctor` looks at: one table of checks, each a small function that looks
   at one thing and a judgement that knows nothing but numbers (doctor_judge.c).

   A check never changes anything, needs no rights of its own, and does not wait: what it may
   not see is a warning that says so. */
#ifndef WARD_CMD_DOCTOR_H
#define WARD_CMD_DOCTOR_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/span.h"
#include "cmd/tls_look.h"
#include "proc/settings.h"
#include "ward/base.h"

enum { DOCTOR_DETAIL = 320, DOCTOR_PATH = 4096 };

enum doctor_finding { DOCTOR_OK = 0, DOCTOR_WARN, DOCTOR_FAIL };

/* The world as the checks see it. */
struct doctor {
    const char *root;    /* stands before /proc, /sys and /dev: "" but in tests */
    const char *libexec; /* the folder of the house's programs; NULL: not found */
    const struct settings *settings;
    int64_t now; /* seconds since 1970 */
    uid_t user;
    bool up;            /* a monitor holds the lock */
    bool lock_readable; /* false: nobody knows */
    pid_t monitor;
    struct span version; /* of the running house; empty: not asked, or no answer */
    struct arena *arena;
    /* Reads every file of a folder, as the other commands do: input_folder. */
    bool (*read_folder)(struct arena *arena, const char *path, struct ward_bytes **files,
                        size_t *count);
    /* Looks at the files of the listener's certificate as a house would: tls_look. */
    bool (*look_tls)(const struct settings *settings, struct tls_looked *out);
    /* And at those that operators' certificates are judged by: tls_look_clients. */
    bool (*look_clients)(const struct settings *settings, struct arena *arena,
                         struct tls_clients_looked *out);
};

struct doctor_row {
    enum doctor_finding finding;
    char detail[DOCTOR_DETAIL];
};

struct doctor_check {
    const char *id, *title;
    const char *fix; /* shown where the finding is not ok */
    void (*look)(const struct doctor *doctor, struct doctor_row *row);
};

extern const struct doctor_check doctor_machine[], doctor_state[];
extern const size_t doctor_machine_count, doctor_state_count;

/* doctor_say is how a row is filled. */
void doctor_say(struct doctor_row *row, enum doctor_finding finding, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* doctor_path makes a path under the root or the state folder; false when it is too long. */
MUST_USE
bool doctor_path(char path[DOCTOR_PATH], const char *above, const char *below);

/* Of what a folder of collateral holds that is genuine, the newest of each kind: how many, the
   oldest of them, and when the first of them ends. */
struct doctor_collateral {
    size_t count;
    int64_t from, until; /* seconds since 1970 */
};

/* The judgements: pure. */
void judge_clock(struct doctor_row *row, int64_t now, int64_t program);
void judge_sync(struct doctor_row *row, bool synchronised, int64_t error_us);
void judge_space(struct doctor_row *row, uint64_t free_bytes, uint64_t free_files);
void judge_filesystem(struct doctor_row *row, uint64_t type);
void judge_mode(struct doctor_row *row, const char *name, mode_t mode, bool is_owners);
void judge_memlock(struct doctor_row *row, uint64_t limit, bool root);
void judge_nofile(struct doctor_row *row, uint64_t limit, uint64_t connections);
void judge_landlock(struct doctor_row *row, int abi);
void judge_cores(struct doctor_row *row, uint64_t suid_dumpable, const char *pattern);
void judge_certificate(struct doctor_row *row, int64_t now, int64_t from, int64_t until);
void judge_head(struct doctor_row *row, int64_t now, int64_t log, int64_t head);
void judge_leaves(struct doctor_row *row, uint64_t records, uint64_t leaves, bool up);
void judge_rotated(struct doctor_row *row, int64_t today, int64_t oldest, uint32_t keep_days);
void judge_collateral(struct doctor_row *row, int64_t now, const struct doctor_collateral *found);
void judge_backup(struct doctor_row *row, int64_t now, int64_t newest);
void judge_versions(struct doctor_row *row, struct span running, const char *own);

#endif
