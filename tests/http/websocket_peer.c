/* websocket_peer.c - one end of a WebSocket over the socket that is descriptor 0, for
   test_websocket_others.py.

     websocket_peer serve          answers the handshake, sends every message back
     websocket_peer ask AUTHORITY  asks for /echo, says some messages and wants them back

   Says on stdout what came, a line each, and how it ended. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "http/websocket.h"

enum { MESSAGE = 1 << 20, SOCKET = 0 };

static const struct websocket_limits limits = { MESSAGE, 4 * MESSAGE, 1000, 100 };
static uint8_t message[MESSAGE], in[65536], out[65536], room_memory[65536];
static const uint8_t key[WEBSOCKET_KEY] = "0123456789abcde";

struct peer {
    struct websocket ws;
    bool serves;
    size_t wanted; /* messages that are to come back */
};

static void on_message(void *arg, struct span said, bool text)
{
    struct peer *peer = arg;
    printf("%s of %zu\n", text ? "text" : "bytes", said.len);
    if (peer->serves) {
        if (!websocket_put(&peer->ws, said, text))
            puts("cannot be sent back");
    } else if (--peer->wanted == 0)
        websocket_close(&peer->ws, WEBSOCKET_NORMAL);
}

static void masks(void *at, size_t len)
{
    static uint8_t next = 1;
    uint8_t *bytes = at;
    for (size_t i = 0; i < len; i++)
        bytes[i] = next += 31;
}

static const struct websocket_kind server = { WEBSOCKET_SERVER, &limits, on_message, NULL };
static const struct websocket_kind client = { WEBSOCKET_CLIENT, &limits, on_message, masks };

static bool write_all(const struct sink *bytes)
{
    struct cursor left = cur_over(sink_bytes(bytes));
    while (cur_left(&left) > 0) {
        ssize_t n = write(SOCKET, left.at, cur_left(&left));
        if (n <= 0 || !cur_skip(&left, (size_t)n))
            return false;
    }
    return true;
}

/* Reads until the head of the other side has come; the rest stays in `in`. */
static bool read_head(struct http1 *conn, struct http1_room *room, struct span *rest)
{
    for (;;) {
        ssize_t n = read(SOCKET, in, sizeof in);
        if (n <= 0)
            return false;
        struct cursor bytes = cur_over(span_of(in, (size_t)n));
        struct http_event event = http1_next(conn, room, &bytes);
        *rest = cur_rest(&bytes);
        if (event.kind != HTTP_EVENT_NONE)
            return event.kind == HTTP_EVENT_HEAD;
    }
}

static bool begin(struct peer *peer, const char *authority, struct span *rest)
{
    struct http1 conn;
    struct http1_room room;
    struct sink bytes = sink_over(out, sizeof out);
    char accept[WEBSOCKET_ACCEPT + 1];
    http1_init(&conn, &http_limits_default);
    if (!http1_room_init(&room, conn.limits, room_memory, sizeof room_memory))
        return false;
    if (!peer->serves) {
        const struct http_ask ask = { .method = HTTP_METHOD_GET,
                                      .authority = span_text(authority),
                                      .target = span_text("/echo?a=b"),
                                      .websocket_key = key };
        return http1_write_ask(&conn, &ask, &bytes) && write_all(&bytes) &&
               read_head(&conn, &room, rest) && websocket_judge_answer(&room, key) == REASON_OK;
    }
    if (!read_head(&conn, &room, rest) || websocket_judge(&room.request, accept) != REASON_OK)
        return false;
    http1_admit(&conn, &room, 0);
    struct cursor none = cur_over((struct span){ 0 });
    return http1_next(&conn, &room, &none).kind == HTTP_EVENT_DONE &&
           http1_write_upgrade(&conn, span_text(accept), &bytes) && write_all(&bytes);
}

static void say_some(struct peer *peer)
{
    static uint8_t zeros[200000];
    static const size_t sizes[] = { 0, 1, 125, 126, 65535, 65536, sizeof zeros };
    peer->wanted = COUNT_OF(sizes) + 1;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        if (!websocket_put(&peer->ws, span_of(zeros, sizes[i]), false))
            puts("cannot be said");
    }
    if (!websocket_put(&peer->ws, span_text("gr\xc3\xbc\xc3\x9f dich"), true) ||
        !websocket_ping(&peer->ws))
        puts("cannot be said");
}

static bool flush(struct peer *peer)
{
    bool more = true;
    while (more) {
        struct sink bytes = sink_over(out, sizeof out);
        more = websocket_send(&peer->ws, &bytes);
        if (!write_all(&bytes))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct peer peer = { .serves = argc == 2 };
    struct span rest = { 0 };
    if (argc < 2 || !begin(&peer, argv[argc - 1], &rest) ||
        !websocket_init(&peer.ws, peer.serves ? &server : &client, message, &peer)) {
        puts("no handshake");
        return 1;
    }
    if (!peer.serves)
        say_some(&peer);
    bool reads = rest.len == 0 || websocket_feed(&peer.ws, 0, rest);
    while (flush(&peer) && reads) {
        ssize_t n = read(SOCKET, in, sizeof in);
        reads = n > 0 && websocket_feed(&peer.ws, 0, span_of(in, (size_t)n));
    }
    printf("ended %s %u\n", reason_info(peer.ws.reason)->name, (unsigned)peer.ws.code);
    websocket_fini(&peer.ws);
    return 0;
}
