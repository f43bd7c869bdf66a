/* grpc_reflect.c - grpc.reflection.v1: what services there are, and of what their messages are
   made. Answers from the table of routes; a name that is not in it is not found. */
#include "base/cursor.h"
#include "codec/protobuf.h"
#include "http/grpc.h"
#include "http/problem.h"

/* ServerReflectionRequest and Response. */
enum {
    ASK_HOST = 1,
    ASK_FILE = 3,
    ASK_SYMBOL = 4,
    ASK_EXTENSION = 5,
    ASK_EXTENSION_NUMBERS = 6,
    ASK_SERVICES = 7,
    SAY_HOST = 1,
    SAY_REQUEST = 2,
    SAY_FILES = 4,
    SAY_SERVICES = 6,
    SAY_ERROR = 7,
};

struct question {
    struct span host;
    uint32_t kind;
    struct span text;
};

static bool read_question(struct span request, struct question *out)
{
    struct cursor in = cur_over(request);
    struct protobuf_field field;
    *out = (struct question){ 0 };
    while (!cur_end(&in)) {
        if (!protobuf_take_field(&in, &field) || field.wire != PROTOBUF_BYTES)
            return false;
        if (field.number == ASK_HOST) {
            out->host = field.bytes;
        } else if (field.number >= ASK_FILE && field.number <= ASK_SERVICES && out->kind == 0) {
            out->kind = field.number;
            out->text = field.bytes;
        } else {
            return false;
        }
    }
    return out->kind != 0;
}

static void say_error(const char *text, struct sink *out)
{
    size_t begun = protobuf_begin(out, SAY_ERROR);
    protobuf_put_number(out, 1, GRPC_NOT_FOUND);
    protobuf_put_text(out, 2, text);
    protobuf_end(out, begun);
}

static void say_services(const struct router *router, struct sink *out)
{
    static const char *const standard[] = { "grpc.health.v1.Health",
                                            "grpc.reflection.v1.ServerReflection" };
    size_t begun = protobuf_begin(out, SAY_SERVICES);
    for (size_t i = 0; i < router->count; i++) {
        if (!route_opens_service(router, i))
            continue;
        size_t service = protobuf_begin(out, 1);
        protobuf_put_bytes(out, 1, route_service(&router->routes[i]));
        protobuf_end(out, service);
    }
    for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++) {
        size_t service = protobuf_begin(out, 1);
        protobuf_put_text(out, 1, standard[i]);
        protobuf_end(out, service);
    }
    protobuf_end(out, begun);
}

static bool say_file(const struct router *router, struct sink *out)
{
    size_t begun = protobuf_begin(out, SAY_FILES);
    size_t file = protobuf_begin(out, 1);
    bool ok = router_write_descriptor(router, out);
    protobuf_end(out, file);
    protobuf_end(out, begun);
    return ok;
}

/* A service, one of its calls, a message or an enum of the package. */
static bool is_symbol(const struct router *router, struct span name)
{
    struct router_types types;
    struct cursor in = cur_over(name);
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        struct span service = route_service(route);
        struct cursor at = cur_over(name);
        if (span_equal(name, service) ||
            (cur_expect(&at, service) && cur_expect(&at, span_text(".")) &&
             span_equal(cur_rest(&at), route_call(route))))
            return true;
    }
    if (!router_types(router, &types) || !cur_expect(&in, span_text(router->package)) ||
        !cur_expect(&in, span_text(".")))
        return false;
    for (size_t i = 0; i < types.message_count; i++) {
        if (span_equal_text(cur_rest(&in), types.messages[i]->name))
            return true;
    }
    for (size_t i = 0; i < types.enum_count; i++) {
        if (span_equal_text(cur_rest(&in), types.enums[i]->name))
            return true;
    }
    return false;
}

static bool is_file(const struct router *router, struct span name)
{
    char text[128];
    struct sink file = sink_over(text, sizeof text);
    router_write_file_name(router, &file);
    return sink_ok(&file) && span_equal(name, sink_bytes(&file));
}

bool grpc_reflect(const struct router *router, struct span request, struct sink *out)
{
    struct question question;
    bool ok = true;
    if (!read_question(request, &question))
        return false;
    if (question.host.len > 0)
        protobuf_put_bytes(out, SAY_HOST, question.host);
    protobuf_put_bytes(out, SAY_REQUEST, request);
    if (question.kind == ASK_SERVICES)
        say_services(router, out);
    else if ((question.kind == ASK_FILE && is_file(router, question.text)) ||
             (question.kind == ASK_SYMBOL && is_symbol(router, question.text)))
        ok = say_file(router, out);
    else
        say_error("there is no such thing here", out);
    return ok && sink_ok(out);
}
