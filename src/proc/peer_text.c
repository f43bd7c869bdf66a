/* peer_text.c - see peer_text.h. */
#include "proc/peer_text.h"

#include <string.h>

#include "base/cursor.h"
#include "base/sink.h"
#include "codec/base64.h"

bool setting_name_is_usable(struct span name, size_t room)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];
        bool inner = c == '-' && i > 0 && i + 1 < name.len;
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !inner)
            return false;
    }
    return name.len > 0 && name.len < room;
}

bool peer_name_is_usable(struct span name)
{
    return setting_name_is_usable(name, SETTING_PEER_NAME_MAX);
}

const struct peer_settings *peer_find(const struct settings *settings, struct span name)
{
    for (uint32_t i = 0; i < settings->peer_count; i++) {
        if (span_equal_text(name, settings->peers[i].name))
            return &settings->peers[i];
    }
    return NULL;
}

bool peer_url_read(struct span text, struct websocket_url *out)
{
    return text.len <= PEER_URL_MAX && websocket_url_read(text, out);
}

bool peer_public_read(struct span text, struct url_origin *out)
{
    return text.len <= PEER_URL_MAX && url_origin_read(text, out);
}

static bool read_pin(struct cursor *in, uint8_t out[PEER_PIN])
{
    enum { PIN_TEXT = 44 };
    uint8_t bytes[PEER_PIN];
    struct sink pin = sink_over(bytes, sizeof bytes);
    struct span text;
    if (!cur_expect(in, span_text("sha256/")) || !cur_take(in, PIN_TEXT, &text) ||
        !base64_decode(text, &pin) || pin.len != PEER_PIN)
        return false;
    memcpy(out, bytes, sizeof bytes);
    return true;
}

bool peer_pins_read(struct span text, uint8_t out[PEER_PINS_MAX][PEER_PIN], size_t *count)
{
    struct cursor in = cur_over(text);
    uint8_t pins[PEER_PINS_MAX][PEER_PIN] = { 0 };
    size_t found = 0;
    while (!cur_end(&in)) {
        if (found > 0 && !cur_expect(&in, span_text(", ")))
            return false;
        if (found == PEER_PINS_MAX || !read_pin(&in, pins[found++]))
            return false;
    }
    memcpy(out, pins, sizeof pins);
    *count = found;
    return true;
}
