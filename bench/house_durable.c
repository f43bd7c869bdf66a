/* house_durable.c - see house_log.h: ward-audit under a monitor, a keeper and a core that are
   played here.  The core says as many records as go into one group, and waits until the last
   of them is durable. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "house_log.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/spawn.h"
#include "os/tree.h"
#include "proc/audit_client.h"
#include "proc/control.h"
#include "proc/house.h"
#include "proc/messages.h"

enum {
    PATH_BYTES = SETTING_TEXT_MAX,
    GROUP_FEW = 64,            /* records that are said at once: a record for each of 64 clients */
    GROUP_MANY = 1024,         /* or for each of as many calls as front takes */
    GROUPS = 16,               /* in a round */
    ROUNDS = 40,               /* of the house and of the limit, in turns */
    ROUNDS_LEAST = 5,          /* fewer are no figure */
    ALL_MS = 8000,             /* for all rounds */
    WAIT_MS = 20000,           /* for one answer */
    LINES = GROUP_MANY * 1024, /* bytes of a group's lines at most */
};

/* What the log's folder holds; the limit writes a file of its own beside them. */
static const char *const names[] = { "security.log", "leaves", "heads", "limit" };
enum { NAME_LIMIT = 3 };

struct durable {
    char build[PATH_BYTES];  /* the build folder: its ward-audit is meant, and its disk */
    char folder[PATH_BYTES]; /* of a state, made for this */
    struct arena arena;
    struct channel control, keeper, core;
    struct spawned process;
    bool runs;
    unsigned group; /* records that are said at once */
    int limit_fd;
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
    uint64_t records; /* that are durable, and acknowledged */
    size_t lines_len;
    uint8_t lines[LINES]; /* of one group, as ward-audit wrote them */
};

/* The build folder is the one of this program. */
static bool folder_make(struct durable *d)
{
    char path[PATH_BYTES + 32];
    ssize_t len = readlink("/proc/self/exe", d->build, sizeof d->build - 1);
    char *end = len > 0 ? strstr(d->build, "/bench/bench_house") : NULL;
    if (end == NULL)
        return false;
    *end = 0;
    int put = snprintf(d->folder, sizeof d->folder, "%s/house-log-XXXXXX", d->build);
    if (put < 0 || (size_t)put >= sizeof d->folder || mkdtemp(d->folder) == NULL) {
        d->folder[0] = 0;
        return false;
    }
    snprintf(path, sizeof path, "%s/audit", d->folder);
    return mkdir(path, 0700) == 0;
}

static int open_name(const struct durable *d, size_t name)
{
    char path[sizeof d->folder + 32];
    int append = name == 0 || name == NAME_LIMIT ? O_APPEND : 0;
    snprintf(path, sizeof path, "%s/audit/%s", d->folder, names[name]);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | append, 0600);
}

static bool hand_over(struct durable *d, uint16_t message, uint32_t number, int fd)
{
    uint8_t bytes[4];
    struct sink body = sink_over(bytes, sizeof bytes);
    auto_fd int given = fd;
    sink_u32le(&body, number);
    const struct frame frame = { .message = message, .body = sink_bytes(&body) };
    return given >= 0 && rc_ok(channel_put_fds(NULL, &d->control, &frame, &given, 1));
}

static bool hand_over_peer(struct durable *d, enum peer peer, struct channel *ours)
{
    int ends[2];
    if (!rc_ok(packet_pair(NULL, ends)))
        return false;
    channel_attach(ours, ends[0]);
    return hand_over(d, CONTROL_PEER, peer, ends[1]);
}

static bool wait_frame(struct channel *channel, struct frame *out)
{
    int64_t until = clock_monotonic_ms() + WAIT_MS;
    for (;;) {
        rc got = channel_get(NULL, channel, out);
        if (rc_class_of(got) != RC_BUSY)
            return rc_ok(got);
        if (!rc_ok(packet_wait(NULL, channel->fd, false, until)))
            return false;
    }
}

static bool flush_all(struct channel *channel)
{
    int64_t until = clock_monotonic_ms() + WAIT_MS;
    for (;;) {
        if (!rc_ok(channel_flush(NULL, channel)))
            return false;
        if (!channel_has_queued(channel))
            return true;
        if (!rc_ok(packet_wait(NULL, channel->fd, true, until)))
            return false;
    }
}

