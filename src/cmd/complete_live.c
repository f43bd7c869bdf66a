/* complete_live.c - see complete.h: what lives in the state folder and beside it.  Looks, changes
   nothing, and is quick: somebody waits with a finger on a key. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "cmd/complete.h"
#include "cmd/home.h"
#include "cmd/owner.h"
#include "cmd/settings_load.h"
#include "codec/base64.h"
#include "codec/values.h"
#include "crypto/hash.h"
#include "model/api.h"

enum { LIVE_PATH = 4096, LIVE_ASK_MS = 80, RECORDS_OFFERED = 20, PUBLIC_BYTES = 128 };

/* Only commands whose table begins with the settings know a state folder. */
static bool find_state(const struct completing *completing, struct settings_loaded *loaded)
{
    const struct command *command = completing->in->command;
    return command->option_count >= SETTINGS_OPTION_COUNT &&
           strcmp(command->options[SETTINGS_CONFIG].name, "--config") == 0 &&
           settings_load(completing->in, loaded) == EXIT_DONE;
}

static void offer_number(const struct completing *completing, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    complete_offer(completing, text, NULL);
}

/* A record's number is its place: how many there are is told by the file of their hashes. */
static uint64_t count_records(const char *state)
{
    char path[LIVE_PATH];
    struct stat is;
    int len = snprintf(path, sizeof path, "%s/audit/leaves", state);
    if (len < 0 || (size_t)len >= sizeof path || stat(path, &is) != 0 || is.st_size < 0)
        return 0;
    return (uint64_t)is.st_size / SHA256_LEN;
}

/* Without a digit the last ones; with some, those that begin so, the shortest first. */
void complete_records(const struct completing *completing)
{
    struct settings_loaded loaded;
    if (!find_state(completing, &loaded))
        return;
    uint64_t count = count_records(loaded.config.settings.state);
    size_t len = strlen(completing->prefix);
    if (len == 0) {
        for (uint64_t at = count > RECORDS_OFFERED ? count - RECORDS_OFFERED : 0; at < count; at++)
            offer_number(completing, at);
        return;
    }
    if (strspn(completing->prefix, "0123456789") != len || len > 18)
        return;
    uint64_t first = 0;
    for (size_t i = 0; i < len; i++)
        first = 10 * first + (uint64_t)(completing->prefix[i] - '0');
    size_t offered = 0;
    for (uint64_t span = 1; first < count && offered < RECORDS_OFFERED; span *= 10) {
        for (uint64_t at = first; at < first + span && at < count && offered < RECORDS_OFFERED;
             at++, offered++)
            offer_number(completing, at);
        if (first == 0)
            break; /* no number begins with 0 but that one */
        first *= 10;
    }
}

static void offer_key(const struct completing *completing, const struct api_keyring_key *key,
                      bool by_public_part)
{
    char value[2 * PUBLIC_BYTES + 1], about[96];
    struct sink out = sink_over(value, sizeof value);
    if (by_public_part)
        sink_hex(&out, key->public_part);
    else
        sink_put(&out, key->id);
    bool fits = sink_ok(&out);
    sink_terminate(&out);
    snprintf(about, sizeof about, "%.*s key, %.*s", (int)key->role.len, (const char *)key->role.at,
             (int)key->state.len, (const char *)key->state.at);
    if (fits && (!by_public_part || span_equal_text(key->role, "log")))
        complete_offer(completing, value, about);
}

/* By their ids all keys; by their public part, in hex, those that sign the log's heads. */
void complete_keys(const struct completing *completing, bool by_public_part)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_keyring_list_response list;
    struct values_error error;
    char message[OWNER_MESSAGE_MAX];
    pid_t monitor = 0;
    if (!find_state(completing, &loaded) ||
        home_look(loaded.config.settings.state, &monitor) != HOME_LIVED_IN)
        return;
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "GET",
                                     .target = "/v1/keyring/keys",
                                     .timeout_ms = LIVE_ASK_MS };
    struct arena *arena = &completing->in->arena;
    if (!owner_ask(&request, arena, &reply, message) || reply.status != 200 ||
        !values_read_json(&api_keyring_list_response, reply.body, arena, &list, &error))
        return;
    const struct api_keyring_key *keys = list.keys.items;
    for (size_t i = 0; i < list.keys.count; i++)
        offer_key(completing, &keys[i], by_public_part);
}

static void offer_state(const struct completing *completing, const char *path)
{
    char lock[LIVE_PATH + 16];
    struct stat is;
    pid_t monitor = 0;
    snprintf(lock, sizeof lock, "%s/run/lock", path);
    if (stat(lock, &is) != 0)
        return;
    complete_offer(completing, path,
                   home_look(path, &monitor) == HOME_EMPTY ? "state folder, down"
                                                           : "state folder, up");
}

/* The folders beside the word that houses have lived in. */
void complete_states(const struct completing *completing)
{
    char folder[LIVE_PATH] = ".", path[LIVE_PATH];
    const char *slash = strrchr(completing->prefix, '/');
    int head = slash != NULL ? (int)(slash - completing->prefix) + 1 : 0;
    const struct dirent *entry;
    if (head >= LIVE_PATH)
        return;
    if (head > 0)
        snprintf(folder, sizeof folder, "%.*s", head, completing->prefix);
    DIR *list = opendir(folder);
    while (list != NULL && (entry = readdir(list)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        int len = snprintf(path, sizeof path, "%.*s%s", head, completing->prefix, entry->d_name);
        if (len > 0 && (size_t)len < sizeof path)
            offer_state(completing, path);
    }
    if (list != NULL)
        closedir(list);
}
