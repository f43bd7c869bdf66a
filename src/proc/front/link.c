/* link.c - see link.h: a WebSocket from its request to its end. */
#include <string.h>

#include "base/number.h"
#include "crypto/ct.h"
#include "crypto/start.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/front/front.h"

static bool make_rooms(struct link_rooms *rooms, uint32_t count, uint32_t cap, struct arena *arena)
{
    rooms->cap = cap;
    for (uint32_t i = 0; i < count; i++) {
        struct link_room *room = arena_alloc(arena, sizeof *room);
        uint8_t *bytes = arena_room(arena, cap);
        if (room == NULL || bytes == NULL)
            return false;
        *room = (struct link_room){ .next = rooms->free, .bytes = bytes };
        rooms->free = room;
    }
    return true;
}

bool links_open(struct front *front)
{
    struct front_links *links = &front->links;
    struct arena *arena = &front->house->arena;
    links->count = front->connection_count;
    links->rows = arena_room(arena, links->count * sizeof *links->rows);
    links->untold = arena_room(arena, LINKS_MAX * sizeof *links->untold);
    return links->rows != NULL && links->untold != NULL && sodium_start() &&
           (links->bulk = bulk_new()) != NULL &&
           make_rooms(&links->finishes, LINK_FINISHES_MAX, LINK_FINISH_MAX, arena) &&
           make_rooms(&links->called, front->house->settings.peer_count, LINK_FINISH_MAX, arena) &&
           make_rooms(&links->datas, LINK_DATAS_MAX, LINK_DATA_MAX, arena) &&
           gcra_rate_of(LINK_BEGUN_PER_SECOND, 1000000, LINK_BEGUN_BURST, &links->rate);
}

/* --- memory for a message ------------------------------------------------------------------ */

/* All are lent: the one that has been slow with its message for longest gives way. */
static void take_from_slowest(struct front *front, const struct link_rooms *rooms)
{
    struct link *slowest = NULL;
    uint64_t before = front_now_us() - (uint64_t)FRONT_YIELD_MS * 1000;
    for (uint32_t i = 0; i < front->links.used; i++) {
        struct link *other = &front->links.rows[i];
        bool slow = other->connection != NULL && other->rooms == rooms &&
                    other->connection->pace.phase == PACE_BODY &&
                    other->connection->pace.since_us <= before;
        if (slow && (slowest == NULL ||
                     other->connection->pace.since_us < slowest->connection->pace.since_us))
            slowest = other;
    }
    if (slowest == NULL)
        return;
    front->counts.slow++;
    front_close(front, slowest->connection);
}

/* How long the next message may be is the channel's to say, and the house takes less. */
static enum reason borrow(void *arg, uint64_t len, struct websocket_room *out)
{
    struct link *link = arg;
    struct front *front = link->front;
    size_t most = attested_message_max(&link->attested);
    struct link_rooms *rooms = attested_is_open(&link->attested)  ? &front->links.datas
                               : link->role == ATTESTED_INITIATOR ? &front->links.called
                                                                  : &front->links.finishes;
    if (most > rooms->cap)
        most = rooms->cap;
    if (len > most)
        return REASON_WEBSOCKET_MESSAGE_TOO_LARGE;
    if (most <= sizeof link->small) {
        *out = (struct websocket_room){ link->small, (uint32_t)most };
        return REASON_OK;
    }
    if (rooms->free == NULL)
        take_from_slowest(front, rooms);
    if (rooms->free == NULL)
        return REASON_HOUSE_UNAVAILABLE;
    link->room = rooms->free;
    link->rooms = rooms;
    rooms->free = link->room->next;
    *out = (struct websocket_room){ link->room->bytes, (uint32_t)most };
    return REASON_OK;
}

static void take_back(void *arg, struct websocket_room room)
{
    struct link *link = arg;
    if (room.memory == link->small)
        return;
    link->room->next = link->rooms->free;
    link->rooms->free = link->room;
    link->room = NULL;
    link->rooms = NULL;
}

/* It is deciphered where it lies, which is ours. */
static void on_message(void *arg, struct span message, bool text)
{
    struct link *link = arg;
    uint8_t *at = link->room != NULL ? link->room->bytes : link->small;
    if (link->reason != REASON_NONE)
        return; /* behind what ended it */
    if (text)
        link_refuse(link, REASON_CHANNEL_MALFORMED);
    else
        link_take(link, (struct attested_message){ at, message.len, clock_monotonic_ms() });
}

