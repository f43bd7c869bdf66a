/* low.h - the one door to the interfaces of OpenSSL that 3.0 calls deprecated.

   They are still maintained and tested there, and several times faster than what replaces
   them; docs/adr/0006-importing-ec-keys.md has the figures and says when to look again.
   Included by .c files of this room only, before any other OpenSSL header. */
#ifndef WARD_CRYPTO_LOW_H
#define WARD_CRYPTO_LOW_H

#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#endif
