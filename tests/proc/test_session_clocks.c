/* test_session_clocks.c - core's sessions under clocks that the test sets: who may ask, once, and
   until when. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/base64.h"
#include "codec/protobuf.h"
#include "crypto/start.h"
#include "proc/core/core.h"
#include "test.h"

#define NOON INT64_C(1795867200)

/* The two clocks, in the place of os/'s (the linker wraps them). */
static struct {
    int64_t wall_s, monotonic_ms;
} at;

int64_t __wrap_clock_now(void);
int64_t __wrap_clock_monotonic_ms(void);

int64_t __wrap_clock_now(void)
{
    return at.wall_s;
}

int64_t __wrap_clock_monotonic_ms(void)
{
    return at.monotonic_ms;
}

/* Time that passes, for both. */
static void pass(int64_t seconds)
{
    at.wall_s += seconds;
    at.monotonic_ms += 1000 * seconds;
}

struct bench {
    struct core core;
    struct house house;
    struct db_spec spec;
    char folder[64], place[96];
};

static struct bench here;

/* A life of core, as far as sessions know of one, on the store that there is. */
static void live(void)
{
    struct core *core = &here.core;
    memset(core, 0, sizeof *core);
    core->house = &here.house;
    arena_init(&here.house.arena, 16 << 20);
    assert_true(rc_ok(store_migrate(NULL, &here.spec, NOON, UINT32_MAX)));
    assert_true(rc_ok(store_open(NULL, &here.spec, &store_limits_default, &core->store.store)));
    assert_true(rc_ok(store_found(NULL, &core->store.store, NOON)));
    core->store.reason = REASON_OK;
    core->store.judged = true;
    sessions_begin(core);
}

static void die(void)
{
    store_close(&here.core.store.store);
    arena_fini(&here.house.arena);
}

static void begin(void)
{
    snprintf(here.folder, sizeof here.folder, "/tmp/ward-sessions-XXXXXX");
    assert_non_null(mkdtemp(here.folder));
    snprintf(here.place, sizeof here.place, "%s/ward.db", here.folder);
    here.spec = (struct db_spec){ .kind = DB_SQLITE, .place = here.place };
    at.wall_s = NOON;
    at.monotonic_ms = 5000;
    live();
    pass(200); /* what was signed before a start is a matter of its own */
}

static void end(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    char path[128];
    die();
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        snprintf(path, sizeof path, "%s%s", here.place, suffixes[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(here.folder), 0);
}

/* A peer: its key, and the token of its session. */
struct client {
    struct ed25519_secret secret;
    char token[SESSION_TOKEN_TEXT + 1];
    uint8_t digest[STORE_ID_LEN];
};

/* One that is not vouched for and of profile v2 rests on a channel. */
static struct client add_peer(uint8_t number, enum session_profile profile, bool vouched,
                              uint8_t identity)
{
    uint8_t seed[ED25519_SEED] = { number }, bytes[SESSION_TOKEN] = { number, 1 };
    struct client peer = { .token = "" };
    struct sink text = sink_over(peer.token, SESSION_TOKEN_TEXT);
    struct store_session session = { .identity = { identity },
                                     .created = sessions_now(&here.core),
                                     .expires = sessions_now(&here.core) + SESSION_SECONDS,
                                     .profile = profile,
                                     .vouched = vouched };
    ed25519_secret_of_seed(seed, &peer.secret);
    base64url_encode(&text, SPAN(bytes));
    signed_token_hash(sink_bytes(&text), peer.digest);
    memcpy(session.token, peer.digest, sizeof session.token);
    ed25519_secret_public(&peer.secret, session.key);
    assert_true(
        rc_ok(store_session_add(NULL, &here.core.store.store, sessions_now(&here.core), &session)));
    return peer;
}

static struct client peer_with(uint8_t number, enum session_profile profile, uint8_t identity)
{
    return add_peer(number, profile, true, identity);
}

static struct signed_request sign(const struct client *peer, enum signed_version version,
                                  const char *nonce, int64_t after)
{
    struct signed_request request = { .version = version,
                                      .method = span_text("POST"),
                                      .host = span_text("ward"),
                                      .target = span_text("/v1/session/end"),
                                      .timestamp = at.wall_s + after,
                                      .nonce = span_text(nonce),
                                      .token = span_of(peer->token, SESSION_TOKEN_TEXT) };
    hash_sha256(span_text("{}"), request.body_hash);
    assert_int_equal(signed_request_sign(&peer->secret, &request), REASON_OK);
    return request;
}

static enum reason judge(const struct signed_request *request)
{
    struct store_session session = { .created = 4711 };
    enum reason reason = sessions_judge(&here.core, request, false, &session);
    assert_true(reason == REASON_OK || session.created == 4711);
    return reason;
}

static enum reason ask(const struct client *peer, const char *nonce, int64_t after)
{
    struct signed_request request = sign(peer, SIGNED_V2, nonce, after);
    return judge(&request);
}

static void test_times(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1);
    assert_int_equal(ask(&peer, "nonce-00", 0), REASON_OK);
    assert_int_equal(ask(&peer, "nonce-01", -120), REASON_OK);
    assert_int_equal(ask(&peer, "nonce-02", -121), REASON_NONCE_TOO_OLD);
    assert_int_equal(ask(&peer, "nonce-03", 120), REASON_OK);
    assert_int_equal(ask(&peer, "nonce-04", 121), REASON_NONCE_FUTURE);
    end();
}

