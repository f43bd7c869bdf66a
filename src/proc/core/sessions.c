/* sessions.c - see sessions.h: sessions begin, end, and are asked for. */
#include "proc/core/sessions.h"
#include "proc/core/records.h"

#include <string.h>

#include "codec/base64.h"
#include "crypto/ct.h"
#include "crypto/ed25519.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/core/core.h"
#include "proc/log.h"

bool session_is_unbound(const struct store_session *session)
{
    return session->vouched || session->profile != SESSION_V2;
}

bool session_is_held(const struct core *core, const struct store_session *session)
{
    if (session->vouched)
        return true;
    return session->profile == SESSION_SDK_V1 ? sdk_has_session(core, session->token)
                                              : links_have_session(core, session->token);
}

bool session_has_key(const struct store_session *session)
{
    return session->profile == SESSION_SDK_V1 && !session->vouched;
}

void session_is_over(struct core *core, const uint8_t token[STORE_ID_LEN])
{
    links_session_ended(core, token);
    sdk_session_ended(core, token);
}

const char *session_profile_name(enum session_profile profile)
{
    return profile == SESSION_SDK_V1 ? "sdk-v1" : "v2";
}

void session_id_write(struct sink *out, const uint8_t token[STORE_ID_LEN])
{
    sink_hex(out, span_of(token, SESSION_ID));
}

/* --- Its store, and its time. ------------------------------------------------------------- */

static enum reason said(rc done)
{
    return rc_ok(done) ? REASON_OK : reason_of_rc(done, REASON_STORE_IO);
}

void sessions_begin(struct core *core)
{
    core->sessions.began_s = clock_now();
    core->sessions.began_ms = clock_monotonic_ms();
}

int64_t sessions_now(const struct core *core)
{
    const struct core_sessions *sessions = &core->sessions;
    return sessions->began_s + (clock_monotonic_ms() - sessions->began_ms) / 1000;
}

static bool is_near(int64_t a, int64_t b)
{
    return a - b <= CORE_CLOCK_S && b - a <= CORE_CLOCK_S;
}

/* Nobody here knows which time it is.  A clock that is slewed is followed; one that was set is
   believed when it has stayed so for longer than a request lives. */
static bool clock_is_sane(struct core *core)
{
    struct core_sessions *sessions = &core->sessions;
    int64_t now_ms = clock_monotonic_ms(), offset = clock_now() - sessions_now(core);
    bool stayed = sessions->odd_ms != 0 && is_near(offset, sessions->odd_s);
    if (is_near(offset, sessions->offset_s)) {
        if (sessions->odd_ms != 0)
            log_event("clock is back: signed requests are taken again");
        sessions->odd_ms = 0;
    } else if (!stayed) {
        log_event("clock was set by %lld s: signed requests wait",
                  (long long)(offset - sessions->offset_s));
        sessions->odd_ms = now_ms;
    } else if (now_ms - sessions->odd_ms >= CORE_CLOCK_MS) {
        log_event("clock stays as it was set: signed requests are taken by it");
        sessions->odd_ms = 0;
    }
    sessions->odd_s = offset;
    if (sessions->odd_ms == 0)
        sessions->offset_s = offset;
    return sessions->odd_ms == 0;
}

/* --- They begin. --------------------------------------------------------------------------- */

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] < '!' || name.at[i] > '~')
            return false;
    }
    return name.len > 0 && name.len <= SESSION_NAME_MAX;
}

static enum reason setup_is_fit(const struct session_setup *setup)
{
    if (!ed25519_public_is_good(SPAN(setup->key)))
        return REASON_SESSION_KEY;
    if (!is_name(setup->name))
        return REASON_SESSION_NAME;
    bool known = setup->profile == SESSION_V2 || setup->profile == SESSION_SDK_V1;
    return known ? REASON_OK : REASON_SESSION_PROFILE;
}

static struct grant *vacancy(struct core_sessions *sessions)
{
    for (size_t i = 0; i < CORE_GRANTS; i++) {
        if (sessions->grants[i].id == 0)
            return &sessions->grants[i];
    }
    return NULL;
}

/* Not in the log: so it never was, and nobody knows its token. */
static void take_back(struct core *core, const struct store_session *session)
{
    struct trail trail = { 0 };
    rc ended = store_session_end(&trail, &core->store.store, sessions_now(core), session->token);
    if (!rc_ok(ended))
        log_failure("session not taken back", ended, &trail);
}

static void make_token(struct grant *grant)
{
    uint8_t bytes[SESSION_TOKEN];
    struct sink text = sink_over(grant->token, sizeof grant->token);
    random_bytes(bytes, sizeof bytes);
    base64url_encode(&text, SPAN(bytes));
    signed_token_hash(SPAN(grant->token), grant->session.token);
    ct_wipe(bytes, sizeof bytes);
}

