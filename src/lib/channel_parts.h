/* channel_parts.h - what the files of the channel's face share. */
#ifndef WARD_LIB_CHANNEL_PARTS_H
#define WARD_LIB_CHANNEL_PARTS_H

#include "channel/attested.h"
#include "lib/objects.h"
#include "net/wire.h"
#include "ward/channel.h"

/* Over, or open: there is no third while somebody holds one. */
struct ward_channel {
    struct arena memory;
    struct attested attested;
    struct bulk *bulk;
    struct wire wire;
    struct sink out; /* of records */
    bool over;
    bool told;                 /* the peer has said that no more follows */
    enum ward_outcome outcome; /* when it is over */
    enum reason reason, about;
};

/* channel_over ends it, whatever it was doing, and says why; the first reason stays. */
enum ward_outcome channel_over(struct ward_channel *channel, enum ward_outcome outcome,
                               enum reason reason, enum reason about, struct ward_error *error);

/* channel_shake makes a channel over a descriptor, which is taken: shakes hands as `role`, with
   what the setup says.  `to` is where a WebSocket is asked for, or answered. */
struct channel_place {
    int descriptor;
    enum wire_framing framing;
    struct span authority, target;
    const struct tls_expectation *tls; /* NULL: in the clear */
    int64_t deadline_ms;
};
MUST_USE
enum ward_outcome channel_shake(const struct ward_channel_setup *setup, enum attested_role role,
                                const struct channel_place *place, struct ward_channel **out,
                                struct ward_error *error);

/* channel_deadline of a call that begins now. */
int64_t channel_deadline(int timeout_ms);

/* The deadline of a setup: its own, and no later than a handshake may take. */
int64_t channel_setup_deadline(const struct ward_channel_setup *setup);

#endif
