/* guest_talk.c - see guest_talk.h. */
#include "job/guest_talk.h"

#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "model/reason.h"

/* --- frames ----------------------------------------------------------------------------------- */

void guest_put(struct sink *out, uint8_t kind, struct span body)
{
    sink_u32le(out, (uint32_t)body.len);
    sink_u8(out, kind);
    sink_put(out, body);
}

void guest_put_text(struct sink *out, uint8_t kind, int mark, struct span text)
{
    sink_u32le(out, (uint32_t)(text.len + (mark < 0 ? 1 : 2)));
    sink_u8(out, kind);
    if (mark >= 0)
        sink_u8(out, (uint8_t)mark);
    sink_put(out, text);
    sink_u8(out, 0);
}

int guest_take(struct span *bytes, struct guest_frame *out)
{
    struct cursor in = cur_over(*bytes);
    struct guest_frame frame;
    uint32_t len;
    if (!cur_u32le(&in, &len) || !cur_u8(&in, &frame.kind))
        return 0;
    if (len > GUEST_BODY_MAX)
        return -1;
    if (!cur_take(&in, len, &frame.body))
        return 0;
    *bytes = cur_rest(&in);
    *out = frame;
    return 1;
}

/* --- what a machine says ---------------------------------------------------------------------- */

enum state { NEW = 0, TOLD, RUNNING, LEFT, IN_FILE, OVER, STATES };
enum { REFUSED = 4 + 4 + 8, TRIED = 4 + 4 }; /* bytes of one; of a try before its name */

/* In which states a kind may come, what follows it, and how long its body may be. */
static const struct step {
    uint8_t in;
    uint8_t next;
    uint16_t least, most;
} steps[GUEST_SAID_COUNT] = {
    [GUEST_HELLO] = { 1 << NEW, TOLD, 4, 4 },
    [GUEST_FAILED] = { 1 << TOLD, OVER, 0, GUEST_WORDS_MAX },
    [GUEST_RUNS] = { 1 << TOLD, RUNNING, 0, 0 },
    [GUEST_OUT] = { 1 << RUNNING, RUNNING, 1, GUEST_BODY_MAX },
    [GUEST_ERR] = { 1 << RUNNING, RUNNING, 1, GUEST_BODY_MAX },
    [GUEST_ENDED] = { 1 << RUNNING, LEFT, 3, 3 },
    [GUEST_FOLDER] = { 1 << LEFT, LEFT, 3, 2 + GUEST_PATH_MAX },
    [GUEST_FILE] = { 1 << LEFT, IN_FILE, 11, 10 + GUEST_PATH_MAX },
    [GUEST_BYTES] = { 1 << IN_FILE, IN_FILE, 1, GUEST_BODY_MAX },
    [GUEST_ODD] = { 1 << LEFT, LEFT, 2, 1 + GUEST_PATH_MAX },
    [GUEST_UNTOLD] = { 1 << LEFT, OVER, 0, 0 },
    [GUEST_DONE] = { 1 << LEFT, OVER, 0, 0 },
    [GUEST_REFUSED] = { 1 << RUNNING, RUNNING, REFUSED, REFUSED },
    [GUEST_ASKS] = { 1 << RUNNING, RUNNING, GUEST_QUESTION, GUEST_QUESTION },
    [GUEST_TRIED] = { 1 << RUNNING, RUNNING, TRIED, TRIED + DENIED_NAME_MAX },
};

/* It leads down from where it begins, a name at a time. */
static bool path_is_plain(struct span path)
{
    size_t begins = 0;
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.at[i] == 0)
            return false;
        if (i < path.len && path.at[i] != '/')
            continue;
        const struct span name = span_of(path.at + begins, i - begins);
        if (name.len == 0 || name.len > 255 || span_equal_text(name, ".") ||
            span_equal_text(name, ".."))
            return false;
        begins = i + 1;
    }
    return true;
}

static bool read_path(struct cursor *in, struct guest_word *word)
{
    word->text = cur_rest(in);
    return path_is_plain(word->text) && cur_skip(in, word->text.len);
}

static bool read_mode(struct cursor *in, struct guest_word *word)
{
    return cur_u16le(in, &word->mode) && word->mode <= 07777;
}

static bool read_version(struct cursor *in)
{
    uint32_t version;
    return cur_u32le(in, &version) && version == GUEST_VERSION;
}

static bool untold_is_sound(uint32_t untold)
{
    return (untold & ~(uint32_t)(GUEST_UNTOLD_CALLS | GUEST_UNTOLD_PATHS)) == 0;
}

static bool read_end(struct cursor *in, struct guest_word *word)
{
    uint8_t end;
    if (!cur_u8(in, &end) || !cur_u8(in, &word->number) || !cur_u8(in, &word->untold) || end == 0 ||
        end >= GUEST_END_COUNT || !untold_is_sound(word->untold))
        return false;
    word->end = (enum guest_end)end;
    return end == GUEST_EXITED || (word->number > 0 && word->number < 65);
}

