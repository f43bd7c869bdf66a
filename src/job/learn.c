/* learn.c - see learn.h: what was seen, with a margin, and never more than was given. */
#include "job/learn.h"

#include <string.h>

#include "base/number.h"
#include "codec/host_name.h"

/* A job is not the same twice: one that comes a little above what was seen is not to be ended. */
enum {
    MARGIN_PART = 2,    /* half as much again of memory, disk and output, */
    MARGIN_TIMES = 3,   /* and three times as long */
    LEAST_SECONDS = 60, /* but no less than these */
    LEAST_MEMORY = 64 * JOB_MIB,
    LEAST_DISK = 16 * JOB_MIB,
    LEAST_OUTPUT = JOB_MIB,
};

/* --- amounts ---------------------------------------------------------------------------------- */

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t both;
    return __builtin_add_overflow(a, b, &both) ? UINT64_MAX : both;
}

/* In whole MiB; what is no number of bytes that anything has is no ceiling either. */
static uint64_t with_margin(uint64_t bytes, uint64_t floor)
{
    const uint64_t wanted = most_u64(sum(bytes, bytes / MARGIN_PART), floor);
    return wanted > INT64_MAX - JOB_MIB ? INT64_MAX : job_size_units(wanted, JOB_MIB) * JOB_MIB;
}

static void learn_time(const struct learn_seen *seen, struct job_limits *limits)
{
    if (seen->wall_ms == 0)
        return;
    const uint64_t seconds = job_size_units(seen->wall_ms, 1000);
    const uint64_t wanted = seconds > UINT32_MAX / MARGIN_TIMES
                                ? UINT32_MAX
                                : most_u64(MARGIN_TIMES * seconds, LEAST_SECONDS);
    limits->execution_s = (uint32_t)least_u64(limits->execution_s, wanted);
}

/* How many it had on average: what it had at once nobody knows, so the ceiling stays. */
static void learn_processors(const struct learn_seen *seen, struct job_resources *wants)
{
    if (seen->wall_ms == 0 || seen->cpu_us == 0)
        return;
    const uint64_t wanted = job_size_units(job_size_units(seen->cpu_us, 1000), seen->wall_ms);
    wants->vcpu = (uint32_t)least_u64(wants->vcpu, most_u64(wanted, 1));
}

static uint64_t memory_with_margin(const struct learn_seen *seen)
{
    return with_margin(seen->memory, sum(LEAST_MEMORY, seen->kept));
}

/* What it writes on a disk and what it leaves lie on one of this machine, and are reserved there
   together. */
static void learn_reserved(const struct learn_seen *seen, struct job_resources *wants)
{
    if (seen->memory > 0)
        wants->memory = least_u64(wants->memory, memory_with_margin(seen));
    if (seen->disk_known && seen->output_known)
        wants->disk = least_u64(wants->disk,
                                with_margin(sum(seen->disk, seen->output), LEAST_DISK));
}

/* A machine has what is reserved of memory and disk in its memory, and its kernel too. */
static void learn_memory(const struct learn_seen *seen, struct job_spec *spec)
{
    const struct job_resources *wants = &spec->resources;
    if (seen->memory == 0)
        return;
    const uint64_t inside = seen->kept == 0 ? 0 : sum(sum(wants->memory, wants->disk), seen->kept);
    spec->limits.memory = least_u64(spec->limits.memory,
                                    most_u64(memory_with_margin(seen), inside));
}

/* No file is larger than the larger of two ceilings, of which this is one; and one in memory may be
   as large as that. */
static void learn_disk(const struct learn_seen *seen, struct job_spec *spec)
{
    const uint64_t room = most_u64(with_margin(seen->disk, LEAST_DISK), spec->limits.memory);
    if (seen->disk_known && seen->output_known)
        spec->limits.disk = least_u64(spec->limits.disk, most_u64(room, spec->resources.disk));
}

static void learn_output(const struct learn_seen *seen, struct job_limits *limits)
{
    if (seen->output_known)
        limits->output = least_u64(limits->output, with_margin(seen->output, LEAST_OUTPUT));
}

