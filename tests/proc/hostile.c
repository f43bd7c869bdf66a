/* hostile.c - see hostile.h. */
#include "proc/hostile.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/open_fds.h"
#include "proc/messages.h"
#include "proc/tables.h"

enum {
    KINDS_OF_FD = 7,
    FDS_OF_KERNEL = 253, /* SCM_MAX_FD: more than that it takes from nobody */
    SAID = 64,           /* packets that are said again */
    SAID_BYTES = 4096,
};

static uint8_t packet[PACKET_BYTES_MAX], heard[PACKET_BYTES_MAX], body[FRAME_BODY_MAX + 2];

/* The last packet of each peer, of which hostile_hear has not given all yet. */
static uint8_t last[PEER_COUNT][PACKET_BYTES_MAX];

static size_t below(struct hostile *hostile, size_t limit)
{
    return test_random_below(&hostile->random, limit);
}

/* A fresh pair, as the monitor makes one when a process starts again. */
static void connect_peer(struct hostile *hostile, unsigned peer)
{
    int ends[2];
    assert_true(rc_ok(packet_pair(NULL, ends)));
    fd_close(&hostile->far[peer]);
    channel_attach(&hostile->house.channels[peer], ends[0]);
    hostile->far[peer] = ends[1];
    hostile->unheard[peer] = (struct cursor){ 0 };
}

/* The memory that core and front share, as the monitor makes it. */
static void give_tables(struct hostile *hostile)
{
    int *files = hostile->house.files;
    struct shared bans, serving;
    assert_true(rc_ok(tables_make_bans(NULL, &bans)));
    assert_true(rc_ok(tables_make_serving(NULL, &serving)));
    files[FILE_BANS] = bans.writer;
    files[FILE_BANS_READ] = bans.reader;
    files[FILE_SERVING] = serving.writer;
    files[FILE_SERVING_READ] = serving.reader;
}

/* Every file of every process, in a state folder of the test's own. */
static void give_files(struct hostile *hostile)
{
    static const char *const names[FILE_COUNT] = {
        [FILE_AUDIT_LOG] = "audit/security.log",
        [FILE_AUDIT_LEAVES] = "audit/leaves",
        [FILE_AUDIT_HEADS] = "audit/heads",
        [FILE_KEYRING] = "keyring",
        [FILE_SEAL] = "seal",
        [FILE_CA] = "ca.pem",
        [FILE_PROVIDER_CA] = "provider.pem",
        [FILE_COLLATERAL_ROOT] = "root.pem",
        [FILE_CHANNEL_POLICY] = "channel.toml",
    };
    static const uint8_t seal[32] = { 5, 1, 3 };
    struct house *house = &hostile->house;
    char path[SETTING_TEXT_MAX + 32];
    snprintf(path, sizeof path, "%s/audit", house->settings.state);
    assert_int_equal(mkdir(path, 0700), 0);
    for (unsigned file = 0; file < FILE_COUNT; file++) {
        int fd = -1;
        if (house->files[file] >= 0)
            continue; /* of give_tables */
        if (file == FILE_TLS_CERTIFICATE || file == FILE_TLS_KEY || file == FILE_MINERS ||
            file == FILE_TLS_CLIENT_CA || file == FILE_TLS_CLIENT_CRL)
            continue; /* none are set */
        if (file == FILE_TEE && snprintf(path, sizeof path, "%s/tee", house->settings.state) > 0 &&
            mkdir(path, 0700) == 0)
            fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        else if (names[file] == NULL)
            fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        else if (snprintf(path, sizeof path, "%s/%s", house->settings.state, names[file]) > 0)
            fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        house->files[file] = fd;
    }
    assert_int_equal(pwrite(house->files[FILE_SEAL], seal, sizeof seal, 0), sizeof seal);
}

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *at)
{
    (void)is;
    (void)kind;
    (void)at;
    return remove(path);
}

