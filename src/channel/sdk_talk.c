/* sdk_talk.c - who says what to whom, and what follows; see sdk_talk.h. */
#include "channel/sdk_talk.h"

#include <string.h>

#include "base/number.h"
#include "codec/json_write.h"

struct sdk_talk sdk_talk_over(const struct sdk_challenge *challenge, struct json_node *nodes,
                              size_t capacity)
{
    return (struct sdk_talk){ .challenge = challenge, .nodes = nodes, .capacity = capacity };
}

/* --- what is under way ------------------------------------------------------------------------ */

static struct sdk_wait *find(struct sdk_talk *talk, enum sdk_word word, struct span id)
{
    for (size_t i = 0; i < SDK_WAITS_MAX; i++) {
        struct sdk_wait *wait = &talk->waits[i];
        if (wait->word == word && span_equal(span_of(wait->id, wait->id_len), id))
            return wait;
    }
    return NULL;
}

static struct sdk_wait *find_free(struct sdk_talk *talk)
{
    return find(talk, SDK_WORD_NONE, (struct span){ 0 });
}

static void begin(struct sdk_wait *wait, enum sdk_word word, struct span id)
{
    wait->word = word;
    wait->id_len = id.len;
    memcpy(wait->id, id.at, id.len);
}

static void end(struct sdk_wait *wait)
{
    *wait = (struct sdk_wait){ .word = SDK_WORD_NONE };
}

/* As a JSON string that needs no escapes, so it comes back as it went. */
static bool id_is_good(struct span id)
{
    bool ok = id.len > 0 && id.len <= SDK_ID_MAX;
    for (size_t i = 0; ok && i < id.len; i++)
        ok = id.at[i] > 0x20 && id.at[i] < 0x7f && id.at[i] != '"' && id.at[i] != '\\';
    return ok;
}

/* --- writing ---------------------------------------------------------------------------------- */

static struct json_writer begin_message(enum sdk_word word, struct sink *out)
{
    struct json_writer writer = json_write_to(out, 0);
    json_begin_object(&writer);
    json_put_key(&writer, "type");
    json_put_text(&writer, sdk_talk_word(word));
    return writer;
}

static void put_raw(struct json_writer *writer, const char *name, struct span value)
{
    json_put_key(writer, name);
    if (value.len > 0)
        json_put_raw(writer, value);
    else
        json_put_null(writer);
}

static void put_text(struct json_writer *writer, const char *name, struct span text)
{
    json_put_key(writer, name);
    json_put_span(writer, text);
}

/* False, with nothing written, when it did not fit. */
static bool end_message(struct json_writer *writer, size_t mark)
{
    json_end_object(writer);
    if (json_write_ok(writer) && writer->out->len - mark <= SDK_PLAIN_MAX)
        return true;
    sink_cut(writer->out, mark);
    return false;
}

/* Ids of this end's own: within a session nobody else gives out any. */
static struct span number_id(struct sdk_talk *talk, struct sink *room)
{
    sink_format(room, "ward-%u", ++talk->numbered);
    return sink_bytes(room);
}

/* --- hearing ---------------------------------------------------------------------------------- */

/* A message on its way through the table. */
struct step {
    struct sdk_talk *talk;
    struct sdk_words words;
    struct sink *out;
    struct sdk_heard heard;
};

static struct sdk_heard ignored(enum reason reason)
{
    return (struct sdk_heard){ .kind = SDK_HEARD_IGNORED, .reason = reason };
}

static void answer_fits(struct step *step, bool fits)
{
    if (!fits)
        step->heard = ignored(REASON_CHANNEL_TOO_LARGE);
}

