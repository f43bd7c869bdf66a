/* client_hello.c - see client_hello.h. */
#include "codec/client_hello.h"

#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "codec/host_name.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_MAX = 1 << 14, /* RFC 8446 5.1 */
    MAJOR = 3,
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_SERVER_HELLO = 2,
    MESSAGE_HEAD = 4,
    RANDOM = 32,
    SESSION_ID = 32,
    EXTENSION_SERVER_NAME = 0,
    NAME_OF_HOST = 0,
};

/* encrypted_client_hello, and what it and the encrypted server name before it had in drafts. */
static bool hides_a_name(uint16_t extension)
{
    return extension == 0xfe0d || (extension >= 0xfe08 && extension <= 0xfe0c) ||
           extension == 0xff02 || extension == 0xff03 || extension == 0xffce;
}

static bool sub_u8(struct cursor *in, struct cursor *out)
{
    uint8_t len;
    return cur_u8(in, &len) && cur_sub(in, len, out);
}

static bool sub_u16(struct cursor *in, struct cursor *out)
{
    uint16_t len;
    return cur_u16be(in, &len) && cur_sub(in, len, out);
}

/* RFC 6066 3: one name of a host, and there is no other type of name. */
static bool read_server_name(struct cursor *in, struct span *out)
{
    struct cursor list, name;
    uint8_t type;
    if (!sub_u16(in, &list) || !cur_end(in) || !cur_u8(&list, &type) || type != NAME_OF_HOST ||
        !sub_u16(&list, &name) || !cur_end(&list) || !host_is_name(cur_rest(&name)))
        return false;
    *out = cur_rest(&name);
    return true;
}

static bool read_extensions(struct cursor *in, struct client_hello *out)
{
    uint64_t met[(UINT16_MAX + 1) / 64] = { 0 };
    while (!cur_end(in)) {
        struct cursor data;
        uint16_t type;
        if (!cur_u16be(in, &type) || !sub_u16(in, &data))
            return false;
        /* RFC 8446 4.2: "There MUST NOT be more than one extension of the same type" */
        if ((met[type / 64] >> (type % 64) & 1) != 0)
            return false;
        met[type / 64] |= UINT64_C(1) << (type % 64);
        if (type == EXTENSION_SERVER_NAME && !read_server_name(&data, &out->name))
            return false;
        out->is_encrypted = out->is_encrypted || hides_a_name(type);
    }
    return true;
}

/* The message without its head (RFC 8446 4.1.2).  Versions before 1.2 may have no extensions. */
static bool read_message(struct span message, struct client_hello *out)
{
    struct cursor in = cur_over(message), session, ciphers, compressions, extensions;
    struct client_hello hello = { 0 };
    uint8_t major, minor;
    if (!cur_u8(&in, &major) || major != MAJOR || !cur_u8(&in, &minor) || !cur_skip(&in, RANDOM) ||
        !sub_u8(&in, &session) || cur_left(&session) > SESSION_ID || !sub_u16(&in, &ciphers) ||
        cur_end(&ciphers) || cur_left(&ciphers) % 2 != 0 || !sub_u8(&in, &compressions) ||
        cur_end(&compressions))
        return false;
    if (!cur_end(&in) &&
        (!sub_u16(&in, &extensions) || !cur_end(&in) || !read_extensions(&extensions, &hello)))
        return false;
    *out = hello;
    return true;
}

/* The next record's bytes, as many of them as have come: *missing is how many have not. */
static enum hello_reading next_record(struct cursor *in, struct span *out, size_t *missing)
{
    uint8_t type, major, minor;
    uint16_t len;
    if (!cur_u8(in, &type))
        return HELLO_MORE;
    if (type != RECORD_HANDSHAKE)
        return HELLO_MALFORMED;
    if (!cur_u8(in, &major))
        return HELLO_MORE;
    if (major != MAJOR)
        return HELLO_MALFORMED;
    if (!cur_u8(in, &minor) || !cur_u16be(in, &len))
        return HELLO_MORE;
    if (len == 0 || len > RECORD_MAX)
        return HELLO_MALFORMED;
    size_t here = cur_left(in) < len ? cur_left(in) : len;
    *missing = len - here;
    return cur_take(in, here, out) ? HELLO_READ : HELLO_MALFORMED;
}

