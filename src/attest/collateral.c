/* collateral.c - see collateral.h. */
#include "attest/collateral.h"

struct collateral *collateral_new(const struct collateral_sources *sources,
                                  const struct trust_roots *roots, struct crypto *crypto)
{
    (void)sources, (void)roots, (void)crypto;
    return NULL;
}

void collateral_free(struct collateral **collateral)
{
    *collateral = NULL;
}

int64_t collateral_expires(const struct collateral *collateral)
{
    (void)collateral;
    return TIME_MAX;
}

const char *collateral_kind_name(enum collateral_kind kind)
{
    (void)kind;
    return "";
}

size_t collateral_count(const struct collateral *collateral)
{
    (void)collateral;
    return 0;
}

bool collateral_entry(const struct collateral *collateral, size_t index,
                      struct collateral_entry *out)
{
    (void)collateral, (void)index, (void)out;
    return false;
}
