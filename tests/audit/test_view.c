/* test_view.c - other people's readers get the fields that were meant, whatever strangers put
   into them: each view is read back by its own rules. */
#include "audit/view.h"

#include "log.h"
#include "model/reason.h"

enum { CSV_CELLS = 12 };

static struct audit_reader reader;
static uint8_t line_room[AUDIT_LINE_MAX];
static uint8_t view_room[AUDIT_VIEW_ROOM];

static struct span line_of(const struct audit_record *record)
{
    struct sink out = sink_over(line_room, sizeof line_room);
    assert_true(rc_ok(audit_write(record, &out, NULL)));
    return sink_bytes(&out);
}

static struct span view_of(enum audit_view view, const struct audit_record *record)
{
    struct sink out = sink_over(view_room, sizeof view_room);
    assert_true(rc_ok(audit_view_put(view, &reader, line_of(record), "0.1.0", &out, NULL)));
    return sink_bytes(&out);
}

static void test_names(void **state)
{
    (void)state;
    enum audit_view view = AUDIT_VIEW_CSV;
    assert_true(audit_view_find(span_text("jsonl"), &view) && view == AUDIT_VIEW_JSONL);
    assert_true(audit_view_find(span_text("ocsf"), &view) && view == AUDIT_VIEW_OCSF);
    assert_true(audit_view_find(span_text("cef"), &view) && view == AUDIT_VIEW_CEF);
    assert_true(audit_view_find(span_text("csv"), &view) && view == AUDIT_VIEW_CSV);
    assert_false(audit_view_find(span_text("CSV"), &view));
    assert_false(audit_view_find(span_text(""), &view));
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void test_a_login_in_each(void **state)
{
    (void)state;
    struct audit_record record = log_login(AUDIT_FAILURE);
    struct sink head = sink_over(view_room, sizeof view_room);
    audit_view_begin(AUDIT_VIEW_CSV, &head);
    assert_span_equal(sink_bytes(&head),
                      span_text("\"seq\",\"timestamp\",\"event_type\",\"action\",\"outcome\","
                                "\"actor_type\",\"actor_id\",\"ip_address\",\"resource\","
                                "\"details\",\"trace_id\",\"prev\"\r\n"));
    head = sink_over(view_room, sizeof view_room);
    audit_view_begin(AUDIT_VIEW_CEF, &head);
    assert_int_equal(head.len, 0);
    assert_span_equal(view_of(AUDIT_VIEW_CSV, &record),
                      span_text("\"0\",\"2026-11-28T12:00:00.123Z\",\"Authentication\","
                                "\"login\",\"Failure\",\"User\",\"u-7\",\"192.0.2.1\","
                                "\"session\",\"{\"\"method\"\":\"\"password\"\"}\",\"\",\"" ZEROS
                                "\"\r\n"));
    assert_span_equal(
        view_of(AUDIT_VIEW_CEF, &record),
        span_text("CEF:0|Ward|ward|0.1.0|login|login|3|rt=1795867200123 externalId=0 "
                  "cat=Authentication act=login outcome=Failure suser=u-7 src=192.0.2.1 cs1=User "
                  "cs1Label=actorType cs2=session cs2Label=resource "
                  "cs4={\"method\":\"password\"} cs4Label=details\n"));
    assert_span_equal(
        view_of(AUDIT_VIEW_OCSF, &record),
        span_text(
            "{\"activity_id\":1,\"activity_name\":\"Logon\",\"category_uid\":3,\"class_uid\":3002,"
            "\"type_uid\":300201,\"time\":1795867200123,\"severity_id\":2,\"severity\":\"Low\","
            "\"status_id\":2,\"status\":\"Failure\",\"status_detail\":\"Failure\",\"metadata\":{"
            "\"version\":\"1.3.0\",\"product\":{\"name\":\"Ward\",\"vendor_name\":\"Ward\","
            "\"version\":\"0.1.0\"},\"log_name\":\"security\",\"sequence\":0,\"original_time\":"
            "\"2026-11-28T12:00:00.123Z\",\"event_code\":\"login\"},\"user\":{\"uid\":\"u-7\","
            "\"type\":\"User\",\"type_id\":1},\"src_endpoint\":{\"ip\":\"192.0.2.1\"},\"service\":"
            "{\"name\":\"ward\"},\"unmapped\":{\"event_type\":\"Authentication\",\"details\":{"
            "\"method\":\"password\"},\"prev\":\"" ZEROS "\"}}\n"));
    struct span line = line_of(&record);
    struct span jsonl = view_of(AUDIT_VIEW_JSONL, &record);
    assert_int_equal(jsonl.at[jsonl.len - 1], '\n');
    assert_span_equal(span_of(jsonl.at, jsonl.len - 1), line);
}

/* --- CEF, read by its own rules --- */

/* Moves past one header field; a backslash takes the next character with it. */
static size_t cef_header_field(struct span text, size_t at)
{
    while (text.at[at] != '|') {
        at += text.at[at] == '\\' ? 2 : 1;
        assert_true(at < text.len);
    }
    return at + 1;
}

/* The keys of the extension in one string, each followed by a space. */
static void cef_keys(struct span text, struct sink *out)
{
    size_t at = 0;
    for (size_t i = 0; i < 7; i++)
        at = cef_header_field(text, at);
    size_t word = at; /* where the last word began: a key, when a bare '=' follows */
    for (; at < text.len; at++) {
        uint8_t c = text.at[at];
        assert_true(c >= 0x20 || (c == '\n' && at + 1 == text.len));
        if (c == '\\') {
            uint8_t next = text.at[at + 1];
            assert_true(next == '\\' || next == '=');
            at++;
        } else if (c == ' ') {
            word = at + 1;
        } else if (c == '=') {
            sink_put(out, span_of(&text.at[word], at - word));
            sink_u8(out, ' ');
        }
    }
}

static void check_cef(const struct audit_record *record)
{
    char room[512];
    char want[512];
    struct sink keys = sink_over(room, sizeof room);
    struct sink expected = sink_over(want, sizeof want);
    cef_keys(view_of(AUDIT_VIEW_CEF, record), &keys);
    sink_text(&expected, "rt externalId cat act outcome ");
    sink_text(&expected, record->actor_id.len > 0 ? "suser " : "");
    sink_text(&expected, "c6a2 c6a2Label cs1 cs1Label ");
    sink_text(&expected, record->resource.len > 0 ? "cs2 cs2Label " : "");
    sink_text(&expected, record->traced ? "cs3 cs3Label " : "");
    sink_text(&expected, "cs4 cs4Label ");
    assert_span_equal(sink_bytes(&keys), sink_bytes(&expected));
}

/* --- CSV --- */

static void check_csv_cell(struct span cell)
{
    static const char *const bad[] = { "=", "+",  "-",  "@",  "|",
                                       "%", "\t", "\r", "\n", "\xef\xbc\x9d" };
    while (cell.len > 0 && cell.at[0] == ' ')
        cell = span_of(cell.at + 1, cell.len - 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t len = strlen(bad[i]);
        assert_false(cell.len >= len && span_equal_text(span_of(cell.at, len), bad[i]));
    }
}

static void check_csv(const struct audit_record *record)
{
    struct span row = view_of(AUDIT_VIEW_CSV, record);
    size_t cells = 0;
    size_t at = 0;
    do {
        assert_int_equal(row.at[at], '"');
        size_t start = ++at;
        while (row.at[at] != '"' || row.at[at + 1] == '"') {
            assert_true(row.at[at] >= 0x20);
            at += row.at[at] == '"' ? 2 : 1;
            assert_true(at + 1 < row.len);
        }
        check_csv_cell(span_of(&row.at[start], at - start));
        cells++;
        at++;
    } while (row.at[at++] == ',');
    assert_int_equal(cells, CSV_CELLS);
    assert_span_equal(span_of(&row.at[at - 1], row.len - at + 1), span_text("\r\n"));
}

/* --- OCSF --- */

static const struct {
    uint64_t class;
    const char *required[4]; /* besides those of every event */
} classes[] = {
    { 3002, { "user", "service" } },
    { 3004, { "entity", "actor" } },
    { 6002, { "app" } },
    { 6003, { "actor", "api", "src_endpoint" } },
};

/* An object of which one of the members must be there. */
static const struct {
    const char *object;
    const char *one_of[3];
} at_least_one[] = {
    { "user", { "uid" } }, { "service", { "name" } },  { "entity", { "uid" } },
    { "app", { "name" } }, { "api", { "operation" } }, { "src_endpoint", { "ip", "svc_name" } },
};

static bool is_required(uint64_t class, const struct json *json)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (classes[i].class != class)
            continue;
        for (size_t k = 0; k < 4 && classes[i].required[k] != NULL; k++) {
            if (json_type(json, json_member(json, 0, classes[i].required[k])) != JSON_OBJECT)
                return false;
        }
        return true;
    }
    return false;
}

