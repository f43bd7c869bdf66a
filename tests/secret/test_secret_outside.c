/* test_secret_outside.c - what the rest of the machine can see of a secret: a core dump, the
   kernel's own account of the pages, memory after it was given back; and that a process whose
   only system call besides leaving is mprotect can use it. */
#include "secret/secret.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "codec/base64.h"
#include "os/random.h"
#include "os/temp.h"

enum { LEN = 48 };

/* ---- a child with a secret, and with as many bytes that are none ------------------------- */

struct shown {
    uint8_t secret[LEN];
    uint8_t plain[LEN]; /* what the child keeps in ordinary memory */
};

struct stage {
    int to_parent;
    int to_child;
    bool dies;
};

static uint8_t ordinary[LEN];

static rc draw(uint8_t *at, size_t len, void *arg)
{
    (void)arg;
    random_bytes(at, len);
    return RC_SUCCESS;
}

/* Straight from the guarded page into the pipe: no copy is made by the test either. */
static rc tell(struct span bytes, void *arg)
{
    const int *to = arg;
    return write(*to, bytes.at, bytes.len) == LEN ? RC_SUCCESS : rc_make(RC_WORLD, 1);
}

static void hold_a_secret(void *arg)
{
    struct stage *stage = arg;
    struct secret_pool *pool = NULL;
    struct secret *secret = NULL;
    char go = 0;
    random_bytes(ordinary, sizeof ordinary);
    if (!rc_ok(secret_pool_new(NULL, 2, 100, &pool)) ||
        !rc_ok(secret_take(NULL, pool, LEN, &secret)) || !rc_ok(secret_fill(secret, draw, NULL)) ||
        !rc_ok(secret_lend(secret, tell, &stage->to_parent)) ||
        write(stage->to_parent, ordinary, LEN) != LEN || read(stage->to_child, &go, 1) != 1)
        _exit(2);
    struct rlimit core = { 0 };
    getrlimit(RLIMIT_CORE, &core);
    core.rlim_cur = core.rlim_max;
    setrlimit(RLIMIT_CORE, &core);
    if (stage->dies)
        abort();
}

/* ---- looking for bytes ------------------------------------------------------------------- */

/* What a leak would look like: as it is, as hex, as base64 in each of the three positions. */
static bool shows_as(struct span memory, struct span needle)
{
    uint8_t room[4 * LEN];
    if (memmem(memory.at, memory.len, needle.at, needle.len) != NULL)
        return true;
    for (unsigned upper = 0; upper < 2; upper++) {
        struct sink hex = sink_over(room, sizeof room);
        sink_hex(&hex, needle);
        for (size_t i = 0; upper == 1 && i < hex.len; i++)
            room[i] = (uint8_t)(room[i] >= 'a' ? room[i] - 'a' + 'A' : room[i]);
        if (memmem(memory.at, memory.len, room, hex.len) != NULL)
            return true;
    }
    for (size_t skip = 0; skip < 3; skip++) {
        struct sink text = sink_over(room, sizeof room);
        struct span part = span_of(needle.at + skip, (LEN - skip) / 3 * 3);
        base64_encode(&text, part);
        if (memmem(memory.at, memory.len, room, text.len) != NULL)
            return true;
    }
    return false;
}

struct found {
    bool secret;
    bool plain;
};

static void look(struct span memory, const struct shown *shown, struct found *found)
{
    found->secret |= shows_as(memory, SPAN(shown->secret));
    found->plain |= shows_as(memory, SPAN(shown->plain));
}

/* The line "first-last ..." that the account of a mapping begins with. */
static bool is_mapping(const char *line, unsigned long *first, unsigned long *last)
{
    char *end = NULL;
    unsigned long from = strtoul(line, &end, 16);
    if (end == line || *end != '-')
        return false;
    *first = from;
    *last = strtoul(end + 1, NULL, 16);
    return true;
}

/* Every mapping of the process that a core would hold, also those without access: the
   kernel's account says which it leaves out ("dd").  A sanitizer's shadow is terabytes of
   addresses with nothing of ours in it. */
