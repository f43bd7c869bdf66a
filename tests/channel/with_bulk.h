/* with_bulk.h - the ciphers that all channels of one test program share, from its first test to its
   last. */
#ifndef WARD_TESTS_CHANNEL_WITH_BULK_H
#define WARD_TESTS_CHANNEL_WITH_BULK_H

#include "crypto/bulk.h"

static struct bulk *bulk;

static int begin(void **state)
{
    (void)state;
    bulk = bulk_new();
    return bulk == NULL ? -1 : 0;
}

static int finish(void **state)
{
    (void)state;
    bulk_free(&bulk);
    return 0;
}

#endif
