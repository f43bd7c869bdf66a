/* bundle.c - see bundle.h. */
#include "sandbox/bundle.h"

#include <stdio.h>
#include <sys/resource.h>

#include "agent/agent.h"
#include "base/number.h"
#include "codec/json_write.h"
#include "sandbox/calls.h"
#include "sandbox/job_seccomp.h"

const char *const bundle_unseen[] = { "clone3", NULL };

const struct seccomp_rule *bundle_calls(size_t *count)
{
    *count = COUNT_OF(job_rules);
    return job_rules;
}

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts[count] != NULL)
        count++;
    return count;
}

static void put_spans(struct json_writer *json, const struct span_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        json_put_span(json, list->items[i]);
}

static void put_texts(struct json_writer *json, const char *name, const char *const *texts,
                      size_t count)
{
    json_put_key(json, name);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        json_put_text(json, texts[i]);
    json_end_array(json);
}

/* --- the process ------------------------------------------------------------------------------ */

static bool is_set(const struct job_environment *environment, struct span name)
{
    for (size_t i = 0; i < environment->count; i++) {
        if (span_equal(environment->items[i].name, name))
            return true;
    }
    return false;
}

static struct span name_of(struct span variable)
{
    size_t len = 0;
    while (len < variable.len && variable.at[len] != '=')
        len++;
    return span_of(variable.at, len);
}

void bundle_each_variable(const struct bundle *bundle, bundle_put_fn *put, void *arg)
{
    const struct job_environment *own = &bundle->spec->environment;
    bool path = is_set(own, span_text("PATH")), home = is_set(own, span_text("HOME"));
    bool agent = is_set(own, span_text(AGENT_VARIABLE));
    char room[JOB_NAME_MAX + 2 * JOB_TEXT_MAX];
    for (size_t i = 0; i < bundle->image->environment.count; i++) {
        const struct span variable = bundle->image->environment.items[i], name = name_of(variable);
        if (is_set(own, name))
            continue;
        path = path || span_equal_text(name, "PATH");
        home = home || span_equal_text(name, "HOME");
        agent = agent || span_equal_text(name, AGENT_VARIABLE);
        put(arg, variable);
    }
    for (size_t i = 0; i < own->count; i++) {
        struct sink text = sink_over(room, sizeof room);
        sink_put(&text, own->items[i].name);
        sink_u8(&text, '=');
        sink_put(&text, own->items[i].value);
        put(arg, sink_bytes(&text));
    }
    if (!path)
        put(arg, span_text("PATH=/usr/local/bin:/usr/bin:/bin"));
    if (!home)
        put(arg, span_text("HOME=/tmp"));
    if (bundle->spec->guest_agent && !agent)
        put(arg, span_text(AGENT_VARIABLE "=" AGENT_SOCKET));
}

static void put_variable(void *arg, struct span text)
{
    json_put_span(arg, text);
}

static void put_environment(struct json_writer *json, const struct bundle *bundle)
{
    json_put_key(json, "env");
    json_begin_array(json);
    bundle_each_variable(bundle, put_variable, json);
    json_end_array(json);
}

/* Never more than the caller has himself: without CAP_SYS_RESOURCE nobody could raise it. */
static void put_rlimit(struct json_writer *json, const char *type, __rlimit_resource_t which,
                       uint64_t wanted)
{
    struct rlimit own = { .rlim_max = 0 };
    const bool known = getrlimit(which, &own) == 0;
    const uint64_t value = known && own.rlim_max < wanted ? own.rlim_max : wanted;
    json_begin_object(json);
    json_put_member(json, "type", type);
    json_put_member_u64(json, "hard", value);
    json_put_member_u64(json, "soft", value);
    json_end_object(json);
}

