/* system.c - see core.h: what the house says of itself. */
#include "base/number.h"
#include "codec/protobuf.h"
#include "model/tee.h"
#include "os/clock.h"
#include "proc/config.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

enum { CERTIFICATE_SOON = 30 * 86400 /* before its end: time to renew it */ };

enum reason core_write(const struct schema_message *message, const void *values, struct sink *out)
{
    if (protobuf_write(message, values, out))
        return REASON_OK;
    return sink_ok(out) ? REASON_HTTP_BODY_INVALID : REASON_HOUSE_ANSWER_TOO_LARGE;
}

enum reason core_ping(struct core *core, const struct request *request, struct arena *scratch,
                      struct sink *answer)
{
    struct api_ping_request ping;
    struct values_error error;
    (void)core;
    if (!protobuf_read(&api_ping_request, request->body, scratch, &ping, &error))
        return REASON_HTTP_BODY_INVALID;
    struct api_ping_response pong = { .text = ping.text, .time = clock_now() };
    return core_write(&api_ping_response, &pong, answer);
}

enum reason core_version(struct core *core, const struct request *request, struct arena *scratch,
                         struct sink *answer)
{
    static const struct span apis[] = { { (const uint8_t *)"ward.v1", 7 } };
    (void)core;
    (void)request;
    (void)scratch;
    struct api_version_response version = { .version = span_text(WARD_VERSION),
                                            .built_with = span_text(__VERSION__),
                                            .apis = { apis, COUNT_OF(apis) } };
    return core_write(&api_version_response, &version, answer);
}

/* A check of the running house; `ward doctor` adds those of the machine. */
struct finding {
    const char *id, *title, *good, *bad, *fix;
};

static const struct finding peers[PEER_COUNT] = {
    [PEER_AUDIT] = { "house.audit", "the security log is kept", "the audit process answers",
                     "the audit process is not there",
                     "Look into STATE/ward.log; it is started again by itself." },
    [PEER_KEEPER] = { "house.keeper", "keys can be used", "the keeper answers",
                      "the keeper is not there",
                      "Look into STATE/ward.log; check the seal if it says so." },
    [PEER_VERIFY] = { "house.verify", "evidence can be judged", "the verify process answers",
                      "the verify process is not there",
                      "Look into STATE/ward.log; it is started again by itself." },
    [PEER_FETCH] = { "house.fetch", "collateral can be asked for", "the fetch process answers",
                     "the fetch process is not there",
                     "Look into STATE/ward.log; it is started again by itself." },
    [PEER_DIAL] = { "house.dial", "peers can be called", "the dial process answers",
                    "the dial process is not there",
                    "Look into STATE/ward.log; it is started again by itself." },
    [PEER_RUNNER] = { "house.runner", "jobs can be begun", "the runner answers",
                      "the runner is not there",
                      "Look into STATE/ward.log; it is started again by itself." },
    [PEER_TEE] = { "house.evidence", "evidence of the house can be made", "the tee process answers",
                   "the tee process is not there",
                   "Look into STATE/ward.log; check STATE/tee if it says so." },
    [PEER_FRONT] = { "house.front", "requests come in", "the front answers",
                     "the front is not there", "Look into STATE/ward.log." },
};

static void add(struct api_doctor_response *doctor, struct api_doctor_check *checks,
                const struct finding *finding, enum api_finding how)
{
    bool good = how == API_FINDING_OK;
    checks[doctor->checks.count++] = (struct api_doctor_check){
        .id = span_text(finding->id),
        .title = span_text(finding->title),
        .finding = (uint32_t)how,
        .detail = span_text(good ? finding->good : finding->bad),
        .fix = span_text(good ? "" : finding->fix),
    };
    if (doctor->finding < (uint32_t)how)
        doctor->finding = (uint32_t)how;
}

/* But for the runner, which stays root: it makes sandboxes. */
static bool all_have_users(const struct core *core)
{
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++) {
        if (peer != PEER_RUNNER && core->children[peer].ready &&
            !core->children[peer].jail.own_user)
            return false;
    }
    return core->house->jail.own_user;
}

/* Landlock keeps out all, or the one that it does not keep out is the way. */
static bool all_are_locked(const struct core *core)
{
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++) {
        if (peer != PEER_RUNNER && core->children[peer].ready &&
            core->children[peer].jail.landlock == 0)
            return false;
    }
    return core->house->jail.landlock > 0;
}

