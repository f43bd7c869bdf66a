/* passage.c - see passage.h: the challenge's side of a request that is passed on. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec/protobuf.h"
#include "model/api.h"
#include "os/fd.h"
#include "proc/front/front.h"

enum {
    OUT_MAX = HTTP_TARGET_MAX + 16384 + FRONT_BODY_MAX, /* a head as long as one may be */
    TARGET_MAX = 128 + VERIFIED_QUERY_MAX,
};

_Static_assert(PASSAGES_MAX <= FRONT_WORKS_MAX / 2,
               "others have as many places, over HTTP/1.1 too");

/* --- before the jail ----------------------------------------------------------------------- */

static bool make_one(struct passages *passages, struct arena *arena)
{
    struct passage *passage = arena_alloc(arena, sizeof *passage);
    uint8_t *out = arena_alloc(arena, OUT_MAX), *answer = arena_alloc(arena, PASSAGE_ANSWER_MAX);
    if (passage == NULL || out == NULL || answer == NULL)
        return false;
    passage->room_memory = arena_alloc(arena, http1_room_size(&http_limits_default));
    passage->in = arena_alloc(arena, FRONT_IN_MAX);
    passage->out = sink_over(out, OUT_MAX);
    passage->answer = sink_over(answer, PASSAGE_ANSWER_MAX);
    passage->next = passages->free;
    passages->free = passage;
    return passage->room_memory != NULL && passage->in != NULL;
}

/* A house without challenges has no room for what it passes on. */
static bool make_room(struct front *front)
{
    struct passages *passages = &front->passages;
    bool made = true;
    for (unsigned i = 0; made && !passages->is_made && i < PASSAGES_MAX; i++)
        made = make_one(passages, &front->house->arena);
    passages->is_made = made;
    return made;
}

bool passages_open_peer(struct front *front, size_t number, struct span ca_pem)
{
    const struct peer_settings *peer = &front->house->settings.peers[number];
    struct passage_place *place = &front->passages.places[number];
    place->is_set = peer_public_read(span_text(peer->public), &place->origin);
    if (!place->is_set)
        return peer->public[0] == 0;
    place->client = outward_client(peer, &place->origin, ca_pem);
    return make_room(front);
}

/* --- its life ------------------------------------------------------------------------------ */

static struct passage_place *place_of(struct front *front, const struct passage *passage)
{
    return &front->passages.places[passage->peer];
}

bool passage_begin(struct front *front, struct exchange *exchange, uint8_t peer)
{
    struct passages *passages = &front->passages;
    struct passage *passage = passages->free;
    if (passage == NULL || passages->places[peer].open >= PASSAGES_OF_ONE_MAX ||
        !http1_room_init(&passage->room, &http_limits_default, passage->room_memory,
                         http1_room_size(&http_limits_default)))
        return false;
    passages->free = passage->next;
    passage->next = NULL;
    passage->exchange = exchange;
    passage->peer = peer;
    passage->phase = PASSAGE_WAITS;
    passage->in_len = passage->sent = 0;
    sink_cut(&passage->out, 0);
    sink_cut(&passage->answer, 0);
    exchange->passage = passage;
    passages->open++;
    passages->places[peer].open++;
    return true;
}

void passage_end(struct front *front, struct exchange *exchange)
{
    struct passages *passages = &front->passages;
    struct passage *passage = exchange->passage;
    exchange->passage = NULL;
    passage->exchange = NULL;
    if (passage->connection != NULL)
        front_close(front, passage->connection);
    passages->open--;
    place_of(front, passage)->open--;
    passage->next = passages->free;
    passages->free = passage;
}

/* A core that does not read has more to do than this. */
static void tell(struct front *front, const struct passage *passage, enum reason reason,
                 const char *detail)
{
    uint8_t bytes[1 + 2 + 4 + DIALED_DETAIL_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, passage->peer);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_of(detail, strnlen(detail, DIALED_DETAIL_MAX)));
    struct frame frame = { .message = MSG_PASSED_ON, .body = sink_bytes(&body) };
    rc told = house_put(NULL, front->house, PEER_CORE, &frame);
    (void)told;
}