void hostile_begin(struct hostile *hostile, const struct process *process, uint32_t peers)
{
    struct house *house = &hostile->house;
    memset(hostile, 0, sizeof *hostile);
    for (unsigned file = 0; file < FILE_COUNT; file++)
        house->files[file] = -1;
    house->process = process;
    hostile->peers = peers;
    hostile->random.state = process->peer;
    /* Core would begin to call them: its own test of that gives it some. */
    uint32_t peer_count = process->peer == PEER_CORE ? 0 : 1;
    house->settings = (struct settings){ .state = "/tmp/ward-doors-XXXXXX",
                                         .connects_per_second = 2,
                                         .connects_burst = 60,
                                         .connections = 100,
                                         .connections_per_address = 20,
                                         .requests_per_second = 100,
                                         .requests_burst = 200,
                                         .header_seconds = 10,
                                         .idle_seconds = 10,
                                         .peer_count = peer_count,
                                         .peers = { { .name = "near",
                                                      .url = "ws://127.0.0.1:9/x",
                                                      .public = "http://127.0.0.1:9" } },
                                         .never_ban = "203.0.113.64/28",
                                         .audit_rotate_bytes = 64 << 20,
                                         .audit_keep_days = 7 };
    arena_init(&house->arena, process->memory != 0 ? process->memory : HOUSE_MEMORY);
    house->self = arena_alloc(&house->arena, process->size);
    assert_non_null(house->self);
    assert_true(channel_init(&house->control, &house->arena, PEER_MONITOR, CHANNEL_MORE_TRUSTED));
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        house->channels[peer].fd = hostile->far[peer] = -1;
        enum channel_trust trust = (process->trusts & IN(peer)) != 0 ? CHANNEL_MORE_TRUSTED
                                                                     : CHANNEL_LESS_TRUSTED;
        if ((process->peers & IN(peer)) != 0)
            assert_true(channel_init(&house->channels[peer], &house->arena, peer, trust));
    }
    assert_non_null(mkdtemp(house->settings.state));
    give_tables(hostile);
    give_files(hostile);
    for (unsigned program = 0; program < PROGRAM_COUNT; program++)
        house->programs[program] = process->measures ? open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
                                                     : -1;
    /* A front that finds no keeper yet has made everything else. */
    rc ready = process->before_jail(NULL, house->self, house);
    assert_true(rc_ok(ready) || (rc_class_of(ready) == RC_WORLD && process->peer == PEER_FRONT));
    if (process->begin != NULL)
        assert_true(rc_ok(process->begin(NULL, house->self, house)));
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if ((peers & IN(peer)) != 0)
            connect_peer(hostile, peer);
    }
}

