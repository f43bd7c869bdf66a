/* ward/channel.h - talks to a peer that has proved what it is, and to nobody else.

       struct ward_channel_setup setup = { .purpose = "challenge/example",
                                           .evidence = ward_source_evidence,
                                           .evidence_arg = source, .trust = &trust };
       struct ward_channel *channel;
       ward_channel_connect(&setup, "wss://house.example/v1/channel", &channel, &error)
       ward_channel_send(channel, message, 5000, &error)
       ward_channel_receive(channel, 5000, &message, &error)
       ward_channel_close(channel, 5000, &error); ward_channel_free(&channel);

   Both sides show evidence over keys that are made for this one channel, so that who relays
   genuine evidence gains nothing by it; what they say is then read, changed, replayed, reordered,
   dropped or cut by nobody unseen.  docs/wire.md has every byte.

   Calls wait, each for the milliseconds that it is given; 0 looks and does not wait.  One thread
   at a time uses a channel; different channels share nothing.  After any outcome but WARD_DONE,
   WARD_TIMED_OUT of ward_channel_receive, WARD_BAD_INPUT of ward_channel_send and WARD_CLOSED a
   channel is over: its keys are wiped, and every further call gives the same reason again. */
#ifndef WARD_CHANNEL_H
#define WARD_CHANNEL_H

#include <ward/base.h>
#include <ward/collateral.h>
#include <ward/policy.h>
#include <ward/source.h>
#include <ward/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_channel;

enum {
    WARD_CHANNEL_MESSAGE = 64 * 1024, /* bytes of the longest message */
    WARD_CHANNEL_SESSION = 32,        /* bytes of what only both ends have in common */
    WARD_CHANNEL_PINS = 16,           /* of one peer, at most */
    WARD_CHANNEL_HANDSHAKE_MS = 30000 /* the handshake takes no longer, whatever the setup says */
};

/* ward_evidence_fn makes this side's evidence over report_data: a quote has it as its report data,
   a Nitro document as its user_data.  The bytes live until the call that asked returns.  False:
   there is none, and the channel ends with CHANNEL_EVIDENCE_UNAVAILABLE. */
typedef bool ward_evidence_fn(void *arg, const uint8_t report_data[WARD_REPORT_DATA],
                              struct ward_evidence *out);

/* ward_judge_fn says whether the peer may be talked to.  The bytes live during the call.  It may
 *set reason to one of the stable codes, which the peer is told when the answer is no. */
typedef bool ward_judge_fn(void *arg, const struct ward_evidence *shown,
                           const uint8_t report_data[WARD_REPORT_DATA], const char **reason);

/* How the peer's evidence is judged: by a verifier with a policy, at the system's time and bound to
   this channel; by a function; or by both, the function second.  With neither nothing is good
   enough. */
struct ward_channel_trust {
    struct ward_verifier *verifier;
    struct ward_result
        *result; /* with the verifier: filled with what it found, also on a refusal */
    const struct ward_policy *policy;         /* NULL: the default policy */
    const struct ward_collateral *collateral; /* NULL: none, enough for Nitro only */
    ward_judge_fn *judge;
    void *judge_arg;
};

/* Zero it, then set what applies; everything is borrowed for the time of the call. */
struct ward_channel_setup {
    const char *purpose; /* what the channel is for, 1 to 64 characters without white space: the
                            peer must have the same */
    ward_evidence_fn *evidence; /* NULL: this side has nothing to show, and a peer that asks for it
                                   is refused */
    void *evidence_arg;
    const struct ward_channel_trust *trust; /* or, never both: */
    bool peer_unproven;   /* the peer shows nothing; who it is must be known in some other way */
    int timeout_ms;       /* for the connection and the handshake; 0: WARD_CHANNEL_HANDSHAKE_MS */
    const char *path;     /* what ward_channel_accept answers of a WebSocket; NULL: /v1/channel */
    struct ward_bytes ca; /* wss: PEM of the CAs that the server's certificate may be signed
                             under, or: */
    const uint8_t (*pins)[32]; /* SHA-256 of its key's SubjectPublicKeyInfo: one of these; with
                                  both, both count */
    size_t pin_count;          /* at most WARD_CHANNEL_PINS */
};

