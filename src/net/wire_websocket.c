/* wire_websocket.c - see wire.h: messages as binary frames of a WebSocket, and how a connection
   becomes one. */
#include "base/cursor.h"
#include "net/wire.h"
#include "os/clock.h"
#include "os/random.h"

/* A peer of ours sends each message in one frame; others may cut theirs, not to dust. */
static const struct websocket_limits limits = {
    .message = WIRE_MESSAGE,
    .queue = WIRE_MESSAGE + WIRE_CHUNK,
    .pieces = 1024,
    .controls = 16,
};

/* Several may come in one read: they wait for their turn. */
static void on_message(void *arg, struct span message, bool text)
{
    struct wire *wire = arg;
    if (text)
        wire->reason = REASON_CHANNEL_MALFORMED;
    sink_u32le(&wire->waiting, (uint32_t)message.len);
    sink_put(&wire->waiting, message);
}

/* How long a message may be is known when those before it were taken: one that comes together with
   them is lent all there is, and limited when its turn has come. */
static enum reason borrow(void *arg, uint64_t len, struct websocket_room *out)
{
    struct wire *wire = arg;
    size_t most = wire->waiting.len > 0 ? (size_t)WIRE_MESSAGE : wire->max;
    if (len > most)
        return REASON_WEBSOCKET_MESSAGE_TOO_LARGE;
    *out = (struct websocket_room){ wire->message.at, (uint32_t)most };
    return REASON_OK;
}

static void take_back(void *arg, struct websocket_room room)
{
    (void)arg;
    (void)room;
}

static const struct websocket_kind client = { WEBSOCKET_CLIENT, &limits, on_message,
                                              random_bytes,     borrow,  take_back };
static const struct websocket_kind server = { WEBSOCKET_SERVER, &limits,  on_message, NULL,
                                              borrow,           take_back };

/* --- from HTTP/1.1 to a WebSocket ------------------------------------------------------------- */

/* What is needed once. */
struct upgrade {
    struct arena memory;
    struct http1 conn;
    struct http1_room room;
    struct sink out;
    struct span rest; /* bytes after the head of the other side */
};

enum { UPGRADE_OUT = HTTP_TARGET_MAX + 2 * 1024 };

static bool upgrade_init(struct upgrade *upgrade)
{
    size_t size = http1_room_size(&http_limits_default);
    arena_init(&upgrade->memory, size + UPGRADE_OUT + 1024);
    http1_init(&upgrade->conn, &http_limits_default);
    void *room = arena_alloc(&upgrade->memory, size);
    upgrade->out = sink_over(arena_room(&upgrade->memory, UPGRADE_OUT), UPGRADE_OUT);
    return room != NULL && upgrade->out.at != NULL &&
           http1_room_init(&upgrade->room, &http_limits_default, room, size);
}

static enum wire_step refuse(struct wire *wire, enum reason reason)
{
    wire->reason = reason;
    return WIRE_REFUSED;
}

static enum wire_step read_head(struct wire *wire, struct upgrade *upgrade, int64_t deadline_ms)
{
    for (;;) {
        size_t len;
        enum wire_step step = wire_read(wire, wire->chunk, WIRE_CHUNK, deadline_ms, &len);
        if (step != WIRE_DONE)
            return step;
        struct cursor in = cur_over(span_of(wire->chunk, len));
        struct http_event event = http1_next(&upgrade->conn, &upgrade->room, &in);
        upgrade->rest = cur_rest(&in);
        if (event.kind == HTTP_EVENT_HEAD)
            return WIRE_DONE;
        if (event.kind != HTTP_EVENT_NONE)
            return refuse(wire,
                          event.reason == REASON_NONE ? REASON_WEBSOCKET_HANDSHAKE : event.reason);
    }
}

/* The connection is one from here on; what came already is its first bytes. */
static enum wire_step begin(struct wire *wire, const struct websocket_kind *kind, struct span rest)
{
    wire->max = WIRE_MESSAGE; /* nobody has asked for it yet */
    wire->is_websocket = websocket_init(&wire->websocket, kind, NULL, wire);
    if (!wire->is_websocket)
        return refuse(wire, REASON_OUT_OF_MEMORY);
    if (rest.len > 0)
        wire->ended = !websocket_feed(&wire->websocket, (uint64_t)clock_monotonic_ms(), rest);
    return WIRE_DONE;
}

static enum wire_step ask(struct wire *wire, struct upgrade *upgrade, const struct http_ask *ask,
                          int64_t deadline_ms)
{
    if (!upgrade_init(upgrade))
        return refuse(wire, REASON_OUT_OF_MEMORY);
    if (!http1_write_ask(&upgrade->conn, ask, &upgrade->out))
        return refuse(wire, REASON_WEBSOCKET_HANDSHAKE);
    enum wire_step step = wire_write(wire, sink_bytes(&upgrade->out), deadline_ms);
    if (step == WIRE_DONE)
        step = read_head(wire, upgrade, deadline_ms);
    if (step != WIRE_DONE)
        return step;
    enum reason reason = websocket_judge_answer(&upgrade->room, ask->websocket_key);
    return reason == REASON_OK ? begin(wire, &client, upgrade->rest) : refuse(wire, reason);
}

enum wire_step wire_ask(struct wire *wire, struct span authority, struct span target,
                        int64_t deadline_ms)
{
    struct upgrade upgrade;
    uint8_t key[WEBSOCKET_KEY];
    random_bytes(key, sizeof key);
    const struct http_ask what = {
        .method = HTTP_METHOD_GET, .authority = authority, .target = target, .websocket_key = key
    };
    enum wire_step step = ask(wire, &upgrade, &what, deadline_ms);
    arena_fini(&upgrade.memory);
    return step;
}

