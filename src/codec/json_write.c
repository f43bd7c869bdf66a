/* json_write.c - see json_write.h. */
#include "codec/json_write.h"

#include "base/time.h"
#include "codec/base64.h"
#include "codec/utf8.h"

struct json_writer json_write_to(struct sink *out, unsigned indent)
{
    return (struct json_writer){ .out = out, .indent = indent };
}

bool json_write_ok(const struct json_writer *writer)
{
    return writer->done && !writer->bad && writer->depth == 0 && sink_ok(writer->out);
}

/* The bit of the innermost container. */
static uint32_t level_bit(const struct json_writer *writer)
{
    return UINT32_C(1) << (writer->depth - 1);
}

static bool in_object(const struct json_writer *writer)
{
    return writer->depth > 0 && (writer->objects & level_bit(writer)) != 0;
}

static void break_line(struct json_writer *writer)
{
    if (writer->indent == 0)
        return;
    sink_u8(writer->out, '\n');
    for (unsigned i = 0; i < writer->depth * writer->indent; i++)
        sink_u8(writer->out, ' ');
}

/* The comma and the line break before a value of an array or a name of an object. */
static void separate(struct json_writer *writer)
{
    if ((writer->used & level_bit(writer)) != 0)
        sink_u8(writer->out, ',');
    writer->used |= level_bit(writer);
    break_line(writer);
}

/* What stands before every value.  False, with the text marked bad, where none may stand: a
   second value of the text, or one without a name in an object. */
static bool start_value(struct json_writer *writer)
{
    if (writer->done || in_object(writer) != writer->named)
        writer->bad = true;
    if (writer->bad)
        return false;
    if (writer->depth > 0 && !writer->named)
        separate(writer);
    writer->named = false;
    writer->done = writer->depth == 0;
    return true;
}

/* One \uXXXX. */
static void put_unit(struct sink *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    sink_text(out, "\\u");
    for (unsigned shift = 16; shift > 0; shift -= 4)
        sink_u8(out, (uint8_t)digits[unit >> (shift - 4) & 15]);
}

/* What is past U+FFFF is two surrogates (RFC 8259 section 7). */
static void put_code_point(struct sink *out, uint32_t c)
{
    if (c > 0xffff) {
        put_unit(out, 0xd800 + ((c - 0x10000) >> 10));
        c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    put_unit(out, c);
}

static void put_escaped(struct sink *out, uint8_t byte)
{
    switch (byte) {
    case '"':
        sink_text(out, "\\\"");
        return;
    case '\\':
        sink_text(out, "\\\\");
        return;
    case '\n':
        sink_text(out, "\\n");
        return;
    case '\r':
        sink_text(out, "\\r");
        return;
    case '\t':
        sink_text(out, "\\t");
        return;
    default:
        put_unit(out, byte);
        return;
    }
}

static void put_sequence(struct sink *out, struct span sequence)
{
    uint32_t c = utf8_code_point(sequence);
    if (utf8_is_control(c))
        put_code_point(out, c);
    else
        sink_put(out, sequence);
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void put_string(struct sink *out, struct span text)
{
    sink_u8(out, '"');
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && is_plain(text.at[end]))
            end++;
        sink_put(out, span_of(&text.at[at], end - at));
        at = end;
        if (at == text.len)
            break;
        size_t len = utf8_sequence(text, at);
        if (len == 0)
            utf8_put(out, 0xfffd);
        else if (len == 1)
            put_escaped(out, text.at[at]);
        else
            put_sequence(out, span_of(&text.at[at], len));
        at += len == 0 ? 1 : len;
    }
    sink_u8(out, '"');
}

static void begin(struct json_writer *writer, uint8_t bracket, bool object)
{
    if (writer->depth == JSON_WRITE_DEPTH_MAX)
        writer->bad = true;
    if (!start_value(writer))
        return;
    sink_u8(writer->out, bracket);
    writer->done = false;
    writer->depth++;
    writer->used &= ~level_bit(writer);
    writer->objects = (writer->objects & ~level_bit(writer)) | (object ? level_bit(writer) : 0);
}

static void end(struct json_writer *writer, uint8_t bracket, bool object)
{
    if (writer->depth == 0 || writer->named || in_object(writer) != object)
        writer->bad = true;
    if (writer->bad)
        return;
    bool used = (writer->used & level_bit(writer)) != 0;
    writer->depth--;
    if (used)
        break_line(writer);
    sink_u8(writer->out, bracket);
    writer->done = writer->depth == 0;
}

void json_begin_object(struct json_writer *writer)
{
    begin(writer, '{', true);
}

void json_end_object(struct json_writer *writer)
{
    end(writer, '}', true);
}

void json_begin_array(struct json_writer *writer)
{
    begin(writer, '[', false);
}

void json_end_array(struct json_writer *writer)
{
    end(writer, ']', false);
}

void json_put_key_span(struct json_writer *writer, struct span name)
{
    if (!in_object(writer) || writer->named)
        writer->bad = true;
    if (writer->bad)
        return;
    separate(writer);
    put_string(writer->out, name);
    sink_text(writer->out, writer->indent > 0 ? ": " : ":");
    writer->named = true;
}

void json_put_key(struct json_writer *writer, const char *name)
{
    json_put_key_span(writer, span_text(name));
}

void json_put_span(struct json_writer *writer, struct span text)
{
    if (start_value(writer))
        put_string(writer->out, text);
}

void json_put_text(struct json_writer *writer, const char *text)
{
    json_put_span(writer, span_text(text));
}

void json_put_hex(struct json_writer *writer, struct span bytes)
{
    if (!start_value(writer))
        return;
    sink_u8(writer->out, '"');
    sink_hex(writer->out, bytes);
    sink_u8(writer->out, '"');
}

void json_put_base64(struct json_writer *writer, struct span bytes)
{
    if (!start_value(writer))
        return;
    sink_u8(writer->out, '"');
    base64_encode(writer->out, bytes);
    sink_u8(writer->out, '"');
}

void json_put_i64(struct json_writer *writer, int64_t value)
{
    if (start_value(writer))
        sink_format(writer->out, "%lld", (long long)value);
}

void json_put_u64(struct json_writer *writer, uint64_t value)
{
    if (start_value(writer))
        sink_format(writer->out, "%llu", (unsigned long long)value);
}

void json_put_bool(struct json_writer *writer, bool value)
{
    if (start_value(writer))
        sink_text(writer->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *writer)
{
    if (start_value(writer))
        sink_text(writer->out, "null");
}

void json_put_member(struct json_writer *writer, const char *name, const char *text)
{
    json_put_key(writer, name);
    json_put_text(writer, text);
}

void json_put_member_u64(struct json_writer *writer, const char *name, uint64_t value)
{
    json_put_key(writer, name);
    json_put_u64(writer, value);
}

void json_put_time(struct json_writer *writer, int64_t at)
{
    if (!start_value(writer))
        return;
    sink_u8(writer->out, '"');
    time_write(writer->out, at);
    sink_u8(writer->out, '"');
}

void json_put_raw(struct json_writer *writer, struct span value)
{
    if (value.len == 0)
        writer->bad = true;
    if (start_value(writer))
        sink_put(writer->out, value);
}