/* The worst of all pieces: one that has ended, or the reason that the last try failed for. */
static enum api_finding collateral_finding(const struct core *core, const char **what)
{
    enum api_finding worst = API_FINDING_OK;
    const struct core_piece *pieces = core->collateral.pieces;
    *what = "all that is held is fresh";
    for (size_t i = 0; i < COLLATERAL_PLACES && worst != API_FINDING_FAIL; i++) {
        bool over = pieces[i].used && pieces[i].body_len > 0 && pieces[i].expires <= clock_now();
        bool stuck = pieces[i].used && pieces[i].failures > 0;
        if (over || stuck) {
            worst = over ? API_FINDING_FAIL : API_FINDING_WARN;
            *what = stuck ? reason_info(pieces[i].reason)->cause : "a piece of it has ended";
        }
    }
    return worst;
}

static bool none_died(const struct core *core)
{
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++) {
        if (core->children[peer].starts > 1)
            return false;
    }
    return true;
}

static enum api_finding good_or(bool good, enum api_finding bad)
{
    return good ? API_FINDING_OK : bad;
}

/* What is wrong when the last record was not logged. */
static const struct finding *log_finding(const struct core *core)
{
    static const char id[] = "house.log", title[] = "what must be logged is logged";
    static const char well[] = "records become durable";
    static const struct finding of_disk = {
        id, title, well, "a record was not logged, or not in time: such calls are refused",
        "Free disk space, or mend or replace the disk under the state folder, which fails, is full "
        "or takes a second to write; it resumes by itself."
    };
    static const struct finding of_hand = {
        id, title, well,
        "a file of the log was moved, removed or replaced: calls that must be logged are refused",
        "Stop the house, put the file back into STATE/audit as it was, or restore a backup, and "
        "start it."
    };
    static const struct finding of_damage = {
        id, title, well,
        "what lies in the log is not what was written: calls that must be logged are refused",
        "Stop the house, keep STATE/audit, see which record with `ward audit verify`, and restore "
        "a backup."
    };
    if (core->why == AUDIT_REFUSED_GONE)
        return &of_hand;
    return core->why == AUDIT_REFUSED_DAMAGED ? &of_damage : &of_disk;
}

static void add_peers(const struct core *core, struct api_doctor_response *doctor,
                      struct api_doctor_check *checks)
{
    static const struct finding called = { "house.peers", "the peers of ward.toml are there",
                                           "they are, or there are none",
                                           "one of them is not connected",
                                           "See `ward peer list` for which, and why." };
    enum reason passed = passages_are_well(core);
    const struct finding passes = {
        "house.challenges", "requests that are passed on are answered",
        "the last one to each challenge was, or there was none", reason_info(passed)->cause,
        "See `ward peer list` for which challenge, and what is wrong with it."
    };
    add(doctor, checks, &called, good_or(peers_are_open(core), API_FINDING_WARN));
    add(doctor, checks, &passes, good_or(passed == REASON_OK, API_FINDING_WARN));
}

/* A house that goes on with what it has must not be taken for one that has what was set. */
static void add_reload(const struct core *core, struct api_doctor_response *doctor,
                       struct api_doctor_check *checks)
{
    static const struct finding reload = {
        "house.reload", "what was set is what runs",
        "the last reload was taken over, or there was none",
        "the last reload was refused: what ran before runs on",
        "STATE/ward.log says why; `ward config check` finds what is wrong in a file."
    };
    add(doctor, checks, &reload, good_or(!core->reload_refused, API_FINDING_WARN));
}

/* Of files: renewing it is somebody's to do, and so is knowing that it was not taken. */
static void add_certificate(const struct core *core, struct api_doctor_response *doctor,
                            struct api_doctor_check *checks)
{
    const struct core_certificate *now = &core->certificate;
    struct finding served = { "house.certificate", "the listener's certificate is as it was set",
                              now->of_files ? "that of tls.certificate, for more than 30 days"
                                            : "the house's own, signed by its CA",
                              "", "Renew it, and `ward reload`." };
    enum api_finding how = API_FINDING_OK;
    if (now->of_files && now->until - clock_now() < CERTIFICATE_SOON) {
        bool over = now->until <= clock_now();
        how = over ? API_FINDING_FAIL : API_FINDING_WARN;
        served.bad = over ? "that of tls.certificate, which has expired"
                          : "that of tls.certificate, which ends within 30 days";
    }
    if (now->problem != REASON_NONE && how != API_FINDING_FAIL) {
        how = now->of_files ? API_FINDING_WARN : API_FINDING_FAIL;
        served.bad = reason_info(now->problem)->cause;
        served.fix = reason_info(now->problem)->help;
    }
    add(doctor, checks, &served, how);
}

/* One that was in force stays, and so do those whom it lets in. */
static void add_policy(const struct core *core, struct api_doctor_response *doctor,
                       struct api_doctor_check *checks)
{
    const struct link_policy *now = &core->links.policy;
    bool stays = now->text.len > 0;
    const struct finding policy = {
        "house.channel_policy", "channel.policy is a policy, and in force", "it is, or none is set",
        stays ? "the file of channel.policy is no policy: the one before stays in force"
              : "the file of channel.policy is empty, too long or no policy: no peer is let in",
        "See channel.policy in the security log; mend the file and `ward reload`."
    };
    add(doctor, checks, &policy,
        good_or(!now->is_bad, stays ? API_FINDING_WARN : API_FINDING_FAIL));
}

