/* link.h - attested channels over WebSockets: GET /v1/channel becomes one, in which the house is
   the responder, and what the house asks of a peer (outward.h) one in which it is the initiator; or
   one of profile sdk-v1, where that is set for the peer and in no other case.
   Front has the socket, TLS, the channel's keys and what is said in it; core has
   evidence made and judged (core/links.h).

   What a channel that says nothing costs is its struct, what wslay and OpenSSL have, and no more:
   memory for a message is lent while one is coming.  There are few places for the largest message
   of a handshake and more for those of open channels; who is slow with either gives way.  Of a peer
   that the house calls neither these places nor those of half-open ones are a stranger's to take. A
   handshake has one deadline for all of it, and half-open ones are bounded in all, for each address
   and for each site: they never cost an open channel its place, and whoever has few of them never
   loses his to somebody who has many. */
#ifndef WARD_PROC_FRONT_LINK_H
#define WARD_PROC_FRONT_LINK_H

#include "channel/attested.h"
#include "channel/sdk_talk.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "http/websocket.h"
#include "ipc/door.h"
#include "proc/messages.h"

#define LINK_PATH    "/v1/channel"
#define LINK_PURPOSE "ward-house"

enum {
    LINK_HALF_MAX = 64,        /* in their handshake */
    LINK_HALF_OF_PEER = 8,     /* of those, of one address (IPv6: of one /64) */
    LINK_HALF_OF_SITE = 24,    /* and of one /48 */
    LINK_BEGUN_PER_SECOND = 8, /* of all: each has a quote made */
    LINK_BEGUN_BURST = 40,
    LINK_COST = 20, /* of an address's requests, for each that is begun */
    LINK_FINISH_MAX = 2 + ATTESTED_EVIDENCE_HEAD + LINK_EVIDENCE_BYTES + AEAD_TAG,
    LINK_FINISHES_MAX = 8, /* that are coming in at once */
    LINK_DATA_MAX = ATTESTED_PLAIN_MAX + ATTESTED_RECORD_EXTRA,
    LINK_DATAS_MAX = 64, /* messages of open channels that are coming in at once */
    LINK_PIECES_MAX = 64,
    LINK_CONTROLS_MAX = 8,      /* pings and pongs in a second */
    LINK_QUEUE_MAX = 128 << 10, /* bytes that wait to be sent */
    LINK_OUT = 4096,            /* bytes made and not taken by the socket */
    LINK_SESSION_MS = 5000,     /* for core to grant one */
    LINK_ID_MAX = 128,          /* bytes of a message's id */
    LINK_NODES_MAX = 4096,      /* values of one message */
    LINK_SDK_FRAME = 256 << 10, /* bytes of a frame of profile sdk-v1 */
    LINK_SDK_SLOTS = 1 << 16,   /* half as many of its records are taken in one session */
};

struct connection;
struct front;
struct http_request;
struct way;

struct link_room {
    struct link_room *next; /* in the list of those that are free */
    uint8_t *bytes;
};

struct link_rooms {
    struct link_room *free;
    uint32_t cap; /* bytes of each */
};

/* What a channel of profile sdk-v1 is made of, besides: each peer of that profile has one. */
struct link_sdk {
    struct sdk sdk;
    struct sdk_talk talk;
    uint8_t nonce[SDK_NONCE];
    struct sdk_slot *slots;  /* LINK_SDK_SLOTS */
    struct json_node *nodes; /* LINK_NODES_MAX */
    uint8_t *frame;          /* LINK_SDK_FRAME: what comes in */
    uint32_t dropped;        /* records that were no good, */
    enum reason dropped_for; /* and why the last of them was not */
};

struct link {
    struct link *next; /* in the list of those that are free */
    struct front *front;
    struct connection *connection; /* NULL: free */
    struct websocket ws;
    struct attested attested; /* nothing where `sdk` is, */
    struct link_sdk *sdk;     /* which is the peer's; NULL: version 2 */
    enum attested_role role;
    uint64_t core;      /* the number by which core knows it; 0: it is not open */
    uint16_t waits;     /* the message of core's that it waits for; 0: none */
    bool half;          /* it counts as one in its handshake; one that the house began never does */
    bool pinged;        /* since the peer was heard last */
    bool owed;          /* core's answer for a session that was given up: it is none to the next */
    bool turning;       /* it is its turn: what it has to do is done in it */
    enum reason reason; /* why it is over; REASON_NONE: it is not */
    int64_t until_ms;   /* for core to answer, once it is open */
    uint32_t received;  /* of the websocket, when last looked at */
    struct link_room *room;
    struct link_rooms *rooms; /* where that belongs */
    uint8_t trace[16];
    uint8_t small[ATTESTED_HELLO_MAX]; /* the room of a message that is short for certain */
    uint8_t out[LINK_OUT];
    size_t out_len;
    size_t id_len; /* of the message that is answered when core has */
    uint8_t id[LINK_ID_MAX];
};

/* One that is over, and core was not told yet: its queue had no room. */
struct link_untold {
    uint64_t number;
    enum reason reason;
};

struct front_links {
    struct link *rows;
    uint32_t count; /* of rows */
    uint32_t used;  /* rows behind these were never touched */
    struct link *free;
    struct link *half[LINK_HALF_MAX]; /* the oldest first */
    uint32_t half_count;
    uint32_t open;
    struct link_untold *untold; /* LINKS_MAX: core has no more that could be over */
    uint32_t untold_count;
    struct link_rooms finishes, datas;
    struct link_rooms called; /* as `finishes`, one for each peer that the house calls */
    struct bulk *bulk;
    struct gcra begun;
    struct gcra_rate rate;
    /* Since the start. */
    uint64_t opened, refused, ended, truncated, messages;
};

