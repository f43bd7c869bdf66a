/* look.h - ward-keyring's other trade: looks at a certificate and its key before a house does. */
#ifndef WARD_PROC_KEEPER_LOOK_H
#define WARD_PROC_KEEPER_LOOK_H

/* keyring_look reads the chain and the key from descriptors 3 and 4, and writes to 5 what it found:
     u16 enum reason, REASON_NONE: they can be used; then, once the chain can be read,
     u64 from, u64 until, bytes the subject's common name, bytes the issuer's.
   Returns main's exit code: 0 when the answer is written. */
int keyring_look(void);

#endif
