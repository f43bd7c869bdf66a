/* fuzz_cbor.c - whatever the bytes, walking over an item ends inside them; what one reader
   accepts as a head, a string or a map agrees with walking over it. */
#include <stdlib.h>

#include "codec/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* A string read whole is the item that is skipped. */
static void check_strings(struct cursor start, size_t end)
{
    struct cursor in = start;
    struct span text;
    if (cbor_bytes(&in, &text) || cbor_text(&in, &text)) {
        must(span_inside(text, cur_rest(&start)));
        must(end == cur_offset(&in));
    }
}

/* A map read pair by pair ends where it ends when skipped. */
static void check_map(struct cursor start, size_t end)
{
    struct cursor in = start;
    struct cbor_map map;
    bool more = true;
    if (!cbor_map_open(&in, true, &map))
        return;
    while (cbor_map_next(&in, &map, &more) && more)
        if (!cbor_skip(&in, CBOR_DEPTH_MAX - 1) || !cbor_skip(&in, CBOR_DEPTH_MAX - 1))
            return;
    must(more || end == cur_offset(&in));
    must(!cbor_keys_unique(&start, CBOR_DEPTH_MAX) || end != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor start = cur_over(span_of(data, size));
    struct cursor in = start;
    bool ok = cbor_skip(&in, CBOR_DEPTH_MAX);
    must(cur_is_sound(&in) && (ok || cur_offset(&in) == 0));
    size_t end = cur_offset(&in);
    check_strings(start, end);
    check_map(start, end);
    /* The items inside a COSE document, however they are. */
    in = start;
    struct cbor_head head;
    struct span text;
    while (cbor_head(&in, &head)) {
        struct cursor at = in;
        if (head.major == CBOR_BYTES &&
            cur_take(&at, head.value <= size ? (size_t)head.value : size, &text)) {
            struct cursor inner = cur_over(text);
            ok = cbor_skip(&inner, CBOR_DEPTH_MAX);
            check_map(cur_over(text), ok ? cur_offset(&inner) : 0);
        }
    }
    return 0;
}
