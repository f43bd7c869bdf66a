/* spec_explain.c - a specification in words: what the job gets, may, and may not. */
#include "base/number.h"
#include "job/spec.h"

static const char *const isolations[] = {
    [JOB_ISOLATION_NONE] = "as the node keeps jobs apart",
    [JOB_ISOLATION_CONTAINER] = "in a container, or in a virtual machine where the node demands it",
    [JOB_ISOLATION_VM] = "in a virtual machine",
    [JOB_ISOLATION_TEE] = "in a confidential virtual machine",
};

/* What somebody else wrote makes no line of its own, nor anything that a terminal heeds. */
static void write_shown(struct sink *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] == 0x7f)
            sink_format(out, "\\x%02x", text.at[i]);
        else
            sink_u8(out, text.at[i]);
    }
}

static void write_texts(struct sink *out, const struct span_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        sink_text(out, i == 0 ? "" : ", ");
        write_shown(out, list->items[i]);
    }
}

/* An argument in quotes where it would read as two. */
static void write_command(struct sink *out, const struct span_list *command)
{
    for (size_t i = 0; i < command->count; i++) {
        struct span word = command->items[i];
        bool plain = word.len > 0;
        for (size_t k = 0; k < word.len; k++)
            plain = plain && word.at[k] > ' ' && word.at[k] != '"' && word.at[k] != '\'';
        sink_text(out, i == 0 ? "" : " ");
        sink_text(out, plain ? "" : "'");
        write_shown(out, word);
        sink_text(out, plain ? "" : "'");
    }
}

/* What of its hosts somebody must be asked for. */
static bool has_names(const struct job_allowance *list)
{
    bool has = false;
    for (size_t i = 0; job_allowance_allows(list) && i < list->hosts.count; i++)
        has = has || (list->hosts.items[i].kind != JOB_HOST_ADDRESS &&
                      !job_host_is_own(&list->hosts.items[i]));
    return has;
}

static void write_allowance(struct sink *out, const struct job_allowance *list, const char *from)
{
    bool local = false;
    if (!job_allowance_allows(list))
        return;
    sink_text(out, "It may reach ");
    for (size_t i = 0; i < list->hosts.count; i++) {
        sink_text(out, i == 0 ? "" : ", ");
        job_host_write(out, &list->hosts.items[i]);
        local = local || job_host_is_own(&list->hosts.items[i]);
    }
    sink_text(out, " on ");
    for (size_t i = 0; i < list->ports.count; i++) {
        sink_text(out, i == 0 ? "" : ", ");
        job_port_write(out, &list->ports.items[i]);
    }
    sink_format(out, " (%s%s).\n", from, local ? "; localhost is the sandbox's own" : "");
}

static void write_network(struct sink *out, const struct job_spec *spec)
{
    const struct job_network *network = &spec->network;
    const struct job_allowance *whitelist = &spec->resources.whitelist;
    if (!network->allow_outbound) {
        sink_text(out, "It has no network: allow_outbound is false.\n");
        return;
    }
    write_allowance(out, whitelist, "resources.network_whitelist");
    write_allowance(out, &network->allowed, "allowed_hosts");
    bool some = job_allowance_allows(whitelist) || job_allowance_allows(&network->allowed);
    sink_text(out, some ? "It reaches nothing else" : "It reaches nothing: no host is allowed");
    if (network->dns_servers.count > 0 && (has_names(whitelist) || has_names(&network->allowed))) {
        sink_text(out, "; names are asked of ");
        write_texts(out, &network->dns_servers);
        sink_text(out, " for it");
    }
    sink_text(out, ".\n");
}

static void write_files(struct sink *out, const struct job_files *files)
{
    sink_text(out, "It can write /output");
    if (files->allowed.count > 0) {
        sink_text(out, ", and ");
        write_texts(out, &files->allowed);
        sink_text(out, " (in memory, ");
        job_size_write(out, files->tmpfs);
        sink_text(out, " each)");
    }
    sink_text(out, files->read_only ? "; all else can only be read.\n"
                                    : "; all else is a private copy that goes with it.\n");
    if (files->denied.count > 0) {
        sink_text(out, "It does not see ");
        write_texts(out, &files->denied);
        sink_text(out, ".\n");
    }
}

static void write_resources(struct sink *out, const struct job_spec *spec)
{
    const struct job_resources *wants = &spec->resources;
    sink_format(out, "Reserved: %u processor%s, ", wants->vcpu, wants->vcpu == 1 ? "" : "s");
    job_size_write(out, wants->memory);
    sink_text(out, " of memory, ");
    job_size_write(out, wants->disk);
    sink_format(out, " of disk, %u GPU%s.\n", wants->gpu, wants->gpu == 1 ? "" : "s");
    sink_format(out, "It ends at %u seconds, ", spec->limits.execution_s);
    job_size_write(out, spec->limits.memory);
    sink_text(out, " of memory or ");
    job_size_write(out, spec->limits.output);
    sink_text(out, " of output; never more than ");
    sink_format(out, "%u processor%s, ", spec->limits.cpu_cores,
                spec->limits.cpu_cores == 1 ? "" : "s");
    job_size_write(out, spec->limits.disk);
    sink_format(out, " of disk, %u MiB of a GPU's memory.\n", spec->limits.gpu_memory_mb);
}

void job_spec_explain(struct sink *out, const struct job_spec *spec)
{
    sink_text(out, "It runs ");
    write_command(out, &spec->command);
    sink_text(out, "\nfrom ");
    sink_put(out, spec->image);
    sink_format(out, "\n%s", isolations[spec->isolation]);
    if (spec->tenant.len > 0) {
        sink_text(out, ", on the share of ");
        sink_put(out, spec->tenant);
    }
    sink_text(out, ".\n");
    write_resources(out, spec);
    write_network(out, spec);
    write_files(out, &spec->files);
    if (spec->guest_agent)
        sink_text(out, "It may ask for evidence of its sandbox.\n");
    if (spec->environment.count > 0) {
        sink_text(out, "Variables: ");
        for (size_t i = 0; i < spec->environment.count; i++) {
            sink_text(out, i == 0 ? "" : ", ");
            sink_put(out, spec->environment.items[i].name);
        }
        sink_text(out, " (their values are not shown).\n");
    }
}
