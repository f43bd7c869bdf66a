/* metrics.h - every metric that the house shows, as one table: `/metrics` is written by it, and
   docs/metrics.md is made from it.  No metric has a label, so their number is that of the rows,
   whatever strangers send.  Data, and text made of it. */
#ifndef WARD_PROC_METRICS_H
#define WARD_PROC_METRICS_H

#include "base/sink.h"

enum metric {
    METRIC_SERVING,
    METRIC_CONNECTIONS,
    METRIC_CONNECTIONS_LIMIT,
    METRIC_HANDSHAKES_OPEN,
    METRIC_LOCAL_CONNECTIONS,
    METRIC_HTTP1_REQUESTS_OPEN,
    METRIC_CALLS_OPEN,
    METRIC_CALLS_LIMIT,
    METRIC_BANS,
    METRIC_SUSPECTS,
    METRIC_ACCEPTED,
    METRIC_REFUSED,
    METRIC_HANDSHAKES,
    METRIC_HANDSHAKE_FAILURES,
    METRIC_REQUESTS,
    METRIC_FAILURES,
    METRIC_RATE_LIMITED,
    METRIC_H2_ABUSES,
    METRIC_SLOW,
    METRIC_UNAVAILABLE,
    METRIC_BANNED,
    METRIC_SIGNED,
    METRIC_UNAUTHENTICATED,
    METRIC_CERTIFICATES,
    METRIC_CERTIFICATES_REFUSED,
    METRIC_EDGES_REFUSED,
    METRIC_CHANNELS_OPEN,
    METRIC_CHANNELS_HALF_OPEN,
    METRIC_CHANNELS_OPENED,
    METRIC_CHANNELS_REFUSED,
    METRIC_CHANNELS_ENDED,
    METRIC_CHANNELS_TRUNCATED,
    METRIC_CHANNEL_MESSAGES,
    METRIC_PEERS_OPEN,
    METRIC_CERTIFICATE_ENDS,
    METRIC_PASSAGES_OPEN,
    METRIC_PASSAGES_LIMIT,
    METRIC_PASSAGES_ANSWERED,
    METRIC_PASSAGES_LOST,
    METRIC_TEE_SIMULATED,
    METRIC_CHANNELS_JUDGED_AGAIN,
    METRIC_COLLATERAL_HELD,
    METRIC_COLLATERAL_MISSING,
    METRIC_COLLATERAL_FAILING,
    METRIC_COLLATERAL_OLDEST,
    METRIC_COLLATERAL_LAST_SUCCESS,
    METRIC_COLLATERAL_SUCCESSES,
    METRIC_COLLATERAL_FAILURES,
    METRIC_COLLATERAL_TCB_INFO_ENDS,
    METRIC_COLLATERAL_QE_IDENTITY_ENDS,
    METRIC_COLLATERAL_PCK_CRL_ENDS,
    METRIC_COLLATERAL_ROOT_CRL_ENDS,
    METRIC_COUNT,
    /* Those that core knows; front reads them where core wrote them down (proc/tables.h). */
    METRIC_OF_CORE = METRIC_CHANNELS_JUDGED_AGAIN,
    METRIC_OF_CORE_END = METRIC_COLLATERAL_ROOT_CRL_ENDS + 1,
};

struct metric_info {
    const char *name; /* "ward_" and whose it is; a counter's ends in "_total" */
    bool counts;      /* only ever grows, from 0 at the process's start */
    const char *unit; /* what one of it is */
    const char *help; /* one sentence */
};

/* metric_info never returns NULL; what is no metric has the name "". */
const struct metric_info *metric_info(enum metric metric);

/* metrics_write writes all of them in the Prometheus text format 0.0.4. */
MUST_USE
bool metrics_write(const uint64_t values[METRIC_COUNT], struct sink *out);

/* metrics_write_reference writes docs/metrics.md. */
MUST_USE
bool metrics_write_reference(struct sink *out);

#endif
