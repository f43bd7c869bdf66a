/* store_url.c - see store_url.h.  The rules are those of libpq 15's own reader (PostgreSQL
   manual, 34.1.1): a keyword of a URI may be percent-encoded, a value of a pair quoted. */
#include "proc/store_url.h"

#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "codec/hex.h"

/* Keywords whose value is a secret, those of later versions included. */
static const char *const secrets[] = { "password", "sslpassword", "oauth_client_secret",
                                       "scram_client_key", "scram_server_key" };

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_secret(struct span keyword)
{
    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        if (span_equal_text(keyword, secrets[i]))
            return true;
    }
    return false;
}

static void skip_spaces(struct cursor *in)
{
    uint8_t c;
    while (cur_peek(in, &c) && is_space(c) && cur_skip(in, 1))
        continue;
}

/* Moves over a pair's value, quoted or not.  False when its quote does not end. */
static bool skip_value(struct cursor *in)
{
    uint8_t c;
    bool quoted = cur_peek(in, &c) && c == '\'';
    if (quoted && !cur_skip(in, 1))
        return false;
    while (cur_peek(in, &c)) {
        if (quoted && c == '\'')
            return cur_skip(in, 1);
        if (!quoted && is_space(c))
            return true;
        if (!cur_skip(in, c == '\\' ? 2 : 1))
            return false;
    }
    return !quoted;
}

static bool take_keyword(struct cursor *in, struct span *out)
{
    uint8_t c;
    size_t mark = cur_offset(in);
    while (cur_peek(in, &c) && c != '=' && !is_space(c) && cur_skip(in, 1))
        continue;
    *out = cur_since(in, mark);
    skip_spaces(in);
    bool good = out->len > 0 && cur_u8(in, &c) && c == '=';
    skip_spaces(in);
    return good;
}

static enum store_url kind_of_pairs(struct span text)
{
    struct cursor in = cur_over(text);
    enum store_url kind = STORE_URL_BAD;
    for (skip_spaces(&in); !cur_end(&in); skip_spaces(&in)) {
        struct span keyword;
        if (!take_keyword(&in, &keyword))
            return STORE_URL_BAD;
        /* Whatever follows: that it is a secret is what must be said. */
        if (is_secret(keyword))
            return STORE_URL_SECRET;
        if (!skip_value(&in))
            return STORE_URL_BAD;
        kind = STORE_URL_POSTGRESQL;
    }
    return kind;
}

/* Undoes the percent signs of a keyword.  False when they are none that libpq takes, or the
   keyword is longer than any that it has. */
static bool decode(struct span text, struct sink *out)
{
    struct cursor in = cur_over(text);
    uint8_t c;
    while (cur_u8(&in, &c)) {
        struct span digits;
        if (c == '%' && !(cur_take(&in, 2, &digits) && hex_decode(digits, &c, 1) && c != 0))
            return false;
        sink_u8(out, c);
    }
    return sink_ok(out);
}

/* The part before the next `end`, or all there is; the cursor then stands past that end. */
static struct span take_until(struct cursor *in, uint8_t end)
{
    size_t mark = cur_offset(in);
    uint8_t c;
    while (cur_peek(in, &c) && c != end && cur_skip(in, 1))
        continue;
    struct span part = cur_since(in, mark);
    bool ended = cur_skip(in, 1);
    (void)ended; /* the last part has no end to skip */
    return part;
}

static bool contains(struct span text, uint8_t wanted)
{
    struct cursor in = cur_over(text);
    return take_until(&in, wanted).len < text.len;
}

static enum store_url kind_of_query(struct cursor in)
{
    while (!cur_end(&in)) {
        struct span text = take_until(&in, '&');
        struct cursor pair = cur_over(text);
        char name[32];
        struct sink keyword = sink_over(name, sizeof name);
        struct span left = take_until(&pair, '=');
        /* Where libpq sees the query begin later (a '?' within a host in brackets). */
        for (struct cursor part = cur_over(left); !cur_end(&part);)
            left = take_until(&part, '?');
        if (!contains(text, '=') || !decode(left, &keyword))
            return STORE_URL_BAD;
        if (is_secret(sink_bytes(&keyword)))
            return STORE_URL_SECRET;
    }
    return STORE_URL_POSTGRESQL;
}

/* After the scheme: [USER[:PASSWORD]@][HOST][/DATABASE][?QUERY].  As in libpq, an '@' before
   the first '/' ends the user, and a ':' before that begins a password, also an empty one. */
static enum store_url kind_of_uri(struct cursor in)
{
    struct cursor rest = in;
    struct span authority = take_until(&rest, '/');
    struct cursor user = cur_over(authority);
    struct span name = take_until(&user, '@');
    if (name.len < authority.len) {
        if (contains(name, ':'))
            return STORE_URL_SECRET;
        take_until(&in, '@');
    }
    /* A second '@' is left over from a password that was not percent-encoded. */
    if (contains(take_until(&in, '?'), '@'))
        return STORE_URL_BAD;
    return kind_of_query(in);
}

enum store_url store_url_kind(struct span text)
{
    static const char *const schemes[] = { "postgresql://", "postgres://" };
    if (span_equal_text(text, "sqlite"))
        return STORE_URL_SQLITE;
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        struct cursor in = cur_over(text);
        if (cur_expect(&in, span_text(schemes[i])))
            return kind_of_uri(in);
    }
    return kind_of_pairs(text);
}
