/* ward/source.h - evidence of this machine: what a program shows to whoever wants to know what it
   is.

   One call, whatever vouches: a Nitro Secure Module, Linux's report interface, the guest agent of
   dstack, or a house of Ward.  Whether what it says is true is for a verifier to judge: a source of
   any kind may be simulated, and then proves nothing about hardware. */
#ifndef WARD_SOURCE_H
#define WARD_SOURCE_H

#include <ward/base.h>
#include <ward/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WARD_REPORT_DATA = 64 }; /* bytes that evidence is made over */

/* What a side shows: a quote or a Nitro document, raw, and the event log that explains it (may be
   empty). */
struct ward_evidence {
    enum ward_type type; /* TDX, SGX or NITRO */
    struct ward_bytes evidence;
    struct ward_bytes event_log;
};

struct ward_source;

/* ward_source_open makes a source ready.  A name is "nsm", "tsm", "dstack", "tappd" or "house", and
   may go on with ":" and a path; a house has no usual one.  NULL: the first that there is, in this
   order: `simulator`, a socket that stands in for dstack's agent (its SDKs take it from the
   environment's DSTACK_SIMULATOR_ENDPOINT; NULL: none), dstack's or tappd's agent, /dev/nsm, the
   report interface.  timeout_ms is for each piece of evidence; 0: 30 seconds.  WARD_UNREACHABLE
   when there is none.  The caller frees it; one thread at a time uses it. */
WARD_API WARD_MUST_USE enum ward_outcome ward_source_open(const char *name, const char *simulator,
                                                          int timeout_ms, struct ward_source **out,
                                                          struct ward_error *error);
WARD_API void ward_source_free(struct ward_source **source);

/* ward_source_quote gets evidence that bears report_data: a quote as its report data, a Nitro
   document as its user_data.  It lives until the next call.  WARD_REFUSED, with a SOURCE_ reason,
   when the source cannot or says something else. */
WARD_API WARD_MUST_USE enum ward_outcome ward_source_quote(
    struct ward_source *source, const uint8_t report_data[WARD_REPORT_DATA],
    struct ward_evidence *out, struct ward_error *error);

/* ward_source_evidence is the same as a function for ward/channel.h: its argument is the source. */
WARD_API bool ward_source_evidence(void *source, const uint8_t report_data[WARD_REPORT_DATA],
                                   struct ward_evidence *out);

#ifdef __cplusplus
}
#endif
#endif
