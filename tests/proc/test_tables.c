/* test_tables.c - what core and front share: a front that was taken over writes nothing that
   core or another front would read as a ban, and what it writes down itself is read as
   addresses, whatever it is. */
#include "proc/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/jail.h"
#include "proc/front_syscalls.h"
#include "test.h"

#define S UINT64_C(1000000)

struct pair {
    struct shared bans, serving;
    struct bans_writer core;
    struct bans_reader front;
};

static struct address peer(uint32_t n)
{
    uint8_t v4[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
    return address_of_v4(v4);
}

static void begin(struct pair *pair)
{
    assert_true(rc_ok(tables_make_bans(NULL, &pair->bans)));
    assert_true(rc_ok(tables_make_serving(NULL, &pair->serving)));
    assert_true(bans_write(&pair->core, pair->bans.writer, NULL));
    assert_true(bans_read(&pair->front, pair->bans.reader));
}

static void end(struct pair *pair)
{
    fd_close(&pair->bans.writer);
    fd_close(&pair->bans.reader);
    fd_close(&pair->serving.writer);
    fd_close(&pair->serving.reader);
}

static bool front_sees(const struct pair *pair, uint32_t n, uint64_t now)
{
    struct address address = peer(n);
    return ban_find(&pair->front.bans, &address, now, NULL);
}

static void test_front_sees_what_core_writes(void **state)
{
    struct pair pair;
    struct address one = peer(1), two = peer(2);
    (void)state;
    begin(&pair);
    assert_int_equal(ban_offend(&pair.core.bans, &one, OFFENCE_ABUSE, S), BAN_BEGUN);
    assert_int_equal(ban_impose(&pair.core.suspects, &two, 3600 * S, S), BAN_BEGUN);
    *pair.core.changes = 7;
    assert_true(front_sees(&pair, 1, 2 * S) && !front_sees(&pair, 2, 2 * S));
    assert_true(ban_find(&pair.front.suspects, &two, 2 * S, NULL));
    assert_false(ban_find(&pair.front.suspects, &one, 2 * S, NULL));
    assert_int_equal(*pair.front.changes, 7);
    end(&pair);
}

/* The memory is the monitor's: bans, suspects and crashes are there for the next core. */
static void test_a_new_core_goes_on(void **state)
{
    struct pair pair;
    struct bans_writer next;
    struct address one = peer(1);
    (void)state;
    begin(&pair);
    assert_int_equal(ban_impose(&pair.core.bans, &one, UINT64_MAX, S), BAN_BEGUN);
    crash_note(pair.core.crashes, &one, 1, S);
    *pair.core.crash_seen = 41;
    assert_true(bans_write(&next, pair.bans.writer, NULL));
    assert_true(front_sees(&pair, 1, 2 * S));
    assert_int_equal(crash_judge(next.crashes, &one, 2 * S), CRASH_SUSPECT);
    assert_int_equal(*next.crash_seen, 41);
    /* With another list of those who are never banned, its ban is over. */
    struct network memory[1];
    struct address_list never = address_list_over(memory, 1);
    assert_true(address_list_read(&never, span_text("10.0.0.0/24")));
    assert_true(bans_write(&next, pair.bans.writer, &never));
    assert_false(front_sees(&pair, 1, 2 * S));
    /* What no core wrote is forgotten, not believed. */
    memset(&next.crashes->crashes[3], 0xff, sizeof next.crashes->crashes[3]);
    assert_true(bans_write(&next, pair.bans.writer, NULL));
    assert_int_equal(next.crashes->count, 0);
    assert_int_equal(crash_judge(next.crashes, &one, 2 * S), CRASH_CLEAR);
    end(&pair);
}

/* What code in a taken front may try: the map and the descriptor are those that it could have. */
static long try_mmap(int fd, void *map, size_t bytes)
{
    (void)map;
    return syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == -1 ? errno
                                                                                           : 0;
}

static long try_map_over(int fd, void *map, size_t bytes)
{
    long made = syscall(SYS_mmap, map, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                        0);
    return made == -1 ? errno : 0;
}

static long try_write(int fd, void *map, size_t bytes)
{
    (void)map;
    (void)bytes;
    return syscall(SYS_write, fd, "ward", 4) == -1 ? errno : 0;
}

static long try_mremap(int fd, void *map, size_t bytes)
{
    (void)fd;
    return syscall(SYS_mremap, map, bytes, 2 * bytes, MREMAP_MAYMOVE) == -1 ? errno : 0;
}

static long try_mprotect(int fd, void *map, size_t bytes)
{
    (void)fd;
    return syscall(SYS_mprotect, map, bytes, PROT_READ | PROT_WRITE) == -1 ? errno : 0;
}

static long try_pwrite(int fd, void *map, size_t bytes)
{
    (void)map;
    (void)bytes;
    return syscall(SYS_pwrite64, fd, "ward", 4, 0) == -1 ? errno : 0;
}

static long try_ftruncate(int fd, void *map, size_t bytes)
{
    (void)map;
    (void)bytes;
    return syscall(SYS_ftruncate, fd, 0) == -1 ? errno : 0;
}

static long try_open(int fd, void *map, size_t bytes)
{
    (void)fd;
    (void)map;
    (void)bytes;
    return syscall(SYS_openat, AT_FDCWD, "/proc/self/fd/3", O_RDWR, 0) == -1 ? errno : 0;
}

static long try_store(int fd, void *map, size_t bytes)
{
    (void)fd;
    *(volatile uint8_t *)map = 1;
    return (long)bytes;
}

static const struct {
    const char *name;
    long (*attempt)(int fd, void *map, size_t bytes);
    int refused_with; /* errno; 0: it dies by `killed_by` */
    int killed_by;
} attempts[] = {
    { "map it for writing", try_mmap, EACCES, 0 },
    { "map it for writing over the map", try_map_over, EACCES, 0 },
    { "write", try_write, EBADF, 0 },
    { "stretch the map", try_mremap, 0, -1 }, /* whatever it becomes, it is no more writable */
    { "make the map writable", try_mprotect, 0, SIGSYS },
    { "pwrite", try_pwrite, 0, SIGSYS },
    { "cut it", try_ftruncate, 0, SIGSYS },
    { "open it anew", try_open, 0, SIGSYS },
    { "store a byte", try_store, 0, SIGSEGV },
};

/* In a child with the very filter of front; its status. */
static int tried(size_t i, int fd, void *map, size_t bytes)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* of the test's frame: it would catch what must kill */
        if (!rc_ok(jail_filter(NULL, front_rules, COUNT_OF(front_rules))))
            _exit(255);
        _exit((int)attempts[i].attempt(fd, map, bytes));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_a_taken_front_writes_no_ban(void **state)
{
    struct pair pair;
    uint8_t before[4096], after[4096];
    (void)state;
    begin(&pair);
    struct address one = peer(1);
    assert_int_equal(ban_offend(&pair.core.bans, &one, OFFENCE_ABUSE, S), BAN_BEGUN);
    size_t bytes = (size_t)lseek(pair.bans.reader, 0, SEEK_END);
    const void *map = shared_map_reader(pair.bans.reader, bytes);
    assert_non_null(map);
    assert_int_equal(pread(pair.bans.writer, before, sizeof before, 0), sizeof before);
    for (size_t i = 0; i < COUNT_OF(attempts); i++) {
        int status = tried(i, pair.bans.reader, (void *)(uintptr_t)map, bytes);
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == attempts[i].killed_by;
        bool refused = WIFEXITED(status) && WEXITSTATUS(status) == attempts[i].refused_with;
        if (attempts[i].killed_by >= 0 && !(attempts[i].killed_by > 0 ? killed : refused))
            fail_msg("%s: status %#x", attempts[i].name, (unsigned)status);
    }
    assert_int_equal(pread(pair.bans.writer, after, sizeof after, 0), sizeof after);
    assert_memory_equal(before, after, sizeof after);
    assert_true(ban_table_is_sound(&pair.core.bans) && ban_table_is_sound(&pair.core.suspects));
    assert_int_equal(ban_count(&pair.front.bans, 2 * S), 1);
    end(&pair);
}

static size_t left_by(const struct serving *serving, uint32_t pid, struct address *out, size_t max)
{
    memset(out, 0, max * sizeof *out);
    return serving_left(serving, pid, out, max);
}

static void test_whom_it_served_is_known_after_its_end(void **state)
{
    struct pair pair;
    struct serving_writer life[4];
    struct address one = peer(1), two = peer(2), left[8];
    (void)state;
    begin(&pair);
    const struct serving *serving = serving_read(pair.serving.reader);
    assert_non_null(serving);
    assert_int_equal(left_by(serving, 0, left, 8), 0);
    assert_true(serving_begin(&life[0], pair.serving.writer, 100));
    serving_note(&life[0], 5, &one);
    serving_note(&life[0], TABLES_SERVING_SLOTS - 1, &two);
    serving_note(&life[0], 3, &two);
    serving_clear(&life[0], 3);
    serving_note(&life[0], TABLES_SERVING_SLOTS, &two); /* not a slot */
    serving_clear(&life[0], UINT32_MAX);
    assert_int_equal(left_by(serving, 100, left, 8), 2);
    assert_true(address_equal(&left[0], &one) && address_equal(&left[1], &two));
    assert_int_equal(left_by(serving, 100, left, 1), 1);
    assert_int_equal(left_by(serving, 101, left, 8), 0);
    /* The next life does not take the evidence away; the one after it does. */
    assert_true(serving_begin(&life[1], pair.serving.writer, 101));
    serving_note(&life[1], 0, &two);
    assert_int_equal(left_by(serving, 100, left, 8), 2);
    assert_int_equal(left_by(serving, 101, left, 8), 1);
    assert_true(serving_begin(&life[2], pair.serving.writer, 102));
    assert_int_equal(left_by(serving, 100, left, 8), 0);
    assert_int_equal(left_by(serving, 101, left, 8), 1);
    assert_int_equal(left_by(serving, 102, left, 8), 0);
    /* Slots of the life before are not taken for its own. */
    serving_note(&life[2], 6, &two);
    assert_int_equal(left_by(serving, 102, left, 8), 1);
    assert_true(serving_begin(&life[3], pair.serving.writer, 103));
    assert_int_equal(left_by(serving, 102, left, 8), 1);
    assert_int_equal(left_by(serving, 101, left, 8), 0);
    end(&pair);
}

/* A taken front has all of this memory to itself.  Core takes addresses from it, within bounds. */
static void test_anything_is_in_the_table_of_front(void **state)
{
    struct pair pair;
    struct test_random random = { 6 };
    static struct address left[2 * TABLES_SERVING_SLOTS];
    static struct crash_log log;
    (void)state;
    begin(&pair);
    const struct serving *serving = serving_read(pair.serving.reader);
    assert_non_null(serving);
    size_t bytes = (size_t)lseek(pair.serving.writer, 0, SEEK_END);
    uint8_t *map = shared_map_writer(pair.serving.writer, bytes);
    assert_non_null(map);
    for (unsigned round = 0; round < 200; round++) {
        uint32_t pid = (uint32_t)test_random_next(&random);
        for (size_t i = 0; i < bytes; i += 1 + test_random_below(&random, 4096))
            map[i] = round % 3 == 0 ? 0xff : (uint8_t)test_random_next(&random);
        memcpy(map, &pid, sizeof pid);
        size_t count = serving_left(serving, pid, left, COUNT_OF(left));
        assert_true(count <= TABLES_SERVING_SLOTS);
        crash_note(&log, left, count, S);
        assert_true(crash_log_is_sound(&log));
        struct serving_writer next;
        assert_true(serving_begin(&next, pair.serving.writer, 100));
        assert_int_equal(serving_left(serving, 100, left, COUNT_OF(left)), 0);
    }
    end(&pair);
}

static void test_no_other_memory_is_taken(void **state)
{
    struct pair pair;
    struct bans_writer core;
    struct bans_reader front;
    struct serving_writer serving;
    (void)state;
    begin(&pair);
    assert_false(bans_write(&core, pair.serving.writer, NULL));
    assert_false(bans_write(&core, pair.bans.reader, NULL));
    assert_false(bans_read(&front, pair.serving.reader));
    assert_false(bans_read(&front, -1));
    assert_false(serving_begin(&serving, pair.bans.writer, 1));
    assert_false(serving_begin(&serving, pair.serving.reader, 1));
    assert_null(serving_read(pair.bans.reader));
    end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_front_sees_what_core_writes, ""),
        TEST(test_a_new_core_goes_on, ""),
        TEST(test_a_taken_front_writes_no_ban, ""),
        TEST(test_whom_it_served_is_known_after_its_end, ""),
        TEST(test_anything_is_in_the_table_of_front, ""),
        TEST(test_no_other_memory_is_taken, ""),
    };
    return RUN_TESTS(tests);
}