/* What a miner is told, who has nothing to do with how the house knows a challenge. */
static enum reason told_to_miner(enum reason reason)
{
    if (reason == REASON_PEER_SLOW)
        return REASON_CHALLENGE_SLOW;
    return reason == REASON_CHALLENGE_ANSWER || reason == REASON_HOUSE_UNAVAILABLE
               ? reason
               : REASON_CHALLENGE_UNREACHABLE;
}

static void fail(struct front *front, struct passage *passage, enum reason reason,
                 const char *detail)
{
    struct exchange *exchange = passage->exchange;
    struct connection *miner = exchange->way.connection;
    if (reason != REASON_HOUSE_UNAVAILABLE) { /* that is not the challenge's */
        front->passages.lost++;
        tell(front, passage, reason, detail);
    }
    exchange_refuse(front, exchange, told_to_miner(reason), (struct span){ 0 });
    front_wake(front, miner);
}

void passage_late(struct front *front, struct exchange *exchange)
{
    static const char *const late[] = { [PASSAGE_WAITS] = "to be connected",
                                        [PASSAGE_TLS] = "with TLS",
                                        [PASSAGE_ASKS] = "to be asked",
                                        [PASSAGE_READS] = "to answer" };
    struct passage *passage = exchange->passage;
    /* Until somebody has vouched for it, it is core or the keeper that is late. */
    bool is_ours = passage->out.len == 0;
    fail(front, passage, is_ours ? REASON_HOUSE_UNAVAILABLE : REASON_PEER_SLOW,
         late[passage->phase]);
}

void passage_closed(struct front *front, struct connection *connection)
{
    struct passage *passage = connection->passage;
    connection->passage = NULL;
    passage->connection = NULL;
    if (passage->exchange != NULL)
        fail(front, passage, REASON_PEER_ENDED, "before its answer was whole");
}

/* --- the house's word ---------------------------------------------------------------------- */

/* The head as it goes on, and the body as it came. */
static bool write_request(struct passage *passage, const struct url_origin *origin,
                          const struct api_token_redeem_response *said)
{
    const struct exchange *exchange = passage->exchange;
    struct span body = sink_bytes(&exchange->call.body);
    struct http_field fields[FORWARD_FIELDS_MAX];
    uint8_t values[FORWARD_ROOM], path[TARGET_MAX];
    struct sink room = sink_over(values, sizeof values), target = sink_over(path, sizeof path);
    struct forward_ask asked;
    const struct verified_request word = {
        .key_id = said->key_id,
        .at = (int64_t)said->timestamp,
        .once = said->id,
        .hotkey = said->hotkey,
        .uid = said->uid,
        .job = said->job,
    };
    if (forward_read(exchange->way.request, &asked) != REASON_OK)
        return false;
    sink_text(&target, VERIFIED_PATH);
    sink_put(&target, asked.route);
    sink_text(&target, asked.query.len > 0 ? "?" : "");
    sink_put(&target, asked.query);
    struct http_ask ask = { .method = exchange->way.request->method,
                            .authority = origin->authority,
                            .target = sink_bytes(&target),
                            .fields = fields,
                            .length = body.len,
                            .close = true };
    ask.field_count = forward_fields(exchange->way.request, &word, said->signature, &room, fields);
    if (!sink_ok(&target) || !sink_ok(&room) ||
        !http1_write_ask(&passage->http, &ask, &passage->out))
        return false;
    sink_put(&passage->out, body);
    return sink_ok(&passage->out);
}

void passage_vouched(struct front *front, struct exchange *exchange, struct span encoded)
{
    struct passage *passage = exchange->passage;
    struct arena scratch = arena_over(front->scratch, FRONT_SCRATCH_MAX);
    struct api_token_redeem_response said;
    struct values_error error;
    http1_init(&passage->http, &http_limits_default);
    if (!protobuf_read(&api_token_redeem_response, encoded, &scratch, &said, &error) ||
        !write_request(passage, &place_of(front, passage)->origin, &said)) {
        exchange_refuse(front, exchange, REASON_SERVER_FAILED, (struct span){ 0 });
        return;
    }
    if (passage->connection != NULL)
        front_wake(front, passage->connection);
}

