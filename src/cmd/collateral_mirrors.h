/* collateral_mirrors.h - whom `ward collateral fetch` asks: the mirrors and the proxy of its
   command line, whose passwords do not stand there. */
#ifndef WARD_CMD_COLLATERAL_MIRRORS_H
#define WARD_CMD_COLLATERAL_MIRRORS_H

#include "cmd/command.h"

enum { MIRRORS_MAX = 8, URL_MAX = 512 };

struct mirrors {
    const char *at[MIRRORS_MAX]; /* bases, without a slash at the end */
    size_t count;
    const char *proxy; /* NULL: none */
};

/* mirrors_read reads both options; a URL with a password in it must come from a place
   (secret_source.h).  False: it has said why. */
MUST_USE
bool mirrors_read(struct invocation *in, size_t mirror_option, size_t proxy_option,
                  struct mirrors *out);

/* url_without_password: the URL without what may be a password, for messages. */
const char *url_without_password(struct arena *arena, const char *url);

#endif
