/* peer_text.h - the [peers.NAME] of ward.toml, by name, and what their texts mean: where a peer is,
   and by which keys it is known.  Looks nothing up. */
#ifndef WARD_PROC_PEER_TEXT_H
#define WARD_PROC_PEER_TEXT_H

#include "base/result.h"
#include "base/span.h"
#include "codec/url.h"
#include "proc/settings.h"

enum {
    PEER_URL_MAX = SETTING_TEXT_MAX - 1,
    PEER_PIN = 32,     /* SHA-256 of a SubjectPublicKeyInfo */
    PEER_PINS_MAX = 8, /* of one peer: the key of today, and those of tomorrow */
};

/* setting_name_is_usable: a-z, 0-9 and inner hyphens, 1 to room - 1 of them; peer_name_is_usable:
   with the room of a peer's. */
bool setting_name_is_usable(struct span name, size_t room);
bool peer_name_is_usable(struct span name);

/* peer_find: the peer of that name; NULL when there is none. */
const struct peer_settings *peer_find(const struct settings *settings, struct span name);

/* peer_url_read is websocket_url_read of no more than PEER_URL_MAX, peer_public_read is
   url_origin_read of that. */
MUST_USE
bool peer_url_read(struct span text, struct websocket_url *out);
MUST_USE
bool peer_public_read(struct span text, struct url_origin *out);

/* peer_pins_read takes "sha256/BASE64" as RFC 7469 has it, commas between them; none where the text
   is empty. */
MUST_USE
bool peer_pins_read(struct span text, uint8_t out[PEER_PINS_MAX][PEER_PIN], size_t *count);

#endif
