/* router.c - see router.h: from a request to its row and its message. */
#include "http/router.h"

#include "base/cursor.h"
#include "base/number.h"

/* The next segment of a path that begins with '/'. */
static bool next_segment(struct cursor *in, struct span *segment)
{
    uint8_t c;
    if (!cur_u8(in, &c) || c != '/')
        return false;
    size_t mark = cur_offset(in);
    while (cur_peek(in, &c) && c != '/')
        (void)!cur_skip(in, 1);
    *segment = cur_since(in, mark);
    return true;
}

static bool is_parameter(struct span segment)
{
    return segment.len > 2 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}';
}

static bool path_fits(const char *pattern, struct span path, struct span *parameters)
{
    struct cursor want = cur_over(span_text(pattern)), got = cur_over(path);
    struct span w, g;
    size_t count = 0;
    while (!cur_end(&want)) {
        if (!next_segment(&want, &w) || !next_segment(&got, &g))
            return false;
        if (!is_parameter(w)) {
            if (!span_equal(w, g))
                return false;
        } else if (g.len == 0 || count == ROUTE_PARAMETERS) {
            return false;
        } else {
            parameters[count++] = g;
        }
    }
    return cur_end(&got);
}

/* RFC 9110 8.3: the type without its parameters, in any case. */
static bool has_media_type(const struct http_request *request, const char *want, bool suffixes)
{
    struct span value, type;
    if (!http_field_find(request->fields, request->field_count, "content-type", &value))
        return false;
    struct cursor in = cur_over(value);
    uint8_t c;
    while (cur_peek(&in, &c) && c != ';' && !(suffixes && c == '+'))
        (void)!cur_skip(&in, 1);
    type = http_trim(cur_since(&in, 0));
    return http_equal_fold(type, want);
}

static struct route_match match_grpc(const struct router *router,
                                     const struct http_request *request)
{
    struct route_match match = { .reason = REASON_HTTP_ROUTE_UNKNOWN, .is_grpc = true };
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        if (!span_equal_text(request->path, route->grpc))
            continue;
        match.allow = 1u << HTTP_METHOD_POST;
        match.reason = REASON_HTTP_METHOD_NOT_ALLOWED;
        if (request->method == HTTP_METHOD_POST) {
            match.reason = REASON_OK;
            match.route = route;
        }
        return match;
    }
    return match;
}

/* HEAD is GET without the body. */
static enum http_method method_of(const struct http_request *request)
{
    return request->method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : request->method;
}

struct route_match router_match(const struct router *router, const struct http_request *request)
{
    struct route_match match = { .reason = REASON_HTTP_ROUTE_UNKNOWN };
    struct route_match grpc = match_grpc(router, request);
    if (has_media_type(request, "application/grpc", true))
        return grpc;
    if (grpc.reason != REASON_HTTP_ROUTE_UNKNOWN) {
        grpc.reason = REASON_HTTP_MEDIA_TYPE;
        grpc.route = NULL;
        grpc.is_grpc = false;
        return grpc;
    }
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        struct span parameters[ROUTE_PARAMETERS] = { 0 };
        if (!path_fits(route->path, request->path, parameters))
            continue;
        match.allow |= 1u << route->method;
        if (route->method != method_of(request))
            continue;
        match.route = route;
        for (size_t k = 0; k < ROUTE_PARAMETERS; k++)
            match.parameters[k] = parameters[k];
    }
    if (match.allow != 0)
        match.reason = match.route != NULL ? REASON_OK : REASON_HTTP_METHOD_NOT_ALLOWED;
    if ((match.allow & 1u << HTTP_METHOD_GET) != 0)
        match.allow |= 1u << HTTP_METHOD_HEAD;
    return match;
}

void router_write_allow(unsigned allow, struct sink *out)
{
    bool first = true;
    for (unsigned i = HTTP_METHOD_NONE + 1; i < HTTP_METHOD_COUNT; i++) {
        if ((allow >> i & 1) == 0)
            continue;
        sink_text(out, first ? "" : ", ");
        sink_text(out, http_method_name((enum http_method)i));
        first = false;
    }
}

