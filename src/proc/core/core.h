/* core.h - the process that knows what the house does: it takes requests that front has read,
   answers what it knows itself, and asks the process that knows the rest.  It holds no key
   and reads nothing that a stranger wrote except as messages of the table of routes.

   It also speaks for the house in the security log: that the house started and stopped, which
   process died, who was refused.  What the owner reads of the settings or the log is answered
   only when the record of it is durable. */
#ifndef WARD_PROC_CORE_H
#define WARD_PROC_CORE_H

#include "admit/crash.h"
#include "attest/pcs.h"
#include "audit/record.h"
#include "merkle/proof.h"
#include "model/api.h"
#include "model/key.h"
#include "proc/audit_client.h"
#include "proc/config.h"
#include "proc/control.h"
#include "proc/core/certificate.h"
#include "proc/core/jobs.h"
#include "proc/core/links.h"
#include "proc/core/peers.h"
#include "proc/core/repeat.h"
#include "proc/core/results.h"
#include "proc/core/sdk.h"
#include "proc/core/sessions.h"
#include "proc/core/tokens.h"
#include "proc/credential.h"
#include "proc/house.h"
#include "proc/messages.h"
#include "proc/operator_text.h"
#include "proc/routes.h"
#include "proc/store_password.h"
#include "proc/tables.h"
#include "store/store.h"
#include "token/miner.h"

enum {
    CORE_PENDING_MAX = 1024,        /* requests that wait for another process */
    CORE_KEPT_MAX = 64,             /* of those, the ones that wait to be logged first */
    CORE_BODY_BYTES = 4096 + 16384, /* of a request that is kept or handed on */
    CORE_SCRATCH_MAX = 1 << 20,     /* for one request and its answer */
    CORE_TRACE = 16,
    CORE_CURSOR = 32,
    CORE_LOG_MS = 900,    /* for a record to be durable: refused within one second */
    CORE_DOUBT_MS = 5000, /* after a refusal the log counts as one that cannot be written */
    CORE_RETRY_MS = 1000, /* before what could not be logged is tried again */
    CORE_STOP_MS = 2000,  /* for the last records, when the house stops */
    CORE_SECOND_MS = 1000,
    CORE_ANCHOR_MS = 5000,         /* between two looks at the log's head */
    CORE_ANSWER_MS = 5000,         /* for the audit process to show it */
    CORE_AGAIN_MS = 1000,          /* before a store is tried again; doubled by each life */
    CORE_AGAIN_LONGEST_MS = 32000, /* that this life lasts */
    CORE_SERVER_MS = 3000,         /* for the server to answer: nobody else is answered then */
    CORE_TURN_MS = 250,            /* for another writer of the file, in each try: the same */
    CORE_REFUSALS = 16,            /* recorded one by one in a second; the others are counted */
    CORE_BANS_TOLD = 16,           /* bans that begin in a second and are recorded one by one */
    CORE_KEYS_MAX = 65,            /* of a keyring, and that of tls.key */
    CORE_NEWS = 512,               /* of the monitor's, that wait to be logged */
    CORE_VERDICTS = 4,   /* pieces of evidence under way: as many as verify judges at once */
    CORE_EVIDENCES = 16, /* of the house's own */
    CORE_EVIDENCE_BYTES = EVIDENCE_QUOTE_MAX + EVIDENCE_LOG_MAX + 64, /* of one as an answer */
    CORE_TOKENS = 64,        /* that are being signed or logged */
    CORE_TOKEN_BYTES = 4096, /* of one as an answer */
    CORE_FETCH_MS = 30000,   /* for a provider, its name and a child that may hang */
    CORE_JUDGE_MS = 15000,   /* for verify to judge what it gave */
};

/* An operator: the name that his certificate was found by, and its digest. */
struct operator_caller {
    size_t name_len; /* 0: it is none */
    char name[OPERATOR_NAME_MAX];
    uint8_t certificate[SHA256_LEN];
};