/* --- files ------------------------------------------------------------------------------------ */

static bool learn_files(const struct learn_seen *seen, struct arena *arena, struct job_files *files)
{
    const struct span_list given = files->allowed;
    size_t count = 0;
    files->read_only = files->read_only || (seen->image_known && !seen->image_changed);
    if (!seen->allowed_known || given.count == 0)
        return true;
    struct span *kept = arena_array(arena, given.count, sizeof *kept);
    for (size_t i = 0; kept != NULL && i < given.count; i++) {
        if (seen->written[i])
            kept[count++] = given.items[i];
    }
    files->allowed = (struct span_list){ kept, count };
    return kept != NULL;
}

/* --- hosts ------------------------------------------------------------------------------------ */

bool learn_uses_add(struct learn_uses *uses, const struct reach_name *name, struct job_port port)
{
    for (size_t i = 0; i < uses->count; i++) {
        const struct learn_use *use = &uses->at[i];
        if (use->name == name && use->port.number == port.number && use->port.udp == port.udp)
            return false;
    }
    if (uses->count == LEARN_USES_MAX) {
        uses->more = true;
        return false;
    }
    uses->at[uses->count++] = (struct learn_use){ name, port };
    return true;
}

static struct job_allowance *list_of(struct job_spec *spec, unsigned list)
{
    return list == REACH_OF_WHITELIST ? &spec->resources.whitelist : &spec->network.allowed;
}

static bool has_port(const struct job_ports *ports, struct job_port port)
{
    bool has = false;
    for (size_t i = 0; i < ports->count; i++)
        has = has || (ports->items[i].number == port.number && ports->items[i].udp == port.udp);
    return has;
}

/* The list by which a use was allowed: the first that has the name and the port.  A name that was
   asked for stays with the list that has it. */
static unsigned list_by(struct job_spec *given, const struct learn_use *use)
{
    for (unsigned list = REACH_OF_WHITELIST; list <= REACH_OF_ALLOWED; list <<= 1) {
        if ((use->name->lists & list) != 0 &&
            (use->port.number == 0 || has_port(&list_of(given, list)->ports, use->port)))
            return list;
    }
    return 0;
}

static bool is_listed(const struct job_host *hosts, size_t count, struct span name)
{
    bool is = false;
    for (size_t i = 0; i < count; i++)
        is = is || span_equal(hosts[i].text, name);
    return is;
}

/* Whether the entry of a list is one by which the name may be reached. */
static bool covers(const struct job_host *host, const struct reach_name *name)
{
    struct address address;
    if (host->kind == JOB_HOST_ADDRESS)
        return name->number == 0 && address_parse(host->text, &address) &&
               address_equal(&address, &name->address);
    if (name->number == 0)
        return false;
    if (host->kind == JOB_HOST_NAME)
        return span_equal(host->text, name->name);
    const size_t label = host_first_label(name->name);
    return label < name->name.len &&
           span_equal(span_of(name->name.at + label + 1, name->name.len - label - 1), host->text);
}

/* The entries of the list that anything was reached by: for more names than a list can have. */
static size_t take_entries(struct job_spec *given, const struct learn_uses *uses, unsigned list,
                           struct job_host *hosts)
{
    const struct job_hosts *all = &list_of(given, list)->hosts;
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        bool used = false;
        for (size_t k = 0; k < uses->count && !used; k++)
            used = list_by(given, &uses->at[k]) == list && covers(&all->items[i], uses->at[k].name);
        if (used)
            hosts[count++] = all->items[i];
    }
    return count;
}

/* Each by its own name, also where a wildcard allowed it. */
static size_t take_hosts(struct job_spec *given, const struct learn_uses *uses, unsigned list,
                         struct job_host *hosts)
{
    size_t count = 0;
    for (size_t i = 0; i < uses->count; i++) {
        const struct reach_name *name = uses->at[i].name;
        if (list_by(given, &uses->at[i]) != list || is_listed(hosts, count, name->name))
            continue;
        if (count == JOB_LIST_MAX)
            return take_entries(given, uses, list, hosts);
        hosts[count++] = (struct job_host){ name->number == 0 ? JOB_HOST_ADDRESS : JOB_HOST_NAME,
                                            name->name };
    }
    return count;
}

