/* flow.c - datagrams: one socket outside for each sender and host, so that an answer finds its way
   back.  Bounded in number and time; a datagram that finds no room is lost, as datagrams may be. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "fence/inside.h"
#include "os/fd.h"
#include "os/poller.h"

enum { TAKEN_AT_ONCE = 32 };

/* One that has come: from whom, and where it was sent. */
struct datagram {
    uint8_t bytes[FENCE_DATAGRAM_MAX];
    size_t len;
    struct sockaddr_in6 from;
    struct in6_addr to;
};

union control {
    uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct cmsghdr head; /* for its alignment */
};

/* False: nothing is there. */
static bool take_one(int fd, struct datagram *out, bool *good)
{
    union control control;
    struct iovec bytes = { out->bytes, sizeof out->bytes };
    struct msghdr message = { .msg_name = &out->from,
                              .msg_namelen = sizeof out->from,
                              .msg_iov = &bytes,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control };
    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0)
        return false;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *good = (message.msg_flags & MSG_TRUNC) == 0 && head != NULL &&
            head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO &&
            message.msg_namelen == sizeof out->from;
    if (*good) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(head), sizeof info);
        out->to = info.ipi6_addr;
        out->len = (size_t)got;
    }
    return true;
}

/* To whoever sent, from where he sent it to. */
static void give(int fd, const struct sockaddr_in6 *to, const struct in6_addr *from,
                 struct span bytes)
{
    union control control = { .room = { 0 } };
    struct sockaddr_in6 name = *to;
    struct iovec vector;
    uint8_t room[FENCE_DATAGRAM_MAX];
    if (bytes.len > sizeof room)
        return;
    memcpy(room, bytes.at, bytes.len);
    vector = (struct iovec){ room, bytes.len };
    struct msghdr message = { .msg_name = &name,
                              .msg_namelen = sizeof name,
                              .msg_iov = &vector,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control };
    const struct in6_pktinfo info = { .ipi6_addr = *from };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = IPPROTO_IPV6;
    head->cmsg_type = IPV6_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(head), &info, sizeof info);
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    (void)sent; /* whoever asks again is answered again */
}

static void close_flow(struct flow *flow)
{
    fd_close(&flow->other);
    flow->used = flow->far.state == FAR_NAME && !flow->far.lookup.done;
    flow->until_ms = 0; /* its answer would be written here */
}

static bool is_same(const struct flow *flow, size_t socket, const struct datagram *one)
{
    return flow->used && flow->until_ms != 0 && flow->socket == socket &&
           flow->from.sin6_port == one->from.sin6_port &&
           bytes_equal(&flow->from.sin6_addr, &one->from.sin6_addr, sizeof one->to) &&
           bytes_equal(&flow->to, &one->to, sizeof one->to);
}

static struct flow *find(struct fence *fence, size_t socket, const struct datagram *one)
{
    struct flow *oldest = NULL;
    for (size_t i = 0; i < FENCE_FLOWS_MAX; i++) {
        struct flow *flow = &fence->flows[i];
        if (is_same(flow, socket, one))
            return flow;
    }
    for (size_t i = 0; i < FENCE_FLOWS_MAX; i++) {
        struct flow *flow = &fence->flows[i];
        if (!flow->used)
            return flow;
        if (flow->far.state != FAR_NAME && (oldest == NULL || flow->until_ms < oldest->until_ms))
            oldest = flow;
    }
    if (oldest != NULL)
        close_flow(oldest);
    return oldest;
}

static struct job_port port_of(const struct fence *fence, const struct flow *flow)
{
    return fence->given->sockets->at[flow->socket].port;
}

/* The first address that there is a way to. */
static void connect_flow(struct fence *fence, struct flow *flow)
{
    const size_t index = (size_t)(flow - fence->flows);
    const struct addresses *found = &flow->far.found;
    for (size_t i = 0; i < found->count && flow->other < 0; i++) {
        const struct sockaddr *to = (const struct sockaddr *)&found->at[i];
        flow->other = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (flow->other >= 0 && connect(flow->other, to, found->len[i]) != 0)
            fd_close(&flow->other);
    }
    rc watched = flow->other < 0 ? RC_SUCCESS
                                 : poller_add(NULL, fence->poller, flow->other,
                                              token_of(TOKEN_FLOW, index, 0), true, false);
    if (flow->other < 0 || !rc_ok(watched)) {
        close_flow(flow);
        return;
    }
    if (flow->held_len > 0)
        (void)!send(flow->other, flow->held, flow->held_len, MSG_NOSIGNAL);
    flow->held_len = 0;
}

