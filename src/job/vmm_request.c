/* vmm_request.c - see vmm_request.h. */
#include "job/vmm_request.h"

#include "base/number.h"
#include "codec/json_write.h"
#include "codec/url.h"
#include "codec/utf8.h"

/* --- what may be asked ------------------------------------------------------------------------ */

static enum reason refuse(struct sink *what, enum reason reason, const char *words)
{
    sink_text(what, words);
    return reason;
}

static bool reaches_out(const struct job_allowance *list)
{
    for (size_t i = 0; job_allowance_allows(list) && i < list->hosts.count; i++) {
        if (!job_host_is_own(&list->hosts.items[i]))
            return true;
    }
    return false;
}

/* There is no fence in the machine, and its network leads to the VMM's own loopback. */
static enum reason check_network(const struct vmm_job *job, struct sink *what)
{
    const struct job_spec *spec = job->spec;
    if (spec->network.allow_outbound &&
        (reaches_out(&spec->resources.whitelist) || reaches_out(&spec->network.allowed)))
        return refuse(what, REASON_JOB_VMM_POLICY,
                      "it lists hosts, and no fence is there that would hold it to them");
    if ((job->host_port == 0) != (job->vm_port == 0) || job->vm_port > UINT16_MAX ||
        (job->host_port != 0 && job->host_port < VMM_PORT_LEAST) || job->host_port > UINT16_MAX)
        return refuse(what, REASON_JOB_VMM_POLICY, "its port is not one that may be given");
    if (job->host_port != 0 && !job->restricted)
        return refuse(
            what, REASON_JOB_VMM_POLICY,
            "a job with a port has a network, and nothing is said of the VMM's that would "
            "let nothing out");
    return REASON_OK;
}

static enum reason check_files(const struct job_spec *spec, struct sink *what)
{
    if (spec->files.denied.count == 0)
        return REASON_OK;
    return refuse(what, REASON_JOB_VMM_POLICY,
                  "sandbox_config.filesystem_policy.denied_paths is not empty, and nothing in the "
                  "machine hides them");
}

/* In units, rounded up; false where that is more than is allowed or than can be said. */
static bool count_units(uint64_t wanted, uint64_t unit, uint64_t most, uint32_t *out)
{
    const uint64_t units = job_size_units(wanted, unit);
    *out = (uint32_t)units;
    return units <= UINT32_MAX && units <= most / unit;
}

static enum reason check_size(const struct job_spec *spec, struct vmm_size *size, struct sink *what)
{
    const struct job_resources *wanted = &spec->resources;
    struct vmm_size is = { .vcpu = wanted->vcpu };
    if (wanted->vcpu > spec->limits.cpu_cores)
        return refuse(what, REASON_JOB_VMM_POLICY, "limits.max_cpu_cores is below resources.vcpu");
    if (!count_units(wanted->memory, JOB_MIB, spec->limits.memory, &is.memory_mib))
        return refuse(what, REASON_JOB_VMM_POLICY,
                      "a VMM gives memory in whole MiB, and limits.max_memory_bytes allows less");
    if (!count_units(wanted->disk, JOB_GIB, spec->limits.disk, &is.disk_gib))
        return refuse(what, REASON_JOB_VMM_POLICY,
                      "a VMM gives disk in whole GiB, and limits.max_disk_bytes allows less");
    *size = is;
    return REASON_OK;
}

static bool is_name(struct span text, const char *others, size_t most)
{
    return text.len <= most && url_is_plain(text, others);
}

enum reason vmm_admits(const struct vmm_job *job, struct vmm_size *size, struct sink *what)
{
    const struct job_spec *spec = job->spec;
    if (spec->isolation == JOB_ISOLATION_TEE)
        return refuse(what, REASON_JOB_ISOLATION,
                      "sandbox_config.isolation_level is \"tee\", and nobody asks the machine for "
                      "evidence");
    if (spec->guest_agent)
        return refuse(what, REASON_JOB_NO_GUEST_AGENT,
                      "sandbox_config.guest_agent in a machine of a VMM");
    if (spec->resources.gpu > 0)
        return refuse(what, REASON_JOB_NO_GPU, "resources.gpu is not 0");
    if (!is_name(job->image, ".-_", VMM_IMAGE_NAME_MAX))
        return refuse(what, REASON_JOB_VMM_POLICY, "the name of the machine's image is none");
    if (!is_name(job->repository, ".-_/:", VMM_REPOSITORY_MAX))
        return refuse(what, REASON_JOB_VMM_POLICY, "the repository of the job's image is none");
    enum reason reason = check_network(job, what);
    if (reason == REASON_OK)
        reason = check_files(spec, what);
    return reason == REASON_OK ? check_size(spec, size, what) : reason;
}

