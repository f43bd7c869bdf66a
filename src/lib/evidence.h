/* evidence.h - finds the evidence in what the caller has: raw bytes, hex or base64 text, or an
   RA-TLS certificate. */
#ifndef WARD_LIB_EVIDENCE_H
#define WARD_LIB_EVIDENCE_H

#include "base/arena.h"
#include "base/span.h"

/* evidence_decode views the evidence itself: text that is hex or base64 is decoded into the
   arena, anything else is taken as it is.  False only when the arena is used up. */
MUST_USE bool evidence_decode(struct span given, struct arena *arena, struct span *out);

/* The evidence inside an RA-TLS certificate, and the report data that binds it to the
   certificate's key.  Spans view the certificate's DER. */
struct ratls {
    struct span quote;
    struct span event_log; /* empty when there is none */
    uint8_t report_data[64];
};

/* ratls_read understands the extensions of dstack (quote and log, private arc
   1.3.6.1.4.1.62397.1; report data SHA-512("ratls-cert:" || SubjectPublicKeyInfo)) and of
   Intel's RA-TLS (quote, 1.2.840.113741.1337.6; report data SHA-256(SubjectPublicKeyInfo) and
   zeros).  On failure *why is static text. */
MUST_USE bool ratls_read(struct span certificate, struct arena *arena, struct ratls *out,
                         const char **why);

/* certificate_der views the DER of a certificate given as DER, or as the first block of PEM
   text, decoded into the arena. */
MUST_USE bool certificate_der(struct span given, struct arena *arena, struct span *out);

#endif