/* A request of front's, as it came. */
struct request {
    uint64_t id; /* of front's, for the answer */
    enum method method;
    enum caller caller;
    uint8_t address[16];
    uint8_t trace[CORE_TRACE];
    struct span body;                /* protobuf */
    bool sealed;                     /* of CALLER_SESSION: it was opened with the session's key */
    struct store_session session;    /* of CALLER_SESSION, once it is judged */
    uint8_t job[JOB_ID];             /* of METHOD_JOBS_SUBMIT: what it will be called */
    struct operator_caller operator; /* of CALLER_OPERATOR, or whoever was refused as one */
};

/* One that is carried out when it is in the log. */
struct kept {
    bool used;
    struct request request;
    uint8_t body[CORE_BODY_BYTES];
};

/* What verify, tee or the keeper said, until its record is durable. */
struct verdict {
    bool used;
    struct request request;  /* its body is not kept */
    uint8_t report_data[64]; /* that evidence of the house's own must bear */
    size_t len;
    uint8_t *answer; /* FRAME_BODY_MAX of verify and of results, CORE_EVIDENCE_BYTES of tee,
                        CORE_TOKEN_BYTES */
};

/* Which keys are asked for, as far as that is said: no role, state or cursor for any. */
struct key_query {
    uint8_t role, state;
    uint32_t limit;
    size_t cursor_len;
    uint8_t cursor[2 * KEY_ID];
};

/* One that waits for another process: for the audit process to have it logged while `kept`
   is set, and then for the answer of whoever knows it. */
struct pending {
    uint64_t id; /* of our question to that peer; 0: free */
    enum peer peer;
    uint64_t front_id; /* of front's */
    int64_t until_ms;
    struct kept *kept;
    struct verdict *verdict; /* of evidence: while it is judged or made, and while that is logged */
    struct key_query keys;   /* of keys: which of them */
    enum method method;      /* of jobs: what was asked, */
    uint8_t job[JOB_ID];     /* and of which */
};

/* What the monitor saw (control.h). */
struct happening {
    uint64_t number;
    enum happened what;
    enum peer peer;
    uint32_t pid, code;
    int64_t at;
    uint64_t before, after; /* HAPPENED_CHANGED, HAPPENED_SHARE */
    char tenant[SETTING_TENANT_NAME_MAX];
};

/* The monitor's news, by number; one at a time is on its way to the log. */
struct core_news {
    struct happening rows[CORE_NEWS];
    uint64_t last, logged;
    uint64_t asked;   /* the number that is on its way */
    uint64_t id;      /* of that question; 0: none */
    int64_t retry_ms; /* not before */
};

/* A process, as the monitor has told. */
struct core_child {
    uint32_t pid, starts;
    bool ready;
    struct jail_report jail;
};

/* The store, and the anchor of the log in it. */
struct core_store {
    char place[SETTING_TEXT_MAX + 16];
    struct db_spec spec;
    struct store store;
    enum reason reason; /* REASON_OK: it is open, and the log is what it was */
    struct store_anchor anchor;
    struct merkle_head head; /* that was asked for last */
    uint64_t id;             /* of our question; 0: none */
    enum method asked;
    int64_t next_ms;
    bool judged;       /* it is no older than the log says: nothing is done with it before */
    int64_t known;     /* the latest generation of it that the log tells of */
    size_t cursor_len; /* where the search for it goes on; 0: at the beginning */
    uint8_t cursor[CORE_CURSOR];
    uint64_t marking;     /* id of the mark that is on its way; 0: none */
    uint64_t marked_size; /* of the log with the last mark */
    int64_t again_ms;     /* when to begin anew for a server that is gone; 0: not yet known */
    char password[STORE_PASSWORD_BYTES + 1];
};