/* --- the compose file ------------------------------------------------------------------------- */

/* A compose file puts the guest's own variables in place of $NAME; $$ is a dollar.  Not what JSON
   writes as two halves of a character: a reader of YAML makes something else of them. */
static bool put_literal(struct json_writer *json, struct span text)
{
    uint8_t room[2 * JOB_TEXT_MAX];
    struct sink doubled = sink_over(room, sizeof room);
    size_t len;
    for (size_t at = 0; at < text.len; at += len) {
        len = utf8_sequence(text, at);
        if (len == 0)
            return false;
        const struct span one = span_of(text.at + at, len);
        if (len == 4 && utf8_is_control(utf8_code_point(one)))
            return false;
        sink_put(&doubled, one);
        if (one.at[0] == '$')
            sink_u8(&doubled, '$');
    }
    json_put_span(json, sink_bytes(&doubled));
    return sink_ok(&doubled);
}

static bool put_words(struct json_writer *json, const struct span_list *words)
{
    bool good = true;
    for (size_t i = 0; i < words->count && good; i++)
        good = put_literal(json, words->items[i]);
    return good;
}

static void put_list_of_one(struct json_writer *json, const char *name, const char *text)
{
    json_put_key(json, name);
    json_begin_array(json);
    json_put_text(json, text);
    json_end_array(json);
}

static bool put_allowed(struct json_writer *json, const struct job_files *files)
{
    bool good = true;
    json_put_key(json, "volumes");
    json_begin_array(json);
    for (size_t i = 0; i < files->allowed.count && good; i++) {
        json_begin_object(json);
        json_put_member(json, "type", "tmpfs");
        json_put_key(json, "target");
        good = put_literal(json, files->allowed.items[i]);
        json_put_key(json, "tmpfs");
        json_begin_object(json);
        json_put_member_u64(json, "size", files->tmpfs);
        json_end_object(json);
        json_end_object(json);
    }
    json_end_array(json);
    return good;
}

static bool put_environment(struct json_writer *json, const struct job_environment *variables)
{
    bool good = true;
    json_put_key(json, "environment");
    json_begin_object(json);
    for (size_t i = 0; i < variables->count && good; i++) {
        json_put_key_span(json, variables->items[i].name);
        good = put_literal(json, variables->items[i].value);
    }
    json_end_object(json);
    return good;
}

static void put_image(struct json_writer *json, const struct vmm_job *job)
{
    uint8_t room[VMM_REPOSITORY_MAX + 128];
    struct sink text = sink_over(room, sizeof room);
    sink_put(&text, job->repository);
    sink_u8(&text, '@');
    sink_put(&text, job->spec->image);
    json_put_key(json, "image");
    json_put_span(json, sink_bytes(&text));
}

/* Without a port it has no network at all. */
static void put_network(struct json_writer *json, const struct vmm_job *job)
{
    char ports[16];
    struct sink text = sink_over(ports, sizeof ports);
    if (job->vm_port == 0) {
        json_put_member(json, "network_mode", "none");
        return;
    }
    sink_format(&text, "%u:%u", job->vm_port, job->vm_port);
    sink_terminate(&text);
    put_list_of_one(json, "ports", ports);
}

/* What holds the job inside the machine: the same as in a container of ours, where a compose file
   can say it. */
static void put_rights(struct json_writer *json, const struct job_spec *spec)
{
    json_put_member(json, "user", "65532:65532");
    _Static_assert(VMM_USER == 65532, "as it is written");
    put_list_of_one(json, "cap_drop", "ALL");
    put_list_of_one(json, "security_opt", "no-new-privileges:true");
    json_put_member_u64(json, "pids_limit", VMM_PROCESSES);
    json_put_member(json, "restart", "no");
    json_put_key(json, "read_only");
    json_put_bool(json, spec->files.read_only);
}

