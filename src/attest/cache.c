/* cache.c - see cache.h. */
#include "attest/cache.h"

#include <string.h>

#include "crypto/hash.h"

enum { CACHE_PARTS_MAX = 6 };

bool cache_is_sound(const struct dcap_cache *cache)
{
    if ((cache->remembers & ~(unsigned)CACHE_ALL) != 0)
        return false;
    for (size_t i = 0; i < CACHE_SETS; i++)
        if (cache->next[i] >= CACHE_WAYS)
            return false;
    return true;
}

static void forget(struct dcap_cache *cache)
{
    memset(cache->next, 0, sizeof cache->next);
    memset(cache->keys, 0, sizeof cache->keys);
    cache->tail.text_len = 0;
}

void cache_remember(struct dcap_cache *cache, unsigned what)
{
    forget(cache);
    cache->remembers = what & CACHE_ALL;
}

void cache_enter(struct dcap_cache *cache, const uint8_t epoch[CACHE_KEY_LEN])
{
    if (cache == NULL || bytes_equal(cache->epoch, epoch, CACHE_KEY_LEN))
        return;
    forget(cache);
    memcpy(cache->epoch, epoch, CACHE_KEY_LEN);
}

void cache_key(unsigned what, const struct span *parts, size_t count, uint8_t key[CACHE_KEY_LEN])
{
    /* Lengths first: no two lists of parts make the same bytes. */
    uint32_t lengths[1 + CACHE_PARTS_MAX] = { what };
    struct span all[1 + CACHE_PARTS_MAX];
    if (count > CACHE_PARTS_MAX)
        count = CACHE_PARTS_MAX;
    for (size_t i = 0; i < count; i++) {
        lengths[1 + i] = (uint32_t)parts[i].len;
        all[1 + i] = parts[i];
    }
    all[0] = span_of(lengths, (1 + count) * sizeof lengths[0]);
    hash_sha256_parts(all, 1 + count, key);
}

bool cache_wants(const struct dcap_cache *cache, unsigned what)
{
    return cache != NULL && (cache->remembers & what) != 0;
}

/* A zero key is an empty place; SHA-256 gives it to nobody. */
bool cache_knows(struct dcap_cache *cache, unsigned what, const uint8_t key[CACHE_KEY_LEN])
{
    if (!cache_wants(cache, what))
        return false;
    for (size_t way = 0; way < CACHE_WAYS; way++)
        if (bytes_equal(cache->keys[key[0]][way], key, CACHE_KEY_LEN)) {
            cache->hits++;
            return true;
        }
    cache->misses++;
    return false;
}

void cache_learn(struct dcap_cache *cache, unsigned what, const uint8_t key[CACHE_KEY_LEN])
{
    if (!cache_wants(cache, what))
        return;
    uint8_t *next = &cache->next[key[0]];
    memcpy(cache->keys[key[0]][*next], key, CACHE_KEY_LEN);
    *next = (uint8_t)((*next + 1) % CACHE_WAYS);
}