void hostile_end(struct hostile *hostile)
{
    struct house *house = &hostile->house;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        channel_close(&house->channels[peer]);
        fd_close(&hostile->far[peer]);
    }
    for (unsigned file = 0; file < FILE_COUNT; file++)
        fd_close(&house->files[file]);
    for (size_t i = 0; i < house->own_count; i++)
        fd_close(&house->own[i]);
    arena_fini(&house->arena);
    assert_int_equal(nftw(house->settings.state, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

uint64_t hostile_frames(void)
{
    return getenv("WARD_FULL") != NULL ? 5000000 : 200000;
}

void hostile_choke(struct hostile *hostile, enum peer peer)
{
    static uint8_t bytes[4096];
    struct channel *channel = &hostile->house.channels[peer];
    struct frame junk = { .message = MSG_REQUEST, .id = 1 };
    for (size_t size = sizeof bytes; size > 0; size /= 4096) {
        junk.body = span_of(bytes, size - 1);
        while (rc_ok(channel_put(NULL, channel, &junk)))
            assert_true(rc_ok(channel_flush(NULL, channel)));
    }
}

/* As house_serve: the channel of a bad peer goes, and its owner starts it again. */
void hostile_replace(struct hostile *hostile, enum peer peer)
{
    struct house *house = &hostile->house;
    channel_close(&house->channels[peer]);
    if (house->process->peer_changed != NULL)
        house->process->peer_changed(house->self, peer, false);
    connect_peer(hostile, peer);
    if (house->process->peer_changed != NULL)
        house->process->peer_changed(house->self, peer, true);
}

static void judge(struct hostile *hostile, unsigned peer, rc result, uint16_t message)
{
    bool trusted = (hostile->house.process->trusts & IN(peer)) != 0;
    if (rc_class_of(result) == RC_BUG && !trusted) {
        print_error("message %#x of %s: a bug, number %#x\n", message, peer_name((enum peer)peer),
                    rc_number(result));
        fail();
    }
    if (rc_ok(result))
        hostile->taken++;
    else
        hostile->refused++;
}

/* What house_serve does with what has arrived. */
static rc take_all(struct hostile *hostile, unsigned peer)
{
    struct house *house = &hostile->house;
    struct channel *channel = &house->channels[peer];
    struct entrance entrance = { .doors = house->process->doors,
                                 .count = house->process->door_count,
                                 .state = house->state,
                                 .process = house->self };
    for (;;) {
        struct frame frame = { 0 };
        rc result = channel_get(NULL, channel, &frame);
        if (rc_class_of(result) == RC_BUSY)
            return RC_SUCCESS;
        if (rc_ok(result))
            result = door_open(NULL, &entrance, channel, &frame);
        judge(hostile, peer, result, frame.message);
        assert_true(channel_is_sound(channel));
        if (rc_class_of(result) == RC_PEER || rc_class_of(result) == RC_BUG)
            return result;
    }
}

/* A body of fields that are small numbers, lengths that are right or nearly so, and bytes. */
static void fill_plausible(struct hostile *hostile, size_t len)
{
    struct sink out = sink_over(body, len);
    size_t first = below(hostile, 8);
    for (size_t field = 0; sink_ok(&out) && out.len < len && field < 400; field++) {
        size_t left = len - out.len;
        switch (below(hostile, 6)) {
        case 0:
            sink_u8(&out, (uint8_t)below(hostile, 4));
            break;
        case 1:
            sink_u16le(&out, (uint16_t)below(hostile, 16));
            break;
        case 2:
            sink_u32le(&out, (uint32_t)below(hostile, 32));
            break;
        case 3:
            sink_u32le(&out, (uint32_t)(left < 4 ? 0 : left - 4 + below(hostile, 2) * first));
            break;
        case 4:
            sink_u64le(&out, below(hostile, 64));
            break;
        default:
            for (size_t i = 1 + below(hostile, left < 40 ? left : 40); i > 0; i--)
                sink_u8(&out, (uint8_t)test_random_next(&hostile->random));
        }
    }
}

static void fill(struct hostile *hostile, size_t len)
{
    size_t noise = len < 512 ? len : 512;
    memset(body, (int)below(hostile, 2) * 255, len);
    if (below(hostile, 3) != 0)
        fill_plausible(hostile, len);
    else
        for (size_t i = 0; i < noise; i++)
            body[i] = (uint8_t)test_random_next(&hostile->random);
}

/* At, below and past the sizes of a door; big ones seldom, for they cost time only. */
static size_t some_len(struct hostile *hostile, const struct door *door)
{
    size_t spread = door->max - door->min < 400 ? door->max - door->min : 400;
    switch (below(hostile, 64)) {
    case 0:
        return door->max;
    case 1:
        return (size_t)door->max + 1;
    case 2:
        return door->min - (door->min > 0);
    case 3:
        return door->min;
    case 4:
        return 0;
    case 5:
        return below(hostile, FRAME_BODY_MAX);
    default:
        return door->min + below(hostile, spread + 1);
    }
}

static int fd_of(size_t kind, const struct hostile *hostile, unsigned peer)
{
    switch (kind) {
    case 0:
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    case 1:
        return open("/", O_PATH | O_CLOEXEC);
    case 2:
        return memfd_create("hostile", MFD_CLOEXEC);
    case 3:
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    case 4:
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    case 5:
        return epoll_create1(EPOLL_CLOEXEC);
    default:
        return fcntl(hostile->far[peer], F_DUPFD_CLOEXEC, 0); /* the channel's own other end */
    }
}

static void put_frame(struct hostile *hostile, struct sink *out)
{
    const struct process *process = hostile->house.process;
    const struct door *door = &process->doors[below(hostile, process->door_count)];
    size_t len = some_len(hostile, door);
    struct frame frame = { .message = door->message, .id = below(hostile, 8) };
    if (below(hostile, 16) == 0)
        frame.message = (uint16_t)below(hostile, 0x600);
    if (below(hostile, 4) == 0)
        frame.id = test_random_next(&hostile->random);
    if (len > FRAME_BODY_MAX)
        len = FRAME_BODY_MAX;
    fill(hostile, len);
    frame.body = span_of(body, len);
    frame_put(out, &frame);
}

/* Now and then a packet is one that was sent before, to the last byte: an answer that was given, a
   request that was made.  Its length. */
static size_t say_again(struct hostile *hostile, size_t len)
{
    static uint8_t said[SAID][SAID_BYTES];
    static size_t lens[SAID];
    size_t place = below(hostile, SAID);
    if (below(hostile, 8) == 0 && lens[place] > 0) {
        memcpy(packet, said[place], lens[place]);
        return lens[place];
    }
    if (len <= SAID_BYTES) {
        memcpy(said[place], packet, len);
        lens[place] = len;
    }
    return len;
}

/* One packet: frames, perhaps with a bit turned, perhaps with descriptors. */
static void send_some(struct hostile *hostile, unsigned peer)
{
    int fds[PACKET_FDS_MAX];
    size_t fd_count = below(hostile, 16) == 0 ? 1 + below(hostile, PACKET_FDS_MAX) : 0;
    struct sink out = sink_over(packet, sizeof packet);
    for (size_t frames = 1 + (below(hostile, 4) == 0) * below(hostile, 6); frames > 0; frames--)
        put_frame(hostile, &out);
    size_t len = out.len;
    if (below(hostile, 16) == 0)
        packet[below(hostile, len < 64 ? len : 64)] ^= (uint8_t)(1u << below(hostile, 8));
    if (below(hostile, 32) == 0)
        len = 1 + below(hostile, len);
    for (size_t i = 0; i < fd_count; i++)
        fds[i] = fd_of(below(hostile, KINDS_OF_FD), hostile, peer);
    if (fd_count == 0)
        len = say_again(hostile, len);
    rc sent = packet_send(NULL, hostile->far[peer], span_of(packet, len), fds, fd_count);
    assert_true(rc_ok(sent) || rc_class_of(sent) == RC_BUSY);
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
}

static void drain(struct hostile *hostile)
{
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        ssize_t got = 0;
        while (hostile->far[peer] >= 0 &&
               (got = recv(hostile->far[peer], heard, sizeof heard, MSG_DONTWAIT)) > 0) {
            if (hostile->overhear != NULL)
                hostile->overhear(hostile, span_of(heard, (size_t)got));
        }
    }
}

/* What the process waits for besides its channels. */
static void look(struct hostile *hostile)
{
    enum { WATCHES = 96 };
    const struct process *process = hostile->house.process;
    struct house_watch watches[WATCHES];
    size_t count = process->watch == NULL ? 0
                                          : process->watch(hostile->house.self, watches, WATCHES);
    for (size_t i = 0; i < count; i++) {
        short events = (short)((watches[i].reading ? POLLIN : 0) |
                               (watches[i].writing ? POLLOUT : 0));
        struct pollfd one = { .fd = watches[i].fd, .events = events };
        if (poll(&one, 1, 0) > 0)
            assert_true(rc_ok(process->ready(NULL, hostile->house.self, &watches[i])));
    }
}

/* The rest of a wake-up: what was said goes out, as far as the peers read. */
static void settle(struct hostile *hostile)
{
    struct house *house = &hostile->house;
    if (hostile->looks)
        look(hostile);
    if (house->process->settle != NULL)
        assert_true(rc_ok(house->process->settle(NULL, house->self)));
    if (house->process->tick != NULL)
        (void)house->process->tick(house->self, clock_monotonic_ms());
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (channel_is_open(&house->channels[peer]))
            assert_true(rc_ok(channel_flush(NULL, &house->channels[peer])));
    }
}

