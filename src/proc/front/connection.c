/* connection.c - see front.h: a connection from its socket to its end. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "proc/front/front.h"

enum { NOT_NOW = -1, GONE = 0 };

static uint64_t now_us(void)
{
    return (uint64_t)clock_monotonic_ms() * 1000;
}

uint64_t front_token(const struct front *front, const struct connection *connection)
{
    uint64_t index = (uint64_t)(connection - front->connections);
    return (uint64_t)connection->generation << 32 | index;
}

struct connection *front_find(struct front *front, uint64_t token)
{
    uint32_t index = (uint32_t)token;
    if (index >= front->connection_count)
        return NULL;
    struct connection *connection = &front->connections[index];
    bool same = connection->generation == (uint32_t)(token >> 32);
    return same && connection->phase != CONNECTION_FREE ? connection : NULL;
}

static void give_back(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    if (work == NULL)
        return;
    work->next = front->free_works;
    front->free_works = work;
    connection->work = NULL;
}

void front_close(struct front *front, struct connection *connection)
{
    if (connection->phase == CONNECTION_FREE)
        return;
    if (connection->tls != NULL) {
        if (connection->phase != CONNECTION_HANDSHAKE)
            tls_end(connection->tls);
        tls_free(&connection->tls);
    }
    fd_close(&connection->fd);
    give_back(front, connection);
    if (!connection->local)
        conn_closed(&front->conns, &connection->counted);
    connection->phase = CONNECTION_FREE;
    connection->generation++;
    front->vacant[front->vacant_count++] = (uint32_t)(connection - front->connections);
}

/* One socket's read or write, plain or through TLS: bytes, NOT_NOW or GONE. */
static ssize_t take(struct connection *connection, uint8_t *at, size_t cap)
{
    size_t len = 0;
    if (connection->tls == NULL) {
        ssize_t got = read(connection->fd, at, cap);
        return got >= 0 ? got : errno == EAGAIN || errno == EINTR ? NOT_NOW : GONE;
    }
    switch (tls_read(connection->tls, at, cap, &len)) {
    case TLS_DONE:
        return (ssize_t)len;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return NOT_NOW;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    return GONE;
}

static ssize_t put(struct connection *connection, struct span bytes)
{
    size_t len = 0;
    if (connection->tls == NULL) {
        ssize_t sent = write(connection->fd, bytes.at, bytes.len);
        return sent > 0 ? sent : sent < 0 && (errno == EAGAIN || errno == EINTR) ? NOT_NOW : GONE;
    }
    switch (tls_write(connection->tls, bytes, &len)) {
    case TLS_DONE:
        return (ssize_t)len;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return NOT_NOW;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    return GONE;
}

static void wait_for(struct front *front, struct connection *connection, bool reading, bool writing)
{
    if (connection->reading == reading && connection->writing == writing)
        return;
    connection->reading = reading;
    connection->writing = writing;
    if (!rc_ok(poller_change(NULL, front->poller, connection->fd, front_token(front, connection),
                             reading, writing)))
        front_close(front, connection);
}

static bool borrow(struct front *front, struct connection *connection)
{
    struct work *work = front->free_works;
    connection->starved = work == NULL;
    if (work == NULL)
        return false;
    front->free_works = work->next;
    connection->work = work;
    work->in_len = 0;
    work->sent = 0;
    work->body = sink_over(work->body.at, work->body.cap);
    work->out = sink_over(work->out.at, work->out.cap);
    if (http1_room_init(&work->room, &http_limits_default, work->room_memory,
                        http1_room_size(&http_limits_default)))
        return true;
    give_back(front, connection);
    return false;
}

/* Sends what is written; true when all of it is gone. */
static bool drain(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    while (work->sent < work->out.len) {
        struct cursor left = cur_over(sink_bytes(&work->out));
        if (!cur_skip(&left, work->sent))
            return false;
        ssize_t sent = put(connection, cur_rest(&left));
        if (sent == GONE) {
            front_close(front, connection);
            return false;
        }
        if (sent == NOT_NOW) {
            wait_for(front, connection, false, true);
            return false;
        }
        work->sent += (size_t)sent;
        pace_moved(&connection->pace, (uint64_t)sent, now_us());
    }
    work->sent = 0;
    work->out = sink_over(work->out.at, work->out.cap);
    return true;
}

/* The answer is out: the next request, or none. */
static void after_answer(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    if (http1_is_closed(&connection->http)) {
        front_close(front, connection);
        return;
    }
    connection->phase = CONNECTION_READING;
    pace_begin(&connection->pace, PACE_IDLE, now_us());
    work->body = sink_over(work->body.at, work->body.cap);
    if (work->in_len == 0)
        give_back(front, connection);
    else if (!http1_room_init(&work->room, &http_limits_default, work->room_memory,
                              http1_room_size(&http_limits_default)))
        front_close(front, connection);
}

/* Reads once into what room there is; true when there is something new to look at. */
static bool fill(struct front *front, struct connection *connection)
{
    if (connection->work == NULL && !borrow(front, connection)) {
        wait_for(front, connection, false, false); /* until another gives one back */
        return false;
    }
    struct work *work = connection->work;
    if (work->in_len == FRONT_IN_MAX)
        return false;
    ssize_t got = take(connection, work->in + work->in_len, FRONT_IN_MAX - work->in_len);
    if (got == GONE) {
        exchange_ended(front, connection);
        return false;
    }
    if (got == NOT_NOW) {
        if (work->in_len == 0 && http1_is_idle(&connection->http))
            give_back(front, connection);
        wait_for(front, connection, true, false);
        return false;
    }
    if (connection->pace.phase == PACE_IDLE)
        pace_begin(&connection->pace, PACE_HEAD, now_us());
    pace_moved(&connection->pace, (uint64_t)got, now_us());
    work->in_len += (size_t)got;
    return true;
}

static bool shake_hands(struct front *front, struct connection *connection)
{
    switch (tls_handshake(connection->tls)) {
    case TLS_DONE:
        front->counts.handshakes++;
        conn_established(&front->conns, &connection->counted);
        connection->phase = CONNECTION_READING;
        pace_begin(&connection->pace, PACE_IDLE, now_us());
        return true;
    case TLS_WANT_READ:
        wait_for(front, connection, true, false);
        return false;
    case TLS_WANT_WRITE:
        wait_for(front, connection, false, true);
        return false;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    front->counts.failures++;
    front_close(front, connection);
    return false;
}

/* One turn; true when another may get further. */
static bool turn(struct front *front, struct connection *connection)
{
    switch (connection->phase) {
    case CONNECTION_HANDSHAKE:
        return shake_hands(front, connection);
    case CONNECTION_READING:
        if (connection->work != NULL &&
            (connection->work->in_len > 0 || !http1_is_idle(&connection->http)) &&
            exchange_next(front, connection))
            return true;
        return connection->phase == CONNECTION_READING
                   ? fill(front, connection)
                   : connection->phase != CONNECTION_FREE &&
                         connection->phase != CONNECTION_WAITING;
    case CONNECTION_ANSWERING:
        if (!drain(front, connection))
            return false;
        after_answer(front, connection);
        return connection->phase != CONNECTION_FREE;
    case CONNECTION_WAITING:
        wait_for(front, connection, false, false);
        return false;
    case CONNECTION_FREE:
        break;
    }
    return false;
}

/* Whoever waits for a work gets the one that was just given back. */
static void feed_starved(struct front *front)
{
    for (uint32_t i = 0; i < front->connection_count && front->free_works != NULL; i++) {
        struct connection *connection = &front->connections[i];
        if (connection->phase == CONNECTION_FREE || !connection->starved)
            continue;
        connection->starved = false;
        while (turn(front, connection))
            ;
    }
}

void front_move(struct front *front, struct connection *connection)
{
    bool none = front->free_works == NULL;
    while (turn(front, connection))
        ;
    if (none && front->free_works != NULL)
        feed_starved(front);
}

void front_ready(struct front *front, const struct poller_event *event)
{
    struct connection *connection = front_find(front, event->token);
    if (connection == NULL)
        return;
    /* A peer that is gone both ways is owed nothing any more; core's answer, when it comes,
       finds nobody. */
    if (event->gone)
        front_close(front, connection);
    else
        front_move(front, connection);
}

static struct address address_of(const struct sockaddr_storage *name)
{
    if (name->ss_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, name, sizeof six);
        return address_of_v6(six.sin6_addr.s6_addr);
    }
    struct sockaddr_in four;
    memcpy(&four, name, sizeof four);
    uint8_t bytes[4];
    memcpy(bytes, &four.sin_addr, sizeof bytes);
    return address_of_v4(bytes);
}

static struct connection *occupy(struct front *front, int fd)
{
    struct connection *connection = &front->connections[front->vacant[--front->vacant_count]];
    uint32_t generation = connection->generation;
    *connection = (struct connection){ .fd = fd, .generation = generation };
    http1_init(&connection->http, &http_limits_default);
    return connection;
}

static void cut_oldest_half_open(struct front *front)
{
    struct connection *oldest = NULL;
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *other = &front->connections[i];
        if (other->phase == CONNECTION_HANDSHAKE &&
            (oldest == NULL || other->pace.since_us < oldest->pace.since_us))
            oldest = other;
    }
    if (oldest != NULL)
        front_close(front, oldest);
}

static void begin(struct front *front, struct connection *connection)
{
    connection->reading = true;
    pace_begin(&connection->pace, connection->local ? PACE_IDLE : PACE_HANDSHAKE, now_us());
    connection->phase = connection->local ? CONNECTION_READING : CONNECTION_HANDSHAKE;
    if (rc_ok(poller_add(NULL, front->poller, connection->fd, front_token(front, connection), true,
                         false)))
        front_move(front, connection);
    else
        front_close(front, connection);
}

/* Whose socket it is decides, not what is said over it. */
static void accept_owner(struct front *front, int fd)
{
    struct ucred who = { 0 };
    socklen_t len = sizeof who;
    auto_fd int accepted = fd;
    if (front->vacant_count == 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return;
    struct connection *connection = occupy(front, fd_take(&accepted));
    connection->local = true;
    connection->owner = who.uid == front->house->settings.owner;
    begin(front, connection);
}

/* A refused socket costs a close: with a reset, so that nothing of it stays. */
static void turn_away(struct front *front, int fd)
{
    struct linger at_once = { .l_onoff = 1 };
    front->counts.refused++;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static void accept_stranger(struct front *front, int fd, const struct sockaddr_storage *name)
{
    struct address peer = address_of(name);
    struct conn counted;
    if (front->server == NULL || front->vacant_count == 0) {
        turn_away(front, fd);
        return;
    }
    struct admission admission = admit_connection(&front->admit, &peer, now_us(), &counted);
    if (!admission.admitted) {
        turn_away(front, fd);
        return;
    }
    if (admission.cut_oldest != REASON_NONE)
        cut_oldest_half_open(front);
    struct tls *tls = tls_accept(front->server, fd);
    if (tls == NULL) {
        conn_closed(&front->conns, &counted);
        turn_away(front, fd);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *connection = occupy(front, fd);
    connection->tls = tls;
    connection->counted = counted;
    connection->peer = peer;
    begin(front, connection);
}

void front_accept(struct front *front, bool owner)
{
    int listener = front->house->files[owner ? FILE_OWNER_LISTENER : FILE_TLS_LISTENER];
    for (unsigned i = 0; i < FRONT_ACCEPT_MAX; i++) {
        struct sockaddr_storage name = { 0 };
        socklen_t len = sizeof name;
        int fd = accept4(listener, (struct sockaddr *)&name, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        front->counts.accepted++;
        if (owner)
            accept_owner(front, fd);
        else
            accept_stranger(front, fd, &name);
    }
}

static void judge_time(struct front *front, struct connection *connection, int64_t now_ms)
{
    if (connection->phase == CONNECTION_WAITING) {
        if (connection->answer_ms <= now_ms) {
            exchange_refuse(front, connection, REASON_HOUSE_DEADLINE, (struct span){ 0 });
            front_move(front, connection);
        }
        return;
    }
    enum reason late = pace_judge(&front->pace, &connection->pace, (uint64_t)now_ms * 1000);
    if (late == REASON_NONE)
        return;
    if (late == REASON_ADMIT_SLOW_HEADERS || late == REASON_ADMIT_SLOW_BODY) {
        http1_refuse(&connection->http, REASON_HTTP_TIMEOUT);
        exchange_refuse(front, connection, REASON_HTTP_TIMEOUT, (struct span){ 0 });
        front_move(front, connection);
        return;
    }
    front_close(front, connection);
}

void front_sweep(struct front *front, int64_t now_ms)
{
    for (uint32_t i = 0; i < front->connection_count; i++) {
        if (front->connections[i].phase != CONNECTION_FREE)
            judge_time(front, &front->connections[i], now_ms);
    }
}
