/* core.h - the process that knows what the house does: it takes requests that front has read,
   answers what it knows itself, and asks the process that knows the rest.  It holds no key
   and reads nothing that a stranger wrote except as messages of the table of routes. */
#ifndef WARD_PROC_CORE_H
#define WARD_PROC_CORE_H

#include "model/api.h"
#include "proc/house.h"
#include "proc/messages.h"
#include "proc/routes.h"

enum {
    CORE_PENDING_MAX = 1024,    /* requests that wait for another process */
    CORE_SCRATCH_MAX = 1 << 20, /* for one request and its answer */
    CORE_TRACE = 16,
};

/* A request of front's, as it came. */
struct request {
    uint64_t id; /* of front's, for the answer */
    enum method method;
    enum caller caller;
    uint8_t address[16];
    uint8_t trace[CORE_TRACE];
    struct span body; /* protobuf */
};

/* One that waits for an answer of another process. */
struct pending {
    uint64_t id; /* of our question to that peer; 0: free */
    enum peer peer;
    uint64_t front_id; /* of front's */
    int64_t until_ms;
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
    int64_t started; /* seconds since 1970 */
    void *scratch;
};

/* system.c: the methods that core answers itself.  False: the answer is `reason`. */
enum reason core_ping(struct core *core, const struct request *request, struct arena *scratch,
                      struct sink *answer);
enum reason core_version(struct core *core, const struct request *request, struct arena *scratch,
                         struct sink *answer);
enum reason core_doctor(struct core *core, const struct request *request, struct arena *scratch,
                        struct sink *answer);
enum reason core_config(struct core *core, const struct request *request, struct arena *scratch,
                        struct sink *answer);

/* requests.c: the doors. */
MUST_USE
rc core_on_request(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_audit_answer(struct trail *trail, void *core, struct call *call);

/* core_ask puts a question to a peer on behalf of a request, or answers that it cannot be put;
   core_answered answers the request whose question had this id, if it still waits. */
void core_ask(struct core *core, const struct request *request, enum peer peer,
              struct frame *question);
void core_answered(struct core *core, const struct call *call, enum peer peer,
                   const struct answer *answer);

/* core_refuse answers a request with a reason alone. */
void core_refuse(struct core *core, const struct request *request, enum reason reason);

/* keyring.c: what the keeper alone knows and does. */
void core_ask_keeper(struct core *core, const struct request *request);
MUST_USE
rc core_on_keyring(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_rotated(struct trail *trail, void *core, struct call *call);

/* core_peer_gone answers all who wait for it; core_expire those whose time is over, and says
   when the next one's will be. */
void core_peer_gone(struct core *core, enum peer peer);
int64_t core_expire(struct core *core, int64_t now_ms);

#endif