static void test_once(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1), other = peer_with(2, SESSION_V2, 1);
    struct signed_request request = sign(&peer, SIGNED_V2, "the-same", 0), later;
    assert_int_equal(judge(&request), REASON_OK);
    assert_int_equal(judge(&request), REASON_NONCE_REPLAYED);
    /* Another request with its nonce, too; in another session it is another one. */
    pass(7);
    later = sign(&peer, SIGNED_V2, "the-same", 0);
    assert_int_equal(judge(&later), REASON_NONCE_REPLAYED);
    assert_int_equal(ask(&other, "the-same", 0), REASON_OK);
    /* It is remembered as long as it could come again, and is too old then. */
    pass(113);
    assert_int_equal(judge(&request), REASON_NONCE_REPLAYED);
    pass(1);
    assert_int_equal(judge(&request), REASON_NONCE_TOO_OLD);
    end();
}

/* Neither somebody without the key nor a mistake of its owner uses a nonce up. */
static void test_what_is_refused_takes_no_nonce(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1), other = peer_with(2, SESSION_V2, 2);
    const struct signed_request good = sign(&peer, SIGNED_V2, "guarded-", 0);
    struct signed_request changed[8] = { good, good, good, good, good, good, good, good };
    changed[0].body_hash[0] ^= 1;
    changed[1].target = span_text("/v1/session/ene");
    changed[2].method = span_text("PUT");
    changed[3].host = span_text("ward2");
    changed[4].type = span_text("text/plain");
    changed[5].timestamp++;
    changed[6].signature[63] ^= 1;
    changed[7].nonce = span_text("guarded=");
    for (size_t i = 0; i < COUNT_OF(changed); i++) {
        for (size_t times = 0; times < 3; times++)
            assert_int_equal(judge(&changed[i]), REASON_SIGNED_SIGNATURE_INVALID);
    }
    struct signed_request foreign = good, stolen = good, unknown = good;
    ed25519_secret_public(&other.secret, foreign.key);
    assert_int_equal(judge(&foreign), REASON_SIGNED_KEY_FOREIGN);
    /* Its owner's signature under another's token, and a token of nobody. */
    stolen.token = span_of(other.token, SESSION_TOKEN_TEXT);
    assert_int_equal(judge(&stolen), REASON_SIGNED_KEY_FOREIGN);
    unknown.token = span_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    assert_int_equal(judge(&unknown), REASON_SESSION_UNKNOWN);
    assert_int_equal(here.core.sessions.window.used, 0);
    assert_int_equal(judge(&good), REASON_OK);
    assert_int_equal(here.core.sessions.window.used, 1);
    end();
}