bool route_takes_body(const struct route *route)
{
    return route->method == HTTP_METHOD_POST || route->method == HTTP_METHOD_PUT ||
           route->method == HTTP_METHOD_PATCH;
}

bool route_has_parameter(const struct route *route, const char *name)
{
    struct cursor in = cur_over(span_text(route->path));
    struct span segment;
    while (next_segment(&in, &segment)) {
        if (is_parameter(segment) &&
            span_equal_text(span_of(segment.at + 1, segment.len - 2), name))
            return true;
    }
    return false;
}

static enum reason refuse(enum reason reason, const struct schema_field *field, const char *what,
                          struct values_error *error)
{
    *error = (struct values_error){ .field = field != NULL ? field->name : NULL, .what = what };
    return reason;
}

/* A body that names what the path names could say something else. */
static bool is_set(const struct schema_field *field, const void *values)
{
    switch (field->type) {
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
        return ((const struct span *)values_in(field, values))->len != 0;
    case SCHEMA_UINT64:
    case SCHEMA_INT64:
    case SCHEMA_TIME:
        return *(const uint64_t *)values_in(field, values) != 0;
    case SCHEMA_UINT32:
    case SCHEMA_ENUM:
        return *(const uint32_t *)values_in(field, values) != 0;
    case SCHEMA_BOOL:
        return *(const bool *)values_in(field, values);
    case SCHEMA_MESSAGE:
    case SCHEMA_NONE:
    default:
        return true;
    }
}

static enum reason read_path(const struct route_match *match, struct arena *arena, void *out,
                             struct values_error *error)
{
    struct cursor in = cur_over(span_text(match->route->path));
    struct span segment;
    size_t count = 0;
    while (next_segment(&in, &segment)) {
        if (!is_parameter(segment))
            continue;
        const struct schema_field *field = values_field(match->route->request,
                                                        span_of(segment.at + 1, segment.len - 2));
        if (field == NULL)
            return refuse(REASON_SERVER_FAILED, NULL, "the table has no such field", error);
        if (is_set(field, out))
            return refuse(REASON_HTTP_PARAMETER_INVALID, field, "is in the path already", error);
        if (!values_read_text(field, match->parameters[count++], arena, out, error))
            return REASON_HTTP_PARAMETER_INVALID;
    }
    return REASON_OK;
}

/* A name or a value of the query, decoded into the arena. */
static bool decode(struct span raw, struct arena *arena, struct span *out)
{
    void *room = arena_alloc(arena, raw.len);
    struct sink text = sink_over(room, raw.len);
    if (room == NULL || !http_query_decode(raw, &text))
        return false;
    *out = sink_bytes(&text);
    return true;
}

/* What reading the query needs at every step. */
struct reading {
    const struct route *route;
    struct arena *arena;
    void *out;
    uint64_t seen; /* bit of every field that was there */
    struct values_error *error;
};

static enum reason read_pair(struct reading *r, struct span name, struct span value)
{
    const struct schema_message *message = r->route->request;
    const struct schema_field *field = values_field(message, name);
    /* A body carries all that is asked; the query then has nothing to say. */
    if (field == NULL || field->most > 0 || field->header != NULL ||
        route_has_parameter(r->route, field->name) || route_takes_body(r->route)) {
        values_name_unknown(message, name, r->error);
        r->error->what = "there is no such parameter";
        if (field != NULL)
            r->error->nearest = NULL;
        return REASON_HTTP_PARAMETER_UNKNOWN;
    }
    if ((r->seen >> field->number & 1) != 0)
        return refuse(REASON_HTTP_PARAMETER_INVALID, field, "is there twice", r->error);
    r->seen |= UINT64_C(1) << field->number;
    return values_read_text(field, value, r->arena, r->out, r->error)
               ? REASON_OK
               : REASON_HTTP_PARAMETER_INVALID;
}

static enum reason read_query(struct reading *r, struct span query)
{
    struct span raw_name, raw_value, name, value;
    while (http_query_next(&query, &raw_name, &raw_value)) {
        if (!decode(raw_name, r->arena, &name) || !decode(raw_value, r->arena, &value))
            return refuse(REASON_HTTP_PARAMETER_INVALID, NULL, "a parameter is malformed",
                          r->error);
        enum reason reason = read_pair(r, name, value);
        if (reason != REASON_OK)
            return reason;
    }
    return REASON_OK;
}

