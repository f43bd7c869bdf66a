/* spec.h - what a job is and what it may do: its specification, as plain data.

   A specification owns no memory: it lives as long as the arena that it was read into.  {0} is
   one that nobody made. */
#ifndef WARD_JOB_SPEC_H
#define WARD_JOB_SPEC_H

#include "base/arena.h"
#include "codec/toml_shape.h"
#include "job/host.h"
#include "job/size.h"

enum {
    JOB_SPEC_MAX = 256 << 10, /* bytes of a specification */
    JOB_LIST_MAX = 256,       /* items of one list */
    JOB_ENV_MAX = 128,        /* variables */
    JOB_TEXT_MAX = 4096,      /* bytes of a path, an argument, a variable's value */
    JOB_NAME_MAX = 63,        /* bytes of a job's or a tenant's name */
    JOB_TIME_MAX_S = 30 * 24 * 3600,
};

/* How a job is kept apart. */
enum job_isolation {
    JOB_ISOLATION_NONE = 0, /* not said: the node's own default */
    JOB_ISOLATION_CONTAINER,
    JOB_ISOLATION_VM,
    JOB_ISOLATION_TEE,
};

struct job_variable {
    struct span name, value;
};

struct job_environment {
    const struct job_variable *items;
    size_t count;
};

struct job_hosts {
    const struct job_host *items;
    size_t count;
};

struct job_ports {
    const struct job_port *items;
    size_t count;
};

/* Each of these hosts on each of these ports. */
struct job_allowance {
    struct job_hosts hosts;
    struct job_ports ports;
};

/* What is reserved for the job. */
struct job_resources {
    uint32_t vcpu;
    uint64_t memory, disk; /* bytes */
    uint32_t gpu;
    struct job_allowance whitelist;
};

/* Ceilings; a node lowers them to its own size. */
struct job_limits {
    uint64_t memory; /* bytes */
    uint32_t cpu_cores;
    uint32_t gpu_memory_mb;
    uint32_t execution_s;
    uint64_t output, disk; /* bytes */
};

struct job_network {
    bool allow_outbound; /* false: nothing goes out, whatever is listed anywhere */
    struct job_allowance allowed;
    struct span_list dns_servers; /* addresses: the fence's upstreams */
};

struct job_files {
    bool read_only;           /* else what is not allowed is a private copy that can be written */
    struct span_list allowed; /* tmpfs, writable */
    struct span_list denied;  /* not there, whatever else is said */
    uint64_t tmpfs;           /* bytes of each */
};

struct job_spec {
    struct span name, tenant;
    struct span image; /* "sha256:" and 64 digits: never a tag */
    struct span_list command;
    struct job_environment environment;
    enum job_isolation isolation;
    bool monitoring;
    bool guest_agent; /* it may ask for evidence of its sandbox */
    struct job_resources resources;
    struct job_network network;
    struct job_files files;
    struct job_limits limits;
};

/* What may be in one: the reader, the reference and the defaults are made of it. */
extern const struct toml_shape job_spec_shape;

/* job_spec_default is one that says nothing: the defaults of all but image and command. */
struct job_spec job_spec_default(void);

/* job_spec_load reads one on top of the defaults.  On success *out views only the arena.  On
   failure *out is untouched and *problems holds at least one. */
MUST_USE
bool job_spec_load(struct span toml, struct arena *arena, struct job_spec *out,
                   struct toml_problems *problems);

/* job_path_is_beneath tells whether a path is that folder or lies in it; both are absolute and
 * plain. */
bool job_path_is_beneath(struct span path, struct span folder);

/* job_allowance_allows tells whether it allows anything: a host without a port, or a port without a
   host, does not. */
bool job_allowance_allows(const struct job_allowance *list);

/* job_spec_denies finds the denied path that hides this one; NULL when none does. */
const struct span *job_spec_denies(const struct job_spec *spec, struct span path);

/* job_spec_explain appends in words, a line each, what the job gets, may and may not. */
void job_spec_explain(struct sink *out, const struct job_spec *spec);

/* Forms of its own (spec_read.c): hosts, ports, amounts, paths, variables, command, image. */
typedef void job_read_fn(struct toml_reading *reading, const struct toml_field *field,
                         const struct toml_value *value);
job_read_fn job_read_hosts, job_read_ports, job_read_size, job_read_paths, job_read_addresses,
    job_read_environment, job_read_arguments, job_read_image, job_read_name;

#endif
