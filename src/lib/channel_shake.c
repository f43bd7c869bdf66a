/* channel_shake.c - the handshake behind the channel's face: asks for evidence, has the peer's
   judged, and gives a channel that is open or a reason. */
#include "lib/channel_parts.h"

#include "crypto/ct.h"
#include "crypto/start.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/random.h"

enum {
    REFUSAL_ROOM = 256, /* all that an end without evidence says */
    CHANNEL_MEMORY = WIRE_MEMORY + 128 * 1024,
    ARENA_SLACK = 32 * 1024, /* what an arena needs for itself */
};

int64_t channel_setup_deadline(const struct ward_channel_setup *setup)
{
    bool given = setup->timeout_ms > 0 && setup->timeout_ms < WARD_CHANNEL_HANDSHAKE_MS;
    return channel_deadline(given ? setup->timeout_ms : (int)WARD_CHANNEL_HANDSHAKE_MS);
}

/* One handshake under way. */
struct shaking {
    struct ward_channel *channel;
    const struct ward_channel_setup *setup;
    struct arena memory; /* of what is said */
    struct sink out;
    int64_t deadline_ms;
};

static const struct {
    enum attested_kind kind;
    enum ward_type type;
} kinds[] = {
    { ATTESTED_KIND_TDX, WARD_TYPE_TDX },
    { ATTESTED_KIND_SGX, WARD_TYPE_SGX },
    { ATTESTED_KIND_NITRO, WARD_TYPE_NITRO },
};

static enum attested_kind kind_of(enum ward_type type)
{
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (kinds[k].type == type)
            return kinds[k].kind;
    }
    return ATTESTED_KIND_NONE;
}

static enum ward_type type_of(enum attested_kind kind)
{
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (kinds[k].kind == kind)
            return kinds[k].type;
    }
    return WARD_TYPE_AUTO;
}

static struct attested_event give(struct shaking *shaking, const uint8_t *report_data)
{
    const struct ward_channel_setup *setup = shaking->setup;
    struct ward_evidence made = { 0 };
    struct attested_evidence evidence = { 0 };
    if (setup->evidence(setup->evidence_arg, report_data, &made))
        evidence = (struct attested_evidence){ .kind = kind_of(made.type),
                                               .evidence = span_of_bytes(made.evidence),
                                               .log = span_of_bytes(made.event_log) };
    return attested_give(&shaking->channel->attested, &evidence, &shaking->out);
}

static enum reason verified(const struct ward_channel_trust *trust,
                            const struct ward_evidence *shown, const uint8_t *report_data)
{
    struct ward_request request = { .evidence = shown->evidence,
                                    .type = shown->type,
                                    .time = clock_now(),
                                    .collateral = trust->collateral,
                                    .policy = trust->policy };
    if (shown->event_log.len > 0)
        request.event_log = shown->event_log;
    if (shown->type == WARD_TYPE_NITRO)
        request.user_data = (struct ward_bytes){ .data = report_data, .len = WARD_REPORT_DATA };
    else
        request.report_data = report_data;
    ward_verify(trust->verifier, &request, trust->result);
    return ward_result_allowed(trust->result)
               ? REASON_OK
               : reason_find(span_text(ward_result_reason(trust->result)));
}

/* Anything but REASON_OK is a no. */
static enum reason judge(const struct ward_channel_trust *trust, const struct ward_evidence *shown,
                         const uint8_t *report_data)
{
    enum reason reason = REASON_NONE;
    const char *why = NULL;
    if (trust->verifier != NULL)
        reason = verified(trust, shown, report_data);
    if (trust->judge == NULL || (trust->verifier != NULL && reason != REASON_OK))
        return reason;
    if (trust->judge(trust->judge_arg, shown, report_data, &why))
        return REASON_OK;
    reason = why != NULL ? reason_find(span_text(why)) : REASON_NONE;
    return reason != REASON_OK ? reason : REASON_NONE;
}

static struct attested_event judged(struct shaking *shaking, const struct attested_event *asked)
{
    struct ward_evidence shown = { .type = type_of(asked->evidence.kind),
                                   .evidence = bytes_of_span(asked->evidence.evidence),
                                   .event_log = bytes_of_span(asked->evidence.log) };
    enum reason reason = judge(shaking->setup->trust, &shown, asked->report_data);
    const struct decision decision = { .verdict = reason == REASON_OK ? ALLOW : DENY,
                                       .reason = reason,
                                       .check = CHECK_COUNT };
    return attested_judge(&shaking->channel->attested, decision, clock_monotonic_ms(),
                          &shaking->out);
}

