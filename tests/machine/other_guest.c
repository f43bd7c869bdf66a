/* other_guest.c - in the place of QEMU: a machine that says to ward-machine what a guest of ours
   does, or what none does.  Which is the last word of the job's command that it is told; one that
   must not wait for that is told by its own file's last bytes. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job/guest_talk.h"
#include "os/fd.h"

enum { PORT = 3 };

static uint8_t told[GUEST_TOLD_MAX];
static char role[64];

static void say(uint8_t kind, const void *body, size_t len)
{
    static uint8_t frame[GUEST_HEAD + GUEST_BODY_MAX];
    struct sink out = sink_over(frame, sizeof frame);
    guest_put(&out, kind, span_of(body, len));
    if (!fd_write(PORT, sink_bytes(&out)))
        _exit(0);
}

static void say_raw(const void *bytes, size_t len)
{
    if (!fd_write(PORT, span_of(bytes, len)))
        _exit(0);
}

static void say_entry(uint8_t kind, uint64_t size, const char *path)
{
    uint8_t body[GUEST_PATH_MAX + 64];
    struct sink out = sink_over(body, sizeof body);
    if (kind == GUEST_ODD)
        sink_u8(&out, (uint8_t)size);
    else
        sink_u16le(&out, 0644);
    if (kind == GUEST_FILE)
        sink_u64le(&out, size);
    sink_text(&out, path);
    say(kind, body, out.len);
}

static bool is(const char *name)
{
    return strcmp(role, name) == 0;
}

static _Noreturn void wait_for_ever(void)
{
    for (;;)
        pause();
}

/* What was written behind the program. */
static void read_own_role(void)
{
    auto_fd int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat file;
    uint8_t tail[sizeof role];
    if (self < 0 || fstat(self, &file) != 0 ||
        fd_read_at(self, (uint64_t)file.st_size - 16, tail, 16) != 16)
        _exit(9);
    const uint8_t *begins = memchr(tail, '=', 16);
    if (begins != NULL)
        snprintf(role, sizeof role, "%.*s", (int)(tail + 16 - begins - 1), begins + 1);
}

static void listen_to_the_end(void)
{
    size_t len = 0, used = 0;
    for (;;) {
        ssize_t got = read(PORT, told + len, sizeof told - len);
        if (got <= 0)
            _exit(0);
        len += (size_t)got;
        struct span rest = span_of(told + used, len - used);
        struct guest_frame frame;
        while (guest_take(&rest, &frame) == 1) {
            if (frame.kind == GUEST_ARGUMENT && guest_text(&frame, NULL) != NULL)
                snprintf(role, sizeof role, "%s", guest_text(&frame, NULL));
            if (frame.kind == GUEST_GO)
                return;
        }
        used = len - rest.len;
    }
}

static void hello(void)
{
    static const uint8_t version[4] = { GUEST_VERSION };
    say(GUEST_HELLO, version, sizeof version);
}

static void say_refused(uint32_t row, uint32_t count, uint64_t argument)
{
    static uint8_t frame[GUEST_HEAD + sizeof(struct guest_refused)];
    const struct guest_refused refused = { row, count, argument };
    struct sink out = sink_over(frame, sizeof frame);
    guest_put_refused(&out, &refused);
    say_raw(frame, out.len);
}

static void say_tried(uint32_t rule, uint32_t count, const char *name)
{
    static uint8_t frame[GUEST_HEAD + sizeof(struct denied_try)];
    struct denied_try tried = { .rule = rule, .count = count, .name_len = (uint8_t)strlen(name) };
    struct sink out = sink_over(frame, sizeof frame);
    memcpy(tried.name, name, tried.name_len);
    guest_put_tried(&out, &tried);
    say_raw(frame, out.len);
}

/* Tries that nobody made, of rules that there are and are not; no more than can be told apart. */
static void try_paths(void)
{
    char name[16];
    for (uint32_t i = 0; is("tries") && i < 600; i++) {
        snprintf(name, sizeof name, "n%u", i / 2 % 8);
        say_tried(i % 2, UINT32_MAX, i % 18 < 2 ? "" : name);
    }
    for (uint32_t i = 0; is("tries-more") && i < 20; i++) {
        snprintf(name, sizeof name, "n%u", i);
        say_tried(0, 1, name);
    }
    if (is("tries-others"))
        say_tried(7, 1, ""); /* a specification could have so many, and this has two */
    for (uint32_t i = 0; is("tries-on"); i++)
        say_tried(i % 2, i + 1, "x");
    if (is("no-rule"))
        say_tried(JOB_LIST_MAX, 1, "x");
    if (is("no-tries"))
        say_tried(0, 0, "x");
    if (is("odd-name"))
        say_tried(0, 1, "\x1b[2J");
    if (is("half-try"))
        say(GUEST_TRIED, "1234567", 7);
}

/* Calls that were refused to nobody: it can say so, and no more than there are kinds. */
static void refuse(void)
{
    for (uint32_t row = 0; is("refuses") && row < GUEST_REFUSED_MAX; row++)
        say_refused(row, UINT32_MAX, UINT64_MAX);
    for (uint32_t row = 0; is("untold") && row < 2; row++)
        say_refused(row, row + 1, 0);
    for (uint32_t i = 0; is("counts"); i++)
        say_refused(i % 64, i + 1, i);
    if (is("no-row"))
        say_refused(GUEST_REFUSED_MAX, 1, 0);
    if (is("no-count"))
        say_refused(1, 0, 0);
    if (is("half-row"))
        say(GUEST_REFUSED, "1234567", 8);
}

