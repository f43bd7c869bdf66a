/* openapi.c - the table of routes as OpenAPI 3.1.  A function of the table alone. */
#include "codec/json_write.h"
#include "http/router.h"

static void put_reference(struct json_writer *w, const char *kind, const char *name)
{
    char text[160];
    struct sink path = sink_over(text, sizeof text);
    sink_format(&path, "#/components/%s/%s", kind, name);
    json_begin_object(w);
    json_put_key(w, "$ref");
    json_put_span(w, sink_bytes(&path));
    json_end_object(w);
}

static void put_enum(struct json_writer *w, const struct schema_enum *values)
{
    json_put_key(w, "enum");
    json_begin_array(w);
    for (size_t i = 0; i < values->count; i++)
        json_put_text(w, values->values[i]);
    json_end_array(w);
}

/* A time is RFC 3339, or empty when it is not set. */
static void put_time(struct json_writer *w)
{
    json_put_member(w, "type", "string");
    json_put_key(w, "anyOf");
    json_begin_array(w);
    json_begin_object(w);
    json_put_member(w, "format", "date-time");
    json_end_object(w);
    json_begin_object(w);
    json_put_member_u64(w, "maxLength", 0);
    json_end_object(w);
    json_end_array(w);
}

/* The members of one value's schema, without braces. */
static void put_type(struct json_writer *w, const struct schema_field *field)
{
    switch (field->type) {
    case SCHEMA_STRING:
        json_put_member(w, "type", "string");
        json_put_member_u64(w, "maxLength", field->limit);
        return;
    case SCHEMA_BYTES:
        json_put_member(w, "type", "string");
        json_put_member(w, "contentEncoding", "base64");
        json_put_member_u64(w, "maxLength", (field->limit + 2) / 3 * 4);
        return;
    case SCHEMA_UINT64:
        json_put_member(w, "type", "string");
        json_put_member(w, "format", "uint64");
        json_put_member(w, "pattern", "^(0|[1-9][0-9]{0,19})$");
        return;
    case SCHEMA_INT64:
        json_put_member(w, "type", "string");
        json_put_member(w, "format", "int64");
        json_put_member(w, "pattern", "^-?(0|[1-9][0-9]{0,18})$");
        return;
    case SCHEMA_UINT32:
        json_put_member(w, "type", "integer");
        json_put_member_u64(w, "minimum", 0);
        json_put_member_u64(w, "maximum", field->limit > 0 ? field->limit : UINT32_MAX);
        return;
    case SCHEMA_BOOL:
        json_put_member(w, "type", "boolean");
        return;
    case SCHEMA_ENUM:
        json_put_member(w, "type", "string");
        put_enum(w, field->values);
        return;
    case SCHEMA_TIME:
        put_time(w);
        return;
    case SCHEMA_MESSAGE:
    case SCHEMA_NONE:
    default:
        return;
    }
}

static void put_field(struct json_writer *w, const struct schema_field *field)
{
    json_put_key(w, field->name);
    json_begin_object(w);
    json_put_member(w, "description", field->doc);
    if (field->most == 0) {
        put_type(w, field);
    } else {
        json_put_member(w, "type", "array");
        json_put_member_u64(w, "maxItems", field->most);
        if (field->required)
            json_put_member_u64(w, "minItems", 1);
        json_put_key(w, "items");
        if (field->type == SCHEMA_MESSAGE) {
            put_reference(w, "schemas", field->message->name);
        } else {
            json_begin_object(w);
            put_type(w, field);
            json_end_object(w);
        }
    }
    json_end_object(w);
}

/* What is only ever asked may leave out what is not required; answers are complete. */
static bool is_request(const struct router *router, const struct schema_message *message)
{
    for (size_t i = 0; i < router->count; i++) {
        if (router->routes[i].request == message)
            return true;
    }
    return false;
}

/* A request without a body is parameters: its message has no schema of its own. */
static bool has_schema(const struct router *router, const struct schema_message *message)
{
    bool asked = false;
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        if (route->response == message ||
            (route->request == message && route_takes_body(route) && message->count > 0))
            return true;
        asked = asked || route->request == message;
    }
    return !asked;
}