static unsigned some_peer(struct hostile *hostile)
{
    unsigned peer = 0;
    do
        peer = (unsigned)below(hostile, PEER_COUNT);
    while ((hostile->peers & IN(peer)) == 0);
    return peer;
}

void hostile_run(struct hostile *hostile, uint64_t frames)
{
    size_t before = open_fds();
    int out = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(out >= 0 && dup2(null, STDERR_FILENO) >= 0);
    for (uint64_t turn = 0; hostile->taken + hostile->refused < frames; turn++) {
        unsigned peer = some_peer(hostile);
        send_some(hostile, peer);
        if (!rc_ok(take_all(hostile, peer)))
            hostile_replace(hostile, (enum peer)peer);
        if (turn % 8 == 0)
            settle(hostile);
        if (turn % 512 == 0)
            drain(hostile); /* until then they do not read */
    }
    settle(hostile);
    settle(hostile); /* what that began */
    drain(hostile);
    dup2(out, STDERR_FILENO);
    close(out);
    close(null);
    assert_int_equal(open_fds(), before);
    unsigned long long all = hostile->taken + hostile->refused, refused = hostile->refused;
    print_message("# %s: %llu frames, %llu of them refused\n",
                  peer_name(hostile->house.process->peer), all, refused);
}

/* As a taken peer could, past what packet_send allows. */
static void send_raw(int fd, struct span bytes, const int *fds, size_t count)
{
    union {
        uint8_t bytes[CMSG_SPACE(FDS_OF_KERNEL * sizeof(int))];
        struct cmsghdr head;
    } control = { .bytes = { 0 } };
    struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.len };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
                                         .cmsg_level = SOL_SOCKET,
                                         .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)bytes.len);
}

