/* reload.c - see monitor.h: settings are made anew from the sources that the house was started
   with.  All of them are good, or nothing changes; the processes take over what a running house
   can, or all of them go back.  No file of a client's is read here, and none is opened that
   the owner did not name. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"
#include "proc/sources.h"
#include "proc/tls_open.h"

enum {
    RELOAD_MEMORY = 16 << 20,  /* of one reload, given back at its end */
    RELOAD_REPORT = 128 << 10, /* bytes: each key and each problem that is kept */
};

static const char result_name[] = "run/reload";
static const char result_part[] = "run/reload.part";

/* What one reload needs, for as long as it reads. */
struct reading {
    struct arena arena;
    struct sink report;
    struct sources sources;
    struct config_problems *problems;
    uint32_t problem_count;
};

void reload_forget(struct monitor *monitor)
{
    if (unlinkat(monitor->state, result_name, 0) != 0 && errno != ENOENT)
        log_event("%s not removed: %s", result_name, strerror(errno));
}

/* Whoever waits for it looks until it is there: a failure is theirs to notice, and in the log. */
static void publish(struct monitor *monitor, const char *outcome, struct span lines)
{
    char first[48];
    int len = snprintf(first, sizeof first, "%lld %s\n", (long long)monitor->reload.begun_ms,
                       outcome);
    auto_fd int fd = openat(monitor->state, result_part,
                            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || !fd_write(fd, span_of(first, (size_t)len)) || !fd_write(fd, lines) ||
        renameat(monitor->state, result_part, monitor->state, result_name) != 0)
        log_event("%s not written: %s", result_name, strerror(errno));
}

/* The first one is the one that people see in the log. */
static void add_problem(struct reading *reading, const char *text)
{
    sink_format(&reading->report, "problem %s\n", text);
    if (reading->problem_count++ == 0)
        log_event("reload refused: %s", text);
}

/* A file that was cut off is often still a valid one, with a key less, or a number with a digit
   less.  So it must have an end of its last line, and be nobody's to write at the moment. */
static const char *read_whole(struct reading *reading, const char *path)
{
    struct span bytes;
    auto_fd int fd = -1;
    const char *wrong = file_open_whole(path, &fd);
    if (wrong != NULL)
        return wrong;
    rc got = file_read_fd(NULL, fd, CONFIG_FILE_MAX, &reading->arena, &bytes);
    if (!rc_ok(got))
        return file_error_text(got);
    wrong = file_why_not_whole(fd);
    if (wrong != NULL)
        return wrong;
    if (bytes.len == 0 || bytes.at[bytes.len - 1] != '\n')
        return "empty, or its last line has no end: it is half written";
    reading->sources.inputs.file = bytes;
    return NULL;
}

/* What is in them is a process's to have read; under their names may lie others by now. */
static const enum house_file files[RELOAD_FILES] = { FILE_CHANNEL_POLICY,  FILE_MINERS,
                                                     FILE_TLS_CERTIFICATE, FILE_TLS_KEY,
                                                     FILE_TLS_CLIENT_CA,   FILE_TLS_CLIENT_CRL };

/* A process that cannot be told is started again, and gets them then. */
static void give_files(struct monitor *monitor)
{
    for (size_t i = 0; i < RELOAD_FILES; i++) {
        if (monitor->files[files[i]] >= 0 && !rc_ok(child_give_file(NULL, monitor, files[i])))
            child_signal(&monitor->children[file_owner(files[i])], SIGKILL);
    }
}

/* In the order of `files`; -1: there is none. */
static bool open_anew(const struct settings *settings, struct reading *reading,
                      int out[RELOAD_FILES])
{
    const char *const paths[] = { settings->channel_policy, settings->miners };
    char text[SETTING_TEXT_MAX + MONITOR_REASON_MAX];
    struct tls_fault fault;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        const char *wrong = paths[i][0] == 0 ? NULL : file_open_whole(paths[i], &out[i]);
        if (wrong == NULL)
            continue;
        snprintf(text, sizeof text, "%s: %s", paths[i], wrong);
        add_problem(reading, text);
        return false;
    }
    if (tls_open(settings, geteuid(), &out[2], &out[3], &fault) &&
        tls_open_clients(settings, geteuid(), &out[4], &out[5], &fault))
        return true;
    snprintf(text, sizeof text, "%s: %s", fault.text, reason_info(fault.reason)->name);
    add_problem(reading, text);
    return false;
}