static void check_ocsf(const struct audit_record *record)
{
    static struct json_node nodes[256];
    static const char *const numbers[] = { "activity_id", "category_uid", "class_uid", "type_uid",
                                           "time",        "severity_id",  "status_id" };
    struct json json;
    uint64_t value[7];
    struct span text = view_of(AUDIT_VIEW_OCSF, record);
    assert_int_equal(text.at[text.len - 1], '\n');
    assert_true(json_parse_into(span_of(text.at, text.len - 1), nodes, 256, NULL, &json, NULL));
    for (size_t i = 0; i < 7; i++)
        assert_true(json_u64(&json, json_member(&json, 0, numbers[i]), UINT64_MAX, &value[i]));
    assert_int_equal(value[1], value[2] / 1000);
    assert_int_equal(value[3], value[2] * 100 + value[0]);
    assert_int_equal(value[4], record->at);
    assert_in_range(value[5], 1, 4);
    assert_in_range(value[6], 1, 2);
    assert_true(is_required(value[2], &json));
    uint32_t metadata = json_member(&json, 0, "metadata");
    uint32_t product = json_member(&json, metadata, "product");
    assert_true(json_equal_text(&json, json_member(&json, metadata, "version"), "1.3.0"));
    assert_true(json_equal_text(&json, json_member(&json, product, "vendor_name"), "Ward"));
    for (size_t i = 0; i < sizeof at_least_one / sizeof at_least_one[0]; i++) {
        uint32_t object = json_member(&json, 0, at_least_one[i].object);
        bool there = object == JSON_NONE;
        for (size_t k = 0; k < 3 && at_least_one[i].one_of[k] != NULL; k++)
            there = there || json_member(&json, object, at_least_one[i].one_of[k]) != JSON_NONE;
        assert_true(there);
    }
}

