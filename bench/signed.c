/* signed.c - see signed.h: headers as they came, the message from front to core, the session in a
   real store, the signature, the nonce in a real window. Every request is another one, signed
   before the clock runs. */
#include "signed.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/base64.h"
#include "os/clock.h"
#include "proc/core/core.h"

enum { REQUESTS = 1 << 17, NONCE = 16, TEXT = 96 };

/* The headers of one request: what all have in common is kept once. */
struct sent {
    char nonce[NONCE + 1], signature[TEXT];
};

struct signing {
    struct core core;
    struct house house;
    struct db_spec spec;
    char folder[64], place[96];
    char token[SESSION_TOKEN_TEXT + 1], key[TEXT], timestamp[TEXT];
    uint8_t body[64];
    size_t next;
    struct sent sent[REQUESTS];
};

static const char *const suffixes[] = { "", "-wal", "-shm" };

void signed_end(void *state)
{
    struct signing *s = state;
    char path[128];
    store_close(&s->core.store.store);
    arena_fini(&s->house.arena);
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        snprintf(path, sizeof path, "%s%s", s->place, suffixes[i]);
        unlink(path);
    }
    rmdir(s->folder);
    free(s);
}

static struct signed_request request_of(const struct signing *s, const char *nonce)
{
    struct signed_request request = { .version = SIGNED_V2,
                                      .method = span_text("POST"),
                                      .host = span_text("localhost:8443"),
                                      .target = span_text("/v1/session/end"),
                                      .type = span_text("application/json"),
                                      .nonce = span_text(nonce),
                                      .token = span_text(s->token) };
    hash_sha256(SPAN(s->body), request.body_hash);
    return request;
}

static bool sign_all(struct signing *s, const struct ed25519_secret *secret, int64_t now)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        struct sent *sent = &s->sent[i];
        struct sink text = sink_over(sent->signature, sizeof sent->signature - 1);
        snprintf(sent->nonce, sizeof sent->nonce, "%016zx", i);
        struct signed_request request = request_of(s, sent->nonce);
        request.timestamp = now;
        if (signed_request_sign(secret, &request) != REASON_OK)
            return false;
        base64_encode(&text, SPAN(request.signature));
        sink_terminate(&text);
    }
    return true;
}

static bool open_store(struct signing *s)
{
    struct core *core = &s->core;
    int64_t now = clock_now();
    snprintf(s->folder, sizeof s->folder, "/tmp/ward-bench-XXXXXX");
    if (mkdtemp(s->folder) == NULL)
        return false;
    snprintf(s->place, sizeof s->place, "%s/ward.db", s->folder);
    s->spec = (struct db_spec){ .kind = DB_SQLITE, .place = s->place };
    core->house = &s->house;
    arena_init(&s->house.arena, 64 << 20);
    if (!rc_ok(store_migrate(NULL, &s->spec, now, UINT32_MAX)) ||
        !rc_ok(store_open(NULL, &s->spec, &store_limits_default, &core->store.store)) ||
        !rc_ok(store_found(NULL, &core->store.store, now)))
        return false;
    core->store.reason = REASON_OK;
    core->store.judged = true;
    sessions_begin(core);
    /* As core's own, but for as many as there are here. */
    const struct nonce_rules rules = { REQUESTS,      REQUESTS,     SIGNED_SKEW_S,
                                       SIGNED_SKEW_S, CORE_WATER_S, 0 };
    return rc_ok(nonce_window_open(NULL, &core->store.store, &rules, &s->house.arena,
                                   &core->sessions.window));
}

static void put_text(char *at, size_t size, void (*encode)(struct sink *, struct span),
                     struct span bytes)
{
    struct sink text = sink_over(at, size);
    encode(&text, bytes);
    sink_terminate(&text);
}

void *signed_begin(const void *arg)
{
    static const uint8_t seed[ED25519_SEED] = { 1 };
    struct signing *s = sodium_init() < 0 ? NULL : calloc(1, sizeof *s);
    struct ed25519_secret secret;
    (void)arg;
    if (s == NULL)
        return NULL;
    /* Vouched for by the owner; one of a channel is looked for among the channels as well. */
    struct store_session session = { .created = clock_now(),
                                     .expires = clock_now() + SESSION_SECONDS,
                                     .vouched = true,
                                     .profile = SESSION_V2 };
    ed25519_secret_of_seed(seed, &secret);
    ed25519_secret_public(&secret, session.key);
    put_text(s->token, sizeof s->token, base64url_encode, SPAN(seed));
    put_text(s->key, sizeof s->key, base64_encode, SPAN(session.key));
    snprintf(s->timestamp, sizeof s->timestamp, "%lld", (long long)session.created);
    signed_token_hash(span_text(s->token), session.token);
    if (open_store(s) &&
        rc_ok(store_session_add(NULL, &s->core.store.store, session.created, &session)) &&
        sign_all(s, &secret, session.created))
        return s;
    signed_end(s);
    return NULL;
}

/* As front reads it, and core judges it. */
bool signed_run(void *state)
{
    struct signing *s = state;
    uint8_t bytes[CREDENTIAL_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct signed_request request, received;
    struct store_session session;
    if (s->next == REQUESTS)
        return false;
    const struct sent *sent = &s->sent[s->next++];
    const struct signed_headers headers = { .signature = span_text(sent->signature),
                                            .timestamp = span_text(s->timestamp),
                                            .nonce = span_text(sent->nonce),
                                            .key = span_text(s->key),
                                            .token = span_text(s->token),
                                            .version = span_text("2"),
                                            .has_version = true };
    struct signed_request read;
    if (signed_headers_read(&headers, &read) != REASON_OK)
        return false;
    request = request_of(s, sent->nonce);
    request.timestamp = read.timestamp;
    memcpy(request.key, read.key, sizeof request.key);
    memcpy(request.signature, read.signature, sizeof request.signature);
    credential_put(&out, &request);
    struct cursor in = cur_over(sink_bytes(&out));
    return credential_get(&in, &received) && cur_end(&in) &&
           sessions_judge(&s->core, &received, false, &session) == REASON_OK;
}

/* --- the limit ------------------------------------------------------------------------------ */

struct verifying {
    uint8_t public_key[32], secret[64], signature[64], text[320];
};

/* A text as long as that of the requests above. */
static void *verifying_begin(const void *arg)
{
    struct verifying *v = sodium_init() < 0 ? NULL : calloc(1, sizeof *v);
    (void)arg;
    if (v == NULL)
        return NULL;
    memset(v->text, 'x', sizeof v->text);
    if (crypto_sign_keypair(v->public_key, v->secret) == 0 &&
        crypto_sign_detached(v->signature, NULL, v->text, sizeof v->text, v->secret) == 0)
        return v;
    free(v);
    return NULL;
}

static bool verify_one(void *state)
{
    const struct verifying *v = state;
    return crypto_sign_verify_detached(v->signature, v->text, sizeof v->text, v->public_key) == 0;
}

const struct bench_work limit_ed25519_verify = { "Ed25519 verify", verifying_begin, verify_one,
                                                 free };