static void on_version(struct step *step)
{
    const bool whole = step->words.word == SDK_MIGRATIONS_REQUEST;
    const struct sdk_challenge *challenge = step->talk->challenge;
    const struct span none = span_text("[]");
    const size_t mark = step->out->len;
    struct json_writer writer = begin_message(
        whole ? SDK_MIGRATIONS_RESPONSE : SDK_DB_VERSION_RESPONSE, step->out);
    put_raw(&writer, "message_id", step->words.message_id);
    json_put_key(&writer, "payload");
    json_begin_object(&writer);
    if (whole)
        put_raw(&writer, "migrations",
                challenge->migrations.len > 0 ? challenge->migrations : none);
    json_put_key(&writer, "db_version");
    json_put_u64(&writer, challenge->db_version);
    json_end_object(&writer);
    answer_fits(step, end_message(&writer, mark));
}

static void on_ready(struct step *step)
{
    step->heard.kind = SDK_HEARD_READY;
}

static void on_status(struct step *step)
{
    step->heard.kind = SDK_HEARD_STATUS;
    step->heard.value = json_raw(&step->words.json, 0);
}

/* The one result of a job, with either a result or an error. */
static bool put_result(struct span job_id, struct span result, struct span error, struct sink *out)
{
    const size_t mark = out->len;
    struct json_writer writer = begin_message(SDK_JOB_RESULT, out);
    put_text(&writer, "job_id", job_id);
    if (error.len > 0)
        put_text(&writer, "error", error);
    else
        put_raw(&writer, "result", result);
    return end_message(&writer, mark);
}

/* spec 1.4: "handler lookup: named, else default, else error result". */
static bool choose(const struct step *step, size_t *handler)
{
    const struct sdk_challenge *challenge = step->talk->challenge;
    const struct json *json = &step->words.json;
    for (size_t i = 0; i < challenge->job_count; i++) {
        if (json_equal_text(json, step->words.job_name, challenge->jobs[i])) {
            *handler = i;
            return true;
        }
    }
    *handler = challenge->job_count;
    return challenge->has_default;
}

static bool refuse_job(const struct step *step, const char *why)
{
    uint8_t room[64 + SDK_ID_MAX];
    struct sink error = sink_over(room, sizeof room);
    sink_text(&error, why);
    return put_result(step->words.job_id, (struct span){ 0 }, sink_bytes(&error), step->out);
}

static bool refuse_name(const struct step *step)
{
    uint8_t room[SDK_ID_MAX], text[64 + SDK_ID_MAX];
    struct sink name = sink_over(room, sizeof room), error = sink_over(text, sizeof text);
    if (!json_string_copy(&step->words.json, step->words.job_name, &name) || name.len == 0)
        return refuse_job(step, "No default job handler found");
    sink_text(&error, "No job handler found for '");
    sink_put(&error, sink_bytes(&name));
    sink_text(&error, "'");
    return put_result(step->words.job_id, (struct span){ 0 }, sink_bytes(&error), step->out);
}

static void on_job(struct step *step)
{
    const struct span id = step->words.job_id;
    if (!id_is_good(id)) {
        step->heard = ignored(REASON_CHANNEL_MALFORMED); /* a result would have no name */
        return;
    }
    if (find(step->talk, SDK_JOB_EXECUTE, id) != NULL) {
        step->heard = ignored(REASON_CHANNEL_REPLAY); /* its one result is on its way */
        return;
    }
    struct sdk_wait *wait = find_free(step->talk);
    size_t handler;
    if (!choose(step, &handler)) {
        answer_fits(step, refuse_name(step));
        return;
    }
    if (wait == NULL) {
        answer_fits(step, refuse_job(step, "Too many jobs under way"));
        return;
    }
    begin(wait, SDK_JOB_EXECUTE, id);
    wait->until_ms = INT64_MAX;
    step->heard.kind = SDK_HEARD_JOB;
    step->heard.handler = handler;
    step->heard.value = step->words.payload;
}