/* Refused for what came with it, by a process that has nothing open that it had not before. */
static void assert_shut(struct hostile *hostile, unsigned peer, size_t before)
{
    bool trusted = (hostile->house.process->trusts & IN(peer)) != 0;
    rc result = take_all(hostile, peer);
    assert_int_equal(rc_class_of(result), trusted ? RC_BUG : RC_PEER);
    hostile_replace(hostile, (enum peer)peer);
    settle(hostile);
    drain(hostile);
    assert_int_equal(open_fds(), before);
}

static struct span plain_frame(const struct door *door)
{
    struct sink out = sink_over(packet, sizeof packet);
    memset(body, 0, door->min);
    struct frame frame = { .message = door->message, .id = 1, .body = span_of(body, door->min) };
    frame_put(&out, &frame);
    return sink_bytes(&out);
}

static void send_descriptors(struct hostile *hostile, unsigned peer, const struct door *door,
                             size_t kind)
{
    static const size_t counts[] = { 1, PACKET_FDS_MAX, PACKET_FDS_MAX + 1, FDS_OF_KERNEL };
    int fds[FDS_OF_KERNEL];
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        size_t before = open_fds();
        int one = fd_of(kind, hostile, peer);
        assert_true(one >= 0);
        for (size_t j = 0; j < counts[i]; j++)
            fds[j] = one;
        send_raw(hostile->far[peer], plain_frame(door), fds, counts[i]);
        close(one);
        assert_shut(hostile, peer, before);
    }
}

static void send_too_long(struct hostile *hostile, unsigned peer)
{
    static uint8_t bytes[PACKET_BYTES_MAX + 1];
    const int room = 2 * PACKET_BYTES_MAX;
    size_t before = open_fds();
    assert_int_equal(setsockopt(hostile->far[peer], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    send_raw(hostile->far[peer], SPAN(bytes), NULL, 0);
    assert_shut(hostile, peer, before);
}

void hostile_descriptors(struct hostile *hostile)
{
    const struct process *process = hostile->house.process;
    int out = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(out >= 0 && dup2(null, STDERR_FILENO) >= 0);
    settle(hostile);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if ((hostile->peers & IN(peer)) == 0)
            continue;
        for (size_t i = 0; i < process->door_count; i++) {
            for (size_t kind = 0; (process->doors[i].peers & IN(peer)) != 0 && kind < KINDS_OF_FD;
                 kind++)
                send_descriptors(hostile, peer, &process->doors[i], kind);
        }
        send_too_long(hostile, peer);
    }
    dup2(out, STDERR_FILENO);
    close(out);
    close(null);
}

rc hostile_say(struct hostile *hostile, enum peer peer, const struct frame *frame)
{
    return hostile_hand(hostile, peer, frame, -1);
}

rc hostile_hand(struct hostile *hostile, enum peer peer, const struct frame *frame, int fd)
{
    return hostile_hand_all(hostile, peer, frame, &fd, fd < 0 ? 0 : 1);
}

rc hostile_hand_all(struct hostile *hostile, enum peer peer, const struct frame *frame,
                    const int *fds, size_t count)
{
    struct sink out = sink_over(packet, sizeof packet);
    frame_put(&out, frame);
    assert_true(rc_ok(packet_send(NULL, hostile->far[peer], sink_bytes(&out), fds, count)));
    rc result = take_all(hostile, peer);
    settle(hostile);
    return result;
}

bool hostile_hear(struct hostile *hostile, enum peer peer, struct frame *out)
{
    size_t len = 0;
    struct packet_fds fds = { 0 };
    if (!cur_end(&hostile->unheard[peer]))
        return frame_get(&hostile->unheard[peer], out);
    rc got = packet_receive(NULL, hostile->far[peer], last[peer], sizeof last[peer], &len, &fds);
    hostile->unheard[peer] = cur_over(span_of(last[peer], rc_ok(got) ? len : 0));
    packet_fds_close(&fds);
    return rc_ok(got) && frame_get(&hostile->unheard[peer], out);
}