/* --- a socket of dial's -------------------------------------------------------------------- */

/* The one that waits for a socket under this number. */
static struct passage *waits_with(struct front *front, uint64_t id, uint8_t peer)
{
    struct exchange *exchange = exchange_find(front, id);
    struct passage *passage = exchange != NULL ? exchange->passage : NULL;
    bool waits = passage != NULL && passage->peer == peer && passage->phase == PASSAGE_WAITS;
    return waits ? passage : NULL;
}

static void begin(struct front *front, struct passage *passage, int fd)
{
    struct passage_place *place = place_of(front, passage);
    if (place->origin.tls && place->client == NULL) {
        close(fd);
        fail(front, passage, REASON_PEER_CERTIFICATE, "there are no CAs to know it by");
        return;
    }
    struct connection *connection = outward_occupy(front, CONNECTION_PASSAGE, fd);
    if (connection == NULL) {
        close(fd);
        fail(front, passage, REASON_PEER_UNREACHABLE, "the connection is gone already");
        return;
    }
    connection->passage = passage;
    passage->connection = connection;
    passage->phase = place->origin.tls ? PASSAGE_TLS : PASSAGE_ASKS;
    if (place->origin.tls)
        connection->tls = tls_connect(place->client, fd);
    if ((place->origin.tls && connection->tls == NULL) ||
        !rc_ok(poller_add(NULL, front->poller, fd, front_token(front, connection), true, true)))
        fail(front, passage, REASON_HOUSE_UNAVAILABLE, "");
    else
        front_move(front, connection);
}

/* Whoever asked may be gone, and then so is what was brought. */
rc passage_on_connected(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint8_t peer = 0;
    auto_fd int fd = channel_take_fd(call->from);
    if (!(cur_u8(&call->body, &peer) && peer < SETTING_PEERS_MAX &&
          front->passages.places[peer].is_set && cur_end(&call->body)) ||
        !outward_is_connection(fd))
        return door_fault(trail, call, DOOR_E_BODY);
    struct passage *passage = waits_with(front, call->id, peer);
    if (passage != NULL)
        begin(front, passage, fd_take(&fd));
    return RC_SUCCESS;
}