static void test_another_sessions_token(void **state)
{
    (void)state;
    begin();
    /* Two sessions of one key: what is signed for one is nothing in the other. */
    struct client one = peer_with(1, SESSION_V2, 1), two = peer_with(2, SESSION_V2, 1);
    struct store_session session;
    struct store *store = &here.core.store.store;
    assert_true(rc_ok(store_session_find(NULL, store, NOON, two.digest, &session)));
    assert_true(rc_ok(store_session_end(NULL, store, NOON, two.digest)));
    ed25519_secret_public(&one.secret, session.key);
    assert_true(rc_ok(store_session_add(NULL, store, NOON, &session)));
    struct signed_request request = sign(&one, SIGNED_V2, "nonce-00", 0);
    request.token = span_of(two.token, SESSION_TOKEN_TEXT);
    assert_int_equal(judge(&request), REASON_SIGNED_SIGNATURE_INVALID);
    end();
}

static void test_versions(void **state)
{
    (void)state;
    begin();
    struct client v2 = peer_with(1, SESSION_V2, 1), sdk = peer_with(2, SESSION_SDK_V1, 2);
    struct signed_request request = sign(&v2, SIGNED_V1, "nonce-00", 0);
    assert_int_equal(judge(&request), REASON_SIGNED_VERSION);
    request = sign(&sdk, SIGNED_V1, "nonce-01", 0);
    assert_int_equal(judge(&request), REASON_OK);
    request = sign(&sdk, SIGNED_V2, "nonce-02", 0);
    assert_int_equal(judge(&request), REASON_OK);
    request = sign(&sdk, SIGNED_V1, "nonce-03", 0);
    request.target = span_text("/v1/session/end?all=1");
    assert_int_equal(judge(&request), REASON_SIGNED_QUERY);
    /* What rests on evidence of a client that is not here is over, whatever the store has. */
    struct client lost = add_peer(3, SESSION_SDK_V1, false, 3);
    request = sign(&lost, SIGNED_V1, "nonce-04", 0);
    assert_int_equal(judge(&request), REASON_SESSION_UNKNOWN);
    end();
}

static void test_a_session_lives_an_hour(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1);
    pass(SESSION_SECONDS - 1);
    assert_int_equal(ask(&peer, "nonce-00", 0), REASON_OK);
    pass(1);
    assert_int_equal(ask(&peer, "nonce-01", 0), REASON_SESSION_UNKNOWN);
    end();
}

/* A wall clock that is set: forth and back, a little and much, at any time of a session. */
static void test_a_clock_that_is_set(void **state)
{
    static const int64_t jumps[] = { 3600, -3600, INT64_C(315360000), -INT64_C(315360000) };
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1);
    for (size_t point = 0; point < 20 * COUNT_OF(jumps); point++) {
        char nonce[32], first[32];
        int64_t by = jumps[point % COUNT_OF(jumps)];
        pass(40);
        snprintf(first, sizeof first, "before-%02zu", point);
        struct signed_request recorded = sign(&peer, SIGNED_V2, first, 0);
        assert_int_equal(judge(&recorded), REASON_OK);
        at.wall_s += by;
        snprintf(nonce, sizeof nonce, "during-%02zu", point);
        assert_int_equal(ask(&peer, nonce, 0), REASON_SIGNED_CLOCK);
        assert_int_equal(judge(&recorded), REASON_SIGNED_CLOCK);
        /* The session has not noticed. */
        struct store_session session;
        assert_true(rc_ok(store_session_find(NULL, &here.core.store.store, sessions_now(&here.core),
                                             peer.digest, &session)));
        at.wall_s -= by;
        snprintf(nonce, sizeof nonce, "after--%02zu", point);
        assert_int_equal(ask(&peer, nonce, 0), REASON_OK);
        assert_int_equal(judge(&recorded), REASON_NONCE_REPLAYED);
    }
    end();
}