/* All of them are other ones, or none is. */
static bool reopen_files(struct monitor *monitor, struct reading *reading)
{
    int opened[RELOAD_FILES] = { -1, -1, -1, -1, -1, -1 };
    if (!open_anew(&monitor->settings, reading, opened)) {
        for (size_t i = 0; i < RELOAD_FILES; i++)
            fd_close(&opened[i]);
        return false;
    }
    for (size_t i = 0; i < RELOAD_FILES; i++) {
        monitor->reload.old_files[i] = monitor->files[files[i]];
        monitor->files[files[i]] = opened[i];
    }
    give_files(monitor);
    return true;
}

static void close_old_files(struct reload *reload)
{
    for (size_t i = 0; i < RELOAD_FILES; i++)
        fd_close(&reload->old_files[i]);
}

static void add_config_problems(struct reading *reading)
{
    const struct config_problems *problems = reading->problems;
    for (size_t i = 0; i < problems->count && i < CONFIG_PROBLEMS_MAX; i++) {
        char text[SETTING_TEXT_MAX + 2 * CONFIG_PROBLEM_TEXT_MAX];
        struct sink line = sink_over(text, sizeof text);
        config_problem_write(&line, reading->sources.file, &problems->list[i]);
        sink_terminate(&line);
        add_problem(reading, text);
    }
}

/* False: the problems were said. */
static bool read_settings(struct monitor *monitor, struct reading *reading, struct settings *out)
{
    struct config *config = arena_alloc(&reading->arena, sizeof *config);
    reading->problems = arena_alloc(&reading->arena, sizeof *reading->problems);
    if (config == NULL || reading->problems == NULL ||
        !sources_read(monitor->sources, &reading->arena, &reading->sources)) {
        add_problem(reading, "it is not known what this house was started with");
        return false;
    }
    const char *file = reading->sources.file;
    const char *wrong = NULL;
    if (strcmp(file, "-") == 0)
        wrong = "standard input cannot be read again";
    else if (file[0] != 0)
        wrong = read_whole(reading, file);
    if (wrong != NULL) {
        char text[SOURCES_MAX + 128];
        snprintf(text, sizeof text, "%s: %s", file, wrong);
        add_problem(reading, text);
        return false;
    }
    if (!config_read(&reading->sources.inputs, &reading->arena, config, reading->problems)) {
        add_config_problems(reading);
        return false;
    }
    *out = config->settings;
    out->owner = monitor->settings.owner;
    out->listener = monitor->settings.listener;
    return true;
}

/* One that cannot be told is ended, and starts with what is set then. */
static void tell_all(struct monitor *monitor)
{
    uint8_t bytes[4 + sizeof monitor->settings];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u32le(&body, ++monitor->reload.number);
    sink_put(&body, span_of(&monitor->settings, sizeof monitor->settings));
    struct frame frame = { .message = CONTROL_RELOAD, .body = sink_bytes(&body) };
    monitor->reload.waits = 0;
    for (size_t i = 0; i < monitor_plan_count; i++) {
        struct child *child = &monitor->children[monitor_plan[i].peer];
        if (child->pid == 0) /* it ended while this was read, or is told what is taken back */
            continue;
        monitor->reload.waits |= IN(monitor_plan[i].peer);
        if (!rc_ok(channel_put(NULL, &child->control, &frame)))
            child_signal(child, SIGKILL);
    }
}

/* The record of it is core's to make once; whether it still holds is the monitor's to say, as often
   as core begins anew. */
static void end(struct monitor *monitor, bool refused, uint32_t count, struct span lines)
{
    monitor->reload.last_refused = refused;
    news_add(monitor, refused ? HAPPENED_RELOAD_REFUSED : HAPPENED_RELOADED, PEER_MONITOR, count);
    news_children(monitor);
    publish(monitor, refused ? "refused" : "done", lines);
}

