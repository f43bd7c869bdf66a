/* test_doctor_judge.c - what `ward doctor` calls good and what it does not, with made-up numbers
   and a made-up machine. */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/doctor.h"
#include "os/temp.h"
#include "os/tree.h"

enum { NOW = 1795824000, DAY = 86400 }; /* 2026-11-28 */

#define MiB ((uint64_t)1 << 20)

struct judged {
    const char *name;
    enum doctor_finding wanted;
    struct doctor_row row;
};

static void check(struct judged *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].row.finding != rows[i].wanted || rows[i].row.detail[0] == 0)
            fail_msg("%s: %d instead of %d (%s)", rows[i].name, (int)rows[i].row.finding,
                     (int)rows[i].wanted, rows[i].row.detail);
    }
}

/* A row that a judgement fills: the statement behind the name is run once. */
#define JUDGED(title, finding, judge, ...)                                                         \
    do {                                                                                           \
        struct judged *judged = &rows[count++];                                                    \
        assert_true(count <= COUNT_OF(rows));                                                      \
        *judged = (struct judged){ .name = (title), .wanted = (finding) };                         \
        judge(&judged->row, __VA_ARGS__);                                                          \
    } while (0)

static void test_clock_rows(void **state)
{
    struct judged rows[16];
    size_t count = 0;
    (void)state;
    JUDGED("now", DOCTOR_OK, judge_clock, NOW, NOW - DAY);
    JUDGED("made a minute from now", DOCTOR_OK, judge_clock, NOW, NOW + 60);
    JUDGED("a day before", DOCTOR_OK, judge_clock, NOW, NOW + DAY);
    JUDGED("more than a day before", DOCTOR_FAIL, judge_clock, NOW, NOW + DAY + 1);
    JUDGED("1970", DOCTOR_FAIL, judge_clock, 0, NOW);
    JUDGED("twenty years", DOCTOR_OK, judge_clock, NOW + (int64_t)20 * 365 * DAY, NOW);
    JUDGED("and a second", DOCTOR_WARN, judge_clock, NOW + (int64_t)20 * 365 * DAY + 1, NOW);
    JUDGED("synchronised", DOCTOR_OK, judge_sync, true, 3000);
    JUDGED("to a second", DOCTOR_OK, judge_sync, true, 1000000);
    JUDGED("to more", DOCTOR_WARN, judge_sync, true, 1000001);
    JUDGED("not synchronised", DOCTOR_WARN, judge_sync, false, 0);
    check(rows, count);
}

static void test_state_rows(void **state)
{
    struct judged rows[32];
    size_t count = 0;
    (void)state;
    JUDGED("a disk", DOCTOR_OK, judge_space, 1024 * MiB, 1000);
    JUDGED("little", DOCTOR_WARN, judge_space, 1024 * MiB - 1, 1000);
    JUDGED("just enough", DOCTOR_WARN, judge_space, 100 * MiB, 1000);
    JUDGED("full", DOCTOR_FAIL, judge_space, 100 * MiB - 1, 1000);
    JUDGED("no names", DOCTOR_FAIL, judge_space, 4096 * MiB, 99);
    JUDGED("ext4", DOCTOR_OK, judge_filesystem, EXT4_SUPER_MAGIC);
    JUDGED("btrfs", DOCTOR_OK, judge_filesystem, BTRFS_SUPER_MAGIC);
    JUDGED("tmpfs", DOCTOR_WARN, judge_filesystem, TMPFS_MAGIC);
    JUDGED("ramfs", DOCTOR_WARN, judge_filesystem, RAMFS_MAGIC);
    JUDGED("NFS", DOCTOR_FAIL, judge_filesystem, NFS_SUPER_MAGIC);
    JUDGED("CIFS", DOCTOR_FAIL, judge_filesystem, 0xff534d42);
    JUDGED("SMB", DOCTOR_FAIL, judge_filesystem, 0xfe534d42);
    JUDGED("FUSE", DOCTOR_WARN, judge_filesystem, 0x65735546);
    JUDGED("0700", DOCTOR_OK, judge_mode, "x", 0700, true);
    JUDGED("0600", DOCTOR_OK, judge_mode, "x", 0100600, true);
    JUDGED("read by the group", DOCTOR_FAIL, judge_mode, "x", 0640, true);
    JUDGED("written by the group", DOCTOR_FAIL, judge_mode, "x", 0620, true);
    JUDGED("read by all", DOCTOR_FAIL, judge_mode, "x", 0604, true);
    JUDGED("entered by all", DOCTOR_FAIL, judge_mode, "x", 0701, true);
    JUDGED("another's", DOCTOR_FAIL, judge_mode, "x", 0600, false);
    JUDGED("a good certificate", DOCTOR_OK, judge_certificate, NOW, NOW, NOW + 30 * DAY);
    JUDGED("soon over", DOCTOR_WARN, judge_certificate, NOW, NOW, NOW + 30 * DAY - 1);
    JUDGED("over", DOCTOR_FAIL, judge_certificate, NOW, 0, NOW);
    JUDGED("not yet", DOCTOR_FAIL, judge_certificate, NOW, NOW + 1, NOW + 90 * DAY);
    check(rows, count);
}