/* A name that was asked for and never met needs some port to stand in a list: the first. */
static size_t take_ports(struct job_spec *given, const struct learn_uses *uses, unsigned list,
                         struct job_port *ports)
{
    const struct job_ports *all = &list_of(given, list)->ports;
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        bool used = has_port(&(struct job_ports){ ports, count }, all->items[i]);
        if (used)
            continue;
        for (size_t k = 0; k < uses->count && !used; k++) {
            const struct learn_use *use = &uses->at[k];
            used = list_by(given, use) == list && use->port.number == all->items[i].number &&
                   use->port.udp == all->items[i].udp;
        }
        if (used)
            ports[count++] = all->items[i];
    }
    if (count == 0 && all->count > 0)
        ports[count++] = all->items[0];
    return count;
}

static bool learn_list(struct job_spec *given, const struct learn_uses *uses, unsigned list,
                       struct arena *arena, struct job_allowance *out)
{
    struct job_host *hosts = arena_array(arena, JOB_LIST_MAX, sizeof *hosts);
    struct job_port *ports = arena_array(arena, JOB_LIST_MAX, sizeof *ports);
    if (hosts == NULL || ports == NULL)
        return false;
    const size_t host_count = take_hosts(given, uses, list, hosts);
    const size_t port_count = host_count == 0 ? 0 : take_ports(given, uses, list, ports);
    *out = (struct job_allowance){ { hosts, host_count }, { ports, port_count } };
    return true;
}

/* Localhost is answered by the fence, which is there where something outside is allowed: a job that
   asked for it and for nothing else keeps what it had. */
static bool needs_fence_alone(const struct learn_uses *uses)
{
    bool own = false, other = false;
    for (size_t i = 0; i < uses->count; i++) {
        own = own || uses->at[i].name == NULL;
        other = other || uses->at[i].name != NULL;
    }
    return own && !other;
}

static bool is_met(const struct learn_uses *uses, const struct reach_name *name)
{
    bool met = false;
    for (size_t i = 0; i < uses->count; i++)
        met = met || (uses->at[i].name == name && uses->at[i].port.number != 0);
    return met;
}

/* Without localhost, and without the question for a name that was met then: by which list it was
   allowed the port tells. */
static struct learn_uses *without_questions(const struct learn_uses *uses, struct arena *arena)
{
    struct learn_uses *kept = arena_alloc(arena, sizeof *kept);
    for (size_t i = 0; kept != NULL && i < uses->count; i++) {
        const struct learn_use *use = &uses->at[i];
        if (use->name != NULL && (use->port.number != 0 || !is_met(uses, use->name)))
            kept->at[kept->count++] = *use;
    }
    return kept;
}

