/* provider_url.c - see provider_url.h. */
#include "proc/provider_url.h"

#include <string.h>

#include "base/cursor.h"

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_in(struct span text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_word(text.at[i]) && (text.at[i] == 0 || strchr(others, text.at[i]) == NULL))
            return false;
    }
    return text.len > 0;
}

static struct span until(struct cursor *in, const char *stops)
{
    size_t mark = cur_offset(in);
    uint8_t c;
    while (cur_peek(in, &c) && (c == 0 || strchr(stops, c) == NULL) && cur_skip(in, 1))
        continue;
    return cur_since(in, mark);
}

/* Digits of a port that there is. */
static bool is_port(struct span text)
{
    unsigned long port = 0;
    for (size_t i = 0; i < text.len && i < 5; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        port = 10 * port + (unsigned long)(text.at[i] - '0');
    }
    return text.len > 0 && text.len <= 5 && port > 0 && port <= UINT16_MAX;
}

/* The host, an IPv6 address in its brackets. */
static bool take_host(struct cursor *in, struct span *out)
{
    size_t mark = cur_offset(in);
    uint8_t c;
    if (!cur_peek(in, &c) || c != '[') {
        *out = until(in, ":/");
        return is_in(*out, ".-");
    }
    if (!cur_skip(in, 1) || !is_in(until(in, "]"), ":.") || !cur_skip(in, 1))
        return false;
    *out = cur_since(in, mark);
    return true;
}

bool provider_url_is_usable(struct span text)
{
    struct cursor in = cur_over(text);
    struct span host;
    uint8_t c;
    bool plain = cur_expect(&in, span_text("http://"));
    if (text.len > PROVIDER_URL_MAX || (!plain && !cur_expect(&in, span_text("https://"))) ||
        !take_host(&in, &host))
        return false;
    if (plain && !span_equal_text(host, "127.0.0.1") && !span_equal_text(host, "[::1]") &&
        !span_equal_text(host, "localhost"))
        return false;
    if (cur_peek(&in, &c) && c == ':' && (!cur_skip(&in, 1) || !is_port(until(&in, "/"))))
        return false;
    struct span path = cur_rest(&in);
    return path.len == 0 ||
           (path.at[0] == '/' && path.at[path.len - 1] != '/' && is_in(path, "/.-_~"));
}