static void test_log_rows(void **state)
{
    struct judged rows[32];
    size_t count = 0;
    (void)state;
    JUDGED("nothing", DOCTOR_OK, judge_head, NOW, 0, 0);
    JUDGED("no head", DOCTOR_FAIL, judge_head, NOW, NOW, 0);
    JUDGED("just signed", DOCTOR_OK, judge_head, NOW, NOW, NOW);
    JUDGED("a record just now, an old head", DOCTOR_OK, judge_head, NOW, NOW, NOW - DAY);
    JUDGED("records that wait", DOCTOR_WARN, judge_head, NOW, NOW - 3601, NOW - DAY);
    JUDGED("nothing new for days", DOCTOR_OK, judge_head, NOW, NOW - 9 * DAY, NOW - 9 * DAY);
    JUDGED("equal", DOCTOR_OK, judge_leaves, 5, 5, false);
    JUDGED("hashes behind", DOCTOR_WARN, judge_leaves, 5, 4, false);
    JUDGED("hashes behind, at work", DOCTOR_OK, judge_leaves, 5, 4, true);
    JUDGED("records gone", DOCTOR_FAIL, judge_leaves, 4, 5, false);
    JUDGED("read before the other", DOCTOR_OK, judge_leaves, 4, 5, true);
    JUDGED("none put away", DOCTOR_OK, judge_rotated, 20000, INT64_MAX, 7);
    JUDGED("kept long enough", DOCTOR_OK, judge_rotated, 20000, 19991, 7);
    JUDGED("too long", DOCTOR_WARN, judge_rotated, 20000, 19990, 7);
    JUDGED("no backup", DOCTOR_WARN, judge_backup, NOW, 0);
    JUDGED("of this week", DOCTOR_OK, judge_backup, NOW, NOW - 7 * DAY);
    JUDGED("older", DOCTOR_WARN, judge_backup, NOW, NOW - 7 * DAY - 1);
    static const struct doctor_collateral nothing = { 0, 0, INT64_MAX },
                                          good = { 4, NOW - DAY, NOW + 3 * DAY },
                                          soon = { 4, NOW - DAY, NOW + 3 * DAY - 1 },
                                          last = { 4, NOW - DAY, NOW },
                                          over = { 4, NOW - DAY, NOW - 1 },
                                          early = { 4, NOW + 1, NOW + 9 * DAY };
    JUDGED("nothing genuine", DOCTOR_WARN, judge_collateral, NOW, &nothing);
    JUDGED("fresh collateral", DOCTOR_OK, judge_collateral, NOW, &good);
    JUDGED("that ends soon", DOCTOR_WARN, judge_collateral, NOW, &soon);
    JUDGED("in its last second", DOCTOR_WARN, judge_collateral, NOW, &last);
    JUDGED("that has ended", DOCTOR_FAIL, judge_collateral, NOW, &over);
    JUDGED("of tomorrow", DOCTOR_FAIL, judge_collateral, NOW, &early);
    check(rows, count);
}

