/* doctor_judge.c - see doctor.h: what is good, what is worth a look and what will not do.
   Numbers in, a finding out. */
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sink.h"
#include "base/time.h"
#include "cmd/doctor.h"

enum {
    DAY = 86400,
    CLOCK_YEARS = 20,        /* a program is not older than this when it runs */
    SYNC_ERROR_US = 1000000, /* tokens and evidence are judged to the second */
    SPACE_LITTLE = 1 << 30,  /* bytes: a warning below */
    SPACE_NONE = 100 << 20,  /* bytes: the log would soon refuse */
    FILES_NONE = 100,        /* names that can still be made */
    MEMLOCK_LEAST = 1 << 20, /* bytes: the keeper's secrets and their guard pages */
    NOFILE_SPARE = 64,       /* descriptors besides those of connections */
    CERTIFICATE_SOON = 30 * DAY,
    HEAD_LATE = 3600,  /* seconds that records may wait for their signed head */
    ROTATED_SPARE = 2, /* days after which an old log should be gone */
    BACKUP_OLD = 7 * DAY,
    COLLATERAL_SOON = 3 * DAY,
};

void doctor_say(struct doctor_row *row, enum doctor_finding finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    row->finding = finding;
    vsnprintf(row->detail, sizeof row->detail, format, args);
    va_end(args);
}

bool doctor_path(char path[DOCTOR_PATH], const char *above, const char *below)
{
    int len = snprintf(path, DOCTOR_PATH, "%s%s", above, below);
    return len > 0 && len < DOCTOR_PATH;
}

static const char *date(char room[32], int64_t at)
{
    struct sink out = sink_over(room, 32);
    time_write(&out, at);
    sink_terminate(&out);
    return room;
}

/* A clock that stands before the program was made is wrong by more than anybody notices. */
void judge_clock(struct doctor_row *row, int64_t now, int64_t program)
{
    char at[32], made[32];
    if (now + DAY < program)
        doctor_say(row, DOCTOR_FAIL, "it is %s here, and this program is from %s", date(at, now),
                   date(made, program));
    else if (now - program > (int64_t)CLOCK_YEARS * 365 * DAY)
        doctor_say(row, DOCTOR_WARN, "it is %s here, and this program is from %s", date(at, now),
                   date(made, program));
    else
        doctor_say(row, DOCTOR_OK, "%s", date(at, now));
}

void judge_sync(struct doctor_row *row, bool synchronised, int64_t error_us)
{
    if (!synchronised)
        doctor_say(row, DOCTOR_WARN, "the kernel's clock is not synchronised");
    else if (error_us > SYNC_ERROR_US)
        doctor_say(row, DOCTOR_WARN, "it may be wrong by %lld ms", (long long)(error_us / 1000));
    else
        doctor_say(row, DOCTOR_OK, "to within %lld ms", (long long)(error_us / 1000));
}

void judge_space(struct doctor_row *row, uint64_t free_bytes, uint64_t free_files)
{
    enum doctor_finding finding = DOCTOR_OK;
    if (free_bytes < SPACE_LITTLE)
        finding = DOCTOR_WARN;
    if (free_bytes < SPACE_NONE || free_files < FILES_NONE)
        finding = DOCTOR_FAIL;
    doctor_say(row, finding, "%llu MiB and %llu files are free",
               (unsigned long long)(free_bytes >> 20), (unsigned long long)free_files);
}

void judge_filesystem(struct doctor_row *row, uint64_t type)
{
    enum { CIFS = 0xff534d42, SMB2 = 0xfe534d42, FUSE = 0x65735546 };
    if (type == TMPFS_MAGIC || type == RAMFS_MAGIC)
        doctor_say(row, DOCTOR_WARN, "it lies in memory: a restart of the machine loses it");
    else if (type == NFS_SUPER_MAGIC || type == CIFS || type == SMB2)
        doctor_say(row, DOCTOR_FAIL,
                   "it lies on another machine: what is written through there "
                   "is not known here");
    else if (type == FUSE)
        doctor_say(row, DOCTOR_WARN, "a program keeps it: nobody knows what it writes through");
    else
        doctor_say(row, DOCTOR_OK, "local (type %llx)", (unsigned long long)type);
}

void judge_mode(struct doctor_row *row, const char *name, mode_t mode, bool is_owners)
{
    if (!is_owners)
        doctor_say(row, DOCTOR_FAIL, "%s belongs to another user", name);
    else if ((mode & 022) != 0)
        doctor_say(row, DOCTOR_FAIL, "%s can be written by others (mode %03o)", name, mode & 0777);
    else if ((mode & 077) != 0)
        doctor_say(row, DOCTOR_FAIL, "%s can be read by others (mode %03o)", name, mode & 0777);
    else
        doctor_say(row, DOCTOR_OK, "only its owner reads and writes it");
}

void judge_memlock(struct doctor_row *row, uint64_t limit, bool root)
{
    if (root)
        doctor_say(row, DOCTOR_OK, "root has no limit");
    else if (limit < MEMLOCK_LEAST)
        doctor_say(row, DOCTOR_WARN, "%llu KiB may be locked", (unsigned long long)(limit >> 10));
    else
        doctor_say(row, DOCTOR_OK, "%llu MiB may be locked", (unsigned long long)(limit >> 20));
}