/* One that stays is believed in the end: forward at once, back when what was accepted is past. */
static void test_a_clock_that_stays_set(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1);
    struct signed_request recorded = sign(&peer, SIGNED_V2, "recorded", 0);
    assert_int_equal(judge(&recorded), REASON_OK);
    at.wall_s += 1000;
    assert_int_equal(ask(&peer, "nonce-00", 0), REASON_SIGNED_CLOCK);
    pass(299);
    assert_int_equal(ask(&peer, "nonce-01", 0), REASON_SIGNED_CLOCK);
    pass(1);
    assert_int_equal(ask(&peer, "nonce-02", 0), REASON_OK);
    at.wall_s -= 1000;
    assert_int_equal(ask(&peer, "nonce-03", 0), REASON_SIGNED_CLOCK);
    pass(300);
    assert_int_equal(ask(&peer, "nonce-04", 0), REASON_SIGNED_CLOCK); /* behind all of it */
    pass(500);
    assert_int_equal(ask(&peer, "nonce-04", 0), REASON_NONCE_TOO_OLD);
    assert_int_equal(judge(&recorded), REASON_NONCE_TOO_OLD);
    pass(100);
    assert_int_equal(ask(&peer, "nonce-05", 0), REASON_OK);
    end();
}

/* So much is no setting of it, from where it was when it was last looked at; a second more is. */
static void test_a_clock_that_is_nearly_right(void **state)
{
    static const int64_t jumps[] = { CORE_CLOCK_S, -CORE_CLOCK_S };
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1);
    for (size_t i = 0; i < COUNT_OF(jumps); i++) {
        int64_t more = jumps[i] < 0 ? -1 : 1;
        char nonce[32];
        snprintf(nonce, sizeof nonce, "nearly-%zu", i);
        at.wall_s += jumps[i];
        assert_int_equal(ask(&peer, nonce, 0), REASON_OK);
        at.wall_s += jumps[i] + more;
        snprintf(nonce, sizeof nonce, "wrong--%zu", i);
        assert_int_equal(ask(&peer, nonce, 0), REASON_SIGNED_CLOCK);
        at.wall_s -= jumps[i] + more;
    }
    end();
}

/* A clock that is slewed, as ntpd does it, is followed for ever. */
static void test_a_clock_that_is_slewed(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 100; i++) {
        struct client peer = peer_with((uint8_t)(10 + i), SESSION_V2, 1);
        pass(3000);
        at.wall_s += 20;
        (void)sessions_step(&here.core, at.monotonic_ms);
        assert_int_equal(ask(&peer, "nonce-00", 0), REASON_OK);
        pass(600);
    }
    end();
}

/* Killed at any time: what was accepted is not accepted again, whatever is put back with it. */
static void test_over_a_restart(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1);
    struct signed_request now = sign(&peer, SIGNED_V2, "nonce-00", 0);
    struct signed_request ahead = sign(&peer, SIGNED_V2, "nonce-01", 100);
    assert_int_equal(judge(&now), REASON_OK);
    assert_int_equal(judge(&ahead), REASON_OK);
    die();
    live();
    assert_int_equal(judge(&now), REASON_NONCE_TOO_OLD);
    assert_int_equal(judge(&ahead), REASON_NONCE_TOO_OLD);
    /* The session lives on; what is signed anew is taken when H is past. */
    pass(101);
    assert_int_equal(judge(&ahead), REASON_NONCE_TOO_OLD);
    assert_int_equal(ask(&peer, "nonce-02", 0), REASON_OK);
    /* Started with a clock that is behind all that: it is the clock's fault, and said so. */
    die();
    at.wall_s -= 7200;
    live();
    assert_int_equal(ask(&peer, "nonce-03", 0), REASON_SIGNED_CLOCK);
    assert_int_equal(judge(&now), REASON_SIGNED_CLOCK);
    end();
}

