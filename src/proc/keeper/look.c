/* look.c - see look.h. */
#include "proc/keeper/look.h"

#include "crypto/ecdsa_sign.h"
#include "crypto/start.h"
#include "ipc/frame.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/keeper/tls_read.h"

enum { LOOK_CHAIN = 3, LOOK_KEY, LOOK_ANSWER };
enum { LOOK_SECRETS = 2, LOOK_SECRET_BYTES = 20 << 10, LOOK_NAME = 128 };

static rc look(struct trail *trail, struct file_pair *pair, struct tls_chain *chain)
{
    struct tls_source from = { .chain = LOOK_CHAIN, .key = LOOK_KEY, .now = clock_now() };
    if (!sodium_start() || !ecdsa_guard_heap())
        return REFUSE(trail, REASON_OUT_OF_MEMORY);
    TRY(trail, secret_pool_new(trail, LOOK_SECRETS, LOOK_SECRET_BYTES, &from.pool));
    TRY(trail, secret_take(trail, from.pool, TLS_READ_ROOM, &from.room));
    TRY(trail, tls_read_pair(trail, &from, pair, chain));
    return tls_chain_judge_time(trail, chain, from.now);
}

/* For people: what is longer is no name that they would know. */
static struct span clipped(struct span name)
{
    return span_of(name.at, name.len < LOOK_NAME ? name.len : LOOK_NAME);
}

int keyring_look(void)
{
    static struct file_pair pair;
    uint8_t bytes[2 + 16 + 2 * (4 + LOOK_NAME)];
    struct sink answer = sink_over(bytes, sizeof bytes);
    struct tls_chain chain = { 0 };
    struct trail trail = { 0 };
    rc looked = look(&trail, &pair, &chain);
    enum reason why = rc_ok(looked) ? REASON_NONE : reason_of_rc(looked, REASON_OUT_OF_MEMORY);
    sink_u16le(&answer, (uint16_t)why);
    if (chain.count > 0) {
        sink_u64le(&answer, (uint64_t)chain.validity.from);
        sink_u64le(&answer, (uint64_t)chain.validity.until);
        put_bytes(&answer, clipped(chain.subject));
        put_bytes(&answer, clipped(chain.issuer));
    }
    return sink_ok(&answer) && fd_write(LOOK_ANSWER, sink_bytes(&answer)) ? 0 : 1;
}