/* All that the monitor says before the process serves. */
static bool introduce(struct durable *d)
{
    static struct settings settings = { .audit_rotate_bytes = UINT64_C(1) << 30,
                                        .audit_keep_days = 7 };
    const struct frame said = { .message = CONTROL_SETTINGS,
                                .body = span_of((const uint8_t *)&settings, sizeof settings) };
    const struct frame start = { .message = CONTROL_START };
    struct frame ready;
    memcpy(settings.state, d->folder, sizeof d->folder);
    bool ok = rc_ok(channel_put(NULL, &d->control, &said)) && flush_all(&d->control);
    for (uint32_t file = FILE_AUDIT_LOG; ok && file <= FILE_AUDIT_HEADS; file++)
        ok = hand_over(d, CONTROL_FILE, file, open_name(d, file));
    return ok && hand_over_peer(d, PEER_KEEPER, &d->keeper) &&
           hand_over_peer(d, PEER_CORE, &d->core) &&
           rc_ok(channel_put(NULL, &d->control, &start)) && flush_all(&d->control) &&
           wait_frame(&d->control, &ready) && ready.message == CONTROL_READY;
}

/* The process has a core of its own, as in a house that has more than one. */
static void move_away(void)
{
    cpu_set_t mine, other;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0 || CPU_COUNT(&mine) != 1)
        return;
    CPU_ZERO(&other);
    for (long core = 0; core < cores; core++) {
        if (!CPU_ISSET((size_t)core, &mine) && CPU_COUNT(&other) == 0)
            CPU_SET((size_t)core, &other);
    }
    if (CPU_COUNT(&other) == 1)
        sched_setaffinity(0, sizeof other, &other);
}

static bool start(struct durable *d)
{
    char path[PATH_BYTES + 32];
    cpu_set_t mine;
    int ends[2];
    if (!rc_ok(packet_pair(NULL, ends)))
        return false;
    snprintf(path, sizeof path, "%s/src/proc/ward-audit", d->build);
    channel_attach(&d->control, ends[0]);
    auto_fd int theirs = ends[1];
    const char *const argv[] = { "ward-audit", NULL };
    struct spawn what = {
        .path = path, .argv = argv, .fds = { { theirs, HOUSE_CONTROL_FD } }, .fd_count = 1
    };
    bool known = sched_getaffinity(0, sizeof mine, &mine) == 0;
    move_away();
    d->runs = rc_ok(spawn(NULL, &what, &d->process));
    if (known)
        sched_setaffinity(0, sizeof mine, &mine);
    return d->runs && introduce(d);
}

static void durable_fini(struct durable *d)
{
    const struct frame stop = { .message = CONTROL_STOP };
    if (d->runs) {
        /* Without a monitor there is no house: should it not hear this, it ends all the same. */
        if (!rc_ok(channel_put(NULL, &d->control, &stop)) || !flush_all(&d->control))
            channel_close(&d->control);
        if (!rc_ok(process_wait(NULL, d->process.pidfd, clock_monotonic_ms() + 2000)) &&
            rc_ok(process_signal(NULL, d->process.pidfd, SIGKILL)))
            (void)!rc_ok(process_wait(NULL, d->process.pidfd, clock_monotonic_ms() + 2000));
        fd_close(&d->process.pidfd);
    }
    channel_close(&d->control);
    channel_close(&d->keeper);
    channel_close(&d->core);
    fd_close(&d->limit_fd);
    if (d->folder[0] != 0 && !rc_ok(tree_remove(NULL, d->folder)))
        fprintf(stderr, "bench: %s is left\n", d->folder);
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->algorithm);
    arena_fini(&d->arena);
}

static bool durable_init(struct durable *d, unsigned group)
{
    *d = (struct durable){ .limit_fd = -1, .group = group };
    arena_init(&d->arena, HOUSE_MEMORY);
    d->control.fd = d->keeper.fd = d->core.fd = -1;
    d->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    if (d->algorithm == NULL || d->context == NULL || !folder_make(d) ||
        !channel_init(&d->control, &d->arena, PEER_AUDIT, CHANNEL_MORE_TRUSTED) ||
        !channel_init(&d->keeper, &d->arena, PEER_AUDIT, CHANNEL_MORE_TRUSTED) ||
        !channel_init(&d->core, &d->arena, PEER_AUDIT, CHANNEL_MORE_TRUSTED))
        return false;
    d->limit_fd = open_name(d, NAME_LIMIT);
    return d->limit_fd >= 0 && start(d);
}

static bool say_group(struct durable *d)
{
    static const uint8_t trace[AUDIT_TRACE_LEN] = { 0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d };
    struct audit_record record = audit_record_of(AUDIT_EVENT_TOKEN_ISSUE, AUDIT_SUCCESS, 0);
    uint64_t id;
    audit_set_actor(&record, AUDIT_SERVICE, span_text("core"));
    audit_set_resource(&record, span_text("token"));
    audit_set_trace(&record, trace);
    audit_add_text(&record, "token_type", span_text("miner"));
    audit_add_text(&record, "subject", span_text("k-0123456789abcdef"));
    audit_add_time(&record, "expires_at", 1800000000000);
    for (unsigned i = 0; i < d->group; i++) {
        if (!rc_ok(audit_client_append(NULL, &d->core, &record, &id)))
            return false;
    }
    return flush_all(&d->core);
}

