/* spec_keys.c - the table of what a job's specification may say.  It reads and judges nothing.
   Sections and defaults are those of the public systems' own configuration. */
#include "base/number.h"
#include "job/spec.h"

#define AT(member) offsetof(struct job_spec, member)

static const struct toml_word isolations[] = {
    { "container", JOB_ISOLATION_CONTAINER },
    { "vm", JOB_ISOLATION_VM },
    { "tee", JOB_ISOLATION_TEE },
};

#define AMOUNT                                                                                     \
    .form = TOML_FORM_OWN, .own = job_read_size,                                                   \
    .own_says = "number, or a string such as \"512M\" or \"4G\""
#define OWN(function, says) .form = TOML_FORM_OWN, .own = (function), .own_says = (says)

#define HOSTS OWN(job_read_hosts, "list of names, \"*.NAME\" or addresses")
#define PORTS OWN(job_read_ports, "list of ports: 443, \"443/tcp\" or \"443/udp\"")
#define PATHS OWN(job_read_paths, "list of absolute paths")

static const struct toml_field fields[] = {
    { "", "name", OWN(job_read_name, "small letters, digits and hyphens"), .field = AT(name),
      .summary = "what to call the job" },
    { "", "tenant", OWN(job_read_name, "small letters, digits and hyphens"), .field = AT(tenant),
      .summary = "on whose share of the node it runs" },
    { "", "image", OWN(job_read_image, "`sha256:` and 64 hex digits"), .field = AT(image),
      .summary = "the root file system, by digest: a tag can be moved" },
    { "", "command", OWN(job_read_arguments, "list of strings"), .field = AT(command),
      .summary = "the program and its arguments; no shell is between" },
    { "", "env", OWN(job_read_environment, "table of strings"), .field = AT(environment),
      .summary = "variables of the program's environment" },

    { "resources", "vcpu", TOML_FORM_U32, AT(resources.vcpu), .least = 1, .most = 1024,
      .fallback = "1", .summary = "processors that are reserved" },
    { "resources", "memory", AMOUNT, .field = AT(resources.memory), .least = JOB_MIB,
      .most = INT64_MAX, .always = JOB_MIB, .fallback = "\"1G\"",
      .summary = "memory that is reserved; a bare number counts MiB" },
    { "resources", "disk", AMOUNT, .field = AT(resources.disk), .least = JOB_MIB, .most = INT64_MAX,
      .always = JOB_GIB, .fallback = "\"1G\"",
      .summary = "disk that is reserved; a bare number counts GiB" },
    { "resources", "gpu", TOML_FORM_U32, AT(resources.gpu), .least = 0, .most = 64, .fallback = "0",
      .summary = "GPUs that are reserved" },

    { "resources.network_whitelist", "hosts", HOSTS, .field = AT(resources.whitelist.hosts),
      .empty = true, .fallback = "[]",
      .summary = "hosts that the job may reach on the ports of this section" },
    { "resources.network_whitelist", "ports", PORTS, .field = AT(resources.whitelist.ports),
      .empty = true, .fallback = "[]", .summary = "ports of those hosts" },

    { "sandbox_config", "isolation_level", TOML_FORM_CHOICE, AT(isolation), .words = isolations,
      .word_count = COUNT_OF(isolations),
      .summary = "how it must be kept apart; left out: as the node does. The stronger of both "
                 "wins" },
    { "sandbox_config", "resource_monitoring", TOML_FORM_BOOL, AT(monitoring), .fallback = "true",
      .summary = "whether its usage is sampled while it runs; it is counted at the end anyway" },
    { "sandbox_config", "guest_agent", TOML_FORM_BOOL, AT(guest_agent), .fallback = "false",
      .summary =
          "whether it may ask for evidence of its own sandbox, as of dstack's guest agent, at "
          "the socket that DSTACK_SIMULATOR_ENDPOINT names" },

    { "sandbox_config.network_policy", "allow_outbound", TOML_FORM_BOOL, AT(network.allow_outbound),
      .fallback = "true",
      .summary = "false: the job reaches nothing, whatever is listed here or in "
                 "resources.network_whitelist" },
    { "sandbox_config.network_policy", "allowed_hosts", HOSTS, .field = AT(network.allowed.hosts),
      .empty = true, .fallback = "[\"localhost\", \"127.0.0.1\"]",
      .summary = "hosts that the job may reach on allowed_ports; localhost is the sandbox's own" },
    { "sandbox_config.network_policy", "allowed_ports", PORTS, .field = AT(network.allowed.ports),
      .empty = true, .fallback = "[80, 443, 3000, 9080, 9081, 9082]",
      .summary = "ports of those hosts" },
    { "sandbox_config.network_policy", "dns_servers", OWN(job_read_addresses, "list of addresses"),
      .field = AT(network.dns_servers), .empty = true, .fallback = "[\"8.8.8.8\", \"1.1.1.1\"]",
      .summary = "whom the fence asks for the names that are allowed; the job itself asks the "
                 "fence" },

    { "sandbox_config.filesystem_policy", "read_only", TOML_FORM_BOOL, AT(files.read_only),
      .fallback = "false",
      .summary = "whether all but allowed_paths and /output can only be read" },
    { "sandbox_config.filesystem_policy", "allowed_paths", PATHS, .field = AT(files.allowed),
      .empty = true, .fallback = "[\"/tmp\", \"/var/tmp\"]",
      .summary = "folders that are empty, in memory, and can be written" },
    { "sandbox_config.filesystem_policy", "denied_paths", PATHS, .field = AT(files.denied),
      .empty = true, .fallback = "[\"/etc\", \"/usr/bin\"]",
      .summary = "what may not be opened by the job, and tries are told; it wins over "
                 "allowed_paths" },
    { "sandbox_config.filesystem_policy", "tmpfs_size", AMOUNT, .field = AT(files.tmpfs),
      .least = 4096, .most = INT64_MAX, .always = 1, .fallback = "1048576",
      .summary = "bytes of each allowed path" },

    { "limits", "max_memory_bytes", AMOUNT, .field = AT(limits.memory), .least = JOB_MIB,
      .most = INT64_MAX, .always = 1, .fallback = "\"16G\"",
      .summary = "memory at most; more ends the job" },
    { "limits", "max_cpu_cores", TOML_FORM_U32, AT(limits.cpu_cores), .least = 1, .most = 1024,
      .fallback = "4", .summary = "processors at most" },
    { "limits", "max_gpu_memory_mb", TOML_FORM_U32, AT(limits.gpu_memory_mb), .least = 0,
      .most = UINT32_MAX, .fallback = "8192", .summary = "memory of GPUs at most" },
    { "limits", "max_execution_seconds", TOML_FORM_U32, AT(limits.execution_s), .least = 1,
      .most = JOB_TIME_MAX_S, .fallback = "3600", .summary = "time by the wall at most" },
    { "limits", "max_output_bytes", AMOUNT, .field = AT(limits.output), .least = 1,
      .most = INT64_MAX, .always = 1, .fallback = "\"1G\"", .summary = "bytes of /output at most" },
    { "limits", "max_disk_bytes", AMOUNT, .field = AT(limits.disk), .least = JOB_MIB,
      .most = INT64_MAX, .always = 1, .fallback = "\"50G\"", .summary = "disk at most" },
};

static const char *const sections[] = { "resources",
                                        "resources.network_whitelist",
                                        "sandbox_config",
                                        "sandbox_config.network_policy",
                                        "sandbox_config.filesystem_policy",
                                        "limits" };

const struct toml_shape job_spec_shape = {
    .fields = fields,
    .field_count = COUNT_OF(fields),
    .sections = sections,
    .section_count = COUNT_OF(sections),
    .text_max = JOB_SPEC_MAX,
    .list_max = JOB_LIST_MAX,
};