/* RFC 9110 8.8.3 and RFC 8941 3.3.3: quotes are the framing. */
static struct span unquoted(struct span value)
{
    bool quoted = value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"';
    return quoted ? span_of(value.at + 1, value.len - 2) : value;
}

enum reason router_read_headers(const struct schema_message *message,
                                const struct http_request *request, struct arena *arena, void *out,
                                struct values_error *error)
{
    for (size_t i = 0; i < message->count * request->field_count; i++) {
        const struct schema_field *field = &message->fields[i / request->field_count];
        const struct http_field *header = &request->fields[i % request->field_count];
        if (field->header == NULL || !span_equal_text(header->name, field->header))
            continue;
        struct span value = unquoted(header->value);
        if (is_set(field, out))
            return refuse(REASON_HTTP_PARAMETER_INVALID, field, "is there twice", error);
        if (value.len == 0)
            return refuse(REASON_HTTP_PARAMETER_INVALID, field, "is empty in its header", error);
        if (field->type == SCHEMA_UINT64 && span_equal_text(header->value, "*"))
            continue;
        if (!values_read_text(field, value, arena, out, error))
            return REASON_HTTP_PARAMETER_INVALID;
        if (!is_set(field, out)) /* the zero of a message would say nothing */
            return refuse(REASON_HTTP_PARAMETER_INVALID, field, "is none that was given", error);
    }
    return REASON_OK;
}

static enum reason read_body(const struct route_match *match, const struct http_request *request,
                             struct span body, struct arena *arena, void *out,
                             struct values_error *error)
{
    if (!route_takes_body(match->route)) {
        return body.len == 0 ? REASON_OK
                             : refuse(REASON_HTTP_BODY_INVALID, NULL, "no body is taken", error);
    }
    /* A call that asks nothing may come with nothing. */
    if (body.len == 0 && match->route->request->count == 0)
        return REASON_OK;
    if (!match->opened && !has_media_type(request, "application/json", false))
        return refuse(REASON_HTTP_MEDIA_TYPE, NULL, "the body is not application/json", error);
    /* There may have been room for more: for a seal, which it may not have had. */
    if (body.len > match->route->body_limit)
        return refuse(REASON_HTTP_BODY_TOO_LARGE, NULL, "the body is too long", error);
    return values_read_json(match->route->request, body, arena, out, error)
               ? REASON_OK
               : REASON_HTTP_BODY_INVALID;
}

enum reason router_read_rest(const struct route_match *match, const struct http_request *request,
                             struct span body, struct arena *arena, void *out,
                             struct values_error *error)
{
    const struct schema_message *message = match->route->request;
    for (size_t i = 0; i < message->size; i++)
        ((uint8_t *)out)[i] = 0;
    enum reason reason = read_body(match, request, body, arena, out, error);
    if (reason == REASON_OK)
        reason = read_path(match, arena, out, error);
    if (reason == REASON_OK)
        reason = read_query(&(struct reading){ match->route, arena, out, 0, error },
                            request->query);
    if (reason == REASON_OK)
        reason = router_read_headers(message, request, arena, out, error);
    if (reason == REASON_OK && !values_check(message, out, error))
        reason = REASON_HTTP_PARAMETER_INVALID;
    return reason;
}

void router_write_detail(const struct values_error *error, struct sink *out)
{
    if (error->unknown.len > 0) {
        /* The name is the peer's: cut, and its bytes are made safe by whoever writes JSON. */
        sink_text(out, "`");
        sink_put(out,
                 span_of(error->unknown.at, error->unknown.len < 64 ? error->unknown.len : 64));
        sink_text(out, "`: ");
    } else if (error->field != NULL) {
        sink_format(out, "`%s` ", error->field);
    }
    sink_text(out, error->what != NULL ? error->what : "the message is not sound");
    if (error->nearest != NULL)
        sink_format(out, "; did you mean `%s`?", error->nearest);
    else
        sink_text(out, ".");
}
