/* house.c - see house.h: from the first instruction to the jail. */
#include "proc/house.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/control.h"
#include "proc/log.h"
#include "proc/serve.h"

enum { HOUSE_EXIT_DONE = 0, HOUSE_EXIT_FAILED = 1 };

static rc take_settings(struct trail *trail, struct house *house, struct cursor *body)
{
    if (!cur_copy(body, &house->settings, sizeof house->settings) || !cur_end(body))
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    return RC_SUCCESS;
}

rc house_take_file(struct trail *trail, struct house *house, struct cursor *body)
{
    uint32_t file = 0;
    int fd = channel_take_fd(&house->control);
    if (!cur_u32le(body, &file) || file >= FILE_COUNT || fd < 0 || !cur_end(body) ||
        file_owner((enum house_file)file) != house->process->peer)
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    fd_close(&house->files[file]);
    house->files[file] = fd;
    return RC_SUCCESS;
}

static rc take_program(struct trail *trail, struct house *house, struct cursor *body)
{
    uint32_t number = 0;
    int fd = channel_take_fd(&house->control);
    if (!cur_u32le(body, &number) || number >= PROGRAM_COUNT || fd < 0 || !house->process->measures)
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    fd_close(&house->programs[number]);
    house->programs[number] = fd;
    return RC_SUCCESS;
}

rc house_take_peer(struct trail *trail, struct house *house, const struct frame *frame)
{
    struct cursor body = cur_over(frame->body);
    uint32_t peer = 0;
    int fd = channel_take_fd(&house->control);
    if (!cur_u32le(&body, &peer) || peer >= PEER_COUNT || fd < 0 ||
        (house->process->peers & IN(peer)) == 0)
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    channel_attach(&house->channels[peer], fd);
    house->numbers[peer] = frame->id;
    return RC_SUCCESS;
}

/* Everything that was open when the monitor said START. */
static rc take_over(struct trail *trail, struct house *house)
{
    int64_t until = clock_monotonic_ms() + HOUSE_START_MS_MAX;
    for (;;) {
        struct frame frame;
        rc got = channel_get(trail, &house->control, &frame);
        if (rc_class_of(got) == RC_BUSY) {
            TRY(trail, packet_wait(trail, house->control.fd, false, until));
            continue;
        }
        TRY(trail, got);
        struct cursor body = cur_over(frame.body);
        switch (frame.message) {
        case CONTROL_SETTINGS:
            TRY(trail, take_settings(trail, house, &body));
            break;
        case CONTROL_FILE:
            TRY(trail, house_take_file(trail, house, &body));
            break;
        case CONTROL_PEER:
            TRY(trail, house_take_peer(trail, house, &frame));
            break;
        case CONTROL_PROGRAM:
            TRY(trail, take_program(trail, house, &body));
            break;
        case CONTROL_START:
            return RC_SUCCESS;
        default:
            return FAIL(trail, RC_BUG, DOOR_E_NONE);
        }
    }
}

static bool make_channels(struct house *house)
{
    const struct process *process = house->process;
    if (!channel_init(&house->control, &house->arena, PEER_MONITOR, CHANNEL_MORE_TRUSTED))
        return false;
    channel_attach(&house->control, HOUSE_CONTROL_FD);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        house->channels[peer].fd = -1;
        if ((process->peers & IN(peer)) == 0)
            continue;
        enum channel_trust trust = (process->trusts & IN(peer)) != 0 ? CHANNEL_MORE_TRUSTED
                                                                     : CHANNEL_LESS_TRUSTED;
        if (!channel_init(&house->channels[peer], &house->arena, peer, trust))
            return false;
    }
    return true;
}

static void sort(int *numbers, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && numbers[j - 1] > numbers[j]; j--) {
            int moved = numbers[j];
            numbers[j] = numbers[j - 1];
            numbers[j - 1] = moved;
        }
}

/* What stays open: stdio, control, the channels, the listed files, and what the process
   itself opened before the jail. */
static size_t kept_fds(struct house *house, int *keep, size_t max)
{
    size_t count = 0;
    for (int fd = STDIN_FILENO; fd <= HOUSE_CONTROL_FD; fd++)
        keep[count++] = fd;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (house->channels[peer].fd >= 0)
            keep[count++] = house->channels[peer].fd;
    }
    for (unsigned file = 0; file < FILE_COUNT; file++) {
        if (house->files[file] >= 0 && (house->process->files & IN(file)) == 0)
            fd_close(&house->files[file]);
        if (house->files[file] >= 0)
            keep[count++] = house->files[file];
    }
    for (size_t i = 0; i < house->own_count && count < max; i++)
        keep[count++] = house->own[i];
    sort(keep, count);
    return count;
}

/* What is left of a jail for a process that makes jails: nothing is open that it was not given, its
   memory is in no core file, and nobody of its user looks into it. */
static rc stay_root(struct trail *trail, struct house *house, const int *keep, size_t count)
{
    const struct rlimit none = { 0, 0 };
    TRY(trail, fd_close_others(trail, keep, count));
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    house->jail = (struct jail_report){ 0 };
    return RC_SUCCESS;
}

