/* frame.c - see frame.h. */
#include "ipc/frame.h"

bool frame_get(struct cursor *packet, struct frame *out)
{
    struct frame frame = { 0 };
    uint16_t zero = 0;
    uint32_t len = 0;
    if (!(cur_u16le(packet, &frame.message) && cur_u16le(packet, &zero) && zero == 0 &&
          cur_u32le(packet, &len) && len <= FRAME_BODY_MAX && cur_u64le(packet, &frame.id) &&
          cur_take(packet, len, &frame.body)))
        return false;
    *out = frame;
    return true;
}

void frame_put(struct sink *packet, const struct frame *frame)
{
    if (frame->body.len > FRAME_BODY_MAX) {
        packet->full = true;
        return;
    }
    size_t mark = packet->len;
    sink_u16le(packet, frame->message);
    sink_u16le(packet, 0);
    sink_u32le(packet, (uint32_t)frame->body.len);
    sink_u64le(packet, frame->id);
    sink_put(packet, frame->body);
    if (!sink_ok(packet))
        sink_cut(packet, mark);
}

bool get_bytes(struct cursor *in, size_t max, struct span *out)
{
    uint32_t len = 0;
    struct cursor ahead = *in;
    if (!(cur_u32le(&ahead, &len) && len <= max && cur_take(&ahead, len, out)))
        return false;
    *in = ahead;
    return true;
}

void put_bytes(struct sink *out, struct span bytes)
{
    if (bytes.len > UINT32_MAX) {
        out->full = true;
        return;
    }
    sink_u32le(out, (uint32_t)bytes.len);
    sink_put(out, bytes);
}
