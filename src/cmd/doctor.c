/* doctor.c - `ward doctor`: everything that can keep a house from living or from being trusted,
   looked at from outside, and asked of the house itself where one lives. */
#include "cmd/doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/command.h"
#include "cmd/config_print.h"
#include "cmd/home.h"
#include "cmd/house_ask.h"
#include "cmd/input.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "os/clock.h"

enum { DOCTOR_JSON = SETTINGS_OPTION_COUNT };

enum { HOUSE_ROWS = 64, HOUSE_ASK_MS = 5000 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [DOCTOR_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static const char *const findings[] = { "ok", "warn", "fail" };

/* One line of the report, wherever it is from. */
struct report_row {
    enum doctor_finding finding;
    struct span id, title, detail, fix;
};

struct report {
    struct report_row rows[HOUSE_ROWS * 2];
    size_t count;
    enum doctor_finding worst;
};

static void add(struct report *report, const struct report_row *row)
{
    if (report->count == COUNT_OF(report->rows))
        return;
    report->rows[report->count++] = *row;
    if (report->worst < row->finding)
        report->worst = row->finding;
}

static void add_checks(struct report *report, const struct doctor *doctor,
                       const struct doctor_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct doctor_row *row = arena_alloc(doctor->arena, sizeof *row);
        if (row == NULL)
            return;
        *row = (struct doctor_row){ 0 };
        checks[i].look(doctor, row);
        add(report,
            &(struct report_row){ row->finding, span_text(checks[i].id), span_text(checks[i].title),
                                  span_text(row->detail),
                                  span_text(row->finding == DOCTOR_OK ? "" : checks[i].fix) });
    }
}

static bool ask(struct invocation *in, const struct doctor *doctor, const char *target,
                struct json *out, char message[OWNER_MESSAGE_MAX])
{
    struct owner_reply reply;
    struct owner_request request = { .state = doctor->settings->state,
                                     .method = "GET",
                                     .target = target,
                                     .timeout_ms = HOUSE_ASK_MS };
    if (house_send(in, &request, doctor->arena, &reply) != EXIT_DONE) {
        snprintf(message, OWNER_MESSAGE_MAX, "it does not answer over its owner's socket");
        return false;
    }
    if (reply.status == 200 && json_parse(reply.body, doctor->arena, NULL, out, NULL))
        return true;
    snprintf(message, OWNER_MESSAGE_MAX, "it answered with status %ld", reply.status);
    return false;
}

static struct span text_of(const struct doctor *doctor, const struct json *json, uint32_t node)
{
    struct span raw = json_raw(json, node);
    uint8_t *room = arena_alloc(doctor->arena, raw.len + 1);
    struct sink out = sink_over(room, room != NULL ? raw.len + 1 : 0);
    return json_string_copy(json, node, &out) ? sink_bytes(&out) : (struct span){ 0 };
}

static enum doctor_finding finding_of(const struct json *json, uint32_t row)
{
    uint32_t finding = json_member(json, row, "finding");
    if (json_equal_text(json, finding, "FINDING_OK"))
        return DOCTOR_OK;
    return json_equal_text(json, finding, "FINDING_WARN") ? DOCTOR_WARN : DOCTOR_FAIL;
}

/* What only the house knows of itself. */
static void add_house(struct invocation *in, struct report *report, const struct doctor *doctor)
{
    static const struct span id = { (const uint8_t *)"house.answers", 13 };
    static const struct span title = { (const uint8_t *)"the house answers", 17 };
    struct json json;
    char *message = arena_alloc(doctor->arena, OWNER_MESSAGE_MAX);
    if (message == NULL)
        return;
    if (!doctor->up) {
        add(report,
            &(struct report_row){ DOCTOR_OK, id, title, span_text("none lives here"), { 0 } });
        return;
    }
    if (!ask(in, doctor, "/v1/system/doctor", &json, message)) {
        add(report, &(struct report_row){ DOCTOR_FAIL, id, title, span_text(message),
                                          span_text("Look into STATE/ward.log; ask as the user "
                                                    "who runs the house.") });
        return;
    }
    add(report,
        &(struct report_row){ DOCTOR_OK, id, title, span_text("over its owner's socket"), { 0 } });
    uint32_t list = json_member(&json, 0, "checks");
    size_t count = 0;
    for (uint32_t row = json_first(&json, list); row != JSON_NONE && count < HOUSE_ROWS;
         row = json_next(&json, row), count++)
        add(report, &(struct report_row){ finding_of(&json, row),
                                          text_of(doctor, &json, json_member(&json, row, "id")),
                                          text_of(doctor, &json, json_member(&json, row, "title")),
                                          text_of(doctor, &json, json_member(&json, row, "detail")),
                                          text_of(doctor, &json, json_member(&json, row, "fix")) });
}

static void write_json(struct sink *out, const struct report *report, const struct doctor *doctor)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    config_json_text(&json, "finding", findings[report->worst]);
    json_put_key(&json, "time");
    json_put_time(&json, doctor->now);
    json_put_key(&json, "up");
    json_put_bool(&json, doctor->up);
    json_put_key(&json, "checks");
    json_begin_array(&json);
    for (size_t i = 0; i < report->count; i++) {
        const struct report_row *row = &report->rows[i];
        json_begin_object(&json);
        json_put_key(&json, "id");
        json_put_span(&json, row->id);
        json_put_key(&json, "title");
        json_put_span(&json, row->title);
        config_json_text(&json, "finding", findings[row->finding]);
        json_put_key(&json, "detail");
        json_put_span(&json, row->detail);
        json_put_key(&json, "fix");
        json_put_span(&json, row->fix);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    sink_text(out, "\n");
}

/* Details hold names of files and what a kernel says: none of it talks to the terminal. */
static void print(struct sink *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_safe = text.at[i] >= ' ' && text.at[i] <= '~';
        sink_u8(out, is_safe ? text.at[i] : '?');
    }
}

