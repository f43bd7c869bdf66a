/* learn_write.c - the learned specification as a file: see learn.h.  All of the policy is written,
   also what nobody wrote before: whoever reads it need not know the defaults. */
#include "base/number.h"
#include "codec/toml_write.h"
#include "job/learn.h"

struct writing {
    struct sink *out;
    const struct job_spec *given, *least;
    const struct learn_seen *seen;
    const struct learned *learned;
};

/* --- pieces ----------------------------------------------------------------------------------- */

/* As a specification reads it: in the largest unit that divides it. */
static void put_amount(struct sink *out, uint64_t bytes)
{
    static const struct {
        uint64_t bytes;
        char letter;
    } units[] = { { JOB_GIB, 'G' }, { JOB_MIB, 'M' }, { JOB_KIB, 'K' } };
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (bytes != 0 && bytes % units[i].bytes == 0) {
            sink_format(out, "\"%llu%c\"", (unsigned long long)(bytes / units[i].bytes),
                        units[i].letter);
            return;
        }
    }
    sink_format(out, "%llu", (unsigned long long)bytes);
}

static void put_texts(struct sink *out, const struct span_list *list)
{
    sink_text(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        sink_text(out, i == 0 ? "" : ", ");
        toml_put_string(out, list->items[i]);
    }
    sink_text(out, "]\n");
}

static void put_hosts(struct sink *out, const struct job_hosts *hosts)
{
    sink_text(out, "[");
    for (size_t i = 0; i < hosts->count; i++) {
        sink_text(out, i == 0 ? "\"" : ", \"");
        job_host_write(out, &hosts->items[i]);
        sink_text(out, "\"");
    }
    sink_text(out, "]\n");
}

static void put_ports(struct sink *out, const struct job_ports *ports)
{
    sink_text(out, "[");
    for (size_t i = 0; i < ports->count; i++)
        sink_format(out, ports->items[i].udp ? "%s\"%u/udp\"" : "%s%u", i == 0 ? "" : ", ",
                    ports->items[i].number);
    sink_text(out, "]\n");
}

/* A value that stands where another stood: what was seen. */
static void put_number(const struct writing *w, const char *key, uint64_t is, uint64_t was,
                       const char *seen)
{
    if (is != was)
        sink_format(w->out, "# It was %llu. %s\n", (unsigned long long)was, seen);
    sink_format(w->out, "%s = %llu\n", key, (unsigned long long)is);
}

static void put_size(const struct writing *w, const char *key, uint64_t is, uint64_t was)
{
    if (is != was) {
        sink_text(w->out, "# It was ");
        job_size_write(w->out, was);
        sink_text(w->out, ".\n");
    }
    sink_format(w->out, "%s = ", key);
    put_amount(w->out, is);
    sink_text(w->out, "\n");
}

/* Whole units above, so that a line does not end in an odd number of bytes. */
static void say_amount(const struct writing *w, uint64_t bytes)
{
    const uint64_t unit = bytes >= JOB_MIB ? JOB_MIB : JOB_KIB;
    sink_text(w->out, "# Seen: ");
    job_size_write(w->out, job_size_units(bytes, unit) * unit);
    sink_text(w->out, " at most.");
}

/* --- its parts -------------------------------------------------------------------------------- */

static void write_top(const struct writing *w, const char *digest)
{
    const struct job_spec *spec = w->least;
    sink_format(w->out,
                "# Learned from one run of the specification with the SHA-256\n# %s,\n# by `ward "
                "run --learn`: what that run needed, with a margin, and nothing that was not\n# "
                "allowed before. Another run may need more.\n\n",
                digest);
    if (spec->name.len > 0) {
        sink_text(w->out, "name = ");
        toml_put_string(w->out, spec->name);
        sink_text(w->out, "\n");
    }
    if (spec->tenant.len > 0) {
        sink_text(w->out, "tenant = ");
        toml_put_string(w->out, spec->tenant);
        sink_text(w->out, "\n");
    }
    sink_text(w->out, "image = ");
    toml_put_string(w->out, spec->image);
    sink_text(w->out, "\ncommand = ");
    put_texts(w->out, &spec->command);
    if (spec->environment.count > 0)
        sink_text(w->out, "\n[env]\n");
    for (size_t i = 0; i < spec->environment.count; i++) {
        toml_put_key(w->out, spec->environment.items[i].name);
        sink_text(w->out, " = ");
        toml_put_string(w->out, spec->environment.items[i].value);
        sink_text(w->out, "\n");
    }
}

