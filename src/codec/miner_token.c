/* miner_token.c - see miner_token.h.

   The one text of a token is had by writing what was read and comparing: white space, another
   order, an escape, 3e2, a second member of one name or a member that is not ours make another
   text, and so no token. */
#include "codec/miner_token.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_write.h"

enum {
    HEADER_ROOM = 128,
    CLAIMS_ROOM = 1280, /* of the longest of each */
    NODES = 32,
};

/* 9999-12-31T23:59:59Z: what can be shown as a date. */
#define DATE_MAX INT64_C(253402300799)

/* ---- what is good ------------------------------------------------------------------------- */

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(uint8_t c)
{
    return is_letter_or_digit(c) || c == '-' || c == '_';
}

static bool is_name(uint8_t c)
{
    return is_word(c) || c == '.' || c == '/' || c == ':';
}

static bool is_base58(uint8_t c)
{
    return is_letter_or_digit(c) && c != '0' && c != 'O' && c != 'I' && c != 'l';
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_made_of(struct span text, bool (*good)(uint8_t), size_t least, size_t most)
{
    bool ok = text.len >= least && text.len <= most;
    for (size_t i = 0; ok && i < text.len; i++)
        ok = good(text.at[i]);
    return ok;
}

bool miner_word_is_good(struct span word)
{
    return is_made_of(word, is_word, 1, MINER_WORD_MAX);
}

bool miner_subject_is_good(struct span subject)
{
    return is_made_of(subject, is_base58, MINER_SUBJECT_MIN, MINER_SUBJECT_MAX);
}

bool miner_key_id_is_good(struct span key_id)
{
    return is_made_of(key_id, is_hex, MINER_KEY_ID, MINER_KEY_ID);
}

bool miner_scope_is_good(struct span scope)
{
    return miner_word_is_good(scope) || span_equal_text(scope, MINER_SCOPE_ALL);
}

/* 16 bytes and no other bits: two texts are never one jti. */
bool miner_use_is_good(struct span use)
{
    uint8_t bytes[16];
    struct sink out = sink_over(bytes, sizeof bytes);
    return use.len == MINER_USE && base64url_decode(use, &out);
}

static bool scopes_are_good(const struct miner_claims *claims)
{
    bool ok = claims->scope_count > 0 && claims->scope_count <= MINER_SCOPES_MAX;
    for (size_t i = 0; ok && i < claims->scope_count; i++)
        ok = miner_scope_is_good(claims->scopes[i]);
    return ok;
}

static bool dates_are_good(const struct miner_claims *claims)
{
    return claims->issued >= 0 && claims->expires <= DATE_MAX &&
           claims->issued <= claims->not_before && claims->not_before < claims->expires &&
           claims->expires - claims->issued <= MINER_LIFE_MAX_S;
}

bool miner_claims_are_good(const struct miner_claims *claims)
{
    return miner_key_id_is_good(claims->key_id) &&
           is_made_of(claims->issuer, is_name, 1, MINER_ISSUER_MAX) &&
           miner_subject_is_good(claims->subject) && miner_word_is_good(claims->audience) &&
           (claims->job.len == 0 || miner_word_is_good(claims->job)) &&
           miner_use_is_good(claims->use) && scopes_are_good(claims) && dates_are_good(claims);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void put_text(struct json_writer *json, const char *name, struct span value)
{
    json_put_key(json, name);
    json_put_span(json, value);
}

static void put_number(struct json_writer *json, const char *name, int64_t value)
{
    json_put_key(json, name);
    json_put_i64(json, value);
}

static void write_header(struct sink *out, struct span key_id)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    put_text(&json, "alg", span_text("EdDSA"));
    put_text(&json, "kid", key_id);
    put_text(&json, "typ", span_text("MinerToken"));
    json_end_object(&json);
}

/* RFC 8785 3.2.3: members in the order of their names. */
static void write_claims(struct sink *out, const struct miner_claims *claims)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    put_text(&json, "aud", claims->audience);
    put_number(&json, "exp", claims->expires);
    put_number(&json, "iat", claims->issued);
    put_text(&json, "iss", claims->issuer);
    if (claims->job.len > 0)
        put_text(&json, "job_id", claims->job);
    put_text(&json, "jti", claims->use);
    put_number(&json, "nbf", claims->not_before);
    json_put_key(&json, "scope");
    json_begin_array(&json);
    for (size_t i = 0; i < claims->scope_count; i++)
        json_put_span(&json, claims->scopes[i]);
    json_end_array(&json);
    put_text(&json, "sub", claims->subject);
    put_number(&json, "uid", claims->uid);
    json_end_object(&json);
}

void miner_input_write(struct sink *out, const struct miner_claims *claims)
{
    uint8_t bytes[CLAIMS_ROOM];
    struct sink header = sink_over(bytes, HEADER_ROOM);
    write_header(&header, claims->key_id);
    base64url_encode(out, sink_bytes(&header));
    sink_u8(out, '.');
    struct sink body = sink_over(bytes, sizeof bytes);
    write_claims(&body, claims);
    base64url_encode(out, sink_bytes(&body));
    if (!sink_ok(&header) || !sink_ok(&body))
        out->full = true;
}

void miner_token_end(struct sink *input, const uint8_t signature[MINER_TOKEN_SIGNATURE])
{
    sink_u8(input, '.');
    base64url_encode(input, span_of(signature, MINER_TOKEN_SIGNATURE));
}