/* Says no in the words of HTTP; whether the peer hears them is its business. */
static enum wire_step turn_away(struct wire *wire, struct upgrade *upgrade, unsigned status,
                                enum reason reason, int64_t deadline_ms)
{
    const struct http_response response = { .status = status, .now = clock_now() };
    if (http1_write_head(&upgrade->conn, &response, &upgrade->out) &&
        http1_write_end(&upgrade->conn, &upgrade->out) &&
        wire_write(wire, sink_bytes(&upgrade->out), deadline_ms) == WIRE_LATE)
        return WIRE_LATE;
    return refuse(wire, reason);
}

static enum wire_step answer(struct wire *wire, struct upgrade *upgrade, struct span path,
                             int64_t deadline_ms)
{
    char accept[WEBSOCKET_ACCEPT + 1];
    if (!upgrade_init(upgrade))
        return refuse(wire, REASON_OUT_OF_MEMORY);
    enum wire_step step = read_head(wire, upgrade, deadline_ms);
    if (step == WIRE_REFUSED)
        return turn_away(wire, upgrade, 400, wire->reason, deadline_ms);
    if (step != WIRE_DONE)
        return step;
    const struct http_request *request = &upgrade->room.request;
    if (!span_equal(request->path, path) || request->query.len > 0)
        return turn_away(wire, upgrade, 404, REASON_WEBSOCKET_HANDSHAKE, deadline_ms);
    enum reason reason = websocket_judge(request, accept);
    if (reason != REASON_OK)
        return turn_away(wire, upgrade, 400, reason, deadline_ms);
    http1_admit(&upgrade->conn, &upgrade->room, 0);
    struct cursor none = cur_over((struct span){ 0 });
    if (http1_next(&upgrade->conn, &upgrade->room, &none).kind != HTTP_EVENT_DONE ||
        !http1_write_upgrade(&upgrade->conn, span_text(accept), &upgrade->out))
        return refuse(wire, REASON_WEBSOCKET_HANDSHAKE);
    step = wire_write(wire, sink_bytes(&upgrade->out), deadline_ms);
    return step == WIRE_DONE ? begin(wire, &server, upgrade->rest) : step;
}

enum wire_step wire_answer(struct wire *wire, struct span path, int64_t deadline_ms)
{
    struct upgrade upgrade;
    enum wire_step step = answer(wire, &upgrade, path, deadline_ms);
    arena_fini(&upgrade.memory);
    return step;
}

/* --- messages --------------------------------------------------------------------------------- */

/* What does not go by the deadline goes first the next time: no frame is cut in two. */
static enum wire_step flush(struct wire *wire, int64_t deadline_ms)
{
    bool more = true;
    enum wire_step step = WIRE_DONE;
    while (more && step == WIRE_DONE) {
        more = websocket_send(&wire->websocket, &wire->unsent);
        step = wire_write_unsent(wire, deadline_ms);
    }
    return step;
}

/* The oldest of the messages that wait. */
static bool show(struct wire *wire, struct wire_message *out)
{
    sink_drop(&wire->waiting, wire->shown);
    wire->shown = 0;
    struct cursor in = cur_over(sink_bytes(&wire->waiting));
    uint32_t len;
    if (!cur_u32le(&in, &len) || cur_left(&in) < len)
        return false;
    *out = (struct wire_message){ wire->waiting.at + sizeof len, len };
    wire->shown = sizeof len + len;
    return true;
}

/* What ends it, if anything does.  A message that is too long is one, however it is framed. */
static enum reason judge(struct wire *wire)
{
    if (wire->reason != REASON_OK)
        return wire->reason;
    if (wire->waiting.len == wire->shown)
        websocket_limit(&wire->websocket, (uint32_t)wire->max);
    if (!sink_ok(&wire->waiting) || wire->websocket.reason == REASON_WEBSOCKET_MESSAGE_TOO_LARGE)
        return REASON_CHANNEL_TOO_LARGE;
    return wire->websocket.reason;
}

enum wire_step wire_receive_frame(struct wire *wire, size_t max, int64_t deadline_ms,
                                  struct wire_message *out)
{
    wire->max = max < WIRE_MESSAGE ? max : WIRE_MESSAGE;
    for (;;) {
        struct wire_message next;
        wire->reason = judge(wire);
        bool shown = wire->reason == REASON_OK && show(wire, &next);
        if (shown && next.len > wire->max)
            wire->reason = REASON_CHANNEL_TOO_LARGE;
        if (wire->reason != REASON_OK) {
            (void)flush(wire, deadline_ms);
            return WIRE_REFUSED;
        }
        if (shown) {
            *out = next;
            return WIRE_DONE;
        }
        if (wire->ended) {
            (void)flush(wire, deadline_ms);
            return WIRE_ENDED;
        }
        size_t len;
        enum wire_step step = wire_read(wire, wire->chunk, WIRE_CHUNK, deadline_ms, &len);
        if (step != WIRE_DONE)
            return step;
        wire->ended = !websocket_feed(&wire->websocket, (uint64_t)clock_monotonic_ms(),
                                      span_of(wire->chunk, len));
        /* Pongs, which can wait. */
        if (flush(wire, deadline_ms) == WIRE_ENDED)
            wire->ended = true;
    }
}

enum wire_step wire_send_frame(struct wire *wire, struct span message, int64_t deadline_ms)
{
    if (!websocket_put(&wire->websocket, message, false))
        return WIRE_ENDED;
    return flush(wire, deadline_ms);
}

/* After what was sent in part there is no place for a Close frame, and flush does not get to it. */
void wire_end_frames(struct wire *wire)
{
    websocket_close(&wire->websocket, WEBSOCKET_NORMAL);
    (void)flush(wire, 0);
    websocket_fini(&wire->websocket);
}
