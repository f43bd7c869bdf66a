/* dcap_dates.c - AT-11: the dates of the PCK chain, judged when the collateral is known. */
#include "attest/dcap_parts.h"

/* Collateral that is signed, is for this platform, and was there at the time of judging: the
   time is no earlier than what the vendor itself wrote.  That it may have run out is said
   elsewhere. */
static bool collateral_vouches(const struct judging *j)
{
    int64_t now = j->in->now;
    return report_passed(j->report, CHECK_AT_14) && j->info != NULL && j->identity != NULL &&
           now >= j->root_crl->crl.validity.from && now >= j->pck_crl->crl.validity.from &&
           now >= j->info->validity.from && now >= j->identity->validity.from;
}

static void check_end(struct judging *j, size_t which)
{
    struct window validity = j->certs[which].validity;
    if (window_side_of(validity, j->in->now) == WINDOW_AFTER) {
        report_fail(j->report, CHECK_AT_11, REASON_PCK_EXPIRED, "the %s expired at %s",
                    pck_cert_name(which), detail_time(validity.until).at);
        report_values_time(j->report, CHECK_AT_11, validity.until, j->in->now);
    }
}

/* The vendor issues a platform's leaf anew with every TCB recovery, for the same key, so its
   first day says nothing of the platform.  What it does catch is a clock that is behind, and
   that the collateral's own first days catch as well: when they vouch for the time, the leaf's
   is remarked on and not held against it (ADR 0008). */
static void check_start(struct judging *j, size_t which)
{
    struct window validity = j->certs[which].validity;
    bool early = window_side_of(validity, j->in->now) == WINDOW_BEFORE;
    bool excused = early && which == PCK_LEAF && collateral_vouches(j);
    if (early && !excused) {
        report_fail(j->report, CHECK_AT_11, REASON_PCK_NOT_YET_VALID, "the %s is valid from %s on",
                    pck_cert_name(which), detail_time(validity.from).at);
        report_values_time(j->report, CHECK_AT_11, validity.from, j->in->now);
    }
    if (excused)
        report_note(j->report, CHECK_AT_11,
                    "the PCK leaf was issued anew after this time; the collateral vouches for it");
}

void judge_chain_dates(struct judging *j)
{
    if (!j->chain_ok)
        return;
    for (size_t i = 0; i < PCK_CHAIN_LEN; i++) {
        note_used(j->claims, j->certs[i].validity);
        check_end(j, i);
        check_start(j, i);
    }
    report_pass(j->report, CHECK_AT_11);
}