/* What is known of the message while its records are gone through. */
struct gathering {
    struct sink bytes; /* all of it, when it is to be put together */
    uint8_t head[MESSAGE_HEAD];
    size_t len;   /* bytes of the message so far */
    size_t whole; /* bytes that it has, its head included; 0: not known yet */
    size_t taken; /* bytes of the stream, when it is whole */
};

static bool read_head(struct gathering *all, struct span record)
{
    for (size_t i = 0; i < record.len && all->len + i < MESSAGE_HEAD; i++)
        all->head[all->len + i] = record.at[i];
    all->len += record.len;
    if (all->len > 0 && all->head[0] != MESSAGE_CLIENT_HELLO)
        return false;
    if (all->len < MESSAGE_HEAD)
        return true;
    all->whole = MESSAGE_HEAD +
                 ((size_t)all->head[1] << 16 | (size_t)all->head[2] << 8 | all->head[3]);
    return all->whole <= CLIENT_HELLO_MAX;
}

/* Goes through the records until the message is whole.  It ends with its record: RFC 8446 5.1
   lets no other message follow in the same one before the keys change. */
static enum hello_reading gather(struct span stream, struct gathering *all, struct span *first)
{
    struct cursor in = cur_over(stream);
    for (bool is_first = true;; is_first = false) {
        size_t missing = 0;
        struct span record;
        enum hello_reading reading = next_record(&in, &record, &missing);
        if (reading != HELLO_READ)
            return reading;
        if (is_first)
            *first = record;
        if (!read_head(all, record))
            return HELLO_MALFORMED;
        if (all->bytes.at != NULL)
            sink_put(&all->bytes, record);
        if (all->whole != 0 && all->len + missing > all->whole)
            return HELLO_MALFORMED;
        if (missing > 0)
            return HELLO_MORE;
        if (all->whole != 0 && all->len == all->whole) {
            all->taken = cur_offset(&in);
            return HELLO_READ;
        }
    }
}

enum hello_reading client_hello_read(struct span stream, uint8_t room[CLIENT_HELLO_MAX],
                                     struct client_hello *out)
{
    struct gathering all = { 0 }, copy = { .bytes = sink_over(room, CLIENT_HELLO_MAX) };
    struct span message = { 0 };
    if (stream.len > 0 && stream.at[0] != RECORD_HANDSHAKE)
        return HELLO_OTHER;
    if (stream.len > 1 && stream.at[1] != MAJOR)
        return HELLO_OTHER;
    enum hello_reading reading = gather(stream, &all, &message);
    if (reading == HELLO_MORE)
        return stream.len >= CLIENT_HELLO_STREAM_MAX ? HELLO_MALFORMED : HELLO_MORE;
    if (reading != HELLO_READ)
        return reading;
    /* In several records: put together only now that all of it is there, so that a stream that
       comes byte by byte is not copied for each. */
    if (message.len != all.whole) {
        if (gather(stream, &copy, &message) != HELLO_READ || !sink_ok(&copy.bytes))
            return HELLO_MALFORMED;
        message = sink_bytes(&copy.bytes);
    }
    struct cursor body = cur_over(message);
    if (!cur_skip(&body, MESSAGE_HEAD) || !read_message(cur_rest(&body), out))
        return HELLO_MALFORMED;
    out->len = all.taken;
    return HELLO_READ;
}

enum server_reading server_hello_read(struct span stream)
{
    /* RFC 8446 4.1.3: the random of a ServerHello that is a HelloRetryRequest. */
    static const uint8_t again[RANDOM] = {
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
        0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
        0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    };
    struct cursor in = cur_over(stream);
    struct span random;
    uint8_t type, message;
    uint16_t len;
    if (cur_u8(&in, &type) && type != RECORD_HANDSHAKE)
        return SERVER_OTHER;
    if (stream.len < SERVER_HELLO_HEAD)
        return SERVER_MORE;
    if (!cur_skip(&in, 2) || !cur_u16be(&in, &len) || len < MESSAGE_HEAD + 2 + RANDOM ||
        !cur_u8(&in, &message) || !cur_skip(&in, MESSAGE_HEAD - 1 + 2) ||
        !cur_take(&in, RANDOM, &random))
        return SERVER_MALFORMED;
    return message == MESSAGE_SERVER_HELLO && span_equal(random, SPAN(again)) ? SERVER_AGAIN
                                                                              : SERVER_OTHER;
}
