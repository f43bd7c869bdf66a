/* fuzz_frame.c - a packet of anything: each frame that is read lies inside it and is written back
   as the same bytes, and so are the fields of its body. */
#include <stdlib.h>

#include "ipc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

static void try_fields(struct span body)
{
    static uint8_t again[FRAME_BODY_MAX];
    struct sink out = sink_over(again, sizeof again);
    struct cursor in = cur_over(body);
    struct span field;
    while (get_bytes(&in, FRAME_BODY_MAX, &field)) {
        insist(span_inside(field, body));
        put_bytes(&out, field);
    }
    insist(span_equal(sink_bytes(&out), span_of(body.at, cur_offset(&in))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span packet = span_of(data, size);
    struct cursor in = cur_over(packet);
    struct frame frame;
    for (size_t mark = 0; frame_get(&in, &frame); mark = cur_offset(&in)) {
        static uint8_t again[FRAME_HEAD + FRAME_BODY_MAX];
        struct sink out = sink_over(again, sizeof again);
        insist(frame.body.len == 0 || span_inside(frame.body, packet));
        frame_put(&out, &frame);
        insist(sink_ok(&out) && span_equal(sink_bytes(&out), cur_since(&in, mark)));
        try_fields(frame.body);
    }
    insist(cur_is_sound(&in));
    return 0;
}
