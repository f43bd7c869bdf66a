/* signers.c - see world.h: peers that were granted sessions and sign what they ask, an attacker who
   sends again what was sent before, and the two things that must hold whatever befalls core: what
   is signed is carried out once, and never for a session that is over. */
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "simulator/world.h"

static struct world *here;

static struct ed25519_secret secret(void)
{
    static const uint8_t seed[ED25519_SEED] = { 1 };
    struct ed25519_secret out;
    ed25519_secret_of_seed(seed, &out);
    return out;
}

void signers_begin(struct world *world)
{
    here = world;
}

struct span signers_key(void)
{
    static uint8_t key[ED25519_PUBLIC];
    struct ed25519_secret mine = secret();
    ed25519_secret_public(&mine, key);
    return SPAN(key);
}

void signers_granted(struct world *world, const struct api_session_grant_response *granted)
{
    struct signers *signers = &world->signers;
    size_t at = signers->count < TOKENS ? signers->count++ : world_below(world, TOKENS);
    struct cursor in = cur_over(granted->token);
    if (!cur_copy(&in, signers->tokens[at].text, SESSION_TOKEN_TEXT) || !cur_end(&in)) {
        world_wrong(world, "a token is a token", "%zu bytes", granted->token.len);
        return;
    }
    signed_token_hash(granted->token, signers->tokens[at].digest);
    signers->tokens[at].over = false;
}

void signers_pick(struct world *world, uint8_t digest[STORE_ID_LEN])
{
    const struct signers *signers = &world->signers;
    memset(digest, 7, STORE_ID_LEN);
    if (signers->count > 0 && !world_chance(world, 10))
        memcpy(digest, signers->tokens[world_below(world, signers->count)].digest, STORE_ID_LEN);
}

void signers_over(struct world *world, const uint8_t digest[STORE_ID_LEN])
{
    for (size_t i = 0; i < world->signers.count; i++) {
        if (bytes_equal(world->signers.tokens[i].digest, digest, STORE_ID_LEN))
            world->signers.tokens[i].over = true;
    }
}

static struct span token_of(struct world *world, uint8_t unknown[SESSION_TOKEN_TEXT])
{
    const struct signers *signers = &world->signers;
    memset(unknown, 'A', SESSION_TOKEN_TEXT);
    if (signers->count == 0 || world_chance(world, 20))
        return span_of(unknown, SESSION_TOKEN_TEXT);
    return SPAN(signers->tokens[world_below(world, signers->count)].text);
}

/* Kept with its own bytes: the attacker sends it when it likes. */
static const struct signed_request *record(struct world *world,
                                           const struct signed_request *request)
{
    struct signers *signers = &world->signers;
    size_t at = signers->recorded_count < SIGNED ? signers->recorded_count++
                                                 : world_below(world, SIGNED);
    signers->recorded[at].request = *request;
    memcpy(signers->recorded[at].nonce, request->nonce.at, request->nonce.len);
    memcpy(signers->recorded[at].token, request->token.at, request->token.len);
    signers->recorded[at].request.nonce = span_of(signers->recorded[at].nonce, request->nonce.len);
    signers->recorded[at].request.token = span_of(signers->recorded[at].token, request->token.len);
    return &signers->recorded[at].request;
}

static const struct signed_request *make(struct world *world, const struct asked *asked)
{
    uint8_t nonce[16], unknown[SESSION_TOKEN_TEXT];
    struct sink hex = sink_over(nonce, sizeof nonce);
    struct signed_request request = { .version = SIGNED_V2,
                                      .method = span_text("POST"),
                                      .host = span_text("ward"),
                                      .target = span_text("/v1/session"),
                                      .timestamp = clock_now(),
                                      .token = token_of(world, unknown) };
    struct ed25519_secret mine = secret();
    sink_format(&hex, "%016llx", (unsigned long long)asked->tag);
    request.nonce = sink_bytes(&hex);
    if (world_chance(world, 4))
        request.timestamp += (int64_t)world_below(world, 260) - 130;
    if (signed_request_sign(&mine, &request) != REASON_OK)
        abort(); /* a mistake of this file */
    if (world_chance(world, 10))
        request.signature[world_below(world, sizeof request.signature)] ^= 1;
    return record(world, &request);
}

void signers_put(struct world *world, struct asked *asked, struct sink *out)
{
    struct signers *signers = &world->signers;
    const struct signed_request *request;
    if (signers->recorded_count > 0 && world_chance(world, 3))
        request = &signers->recorded[world_below(world, signers->recorded_count)].request;
    else
        request = make(world, asked);
    signed_token_hash(request->token, asked->session);
    credential_put(out, request);
    sink_u8(out, 0); /* nothing of it was sealed */
}

/* A store that was put back by less than the log tells of has forgotten who signed ahead of time,
   and who was sent away. */
static void is_accepted(struct world *world, const struct core *core,
                        const struct signed_request *request)
{
    bool forgotten = world->disk.old && request->timestamp >= core->sessions.began_s;
    struct signers *signers = &world->signers;
    uint8_t digest[STORE_ID_LEN];
    uint64_t which;
    memcpy(&which, request->signature, sizeof which);
    signed_token_hash(request->token, digest);
    for (size_t i = 0; i < signers->accepted_count; i++) {
        if (signers->accepted[i] == which && !forgotten)
            world_wrong(world, "what is signed is done once", "twice at %lld",
                        (long long)request->timestamp);
    }
    for (size_t i = 0; i < signers->count; i++) {
        if (signers->tokens[i].over && !world->disk.old &&
            bytes_equal(signers->tokens[i].digest, digest, sizeof digest))
            world_wrong(world, "a session that is over is over", "of %zu", i);
    }
    if (signers->accepted_count < ASKED)
        signers->accepted[signers->accepted_count++] = which;
    world_note(world, "accepted", which, 0);
}

enum reason __real_sessions_judge(struct core *core, const struct signed_request *request,
                                  bool sealed, struct store_session *out);
enum reason __wrap_sessions_judge(struct core *core, const struct signed_request *request,
                                  bool sealed, struct store_session *out);

/* Where core says so, whether anybody hears of it or not. */
enum reason __wrap_sessions_judge(struct core *core, const struct signed_request *request,
                                  bool sealed, struct store_session *out)
{
    enum reason reason = __real_sessions_judge(core, request, sealed, out);
    if (here->dead)
        return reason;
    if (reason == REASON_OK)
        is_accepted(here, core, request);
    else
        here->refusals.told++;
    return reason;
}