static void put_rlimits(struct json_writer *json, const struct job_limits *limits)
{
    json_put_key(json, "rlimits");
    json_begin_array(json);
    put_rlimit(json, "RLIMIT_NOFILE", RLIMIT_NOFILE, JOB_FDS_MAX);
    put_rlimit(json, "RLIMIT_CORE", RLIMIT_CORE, 0);
    put_rlimit(json, "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, JOB_LOCKED_MAX);
    put_rlimit(json, "RLIMIT_FSIZE", RLIMIT_FSIZE,
               limits->disk > limits->output ? limits->disk : limits->output);
    json_end_array(json);
}

static void put_capabilities(struct json_writer *json)
{
    static const char *const sets[] = { "bounding", "effective", "inheritable", "permitted",
                                        "ambient" };
    json_put_key(json, "capabilities");
    json_begin_object(json);
    for (size_t i = 0; i < COUNT_OF(sets); i++)
        put_texts(json, sets[i], NULL, 0);
    json_end_object(json);
}

enum { OOM_FIRST = 1000 };

static void put_process(struct json_writer *json, const struct bundle *bundle)
{
    const struct span folder = bundle->image->folder;
    json_put_key(json, "process");
    json_begin_object(json);
    json_put_key(json, "terminal");
    json_put_bool(json, false);
    json_put_key(json, "user");
    json_begin_object(json);
    json_put_member_u64(json, "uid", JOB_USER);
    json_put_member_u64(json, "gid", JOB_USER);
    json_put_member_u64(json, "umask", 022);
    json_end_object(json);
    json_put_key(json, "args");
    json_begin_array(json);
    put_spans(json, &bundle->spec->command);
    put_spans(json, &bundle->arguments);
    json_end_array(json);
    put_environment(json, bundle);
    json_put_key(json, "cwd");
    json_put_span(json, folder.len == 0 ? span_text("/") : folder);
    put_capabilities(json);
    put_rlimits(json, &bundle->spec->limits);
    json_put_key(json, "noNewPrivileges");
    json_put_bool(json, true);
    /* What the kernel has for a job and counts for nobody ends with the job: it goes first. */
    json_put_member_u64(json, "oomScoreAdj", OOM_FIRST);
    json_end_object(json);
}

/* --- mounts ----------------------------------------------------------------------------------- */

static const char *const plain[] = { "nosuid", "nodev", "noexec" };

/* Begins a mount and leaves its options open, for more of them. */
static void begin_mount(struct json_writer *json, struct span at, const char *type,
                        const char *source)
{
    json_begin_object(json);
    json_put_key(json, "destination");
    json_put_span(json, at);
    json_put_member(json, "type", type);
    json_put_member(json, "source", source);
    json_put_key(json, "options");
    json_begin_array(json);
}

static void end_mount(struct json_writer *json, const char *const *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_put_text(json, options[i]);
    json_end_array(json);
    json_end_object(json);
}

static void put_allowed(struct json_writer *json, const struct job_files *files)
{
    char room[64];
    for (size_t i = 0; i < files->allowed.count; i++) {
        struct sink size = sink_over(room, sizeof room);
        sink_format(&size, "size=%llu", (unsigned long long)files->tmpfs);
        begin_mount(json, files->allowed.items[i], "tmpfs", "tmpfs");
        json_put_text(json, "mode=1777");
        json_put_span(json, sink_bytes(&size));
        end_mount(json, plain, COUNT_OF(plain));
    }
}

/* Below what is denied anyway, where nothing can be mounted any more; of the same path twice, the
   second. */
static bool is_denied_already(const struct span_list *denied, size_t index)
{
    const struct span path = denied->items[index];
    for (size_t i = 0; i < denied->count; i++) {
        const struct span other = denied->items[i];
        if (i != index && job_path_is_beneath(path, other) && (other.len < path.len || i < index))
            return true;
    }
    return false;
}

bool bundle_hides(const struct bundle *bundle, size_t index)
{
    return !is_denied_already(&bundle->spec->files.denied, index) &&
           bundle->shown_as[index] != SHOWN_AS_NOTHING;
}

/* After all others: denied beats allowed.  Neither read-only nor noexec: a kernel would refuse for
   that before anybody is asked, and a try would not be heard of.  Nobody has a right there. */
static void put_denied(struct json_writer *json, const struct bundle *bundle)
{
    static const char *const hidden[] = { "bind", "nosuid", "nodev" };
    const struct span_list *denied = &bundle->spec->files.denied;
    char source[512];
    for (size_t i = 0; i < denied->count; i++) {
        if (!bundle_hides(bundle, i))
            continue;
        snprintf(source, sizeof source, "%s/%zu", bundle->denied, i);
        begin_mount(json, denied->items[i], "bind", source);
        end_mount(json, hidden, COUNT_OF(hidden));
    }
}

/* No /sys, no terminals, no message queues, no /dev/shm: a job has no use of them that is worth
   what they show or keep.  Of devices the runtime makes null, zero, full, random, urandom and tty.
 */
static void put_mounts(struct json_writer *json, const struct bundle *bundle)
{
    static const char *const devices[] = { "nosuid", "noexec", "strictatime", "mode=755",
                                           "size=64k" };
    static const char *const job[] = { "bind", "ro", "nosuid", "nodev" };
    json_put_key(json, "mounts");
    json_begin_array(json);
    begin_mount(json, span_text("/proc"), "proc", "proc");
    end_mount(json, plain, COUNT_OF(plain));
    begin_mount(json, span_text("/dev"), "tmpfs", "tmpfs");
    end_mount(json, devices, COUNT_OF(devices));
    if (bundle->job != NULL) {
        begin_mount(json, span_text("/job"), "bind", bundle->job);
        end_mount(json, job, COUNT_OF(job));
    }
    for (size_t i = 0; i < bundle->shown_count; i++) {
        begin_mount(json, span_text(bundle->shown[i].at), "bind", bundle->shown[i].from);
        end_mount(json, job, COUNT_OF(job));
    }
    put_allowed(json, &bundle->spec->files);
    begin_mount(json, span_text("/output"), "bind", bundle->output);
    json_put_text(json, "bind");
    json_put_text(json, "rw");
    end_mount(json, plain, COUNT_OF(plain));
    put_denied(json, bundle);
    json_end_array(json);
}

/* --- the kernel's part ------------------------------------------------------------------------ */

static void put_namespaces(struct json_writer *json)
{
    static const char *const kinds[] = {
        "user", "mount", "pid", "ipc", "uts", "network", "cgroup"
    };
    json_put_key(json, "namespaces");
    json_begin_array(json);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        json_begin_object(json);
        json_put_member(json, "type", kinds[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_ids(struct json_writer *json, const char *name, const struct bundle *bundle)
{
    json_put_key(json, name);
    json_begin_array(json);
    json_begin_object(json);
    json_put_member_u64(json, "containerID", 0);
    json_put_member_u64(json, "hostID", bundle->ids);
    json_put_member_u64(json, "size", bundle->id_count);
    json_end_object(json);
    json_end_array(json);
}

static void put_resources(struct json_writer *json, const struct bundle *bundle)
{
    const struct cgroup_limits *limits = &bundle->limits;
    json_put_key(json, "resources");
    json_begin_object(json);
    json_put_key(json, "memory");
    json_begin_object(json);
    json_put_member_u64(json, "limit", limits->memory);
    json_put_member_u64(json, "swap", limits->memory); /* of both together: no swap */
    json_end_object(json);
    json_put_key(json, "cpu");
    json_begin_object(json);
    json_put_member_u64(json, "shares", UINT64_C(1024) * bundle->spec->resources.vcpu);
    json_put_member_u64(json, "quota", limits->cpu_quota_us);
    json_put_member_u64(json, "period", limits->cpu_period_us);
    json_end_object(json);
    json_put_key(json, "pids");
    json_begin_object(json);
    json_put_member_u64(json, "limit", limits->processes);
    json_end_object(json);
    json_end_object(json);
}

/* SCMP_CMP_MASKED_EQ: value is the mask, valueTwo what is left under it. */
static void put_condition(struct json_writer *json, unsigned argument, uint64_t mask,
                          uint64_t value)
{
    json_begin_object(json);
    json_put_member_u64(json, "index", argument);
    json_put_member_u64(json, "value", mask);
    json_put_member_u64(json, "valueTwo", value);
    json_put_member(json, "op", "SCMP_CMP_MASKED_EQ");
    json_end_object(json);
}

/* All of them must hold, for none looks at the argument of another. */
static void put_conditions(struct json_writer *json, const struct seccomp_rule *rule)
{
    json_put_key(json, "args");
    json_begin_array(json);
    put_condition(json, rule->argument, rule->mask, rule->value);
    if (rule->also.mask != 0)
        put_condition(json, rule->also.argument, rule->also.mask, rule->also.value);
    json_end_array(json);
}

/* Those without conditions in one, which a runtime reads faster. */
static void put_rules(struct json_writer *json, const struct seccomp_rule *rules, size_t count,
                      const char *action)
{
    json_begin_object(json);
    json_put_member(json, "action", action);
    json_put_key(json, "names");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        if (!rules[i].masked)
            json_put_text(json, rules[i].name);
    }
    json_end_array(json);
    json_end_object(json);
    for (size_t i = 0; i < count; i++) {
        if (!rules[i].masked)
            continue;
        json_begin_object(json);
        put_texts(json, "names", &rules[i].name, 1);
        json_put_member(json, "action", action);
        put_conditions(json, &rules[i]);
        json_end_object(json);
    }
}

/* What is refused is asked of the teller, which refuses it, and told; what its table does not have
   is refused as it is. */
static void put_seccomp(struct json_writer *json, const char *teller)
{
    static const char *const architectures[] = { "SCMP_ARCH_X86_64" };
    enum { NO_SUCH_CALL = 38 /* ENOSYS */, NOT_PERMITTED = 1 /* EPERM */ };
    size_t refused_count;
    const struct seccomp_rule *refused = calls_refused(&refused_count);
    json_put_key(json, "seccomp");
    json_begin_object(json);
    json_put_member(json, "defaultAction", "SCMP_ACT_ERRNO");
    json_put_member_u64(json, "defaultErrnoRet", NOT_PERMITTED);
    put_texts(json, "architectures", architectures, COUNT_OF(architectures));
    if (teller != NULL)
        json_put_member(json, "listenerPath", teller);
    json_put_key(json, "syscalls");
    json_begin_array(json);
    put_rules(json, job_rules, COUNT_OF(job_rules), "SCMP_ACT_ALLOW");
    if (teller != NULL)
        put_rules(json, refused, refused_count, "SCMP_ACT_NOTIFY");
    json_begin_object(json);
    put_texts(json, "names", bundle_unseen, count_texts(bundle_unseen));
    json_put_member(json, "action", "SCMP_ACT_ERRNO");
    json_put_member_u64(json, "errnoRet", NO_SUCH_CALL);
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
}

/* What runc's own default masks, and the terminal that the caller may have. */
const char *const bundle_masked[] = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/kmsg",
    "/proc/latency_stats",
    "/proc/modules",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/slabinfo",
    "/proc/sysrq-trigger",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/vmallocinfo",
    "/dev/tty",
    NULL,
};
const char *const bundle_kept[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", NULL };

static void put_masks(struct json_writer *json)
{
    put_texts(json, "maskedPaths", bundle_masked, count_texts(bundle_masked));
    put_texts(json, "readonlyPaths", bundle_kept, count_texts(bundle_kept));
}

static void put_linux(struct json_writer *json, const struct bundle *bundle)
{
    char room[64];
    struct sink path = sink_over(room, sizeof room);
    sink_format(&path, "/%s", bundle->name);
    json_put_key(json, "linux");
    json_begin_object(json);
    put_namespaces(json);
    put_ids(json, "uidMappings", bundle);
    put_ids(json, "gidMappings", bundle);
    json_put_key(json, "cgroupsPath");
    json_put_span(json, sink_bytes(&path));
    put_resources(json, bundle);
    put_seccomp(json, bundle->teller);
    put_masks(json);
    json_end_object(json);
}

void bundle_write(struct sink *out, const struct bundle *bundle)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_member(&json, "ociVersion", "1.0.2");
    json_put_key(&json, "root");
    json_begin_object(&json);
    json_put_member(&json, "path", bundle->root);
    json_put_key(&json, "readonly");
    json_put_bool(&json, bundle->spec->files.read_only);
    json_end_object(&json);
    json_put_member(&json, "hostname", "job");
    put_process(&json, bundle);
    put_mounts(&json, bundle);
    put_linux(&json, bundle);
    json_end_object(&json);
    out->full = out->full || !json_write_ok(&json);
}