/* A piece of collateral that the house holds, or wants to. */
struct core_piece {
    bool used;
    enum pcs_thing thing;
    struct pcs_platform scope;
    int64_t issued, expires; /* 0: nothing was held yet; without a body nothing older is taken */
    int64_t fetched;
    uint32_t evaluation;
    uint8_t *chain, *body; /* COLLATERAL_CHAIN_MAX, COLLATERAL_BODY_MAX */
    size_t chain_len, body_len;
    int64_t due;        /* seconds since 1970: not before */
    uint32_t failures;  /* in a row */
    enum reason reason; /* of the last one; REASON_OK: it went well */
    uint64_t wanted;    /* higher is later: the platform that was seen longest ago gives way */
    int64_t held_until; /* seconds since 1970: gives way to no stranger's before */
    bool told;          /* verify has it */
};

/* One piece on its way.  In each state it waits for one answer; whatever else comes is too late. */
enum renewing { RENEWING_NONE, RENEWING_FETCH, RENEWING_JUDGE, RENEWING_LOG };

struct core_collateral {
    struct core_piece pieces[COLLATERAL_PLACES];
    bool loaded;     /* what the store has was read, */
    int64_t load_ms; /* and else it is tried then */
    bool told;       /* verify has all that is held, or is not there */
    int64_t held_ms; /* so long verify is asked nothing without what is held */
    enum renewing state;
    size_t place;
    uint64_t id; /* of our question */
    int64_t until_ms;
    struct core_piece fresh; /* what came, until it is kept */
    uint64_t seen;           /* platforms so far */
    uint64_t successes, failures;
    int64_t last_success;
};

/* What of a kind is recorded one by one so often in a second, and counted past that: whoever is
   refused again and again fills no disk. */
struct core_refusals {
    int64_t second_ms;   /* when the second began */
    uint32_t recorded;   /* in it */
    uint64_t unrecorded; /* since the last that was recorded, which is said with the next */
};

/* Who is banned and suspected, in memory that front reads; and whom front serves. */
struct core_bans {
    struct bans_writer table;
    const struct serving *serving;
    struct address_list never;
    struct network networks[2 * CONFIG_NETWORKS_MAX]; /* of it */
    struct core_refusals told;
};

/* Who is let in of those who have a token (miners.c). */
struct core_miners {
    struct miner_list list, spare; /* in force; and room for the next */
    uint8_t digest[SHA256_LEN];    /* of the last text that was read */
    bool refused;                  /* it is none */
    bool untold;                   /* the log has not heard of it */
};

/* The keys of miners' tokens, and the one of results, as the keeper has told of them. */
struct core_tokens {
    struct miner_key keys[CORE_KEYS_MAX];
    size_t count;
    size_t signs; /* which of them; `count`: none */
    size_t issuer_len;
    char issuer[MINER_ISSUER_MAX]; /* the name of the house's log */
    bool has_result;               /* a key signs results: */
    uint8_t result_id[KEY_ID], result_key[ED25519_PUBLIC];
    bool known;                    /* they are those of the keyring as it is now */
    uint64_t id;                   /* of our question; 0: none */
    int64_t next_ms;               /* when to ask again */
    int64_t latest;                /* the latest second in which a token was judged */
    struct core_refusals refusals; /* of tokens */
};

/* What is said to a request. */
struct answer {
    enum reason reason;
    struct span detail;
    struct span body; /* protobuf */
};