/* What is asked for is not what another answer gives. */
static void on_answer(struct step *step)
{
    static const enum sdk_word asked[SDK_WORD_COUNT] = {
        [SDK_MIGRATIONS_RESPONSE] = SDK_MIGRATIONS_REQUEST,
        [SDK_DB_VERSION_RESPONSE] = SDK_DB_VERSION_REQUEST,
        [SDK_ORM_RESULT] = SDK_ORM_QUERY,
    };
    const struct sdk_words *words = &step->words;
    struct sdk_wait *wait = find(step->talk, asked[words->word], words->id);
    if (wait == NULL || words->id.len == 0) {
        step->heard = ignored(REASON_SDK_UNASKED);
        return;
    }
    step->heard.kind = SDK_HEARD_ANSWER;
    step->heard.tag = wait->tag;
    step->heard.value = words->word == SDK_ORM_RESULT ? words->result : words->payload;
    if (step->heard.value.len == 0)
        step->heard.reason = REASON_CHANNEL_MALFORMED;
    end(wait);
}

static void on_error(struct step *step)
{
    static const enum sdk_word asked[] = { SDK_ORM_QUERY, SDK_MIGRATIONS_REQUEST,
                                           SDK_DB_VERSION_REQUEST };
    struct sdk_wait *wait = NULL;
    for (size_t i = 0; wait == NULL && step->words.id.len > 0 && i < COUNT_OF(asked); i++)
        wait = find(step->talk, asked[i], step->words.id);
    if (wait == NULL) {
        step->heard = ignored(REASON_SDK_UNASKED);
        return;
    }
    step->heard.kind = SDK_HEARD_ANSWER;
    step->heard.reason = REASON_SDK_PEER_ERROR;
    step->heard.tag = wait->tag;
    step->heard.value = step->words.error;
    end(wait);
}

/* spec 6, line 12: once, and acknowledged. */
static void on_result(struct step *step)
{
    const struct sdk_words *words = &step->words;
    const size_t mark = step->out->len;
    struct sdk_wait *wait = find(step->talk, SDK_JOB_RESULT, words->job_id);
    if (wait == NULL || words->job_id.len == 0) {
        step->heard = ignored(REASON_SDK_UNASKED);
        return;
    }
    struct json_writer writer = begin_message(SDK_JOB_RESULT_ACK, step->out);
    put_text(&writer, "job_id", words->job_id);
    put_raw(&writer, "message_id", words->message_id);
    if (!end_message(&writer, mark)) {
        answer_fits(step, false);
        return;
    }
    step->heard.kind = SDK_HEARD_RESULT;
    step->heard.tag = wait->tag;
    step->heard.value = words->error.len > 0 ? words->error : words->result;
    if (words->error.len > 0)
        step->heard.reason = REASON_SDK_PEER_ERROR;
    end(wait);
}

static void on_permissions(struct step *step)
{
    const size_t mark = step->out->len;
    if (step->words.permissions.len == 0) {
        step->heard = ignored(REASON_CHANNEL_MALFORMED);
        return;
    }
    struct json_writer writer = begin_message(SDK_ORM_PERMISSIONS_ACK, step->out);
    put_raw(&writer, "message_id", step->words.message_id);
    put_text(&writer, "status", span_text("ok"));
    step->heard.kind = SDK_HEARD_PERMISSIONS;
    step->heard.value = step->words.permissions;
    answer_fits(step, end_message(&writer, mark));
}

static void on_report(struct step *step)
{
    step->heard.kind = SDK_HEARD_REPORT;
    step->heard.value = step->words.payload;
}

/* There is no database behind this validator, and the challenge should not wait for one. */
static void on_unserved(struct step *step)
{
    const struct span why = span_text("not served by this validator");
    const size_t mark = step->out->len;
    struct json_writer writer = begin_message(SDK_ERROR, step->out);
    put_raw(&writer, "message_id", step->words.message_id);
    put_raw(&writer, "query_id", step->words.query_id);
    put_text(&writer, "error", why);
    put_text(&writer, "message", why);
    answer_fits(step, end_message(&writer, mark));
}

