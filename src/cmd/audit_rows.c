/* audit_rows.c - see audit_rows.h. */
#include "cmd/audit_rows.h"

#include <stdio.h>
#include <string.h>

#include "audit/text.h"
#include "base/time.h"
#include "cmd/home.h"
#include "cmd/house_ask.h"
#include "cmd/input.h"
#include "cmd/show_call.h"
#include "codec/values.h"
#include "model/api.h"

enum { ROW_ROOM = 4 * AUDIT_LINE_MAX, PAGE = 500, TARGET_ROOM = 1900, ASK_MS = 30000 };
enum { PAGE_MEMORY = 16 << 20 };

static struct span filter_text(const struct invocation *in, size_t option)
{
    const char *text = in->values[option];
    return text != NULL ? span_text(text) : span_of(NULL, 0);
}

static bool read_filters(struct invocation *in, struct audit_query *out)
{
    int64_t since = 0, until = 0;
    *out = (struct audit_query){ .action = filter_text(in, AUDIT_FILTER_ACTION),
                                 .actor_id = filter_text(in, AUDIT_FILTER_ACTOR),
                                 .resource = filter_text(in, AUDIT_FILTER_RESOURCE) };
    out->type = audit_type_find(filter_text(in, AUDIT_FILTER_TYPE));
    out->outcome = audit_outcome_find(filter_text(in, AUDIT_FILTER_OUTCOME));
    if (in->values[AUDIT_FILTER_SINCE] != NULL &&
        !input_time(in->values[AUDIT_FILTER_SINCE], &since))
        return false;
    if (in->values[AUDIT_FILTER_UNTIL] != NULL &&
        !input_time(in->values[AUDIT_FILTER_UNTIL], &until))
        return false;
    out->since = since * 1000;
    out->until = in->values[AUDIT_FILTER_UNTIL] != NULL ? (until + 1) * 1000 : 0;
    return true;
}

enum exit_code audit_rows_begin(struct invocation *in, struct audit_rows *out)
{
    struct settings_loaded loaded;
    pid_t monitor = 0;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    *out = (struct audit_rows){ .in = in, .left = UINT64_MAX };
    out->reader = arena_alloc(&in->arena, sizeof *out->reader);
    if (out->reader == NULL)
        return EXIT_INTERNAL;
    if (!read_filters(in, &out->query))
        return EXIT_USAGE;
    snprintf(out->state, sizeof out->state, "%s", loaded.config.settings.state);
    snprintf(out->folder, sizeof out->folder, "%s/audit", out->state);
    out->lived_in = home_look(out->state, &monitor) == HOME_LIVED_IN;
    return EXIT_DONE;
}

static void put_plain(struct sink *out, struct span text)
{
    static const struct audit_plain how = { .escaped = "\\", .doubled = "", .unsafe = "\\" };
    if (text.len == 0)
        sink_u8(out, '-');
    else
        audit_text_plain(out, text, &how);
}

static void put_row(struct sink *out, const struct audit_record *record)
{
    if (!audit_time_put(out, record->at))
        sink_u8(out, '?');
    sink_format(out, "  %llu  %-7s  ", (unsigned long long)record->seq,
                audit_outcome_name(record->outcome));
    put_plain(out, record->action);
    sink_format(out, "  %s ", audit_actor_name(record->actor_type));
    put_plain(out, record->actor_id);
    sink_text(out, "  ");
    put_plain(out, record->resource);
    sink_text(out, "  ");
    put_plain(out, record->address);
    sink_text(out, "  ");
    sink_put(out, record->details_json);
    sink_u8(out, '\n');
}

enum exit_code audit_rows_print(struct audit_rows *rows, struct span line)
{
    static uint8_t room[ROW_ROOM];
    struct sink out = sink_over(room, sizeof room);
    struct audit_record record;
    if (!rc_ok(audit_read(rows->reader, line, &record, NULL))) {
        say("record %llu is not as Ward writes them; `ward audit verify` says more",
            (unsigned long long)rows->next);
        return EXIT_NO;
    }
    if (record.seq < rows->next) /* asked for from there on */
        return EXIT_DONE;
    rows->next = record.seq + 1;
    if (rows->left == 0 || !audit_query_matches(&rows->query, &record))
        return EXIT_DONE;
    rows->left--;
    if (rows->json) {
        sink_put(&out, line);
        sink_u8(&out, '\n');
    } else {
        put_row(&out, &record);
    }
    fwrite(room, 1, out.len, stdout);
    return EXIT_DONE;
}

enum exit_code audit_rows_of_files(struct audit_rows *rows)
{
    struct audit_log log;
    struct span line;
    enum audit_log_step step = AUDIT_LOG_END;
    if (shows_calls(rows->in)) {
        say("%s: the files are read, and no house is asked: there is no call to show (%s)",
            rows->in->command->name,
            rows->lived_in ? "--files" : "no house runs in the state folder; --state names one");
        return EXIT_UNREACHABLE;
    }
    enum exit_code code = audit_log_open(rows->in, rows->folder, &log);
    while (code == EXIT_DONE && rows->left > 0) {
        step = audit_log_next(&log, &line);
        if (step != AUDIT_LOG_LINE)
            break;
        code = audit_rows_print(rows, line);
    }
    if (code == EXIT_DONE && (step == AUDIT_LOG_BROKEN || step == AUDIT_LOG_DAMAGED))
        code = EXIT_USAGE;
    if (code == EXIT_DONE && step == AUDIT_LOG_TORN && !rows->lived_in)
        say("the log ends inside a line; `ward audit verify` says more");
    audit_log_close(&log);
    return code;
}

