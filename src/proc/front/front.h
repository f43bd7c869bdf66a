/* front.h - the process that talks to strangers: sockets, TLS and HTTP.  It opens no file,
   connects to nobody, and holds no key that lasts.

   A connection that waits for a request holds its struct and OpenSSL's, nothing else; one of
   HTTP/2 that was used once also nghttp2's session.  Over HTTP/1.1 a request borrows a `work`
   from its first byte to the last of its answer; a call, over either, borrows an `exchange` from
   its head to its answer.  Many exchanges of one connection wait for core at once, and
   what core is told is the number of the exchange with its generation: an answer for one
   that is over finds nobody.  When all works are lent a connection waits with its bytes in the
   kernel, unless one that had fewer answers is in the middle of a request, which then gives way;
   those that wait are lent one in the order in which they came, and a slow one gives way to them;
   when all exchanges are, a call is refused. */
#ifndef WARD_PROC_FRONT_H
#define WARD_PROC_FRONT_H

#include <sys/socket.h>

#include "admit/admit.h"
#include "admit/pace.h"
#include "codec/proxy_header.h"
#include "http/call.h"
#include "http/h2.h"
#include "http/http1.h"
#include "net/tls.h"
#include "os/poller.h"
#include "proc/config.h"
#include "proc/credential.h"
#include "proc/front/link.h"
#include "proc/front/outward.h"
#include "proc/front/passage.h"
#include "proc/front/sdk.h"
#include "proc/house.h"
#include "proc/operator_text.h"
#include "proc/routes.h"
#include "proc/tables.h"

enum {
    FRONT_CONNECTIONS_MAX = 16000, /* from strangers, whatever is set */
    FRONT_FDS_SPARE = 64,          /* descriptors of its own */
    FRONT_WORKS_MAX = 128,         /* HTTP/1.1 requests under way at once, */
    FRONT_WORKS_LOCAL = 4,         /* and so many more over the owner's socket */
    FRONT_EXCHANGES_MAX = 1024,    /* calls under way at once */
    FRONT_REMAINDERS_MAX = 32,     /* answers over HTTP/2 that the peer does not take at once */
    FRONT_IN_MAX = 16 << 10,       /* bytes read and not understood yet */
    FRONT_BODY_MAX = 20 << 10,     /* bytes of a request's body */
    FRONT_WIDE_MAX = 160 << 10,    /* of a request that brings evidence */
    FRONT_WIDES_MAX = 8,           /* such requests under way at once: */
    FRONT_WIDES_STRANGERS = 6,     /* of all who are not the owner */
    FRONT_WIDES_OF_ONE = 2,        /* and of one address, of IPv6 one /64 */
    FRONT_OUT_MAX = 512 << 10,     /* bytes of an answer with its head */
    FRONT_SCRATCH_MAX = 384 << 10, /* for reading a request, and as much for an answer */
    FRONT_ANSWER_MAX = 448 << 10,  /* bytes of an answer's body */
    FRONT_CHAIN_MAX = 16 << 10,    /* bytes of all certificates of our own */
    FRONT_SWEEP_MS = 250,          /* how often the deadlines are looked at */
    FRONT_KEEPER_MS = 1000,        /* for the keeper to sign a handshake */
    FRONT_SILENCE_MS = 4000,       /* a keeper that let one wait in vain is not asked for so long */
    FRONT_ENDING_MS = 1000,        /* for a peer to read the last answer and close */
    FRONT_ACCEPT_MAX = 16,         /* connections taken in one wake-up */
    FRONT_SHAKES_MAX = 1,          /* handshakes that go on in one wake-up */
    FRONT_TURNS_MAX = 32,          /* steps of one connection in one wake-up */
    FRONT_LOCAL_MAX = 64,          /* connections over the owner's socket */
    FRONT_ABUSE_SAID_MS = 1000,    /* between two lines of the log on abuses of one kind */
    FRONT_EDGE_HEADERS_MAX = 256,  /* connections of edges that have not said whose they are */
    FRONT_ALONE_MS = 1000,         /* for a suspect to be served, from being let in */
    FRONT_ALONE_SHARE = 4,         /* so many times as long the others are served after it */
    FRONT_ALONE_MISSED = 2,        /* turns in a row that may pass for who is under way */
    FRONT_YIELD_MS = 1000,         /* a slow request keeps its place so long when all are taken */
};