static void test_limit_rows(void **state)
{
    struct judged rows[32];
    size_t count = 0;
    char long_version[200];
    memset(long_version, 'x', sizeof long_version);
    (void)state;
    JUDGED("root", DOCTOR_OK, judge_memlock, 0, true);
    JUDGED("a MiB", DOCTOR_OK, judge_memlock, MiB, false);
    JUDGED("less", DOCTOR_WARN, judge_memlock, MiB - 1, false);
    JUDGED("enough descriptors", DOCTOR_OK, judge_nofile, 4160, 4096);
    JUDGED("one too few", DOCTOR_FAIL, judge_nofile, 4159, 4096);
    JUDGED("no limit", DOCTOR_OK, judge_nofile, UINT64_MAX, UINT32_MAX);
    JUDGED("Landlock", DOCTOR_OK, judge_landlock, 1);
    JUDGED("switched off", DOCTOR_WARN, judge_landlock, 0);
    JUDGED("not built in", DOCTOR_WARN, judge_landlock, -1);
    JUDGED("no cores", DOCTOR_OK, judge_cores, 0, "");
    JUDGED("to root only", DOCTOR_OK, judge_cores, 2, "|/usr/lib/systemd/systemd-coredump");
    JUDGED("cores of all", DOCTOR_WARN, judge_cores, 1, "core");
    JUDGED("no house", DOCTOR_OK, judge_versions, span_text(""), "1.0");
    JUDGED("the same", DOCTOR_OK, judge_versions, span_text("1.0"), "1.0");
    JUDGED("another", DOCTOR_WARN, judge_versions, span_text("1.0.1"), "1.0");
    JUDGED("a long one", DOCTOR_WARN, judge_versions, SPAN(long_version), "1.0");
    check(rows, count);
}

/* A machine of files. */
struct file {
    const char *name, *text;
};

static const struct machine {
    const char *name, *check;
    enum doctor_finding wanted;
    struct file files[3];
} machines[] = {
    { "no KVM", "machine.kvm", DOCTOR_WARN, { { 0 } } },
    { "KVM", "machine.kvm", DOCTOR_OK, { { "dev/kvm", "x" } } },
    { "no TEE", "machine.tee", DOCTOR_WARN, { { 0 } } },
    { "TDX", "machine.tee", DOCTOR_OK, { { "dev/tdx_guest", "x" } } },
    { "SGX", "machine.tee", DOCTOR_OK, { { "dev/sgx_enclave", "x" } } },
    { "Nitro", "machine.tee", DOCTOR_OK, { { "dev/nsm", "x" } } },
    { "no quotes needed", "machine.quoting", DOCTOR_OK, { { "dev/nsm", "x" } } },
    { "no quotes", "machine.quoting", DOCTOR_WARN, { { "dev/tdx_guest", "x" } } },
    { "quotes",
      "machine.quoting",
      DOCTOR_OK,
      { { "dev/sgx_enclave", "x" }, { "dev/sgx_provision", "x" } } },
    { "no cgroup", "machine.cgroup", DOCTOR_WARN, { { 0 } } },
    { "cgroup",
      "machine.cgroup",
      DOCTOR_OK,
      { { "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n" } } },
    { "cpuset is not cpu",
      "machine.cgroup",
      DOCTOR_WARN,
      { { "sys/fs/cgroup/cgroup.controllers", "cpuset io memory pids\n" } } },
    { "no seccomp", "machine.seccomp", DOCTOR_FAIL, { { 0 } } },
    { "an old one",
      "machine.seccomp",
      DOCTOR_FAIL,
      { { "proc/sys/kernel/seccomp/actions_avail", "kill_thread trap errno allow\n" } } },
    { "seccomp",
      "machine.seccomp",
      DOCTOR_OK,
      { { "proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread allow\n" } } },
    { "namespaces",
      "machine.namespaces",
      DOCTOR_OK,
      { { "proc/sys/user/max_user_namespaces", "100\n" } } },
    { "none at all",
      "machine.namespaces",
      DOCTOR_WARN,
      { { "proc/sys/user/max_user_namespaces", "0\n" } } },
    { "a number that is none",
      "machine.namespaces",
      DOCTOR_WARN,
      { { "proc/sys/user/max_user_namespaces", "12x\n" } } },
    { "for root only",
      "machine.namespaces",
      DOCTOR_WARN,
      { { "proc/sys/user/max_user_namespaces", "100\n" },
        { "proc/sys/kernel/unprivileged_userns_clone", "0\n" } } },
    { "cores", "machine.cores", DOCTOR_WARN, { { "proc/sys/fs/suid_dumpable", "1\n" } } },
    { "no swap", "machine.swap", DOCTOR_OK, { { "proc/swaps", "Filename Type\n" } } },
    { "no file of swaps", "machine.swap", DOCTOR_OK, { { 0 } } },
    { "plain swap",
      "machine.swap",
      DOCTOR_WARN,
      { { "proc/swaps", "Filename Type\n/dev/sda2 partition\n" } } },
    { "zram", "machine.swap", DOCTOR_OK, { { "proc/swaps", "F\n/dev/zram0 partition\n" } } },
    { "encrypted swap",
      "machine.swap",
      DOCTOR_OK,
      { { "proc/swaps", "F\n/dev/dm-1 partition\n" },
        { "sys/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap\n" } } },
    { "a volume that is not encrypted",
      "machine.swap",
      DOCTOR_WARN,
      { { "proc/swaps", "F\n/dev/dm-1 partition\n" }, { "sys/block/dm-1/dm/uuid", "LVM-x\n" } } },
    { "an encrypted one and a file",
      "machine.swap",
      DOCTOR_WARN,
      { { "proc/swaps", "F\n/dev/dm-1 partition\n/swapfile file\n" },
        { "sys/block/dm-1/dm/uuid", "CRYPT-x\n" } } },
    { "a name that climbs",
      "machine.swap",
      DOCTOR_WARN,
      { { "proc/swaps", "F\n/dev/../x partition\n" } } },
    { "no programs", "install.programs", DOCTOR_FAIL, { { 0 } } },
};

