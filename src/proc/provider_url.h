/* provider_url.h - what collateral.url may be: the base of a PCS or PCCS, an https:// address of a
   host and nothing that is secret or that a path could be appended to wrongly.  Plain http:// is
   for this machine's own loopback.  Looks at the text only. */
#ifndef WARD_PROC_PROVIDER_URL_H
#define WARD_PROC_PROVIDER_URL_H

#include "base/result.h"
#include "base/span.h"

enum { PROVIDER_URL_MAX = 256 };

MUST_USE
bool provider_url_is_usable(struct span text);

#endif
