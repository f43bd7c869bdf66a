/* doctor_machine.c - see doctor.h: the checks of the machine. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sink.h"
#include "cmd/doctor.h"
#include "model/tee.h"
#include "os/fd.h"
#include "ward/base.h"

enum { SMALL_FILE = 64 << 10 };

/* A file of the kernel's as text without its last newline; "" when there is none. */
static const char *read_text(const struct doctor *doctor, const char *name)
{
    char path[DOCTOR_PATH];
    if (!doctor_path(path, doctor->root, name))
        return "";
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = arena_alloc(doctor->arena, SMALL_FILE);
    ssize_t len = fd < 0 || text == NULL ? -1 : fd_read(fd, text, SMALL_FILE - 1);
    if (len <= 0)
        return "";
    while (len > 0 && text[len - 1] == '\n')
        len--;
    text[len] = 0;
    return text;
}

static uint64_t read_number(const struct doctor *doctor, const char *name, uint64_t otherwise)
{
    const char *text = read_text(doctor, name);
    uint64_t number = 0;
    if (text[0] == 0)
        return otherwise;
    for (; *text >= '0' && *text <= '9' && number < UINT32_MAX; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return *text == 0 ? number : otherwise;
}

static bool is_there(const struct doctor *doctor, const char *name)
{
    char path[DOCTOR_PATH];
    return doctor_path(path, doctor->root, name) && access(path, F_OK) == 0;
}

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += len) {
        bool begins = at == text || at[-1] == ' ';
        if (begins && (at[len] == 0 || at[len] == ' '))
            return true;
    }
    return false;
}

static void look_kvm(const struct doctor *doctor, struct doctor_row *row)
{
    char path[DOCTOR_PATH];
    if (!is_there(doctor, "/dev/kvm"))
        doctor_say(row, DOCTOR_WARN, "there is no /dev/kvm: virtual machines run by TCG");
    else if (doctor_path(path, doctor->root, "/dev/kvm") && access(path, R_OK | W_OK) == 0)
        doctor_say(row, DOCTOR_OK, "/dev/kvm can be opened");
    else
        doctor_say(row, DOCTOR_WARN, "/dev/kvm is there, and not for this user");
}

static void look_tee(const struct doctor *doctor, struct doctor_row *row)
{
    static const struct {
        const char *path, *name;
    } known[] = {
        { "/dev/tdx_guest", "Intel TDX" },
        { "/dev/sgx_enclave", "Intel SGX" },
        { "/dev/nsm", "AWS Nitro Enclaves" },
        { "/sys/kernel/config/tsm/report", "configfs-tsm" },
    };
    char found[160] = "";
    struct sink list = sink_over(found, sizeof found);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (is_there(doctor, known[i].path))
            sink_format(&list, "%s%s", list.len > 0 ? ", " : "", known[i].name);
    }
    sink_terminate(&list);
    if (found[0] != 0)
        doctor_say(row, DOCTOR_OK, "%s", found);
    else
        doctor_say(row, DOCTOR_WARN, "no device of TDX, SGX or Nitro: " TEE_MARK);
}

static void look_provisioning(const struct doctor *doctor, struct doctor_row *row)
{
    if (!is_there(doctor, "/dev/sgx_enclave") && !is_there(doctor, "/dev/tdx_guest"))
        doctor_say(row, DOCTOR_OK, "no Intel device: none is needed");
    else if (is_there(doctor, "/dev/sgx_provision") ||
             is_there(doctor, "/sys/kernel/config/tsm/report"))
        doctor_say(row, DOCTOR_OK, "quotes can be asked for");
    else
        doctor_say(row, DOCTOR_WARN, "neither /dev/sgx_provision nor configfs-tsm is there");
}

static void look_cgroup(const struct doctor *doctor, struct doctor_row *row)
{
    static const char *const needed[] = { "memory", "pids", "cpu" };
    const char *have = read_text(doctor, "/sys/fs/cgroup/cgroup.controllers");
    if (have[0] == 0) {
        doctor_say(row, DOCTOR_WARN, "no cgroup v2 at /sys/fs/cgroup");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (!has_word(have, needed[i])) {
            doctor_say(row, DOCTOR_WARN, "the controller %s is missing", needed[i]);
            return;
        }
    }
    doctor_say(row, DOCTOR_OK, "version 2, with memory, pids and cpu");
}

