/* fuzz_guest_talk.c - any bytes as what a guest says, in pieces of two lengths: the same words, no
   byte of a file that was not announced, and no path that leads up or out. */
#include <stdlib.h>
#include <string.h>

#include "job/guest_talk.h"
#include "model/reason.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    size_t words;
    uint64_t promised, bytes;
    bool refused, over;
};

static void check_path(struct span path)
{
    if (path.len == 0 || path.at[0] == '/' || memchr(path.at, 0, path.len) != NULL ||
        memmem(path.at, path.len, "//", 2) != NULL)
        abort();
    for (size_t i = 0; i + 1 < path.len; i++) {
        const bool begins = i == 0 || path.at[i - 1] == '/';
        const bool ends = i + 2 == path.len || path.at[i + 2] == '/';
        if (begins && ends && path.at[i] == '.' && path.at[i + 1] == '.')
            abort();
    }
}

static void count(struct heard *heard, const struct guest_word *word)
{
    heard->words++;
    if (word->said == GUEST_FOLDER || word->said == GUEST_FILE || word->said == GUEST_ODD)
        check_path(word->text);
    if (word->said == GUEST_FILE)
        heard->promised += word->size;
    if (word->said == GUEST_BYTES)
        heard->bytes += word->text.len;
    if (word->said == GUEST_REFUSED &&
        (word->refused.row >= GUEST_REFUSED_MAX || word->refused.count == 0))
        abort();
    if (word->said == GUEST_TRIED && !denied_is_sound(&word->tried, JOB_LIST_MAX))
        abort();
    if (heard->bytes > heard->promised || word->mode > 07777)
        abort();
}

static void hear_in_pieces(struct span bytes, size_t piece, struct heard *heard)
{
    static uint8_t room[GUEST_HEAD + GUEST_BODY_MAX];
    struct guest_hearing hearing = { 0 };
    size_t len = 0;
    while (!heard->refused && bytes.len > 0) {
        size_t more = piece < bytes.len ? piece : bytes.len;
        more = more < sizeof room - len ? more : sizeof room - len;
        memcpy(room + len, bytes.at, more);
        len += more;
        bytes = span_of(bytes.at + more, bytes.len - more);
        struct span rest = span_of(room, len);
        struct guest_frame frame;
        struct guest_word word;
        int taken;
        while (!heard->refused && (taken = guest_take(&rest, &frame)) != 0) {
            heard->refused = taken < 0 || !guest_hear(&hearing, &frame, &word);
            if (!heard->refused)
                count(heard, &word);
        }
        memmove(room, rest.at, rest.len);
        len = rest.len;
        if (len == sizeof room)
            abort(); /* a frame finds room, or is refused */
    }
    heard->over = guest_hearing_is_over(&hearing);
}

/* What is told of a machine, by whoever may have been taken over. */
static void judge_word(const uint8_t *data, size_t size)
{
    struct machine_word word;
    if (size < sizeof word)
        return;
    memcpy(&word, data, sizeof word);
    if (machine_word_is_sound(&word) && memchr(word.what, 0, sizeof word.what) == NULL)
        abort();
    if (machine_word_is_sound(&word) && word.stage == MACHINE_REFUSED &&
        word.refused.row >= GUEST_REFUSED_MAX)
        abort();
    machine_word_what(&word, span_of(data, size));
    word.stage = MACHINE_RUNS;
    word.reason = REASON_OK;
    word.ran = word.code = word.signal = word.untold = 0;
    if (!machine_word_is_sound(&word))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard one = { 0 }, other = { 0 };
    struct guest_limits limits;
    struct guest_call call;
    uint8_t mark;
    const struct guest_frame frame = { GUEST_LIMITS, span_of(data, size) };
    hear_in_pieces(span_of(data, size), size + 1, &one);
    hear_in_pieces(span_of(data, size), 7, &other);
    if (one.words != other.words || one.bytes != other.bytes || one.refused != other.refused ||
        one.over != other.over)
        abort();
    judge_word(data, size);
    const char *text = guest_text(&frame, &mark);
    if (text != NULL && strlen(text) + 2 != size)
        abort();
    bool read = guest_read_limits(&frame, &limits);
    read = guest_read_call(&frame, &call) || read;
    return read && size > 256 ? 1 : 0;
}
