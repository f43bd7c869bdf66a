/* checkpoint.c - see checkpoint.h. */
#include "merkle/checkpoint.h"

#include "base/cursor.h"
#include "base/decimal.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "model/reason.h"

static const char dash[] = "\xe2\x80\x94 ";

/* Moves over one line; *out is without its newline, which must be there. */
static bool take_line(struct cursor *in, struct span *out)
{
    struct cursor ahead = *in;
    struct span line;
    uint8_t c;
    do {
        if (!cur_u8(&ahead, &c))
            return false;
    } while (c != '\n');
    if (!cur_take(in, cur_offset(&ahead) - cur_offset(in) - 1, &line) || !cur_skip(in, 1))
        return false;
    *out = line;
    return true;
}

/* "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus." */
static bool is_space_or_plus(struct span text, size_t at, size_t len)
{
    static const char *const spaces[] = {
        " ",
        "+",
        "\xc2\x85",     /* U+0085 */
        "\xc2\xa0",     /* U+00A0 */
        "\xe1\x9a\x80", /* U+1680 */
        "\xe2\x80\xa8", /* U+2028 */
        "\xe2\x80\xa9", /* U+2029 */
        "\xe2\x80\xaf", /* U+202F */
        "\xe2\x81\x9f", /* U+205F */
        "\xe3\x80\x80", /* U+3000 */
    };
    struct span c = span_of(&text.at[at], len);
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        if (span_equal_text(c, spaces[i]))
            return true;
    }
    /* U+2000 to U+200A */
    return len == 3 && c.at[0] == 0xe2 && c.at[1] == 0x80 && c.at[2] >= 0x80 && c.at[2] <= 0x8a;
}

bool checkpoint_name_is_legal(struct span name)
{
    if (name.len == 0 || name.len > CHECKPOINT_NAME_MAX)
        return false;
    for (size_t at = 0; at < name.len;) {
        size_t len = utf8_sequence(name, at);
        if (len == 0 || name.at[at] < 0x20 || name.at[at] == 0x7f ||
            is_space_or_plus(name, at, len))
            return false;
        at += len;
    }
    return true;
}

/* "valid UTF-8 and MUST NOT contain any ASCII control characters other than newline" */
static bool is_note_text(struct span note)
{
    for (size_t i = 0; i < note.len; i++) {
        if (note.at[i] < 0x20 && note.at[i] != '\n')
            return false;
    }
    return note.len <= CHECKPOINT_MAX && utf8_valid(note);
}

static bool read_root(struct span line, struct merkle_hash *out)
{
    struct merkle_hash root = { { 0 } };
    struct sink sink = sink_over(root.at, sizeof root.at);
    if (!base64_decode(line, &sink) || sink.len != sizeof root.at)
        return false;
    *out = root;
    return true;
}

static bool read_body(struct cursor *in, struct checkpoint *out)
{
    struct span size;
    struct span root;
    return take_line(in, &out->origin) && out->origin.len > 0 &&
           out->origin.len <= CHECKPOINT_NAME_MAX && take_line(in, &size) &&
           /* "ASCII decimal, with no leading zeroes (unless the tree is empty)" */
           decimal_read(size, MERKLE_SIZE_LIMIT, &out->head.size) && take_line(in, &root) &&
           read_root(root, &out->head.root);
}

/* Up to the empty line, which is moved over. */
static bool read_text(struct cursor *in, struct checkpoint *out)
{
    struct span line;
    if (!read_body(in, out))
        return false;
    size_t mark = cur_offset(in);
    do {
        out->extensions = cur_since(in, mark);
        out->text = cur_since(in, 0);
        if (!take_line(in, &line))
            return false;
    } while (line.len > 0);
    return out->text.len <= CHECKPOINT_TEXT_MAX;
}

rc checkpoint_parse_text(struct span text, struct checkpoint *out, struct trail *trail)
{
    struct checkpoint read = { .text = text };
    struct cursor in = cur_over(text);
    struct span line;
    if (!is_note_text(text) || text.len > CHECKPOINT_TEXT_MAX || !read_body(&in, &read))
        return REFUSE(trail, REASON_AUDIT_HEAD_INVALID);
    read.extensions = cur_rest(&in);
    while (!cur_end(&in)) {
        if (!take_line(&in, &line) || line.len == 0)
            return REFUSE(trail, REASON_AUDIT_HEAD_INVALID);
    }
    *out = read;
    return RC_SUCCESS;
}

/* "base64(32-bit key ID || signature)" */
static bool read_signature(struct span base64, struct checkpoint_signature *out)
{
    uint8_t room[4 + 8192];
    struct sink sink = sink_over(room, sizeof room);
    if (!base64_decode(base64, &sink) || sink.len <= 4)
        return false;
    struct cursor in = cur_over(sink_bytes(&sink));
    if (!cur_u32be(&in, &out->key_id))
        return false;
    out->len = cur_left(&in);
    return out->len > sizeof out->bytes || cur_copy(&in, out->bytes, out->len);
}

static bool read_signature_line(struct cursor *in, struct checkpoint_signature *out)
{
    struct span line;
    if (!take_line(in, &line))
        return false;
    struct cursor rest = cur_over(line);
    if (!cur_expect(&rest, span_text(dash)))
        return false;
    struct span name = cur_rest(&rest);
    size_t len = 0;
    while (len < name.len && name.at[len] != ' ')
        len++;
    return cur_take(&rest, len, &out->name) && checkpoint_name_is_legal(out->name) &&
           cur_skip(&rest, 1) && read_signature(cur_rest(&rest), out);
}

rc checkpoint_parse(struct span note, struct checkpoint *out, struct trail *trail)
{
    struct checkpoint read = { 0 };
    struct cursor in = cur_over(note);
    if (!is_note_text(note) || !read_text(&in, &read))
        return REFUSE(trail, REASON_AUDIT_HEAD_INVALID);
    do {
        if (read.count == CHECKPOINT_SIGNATURES_MAX ||
            !read_signature_line(&in, &read.signatures[read.count++]))
            return REFUSE(trail, REASON_AUDIT_HEAD_INVALID);
    } while (!cur_end(&in));
    *out = read;
    return RC_SUCCESS;
}

void checkpoint_put_text(struct sink *out, struct span origin, const struct merkle_head *head,
                         struct span extensions)
{
    sink_put(out, origin);
    sink_format(out, "\n%llu\n", (unsigned long long)head->size);
    base64_encode(out, SPAN(head->root.at));
    sink_u8(out, '\n');
    sink_put(out, extensions);
}

void checkpoint_end_text(struct sink *out)
{
    sink_u8(out, '\n');
}

void checkpoint_put_signature(struct sink *out, struct span name, uint32_t key_id,
                              struct span signature)
{
    uint8_t room[4 + CHECKPOINT_COSIGNATURE];
    struct sink bytes = sink_over(room, sizeof room);
    sink_u32be(&bytes, key_id);
    sink_put(&bytes, signature);
    if (!sink_ok(&bytes))
        out->full = true;
    sink_text(out, dash);
    sink_put(out, name);
    sink_u8(out, ' ');
    base64_encode(out, sink_bytes(&bytes));
    sink_u8(out, '\n');
}