/* What a request over HTTP/1.1 borrows. */
struct work {
    struct work *next; /* in the list of those that are free */
    bool local;        /* for the owner's socket alone */
    uint64_t since_us; /* when it was lent */
    struct http1_room room;
    void *room_memory;
    uint8_t *in;
    size_t in_len;
    struct sink out;
    size_t sent; /* of out */
};

/* What is left of an answer over HTTP/2. */
struct remainder {
    struct remainder *next; /* in the list of those that are free */
    struct sink bytes;
    size_t sent;
};

/* Room for a body that is longer than most. */
struct wide {
    struct wide *next; /* in the list of those that are free */
    uint8_t *body;     /* FRONT_WIDE_MAX */
};

/* How a call came, and where its answer goes. */
struct way {
    struct connection *connection;
    struct h2_stream *stream; /* NULL: HTTP/1.1 */
    const struct http_request *request;
};

/* A call from its head to its answer. */
struct exchange {
    struct exchange *next; /* in the list of those that are free */
    struct way way;        /* its connection is NULL: free */
    struct http_call call;
    struct pace pace;          /* of its body, over HTTP/2 */
    uint32_t generation;       /* of this slot */
    bool waiting;              /* core has it */
    bool begun;                /* the head of the answer was written before the call was whole */
    bool ending;               /* nothing is added to the answer any more */
    bool signs;                /* for a session: core judges it */
    uint8_t sent[SHA256_LEN];  /* of such a one: digest of the body as it came */
    uint8_t point[X25519_LEN]; /* of a client that attests: a key is made with it */
    enum reason spoiled;       /* why it ends before it is whole; REASON_NONE: it does not */
    int64_t until_ms;          /* the deadline */
    struct remainder *remainder;
    uint8_t *body;           /* FRONT_BODY_MAX */
    struct wide *wide;       /* instead of it, for a route that takes more */
    struct passage *passage; /* of one that is passed on, from its end on; NULL: none */
};

enum connection_phase {
    CONNECTION_FREE = 0,
    CONNECTION_EDGE, /* of an edge, which has to say whose it is */
    CONNECTION_HANDSHAKE,
    CONNECTION_READING,   /* HTTP/1.1: between requests, or in one */
    CONNECTION_WAITING,   /* core has the request */
    CONNECTION_ANSWERING, /* the answer is being sent */
    CONNECTION_H2,        /* HTTP/2, whatever it does */
    CONNECTION_OUTWARD,   /* of ours, on its way to a peer's WebSocket (outward.h) */
    CONNECTION_LINK,      /* an attested channel (link.h) */
    CONNECTION_PASSAGE,   /* with a challenge, for one request (passage.h) */
    CONNECTION_ENDING,    /* everything was said: the peer may read it and go */
};

/* Connections in order: a connection stands in one list at most. */
struct line {
    struct connection *first, *last;
    uint32_t count;
};

/* What an edge says before anything else, as far as it has come. */
struct edge_header {
    struct edge_header *next; /* in the list of those that are free */
    size_t len;
    uint8_t bytes[PROXY_HEADER_MAX];
};

/* Whose word counts for where a client is. */
struct front_edges {
    struct network networks[CONFIG_NETWORKS_MAX];
    struct address_list list; /* over them */
    struct edge_header *free; /* FRONT_EDGE_HEADERS_MAX, where there are edges */
    int64_t said_ms;          /* when the log last named one that said it badly */
};

/* The certificate that a connection's peer has shown. */
struct operator_shown {
    uint32_t generation; /* of what it was judged by; 0: none, or it is good no more */
    uint32_t place;      /* in the list of operators */
    int64_t until;       /* seconds since 1970: then it is judged again */
    uint8_t certificate[SHA256_LEN];
};