static void add_miners(const struct core *core, struct api_doctor_response *doctor,
                       struct api_doctor_check *checks)
{
    static const struct finding listed = {
        "house.miners", "miners.file is a list of miners, and in force", "it is, or none is set",
        "the file of miners.file was none when the house was started: no miner is let in",
        "STATE/ward.log has the line; mend the file and `ward reload`."
    };
    const struct miner_list *list;
    add(doctor, checks, &listed,
        good_or(core_miners_let_in(core, &list) == REASON_OK, API_FINDING_FAIL));
}

static bool calls_sdk(const struct settings *set)
{
    bool calls = false;
    for (uint32_t i = 0; i < set->peer_count; i++)
        calls |= set->peers[i].profile == PEER_SDK_V1;
    return calls;
}

/* A profile that is weaker by its nature is said to be on as long as it is. */
static void add_sdk(const struct core *core, struct api_doctor_response *doctor,
                    struct api_doctor_check *checks)
{
    static const struct finding on = {
        "house.sdk", "profile sdk-v1 is not served", "it is not",
        "sdk.peer is let in by a profile that binds no key to evidence: its sessions are unbound",
        "Leave sdk.policy out of ward.toml when nobody needs the public Challenge SDK's client."
    };
    static const struct finding strict = {
        "house.sdk", "profile sdk-v1 is not served", "it is not",
        "sdk.peer is let in by profile sdk-v1, with its keys bound to evidence: its sessions are "
        "unbound all the same",
        "Leave sdk.policy out of ward.toml when nobody needs such a client."
    };
    static const struct finding bad = {
        "house.sdk", "sdk.policy is a policy that names code", "",
        "it is none, names no compose_hash, or lets the log differ: nobody is let in",
        "Try it with `ward verify --policy`, mend it, and start the house again."
    };
    static const struct finding called = {
        "house.sdk", "profile sdk-v1 is not spoken", "it is not",
        "a peer of [peers] is called in a profile that binds no key to evidence: its session is "
        "unbound",
        "Leave profile out of the peer's table when it can speak version 2 of the channel."
    };
    const struct settings *set = &core->house->settings;
    bool is_served = set->sdk_policy[0] != 0;
    const struct finding *found = !is_served ? &called : set->sdk_strict ? &strict : &on;
    add(doctor, checks, core->sdk.policy_is_bad ? &bad : found,
        good_or(!is_served && !calls_sdk(set),
                core->sdk.policy_is_bad ? API_FINDING_FAIL : API_FINDING_WARN));
}

enum reason core_doctor(struct core *core, const struct request *request, struct arena *scratch,
                        struct sink *answer)
{
    static const struct finding user = { "house.user", "each process has a user of its own",
                                         "they have", "they all run as one user",
                                         "Start the house as root: it then gives each a user." };
    static const struct finding paths = { "house.landlock", "no process can open a path",
                                          "Landlock holds", "the kernel has no Landlock",
                                          "Use a kernel with Landlock (Debian 12 has it)." };
    static const struct finding hardware = {
        "house.tee", "evidence comes from hardware", "it does",
        TEE_MARK ": its evidence proves nothing",
        "Run on a machine with Intel TDX or AWS Nitro Enclaves for anything but trials."
    };
    static const struct finding deaths = { "house.restarts", "no process died",
                                           "none was started again",
                                           "a process died and was started again",
                                           "See process.crash in the security log, and "
                                           "STATE/ward.log for the reason." };
    static const struct finding suspects = {
        "house.suspects", "nobody is suspected of a crash", "nobody is",
        "a process fell, and those whom it served are served alone for an hour",
        "See `ward ban list`; keep STATE/ward.log for a report."
    };
    struct finding store = { "house.store", "the store is open, and the log is as it knows it",
                             "it is", reason_info(core->store.reason)->cause,
                             reason_info(core->store.reason)->help };
    struct finding held = {
        "house.collateral", "the house's own collateral is fresh", "", "",
        "See `ward collateral show`, and collateral.refuse in the security log; "
        "ward doctor has what lies in collateral.folder apart from it."
    };
    enum api_finding of_held = collateral_finding(core, &held.bad);
    struct api_doctor_check checks[PEER_COUNT + 15];
    struct api_doctor_response doctor = { .time = clock_now(), .checks = { checks, 0 } };
    (void)request;
    (void)scratch;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (peers[peer].id != NULL)
            add(&doctor, checks, &peers[peer],
                channel_is_open(&core->house->channels[peer]) ? API_FINDING_OK : API_FINDING_FAIL);
    }
    add(&doctor, checks, log_finding(core), good_or(core_can_log(core), API_FINDING_FAIL));
    add(&doctor, checks, &store, good_or(core->store.reason == REASON_OK, API_FINDING_FAIL));
    held.good = core->house->settings.provider_url[0] != 0 ? held.bad : "none is fetched";
    add(&doctor, checks, &held, of_held);
    add(&doctor, checks, &deaths, good_or(none_died(core), API_FINDING_WARN));
    add(&doctor, checks, &suspects, good_or(!core_has_suspects(core), API_FINDING_WARN));
    add_peers(core, &doctor, checks);
    add_policy(core, &doctor, checks);
    add_miners(core, &doctor, checks);
    add_certificate(core, &doctor, checks);
    add_reload(core, &doctor, checks);
    add_sdk(core, &doctor, checks);
    add(&doctor, checks, &user, good_or(all_have_users(core), API_FINDING_WARN));
    add(&doctor, checks, &paths, good_or(all_are_locked(core), API_FINDING_WARN));
    add(&doctor, checks, &hardware, good_or(TEE_IS_HARDWARE, API_FINDING_WARN));
    return core_write(&api_doctor_response, &doctor, answer);
}

