/* fuzz_miner_token.c - a token that is read has exactly the text that is written of it. */
#include <stdlib.h>

#include "codec/miner_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[MINER_ROOM], text[MINER_TOKEN_MAX];
    struct sink room = sink_over(memory, sizeof memory), again = sink_over(text, sizeof text);
    struct miner_token token;
    if (miner_token_read(span_of(data, size), &room, &token) != MINER_READ)
        return 0;
    insist(miner_claims_are_good(&token.claims));
    miner_input_write(&again, &token.claims);
    insist(span_equal(sink_bytes(&again), token.input));
    miner_token_end(&again, token.signature);
    insist(sink_ok(&again) && span_equal(sink_bytes(&again), span_of(data, size)));
    return 0;
}
