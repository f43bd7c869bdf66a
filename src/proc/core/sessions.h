/* sessions.h - core's sessions: who was let in, and what is signed for one.

   A session is granted to a key.  Its token is 32 random bytes, given out once as text, and only
   when the grant is both in the store and durable in the security log; the store has the digest of
   that text alone, and by that it is looked up.  Whoever has the token and not the key has
   nothing.

   The time of sessions is a clock of core's own: the wall clock as core started, and what has
   passed since.  A wall clock that is set meanwhile ends no session and lengthens none.  The times
   of requests are those of the wall clock, so they are refused from the moment that it is set
   until it is back, or has stayed as it is for CORE_CLOCK_MS. */
#ifndef WARD_PROC_CORE_SESSIONS_H
#define WARD_PROC_CORE_SESSIONS_H

#include "base/arena.h"
#include "model/session.h"
#include "proc/peer.h"
#include "store/nonce_window.h"
#include "token/signed_request.h"

struct core;
struct request;

enum {
    CORE_GRANTS = 16,         /* that wait to be logged */
    CORE_CLOCK_MS = 300000,   /* that a clock which was set keeps signed requests waiting */
    CORE_CLOCK_S = 30,        /* of difference that is no setting of the clock */
    CORE_WATCH_MS = 10000,    /* between two looks at it */
    CORE_NONCES = 65536,      /* of the requests that could still come again */
    CORE_NONCES_SHARE = 8192, /* of those, of one identity */
    CORE_WATER_S = 5,         /* how far ahead the high-water time is written */
};

/* Whom a session is for.  All is copied. */
struct session_setup {
    uint8_t identity[STORE_ID_LEN]; /* digest of what it rests on: a share is counted by it */
    uint8_t key[STORE_ID_LEN];      /* Ed25519, that its requests will be signed with */
    enum session_profile profile;
    bool vouched;        /* by the owner; else it rests on evidence that was judged, */
    bool hardware;       /* which is that of hardware */
    struct span name;    /* of the peer, for people: 1 to SESSION_NAME_MAX of visible ASCII */
    uint8_t address[16]; /* of the peer, zeros for none; for the log, as is the trace */
    uint8_t trace[16];
};

struct session_granted {
    enum reason reason; /* REASON_OK, or there is no session: the rest is nothing */
    struct span token;  /* SESSION_TOKEN_TEXT bytes, for the length of the call */
    const struct store_session *session; /* session->token is the digest that ends it */
};

/* Told once, with the number that the grant was asked with; the token goes to nobody else. */
typedef void session_granted_fn(struct core *core, uint64_t whose,
                                const struct session_granted *granted);

/* A grant that is in the store and not yet in the log. */
struct grant {
    uint64_t id; /* of our question to audit; 0: free */
    int64_t until_ms;
    session_granted_fn *done;
    uint64_t whose;
    struct store_session session;
    uint8_t token[SESSION_TOKEN_TEXT];
};

struct core_sessions {
    struct grant grants[CORE_GRANTS];
    struct nonce_window window; /* its store is NULL until the first request */
    int64_t began_s, began_ms;  /* the wall clock and the monotonic one as core started */
    int64_t offset_s;           /* the wall clock is this much past the clock of sessions */
    int64_t odd_s;              /* what it was when it was last found to be set */
    int64_t odd_ms;             /* since when; 0: it is not */
    int64_t watch_ms;           /* when to look again */
    uint64_t unrecorded;        /* refused grants that have no record of their own */
};

/* core_session_grant asks for a session.  `done` is called once: before this returns where it is
   refused at once (SESSION_KEY, SESSION_NAME, SESSION_PROFILE, STORE_SHARE, STORE_LIMIT,
   HOUSE_UNAVAILABLE, AUDIT_CANNOT_LOG ...), else when the log has it, or has not within
   CORE_LOG_MS.  It is not called when front ends meanwhile: whoever asked was behind it, and the
   grant is taken back. */
void core_session_grant(struct core *core, const struct session_setup *setup,
                        session_granted_fn *done, uint64_t whose);

/* core_session_end ends the session with this digest, at once, and has `why` logged: the name of a
   reason, or one of the words below.  Ending what is over already is nothing.  False: the store
   still has it. */
#define SESSION_END_ASKED   "ended by its peer"
#define SESSION_END_REVOKED "revoked"
bool core_session_end(struct core *core, const uint8_t token[STORE_ID_LEN], struct span why);

/* session_is_unbound: its key is bound to no evidence. */
bool session_is_unbound(const struct store_session *session);

/* session_is_held: what it rests on is there: the owner's word, or the channel or client whose
   evidence was judged, and is again. */
bool session_is_held(const struct core *core, const struct store_session *session);

/* session_has_key: bodies of its requests are sealed. */
bool session_has_key(const struct store_session *session);

/* session_is_over: whoever it was of hears of it. */
void session_is_over(struct core *core, const uint8_t token[STORE_ID_LEN]);

/* session_profile_name: "v2" or "sdk-v1". */
const char *session_profile_name(enum session_profile profile);

/* session_id_write appends what people call it by. */
void session_id_write(struct sink *out, const uint8_t token[STORE_ID_LEN]);

/* sessions_judge: may this be asked for a session, and for which?  REASON_OK at most once for one
   request, over any restart: its nonce is taken.  A request that is refused takes none.  Who has
   no session costs no verification: that comes after the session is found.  `sealed`: what came was
   opened with the session's key; where there is one, nothing else is taken (SDK_PLAINTEXT). */
enum reason sessions_judge(struct core *core, const struct signed_request *request, bool sealed,
                           struct store_session *out);

/* sessions_begin notes the clocks.  sessions_step gives up grants that were not logged in time
   and looks at the clock; says when to be called again. */
void sessions_begin(struct core *core);
int64_t sessions_step(struct core *core, int64_t now_ms);

/* sessions_appended: the answer to a record; false when it is another's.  sessions_peer_gone: audit
   answers nothing any more, or nobody waits behind front. */
bool sessions_appended(struct core *core, uint64_t id, bool logged);
void sessions_peer_gone(struct core *core, enum peer peer);

/* sessions_is_granting: a grant of the session with this digest is under way. */
bool sessions_is_granting(const struct core *core, const uint8_t token[STORE_ID_LEN]);

/* sessions_are_quiet: no grant is under way. */
bool sessions_are_quiet(const struct core *core);

/* sessions_now: the clock of sessions, seconds. */
int64_t sessions_now(const struct core *core);

/* session_methods.c: what is asked of them. */

/* core_session_wants finds which session a request is to end: REASON_OK, or STORE_NO_SESSION and
   what else the store says. */
enum reason core_session_wants(struct core *core, const struct request *request,
                               struct store_session *out);
void core_ask_session(struct core *core, const struct request *request);
enum reason core_session_list(struct core *core, const struct request *request,
                              struct arena *scratch, struct sink *answer);
enum reason core_session_show(struct core *core, const struct request *request,
                              struct arena *scratch, struct sink *answer);
enum reason core_session_over(struct core *core, const struct request *request,
                              struct arena *scratch, struct sink *answer);

#endif
