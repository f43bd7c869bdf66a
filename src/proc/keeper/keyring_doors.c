/* keyring_doors.c - see keeper.h: what may be known of the keys. */
#include "proc/keeper/keeper.h"

static void put_key(const struct keyring_key *key, bool of_file, struct sink *body)
{
    sink_u8(body, (uint8_t)key->role);
    sink_u8(body, (uint8_t)key->state);
    sink_u8(body, of_file);
    sink_u64le(body, (uint64_t)key->created);
    sink_u64le(body, (uint64_t)key->retired);
    put_bytes(body, SPAN(key->id));
    put_bytes(body, span_of(key->public_part, key_public_len(key->kind)));
}

rc keeper_on_list(struct trail *trail, void *self, struct call *call)
{
    struct keeper *keeper = self;
    uint8_t bytes[(KEYRING_KEYS_MAX + 1) * 160 + 16];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, keeper->generation);
    sink_u32le(&body, (uint32_t)keeper->ring.count + (keeper->pair != NULL));
    for (size_t i = 0; i < keeper->ring.count; i++)
        put_key(&keeper->ring.keys[i], false, &body);
    if (keeper->pair != NULL)
        put_key(&keeper->pair->key, true, &body);
    struct frame answer = { .message = MSG_KEYRING_IS, .id = call->id, .body = sink_bytes(&body) };
    return channel_put(trail, call->from, &answer);
}
