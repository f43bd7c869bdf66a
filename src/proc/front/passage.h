/* passage.h - requests of miners on their way to a challenge, GET or POST
   /api/challenges/NAME/public/ROUTE.

   forward.c has the miner's side.  It reads the head by token/forward.h, takes the body, which is
   short, and has core judge the token for exactly this request.  Core uses
   the token up, gives the house's word for the request, and only then has dial connect with the
   challenge.  passage.c has that side: TLS, the request as it goes on, and the answer.

   Each request has a connection of its own, and nothing else is ever said over it: no answer can be
   taken for that to another request, whatever a challenge sends or a miner hides in a body.  An
   answer is held until it is whole, and bounded: a miner gets all of it or none, and a challenge
   that is slow or falls holds a passage and nothing of the miner's connection. */
#ifndef WARD_PROC_FRONT_PASSAGE_H
#define WARD_PROC_FRONT_PASSAGE_H

#include "http/http1_client.h"
#include "http/problem.h"
#include "ipc/door.h"
#include "net/tls.h"
#include "proc/messages.h"
#include "proc/peer_text.h"
#include "token/forward.h"

enum {
    PASSAGE_MS = 30000,             /* from the whole request to the whole answer */
    PASSAGE_ANSWER_MAX = 256 << 10, /* bytes of an answer's body */
};

struct connection;
struct exchange;
struct front;
struct way;
struct http_call;
struct call_answer;

enum passage_phase { PASSAGE_WAITS = 0, PASSAGE_TLS, PASSAGE_ASKS, PASSAGE_READS };

/* One request, as long as its exchange. */
struct passage {
    struct passage *next;      /* in the list of those that are free */
    struct exchange *exchange; /* NULL: free */
    uint8_t peer;              /* its place in the settings */
    enum passage_phase phase;
    struct connection *connection; /* NULL: dial has not brought it */
    struct sink out;               /* the request as it goes on; empty: nobody has vouched for it */
    size_t sent;                   /* of it */
    struct http1 http;
    struct http1_room room;
    void *room_memory;
    uint8_t *in; /* FRONT_IN_MAX: read and not understood yet */
    size_t in_len;
    struct sink answer; /* of its body, what has come */
};

/* Where the public routes of a peer are. */
struct passage_place {
    bool is_set;
    struct url_origin origin;
    struct tls_client *client; /* NULL: none is wanted, or none can be made */
    uint32_t open;             /* passages to it */
};

struct passages {
    struct passage_place places[SETTING_PEERS_MAX];
    struct passage *free;
    bool is_made;            /* there is room for them: a peer has public routes */
    uint32_t open;           /* passages */
    uint64_t answered, lost; /* requests that a challenge has answered, and has not */
};

/* passages_open_peer: before the jail, with the CAs that the peer is known by.  False without
   memory, or where its `public` is none. */
MUST_USE
bool passages_open_peer(struct front *front, size_t peer, struct span ca_pem);

/* passage_begin lends one to an exchange; false: there are too many. */
MUST_USE
bool passage_begin(struct front *front, struct exchange *exchange, uint8_t peer);

/* passage_vouched takes the house's word, an answer of Token.Redeem. */
void passage_vouched(struct front *front, struct exchange *exchange, struct span encoded);

/* passage_end gives it back with its exchange, answered or not, and closes its connection. */
void passage_end(struct front *front, struct exchange *exchange);

/* passage_late: the time of its exchange is over. */
void passage_late(struct front *front, struct exchange *exchange);

/* passage_turn is one step of its connection, passage_closed the last one. */
bool passage_turn(struct front *front, struct connection *connection);
void passage_closed(struct front *front, struct connection *connection);

/* passage_reads: it is one, and may have an answer that is not read yet. */
bool passage_reads(const struct connection *connection);

/* The doors for what dial brings, and for why it does not.  passages_dial_gone: nobody brings
   anything any more. */
MUST_USE
rc passage_on_connected(struct trail *trail, void *front, struct call *call);
MUST_USE
rc passage_on_refused(struct trail *trail, void *front, struct call *call);
void passages_dial_gone(struct front *front);

/* forward.c */

/* forward_asked begins what is below the public routes of challenges, or refuses it; false: it is
   something else.  forward_whole: its body is there. */
bool forward_asked(struct front *front, const struct way *way);
void forward_whole(struct front *front, struct exchange *exchange);

/* forward_refuse is call_refuse for such a request. */
void forward_refuse(const struct http_call *call, struct problem *problem, struct sink *room,
                    struct sink *body, struct call_answer *out);

#endif