/* Whose certificates are taken. */
struct front_operators {
    struct tls_clients *clients; /* NULL: nobody is asked for one */
    struct tls_asking asking;
    char text[SETTING_TEXT_MAX]; /* tls.operators */
    struct operators list;       /* of it */
    int64_t lists_end;           /* when the first revocation list is of the past */
    uint32_t generation;
    int64_t said_ms;             /* when the log last named one who was refused */
    struct operator_shown found; /* by the judgement under way */
};

struct connection {
    int fd;
    enum connection_phase phase;
    bool owner;            /* over the owner's socket, and it is the owner */
    bool local;            /* over the owner's socket */
    bool reading, writing; /* what the poller was told */
    bool used;             /* a request has come: HTTP/1.1 for good */
    bool shakes;           /* in its handshake: there is something to read, or room to write */
    bool ended;            /* HTTP/2: nothing more is read */
    bool noted;            /* it is in flight, and written down as such */
    bool held;             /* it waits for the one that is served alone, or is that one and waits */
    bool asked;            /* a request came over it */
    bool told;             /* core has heard of an offence of this connection */
    bool upgrading;        /* a channel begins when the request is whole */
    uint64_t shake;        /* the number of its handshake */
    uint32_t generation;   /* of this slot: an event for an earlier life finds nobody */
    struct line *line;
    struct connection *previous, *next; /* in that line */
    struct tls *tls;                    /* NULL: plain, over the owner's socket */
    struct http1 http;
    struct work *work;
    struct exchange *exchange; /* over HTTP/1.1 there is one at most */
    struct h2 h2;              /* begun when its first byte comes */
    struct span left;          /* HTTP/2: made and not taken by the socket; of its heap */
    uint32_t open;             /* HTTP/2: exchanges */
    uint32_t answered;         /* HTTP/1.1: requests */
    struct link *link;
    struct outward *outward; /* one that the house began; it is not counted as a stranger's */
    struct passage *passage; /* and one that is with a challenge */
    int64_t shakes_ms;       /* since when `shakes` */
    int64_t half_head_ms;    /* HTTP/2: since when a head is not whole; 0: none */
    int64_t ending_ms;       /* by when an ending connection is closed */
    struct conn counted;
    struct pace pace;
    struct address peer;
    struct edge_header *header; /* until it is whole */
    struct operator_shown operator;
};

/* What `/metrics` says. */
struct front_counts {
    uint64_t accepted, refused, handshakes, handshake_failures, requests, failures, rate_limited,
        abuses, slow, unavailable, banned, signed_requests, unauthenticated, certificates,
        certificates_refused, edges_refused;
};

/* Names for traces, drawn at random, and how many are left. */
struct trace_names {
    struct {
        uint8_t trace_id[16], parent_id[8];
    } name[64];
    size_t left;
};

struct front {
    struct house *house;
    int poller;
    struct tls_library *library;
    struct tls_server *server; /* NULL as long as the keeper has not given the chain */
    struct h2_server h2;
    struct connection *connections;
    uint32_t connection_count;
    uint32_t *vacant; /* a stack of free slots */
    uint32_t vacant_count;
    uint32_t local_count;
    uint32_t shaking;          /* of those in their handshake, whose may go on */
    struct line half;          /* in their handshake, oldest first */
    struct line ready;         /* have something to do before anything is waited for */
    struct line starved;       /* want a work, */
    struct line starved_local; /* over the owner's socket */
    struct work *free_works;
    struct work *free_local_works;
    struct exchange *exchanges;
    struct exchange *free_exchanges;
    struct exchange nobody; /* of a stream that is answered */
    struct remainder *free_remainders;
    struct wide *free_wides;
    uint8_t *in;     /* FRONT_IN_MAX: what HTTP/2 reads */
    uint8_t *out;    /* FRONT_IN_MAX: and writes */
    uint8_t *answer; /* FRONT_ANSWER_MAX */
    void *scratch;   /* twice FRONT_SCRATCH_MAX */
    struct conn_table conns;
    struct admit_table connects, requests, sites;
    struct admit admit;
    struct pace_limits pace;
    struct bans_reader tables;     /* core's, of whom it has banned and suspects */
    uint64_t changes_seen;         /* of its counter */
    struct serving_writer serving; /* ours, of whom we serve */
    uint32_t in_flight;            /* connections in it */
    struct connection *alone;      /* a suspect that is served; NULL: none */
    int64_t alone_since_ms;
    bool alone_begun;      /* something of it was read */
    uint32_t alone_missed; /* turns in a row of which nothing was */
    int64_t alone_next_ms; /* none before */
    bool alone_over;       /* those that were held up may go on */
    struct trace_names names;
    int64_t swept_ms;
    bool chain_wanted;              /* the keeper is new: its key may be another */
    bool deaf;                      /* the listeners are not waited for */
    bool stopping;                  /* nobody new is let in */
    int64_t chain_ms;               /* when to ask for it */
    uint64_t shakes_begun;          /* handshakes with newcomers, ever */
    uint64_t shakes_before;         /* of them, those before the chain in use */
    bool chain_untold;              /* the keeper has not heard that no other is in use */
    uint8_t chain_point[TLS_POINT]; /* of its key */
    int64_t chain_ends;             /* the one in use, seconds since 1970 */
    int64_t abuse_said_ms;          /* when the log last named one who abused HTTP/2 */
    int64_t silent_ms;              /* until when the keeper is not asked */
    struct outward outwards[SETTING_PEERS_MAX];
    struct passages passages;
    struct front_edges edges;
    struct front_operators operators;
    struct front_links links;
    struct front_sdk sdk;
    struct front_counts counts;
};