static void say_too_little(const struct writing *w, const char *key, uint64_t used, uint64_t has)
{
    if (used <= has)
        return;
    sink_text(w->out, "# It used more than is reserved; this would reserve it: ");
    sink_format(w->out, "%s = ", key);
    put_amount(w->out, job_size_units(used, JOB_MIB) * JOB_MIB);
    sink_text(w->out, "\n");
}

static void write_resources(const struct writing *w)
{
    const struct job_resources *is = &w->least->resources, *was = &w->given->resources;
    const struct learn_seen *seen = w->seen;
    char words[128];
    struct sink text = sink_over(words, sizeof words);
    sink_format(&text, "Seen: %llu.%03llu s of processors in %llu.%03llu s.",
                (unsigned long long)(seen->cpu_us / 1000000),
                (unsigned long long)(seen->cpu_us / 1000 % 1000),
                (unsigned long long)(seen->wall_ms / 1000),
                (unsigned long long)(seen->wall_ms % 1000));
    sink_terminate(&text);
    sink_text(w->out, "\n[resources]\n");
    put_number(w, "vcpu", is->vcpu, was->vcpu, words);
    if (is->memory != was->memory) {
        say_amount(w, seen->memory);
        sink_text(w->out, " Half as much again is reserved.\n");
    }
    put_size(w, "memory", is->memory, was->memory);
    say_too_little(w, "memory", seen->memory, is->memory);
    const uint64_t disk = seen->disk_known && seen->output_known ? seen->disk + seen->output : 0;
    if (is->disk != was->disk) {
        say_amount(w, disk);
        sink_text(w->out, " /output is part of it; half as much again is reserved.\n");
    }
    put_size(w, "disk", is->disk, was->disk);
    say_too_little(w, "disk", disk, is->disk);
    sink_format(w->out, "gpu = %u\n", is->gpu);
}

/* --- hosts ------------------------------------------------------------------------------------ */

static bool ports_are_same(const struct job_ports *a, const struct job_ports *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->items[i].number == b->items[i].number && a->items[i].udp == b->items[i].udp;
    return same;
}

static bool hosts_are_same(const struct job_hosts *a, const struct job_hosts *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->items[i].kind == b->items[i].kind &&
               span_equal(a->items[i].text, b->items[i].text);
    return same;
}

static void write_list(const struct writing *w, const struct job_allowance *is,
                       const struct job_allowance *was, const char *const keys[2])
{
    if (!hosts_are_same(&is->hosts, &was->hosts))
        sink_format(w->out, "# Seen: no others of its %zu entries were asked for or met.\n",
                    was->hosts.count);
    sink_format(w->out, "%s = ", keys[0]);
    put_hosts(w->out, &is->hosts);
    if (!ports_are_same(&is->ports, &was->ports))
        sink_format(w->out, "# Seen: no others of its %zu ports were needed.\n", was->ports.count);
    sink_format(w->out, "%s = ", keys[1]);
    put_ports(w->out, &is->ports);
}

/* What the job asked for and did not get: said, and never granted. */
static void write_refused(const struct writing *w)
{
    const struct learn_seen *seen = w->seen;
    size_t count = 0;
    for (; count < seen->refused_count && count < LEARN_REFUSED; count++) {
        const struct reach_refusal *one = &seen->refused[count];
        sink_text(w->out, count == 0 ? "# Refused, and not granted here:\n" : "");
        sink_text(w->out, "#   ");
        reach_write_rule(w->out, seen->reach, one);
        const size_t before = w->out->len;
        sink_text(w->out, "; it would take ");
        const size_t words = w->out->len;
        reach_write_change(w->out, seen->reach, one);
        if (w->out->len == words)
            sink_cut(w->out, before);
        sink_text(w->out, "\n");
    }
    if (seen->more_refused || count < seen->refused_count)
        sink_text(w->out, "#   and more\n");
}

static void write_network(const struct writing *w)
{
    static const char *const allowed[] = { "allowed_hosts", "allowed_ports" };
    const struct job_network *is = &w->least->network, *was = &w->given->network;
    if (w->learned->lists_kept)
        sink_text(w->out, "# Its hosts and ports are as they were: what of them it used is not "
                          "known,\n# or it asked for localhost alone.\n");
    write_refused(w);
    if (is->allow_outbound != was->allow_outbound)
        sink_text(w->out, "# Seen: nothing outside was asked for or met.\n");
    sink_format(w->out, "allow_outbound = %s\n", is->allow_outbound ? "true" : "false");
    write_list(w, &is->allowed, &was->allowed, allowed);
    sink_text(w->out, "dns_servers = ");
    put_texts(w->out, &is->dns_servers);
}

