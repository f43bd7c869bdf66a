/* tls_look.h - a look at the files of the listener's certificate and key as the house would take
   them.  ward-keyring reads them: no key is ever in this program. */
#ifndef WARD_CMD_TLS_LOOK_H
#define WARD_CMD_TLS_LOOK_H

#include "base/arena.h"
#include "base/time.h"
#include "proc/tls_open.h"

enum { TLS_LOOK_NAME = 128 };

struct tls_looked {
    struct tls_fault fault; /* REASON_NONE: a house would take them */
    struct window validity; /* where there is no fault, or one of dates; and so the names */
    char subject[TLS_LOOK_NAME + 1], issuer[TLS_LOOK_NAME + 1]; /* common names; "": none */
};

/* So for the files that operators' certificates are judged by. */
struct tls_clients_looked {
    struct tls_fault fault;     /* REASON_NONE: a house would take them, */
    int64_t cas_end, lists_end; /* and then: the last second of the first CA, and of the first list,
                                   that ends; INT64_MAX: there is none */
};

/* tls_is_of_dates: it says when a certificate is good, and nothing else of it. */
static inline bool tls_is_of_dates(enum reason reason)
{
    return reason == REASON_TLS_CERTIFICATE_EXPIRED ||
           reason == REASON_TLS_CERTIFICATE_NOT_YET_VALID;
}

/* tls_look: the settings name both files.  Whose the key's is, is not looked at: it may be another
   user who runs the house.  False: it could not look, and has said why. */
MUST_USE
bool tls_look(const struct settings *settings, struct tls_looked *out);

/* tls_look_clients looks at tls.client_ca and tls.client_crl, as far as they are set; whose they
   are, is not looked at.  False: there is no memory, and nothing was said of it. */
MUST_USE
bool tls_look_clients(const struct settings *settings, struct arena *arena,
                      struct tls_clients_looked *out);

#endif
