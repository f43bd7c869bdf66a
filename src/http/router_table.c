/* router_table.c - see router.h: what a table of routes is made of, and whether it is sound. */
#include "base/cursor.h"
#include "base/number.h"
#include "http/router.h"

static void add_enum(struct router_types *types, const struct schema_enum *values)
{
    for (size_t i = 0; i < types->enum_count; i++) {
        if (types->enums[i] == values)
            return;
    }
    if (types->enum_count == ROUTER_ENUMS)
        types->full = true;
    else
        types->enums[types->enum_count++] = values;
}

static void add_message(struct router_types *types, const struct schema_message *message)
{
    for (size_t i = 0; i < types->message_count; i++) {
        if (types->messages[i] == message)
            return;
    }
    if (types->message_count == ROUTER_MESSAGES)
        types->full = true;
    else
        types->messages[types->message_count++] = message;
}

bool router_types(const struct router *router, struct router_types *out)
{
    *out = (struct router_types){ 0 };
    for (size_t i = 0; i < router->count; i++) {
        add_message(out, router->routes[i].request);
        add_message(out, router->routes[i].response);
    }
    /* What is added here is looked at in its turn. */
    for (size_t i = 0; i < out->message_count; i++) {
        const struct schema_message *message = out->messages[i];
        for (size_t k = 0; k < message->count; k++) {
            if (message->fields[k].type == SCHEMA_MESSAGE)
                add_message(out, message->fields[k].message);
            if (message->fields[k].type == SCHEMA_ENUM)
                add_enum(out, message->fields[k].values);
        }
    }
    return !out->full;
}

/* What stands behind the last `mark`, or before it. */
static struct span part_of(struct span text, char mark, bool behind)
{
    size_t at = text.len;
    while (at > 0 && text.at[at - 1] != (uint8_t)mark)
        at--;
    return behind ? span_of(&text.at[at], text.len - at) : span_of(text.at, at > 0 ? at - 1 : 0);
}

struct span route_call(const struct route *route)
{
    return part_of(span_text(route->grpc), '/', true);
}

struct span route_service(const struct route *route)
{
    return part_of(part_of(span_text(route->grpc), '/', false), '/', true);
}

struct span route_service_short(const struct route *route)
{
    return part_of(route_service(route), '.', true);
}

bool route_opens_service(const struct router *router, size_t row)
{
    return row == 0 || !span_equal(route_service(&router->routes[row]),
                                   route_service(&router->routes[row - 1]));
}

const char *route_type_name(const struct schema_field *field)
{
    static const char *const names[] = {
        [SCHEMA_NONE] = "",         [SCHEMA_STRING] = "string", [SCHEMA_BYTES] = "bytes",
        [SCHEMA_UINT64] = "uint64", [SCHEMA_INT64] = "int64",   [SCHEMA_UINT32] = "uint32",
        [SCHEMA_BOOL] = "bool",     [SCHEMA_ENUM] = "",         [SCHEMA_TIME] = "string",
        [SCHEMA_MESSAGE] = "",
    };
    if (field->type == SCHEMA_ENUM)
        return field->values->name;
    return field->type == SCHEMA_MESSAGE ? field->message->name : names[field->type];
}

void router_write_file_name(const struct router *router, struct sink *out)
{
    struct cursor in = cur_over(span_text(router->package));
    uint8_t c;
    while (cur_u8(&in, &c))
        sink_u8(out, c == '.' ? '/' : c);
    in = cur_over(span_text(router->package));
    while (cur_peek(&in, &c) && c != '.')
        (void)!cur_skip(&in, 1);
    sink_text(out, "/");
    sink_put(out, cur_since(&in, 0));
    sink_text(out, ".proto");
}

static bool is_sentence(const char *doc)
{
    struct span text = span_text(doc);
    return doc != NULL && text.len > 1 && text.at[text.len - 1] == '.';
}

