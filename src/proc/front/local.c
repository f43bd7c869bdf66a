/* local.c - see front.h: what is for those who watch over the house, on its own machine. */
#include "proc/front/front.h"

enum { PAGE = 8192 };

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

static void metric(struct sink *out, const char *name, const char *kind, const char *help,
                   uint64_t value)
{
    sink_format(out, "# HELP ward_front_%s %s\n# TYPE ward_front_%s %s\nward_front_%s %llu\n", name,
                help, name, kind, name, (unsigned long long)value);
}

/* Prometheus text format 0.0.4. */
static void say_metrics(struct front *front, const struct way *way)
{
    const struct front_counts *counts = &front->counts;
    uint8_t page[PAGE];
    struct sink out = sink_over(page, sizeof page);
    uint32_t works = 0, exchanges = 0;
    for (const struct work *work = front->free_works; work != NULL; work = work->next)
        works++;
    for (const struct exchange *one = front->free_exchanges; one != NULL; one = one->next)
        exchanges++;
    metric(&out, "connections", "gauge", "Connections from strangers that are open.",
           front->conns.open);
    metric(&out, "handshakes_open", "gauge", "Of them, in their handshake.", front->conns.half);
    metric(&out, "local_connections", "gauge", "Connections over the owner's socket.",
           front->local_count);
    metric(&out, "http1_requests_open", "gauge", "Requests over HTTP/1.1 under way.",
           FRONT_WORKS_MAX - works);
    metric(&out, "calls_open", "gauge", "Calls under way.", FRONT_EXCHANGES_MAX - exchanges);
    metric(&out, "accepted_total", "counter", "Connections that came.", counts->accepted);
    metric(&out, "refused_total", "counter", "Connections turned away.", counts->refused);
    metric(&out, "handshakes_total", "counter", "Handshakes done.", counts->handshakes);
    metric(&out, "handshake_failures_total", "counter", "Handshakes failed.",
           counts->handshake_failures);
    metric(&out, "requests_total", "counter", "Requests whose head was read.", counts->requests);
    metric(&out, "failures_total", "counter", "Requests answered with a problem.",
           counts->failures);
    metric(&out, "rate_limited_total", "counter", "Requests above their address's rate.",
           counts->rate_limited);
    metric(&out, "h2_abuses_total", "counter", "HTTP/2 connections ended for what they cost.",
           counts->abuses);
    metric(&out, "slow_total", "counter", "Peers cut for being slow.", counts->slow);
    metric(&out, "unavailable_total", "counter", "Requests refused because the house is short.",
           counts->unavailable);
    say(front, way, 200, sink_bytes(&out));
}

bool local_answer(struct front *front, const struct way *way)
{
    const struct http_request *request = way->request;
    if (!way->connection->local || request->method != HTTP_METHOD_GET)
        return false;
    if (span_equal_text(request->path, "/metrics")) {
        say_metrics(front, way);
        return true;
    }
    bool live = span_equal_text(request->path, "/healthz");
    if (!live && !span_equal_text(request->path, "/readyz"))
        return false;
    bool good = live || front_is_serving(front);
    say(front, way, good ? 200 : 503, span_text(good ? "ok\n" : "not ready\n"));
    return true;
}
