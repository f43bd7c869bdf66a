/* sdk_nonces.c - a row of places that is gone through from end to end: there are few, and what
   follows a nonce costs a thousand times as much. */
#include "channel/sdk_nonces.h"

#include <string.h>

#include "crypto/ct.h"

struct sdk_nonces sdk_nonces_over(struct sdk_nonce *at, size_t count)
{
    if (count > 0)
        memset(at, 0, count * sizeof *at);
    return (struct sdk_nonces){ .at = at, .count = count };
}

bool sdk_nonces_is_sound(const struct sdk_nonces *nonces)
{
    return nonces->at != NULL && nonces->count > 0 && nonces->next < nonces->count;
}

void sdk_nonces_put(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE], int64_t until_s)
{
    struct sdk_nonce *place = &nonces->at[nonces->next];
    *place = (struct sdk_nonce){ .until_s = until_s };
    memcpy(place->bytes, nonce, SDK_NONCE);
    nonces->next = (nonces->next + 1) % nonces->count;
}

/* The oldest of an address that has its share. */
static struct sdk_nonce *oldest_of_share(const struct sdk_nonces *nonces,
                                         const uint8_t address[SDK_ADDRESS])
{
    struct sdk_nonce *oldest = NULL;
    size_t count = 0;
    for (size_t i = 0; i < nonces->count; i++) {
        struct sdk_nonce *place = &nonces->at[i];
        if (place->until_s == 0 || !bytes_equal(place->address, address, SDK_ADDRESS))
            continue;
        count++;
        if (oldest == NULL || place->until_s < oldest->until_s)
            oldest = place;
    }
    return count >= SDK_NONCES_SHARE ? oldest : NULL;
}

void sdk_nonces_give(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                     const uint8_t address[SDK_ADDRESS], int64_t until_s)
{
    struct sdk_nonce *own = oldest_of_share(nonces, address);
    if (own != NULL)
        *own = (struct sdk_nonce){ .until_s = 0 };
    sdk_nonces_put(nonces, nonce, until_s);
    const size_t last = (nonces->next + nonces->count - 1) % nonces->count;
    memcpy(nonces->at[last].address, address, SDK_ADDRESS);
}

/* Every place is compared, whatever was found: time says nothing of what is remembered. */
static struct sdk_nonce *find(const struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE])
{
    struct sdk_nonce *found = NULL;
    for (size_t i = 0; i < nonces->count; i++)
        if (ct_equal(nonces->at[i].bytes, nonce, SDK_NONCE) && nonces->at[i].until_s != 0)
            found = &nonces->at[i];
    return found;
}

bool sdk_nonces_has(const struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE])
{
    return find(nonces, nonce) != NULL;
}

enum sdk_nonce_state sdk_nonces_take(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                                     int64_t now_s)
{
    struct sdk_nonce *place = find(nonces, nonce);
    if (place == NULL)
        return SDK_NONCE_UNKNOWN;
    const bool good = now_s < place->until_s;
    *place = (struct sdk_nonce){ .until_s = 0 };
    return good ? SDK_NONCE_GOOD : SDK_NONCE_EXPIRED;
}
