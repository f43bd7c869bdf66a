/* json_parse.c - text to nodes: one pass, no recursion, no allocation of its own.  A node is
   written when its value starts and finished when it ends, so the row is in document order
   and a container's first value is the node right after it. */
#include <string.h>

#include "base/number.h"
#include "codec/json.h"
#include "codec/json_string.h"
#include "codec/key_hash.h"
#include "codec/utf8.h"
#include "codec/word.h"

/* A container that is being read. */
struct frame {
    uint32_t node;
    uint32_t last;   /* its newest value, JSON_NONE before the first */
    uint32_t hashes; /* how many there were when it was opened */
    bool object;
};

struct parser {
    struct span text;
    size_t at;
    struct json_node *nodes;
    size_t capacity, count, nodes_max;
    struct arena *arena; /* where more nodes come from; NULL when they are the caller's */
    unsigned depth, depth_max;
    struct json_error error;
    struct frame frames[JSON_DEPTH_MAX];
    size_t hash_count;
    uint64_t hashes[JSON_MEMBERS_MAX]; /* of the names in the objects that are open */
};

static bool refuse(struct parser *p, size_t offset, const char *what)
{
    p->error = (struct json_error){ offset, what };
    return false;
}

/* The next byte; 0, which no JSON token starts with, at the end. */
static inline uint8_t peek(const struct parser *p)
{
    return p->at < p->text.len ? p->text.at[p->at] : 0;
}

static inline void skip_space(struct parser *p)
{
    struct span text = p->text;
    size_t at = p->at;
    while (
        at < text.len && text.at[at] <= ' ' &&
        (text.at[at] == ' ' || text.at[at] == '\n' || text.at[at] == '\r' || text.at[at] == '\t'))
        at++;
    p->at = at;
}

/* --- strings ---------------------------------------------------------------------------- */

/* Where the first byte stands that is not simply a character of a string: a quote, a
   backslash, a control character or a byte outside ASCII.  Eight bytes a step. */
static size_t plain_run(struct span text, size_t at)
{
    for (; text.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word = word_load(text, at);
        uint64_t special = word_zeros(word ^ EACH_BYTE('"')) | word_zeros(word ^ EACH_BYTE('\\')) |
                           word_zeros(word & EACH_BYTE(0xe0)) | (word & EACH_BYTE(0x80));
        if (special != 0)
            return at + (size_t)__builtin_ctzll(special) / 8;
    }
    while (at < text.len && text.at[at] >= 0x20 && text.at[at] < 0x80 && text.at[at] != '"' &&
           text.at[at] != '\\')
        at++;
    return at;
}

/* Kept out of read_string, which most strings never leave for it. */
__attribute__((noinline)) static bool read_escape(struct parser *p)
{
    struct cursor in = cur_over(span_of(&p->text.at[p->at], p->text.len - p->at));
    uint32_t code_point;
    if (!(cur_skip(&in, 1) && json_escape(&in, &code_point)))
        return refuse(p, p->at, "no such escape, or half a surrogate pair");
    p->at += cur_offset(&in);
    return true;
}

/* Reads a string from its opening to its closing quote. */
static bool read_string(struct parser *p, uint32_t *escaped)
{
    size_t start = p->at;
    *escaped = 0;
    for (p->at++;;) {
        p->at = plain_run(p->text, p->at);
        if (p->at == p->text.len)
            return refuse(p, start, "a string without an end");
        uint8_t c = p->text.at[p->at];
        if (c == '"') {
            p->at++;
            return true;
        }
        if (c == '\\') {
            *escaped = JSON_ESCAPED;
            if (!read_escape(p))
                return false;
            continue;
        }
        size_t len = c < 0x20 ? 0 : utf8_sequence(p->text, p->at);
        if (len == 0)
            return refuse(p, p->at, c < 0x20 ? "a control character in a string" : "not UTF-8");
        p->at += len;
    }
}

/* --- numbers and words ------------------------------------------------------------------ */

static bool read_digits(struct parser *p)
{
    struct span text = p->text;
    size_t at = p->at;
    while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9')
        at++;
    bool some = at > p->at;
    p->at = at;
    return some;
}