/* In the order in which they were said, each with the next place in the log. */
static bool hear_group(struct durable *d)
{
    for (unsigned i = 0; i < d->group; i++) {
        struct frame answer;
        uint64_t seq = 0;
        if (!wait_frame(&d->core, &answer) || answer.message != MSG_AUDIT_APPENDED)
            return false;
        struct cursor body = cur_over(answer.body);
        if (!audit_client_appended(&body, &seq) || seq != d->records++)
            return false;
    }
    return true;
}

/* While one group is made durable the next is said, as a house under load does. */
static bool house_round(struct durable *d)
{
    bool ok = say_group(d);
    for (unsigned group = 0; ok && group < GROUPS; group++)
        ok = (group + 1 == GROUPS || say_group(d)) && hear_group(d);
    return ok;
}

/* The last group as it stands in the log: the bytes of the limit. */
static bool take_lines(struct durable *d)
{
    auto_fd int log = open_name(d, 0);
    off_t end = lseek(log, 0, SEEK_END);
    off_t from = end > LINES ? end - LINES : 0;
    ssize_t got = pread(log, d->lines, sizeof d->lines, from);
    size_t newlines = 0;
    if (got <= 0 || d->lines[got - 1] != '\n')
        return false;
    size_t at = (size_t)got;
    while (at > 0 && newlines <= d->group) {
        at--;
        newlines += d->lines[at] == '\n';
    }
    if (newlines > d->group)
        at++;
    else if (newlines < d->group)
        return false;
    d->lines_len = (size_t)got - at;
    memmove(d->lines, d->lines + at, d->lines_len);
    return true;
}

static bool write_group(struct durable *d)
{
    uint8_t out[EVP_MAX_MD_SIZE];
    const uint8_t *end = d->lines + d->lines_len;
    for (const uint8_t *line = d->lines; line < end;) {
        const uint8_t *newline = memchr(line, '\n', (size_t)(end - line));
        unsigned len = 0;
        if (EVP_DigestInit_ex2(d->context, d->algorithm, NULL) != 1 ||
            EVP_DigestUpdate(d->context, line, (size_t)(newline - line)) != 1 ||
            EVP_DigestFinal_ex(d->context, out, &len) != 1)
            return false;
        line = newline + 1;
    }
    return write(d->limit_fd, d->lines, d->lines_len) == (ssize_t)d->lines_len &&
           fdatasync(d->limit_fd) == 0;
}

static bool limit_round(struct durable *d)
{
    bool ok = true;
    for (unsigned group = 0; ok && group < GROUPS; group++)
        ok = write_group(d);
    return ok;
}

static double seconds_now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* Seconds of one round of either side; negative when it failed. */
static double timed(struct durable *d, bool (*round)(struct durable *d))
{
    double begin = seconds_now();
    return round(d) ? seconds_now() - begin : -1;
}

static bool run_rounds(struct durable *d, double *value, double *limit)
{
    double limits[ROUNDS], shares[ROUNDS];
    size_t count = 0;
    int64_t until = clock_monotonic_ms() + ALL_MS;
    for (; count < ROUNDS && (count < ROUNDS_LEAST || clock_monotonic_ms() < until); count++) {
        bool first = count % 2 == 0; /* neither side is always first */
        double ours = first ? timed(d, house_round) : 0;
        double theirs = timed(d, limit_round);
        if (!first)
            ours = timed(d, house_round);
        if (ours <= 0 || theirs <= 0)
            return false;
        limits[count] = d->group * GROUPS / theirs;
        shares[count] = theirs / ours;
    }
    *limit = median(limits, count);
    *value = *limit * median(shares, count);
    printf("# audit-durable: groups of %u records, %zu bytes each; %zu rounds by the wall\n",
           d->group, d->lines_len / d->group, count);
    return true;
}

static bool measure(unsigned group, double *value, double *limit)
{
    static struct durable d;
    bool ok = durable_init(&d, group) && house_round(&d) && take_lines(&d) && limit_round(&d) &&
              run_rounds(&d, value, limit);
    durable_fini(&d);
    if (ok)
        return true;
    /* No figure here is a fault of the program, never a want of input. */
    fputs("bench: ward-audit did not take the records\n", stderr);
    exit(EXIT_FAILURE);
}

bool log_durable(double *value, double *limit)
{
    return measure(GROUP_FEW, value, limit);
}

bool log_durable_many(double *value, double *limit)
{
    return measure(GROUP_MANY, value, limit);
}
