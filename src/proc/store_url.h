/* store_url.h - what store.url may be: "sqlite", or how libpq finds a PostgreSQL server, as
   a URI or as KEYWORD=VALUE pairs, and never with a password in it.  Looks at the text only;
   libpq has the last word on all else. */
#ifndef WARD_PROC_STORE_URL_H
#define WARD_PROC_STORE_URL_H

#include "base/result.h"
#include "base/span.h"

enum store_url {
    STORE_URL_SQLITE = 0,
    STORE_URL_POSTGRESQL,
    STORE_URL_SECRET, /* carries a password or another secret of libpq */
    STORE_URL_BAD,    /* neither form */
};

/* store_url_kind judges a text.  A text of which it cannot be told that no secret is in it is
   STORE_URL_BAD. */
enum store_url store_url_kind(struct span text);

#endif