static void refuse(struct monitor *monitor, const struct reading *reading)
{
    end(monitor, true, reading->problem_count, sink_bytes(&reading->report));
}

/* The files that peers have count with them. */
static enum config_change change_of(const struct monitor *monitor, const struct config_table *table,
                                    const struct settings *next)
{
    bool differs = config_table_differs(table, &monitor->reload.old, next);
    if (config_table_reloads(table))
        return differs ? CONFIG_TAKEN : CONFIG_SAME;
    bool peers = table == config_table_find(span_text("peers"));
    return differs || (peers && monitor_peers_changed(monitor)) ? CONFIG_NEEDS_START : CONFIG_SAME;
}

static void begin(struct monitor *monitor, int64_t now_ms)
{
    struct reload *reload = &monitor->reload;
    struct reading reading = { 0 };
    struct settings next;
    reload->wanted = false;
    reload->begun_ms = now_ms;
    arena_init(&reading.arena, RELOAD_MEMORY);
    void *room = arena_room(&reading.arena, RELOAD_REPORT);
    reading.report = sink_over(room, room == NULL ? 0 : RELOAD_REPORT);
    if (read_settings(monitor, &reading, &next) && reopen_files(monitor, &reading)) {
        reload->old = monitor->settings;
        config_take_over(&monitor->settings, &next, reload->changes);
        for (size_t i = 0; i < CONFIG_TABLES; i++)
            reload->tables[i] = change_of(monitor, config_table_at(i), &next);
        monitor->settings.taken_back = false;
        reload->refused = false;
        reload->why = REASON_NONE;
        reload->under_way = true;
        tell_all(monitor);
    } else {
        refuse(monitor, &reading);
    }
    arena_fini(&reading.arena);
}

static void add_refusal(const struct monitor *monitor, struct reading *reading)
{
    enum reason why = monitor->reload.why;
    const char *path = why == REASON_MINERS_INVALID ? monitor->settings.miners
                                                    : tls_path(&monitor->settings, why);
    char text[SETTING_TEXT_MAX + MONITOR_REASON_MAX];
    if (why == REASON_NONE) {
        add_problem(reading, "a process cannot take this over, or has ended: see STATE/ward.log");
        return;
    }
    snprintf(text, sizeof text, "%s: %s: %s %s", path != NULL ? path : "a process refuses it",
             reason_info(why)->name, reason_info(why)->cause, reason_info(why)->help);
    add_problem(reading, text);
}

/* The processes that took it over go back with the others: there is one set of settings, and one
   policy, which a core that is started later has, too. */
static void take_back(struct monitor *monitor)
{
    uint8_t bytes[SETTING_TEXT_MAX + MONITOR_REASON_MAX + 16];
    struct reading reading = { .report = sink_over(bytes, sizeof bytes) };
    monitor->settings = monitor->reload.old;
    monitor->settings.taken_back = true;
    for (size_t i = 0; i < RELOAD_FILES; i++) {
        int *now = &monitor->files[files[i]];
        fd_close(now);
        *now = fd_take(&monitor->reload.old_files[i]);
    }
    give_files(monitor);
    tell_all(monitor);
    monitor->reload.waits = 0; /* what they answer now changes nothing */
    add_refusal(monitor, &reading);
    refuse(monitor, &reading);
}

/* 0: it has none. */
static uint32_t share_of(const struct settings *settings, const char *tenant)
{
    for (uint32_t i = 0; i < settings->tenant_count; i++) {
        if (strcmp(settings->tenants[i].name, tenant) == 0)
            return settings->tenants[i].share;
    }
    return 0;
}

/* Of those that had one, and then of those that had none. */
static void tell_shares(struct monitor *monitor)
{
    const struct settings *old = &monitor->reload.old, *now = &monitor->settings;
    for (uint32_t i = 0; i < old->tenant_count; i++) {
        const struct tenant_settings *tenant = &old->tenants[i];
        const uint32_t share = share_of(now, tenant->name);
        if (share != tenant->share)
            news_share(monitor, tenant->name, tenant->share, share);
    }
    for (uint32_t i = 0; i < now->tenant_count; i++) {
        const struct tenant_settings *tenant = &now->tenants[i];
        if (share_of(old, tenant->name) == 0)
            news_share(monitor, tenant->name, 0, tenant->share);
    }
}

