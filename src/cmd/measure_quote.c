/* measure_quote.c - see measure_quote.h. */
#include "cmd/measure_quote.h"

#include "attest/quote.h"

bool measure_quote(struct span bytes, struct arena *arena, struct tdx_claims *out)
{
    struct report *report = arena_alloc(arena, sizeof *report);
    struct quote quote;
    return report != NULL && quote_parse(bytes, report, &quote) && quote_body_tdx(quote.body, out);
}
