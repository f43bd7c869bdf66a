/* address.c - see address.h. */
#include "model/address.h"

#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t v6_loopback[ADDRESS_LEN] = { [15] = 1 };

struct address address_of_v4(const uint8_t v4[4])
{
    struct address address;
    memcpy(address.bytes, mapped, sizeof mapped);
    memcpy(&address.bytes[sizeof mapped], v4, 4);
    return address;
}

struct address address_of_v6(const uint8_t v6[16])
{
    struct address address;
    memcpy(address.bytes, v6, sizeof address.bytes);
    return address;
}

bool address_is_v4(const struct address *address)
{
    return bytes_equal(address->bytes, mapped, sizeof mapped);
}

bool address_is_loopback(const struct address *address)
{
    if (address_is_v4(address))
        return address->bytes[12] == 127;
    return bytes_equal(address->bytes, v6_loopback, sizeof v6_loopback);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return bytes_equal(a->bytes, b->bytes, ADDRESS_LEN);
}

/* The first `bits` bits, zeros after. */
static struct address cut(const struct address *address, unsigned bits)
{
    struct address out = { { 0 } };
    unsigned whole = bits / 8;
    memcpy(out.bytes, address->bytes, whole);
    if (bits % 8 != 0)
        out.bytes[whole] = (uint8_t)(address->bytes[whole] & (0xff00u >> (bits % 8)));
    return out;
}

struct address address_key(const struct address *address, unsigned bits)
{
    if (bits > ADDRESS_BITS || address_is_v4(address))
        return *address;
    return cut(address, bits);
}

struct address address_peer(const struct address *address)
{
    return address_key(address, ADDRESS_PEER_BITS);
}

bool network_is_sound(const struct network *network)
{
    if (network->bits > ADDRESS_BITS)
        return false;
    if (address_is_v4(&network->base) && network->bits < ADDRESS_V4_START)
        return false;
    struct address base = cut(&network->base, network->bits);
    return address_equal(&base, &network->base);
}

bool network_has(const struct network *network, const struct address *address)
{
    if (address_is_v4(&network->base) != address_is_v4(address))
        return false;
    struct address base = cut(address, network->bits);
    return address_equal(&base, &network->base);
}

struct address_list address_list_over(struct network *memory, size_t cap)
{
    return (struct address_list){ memory, 0, cap < ADDRESS_LIST_MAX ? cap : ADDRESS_LIST_MAX };
}

/* -1, 0 or 1, in the order of a list: v6 before v4, then by bytes.  The mapped block lies
   in the middle of v6, so by bytes alone a v6 network could have v4 ones within its range. */
static int compare(const struct address *a, const struct address *b)
{
    bool v4 = address_is_v4(a);
    if (v4 != address_is_v4(b))
        return v4 ? 1 : -1;
    for (size_t i = 0; i < ADDRESS_LEN; i++) {
        if (a->bytes[i] != b->bytes[i])
            return a->bytes[i] < b->bytes[i] ? -1 : 1;
    }
    return 0;
}

static bool covers(const struct network *wide, const struct network *narrow)
{
    return wide->bits <= narrow->bits && network_has(wide, &narrow->base);
}

bool address_list_is_sound(const struct address_list *list)
{
    if (list->count > list->cap || list->cap > ADDRESS_LIST_MAX)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (!network_is_sound(&list->at[i]))
            return false;
        if (i == 0)
            continue;
        const struct network *before = &list->at[i - 1];
        if (compare(&before->base, &list->at[i].base) >= 0 || covers(before, &list->at[i]))
            return false;
    }
    return true;
}

/* How many networks begin at the address or before it. */
static size_t begun(const struct address_list *list, const struct address *address)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&list->at[middle].base, address) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* None lies inside another, so of those that hold an address only the last one begun can. */
static const struct network *holder(const struct address_list *list, const struct address *address)
{
    size_t count = begun(list, address);
    if (count == 0 || !network_has(&list->at[count - 1], address))
        return NULL;
    return &list->at[count - 1];
}

bool address_list_has(const struct address_list *list, const struct address *address)
{
    return holder(list, address) != NULL;
}

/* Either one of the list holds the network's first address, or the next one begins inside. */
bool address_list_touches(const struct address_list *list, const struct network *network)
{
    size_t next = begun(list, &network->base);
    return holder(list, &network->base) != NULL ||
           (next < list->count && covers(network, &list->at[next]));
}

bool address_list_add(struct address_list *list, const struct network *network)
{
    const struct network *held = holder(list, &network->base);
    if (held != NULL && covers(held, network))
        return true;
    /* What the new one covers stands together, from its own base on. */
    size_t first = begun(list, &network->base);
    if (first > 0 && covers(network, &list->at[first - 1]))
        first--;
    size_t after = first;
    while (after < list->count && covers(network, &list->at[after]))
        after++;
    if (after == first && list->count == list->cap)
        return false;
    size_t rest = list->count - after;
    if (rest > 0)
        memmove(&list->at[first + 1], &list->at[after], rest * sizeof list->at[0]);
    list->at[first] = *network;
    list->count = first + 1 + rest;
    return true;
}