static enum reason keep(struct core *core, const struct session_setup *setup, struct grant *grant)
{
    struct store_session *session = &grant->session;
    int64_t now = sessions_now(core);
    *session = (struct store_session){ .created = now,
                                       .expires = now + SESSION_SECONDS,
                                       .profile = setup->profile,
                                       .vouched = setup->vouched,
                                       .name_len = setup->name.len };
    memcpy(session->identity, setup->identity, sizeof session->identity);
    memcpy(session->key, setup->key, sizeof session->key);
    memcpy(session->name, setup->name.at, setup->name.len);
    make_token(grant);
    struct trail trail = { 0 };
    rc added = store_session_add(&trail, &core->store.store, now, session);
    if (rc_class_of(added) == RC_WORLD || rc_class_of(added) == RC_BUG)
        log_failure("session not kept", added, &trail);
    return said(added);
}

/* In the store, and its record asked for; or not at all. */
static enum reason begin(struct core *core, const struct session_setup *setup, struct grant *grant)
{
    enum reason reason = setup_is_fit(setup);
    if (reason == REASON_OK)
        reason = core_store_is_there(core);
    if (reason == REASON_OK)
        reason = keep(core, setup, grant);
    if (reason != REASON_OK)
        return reason;
    grant->until_ms = clock_monotonic_ms() + CORE_LOG_MS;
    if (core_log_grant(core, setup, &grant->session, &grant->id))
        return REASON_OK;
    core_not_logged(core);
    take_back(core, &grant->session);
    return REASON_AUDIT_CANNOT_LOG;
}

void core_session_grant(struct core *core, const struct session_setup *setup,
                        session_granted_fn *done, uint64_t whose)
{
    struct grant *place = vacancy(&core->sessions);
    struct grant grant = { .done = done, .whose = whose };
    enum reason reason = place == NULL ? REASON_HOUSE_UNAVAILABLE : begin(core, setup, &grant);
    if (reason == REASON_OK) {
        *place = grant;
    } else {
        core_log_grant_refused(core, setup, reason);
        done(core, whose, &(struct session_granted){ .reason = reason });
    }
    ct_wipe(grant.token, sizeof grant.token);
}

/* Its place is free before whoever asked hears of it: it may ask for the next one. */
static void settle(struct core *core, struct grant *place, bool logged)
{
    struct grant grant = *place;
    struct session_granted granted = { .reason = REASON_AUDIT_CANNOT_LOG };
    ct_wipe(place, sizeof *place);
    if (logged)
        granted = (struct session_granted){ REASON_OK, SPAN(grant.token), &grant.session };
    else
        take_back(core, &grant.session);
    grant.done(core, grant.whose, &granted);
    ct_wipe(grant.token, sizeof grant.token);
}

bool sessions_appended(struct core *core, uint64_t id, bool logged)
{
    for (size_t i = 0; i < CORE_GRANTS; i++) {
        struct grant *grant = &core->sessions.grants[i];
        if (id == 0 || grant->id != id)
            continue;
        core->not_logged_ms = logged ? 0 : clock_monotonic_ms();
        settle(core, grant, logged);
        return true;
    }
    return false;
}

void sessions_peer_gone(struct core *core, enum peer peer)
{
    for (size_t i = 0; i < CORE_GRANTS; i++) {
        struct grant *grant = &core->sessions.grants[i];
        if (grant->id == 0)
            continue;
        if (peer == PEER_AUDIT) {
            core_not_logged(core);
            settle(core, grant, false);
        }
        if (peer == PEER_FRONT) {
            take_back(core, &grant->session);
            ct_wipe(grant, sizeof *grant);
        }
    }
}

bool sessions_is_granting(const struct core *core, const uint8_t token[STORE_ID_LEN])
{
    for (size_t i = 0; i < CORE_GRANTS; i++) {
        const struct grant *grant = &core->sessions.grants[i];
        if (grant->id != 0 && bytes_equal(grant->session.token, token, STORE_ID_LEN))
            return true;
    }
    return false;
}

bool sessions_are_quiet(const struct core *core)
{
    for (size_t i = 0; i < CORE_GRANTS; i++) {
        if (core->sessions.grants[i].id != 0)
            return false;
    }
    return true;
}

int64_t sessions_step(struct core *core, int64_t now_ms)
{
    struct core_sessions *sessions = &core->sessions;
    int64_t next = INT64_MAX;
    /* Core wakes often enough by itself. */
    if (now_ms >= sessions->watch_ms) {
        (void)clock_is_sane(core);
        sessions->watch_ms = now_ms + CORE_WATCH_MS;
    }
    for (size_t i = 0; i < CORE_GRANTS; i++) {
        struct grant *grant = &sessions->grants[i];
        if (grant->id == 0)
            continue;
        if (grant->until_ms <= now_ms) {
            core_not_logged(core);
            settle(core, grant, false);
        } else if (grant->until_ms < next) {
            next = grant->until_ms;
        }
    }
    return next;
}

/* --- They end. ----------------------------------------------------------------------------- */

