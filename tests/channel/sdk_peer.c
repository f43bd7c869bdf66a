/* sdk_peer.c - Ward's end of profile sdk-v1 for a peer that is no Ward: over the WebSocket on the
   socket that is descriptor 0.

       sdk_peer client FOLDER COMPOSE AUTHORITY [NAME PAYLOAD]...   the validator: sends these jobs
       sdk_peer server FOLDER COMPOSE                               the challenge

   FOLDER is what `ward sim agent` published: under that root the peer's evidence is judged, really.
   COMPOSE is the compose hash that the peer must have, or -.  Its own evidence is of a guest of its
   own.  As the challenge it has one handler, "echo", and once it is told that it may it asks one
   query.  What it hears is on stdout, a line each; how it ended is the last. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "channel/sdk_talk.h"
#include "codec/guest_agent.h"
#include "codec/hex.h"
#include "os/clock.h"
#include "os/random.h"
#include "sdk_trust.h"
#include "sim/guest.h"
#include "websocket_end.h"

enum { NODES = 4096, SLOTS = 1024, HEARD = 64, TICK_MS = 200 };

struct peer {
    struct websocket ws;
    struct sdk sdk;
    struct sdk_talk talk;
    struct sdk_nonces heard;
    struct sim_guest guest;
    struct sdk_trust trust;
    char **jobs; /* name and payload, to NULL */
    unsigned wanted;
    const char *ended; /* how; NULL: not yet */
};

static struct sdk_slot slots[SLOTS];
static struct sdk_nonce places[HEARD];
static struct json_node nodes[NODES];
static uint8_t frame[SDK_FRAME_MAX], plain[SDK_PLAIN_MAX], copy[SDK_PLAIN_MAX];
static const char *const jobs[] = { "echo" };
static const struct sdk_challenge challenge = { .jobs = jobs, .job_count = 1, .db_version = 7 };

/* --- evidence --------------------------------------------------------------------------------- */

static struct sdk_evidence quote(struct peer *peer, const uint8_t *report_data)
{
    static uint8_t answer[GUEST_AGENT_ANSWER_MAX];
    uint8_t ask[256];
    struct sink body = sink_over(ask, sizeof ask), out = sink_over(answer, sizeof answer);
    sink_text(&body, "{\"report_data\":\"");
    sink_hex(&body, span_of(report_data, SDK_REPORT_DATA));
    sink_text(&body, "\"}");
    insist(sim_guest_answer(&peer->guest, span_text("/GetQuote"), sink_bytes(&body), &out) == 200,
           "quote");
    return (struct sdk_evidence){ .quote = span_of(peer->guest.quote, peer->guest.quote_len),
                                  .log = span_of(peer->guest.log, peer->guest.log_len),
                                  .rtmrs = peer->guest.spec.tdx.rtmr[0] };
}

/* --- talk ------------------------------------------------------------------------------------- */

static void show(const char *what, struct span text)
{
    printf("%s %.*s\n", what, (int)text.len, text.len > 0 ? (const char *)text.at : "");
}

/* One message of this end's own. */
static void say(struct peer *peer, const struct sink *message)
{
    struct sink out = sink_over(frame, sizeof frame);
    if (message->len == 0)
        return;
    insist(sdk_send(&peer->sdk, sink_bytes(message), &out) &&
               websocket_put(&peer->ws, sink_bytes(&out), true),
           "not sent");
}

static struct sink message(void)
{
    return sink_over(plain, sizeof plain);
}

static void start_talk(struct peer *peer)
{
    struct sink out = message();
    if (peer->talk.challenge != NULL)
        return;
    insist(sdk_talk_ready(&peer->talk, &out), "ready");
    say(peer, &out);
    out = message();
    insist(sdk_talk_ask(&peer->talk, SDK_DB_VERSION_REQUEST, 1000, clock_monotonic_ms(), &out),
           "db_version");
    say(peer, &out);
    out = message();
    insist(sdk_talk_ask(&peer->talk, SDK_MIGRATIONS_REQUEST, 1001, clock_monotonic_ms(), &out),
           "migrations");
    say(peer, &out);
    peer->wanted = 2;
    for (unsigned i = 0; peer->jobs[2 * i] != NULL && peer->jobs[2 * i + 1] != NULL; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "job-%u", i);
        const struct sdk_job job = { span_text(id), span_text(peer->jobs[2 * i]),
                                     span_text(peer->jobs[2 * i + 1]), i,
                                     clock_monotonic_ms() + 20000 };
        out = message();
        insist(sdk_talk_job(&peer->talk, &job, &out), "job");
        say(peer, &out);
        peer->wanted++;
    }
}