static void look_into_process(pid_t pid, const struct shown *shown, struct found *found)
{
    enum { PART = 1 << 20, LARGEST = 1 << 30 };
    char path[64], line[512], flags[512];
    unsigned long first = 0, last = 0, a, b;
    uint8_t *part = malloc(PART);
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
    FILE *maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(maps != NULL && memory >= 0 && part != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (is_mapping(line, &a, &b))
            first = a, last = b;
        if (sscanf(line, "VmFlags: %511[^\n]", flags) != 1 || strstr(flags, "dd") != NULL ||
            last - first > LARGEST)
            continue;
        for (unsigned long at = first; at < last; at += PART - LEN * 2) {
            size_t want = last - at < PART ? last - at : PART;
            ssize_t got = pread(memory, part, want, (off_t)at);
            if (got > 0)
                look(span_of(part, (size_t)got), shown, found);
        }
    }
    fclose(maps);
    close(memory);
    free(part);
}

/* The core that the kernel wrote into the folder; false when it writes them elsewhere. */
static bool look_into_core(const char *folder, const struct shown *shown, struct found *found)
{
    DIR *open_folder = opendir(folder);
    const struct dirent *entry;
    bool any = false;
    assert_non_null(open_folder);
    while ((entry = readdir(open_folder)) != NULL) {
        struct stat about;
        int fd = openat(dirfd(open_folder), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0) {
            close(fd);
            continue;
        }
        const uint8_t *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_true(at != MAP_FAILED);
        look(span_of(at, (size_t)about.st_size), shown, found);
        munmap((void *)at, (size_t)about.st_size);
        close(fd);
        any = true;
    }
    closedir(open_folder);
    return any;
}

static bool cores_go_to_the_folder(void)
{
    char pattern[256] = "|";
    FILE *file = fopen("/proc/sys/kernel/core_pattern", "r");
    if (file != NULL && fgets(pattern, sizeof pattern, file) == NULL)
        pattern[0] = '|';
    if (file != NULL)
        fclose(file);
    return pattern[0] != '|' && strchr(pattern, '/') == NULL && pattern[0] != '\n';
}

static pid_t start_child(struct stage *stage, int ends[2], struct shown *shown)
{
    int down[2], up[2];
    assert_int_equal(pipe(up) | pipe(down), 0);
    stage->to_parent = up[1];
    stage->to_child = down[0];
    pid_t child = child_start(hold_a_secret, stage);
    ends[0] = up[0];
    ends[1] = down[1];
    close(up[1]);
    close(down[0]);
    assert_int_equal(read(ends[0], shown->secret, LEN), LEN);
    assert_int_equal(read(ends[0], shown->plain, LEN), LEN);
    return child;
}

static void no_dump_holds_it(void **state)
{
    const struct temp *temp = *state;
    struct stage stage = { .dies = true };
    struct shown shown;
    struct found live = { 0 }, core = { 0 };
    int ends[2], home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chdir(temp->path), 0);
    pid_t child = start_child(&stage, ends, &shown);
    assert_int_equal(fchdir(home), 0);

    look_into_process(child, &shown, &live);
    assert_int_equal(write(ends[1], "g", 1), 1);
    int status = child_end(child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    close(ends[0]);
    close(ends[1]);
    close(home);

    /* What is no secret is found, so what is one would be. */
    assert_true(live.plain);
    assert_false(live.secret);
    if (!cores_go_to_the_folder() || !WCOREDUMP(status))
        return;
    assert_true(look_into_core(temp->path, &shown, &core));
    assert_true(core.plain);
    assert_false(core.secret);
}

/* ---- the kernel's account ---------------------------------------------------------------- */

static rc leak(struct span bytes, void *arg)
{
    const uint8_t **at = arg;
    *at = bytes.at;
    return RC_SUCCESS;
}

/* The flags of the mapping of this address. */
static void flags_at(const uint8_t *at, char flags[512])
{
    char line[512];
    unsigned long first, last;
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    flags[0] = 0;
    while (flags[0] == 0 && fgets(line, sizeof line, maps) != NULL) {
        if (is_mapping(line, &first, &last))
            inside = first <= (uintptr_t)at && (uintptr_t)at < last;
        if (inside)
            (void)sscanf(line, "VmFlags: %511[^\n]", flags);
    }
    fclose(maps);
}