/* Of a row of a table, or of the house itself. */
static bool put_entry(const struct config_table *table, const struct config_key *key,
                      const void *fields, struct arena *scratch, struct api_config_entry *out)
{
    enum { VALUE_MAX = SETTING_TEXT_MAX + 64, KEY_MAX = CONFIG_VARIABLE_MAX };
    uint8_t *value = arena_alloc(scratch, VALUE_MAX), *fallback = arena_alloc(scratch, VALUE_MAX);
    uint8_t *name = arena_alloc(scratch, KEY_MAX);
    if (value == NULL || fallback == NULL || name == NULL)
        return false;
    struct sink text = sink_over(value, VALUE_MAX), other = sink_over(fallback, VALUE_MAX);
    struct sink key_name = sink_over(name, KEY_MAX);
    config_value_write(&text, key, fields);
    config_key_default(&other, key);
    if (table != NULL)
        config_row_key_write(&key_name, table, key, config_row_name(fields));
    else
        sink_text(&key_name, key->name);
    *out = (struct api_config_entry){
        .key = sink_bytes(&key_name),
        .value = sink_bytes(&text),
        .source = span_text("running"),
        .is_default = span_equal(sink_bytes(&text), sink_bytes(&other)),
        .doc = span_text(key->summary),
    };
    return sink_ok(&text) && sink_ok(&key_name);
}

/* What is answered: all, or what has the wanted name. */
struct entries {
    const struct settings *settings;
    struct span wanted;
    struct arena *scratch;
    struct api_config_entry at[CONFIG_KEYS_MAX + SETTING_PEERS_MAX * CONFIG_PEER_KEYS +
                               SETTING_TENANTS_MAX * CONFIG_TENANT_KEYS + 1];
    size_t count;
};

static bool put_entries(struct entries *entries, const struct config_table *table,
                        const struct config_key *keys, size_t count, const void *fields)
{
    for (size_t i = 0; i < count; i++) {
        struct api_config_entry *entry = &entries->at[entries->count];
        if (!put_entry(table, &keys[i], fields, entries->scratch, entry))
            return false;
        entries->count += entries->wanted.len == 0 || span_equal(entries->wanted, entry->key);
    }
    return true;
}

static bool put_all(struct entries *entries)
{
    size_t count = 0;
    const struct config_key *keys = config_keys(&count);
    bool made = put_entries(entries, NULL, keys, count, entries->settings);
    for (size_t i = 0; i < CONFIG_TABLES; i++) {
        const struct config_table *table = config_table_at(i);
        const void *row;
        for (size_t at = 0; made && (row = config_row(table, entries->settings, at)) != NULL; at++)
            made = put_entries(entries, table, table->keys, table->key_count, row);
    }
    return made;
}

enum reason core_config(struct core *core, const struct request *request, struct arena *scratch,
                        struct sink *answer)
{
    const struct settings *settings = &core->house->settings;
    struct api_config_request wanted;
    struct values_error error;
    struct entries entries = { .settings = settings, .scratch = scratch };
    if (!protobuf_read(&api_config_request, request->body, scratch, &wanted, &error))
        return REASON_HTTP_BODY_INVALID;
    entries.wanted = wanted.key;
    bool made = put_all(&entries);
    struct api_config_response config = { .entries = { entries.at, entries.count } };
    if (!made)
        return REASON_OUT_OF_MEMORY;
    return entries.count == 0 ? REASON_HOUSE_SETTING_UNKNOWN
                              : core_write(&api_config_response, &config, answer);
}
