/* bound.c - what evidence is bound to: all that a process needs of a channel that only has evidence
   made or judged for one. */
#include "channel/bound.h"

#include "channel/parts.h"

_Static_assert((int)ATTESTED_BOUND == (int)SHA256_LEN, "a transcript is bound");

void attested_report_data(const uint8_t bound[ATTESTED_BOUND], enum attested_role role,
                          uint8_t out[ATTESTED_REPORT_DATA])
{
    const uint8_t number = (uint8_t)role;
    const struct span parts[] = { span_text(ATTESTED_LABEL "report data"), span_of(&number, 1),
                                  span_of(bound, ATTESTED_BOUND) };
    hash_sha512_parts(parts, 3, out);
}