static struct attested_event ended(enum reason reason)
{
    return (struct attested_event){ .kind = ATTESTED_ENDED, .reason = reason };
}

static struct attested_event hear(struct shaking *shaking)
{
    struct ward_channel *channel = shaking->channel;
    struct wire_message message;
    switch (wire_receive(&channel->wire, attested_message_max(&channel->attested),
                         shaking->deadline_ms, &message)) {
    case WIRE_DONE:
        return attested_take(
            &channel->attested,
            (struct attested_message){ message.at, message.len, clock_monotonic_ms() },
            &shaking->out);
    case WIRE_LATE:
        return attested_tick(&channel->attested, INT64_MAX, &shaking->out);
    case WIRE_REFUSED:
        return ended(channel->wire.reason);
    case WIRE_ENDED:
    default:
        return ended(REASON_CHANNEL_TRUNCATED);
    }
}

/* A peer that is gone may have said why before: that is heard next, so only time counts here. */
static bool say(struct shaking *shaking, const struct attested_event *event)
{
    if (shaking->out.len == 0)
        return true;
    int64_t deadline_ms = event->kind == ATTESTED_ENDED ? 0 : shaking->deadline_ms;
    enum wire_step step = wire_send(&shaking->channel->wire, sink_bytes(&shaking->out),
                                    deadline_ms);
    shaking->out.len = 0;
    return step != WIRE_LATE || event->kind == ATTESTED_ENDED;
}

static enum ward_outcome talk(struct shaking *shaking, struct attested_event event,
                              struct ward_error *error)
{
    struct ward_channel *channel = shaking->channel;
    for (;;) {
        if (!say(shaking, &event))
            return channel_over(channel, WARD_TIMED_OUT, REASON_CHANNEL_TIMEOUT, REASON_NONE,
                                error);
        switch (event.kind) {
        case ATTESTED_NOTHING:
            event = hear(shaking);
            break;
        case ATTESTED_NEEDS_EVIDENCE:
            event = give(shaking, event.report_data);
            break;
        case ATTESTED_JUDGE:
            event = judged(shaking, &event);
            break;
        case ATTESTED_OPEN:
            return WARD_DONE;
        case ATTESTED_ENDED:
            return channel_over(
                channel, event.reason == REASON_CHANNEL_TIMEOUT ? WARD_TIMED_OUT : WARD_REFUSED,
                event.reason, event.about, error);
        case ATTESTED_DATA:
        case ATTESTED_CLOSED:
        default:
            return channel_over(channel, WARD_REFUSED, REASON_CHANNEL_MISUSED, REASON_NONE, error);
        }
    }
}

static bool setup_is_good(const struct ward_channel_setup *setup)
{
    const struct ward_channel_trust *trust = setup->trust;
    return setup->purpose != NULL && (trust == NULL) == setup->peer_unproven &&
           (trust == NULL || (trust->verifier == NULL) == (trust->result == NULL));
}

static bool begin(struct ward_channel *channel, const struct ward_channel_setup *setup,
                  enum attested_role role)
{
    uint8_t nonce[ATTESTED_RANDOM], secret[ATTESTED_RANDOM];
    random_bytes(nonce, sizeof nonce);
    random_bytes(secret, sizeof secret);
    const struct attested_setup attested = {
        .role = role,
        .purpose = span_text(setup->purpose),
        .aeads = { AEAD_CHACHA20_POLY1305, AEAD_XCHACHA20_POLY1305 },
        .aead_count = 2,
        .gives_evidence = setup->evidence != NULL,
        .wants_evidence = setup->trust != NULL,
        .nonce = nonce,
        .secret = secret,
        .bulk = channel->bulk,
        .now_ms = clock_monotonic_ms(),
    };
    bool good = attested_init(&channel->attested, &attested);
    ct_wipe(secret, sizeof secret);
    return good;
}