static void make_file(const struct temp *temp, const struct file *file)
{
    char folder[128];
    for (const char *at = file->name; (at = strchr(at, '/')) != NULL; at++) {
        snprintf(folder, sizeof folder, "%.*s", (int)(at - file->name), file->name);
        assert_true(mkdir(temp_path(temp, folder), 0700) == 0 || errno == EEXIST);
    }
    temp_put(temp, file->name, span_text(file->text));
}

static void clear(const struct temp *temp)
{
    static const char *const folders[] = { "dev", "proc", "sys" };
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        assert_true(rc_ok(tree_remove(NULL, temp_path(temp, folders[i]))));
}

static void look(const struct doctor *doctor, const char *id, struct doctor_row *row)
{
    for (size_t i = 0; i < doctor_machine_count; i++) {
        if (strcmp(doctor_machine[i].id, id) == 0) {
            doctor_machine[i].look(doctor, row);
            return;
        }
    }
    fail_msg("there is no check %s", id);
}

static void test_machines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(machines); i++) {
        const struct machine *machine = &machines[i];
        static const struct settings settings = { .connections = 64 };
        struct arena arena;
        void *temp = NULL;
        struct doctor_row row = { 0 };
        assert_int_equal(temp_begin(&temp), 0);
        arena_init(&arena, 4 << 20);
        for (size_t f = 0; f < COUNT_OF(machine->files) && machine->files[f].name != NULL; f++)
            make_file(temp, &machine->files[f]);
        struct doctor doctor = {
            .root = ((struct temp *)temp)->path, .settings = &settings, .now = NOW, .arena = &arena
        };
        look(&doctor, machine->check, &row);
        if (row.finding != machine->wanted || row.detail[0] == 0)
            fail_msg("%s: %d instead of %d (%s)", machine->name, (int)row.finding,
                     (int)machine->wanted, row.detail);
        arena_fini(&arena);
        clear(temp);
        assert_int_equal(temp_end(&temp), 0);
    }
}

/* A world that cannot be seen, and memory that is not there, still end in rows. */
static void test_nothing_to_see(void **state)
{
    static const struct settings settings = { .state = "/proc/1/nowhere",
                                              .seal_path = "/proc/1/nowhere.seal",
                                              .listen = "127.0.0.1:0" };
    static char deep[2 * DOCTOR_PATH];
    memset(deep, 'x', sizeof deep - 1);
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct arena arena;
        arena_init(&arena, 1);
        struct doctor doctor = { .root = i == 0 ? "/proc/1/nowhere" : deep,
                                 .settings = &settings,
                                 .now = NOW,
                                 .arena = &arena };
        for (size_t c = 0; c < doctor_machine_count + doctor_state_count; c++) {
            struct doctor_row row = { 0 };
            const struct doctor_check *check = c < doctor_machine_count
                                                   ? &doctor_machine[c]
                                                   : &doctor_state[c - doctor_machine_count];
            check->look(&doctor, &row);
            if (row.detail[0] == 0 || check->fix[0] == 0)
                fail_msg("%s says nothing", check->id);
        }
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_clock_rows, ""), TEST(test_state_rows, ""), TEST(test_log_rows, ""),
        TEST(test_limit_rows, ""), TEST(test_machines, ""),   TEST(test_nothing_to_see, ""),
    };
    return RUN_TESTS(tests);
}