void judge_nofile(struct doctor_row *row, uint64_t limit, uint64_t connections)
{
    bool enough = limit >= connections + NOFILE_SPARE;
    doctor_say(row, enough ? DOCTOR_OK : DOCTOR_FAIL, "%llu descriptors for %llu connections",
               (unsigned long long)limit, (unsigned long long)connections);
}

void judge_landlock(struct doctor_row *row, int abi)
{
    if (abi > 0)
        doctor_say(row, DOCTOR_OK, "version %d of its interface", abi);
    else
        doctor_say(row, DOCTOR_WARN, "this kernel has none: the system call filter stands alone");
}

/* The processes of the house make themselves undumpable; this is the second wall. */
void judge_cores(struct doctor_row *row, uint64_t suid_dumpable, const char *pattern)
{
    if (suid_dumpable == 1)
        doctor_say(row, DOCTOR_WARN,
                   "fs.suid_dumpable is 1: cores of privileged programs are "
                   "written");
    else
        doctor_say(row, DOCTOR_OK, "fs.suid_dumpable is %llu, cores go to %.80s",
                   (unsigned long long)suid_dumpable, pattern[0] != 0 ? pattern : "nowhere");
}

void judge_certificate(struct doctor_row *row, int64_t now, int64_t from, int64_t until)
{
    char when[32];
    if (now >= until)
        doctor_say(row, DOCTOR_FAIL, "it was valid until %s", date(when, until));
    else if (now < from)
        doctor_say(row, DOCTOR_FAIL, "it is valid from %s", date(when, from));
    else if (until - now < CERTIFICATE_SOON)
        doctor_say(row, DOCTOR_WARN, "it is valid until %s only", date(when, until));
    else
        doctor_say(row, DOCTOR_OK, "valid until %s", date(when, until));
}

/* Times of last writing; 0: nothing was written. */
void judge_head(struct doctor_row *row, int64_t now, int64_t log, int64_t head)
{
    char when[32];
    if (log == 0 && head == 0)
        doctor_say(row, DOCTOR_OK, "nothing was logged yet");
    else if (head == 0)
        doctor_say(row, DOCTOR_FAIL, "records were logged, and no head was ever signed");
    else if (log - head > HEAD_LATE && now - log > HEAD_LATE)
        doctor_say(row, DOCTOR_WARN, "the last head is of %s, records came after it",
                   date(when, head));
    else
        doctor_say(row, DOCTOR_OK, "signed at %s", date(when, head));
}

/* A hash is written after its record is durable, and made again from it at a start. */
void judge_leaves(struct doctor_row *row, uint64_t records, uint64_t leaves, bool up)
{
    enum doctor_finding finding = DOCTOR_OK;
    if (leaves < records && !up)
        finding = DOCTOR_WARN;
    if (leaves > records && !up)
        finding = DOCTOR_FAIL;
    doctor_say(row, finding, "%llu records, %llu hashes%s", (unsigned long long)records,
               (unsigned long long)leaves,
               finding == DOCTOR_FAIL ? ": records that were there are gone" : "");
}

/* Days since 1970; `oldest` is INT64_MAX when no log was put away. */
void judge_rotated(struct doctor_row *row, int64_t today, int64_t oldest, uint32_t keep_days)
{
    if (oldest == INT64_MAX)
        doctor_say(row, DOCTOR_OK, "none was put away");
    else if (today - oldest > (int64_t)keep_days + ROTATED_SPARE)
        doctor_say(row, DOCTOR_WARN, "the oldest is %lld days old, %u are to be kept",
                   (long long)(today - oldest), keep_days);
    else
        doctor_say(row, DOCTOR_OK, "the oldest is %lld days old", (long long)(today - oldest));
}

void judge_collateral(struct doctor_row *row, int64_t now, const struct doctor_collateral *found)
{
    char when[32];
    long long age = (long long)((now - found->from) / DAY);
    if (found->count == 0)
        doctor_say(row, DOCTOR_WARN, "the folder holds nothing that is genuine");
    else if (now > found->until)
        doctor_say(row, DOCTOR_FAIL, "%lld days old, expired at %s", age, date(when, found->until));
    else if (found->from > now)
        doctor_say(row, DOCTOR_FAIL, "it is valid from %s", date(when, found->from));
    else if (found->until - now < COLLATERAL_SOON)
        doctor_say(row, DOCTOR_WARN, "%lld days old, expires at %s", age, date(when, found->until));
    else
        doctor_say(row, DOCTOR_OK, "%lld days old, good until %s", age, date(when, found->until));
}

/* Seconds since 1970; 0: none. */
void judge_backup(struct doctor_row *row, int64_t now, int64_t newest)
{
    char when[32];
    if (newest == 0)
        doctor_say(row, DOCTOR_WARN, "there is none");
    else if (now - newest > BACKUP_OLD)
        doctor_say(row, DOCTOR_WARN, "the last is of %s", date(when, newest));
    else
        doctor_say(row, DOCTOR_OK, "the last is of %s", date(when, newest));
}

void judge_versions(struct doctor_row *row, struct span running, const char *own)
{
    if (running.len == 0)
        doctor_say(row, DOCTOR_OK, "this is %s; no house answers", own);
    else if (span_equal_text(running, own))
        doctor_say(row, DOCTOR_OK, "both are %s", own);
    else
        doctor_say(row, DOCTOR_WARN, "this is %s, the house that runs is %.*s", own,
                   (int)(running.len < 40 ? running.len : 40), (const char *)running.at);
}