/* The connection, framed. */
static enum ward_outcome join(struct shaking *shaking, enum attested_role role,
                              const struct channel_place *place, struct ward_error *error)
{
    struct ward_channel *channel = shaking->channel;
    const char *why = "";
    if (place->framing == WIRE_STREAM)
        return WARD_DONE;
    enum wire_step secured = place->tls == NULL ? WIRE_DONE
                                                : wire_secure(&channel->wire, place->tls,
                                                              place->deadline_ms, &why);
    if (secured == WIRE_LATE)
        return channel_over(channel, WARD_TIMED_OUT, REASON_CHANNEL_TIMEOUT, REASON_NONE, error);
    if (secured != WIRE_DONE)
        return ERROR(error, WARD_UNREACHABLE, "%.*s: TLS: %s", (int)place->authority.len,
                     (const char *)place->authority.at, why);
    enum wire_step step = role == ATTESTED_INITIATOR
                              ? wire_ask(&channel->wire, place->authority, place->target,
                                         place->deadline_ms)
                              : wire_answer(&channel->wire, place->target, place->deadline_ms);
    switch (step) {
    case WIRE_DONE:
        return WARD_DONE;
    case WIRE_LATE:
        return channel_over(channel, WARD_TIMED_OUT, REASON_CHANNEL_TIMEOUT, REASON_NONE, error);
    case WIRE_REFUSED:
        return channel_over(channel, WARD_REFUSED, channel->wire.reason, REASON_NONE, error);
    case WIRE_ENDED:
    default:
        return channel_over(channel, WARD_REFUSED, REASON_CHANNEL_TRUNCATED, REASON_NONE, error);
    }
}

static enum ward_outcome shake(struct ward_channel *channel, const struct ward_channel_setup *setup,
                               enum attested_role role, const struct channel_place *place,
                               struct ward_error *error)
{
    struct shaking shaking = { channel, setup, .deadline_ms = place->deadline_ms };
    size_t room = setup->evidence != NULL ? (size_t)ATTESTED_MESSAGE_MAX : REFUSAL_ROOM;
    enum ward_outcome outcome = join(&shaking, role, place, error);
    if (outcome != WARD_DONE)
        return outcome;
    arena_init(&shaking.memory, room + ARENA_SLACK);
    shaking.out = sink_over(arena_room(&shaking.memory, room), room);
    struct attested_event event = { 0 };
    if (shaking.out.at == NULL)
        return channel_over(channel, WARD_NO_MEMORY, REASON_OUT_OF_MEMORY, REASON_NONE, error);
    if (role == ATTESTED_INITIATOR)
        event = attested_start(&channel->attested, &shaking.out);
    outcome = talk(&shaking, event, error);
    arena_fini(&shaking.memory);
    return outcome;
}

/* NULL without memory, or when there is no such descriptor; which is taken all the same. */
static struct ward_channel *channel_new(const struct channel_place *place)
{
    struct arena memory;
    struct ward_channel *channel = object_new(sizeof *channel, CHANNEL_MEMORY, &memory);
    if (channel == NULL) {
        int fd = place->descriptor;
        fd_close(&fd);
        return NULL;
    }
    channel->memory = memory;
    size_t room = ATTESTED_PLAIN_MAX + 2 * ATTESTED_RECORD_EXTRA;
    bool wired = wire_init(&channel->wire, &channel->memory, place->descriptor, place->framing);
    channel->out = sink_over(arena_room(&channel->memory, room), room);
    channel->bulk = bulk_new();
    if (!wired || channel->out.at == NULL || channel->bulk == NULL)
        ward_channel_free(&channel);
    return channel;
}

enum ward_outcome channel_shake(const struct ward_channel_setup *setup, enum attested_role role,
                                const struct channel_place *place, struct ward_channel **out,
                                struct ward_error *error)
{
    int fd = place->descriptor;
    if (!sodium_start() || !setup_is_good(setup)) {
        fd_close(&fd);
        return ERROR(error, WARD_BAD_INPUT,
                     "a setup has a purpose, and either trust in the peer's evidence or "
                     "peer_unproven; a verifier has a result");
    }
    struct ward_channel *channel = channel_new(place);
    if (channel == NULL)
        return ERROR(error, WARD_NO_MEMORY, "no memory for a channel, or no descriptor %d", fd);
    enum ward_outcome outcome = WARD_BAD_INPUT;
    if (!begin(channel, setup, role))
        ERROR(error, outcome, "a purpose has 1 to %d characters from ! to ~", ATTESTED_PURPOSE_MAX);
    else
        outcome = shake(channel, setup, role, place, error);
    if (outcome == WARD_DONE)
        *out = channel;
    else
        ward_channel_free(&channel);
    return outcome;
}
