/* source.h - where a program gets evidence of itself from.  One interface, whatever vouches:

       nsm      the Nitro Secure Module, /dev/nsm
       tsm      Linux's report interface, /sys/kernel/config/tsm/report
       dstack   the guest agent of dstack, a unix socket; tappd is its first version
       house    a house of Ward on this machine, by its state folder

   A source is asked for evidence that bears 64 bytes, and what it says is looked at before
   anybody gets it: it is of a kind that can be judged, it bears those bytes, and it has an
   end.  Whether it is true is for a verifier to say, who has roots and a policy; a source of
   whatever kind may be simulated. */
#ifndef WARD_SOURCE_SOURCE_H
#define WARD_SOURCE_SOURCE_H

#include "base/arena.h"
#include "base/result.h"
#include "base/span.h"
#include "model/claims.h"
#include "model/reason.h"

enum source_kind {
    SOURCE_NONE = 0,
    SOURCE_NSM,
    SOURCE_TSM,
    SOURCE_DSTACK,
    SOURCE_TAPPD,
    SOURCE_HOUSE,
    SOURCE_KINDS
};

enum {
    SOURCE_REPORT_DATA = 64,
    SOURCE_PATH_MAX = 4096,
    SOURCE_EVIDENCE_MAX = 32 * 1024, /* a quote or document; Linux's own limit of a report */
    SOURCE_LOG_MAX = 256 * 1024,     /* an event log */
    SOURCE_ANSWER_MAX = 1024 * 1024, /* the body of an agent's answer, which holds both as text */
    SOURCE_NONCE_MAX = 512,
    SOURCE_KEY_MAX = 1024,
    SOURCE_TRIES = 5,         /* when somebody else is using the report interface */
    SOURCE_DETAIL = 160,      /* bytes of a detail, its NUL counted */
    SOURCE_TIMEOUT_MS = 30000 /* enough for the slowest device; shorter is the caller's choice */
};

/* Which source, and where. */
struct source_name {
    enum source_kind kind;
    char path[SOURCE_PATH_MAX];
};

/* Why there is no evidence. */
struct source_problem {
    enum reason reason;
    char detail[SOURCE_DETAIL]; /* printable ASCII: what exactly, for people; may be "" */
};

/* What the evidence is to bear.  A nonce and a public key beside it are for nsm only. */
struct source_ask {
    uint8_t report_data[SOURCE_REPORT_DATA]; /* of nsm: user_data */
    struct span nonce, public_key;           /* empty: none */
};

struct source_evidence {
    enum evidence_kind kind;
    struct span evidence;
    struct span event_log; /* that explains it, in CCEL's or dstack's form; empty: there is none */
    bool simulated;        /* the source itself says that there is no hardware behind it */
};

/* {.folder = -1, .kind = SOURCE_NONE} is valid to close. */
struct source {
    struct source_name name;
    int fd; /* of nsm the device, of tsm the folder; the others connect for each quote */
    int64_t timeout_ms;
};

/* source_kind_name: "nsm", "tsm", ...; never NULL. */
const char *source_kind_name(enum source_kind kind);

/* source_name_read reads "KIND" or "KIND:PATH".  Without a path it is the usual one; dstack and
   tappd have several, and it is the first that is there.  A house has none, so it must be named.
   False, with *out untouched: no such kind, or no usable path. */
MUST_USE
bool source_name_read(const char *text, struct source_name *out);

/* source_find chooses the source by what this machine has, in this order:

       1  `simulator`, when it is not NULL: the path of a socket that stands in for dstack's
          agent, as its SDKs take it from DSTACK_SIMULATOR_ENDPOINT
       2  the sockets of dstack, then of tappd: who is inside such a guest wants the log that
          goes with the evidence, and only the agent has it
       3  /dev/nsm
       4  Linux's report interface

   A house is never found, only named.  False: there is none. */
MUST_USE
bool source_find(const char *simulator, struct source_name *out);

/* source_open makes ready; what needs a right or a device is opened now.  timeout_ms is for each
   quote.  False, with the reason in *problem. */
MUST_USE
bool source_open(const struct source_name *name, int64_t timeout_ms, struct source *out,
                 struct source_problem *problem);
void source_close(struct source *source);

/* source_quote gets evidence that bears what is asked; it lives in the arena.  It waits up to the
   timeout for an agent; a device is waited for as long as its driver takes.  False, with
   *out untouched and the reason in *problem: nothing of a bad answer is handed on. */
MUST_USE
bool source_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                  struct source_evidence *out, struct source_problem *problem);

#endif
