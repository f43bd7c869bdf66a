/* cursor.h - the one way bytes are read.

   A cursor walks forward over a span it does not own.  Every reader checks bounds,
   moves only when it succeeds, and leaves its out-parameter untouched when it fails,
   so a parser is one && chain into a local that is assigned last.  No pointer
   arithmetic on input exists outside base/. */
#ifndef WARD_BASE_CURSOR_H
#define WARD_BASE_CURSOR_H

#include "base/result.h"
#include "base/span.h"

struct cursor {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
};

/* cur_is_sound: start <= at <= end. */
bool cur_is_sound(const struct cursor *in);

static inline struct cursor cur_over(struct span bytes);

/* cur_left: bytes not read yet.  cur_offset: bytes already read.  cur_end: none left. */
static inline size_t cur_left(const struct cursor *in);
static inline size_t cur_offset(const struct cursor *in);
static inline bool cur_end(const struct cursor *in);

/* cur_rest views what is left without moving. */
static inline struct span cur_rest(const struct cursor *in);

/* cur_since views what was read since `mark`, an earlier cur_offset of the same cursor. */
static inline struct span cur_since(const struct cursor *in, size_t mark);

/* cur_peek reads the next byte without moving. */
MUST_USE
static inline bool cur_peek(const struct cursor *in, uint8_t *out);

MUST_USE
static inline bool cur_skip(struct cursor *in, size_t len);
MUST_USE
static inline bool cur_u8(struct cursor *in, uint8_t *out);
MUST_USE
bool cur_u16le(struct cursor *in, uint16_t *out);
MUST_USE
bool cur_u32le(struct cursor *in, uint32_t *out);
MUST_USE
bool cur_u64le(struct cursor *in, uint64_t *out);
MUST_USE
bool cur_u16be(struct cursor *in, uint16_t *out);
MUST_USE
bool cur_u32be(struct cursor *in, uint32_t *out);
MUST_USE
bool cur_u64be(struct cursor *in, uint64_t *out);

/* cur_copy copies exactly len bytes to out. */
MUST_USE
bool cur_copy(struct cursor *in, void *out, size_t len);

/* cur_take views exactly len bytes in place. */
MUST_USE
static inline bool cur_take(struct cursor *in, size_t len, struct span *out);

/* cur_expect moves over `want` when the next bytes are those. */
MUST_USE
bool cur_expect(struct cursor *in, struct span want);

/* A nested length and its bytes move together or not at all; the inner cursor must then
   be read to its own end. */
MUST_USE
bool cur_sub(struct cursor *in, size_t len, struct cursor *out);
MUST_USE
bool cur_sub_u16le(struct cursor *in, struct cursor *out);
MUST_USE
bool cur_sub_u32le(struct cursor *in, struct cursor *out);

/* The readers that every parser leans on, as code of the caller: a call costs more than
   the one comparison that most of them are. */

static inline struct cursor cur_over(struct span bytes)
{
    if (bytes.len == 0)
        return (struct cursor){ bytes.at, bytes.at, bytes.at };
    return (struct cursor){ bytes.at, bytes.at, bytes.at + bytes.len };
}

static inline size_t cur_left(const struct cursor *in)
{
    return (size_t)(in->end - in->at);
}

static inline size_t cur_offset(const struct cursor *in)
{
    return (size_t)(in->at - in->start);
}

static inline bool cur_end(const struct cursor *in)
{
    return in->at == in->end;
}

static inline struct span cur_rest(const struct cursor *in)
{
    return (struct span){ in->at, cur_left(in) };
}

static inline struct span cur_since(const struct cursor *in, size_t mark)
{
    size_t now = cur_offset(in);
    if (mark >= now)
        return (struct span){ in->at, 0 };
    return (struct span){ in->start + mark, now - mark };
}

static inline bool cur_peek(const struct cursor *in, uint8_t *out)
{
    if (cur_end(in))
        return false;
    *out = *in->at;
    return true;
}

static inline bool cur_take(struct cursor *in, size_t len, struct span *out)
{
    if (cur_left(in) < len)
        return false;
    *out = (struct span){ in->at, len };
    if (len > 0)
        in->at += len;
    return true;
}

static inline bool cur_skip(struct cursor *in, size_t len)
{
    struct span skipped;
    return cur_take(in, len, &skipped);
}

static inline bool cur_u8(struct cursor *in, uint8_t *out)
{
    if (cur_end(in))
        return false;
    *out = *in->at++;
    return true;
}

#endif
