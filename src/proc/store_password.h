/* store_password.h - the file that store.password_file names: its first line is what the store's
   server wants to hear.  Who opens it has the rights for it; who reads it need not. */
#ifndef WARD_PROC_STORE_PASSWORD_H
#define WARD_PROC_STORE_PASSWORD_H

#include <sys/types.h>

#include "base/result.h"

enum { STORE_PASSWORD_BYTES = 1024 }; /* of a password; what is longer is cut */

/* store_password_open opens the file, which must be this user's or `owner`'s, plain, and closed to
   all others.
   HOUSE_STATE_UNSAFE; HOUSE_STATE_UNUSABLE, and errno says why it could not be opened. */
MUST_USE
rc store_password_open(struct trail *trail, const char *path, uid_t owner, int *out);

/* store_password_read reads the first line, by its place in the file and not where an earlier
   reader left it; empty when there is none.  The room is the caller's to wipe. */
void store_password_read(int fd, char out[STORE_PASSWORD_BYTES + 1]);

#endif
