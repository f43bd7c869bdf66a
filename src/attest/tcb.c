/* tcb.c - see tcb.h. */
#include "attest/tcb.h"

#include <string.h>

#include "base/result.h"

static bool falls_short(struct tcb_shortfall *out, const char *what, int component, uint16_t wanted,
                        uint16_t actual)
{
    if (actual >= wanted)
        return false;
    *out = (struct tcb_shortfall){ what, component, wanted, actual };
    return true;
}

/* PCS API v4, "TCB Info", steps 3.a to 3.c: all SGX components, then PCESVN, then for TDX the
   components of the TD report; 0 and 1 are the TDX module's own, judged by its identity when
   the module has one (version, component 1, above 0). */
static bool reaches(const struct tcb_platform *platform, const struct tcb_level *level,
                    struct tcb_shortfall *shortfall)
{
    for (int i = 0; i < TCB_COMPONENTS; i++)
        if (falls_short(shortfall, "SGX TCB component", i + 1, level->sgx[i],
                        platform->comp_svn[i]))
            return false;
    if (falls_short(shortfall, "PCESVN", 0, level->pce_svn, platform->pce_svn))
        return false;
    if (platform->tee_tcb_svn == NULL)
        return true;
    for (int i = platform->tee_tcb_svn[1] > 0 ? 2 : 0; i < TCB_COMPONENTS; i++)
        if (falls_short(shortfall, "TDX TCB component", i, level->tdx[i], platform->tee_tcb_svn[i]))
            return false;
    return true;
}

const struct tcb_level *tcb_level_find(const struct tcb_level *levels, size_t count,
                                       const struct tcb_platform *platform,
                                       struct tcb_shortfall *shortfall)
{
    *shortfall = (struct tcb_shortfall){ "TCB level", 0, 0, 0 };
    for (size_t i = 0; i < count; i++)
        if (reaches(platform, &levels[i], shortfall))
            return &levels[i];
    return NULL;
}

const struct svn_level *svn_level_find(const struct svn_level *levels, size_t count, uint16_t svn)
{
    for (size_t i = 0; i < count; i++)
        if (levels[i].isv_svn <= svn)
            return &levels[i];
    return NULL;
}

enum tcb_status tcb_status_of_platform(struct span name)
{
    enum tcb_status status = tcb_status_find(name);
    /* The relaunch statuses are results, never published. */
    return status <= TCB_REVOKED ? status : TCB_STATUS_NONE;
}

enum tcb_status tcb_status_of_enclave(struct span name)
{
    enum tcb_status status = tcb_status_find(name);
    bool known = status == TCB_UP_TO_DATE || status == TCB_OUT_OF_DATE || status == TCB_REVOKED;
    return known ? status : TCB_STATUS_NONE;
}

enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status component)
{
    if (platform == TCB_STATUS_NONE || component == TCB_STATUS_NONE)
        return TCB_STATUS_NONE;
    if (platform == TCB_REVOKED || component == TCB_REVOKED)
        return TCB_REVOKED;
    if (component != TCB_OUT_OF_DATE)
        return platform;
    if (platform == TCB_UP_TO_DATE || platform == TCB_SW_HARDENING_NEEDED)
        return TCB_OUT_OF_DATE;
    if (platform == TCB_CONFIGURATION_NEEDED ||
        platform == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED)
        return TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    return platform;
}

static bool needs_configuration(enum tcb_status status)
{
    return status == TCB_CONFIGURATION_NEEDED ||
           status == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           status == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

enum tcb_status tcb_relaunch(enum tcb_status launch, enum tcb_status current)
{
    bool old = launch == TCB_OUT_OF_DATE || launch == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    bool better = current == TCB_UP_TO_DATE || current == TCB_SW_HARDENING_NEEDED ||
                  current == TCB_CONFIGURATION_NEEDED ||
                  current == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
    if (!old || !better)
        return launch;
    if (needs_configuration(launch) || needs_configuration(current))
        return TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
    return TCB_TD_RELAUNCH_ADVISED;
}

/* Negative, zero or positive, as the id stands before, at or after the advisory. */
static int compare_id(struct span id, const char *advisory)
{
    size_t len = strlen(advisory);
    for (size_t i = 0; i < id.len && i < len; i++)
        if (id.at[i] != (uint8_t)advisory[i])
            return id.at[i] < (uint8_t)advisory[i] ? -1 : 1;
    return id.len < len ? -1 : id.len > len;
}

static bool add_advisory(struct tcb_claims *claims, struct span id)
{
    size_t at = 0;
    while (at < claims->advisory_count && compare_id(id, claims->advisories[at]) > 0)
        at++;
    if (at < claims->advisory_count && compare_id(id, claims->advisories[at]) == 0)
        return true;
    if (claims->advisory_count == ADVISORY_MAX || id.len >= ADVISORY_ID_MAX)
        return false;
    memmove(claims->advisories[at + 1], claims->advisories[at],
            (claims->advisory_count - at) * ADVISORY_ID_MAX);
    memset(claims->advisories[at], 0, ADVISORY_ID_MAX);
    memcpy(claims->advisories[at], id.at, id.len);
    claims->advisory_count++;
    return true;
}

bool tcb_claims_add(struct tcb_claims *claims, const struct tcb_verdict *verdict)
{
    struct tcb_claims sum = *claims;
    for (size_t i = 0; i < verdict->advisory_count; i++)
        if (!add_advisory(&sum, verdict->advisories[i]))
            return false;
    if (sum.date == 0 || verdict->date < sum.date)
        sum.date = verdict->date;
    *claims = sum;
    return true;
}
