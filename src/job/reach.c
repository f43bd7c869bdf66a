/* reach.c - see reach.h. */
#include "job/reach.h"

#include <string.h>

#include "base/number.h"
#include "codec/host_name.h"
#include "model/place.h"

/* 198.18.0.0/15 (RFC 2544: for benchmarks, so nobody's on the Internet) and fd00:18::/32. */
static const uint8_t inside_v4[4] = { 198, 18, 0, 0 };
static const uint8_t inside_v6[16] = { 0xfd, 0x00, 0x00, 0x18 };

struct span reach_v4(const struct reach_name *name, uint8_t room[4])
{
    if (name->number == 0) {
        if (!address_is_v4(&name->address))
            return (struct span){ 0 };
        memcpy(room, &name->address.bytes[12], 4);
        return span_of(room, 4);
    }
    memcpy(room, inside_v4, 4);
    room[1] = (uint8_t)(room[1] | (name->number >> 16 & 1));
    room[2] = (uint8_t)(name->number >> 8);
    room[3] = (uint8_t)name->number;
    return span_of(room, 4);
}

struct span reach_v6(const struct reach_name *name, uint8_t room[16])
{
    if (name->number == 0) {
        if (address_is_v4(&name->address))
            return (struct span){ 0 };
        memcpy(room, name->address.bytes, 16);
        return span_of(room, 16);
    }
    memcpy(room, inside_v6, 16);
    room[13] = (uint8_t)(name->number >> 16);
    room[14] = (uint8_t)(name->number >> 8);
    room[15] = (uint8_t)name->number;
    return span_of(room, 16);
}

/* The number that an address inside has; 0 when it has none. */
static uint32_t number_of(const struct address *address)
{
    const uint8_t *at = address->bytes;
    uint32_t low = (uint32_t)at[14] << 8 | at[15];
    if (address_is_v4(address))
        return at[12] == inside_v4[0] && (at[13] & 0xfe) == inside_v4[1]
                   ? (uint32_t)(at[13] & 1) << 16 | low
                   : 0;
    return bytes_equal(at, inside_v6, 13) ? (uint32_t)at[13] << 16 | low : 0;
}

bool reach_is_given(const struct address *address)
{
    return number_of(address) != 0;
}

bool reach_is_sound(const struct reach *reach)
{
    if (reach->name_count > reach->name_cap || reach->name_cap > REACH_NAMES_MAX ||
        reach->listed_count > REACH_LISTED_MAX || reach->port_count > REACH_PORTS_MAX)
        return false;
    uint32_t before = 0;
    for (size_t i = 0; i < reach->name_count; i++) {
        const struct reach_name *name = &reach->names[i];
        if (name->number <= before || !host_is_name(name->name) || name->lists == 0)
            return false;
        before = name->number;
    }
    for (size_t i = 0; i < reach->listed_count; i++) {
        if (reach->listed[i].number != 0 || reach->listed[i].lists == 0)
            return false;
    }
    return before == reach->number || before < reach->number;
}

static const struct job_allowance *list_of(const struct job_spec *spec, unsigned list)
{
    return list == REACH_OF_WHITELIST ? &spec->resources.whitelist : &spec->network.allowed;
}

/* RFC 6761 6.3: "localhost." and any names falling within ".localhost." */
bool reach_is_localhost(struct span name)
{
    static const char own[] = "localhost";
    const size_t len = sizeof own - 1;
    if (name.len < len || (name.len > len && name.at[name.len - len - 1] != '.'))
        return false;
    return host_is_same(span_of(name.at + name.len - len, len), span_text(own));
}

/* Whether a connection to a listed address may leave: not to the sandbox's own, whose spellings are
   many, and which outside would be the host; nor to many or to nobody. */
bool reach_is_served(const struct address *address)
{
    static const uint8_t unspecified[ADDRESS_LEN] = { 0 };
    const uint8_t *at = address->bytes;
    if (address_is_loopback(address) || bytes_equal(at, unspecified, sizeof unspecified))
        return false;
    if (address_is_v4(address))
        return at[12] != 0 && at[12] < 224;
    return at[0] != 0xff;
}