static void write_whitelist(const struct writing *w)
{
    static const char *const keys[] = { "hosts", "ports" };
    const struct job_allowance *was = &w->given->resources.whitelist;
    sink_text(w->out, "\n[resources.network_whitelist]\n");
    write_list(w, &w->least->resources.whitelist, was, keys);
}

/* --- files ------------------------------------------------------------------------------------ */

/* An empty folder in memory may do where the job only writes; one that it reads it may not. */
static void write_changed(const struct writing *w)
{
    const struct learn_seen *seen = w->seen;
    const bool has = seen->image_known && seen->image_changed && !w->least->files.read_only;
    if (!has)
        return;
    sink_text(w->out, "# Seen: files of the image's were written or taken away. With what is "
                      "written there in\n# allowed_paths, which are empty and in memory, read_only "
                      "could be true; it was in\n");
    for (size_t i = 0; i < seen->folder_count; i++) {
        sink_text(w->out, "#   ");
        toml_put_string(w->out, seen->folders[i]);
        sink_text(w->out, "\n");
    }
    if (seen->more_folders || seen->folder_count == 0)
        sink_text(w->out, "#   others that are not named here\n");
}

static void write_files(const struct writing *w)
{
    const struct job_files *is = &w->least->files, *was = &w->given->files;
    sink_text(w->out, "\n[sandbox_config.filesystem_policy]\n");
    write_changed(w);
    if (is->read_only != was->read_only)
        sink_text(w->out, "# Seen: nothing of the image was changed.\n");
    sink_format(w->out, "read_only = %s\n", is->read_only ? "true" : "false");
    if (is->allowed.count != was->allowed.count)
        sink_format(w->out, "# Seen: %zu of %zu were written to, or listed.\n", is->allowed.count,
                    was->allowed.count);
    sink_text(w->out, "allowed_paths = ");
    put_texts(w->out, &is->allowed);
    sink_text(w->out, "denied_paths = ");
    put_texts(w->out, &is->denied);
    put_size(w, "tmpfs_size", is->tmpfs, was->tmpfs);
}

static void write_sandbox(const struct writing *w)
{
    static const char *const words[] = {
        [JOB_ISOLATION_NONE] = NULL,
        [JOB_ISOLATION_CONTAINER] = "container",
        [JOB_ISOLATION_VM] = "vm",
        [JOB_ISOLATION_TEE] = "tee",
    };
    sink_text(w->out, "\n[sandbox_config]\n");
    if (words[w->least->isolation] != NULL)
        sink_format(w->out, "isolation_level = \"%s\"\n", words[w->least->isolation]);
    sink_format(w->out, "resource_monitoring = %s\n", w->least->monitoring ? "true" : "false");
    sink_format(w->out, "guest_agent = %s\n", w->least->guest_agent ? "true" : "false");
    sink_text(w->out, "\n[sandbox_config.network_policy]\n");
    write_network(w);
    write_files(w);
}

static void write_limits(const struct writing *w)
{
    const struct job_limits *is = &w->least->limits, *was = &w->given->limits;
    char words[96];
    struct sink text = sink_over(words, sizeof words);
    sink_format(&text, "Seen: %llu.%03llu s; three times as long, and a minute at least.",
                (unsigned long long)(w->seen->wall_ms / 1000),
                (unsigned long long)(w->seen->wall_ms % 1000));
    sink_terminate(&text);
    sink_text(w->out, "\n[limits]\n");
    if (is->memory != was->memory) {
        say_amount(w, w->seen->memory);
        sink_text(w->out, " Half as much again, or what is reserved.\n");
    }
    put_size(w, "max_memory_bytes", is->memory, was->memory);
    sink_format(w->out, "max_cpu_cores = %u\nmax_gpu_memory_mb = %u\n", is->cpu_cores,
                is->gpu_memory_mb);
    put_number(w, "max_execution_seconds", is->execution_s, was->execution_s, words);
    if (is->output != was->output) {
        say_amount(w, w->seen->output);
        sink_text(w->out, " Half as much again.\n");
    }
    put_size(w, "max_output_bytes", is->output, was->output);
    if (is->disk != was->disk) {
        say_amount(w, w->seen->disk);
        sink_text(w->out, " Half as much again, and as much as a file in memory may have.\n");
    }
    put_size(w, "max_disk_bytes", is->disk, was->disk);
}

void learn_write(struct sink *out, const struct job_spec *given, const struct learn_seen *seen,
                 const struct learned *learned, const char *digest)
{
    const struct writing w = { out, given, &learned->spec, seen, learned };
    write_top(&w, digest);
    write_resources(&w);
    write_whitelist(&w);
    write_sandbox(&w);
    write_limits(&w);
}
