/* resolve.c - see resolve.h.  c-ares asks; the waiting is done here. */
#include "net/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#include <ares.h>

#include "os/clock.h"

/* How long one server may take, and how often each is asked: three silent servers leave time
   for a fourth within the ten seconds of a peer. */
enum { SERVER_TIMEOUT_MS = 1500, SERVER_TRIES = 2 };

static void keep(struct addresses *out, const struct sockaddr *address, socklen_t len)
{
    if (out->count == ADDRESSES_MAX || len > sizeof out->at[0])
        return;
    memcpy(&out->at[out->count], address, len);
    out->len[out->count++] = len;
}

/* An address as text: nobody is asked. */
static bool read_address(const struct resolve_request *request, struct addresses *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST };
    struct addrinfo *found = NULL;
    if (getaddrinfo(request->host, request->port, &hints, &found) != 0)
        return false;
    for (const struct addrinfo *node = found; node != NULL; node = node->ai_next)
        keep(out, node->ai_addr, node->ai_addrlen);
    freeaddrinfo(found);
    return out->count > 0;
}

/* Also called, with its own status, when the channel is destroyed before an answer came. */
static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct lookup *lookup = arg;
    (void)timeouts;
    lookup->done = true;
    lookup->status = status;
    for (const struct ares_addrinfo_node *node = answer == NULL ? NULL : answer->nodes;
         node != NULL; node = node->ai_next)
        keep(&lookup->found, node->ai_addr, node->ai_addrlen);
    ares_freeaddrinfo(answer);
}

/* Milliseconds until the deadline, or until c-ares has something to do. */
static int wait_of(ares_channel channel, int64_t left)
{
    struct timeval most = { .tv_sec = (time_t)(left / 1000),
                            .tv_usec = (suseconds_t)(left % 1000 * 1000) };
    struct timeval room;
    const struct timeval *wait = ares_timeout(channel, &most, &room);
    int64_t ms = (int64_t)wait->tv_sec * 1000 + wait->tv_usec / 1000;
    /* Rounded up, so that the last part of a millisecond is not spun away. */
    return (int)(ms < left ? ms + 1 : left);
}

size_t resolver_watches(const struct resolver *resolver,
                        struct resolver_watch watches[RESOLVER_WATCHES])
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    size_t count = 0;
    /* One bit a socket to be read, above them one to be written.  (c-ares' own macros shift a
       signed 1 into the sign.) */
    unsigned wanted = (unsigned)ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        bool in = (wanted >> i & 1) != 0, out = (wanted >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0;
        if (in || out)
            watches[count++] = (struct resolver_watch){ sockets[i], in, out };
    }
    return count;
}

void resolver_take(const struct resolver *resolver, const struct resolver_watch *ready)
{
    ares_process_fd(resolver->channel, ready->reading ? ready->fd : ARES_SOCKET_BAD,
                    ready->writing ? ready->fd : ARES_SOCKET_BAD);
}

int64_t resolver_tick(const struct resolver *resolver, int64_t now_ms)
{
    enum { LONG_MS = 60000 };
    struct resolver_watch watches[RESOLVER_WATCHES];
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    return resolver_watches(resolver, watches) == 0 ? INT64_MAX
                                                    : now_ms + wait_of(resolver->channel, LONG_MS);
}

static void turn(const struct resolver *resolver, int64_t left)
{
    struct resolver_watch watches[RESOLVER_WATCHES];
    struct pollfd polled[RESOLVER_WATCHES];
    size_t count = resolver_watches(resolver, watches);
    for (size_t i = 0; i < count; i++)
        polled[i] = (struct pollfd){ .fd = watches[i].fd,
                                     .events = (short)((watches[i].reading ? POLLIN : 0) |
                                                       (watches[i].writing ? POLLOUT : 0)) };
    int ready = poll(polled, count, wait_of(resolver->channel, left));
    if (ready <= 0) {
        ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool broken = (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        struct resolver_watch one = { polled[i].fd, broken || (polled[i].revents & POLLIN) != 0,
                                      broken || (polled[i].revents & POLLOUT) != 0 };
        if (one.reading || one.writing)
            resolver_take(resolver, &one);
    }
}

void resolver_begin(const struct resolver *resolver, const char *host, const char *port,
                    struct lookup *lookup)
{
    const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NUMERICSERV,
                                               .ai_family = AF_UNSPEC,
                                               .ai_socktype = SOCK_STREAM };
    *lookup = (struct lookup){ 0 };
    ares_getaddrinfo(resolver->channel, host, port, &hints, on_answer, lookup);
}

