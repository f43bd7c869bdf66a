/* collateral_mirrors.c - see collateral_mirrors.h. */
#include "cmd/collateral_mirrors.h"

#include <string.h>

#include "attest/pcs.h"
#include "base/sink.h"
#include "cmd/secret_source.h"

const char *url_without_password(struct arena *arena, const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme == NULL ? url : scheme + 3;
    size_t authority = strcspn(host, "/?#");
    size_t skip = 0;
    for (size_t i = 0; i < authority; i++)
        if (host[i] == '@')
            skip = i + 1;
    size_t len = strlen(url);
    char *out = arena_alloc(arena, len + 1);
    if (out == NULL)
        return "the mirror";
    struct sink text = sink_over(out, len + 1);
    sink_put(&text, span_of(url, (size_t)(host - url)));
    sink_text(&text, host + skip);
    sink_terminate(&text);
    return out;
}

/* NAME:PASSWORD@ before a host somewhere in the list.  A scheme may be missing. */
static bool has_password(const char *list)
{
    while (*list != 0) {
        size_t one = strcspn(list, ",");
        const char *scheme = memmem(list, one, "://", 3);
        const char *host = scheme != NULL ? scheme + 3 : list;
        size_t len = strcspn(host, "/?#,");
        const char *end = memrchr(host, '@', len);
        if (end != NULL && memchr(host, ':', (size_t)(end - host)) != NULL)
            return true;
        list += one + (list[one] == ',' ? 1 : 0);
    }
    return false;
}

/* An option's URLs: as they stand, or from the place where they are when a password is in them. */
static bool read_urls(struct invocation *in, size_t option, const char **out)
{
    const char *text = in->values[option];
    *out = text;
    if (text == NULL)
        return true;
    if (!secret_source_named(text)) {
        if (!has_password(text))
            return true;
        say("collateral fetch: %s has a password in it, which everybody could read in ps(1): write "
            "the URL into a file and give @FILE, or -, credential:NAME, env-file:FILE:NAME",
            in->command->options[option].name);
        return false;
    }
    char *line = arena_alloc(&in->arena, SECRET_LINE + 2);
    ssize_t len = line != NULL ? secret_source_read(in, text, line) : -1;
    if (len < 0)
        return false;
    line[len] = 0;
    *out = line;
    return true;
}

bool mirrors_read(struct invocation *in, size_t mirror_option, size_t proxy_option,
                  struct mirrors *out)
{
    const char *list;
    if (!read_urls(in, mirror_option, &list) || !read_urls(in, proxy_option, &out->proxy))
        return false;
    out->at[0] = PCS_INTEL;
    out->count = 1;
    if (list == NULL)
        return true;
    out->count = 0;
    while (true) {
        size_t len = strcspn(list, ",");
        size_t trimmed = len;
        while (trimmed > 0 && list[trimmed - 1] == '/')
            trimmed--;
        char *copy = arena_alloc(&in->arena, trimmed + 1);
        if (trimmed == 0 || trimmed >= URL_MAX || out->count == MIRRORS_MAX || copy == NULL) {
            say("collateral fetch: --mirror is 1 to %d URLs of at most %d bytes with commas "
                "between",
                MIRRORS_MAX, URL_MAX);
            return false;
        }
        memcpy(copy, list, trimmed);
        out->at[out->count++] = copy;
        if (list[len] == 0)
            return true;
        list += len + 1;
    }
}
