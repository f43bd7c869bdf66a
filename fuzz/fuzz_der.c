/* fuzz_der.c - DER has one form for one value: whatever a reader takes, the writer writes
   again byte for byte.  Walks into the first constructed value at each level. */
#include <stdlib.h>

#include "codec/der_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 20 };

static uint8_t room[ROOM];

/* What was consumed between the two cursors must be what the sink holds. */
static void insist_same(const struct cursor *before, const struct cursor *after,
                        const struct sink *out)
{
    struct span read = cur_since(after, cur_offset(before));
    if (!sink_ok(out) || !span_equal(read, sink_bytes(out)))
        abort();
}

static void numbers(struct cursor in)
{
    struct cursor ahead = in;
    struct span octets;
    uint32_t small;
    bool truth;
    struct sink out = sink_over(room, sizeof room);
    if (der_unsigned(&ahead, &octets)) {
        der_put_unsigned(&out, octets);
        insist_same(&in, &ahead, &out);
    }
    ahead = in;
    out = sink_over(room, sizeof room);
    if (der_small(&ahead, &small)) {
        der_put_small(&out, small);
        insist_same(&in, &ahead, &out);
    }
    ahead = in;
    out = sink_over(room, sizeof room);
    if (der_integer(&ahead, &octets)) {
        der_put(&out, DER_INTEGER, octets);
        insist_same(&in, &ahead, &out);
    }
    ahead = in;
    out = sink_over(room, sizeof room);
    if (der_bool(&ahead, &truth)) {
        der_put_bool(&out, truth);
        insist_same(&in, &ahead, &out);
    }
}

static void strings(struct cursor in)
{
    struct cursor ahead = in;
    struct span octets;
    uint16_t bits;
    int64_t at;
    struct sink out = sink_over(room, sizeof room);
    if (der_bits(&ahead, &octets)) {
        der_put_bits(&out, octets);
        insist_same(&in, &ahead, &out);
    }
    ahead = in;
    out = sink_over(room, sizeof room);
    if (der_named_bits(&ahead, &bits)) {
        der_put_named_bits(&out, bits);
        insist_same(&in, &ahead, &out);
    }
    ahead = in;
    out = sink_over(room, sizeof room);
    if (der_time(&ahead, &at)) {
        der_put_time(&out, at);
        insist_same(&in, &ahead, &out);
    }
}

static void identifier(struct cursor in)
{
    static uint8_t text[ROOM];
    struct cursor ahead = in;
    struct span oid;
    struct sink dotted = sink_over(text, sizeof text);
    if (!der_oid(&ahead, &oid) || oid.len > 1000)
        return;
    der_oid_write(&dotted, oid);
    sink_terminate(&dotted);
    struct sink out = sink_over(room, sizeof room);
    der_put_oid(&out, (const char *)text);
    insist_same(&in, &ahead, &out);
}

static void signature(struct span whole)
{
    uint8_t raw[132];
    struct cursor in = cur_over(whole);
    struct cursor after = in;
    struct sink out = sink_over(room, sizeof room);
    if (!der_ecdsa_sig(whole, sizeof raw / 2, raw) || !cur_skip(&after, whole.len))
        return;
    der_put_ecdsa_sig(&out, SPAN(raw));
    insist_same(&in, &after, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cur_over(span_of(data, size));
    struct der value;
    struct der any;
    while (size < ROOM / 2 && !cur_end(&in)) {
        struct cursor before = in;
        struct sink out = sink_over(room, sizeof room);
        numbers(in);
        strings(in);
        identifier(in);
        if (!der_read(&in, &value))
            break;
        der_put(&out, value.tag, value.value);
        insist_same(&before, &in, &out);
        signature(value.whole);
        if (der_any(&before, &any) && !span_equal(any.whole, value.whole))
            abort();
        if ((value.tag & 0x20) != 0 && value.value.len > 0)
            in = cur_over(value.value);
    }
    return 0;
}