static void ask(const struct resolver *resolver, const struct resolve_request *request,
                struct lookup *lookup)
{
    resolver_begin(resolver, request->host, request->port, lookup);
    while (!lookup->done) {
        int64_t left = request->deadline_ms - clock_monotonic_ms();
        if (left <= 0)
            return;
        turn(resolver, request->tick.call != NULL && left > TICK_MS ? TICK_MS : left);
        net_tick(&request->tick);
    }
}

const char *lookup_fault(const struct lookup *lookup)
{
    if (!lookup->done || lookup->status == ARES_ETIMEOUT)
        return "its name servers took too long";
    if (lookup->status != ARES_SUCCESS)
        return ares_strerror(lookup->status);
    return lookup->found.count == 0 ? "it has no address" : NULL;
}

/* Asks over a channel; what is still asked at the end is answered into the look-up that ends. */
static const char *ask_over(ares_channel channel, const struct resolve_request *request,
                            struct addresses *out)
{
    const struct resolver resolver = { channel };
    struct lookup lookup;
    ask(&resolver, request, &lookup);
    const char *fault = lookup_fault(&lookup);
    ares_cancel(channel);
    if (fault == NULL)
        *out = lookup.found;
    return fault;
}

/* `order`: "f" the file of hosts, "b" name servers; NULL as the system has it.  `flags` of c-ares.
 */
static bool make_channel(const char *order, int flags, ares_channel *out)
{
    char letter[2] = "";
    struct ares_options options = {
        .timeout = SERVER_TIMEOUT_MS, .tries = SERVER_TRIES, .lookups = letter, .flags = flags
    };
    int given = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | (order != NULL ? ARES_OPT_LOOKUPS : 0) |
                (flags != 0 ? ARES_OPT_FLAGS : 0);
    if (order != NULL)
        letter[0] = order[0];
    return ares_init_options(out, &options, given) == ARES_SUCCESS;
}

static const char *ask_servers(const struct resolve_request *request, struct addresses *out)
{
    ares_channel channel;
    if (request->resolver != NULL)
        return ask_over(request->resolver->channel, request, out);
    if (!make_channel(NULL, 0, &channel))
        return "the resolver cannot be started";
    const char *fault = "its name servers are no addresses";
    if (request->servers == NULL ||
        ares_set_servers_ports_csv(channel, request->servers) == ARES_SUCCESS)
        fault = ask_over(channel, request, out);
    ares_destroy(channel);
    return fault;
}

bool resolver_open(struct resolver *out)
{
    return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS &&
           make_channel("b", 0, &out->channel);
}

bool resolver_open_at(const char *servers, struct resolver *out)
{
    struct resolver made = { 0 };
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return false;
    if (make_channel("b", ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES, &made.channel) &&
        (servers == NULL || ares_set_servers_ports_csv(made.channel, servers) == ARES_SUCCESS)) {
        *out = made;
        return true;
    }
    resolver_close(&made);
    return false;
}

void resolver_close(struct resolver *resolver)
{
    if (resolver->channel != NULL)
        ares_destroy(resolver->channel);
    resolver->channel = NULL;
    ares_library_cleanup();
}

bool resolve_known(const struct resolve_request *request, struct addresses *out, bool *is_address)
{
    struct addresses read = { 0 };
    ares_channel channel;
    const char *fault = "";
    *is_address = read_address(request, &read);
    if (!*is_address && ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS) {
        if (make_channel("f", 0, &channel)) {
            fault = ask_over(channel, request, &read);
            ares_destroy(channel);
        }
        ares_library_cleanup();
    }
    if (*is_address || fault == NULL)
        *out = read;
    return *is_address || fault == NULL;
}

bool resolve_host(const struct resolve_request *request, struct addresses *out, const char **why)
{
    struct addresses read = { 0 };
    if (read_address(request, &read)) {
        *out = read;
        return true;
    }
    const char *fault = "the resolver cannot be started";
    if (ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS) {
        fault = ask_servers(request, out);
        ares_library_cleanup();
    }
    if (fault != NULL)
        *why = fault;
    return fault == NULL;
}