static bool is_under(struct span name, const struct job_host *wildcard)
{
    size_t label = host_first_label(name);
    return label < name.len &&
           span_equal(span_of(name.at + label + 1, name.len - label - 1), wildcard->text);
}

/* The lists that allow a name in small letters, or an address. */
static uint8_t lists_with(const struct job_spec *spec, struct span name,
                          const struct address *address)
{
    uint8_t lists = 0;
    for (unsigned list = REACH_OF_WHITELIST; list <= REACH_OF_ALLOWED; list <<= 1) {
        const struct job_allowance *allowed = list_of(spec, list);
        for (size_t i = 0; job_allowance_allows(allowed) && i < allowed->hosts.count; i++) {
            const struct job_host *host = &allowed->hosts.items[i];
            struct address is;
            bool met = false;
            if (host->kind == JOB_HOST_ADDRESS)
                met = address != NULL && address_parse(host->text, &is) &&
                      address_equal(&is, address);
            else if (address == NULL)
                met = host->kind == JOB_HOST_NAME ? span_equal(host->text, name)
                                                  : is_under(name, host);
            lists |= met ? (uint8_t)list : 0;
        }
    }
    return lists;
}

static const struct reach_name *listed_as(const struct reach *reach, const struct address *address)
{
    for (size_t i = 0; i < reach->listed_count; i++) {
        if (address_equal(&reach->listed[i].address, address))
            return &reach->listed[i];
    }
    return NULL;
}

static struct reach_name *named(const struct reach *reach, struct span name)
{
    for (size_t i = 0; i < reach->name_count; i++) {
        if (host_is_same(reach->names[i].name, name))
            return &reach->names[i];
    }
    return NULL;
}

/* The next number whose addresses nobody listed. */
static uint32_t next_number(const struct reach *reach)
{
    struct reach_name name = { .number = reach->number };
    struct address v4, v6;
    uint8_t room4[4], room6[16];
    do {
        name.number++;
        v4 = address_of_v4(reach_v4(&name, room4).at);
        v6 = address_of_v6(reach_v6(&name, room6).at);
    } while (listed_as(reach, &v4) != NULL || listed_as(reach, &v6) != NULL);
    return name.number;
}

static struct reach_name *add_name(struct reach *reach, struct span name, uint8_t lists)
{
    struct reach_name *added = &reach->names[reach->name_count++];
    reach->number = next_number(reach);
    *added = (struct reach_name){ .name = name, .number = reach->number, .lists = lists };
    return added;
}

static bool add_listed(struct reach *reach, const struct address *address)
{
    uint8_t text[ADDRESS_TEXT_ROOM];
    struct sink form = sink_over(text, sizeof text);
    struct reach_name *added = &reach->listed[reach->listed_count];
    if (!reach_is_served(address) || listed_as(reach, address) != NULL)
        return true;
    address_write(&form, address);
    struct reach_name listed = { .address = *address,
                                 .lists = lists_with(reach->spec, (struct span){ 0 }, address) };
    if (!arena_copy(reach->arena, sink_bytes(&form), &listed.name))
        return false;
    *added = listed;
    reach->listed_count++;
    return true;
}

static void add_ports(struct reach *reach, const struct job_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++) {
        if (!reach_has_port(reach, ports->items[i]))
            reach->ports[reach->port_count++] = ports->items[i];
    }
}

/* The addresses of a list; *outside when anything of it is outside. */
static bool take_addresses(struct reach *reach, const struct job_allowance *allowed, bool *outside)
{
    for (size_t i = 0; i < allowed->hosts.count; i++) {
        const struct job_host *host = &allowed->hosts.items[i];
        struct address address;
        bool is = host->kind == JOB_HOST_ADDRESS && address_parse(host->text, &address);
        if (is && !add_listed(reach, &address))
            return false;
        *outside = *outside || (is ? reach_is_served(&address) : !reach_is_localhost(host->text));
    }
    return true;
}

static void take_names(struct reach *reach, const struct job_allowance *allowed)
{
    for (size_t i = 0; i < allowed->hosts.count; i++) {
        const struct job_host *host = &allowed->hosts.items[i];
        if (host->kind == JOB_HOST_NAME && !reach_is_localhost(host->text) &&
            named(reach, host->text) == NULL)
            add_name(reach, host->text, lists_with(reach->spec, host->text, NULL));
    }
}

