/* local.c - see front.h: what is for those who watch over the house, on its own machine. */
#include "model/tee.h"
#include "proc/front/front.h"
#include "proc/metrics.h"

enum { PAGE = 12288 };

bool front_is_serving(const struct front *front)
{
    return front->server != NULL && !front->stopping &&
           channel_is_open(&front->house->channels[PEER_CORE]);
}

static void say(struct front *front, const struct way *way, unsigned status, struct span text)
{
    struct call_answer answer = {
        .response = { .status = status, .field_count = 2, .length = text.len },
        .fields = { { span_text("content-type"), span_text("text/plain; charset=utf-8") },
                    { span_text("cache-control"), span_text("no-store") } },
    };
    answer_write(front, way, &answer, text, NULL);
}

/* What can be counted only by looking. */
static void take_levels(const struct front *front, uint64_t values[METRIC_COUNT])
{
    uint32_t works = 0, exchanges = 0;
    for (const struct work *work = front->free_works; work != NULL; work = work->next)
        works++;
    for (const struct work *work = front->free_local_works; work != NULL; work = work->next)
        works++;
    for (const struct exchange *one = front->free_exchanges; one != NULL; one = one->next)
        exchanges++;
    values[METRIC_SERVING] = front_is_serving(front);
    values[METRIC_CONNECTIONS] = front->conns.open;
    values[METRIC_CONNECTIONS_LIMIT] = front->connection_count - FRONT_LOCAL_MAX -
                                       SETTING_PEERS_MAX - PASSAGES_MAX;
    values[METRIC_HANDSHAKES_OPEN] = front->conns.half;
    values[METRIC_LOCAL_CONNECTIONS] = front->local_count;
    values[METRIC_HTTP1_REQUESTS_OPEN] = FRONT_WORKS_MAX + FRONT_WORKS_LOCAL - works;
    values[METRIC_CALLS_OPEN] = FRONT_EXCHANGES_MAX - exchanges;
    values[METRIC_CALLS_LIMIT] = FRONT_EXCHANGES_MAX;
    values[METRIC_BANS] = ban_count(&front->tables.bans, front_now_us());
    values[METRIC_SUSPECTS] = ban_count(&front->tables.suspects, front_now_us());
    values[METRIC_CHANNELS_OPEN] = front->links.open;
    values[METRIC_CHANNELS_HALF_OPEN] = front->links.half_count;
    values[METRIC_PEERS_OPEN] = outward_count(front);
    values[METRIC_CERTIFICATE_ENDS] = (uint64_t)front->chain_ends;
    values[METRIC_PASSAGES_OPEN] = front->passages.open;
    values[METRIC_PASSAGES_LIMIT] = PASSAGES_MAX;
    values[METRIC_TEE_SIMULATED] = !TEE_IS_HARDWARE;
    for (unsigned i = METRIC_OF_CORE; i < METRIC_OF_CORE_END; i++)
        values[i] = __atomic_load_n(&front->tables.metrics[i - METRIC_OF_CORE], __ATOMIC_RELAXED);
}

static bool say_metrics(struct front *front, const struct way *way)
{
    const struct front_counts *counts = &front->counts;
    uint64_t values[METRIC_COUNT] = {
        [METRIC_ACCEPTED] = counts->accepted,
        [METRIC_REFUSED] = counts->refused,
        [METRIC_HANDSHAKES] = counts->handshakes,
        [METRIC_HANDSHAKE_FAILURES] = counts->handshake_failures,
        [METRIC_REQUESTS] = counts->requests,
        [METRIC_FAILURES] = counts->failures,
        [METRIC_RATE_LIMITED] = counts->rate_limited,
        [METRIC_H2_ABUSES] = counts->abuses,
        [METRIC_SLOW] = counts->slow,
        [METRIC_UNAVAILABLE] = counts->unavailable,
        [METRIC_BANNED] = counts->banned,
        [METRIC_SIGNED] = counts->signed_requests,
        [METRIC_UNAUTHENTICATED] = counts->unauthenticated,
        [METRIC_CERTIFICATES] = counts->certificates,
        [METRIC_CERTIFICATES_REFUSED] = counts->certificates_refused,
        [METRIC_EDGES_REFUSED] = counts->edges_refused,
        [METRIC_CHANNELS_OPENED] = front->links.opened,
        [METRIC_CHANNELS_REFUSED] = front->links.refused,
        [METRIC_CHANNELS_ENDED] = front->links.ended,
        [METRIC_CHANNELS_TRUNCATED] = front->links.truncated,
        [METRIC_CHANNEL_MESSAGES] = front->links.messages,
        [METRIC_PASSAGES_ANSWERED] = front->passages.answered,
        [METRIC_PASSAGES_LOST] = front->passages.lost,
    };
    uint8_t page[PAGE];
    struct sink out = sink_over(page, sizeof page);
    take_levels(front, values);
    if (!metrics_write(values, &out))
        return false;
    say(front, way, 200, sink_bytes(&out));
    return true;
}

bool local_answer(struct front *front, const struct way *way)
{
    const struct http_request *request = way->request;
    if (!way->connection->local || request->method != HTTP_METHOD_GET)
        return false;
    if (span_equal_text(request->path, "/metrics"))
        return say_metrics(front, way);
    bool live = span_equal_text(request->path, "/healthz");
    if (!live && !span_equal_text(request->path, "/readyz"))
        return false;
    bool good = live || front_is_serving(front);
    say(front, way, good ? 200 : 503, span_text(good ? "ok\n" : "not ready\n"));
    return true;
}
