/* outward.c - see outward.h. */
#include "proc/front/outward.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/random.h"
#include "proc/front/front.h"
#include "proc/log.h"

/* --- before the jail ----------------------------------------------------------------------- */

struct tls_client *outward_client(const struct peer_settings *peer, const struct url_origin *origin,
                                  struct span ca_pem)
{
    uint8_t pins[PEER_PINS_MAX][PEER_PIN];
    struct in6_addr address;
    struct tls_expectation expected = {
        .host = origin->host,
        .is_address = inet_pton(AF_INET, origin->host, &address) == 1 ||
                      inet_pton(AF_INET6, origin->host, &address) == 1,
        .ca_pem = ca_pem,
        .pins = pins,
    };
    if (!origin->tls || !peer_pins_read(span_text(peer->pins), pins, &expected.pin_count))
        return NULL;
    struct tls_client *client = tls_client_new(&expected);
    if (client == NULL)
        log_event("no CAs and no pins to know a peer by: %s", peer->name);
    return client;
}

/* One whom nobody could know is not refused here: whoever asks for it is told. */
static bool open_one(struct front *front, struct outward *outward, const struct peer_settings *peer,
                     struct span ca_pem)
{
    struct arena *arena = &front->house->arena;
    if (!peer_url_read(span_text(peer->url), &outward->url))
        return peer->url[0] == 0; /* it is not called */
    outward->client = outward_client(peer, &outward->url.origin, ca_pem);
    outward->room_memory = arena_alloc(arena, http1_room_size(&http_limits_default));
    outward->in = arena_alloc(arena, FRONT_IN_MAX);
    const bool sdk = peer->profile == PEER_SDK_V1;
    outward->sdk = sdk ? link_sdk_new(arena) : NULL;
    return outward->room_memory != NULL && outward->in != NULL && (!sdk || outward->sdk != NULL);
}

static bool open_all(struct front *front, struct span cas)
{
    const struct settings *settings = &front->house->settings;
    struct cursor in = cur_over(cas);
    for (uint32_t i = 0; i < settings->peer_count; i++) {
        struct span ca_pem = { 0 };
        if (!get_bytes(&in, OUTWARD_CAS_MAX, &ca_pem))
            ca_pem = (struct span){ 0 };
        if (!open_one(front, &front->outwards[i], &settings->peers[i], ca_pem) ||
            !passages_open_peer(front, i, ca_pem))
            return false;
    }
    return true;
}

bool outward_open(struct front *front)
{
    int fd = front->house->files[FILE_PEER_CAS];
    struct stat is;
    void *mapped = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &is) == 0 && is.st_size > 0)
        mapped = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED)
        return open_all(front, (struct span){ 0 });
    bool opened = open_all(front, span_of(mapped, (size_t)is.st_size));
    munmap(mapped, (size_t)is.st_size);
    return opened;
}

/* --- what core is told --------------------------------------------------------------------- */

static size_t number_of(const struct front *front, const struct outward *outward)
{
    return (size_t)(outward - front->outwards);
}

/* A core that does not read finds out by its clock. */
static void tell(struct front *front, const struct outward *outward, bool open)
{
    uint8_t bytes[2 + 2 + 4 + DIALED_DETAIL_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    enum reason reason = outward->reason != REASON_NONE ? outward->reason : REASON_PEER_ENDED;
    sink_u8(&body, (uint8_t)number_of(front, outward));
    sink_u8(&body, open);
    sink_u16le(&body, (uint16_t)(open ? REASON_OK : reason));
    put_bytes(&body, open ? (struct span){ 0 } : span_text(outward->detail));
    struct frame frame = { .message = MSG_OUTWARD, .id = outward->id, .body = sink_bytes(&body) };
    rc told = house_put(NULL, front->house, PEER_CORE, &frame);
    (void)told;
}

/* One that is closed in good order has ended all the same: for no better reason. */
void outward_note(struct connection *connection, enum reason reason, const char *detail)
{
    struct outward *outward = connection->outward;
    if (outward->reason != REASON_NONE || reason == REASON_OK)
        return;
    outward->reason = reason;
    snprintf(outward->detail, sizeof outward->detail, "%s", detail);
}

void outward_fail(struct front *front, struct connection *connection, enum reason reason,
                  const char *detail)
{
    outward_note(connection, reason, detail);
    front_close(front, connection);
}

uint8_t outward_number(const struct front *front, const struct connection *connection)
{
    return connection->outward == NULL ? LINK_NOBODY
                                       : (uint8_t)number_of(front, connection->outward);
}

void outward_closed(struct front *front, struct connection *connection)
{
    struct outward *outward = connection->outward;
    connection->outward = NULL;
    outward->connection = NULL;
    outward->phase = OUTWARD_NONE;
    tell(front, outward, false);
}

void outward_is_open(struct front *front, struct connection *connection)
{
    connection->outward->phase = OUTWARD_OPEN;
    tell(front, connection->outward, true);
}

void outward_core_gone(struct front *front)
{
    for (size_t i = 0; i < SETTING_PEERS_MAX; i++) {
        if (front->outwards[i].connection != NULL)
            front_close(front, front->outwards[i].connection);
    }
}

uint64_t outward_count(const struct front *front)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SETTING_PEERS_MAX; i++)
        count += front->outwards[i].phase == OUTWARD_OPEN;
    return count;
}