/* What each role hears.  The rest is not for it. */
static void (*const hears[2][SDK_WORD_COUNT])(struct step *) = {
    [0] = /* the validator */ { [SDK_MIGRATIONS_RESPONSE] = on_answer,
                                [SDK_DB_VERSION_RESPONSE] = on_answer,
                                [SDK_ERROR] = on_error,
                                [SDK_JOB_RESULT] = on_result,
                                [SDK_ORM_PERMISSIONS] = on_permissions,
                                [SDK_ORM_QUERY] = on_unserved,
                                [SDK_GET_VALIDATOR_COUNT] = on_unserved,
                                [SDK_HEARTBEAT] = on_report,
                                [SDK_LOGS] = on_report,
                                [SDK_SUBMIT] = on_report,
                                [SDK_BENCHMARK_PROGRESS] = on_report },
    [1] = /* the challenge */ { [SDK_MIGRATIONS_REQUEST] = on_version,
                                [SDK_DB_VERSION_REQUEST] = on_version,
                                [SDK_ORM_READY] = on_ready,
                                [SDK_ORM_RESULT] = on_answer,
                                [SDK_ERROR] = on_error,
                                [SDK_JOB_EXECUTE] = on_job,
                                [SDK_VALIDATOR_STATUS] = on_status },
};

struct sdk_heard sdk_talk_hear(struct sdk_talk *talk, struct span text, struct sink *out)
{
    struct step step = { .talk = talk, .out = out, .heard.reason = REASON_OK };
    const enum reason reason = sdk_words_read(text, talk->nodes, talk->capacity, &step.words);
    if (reason != REASON_OK)
        return ignored(reason);
    void (*const hear)(struct step *) = hears[talk->challenge != NULL][step.words.word];
    if (hear == NULL)
        return ignored(REASON_CHANNEL_UNEXPECTED);
    hear(&step);
    step.heard.word = step.words.word;
    step.heard.job_id = step.words.job_id;
    step.heard.challenge_id = step.words.challenge_id;
    return step.heard;
}

struct sdk_heard sdk_talk_tick(struct sdk_talk *talk, int64_t now_ms)
{
    for (size_t i = 0; i < SDK_WAITS_MAX; i++) {
        struct sdk_wait *wait = &talk->waits[i];
        if (wait->word == SDK_WORD_NONE || wait->word == SDK_JOB_EXECUTE || now_ms < wait->until_ms)
            continue;
        const struct sdk_heard heard = {
            .kind = wait->word == SDK_JOB_RESULT ? SDK_HEARD_RESULT : SDK_HEARD_ANSWER,
            .reason = REASON_SDK_NO_ANSWER,
            .word = wait->word,
            .tag = wait->tag,
        };
        end(wait);
        return heard;
    }
    return (struct sdk_heard){ .kind = SDK_HEARD_NOTHING };
}

/* --- saying ----------------------------------------------------------------------------------- */

/* What is asked, and waits for its answer: `query` empty for what is asked without one. */
static bool ask(struct sdk_talk *talk, const struct sdk_wait *what, struct span query,
                struct sink *out)
{
    uint8_t room[SDK_ID_MAX];
    struct sink text = sink_over(room, sizeof room);
    const size_t mark = out->len;
    struct sdk_wait *wait = find_free(talk);
    if (wait == NULL)
        return false;
    const struct span id = number_id(talk, &text);
    struct json_writer writer = begin_message(what->word, out);
    put_text(&writer, "message_id", id);
    if (query.len > 0) {
        json_put_key(&writer, "payload");
        json_begin_object(&writer);
        put_raw(&writer, "query", query);
        put_text(&writer, "query_id", id);
        json_end_object(&writer);
    }
    if (!end_message(&writer, mark))
        return false;
    *wait = *what;
    begin(wait, what->word, id);
    return true;
}

