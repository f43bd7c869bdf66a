/* credential.h - a signed request, as front hands it to core: front has read it, core judges it. */
#ifndef WARD_PROC_CREDENTIAL_H
#define WARD_PROC_CREDENTIAL_H

#include "base/cursor.h"
#include "base/sink.h"
#include "token/signed_request.h"

enum { CREDENTIAL_MAX = SIGNED_TEXT_MAX + 256 };

/* u8 version; bytes method, host, target and content type; 32 hash of the body; u64 timestamp;
   bytes nonce and token; 32 key; 64 signature. */
void credential_put(struct sink *out, const struct signed_request *request);

/* credential_get takes nothing that is longer than front may send; *out views what was read. */
MUST_USE
bool credential_get(struct cursor *in, struct signed_request *out);

#endif