static void put_schema(struct json_writer *w, const struct router *router,
                       const struct schema_message *message)
{
    bool asked = is_request(router, message);
    json_put_key(w, message->name);
    json_begin_object(w);
    json_put_member(w, "type", "object");
    json_put_member(w, "description", message->doc);
    json_put_key(w, "properties");
    json_begin_object(w);
    for (size_t i = 0; i < message->count; i++)
        put_field(w, &message->fields[i]);
    json_end_object(w);
    json_put_key(w, "required");
    json_begin_array(w);
    for (size_t i = 0; i < message->count; i++) {
        if (!asked || message->fields[i].required)
            json_put_text(w, message->fields[i].name);
    }
    json_end_array(w);
    json_put_key(w, "additionalProperties");
    json_put_bool(w, false);
    json_end_object(w);
}

/* RFC 9457, as problem.c writes it. */
static void put_problem(struct json_writer *w)
{
    static const char *const texts[] = {
        "type", "title", "detail", "instance", "code", "trace_id"
    };
    json_put_key(w, "Problem");
    json_begin_object(w);
    json_put_member(w, "type", "object");
    json_put_member(w, "description", "Why a call was refused (RFC 9457).");
    json_put_key(w, "properties");
    json_begin_object(w);
    json_put_key(w, "status");
    json_begin_object(w);
    json_put_member(w, "type", "integer");
    json_end_object(w);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_put_key(w, texts[i]);
        json_begin_object(w);
        json_put_member(w, "type", "string");
        json_end_object(w);
    }
    json_end_object(w);
    json_put_key(w, "required");
    json_begin_array(w);
    json_put_text(w, "status");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        json_put_text(w, texts[i]);
    json_end_array(w);
    json_put_key(w, "additionalProperties");
    json_put_bool(w, false);
    json_end_object(w);
}