static bool learn_network(const struct job_spec *given, const struct learn_seen *seen,
                          struct arena *arena, struct learned *out)
{
    static const struct learn_uses none;
    struct job_spec all = *given;
    struct job_spec *spec = &out->spec;
    const bool nothing = seen->reach != NULL && reach_is_nothing(seen->reach);
    const struct learn_uses *uses = nothing ? &none : seen->uses;
    out->lists_kept = uses == NULL || uses->more || needs_fence_alone(uses);
    if (out->lists_kept)
        return true;
    uses = without_questions(uses, arena);
    if (uses == NULL ||
        !learn_list(&all, uses, REACH_OF_WHITELIST, arena, &spec->resources.whitelist) ||
        !learn_list(&all, uses, REACH_OF_ALLOWED, arena, &spec->network.allowed))
        return false;
    spec->network.allow_outbound = given->network.allow_outbound &&
                                   (job_allowance_allows(&spec->resources.whitelist) ||
                                    job_allowance_allows(&spec->network.allowed));
    return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

bool learn_spec(const struct job_spec *given, const struct learn_seen *seen, struct arena *arena,
                struct learned *out)
{
    *out = (struct learned){ .spec = *given };
    learn_time(seen, &out->spec.limits);
    learn_processors(seen, &out->spec.resources);
    learn_reserved(seen, &out->spec.resources);
    learn_memory(seen, &out->spec);
    learn_output(seen, &out->spec.limits);
    learn_disk(seen, &out->spec);
    return learn_files(seen, arena, &out->spec.files) && learn_network(given, seen, arena, out);
}

/* --- what it promises ------------------------------------------------------------------------- */

static bool texts_are_within(const struct span_list *least_ones, const struct span_list *given)
{
    for (size_t i = 0; i < least_ones->count; i++) {
        bool has = false;
        for (size_t k = 0; k < given->count && !has; k++)
            has = span_equal(least_ones->items[i], given->items[k]);
        if (!has)
            return false;
    }
    return true;
}

static bool texts_are_same(const struct span_list *a, const struct span_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = span_equal(a->items[i], b->items[i]);
    return same;
}

static bool host_is_within(const struct job_host *host, const struct job_hosts *given)
{
    struct reach_name name = { .name = host->text, .number = 1 };
    if (host->kind == JOB_HOST_ADDRESS) {
        name.number = 0;
        if (!address_parse(host->text, &name.address))
            return false;
    }
    for (size_t i = 0; i < given->count; i++) {
        const struct job_host *other = &given->items[i];
        if ((other->kind == host->kind && span_equal(other->text, host->text)) ||
            (host->kind != JOB_HOST_WILDCARD && covers(other, &name)))
            return true;
    }
    return false;
}

static bool list_is_within(const struct job_allowance *list, const struct job_allowance *given)
{
    bool within = true;
    for (size_t i = 0; i < list->hosts.count && within; i++)
        within = host_is_within(&list->hosts.items[i], &given->hosts);
    for (size_t i = 0; i < list->ports.count && within; i++)
        within = has_port(&given->ports, list->ports.items[i]);
    return within;
}

static bool rest_is_same(const struct job_spec *a, const struct job_spec *b)
{
    bool same = a->environment.count == b->environment.count;
    for (size_t i = 0; same && i < a->environment.count; i++)
        same = span_equal(a->environment.items[i].name, b->environment.items[i].name) &&
               span_equal(a->environment.items[i].value, b->environment.items[i].value);
    return same && span_equal(a->name, b->name) && span_equal(a->tenant, b->tenant) &&
           span_equal(a->image, b->image) && texts_are_same(&a->command, &b->command) &&
           a->isolation == b->isolation && a->monitoring == b->monitoring &&
           a->guest_agent == b->guest_agent && a->resources.gpu == b->resources.gpu &&
           a->limits.gpu_memory_mb == b->limits.gpu_memory_mb && a->files.tmpfs == b->files.tmpfs &&
           texts_are_same(&a->files.denied, &b->files.denied) &&
           texts_are_same(&a->network.dns_servers, &b->network.dns_servers);
}

bool learn_is_within(const struct job_spec *lesser, const struct job_spec *given)
{
    const struct job_resources *wants = &lesser->resources, *gave = &given->resources;
    const struct job_limits *is = &lesser->limits, *was = &given->limits;
    return rest_is_same(lesser, given) && wants->vcpu <= gave->vcpu &&
           wants->memory <= gave->memory && wants->disk <= gave->disk &&
           is->memory <= was->memory && is->cpu_cores <= was->cpu_cores &&
           is->execution_s <= was->execution_s && is->output <= was->output &&
           is->disk <= was->disk &&
           (given->network.allow_outbound || !lesser->network.allow_outbound) &&
           (lesser->files.read_only || !given->files.read_only) &&
           texts_are_within(&lesser->files.allowed, &given->files.allowed) &&
           list_is_within(&wants->whitelist, &gave->whitelist) &&
           list_is_within(&lesser->network.allowed, &given->network.allowed);
}
