/* detect.c - see detect.h. */
#include "attest/detect.h"

#include "base/cursor.h"

enum { CBOR_ARRAY_OF_4 = 0x84, CBOR_TAG_18 = 0xd2 };

enum evidence_family evidence_family(struct span evidence)
{
    struct cursor in = cur_over(evidence);
    uint8_t first, second = 0;
    if (!cur_u8(&in, &first))
        return EVIDENCE_FAMILY_UNKNOWN;
    bool alone = !cur_u8(&in, &second);
    if (first == CBOR_ARRAY_OF_4 || (first == CBOR_TAG_18 && (alone || second == CBOR_ARRAY_OF_4)))
        return EVIDENCE_FAMILY_NITRO;
    if (first != 0 && first < ' ' && second == 0)
        return EVIDENCE_FAMILY_QUOTE;
    return EVIDENCE_FAMILY_UNKNOWN;
}
