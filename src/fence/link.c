/* link.c - one connection of the job's, from the first byte to the last. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fence/inside.h"
#include "os/fd.h"
#include "os/poller.h"

enum { HTTPS = 443, ACCEPTED_AT_ONCE = 16, PREFIX = 2 };
enum { WATCH_NOTHING = 0, WATCH_READ = 1, WATCH_WRITE = 2 };

static size_t index_of(const struct fence *fence, const struct link *link)
{
    return (size_t)(link - fence->links);
}

/* --- its end ---------------------------------------------------------------------------------- */

static void leave(struct fence *fence, struct link *link)
{
    if (link->far.state == FAR_NAME && !link->far.lookup.done) {
        link->state = LINK_DEAD; /* its answer would be written here */
        return;
    }
    link->state = LINK_FREE;
    fence->linked--;
}

static bool is_opening(const struct link *link)
{
    return link->state == LINK_OPENS || link->state == LINK_RACES;
}

/* Whether nobody has to look any more at what passes. */
static bool is_free(const struct link *link)
{
    return link->state == LINK_PASSES && link->listens == LISTEN_NO_MORE;
}

static void close_link(struct fence *fence, struct link *link)
{
    if (link->state == LINK_FREE || link->state == LINK_DEAD)
        return;
    if (is_opening(link))
        fence->opening--;
    if (link->state == LINK_RACES)
        race_end(&link->race);
    fd_close(&link->job);
    fd_close(&link->other);
    way_end(&link->out);
    way_end(&link->in);
    leave(fence, link);
}

