/* audit_verify.c - `ward audit verify`: is this the log that was written? */
#include <limits.h>
#include <stdio.h>

#include "base/number.h"
#include "cmd/audit_follow.h"
#include "cmd/audit_witness.h"
#include "cmd/home.h"
#include "cmd/input.h"
#include "cmd/settings_load.h"
#include "codec/json_write.h"

enum { OPT_HEAD = SETTINGS_OPTION_COUNT, OPT_KEY, OPT_WITNESS, OPT_WITNESSES, OPT_FAST, OPT_JSON };
enum { FOLDER_PATH = SETTING_TEXT_MAX + 16, REPORT_ROOM = 4096 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_HEAD] = { "--head", "FILE", NULL, "hold the log against this published head too" },
    [OPT_KEY] = { "--key", "KEY", NULL,
                  "heads must be signed by this key, ORIGIN+ID+BASE64 or 64 hex digits, or its "
                  "heirs" },
    [OPT_WITNESS] = { .name = "--witness",
                      .argument = "KEY",
                      .help = "this witness's word is asked for: NAME+ID+BASE64; may be repeated",
                      .repeats = true },
    [OPT_WITNESSES] = { "--witnesses", "K", NULL,
                        "so many of the witnesses must have signed the head (default: all)" },
    [OPT_FAST] = { "--fast", NULL, NULL,
                   "compare bytes with kept hashes only, where a head covers them" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

struct checking {
    struct invocation *in;
    struct audit_log log;
    struct audit_heads heads;
    struct audit_key key;
    struct audit_follower *follower; /* NULL: no key is known */
    struct span wanted;              /* the head of --head */
    struct audit_witnesses witnesses;
    struct audit_verifier *verifier;
    struct audit_reader *reader;
    struct merkle_source kept;
    uint64_t first;       /* seq of the first line that is there */
    bool live;            /* the log may grow while it is read */
    enum reason of_heads; /* what is wrong with the heads themselves, or REASON_OK */
};

static enum exit_code open_log(struct checking *c, char folder[FOLDER_PATH])
{
    struct settings_loaded loaded;
    pid_t monitor = 0;
    if (c->in->operand_count > 0)
        return audit_log_files(c->in, &c->log);
    enum exit_code code = settings_load(c->in, &loaded);
    if (code != EXIT_DONE)
        return code;
    snprintf(folder, FOLDER_PATH, "%s/audit", loaded.config.settings.state);
    c->live = home_look(loaded.config.settings.state, &monitor) == HOME_LIVED_IN;
    /* Heads first: while the house writes, what is read later covers them. */
    if (!audit_heads_read(&c->in->arena, folder, &c->heads))
        return EXIT_USAGE;
    return audit_log_open(c->in, folder, &c->log);
}

static enum exit_code take_heads(struct checking *c)
{
    struct ward_bytes text;
    const char *path = c->in->values[OPT_HEAD];
    c->of_heads = REASON_OK;
    if (c->in->values[OPT_KEY] != NULL && !audit_key_read(c->in->values[OPT_KEY], &c->key)) {
        say("audit verify: --key is neither ORIGIN+ID+BASE64 of an Ed25519 key nor 64 hex digits");
        return EXIT_USAGE;
    }
    if (path != NULL) {
        if (!input_file(&c->in->arena, path, CHECKPOINT_MAX, &text))
            return EXIT_USAGE;
        c->wanted = span_of(text.data, text.len);
        if (!audit_heads_add(&c->heads, c->wanted))
            c->of_heads = REASON_AUDIT_HEAD_INVALID;
    }
    if (c->in->values[OPT_KEY] == NULL)
        return EXIT_DONE;
    c->kept = audit_log_source(&c->log);
    c->follower = arena_alloc(&c->in->arena, sizeof *c->follower);
    if (c->follower == NULL)
        return EXIT_INTERNAL;
    c->follower->reader = c->reader;
    return audit_follow_begin(c->follower, &c->key, &c->heads, c->log.leaves >= 0 ? &c->kept : NULL)
               ? EXIT_DONE
               : EXIT_INTERNAL;
}

/* The line was found to be sound. */
static bool follow(struct checking *c, struct span line)
{
    const struct audit_chain *chain = &c->verifier->chain;
    if (c->follower == NULL ||
        audit_follow_line(c->follower, line, chain->tree.size - 1, &chain->last))
        return true;
    c->verifier->finding = c->follower->finding;
    return false;
}

/* Of the head that was asked for, else of the last one. */
static void judge_witnesses(struct checking *c)
{
    struct span newest = c->heads.count > 0 ? c->heads.notes[c->heads.count - 1]
                                            : (struct span){ 0 };
    if (c->verifier->finding.reason != REASON_OK)
        return;
    c->of_heads = audit_witnesses_judge(&c->witnesses, c->wanted.len > 0 ? c->wanted : newest);
    c->verifier->finding.reason = c->of_heads;
}

/* A head that nobody who is known has signed says nothing about the log. */
static void judge_signers(struct checking *c)
{
    struct audit_finding *finding = &c->verifier->finding;
    if (c->follower == NULL ||
        (finding->reason != REASON_OK && finding->reason != REASON_AUDIT_HEAD_MISMATCH &&
         finding->reason != REASON_AUDIT_FORK))
        return;
    enum reason reason = audit_follow_heads(c->follower, &c->heads, c->wanted);
    if (c->follower->finding.reason != REASON_OK) {
        *finding = c->follower->finding;
        return;
    }
    if (reason == REASON_AUDIT_HEAD_SIGNATURE ||
        (reason != REASON_OK && finding->reason == REASON_OK))
        c->of_heads = finding->reason = reason;
}

/* Whatever is wrong is in the verifier's finding; false: the files could not be read. */
static bool check_lines(struct checking *c)
{
    struct span line;
    enum audit_log_step step = audit_log_next(&c->log, &line);
    c->first = audit_log_first(&c->log, c->heads.base);
    rc checked = audit_verify_skip(c->verifier, c->first, NULL);
    if (c->follower != NULL && !audit_follow_kept(c->follower, &c->heads, c->first)) {
        c->verifier->finding = c->follower->finding;
        return true;
    }
    for (; step == AUDIT_LOG_LINE; step = audit_log_next(&c->log, &line)) {
        if (rc_ok(checked))
            checked = audit_verify_line(c->verifier, line, NULL, NULL);
        if (!rc_ok(checked) || !follow(c, line))
            return true;
    }
    /* A house that lives may be in the middle of a line. */
    if (step == AUDIT_LOG_DAMAGED ||
        (step == AUDIT_LOG_TORN && !(c->live && c->log.next == c->log.count)))
        checked = audit_verify_torn(c->verifier, NULL);
    if (step != AUDIT_LOG_BROKEN && rc_ok(checked)) {
        rc ended = audit_verify_end(c->verifier, NULL);
        (void)ended; /* it is in the finding */
    }
    return step != AUDIT_LOG_BROKEN;
}

static bool check(struct checking *c)
{
    c->kept = audit_log_source(&c->log);
    struct audit_against against = { .kept = c->log.leaves >= 0 ? &c->kept : NULL,
                                     .kept_count = c->log.leaf_count,
                                     .heads = c->heads.heads,
                                     .head_count = c->heads.count,
                                     .bytes_only = option_given(c->in, OPT_FAST) };
    audit_verify_begin(c->verifier, c->reader, &against);
    if (c->of_heads != REASON_OK) {
        c->verifier->finding.reason = c->of_heads;
        return true;
    }
    if (!check_lines(c))
        return false;
    judge_signers(c);
    judge_witnesses(c);
    return true;
}

static void put_head(struct json_writer *json, const struct checking *c)
{
    json_put_key(json, "head");
    if (c->heads.count == 0) {
        json_put_null(json);
        return;
    }
    const struct merkle_head *head = &c->heads.heads[c->heads.count - 1];
    json_begin_object(json);
    json_put_key(json, "size");
    json_put_u64(json, head->size);
    json_put_key(json, "root");
    json_put_hex(json, SPAN(head->root.at));
    json_put_key(json, "key_checked");
    json_put_bool(json, c->in->values[OPT_KEY] != NULL);
    if (c->witnesses.asked.count > 0) {
        json_put_key(json, "witnesses");
        json_put_u64(json, c->witnesses.have);
    }
    json_end_object(json);
}

static void put_number_or_null(struct json_writer *json, const char *name, bool there,
                               uint64_t value)
{
    json_put_key(json, name);
    if (there)
        json_put_u64(json, value);
    else
        json_put_null(json);
}

static void print_json(const struct checking *c)
{
    char room[REPORT_ROOM];
    struct sink out = sink_over(room, sizeof room);
    struct json_writer json = json_write_to(&out, 0);
    const struct audit_finding *finding = &c->verifier->finding;
    bool sound = finding->reason == REASON_OK;
    uint64_t size = c->verifier->chain.tree.size;
    json_begin_object(&json);
    json_put_key(&json, "sound");
    json_put_bool(&json, sound);
    json_put_key(&json, "records");
    json_put_u64(&json, size);
    json_put_key(&json, "by_hash_only");
    json_put_u64(&json, c->first);
    json_put_key(&json, "reason");
    if (sound)
        json_put_null(&json);
    else
        json_put_text(&json, reason_info(finding->reason)->name);
    put_number_or_null(&json, "first_bad", !sound && c->of_heads == REASON_OK, finding->first);
    put_number_or_null(&json, "last_bad", !sound && c->of_heads == REASON_OK, finding->last);
    put_head(&json, c);
    json_end_object(&json);
    printf("%.*s\n", (int)out.len, room);
}

static void print_sound(const struct checking *c)
{
    unsigned long long size = c->verifier->chain.tree.size;
    printf("sound: %llu records", size);
    if (c->first > 0)
        printf(", those before %llu by their hashes", (unsigned long long)c->first);
    if (c->heads.count > 0)
        printf(", %llu under a head whose signature was %s",
               (unsigned long long)c->heads.heads[c->heads.count - 1].size,
               c->in->values[OPT_KEY] != NULL ? "checked" : "not checked (no --key)");
    if (c->witnesses.asked.count > 0)
        printf(", and by %zu of %zu witnesses", c->witnesses.have, c->witnesses.asked.count);
    putchar('\n');
}

static void print_text(const struct checking *c)
{
    const struct audit_finding *finding = &c->verifier->finding;
    const struct reason_info *info = reason_info(finding->reason);
    if (finding->reason == REASON_OK) {
        print_sound(c);
        return;
    }
    printf("NOT SOUND: ");
    if (c->of_heads == REASON_OK && finding->first == finding->last)
        printf("record %llu: ", (unsigned long long)finding->first);
    else if (c->of_heads == REASON_OK)
        printf("records %llu to %llu: ", (unsigned long long)finding->first,
               (unsigned long long)finding->last);
    printf("%s\n  %s\n  %s\n", info->name, info->cause, info->help);
}

static enum exit_code run(struct invocation *in)
{
    struct checking c = { .in = in, .log = { .open = -1, .fd = -1, .leaves = -1 } };
    char folder[FOLDER_PATH];
    c.verifier = arena_alloc(&in->arena, sizeof *c.verifier);
    c.reader = arena_alloc(&in->arena, sizeof *c.reader);
    if (c.verifier == NULL || c.reader == NULL)
        return EXIT_INTERNAL;
    enum exit_code code = open_log(&c, folder);
    if (code == EXIT_DONE)
        code = audit_witnesses_read(in, OPT_WITNESS, OPT_WITNESSES, &c.witnesses);
    if (code == EXIT_DONE)
        code = take_heads(&c);
    if (code == EXIT_DONE && !check(&c))
        code = EXIT_USAGE;
    audit_log_close(&c.log);
    if (c.follower != NULL)
        audit_follow_end(c.follower);
    if (code != EXIT_DONE)
        return code;
    if (option_given(in, OPT_JSON))
        print_json(&c);
    else
        print_text(&c);
    return c.verifier->finding.reason == REASON_OK ? EXIT_DONE : EXIT_NO;
}

const struct command command_audit_verify = {
    .name = "audit verify",
    .operands = "[FILE...]",
    .operands_max = OPERANDS_MAX,
    .summary = "check that the security log is the one that was written",
    .description =
        "Reads every record of the log, rotated files included, and holds it against its\n"
        "chain, the hashes that were kept, and the heads that were signed.  Names the first\n"
        "record that was changed, removed, doubled or moved; exit code 1 then.  Needs no\n"
        "house that runs, and changes nothing.\n"
        "\n"
        "With FILEs, which may be an export as jsonl or rotated files, plain or .gz, in their\n"
        "order, only those are read: with --head and --key, a published head and the log's\n"
        "public key, anybody can check a log that way.  Without --key a head shows what was\n"
        "changed after it was made, but not who made it.  A log whose key was rotated is followed\n"
        "from the key that is named, which may be its first, through every hand-over.",
    .example = "ward audit verify --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "audit.json#/$defs/verify",
    .run = run,
};
