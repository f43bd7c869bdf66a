/* verified_request.c - see verified_request.h. */
#include "codec/verified_request.h"

#include "base/cursor.h"
#include "base/decimal.h"
#include "base/time.h"
#include "codec/hex.h"
#include "codec/miner_token.h"

static const char label[] = "ward verified request v1";

/* What may stand in a target (RFC 9112 3.2): visible ASCII, and here no fragment. */
static bool query_is_good(struct span query)
{
    bool ok = query.len <= VERIFIED_QUERY_MAX;
    for (size_t i = 0; ok && i < query.len; i++)
        ok = query.at[i] > 0x20 && query.at[i] < 0x7f && query.at[i] != '#';
    return ok;
}

bool verified_request_is_good(const struct verified_request *request)
{
    return miner_key_id_is_good(request->key_id) && miner_word_is_good(request->challenge) &&
           miner_word_is_good(request->route) &&
           (span_equal_text(request->method, "GET") || span_equal_text(request->method, "POST")) &&
           query_is_good(request->query) && request->at >= 0 && miner_use_is_good(request->once) &&
           miner_subject_is_good(request->hotkey) &&
           (request->job.len == 0 || miner_word_is_good(request->job));
}

static void put_line(struct sink *out, struct span line)
{
    sink_put(out, line);
    sink_u8(out, '\n');
}

void verified_request_write(struct sink *out, const struct verified_request *request)
{
    put_line(out, span_text(label));
    put_line(out, request->key_id);
    put_line(out, request->challenge);
    put_line(out, request->method);
    sink_text(out, VERIFIED_PATH);
    put_line(out, request->route);
    put_line(out, request->query);
    sink_hex(out, SPAN(request->body_hash));
    sink_u8(out, '\n');
    sink_decimal(out, (uint64_t)request->at, 1);
    sink_u8(out, '\n');
    put_line(out, request->once);
    put_line(out, request->hotkey);
    sink_decimal(out, request->uid, 1);
    sink_u8(out, '\n');
    put_line(out, request->job);
}

/* Up to the next line end, and over it; whether the last one has one is seen when all is written
   again. */
static struct span take_line(struct cursor *in)
{
    size_t mark = cur_offset(in);
    uint8_t c;
    while (cur_peek(in, &c) && c != '\n')
        (void)!cur_skip(in, 1);
    struct span line = cur_since(in, mark);
    (void)!cur_skip(in, 1);
    return line;
}

/* As with a token: what was read is written again, and that must be the text. */
bool verified_request_read(struct span text, struct verified_request *out)
{
    uint8_t memory[VERIFIED_TEXT_MAX];
    struct sink same = sink_over(memory, sizeof memory);
    struct verified_request request = { 0 };
    struct cursor in = cur_over(text), path;
    uint64_t at = 0, uid = 0;
    if (text.len > VERIFIED_TEXT_MAX || !span_equal_text(take_line(&in), label))
        return false;
    request.key_id = take_line(&in);
    request.challenge = take_line(&in);
    request.method = take_line(&in);
    path = cur_over(take_line(&in));
    if (!cur_expect(&path, span_text(VERIFIED_PATH)))
        return false;
    request.route = cur_rest(&path);
    request.query = take_line(&in);
    if (!hex_decode(take_line(&in), request.body_hash, sizeof request.body_hash) ||
        !decimal_read(take_line(&in), TIME_MAX, &at))
        return false;
    request.at = (int64_t)at;
    request.once = take_line(&in);
    request.hotkey = take_line(&in);
    if (!decimal_read(take_line(&in), UINT32_MAX, &uid))
        return false;
    request.uid = (uint32_t)uid;
    request.job = take_line(&in);
    if (!cur_end(&in) || !verified_request_is_good(&request))
        return false;
    verified_request_write(&same, &request);
    if (!sink_ok(&same) || !span_equal(sink_bytes(&same), text))
        return false;
    *out = request;
    return true;
}