static bool read_odd(struct cursor *in, struct guest_word *word)
{
    uint8_t odd;
    if (!cur_u8(in, &odd) || odd == 0 || odd >= GUEST_ODD_COUNT)
        return false;
    word->odd = (enum guest_odd)odd;
    return read_path(in, word);
}

static bool refused_is_sound(const struct guest_refused *refused)
{
    return refused->row < GUEST_REFUSED_MAX && refused->count > 0;
}

static bool read_refused(struct cursor *in, struct guest_refused *refused)
{
    return cur_u32le(in, &refused->row) && cur_u32le(in, &refused->count) &&
           cur_u64le(in, &refused->argument) && refused_is_sound(refused);
}

static bool read_tried(struct cursor *in, struct denied_try *tried)
{
    struct denied_try got = { 0 };
    if (!cur_u32le(in, &got.rule) || !cur_u32le(in, &got.count))
        return false;
    const struct span name = cur_rest(in);
    if (name.len > sizeof got.name || !cur_copy(in, got.name, name.len))
        return false;
    got.name_len = (uint8_t)name.len;
    *tried = got;
    return denied_is_sound(&got, JOB_LIST_MAX);
}

static bool read_body(struct guest_word *word, struct cursor *in)
{
    switch (word->said) {
    case GUEST_HELLO:
        return read_version(in);
    case GUEST_ENDED:
        return read_end(in, word);
    case GUEST_FOLDER:
        return read_mode(in, word) && read_path(in, word);
    case GUEST_FILE:
        return read_mode(in, word) && cur_u64le(in, &word->size) && word->size <= INT64_MAX &&
               read_path(in, word);
    case GUEST_ODD:
        return read_odd(in, word);
    case GUEST_REFUSED:
        return read_refused(in, &word->refused);
    case GUEST_TRIED:
        return read_tried(in, &word->tried);
    case GUEST_FAILED:
    case GUEST_OUT:
    case GUEST_ERR:
    case GUEST_BYTES:
    case GUEST_ASKS:
        word->text = cur_rest(in);
        return cur_skip(in, word->text.len);
    case GUEST_RUNS:
    case GUEST_UNTOLD:
    case GUEST_DONE:
        return true;
    case GUEST_SAID_NONE:
    case GUEST_SAID_COUNT:
        return false;
    }
    return false;
}

bool guest_hear(struct guest_hearing *hearing, const struct guest_frame *frame,
                struct guest_word *out)
{
    if (frame->kind == GUEST_SAID_NONE || frame->kind >= GUEST_SAID_COUNT)
        return false;
    const struct step *step = &steps[frame->kind];
    struct guest_word word = { .said = (enum guest_said)frame->kind };
    struct cursor in = cur_over(frame->body);
    if ((step->in & 1u << hearing->state) == 0 || frame->body.len < step->least ||
        frame->body.len > step->most || !read_body(&word, &in) || !cur_end(&in))
        return false;
    if (word.said == GUEST_BYTES && word.text.len > hearing->left)
        return false;
    hearing->left = word.said == GUEST_FILE    ? word.size
                    : word.said == GUEST_BYTES ? hearing->left - word.text.len
                                               : 0;
    hearing->state = step->next == IN_FILE && hearing->left == 0 ? LEFT : step->next;
    *out = word;
    return true;
}

bool guest_hearing_is_over(const struct guest_hearing *hearing)
{
    return hearing->state == OVER;
}

/* --- what it is told -------------------------------------------------------------------------- */

const char *guest_text(const struct guest_frame *frame, uint8_t *mark)
{
    struct span text = frame->body;
    if (mark != NULL) {
        if (text.len == 0)
            return NULL;
        *mark = text.at[0];
        text = span_of(text.at + 1, text.len - 1);
    }
    if (text.len == 0 || memchr(text.at, 0, text.len) != text.at + text.len - 1)
        return NULL;
    return (const char *)text.at;
}

enum { LIMITS = 8, FLAGS = 5 };

void guest_put_limits(struct sink *out, const struct guest_limits *limits)
{
    const uint64_t numbers[LIMITS] = { limits->tmpfs,     limits->disk,  limits->output,
                                       limits->file,      limits->files, limits->locked,
                                       limits->processes, limits->user };
    const bool flags[FLAGS] = { limits->read_only, limits->job, limits->collect, limits->network,
                                limits->agent };
    sink_u32le(out, sizeof numbers + FLAGS);
    sink_u8(out, GUEST_LIMITS);
    for (size_t i = 0; i < LIMITS; i++)
        sink_u64le(out, numbers[i]);
    for (size_t i = 0; i < FLAGS; i++)
        sink_u8(out, flags[i] ? 1 : 0);
}

