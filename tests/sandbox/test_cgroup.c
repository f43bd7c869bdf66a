/* test_cgroup.c - what the files of a control group say, of both versions: limits that hold are
   told from those that do not, file by file; what cannot be read holds nothing. */
#include "sandbox/cgroup.h"

#include <errno.h>

#include "base/number.h"
#include "os/temp.h"
#include "os/tree.h"

static const struct cgroup_limits limits = { .memory = 1 << 20,
                                             .sockets = 1 << 16,
                                             .processes = 7,
                                             .cpu_quota_us = 200000,
                                             .cpu_period_us = 100000 };

struct file {
    const char *name, *text, *wrong; /* wrong: what it says where the limit does not hold */
};

static const struct file first[] = {
    { "memory/j/memory.limit_in_bytes", "1048576\n", "9223372036854771712\n" },
    { "memory/j/memory.memsw.limit_in_bytes", "1048576\n", "2097152\n" },
    { "memory/j/memory.kmem.tcp.limit_in_bytes", "65536\n", "9223372036854771712\n" },
    { "pids/j/pids.max", "7\n", "max\n" },
    { "cpu/j/cpu.cfs_quota_us", "200000\n", "-1\n" },
    { "cpu/j/cpu.cfs_period_us", "100000\n", "1000000\n" },
};
static const struct file second[] = {
    { "j/memory.max", "1048576\n", "max\n" },
    { "j/memory.swap.max", "0\n", "max\n" },
    { "j/pids.max", "7\n", "8\n" },
    { "j/cpu.max", "200000 100000\n", "max 100000\n" },
};

/* Almost right: memory is kept in pages, and may be less than asked for by less than one of the
   largest that there are (64 KiB); nothing else may. */
struct almost {
    const char *name, *text;
    bool holds;
};

static const struct almost first_almost[] = {
    { "memory/j/memory.limit_in_bytes", "1044480\n", true },
    { "memory/j/memory.limit_in_bytes", "983041\n", true },
    { "memory/j/memory.limit_in_bytes", "983040\n", false },
    { "memory/j/memory.limit_in_bytes", "1048577\n", false },
    { "memory/j/memory.memsw.limit_in_bytes", "983041\n", true },
    { "memory/j/memory.memsw.limit_in_bytes", "983040\n", false },
    { "memory/j/memory.memsw.limit_in_bytes", "1048577\n", false },
    { "memory/j/memory.kmem.tcp.limit_in_bytes", "65537\n", false },
    { "pids/j/pids.max", "6\n", false },
    { "pids/j/pids.max", "0\n", false },
    { "pids/j/pids.max", "8\n", false },
    { "cpu/j/cpu.cfs_quota_us", "199999\n", false },
    { "cpu/j/cpu.cfs_quota_us", "200001\n", false },
    { "cpu/j/cpu.cfs_period_us", "34465\n", false }, /* almost three times the processors */
    { "cpu/j/cpu.cfs_period_us", "99999\n", false },
    { "cpu/j/cpu.cfs_period_us", "100001\n", false },
};
static const struct almost second_almost[] = {
    { "j/memory.max", "1044480\n", true },     { "j/memory.max", "983041\n", true },
    { "j/memory.max", "983040\n", false },     { "j/memory.max", "1048577\n", false },
    { "j/memory.swap.max", "4096\n", false },  { "j/pids.max", "6\n", false },
    { "j/cpu.max", "199999 100000\n", false }, { "j/cpu.max", "200000 99999\n", false },
    { "j/cpu.max", "200000 34465\n", false },  { "j/cpu.max", "200001 100000\n", false },
};