static void finish(struct monitor *monitor)
{
    struct reload *reload = &monitor->reload;
    uint8_t bytes[CONFIG_KEYS_MAX * CONFIG_VARIABLE_MAX];
    struct sink report = sink_over(bytes, sizeof bytes);
    uint32_t changed = 0;
    size_t count = 0;
    const struct config_key *keys = config_keys(&count);
    close_old_files(reload);
    for (size_t i = 0; i < count; i++) {
        if (reload->changes[i] == CONFIG_SAME)
            continue;
        bool taken = reload->changes[i] == CONFIG_TAKEN;
        sink_format(&report, "%s %s\n", taken ? "taken" : "start", keys[i].name);
        if (!taken) {
            log_event("needs a start of the house: %s", keys[i].name);
            continue;
        }
        changed++;
        news_change(monitor, (uint32_t)i, config_number(&keys[i], &reload->old),
                    config_number(&keys[i], &monitor->settings));
    }
    tell_shares(monitor);
    for (size_t i = 0; i < CONFIG_TABLES; i++) {
        const char *name = config_table_at(i)->section;
        changed += reload->tables[i] == CONFIG_TAKEN;
        if (reload->tables[i] != CONFIG_SAME)
            sink_format(&report, "%s %s\n", reload->tables[i] == CONFIG_TAKEN ? "taken" : "start",
                        name);
        if (reload->tables[i] == CONFIG_NEEDS_START)
            log_event("needs a start of the house: %s", name);
    }
    log_event("reloaded changed=%u", changed);
    end(monitor, false, changed, sink_bytes(&report));
}

/* What must be in the log has room to wait for it, or waits itself: a log that takes nothing
   leaves the settings as they are.  So does a process that is not up: nobody but the one that
   reads a file can say whether it is good, and what is done was taken by all of them. */
static bool may_begin(const struct monitor *monitor)
{
    return monitor->reload.wanted && monitor_all_ready(monitor) && !monitor->stopping &&
           monitor->news_last - monitor->news_logged < MONITOR_NEWS / 2;
}

int64_t reload_step(struct monitor *monitor, int64_t now_ms)
{
    struct reload *reload = &monitor->reload;
    bool late = now_ms >= reload->begun_ms + MONITOR_RELOAD_MS;
    if (reload->under_way && (reload->waits == 0 || late)) {
        reload->under_way = false;
        if (reload->refused || reload->waits != 0)
            take_back(monitor);
        else
            finish(monitor);
    }
    if (!reload->under_way && may_begin(monitor))
        begin(monitor, now_ms);
    return reload->under_way ? reload->begun_ms + MONITOR_RELOAD_MS : INT64_MAX;
}

rc reload_answered(struct trail *trail, struct monitor *monitor, enum peer peer,
                   struct cursor *body)
{
    struct reload *reload = &monitor->reload;
    uint32_t number = 0;
    uint8_t taken = 0;
    uint16_t why = 0;
    if (!cur_u32le(body, &number) || !cur_u8(body, &taken) || taken > 1 || !cur_u16le(body, &why) ||
        why >= REASON_COUNT || !cur_end(body))
        return FAIL(trail, RC_PEER, DOOR_E_BODY);
    if (number != reload->number || (reload->waits & IN(peer)) == 0)
        return RC_SUCCESS; /* of one that is over */
    reload->waits &= ~IN(peer);
    if (taken == 0)
        log_event("not taken over name=%s", peer_name(peer));
    if (reload->why == REASON_NONE)
        reload->why = (enum reason)why;
    reload->refused |= taken == 0;
    return RC_SUCCESS;
}

/* It starts anew with settings that it may be the one not to bear: the old ones are sure. */
void reload_lost(struct monitor *monitor, enum peer peer)
{
    struct reload *reload = &monitor->reload;
    if ((reload->waits & IN(peer)) == 0)
        return;
    reload->waits &= ~IN(peer);
    reload->refused = true;
}