rc passage_on_refused(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    char text[DIALED_DETAIL_MAX + 1];
    uint8_t peer = 0;
    uint16_t reason = 0;
    struct span detail;
    if (!(cur_u8(&call->body, &peer) && peer < SETTING_PEERS_MAX &&
          front->passages.places[peer].is_set && cur_u16le(&call->body, &reason) &&
          reason < REASON_COUNT && reason != REASON_OK && reason != REASON_NONE &&
          get_bytes(&call->body, DIALED_DETAIL_MAX, &detail) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct passage *passage = waits_with(front, call->id, peer);
    if (passage == NULL)
        return RC_SUCCESS;
    snprintf(text, sizeof text, "%.*s", (int)detail.len, (const char *)detail.at);
    fail(front, passage, (enum reason)reason, text);
    return RC_SUCCESS;
}

void passages_dial_gone(struct front *front)
{
    for (unsigned i = 0; i < FRONT_EXCHANGES_MAX; i++) {
        struct passage *passage = front->exchanges[i].passage;
        if (passage != NULL && passage->phase == PASSAGE_WAITS)
            fail(front, passage, REASON_HOUSE_UNAVAILABLE, "");
    }
}

/* --- to the answer ------------------------------------------------------------------------- */

static bool shake_hands(struct front *front, struct connection *connection)
{
    enum reason reason;
    const char *detail;
    switch (outward_shake(front, connection, &reason, &detail)) {
    case OUTWARD_SHOOK:
        connection->passage->phase = PASSAGE_ASKS;
        return true;
    case OUTWARD_WAITS:
        return false;
    case OUTWARD_FAILED:
        break;
    }
    fail(front, connection->passage, reason, detail);
    return false;
}

static bool ask(struct front *front, struct connection *connection)
{
    struct passage *passage = connection->passage;
    if (passage->out.len == 0) { /* dial was quicker than core */
        front_wait(front, connection, false, false);
        return false;
    }
    while (passage->sent < passage->out.len) {
        ssize_t put = front_put(
            connection, span_of(passage->out.at + passage->sent, passage->out.len - passage->sent));
        if (put == FRONT_GONE) {
            fail(front, passage, REASON_PEER_ENDED, "before it was asked");
            return false;
        }
        if (put == FRONT_NOT_NOW) {
            front_wait(front, connection, false, true);
            return false;
        }
        passage->sent += (size_t)put;
    }
    passage->phase = PASSAGE_READS;
    return true;
}

/* The whole answer, to the miner; the passage is over with that. */
static void deliver(struct front *front, struct passage *passage)
{
    struct exchange *exchange = passage->exchange;
    struct connection *miner = exchange->way.connection;
    struct call_answer answer = { .response = { .status = passage->room.status,
                                                .length = passage->answer.len } };
    _Static_assert((int)FORWARD_BACK_MAX <= (int)CALL_FIELDS, "an answer has room for them");
    answer.response.field_count = forward_back(&passage->room.request, answer.fields);
    front->passages.answered++;
    tell(front, passage, REASON_OK, "");
    answer_write(front, &exchange->way, &answer, sink_bytes(&passage->answer), exchange);
    /* What does not go at once is kept with the exchange: the challenge has nothing to do with it.
     */
    if (passage->exchange == exchange)
        passage_end(front, exchange);
    front_wake(front, miner);
}

/* One event of the answer; false: nothing of the passage is there any more. */
static bool take(struct front *front, struct passage *passage, const struct http_event *event)
{
    const char *wrong = NULL;
    switch (event->kind) {
    case HTTP_EVENT_HEAD:
        wrong = forward_wrong_of(passage->room.status, &passage->room.request);
        http1_admit(&passage->http, &passage->room, PASSAGE_ANSWER_MAX);
        break;
    case HTTP_EVENT_BODY:
        sink_put(&passage->answer, event->body);
        break;
    case HTTP_EVENT_DONE:
        deliver(front, passage);
        return false;
    case HTTP_EVENT_REFUSED:
        wrong = reason_info(event->reason)->cause;
        break;
    case HTTP_EVENT_CLOSED:
    case HTTP_EVENT_ROOM:
    case HTTP_EVENT_NONE:
        break;
    }
    if (wrong == NULL)
        return true;
    fail(front, passage, REASON_CHALLENGE_ANSWER, wrong);
    return false;
}

static bool read_answer(struct front *front, struct connection *connection)
{
    struct passage *passage = connection->passage;
    ssize_t got = front_take(connection, passage->in + passage->in_len,
                             FRONT_IN_MAX - passage->in_len);
    if (got == FRONT_GONE) {
        fail(front, passage, REASON_PEER_ENDED, "before its answer was whole");
        return false;
    }
    if (got == FRONT_NOT_NOW) {
        front_wait(front, connection, true, false);
        return false;
    }
    passage->in_len += (size_t)got;
    struct cursor in = cur_over(span_of(passage->in, passage->in_len));
    struct http_event event;
    do {
        event = http1_next(&passage->http, &passage->room, &in);
        if (!take(front, passage, &event))
            return false;
    } while (event.kind != HTTP_EVENT_NONE);
    struct span rest = cur_rest(&in);
    memmove(passage->in, rest.at, rest.len);
    passage->in_len = rest.len;
    return true;
}

bool passage_reads(const struct connection *connection)
{
    return connection->phase == CONNECTION_PASSAGE && connection->passage->phase == PASSAGE_READS;
}

bool passage_turn(struct front *front, struct connection *connection)
{
    switch (connection->passage->phase) {
    case PASSAGE_TLS:
        return shake_hands(front, connection);
    case PASSAGE_ASKS:
        return ask(front, connection);
    case PASSAGE_READS:
        return read_answer(front, connection);
    case PASSAGE_WAITS:
        break;
    }
    return false;
}
