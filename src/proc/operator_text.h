/* operator_text.h - tls.operators, and who one of them is: a name that his certificate must have.
   Data, and text read into it. */
#ifndef WARD_PROC_OPERATOR_TEXT_H
#define WARD_PROC_OPERATOR_TEXT_H

#include "base/result.h"
#include "base/span.h"

enum {
    OPERATORS_MAX = 32,
    OPERATOR_NAME_MAX = 160, /* bytes of "dns:NAME" or "uri:URI" */
};

struct operator
{
    bool is_uri;       /* else a DNS name */
    struct span name;  /* as the certificate has it */
    struct span whole; /* as it is set, and logged: "uri:spiffe://example.org/ops/alice" */
};

/* Views the text that was read. */
struct operators {
    size_t count;
    struct operator at[OPERATORS_MAX];
};

/* operators_read reads names with a comma between them, blanks around each allowed; an empty text
   is none.  No wildcards, no blanks, no commas in a URI, none twice. */
MUST_USE
bool operators_read(struct span text, struct operators *out);

/* operators_have: one of them is set just so. */
bool operators_have(const struct operators *operators, struct span whole);

#endif