/* connection.c: what all connections have in common. */
void front_ready(struct front *front, const struct poller_event *event);
void front_close(struct front *front, struct connection *connection);

/* front_end lets the peer read what was sent last, and closes when it did. */
void front_end(struct front *front, struct connection *connection);

struct connection *front_find(struct front *front, uint64_t token);
uint64_t front_token(const struct front *front, const struct connection *connection);

/* front_move does what can be done for a connection now: read, answer, write; at most
   FRONT_TURNS_MAX steps.  front_wake has it done before anything is waited for. */
void front_move(struct front *front, struct connection *connection);
void front_wake(struct front *front, struct connection *connection);

/* front_wake_all does it for all that were woken so far, and for some of the handshakes that may
   go on.  These are the dearest thing that a stranger can ask for: whoever is in waits for
   FRONT_SHAKES_MAX of them, however many there are. */
void front_wake_all(struct front *front);

/* front_shake_later: the handshake may go on. */
void front_shake_later(struct front *front, struct connection *connection);

void front_wait(struct front *front, struct connection *connection, bool reading, bool writing);
void front_line_up(struct line *line, struct connection *connection);
void front_step_out(struct connection *connection);

/* One read or write of a socket, plain or through TLS: bytes, or one of these. */
enum { FRONT_NOT_NOW = -1, FRONT_GONE = 0 };
ssize_t front_take(struct connection *connection, uint8_t *at, size_t cap);
ssize_t front_put(struct connection *connection, struct span bytes);
uint64_t front_now_us(void);

/* accept.c */
struct connection *front_occupy(struct front *front, int fd); /* there must be a vacant place */

/* front_let_in: this address may come in now; *counted is what its connection gives back at its
   end.  front_begin_tls makes a connection of that one that begins its handshake; false without
   memory.  front_turn_away closes with a reset, so that nothing of it stays. */
MUST_USE
bool front_let_in(struct front *front, const struct address *peer, struct conn *counted);
MUST_USE
bool front_begin_tls(struct front *front, struct connection *connection);
void front_turn_away(struct front *front, struct connection *connection);

/* edge.c: edges_open reads admit.proxies; edge_is: such an address; edge_borrow has room for what
   it says, NULL: there is none; edge_turn reads one step of it. */
MUST_USE
bool edges_open(struct front *front, struct arena *arena);
bool edge_is(const struct front *front, const struct address *peer);
struct edge_header *edge_borrow(struct front *front);
void edge_give_back(struct front *front, struct connection *connection);
bool edge_turn(struct front *front, struct connection *connection);

/* outward.c: outward_occupy makes one of what dial brought, which is to be watched; NULL: there is
   no place for it, or it is gone already. */
