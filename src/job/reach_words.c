/* reach_words.c - a refusal in words, and what would have to be written to allow it: see reach.h.
 */
#include "base/number.h"
#include "codec/host_name.h"
#include "job/reach.h"
#include "model/place.h"

static const char *const words[REACH_RULES] = {
    [REACH_NAME] = "name",       [REACH_PLACES] = "places",
    [REACH_ADDRESS] = "address", [REACH_PORT] = "port",
    [REACH_INSIDE] = "inside",   [REACH_NO_TLS] = "no-tls",
    [REACH_NO_SNI] = "no-sni",   [REACH_OTHER_SNI] = "other-sni",
    [REACH_ECH] = "ech",         [REACH_MALFORMED] = "malformed-tls",
};

const char *reach_rule_word(enum reach_rule rule)
{
    return rule < REACH_RULES ? words[rule] : words[REACH_NAME];
}

static bool is_address(struct span text)
{
    struct address address;
    return address_parse(text, &address);
}

/* Only what can be nothing else is said again. */
static void write_host(struct sink *out, struct span text)
{
    if (host_is_name(text) || is_address(text))
        sink_put(out, text);
    else
        sink_text(out, "what is no name of a host");
}

/* The table of the list in which somebody writes it: that which has it, else the policy's. */
static bool is_of_whitelist(const struct reach *reach, struct span name)
{
    for (size_t i = 0; i < reach->name_count; i++) {
        if (host_is_same(reach->names[i].name, name))
            return reach->names[i].lists == REACH_OF_WHITELIST;
    }
    for (size_t i = 0; i < reach->listed_count; i++) {
        if (span_equal(reach->listed[i].name, name))
            return reach->listed[i].lists == REACH_OF_WHITELIST;
    }
    return false;
}

static const char *const key_of_hosts = "sandbox_config.network_policy.allowed_hosts";
static const char *const keys_of_ports[] = { "sandbox_config.network_policy.allowed_ports",
                                             "resources.network_whitelist.ports" };

void reach_write_rule(struct sink *out, const struct reach *reach,
                      const struct reach_refusal *refusal)
{
    write_host(out, refusal->name);
    switch (refusal->rule) {
    case REACH_PLACES:
        sink_format(out, " would be one name more than %d, which is the limit", REACH_NAMES_MAX);
        return;
    case REACH_PORT:
        sink_text(out, " is not allowed on ");
        job_port_write(out, &refusal->port);
        sink_format(out, " by %s", keys_of_ports[is_of_whitelist(reach, refusal->name)]);
        return;
    case REACH_INSIDE:
        sink_text(out, " leads to ");
        address_write(out, &refusal->address);
        const char *what;
        (void)address_place(&refusal->address, &what);
        sink_format(out, ": %s", what == NULL ? "not outside" : what);
        return;
    case REACH_NO_TLS:
        sink_text(out, ": TLS is demanded on 443/tcp, and this is none");
        return;
    case REACH_NO_SNI:
        sink_text(out, ": the TLS hello names no server");
        return;
    case REACH_OTHER_SNI:
        sink_text(out, ": the TLS hello names ");
        write_host(out, refusal->other);
        return;
    case REACH_ECH:
        sink_text(out, ": the TLS hello hides the name of the server");
        return;
    case REACH_MALFORMED:
        sink_text(out, ": the TLS hello is malformed");
        return;
    case REACH_NAME:
    case REACH_ADDRESS:
    case REACH_RULES:
        sink_format(out, " is not in %s", key_of_hosts);
        sink_text(out, " nor in resources.network_whitelist.hosts");
        return;
    }
}

static void write_host_change(struct sink *out, struct span text)
{
    sink_format(out, "%s += [\"", key_of_hosts);
    sink_put(out, text);
    sink_text(out, "\"]");
}

static void write_port_change(struct sink *out, const struct reach *reach, struct span name,
                              const struct job_port *port)
{
    sink_format(out, port->udp ? "%s += [\"%u/udp\"]" : "%s += [%u]",
                keys_of_ports[is_of_whitelist(reach, name)], port->number);
}

/* An address is listed as such, or with another port; what no list opens has no change. */
static void write_address_change(struct sink *out, const struct reach *reach,
                                 const struct address *address, const struct job_port *port)
{
    uint8_t text[ADDRESS_TEXT_ROOM];
    struct sink form = sink_over(text, sizeof text);
    const struct reach_name *listed = reach_by_address(reach, address);
    if (!reach_is_served(address) || reach_is_given(address))
        return;
    address_write(&form, address);
    if (listed == NULL)
        write_host_change(out, sink_bytes(&form));
    else if (port->number != 0)
        write_port_change(out, reach, listed->name, port);
}

void reach_write_change(struct sink *out, const struct reach *reach,
                        const struct reach_refusal *refusal)
{
    struct address address;
    switch (refusal->rule) {
    case REACH_NAME:
        if (host_is_name(refusal->name))
            write_host_change(out, refusal->name);
        return;
    case REACH_ADDRESS:
        if (address_parse(refusal->name, &address))
            write_address_change(out, reach, &address, &refusal->port);
        return;
    case REACH_PORT:
        write_port_change(out, reach, refusal->name, &refusal->port);
        return;
    case REACH_INSIDE:
        write_address_change(out, reach, &refusal->address, &refusal->port);
        return;
    case REACH_OTHER_SNI:
        if (host_is_name(refusal->other))
            write_host_change(out, refusal->other);
        return;
    case REACH_PLACES:
    case REACH_NO_TLS:
    case REACH_NO_SNI:
    case REACH_ECH:
    case REACH_MALFORMED:
    case REACH_RULES:
        return;
    }
}
