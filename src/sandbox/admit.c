/* admit.c - see sandbox.h: what a specification may ask of this kind of sandbox,
   and how much there is for it.  Reads nothing. */
#include <stdio.h>

#include "base/number.h"
#include "sandbox/backend.h"

/* The network between a virtual machine and QEMU: 10.0.2.0/24 and fec0::/64. */
static bool is_machines(const struct address *address)
{
    static const uint8_t v4[3] = { 10, 0, 2 }, v6[8] = { 0xfe, 0xc0 };
    return address_is_v4(address) ? bytes_equal(address->bytes + ADDRESS_LEN - 4, v4, sizeof v4)
                                  : bytes_equal(address->bytes, v6, sizeof v6);
}

/* What is never served would be less than was asked for. */
static enum reason check_hosts(const struct job_allowance *allowed, bool machine,
                               char what[SANDBOX_WHAT])
{
    struct address address;
    for (size_t i = 0; job_allowance_allows(allowed) && i < allowed->hosts.count; i++) {
        const struct job_host *host = &allowed->hosts.items[i];
        if (host->kind != JOB_HOST_ADDRESS || job_host_is_own(host) ||
            !address_parse(host->text, &address) ||
            (reach_is_served(&address) && !reach_is_given(&address) &&
             !(machine && is_machines(&address))))
            continue;
        snprintf(what, SANDBOX_WHAT, "it lists %.*s", (int)host->text.len,
                 (const char *)host->text.at);
        return REASON_JOB_HOST;
    }
    return REASON_OK;
}

static enum reason check_network(const struct job_spec *spec, char what[SANDBOX_WHAT])
{
    const bool machine = spec->isolation == JOB_ISOLATION_VM;
    enum reason reason = REASON_OK;
    if (spec->network.allow_outbound)
        reason = check_hosts(&spec->resources.whitelist, machine, what);
    if (spec->network.allow_outbound && reason == REASON_OK)
        reason = check_hosts(&spec->network.allowed, machine, what);
    return reason;
}

/* What the sandbox itself makes, and what would be the whole of it. */
bool sandbox_makes(struct span path, bool denied)
{
    static const char *const made[] = { "/proc", "/dev", "/sys", "/job", "/output" };
    if (!denied && span_equal_text(path, "/dev/shm"))
        return false; /* made for nobody who does not ask for it */
    for (size_t i = 0; i < (denied ? 3 : COUNT_OF(made)); i++) {
        if (job_path_is_beneath(path, span_text(made[i])))
            return true;
    }
    return span_equal_text(path, "/");
}

static enum reason check_paths(const struct span_list *paths, bool denied, const char *key,
                               char what[SANDBOX_WHAT])
{
    for (size_t i = 0; i < paths->count; i++) {
        const struct span path = paths->items[i];
        if (!sandbox_makes(path, denied))
            continue;
        snprintf(what, SANDBOX_WHAT, "%s has %.*s", key, (int)(path.len < 200 ? path.len : 200),
                 (const char *)path.at);
        return REASON_JOB_PATH;
    }
    return REASON_OK;
}

uint64_t sandbox_memory_lent(uint64_t bytes)
{
    const uint64_t part = bytes / SANDBOX_KEPT_PART;
    const uint64_t kept = part > SANDBOX_KEPT_MIN ? part : SANDBOX_KEPT_MIN;
    return bytes > kept ? bytes - kept : 0;
}

enum reason sandbox_admits(const struct job_spec *spec, char what[SANDBOX_WHAT])
{
    if (spec->isolation == JOB_ISOLATION_TEE) {
        snprintf(what, SANDBOX_WHAT, "sandbox_config.isolation_level is \"tee\"");
        return REASON_JOB_ISOLATION;
    }
    if (spec->resources.gpu > 0) {
        snprintf(what, SANDBOX_WHAT, "resources.gpu is %u", spec->resources.gpu);
        return REASON_JOB_NO_GPU;
    }
    enum reason reason = check_network(spec, what);
    if (reason == REASON_OK)
        reason = check_paths(&spec->files.allowed, false, "allowed_paths", what);
    if (reason == REASON_OK)
        reason = check_paths(&spec->files.denied, true, "denied_paths", what);
    return reason;
}
