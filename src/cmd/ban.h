/* ban.h - what `ward ban list`, `add` and `lift` have in common. */
#ifndef WARD_CMD_BAN_H
#define WARD_CMD_BAN_H

#include "cmd/command.h"
#include "model/api.h"

/* One line each, on stdout. */
void ban_print_head(void);
void ban_print(const struct api_ban *ban);

/* ban_read_number reads a plain decimal number below 2^32. */
MUST_USE
bool ban_read_number(const char *text, uint64_t *out);

/* ban_peer_is_one: the text is an address, or a /64 of IPv6.  False: it has said so.  What is one
   has no character that JSON would write in another way. */
MUST_USE
bool ban_peer_is_one(const struct invocation *in, const char *text);

#endif
