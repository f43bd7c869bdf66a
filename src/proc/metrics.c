/* metrics.c - see metrics.h. */
#include "proc/metrics.h"

static const struct metric_info rows[METRIC_COUNT] = {
    [METRIC_SERVING] = { "ward_front_serving", false, "1 or 0",
                         "Whether requests can be answered: there is a certificate, and core." },
    [METRIC_CONNECTIONS] = { "ward_front_connections", false, "connections",
                             "Connections from strangers that are open." },
    [METRIC_CONNECTIONS_LIMIT] = { "ward_front_connections_limit", false, "connections",
                                   "So many may be open at a time." },
    [METRIC_HANDSHAKES_OPEN] = { "ward_front_handshakes_open", false, "connections",
                                 "Of the open connections, those in their handshake." },
    [METRIC_LOCAL_CONNECTIONS] = { "ward_front_local_connections", false, "connections",
                                   "Connections over the owner's socket that are open." },
    [METRIC_HTTP1_REQUESTS_OPEN] = { "ward_front_http1_requests_open", false, "requests",
                                     "Requests over HTTP/1.1 under way." },
    [METRIC_CALLS_OPEN] = { "ward_front_calls_open", false, "calls",
                            "Calls between their head and their answer." },
    [METRIC_CALLS_LIMIT] = { "ward_front_calls_limit", false, "calls",
                             "So many may be under way at a time." },
    [METRIC_BANS] = { "ward_front_bans", false, "addresses", "Addresses that are banned now." },
    [METRIC_SUSPECTS] = { "ward_front_suspects", false, "addresses",
                          "Addresses that are served alone, for a process fell while it served "
                          "them." },
    [METRIC_ACCEPTED] = { "ward_front_accepted_total", true, "connections",
                          "Connections that came, refused ones too." },
    [METRIC_REFUSED] = { "ward_front_refused_total", true, "connections",
                         "Connections that were turned away before TLS." },
    [METRIC_HANDSHAKES] = { "ward_front_handshakes_total", true, "handshakes",
                            "TLS handshakes that were done." },
    [METRIC_HANDSHAKE_FAILURES] = { "ward_front_handshake_failures_total", true, "handshakes",
                                    "TLS handshakes that failed." },
    [METRIC_REQUESTS] = { "ward_front_requests_total", true, "requests",
                          "Requests whose head was read." },
    [METRIC_FAILURES] = { "ward_front_failures_total", true, "requests",
                          "Requests that were answered with a problem." },
    [METRIC_RATE_LIMITED] = { "ward_front_rate_limited_total", true, "requests",
                              "Requests above the rate of their address." },
    [METRIC_H2_ABUSES] = { "ward_front_h2_abuses_total", true, "connections",
                           "HTTP/2 connections that were ended for what they cost." },
    [METRIC_SLOW] = { "ward_front_slow_total", true, "peers",
                      "Peers that were cut for being slow." },
    [METRIC_UNAVAILABLE] = { "ward_front_unavailable_total", true, "requests",
                             "Requests that were refused because the house is short of "
                             "something." },
    [METRIC_BANNED] = { "ward_front_banned_total", true, "peers",
                        "Connections and requests of banned addresses that were refused, and "
                        "connections that were cut when a ban began." },
    [METRIC_SIGNED] = { "ward_front_signed_total", true, "requests",
                        "Requests signed for a session, as they came: core judges them." },
    [METRIC_UNAUTHENTICATED] = { "ward_front_unauthenticated_total", true, "requests",
                                 "Requests refused for want of a session or a good signature." },
    [METRIC_CERTIFICATES] = { "ward_front_client_certificates_total", true, "handshakes",
                              "Handshakes in which an operator showed a good certificate." },
    [METRIC_CERTIFICATES_REFUSED] = { "ward_front_client_certificates_refused_total", true,
                                      "certificates",
                                      "Certificates of clients that were not good, in a handshake "
                                      "or later." },
    [METRIC_EDGES_REFUSED] = { "ward_front_edge_headers_refused_total", true, "connections",
                               "Connections of edges that did not begin with a good header of the "
                               "PROXY protocol." },
    [METRIC_CHANNELS_OPEN] = { "ward_front_channels_open", false, "channels",
                               "Attested channels that are open." },
    [METRIC_CHANNELS_HALF_OPEN] = { "ward_front_channels_half_open", false, "channels",
                                    "Attested channels in their handshake." },
    [METRIC_CHANNELS_OPENED] = { "ward_front_channels_opened_total", true, "channels",
                                 "Attested channels whose peer was let in." },
    [METRIC_CHANNELS_REFUSED] = { "ward_front_channels_refused_total", true, "channels",
                                  "Attested channels that were asked for and never open." },
    [METRIC_CHANNELS_ENDED] = { "ward_front_channels_ended_total", true, "channels",
                                "Attested channels that were open and are over, for whatever "
                                "reason." },
    [METRIC_CHANNELS_TRUNCATED] = { "ward_front_channels_truncated_total", true, "channels",
                                    "Of those and the refused ones, channels whose connection "
                                    "ended before the peer had said that no more follows." },
    [METRIC_CHANNEL_MESSAGES] = { "ward_front_channel_messages_total", true, "messages",
                                  "Messages that came in open channels." },
    [METRIC_PEERS_OPEN] = { "ward_front_peers_open", false, "peers",
                            "Peers that the house has called and that are connected." },
    [METRIC_CERTIFICATE_ENDS] = { "ward_front_certificate_ends_timestamp_seconds", false,
                                  "seconds since 1970",
                                  "When the first certificate of the listener's chain ends." },
    [METRIC_PASSAGES_OPEN] = { "ward_front_passages_open", false, "requests",
                               "Requests of miners on their way to challenges." },
    [METRIC_PASSAGES_LIMIT] = { "ward_front_passages_limit", false, "requests",
                                "So many may be on their way at a time." },
    [METRIC_PASSAGES_ANSWERED] = { "ward_front_passages_answered_total", true, "requests",
                                   "Requests of miners that a challenge has answered." },
    [METRIC_PASSAGES_LOST] = { "ward_front_passages_lost_total", true, "requests",
                               "Requests of miners that were passed on, or would have been, to a "
                               "challenge that could not be reached, was slow or gave no answer." },
    [METRIC_TEE_SIMULATED] = { "ward_tee_simulated", false, "1 or 0",
                               "Whether the house's own evidence comes from a simulated TEE, and "
                               "proves nothing about hardware." },
    [METRIC_CHANNELS_JUDGED_AGAIN] = { "ward_channels_judged_again_total", true, "verdicts",
                                       "Verdicts on peers of open channels, who are judged again "
                                       "when what they are judged by changes or ends." },
    [METRIC_COLLATERAL_HELD] = { "ward_collateral_held", false, "pieces",
                                 "Pieces of collateral that the house has fetched and holds." },
    [METRIC_COLLATERAL_MISSING] = { "ward_collateral_missing", false, "pieces",
                                    "Pieces that evidence needs and that were never had." },
    [METRIC_COLLATERAL_FAILING] = { "ward_collateral_failing", false, "pieces",
                                    "Pieces whose last fetch failed." },
    [METRIC_COLLATERAL_OLDEST] = { "ward_collateral_oldest_timestamp_seconds", false,
                                   "seconds since 1970",
                                   "When the piece was fetched that was held longest without "
                                   "being fetched anew; 0 when none is held." },
    [METRIC_COLLATERAL_LAST_SUCCESS] = { "ward_collateral_last_success_timestamp_seconds", false,
                                         "seconds since 1970",
                                         "When a piece was fetched last and kept; 0 when none was "
                                         "since core started." },
    [METRIC_COLLATERAL_SUCCESSES] = { "ward_collateral_successes_total", true, "fetches",
                                      "Fetches whose piece was good and was kept." },
    [METRIC_COLLATERAL_FAILURES] = { "ward_collateral_failures_total", true, "fetches",
                                     "Fetches that gave nothing that could be kept." },
    [METRIC_COLLATERAL_TCB_INFO_ENDS] = { "ward_collateral_tcb_info_ends_timestamp_seconds", false,
                                          "seconds since 1970",
                                          "When the first TCB info of those held ends; 0 when none "
                                          "is." },
    [METRIC_COLLATERAL_QE_IDENTITY_ENDS] = { "ward_collateral_qe_identity_ends_timestamp_seconds",
                                             false, "seconds since 1970",
                                             "The same of the identities of quoting enclaves." },
    [METRIC_COLLATERAL_PCK_CRL_ENDS] = { "ward_collateral_pck_crl_ends_timestamp_seconds", false,
                                         "seconds since 1970",
                                         "The same of the revocation lists of PCK certificates." },
    [METRIC_COLLATERAL_ROOT_CRL_ENDS] = { "ward_collateral_root_crl_ends_timestamp_seconds", false,
                                          "seconds since 1970",
                                          "The same of the root's revocation list." },
};

const struct metric_info *metric_info(enum metric metric)
{
    static const struct metric_info none = { "", false, "", "" };
    return (unsigned)metric < METRIC_COUNT ? &rows[metric] : &none;
}

bool metrics_write(const uint64_t values[METRIC_COUNT], struct sink *out)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        sink_format(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", rows[i].name, rows[i].help,
                    rows[i].name, rows[i].counts ? "counter" : "gauge", rows[i].name,
                    (unsigned long long)values[i]);
    return sink_ok(out);
}

bool metrics_write_reference(struct sink *out)
{
    sink_text(out, "# Metrics\n\n"
                   "Generated from the table of metrics (`src/proc/metrics.c`).\n\n"
                   "`GET /metrics` over the owner's socket, never over the network, in the "
                   "text format of Prometheus. No metric has a label.\n"
                   "A counter begins at 0 with its process.\n\n"
                   "| metric | kind | unit | meaning |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        sink_format(out, "| `%s` | %s | %s | %s |\n", rows[i].name,
                    rows[i].counts ? "counter" : "gauge", rows[i].unit, rows[i].help);
    sink_text(out, "\nAlert rules and a dashboard that use them lie in "
                   "`packaging/prometheus/`.\n");
    return sink_ok(out);
}