static rc enter_jail(struct trail *trail, struct house *house)
{
    const struct process *process = house->process;
    int keep[4 + PEER_COUNT + FILE_COUNT + HOUSE_OWN_FDS_MAX];
    struct jail jail = {
        .user = HOUSE_FIRST_UID + (uid_t)process->peer,
        .keep = keep,
        .keep_count = kept_fds(house, keep, COUNT_OF(keep)),
        .fds = process->fds,
        .file_bytes = process->file_bytes != 0 ? process->file_bytes : HOUSE_FILE_BYTES_MAX,
        .forks = process->forks,
        .own_network = process->own_network,
        .connect_ports = house->connect_ports,
        .connect_port_count = house->connect_port_count,
        .reach_out = process->reach_out,
        .arg = house->self,
        .rules = process->rules,
        .rule_count = process->rule_count,
    };
    if (process->keeps_root && geteuid() == 0)
        return stay_root(trail, house, keep, jail.keep_count);
    return jail_enter(trail, &jail, &house->jail);
}

static rc say_ready(struct trail *trail, struct house *house)
{
    uint8_t bytes[8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, house->jail.own_user);
    sink_u8(&body, house->jail.own_network);
    sink_u32le(&body, house->jail.landlock);
    struct frame frame = { .message = CONTROL_READY, .body = sink_bytes(&body) };
    TRY(trail, channel_put(trail, &house->control, &frame));
    return channel_flush(trail, &house->control);
}

/* Why this process will not start, where that has a name: whoever waits for the house wants
   to hear it.  Numbers of this program and of the system that are no reasons are in the log. */
static void say_failed(struct house *house, rc failure)
{
    uint8_t bytes[2];
    struct sink body = sink_over(bytes, sizeof bytes);
    enum reason reason = reason_of_rc(failure, REASON_NONE);
    struct frame frame = { .message = CONTROL_FAILED, .body = SPAN(bytes) };
    if (reason == REASON_NONE)
        return;
    sink_u16le(&body, (uint16_t)reason);
    rc told = channel_put(NULL, &house->control, &frame);
    if (rc_ok(told))
        told = channel_flush(NULL, &house->control);
    (void)told; /* the log has it, too */
}

static rc open_before_jail(struct trail *trail, struct house *house)
{
    const struct process *process = house->process;
    if (process->before_jail == NULL)
        return RC_SUCCESS;
    rc opened = process->before_jail(trail, house->self, house);
    if (!rc_ok(opened))
        say_failed(house, opened);
    return opened;
}

static rc live(struct trail *trail, struct house *house)
{
    const struct process *process = house->process;
    arena_init(&house->arena, process->memory != 0 ? process->memory : HOUSE_MEMORY);
    house->self = arena_alloc(&house->arena, process->size);
    if (house->self == NULL || !make_channels(house))
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    TRY(trail, take_over(trail, house));
    TRY(trail, open_before_jail(trail, house));
    TRY(trail, enter_jail(trail, house));
    if (process->begin != NULL)
        TRY(trail, process->begin(trail, house->self, house));
    TRY(trail, say_ready(trail, house));
    return house_serve(trail, house);
}

bool house_keep_fd(struct house *house, int fd)
{
    if (fd < 0 || house->own_count == HOUSE_OWN_FDS_MAX)
        return false;
    house->own[house->own_count++] = fd;
    return true;
}

void house_let_connect(struct house *house, const char *port)
{
    uint32_t number = 0;
    for (size_t i = 0; port[i] >= '0' && port[i] <= '9' && number <= UINT16_MAX; i++)
        number = 10 * number + (uint32_t)(port[i] - '0');
    if (number > 0 && number <= UINT16_MAX && house->connect_port_count < HOUSE_PORTS_MAX)
        house->connect_ports[house->connect_port_count++] = (uint16_t)number;
}

rc house_put(struct trail *trail, struct house *house, enum peer peer, const struct frame *frame)
{
    return channel_put(trail, &house->channels[peer], frame);
}

/* Started from a descriptor, it has a number for a name. */
static void take_name(const struct process *process)
{
    char name[16];
    struct sink text = sink_over(name, sizeof name);
    sink_format(&text, "ward-%s", peer_name(process->peer));
    sink_terminate(&text);
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

int house_main(const struct process *process)
{
    struct house house = { .process = process };
    for (unsigned file = 0; file < FILE_COUNT; file++)
        house.files[file] = -1;
    for (unsigned program = 0; program < PROGRAM_COUNT; program++)
        house.programs[program] = -1;
    log_as(peer_name(process->peer));
    take_name(process);
    /* A terminal's interrupt goes to the whole group: the monitor alone decides. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    struct trail trail = { 0 };
    rc ended = live(&trail, &house);
    if (rc_ok(ended))
        return HOUSE_EXIT_DONE;
    log_failure("stopped", ended, &trail);
    if (rc_class_of(ended) == RC_BUG)
        __builtin_trap();
    return HOUSE_EXIT_FAILED;
}
