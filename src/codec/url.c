/* url.c - see url.h. */
#include "codec/url.h"

#include <string.h>

#include "base/decimal.h"

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool url_is_plain(struct span text, const char *others)
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

static bool is_port(struct span text)
{
    uint64_t port;
    return decimal_read(text, UINT16_MAX, &port) && port > 0;
}

bool url_take_host(struct cursor *in, struct span *out)
{
    size_t mark = cur_offset(in);
    uint8_t c;
    if (!cur_peek(in, &c) || c != '[') {
        *out = until(in, ":/");
        return url_is_plain(*out, ".-");
    }
    if (!cur_skip(in, 1) || !url_is_plain(until(in, "]"), ":.") || !cur_skip(in, 1))
        return false;
    *out = cur_since(in, mark);
    return true;
}

bool url_take_port(struct cursor *in, struct span *out)
{
    uint8_t c;
    *out = (struct span){ 0 };
    if (!cur_peek(in, &c) || c != ':')
        return true;
    if (!cur_skip(in, 1))
        return false;
    *out = until(in, "/");
    return is_port(*out);
}

bool url_is_here(struct span host)
{
    return span_equal_text(host, "127.0.0.1") || span_equal_text(host, "[::1]") ||
           span_equal_text(host, "localhost");
}

static bool copy_text(struct span text, char *out, size_t cap)
{
    if (text.len >= cap)
        return false;
    memcpy(out, text.at, text.len);
    out[text.len] = 0;
    return true;
}

/* The brackets of an IPv6 address are the text's, not the host's. */
static struct span bare(struct span host)
{
    return host.at[0] == '[' ? span_of(host.at + 1, host.len - 2) : host;
}

/* What follows the scheme, as far as the path. */
static bool take_origin(struct cursor *in, bool tls, struct url_origin *out)
{
    struct url_origin origin = { .tls = tls };
    struct span host, port;
    size_t mark = cur_offset(in);
    if (!url_take_host(in, &host) || !url_take_port(in, &port))
        return false;
    origin.authority = cur_since(in, mark);
    origin.is_here = url_is_here(host);
    if (port.len == 0)
        port = span_text(tls ? "443" : "80");
    if (!copy_text(bare(host), origin.host, sizeof origin.host) ||
        !copy_text(port, origin.port, sizeof origin.port))
        return false;
    *out = origin;
    return true;
}

bool url_origin_read(struct span text, struct url_origin *out)
{
    struct cursor in = cur_over(text);
    struct url_origin origin;
    bool tls = cur_expect(&in, span_text("https://"));
    if ((!tls && !cur_expect(&in, span_text("http://"))) || !take_origin(&in, tls, &origin) ||
        !cur_end(&in))
        return false;
    *out = origin;
    return true;
}

bool websocket_url_read(struct span text, struct websocket_url *out)
{
    struct cursor in = cur_over(text);
    struct websocket_url url = { 0 };
    bool tls = cur_expect(&in, span_text("wss://"));
    if ((!tls && !cur_expect(&in, span_text("ws://"))) || !take_origin(&in, tls, &url.origin))
        return false;
    url.target = cur_rest(&in);
    if (url.target.len == 0)
        url.target = span_text("/");
    if (url.target.at[0] != '/' || !url_is_plain(url.target, "/.-_~"))
        return false;
    *out = url;
    return true;
}
