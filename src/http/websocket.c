/* websocket.c - see websocket.h: what comes and goes after the handshake. */
#include "http/websocket.h"

#include <string.h>

#include <wslay/wslay.h>

#include "base/cursor.h"

enum { SECOND_MS = 1000, NO_CODE = 1005 };

static void give_back(struct websocket *ws)
{
    if (!ws->lent)
        return;
    struct websocket_room room = ws->room;
    ws->room = (struct websocket_room){ 0 };
    ws->lent = false;
    ws->kind->give_back(ws->arg, room);
}

/* Ends the connection for a reason of ours; the first one counts. */
static void end(struct websocket *ws, enum reason reason, uint16_t code)
{
    if (ws->reason == REASON_OK)
        ws->reason = reason;
    (void)wslay_event_queue_close(ws->wslay, code, NULL, 0);
    wslay_event_shutdown_read(ws->wslay);
    give_back(ws);
}

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *out, size_t len, int flags,
                       void *arg)
{
    struct websocket *ws = arg;
    struct cursor in = cur_over(ws->input);
    struct span taken;
    (void)flags;
    if (len > cur_left(&in))
        len = cur_left(&in);
    if (len == 0 || !cur_take(&in, len, &taken)) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, taken.at, taken.len);
    ws->input = cur_rest(&in);
    return (ssize_t)taken.len;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t len, int flags,
                       void *arg)
{
    struct websocket *ws = arg;
    size_t room = ws->output->cap - ws->output->len;
    (void)flags;
    if (room == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (len > room)
        len = room;
    sink_put(ws->output, span_of(bytes, len));
    return (ssize_t)len;
}

static int on_mask(wslay_event_context_ptr wslay, uint8_t *out, size_t len, void *arg)
{
    const struct websocket *ws = arg;
    (void)wslay;
    ws->kind->random(out, len);
    return 0;
}

/* A second in which there were too many of them: each costs an answer. */
static bool too_many_controls(struct websocket *ws)
{
    if (ws->now_ms - ws->second_ms >= SECOND_MS) {
        ws->second_ms = ws->now_ms;
        ws->controls = 0;
    }
    return ++ws->controls > ws->kind->limits->controls;
}

static bool fits(const struct websocket *ws, uint64_t more)
{
    return more <= ws->room.cap - ws->len;
}

/* Nothing is lent for what is too long already. */
static enum reason begin_message(struct websocket *ws, uint64_t len)
{
    if (len > ws->kind->limits->message)
        return REASON_WEBSOCKET_MESSAGE_TOO_LARGE;
    enum reason reason = ws->kind->borrow(ws->arg, len, &ws->room);
    ws->lent = reason == REASON_OK;
    return reason;
}

static uint16_t code_of(enum reason reason)
{
    return reason == REASON_WEBSOCKET_MESSAGE_TOO_LARGE ? WSLAY_CODE_MESSAGE_TOO_BIG
                                                        : WEBSOCKET_POLICY;
}

static void on_frame(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct websocket *ws = arg;
    (void)wslay;
    ws->in_control = wslay_is_ctrl_frame(frame->opcode);
    ws->in_close = frame->opcode == WSLAY_CONNECTION_CLOSE;
    if (ws->in_control) {
        if (too_many_controls(ws))
            end(ws, REASON_WEBSOCKET_ABUSE, WEBSOCKET_POLICY);
        return;
    }
    enum reason lent = ws->room.memory != NULL ? REASON_OK
                                               : begin_message(ws, frame->payload_length);
    if (lent != REASON_OK)
        end(ws, lent, code_of(lent));
    else if (!fits(ws, frame->payload_length))
        end(ws, REASON_WEBSOCKET_MESSAGE_TOO_LARGE, WSLAY_CODE_MESSAGE_TOO_BIG);
    else if (++ws->pieces > ws->kind->limits->pieces)
        end(ws, REASON_WEBSOCKET_ABUSE, WEBSOCKET_POLICY);
    ws->told = ws->len + frame->payload_length;
}

void websocket_limit(struct websocket *ws, uint32_t cap)
{
    if (!ws->lent || cap >= ws->room.cap)
        return;
    if (ws->told > cap)
        end(ws, REASON_WEBSOCKET_MESSAGE_TOO_LARGE, WSLAY_CODE_MESSAGE_TOO_BIG);
    else
        ws->room.cap = cap;
}

static void on_piece(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_chunk_arg *piece, void *arg)
{
    struct websocket *ws = arg;
    (void)wslay;
    if (ws->in_control || ws->reason != REASON_OK || piece->data_length == 0 ||
        !fits(ws, piece->data_length))
        return;
    memcpy(ws->room.memory + ws->len, piece->data, piece->data_length);
    ws->len += piece->data_length;
}

/* wslay has seen that a text is UTF-8, and that a Close frame has a code that may be sent. */
static void on_whole(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *got,
                     void *arg)
{
    struct websocket *ws = arg;
    (void)wslay;
    if (ws->reason != REASON_OK)
        return;
    if (got->opcode == WSLAY_CONNECTION_CLOSE && got->msg_length >= 2)
        ws->code = got->status_code;
    ws->whole++;
    if (wslay_is_ctrl_frame(got->opcode))
        return;
    size_t len = ws->len;
    ws->len = 0;
    ws->pieces = 0;
    ws->kind->on_message(ws->arg, span_of(ws->room.memory, len), got->opcode == WSLAY_TEXT_FRAME);
    give_back(ws);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .genmask_callback = on_mask,
    .on_frame_recv_start_callback = on_frame,
    .on_frame_recv_chunk_callback = on_piece,
    .on_msg_recv_callback = on_whole,
};

bool websocket_init(struct websocket *ws, const struct websocket_kind *kind, void *memory,
                    void *arg)
{
    *ws = (struct websocket){ .kind = kind, .arg = arg, .reason = REASON_OK };
    if (memory != NULL)
        ws->room = (struct websocket_room){ memory, kind->limits->message };
    int made = kind->role == WEBSOCKET_SERVER
                   ? wslay_event_context_server_init(&ws->wslay, &callbacks, ws)
                   : wslay_event_context_client_init(&ws->wslay, &callbacks, ws);
    if (made != 0)
        return false;
    wslay_event_config_set_no_buffering(ws->wslay, 1);
    return true;
}

void websocket_fini(struct websocket *ws)
{
    if (ws->wslay != NULL)
        wslay_event_context_free(ws->wslay);
    ws->wslay = NULL;
    give_back(ws);
}

static size_t queued(const struct websocket *ws)
{
    return wslay_event_get_queued_msg_length(ws->wslay);
}

/* Pongs wait for a peer that does not read, too. */
static void judge_queue(struct websocket *ws)
{
    if (queued(ws) > (size_t)ws->kind->limits->queue + WEBSOCKET_CONTROL)
        end(ws, REASON_WEBSOCKET_ABUSE, WEBSOCKET_POLICY);
}

/* wslay reads no more.  A Close frame closes, whatever else it says: of its words wslay sees those
   alone that come in one piece, and nobody here shows them. */
static void on_stop(struct websocket *ws)
{
    if (ws->in_close && ws->code == 0)
        ws->code = NO_CODE;
    else if (!ws->in_close && !ws->closing && ws->reason == REASON_OK)
        ws->reason = REASON_WEBSOCKET_PROTOCOL; /* its own judgement; its Close is queued */
}

bool websocket_feed(struct websocket *ws, uint64_t now_ms, struct span bytes)
{
    ws->now_ms = now_ms;
    ws->input = bytes;
    if (!wslay_event_get_read_enabled(ws->wslay))
        return false;
    int result = wslay_event_recv(ws->wslay);
    if (result == WSLAY_ERR_NOMEM)
        end(ws, REASON_OUT_OF_MEMORY, WEBSOCKET_INTERNAL);
    else if (!wslay_event_get_read_enabled(ws->wslay))
        on_stop(ws);
    else
        judge_queue(ws);
    return wslay_event_get_read_enabled(ws->wslay) != 0;
}

static bool queue(struct websocket *ws, uint8_t opcode, struct span message)
{
    const struct wslay_event_msg what = { opcode, message.at, message.len };
    size_t waits = queued(ws);
    return !ws->closing && waits <= ws->kind->limits->queue &&
           message.len <= ws->kind->limits->queue - waits &&
           wslay_event_queue_msg(ws->wslay, &what) == 0;
}

bool websocket_put(struct websocket *ws, struct span message, bool text)
{
    return queue(ws, text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, message);
}

bool websocket_ping(struct websocket *ws)
{
    return queue(ws, WSLAY_PING, (struct span){ 0 });
}

void websocket_close(struct websocket *ws, enum websocket_code code)
{
    if (!ws->closing)
        ws->last = (uint16_t)code;
    ws->closing = true;
    wslay_event_shutdown_read(ws->wslay);
}

/* wslay sends control frames before all that waits: the Close is not shown to it before. */
static void queue_close(struct websocket *ws)
{
    if (ws->last == 0 || wslay_event_get_queued_msg_count(ws->wslay) > 0)
        return;
    (void)wslay_event_queue_close(ws->wslay, ws->last, NULL, 0);
    ws->last = 0;
}

bool websocket_send(struct websocket *ws, struct sink *out)
{
    ws->output = out;
    int result = wslay_event_send(ws->wslay);
    if (result == 0 && ws->last != 0) {
        queue_close(ws);
        result = wslay_event_send(ws->wslay);
    }
    ws->output = NULL;
    if (result != 0 && ws->reason == REASON_OK)
        ws->reason = REASON_OUT_OF_MEMORY;
    return result == 0 && websocket_has_queued(ws);
}

bool websocket_is_receiving(const struct websocket *ws)
{
    return ws->pieces > 0;
}

uint32_t websocket_received(const struct websocket *ws)
{
    return ws->whole;
}

bool websocket_has_queued(const struct websocket *ws)
{
    return ws->last != 0 || wslay_event_want_write(ws->wslay) != 0;
}

bool websocket_is_closed(const struct websocket *ws)
{
    return !wslay_event_get_read_enabled(ws->wslay) && !websocket_has_queued(ws);
}
