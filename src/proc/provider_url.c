/* provider_url.c - see provider_url.h. */
#include "proc/provider_url.h"

#include "codec/url.h"

bool provider_url_is_usable(struct span text)
{
    struct cursor in = cur_over(text);
    struct span host, port;
    bool plain = cur_expect(&in, span_text("http://"));
    if (text.len > PROVIDER_URL_MAX || (!plain && !cur_expect(&in, span_text("https://"))) ||
        !url_take_host(&in, &host) || (plain && !url_is_here(host)) || !url_take_port(&in, &port))
        return false;
    struct span path = cur_rest(&in);
    return path.len == 0 ||
           (path.at[0] == '/' && path.at[path.len - 1] != '/' && url_is_plain(path, "/.-_~"));
}