static void open_flow(struct fence *fence, struct flow *flow)
{
    if (!far_step(fence, &flow->far, port_of(fence, flow)))
        return;
    fence->opening--;
    if (flow->until_ms == 0) { /* closed while it was asked for */
        flow->used = false;
        return;
    }
    if (flow->far.state == FAR_FOUND) {
        connect_flow(fence, flow);
        return;
    }
    if (flow->far.is_inside) {
        const struct reach_refusal refusal = { .rule = REACH_INSIDE,
                                               .name = flow->name->name,
                                               .port = port_of(fence, flow),
                                               .address = flow->far.inside };
        refuse(fence, &refusal);
    }
    close_flow(flow);
}

static void send_on(struct fence *fence, size_t socket, const struct reach_name *name,
                    const struct datagram *one)
{
    struct flow *flow = find(fence, socket, one);
    if (flow == NULL)
        return;
    if (!is_same(flow, socket, one)) {
        uint8_t *held = fence->first + (size_t)(flow - fence->flows) * FENCE_DATAGRAM_MAX;
        *flow = (struct flow){ .used = true,
                               .other = -1,
                               .socket = socket,
                               .name = name,
                               .from = one->from,
                               .to = one->to,
                               .held = held };
        memcpy(held, one->bytes, one->len);
        flow->held_len = one->len;
        flow->until_ms = fence->now_ms + FENCE_FLOW_MS;
        fence->opening++;
        used(fence, name, port_of(fence, flow));
        far_begin(fence, &flow->far, name, port_of(fence, flow));
        open_flow(fence, flow);
        return;
    }
    flow->until_ms = fence->now_ms + FENCE_FLOW_MS;
    if (flow->other >= 0)
        (void)!send(flow->other, one->bytes, one->len, MSG_NOSIGNAL);
}

static void take(struct fence *fence, size_t socket, const struct datagram *one)
{
    const struct fence_socket *by = &fence->given->sockets->at[socket];
    const struct address address = address_of_v6((const uint8_t *)&one->to);
    uint8_t answer[DNS_MESSAGE_MAX];
    if (address_is_loopback(&address)) {
        size_t len = by->port.number != FENCE_NAMES_PORT
                         ? 0
                         : names_answer(fence, span_of(one->bytes, one->len), answer);
        if (len > 0)
            give(by->fd, &one->from, &one->to, span_of(answer, len));
        return;
    }
    const struct reach_name *name = reach_by_address(fence->reach, &address);
    if (name != NULL && reach_allows(fence->reach, name, &by->port)) {
        send_on(fence, socket, name, one);
        return;
    }
    refuse_at(fence, &address, by->port);
}

void flow_take(struct fence *fence, size_t socket)
{
    struct datagram one;
    bool good;
    for (int i = 0;
         i < TAKEN_AT_ONCE && take_one(fence->given->sockets->at[socket].fd, &one, &good); i++) {
        if (good)
            take(fence, socket, &one);
    }
}

void flow_answer(struct fence *fence, struct flow *flow)
{
    uint8_t bytes[FENCE_DATAGRAM_MAX];
    for (int i = 0; i < TAKEN_AT_ONCE && flow->other >= 0; i++) {
        ssize_t got = recv(flow->other, bytes, sizeof bytes, MSG_TRUNC);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got < 0) { /* nobody is there */
            close_flow(flow);
            return;
        }
        flow->until_ms = fence->now_ms + FENCE_FLOW_MS;
        if ((size_t)got <= sizeof bytes)
            give(fence->given->sockets->at[flow->socket].fd, &flow->from, &flow->to,
                 span_of(bytes, (size_t)got));
    }
}

void flow_tick(struct fence *fence, struct flow *flow)
{
    if (flow->used && flow->far.state == FAR_NAME)
        open_flow(fence, flow);
    if (flow->used && fence->now_ms >= flow->until_ms)
        close_flow(flow);
}