static void check_almost(const struct temp *temp, const struct cgroups *groups,
                         const struct almost *rows, size_t count)
{
    const char *what;
    char right[64];
    for (size_t i = 0; i < count; i++) {
        FILE *file = fopen(temp_path(temp, rows[i].name), "r");
        assert_non_null(file);
        assert_non_null(fgets(right, sizeof right, file));
        fclose(file);
        temp_put(temp, rows[i].name, span_text(rows[i].text));
        if (cgroup_holds(groups, "j", &limits, &what) != rows[i].holds)
            fail_msg("%s: %s", rows[i].name, rows[i].text);
        temp_put(temp, rows[i].name, span_text(right));
        assert_true(cgroup_holds(groups, "j", &limits, &what));
    }
}

static void make(const struct temp *temp, const char *const *folders, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(mkdir(temp_path(temp, folders[i]), 0700), 0);
}

static void remove_all(const struct temp *temp, const char *name)
{
    assert_true(rc_ok(tree_remove(NULL, temp_path(temp, name))));
}

static void check(const struct temp *temp, const struct cgroups *groups, const struct file *files,
                  size_t count)
{
    const char *what;
    for (size_t i = 0; i < count; i++)
        temp_put(temp, files[i].name, span_text(files[i].text));
    assert_true(cgroup_holds(groups, "j", &limits, &what));
    for (size_t i = 0; i < count; i++) {
        const char *bad[] = { files[i].wrong, "", "\n", "x1048576\n" };
        for (size_t k = 0; k < COUNT_OF(bad); k++) {
            temp_put(temp, files[i].name, span_text(bad[k]));
            assert_false(cgroup_holds(groups, "j", &limits, &what));
            assert_non_null(strstr(files[i].name, what));
        }
        assert_int_equal(unlink(temp_path(temp, files[i].name)), 0);
        assert_false(cgroup_holds(groups, "j", &limits, &what));
        temp_put(temp, files[i].name, span_text(files[i].text));
    }
    assert_true(cgroup_holds(groups, "j", &limits, &what));
    assert_false(cgroup_holds(groups, "other", &limits, &what));
}

/* Into each of them, and not at all where one is not there. */
static void check_join(const struct temp *temp, const struct cgroups *groups,
                       const char *const *files, size_t count)
{
    char text[8];
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rc_errno(cgroup_join(NULL, groups, "j", 0)), ENOENT);
        temp_put(temp, files[i], span_text(""));
    }
    assert_true(rc_ok(cgroup_join(NULL, groups, "j", 0)));
    for (size_t i = 0; i < count; i++) {
        FILE *file = fopen(temp_path(temp, files[i]), "r");
        assert_non_null(file);
        assert_non_null(fgets(text, sizeof text, file));
        assert_string_equal(text, "0");
        fclose(file);
    }
}

/* What is written there is what is then looked for; where the file is not, that is no success. */
static void check_sockets(const struct temp *temp, const struct cgroups *groups)
{
    static const char name[] = "memory/j/memory.kmem.tcp.limit_in_bytes";
    const char *what;
    temp_put(temp, name, span_text(""));
    assert_false(cgroup_holds(groups, "j", &limits, &what));
    assert_true(rc_ok(cgroup_bound_sockets(NULL, groups, "j", &limits)));
    assert_true(cgroup_holds(groups, "j", &limits, &what));
    assert_int_equal(unlink(temp_path(temp, name)), 0);
    assert_int_equal(rc_errno(cgroup_bound_sockets(NULL, groups, "j", &limits)), ENOENT);
}