struct core {
    struct house *house;
    struct pending pending[CORE_PENDING_MAX];
    uint32_t pending_count;
    struct kept *kept; /* CORE_KEPT_MAX */
    struct verdict verdicts[CORE_VERDICTS];
    struct verdict evidences[CORE_EVIDENCES];
    struct core_news news;
    struct core_store store;
    struct repeats repeats;
    struct core_bans bans;
    struct core_child children[PEER_COUNT];
    bool reload_refused; /* the last one was: another is set than what runs; as the monitor told */
    struct core_collateral collateral;
    struct core_peers peers;
    struct core_refusals passed_on; /* failures of challenges, as they are recorded */
    struct core_sessions sessions;
    struct core_links links;
    struct core_sdk sdk;
    struct core_tokens tokens;
    struct core_miners miners;
    struct core_certificate certificate;
    struct core_jobs jobs;
    struct verdict issued[CORE_TOKENS];   /* tokens, until their record is durable */
    struct verdict results[CORE_RESULTS]; /* and results */
    struct core_refusals refusals; /* of requests; those of channels and sessions are of the same
                                      seconds, and counted apart */
    struct request refused;        /* the last of them */
    enum reason refused_for;
    bool cannot_log;        /* the last record that was to be durable was not, */
    enum audit_refused why; /* as far as audit says why */
    int64_t not_logged_ms;  /* when last somebody was refused for that; 0: since then one was in
                               time */
    int64_t stop_ms;        /* when it ends, logged or not; 0: it does not stop */
    int64_t started;        /* seconds since 1970 */
    void *scratch;
};

/* collateral.c: what is held of collateral, and its renewal: fetch brings it, verify judges it, it
   is kept when that is in the log, and not before. */
