/* link_sdk.c - see link.h: /sdk/ws of a peer that the house has called, in profile sdk-v1, in which
   the house is the validator (channel/sdk.h).  Nothing here is shared with version 2 of the channel
   but its socket, its clock and its end; there is no way from one to the other.

   Whoever has shown genuine evidence may have been given it by another, so what he says is heard
   and nothing is done on his word. */
#include <stdio.h>
#include <string.h>

#include "crypto/ct.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/front/front.h"
#include "proc/log.h"

enum {
    PLAIN_BYTES = 2048,    /* of what is said: sdk_talk.h */
    RECORD_BYTES = 4096,   /* and of its frame */
    SHAKE_BYTES = 2048,    /* of a frame of the handshake without evidence */
    BEGIN_BYTES = 96 << 10 /* and with it */
};

_Static_assert((int)SDK_NONCE == (int)ATTESTED_BOUND, "core keeps either in one place");

struct link_sdk *link_sdk_new(struct arena *arena)
{
    struct link_sdk *sdk = arena_alloc(arena, sizeof *sdk);
    if (sdk == NULL)
        return NULL;
    *sdk = (struct link_sdk){
        .slots = arena_room(arena, LINK_SDK_SLOTS * sizeof *sdk->slots),
        .nodes = arena_room(arena, LINK_NODES_MAX * sizeof *sdk->nodes),
        .frame = arena_room(arena, LINK_SDK_FRAME),
    };
    return sdk->slots != NULL && sdk->nodes != NULL && sdk->frame != NULL ? sdk : NULL;
}

/* --- what comes ------------------------------------------------------------------------------ */

static void follow(struct link *link, const struct sdk_event *event, struct sink *out);