static void on_heard(struct peer *peer, const struct sdk_heard *heard)
{
    struct sink out = message();
    char what[64];
    switch (heard->kind) {
    case SDK_HEARD_JOB:
        show("job", heard->job_id);
        insist(sdk_talk_done(&peer->talk, heard->job_id, heard->value, (struct span){ 0 }, &out),
               "done");
        say(peer, &out);
        break;
    case SDK_HEARD_READY:
        puts("ready");
        insist(sdk_talk_query(&peer->talk, span_text("{\"operation\":\"count\",\"table\":\"t\"}"),
                              1, clock_monotonic_ms(), &out),
               "query");
        say(peer, &out);
        break;
    case SDK_HEARD_ANSWER:
    case SDK_HEARD_RESULT:
        (void)snprintf(what, sizeof what, "%s %u %s",
                       heard->kind == SDK_HEARD_ANSWER ? "answer" : "result", (unsigned)heard->tag,
                       reason_info(heard->reason)->name);
        show(what, heard->value);
        if (peer->wanted > 0 && --peer->wanted == 0)
            websocket_close(&peer->ws, WEBSOCKET_NORMAL);
        break;
    case SDK_HEARD_IGNORED:
        printf("ignored %s %s\n", sdk_talk_word(heard->word), reason_info(heard->reason)->name);
        break;
    case SDK_HEARD_PERMISSIONS:
    case SDK_HEARD_REPORT:
    case SDK_HEARD_STATUS:
        show(sdk_talk_word(heard->word), heard->value);
        break;
    case SDK_HEARD_NOTHING:
        break;
    }
}

static void on_data(struct peer *peer, struct span data)
{
    struct sink out = message();
    memcpy(copy, data.at, data.len);
    const struct sdk_heard heard = sdk_talk_hear(&peer->talk, span_of(copy, data.len), &out);
    say(peer, &out);
    on_heard(peer, &heard);
}

/* What the session asks for and says, until it asks nothing. */
static void follow(struct peer *peer, struct sdk_event event, struct sink *out)
{
    while (event.kind == SDK_JUDGE || event.kind == SDK_NEEDS_EVIDENCE) {
        if (event.kind == SDK_JUDGE) {
            const struct sdk_judgement found = sdk_trust_judge(&peer->trust, &event.evidence,
                                                               event.report_data);
            event = sdk_judge(&peer->sdk, &found, out);
        } else {
            const struct sdk_evidence shown = quote(peer, event.report_data);
            event = sdk_give(&peer->sdk, &shown, out);
        }
    }
    if (out->len > 0)
        insist(websocket_put(&peer->ws, sink_bytes(out), true), "not sent");
    if (event.kind == SDK_OPEN) {
        puts("open");
        start_talk(peer);
    } else if (event.kind == SDK_DATA) {
        on_data(peer, event.data);
    } else if (event.kind == SDK_DROPPED) {
        printf("dropped %s\n", reason_info(event.reason)->name);
    } else if (event.kind == SDK_ENDED) {
        static char how[256];
        (void)snprintf(how, sizeof how, "%s %s%s%.*s", reason_info(event.reason)->name,
                       reason_info(event.about)->name, event.said.len > 0 ? " " : "",
                       (int)(event.said.len < 100 ? event.said.len : 100),
                       event.said.len > 0 ? (const char *)event.said.at : "");
        peer->ended = how;
        websocket_close(&peer->ws, WEBSOCKET_NORMAL);
    }
}