/* --- a socket of dial's -------------------------------------------------------------------- */

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

bool outward_is_connection(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) != 0 &&
           option_of(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
           option_of(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP &&
           option_of(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0;
}

struct connection *outward_occupy(struct front *front, enum connection_phase phase, int fd)
{
    struct sockaddr_storage name = { 0 };
    socklen_t len = sizeof name;
    int on = 1;
    if (front->vacant_count == 0 || getpeername(fd, (struct sockaddr *)&name, &len) != 0)
        return NULL;
    struct connection *connection = front_occupy(front, fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->peer = front_address_of(&name);
    connection->phase = phase;
    connection->reading = connection->writing = true;
    return connection;
}

static struct connection *occupy(struct front *front, struct outward *outward, int fd)
{
    struct connection *connection = outward_occupy(front, CONNECTION_OUTWARD, fd);
    if (connection == NULL)
        return NULL;
    connection->outward = outward;
    outward->connection = connection;
    outward->phase = outward->url.origin.tls ? OUTWARD_TLS : OUTWARD_ASKS;
    outward->until_ms = clock_monotonic_ms() + OUTWARD_MS;
    return connection;
}

/* The request, ready to be sent. */
static bool make_ask(struct outward *outward, struct connection *connection)
{
    struct sink out = sink_over(outward->out, sizeof outward->out);
    random_bytes(outward->key, sizeof outward->key);
    const struct http_ask ask = { .method = HTTP_METHOD_GET,
                                  .authority = outward->url.origin.authority,
                                  .target = outward->url.target,
                                  .websocket_key = outward->key };
    outward->in_len = outward->sent = 0;
    if (!http1_room_init(&outward->room, &http_limits_default, outward->room_memory,
                         http1_room_size(&http_limits_default)) ||
        !http1_write_ask(&connection->http, &ask, &out))
        return false;
    outward->out_len = out.len;
    return true;
}

static void begin(struct front *front, struct outward *outward, int fd)
{
    struct connection *connection = occupy(front, outward, fd);
    if (connection == NULL) {
        outward->reason = REASON_PEER_UNREACHABLE;
        snprintf(outward->detail, sizeof outward->detail, "the connection is gone already");
        tell(front, outward, false);
        close(fd);
        return;
    }
    if (!rc_ok(poller_add(NULL, front->poller, fd, front_token(front, connection), true, true)) ||
        !make_ask(outward, connection)) {
        outward_fail(front, connection, REASON_HOUSE_UNAVAILABLE, "");
        return;
    }
    if (outward->url.origin.tls && outward->client == NULL) {
        outward_fail(front, connection, REASON_PEER_CERTIFICATE, "there are no CAs to know it by");
        return;
    }
    if (outward->url.origin.tls)
        connection->tls = tls_connect(outward->client, fd);
    if (outward->url.origin.tls && connection->tls == NULL)
        outward_fail(front, connection, REASON_OUT_OF_MEMORY, "");
    else
        front_move(front, connection);
}

/* A second one for a peer is of no use; what is not a connection dial has no business to bring. */
rc outward_on_connected(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint8_t peer = 0;
    auto_fd int fd = channel_take_fd(call->from);
    if (!(cur_u8(&call->body, &peer) && peer < front->house->settings.peer_count &&
          front->house->settings.peers[peer].url[0] != 0 && cur_end(&call->body) &&
          call->id != 0) ||
        !outward_is_connection(fd))
        return door_fault(trail, call, DOOR_E_BODY);
    struct outward *outward = &front->outwards[peer];
    if (outward->connection != NULL || front->stopping)
        return RC_SUCCESS;
    outward->id = call->id;
    outward->reason = REASON_NONE;
    outward->detail[0] = 0;
    begin(front, outward, fd_take(&fd));
    return RC_SUCCESS;
}

/* --- to the WebSocket ---------------------------------------------------------------------- */

enum outward_shaken outward_shake(struct front *front, struct connection *connection,
                                  enum reason *reason, const char **detail)
{
    static const enum reason reasons[] = { [TLS_FAULT_PROTOCOL] = REASON_PEER_TLS,
                                           [TLS_FAULT_CERTIFICATE] = REASON_PEER_CERTIFICATE,
                                           [TLS_FAULT_PIN] = REASON_PEER_PIN };
    switch (tls_handshake(connection->tls)) {
    case TLS_DONE:
        return OUTWARD_SHOOK;
    case TLS_WANT_READ:
        front_wait(front, connection, true, false);
        return OUTWARD_WAITS;
    case TLS_WANT_WRITE:
        front_wait(front, connection, false, true);
        return OUTWARD_WAITS;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    *reason = reasons[tls_fault(connection->tls, detail)];
    return OUTWARD_FAILED;
}

static bool shake_hands(struct front *front, struct connection *connection)
{
    enum reason reason;
    const char *detail;
    switch (outward_shake(front, connection, &reason, &detail)) {
    case OUTWARD_SHOOK:
        connection->outward->phase = OUTWARD_ASKS;
        return true;
    case OUTWARD_WAITS:
        return false;
    case OUTWARD_FAILED:
        break;
    }
    outward_fail(front, connection, reason, detail);
    return false;
}

static bool ask(struct front *front, struct connection *connection)
{
    struct outward *outward = connection->outward;
    while (outward->sent < outward->out_len) {
        ssize_t put = front_put(
            connection, span_of(outward->out + outward->sent, outward->out_len - outward->sent));
        if (put == FRONT_GONE) {
            outward_fail(front, connection, REASON_PEER_ENDED, "before it was asked");
            return false;
        }
        if (put == FRONT_NOT_NOW) {
            front_wait(front, connection, false, true);
            return false;
        }
        outward->sent += (size_t)put;
    }
    outward->phase = OUTWARD_READS;
    return true;
}

static void refuse_answer(struct front *front, struct connection *connection, const char *what)
{
    outward_fail(front, connection, REASON_PEER_UPGRADE, what);
}

/* The head of the answer: what follows it is the WebSocket's. */
static bool take_head(struct front *front, struct connection *connection, struct span rest)
{
    struct outward *outward = connection->outward;
    char text[64];
    if (outward->room.status != HTTP_SWITCHING) {
        snprintf(text, sizeof text, "it answers with status %u", outward->room.status);
        refuse_answer(front, connection, text);
        return false;
    }
    if (websocket_judge_answer(&outward->room, outward->key) != REASON_OK) {
        refuse_answer(front, connection, "its answer is not that to the question");
        return false;
    }
    outward->phase = OUTWARD_LINKED;
    link_call(front, connection, rest);
    return connection->phase == CONNECTION_LINK;
}

static bool read_answer(struct front *front, struct connection *connection)
{
    struct outward *outward = connection->outward;
    ssize_t got = front_take(connection, outward->in + outward->in_len,
                             FRONT_IN_MAX - outward->in_len);
    if (got == FRONT_GONE) {
        outward_fail(front, connection, REASON_PEER_ENDED, "before it had answered");
        return false;
    }
    if (got == FRONT_NOT_NOW) {
        front_wait(front, connection, true, false);
        return false;
    }
    outward->in_len += (size_t)got;
    struct cursor in = cur_over(span_of(outward->in, outward->in_len));
    struct http_event event = http1_next(&connection->http, &outward->room, &in);
    if (event.kind == HTTP_EVENT_HEAD)
        return take_head(front, connection, cur_rest(&in));
    if (event.kind != HTTP_EVENT_NONE) {
        refuse_answer(front, connection, reason_info(event.reason)->cause);
        return false;
    }
    struct span rest = cur_rest(&in);
    memmove(outward->in, rest.at, rest.len);
    outward->in_len = rest.len;
    return true;
}

bool outward_turn(struct front *front, struct connection *connection)
{
    switch (connection->outward->phase) {
    case OUTWARD_TLS:
        return shake_hands(front, connection);
    case OUTWARD_ASKS:
        return ask(front, connection);
    case OUTWARD_READS:
        return read_answer(front, connection);
    case OUTWARD_NONE:
    case OUTWARD_LINKED:
    case OUTWARD_OPEN:
        break;
    }
    return false;
}

void outward_sweep(struct front *front, struct connection *connection, int64_t now_ms)
{
    static const char *const late[] = {
        [OUTWARD_TLS] = "with TLS", [OUTWARD_ASKS] = "to be asked", [OUTWARD_READS] = "to answer"
    };
    struct outward *outward = connection->outward;
    if (outward->until_ms <= now_ms)
        outward_fail(front, connection, REASON_PEER_SLOW, late[outward->phase]);
}
