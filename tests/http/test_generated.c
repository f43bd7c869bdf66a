/* test_generated.c - what is generated from a table of routes: whole, valid, and about every row.
 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "codec/json.h"
#include "codec/protobuf.h"
#include "routes.h"
#include "test.h"

static uint8_t text[256 * 1024];
static uint8_t room[1 << 20];

typedef bool writer_fn(const struct router *router, struct sink *out);

static struct span written(writer_fn *write)
{
    struct sink out = sink_over(text, sizeof text - 1);
    assert_true(write(&test_router, &out));
    text[out.len] = 0;
    return sink_bytes(&out);
}

/* Every "$ref" leads to something. */
static void check_references(const struct json *json, uint32_t node)
{
    struct span target;
    if (json_string(json, json_member(json, node, "$ref"), &target)) {
        char kind[32] = "", name[64] = "", path[128] = "";
        memcpy(path, target.at, target.len < sizeof path - 1 ? target.len : sizeof path - 1);
        assert_int_equal(sscanf(path, "#/components/%31[^/]/%63s", kind, name), 2);
        uint32_t at = json_member(json, json_member(json, 0, "components"), kind);
        if (json_member(json, at, name) == JSON_NONE)
            fail_msg("%s leads nowhere", path);
    }
    for (uint32_t n = json_first(json, node); n != JSON_NONE; n = json_next(json, n))
        check_references(json, n);
}

static void test_openapi(void **state)
{
    (void)state;
    struct arena arena = arena_over(room, sizeof room);
    struct json json;
    struct json_error error;
    if (!json_parse(written(router_write_openapi), &arena, NULL, &json, &error))
        fail_msg("%zu: %s", error.offset, error.what);
    assert_true(json_equal_text(&json, json_member(&json, 0, "openapi"), "3.1.0"));
    check_references(&json, 0);
    uint32_t paths = json_member(&json, 0, "paths");
    static const char *const methods[HTTP_METHOD_COUNT] = {
        [HTTP_METHOD_GET] = "get", [HTTP_METHOD_POST] = "post"
    };
    for (size_t i = 0; i < test_router.count; i++) {
        const struct route *route = &test_router.routes[i];
        uint32_t at = json_member(&json, json_member(&json, paths, route->path),
                                  methods[route->method]);
        assert_true(json_equal_text(&json, json_member(&json, at, "x-grpc"), route->grpc));
        uint32_t parameters = json_member(&json, at, "parameters");
        bool body = json_member(&json, at, "requestBody") != JSON_NONE;
        assert_int_equal(json_length(&json, parameters), body ? 0 : route->request->count);
    }
    assert_int_equal(json_length(&json, paths), test_router.count);
}

static void test_texts_name_everything(void **state)
{
    (void)state;
    struct router_types types;
    assert_true(router_types(&test_router, &types));
    assert_true(types.message_count >= 15 && types.enum_count == 1);
    static writer_fn *const writers[] = { router_write_reference, router_write_proto };
    for (size_t w = 0; w < COUNT_OF(writers); w++) {
        (void)written(writers[w]);
        for (size_t i = 0; i < types.message_count; i++) {
            assert_non_null(strstr((char *)text, types.messages[i]->name));
            for (size_t k = 0; k < types.messages[i]->count; k++)
                assert_non_null(strstr((char *)text, types.messages[i]->fields[k].doc));
        }
    }
    (void)written(router_write_reference);
    for (size_t i = 0; i < test_router.count; i++) {
        assert_non_null(strstr((char *)text, test_router.routes[i].path));
        assert_non_null(strstr((char *)text, test_router.routes[i].grpc));
    }
    (void)written(router_write_proto);
    assert_non_null(strstr((char *)text, "package ward.v1;\n"));
    assert_non_null(
        strstr((char *)text, "rpc Query(AuditQueryRequest) returns (stream AuditQueryResponse);"));
    assert_non_null(strstr((char *)text, "  repeated bytes hashes = 5;\n"));
}

/* The fields of one number in a descriptor. */
static size_t count_of(struct span bytes, uint32_t number, size_t wanted, struct span *out)
{
    struct cursor in = cur_over(bytes);
    struct protobuf_field field;
    size_t count = 0;
    while (!cur_end(&in)) {
        assert_true(protobuf_take_field(&in, &field));
        if (field.number == number && count++ == wanted && out != NULL)
            *out = field.bytes;
    }
    return count;
}

static void test_descriptor(void **state)
{
    (void)state;
    struct router_types types;
    assert_true(router_types(&test_router, &types));
    struct span file = written(router_write_descriptor), part = { 0 }, name = { 0 };
    assert_int_equal(count_of(file, 1, 0, &name), 1);
    assert_true(span_equal_text(name, "ward/v1/ward.proto"));
    assert_int_equal(count_of(file, 2, 0, &name), 1);
    assert_true(span_equal_text(name, "ward.v1"));
    assert_int_equal(count_of(file, 4, 0, NULL), types.message_count);
    assert_int_equal(count_of(file, 5, 0, NULL), types.enum_count);
    assert_int_equal(count_of(file, 6, 1, &part), 2);
    assert_int_equal(count_of(part, 1, 0, &name), 1);
    assert_true(span_equal_text(name, "Audit"));
    assert_int_equal(count_of(part, 2, 0, &part), 5);
    assert_int_equal(count_of(part, 2, 0, &name), 1);
    assert_true(span_equal_text(name, ".ward.v1.AuditQueryRequest"));
    for (size_t i = 0; i < types.message_count; i++) {
        count_of(file, 4, i, &part);
        assert_int_equal(count_of(part, 2, 0, NULL), types.messages[i]->count);
    }
}

static void test_full_sinks(void **state)
{
    (void)state;
    static writer_fn *const writers[] = { router_write_openapi, router_write_reference,
                                          router_write_proto, router_write_descriptor };
    for (size_t w = 0; w < COUNT_OF(writers); w++) {
        size_t whole = written(writers[w]).len;
        for (size_t cap = 0; cap < whole; cap += 97) {
            struct sink out = sink_over(text, cap);
            assert_false(writers[w](&test_router, &out));
        }
        struct sink out = sink_over(text, whole + 1);
        assert_true(writers[w](&test_router, &out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_openapi, ""),
        TEST(test_texts_name_everything, ""),
        TEST(test_descriptor, ""),
        TEST(test_full_sinks, ""),
    };
    return RUN_TESTS(tests);
}