/* ---- reading ------------------------------------------------------------------------------ */

/* What stands before the next dot, which must be there. */
static bool cut(struct span *rest, struct span *out)
{
    size_t dot = 0;
    while (dot < rest->len && rest->at[dot] != '.')
        dot++;
    if (dot == rest->len)
        return false;
    *out = span_of(rest->at, dot);
    *rest = span_of(&rest->at[dot] + 1, rest->len - dot - 1);
    return true;
}

/* A segment's bytes, in the room. */
static bool decode(struct span segment, struct sink *room, struct span *out)
{
    size_t before = room->len;
    if (!base64url_decode(segment, room))
        return false;
    *out = span_of(&room->at[before], room->len - before);
    return true;
}

static bool parse(struct span text, struct json_node nodes[NODES], struct json *out)
{
    const struct json_limits limits = { .depth = 2, .nodes = NODES };
    return json_parse_into(text, nodes, NODES, &limits, out, NULL);
}

static enum miner_form read_header(struct span text, struct span *key_id)
{
    struct json_node nodes[NODES];
    struct json json;
    uint8_t bytes[HEADER_ROOM];
    struct sink same = sink_over(bytes, sizeof bytes);
    struct span algorithm, found;
    if (text.len > HEADER_ROOM || !parse(text, nodes, &json) ||
        !json_string(&json, json_member(&json, 0, "alg"), &algorithm))
        return MINER_MALFORMED;
    if (!span_equal_text(algorithm, "EdDSA"))
        return MINER_ALGORITHM;
    if (!json_string(&json, json_member(&json, 0, "kid"), &found) || found.len != MINER_KEY_ID)
        return MINER_MALFORMED;
    write_header(&same, found);
    if (!span_equal(sink_bytes(&same), text))
        return MINER_MALFORMED;
    *key_id = found;
    return MINER_READ;
}

static bool read_scopes(const struct json *json, struct miner_claims *out)
{
    uint32_t list = json_member(json, 0, "scope");
    size_t count = json_length(json, list), i = 0;
    if (json_type(json, list) != JSON_ARRAY || count > MINER_SCOPES_MAX)
        return false;
    for (uint32_t n = json_first(json, list); n != JSON_NONE; n = json_next(json, n)) {
        if (!json_string(json, n, &out->scopes[i++]))
            return false;
    }
    out->scope_count = count;
    return true;
}

static bool read_claims(struct span text, struct miner_claims *out)
{
    struct json_node nodes[NODES];
    struct json json;
    uint64_t uid = 0;
    if (text.len > CLAIMS_ROOM || !parse(text, nodes, &json))
        return false;
    uint32_t job = json_member(&json, 0, "job_id");
    if ((job != JSON_NONE && !json_string(&json, job, &out->job)) ||
        !json_string(&json, json_member(&json, 0, "aud"), &out->audience) ||
        !json_i64(&json, json_member(&json, 0, "exp"), &out->expires) ||
        !json_i64(&json, json_member(&json, 0, "iat"), &out->issued) ||
        !json_string(&json, json_member(&json, 0, "iss"), &out->issuer) ||
        !json_string(&json, json_member(&json, 0, "jti"), &out->use) ||
        !json_i64(&json, json_member(&json, 0, "nbf"), &out->not_before) ||
        !read_scopes(&json, out) ||
        !json_string(&json, json_member(&json, 0, "sub"), &out->subject) ||
        !json_u64(&json, json_member(&json, 0, "uid"), UINT32_MAX, &uid))
        return false;
    out->uid = (uint32_t)uid;
    return true;
}

static bool has_one_text(struct span text, const struct miner_claims *claims)
{
    uint8_t bytes[CLAIMS_ROOM];
    struct sink same = sink_over(bytes, sizeof bytes);
    write_claims(&same, claims);
    return sink_ok(&same) && span_equal(sink_bytes(&same), text);
}

enum miner_form miner_input_read(struct span input, struct sink *room, struct miner_claims *out)
{
    struct miner_claims claims = { 0 };
    struct span segment, header, text;
    if (input.len > MINER_TOKEN_MAX || !cut(&input, &segment) || !decode(segment, room, &header))
        return MINER_MALFORMED;
    enum miner_form form = read_header(header, &claims.key_id);
    if (form != MINER_READ)
        return form;
    if (!decode(input, room, &text) || !read_claims(text, &claims) ||
        !miner_claims_are_good(&claims) || !has_one_text(text, &claims))
        return MINER_MALFORMED;
    *out = claims;
    return MINER_READ;
}

enum miner_form miner_token_read(struct span text, struct sink *room, struct miner_token *out)
{
    struct miner_token token = { 0 };
    struct span header, claims, rest = text;
    struct sink signature = sink_over(token.signature, sizeof token.signature);
    if (text.len > MINER_TOKEN_MAX || !cut(&rest, &header) || !cut(&rest, &claims))
        return MINER_MALFORMED;
    token.input = span_of(text.at, header.len + 1 + claims.len);
    enum miner_form form = miner_input_read(token.input, room, &token.claims);
    if (form != MINER_READ)
        return form;
    if (!base64url_decode(rest, &signature) || signature.len != sizeof token.signature)
        return MINER_MALFORMED;
    *out = token;
    return MINER_READ;
}