static void put_parameters(struct json_writer *w, const struct route *route)
{
    json_put_key(w, "parameters");
    json_begin_array(w);
    for (size_t i = 0; i < route->request->count; i++) {
        const struct schema_field *field = &route->request->fields[i];
        bool in_path = route_has_parameter(route, field->name), in_header = field->header != NULL;
        if (!in_path && !in_header && (route_takes_body(route) || field->most > 0))
            continue;
        json_begin_object(w);
        json_put_member(w, "name", in_header ? field->header : field->name);
        json_put_member(w, "in", in_header ? "header" : in_path ? "path" : "query");
        json_put_member(w, "description", field->doc);
        json_put_key(w, "required");
        json_put_bool(w, in_path || field->required);
        json_put_key(w, "schema");
        json_begin_object(w);
        if (in_header && field->type == SCHEMA_UINT64) {
            json_put_member(w, "type", "string");
            json_put_member(w, "pattern", "^(\\*|\"[1-9][0-9]{0,19}\")$");
        } else {
            put_type(w, field);
        }
        json_end_object(w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_content(struct json_writer *w, const char *type, const char *schema)
{
    json_put_key(w, "content");
    json_begin_object(w);
    json_put_key(w, type);
    json_begin_object(w);
    json_put_key(w, "schema");
    put_reference(w, "schemas", schema);
    json_end_object(w);
    json_end_object(w);
}

/* What REST says in a header, too: a strong validator. */
static void put_headers(struct json_writer *w, const struct schema_message *message)
{
    for (size_t i = 0; i < message->count; i++) {
        if (message->fields[i].header == NULL)
            continue;
        json_put_key(w, "headers");
        json_begin_object(w);
        json_put_key(w, message->fields[i].header);
        json_begin_object(w);
        json_put_member(w, "description", message->fields[i].doc);
        json_put_key(w, "schema");
        json_begin_object(w);
        json_put_member(w, "type", "string");
        json_put_member(w, "pattern", "^\"[0-9]+\"$");
        json_end_object(w);
        json_end_object(w);
        json_end_object(w);
    }
}

static void put_responses(struct json_writer *w, const struct route *route)
{
    json_put_key(w, "responses");
    json_begin_object(w);
    json_put_key(w, "200");
    json_begin_object(w);
    json_put_member(w, "description", route->response->doc);
    put_headers(w, route->response);
    put_content(w, "application/json", route->response->name);
    json_end_object(w);
    json_put_key(w, "4XX");
    put_reference(w, "responses", "Problem");
    json_put_key(w, "5XX");
    put_reference(w, "responses", "Problem");
    json_end_object(w);
}

static void put_operation(struct json_writer *w, const struct route *route)
{
    static const char *const methods[HTTP_METHOD_COUNT] = {
        [HTTP_METHOD_NONE] = "",         [HTTP_METHOD_GET] = "get",
        [HTTP_METHOD_HEAD] = "head",     [HTTP_METHOD_POST] = "post",
        [HTTP_METHOD_PUT] = "put",       [HTTP_METHOD_PATCH] = "patch",
        [HTTP_METHOD_DELETE] = "delete", [HTTP_METHOD_OPTIONS] = "options",
    };
    char text[128];
    struct sink id = sink_over(text, sizeof text);
    sink_put(&id, route_service_short(route));
    sink_put(&id, route_call(route));
    json_put_key(w, methods[route->method]);
    json_begin_object(w);
    json_put_key(w, "operationId");
    json_put_span(w, sink_bytes(&id));
    json_put_key(w, "tags");
    json_begin_array(w);
    json_put_span(w, route_service_short(route));
    json_end_array(w);
    json_put_member(w, "summary", route->doc);
    json_put_member(w, "x-grpc", route->grpc);
    json_put_member(w, "x-permission", route_permission_name(route->permission));
    json_put_member_u64(w, "x-cost", route->cost);
    json_put_member_u64(w, "x-deadline-ms", route->deadline_ms);
    put_parameters(w, route);
    if (route_takes_body(route) && route->request->count > 0) {
        json_put_key(w, "requestBody");
        json_begin_object(w);
        json_put_key(w, "required");
        json_put_bool(w, true);
        put_content(w, "application/json", route->request->name);
        json_end_object(w);
    }
    put_responses(w, route);
    json_end_object(w);
}

/* All methods of a path stand under it, at the place of the first row that has it. */
static void put_paths(struct json_writer *w, const struct router *router)
{
    json_put_key(w, "paths");
    json_begin_object(w);
    for (size_t i = 0; i < router->count; i++) {
        struct span path = span_text(router->routes[i].path);
        size_t first = 0;
        while (!span_equal_text(path, router->routes[first].path))
            first++;
        if (first < i)
            continue;
        json_put_key(w, router->routes[i].path);
        json_begin_object(w);
        for (size_t k = i; k < router->count; k++) {
            if (span_equal_text(path, router->routes[k].path))
                put_operation(w, &router->routes[k]);
        }
        json_end_object(w);
    }
    json_end_object(w);
}

static void put_components(struct json_writer *w, const struct router *router,
                           const struct router_types *types)
{
    json_put_key(w, "components");
    json_begin_object(w);
    json_put_key(w, "schemas");
    json_begin_object(w);
    for (size_t i = 0; i < types->message_count; i++) {
        if (has_schema(router, types->messages[i]))
            put_schema(w, router, types->messages[i]);
    }
    put_problem(w);
    json_end_object(w);
    json_put_key(w, "responses");
    json_begin_object(w);
    json_put_key(w, "Problem");
    json_begin_object(w);
    json_put_member(w, "description", "The call was refused.");
    put_content(w, "application/problem+json", "Problem");
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

bool router_write_openapi(const struct router *router, struct sink *out)
{
    struct router_types types;
    if (!router_types(router, &types))
        return false;
    struct json_writer w = json_write_to(out, 2);
    json_begin_object(&w);
    json_put_member(&w, "openapi", "3.1.0");
    json_put_key(&w, "info");
    json_begin_object(&w);
    json_put_member(&w, "title", router->title);
    json_put_member(&w, "version", router->version);
    json_put_member(
        &w, "description",
        "`x-permission` says who may make a call: anyone; the owner of the installation, whom "
        "the house knows by the peer credentials of its unix socket; or a session, whose key "
        "has signed the request in the headers that docs/wire.md describes. Any call may be "
        "signed so, and is then the session's.");
    json_put_key(&w, "license");
    json_begin_object(&w);
    json_put_member(&w, "name", "Apache-2.0");
    json_put_member(&w, "identifier", "Apache-2.0");
    json_end_object(&w);
    json_end_object(&w);
    json_put_key(&w, "servers");
    json_begin_array(&w);
    json_begin_object(&w);
    json_put_member(&w, "url", "/");
    json_end_object(&w);
    json_end_array(&w);
    json_put_key(&w, "security");
    json_begin_array(&w);
    json_end_array(&w);
    put_paths(&w, router);
    put_components(&w, router, &types);
    json_end_object(&w);
    return json_write_ok(&w);
}