static const struct websocket_limits limits = { LINK_FINISH_MAX, LINK_QUEUE_MAX, LINK_PIECES_MAX,
                                                LINK_CONTROLS_MAX };
static const struct websocket_kind responds = {
    .limits = &limits, .on_message = on_message, .borrow = borrow, .give_back = take_back
};
static const struct websocket_kind begins = { .role = WEBSOCKET_CLIENT,
                                              .limits = &limits,
                                              .on_message = on_message,
                                              .random = random_bytes,
                                              .borrow = borrow,
                                              .give_back = take_back };

/* --- from a request to a channel ------------------------------------------------------------ */

/* The cheapest answers first; a quote is paid for last. */
static enum reason judge(struct front *front, const struct way *way, struct problem *problem)
{
    struct front_links *links = &front->links;
    const struct connection *connection = way->connection;
    char accept[WEBSOCKET_ACCEPT + 1];
    uint64_t now_us = front_now_us();
    if (!connection->local) {
        struct admission admission = admit_request(&front->admit, &connection->peer, LINK_COST,
                                                   now_us);
        problem->retry_after = (uint32_t)((admission.retry_us + 999999) / 1000000);
        front->counts.rate_limited += admission.reason == REASON_ADMIT_RATE_LIMITED;
        if (!admission.admitted)
            return admission.reason;
    }
    enum reason reason = way->stream != NULL ? REASON_WEBSOCKET_HANDSHAKE
                                             : websocket_judge(way->request, accept);
    if (reason != REASON_OK)
        return reason;
    if (front->house->settings.channel_policy[0] == 0)
        return REASON_LINK_NO_POLICY;
    if (front->stopping || !front_is_serving(front) ||
        (links->free == NULL && links->used == links->count))
        return REASON_HOUSE_UNAVAILABLE;
    if (!link_may_be_half(links, connection))
        return REASON_LINK_TOO_MANY_HALF;
    struct gcra peek = links->begun; /* it is paid for when a quote is asked for */
    struct gcra_answer paid = gcra_take(&peek, &links->rate, 1, now_us);
    problem->retry_after = (uint32_t)((paid.retry_us + 999999) / 1000000);
    return paid.allowed ? REASON_OK : REASON_ADMIT_RATE_LIMITED;
}

bool link_asked(struct front *front, const struct way *way)
{
    const struct http_request *request = way->request;
    struct problem problem = { 0 };
    if (request->method != HTTP_METHOD_GET || !span_equal_text(request->path, LINK_PATH))
        return false;
    enum reason reason = judge(front, way, &problem);
    if (reason == REASON_OK) {
        way->connection->upgrading = true;
        http1_admit(&way->connection->http, &way->connection->work->room, 0);
        return true;
    }
    struct http_call call = { 0 };
    problem.reason = reason;
    exchange_name(front, way, &call);
    front->links.refused++;
    answer_refusal(front, way, &call, &problem);
    return true;
}

static struct link *occupy(struct front *front, struct connection *connection,
                           enum attested_role role)
{
    struct front_links *links = &front->links;
    struct link *link = links->free;
    if (link != NULL)
        links->free = link->next;
    else if (links->used < links->count)
        link = &links->rows[links->used++];
    else
        return NULL;
    link->ws = (struct websocket){ 0 };
    link->attested = (struct attested){ 0 };
    link->sdk = NULL;
    link->front = front;
    link->connection = connection;
    link->next = NULL;
    link->core = 0;
    link->waits = 0;
    link->pinged = link->turning = link->owed = false;
    link->reason = REASON_NONE;
    link->until_ms = INT64_MAX;
    link->received = 0;
    link->room = NULL;
    link->rooms = NULL;
    link->out_len = link->id_len = 0;
    link->role = role;
    link->half = role == ATTESTED_RESPONDER;
    if (link->half)
        link_enter_half(link);
    connection->link = link;
    return link;
}