static void test_version_1(void **state)
{
    struct temp *temp = *state;
    static const char *const folders[] = { "memory", "memory/j", "cpu",     "cpu/j",
                                           "pids",   "pids/j",   "cpuacct", "cpuacct/j" };
    const struct cgroups groups = { .root = temp->path, .layout = CGROUP_V1 };
    make(temp, folders, COUNT_OF(folders));
    check(temp, &groups, first, COUNT_OF(first));
    check_almost(temp, &groups, first_almost, COUNT_OF(first_almost));
    check_sockets(temp, &groups);
    assert_int_equal(cgroup_measure(&groups, "j").cpu_us, 0);
    temp_put(temp, "cpuacct/j/cpuacct.usage", span_text("1234567890\n"));
    temp_put(temp, "memory/j/memory.max_usage_in_bytes", span_text("4096\n"));
    assert_int_equal(cgroup_measure(&groups, "j").cpu_us, 1234567);
    assert_int_equal(cgroup_measure(&groups, "j").memory_peak, 4096);
    assert_int_equal(cgroup_kills(&groups, "j"), 0);
    temp_put(temp, "memory/j/memory.oom_control",
             span_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"));
    assert_int_equal(cgroup_kills(&groups, "j"), 2);
    static const char *const joined[] = { "memory/j/cgroup.procs", "cpu/j/cgroup.procs",
                                          "cpuacct/j/cgroup.procs" };
    check_join(temp, &groups, joined, COUNT_OF(joined));
    for (size_t i = 0; i < COUNT_OF(folders); i += 2)
        remove_all(temp, folders[i]);
}

static void test_version_2(void **state)
{
    struct temp *temp = *state;
    static const char *const folders[] = { "j" };
    const struct cgroups groups = { .root = temp->path, .layout = CGROUP_V2 };
    make(temp, folders, COUNT_OF(folders));
    check(temp, &groups, second, COUNT_OF(second));
    check_almost(temp, &groups, second_almost, COUNT_OF(second_almost));
    assert_true(rc_ok(cgroup_bound_sockets(NULL, &groups, "j", &limits)));
    temp_put(temp, "j/cpu.stat", span_text("usage_usec 77\nuser_usec 5\nsystem_usec 72\n"));
    temp_put(temp, "j/memory.peak", span_text("8192\n"));
    assert_int_equal(cgroup_measure(&groups, "j").cpu_us, 77);
    assert_int_equal(cgroup_measure(&groups, "j").memory_peak, 8192);
    temp_put(temp, "j/memory.events", span_text("low 0\nhigh 0\nmax 9\noom 3\noom_kill 3\n"));
    assert_int_equal(cgroup_kills(&groups, "j"), 3);
    static const char *const joined[] = { "j/cgroup.procs" };
    check_join(temp, &groups, joined, COUNT_OF(joined));
    remove_all(temp, "j");
}

static void test_none(void **state)
{
    struct temp *temp = *state;
    const char *what;
    const struct cgroups groups = { .root = temp->path, .layout = CGROUP_NONE };
    assert_false(cgroup_holds(&groups, "j", &limits, &what));
}

/* A group goes from every tree; what has the name in none is no failure; what is no group is not
   taken for one. */
static void test_removing(void **state)
{
    struct temp *temp = *state;
    static const char *const folders[] = { "memory", "memory/j", "pids", "pids/j", "pids/other" };
    const struct cgroups one = { .root = temp->path, .layout = CGROUP_V1 };
    const struct cgroups two = { .root = temp->path, .layout = CGROUP_V2 };
    make(temp, folders, COUNT_OF(folders));
    assert_true(rc_ok(cgroup_remove(NULL, &one, "j")));
    assert_int_equal(access(temp_path(temp, "memory/j"), F_OK), -1);
    assert_int_equal(access(temp_path(temp, "pids/j"), F_OK), -1);
    assert_int_equal(access(temp_path(temp, "pids/other"), F_OK), 0);
    assert_true(rc_ok(cgroup_remove(NULL, &one, "j")));
    assert_int_equal(rc_errno(cgroup_remove(NULL, &two, "pids")), ENOTEMPTY);
    assert_true(rc_ok(cgroup_remove(NULL, &two, "memory")));
    assert_true(rc_ok(cgroup_remove(NULL, &two, "memory")));
    remove_all(temp, "pids");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_version_1),
        TEMP_TEST(test_version_2),
        TEMP_TEST(test_none),
        TEMP_TEST(test_removing),
    };
    return RUN_TESTS(tests);
}
