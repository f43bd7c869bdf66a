/* measure_quote.h - the registers of a quote that nobody has judged. */
#ifndef WARD_CMD_MEASURE_QUOTE_H
#define WARD_CMD_MEASURE_QUOTE_H

#include "base/arena.h"
#include "model/claims.h"

/* measure_quote reads them; false: it is no quote of a TD, or there is no memory. */
MUST_USE
bool measure_quote(struct span bytes, struct arena *arena, struct tdx_claims *out);

#endif