/* RFC 8259 section 6: "Leading zeros are not allowed." */
static bool read_number(struct parser *p)
{
    size_t start = p->at;
    if (peek(p) == '-')
        p->at++;
    if (peek(p) == '0')
        p->at++;
    else if (!read_digits(p))
        return refuse(p, start, "not a value");
    if (peek(p) == '.') {
        p->at++;
        if (!read_digits(p))
            return refuse(p, start, "a number without digits after its point");
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->at++;
        if (peek(p) == '+' || peek(p) == '-')
            p->at++;
        if (!read_digits(p))
            return refuse(p, start, "a number without digits in its exponent");
    }
    return true;
}

static bool read_word(struct parser *p, const char *word)
{
    size_t len = strlen(word);
    if (p->text.len - p->at < len || !bytes_equal(&p->text.at[p->at], word, len))
        return refuse(p, p->at, "not a value");
    p->at += len;
    return true;
}

/* --- objects ---------------------------------------------------------------------------- */

/* The hash of a name, unescaped. */
static uint64_t hash_of(struct span raw, bool escaped)
{
    if (!escaped)
        return key_hash(raw);
    struct key_hasher hasher = { 0 };
    struct cursor in = cur_over(raw);
    uint8_t bytes[4];
    for (size_t len; (len = json_piece(&in, bytes)) > 0;)
        for (size_t i = 0; i < len; i++)
            key_hasher_put(&hasher, bytes[i]);
    return key_hasher_end(&hasher);
}

/* Finds the second member whose name has this hash, to point at it. */
static bool refuse_repeated(struct parser *p, uint32_t object, uint64_t hash)
{
    bool seen = false;
    size_t found = p->at;
    for (uint32_t node = object + 1; node != JSON_NONE; node = p->nodes[node].next) {
        uint32_t key = p->nodes[node].key;
        size_t quote = key & ~JSON_ESCAPED;
        if (hash_of(json_inside(p->text, quote), (key & JSON_ESCAPED) != 0) != hash)
            continue;
        found = quote;
        if (seen)
            break;
        seen = true;
    }
    return refuse(p, found, "the name of an earlier member");
}

/* RFC 8259 section 4: "The names within an object SHOULD be unique"; here they must, or what
   was signed could differ from what is read.  Names are told apart by a 64-bit hash alone:
   two names made to collide are refused too, and no search is ever needed. */
static bool check_names(struct parser *p, const struct frame *frame)
{
    size_t count = p->hash_count - frame->hashes;
    uint64_t repeated;
    p->hash_count = frame->hashes;
    if (key_hashes_repeat(&p->hashes[frame->hashes], count, &repeated))
        return refuse_repeated(p, frame->node, repeated);
    return true;
}

static bool read_name(struct parser *p, uint32_t *key)
{
    size_t start = p->at;
    uint32_t escaped;
    if (peek(p) != '"')
        return refuse(p, start, "not the name of a member");
    if (p->hash_count == COUNT_OF(p->hashes))
        return refuse(p, start, "too many members");
    if (!read_string(p, &escaped))
        return false;
    struct span raw = span_of(&p->text.at[start + 1], p->at - start - 2);
    p->hashes[p->hash_count++] = hash_of(raw, escaped != 0);
    *key = (uint32_t)start | escaped;
    skip_space(p);
    if (peek(p) != ':')
        return refuse(p, p->at, "no colon after a name");
    p->at++;
    skip_space(p);
    return true;
}

/* --- values ----------------------------------------------------------------------------- */

/* Twice as many nodes.  The first piece is small against the text and more comes only after
   so many values were read, so no row of brackets buys memory that it did not pay for. */
static bool grow(struct parser *p)
{
    size_t capacity = p->capacity == 0 ? p->text.len / 12 + 16 : 2 * p->capacity;
    if (capacity > p->nodes_max)
        capacity = p->nodes_max;
    if (p->arena == NULL || capacity <= p->count)
        return refuse(p, p->at, "too many values");
    struct json_node *nodes = arena_array(p->arena, capacity, sizeof *nodes);
    if (nodes == NULL)
        return refuse(p, p->at, "out of memory");
    if (p->count > 0)
        memcpy(nodes, p->nodes, p->count * sizeof *nodes);
    p->nodes = nodes;
    p->capacity = capacity;
    return true;
}

