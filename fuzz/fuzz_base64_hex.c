/* fuzz_base64_hex.c - a text that is accepted is the text of its bytes: strict base64 and
   base64url byte for byte, the loose form but for white space, hex but for its case. */
#include <stdlib.h>

#include "codec/base64.h"
#include "codec/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 20 };

static uint8_t bytes[ROOM], text[2 * ROOM], plain[ROOM];

static void insist(bool held)
{
    if (!held)
        abort();
}

/* The input without the white space of the loose form. */
static struct span without_white(struct span in)
{
    struct sink out = sink_over(plain, sizeof plain);
    for (size_t i = 0; i < in.len; i++)
        if (in.at[i] != ' ' && in.at[i] != '\t' && in.at[i] != '\r' && in.at[i] != '\n')
            sink_u8(&out, in.at[i]);
    return sink_bytes(&out);
}

static struct span in_lower_case(struct span in)
{
    struct sink out = sink_over(plain, sizeof plain);
    for (size_t i = 0; i < in.len; i++)
        sink_u8(&out, in.at[i] >= 'A' && in.at[i] <= 'F' ? (uint8_t)(in.at[i] + 32) : in.at[i]);
    return sink_bytes(&out);
}

static void check_base64(struct span in)
{
    struct sink out = sink_over(bytes, sizeof bytes);
    struct sink back = sink_over(text, sizeof text);
    bool strict = base64_decode(in, &out);
    insist(strict || out.len == 0);
    if (strict) {
        base64_encode(&back, sink_bytes(&out));
        insist(span_equal(sink_bytes(&back), in));
    }
    out = sink_over(bytes, sizeof bytes);
    back = sink_over(text, sizeof text);
    bool loose = base64_decode_loose(in, &out);
    insist(loose || (!strict && out.len == 0));
    if (loose) {
        base64_encode(&back, sink_bytes(&out));
        insist(span_equal(sink_bytes(&back), without_white(in)));
    }
    out = sink_over(bytes, sizeof bytes);
    back = sink_over(text, sizeof text);
    if (base64url_decode(in, &out)) {
        base64url_encode(&back, sink_bytes(&out));
        insist(span_equal(sink_bytes(&back), in));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    if (size > ROOM)
        return 0;
    check_base64(in);
    struct sink out = sink_over(bytes, sizeof bytes);
    struct sink back = sink_over(text, sizeof text);
    if (hex_decode_sink(in, &out)) {
        sink_hex(&back, sink_bytes(&out));
        insist(span_equal(sink_bytes(&back), in_lower_case(in)));
        insist(hex_decode(in, plain, out.len) &&
               span_equal(span_of(plain, out.len), sink_bytes(&out)));
    }
    return 0;
}
