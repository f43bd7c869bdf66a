/* rtmr.h - the run-time measurement registers of a TD, as both readers of logs replay them.
   Decides nothing. */
#ifndef WARD_ATTEST_RTMR_H
#define WARD_ATTEST_RTMR_H

#include "attest/eventlog.h"

/* rtmr_extend does what TDG.MR.RTMR.EXTEND does to register i (0..3):
   RTMR = SHA384(RTMR || digest), from 48 zero bytes on. */
void rtmr_extend(struct log_claims *log, unsigned i, const uint8_t digest[RTMR_LEN]);

/* rtmr_hash is that step on one register by itself. */
void rtmr_hash(uint8_t rtmr[RTMR_LEN], const uint8_t digest[RTMR_LEN]);

/* rtmr_can_compare: the quote is verified, so its registers mean something. */
bool rtmr_can_compare(const struct claims *quote);

/* rtmr_add_value appends a value.  A name or value too long for its place, or one value too
   many, is left out: a policy that asks for it then finds nothing, and refuses. */
void rtmr_add_value(struct log_claims *log, struct span name, struct span bytes);

#endif
