/* accept.c - see front.h: who is let in. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.h"
#include "proc/front/front.h"

struct address front_address_of(const struct sockaddr_storage *name)
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

struct connection *front_occupy(struct front *front, int fd)
{
    struct connection *connection = &front->connections[front->vacant[--front->vacant_count]];
    uint32_t generation = connection->generation;
    *connection = (struct connection){ .fd = fd, .generation = generation };
    http1_init(&connection->http, &http_limits_default);
    return connection;
}

static void begin(struct front *front, struct connection *connection)
{
    connection->reading = true;
    pace_begin(&connection->pace, connection->local ? PACE_IDLE : PACE_HANDSHAKE, front_now_us());
    connection->phase = connection->local            ? CONNECTION_READING
                        : connection->header != NULL ? CONNECTION_EDGE
                                                     : CONNECTION_HANDSHAKE;
    if (!connection->local)
        front_line_up(&front->half, connection);
    if (!rc_ok(poller_add(NULL, front->poller, connection->fd, front_token(front, connection), true,
                          false)))
        front_close(front, connection);
    else if (connection->local)
        front_move(front, connection);
    else if (alone_enter(front, connection))
        front_wait(front, connection, true, false); /* its handshake begins when something came */
}

/* Whose socket it is decides, not what is said over it.  Others of this machine get half of the
   places at most. */
static void accept_owner(struct front *front, int fd)
{
    struct ucred who = { 0 };
    socklen_t len = sizeof who;
    auto_fd int accepted = fd;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return;
    bool owner = who.uid == front->house->settings.owner;
    uint32_t most = owner ? FRONT_LOCAL_MAX : FRONT_LOCAL_MAX / 2;
    if (front->vacant_count == 0 || front->local_count >= most) {
        front->counts.refused++;
        return;
    }
    struct connection *connection = front_occupy(front, fd_take(&accepted));
    connection->local = true;
    connection->owner = owner;
    front->local_count++;
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

void front_turn_away(struct front *front, struct connection *connection)
{
    struct linger at_once = { .l_onoff = 1 };
    front->counts.refused++;
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    front_close(front, connection);
}

bool front_let_in(struct front *front, const struct address *peer, struct conn *counted)
{
    *counted = (struct conn){ 0 };
    if (front->server == NULL || !alone_may(front, peer))
        return false;
    struct admission admission = admit_connection(&front->admit, peer, front_now_us(), counted);
    front->counts.banned += admission.reason == REASON_ADMIT_BANNED;
    if (admission.admitted && admission.cut_oldest != REASON_NONE && front->half.first != NULL)
        front_close(front, front->half.first);
    return admission.admitted;
}

bool front_begin_tls(struct front *front, struct connection *connection)
{
    int on = 1;
    connection->tls = tls_accept(front->server, connection->fd);
    connection->shake = ++front->shakes_begun;
    if (connection->tls == NULL)
        return false;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    alone_begin(front, connection);
    return true;
}

static void accept_stranger(struct front *front, int fd, const struct sockaddr_storage *name)
{
    struct address peer = front_address_of(name);
    struct conn counted;
    if (front->vacant_count == 0 || !front_let_in(front, &peer, &counted)) {
        turn_away(front, fd);
        return;
    }
    struct connection *connection = front_occupy(front, fd);
    connection->counted = counted;
    connection->peer = peer;
    connection->phase = CONNECTION_HANDSHAKE;
    bool is_edge = edge_is(front, &peer);
    if (is_edge)
        connection->header = edge_borrow(front);
    if (is_edge ? connection->header == NULL : !front_begin_tls(front, connection))
        front_turn_away(front, connection);
    else
        begin(front, connection);
}

/* Without a descriptor for them newcomers wait in the kernel, and the listeners are left alone for
   a while: they would be ready all the time. */
static void rest(struct front *front)
{
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
        return;
    front->deaf = rc_ok(front_listen(NULL, front, false));
}

/* Where handshakes wait for their turn newcomers wait in the kernel: taken faster than those go on
   they would replace one another. */
void front_accept(struct front *front, bool owner)
{
    int listener = front->house->files[owner ? FILE_OWNER_LISTENER : FILE_TLS_LISTENER];
    unsigned most = front->shaking < FRONT_ACCEPT_MAX ? FRONT_ACCEPT_MAX : FRONT_SHAKES_MAX;
    for (unsigned i = 0; i < most && !front->deaf; i++) {
        struct sockaddr_storage name = { 0 };
        socklen_t len = sizeof name;
        int fd = accept4(listener, (struct sockaddr *)&name, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            rest(front);
            return;
        }
        front->counts.accepted++;
        if (owner)
            accept_owner(front, fd);
        else
            accept_stranger(front, fd, &name);
    }
}