static void test_every_event_in_every_view(void **state)
{
    (void)state;
    static const uint8_t trace[AUDIT_TRACE_LEN] = { 1 };
    for (unsigned e = 1; e < AUDIT_EVENT_COUNT; e++) {
        for (unsigned outcome = AUDIT_SUCCESS; outcome < AUDIT_OUTCOME_COUNT; outcome++) {
            struct audit_record record = log_event((enum audit_event)e, span_text("x"));
            record.outcome = (enum audit_outcome)outcome;
            if (outcome == AUDIT_DENIED)
                audit_set_trace(&record, trace);
            check_cef(&record);
            check_csv(&record);
            check_ocsf(&record);
        }
    }
}

static const char *const attacks[] = {
    "",
    " ",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1",
    "\t=1",
    "\r\n=1",
    "|cmd",
    "%0a",
    "\xef\xbc\x9dSUM(1)",
    "\xef\xbc\xa0x",
    "=HYPERLINK(\"http://e.test\",\"x\")",
    "\",\"x\",\"",
    "\"\r\n\"forged\",\"row\"\r\n",
    "a\nCEF:0|Evil|x|1|y|z|0|act=forged",
    "x act=forged outcome=Success",
    "x\\",
    "x\\= y=z",
    "|||||||||",
    "\\|x=",
    "\xe2\x80\xa8 a=b",
    "\x1b]0;owned\x07",
    "\xff\xfe",
    "\",\"class_uid\":1,\"x\":\"",
    "\\u0022,\\u0022a\\u0022:1",
    "'=1",
};

static void test_attacks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        struct audit_record record = log_event(AUDIT_EVENT_PAYMENT, span_text(attacks[i]));
        check_cef(&record);
        check_csv(&record);
        check_ocsf(&record);
    }
}

