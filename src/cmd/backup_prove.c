/* backup_prove.c - see backup.h: a log and a store that are read to their ends. */
#include <string.h>

#include "audit/verify.h"
#include "cmd/backup.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "os/file.h"

enum { CONFIG_BYTES = 256 * 1024 };

/* The generation that a record of the store's tells. */
static int64_t generation_of(struct arena *arena, const struct audit_record *record)
{
    struct arena scratch = *arena;
    struct json json;
    uint64_t number = 0;
    if (!span_equal_text(record->action, "store.mark") ||
        !json_parse(record->details_json, &scratch, NULL, &json, NULL) ||
        !json_u64(&json, json_member(&json, 0, "generation"), INT64_MAX - 1, &number))
        return 0;
    return (int64_t)number;
}

static rc take_lines(struct audit_verifier *verifier, struct audit_log *log, struct arena *memory,
                     enum audit_log_step *step, struct backup_log *out)
{
    struct audit_record record;
    struct span line;
    for (*step = audit_log_next(log, &line); *step == AUDIT_LOG_LINE;
         *step = audit_log_next(log, &line)) {
        rc taken = audit_verify_line(verifier, line, &record, NULL);
        if (!rc_ok(taken))
            return taken;
        int64_t generation = generation_of(memory, &record);
        if (generation > out->generation)
            out->generation = generation;
        if (verifier->chain.tree.size == out->anchor.size)
            audit_chain_head(&verifier->chain, &out->anchor);
    }
    return RC_SUCCESS;
}

static enum exit_code say_log(const struct audit_finding *finding)
{
    const struct reason_info *info = reason_info(finding->reason);
    say("backup: the security log is not sound from record %llu on: %s: %s `ward audit verify` "
        "says more",
        (unsigned long long)finding->first, info->name, info->cause);
    return EXIT_NO;
}

enum exit_code backup_log_verify(struct invocation *in, const struct audit_heads *heads,
                                 struct audit_log *log, struct backup_log *out)
{
    struct audit_verifier *verifier = arena_alloc(&in->arena, sizeof *verifier);
    struct audit_reader *reader = arena_alloc(&in->arena, sizeof *reader);
    uint8_t *memory = arena_alloc(&in->arena, AUDIT_LINE_MAX);
    struct merkle_source kept = audit_log_source(log);
    struct audit_against against = { .kept = log->leaves >= 0 ? &kept : NULL,
                                     .kept_count = log->leaf_count,
                                     .heads = heads->heads,
                                     .head_count = heads->count };
    enum audit_log_step step = AUDIT_LOG_END;
    struct backup_log found = { .anchor.size = out->anchor.size };
    if (verifier == NULL || reader == NULL || memory == NULL)
        return EXIT_INTERNAL;
    struct arena scratch = arena_over(memory, AUDIT_LINE_MAX);
    audit_verify_begin(verifier, reader, &against);
    uint64_t first = audit_log_first(log, heads->base);
    rc checked = audit_verify_skip(verifier, first, NULL);
    if (rc_ok(checked) && found.anchor.size > 0 && found.anchor.size <= first)
        checked = merkle_root_at(&kept, found.anchor.size, &found.anchor.root, NULL);
    if (rc_ok(checked))
        checked = take_lines(verifier, log, &scratch, &step, &found);
    if (step == AUDIT_LOG_BROKEN)
        return EXIT_USAGE;
    /* The last line of a house that runs may be half written: it was not acknowledged. */
    if (step == AUDIT_LOG_TORN && log->next == log->count)
        found.torn = cur_rest(&log->window).len;
    else if (rc_ok(checked) && step != AUDIT_LOG_END)
        checked = audit_verify_torn(verifier, NULL);
    if (rc_ok(checked))
        checked = audit_verify_end(verifier, NULL);
    if (!rc_ok(checked))
        return say_log(&verifier->finding);
    struct merkle_head head;
    audit_chain_head(&verifier->chain, &head);
    found.size = head.size;
    memcpy(found.root, head.root.at, sizeof found.root);
    *out = found;
    return EXIT_DONE;
}

enum exit_code backup_prove_log(struct invocation *in, const char *folder, struct backup_log *out)
{
    struct audit_heads heads;
    struct audit_log log = { .open = -1, .fd = -1, .leaves = -1 };
    char path[BACKUP_PATH];
    backup_path(path, folder, "audit");
    if (!audit_heads_read(&in->arena, path, &heads))
        return EXIT_USAGE;
    enum exit_code code = audit_log_open(in, path, &log);
    if (code == EXIT_DONE)
        code = backup_log_verify(in, &heads, &log, out);
    audit_log_close(&log);
    return code;
}

rc backup_judge(const struct backup_proof *proof, int64_t generation)
{
    return proof->meta.generation < generation ? rc_make(RC_DENIED, REASON_STORE_ROLLED_BACK)
                                               : RC_SUCCESS;
}

static rc prove_store(struct trail *trail, const char *folder, struct house_state *out,
                      struct store_anchor *anchor)
{
    char place[BACKUP_PATH];
    struct store store = { 0 };
    struct backup_proof proof;
    struct db_spec spec = { .kind = DB_SQLITE, .place = place };
    backup_path(place, folder, "ward.db");
    TRY(trail, store_open(trail, &spec, &store_limits_default, &store));
    rc done = backup_state(trail, &store, &proof);
    if (rc_ok(done))
        done = store_anchor_read(trail, &store, anchor);
    store_close(&store);
    TRY(trail, done);
    memcpy(out->store, proof.state, sizeof out->store);
    return RC_SUCCESS;
}

enum exit_code backup_prove(struct invocation *in, const char *folder,
                            const struct house_state *said, int64_t *generation)
{
    struct house_state found = { 0 };
    struct store_anchor anchor;
    struct trail trail = { 0 };
    struct span config;
    char path[BACKUP_PATH];
    rc done = prove_store(&trail, folder, &found, &anchor);
    if (!rc_ok(done))
        return backup_say(in->command->name, done);
    struct backup_log log = { .anchor.size = (uint64_t)anchor.size };
    enum exit_code code = backup_prove_log(in, folder, &log);
    if (code != EXIT_DONE)
        return code;
    found.log_size = log.size;
    memcpy(found.log_root, log.root, sizeof found.log_root);
    if (!span_equal(SPAN(log.anchor.root.at), SPAN(anchor.root)))
        done = rc_make(RC_DENIED, REASON_STORE_LOG_ROLLED_BACK);
    backup_path(path, folder, "ward.toml");
    if (rc_ok(done) && !rc_ok(file_read_plain(&trail, path, CONFIG_BYTES, &in->arena, &config)))
        done = rc_make(RC_PEER, REASON_BACKUP_DAMAGED);
    if (!rc_ok(done))
        return backup_say(in->command->name, done);
    hash_sha256(config, found.config);
    house_state_seal(&found);
    if (log.torn != 0 || !house_state_equal(&found, said))
        return backup_say(in->command->name, rc_make(RC_WORLD, REASON_BACKUP_UNPROVEN));
    *generation = log.generation;
    return EXIT_DONE;
}
