/* fuzz_crl.c - a list that is accepted is sound, counts its entries right, and finds each
   serial that it holds. */
#include <stdlib.h>

#include "codec/crl.h"
#include "codec/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SEARCHES = 64 };
    struct crl crl;
    struct cursor entry;
    struct span serial;
    size_t count = 0;
    if (!crl_parse(span_of(data, size), &crl))
        return 0;
    insist(crl_is_sound(&crl) && crl.whole.len == size);
    struct cursor list = cur_over(crl.revoked);
    while (der_open(&list, DER_SEQUENCE, &entry)) {
        insist(der_integer(&entry, &serial));
        insist(count++ >= SEARCHES || crl_lists(&crl, serial));
    }
    insist(cur_end(&list) && count == crl.revoked_count);
    insist(!crl_lists(&crl, span_of("\0", 1)));
    return 0;
}
