/* guest.h - a simulated guest of dstack: what its guest agent answers to whoever runs inside.
   The answers are of the agent's genuine form, so that the public SDKs take their real path;
   only the root under which the quotes are signed is another (sim.h).

   A caller says what the guest runs, by its compose hash, and is believed: this is for trying
   things out, and nobody's word about a real machine.

   Pure: bytes of a request in, bytes of an answer out. */
#ifndef WARD_SIM_GUEST_H
#define WARD_SIM_GUEST_H

#include "sim/sim.h"

enum {
    SIM_COMPOSE_HASH = 32,
    SIM_APP_ID = 20,
};

/* What runs in the guest. */
struct sim_guest_app {
    uint8_t compose_hash[SIM_COMPOSE_HASH];
    uint8_t id[SIM_APP_ID];
    uint8_t instance[SIM_APP_ID];
};

struct sim_guest {
    struct sim_authority authority;
    struct sim_spec spec;
    struct sim_guest_app app;
    uint8_t scalar[P256_COORD]; /* the quoting key */
    size_t quote_len, log_len;
    uint8_t quote[SIM_QUOTE_MAX]; /* made anew for each request */
    uint8_t log[SIM_LOG_MAX];     /* dstack's array; replays to the quote's registers */
};

/* sim_guest_app_of is the guest of a compose file with that hash as dstack names it when
   nobody says otherwise: its id begins the hash, and there is one instance. */
struct sim_guest_app sim_guest_app_of(const uint8_t compose_hash[SIM_COMPOSE_HASH]);

/* sim_guest_init boots a guest at `now`: its authority comes from the seed.  On failure (no
   memory) nothing is left behind; {0} is valid to fini. */
MUST_USE
bool sim_guest_init(struct sim_guest *guest, struct span seed, const struct sim_guest_app *app,
                    int64_t now);
void sim_guest_fini(struct sim_guest *guest);

/* sim_guest_answer appends the answer to a request: JSON in ASCII, of HTTP status 200, or 400 with
   {"error":..}.  `path` names the method: /GetQuote, /Info, /Version, also as
   /DstackGuest.GetQuote.  `body` is JSON; nothing at all stands for {}. */
MUST_USE
unsigned sim_guest_answer(struct sim_guest *guest, struct span path, struct span body,
                          struct sink *out);

#endif