bool core_session_end(struct core *core, const uint8_t token[STORE_ID_LEN], struct span why)
{
    struct store_session session;
    struct trail trail = { 0 };
    struct store *store = &core->store.store;
    int64_t now = sessions_now(core);
    if (core_store_is_there(core) != REASON_OK)
        return false;
    rc found = store_session_find(NULL, store, now, token, &session);
    if (!rc_ok(found))
        return rc_number(found) == REASON_STORE_NO_SESSION;
    rc ended = store_session_end(&trail, store, now, token);
    if (rc_ok(ended))
        core_log_session_end(core, &session, why);
    else
        log_failure("session not ended", ended, &trail);
    session_is_over(core, token);
    return rc_ok(ended);
}

/* --- They are asked for. ------------------------------------------------------------------- */

static enum reason open_window(struct core *core)
{
    struct nonce_window *window = &core->sessions.window;
    const struct nonce_rules rules = {
        .capacity = CORE_NONCES,
        .share = CORE_NONCES_SHARE,
        .window = SIGNED_SKEW_S,
        .skew = SIGNED_SKEW_S,
        .step = CORE_WATER_S,
        .since = core->sessions.began_s,
    };
    struct trail trail = { 0 };
    if (window->store != NULL)
        return REASON_OK;
    rc opened = nonce_window_open(&trail, &core->store.store, &rules, &core->house->arena, window);
    if (!rc_ok(opened))
        log_failure("nonces not opened", opened, &trail);
    return said(opened);
}

/* Sessions of profile sdk-v1 rest on evidence that anybody may have relayed, so they share one
   place: with the evidence's own they could fill that of a peer of version 2. */
static struct span share_of(const struct store_session *session)
{
    static const char weaker[] = "sdk-v1";
    return session_has_key(session) ? SPAN(weaker) : SPAN(session->identity);
}

/* Once for each session: the same nonce in another is another one.  The share is that of all
   sessions of an identity together. */
static enum reason take_nonce(struct core *core, const struct signed_request *request,
                              const struct store_session *session)
{
    uint8_t bytes[STORE_ID_LEN + SIGNED_NONCE_MAX];
    struct sink nonce = sink_over(bytes, sizeof bytes);
    struct nonce_window *window = &core->sessions.window;
    struct trail trail = { 0 };
    int64_t now = clock_now();
    sink_put(&nonce, SPAN(session->token));
    sink_put(&nonce, request->nonce);
    struct nonce_claim claim = { share_of(session), sink_bytes(&nonce), request->timestamp };
    /* Started under a clock that is behind all that was accepted before. */
    if (now + SIGNED_SKEW_S <= window->floor)
        return REASON_SIGNED_CLOCK;
    rc taken = nonce_window_take(&trail, window, now, &claim);
    if (rc_class_of(taken) == RC_WORLD || rc_class_of(taken) == RC_BUG)
        log_failure("nonce not taken", taken, &trail);
    return said(taken);
}

static enum reason find(struct core *core, const struct signed_request *request,
                        struct store_session *out)
{
    uint8_t digest[SHA256_LEN];
    signed_token_hash(request->token, digest);
    rc found = store_session_find(NULL, &core->store.store, sessions_now(core), digest, out);
    return rc_number(found) == REASON_STORE_NO_SESSION ? REASON_SESSION_UNKNOWN : said(found);
}

/* No body is no plaintext. */
static bool is_clear(const struct signed_request *request, bool sealed)
{
    uint8_t nothing[SHA256_LEN];
    hash_sha256((struct span){ 0 }, nothing);
    return !sealed && !bytes_equal(request->body_hash, nothing, sizeof nothing);
}

enum reason sessions_judge(struct core *core, const struct signed_request *request, bool sealed,
                           struct store_session *out)
{
    struct store_session session;
    enum reason reason = core_store_is_there(core);
    if (reason == REASON_OK)
        reason = open_window(core);
    if (reason == REASON_OK && !clock_is_sane(core))
        reason = REASON_SIGNED_CLOCK;
    if (reason == REASON_OK)
        reason = find(core, request, &session);
    if (reason != REASON_OK)
        return reason;
    if (request->version == SIGNED_V1 && session.profile != SESSION_SDK_V1)
        return REASON_SIGNED_VERSION;
    if (!bytes_equal(session.key, request->key, sizeof session.key))
        return REASON_SIGNED_KEY_FOREIGN;
    /* Whatever became of its row: what rests on a channel is over with the channel. */
    if (!session_is_held(core, &session))
        return REASON_SESSION_UNKNOWN;
    reason = signed_request_verify(request);
    if (reason == REASON_OK && session_has_key(&session) && is_clear(request, sealed))
        reason = REASON_SDK_PLAINTEXT;
    if (reason == REASON_OK)
        reason = take_nonce(core, request, &session);
    if (reason == REASON_OK)
        *out = session;
    return reason;
}
