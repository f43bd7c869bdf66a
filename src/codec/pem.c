/* pem.c - see pem.h. */
#include "codec/pem.h"

#include <string.h>

#include "codec/base64.h"

enum { LINE_MIN_LEN = 64, LINE_MAX_LEN = 76, LINE_WRITTEN = 64 };

static const char begin_text[] = "-----BEGIN ";
static const char end_text[] = "-----END ";
static const char dashes[] = "-----";

static void skip_white(struct cursor *in)
{
    struct span rest = cur_rest(in);
    size_t len = 0;
    while (len < rest.len && (rest.at[len] == ' ' || rest.at[len] == '\t' || rest.at[len] == '\r' ||
                              rest.at[len] == '\n'))
        len++;
    if (!cur_skip(in, len))
        return;
}

/* The next line without its LF or CRLF; the last line may have neither. */
static bool read_line(struct cursor *in, struct span *line)
{
    struct span rest = cur_rest(in);
    if (rest.len == 0)
        return false;
    const uint8_t *feed = memchr(rest.at, '\n', rest.len);
    size_t len = feed != NULL ? (size_t)(feed - rest.at) : rest.len;
    if (!cur_take(in, len, line))
        return false;
    if (feed == NULL)
        return true;
    if (len > 0 && line->at[len - 1] == '\r')
        line->len--;
    return cur_skip(in, 1);
}

/* label = [ labelchar *( ["-" / SP] labelchar ) ] (RFC 7468 3); an empty one is refused,
   since nothing is named by it. */
static bool label_is_good(struct span label)
{
    bool letter = false;
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.at[i];
        bool gap = c == ' ' || c == '-';
        if (c < 0x20 || c > 0x7e || (gap && !letter))
            return false;
        letter = !gap;
    }
    return letter;
}

static bool read_begin(struct cursor *in, struct span *label)
{
    struct span line;
    if (!read_line(in, &line) || line.len < sizeof begin_text - 1 + sizeof dashes - 1)
        return false;
    struct cursor inner = cur_over(line);
    struct span name;
    if (!(cur_expect(&inner, span_text(begin_text)) &&
          cur_take(&inner, cur_left(&inner) - (sizeof dashes - 1), &name) &&
          cur_expect(&inner, span_text(dashes)) && label_is_good(name)))
        return false;
    *label = name;
    return true;
}

/* The lines of base64 up to the one that opens with a dash, which is left unread.  All
   lines but the last are of one width, not narrower than the RFC's, and hold no padding: a
   text of very short lines would cost several times a common one of its length. */
static bool read_body(struct cursor *in, struct sink *der)
{
    struct span line;
    struct span held = { 0 };
    size_t width = 0;
    for (;;) {
        struct cursor ahead = *in;
        if (!read_line(&ahead, &line) || line.len == 0)
            return false;
        if (line.at[0] == '-')
            return held.len > 0 && base64_decode(held, der);
        if (held.len == 0)
            width = line.len;
        else if (held.len != width || width < LINE_MIN_LEN || held.at[width - 1] == '=' ||
                 !base64_decode(held, der))
            return false;
        if (line.len > width || line.len > LINE_MAX_LEN)
            return false;
        held = line;
        *in = ahead;
    }
}

/* The closing line.  What follows it on the same line may only be white space. */
static bool read_end(struct cursor *in, struct span label)
{
    uint8_t c;
    if (!(cur_expect(in, span_text(end_text)) && cur_expect(in, label) &&
          cur_expect(in, span_text(dashes))))
        return false;
    return !cur_peek(in, &c) || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool pem_next(struct cursor *in, struct span *label, struct sink *der)
{
    struct cursor ahead = *in;
    struct span name;
    size_t mark = der->len;
    skip_white(&ahead);
    if (!(read_begin(&ahead, &name) && read_body(&ahead, der) && read_end(&ahead, name))) {
        sink_cut(der, mark);
        return false;
    }
    skip_white(&ahead);
    *label = name;
    *in = ahead;
    return true;
}

bool pem_like(struct span bytes)
{
    struct cursor in = cur_over(bytes);
    skip_white(&in);
    return cur_expect(&in, span_text(begin_text));
}

void pem_write(struct sink *out, const char *label, struct span der)
{
    enum { BYTES_A_LINE = LINE_WRITTEN / 4 * 3 };
    struct cursor in = cur_over(der);
    struct span line;
    sink_format(out, "%s%s%s\n", begin_text, label, dashes);
    while (cur_take(&in, cur_left(&in) < BYTES_A_LINE ? cur_left(&in) : BYTES_A_LINE, &line) &&
           line.len > 0) {
        base64_encode(out, line);
        sink_u8(out, '\n');
    }
    sink_format(out, "%s%s%s\n", end_text, label, dashes);
}