struct connection *outward_occupy(struct front *front, enum connection_phase phase, int fd);
struct address front_address_of(const struct sockaddr_storage *name);
void front_accept(struct front *front, bool owner);
MUST_USE
rc front_listen(struct trail *trail, struct front *front, bool listening);

/* over_http1.c, over_h2.c: one step; true when another may get further. */
bool front_http1_turn(struct front *front, struct connection *connection);
void front_http1_give_back(struct front *front, struct connection *connection);

/* front_http1_lend gives works that are free to those who wait for one, and where it takes, those
   of slow ones, too; front_http1_may_lend: there is such a free one. */
void front_http1_lend(struct front *front, bool takes);
bool front_http1_may_lend(struct front *front);
bool front_h2_turn(struct front *front, struct connection *connection);

/* front_h2_begin makes a connection one of HTTP/2, with what was read of it. */
void front_h2_begin(struct front *front, struct connection *connection, struct span read);
void front_h2_give_back(struct front *front, struct connection *connection);
h2_event_fn front_h2_event;

/* sweep.c: deadlines. */
void front_sweep(struct front *front, int64_t now_ms);

/* front_may_stop lets nobody new in, and says whether all is answered. */
bool front_may_stop(struct front *front);

/* exchange.c */

/* exchange_head begins a call, or refuses it at once. */
void exchange_head(struct front *front, const struct way *way);
void exchange_body(struct front *front, struct exchange *exchange, struct span bytes);
void exchange_done(struct front *front, struct exchange *exchange);

/* exchange_begin lends an exchange to a call whose head was judged, and lets its body come up to
   the limit; NULL, with *problem: there is none.  exchange_ask asks core, with a struct of the
   route's request; exchange_find has the one that core and dial know by this number, or NULL. */
struct exchange *exchange_begin(struct front *front, const struct way *way,
                                const struct http_call *call, uint64_t limit,
                                struct problem *problem);
void exchange_ask(struct front *front, struct exchange *exchange, const void *values);
struct exchange *exchange_find(struct front *front, uint64_t id);

/* exchange_admit: may this address ask for what costs so much, now?  exchange_trace reads whose
   trace a request is of, or begins one. */
enum reason exchange_admit(struct front *front, const struct way *way, uint32_t cost,
                           uint32_t *retry_after);
void exchange_trace(struct front *front, const struct http_request *request,
                    struct http_call *call);

/* exchange_room: the peer takes more of an answer over HTTP/2. */
void exchange_room(struct front *front, struct exchange *exchange);

/* exchange_refuse answers with a reason; exchange_refuse_request what never became a call. */
void exchange_refuse(struct front *front, struct exchange *exchange, enum reason reason,
                     struct span detail);
void exchange_refuse_request(struct front *front, const struct way *way, enum reason reason);

/* exchange_name gives a call of no route its trace, and whether it came by gRPC. */
void exchange_name(struct front *front, const struct way *way, struct http_call *call);

/* exchange_id names it to core.  exchange_waiting finds the one that waits for core's answer; NULL:
   whoever asked is gone, or was answered by the clock.  exchange_answer answers a call that no row
   of the table is for: with these bytes, or the reason. */
uint64_t exchange_id(const struct front *front, const struct exchange *exchange);
struct exchange *exchange_waiting(struct front *front, uint64_t id);
void exchange_answer(struct front *front, struct exchange *exchange, enum reason reason,
                     struct span body);

/* exchange_forget_body lends its memory to the next one: all of it was handed on. */
void exchange_forget_body(struct front *front, struct exchange *exchange);

/* exchange_give_back ends it, answered or not.  NULL and a free one are nothing. */
void exchange_give_back(struct front *front, struct exchange *exchange);

/* exchange_reply is the door for core's answers. */
MUST_USE
rc exchange_reply(struct trail *trail, void *front, struct call *call);

/* exchange_core_gone answers all who wait for core. */
void exchange_core_gone(struct front *front);

/* refusal.c: core hears of a request that lacked the identity for it, for the log. */
void refusal_tell(struct front *front, struct connection *connection, const struct http_call *call,
                  enum reason reason);