/* A share of what is remembered, not all of it. */
static void test_an_identity_fills_its_share(void **state)
{
    (void)state;
    begin();
    struct client greedy = peer_with(1, SESSION_V2, 1), modest = peer_with(2, SESSION_V2, 2);
    char nonce[16];
    for (unsigned i = 0; i < CORE_NONCES_SHARE; i++) {
        snprintf(nonce, sizeof nonce, "nonce-%06u", i);
        assert_int_equal(ask(&greedy, nonce, 0), REASON_OK);
    }
    assert_int_equal(ask(&greedy, "one-more", 0), REASON_STORE_SHARE);
    assert_int_equal(ask(&modest, "nonce-00", 0), REASON_OK);
    pass(121);
    assert_int_equal(ask(&greedy, "one-more", 0), REASON_OK);
    end();
}

/* All of what is remembered: nothing of it gives way, nobody else is let in either, and it is all
   there again when the time is over. */
static void test_a_full_table_forgets_nothing(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1), other = peer_with(2, SESSION_V2, 2);
    struct nonce_window *window = &here.core.sessions.window;
    struct signed_request first = sign(&peer, SIGNED_V2, "nonce-00", 0);
    assert_int_equal(judge(&first), REASON_OK);
    for (uint32_t i = 1; i < CORE_NONCES; i++) { /* of others, whose signatures were good */
        uint32_t of = 3 + i / CORE_NONCES_SHARE;
        struct nonce_claim claim = { span_of(&of, sizeof of), span_of(&i, sizeof i), at.wall_s };
        assert_true(rc_ok(nonce_window_take(NULL, window, at.wall_s, &claim)));
    }
    assert_int_equal(window->used, CORE_NONCES);
    assert_true(nonce_window_is_sound(window));
    assert_int_equal(ask(&peer, "nonce-01", 0), REASON_STORE_LIMIT);
    assert_int_equal(ask(&other, "nonce-00", 0), REASON_STORE_LIMIT);
    assert_int_equal(judge(&first), REASON_NONCE_REPLAYED);
    pass(121);
    assert_int_equal(judge(&first), REASON_NONCE_TOO_OLD);
    assert_int_equal(ask(&peer, "nonce-01", 0), REASON_OK);
    assert_int_equal(ask(&other, "nonce-00", 0), REASON_OK);
    /* And over a restart in the middle of it. */
    struct signed_request last = sign(&peer, SIGNED_V2, "nonce-02", 0);
    assert_int_equal(judge(&last), REASON_OK);
    die();
    live();
    assert_int_equal(judge(&last), REASON_NONCE_TOO_OLD);
    end();
}

/* Without its store there is no session. */
static void test_no_store(void **state)
{
    (void)state;
    begin();
    struct client peer = peer_with(1, SESSION_V2, 1);
    here.core.store.judged = false;
    assert_int_equal(ask(&peer, "nonce-00", 0), REASON_HOUSE_UNAVAILABLE);
    here.core.store.judged = true;
    here.core.store.reason = REASON_STORE_LOG_ROLLED_BACK;
    assert_int_equal(ask(&peer, "nonce-00", 0), REASON_STORE_LOG_ROLLED_BACK);
    here.core.store.reason = REASON_OK;
    assert_int_equal(ask(&peer, "nonce-00", 0), REASON_OK);
    end();
}

static bool is_held(const struct client *peer)
{
    struct store_session session;
    return rc_ok(store_session_find(NULL, &here.core.store.store, sessions_now(&here.core),
                                    peer->digest, &session));
}

/* The store did not take its end: it is good for nothing all the same, and ended when the store is
   back. */