static bool begin_channel(struct front *front, struct link *link)
{
    uint8_t random[2][ATTESTED_RANDOM];
    random_bytes((uint8_t *)random, sizeof random);
    const struct attested_setup setup = {
        .role = link->role,
        .purpose = span_text(LINK_PURPOSE),
        .aeads = { AEAD_CHACHA20_POLY1305, AEAD_XCHACHA20_POLY1305 },
        .aead_count = 2,
        .gives_evidence = true,
        .wants_evidence = true,
        .nonce = random[0],
        .secret = random[1],
        .bulk = front->links.bulk,
        .now_ms = clock_monotonic_ms(),
    };
    bool begun = attested_init(&link->attested, &setup) &&
                 websocket_init(&link->ws, link->role == ATTESTED_RESPONDER ? &responds : &begins,
                                NULL, link);
    ct_wipe(random, sizeof random);
    return begun;
}

void link_upgrade(struct front *front, const struct way *way)
{
    struct connection *connection = way->connection;
    struct http_call call = { 0 };
    char accept[WEBSOCKET_ACCEPT + 1];
    connection->upgrading = false;
    exchange_name(front, way, &call);
    struct link *link = link_make_half_room(front, connection)
                            ? occupy(front, connection, ATTESTED_RESPONDER)
                            : NULL;
    if (link == NULL || websocket_judge(way->request, accept) != REASON_OK ||
        !http1_write_upgrade(&connection->http, span_text(accept), &connection->work->out)) {
        link_give_back(front, connection);
        exchange_refuse_request(front, way, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    memcpy(link->trace, call.trace.trace_id, sizeof link->trace);
    pace_begin(&connection->pace, PACE_REPLY, front_now_us());
    connection->phase = CONNECTION_ANSWERING;
}

/* What it means for the channel that its connection ends here. */
static enum reason cut(struct link *link)
{
    if (link->sdk != NULL)
        return link_sdk_cut(link);
    struct attested_event ended = attested_cut(&link->attested);
    return ended.kind == ATTESTED_ENDED ? ended.reason : REASON_OK;
}

static void forget_keys(struct link *link)
{
    attested_fini(&link->attested);
    if (link->sdk != NULL)
        link_sdk_fini(link);
}

static void feed(struct link *link, struct span bytes)
{
    struct connection *connection = link->connection;
    uint64_t now_us = front_now_us();
    bool reads = websocket_feed(&link->ws, now_us / 1000, bytes);
    if (!reads && link->reason == REASON_NONE) {
        /* A Close frame says nothing of the channel: whoever is between the two can send one. */
        enum reason reason = cut(link);
        link_over(link, link->ws.reason != REASON_OK ? link->ws.reason : reason);
    }
    if (websocket_is_receiving(&link->ws)) {
        if (connection->pace.phase != PACE_BODY)
            pace_begin(&connection->pace, PACE_BODY, now_us);
        pace_moved(&connection->pace, bytes.len, now_us);
        return;
    }
    bool idles = connection->pace.phase == PACE_IDLE;
    if (!idles || link->received != websocket_received(&link->ws)) {
        pace_begin(&connection->pace, PACE_IDLE, now_us);
        link->pinged = false;
    }
    link->received = websocket_received(&link->ws);
}

/* The initiator speaks first. */
static void speak(struct link *link)
{
    uint8_t bytes[ATTESTED_HELLO_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct attested_event event = attested_start(&link->attested, &out);
    link_event(link, &event, &out);
}

void link_begin(struct front *front, struct connection *connection, struct span read)
{
    struct link *link = connection->link;
    connection->phase = CONNECTION_LINK;
    const bool begun = !front->stopping &&
                       (link->sdk != NULL ? link_sdk_begin(link) : begin_channel(front, link));
    if (!begun) {
        front->counts.unavailable++;
        front_close(front, connection);
        return;
    }
    pace_begin(&connection->pace, PACE_IDLE, front_now_us());
    if (link->sdk != NULL)
        link_sdk_speak(link);
    else if (link->role == ATTESTED_INITIATOR)
        speak(link);
    if (read.len > 0)
        feed(link, read);
}

void link_call(struct front *front, struct connection *connection, struct span read)
{
    struct link *link = occupy(front, connection, ATTESTED_INITIATOR);
    if (link == NULL) {
        outward_fail(front, connection, REASON_HOUSE_UNAVAILABLE, "");
        return;
    }
    random_bytes(link->trace, sizeof link->trace);
    link->sdk = connection->outward->sdk;
    link_begin(front, connection, read);
}

/* --- its turns ------------------------------------------------------------------------------- */

static bool put_out(struct front *front, struct connection *connection, struct span bytes)
{
    struct link *link = connection->link;
    while (bytes.len > 0) {
        ssize_t sent = front_put(connection, bytes);
        if (sent == FRONT_GONE) {
            front_close(front, connection);
            return false;
        }
        if (sent == FRONT_NOT_NOW)
            break;
        bytes = span_of(bytes.at + sent, bytes.len - (size_t)sent);
        pace_moved(&connection->pace, (uint64_t)sent, front_now_us());
    }
    memmove(link->out, bytes.at, bytes.len);
    link->out_len = bytes.len;
    if (bytes.len == 0)
        return true;
    if (connection->pace.phase != PACE_REPLY)
        pace_begin(&connection->pace, PACE_REPLY, front_now_us());
    front_wait(front, connection, false, true);
    return false;
}

/* True when everything that was to be said is out. */
static bool send_all(struct front *front, struct connection *connection)
{
    struct link *link = connection->link;
    if (link->out_len > 0 && !put_out(front, connection, span_of(link->out, link->out_len)))
        return false;
    while (websocket_has_queued(&link->ws)) {
        struct sink out = sink_over(front->out, LINK_OUT);
        (void)websocket_send(&link->ws, &out);
        if (out.len == 0)
            break;
        if (!put_out(front, connection, sink_bytes(&out)))
            return false;
    }
    if (connection->pace.phase == PACE_REPLY)
        pace_begin(&connection->pace, PACE_IDLE, front_now_us());
    return true;
}

bool link_turn(struct front *front, struct connection *connection)
{
    struct link *link = connection->link;
    if (!send_all(front, connection))
        return false;
    if (link->reason != REASON_NONE) {
        front_end(front, connection);
        return false;
    }
    /* Nothing is read until core has answered: what the peer says next depends on it. */
    if (link->waits != 0) {
        front_wait(front, connection, false, false);
        return false;
    }
    ssize_t got = front_take(connection, front->in, FRONT_IN_MAX);
    if (got == FRONT_NOT_NOW) {
        front_wait(front, connection, true, false);
        return false;
    }
    if (got == FRONT_GONE) {
        front_close(front, connection);
        return false;
    }
    link->turning = true;
    feed(link, span_of(front->in, (size_t)got));
    link->turning = false;
    return connection->phase == CONNECTION_LINK;
}

void link_wake(struct link *link)
{
    if (!link->turning)
        front_wake(link->front, link->connection);
}

bool link_is_quiet(const struct link *link)
{
    return link->waits == 0 && link->out_len == 0 && !websocket_is_receiving(&link->ws) &&
           !websocket_has_queued(&link->ws);
}

/* --- its end --------------------------------------------------------------------------------- */

static bool tell_core(struct front *front, uint64_t id, uint64_t number, enum reason reason)
{
    uint8_t bytes[10];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, number);
    sink_u16le(&body, (uint16_t)reason);
    struct frame frame = { .message = MSG_LINK_OVER, .id = id, .body = sink_bytes(&body) };
    rc told = house_put(NULL, front->house, PEER_CORE, &frame);
    return rc_class_of(told) != RC_BUSY; /* a core that is gone knows of none */
}

void links_tell_ends(struct front *front)
{
    struct front_links *links = &front->links;
    uint32_t told = 0;
    while (told < links->untold_count &&
           tell_core(front, 0, links->untold[told].number, links->untold[told].reason))
        told++;
    links->untold_count -= told;
    memmove(links->untold, links->untold + told, links->untold_count * sizeof *links->untold);
}

void link_tell_end(struct front *front, uint64_t number, enum reason reason)
{
    struct front_links *links = &front->links;
    if (links->untold_count < LINKS_MAX)
        links->untold[links->untold_count++] = (struct link_untold){ number, reason };
    links_tell_ends(front);
}

static void count_end(struct link *link, enum reason reason)
{
    struct front_links *links = &link->front->links;
    if (link->role == ATTESTED_INITIATOR)
        outward_note(link->connection, reason, "");
    links->truncated += reason == REASON_CHANNEL_TRUNCATED;
    if (link->core == 0) {
        links->refused++;
        /* Unheard, it is let in by core, and link_on_judged takes that back. */
        if (link->waits == MSG_LINK_JUDGED)
            (void)tell_core(link->front, front_token(link->front, link->connection), 0, reason);
        return;
    }
    links->open--;
    links->ended++;
    link_tell_end(link->front, link->core, reason);
    link->core = 0;
}

void link_over(struct link *link, enum reason reason)
{
    struct front *front = link->front;
    if (link->reason != REASON_NONE)
        return;
    link->reason = reason;
    bool is_ours = link->waits != 0; /* to go on: it is not the peer that was late */
    count_end(link, reason);
    link->waits = 0;
    link_leave_half(link);
    forget_keys(link);
    if (reason == REASON_CHANNEL_TIMEOUT && link->role == ATTESTED_RESPONDER && !is_ours)
        offence_tell(front, link->connection, OFFENCE_GRACE_EXCEEDED);
    websocket_close(&link->ws, reason == REASON_OK                  ? WEBSOCKET_NORMAL
                               : reason == REASON_HOUSE_UNAVAILABLE ? WEBSOCKET_GOING
                                                                    : WEBSOCKET_POLICY);
    link_wake(link);
}

bool link_put(struct link *link, struct span message)
{
    if (websocket_put(&link->ws, message, link->sdk != NULL))
        return true;
    link_over(link, REASON_WEBSOCKET_ABUSE); /* it does not read what it asks for */
    return false;
}

void link_refuse(struct link *link, enum reason reason)
{
    uint8_t bytes[256];
    struct sink out = sink_over(bytes, sizeof bytes);
    if (link->sdk != NULL) {
        link_sdk_refuse(link, reason);
        return;
    }
    struct attested_event event = attested_refuse(&link->attested, reason, &out);
    link_event(link, &event, &out);
    link_over(link, reason);
}

void link_finish(struct link *link)
{
    uint8_t bytes[ATTESTED_RECORD_EXTRA];
    struct sink out = sink_over(bytes, sizeof bytes);
    if (link->reason != REASON_NONE)
        return;
    if (link->sdk == NULL && attested_close(&link->attested, &out))
        (void)link_put(link, sink_bytes(&out));
    link_over(link, REASON_OK);
}

void link_give_back(struct front *front, struct connection *connection)
{
    struct link *link = connection->link;
    if (link == NULL)
        return;
    if (connection->link->reason == REASON_NONE) {
        link->reason = cut(link);
        count_end(link, link->reason);
        link_leave_half(link);
    }
    forget_keys(link);
    websocket_fini(&link->ws);
    connection->link = NULL;
    link->connection = NULL;
    link->next = front->links.free;
    front->links.free = link;
}

void link_sweep(struct front *front, struct connection *connection, enum reason late,
                int64_t now_ms)
{
    struct link *link = connection->link;
    uint8_t bytes[256];
    struct sink out = sink_over(bytes, sizeof bytes);
    uint64_t since_us = connection->pace.since_us;
    if (late != REASON_NONE) {
        front->counts.slow += late != REASON_ADMIT_IDLE;
        link_over(link, late);
        front_close(front, connection);
        return;
    }
    if (link->reason != REASON_NONE)
        return;
    struct attested_event event = { .kind = ATTESTED_NOTHING };
    if (link->sdk != NULL && !link_sdk_tick(link, now_ms))
        return;
    if (link->sdk == NULL)
        event = attested_tick(&link->attested, now_ms, &out);
    if (event.kind == ATTESTED_ENDED) {
        front->counts.slow++;
        link_event(link, &event, &out);
    } else if (link->waits != 0 && link->until_ms <= now_ms) {
        link_unanswered(link);
    } else if (connection->pace.phase == PACE_IDLE && !link->pinged &&
               (uint64_t)now_ms * 1000 >= since_us + front->pace.idle_us / 2) {
        link->pinged = websocket_ping(&link->ws);
        front_wake(front, connection);
    }
}

void links_core_gone(struct front *front)
{
    for (uint32_t i = 0; i < front->links.used; i++) {
        struct link *link = &front->links.rows[i];
        if (link->connection != NULL && link->connection->phase == CONNECTION_LINK)
            link_refuse(link, REASON_HOUSE_UNAVAILABLE);
    }
    front->links.untold_count = 0;
}

void links_stop(struct front *front)
{
    for (uint32_t i = 0; i < front->links.used; i++) {
        struct link *link = &front->links.rows[i];
        if (link->connection == NULL || link->connection->phase != CONNECTION_LINK)
            continue;
        if (link->sdk != NULL || attested_is_open(&link->attested))
            link_finish(link);
        else
            link_refuse(link, REASON_HOUSE_UNAVAILABLE);
    }
}
