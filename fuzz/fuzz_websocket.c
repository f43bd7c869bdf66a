/* fuzz_websocket.c - a connection hears the same however its bytes are cut, never more than its
   limit, and ends the same; what it sends in answer has an end. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "http/websocket.h"

enum { MESSAGE = 200, QUEUE = 4000, TAIL = 140 }; /* room for every pong that may be due */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct websocket_limits limits = { MESSAGE, QUEUE, 8, 16 };

struct run {
    struct websocket ws;
    uint8_t memory[MESSAGE];
    uint64_t hash;
};

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void on_message(void *arg, struct span message, bool text)
{
    struct run *run = arg;
    must(message.len <= MESSAGE);
    for (size_t i = 0; i < message.len; i++)
        run->hash = (run->hash ^ message.at[i]) * UINT64_C(0x100000001b3);
    run->hash += message.len + text;
}

static void masks(void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)i;
}

static const struct websocket_kind kinds[] = {
    { .role = WEBSOCKET_SERVER, .limits = &limits, .on_message = on_message, .random = masks },
    { .role = WEBSOCKET_CLIENT, .limits = &limits, .on_message = on_message, .random = masks },
};

/* What was heard, and how it ended.  A Close frame closes when wslay has seen enough of it, at its
   end at the latest: so behind the bytes comes what ends any. */
static uint64_t whole(const struct websocket_kind *kind, struct span bytes, size_t piece)
{
    static struct run run;
    uint8_t answer[4096];
    struct cursor all = cur_over(bytes);
    struct span part;
    bool reads = true;
    run.hash = 1;
    must(websocket_init(&run.ws, kind, run.memory, &run));
    while (reads && !cur_end(&all)) {
        must(cur_take(&all, cur_left(&all) < piece ? cur_left(&all) : piece, &part));
        reads = websocket_feed(&run.ws, 0, part);
        must(reads || run.ws.reason != REASON_OK || run.ws.code != 0);
    }
    struct sink out = sink_over(answer, sizeof answer);
    must(!websocket_send(&run.ws, &out));
    must(websocket_is_closed(&run.ws) == !reads);
    uint64_t hash = run.hash + (run.ws.code != 0) * UINT64_C(7919) + run.ws.reason;
    websocket_fini(&run.ws);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct websocket_kind *kind = &kinds[data[0] & 1];
    static uint8_t ended[4096 + TAIL];
    if (size > sizeof ended - TAIL)
        return 0;
    memcpy(ended, data + 1, size - 1);
    memset(ended + size - 1, 0, TAIL);
    struct span bytes = span_of(ended, size - 1 + TAIL);
    uint64_t hash = whole(kind, bytes, SIZE_MAX);
    must(whole(kind, bytes, 1) == hash && whole(kind, bytes, 7) == hash);
    return 0;
}
