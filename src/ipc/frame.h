/* frame.h - what stands in a packet between two processes: one or more frames, each a
   message with its number, the id of the question it belongs to, and its bytes.

       u16 message   u16 zero   u32 length   u64 id   length bytes        (little endian)

   Both ends are of one build: there is no version to negotiate. */
#ifndef WARD_IPC_FRAME_H
#define WARD_IPC_FRAME_H

#include "base/cursor.h"
#include "base/sink.h"

enum {
    FRAME_HEAD = 16,
    FRAME_BODY_MAX = (192 << 10) - FRAME_HEAD, /* a frame with its head fills one packet */
};

struct frame {
    uint16_t message;
    uint64_t id;
    struct span body;
};

/* frame_get reads the next frame of a packet; false when what is left is none. */
MUST_USE
bool frame_get(struct cursor *packet, struct frame *out);

/* frame_put appends a frame; the sink is full when it does not fit or is too long. */
void frame_put(struct sink *packet, const struct frame *frame);

/* Fields inside a body.  A text or any bytes: u32 length, then the bytes. */
MUST_USE
bool get_bytes(struct cursor *in, size_t max, struct span *out);
void put_bytes(struct sink *out, struct span bytes);

#endif