/* Under a sanitizer mlock is a function that does nothing. */
static bool locking_is_real(void)
{
    char flags[512];
    uint8_t *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mlock(page, 4096), 0);
    flags_at(page, flags);
    munmap(page, 4096);
    return strstr(flags, "lo") != NULL;
}

static void the_kernel_was_told(void **state)
{
    (void)state;
    char flags[512];
    const uint8_t *at = NULL;
    struct secret_pool *pool = NULL;
    struct secret *secret = NULL;
    assert_true(rc_ok(secret_pool_new(NULL, 2, 9000, &pool)));
    assert_true(rc_ok(secret_take(NULL, pool, 9000, &secret)));
    assert_true(rc_ok(secret_fill(secret, draw, NULL)));
    assert_true(rc_ok(secret_lend(secret, leak, (void *)&at)));
    bool locks = locking_is_real();
    for (size_t i = 0; i < 9000; i += 4096) {
        flags_at(at + i, flags);
        assert_int_equal(strstr(flags, "lo") != NULL, locks);
        assert_non_null(strstr(flags, "dd")); /* not dumped */
        assert_non_null(strstr(flags, "wf")); /* wiped on fork */
        assert_null(strstr(flags, "rd"));
        assert_null(strstr(flags, "wr"));
    }
    flags_at(at + 9000, flags); /* the guard behind it */
    assert_true(strstr(flags, "rd") == NULL && strstr(flags, "wr") == NULL);
    assert_null(strstr(flags, "lo"));

    /* Given back, the pages hold nothing: the kernel reads them for us in spite of PROT_NONE. */
    uint8_t left[9000] = { 1 };
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(memory >= 0);
    assert_int_equal(pread(memory, left, sizeof left, (off_t)(uintptr_t)at), sizeof left);
    assert_false(bytes_are_zero(left, sizeof left));
    secret_free(&secret);
    assert_int_equal(pread(memory, left, sizeof left, (off_t)(uintptr_t)at), sizeof left);
    assert_true(bytes_are_zero(left, sizeof left));
    close(memory);
    secret_pool_free(&pool);
}

/* ---- the list of system calls ------------------------------------------------------------ */

#define ALLOW   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define LOAD(f) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, f))

/* exit_group, and mprotect to none, read, or read and write; all else ends the process. */
static void jail(void)
{
    struct sock_filter rules[] = {
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
        LOAD(args[2]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_READ | PROT_WRITE, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PROT_READ, 0, 1),
        KILL,
        ALLOW,
    };
    const struct sock_fprog program = { sizeof rules / sizeof rules[0], rules };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(2);
}

static rc put_ones(uint8_t *at, size_t len, void *arg)
{
    (void)arg;
    memset(at, 1, len);
    return RC_SUCCESS;
}

static rc expect_ones(struct span bytes, void *arg)
{
    (void)arg;
    bool ok = bytes.len == 7;
    for (size_t i = 0; i < bytes.len; i++)
        ok = ok && bytes.at[i] == 1;
    return ok ? RC_SUCCESS : rc_make(RC_DENIED, 1);
}

/* As it is: a sanitizer's _exit does more than leave. */
static void leave(int status)
{
    (void)syscall(SYS_exit_group, status);
}

static void use_in_jail(void *arg)
{
    const bool *more = arg;
    struct secret_pool *pool = NULL;
    struct secret *secret = NULL;
    if (!rc_ok(secret_pool_new(NULL, 2, 100, &pool)))
        _exit(2);
    jail();
    for (unsigned round = 0; round < 100; round++) {
        if (!rc_ok(secret_take(NULL, pool, 7, &secret)) ||
            !rc_ok(secret_fill(secret, put_ones, NULL)) ||
            !rc_ok(secret_lend(secret, expect_ones, NULL)))
            leave(3);
        secret_free(&secret);
    }
    if (*more)
        (void)syscall(SYS_madvise, pool, 4096, MADV_DODUMP);
    leave(5);
}

static void only_mprotect_is_needed(void **state)
{
    (void)state;
    bool more = false;
    assert_int_equal(child_fate(use_in_jail, &more), -5);
    more = true; /* the jail holds */
    assert_int_equal(child_fate(use_in_jail, &more), SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(no_dump_holds_it),
        TEST(the_kernel_was_told, ""),
        TEST(only_mprotect_is_needed, ""),
    };
    return RUN_TESTS(tests);
}