/* Both sides see that it was cut off, and not that it is over: half of a thing is not all of it. */
static void cut(struct fence *fence, struct link *link)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    if (link->state == LINK_FREE || link->state == LINK_DEAD)
        return;
    setsockopt(link->job, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (link->other >= 0)
        setsockopt(link->other, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close_link(fence, link);
}

static void refuse_link(struct fence *fence, struct link *link, struct reach_refusal refusal)
{
    refusal.name = link->name->name;
    refusal.port = link->port;
    refuse(fence, &refusal);
    cut(fence, link);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* What the job said, as far as it may go on. */
static bool write_out(struct link *link)
{
    const size_t before = link->out.from;
    if (!way_write(&link->out, link->other, link->lent == LENT_ALL ? SIZE_MAX : link->lent))
        return false;
    if (link->lent != LENT_ALL)
        link->lent -= link->out.from - before;
    return true;
}

static void to_the_start(struct way *way)
{
    memmove(way->at, way->at + way->from, way->to - way->from);
    way->to -= way->from;
    way->from = 0;
}

/* Of what is waited for in no way the end is not waited for either: it would be told for ever. */
static void watch(struct fence *fence, int fd, uint64_t token, unsigned wanted, unsigned *is)
{
    const bool reading = (wanted & WATCH_READ) != 0, writing = (wanted & WATCH_WRITE) != 0;
    if (*is == wanted)
        return;
    rc watched = wanted == WATCH_NOTHING ? poller_drop(NULL, fence->poller, fd)
                 : *is == WATCH_NOTHING
                     ? poller_add(NULL, fence->poller, fd, token, reading, writing)
                     : poller_change(NULL, fence->poller, fd, token, reading, writing);
    (void)watched; /* what is not waited for ends by its time */
    *is = wanted;
}

static unsigned wanted_of(const struct way *read, const struct way *written)
{
    return (way_has_room(read) ? (unsigned)WATCH_READ : 0u) |
           (way_holds(written) ? (unsigned)WATCH_WRITE : 0u);
}

static void watch_link(struct fence *fence, struct link *link)
{
    const size_t index = index_of(fence, link);
    if (link->state == LINK_FREE || link->state == LINK_DEAD)
        return;
    struct way told = link->in; /* nor is what is told to nobody yet there for the job */
    if (link->listens == LISTEN_SERVER)
        told.to = told.from;
    watch(fence, link->job, token_of(TOKEN_JOB, index, 0), wanted_of(&link->out, &told),
          &link->watched[0]);
    if (link->state != LINK_PASSES)
        return;
    struct way held = link->out; /* what may not go on yet is not there for the other side */
    if (held.to - held.from > link->lent)
        held.to = held.from + link->lent;
    watch(fence, link->other, token_of(TOKEN_FAR, index, 0), wanted_of(&link->in, &held),
          &link->watched[1]);
}

/* --- what it is ------------------------------------------------------------------------------- */

/* RFC 6066 3: no address stands in server_name, so who is met at one says none. */
static bool judge_hello(struct fence *fence, struct link *link, const struct client_hello *hello)
{
    struct reach_refusal refusal = { .rule = REACH_RULES, .other = hello->name };
    const bool named = link->name->number != 0;
    if (hello->is_encrypted)
        refusal.rule = REACH_ECH;
    else if (hello->name.len == 0 && named)
        refusal.rule = REACH_NO_SNI;
    else if (hello->name.len > 0 && (!named || !host_is_same(hello->name, link->name->name)))
        refusal.rule = REACH_OTHER_SNI;
    if (refusal.rule == REACH_RULES)
        return true;
    refuse_link(fence, link, refusal);
    return false;
}

static bool refuse_hello(struct fence *fence, struct link *link, enum reach_rule rule)
{
    refuse_link(fence, link, (struct reach_refusal){ .rule = rule });
    return false;
}

/* What it begins with.  False: the link is no more. */
static bool judge(struct fence *fence, struct link *link)
{
    struct client_hello hello;
    const struct span said = span_of(link->out.at, link->out.to);
    const bool only_tls = link->port.number == HTTPS;
    if (link->listens != LISTEN_HELLO || (said.len == 0 && !link->out.ended))
        return true;
    if (said.len == 0 && only_tls) {
        cut(fence, link);
        return false;
    }
    enum hello_reading reading = said.len == 0 ? HELLO_OTHER
                                               : client_hello_read(said, fence->hello, &hello);
    if (reading == HELLO_MORE && link->out.ended)
        reading = HELLO_MALFORMED;
    if (reading == HELLO_MORE)
        return true;
    if (reading == HELLO_MALFORMED || (reading == HELLO_OTHER && only_tls))
        return refuse_hello(fence, link, reading == HELLO_OTHER ? REACH_NO_TLS : REACH_MALFORMED);
    if (reading == HELLO_READ && !judge_hello(fence, link, &hello))
        return false;
    link->listens = reading == HELLO_READ ? LISTEN_SERVER : LISTEN_NO_MORE;
    link->lent = reading == HELLO_READ ? hello.len : LENT_ALL;
    return true;
}

/* RFC 8446 4.1.4: a server may ask for another hello, which is in the clear too, and by which
   servers choose as by the first.  False: the link is no more. */
static bool hear_server(struct fence *fence, struct link *link)
{
    if (link->listens != LISTEN_SERVER)
        return true;
    switch (server_hello_read(span_of(link->in.at, link->in.to))) {
    case SERVER_MORE:
        if (!link->in.ended)
            return true;
        break;
    case SERVER_OTHER:
        break;
    case SERVER_AGAIN:
        if (link->lent > 0) /* it has answered what it has not read */
            return refuse_hello(fence, link, REACH_MALFORMED);
        link->listens = LISTEN_AGAIN;
        to_the_start(&link->out);
        return true;
    case SERVER_MALFORMED:
        return refuse_hello(fence, link, REACH_MALFORMED);
    }
    link->listens = LISTEN_NO_MORE;
    link->lent = LENT_ALL;
    return true;
}

/* RFC 8446 D.4: one change_cipher_spec may stand before it.  False: the link is no more. */
static bool judge_again(struct fence *fence, struct link *link)
{
    static const uint8_t changes[] = { 20, 3, 3, 0, 1, 1 };
    struct client_hello hello;
    struct span said = span_of(link->out.at, link->out.to);
    if (link->listens != LISTEN_AGAIN)
        return true;
    const size_t len = said.len < sizeof changes ? said.len : sizeof changes;
    const bool skips = len > 0 && bytes_equal(said.at, changes, len);
    if (skips)
        said = span_of(said.at + len, said.len - len);
    enum hello_reading reading = said.len == 0 || (skips && len < sizeof changes)
                                     ? HELLO_MORE
                                     : client_hello_read(said, fence->hello, &hello);
    if (reading == HELLO_MORE && !link->out.ended)
        return true;
    if (reading != HELLO_READ)
        return refuse_hello(fence, link, REACH_MALFORMED);
    if (!judge_hello(fence, link, &hello))
        return false;
    link->listens = LISTEN_NO_MORE;
    link->lent = LENT_ALL;
    return true;
}

/* --- where it goes ---------------------------------------------------------------------------- */

static void open_link(struct fence *fence, struct link *link)
{
    link->state = LINK_OPENS;
    link->until_ms = fence->now_ms + FENCE_NAME_MS + FENCE_CONNECT_MS;
    fence->opening++;
    used(fence, link->name, link->port);
    far_begin(fence, &link->far, link->name, link->port);
}

static void begin_race(struct fence *fence, struct link *link)
{
    if (link->far.state == FAR_FAILED && link->far.is_inside) {
        refuse_link(fence, link,
                    (struct reach_refusal){ .rule = REACH_INSIDE, .address = link->far.inside });
        return;
    }
    if (link->far.state == FAR_FAILED) {
        cut(fence, link);
        return;
    }
    link->state = LINK_RACES;
    link->raced = 0;
    race_begin(&link->race, &link->far.found, fence->now_ms + FENCE_CONNECT_MS);
    link->race.most = FENCE_RACED_MOST;
}

/* An attempt that is begun is waited for; one that is over has left the poller by itself. */
static void run_race(struct fence *fence, struct link *link)
{
    if (race_step(&link->race, fence->now_ms)) {
        link->other = race_take_winner(&link->race);
        if (link->other < 0) {
            cut(fence, link);
            return;
        }
        fence->opening--;
        link->state = LINK_PASSES;
        link->until_ms = fence->now_ms + FENCE_IDLE_MS;
        link->watched[1] = WATCH_NOTHING;
        /* It was waited for as an attempt, unless it was there at once. */
        rc dropped = poller_drop(NULL, fence->poller, link->other);
        (void)dropped;
        return;
    }
    for (; link->raced < link->race.begun; link->raced++) {
        const int fd = link->race.at[link->raced].fd;
        rc watched = fd < 0 ? RC_SUCCESS
                            : poller_add(NULL, fence->poller, fd,
                                         token_of(TOKEN_RACE, index_of(fence, link), link->raced),
                                         false, true);
        (void)watched; /* it ends by its time */
    }
}

static void pass(struct fence *fence, struct link *link)
{
    const uint64_t before = link->moved;
    const bool open = way_read(fence, &link->in, link->other, is_free(link));
    if (open && (!hear_server(fence, link) || !judge_again(fence, link)))
        return;
    if (!open || (link->listens != LISTEN_SERVER && !way_write(&link->in, link->job, SIZE_MAX)) ||
        !write_out(link)) {
        cut(fence, link);
        return;
    }
    link->moved = link->out.moved + link->in.moved;
    if (link->in.passed && link->out.passed)
        close_link(fence, link);
    else if (before != link->moved)
        link->until_ms = fence->now_ms + FENCE_IDLE_MS;
}

/* --- names over TCP --------------------------------------------------------------------------- */

/* RFC 1035 4.2.2: two bytes of length before each message.  False: it is none. */
static bool answer_one(struct fence *fence, struct link *link, bool *more)
{
    uint8_t *at = link->out.at + link->out.from;
    const size_t has = link->out.to - link->out.from;
    const size_t len = has < PREFIX ? 0 : (size_t)at[0] << 8 | at[1];
    *more = false;
    if (has < PREFIX)
        return true;
    if (len > DNS_MESSAGE_MAX)
        return false;
    if (has < PREFIX + len || FENCE_HELD - link->in.to < PREFIX + DNS_MESSAGE_MAX)
        return true;
    uint8_t *answer = link->in.at + link->in.to;
    const size_t answered = names_answer(fence, span_of(at + PREFIX, len), answer + PREFIX);
    link->out.from += PREFIX + len;
    if (answered == 0)
        return false;
    answer[0] = (uint8_t)(answered >> 8);
    answer[1] = (uint8_t)answered;
    link->in.to += PREFIX + answered;
    *more = true;
    return true;
}

static void step_names(struct fence *fence, struct link *link)
{
    bool more = true, sound = true;
    while (sound && more)
        sound = answer_one(fence, link, &more);
    link->in.ended = link->out.ended;
    if (!sound || !way_write(&link->in, link->job, SIZE_MAX))
        cut(fence, link);
    else if (link->in.passed)
        close_link(fence, link);
    else if (link->in.from == link->in.to)
        link->in.from = link->in.to = 0;
    if (link->out.from > 0 && link->state == LINK_NAMES)
        to_the_start(&link->out);
}

/* --- all of it -------------------------------------------------------------------------------- */

void link_step(struct fence *fence, struct link *link)
{
    if (link->state == LINK_DEAD && far_step(fence, &link->far, link->port))
        leave(fence, link);
    if (link->state == LINK_FREE || link->state == LINK_DEAD)
        return;
    if (!way_read(fence, &link->out, link->job, is_free(link))) {
        cut(fence, link);
        return;
    }
    if (link->state == LINK_NAMES) {
        step_names(fence, link);
    } else if (judge(fence, link)) {
        if (link->state == LINK_HELLO && link->listens != LISTEN_HELLO)
            open_link(fence, link);
        if (link->state == LINK_OPENS && far_step(fence, &link->far, link->port))
            begin_race(fence, link);
        if (link->state == LINK_RACES)
            run_race(fence, link);
        if (link->state == LINK_PASSES)
            pass(fence, link);
    }
    watch_link(fence, link);
}

void link_raced(struct fence *fence, struct link *link, size_t attempt)
{
    if (link->state == LINK_RACES && attempt < link->race.begun)
        link->race.at[attempt].revents = POLLOUT;
    link_step(fence, link);
}

static bool is_late(const struct fence *fence, const struct link *link)
{
    return link->state != LINK_FREE && link->state != LINK_DEAD && fence->now_ms >= link->until_ms;
}

void link_tick(struct fence *fence, struct link *link)
{
    const bool silent = link->state == LINK_HELLO && link->out.to == 0;
    if (!is_late(fence, link)) {
        if (is_opening(link) || link->state == LINK_DEAD)
            link_step(fence, link);
        return;
    }
    if (link->state == LINK_HELLO)
        refuse_link(fence, link,
                    (struct reach_refusal){ .rule = silent ? REACH_NO_TLS : REACH_MALFORMED });
    else
        cut(fence, link);
}

/* --- its beginning ---------------------------------------------------------------------------- */

static struct link *free_link(struct fence *fence)
{
    for (size_t i = 0; i < fence->most; i++) {
        if (fence->links[i].state == LINK_FREE)
            return &fence->links[i];
    }
    return NULL;
}

/* By where it was meant to go.  False: nowhere that may be reached. */
static bool direct(struct fence *fence, struct link *link, const struct sockaddr_in6 *to)
{
    const struct address address = address_of_v6((const uint8_t *)&to->sin6_addr);
    if (address_is_loopback(&address)) {
        link->state = LINK_NAMES;
        link->listens = LISTEN_NO_MORE;
        return link->port.number == FENCE_NAMES_PORT;
    }
    link->name = reach_by_address(fence->reach, &address);
    if (link->name != NULL && reach_allows(fence->reach, link->name, &link->port)) {
        link->state = LINK_HELLO;
        return true;
    }
    refuse_at(fence, &address, link->port);
    return false;
}

static void begin(struct fence *fence, struct link *link, int fd, struct job_port port)
{
    struct sockaddr_in6 to = { 0 };
    socklen_t len = sizeof to;
    uint8_t *held = fence->held + 2 * index_of(fence, link) * FENCE_HELD;
    *link = (struct link){ .state = LINK_NAMES, .job = fd, .other = -1, .port = port };
    link->out.at = held;
    link->in.at = held + FENCE_HELD;
    link->until_ms = fence->now_ms + FENCE_HELLO_MS;
    fence->linked++;
    if (getsockname(fd, (struct sockaddr *)&to, &len) != 0 || !direct(fence, link, &to)) {
        cut(fence, link);
        return;
    }
    /* Of other protocols the server may speak first. */
    if (link->state == LINK_HELLO && port.number != HTTPS)
        open_link(fence, link);
    link_step(fence, link);
}

void link_accept(struct fence *fence, size_t socket)
{
    const struct fence_socket *from = &fence->given->sockets->at[socket];
    for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
        struct link *link = free_link(fence);
        const int fd = link == NULL ? -1
                                    : accept4(from->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            break;
        begin(fence, link, fd, from->port);
    }
    link_watch_sockets(fence);
}

void link_watch_sockets(struct fence *fence)
{
    const bool full = fence->linked == fence->most;
    if (full == fence->full)
        return;
    fence->full = full;
    for (size_t i = 0; i < fence->given->sockets->count; i++) {
        if (fence->given->sockets->at[i].port.udp)
            continue;
        rc changed = poller_change(NULL, fence->poller, fence->given->sockets->at[i].fd,
                                   token_of(TOKEN_SOCKET, i, 0), !full, false);
        (void)changed; /* of a socket that is there nothing can fail */
    }
}
