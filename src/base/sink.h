/* sink.h - the one way bytes are written: into a buffer that the caller owns, never past
   its end.  A write that does not fit marks the sink full and writes nothing more, so a
   writer makes all its calls and asks sink_ok once. */
#ifndef WARD_BASE_SINK_H
#define WARD_BASE_SINK_H

#include <stdarg.h>
#include <string.h>

#include "base/result.h"
#include "base/span.h"

struct sink {
    uint8_t *at;
    size_t cap;
    size_t len;
    bool full;
};

/* sink_over writes into cap bytes at `at`. */
struct sink sink_over(void *at, size_t cap);

bool sink_is_sound(const struct sink *out);

/* sink_ok: everything so far fitted. */
bool sink_ok(const struct sink *out);

/* sink_bytes views what was written. */
struct span sink_bytes(const struct sink *out);

/* sink_room appends len bytes that the caller fills in place, or returns NULL with the sink
   marked full.  The bytes hold nothing in particular until they are filled.  Room for 0 bytes
   of a sink without memory is NULL too, and the sink is not full. */
MUST_USE
static inline uint8_t *sink_room(struct sink *out, size_t len)
{
    if (out->full || out->cap - out->len < len) {
        out->full = true;
        return NULL;
    }
    if (out->at == NULL)
        return NULL; /* no bytes of no memory: not even an offset of 0 may be added to NULL */
    uint8_t *room = out->at + out->len;
    out->len += len;
    return room;
}

/* sink_cut drops what was written past len, an earlier value of out->len: how a writer
   takes back what turned out to be no good.  It does not clear `full`. */
void sink_cut(struct sink *out, size_t len);

/* sink_drop drops the first len bytes, at most all of them, and moves the rest to the front:
   what stands in a queue once its head was taken.  It does not clear `full`. */
void sink_drop(struct sink *out, size_t len);

static inline void sink_u8(struct sink *out, uint8_t value)
{
    uint8_t *room = sink_room(out, 1);
    if (room != NULL)
        *room = value;
}

void sink_u16le(struct sink *out, uint16_t value);
void sink_u32le(struct sink *out, uint32_t value);
void sink_u64le(struct sink *out, uint64_t value);
void sink_u16be(struct sink *out, uint16_t value);
void sink_u32be(struct sink *out, uint32_t value);
void sink_u64be(struct sink *out, uint64_t value);

static inline void sink_put(struct sink *out, struct span bytes)
{
    if (bytes.len == 0)
        return;
    uint8_t *room = sink_room(out, bytes.len);
    if (room != NULL)
        memcpy(room, bytes.at, bytes.len);
}

void sink_zero(struct sink *out, size_t len);
void sink_text(struct sink *out, const char *text);

/* sink_format appends printf text, without a NUL. */
void sink_format(struct sink *out, const char *format, ...) PRINTF_LIKE(2, 3);
void sink_vformat(struct sink *out, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* sink_vformat_cut appends what fits and a NUL does, "..." at its end where that is not all: for
   what people read. */
void sink_vformat_cut(struct sink *out, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* sink_decimal appends a number with at least that many digits, zeros in front; at most 20.
   What stands in every answer and every record is written by this: printf costs ten times as
   much. */
void sink_decimal(struct sink *out, uint64_t value, size_t least);

/* sink_hex appends lower-case hex. */
void sink_hex(struct sink *out, struct span bytes);

/* sink_terminate ends the text with a NUL that is not counted in len; when there is no
   room the last byte gives way.  A sink of cap 0 is left alone. */
void sink_terminate(struct sink *out);

#endif