/* Addresses come first, so that no name is given the address of one. */
static bool take_lists(struct reach *reach)
{
    for (unsigned list = REACH_OF_WHITELIST; list <= REACH_OF_ALLOWED; list <<= 1) {
        const struct job_allowance *allowed = list_of(reach->spec, list);
        bool outside = false;
        if (!job_allowance_allows(allowed))
            continue;
        if (!take_addresses(reach, allowed, &outside))
            return false;
        if (outside)
            add_ports(reach, &allowed->ports);
    }
    for (unsigned list = REACH_OF_WHITELIST; list <= REACH_OF_ALLOWED; list <<= 1) {
        if (job_allowance_allows(list_of(reach->spec, list)))
            take_names(reach, list_of(reach->spec, list));
    }
    return true;
}

bool reach_make(const struct job_spec *spec, struct arena *arena, struct reach *out)
{
    struct reach reach = { .spec = spec, .arena = arena };
    size_t hosts = spec->resources.whitelist.hosts.count + spec->network.allowed.hosts.count;
    size_t ports = spec->resources.whitelist.ports.count + spec->network.allowed.ports.count;
    if (!spec->network.allow_outbound) {
        *out = reach;
        return true;
    }
    reach.name_cap = REACH_NAMES_MAX;
    reach.names = arena_room(arena, REACH_NAMES_MAX * sizeof *reach.names);
    reach.listed = arena_array(arena, hosts, sizeof *reach.listed);
    reach.ports = arena_array(arena, ports, sizeof *reach.ports);
    if (reach.names == NULL || reach.listed == NULL || reach.ports == NULL || !take_lists(&reach))
        return false;
    *out = reach;
    return true;
}

bool reach_has_port(const struct reach *reach, struct job_port port)
{
    bool has = false;
    for (size_t i = 0; i < reach->port_count; i++)
        has = has || (reach->ports[i].number == port.number && reach->ports[i].udp == port.udp);
    return has;
}

bool reach_is_nothing(const struct reach *reach)
{
    return reach->port_count == 0;
}

const struct reach_name *reach_find_name(struct reach *reach, struct span name,
                                         enum reach_rule *why)
{
    uint8_t small[HOST_TEXT_MAX];
    struct span kept;
    *why = REACH_NAME;
    if (!host_is_name(name) || reach_is_localhost(name) || reach_is_nothing(reach))
        return NULL;
    const struct reach_name *known = named(reach, name);
    if (known != NULL)
        return known;
    for (size_t i = 0; i < name.len; i++)
        small[i] = host_lower(name.at[i]);
    uint8_t lists = lists_with(reach->spec, span_of(small, name.len), NULL);
    if (lists == 0)
        return NULL;
    *why = REACH_PLACES;
    if (reach->name_count == reach->name_cap ||
        !arena_copy(reach->arena, span_of(small, name.len), &kept))
        return NULL;
    return add_name(reach, kept, lists);
}

const struct reach_name *reach_by_address(const struct reach *reach, const struct address *address)
{
    const struct reach_name *listed = listed_as(reach, address);
    uint32_t number = number_of(address);
    size_t low = 0, high = number == 0 ? 0 : reach->name_count;
    if (listed != NULL)
        return listed;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reach->names[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool is = number != 0 && low < reach->name_count && reach->names[low].number == number;
    return is ? &reach->names[low] : NULL;
}

bool reach_allows(const struct reach *reach, const struct reach_name *name,
                  const struct job_port *port)
{
    for (unsigned list = REACH_OF_WHITELIST; list <= REACH_OF_ALLOWED; list <<= 1) {
        const struct job_ports *ports = &list_of(reach->spec, list)->ports;
        for (size_t i = 0; (name->lists & list) != 0 && i < ports->count; i++) {
            if (ports->items[i].number == port->number && ports->items[i].udp == port->udp)
                return true;
        }
    }
    return false;
}

bool reach_leads(const struct reach *reach, const struct address *resolved,
                 const struct job_port *port)
{
    const struct reach_name *listed = listed_as(reach, resolved);
    if (address_place(resolved, NULL) == PLACE_OUTWARD)
        return true;
    return listed != NULL && reach_allows(reach, listed, port);
}