/* How a message is told from the next: on a stream its length stands before it (a socket,
   virtio-serial, vsock); a WebSocket has frames. */
enum ward_framing { WARD_FRAMING_STREAM = 1, WARD_FRAMING_WEBSOCKET };

/* ward_channel_connect connects and shakes hands.  An address is one of
       wss://HOST:PORT/PATH        a WebSocket over TLS 1.3; the setup says who may answer
       ws://127.0.0.1:PORT/PATH    a WebSocket in the clear, to this machine alone
       unix:/PATH                  a stream
   where :PORT and /PATH may be left out of the first two, for the scheme's port and "/"; a user, a
   query, a fragment or an escape makes it none, as does a host in the clear that is no address.
   WARD_UNREACHABLE without a connection; WARD_REFUSED when either side says no: the reason
   is CHANNEL_EVIDENCE_DENIED for the peer's evidence, with what the policy said beside it, and
   CHANNEL_REFUSED_BY_PEER for one's own.  The caller frees *out. */
WARD_API WARD_MUST_USE enum ward_outcome ward_channel_connect(
    const struct ward_channel_setup *setup, const char *address, struct ward_channel **out,
    struct ward_error *error);

/* ward_channel_join and ward_channel_accept shake hands over a descriptor that is connected
   already: the first speaks first, the second answers.  As a WebSocket the first asks for
   /v1/channel of "localhost", in the clear.  The descriptor is the channel's from the call on, also
   when it fails: it is made non-blocking and close-on-exec, and closed in the end. */
WARD_API WARD_MUST_USE enum ward_outcome ward_channel_join(const struct ward_channel_setup *setup,
                                                           int descriptor,
                                                           enum ward_framing framing,
                                                           struct ward_channel **out,
                                                           struct ward_error *error);
WARD_API WARD_MUST_USE enum ward_outcome ward_channel_accept(const struct ward_channel_setup *setup,
                                                             int descriptor,
                                                             enum ward_framing framing,
                                                             struct ward_channel **out,
                                                             struct ward_error *error);

/* ward_channel_free wipes the keys and closes the connection.  A peer that was not told by
   ward_channel_close sees that it was cut. */
WARD_API void ward_channel_free(struct ward_channel **channel);

/* ward_channel_send sends one message, of at most WARD_CHANNEL_MESSAGE bytes and possibly empty.
   One that could not be sent in time ends the channel.  A longer one, or one after
   ward_channel_close, is WARD_BAD_INPUT and changes nothing. */
WARD_API WARD_MUST_USE enum ward_outcome ward_channel_send(struct ward_channel *channel,
                                                           struct ward_bytes message,
                                                           int timeout_ms,
                                                           struct ward_error *error);

/* ward_channel_receive gives the next message, whole and genuine; it lives until the next call.
   WARD_TIMED_OUT when none came in time, and the channel goes on.  WARD_CLOSED when the peer has
   said that no more follows: only then was it all. */
WARD_API WARD_MUST_USE enum ward_outcome ward_channel_receive(struct ward_channel *channel,
                                                              int timeout_ms,
                                                              struct ward_bytes *out,
                                                              struct ward_error *error);

/* ward_channel_close says that no more follows; the peer may still send, until it does the same.
   Who frees a channel before ward_channel_receive has given WARD_CLOSED may cut the peer short. */
WARD_API WARD_MUST_USE enum ward_outcome ward_channel_close(struct ward_channel *channel,
                                                            int timeout_ms,
                                                            struct ward_error *error);

/* ward_channel_session: WARD_CHANNEL_SESSION bytes that are the same at both ends and nowhere
   else; not a secret.  They live as long as the channel. */
WARD_API const uint8_t *ward_channel_session(const struct ward_channel *channel);

/* ward_channel_descriptor is for poll(2) among others: after it was readable, ward_channel_receive
   is called with 0 until it gives WARD_TIMED_OUT.  -1 when the channel is over. */
WARD_API int ward_channel_descriptor(const struct ward_channel *channel);

#ifdef __cplusplus
}
#endif
#endif