static bool field_is_sound(const struct schema_message *message, size_t index)
{
    const struct schema_field *f = &message->fields[index];
    for (size_t i = 0; i < index; i++) {
        if (message->fields[i].number == f->number ||
            span_equal(span_text(message->fields[i].name), span_text(f->name)))
            return false;
    }
    bool text = f->type == SCHEMA_STRING || f->type == SCHEMA_BYTES;
    bool list = text || f->type == SCHEMA_MESSAGE;
    if (f->header != NULL && f->type != SCHEMA_UINT64 && (f->type != SCHEMA_STRING || f->most > 0))
        return false;
    return f->number >= 1 && f->number <= 63 && f->type != SCHEMA_NONE &&
           f->type <= SCHEMA_MESSAGE && f->offset < message->size && is_sentence(f->doc) &&
           (!text || f->limit > 0) && (list || f->most == 0) &&
           (f->type == SCHEMA_MESSAGE) == (f->message != NULL) &&
           (f->type == SCHEMA_ENUM) == (f->values != NULL) &&
           (f->type != SCHEMA_MESSAGE || f->most > 0);
}

static bool message_is_sound(const struct schema_message *message)
{
    for (size_t i = 0; i < message->count; i++) {
        if (!field_is_sound(message, i))
            return false;
    }
    return message->name != NULL && is_sentence(message->doc) && message->size > 0;
}

/* Every {name} of the path is a single field. */
static bool path_is_sound(const struct route *route)
{
    struct cursor in = cur_over(span_text(route->path));
    size_t count = 0;
    uint8_t c;
    while (cur_u8(&in, &c)) {
        size_t mark = cur_offset(&in);
        if (c != '{')
            continue;
        while (cur_peek(&in, &c) && c != '}')
            (void)!cur_skip(&in, 1);
        const struct schema_field *field = values_field(route->request, cur_since(&in, mark));
        /* A body is checked before the path is read into it. */
        if (field == NULL || field->most > 0 || ++count > ROUTE_PARAMETERS ||
            (field->required && route_takes_body(route)))
            return false;
    }
    return route->path[0] == '/';
}

/* Is there a path that fits both? */
static bool paths_overlap(const char *a, const char *b)
{
    struct cursor one = cur_over(span_text(a)), two = cur_over(span_text(b));
    while (!cur_end(&one) && !cur_end(&two)) {
        struct span s = { 0 }, t = { 0 };
        size_t mark = cur_offset(&one), other = cur_offset(&two);
        uint8_t c;
        while (cur_u8(&one, &c) && c != '/')
            s = cur_since(&one, mark);
        while (cur_u8(&two, &c) && c != '/')
            t = cur_since(&two, other);
        bool open = (s.len > 0 && s.at[0] == '{') || (t.len > 0 && t.at[0] == '{');
        if (!open && !span_equal(s, t))
            return false;
    }
    return cur_end(&one) && cur_end(&two);
}

const char *route_permission_name(enum route_permission permission)
{
    static const char *const names[] = {
        [ROUTE_OWNER] = "owner",
        [ROUTE_ANYONE] = "anyone",
        [ROUTE_SESSION] = "session",
        [ROUTE_OPERATOR] = "operator",
    };
    return names[permission];
}

static bool row_is_sound(const struct router *router, size_t row)
{
    const struct route *route = &router->routes[row];
    if (route->grpc == NULL || route->path == NULL || route->request == NULL ||
        route->response == NULL)
        return false;
    struct span service = route_service(route);
    if (!is_sentence(route->doc) || route->cost == 0 || route->deadline_ms == 0 ||
        route->method == HTTP_METHOD_NONE || route->method == HTTP_METHOD_HEAD ||
        !path_is_sound(route) || (route_takes_body(route) && route->body_limit == 0))
        return false;
    for (size_t i = 0; i < row; i++) {
        const struct route *other = &router->routes[i];
        bool same = span_equal(service, route_service(other));
        if (span_equal_text(span_text(other->grpc), route->grpc) ||
            (other->method == route->method && paths_overlap(other->path, route->path)) ||
            (same && route_opens_service(router, row)))
            return false;
    }
    return span_equal_text(part_of(service, '.', false), router->package);
}

bool router_is_sound(const struct router *router, const char **what)
{
    struct router_types types;
    for (size_t i = 0; i < router->count; i++) {
        if (!row_is_sound(router, i)) {
            *what = router->routes[i].path;
            return false;
        }
    }
    if (!router_types(router, &types)) {
        *what = "too many messages";
        return false;
    }
    for (size_t i = 0; i < types.message_count; i++) {
        if (!message_is_sound(types.messages[i])) {
            *what = types.messages[i]->name;
            return false;
        }
    }
    return true;
}
