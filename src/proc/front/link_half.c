/* link_half.c - see link.h: channels in their handshake.  Strangers have them, and keep nobody else
   from having one. */
#include "base/number.h"
#include "proc/front/front.h"

static bool is_near(const struct connection *one, const struct connection *other, unsigned bits)
{
    struct address mine = address_key(&one->peer, bits), theirs = address_key(&other->peer, bits);
    return one->local == other->local && address_equal(&mine, &theirs);
}

static uint32_t count_near(const struct front_links *links, const struct connection *connection,
                           unsigned bits)
{
    uint32_t near = 0;
    for (uint32_t i = 0; i < links->half_count; i++)
        near += is_near(links->half[i]->connection, connection, bits);
    return near;
}

/* What is under way at core is not thrown away; nor is the answer to a request. */
static bool may_give_way(const struct link *link)
{
    return link->connection->phase == CONNECTION_LINK && link->waits != MSG_LINK_JUDGED;
}

/* Of a site that has more than whoever comes would: what he has he does not lose to one who has as
   many.  They are in the order in which they came. */
static struct link *who_gives_way(const struct front_links *links,
                                  const struct connection *connection)
{
    struct link *best = NULL;
    uint32_t most = count_near(links, connection, ADDRESS_SITE_BITS) + 1;
    for (uint32_t i = 0; i < links->half_count; i++) {
        struct link *link = links->half[i];
        uint32_t near = count_near(links, link->connection, ADDRESS_SITE_BITS);
        if (near <= most || !may_give_way(link))
            continue;
        most = near;
        best = link;
    }
    return best;
}

bool link_may_be_half(const struct front_links *links, const struct connection *connection)
{
    return count_near(links, connection, ADDRESS_PEER_BITS) < LINK_HALF_OF_PEER &&
           count_near(links, connection, ADDRESS_SITE_BITS) < LINK_HALF_OF_SITE &&
           (links->half_count < LINK_HALF_MAX || who_gives_way(links, connection) != NULL);
}

bool link_make_half_room(struct front *front, const struct connection *connection)
{
    struct front_links *links = &front->links;
    struct link *other = links->half_count < LINK_HALF_MAX ? NULL
                                                           : who_gives_way(links, connection);
    if (other != NULL)
        link_refuse(other, REASON_LINK_TOO_MANY_HALF);
    return links->half_count < LINK_HALF_MAX;
}

void link_enter_half(struct link *link)
{
    struct front_links *links = &link->front->links;
    links->half[links->half_count++] = link;
}

void link_leave_half(struct link *link)
{
    struct front_links *links = &link->front->links;
    uint32_t at = 0;
    while (link->half && at < links->half_count && links->half[at] != link)
        at++;
    if (link->half && at < links->half_count) {
        links->half_count--;
        for (; at < links->half_count; at++)
            links->half[at] = links->half[at + 1];
    }
    link->half = false;
}
