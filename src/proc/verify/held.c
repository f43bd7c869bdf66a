/* held.c - see verify.h: what the house holds of collateral, for children to judge by. */
#include <string.h>
#include <unistd.h>

#include "proc/verify/verify.h"

enum { ROOT_MAX = 16 << 10 };

/* By place: an earlier life of the process has read it, too. */
static rc read_root(struct trail *trail, struct verify_held *held, struct house *house)
{
    int fd = house->files[FILE_COLLATERAL_ROOT];
    uint8_t *room = fd < 0 ? NULL : arena_room(&house->arena, ROOT_MAX);
    ssize_t len = room == NULL ? 0 : pread(fd, room, ROOT_MAX, 0);
    if (fd >= 0 && (len < 0 || len == ROOT_MAX))
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    held->root = span_of(room, (size_t)len);
    return RC_SUCCESS;
}

rc verify_held_open(struct trail *trail, struct verify_held *held, struct house *house)
{
    for (size_t i = 0; i < COLLATERAL_PLACES_HELD; i++) {
        struct verify_piece *piece = &held->places[i];
        piece->chain = arena_room(&house->arena, COLLATERAL_CHAIN_MAX);
        piece->body = arena_room(&house->arena, COLLATERAL_BODY_MAX);
        if (piece->chain == NULL || piece->body == NULL)
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    }
    return read_root(trail, held, house);
}

static size_t copy(uint8_t *to, struct span from)
{
    if (from.len > 0)
        memcpy(to, from.at, from.len);
    return from.len;
}

bool verify_held_put(struct verify_held *held, struct cursor *body)
{
    uint8_t place = 0;
    struct span chain, piece;
    if (!(cur_u8(body, &place) && place < COLLATERAL_PLACES_HELD &&
          get_bytes(body, COLLATERAL_CHAIN_MAX, &chain) &&
          get_bytes(body, COLLATERAL_BODY_MAX, &piece) && cur_end(body)))
        return false;
    struct verify_piece *to = &held->places[place];
    to->chain_len = copy(to->chain, chain);
    to->body_len = copy(to->body, piece);
    return true;
}

size_t verify_held_pool(const struct verify_held *held, struct ward_bytes pool[VERIFY_POOL])
{
    size_t count = 0;
    for (size_t i = 0; i < COLLATERAL_PLACES_HELD; i++) {
        const struct verify_piece *piece = &held->places[i];
        if (piece->body_len > 0)
            pool[count++] = (struct ward_bytes){ piece->body, piece->body_len, "the house's" };
        if (piece->chain_len > 0)
            pool[count++] = (struct ward_bytes){ piece->chain, piece->chain_len, "the house's" };
    }
    return count;
}