/* What is no frame of a guest's, or not at this time. */
static void instead_of_a_frame(void)
{
    static const uint8_t odd[3] = { 200, 1 }, none[3] = { 0, 0 },
                         half_told[3] = { GUEST_EXITED, 0, 4 },
                         half[GUEST_HEAD + 1] = { 9, 0, 0, 0, GUEST_OUT };
    static const uint8_t runs[3] = { GUEST_EXITED, 0 };
    if (is("odd-end"))
        say(GUEST_ENDED, odd, sizeof odd);
    if (is("no-end"))
        say(GUEST_ENDED, none, sizeof none);
    if (is("short-end"))
        say(GUEST_ENDED, runs, 2);
    if (is("half-told"))
        say(GUEST_ENDED, half_told, sizeof half_told);
    if (is("told"))
        say(GUEST_GO, "", 0);
    if (is("hello-again"))
        hello();
    if (is("runs-again"))
        say(GUEST_RUNS, "", 0);
    if (is("fails-late"))
        say(GUEST_FAILED, "x", 1);
    if (is("bytes"))
        say(GUEST_BYTES, "x", 1);
    if (is("done"))
        say(GUEST_DONE, "", 0);
    static const uint8_t question[GUEST_QUESTION + 1];
    if (is("asks")) /* where it was told that it has no agent */
        say(GUEST_ASKS, question, GUEST_QUESTION);
    if (is("asks-more"))
        say(GUEST_ASKS, question, sizeof question);
    if (is("zero"))
        say(GUEST_SAID_NONE, "", 0);
    if (is("half")) {
        say_raw(half, sizeof half);
        _exit(0);
    }
}

static void before_the_job(void)
{
    static const uint8_t other[4] = { GUEST_VERSION + 1 };
    if (is("other-version"))
        say(GUEST_HELLO, other, sizeof other);
    if (is("short-hello"))
        say(GUEST_HELLO, other, 2);
    static const uint8_t huge[GUEST_HEAD] = { 0xff, 0xff, 0xff, 0x7f, GUEST_HELLO };
    if (is("early"))
        say(GUEST_OUT, "x", 1);
    if (is("early-row"))
        say_refused(1, 1, 0);
    if (is("huge"))
        say_raw(huge, sizeof huge);
    if (is("dies"))
        _exit(1);
    if (is("late") && mkdir("/output/tried", 0700) == 0)
        wait_for_ever();
}

static void instead_of_the_job(void)
{
    static const char words[] = "no\x1b[2J such thing";
    static const uint8_t ended[3] = { GUEST_EXITED, 0 };
    if (is("fails"))
        say(GUEST_FAILED, words, sizeof words - 1);
    if (is("resets"))
        _exit(0);
    if (is("unknown"))
        say(0x77, "", 0);
    if (is("over"))
        say(GUEST_ENDED, ended, sizeof ended);
}

static void as_the_job(void)
{
    static uint8_t piece[GUEST_BODY_MAX];
    memset(piece, 'x', sizeof piece);
    while (is("floods"))
        say(GUEST_OUT, piece, sizeof piece);
    while (is("drips"))
        say(GUEST_ERR, "x", 1);
    while (is("grows")) {
        void *more = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (more == MAP_FAILED)
            wait_for_ever();
    }
    instead_of_a_frame();
    refuse();
    try_paths();
    if (is("gone"))
        _exit(0);
    if (is("stays"))
        wait_for_ever();
    say(GUEST_OUT, "hello\n", 6);
}

static void leave(void)
{
    char name[32];
    if (is("climbs"))
        say_entry(GUEST_FILE, 0, "../climbed");
    if (is("links")) {
        say_entry(GUEST_ODD, GUEST_LINK, "link");
        say_entry(GUEST_FILE, 0, "link/climbed");
    }
    if (is("claims"))
        say_entry(GUEST_FILE, UINT64_C(1) << 62, "large");
    for (unsigned i = 0; is("many"); i++) {
        snprintf(name, sizeof name, "f%u", i);
        say_entry(GUEST_FILE, 0, name);
    }
    if (is("again")) {
        say_entry(GUEST_FILE, 0, "a");
        say_entry(GUEST_FILE, 0, "a");
    }
    if (is("less")) {
        say_entry(GUEST_FILE, 2, "a");
        say(GUEST_BYTES, "a", 1);
    }
    if (is("dots"))
        say_entry(GUEST_FILE, 0, "d/./climbed");
    if (is("rooted"))
        say_entry(GUEST_FILE, 0, "/climbed");
    if (is("empty"))
        say_entry(GUEST_FILE, 0, "");
    if (is("orphan"))
        say_entry(GUEST_FILE, 0, "nowhere/climbed");
    if (is("over-file")) {
        say_entry(GUEST_FILE, 0, "a");
        say_entry(GUEST_FOLDER, 0, "a");
    }
    if (is("odd-kind"))
        say_entry(GUEST_ODD, 77, "a");
    if (is("ends-again"))
        say(GUEST_ENDED, "\1\0", 3);
    if (is("late-row"))
        say_refused(1, 1, 0);
    if (is("more")) {
        say_entry(GUEST_FILE, 1, "a");
        say(GUEST_BYTES, "ab", 2);
    }
    say(GUEST_DONE, "", 0);
}

int main(void)
{
    static const uint8_t ended[3] = { GUEST_EXITED, 7 }, untold[3] = { GUEST_EXITED, 7, 1 };
    signal(SIGPIPE, SIG_IGN);
    read_own_role();
    before_the_job();
    hello();
    listen_to_the_end();
    instead_of_the_job();
    say(GUEST_RUNS, "", 0);
    as_the_job();
    say(GUEST_ENDED, is("untold") ? untold : ended, sizeof ended);
    leave();
    wait_for_ever();
}
