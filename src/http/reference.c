/* reference.c - the table of routes for people, in Markdown.  A function of the table alone. */
#include "http/router.h"

static void put_type(const struct schema_field *field, struct sink *out)
{
    if (field->type == SCHEMA_TIME)
        sink_text(out, "time");
    else
        sink_text(out, route_type_name(field));
    if (field->most > 0)
        sink_format(out, ", at most %zu", field->most);
    if (field->type == SCHEMA_STRING || field->type == SCHEMA_BYTES)
        sink_format(out, ", up to %llu bytes", (unsigned long long)field->limit);
    else if (field->limit > 0)
        sink_format(out, ", up to %llu", (unsigned long long)field->limit);
    if (field->required)
        sink_text(out, ", required");
    if (field->header != NULL)
        sink_format(out, ", also as header `%s`", field->header);
}

static void put_message(const struct schema_message *message, struct sink *out)
{
    sink_format(out, "\n### %s\n\n%s\n", message->name, message->doc);
    if (message->count == 0)
        return;
    sink_text(out, "\n| field | number | type | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < message->count; i++) {
        const struct schema_field *field = &message->fields[i];
        sink_format(out, "| `%s` | %u | ", field->name, field->number);
        put_type(field, out);
        sink_format(out, " | %s |\n", field->doc);
    }
}

static const char *const people[] = {
    [ROUTE_OWNER] = "the owner",
    [ROUTE_ANYONE] = "anyone",
    [ROUTE_SESSION] = "a session",
    [ROUTE_OPERATOR] = "the owner, and an operator by certificate",
};

static void put_route(const struct route *route, struct sink *out)
{
    sink_text(out, "\n### ");
    sink_put(out, route_service_short(route));
    sink_text(out, ".");
    sink_put(out, route_call(route));
    sink_format(out, "\n\n%s\n\n", route->doc);
    sink_format(out, "| | |\n|---|---|\n| REST | `%s %s` |\n| gRPC | `%s`%s |\n",
                http_method_name(route->method), route->path, route->grpc,
                route->streams ? ", answers many messages" : "");
    sink_format(out, "| takes | %s, up to %u bytes |\n| gives | %s |\n", route->request->name,
                route->body_limit, route->response->name);
    sink_format(out, "| for | %s |\n| cost | %u |\n| deadline | %u ms |\n",
                people[route->permission], route->cost, route->deadline_ms);
}

bool router_write_reference(const struct router *router, struct sink *out)
{
    struct router_types types;
    if (!router_types(router, &types))
        return false;
    sink_format(out, "# %s, version %s\n\nGenerated from the table of routes.\n", router->title,
                router->version);
    for (size_t i = 0; i < router->count; i++) {
        if (route_opens_service(router, i)) {
            sink_text(out, "\n## ");
            sink_put(out, route_service(&router->routes[i]));
            sink_text(out, "\n");
        }
        put_route(&router->routes[i], out);
    }
    sink_text(out, "\n## Messages\n");
    for (size_t i = 0; i < types.message_count; i++)
        put_message(types.messages[i], out);
    for (size_t i = 0; i < types.enum_count; i++) {
        sink_format(out, "\n### %s\n\n%s\n\n", types.enums[i]->name, types.enums[i]->doc);
        for (size_t k = 0; k < types.enums[i]->count; k++)
            sink_format(out, "- %zu `%s`\n", k, types.enums[i]->values[k]);
    }
    return sink_ok(out);
}
