/* job_shares.c - see jobs.h: the node divided among the tenants of ward.toml.  What their shares
   leave is of those whose jobs name no tenant; where there are no tenants, all of it is. */
#include <string.h>

#include "base/number.h"
#include "proc/core/core.h"
#include "proc/log.h"

_Static_assert((int)SETTING_SHARE_WHOLE == (int)QUOTA_WHOLE, "shares are of one unit");
_Static_assert((int)SETTING_TENANTS_MAX + 1 <= (int)QUOTA_TENANTS_MAX, "and the rest");
_Static_assert((int)SETTING_TENANT_NAME_MAX == (int)CORE_JOB_NAME, "names of one length");

static struct quota_amount amount_of(uint32_t vcpu, uint64_t memory, uint64_t disk)
{
    enum { MIB = 1 << 20 };
    const uint64_t most = QUOTA_AMOUNT_MOST;
    const uint64_t of_memory = memory / MIB + (memory % MIB != 0);
    const uint64_t of_disk = disk / MIB + (disk % MIB != 0);
    struct quota_amount amount = { { 0 } };
    amount.of[QUOTA_CPU_MILLI] = 1000 * (uint64_t)vcpu;
    amount.of[QUOTA_MEMORY_MIB] = of_memory < most ? of_memory : most;
    amount.of[QUOTA_DISK_MIB] = of_disk < most ? of_disk : most;
    return amount;
}

/* What nobody has by name. */
static uint32_t rest_of(const struct settings *settings)
{
    uint32_t rest = SETTING_SHARE_WHOLE;
    for (uint32_t i = 0; i < settings->tenant_count; i++)
        rest -= settings->tenants[i].share;
    return rest;
}

bool jobs_tenant(const struct settings *settings, const char *name, size_t *index)
{
    *index = settings->tenant_count;
    if (settings->tenant_count == 0)
        return true; /* whoever it is: it is not divided */
    if (name[0] == 0)
        return rest_of(settings) > 0;
    for (uint32_t i = 0; i < settings->tenant_count; i++) {
        if (strcmp(settings->tenants[i].name, name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* Whose jobs wait or run; true where that is not as it was. */
static bool activate(struct core *core)
{
    const struct core_jobs *jobs = &core->jobs;
    bool active[QUOTA_TENANTS_MAX] = { false }, changed = false;
    for (size_t i = 0; i < jobs->count; i++) {
        size_t tenant;
        if (!job_state_has_ended(jobs->rows[i].state) &&
            jobs_tenant(&core->house->settings, jobs->rows[i].tenant, &tenant))
            active[tenant] = true;
    }
    for (size_t i = 0; i < jobs->quota->tenant_count; i++) {
        changed = changed || jobs->quota->tenants[i].active != active[i];
        quota_activate(jobs->quota, i, active[i]);
    }
    return changed;
}

static bool add_tenants(struct quota *quota, const struct settings *settings)
{
    size_t index;
    for (uint32_t i = 0; i < settings->tenant_count; i++) {
        if (!quota_add(quota, settings->tenants[i].share, &index))
            return false;
    }
    return rest_of(settings) == 0 || quota_add(quota, rest_of(settings), &index);
}

/* What runs has its part whatever there is: the disk that it uses is free no more.  Where its
   tenant has no share any more, it counts as that of the last. */
void jobs_divide(struct core *core)
{
    struct core_jobs *jobs = &core->jobs;
    for (size_t i = 0; i < jobs->count; i++) {
        if (job_state_is_begun(jobs->rows[i].state))
            jobs->disk += jobs->rows[i].disk;
    }
    const struct quota_amount all = amount_of(jobs->vcpu, jobs->memory, jobs->disk);
    if (!quota_init(jobs->quota, &all) || !add_tenants(jobs->quota, &core->house->settings))
        return;
    (void)activate(core);
    quota_divide(jobs->quota);
    for (size_t i = 0; i < jobs->count; i++) {
        if (job_state_is_begun(jobs->rows[i].state) &&
            jobs_claim(core, &jobs->rows[i], true) != QUOTA_GRANTED)
            log_event("a job runs that has more than there is");
    }
}

void jobs_divide_again(struct core *core, int64_t now_ms)
{
    if (!activate(core) && now_ms < core->jobs.divided_ms + CORE_DIVIDE_MS)
        return;
    core->jobs.divided_ms = now_ms;
    quota_divide(core->jobs.quota);
}

enum quota_answer jobs_claim(struct core *core, const struct core_job *job, bool whole)
{
    struct quota *quota = core->jobs.quota;
    const struct quota_amount amount = amount_of(job->vcpu, job->memory, job->disk);
    size_t tenant;
    bool has = jobs_tenant(&core->house->settings, job->tenant, &tenant);
    if (!has && (!job_state_is_begun(job->state) || quota->tenant_count == 0))
        return QUOTA_REFUSED;
    if (!has)
        tenant = quota->tenant_count - 1;
    return whole ? quota_claim_whole(quota, tenant, (uint64_t)job->seq, &amount)
                 : quota_claim(quota, tenant, (uint64_t)job->seq, &amount);
}

void jobs_share_write(const struct core *core, const struct core_job *job, struct sink *words)
{
    const struct quota *quota = core->jobs.quota;
    size_t tenant;
    if (core->house->settings.tenant_count == 0)
        return;
    if (!jobs_tenant(&core->house->settings, job->tenant, &tenant) ||
        tenant >= quota->tenant_count) {
        sink_text(words, " Its tenant has no share of this node any more.");
        return;
    }
    const struct quota_tenant *of = &quota->tenants[tenant];
    sink_format(words,
                " Its tenant has %llu.%03llu processors, %llu MiB of memory and %llu MiB of disk "
                "while others have jobs, too, of which %llu.%03llu, %llu and %llu are in use.",
                (unsigned long long)(of->reserved.of[QUOTA_CPU_MILLI] / 1000),
                (unsigned long long)(of->reserved.of[QUOTA_CPU_MILLI] % 1000),
                (unsigned long long)of->reserved.of[QUOTA_MEMORY_MIB],
                (unsigned long long)of->reserved.of[QUOTA_DISK_MIB],
                (unsigned long long)(of->in_use.of[QUOTA_CPU_MILLI] / 1000),
                (unsigned long long)(of->in_use.of[QUOTA_CPU_MILLI] % 1000),
                (unsigned long long)of->in_use.of[QUOTA_MEMORY_MIB],
                (unsigned long long)of->in_use.of[QUOTA_DISK_MIB]);
}