bool guest_read_limits(const struct guest_frame *frame, struct guest_limits *out)
{
    struct cursor in = cur_over(frame->body);
    uint64_t numbers[LIMITS];
    uint8_t flags[FLAGS];
    bool whole = true;
    for (size_t i = 0; i < LIMITS; i++)
        whole = whole && cur_u64le(&in, &numbers[i]);
    for (size_t i = 0; i < FLAGS; i++)
        whole = whole && cur_u8(&in, &flags[i]) && flags[i] <= 1;
    if (!whole || !cur_end(&in))
        return false;
    *out = (struct guest_limits){ .tmpfs = numbers[0],
                                  .disk = numbers[1],
                                  .output = numbers[2],
                                  .file = numbers[3],
                                  .files = numbers[4],
                                  .locked = numbers[5],
                                  .processes = numbers[6],
                                  .user = numbers[7],
                                  .read_only = flags[0] == 1,
                                  .job = flags[1] == 1,
                                  .collect = flags[2] == 1,
                                  .network = flags[3] == 1,
                                  .agent = flags[4] == 1 };
    return true;
}

static void put_condition(struct sink *out, const struct guest_condition *condition)
{
    sink_u8(out, condition->argument);
    sink_u64le(out, condition->mask);
    sink_u64le(out, condition->value);
}

static bool read_condition(struct cursor *in, struct guest_condition *condition)
{
    return cur_u8(in, &condition->argument) && cur_u64le(in, &condition->mask) &&
           cur_u64le(in, &condition->value) && condition->argument <= 5;
}

enum { CONDITION = 1 + 8 + 8, CALL = 4 + 2 + 2 * CONDITION }; /* bytes */

void guest_put_call(struct sink *out, const struct guest_call *call)
{
    sink_u32le(out, CALL);
    sink_u8(out, GUEST_CALL);
    sink_u32le(out, call->number);
    sink_u8(out, (uint8_t)call->action);
    sink_u8(out, call->masked ? 1 : 0);
    put_condition(out, &call->first);
    put_condition(out, &call->also);
}

bool guest_read_call(const struct guest_frame *frame, struct guest_call *out)
{
    struct cursor in = cur_over(frame->body);
    struct guest_call call;
    uint8_t masked, action;
    if (!(cur_u32le(&in, &call.number) && cur_u8(&in, &action) && cur_u8(&in, &masked) &&
          read_condition(&in, &call.first) && read_condition(&in, &call.also) && cur_end(&in)) ||
        masked > 1 || action >= GUEST_ACTION_COUNT)
        return false;
    call.masked = masked == 1;
    call.action = (enum guest_action)action;
    *out = call;
    return true;
}

void guest_put_refused(struct sink *out, const struct guest_refused *refused)
{
    sink_u32le(out, REFUSED);
    sink_u8(out, GUEST_REFUSED);
    sink_u32le(out, refused->row);
    sink_u32le(out, refused->count);
    sink_u64le(out, refused->argument);
}

void guest_put_tried(struct sink *out, const struct denied_try *tried)
{
    sink_u32le(out, (uint32_t)(TRIED + tried->name_len));
    sink_u8(out, GUEST_TRIED);
    sink_u32le(out, tried->rule);
    sink_u32le(out, tried->count);
    sink_put(out, span_of(tried->name, tried->name_len));
}

/* --- what is told of the machine -------------------------------------------------------------- */

static bool reason_is_of_machine(uint32_t reason)
{
    static const enum reason reasons[] = {
        REASON_OK,         REASON_JOB_START,        REASON_JOB_MACHINE,
        REASON_JOB_MEMORY, REASON_JOB_OUTPUT_LIMIT, REASON_JOB_OUTPUT_KIND
    };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reason == (uint32_t)reasons[i])
            return true;
    }
    return false;
}

static bool is_printable(char byte)
{
    return byte >= ' ' && byte <= '~';
}

bool machine_word_is_sound(const struct machine_word *word)
{
    const size_t len = strnlen(word->what, sizeof word->what);
    bool plain = len < sizeof word->what;
    for (size_t i = 0; i < len; i++)
        plain = plain && is_printable(word->what[i]);
    if (!plain || !reason_is_of_machine(word->reason) || word->ran > 1 || word->code > 255 ||
        word->signal > 64 || !untold_is_sound(word->untold))
        return false;
    return word->stage == MACHINE_RUNS ||
           (word->stage == MACHINE_REFUSED && refused_is_sound(&word->refused)) ||
           (word->stage == MACHINE_TRIED && denied_is_sound(&word->tried, JOB_LIST_MAX)) ||
           (word->stage == MACHINE_ENDED && (word->ran == 1 || word->reason != REASON_OK));
}

void machine_word_what(struct machine_word *word, struct span bytes)
{
    size_t len = 0;
    while (bytes.len > 0 && (bytes.at[bytes.len - 1] == '\n' || bytes.at[bytes.len - 1] == '\r'))
        bytes.len--;
    for (; len < bytes.len && len < GUEST_WORDS_MAX; len++) {
        const char byte = (char)bytes.at[len];
        word->what[len] = '.';
        if (is_printable(byte))
            word->what[len] = byte;
    }
    word->what[len] = 0;
}