static void on_message(void *arg, struct span said, bool text)
{
    static uint8_t heard[END_MESSAGE];
    struct peer *peer = arg;
    struct sink out = sink_over(frame, sizeof frame);
    if (!text) {
        puts("bytes");
        return;
    }
    memcpy(heard, said.at, said.len);
    follow(peer,
           sdk_take(&peer->sdk, (struct sdk_frame){ heard, said.len, clock_monotonic_ms() }, &out),
           &out);
}

static const struct websocket_kind client_kind = {
    .role = WEBSOCKET_CLIENT, .limits = &end_limits, .on_message = on_message, .random = end_masks
};
static const struct websocket_kind server_kind = { .limits = &end_limits,
                                                   .on_message = on_message };

/* --- the whole -------------------------------------------------------------------------------- */

static void make(struct peer *peer, bool client, const char *compose)
{
    uint8_t random[3][SDK_NONCE], wanted[SDK_COMPOSE_HASH], own[SIM_COMPOSE_HASH];
    memset(own, client ? 0x7a : 0xc4, sizeof own);
    const struct sim_guest_app app = sim_guest_app_of(own);
    random_bytes(random, sizeof random);
    const bool any = strcmp(compose, "-") == 0;
    insist(any || hex_decode(span_text(compose), wanted, sizeof wanted), "compose hash");
    insist(sim_guest_init(&peer->guest, span_text("a guest of the tests"), &app, clock_now()),
           "guest");
    peer->heard = sdk_nonces_over(places, HEARD);
    peer->talk = sdk_talk_over(client ? NULL : &challenge, nodes, NODES);
    const struct sdk_setup setup = { .role = client ? SDK_CLIENT : SDK_SERVER,
                                     .gives_evidence = true,
                                     .wants_evidence = true,
                                     .compose_hash = any ? NULL : wanted,
                                     .nonce = random[0],
                                     .secret = random[1],
                                     .salt = random[2],
                                     .heard = &peer->heard,
                                     .slots = slots,
                                     .slot_count = SLOTS,
                                     .now_ms = clock_monotonic_ms() };
    insist(sdk_init(&peer->sdk, &setup), "set-up");
}

static void tick(struct peer *peer)
{
    struct sink out = sink_over(frame, sizeof frame);
    struct sdk_event event = sdk_tick(&peer->sdk, clock_monotonic_ms(), &out);
    if (event.kind != SDK_NOTHING)
        follow(peer, event, &out);
    struct sdk_heard late = sdk_talk_tick(&peer->talk, clock_monotonic_ms());
    if (late.kind != SDK_HEARD_NOTHING)
        on_heard(peer, &late);
}

static void serve(struct peer *peer, struct span rest)
{
    bool reads = rest.len == 0 || websocket_feed(&peer->ws, 0, rest);
    while (end_flush(&peer->ws) && reads) {
        struct pollfd readable = { END_SOCKET, POLLIN, 0 };
        if (poll(&readable, 1, TICK_MS) > 0)
            reads = end_read(&peer->ws);
        tick(peer);
    }
}

int main(int argc, char **argv)
{
    static struct peer peer;
    struct span rest = { 0 };
    const bool client = argc > 1 && strcmp(argv[1], "client") == 0;
    if (argc < (client ? 5 : 4))
        return 2;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    peer.jobs = argv + (client ? 5 : 4);
    sdk_trust_make(&peer.trust, argv[2]);
    insist(end_begin(client ? argv[4] : NULL, "/sdk/ws", &rest) &&
               websocket_init(&peer.ws, client ? &client_kind : &server_kind, end_message, &peer),
           "no handshake");
    make(&peer, client, argv[3]);
    if (client) {
        struct sink out = sink_over(frame, sizeof frame);
        follow(&peer, sdk_start(&peer.sdk, &out), &out);
    }
    serve(&peer, rest);
    printf("ended %s %s\n", peer.ended == NULL ? "closed" : peer.ended,
           reason_info(peer.ws.reason)->name);
    websocket_fini(&peer.ws);
    sdk_fini(&peer.sdk);
    return 0;
}
