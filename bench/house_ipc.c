/* house_ipc.c - see house_ipc.h. */
#include "house_ipc.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/control.h"
#include "proc/serve.h"

enum { ECHO = 0x100, ECHOED, WAIT_MS = 10000 };

/* What the house has: a process that answers each message, and a channel to it. */
struct ipc {
    unsigned count;
    struct arena arena;
    struct house house; /* of the thread */
    struct channel control, channel;
    pthread_t thread;
    bool runs;
    rc ended;
    uint8_t body[IPC_BODY];
};

static rc on_echo(struct trail *trail, void *process, struct call *call)
{
    (void)process;
    struct frame answer = { .message = ECHOED, .id = call->id, .body = cur_rest(&call->body) };
    return channel_put(trail, call->from, &answer);
}

static const struct door doors[] = {
    { ECHO, IN(PEER_CORE), ~0u, IPC_BODY, IPC_BODY, 0, on_echo },
};

static const struct process echo = {
    .peer = PEER_AUDIT,
    .peers = IN(PEER_CORE),
    .doors = doors,
    .door_count = COUNT_OF(doors),
};

static void *serve(void *arg)
{
    struct ipc *ipc = arg;
    ipc->ended = house_serve(NULL, &ipc->house);
    return NULL;
}

static bool connect_ends(struct arena *arena, struct channel *ours, struct channel *theirs)
{
    int ends[2];
    if (!channel_init(ours, arena, PEER_AUDIT, CHANNEL_MORE_TRUSTED) ||
        !channel_init(theirs, arena, PEER_CORE, CHANNEL_LESS_TRUSTED) ||
        !rc_ok(packet_pair(NULL, ends)))
        return false;
    channel_attach(ours, ends[0]);
    channel_attach(theirs, ends[1]);
    return true;
}

void ipc_house_end(void *state)
{
    struct ipc *ipc = state;
    const struct frame stop = { .message = CONTROL_STOP };
    if (ipc->runs) {
        /* Should it not hear this, the end of the control channel ends it. */
        if (!rc_ok(channel_put(NULL, &ipc->control, &stop)) ||
            !rc_ok(channel_flush(NULL, &ipc->control)))
            channel_close(&ipc->control);
        pthread_join(ipc->thread, NULL);
    }
    channel_close(&ipc->control);
    channel_close(&ipc->channel);
    channel_close(&ipc->house.control);
    channel_close(&ipc->house.channels[PEER_CORE]);
    arena_fini(&ipc->arena);
    free(ipc);
}

void *ipc_house_begin(const void *arg)
{
    struct ipc *ipc = calloc(1, sizeof *ipc);
    if (ipc == NULL)
        return NULL;
    ipc->count = *(const unsigned *)arg;
    ipc->house.process = &echo;
    ipc->control.fd = ipc->channel.fd = ipc->house.control.fd = -1;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++)
        ipc->house.channels[peer].fd = -1;
    arena_init(&ipc->arena, HOUSE_MEMORY);
    ipc->runs = connect_ends(&ipc->arena, &ipc->control, &ipc->house.control) &&
                connect_ends(&ipc->arena, &ipc->channel, &ipc->house.channels[PEER_CORE]) &&
                pthread_create(&ipc->thread, NULL, serve, ipc) == 0;
    if (ipc->runs)
        return ipc;
    ipc_house_end(ipc);
    return NULL;
}

/* The answers come in the order of the questions. */
static bool take_answers(struct ipc *ipc, uint64_t first)
{
    int64_t until = clock_monotonic_ms() + WAIT_MS;
    for (unsigned i = 0; i < ipc->count; i++) {
        struct frame answer;
        if (!channel_has_unread(&ipc->channel) &&
            !rc_ok(packet_wait(NULL, ipc->channel.fd, false, until)))
            return false;
        if (!rc_ok(channel_get(NULL, &ipc->channel, &answer)) || answer.message != ECHOED ||
            answer.id != first + i || answer.body.len != IPC_BODY)
            return false;
    }
    return true;
}

bool ipc_house_run(void *state)
{
    struct ipc *ipc = state;
    struct frame question = { .message = ECHO, .body = SPAN(ipc->body) };
    uint64_t first = ipc->channel.last_id + 1;
    for (unsigned i = 0; i < ipc->count; i++) {
        question.id = channel_next_id(&ipc->channel);
        if (!rc_ok(channel_put(NULL, &ipc->channel, &question)))
            return false;
    }
    return rc_ok(channel_flush(NULL, &ipc->channel)) && take_answers(ipc, first);
}

/* The same packet there and back, with nothing in between: two system calls for each side. */
struct bare {
    size_t len;
    int ends[2];
    pthread_t thread;
    bool runs;
    uint8_t packet[PACKET_BYTES_MAX], theirs[PACKET_BYTES_MAX];
};

static void *bounce(void *arg)
{
    struct bare *bare = arg;
    for (;;) {
        ssize_t got = recv(bare->ends[1], bare->theirs, sizeof bare->theirs, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || send(bare->ends[1], bare->theirs, (size_t)got, MSG_NOSIGNAL) != got)
            return NULL;
    }
}

static void bare_end(void *state)
{
    struct bare *bare = state;
    struct channel ends[2] = { { .fd = bare->ends[0] }, { .fd = bare->ends[1] } };
    if (bare->runs) {
        shutdown(bare->ends[0], SHUT_RDWR);
        pthread_join(bare->thread, NULL);
    }
    channel_close(&ends[0]);
    channel_close(&ends[1]);
    free(bare);
}

static void *bare_begin(const void *arg)
{
    const int room = PACKET_BYTES_MAX;
    struct bare *bare = calloc(1, sizeof *bare);
    if (bare == NULL)
        return NULL;
    bare->ends[0] = bare->ends[1] = -1;
    bare->len = *(const unsigned *)arg * (size_t)(FRAME_HEAD + IPC_BODY);
    bare->runs = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, bare->ends) == 0;
    for (int i = 0; i < 2 && bare->runs; i++)
        bare->runs = setsockopt(bare->ends[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0;
    bare->runs = bare->runs && pthread_create(&bare->thread, NULL, bounce, bare) == 0;
    if (bare->runs)
        return bare;
    bare_end(bare);
    return NULL;
}

static bool bare_run(void *state)
{
    struct bare *bare = state;
    return send(bare->ends[0], bare->packet, bare->len, MSG_NOSIGNAL) == (ssize_t)bare->len &&
           recv(bare->ends[0], bare->packet, sizeof bare->packet, 0) == (ssize_t)bare->len;
}

const struct bench_work ipc_bare = { "a bare socketpair", bare_begin, bare_run, bare_end };
