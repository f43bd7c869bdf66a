/* repeat.c - see repeat.h. */
#include "proc/core/repeat.h"

#include <string.h>

static void forget_old(struct repeats *repeats, int64_t now_ms)
{
    for (size_t i = 0; i < REPEATS; i++) {
        if (repeats->rows[i].until_ms <= now_ms)
            repeats->rows[i] = (struct repeat){ 0 };
    }
}

/* A free one, else the oldest that is done; NULL: neither is there. */
static struct repeat *place(struct repeats *repeats)
{
    struct repeat *found = NULL;
    for (size_t i = 0; i < REPEATS; i++) {
        struct repeat *row = &repeats->rows[i];
        if (row->state == REPEAT_FREE)
            return row;
        if (row->state == REPEAT_DONE && (found == NULL || row->until_ms < found->until_ms))
            found = row;
    }
    return found;
}

enum reason repeats_find(struct repeats *repeats, const struct repeat_call *call, int64_t now_ms,
                         const struct repeat **done)
{
    *done = NULL;
    forget_old(repeats, now_ms);
    for (size_t i = 0; i < REPEATS; i++) {
        const struct repeat *row = &repeats->rows[i];
        if (row->state == REPEAT_FREE || !span_equal(span_of(row->word, row->word_len), call->word))
            continue;
        if (row->what != call->what || row->generation != call->generation)
            return REASON_IDEMPOTENCY_KEY_REUSED;
        if (row->state != REPEAT_DONE)
            return REASON_IDEMPOTENCY_KEY_BUSY;
        *done = row;
    }
    return *done != NULL || place(repeats) != NULL ? REASON_OK : REASON_HOUSE_UNAVAILABLE;
}

void repeats_begin(struct repeats *repeats, const struct repeat_call *call, uint64_t id,
                   int64_t now_ms)
{
    struct repeat *row = place(repeats);
    if (row == NULL || call->word.len > sizeof row->word)
        return;
    *row = (struct repeat){ .state = REPEAT_ASKED,
                            .id = id,
                            .until_ms = now_ms + REPEAT_MS,
                            .what = call->what,
                            .generation = call->generation,
                            .word_len = call->word.len };
    memcpy(row->word, call->word.at, call->word.len);
}

void repeats_end(struct repeats *repeats, uint64_t id, bool made, struct span answer,
                 int64_t now_ms)
{
    for (size_t i = 0; i < REPEATS; i++) {
        struct repeat *row = &repeats->rows[i];
        if (row->state != REPEAT_ASKED || row->id != id)
            continue;
        if (!made || answer.len > sizeof row->answer) {
            *row = (struct repeat){ 0 };
            return;
        }
        row->state = REPEAT_DONE;
        row->until_ms = now_ms + REPEAT_MS;
        row->answer_len = answer.len;
        memcpy(row->answer, answer.at, answer.len);
    }
}

void repeats_lost(struct repeats *repeats)
{
    for (size_t i = 0; i < REPEATS; i++) {
        if (repeats->rows[i].state == REPEAT_ASKED)
            repeats->rows[i].state = REPEAT_UNKNOWN;
    }
}