static void test_none_outlives_its_channel(void **state)
{
    (void)state;
    begin();
    struct client peer = add_peer(1, SESSION_V2, false, 1);
    struct client other = add_peer(2, SESSION_V2, false, 2);
    struct client free = peer_with(3, SESSION_V2, 3);
    struct core_link rows[] = { { .state = LINK_OPEN, .has_session = true },
                                { .state = LINK_OPEN, .has_session = true } };
    struct core_links *links = &here.core.links;
    links->rows = rows;
    links->used = COUNT_OF(rows);
    links->swept = true;
    memcpy(rows[0].session, peer.digest, sizeof peer.digest);
    memcpy(rows[1].session, other.digest, sizeof other.digest);
    assert_int_equal(ask(&peer, "nonce-00", 0), REASON_OK);
    here.core.store.reason = REASON_STORE_UNREACHABLE;
    link_session_end(&here.core, &rows[0], REASON_CHANNEL_TRUNCATED);
    links_sweep_sessions(&here.core, at.monotonic_ms);
    here.core.store.reason = REASON_OK;
    assert_true(is_held(&peer));
    assert_int_equal(ask(&peer, "nonce-01", 0), REASON_SESSION_UNKNOWN);
    assert_int_equal(ask(&other, "nonce-02", 0), REASON_OK);
    links_sweep_sessions(&here.core, at.monotonic_ms);
    assert_false(is_held(&peer));
    assert_true(links->swept && is_held(&other) && is_held(&free));
    /* With the row of its channel it is over, whoever was to end it. */
    rows[1].has_session = false;
    assert_int_equal(ask(&other, "nonce-03", 0), REASON_SESSION_UNKNOWN);
    assert_int_equal(ask(&free, "nonce-04", 0), REASON_OK);
    end();
}

/* The first one of these, and where it goes on. */
static enum reason list_one(size_t memory, struct sink *answer)
{
    static uint8_t room[8192];
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct api_session_list_request asked = { .limit = 1 };
    struct arena scratch = arena_over(room, memory);
    assert_true(memory <= sizeof room && protobuf_write(&api_session_list_request, &asked, &body));
    struct request request = { .method = METHOD_SESSION_LIST, .body = sink_bytes(&body) };
    return core_session_list(&here.core, &request, &scratch, answer);
}

/* A list without its end is none that ends. */
static void test_a_list_without_memory(void **state)
{
    uint8_t bytes[2][1024];
    struct sink whole = sink_over(bytes[0], sizeof bytes[0]);
    size_t refused = 0;
    (void)state;
    begin();
    (void)peer_with(1, SESSION_V2, 1);
    (void)peer_with(2, SESSION_V2, 2);
    assert_int_equal(list_one(8192, &whole), REASON_OK);
    for (size_t memory = 0; memory < 8192; memory += 8) {
        struct sink answer = sink_over(bytes[1], sizeof bytes[1]);
        enum reason reason = list_one(memory, &answer);
        refused += reason == REASON_OUT_OF_MEMORY;
        if (reason == REASON_OK)
            assert_true(span_equal(sink_bytes(&answer), sink_bytes(&whole)));
        else
            assert_true(reason == REASON_OUT_OF_MEMORY || reason == REASON_HTTP_BODY_INVALID);
    }
    assert_true(refused > 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_times, "PC-14"),
        TEST(test_once, "PC-15"),
        TEST(test_what_is_refused_takes_no_nonce, "PC-15 PC-16 RL-22"),
        TEST(test_another_sessions_token, "PC-16"),
        TEST(test_versions, "PC-17"),
        TEST(test_a_session_lives_an_hour, "PC-21"),
        TEST(test_a_clock_that_is_set, "RL-21"),
        TEST(test_a_clock_that_stays_set, "RL-21"),
        TEST(test_a_clock_that_is_nearly_right, ""),
        TEST(test_a_clock_that_is_slewed, ""),
        TEST(test_over_a_restart, "RL-22"),
        TEST(test_an_identity_fills_its_share, ""),
        TEST(test_a_full_table_forgets_nothing, "RL-22"),
        TEST(test_no_store, ""),
        TEST(test_a_list_without_memory, ""),
        TEST(test_none_outlives_its_channel, ""),
    };
    return sodium_start() ? RUN_TESTS(tests) : 1;
}
