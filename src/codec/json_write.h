/* json_write.h - the one JSON writer.  Puts the commas, the quotes and the line breaks; what
   it wrote is valid RFC 8259 whenever json_write_ok says so.  Text is always made safe: what
   is no UTF-8 becomes U+FFFD, and what would do something to a terminal instead of being shown
   (utf8_is_control) is escaped.  Never allocates. */
#ifndef WARD_CODEC_JSON_WRITE_H
#define WARD_CODEC_JSON_WRITE_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum { JSON_WRITE_DEPTH_MAX = 32 };

/* Private to json_write.c. */
struct json_writer {
    struct sink *out;
    unsigned indent;  /* spaces a level; 0: everything on one line */
    unsigned depth;   /* containers open */
    uint32_t objects; /* bit d: the container at depth d is an object */
    uint32_t used;    /* bit d: it already has a value */
    bool named;       /* a name was written and waits for its value */
    bool done;        /* the one value of the text is complete */
    bool bad;         /* the calls made no JSON text */
};

/* json_write_to starts a text.  The sink must outlive the writer. */
struct json_writer json_write_to(struct sink *out, unsigned indent);

/* json_write_ok: exactly one whole value was written, every call was made where it may be
   made, and all of it fitted into the sink. */
bool json_write_ok(const struct json_writer *writer);

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);

/* The name of the next value; only inside an object.  A name is not compared with the names
   before it: writing one twice is the caller's mistake. */
void json_put_key(struct json_writer *writer, const char *name);
void json_put_key_span(struct json_writer *writer, struct span name);

void json_put_text(struct json_writer *writer, const char *text);
void json_put_span(struct json_writer *writer, struct span text);
void json_put_hex(struct json_writer *writer, struct span bytes);
void json_put_base64(struct json_writer *writer, struct span bytes);
void json_put_i64(struct json_writer *writer, int64_t value);
void json_put_u64(struct json_writer *writer, uint64_t value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);

/* json_put_member: a name and its value. */
void json_put_member(struct json_writer *writer, const char *name, const char *text);
void json_put_member_u64(struct json_writer *writer, const char *name, uint64_t value);

/* json_put_time writes RFC 3339 in UTC as a string. */
void json_put_time(struct json_writer *writer, int64_t at);

/* json_put_raw writes bytes that are one JSON value already (json_raw of a parsed text). */
void json_put_raw(struct json_writer *writer, struct span value);

#endif
