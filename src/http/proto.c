/* proto.c - the table of routes as a .proto text, and the same as a FileDescriptorProto.  Functions
   of the table alone. */
#include "codec/protobuf.h"
#include "http/router.h"

/* What proto3 makes of a name with underscores in JSON is not that name. */
static bool is_renamed(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '_')
            return true;
    }
    return false;
}

static void put_field(const struct schema_field *field, struct sink *out)
{
    sink_format(out, "  // %s\n  %s%s %s = %u", field->doc, field->most > 0 ? "repeated " : "",
                route_type_name(field), field->name, field->number);
    if (is_renamed(span_text(field->name)))
        sink_format(out, " [json_name = \"%s\"]", field->name);
    sink_text(out, ";\n");
}

static void put_services(const struct router *router, struct sink *out)
{
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        if (route_opens_service(router, i)) {
            sink_text(out, i > 0 ? "}\n" : "");
            sink_text(out, "\nservice ");
            sink_put(out, route_service_short(route));
            sink_text(out, " {\n");
        }
        sink_format(out, "  // %s\n  rpc ", route->doc);
        sink_put(out, route_call(route));
        sink_format(out, "(%s) returns (%s%s);\n", route->request->name,
                    route->streams ? "stream " : "", route->response->name);
    }
    sink_text(out, router->count > 0 ? "}\n" : "");
}

bool router_write_proto(const struct router *router, struct sink *out)
{
    struct router_types types;
    if (!router_types(router, &types))
        return false;
    sink_format(out, "// %s. Generated from the table of routes.\nsyntax = \"proto3\";\n\n",
                router->title);
    sink_format(out, "package %s;\n", router->package);
    put_services(router, out);
    for (size_t i = 0; i < types.message_count; i++) {
        const struct schema_message *message = types.messages[i];
        sink_format(out, "\n// %s\nmessage %s {\n", message->doc, message->name);
        for (size_t k = 0; k < message->count; k++)
            put_field(&message->fields[k], out);
        sink_text(out, "}\n");
    }
    for (size_t i = 0; i < types.enum_count; i++) {
        sink_format(out, "\n// %s\nenum %s {\n", types.enums[i]->doc, types.enums[i]->name);
        for (size_t k = 0; k < types.enums[i]->count; k++)
            sink_format(out, "  %s = %zu;\n", types.enums[i]->values[k], k);
        sink_text(out, "}\n");
    }
    return sink_ok(out);
}

/* google/protobuf/descriptor.proto: the numbers of FileDescriptorProto and below. */
enum {
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    FILE_SYNTAX = 12,
    ANY_NAME = 1, /* of a message, field, enum, value, service or method */
    MESSAGE_FIELD = 2,
    FIELD_NUMBER = 3,
    FIELD_LABEL = 4,
    FIELD_TYPE = 5,
    FIELD_TYPE_NAME = 6,
    FIELD_JSON_NAME = 10,
    LABEL_OPTIONAL = 1,
    LABEL_REPEATED = 3,
    ENUM_VALUE = 2,
    VALUE_NUMBER = 2,
    SERVICE_METHOD = 2,
    METHOD_INPUT = 2,
    METHOD_OUTPUT = 3,
    METHOD_STREAMS = 6,
};

/* FieldDescriptorProto.Type. */
static uint32_t type_number(enum schema_type type)
{
    static const uint32_t numbers[] = {
        [SCHEMA_NONE] = 0,  [SCHEMA_STRING] = 9,   [SCHEMA_BYTES] = 12, [SCHEMA_UINT64] = 4,
        [SCHEMA_INT64] = 3, [SCHEMA_UINT32] = 13,  [SCHEMA_BOOL] = 8,   [SCHEMA_ENUM] = 14,
        [SCHEMA_TIME] = 9,  [SCHEMA_MESSAGE] = 11,
    };
    return numbers[type];
}

static void put_full_name(const struct router *router, uint32_t number, const char *name,
                          struct sink *out)
{
    size_t begun = protobuf_begin(out, number);
    sink_format(out, ".%s.%s", router->package, name);
    protobuf_end(out, begun);
}

static void describe_field(const struct router *router, const struct schema_field *field,
                           struct sink *out)
{
    size_t begun = protobuf_begin(out, MESSAGE_FIELD);
    protobuf_put_text(out, ANY_NAME, field->name);
    protobuf_put_number(out, FIELD_NUMBER, field->number);
    protobuf_put_number(out, FIELD_LABEL, field->most > 0 ? LABEL_REPEATED : LABEL_OPTIONAL);
    protobuf_put_number(out, FIELD_TYPE, type_number(field->type));
    if (field->type == SCHEMA_MESSAGE || field->type == SCHEMA_ENUM)
        put_full_name(router, FIELD_TYPE_NAME, route_type_name(field), out);
    /* Names are the same in JSON: without this a client would make them camelCase. */
    protobuf_put_text(out, FIELD_JSON_NAME, field->name);
    protobuf_end(out, begun);
}

static void describe_message(const struct router *router, const struct schema_message *message,
                             struct sink *out)
{
    size_t begun = protobuf_begin(out, FILE_MESSAGE);
    protobuf_put_text(out, ANY_NAME, message->name);
    for (size_t i = 0; i < message->count; i++)
        describe_field(router, &message->fields[i], out);
    protobuf_end(out, begun);
}

static void describe_enum(const struct schema_enum *values, struct sink *out)
{
    size_t begun = protobuf_begin(out, FILE_ENUM);
    protobuf_put_text(out, ANY_NAME, values->name);
    for (size_t i = 0; i < values->count; i++) {
        size_t value = protobuf_begin(out, ENUM_VALUE);
        protobuf_put_text(out, ANY_NAME, values->values[i]);
        protobuf_put_number(out, VALUE_NUMBER, i);
        protobuf_end(out, value);
    }
    protobuf_end(out, begun);
}

static void describe_method(const struct router *router, const struct route *route,
                            struct sink *out)
{
    size_t begun = protobuf_begin(out, SERVICE_METHOD);
    protobuf_put_bytes(out, ANY_NAME, route_call(route));
    put_full_name(router, METHOD_INPUT, route->request->name, out);
    put_full_name(router, METHOD_OUTPUT, route->response->name, out);
    if (route->streams)
        protobuf_put_number(out, METHOD_STREAMS, 1);
    protobuf_end(out, begun);
}

/* The rows of one service, beginning at `row`. */
static void describe_service(const struct router *router, size_t row, struct sink *out)
{
    size_t begun = protobuf_begin(out, FILE_SERVICE);
    protobuf_put_bytes(out, ANY_NAME, route_service_short(&router->routes[row]));
    do
        describe_method(router, &router->routes[row++], out);
    while (row < router->count && !route_opens_service(router, row));
    protobuf_end(out, begun);
}

bool router_write_descriptor(const struct router *router, struct sink *out)
{
    struct router_types types;
    if (!router_types(router, &types))
        return false;
    size_t begun = protobuf_begin(out, FILE_NAME);
    router_write_file_name(router, out);
    protobuf_end(out, begun);
    protobuf_put_text(out, FILE_PACKAGE, router->package);
    for (size_t i = 0; i < types.message_count; i++)
        describe_message(router, types.messages[i], out);
    for (size_t i = 0; i < types.enum_count; i++)
        describe_enum(types.enums[i], out);
    for (size_t i = 0; i < router->count; i++) {
        if (route_opens_service(router, i))
            describe_service(router, i, out);
    }
    protobuf_put_text(out, FILE_SYNTAX, "proto3");
    return sink_ok(out);
}
