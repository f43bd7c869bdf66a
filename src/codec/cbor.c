/* cbor.c - see cbor.h. */
#include "codec/cbor.h"

#include "codec/key_hash.h"
#include "codec/utf8.h"

enum {
    INFO_DIRECT = 23,     /* the value itself, up to here */
    INFO_ONE_BYTE = 24,   /* 24..27: 1, 2, 4 or 8 bytes follow */
    INFO_INDEFINITE = 31, /* 28..30 are reserved */
    SIMPLE_FALSE = 20,
    SIMPLE_TRUE = 21,
    SIMPLE_NIL = 22,
    SIMPLE_LATER = 32, /* the first simple value that may be written in two bytes */
    BREAK = 0xff,
};

static bool read_number(struct cursor *in, uint8_t extra, uint64_t *out)
{
    uint64_t value = 0;
    for (uint8_t i = 0; i < extra; i++) {
        uint8_t byte;
        if (!cur_u8(in, &byte))
            return false;
        value = value << 8 | byte;
    }
    *out = value;
    return true;
}

/* RFC 8949 4.2.1: "the shortest form of encoding"; a float has its length as its type. */
static bool is_shortest(const struct cbor_head *head)
{
    if (head->major == CBOR_SIMPLE)
        return head->extra != 1 || head->value >= SIMPLE_LATER;
    switch (head->extra) {
    case 0:
        return true;
    case 1:
        return head->value > INFO_DIRECT;
    case 2:
        return head->value > UINT8_MAX;
    case 4:
        return head->value > UINT16_MAX;
    default:
        return head->value > UINT32_MAX;
    }
}

bool cbor_head(struct cursor *in, struct cbor_head *out)
{
    struct cursor ahead = *in;
    uint8_t first;
    if (!cur_u8(&ahead, &first))
        return false;
    uint8_t info = first & 31;
    struct cbor_head head = { .major = first >> 5 };
    if (info <= INFO_DIRECT) {
        head.value = info;
    } else if (info == INFO_INDEFINITE) {
        head.indefinite = true;
        if (head.major != CBOR_ARRAY && head.major != CBOR_MAP)
            return false;
    } else {
        if (info > INFO_ONE_BYTE + 3)
            return false;
        head.extra = (uint8_t)(1 << (info - INFO_ONE_BYTE));
        if (!read_number(&ahead, head.extra, &head.value) || !is_shortest(&head))
            return false;
    }
    *in = ahead;
    *out = head;
    return true;
}

/* The head of an item that must be of one type and of definite length. */
static bool head_of(struct cursor *in, enum cbor_major major, uint64_t *value)
{
    struct cursor ahead = *in;
    struct cbor_head head;
    if (!cbor_head(&ahead, &head) || head.major != major || head.indefinite)
        return false;
    *in = ahead;
    *value = head.value;
    return true;
}

bool cbor_u64(struct cursor *in, uint64_t *out)
{
    return head_of(in, CBOR_UNSIGNED, out);
}

bool cbor_int(struct cursor *in, int64_t *out)
{
    struct cursor ahead = *in;
    struct cbor_head head;
    if (!cbor_head(&ahead, &head) || head.major > CBOR_NEGATIVE || head.value > INT64_MAX)
        return false;
    *in = ahead;
    *out = head.major == CBOR_NEGATIVE ? -1 - (int64_t)head.value : (int64_t)head.value;
    return true;
}

static bool string_of(struct cursor *in, enum cbor_major major, struct span *out)
{
    struct cursor ahead = *in;
    uint64_t len;
    struct span taken;
    if (!head_of(&ahead, major, &len) || len > cur_left(&ahead) ||
        !cur_take(&ahead, (size_t)len, &taken))
        return false;
    *in = ahead;
    *out = taken;
    return true;
}

bool cbor_bytes(struct cursor *in, struct span *out)
{
    return string_of(in, CBOR_BYTES, out);
}

bool cbor_text(struct cursor *in, struct span *out)
{
    struct cursor ahead = *in;
    struct span text;
    if (!string_of(&ahead, CBOR_TEXT, &text) || !utf8_valid(text))
        return false;
    *in = ahead;
    *out = text;
    return true;
}

static bool simple_of(struct cursor *in, uint64_t *out)
{
    struct cursor ahead = *in;
    struct cbor_head head;
    if (!cbor_head(&ahead, &head) || head.major != CBOR_SIMPLE || head.extra > 1)
        return false;
    *in = ahead;
    *out = head.value;
    return true;
}

bool cbor_bool(struct cursor *in, bool *out)
{
    struct cursor ahead = *in;
    uint64_t value;
    if (!simple_of(&ahead, &value) || (value != SIMPLE_FALSE && value != SIMPLE_TRUE))
        return false;
    *in = ahead;
    *out = value == SIMPLE_TRUE;
    return true;
}

bool cbor_nil(struct cursor *in)
{
    struct cursor ahead = *in;
    uint64_t value;
    if (!simple_of(&ahead, &value) || value != SIMPLE_NIL)
        return false;
    *in = ahead;
    return true;
}