static void look_clock(const struct doctor *doctor, struct doctor_row *row)
{
    struct stat is;
    if (stat("/proc/self/exe", &is) != 0)
        doctor_say(row, DOCTOR_WARN, "this program cannot be found");
    else
        judge_clock(row, doctor->now, is.st_mtim.tv_sec);
}

static void look_sync(const struct doctor *doctor, struct doctor_row *row)
{
    struct timex state = { 0 };
    int how = adjtimex(&state);
    (void)doctor;
    judge_sync(row, how >= 0 && how != TIME_ERROR && (state.status & STA_UNSYNC) == 0,
               state.maxerror);
}

static void look_entropy(const struct doctor *doctor, struct doctor_row *row)
{
    uint8_t bytes[32];
    (void)doctor;
    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) == (ssize_t)sizeof bytes)
        doctor_say(row, DOCTOR_OK, "the kernel's generator is seeded");
    else
        doctor_say(row, DOCTOR_FAIL, "the kernel's generator is not seeded: nothing starts");
}

static void look_landlock(const struct doctor *doctor, struct doctor_row *row)
{
    (void)doctor;
    judge_landlock(
        row, (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

static void look_seccomp(const struct doctor *doctor, struct doctor_row *row)
{
    const char *actions = read_text(doctor, "/proc/sys/kernel/seccomp/actions_avail");
    if (has_word(actions, "kill_process"))
        doctor_say(row, DOCTOR_OK, "a forbidden call ends its process");
    else
        doctor_say(row, DOCTOR_FAIL, "the kernel has no filter that ends a process");
}

static void look_namespaces(const struct doctor *doctor, struct doctor_row *row)
{
    bool max = read_number(doctor, "/proc/sys/user/max_user_namespaces", 0) > 0;
    bool all = read_number(doctor, "/proc/sys/kernel/unprivileged_userns_clone", 1) != 0;
    if (max && all)
        doctor_say(row, DOCTOR_OK, "every user may make them");
    else
        doctor_say(row, DOCTOR_WARN, "%s", max ? "only root may make them" : "there are none");
}

static void look_memlock(const struct doctor *doctor, struct doctor_row *row)
{
    struct rlimit limit = { 0 };
    getrlimit(RLIMIT_MEMLOCK, &limit);
    judge_memlock(row, limit.rlim_max, doctor->user == 0);
}

static void look_nofile(const struct doctor *doctor, struct doctor_row *row)
{
    struct rlimit limit = { 0 };
    getrlimit(RLIMIT_NOFILE, &limit);
    judge_nofile(row, limit.rlim_max, doctor->settings->connections);
}

static void look_cores(const struct doctor *doctor, struct doctor_row *row)
{
    judge_cores(row, read_number(doctor, "/proc/sys/fs/suid_dumpable", 0),
                read_text(doctor, "/proc/sys/kernel/core_pattern"));
}

/* "/dev/dm-0 partition ..." is encrypted when the mapper says CRYPT; zram never leaves memory. */
static bool swap_is_safe(const struct doctor *doctor, const char *line)
{
    static const char mapper[] = "/dev/dm-";
    char file[64];
    if (strncmp(line, "/dev/zram", 9) == 0)
        return true;
    if (strncmp(line, mapper, sizeof mapper - 1) != 0)
        return false;
    size_t digits = strspn(line + sizeof mapper - 1, "0123456789");
    if (digits == 0 || digits > 9)
        return false;
    snprintf(file, sizeof file, "/sys/block/dm-%.*s/dm/uuid", (int)digits,
             line + sizeof mapper - 1);
    return strncmp(read_text(doctor, file), "CRYPT-", 6) == 0;
}

static void look_swap(const struct doctor *doctor, struct doctor_row *row)
{
    const char *line = strchr(read_text(doctor, "/proc/swaps"), '\n');
    unsigned count = 0;
    for (; line != NULL; line = strchr(line, '\n')) {
        line++;
        count++;
        if (!swap_is_safe(doctor, line)) {
            doctor_say(row, DOCTOR_WARN, "%.*s is not encrypted", (int)strcspn(line, " \t\n"),
                       line);
            return;
        }
    }
    doctor_say(row, DOCTOR_OK, count == 0 ? "there is none" : "%u, encrypted or in memory", count);
}

static void look_programs(const struct doctor *doctor, struct doctor_row *row)
{
    static const char *const names[] = { "ward-monitor", "ward-audit", "ward-keeper", "ward-verify",
                                         "ward-core",    "ward-front", "ward-tee" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[DOCTOR_PATH];
        struct stat is;
        int len = snprintf(path, sizeof path, "%s/%s",
                           doctor->libexec != NULL ? doctor->libexec : "", names[i]);
        if (doctor->libexec == NULL || len >= (int)sizeof path || stat(path, &is) != 0 ||
            access(path, X_OK) != 0) {
            doctor_say(row, DOCTOR_FAIL, "%s is not where this program looks for it", names[i]);
            return;
        }
        if ((is.st_mode & 002) != 0) {
            doctor_say(row, DOCTOR_FAIL, "%s can be written by everybody", names[i]);
            return;
        }
    }
    doctor_say(row, DOCTOR_OK, "%zu in %.200s", COUNT_OF(names), doctor->libexec);
}

static void look_versions(const struct doctor *doctor, struct doctor_row *row)
{
    judge_versions(row, doctor->version, ward_version());
}

const struct doctor_check doctor_machine[] = {
    { "machine.kvm", "the processor can run virtual machines",
      "Enable virtualisation in the firmware, load kvm_intel or kvm_amd, join the group kvm.",
      look_kvm },
    { "machine.tee", "there is hardware to attest",
      "Run on a machine with Intel TDX or SGX or in an AWS Nitro Enclave for anything but trials.",
      look_tee },
    { "machine.quoting", "evidence can be signed here",
      "Load the SGX driver with provisioning, or mount configfs and load tsm.", look_provisioning },
    { "machine.cgroup", "the machine can limit its processes",
      "Boot with systemd.unified_cgroup_hierarchy=1 and delegate memory, pids and cpu.",
      look_cgroup },
    { "machine.clock", "the clock can be right", "Set the clock: timedatectl set-ntp true.",
      look_clock },
    { "machine.clock_sync", "the clock is kept right",
      "Run chrony or systemd-timesyncd; evidence and tokens are judged by this clock.", look_sync },
    { "machine.entropy", "random numbers are random",
      "Wait until the machine has booted, or give the virtual machine a virtio-rng.",
      look_entropy },
    { "machine.landlock", "paths can be forbidden",
      "Use a kernel with Landlock and lsm=landlock (Debian 12 has it).", look_landlock },
    { "machine.seccomp", "system calls can be forbidden",
      "Use a kernel with CONFIG_SECCOMP_FILTER, 4.14 or later.", look_seccomp },
    { "machine.namespaces", "a user can be fenced in",
      "sysctl user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1", look_namespaces },
    { "machine.memlock", "secrets can be kept out of swap",
      "Raise LimitMEMLOCK= of the unit, or `ulimit -l`, to 1 MiB.", look_memlock },
    { "machine.nofile", "there are enough descriptors",
      "Raise LimitNOFILE= of the unit, or lower limit.connections.", look_nofile },
    { "machine.cores", "cores hold no secrets", "sysctl fs.suid_dumpable=0", look_cores },
    { "machine.swap", "swap holds no plain secrets",
      "Encrypt it (crypttab with a random key), use zram, or swapoff.", look_swap },
    { "install.programs", "the programs of the house are there",
      "Install again: they belong into ../libexec/ward beside this program, written by root only.",
      look_programs },
    { "install.versions", "one version runs", "Restart the house: ward down, ward up.",
      look_versions },
};
const size_t doctor_machine_count = COUNT_OF(doctor_machine);