static void write_text(struct sink *out, const struct report *report)
{
    size_t of[COUNT_OF(findings)] = { 0 };
    for (size_t i = 0; i < report->count; i++) {
        const struct report_row *row = &report->rows[i];
        of[row->finding]++;
        sink_format(out, "%-4s  ", findings[row->finding]);
        print(out, row->id);
        sink_format(out, "%*s", row->id.len < 20 ? (int)(20 - row->id.len) : 1, "");
        print(out, row->title);
        sink_text(out, ": ");
        print(out, row->detail);
        sink_text(out, "\n");
        if (row->finding != DOCTOR_OK) {
            sink_format(out, "%26s-> ", "");
            print(out, row->fix);
            sink_text(out, "\n");
        }
    }
    sink_format(out, "%zu checks: %zu ok, %zu to look at, %zu failed\n", report->count,
                of[DOCTOR_OK], of[DOCTOR_WARN], of[DOCTOR_FAIL]);
}

static void find_programs(struct doctor *doctor, char path[DOCTOR_PATH])
{
    if (!home_monitor(path, DOCTOR_PATH))
        return;
    *strrchr(path, '/') = 0;
    doctor->libexec = path;
}

static void look_at_house(struct invocation *in, struct doctor *doctor)
{
    char message[OWNER_MESSAGE_MAX];
    struct json json;
    enum home_state home = home_look(doctor->settings->state, &doctor->monitor);
    doctor->up = home == HOME_LIVED_IN;
    doctor->lock_readable = home != HOME_UNREADABLE;
    if (doctor->up && ask(in, doctor, "/v1/system/version", &json, message))
        doctor->version = text_of(doctor, &json, json_member(&json, 0, "version"));
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    char programs[DOCTOR_PATH];
    struct sink out;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    struct doctor doctor = { .root = "",
                             .settings = &loaded.config.settings,
                             .now = clock_now(),
                             .user = geteuid(),
                             .arena = &in->arena,
                             .read_folder = input_folder,
                             .look_tls = tls_look,
                             .look_clients = tls_look_clients };
    struct report *report = arena_alloc(&in->arena, sizeof *report);
    if (report == NULL || !config_print_begin(in, &out))
        return EXIT_INTERNAL;
    *report = (struct report){ 0 };
    find_programs(&doctor, programs);
    look_at_house(in, &doctor);
    if (shows_calls(in) && !doctor.up) {
        say("doctor: no house runs in %s, and none would be asked; --state names another folder",
            doctor.settings->state);
        return EXIT_UNREACHABLE;
    }
    add_checks(report, &doctor, doctor_machine, doctor_machine_count);
    add_checks(report, &doctor, doctor_state, doctor_state_count);
    add_house(in, report, &doctor);
    if (shows_calls(in))
        return EXIT_DONE;
    if (option_given(in, DOCTOR_JSON))
        write_json(&out, report, &doctor);
    else
        write_text(&out, report);
    if (!config_print_end(&out))
        return EXIT_INTERNAL;
    return report->worst == DOCTOR_FAIL ? EXIT_NO : EXIT_DONE;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "check the machine, the state folder and the house",
    .description =
        "Looks at everything that can keep a house from living or from being trusted, says of\n"
        "each whether it is ok, and what to do where it is not.  Where a house lives its own\n"
        "findings are asked for over the owner's socket; without one the others are there all\n"
        "the same.  Nothing is changed.\n\n"
        "The exit status is 1 when a check failed; a warning is none.  What this user may not\n"
        "see is a warning that says so.",
    .example = "ward doctor --state ./ward-state --json",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "doctor.json",
    .asks = true,
    .run = run,
};
