/* websocket_peer.c - one end of a WebSocket over the socket that is descriptor 0, for
   test_websocket_others.py.

     websocket_peer serve          answers the handshake, sends every message back
     websocket_peer ask AUTHORITY  asks for /echo, says some messages and wants them back

   Says on stdout what came, a line each, and how it ended. */
#include <stdio.h>

#include "base/number.h"
#include "websocket_end.h"

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

static const struct websocket_kind server = { .limits = &end_limits, .on_message = on_message };
static const struct websocket_kind client = {
    .role = WEBSOCKET_CLIENT, .limits = &end_limits, .on_message = on_message, .random = end_masks
};

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

int main(int argc, char **argv)
{
    struct peer peer = { .serves = argc == 2 };
    struct span rest = { 0 };
    if (argc < 2 || !end_begin(peer.serves ? NULL : argv[argc - 1], "/echo?a=b", &rest) ||
        !websocket_init(&peer.ws, peer.serves ? &server : &client, end_message, &peer)) {
        puts("no handshake");
        return 1;
    }
    if (!peer.serves)
        say_some(&peer);
    bool reads = rest.len == 0 || websocket_feed(&peer.ws, 0, rest);
    while (end_flush(&peer.ws) && reads)
        reads = end_read(&peer.ws);
    printf("ended %s %u\n", reason_info(peer.ws.reason)->name, (unsigned)peer.ws.code);
    websocket_fini(&peer.ws);
    return 0;
}