static void put_parameter(struct sink *out, const char *name, struct span value)
{
    struct cursor in = cur_over(value);
    uint8_t c = 0;
    if (value.len == 0)
        return;
    sink_format(out, "&%s=", name);
    while (cur_u8(&in, &c)) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.';
        sink_format(out, plain ? "%c" : "%%%02X", c);
    }
}

static void put_time(struct sink *out, const char *name, int64_t at_ms)
{
    uint8_t room[40];
    struct sink text = sink_over(room, sizeof room);
    if (at_ms == 0)
        return;
    time_write(&text, at_ms / 1000);
    put_parameter(out, name, sink_bytes(&text));
}

static bool make_target(const struct audit_rows *rows, struct span cursor, char room[TARGET_ROOM])
{
    struct sink out = sink_over(room, TARGET_ROOM - 1);
    const struct audit_query *query = &rows->query;
    sink_format(&out, "/v1/audit/records?limit=%u",
                (unsigned)(rows->left < PAGE ? rows->left : PAGE));
    put_parameter(&out, "cursor", cursor);
    put_parameter(&out, "action", query->action);
    put_parameter(&out, "actor_id", query->actor_id);
    put_parameter(&out, "resource", query->resource);
    put_parameter(&out, "event_type", filter_text(rows->in, AUDIT_FILTER_TYPE));
    put_parameter(&out, "outcome", filter_text(rows->in, AUDIT_FILTER_OUTCOME));
    put_time(&out, "from", query->since);
    put_time(&out, "until", query->until != 0 ? query->until - 1000 : 0);
    bool fits = sink_ok(&out);
    sink_terminate(&out);
    if (!fits)
        say("%s: the filters are too long", rows->in->command->name);
    return fits;
}

enum exit_code audit_house_ask(const struct audit_rows *rows, const char *target,
                               struct arena *arena, struct span *body, enum reason *reason)
{
    struct owner_reply reply;
    struct owner_request request = {
        .state = rows->state, .method = "GET", .target = target, .timeout_ms = ASK_MS
    };
    *reason = REASON_OK;
    enum exit_code code = house_send(rows->in, &request, arena, &reply);
    if (code != EXIT_DONE)
        return code;
    *body = reply.body;
    if (reply.status == 200)
        return EXIT_DONE;
    *reason = house_reason(&reply, arena);
    if (*reason != REASON_AUDIT_RECORD_UNKNOWN)
        house_say_refusal(rows->in, reply.status, *reason);
    return house_exit_code(reply.status, *reason);
}

static enum exit_code print_page(struct audit_rows *rows,
                                 const struct api_audit_query_response *page)
{
    const struct api_audit_record *records = page->records.items;
    enum exit_code code = EXIT_DONE;
    if (shows_calls(rows->in))
        rows->left -= page->records.count < rows->left ? page->records.count : rows->left;
    if (shows_calls(rows->in))
        return EXIT_DONE;
    for (size_t i = 0; i < page->records.count && code == EXIT_DONE; i++)
        code = audit_rows_print(rows, records[i].line);
    return code;
}

/* One page.  The cursor is replaced by that of the next one. */
static enum exit_code take_page(struct audit_rows *rows, struct sink *cursor, bool from_first)
{
    char target[TARGET_ROOM];
    struct api_audit_query_response page;
    struct values_error error;
    struct arena arena;
    struct span body;
    enum reason reason = REASON_OK;
    if (!make_target(rows, sink_bytes(cursor), target))
        return EXIT_USAGE;
    arena_init(&arena, PAGE_MEMORY);
    enum exit_code code = audit_house_ask(rows, target, &arena, &body, &reason);
    sink_cut(cursor, 0);
    if (code == EXIT_DONE) {
        if (values_read_json(&api_audit_query_response, body, &arena, &page, &error)) {
            code = print_page(rows, &page);
            sink_put(cursor, page.next_cursor);
        } else {
            say("%s: the answer of the house cannot be read; `ward doctor` says whether the two "
                "are of one version",
                rows->in->command->name);
            code = EXIT_INTERNAL;
        }
    } else if (reason == REASON_AUDIT_RECORD_UNKNOWN) {
        code = EXIT_NOT_FOUND;
        if (!from_first)
            house_say_refusal(rows->in, 0, reason);
    }
    arena_fini(&arena);
    return code;
}

enum exit_code audit_rows_of_house(struct audit_rows *rows, bool from_first)
{
    char room[64];
    struct sink cursor = sink_over(room, sizeof room);
    bool passed_over = false;
    if (rows->next > 0)
        sink_format(&cursor, "%llu", (unsigned long long)rows->next);
    while (rows->left > 0) {
        enum exit_code code = take_page(rows, &cursor, from_first && !passed_over);
        if (code == EXIT_NOT_FOUND && from_first && !passed_over) {
            passed_over = true; /* from the first that the house still has open */
            continue;
        }
        if (code != EXIT_DONE)
            return code;
        if (cursor.len == 0)
            break;
    }
    return EXIT_DONE;
}
