/* tls_open.h - the files of the listener's certificate and of its key, and those that clients'
   certificates are judged by, opened and looked at from outside: what is in them is for the keeper
   and for front to read. */
#ifndef WARD_PROC_TLS_OPEN_H
#define WARD_PROC_TLS_OPEN_H

#include <sys/types.h>

#include "model/reason.h"
#include "proc/settings.h"

enum { TLS_FAULT_TEXT = 640 }; /* bytes of a path and what is wrong with it */
static const uid_t TLS_ANY_OWNER = (uid_t)-1;

struct tls_fault {
    enum reason reason;
    char text[TLS_FAULT_TEXT]; /* "PATH: what is wrong with it" */
};

/* tls_open opens both, where they are set; else it touches nothing.  The key must be `owner`'s or
   root's, and nobody else's to read.  False: the fault says why, TLS_FILE_UNUSABLE or
   TLS_KEY_UNSAFE, and none is open. */
MUST_USE
bool tls_open(const struct settings *settings, uid_t owner, int *certificate, int *key,
              struct tls_fault *fault);

/* tls_open_clients does so for tls.client_ca and tls.client_crl, which must be `owner`'s or root's,
   and nobody else's to write: TLS_CLIENT_CA_UNUSABLE, TLS_CLIENT_CRL_UNUSABLE. */
MUST_USE
bool tls_open_clients(const struct settings *settings, uid_t owner, int *ca, int *crl,
                      struct tls_fault *fault);

/* tls_path: which of these files a reason of the keeper's or of front's is about; NULL: none. */
const char *tls_path(const struct settings *settings, enum reason reason);

#endif