static void test_hostile_bytes(void **state)
{
    (void)state;
    struct test_random random = { 33 };
    static uint8_t text[4096];
    static const char set[] = "=+-@|\\\"',\n\r\t \x1b{}[]:a\xe2\x80\xae\xe2\x80\xac\xff";
    print_message("# seed 33\n");
    for (unsigned round = 0; round < 5000; round++) {
        size_t len = test_random_below(&random, round % 100 == 0 ? sizeof text : 60);
        for (size_t i = 0; i < len; i++)
            text[i] = (uint8_t)set[test_random_below(&random, sizeof set - 1)];
        struct audit_record record = log_event(
            (enum audit_event)(1 + round % (AUDIT_EVENT_COUNT - 1)), span_of(text, len));
        check_cef(&record);
        check_csv(&record);
        check_ocsf(&record);
    }
}

/* The longest record there may be fits into the room that is named, in every view. */
static void test_the_room(void **state)
{
    (void)state;
    static char names[AUDIT_DETAILS_MAX][4];
    static const char kinds[] = { '"', '\\', '\n', 0x01, '=', '|' };
    static uint8_t big[AUDIT_DETAIL_MAX + 1];
    for (size_t kind = 0; kind < sizeof kinds; kind++) {
        memset(big, kinds[kind], sizeof big);
        struct audit_record record = log_event(AUDIT_EVENT_PAYMENT, SPAN(big));
        for (size_t i = record.count; i < AUDIT_DETAILS_MAX; i++) {
            struct sink name = sink_over(names[i], sizeof names[i]);
            sink_format(&name, "x%zu", i);
            sink_terminate(&name);
            audit_add_text(&record, names[i], SPAN(big));
        }
        for (unsigned view = AUDIT_VIEW_JSONL; view <= AUDIT_VIEW_CSV; view++)
            assert_true(view_of((enum audit_view)view, &record).len > 20000);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct audit_record record = log_login(AUDIT_SUCCESS);
    struct span line = line_of(&record);
    for (unsigned view = AUDIT_VIEW_JSONL; view <= AUDIT_VIEW_CSV; view++) {
        struct sink out = sink_over(view_room, sizeof view_room);
        sink_text(&out, "before");
        rc r = audit_view_put((enum audit_view)view, &reader, span_text("{}"), "1", &out, NULL);
        assert_int_equal(rc_number(r), REASON_AUDIT_LINE_INVALID);
        assert_int_equal(out.len, 6);
        for (size_t cap = 6; cap < 200; cap++) {
            out = sink_over(view_room, cap);
            sink_text(&out, "before");
            r = audit_view_put((enum audit_view)view, &reader, line, "1", &out, NULL);
            assert_int_equal(rc_number(r), REASON_AUDIT_VIEW_FULL);
            assert_int_equal(out.len, 6);
        }
    }
}

/* An event of a later version is exported too. */
static void test_an_event_of_later(void **state)
{
    (void)state;
    static const char later[] =
        "{\"action\":\"key.release\",\"actor_id\":\"\",\"actor_type\":\"Node\",\"details\":{},"
        "\"event_type\":\"Authorization\",\"ip_address\":null,\"outcome\":\"Denied\",\"prev\":"
        "\"" ZEROS "\",\"resource\":\"\",\"seq\":0,"
        "\"timestamp\":\"2026-11-28T12:00:00.000Z\",\"trace_id\":null}";
    for (unsigned view = AUDIT_VIEW_JSONL; view <= AUDIT_VIEW_CSV; view++) {
        struct sink out = sink_over(view_room, sizeof view_room);
        assert_true(rc_ok(
            audit_view_put((enum audit_view)view, &reader, span_text(later), "1", &out, NULL)));
        assert_non_null(memmem(view_room, out.len, "key.release", 11));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names, ""),
        TEST(test_a_login_in_each, ""),
        TEST(test_every_event_in_every_view, ""),
        TEST(test_attacks, ""),
        TEST(test_hostile_bytes, ""),
        TEST(test_the_room, ""),
        TEST(test_refusals, ""),
        TEST(test_an_event_of_later, ""),
    };
    return RUN_TESTS(tests);
}
