/* start.c - see start.h. */
#include "crypto/start.h"

#include <sodium.h>

bool sodium_start(void)
{
    return sodium_init() >= 0;
}