MUST_USE
bool core_collateral_open(struct core *core);
MUST_USE
rc core_on_fetched(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_collateral_judged(struct trail *trail, void *core, struct call *call);

/* collateral_step does what is due; says when to be called again. */
int64_t collateral_step(struct core *core, int64_t now_ms);

/* collateral_appended: the answer to a record; false when it is another's. */
bool collateral_appended(struct core *core, uint64_t id, bool logged);

/* collateral_peer: the channel to fetch or verify is another one, or closed. */
void collateral_peer(struct core *core, enum peer peer, bool open);

/* collateral_platform takes the platform, if any, of genuine evidence: anybody can show that.  It
   is nothing before it is known what the store has. */
void collateral_platform(struct core *core, struct span platform, bool is_let_in);

/* collateral_calls.c: what the owner sees and does of it, and what is counted of it. */

/* collateral_may_refresh: REASON_OK, or why nothing can be fetched. */
enum reason collateral_may_refresh(const struct core *core);
enum reason core_collateral_show(struct core *core, const struct request *request,
                                 struct arena *scratch, struct sink *answer);
enum reason core_collateral_refresh(struct core *core, const struct request *request,
                                    struct arena *scratch, struct sink *answer);

/* collateral_count writes down for front what `/metrics` says of it (proc/tables.h). */
void collateral_count(struct core *core);

/* pieces.c: which pieces there are, and when each is due. */

/* collateral_want makes places for what a platform needs. */
void collateral_want(struct core *core, const struct pcs_platform *platform, bool is_peers,
                     int64_t now);

/* collateral_due: when a piece that is held is fetched again: after `refresh` seconds, in the last
   quarter of its life at the latest, a little earlier by chance, but never at once.
   collateral_again: after so many failures in a row. */
int64_t collateral_due(const struct core_piece *piece, int64_t refresh, uint32_t chance);
int64_t collateral_again(uint32_t failures, int64_t now, uint32_t chance);

/* collateral_load reads what the store has; what cannot be read is tried again. */
void collateral_load(struct core *core);

/* collateral_next: the place that is due first; false when none ever is.  collateral_waiting: how
   many are due now, or on their way. */
MUST_USE
bool collateral_next(const struct core_collateral *collateral, size_t *out);
uint32_t collateral_waiting(const struct core_collateral *collateral, int64_t now);

/* piece_put writes a thing and whose it is: PLATFORM_LEN bytes. */
void piece_put(struct sink *out, const struct core_piece *piece);

/* core_tell_held has verify hold these bytes in a place; false: it is not there, or its queue has
   no room.  pieces_tell does that with every piece that it has not heard of; false: not with all of
   them, and it is to be called again.  A verify that is not there is told when it comes. */
MUST_USE
bool core_tell_held(struct core *core, size_t place, struct span chain, struct span bytes);
MUST_USE
bool pieces_tell(struct core *core);

/* pieces_are_told: verify has what is held, or has been waited for long enough: it may be asked of
   evidence. */
bool pieces_are_told(const struct core *core, int64_t now_ms);

/* piece_keep stores it durably: REASON_OK, or FETCH_OLDER where the store has a newer one, or
   STORE_UNREACHABLE. */
enum reason piece_keep(struct core *core, const struct core_piece *piece);

/* core_write writes an answer's message. */
enum reason core_write(const struct schema_message *message, const void *values, struct sink *out);

/* system.c: the methods that core answers itself.  REASON_OK with an answer. */
enum reason core_ping(struct core *core, const struct request *request, struct arena *scratch,
                      struct sink *answer);
enum reason core_version(struct core *core, const struct request *request, struct arena *scratch,
                         struct sink *answer);
enum reason core_doctor(struct core *core, const struct request *request, struct arena *scratch,
                        struct sink *answer);
enum reason core_config(struct core *core, const struct request *request, struct arena *scratch,
                        struct sink *answer);

/* requests.c: the doors; and core_operator_get reads what operator_put of front wrote. */
MUST_USE
bool core_operator_get(struct cursor *in, struct operator_caller *out);
MUST_USE
rc core_on_request(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_audit_answer(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_appended(struct trail *trail, void *core, struct call *call);

/* core_ask puts a question to a peer on behalf of a request, or answers that it cannot be put
   (NULL); core_answered answers the request whose question had this id, if it still waits. */
struct pending *core_ask(struct core *core, const struct request *request, enum peer peer,
                         struct frame *question);
void core_answered(struct core *core, const struct call *call, enum peer peer,
                   const struct answer *said);

/* core_refuse answers a request with a reason alone. */
void core_refuse(struct core *core, const struct request *request, enum reason reason);

/* keyring.c: what the keeper alone knows and does. */
void core_ask_keeper(struct core *core, const struct request *request);
MUST_USE
rc core_on_keyring(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_rotated(struct trail *trail, void *core, struct call *call);

/* A row of MSG_KEYRING_IS.  The spans view the message. */
struct core_key {
    uint8_t role, state, of_file;
    int64_t created, retired;
    struct span id, point;
};
MUST_USE
bool core_key_read(struct cursor *in, struct core_key *out);

/* core_pending finds the question with this id; `kept`: whether it is one that is logged first.
   core_settle frees its place. */
struct pending *core_pending(struct core *core, enum peer peer, uint64_t id, bool kept);
void core_settle(struct core *core, struct pending *pending);

/* core_answer answers front's request. */
void core_answer(struct core *core, uint64_t front_id, const struct answer *said);

/* attest.c: evidence, as verify judges it.  A verdict is answered when it is in the log. */
void core_ask_verify(struct core *core, const struct request *request);
MUST_USE
rc core_on_judged(struct trail *trail, void *core, struct call *call);

/* core_verdict_logged answers with the verdict or the evidence, or refuses it. */
void core_verdict_logged(struct core *core, struct pending *pending, bool logged);

/* core_vacant_verdict finds a free place, NULL when there is none.  core_verdict_asked keeps it for
   the question with this id, unless that was refused already; core_verdict_waits: from now on for
   this record, which was asked for. */
struct verdict *core_vacant_verdict(struct verdict *places, size_t count);
struct pending *core_verdict_asked(struct core *core, const struct request *request,
                                   struct verdict *verdict, enum peer peer, uint64_t id);
void core_verdict_waits(struct pending *pending, uint64_t id);

/* evidence.c: evidence of the house itself, as tee makes it.  It is answered when it is in the
   log. */
void core_ask_tee(struct core *core, const struct request *request);
MUST_USE
rc core_on_evidence(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_evidence_both(struct trail *trail, void *core, struct call *call);

/* core_evidence_bears: it is a quote of tee's, and over these 64 bytes. */
bool core_evidence_bears(struct span quote, const uint8_t report_data[64]);

/* core_peer_gone answers all who wait for it, and forgets what a front that is gone asked for;
   core_expire those whose time is over, and says when the next one's will be. */
void core_peer_gone(struct core *core, enum peer peer);
int64_t core_expire(struct core *core, int64_t now_ms);

/* anchor.c */

/* core_store_open opens a store that is a file before the jail, and keeps its descriptors, or
   reads the password of one that is a server; core_store_reach opens that one, as the user that
   core keeps. */
void core_store_open(struct core *core);
MUST_USE
rc core_store_reach(struct trail *trail, void *core, bool *reached);

/* core_store_is_there: REASON_OK, or why nothing may be done with it: it is not open, or may be
   older than the log knows it. */
enum reason core_store_is_there(const struct core *core);

/* store_step begins anew when a server that was gone may be back: in the jail nothing can be
   connected.  Says when. */
int64_t store_step(struct core *core, int64_t now_ms);

/* anchor_step asks for the log's head when it is time; says when the next time is.
   anchor_answered takes an answer; false when it is another's. */
int64_t anchor_step(struct core *core, int64_t now_ms);
bool anchor_answered(struct core *core, uint64_t id, enum reason reason, struct span body);

/* mark.c: the log is told how far the store is, so that an older copy of it is found. */

/* mark_search is the question for what the log tells of the store; mark_found takes a page of
   the answer, and says whether it was the last.  mark_judge holds the store against it. */
MUST_USE
bool mark_search(struct core_store *store, struct sink *request);
MUST_USE
bool mark_found(struct core *core, struct span body, struct arena *scratch, bool *last);
MUST_USE
rc mark_judge(struct trail *trail, struct core_store *store);

/* mark_put has the store's generation logged when the log has grown by more than that.
   mark_appended: the answer to it; false when it is another's. */
void mark_put(struct core *core);
bool mark_appended(struct core *core, uint64_t id, bool logged, uint64_t seq);

/* bans.c */

/* core_bans_open maps the shared memory, before the jail. */
MUST_USE
rc core_bans_open(struct trail *trail, struct core *core);
MUST_USE
rc core_on_offence(struct trail *trail, void *core, struct call *call);

/* core_front_died: whom it was serving is noted and judged; once for each number. */
void core_front_died(struct core *core, const struct happening *happening);

/* core_evidence_crashed: the process that judged this request's evidence crashed. */
void core_evidence_crashed(struct core *core, const struct request *request);

/* core_has_suspects: somebody is suspected of a crash now. */
bool core_has_suspects(const struct core *core);

/* core_bans_changed: who is connected may be banned now. */
void core_bans_changed(struct core *core);

/* core_log_ban asks for the record of a ban that began, with the number of those before it that
   have none. */
MUST_USE
bool core_log_ban(struct core *core, const struct ban *ban, uint64_t unrecorded);

/* core_ban_ends: by the wall clock, milliseconds since 1970; 0: when it is lifted. */
int64_t core_ban_ends(const struct ban *ban);

/* core_peer_write appends an address, or the /64 of one of IPv6. */
void core_peer_write(struct sink *out, const struct address *peer);

/* admission.c: what the owner sees and does of it. */

/* core_admission_wants reads a request to impose or lift: whom it means, and until when.
   REASON_OK, or why it cannot be done. */
enum reason core_admission_wants(struct core *core, const struct request *request, struct ban *out);
enum reason core_admission_list(struct core *core, const struct request *request,
                                struct arena *scratch, struct sink *answer);
enum reason core_admission_impose(struct core *core, const struct request *request,
                                  struct arena *scratch, struct sink *answer);
enum reason core_admission_lift(struct core *core, const struct request *request,
                                struct arena *scratch, struct sink *answer);

/* news.c: what the monitor tells. */
MUST_USE
rc core_on_control(struct trail *trail, void *core, struct call *call);

/* news_step has the next one logged; says when to be called again at the latest. */
int64_t news_step(struct core *core, int64_t now_ms);

/* news_appended: the answer to that question; false when it is another's. */
bool news_appended(struct core *core, uint64_t id, bool logged);

#endif