/* In JSON, which is YAML too and has one way to write a text. */
static bool write_file(struct sink *out, const struct vmm_job *job)
{
    const struct job_spec *spec = job->spec;
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "services");
    json_begin_object(&json);
    json_put_key(&json, "job");
    json_begin_object(&json);
    put_image(&json, job);
    json_put_key(&json, "entrypoint");
    json_begin_array(&json);
    bool good = put_words(&json, &spec->command) && put_words(&json, &job->arguments);
    json_end_array(&json);
    good = good && put_environment(&json, &spec->environment);
    put_rights(&json, spec);
    good = good && put_allowed(&json, &spec->files);
    put_network(&json, job);
    json_end_object(&json);
    json_end_object(&json);
    json_end_object(&json);
    return good && json_write_ok(&json);
}

/* --- app_compose ------------------------------------------------------------------------------ */

static void put_bool(struct json_writer *json, const char *name, bool value)
{
    json_put_key(json, name);
    json_put_bool(json, value);
}

static void put_nothing(struct json_writer *json, const char *name, bool object)
{
    json_put_key(json, name);
    if (object) {
        json_begin_object(json);
        json_end_object(json);
        return;
    }
    json_begin_array(json);
    json_end_array(json);
}

static void put_span(struct json_writer *json, const char *name, struct span text)
{
    json_put_key(json, name);
    json_put_span(json, text);
}

bool vmm_write_compose(struct sink *out, const struct vmm_job *job, void *room, size_t room_len)
{
    struct sink file = sink_over(room, room_len);
    if (!write_file(&file, job))
        return false;
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_member_u64(&json, "manifest_version", 2);
    put_span(&json, "name", job->name);
    json_put_member(&json, "runner", "docker-compose");
    put_span(&json, "docker_compose_file", sink_bytes(&file));
    put_nothing(&json, "docker_config", true);
    put_bool(&json, "kms_enabled", false);
    put_bool(&json, "gateway_enabled", false);
    put_bool(&json, "public_logs", false);
    put_bool(&json, "public_sysinfo", false);
    put_bool(&json, "public_tcbinfo", true);
    put_bool(&json, "local_key_provider_enabled", false);
    json_put_member(&json, "key_provider_id", "");
    put_nothing(&json, "allowed_envs", false);
    put_bool(&json, "no_instance_id", false);
    put_bool(&json, "secure_time", true);
    json_end_object(&json);
    return json_write_ok(&json);
}

/* --- the questions ---------------------------------------------------------------------------- */

static void put_port(struct json_writer *json, const struct vmm_job *job)
{
    json_put_key(json, "ports");
    json_begin_array(json);
    if (job->host_port != 0) {
        json_begin_object(json);
        json_put_member(json, "protocol", "tcp");
        json_put_member_u64(json, "host_port", job->host_port);
        json_put_member_u64(json, "vm_port", job->vm_port);
        json_put_member(json, "host_address", "127.0.0.1");
        json_end_object(json);
    }
    json_end_array(json);
}

/* A VMM that makes another app_id of the compose file does not start the machine. */
bool vmm_write_create(struct sink *out, const struct vmm_job *job, const struct vmm_size *size,
                      struct span compose, const uint8_t digest[VMM_DIGEST])
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    put_span(&json, "name", job->name);
    put_span(&json, "image", job->image);
    put_span(&json, "compose_file", compose);
    json_put_member_u64(&json, "vcpu", size->vcpu);
    json_put_member_u64(&json, "memory", size->memory_mib);
    json_put_member_u64(&json, "disk_size", size->disk_gib);
    put_port(&json, job);
    json_put_member(&json, "encrypted_env", "");
    json_put_key(&json, "app_id");
    json_put_hex(&json, span_of(digest, VMM_APP_ID));
    json_put_member(&json, "user_config", "");
    put_bool(&json, "hugepages", false);
    put_bool(&json, "pin_numa", false);
    put_bool(&json, "stopped", false);
    json_put_key(&json, "gpus");
    json_begin_object(&json);
    put_nothing(&json, "gpus", false);
    json_put_member(&json, "attach_mode", "listed");
    json_end_object(&json);
    put_nothing(&json, "kms_urls", false);
    put_nothing(&json, "gateway_urls", false);
    json_end_object(&json);
    return json_write_ok(&json);
}

bool vmm_write_id(struct sink *out, struct span id)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    put_span(&json, "id", id);
    json_end_object(&json);
    return json_write_ok(&json);
}

/* Page 0 is all of them. */
bool vmm_write_status(struct sink *out)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    put_nothing(&json, "ids", false);
    put_bool(&json, "brief", true);
    json_put_member(&json, "keyword", "");
    json_put_member_u64(&json, "page", 0);
    json_put_member_u64(&json, "page_size", 0);
    json_end_object(&json);
    return json_write_ok(&json);
}