/* Starts a node for the value that begins here, and its name when it stands in an object. */
static bool start_node(struct parser *p, uint32_t *out)
{
    struct frame *frame = p->depth > 0 ? &p->frames[p->depth - 1] : NULL;
    uint32_t key = JSON_NONE;
    if (frame != NULL && frame->object && !read_name(p, &key))
        return false;
    if (p->count == p->nodes_max)
        return refuse(p, p->at, "too many values");
    if (p->count == p->capacity && !grow(p))
        return false;
    uint32_t node = (uint32_t)p->count++;
    p->nodes[node] = (struct json_node){ (uint32_t)p->at, 0, key, JSON_NONE };
    if (frame != NULL && frame->last != JSON_NONE)
        p->nodes[frame->last].next = node;
    if (frame != NULL)
        frame->last = node;
    *out = node;
    return true;
}

static bool open_container(struct parser *p, uint32_t node)
{
    if (p->depth == p->depth_max)
        return refuse(p, p->at, "nested too deep");
    bool object = peek(p) == '{';
    p->frames[p->depth++] = (struct frame){ node, JSON_NONE, (uint32_t)p->hash_count, object };
    p->at++;
    skip_space(p);
    return true;
}

static bool close_container(struct parser *p)
{
    const struct frame *frame = &p->frames[p->depth - 1];
    p->at++;
    p->nodes[frame->node].len = (uint32_t)p->at - p->nodes[frame->node].at;
    p->depth--;
    return check_names(p, frame);
}

/* Reads one value that is no container. */
static bool read_scalar(struct parser *p, uint32_t node)
{
    uint32_t escaped = 0;
    bool ok;
    switch (peek(p)) {
    case '"':
        ok = read_string(p, &escaped);
        break;
    case 't':
        ok = read_word(p, "true");
        break;
    case 'f':
        ok = read_word(p, "false");
        break;
    case 'n':
        ok = read_word(p, "null");
        break;
    default:
        ok = read_number(p);
        break;
    }
    if (ok)
        p->nodes[node].len = ((uint32_t)p->at - p->nodes[node].at) | escaped;
    return ok;
}

static uint8_t closing(const struct parser *p)
{
    return p->frames[p->depth - 1].object ? '}' : ']';
}

/* After a value: closes what ends here, and says whether another value must follow. */
static bool after_value(struct parser *p, bool *more)
{
    *more = false;
    while (p->depth > 0) {
        skip_space(p);
        uint8_t c = peek(p);
        if (c == ',') {
            p->at++;
            skip_space(p);
            *more = true;
            return true;
        }
        if (c != closing(p))
            return refuse(p, p->at,
                          p->at == p->text.len ? "the text ends inside a value"
                                               : "neither a comma nor the end of the container");
        if (!close_container(p))
            return false;
    }
    return true;
}

static bool read_text(struct parser *p)
{
    skip_space(p);
    for (bool more = true; more;) {
        uint32_t node;
        if (!start_node(p, &node))
            return false;
        uint8_t c = peek(p);
        if (c == '{' || c == '[') {
            if (!open_container(p, node))
                return false;
            if (peek(p) != closing(p))
                continue;
            if (!close_container(p))
                return false;
        } else if (!read_scalar(p, node)) {
            return false;
        }
        if (!after_value(p, &more))
            return false;
    }
    skip_space(p);
    return p->at == p->text.len || refuse(p, p->at, "bytes after the value");
}

static bool parse(struct parser *p, const struct json_limits *limits, struct json *out,
                  struct json_error *error)
{
    struct json_limits most = limits != NULL ? *limits : (struct json_limits){ 0 };
    p->depth_max = most.depth > 0 && most.depth < JSON_DEPTH_MAX ? most.depth : JSON_DEPTH_MAX;
    if (most.nodes > 0 && most.nodes < p->nodes_max)
        p->nodes_max = most.nodes;
    bool ok = p->text.len <= JSON_TEXT_MAX ? read_text(p) : refuse(p, 0, "too long a text");
    if (ok)
        *out = (struct json){ p->text, p->nodes, p->count };
    else if (error != NULL)
        *error = p->error;
    return ok;
}

bool json_parse_into(struct span text, struct json_node *nodes, size_t capacity,
                     const struct json_limits *limits, struct json *out, struct json_error *error)
{
    struct parser p = { .text = text, .nodes = nodes, .capacity = capacity };
    p.nodes_max = capacity;
    return parse(&p, limits, out, error);
}

bool json_parse(struct span text, struct arena *arena, const struct json_limits *limits,
                struct json *out, struct json_error *error)
{
    struct parser p = { .text = text, .arena = arena };
    p.nodes_max = text.len + 1; /* a value takes a byte at least */
    return parse(&p, limits, out, error);
}