/* link.c: from a request to a channel and its end. */

/* links_open: before the jail.  False without memory. */
MUST_USE
bool links_open(struct front *front);

/* link_asked: the request is for a channel; it was refused, or its end is waited for. */
bool link_asked(struct front *front, const struct way *way);

/* link_upgrade answers the request when it is whole; link_begin goes on when the answer is out,
   with what was read behind the request. */
void link_upgrade(struct front *front, const struct way *way);
void link_begin(struct front *front, struct connection *connection, struct span read);

/* link_call begins one over a connection of the house's own, whose peer has agreed to a WebSocket;
   `read` is what came behind that. */
void link_call(struct front *front, struct connection *connection, struct span read);

/* link_turn is one step; true when another may get further. */
bool link_turn(struct front *front, struct connection *connection);

/* link_is_quiet: nothing of it is under way. */
bool link_is_quiet(const struct link *link);

/* link_sweep: what is late.  `late` is what the connection's pace says. */
void link_sweep(struct front *front, struct connection *connection, enum reason late,
                int64_t now_ms);

/* link_give_back ends it with its connection; NULL is nothing. */
void link_give_back(struct front *front, struct connection *connection);

/* link_put queues a message of the channel; false, and it is over, when that cannot be. */
bool link_put(struct link *link, struct span message);

/* link_ask has core asked, and waits for that message of its; false, and it is over, when that
   cannot be.  link_shows is for evidence, where there is room for it. */
bool link_ask(struct link *link, uint16_t message, struct span body, uint16_t waits);
bool link_shows(struct link *link, uint16_t message, struct span body);

/* link_note has core log what the peer says to the owner. */
void link_note(struct link *link, struct span text);

/* link_admit: a message costs its sender what a request does. */
enum reason link_admit(const struct link *link);

/* link_wake has done what there is to do, unless it is being done. */
void link_wake(struct link *link);

/* link_half.c: those in their handshake. */

/* link_may_be_half: this one may begin another.  link_make_half_room ends one to that end where it
   has to: the oldest that has not shown its evidence, of the site that has the most. */
bool link_may_be_half(const struct front_links *links, const struct connection *connection);
bool link_make_half_room(struct front *front, const struct connection *connection);

/* link_leave_half: it no longer counts as one in its handshake. */
void link_enter_half(struct link *link);
void link_leave_half(struct link *link);

/* link_over ends it: nothing more is read, and what was put is sent.  Core is told. */
void link_over(struct link *link, enum reason reason);

/* link_finish tells the peer that no more follows, and link_refuse why not. */
void link_finish(struct link *link);
void link_refuse(struct link *link, enum reason reason);

/* links_tell_ends tells core of channels that are over, as far as it takes that.  link_tell_end is
   for one, by core's number. */
void links_tell_ends(struct front *front);
void link_tell_end(struct front *front, uint64_t number, enum reason reason);

void links_core_gone(struct front *front);
void links_stop(struct front *front);

/* link_shake.c: the handshake, and core's part in it. */
void link_take(struct link *link, struct attested_message message);
void link_event(struct link *link, const struct attested_event *event, struct sink *out);
MUST_USE
rc link_on_quoted(struct trail *trail, void *front, struct call *call);
MUST_USE
rc link_on_judged(struct trail *trail, void *front, struct call *call);
MUST_USE
rc link_on_end(struct trail *trail, void *front, struct call *call);

/* link_said.c: what is said in an open channel. */
void link_hear(struct link *link, struct span text);

/* A message while it is looked at. */
struct link_heard {
    struct link *link;
    struct json json;
};

/* link_id_of: the name by which a message wants to be answered, as it is written; empty: none. */
struct span link_id_of(const struct link_heard *heard);

/* link_answer begins an answer in `out`, link_put_id names what it answers, link_say seals and
   sends it; link_say_error is all of that. */
struct json_writer link_answer(struct front *front, struct sink *out, const char *type);
void link_put_id(struct json_writer *json, struct span id);
void link_say(struct link *link, struct json_writer *json, const struct sink *plain);
void link_say_error(struct link *link, enum reason reason, struct span id);

/* link_session.c */
void link_hear_session(const struct link_heard *heard);
MUST_USE
rc link_on_session(struct trail *trail, void *front, struct call *call);

/* link_unanswered: core has not said in time whether there is a session. */
void link_unanswered(struct link *link);

/* link_sdk.c: profile sdk-v1 with a peer that the house has called.  What it says is heard, a query
   is answered with an error, and nothing is done on its word. */

/* link_sdk_new: before the jail; NULL without memory. */
struct link_sdk *link_sdk_new(struct arena *arena);

MUST_USE
bool link_sdk_begin(struct link *link);
void link_sdk_speak(struct link *link);
void link_sdk_give(struct link *link, const struct attested_evidence *made);
void link_sdk_judged(struct link *link, struct decision decision);
void link_sdk_refuse(struct link *link, enum reason reason);
bool link_sdk_tick(struct link *link, int64_t now_ms);

/* link_sdk_cut: the connection ends here; what that means.  link_sdk_fini forgets its keys. */
enum reason link_sdk_cut(struct link *link);
void link_sdk_fini(struct link *link);

#endif