bool cbor_is_nil(const struct cursor *in)
{
    struct cursor ahead = *in;
    return cbor_nil(&ahead);
}

bool cbor_tag(struct cursor *in, uint64_t tag)
{
    struct cursor ahead = *in;
    uint64_t value;
    if (!head_of(&ahead, CBOR_TAG, &value) || value != tag)
        return false;
    *in = ahead;
    return true;
}

bool cbor_array(struct cursor *in, size_t *count)
{
    struct cursor ahead = *in;
    uint64_t items;
    /* Every item takes a byte at least. */
    if (!head_of(&ahead, CBOR_ARRAY, &items) || items > cur_left(&ahead))
        return false;
    *in = ahead;
    *count = (size_t)items;
    return true;
}

bool cbor_map_open(struct cursor *in, bool allow_indefinite, struct cbor_map *out)
{
    struct cursor ahead = *in;
    struct cbor_head head;
    if (!cbor_head(&ahead, &head) || head.major != CBOR_MAP ||
        (head.indefinite && !allow_indefinite) || head.value > cur_left(&ahead) / 2)
        return false;
    *in = ahead;
    *out = (struct cbor_map){ .left = (size_t)head.value, .indefinite = head.indefinite };
    return true;
}

static bool take_break(struct cursor *in)
{
    static const uint8_t code[] = { BREAK };
    return cur_expect(in, SPAN(code));
}

bool cbor_map_next(struct cursor *in, struct cbor_map *map, bool *more)
{
    bool ended = map->indefinite ? take_break(in) : map->left == 0;
    if (!ended && cur_end(in))
        return false;
    *more = !ended;
    if (ended) {
        *map = (struct cbor_map){ .read = map->read };
        return true;
    }
    map->read++;
    if (!map->indefinite)
        map->left--;
    return true;
}

/* --- walking over an item --------------------------------------------------------------- */

/* A container whose items are being walked over. */
struct level {
    uint64_t left; /* items still to come, of a definite one */
    bool indefinite;
    bool pairs; /* an indefinite map: the break comes after a value */
    bool half;  /* ... and its last item was a key */
};

/* What comes after the head of a container. */
static bool enter(const struct cursor *in, const struct cbor_head *head, struct level *out)
{
    bool map = head->major == CBOR_MAP;
    if (head->value > cur_left(in) / (map ? 2 : 1))
        return false;
    *out = (struct level){ map ? 2 * head->value : head->value, head->indefinite,
                           map && head->indefinite, false };
    return true;
}

/* Reads the next head, and the bytes of a string with it. */
static bool step(struct cursor *in, struct cbor_head *head)
{
    struct span string;
    if (!cbor_head(in, head) || head->major == CBOR_TAG)
        return false;
    if (head->major != CBOR_BYTES && head->major != CBOR_TEXT)
        return true;
    return head->value <= cur_left(in) && cur_take(in, (size_t)head->value, &string) &&
           (head->major == CBOR_BYTES || utf8_valid(string));
}

static bool is_container(const struct cbor_head *head)
{
    return head->major == CBOR_ARRAY || head->major == CBOR_MAP;
}

bool cbor_skip(struct cursor *in, unsigned depth_left)
{
    struct level levels[CBOR_DEPTH_MAX + 1];
    struct cursor ahead = *in;
    unsigned most = depth_left < CBOR_DEPTH_MAX ? depth_left : CBOR_DEPTH_MAX;
    unsigned depth = 0;
    levels[0] = (struct level){ .left = 1 };
    for (;;) {
        struct level *level = &levels[depth];
        bool ended = level->indefinite ? take_break(&ahead) : level->left == 0;
        if (ended && level->half)
            return false;
        if (ended && depth == 0)
            break;
        if (ended) {
            depth--;
            continue;
        }
        struct cbor_head head;
        if (!step(&ahead, &head))
            return false;
        level->left -= level->indefinite ? 0 : 1;
        level->half = level->pairs && !level->half;
        if (is_container(&head) && (depth == most || !enter(&ahead, &head, &levels[++depth])))
            return false;
    }
    *in = ahead;
    return true;
}

bool cbor_keys_unique(const struct cursor *at_map, unsigned depth_left)
{
    struct cursor in = *at_map;
    struct cbor_map map;
    uint64_t hashes[CBOR_KEYS_MAX];
    size_t count = 0;
    if (depth_left == 0 || !cbor_map_open(&in, true, &map))
        return false;
    for (;;) {
        bool more;
        if (!cbor_map_next(&in, &map, &more))
            return false;
        if (!more)
            break;
        size_t start = cur_offset(&in);
        if (count == CBOR_KEYS_MAX || !cbor_skip(&in, depth_left - 1))
            return false;
        hashes[count++] = key_hash(cur_since(&in, start));
        if (!cbor_skip(&in, depth_left - 1))
            return false;
    }
    uint64_t repeated;
    return !key_hashes_repeat(hashes, count, &repeated);
}
