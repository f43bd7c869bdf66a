/* random.h - random bytes from the kernel, and from nowhere else.

   Every byte comes from getrandom(2) at the moment of the call.  Nothing is buffered, so a
   fork cannot make two processes hand out the same bytes. */
#ifndef WARD_OS_RANDOM_H
#define WARD_OS_RANDOM_H

#include <stddef.h>

/* random_bytes fills len bytes.  It does not return without them: it waits until the kernel's
   generator is seeded, and any failure prints one line on stderr and aborts the process. */
void random_bytes(void *out, size_t len);

#endif