/* signature.c */

/* signature_read: does a request sign for a session?  REASON_OK with *signs and, where it does, all
   of it but the hash of its body in *out; or why it is none. */
enum reason signature_read(const struct http_request *request, bool *signs,
                           struct signed_request *out);

/* signature_hash is the digest of a body as it came, which is what is signed. */
void signature_hash(const struct http_call *call, uint8_t out[SHA256_LEN]);

/* signature_put appends what core judges, when the body is whole; false when there is nothing. */
MUST_USE
bool signature_put(const struct exchange *exchange, struct sink *out);

/* answer.c: what is said, over either. */

/* answer_refusal writes a problem.  `exchange` is NULL for what never became a call. */
void answer_refusal(struct front *front, const struct way *way, const struct http_call *call,
                    struct problem *problem);

/* answer_write writes a whole answer; the exchange, if any, is given back when all is out. */
void answer_write(struct front *front, const struct way *way, struct call_answer *answer,
                  struct span body, struct exchange *exchange);

/* answer_add appends bytes to an answer over HTTP/2 that was begun; answer_end ends it.
   answer_spoil ends it with why nothing follows, after all that was appended: for gRPC as its
   status, else by a reset.  answer_add does so where there is no room. */
void answer_add(struct front *front, struct exchange *exchange, struct span bytes);
void answer_end(struct front *front, struct exchange *exchange);
void answer_spoil(struct front *front, struct exchange *exchange, enum reason reason);

/* offence.c */

/* offence_tell tells core, once for a connection; offence_of_request where a request is refused
   for a reason that is one.  offence_sweep closes the connections of those who are banned now. */
void offence_tell(struct front *front, struct connection *connection, enum offence offence);
void offence_of_request(struct front *front, struct connection *connection, enum reason reason);
void offence_sweep(struct front *front);

/* alone.c */

/* alone_enter writes a connection down before anything of it is read; false: it has to wait, and
   will be moved.  alone_leave takes it out when nothing of it is in flight, alone_done at its
   end. */
MUST_USE
bool alone_enter(struct front *front, struct connection *connection);
void alone_leave(struct front *front, struct connection *connection);
void alone_done(struct front *front, struct connection *connection);

/* alone_may: this peer may be let in now, as far as suspicion goes.  alone_begin gives a
   connection the turn where its peer is a suspect, alone_closed ends it. */
bool alone_may(struct front *front, const struct address *peer);
void alone_begin(struct front *front, struct connection *connection);
void alone_closed(struct front *front, const struct connection *connection);

/* alone_step moves who was held up and no longer is; alone_expire ends a turn that is over, and
   says when to be asked again. */
void alone_step(struct front *front);
int64_t alone_expire(struct front *front, int64_t now_ms);

/* local.c: /healthz, /readyz and /metrics, over the owner's socket; false: not one of them. */
bool local_answer(struct front *front, const struct way *way);
bool front_is_serving(const struct front *front);

/* operator.c */

/* operators_take reads the files that were handed over and the names that are set, and takes them
   for what newcomers and who is in are judged by; or says why not, and nothing is changed. */
enum reason operators_take(struct front *front, const struct settings *settings);

/* operators_shook: the handshake is done; operators_refused: it failed, and whether the peer's
   certificate was why, which is counted and said. */
void operators_shook(struct front *front, struct connection *connection);
bool operators_refused(struct front *front, struct connection *connection);

/* operator_of: who the peer is by its certificate, now; NULL: nobody.  operator_put writes who it
   is for core, and nothing for nobody. */
const struct operator* operator_of(struct front *front, struct connection *connection);
void operator_put(const struct connection *connection, const struct operator* one,
                  struct sink *out);

/* chain.c */

/* chain_fetch asks the keeper for its certificates and makes the server of them. */
MUST_USE
rc chain_fetch(struct trail *trail, struct front *front);

/* chain_tell says to the keeper, once, that no handshake is under way with an older chain. */
void chain_tell(struct front *front);

/* chain_answered_late takes what the keeper answers when nobody waits for it any more. */
rc chain_answered_late(struct trail *trail, void *front, struct call *call);

#endif
