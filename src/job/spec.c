/* spec.c - see spec.h: the defaults, and what no single key can tell. */
#include "job/spec.h"

#include <string.h>

#include "base/number.h"

static const struct job_host usual_hosts[] = {
    { .kind = JOB_HOST_NAME, .text = { (const uint8_t *)"localhost", 9 } },
    { .kind = JOB_HOST_ADDRESS, .text = { (const uint8_t *)"127.0.0.1", 9 } },
};
static const struct job_port usual_ports[] = { { 80, false },   { 443, false },  { 3000, false },
                                               { 9080, false }, { 9081, false }, { 9082, false } };
static const struct span usual_servers[] = { { (const uint8_t *)"8.8.8.8", 7 },
                                             { (const uint8_t *)"1.1.1.1", 7 } };
static const struct span usual_allowed[] = { { (const uint8_t *)"/tmp", 4 },
                                             { (const uint8_t *)"/var/tmp", 8 } };
static const struct span usual_denied[] = { { (const uint8_t *)"/etc", 4 },
                                            { (const uint8_t *)"/usr/bin", 8 } };

struct job_spec job_spec_default(void)
{
    struct job_spec spec = { .monitoring = true };
    spec.resources = (struct job_resources){ .vcpu = 1, .memory = JOB_GIB, .disk = JOB_GIB };
    spec.network = (struct job_network){
        .allow_outbound = true,
        .allowed = { { usual_hosts, COUNT_OF(usual_hosts) },
                     { usual_ports, COUNT_OF(usual_ports) } },
        .dns_servers = { usual_servers, COUNT_OF(usual_servers) },
    };
    spec.files = (struct job_files){ .allowed = { usual_allowed, COUNT_OF(usual_allowed) },
                                     .denied = { usual_denied, COUNT_OF(usual_denied) },
                                     .tmpfs = JOB_MIB };
    spec.limits = (struct job_limits){ .memory = UINT64_C(16) * JOB_GIB,
                                       .cpu_cores = 4,
                                       .gpu_memory_mb = 8192,
                                       .execution_s = 3600,
                                       .output = JOB_GIB,
                                       .disk = UINT64_C(50) * JOB_GIB };
    return spec;
}

bool job_allowance_allows(const struct job_allowance *list)
{
    return list->hosts.count > 0 && list->ports.count > 0;
}

bool job_path_is_beneath(struct span path, struct span folder)
{
    return path.len >= folder.len && bytes_equal(path.at, folder.at, folder.len) &&
           (path.len == folder.len || path.at[folder.len] == '/');
}

const struct span *job_spec_denies(const struct job_spec *spec, struct span path)
{
    for (size_t i = 0; i < spec->files.denied.count; i++) {
        if (job_path_is_beneath(path, spec->files.denied.items[i]))
            return &spec->files.denied.items[i];
    }
    return NULL;
}

/* The place of a key of [resources], for a problem that shows only when all are known. */
static struct toml_place place_of(const struct toml_value *root, const char *key)
{
    return toml_key_position(toml_table_get(toml_table_get(root, "resources"), key));
}

/* A reservation above a ceiling can never be had. */
static void check_ceilings(const struct job_spec *spec, const struct toml_value *root,
                           struct toml_problems *problems)
{
    const struct {
        const char *key, *limit;
        uint64_t wanted, most;
    } rows[] = {
        { "vcpu", "max_cpu_cores", spec->resources.vcpu, spec->limits.cpu_cores },
        { "memory", "max_memory_bytes", spec->resources.memory, spec->limits.memory },
        { "disk", "max_disk_bytes", spec->resources.disk, spec->limits.disk },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].wanted > rows[i].most)
            toml_problem_add(problems, place_of(root, rows[i].key),
                             "resources.%s is more than limits.%s allows (%llu and %llu)",
                             rows[i].key, rows[i].limit, (unsigned long long)rows[i].wanted,
                             (unsigned long long)rows[i].most);
    }
}

/* Hosts without a port, or ports without a host, are a rule that allows nothing: whoever wrote it
   meant another one. */
