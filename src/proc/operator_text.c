/* operator_text.c - see operator_text.h. */
#include "proc/operator_text.h"

#include "base/cursor.h"
#include "codec/host_name.h"

/* RFC 3986 2: what a URI may consist of, but commas; and a scheme with something behind it. */
static bool is_uri(struct span text)
{
    static const char others[] = "-._~:/?#[]@!$&'()*+;=%";
    size_t scheme = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool small = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool other = false;
        for (size_t k = 0; k + 1 < sizeof others; k++)
            other |= c == (uint8_t)others[k];
        if (!small && !other)
            return false;
        if (c == ':' && scheme == 0)
            scheme = i;
    }
    return scheme > 0 && scheme + 1 < text.len;
}

static bool read_one(struct span text, struct operator* out)
{
    struct cursor in = cur_over(text);
    struct operator one = { .whole = text };
    if (text.len > OPERATOR_NAME_MAX)
        return false;
    one.is_uri = cur_expect(&in, span_text("uri:"));
    if (!one.is_uri && !cur_expect(&in, span_text("dns:")))
        return false;
    one.name = cur_rest(&in);
    if (one.is_uri ? !is_uri(one.name) : !host_is_name(one.name))
        return false;
    *out = one;
    return true;
}

static struct span trim(struct span text)
{
    while (text.len > 0 && text.at[0] == ' ')
        text = span_of(text.at + 1, text.len - 1);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    return text;
}

bool operators_have(const struct operators *operators, struct span whole)
{
    for (size_t i = 0; i < operators->count; i++) {
        if (span_equal(operators->at[i].whole, whole))
            return true;
    }
    return false;
}

bool operators_read(struct span text, struct operators *out)
{
    struct operators operators = { 0 };
    struct cursor in = cur_over(text);
    uint8_t c = ',';
    while (text.len > 0 && c == ',') {
        size_t mark = cur_offset(&in);
        while (cur_peek(&in, &c) && c != ',')
            (void)!cur_skip(&in, 1);
        struct span one = trim(cur_since(&in, mark));
        if (operators.count == OPERATORS_MAX || operators_have(&operators, one) ||
            !read_one(one, &operators.at[operators.count]))
            return false;
        operators.count++;
        if (!cur_u8(&in, &c))
            c = 0;
    }
    *out = operators;
    return true;
}
