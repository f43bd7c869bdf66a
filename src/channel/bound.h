/* bound.h - what evidence of an attested channel is bound to: all that a process needs to know of a
   channel that has evidence made or judged for another process, which has the channel itself. */
#ifndef WARD_CHANNEL_BOUND_H
#define WARD_CHANNEL_BOUND_H

#include <stdint.h>

enum {
    ATTESTED_REPORT_DATA = 64,
    ATTESTED_BOUND = 32, /* bytes of what report data is made from */
};

enum attested_role { ATTESTED_INITIATOR = 1, ATTESTED_RESPONDER };

/* The numbers of the wire. */
enum attested_kind {
    ATTESTED_KIND_NONE = 0,
    ATTESTED_KIND_TDX,
    ATTESTED_KIND_SGX,
    ATTESTED_KIND_NITRO,
};

/* attested_report_data gives the 64 bytes that evidence of this role has in the channel whose
   transcript this is (attested_bound).  Whoever has evidence made for another, and is told these
   bytes and the role instead of 64 bytes, knows that it is good for a channel and for
   nothing else. */
void attested_report_data(const uint8_t bound[ATTESTED_BOUND], enum attested_role role,
                          uint8_t out[ATTESTED_REPORT_DATA]);

#endif