/* It is deciphered where it lies, which is ours. */
static void on_message(void *arg, struct span message, bool text)
{
    struct link *link = arg;
    uint8_t bytes[SHAKE_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    if (link->reason != REASON_NONE)
        return; /* behind what ended it */
    if (!text) {
        link_refuse(link, REASON_CHANNEL_MALFORMED);
        return;
    }
    const struct sdk_frame frame = { link->sdk->frame, message.len, clock_monotonic_ms() };
    const struct sdk_event event = sdk_take(&link->sdk->sdk, frame, &out);
    follow(link, &event, &out);
}

static const struct websocket_limits limits = { LINK_SDK_FRAME, LINK_QUEUE_MAX, LINK_PIECES_MAX,
                                                LINK_CONTROLS_MAX };
static const struct websocket_kind kind = {
    .role = WEBSOCKET_CLIENT, .limits = &limits, .on_message = on_message, .random = random_bytes
};

bool link_sdk_begin(struct link *link)
{
    struct link_sdk *mine = link->sdk;
    uint8_t random[2][SDK_NONCE];
    random_bytes((uint8_t *)random, sizeof random);
    random_bytes(mine->nonce, sizeof mine->nonce);
    const struct sdk_setup setup = { .role = SDK_CLIENT,
                                     .gives_evidence = true,
                                     .wants_evidence = true,
                                     .nonce = mine->nonce,
                                     .secret = random[0],
                                     .salt = random[1],
                                     .slots = mine->slots,
                                     .slot_count = LINK_SDK_SLOTS,
                                     .now_ms = clock_monotonic_ms() };
    mine->talk = sdk_talk_over(NULL, mine->nodes, LINK_NODES_MAX);
    mine->dropped = 0;
    const bool begun = sdk_init(&mine->sdk, &setup) &&
                       websocket_init(&link->ws, &kind, mine->frame, link);
    ct_wipe(random, sizeof random);
    return begun;
}

/* --- the handshake --------------------------------------------------------------------------- */

void link_sdk_speak(struct link *link)
{
    uint8_t bytes[SHAKE_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    const struct sdk_event event = sdk_start(&link->sdk->sdk, &out);
    follow(link, &event, &out);
}

static void have_made(struct link *link)
{
    uint8_t bytes[1 + SDK_NONCE];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, outward_number(link->front, link->connection));
    sink_put(&body, SPAN(link->sdk->nonce));
    (void)link_ask(link, MSG_SDK_LINK_QUOTE, sink_bytes(&body), MSG_LINK_QUOTED);
}

void link_sdk_give(struct link *link, const struct attested_evidence *made)
{
    const struct sdk_evidence shown = { .quote = made->evidence, .log = made->log };
    struct sink out = sink_over(link->front->answer, BEGIN_BYTES);
    const struct sdk_event event = sdk_give(&link->sdk->sdk, &shown, &out);
    follow(link, &event, &out);
}

static void have_judged(struct link *link, const struct sdk_evidence *shown)
{
    struct sink body = sink_over(link->front->scratch, FRONT_SCRATCH_MAX);
    if (shown->quote.len > LINK_PART_MAX || shown->log.len > LINK_PART_MAX) {
        link_refuse(link, REASON_CHANNEL_TOO_LARGE);
        return;
    }
    sink_u8(&body, outward_number(link->front, link->connection));
    sink_put(&body, SPAN(link->sdk->nonce));
    sink_put(&body, SPAN(link->connection->peer.bytes));
    sink_put(&body, SPAN(link->trace));
    put_bytes(&body, shown->quote);
    put_bytes(&body, shown->log);
    (void)link_shows(link, MSG_SDK_LINK_JUDGE, sink_bytes(&body));
}

void link_sdk_judged(struct link *link, struct decision decision)
{
    uint8_t bytes[SHAKE_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    const struct sdk_judgement found = { .decision = decision, .now_ms = clock_monotonic_ms() };
    const struct sdk_event event = sdk_judge(&link->sdk->sdk, &found, &out);
    follow(link, &event, &out);
}

/* --- what is said ---------------------------------------------------------------------------- */

static void say(struct link *link, const struct sink *plain)
{
    uint8_t bytes[RECORD_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    if (plain->len == 0)
        return;
    if (!sdk_send(&link->sdk->sdk, sink_bytes(plain), &out))
        link_refuse(link, REASON_CHANNEL_EXHAUSTED);
    else if (link_put(link, sink_bytes(&out)))
        link_wake(link);
}

/* The SDK begins its challenge's work when it is told that queries are welcome, and at nothing
   else.  The handshake confirms no key; the answer to a question does. */
static void greet(struct link *link)
{
    struct sdk_talk *talk = &link->sdk->talk;
    uint8_t bytes[2][PLAIN_BYTES];
    struct sink ready = sink_over(bytes[0], PLAIN_BYTES),
                question = sink_over(bytes[1], PLAIN_BYTES);
    if (!sdk_talk_ready(talk, &ready) ||
        !sdk_talk_ask(talk, SDK_DB_VERSION_REQUEST, 0, clock_monotonic_ms(), &question)) {
        link_refuse(link, REASON_SERVER_FAILED);
        return;
    }
    say(link, &ready);
    if (link->reason == REASON_NONE)
        say(link, &question);
}

static void drop(struct link *link, enum reason reason)
{
    link->sdk->dropped++;
    link->sdk->dropped_for = reason;
}

/* What it wants the owner to read; nobody was promised that it is kept. */
static void note(struct link *link, const struct sdk_heard *heard)
{
    uint8_t bytes[LINK_NOTE_MAX];
    struct sink text = sink_over(bytes, sizeof bytes);
    sink_text(&text, sdk_talk_word(heard->word));
    sink_text(&text, " ");
    const size_t left = sizeof bytes - text.len;
    sink_put(&text, span_of(heard->value.at, heard->value.len < left ? heard->value.len : left));
    link_note(link, sink_bytes(&text));
}

/* A message costs its sender what a request does; one past that is not answered, for an answer
   would cost as much. */
static void hear(struct link *link, struct span plain)
{
    uint8_t bytes[PLAIN_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    const enum reason reason = link_admit(link);
    if (reason != REASON_OK) {
        drop(link, reason);
        return;
    }
    link->front->links.messages++;
    const struct sdk_heard heard = sdk_talk_hear(&link->sdk->talk, plain, &out);
    if (heard.kind == SDK_HEARD_REPORT && (heard.word == SDK_LOGS || heard.word == SDK_SUBMIT))
        note(link, &heard);
    if (heard.kind == SDK_HEARD_IGNORED)
        drop(link, heard.reason);
    say(link, &out);
}

/* --- its end --------------------------------------------------------------------------------- */

static void over(struct link *link, const struct sdk_event *event)
{
    char detail[DIALED_DETAIL_MAX + 1] = "";
    if (event->said.len > 0) {
        struct sink text = sink_over(detail, DIALED_DETAIL_MAX);
        const size_t len = event->said.len;
        sink_put(&text, span_of(event->said.at, len < DIALED_DETAIL_MAX ? len : DIALED_DETAIL_MAX));
    } else if (event->about != REASON_NONE) {
        (void)snprintf(detail, sizeof detail, "%s", reason_info(event->about)->name);
    }
    outward_note(link->connection, event->reason, detail);
    link_over(link, event->reason);
}

static void follow(struct link *link, const struct sdk_event *event, struct sink *out)
{
    if (link->reason != REASON_NONE || (out->len > 0 && !link_put(link, sink_bytes(out))))
        return;
    link_wake(link);
    switch (event->kind) {
    case SDK_NOTHING:
        return;
    case SDK_NEEDS_EVIDENCE:
        have_made(link);
        return;
    case SDK_JUDGE:
        have_judged(link, &event->evidence);
        return;
    case SDK_OPEN:
        greet(link);
        return;
    case SDK_DATA:
        hear(link, event->data);
        return;
    case SDK_DROPPED:
        drop(link, event->reason);
        return;
    case SDK_ENDED:
        over(link, event);
        return;
    }
}

void link_sdk_refuse(struct link *link, enum reason reason)
{
    uint8_t bytes[SHAKE_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    const struct sdk_event event = sdk_refuse(&link->sdk->sdk, reason, &out);
    follow(link, &event, &out);
    link_over(link, reason);
}

bool link_sdk_tick(struct link *link, int64_t now_ms)
{
    uint8_t bytes[SHAKE_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    const struct sdk_event event = sdk_tick(&link->sdk->sdk, now_ms, &out);
    if (event.kind == SDK_ENDED) {
        link->front->counts.slow++;
        follow(link, &event, &out);
    } else if (sdk_talk_tick(&link->sdk->talk, now_ms).kind != SDK_HEARD_NOTHING) {
        link_refuse(link, REASON_SDK_NO_ANSWER);
    }
    return link->reason == REASON_NONE;
}

/* There is no farewell in this profile: what is cut off is not told from what is over. */
enum reason link_sdk_cut(struct link *link)
{
    return sdk_is_open(&link->sdk->sdk) ? REASON_OK : REASON_CHANNEL_TRUNCATED;
}

void link_sdk_fini(struct link *link)
{
    struct link_sdk *mine = link->sdk;
    const struct front *front = link->front;
    const uint8_t peer = outward_number(front, link->connection);
    if (mine->dropped > 0 && peer < SETTING_PEERS_MAX)
        log_event("peer %s: %u messages were no good, the last one for %s",
                  front->house->settings.peers[peer].name, mine->dropped,
                  reason_info(mine->dropped_for)->name);
    mine->dropped = 0;
    mine->talk = (struct sdk_talk){ 0 };
    sdk_fini(&mine->sdk);
}