static void check_whitelist(const struct job_spec *spec, const struct toml_value *root,
                            struct toml_problems *problems)
{
    const struct job_allowance *list = &spec->resources.whitelist;
    if ((list->hosts.count == 0) == (list->ports.count == 0))
        return;
    toml_problem_add(problems, place_of(root, "network_whitelist"),
                     "resources.network_whitelist has %s and no %s: it allows nothing",
                     list->hosts.count > 0 ? "hosts" : "ports",
                     list->hosts.count > 0 ? "ports" : "hosts");
}

/* The same of the other list, whose halves have defaults: only what was written was meant. */
static void check_allowed(const struct job_spec *spec, const struct toml_value *policy,
                          struct toml_problems *problems)
{
    const struct job_allowance *list = &spec->network.allowed;
    const bool hosts = list->hosts.count > 0;
    const struct toml_value *key = toml_table_get(policy,
                                                  hosts ? "allowed_hosts" : "allowed_ports");
    if (hosts == (list->ports.count > 0) || key == NULL)
        return;
    toml_problem_add(problems, toml_key_position(key),
                     "sandbox_config.network_policy has %s and no %s: it allows nothing",
                     hosts ? "allowed_hosts" : "allowed_ports",
                     hosts ? "allowed_ports" : "allowed_hosts");
}

static void say_hidden(struct toml_problems *problems, const struct toml_value *key,
                       struct span path, const struct span *denied)
{
    toml_problem_add(problems, toml_key_position(key),
                     "%.*s lies beneath %.*s, which "
                     "sandbox_config.filesystem_policy.denied_paths hides",
                     (int)(path.len < 80 ? path.len : 80), (const char *)path.at,
                     (int)(denied->len < 60 ? denied->len : 60), (const char *)denied->at);
}

/* A folder that is to be written and is not there; where allowed_paths is not written, denying a
   usual one takes it away.  /output is every job's. */
static void check_files(const struct job_spec *spec, const struct toml_value *policy,
                        struct toml_problems *problems)
{
    const struct span output = span_text("/output");
    const struct toml_value *allowed = toml_table_get(policy, "allowed_paths");
    for (size_t i = 0; allowed != NULL && i < spec->files.allowed.count; i++) {
        const struct span path = spec->files.allowed.items[i];
        const struct span *denied = job_spec_denies(spec, path);
        if (denied != NULL)
            say_hidden(problems, allowed, path, denied);
    }
    const struct span *denied = job_spec_denies(spec, output);
    if (denied != NULL)
        say_hidden(problems, toml_table_get(policy, "denied_paths"), output, denied);
}

static void check_command(const struct job_spec *spec, const struct toml_value *root,
                          struct toml_problems *problems)
{
    if (spec->image.len == 0)
        toml_problem_add(problems, (struct toml_place){ 0, 0 },
                         "image is missing: name one by its digest");
    if (spec->command.count == 0) {
        toml_problem_add(problems, (struct toml_place){ 0, 0 },
                         "command is missing: what is to run?");
        return;
    }
    const struct span program = spec->command.items[0];
    const struct span *denied = job_spec_denies(spec, program);
    if (denied != NULL)
        say_hidden(problems, toml_table_get(root, "command"), program, denied);
}

bool job_spec_load(struct span toml, struct arena *arena, struct job_spec *out,
                   struct toml_problems *problems)
{
    struct job_spec spec = job_spec_default();
    const struct toml_value *root;
    if (!toml_shape_read(&job_spec_shape, toml, &spec, arena, &root, problems))
        return false;
    check_ceilings(&spec, root, problems);
    check_whitelist(&spec, root, problems);
    const struct toml_value *sandbox = toml_table_get(root, "sandbox_config");
    check_allowed(&spec, toml_table_get(sandbox, "network_policy"), problems);
    check_files(&spec, toml_table_get(sandbox, "filesystem_policy"), problems);
    check_command(&spec, root, problems);
    if (problems->count != 0)
        return false;
    *out = spec;
    return true;
}