/* A moment that does not end the waiting at once. */
static int64_t later(int64_t now_ms, int64_t by_ms)
{
    int64_t until;
    return add_i64(now_ms, by_ms, &until) ? until : INT64_MAX;
}

bool sdk_talk_query(struct sdk_talk *talk, struct span query, uint64_t tag, int64_t now_ms,
                    struct sink *out)
{
    const struct sdk_wait what = { .word = SDK_ORM_QUERY,
                                   .tag = tag,
                                   .until_ms = later(now_ms, SDK_ANSWER_MS) };
    return talk->challenge != NULL && query.len > 0 && ask(talk, &what, query, out);
}

bool sdk_talk_ask(struct sdk_talk *talk, enum sdk_word word, uint64_t tag, int64_t now_ms,
                  struct sink *out)
{
    const bool whole = word == SDK_MIGRATIONS_REQUEST;
    const struct sdk_wait what = { .word = word,
                                   .tag = tag,
                                   .until_ms = later(now_ms,
                                                     whole ? SDK_MIGRATIONS_MS : SDK_ANSWER_MS) };
    return talk->challenge == NULL && (whole || word == SDK_DB_VERSION_REQUEST) &&
           ask(talk, &what, (struct span){ 0 }, out);
}

bool sdk_talk_done(struct sdk_talk *talk, struct span job_id, struct span result, struct span error,
                   struct sink *out)
{
    struct sdk_wait *wait = find(talk, SDK_JOB_EXECUTE, job_id);
    if (wait == NULL || (result.len > 0) == (error.len > 0) ||
        !put_result(job_id, result, error, out))
        return false;
    end(wait);
    return true;
}

bool sdk_talk_report(struct sdk_talk *talk, enum sdk_word word, struct span payload,
                     struct sink *out)
{
    const size_t mark = out->len;
    if (talk->challenge == NULL || word >= SDK_WORD_COUNT || hears[0][word] != on_report ||
        payload.len == 0)
        return false;
    struct json_writer writer = begin_message(word, out);
    put_raw(&writer, "payload", payload);
    return end_message(&writer, mark);
}

bool sdk_talk_permissions(struct sdk_talk *talk, struct span challenge_id, struct span permissions,
                          struct sink *out)
{
    const size_t mark = out->len;
    if (talk->challenge == NULL || !id_is_good(challenge_id) || permissions.len == 0)
        return false;
    struct json_writer writer = begin_message(SDK_ORM_PERMISSIONS, out);
    put_text(&writer, "challenge_id", challenge_id);
    put_raw(&writer, "permissions", permissions);
    return end_message(&writer, mark);
}

bool sdk_talk_ready(struct sdk_talk *talk, struct sink *out)
{
    const size_t mark = out->len;
    if (talk->challenge != NULL)
        return false;
    struct json_writer writer = begin_message(SDK_ORM_READY, out);
    return end_message(&writer, mark);
}

bool sdk_talk_job(struct sdk_talk *talk, const struct sdk_job *job, struct sink *out)
{
    const size_t mark = out->len;
    struct sdk_wait *wait = find_free(talk);
    if (talk->challenge != NULL || wait == NULL || !id_is_good(job->id) ||
        (job->name.len > 0 && !id_is_good(job->name)) || job->payload.len == 0 ||
        find(talk, SDK_JOB_RESULT, job->id) != NULL)
        return false;
    struct json_writer writer = begin_message(SDK_JOB_EXECUTE, out);
    put_text(&writer, "job_id", job->id);
    json_put_key(&writer, "job_name");
    if (job->name.len > 0)
        json_put_span(&writer, job->name);
    else
        json_put_null(&writer);
    put_raw(&writer, "payload", job->payload);
    if (!end_message(&writer, mark))
        return false;
    begin(wait, SDK_JOB_RESULT, job->id);
    wait->tag = job->tag;
    wait->until_ms = job->until_ms;
    return true;
}
