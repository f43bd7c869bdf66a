/* claim_table.h - the public name of every claim of a quote, and where it stands in struct
   claims.  One table serves the accessor and the JSON form, so the two cannot differ. */
#ifndef WARD_LIB_CLAIM_TABLE_H
#define WARD_LIB_CLAIM_TABLE_H

#include <stddef.h>

#include "model/claims.h"

enum claim_scope { CLAIM_QUOTE, CLAIM_TDX, CLAIM_TDX_15, CLAIM_SGX };
enum claim_form { CLAIM_BYTES, CLAIM_U16, CLAIM_U32, CLAIM_BOOL, CLAIM_FLAG };

struct claim_row {
    const char *name;
    enum claim_scope scope;
    enum claim_form form;
    size_t offset; /* in struct claims */
    size_t len;
};

extern const struct claim_row claim_rows[];
extern const size_t claim_row_count;

/* claim_row_applies: evidence of this kind has this claim. */
bool claim_row_applies(const struct claim_row *row, enum evidence_kind kind);

/* claim_row_number reads the value of a row that is not CLAIM_BYTES. */
uint32_t claim_row_number(const struct claim_row *row, const struct claims *claims);

#endif
