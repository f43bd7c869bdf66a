/* audit_prove.c - `ward audit prove`: that one record is in the log, for somebody who has
   nothing but a signed head. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/audit_follow.h"
#include "cmd/audit_rows.h"
#include "cmd/input.h"
#include "codec/json_write.h"

enum { OPT_KEY = SETTINGS_OPTION_COUNT, OPT_JSON };
enum { REPORT_ROOM = 256 << 10 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_KEY] = { "--key", "KEY", NULL,
                  "the head must be signed by this key, ORIGIN+ID+BASE64 or 64 hex digits, or by "
                  "an heir of it" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

struct proving {
    struct audit_heads heads;
    const struct merkle_head *head;
    struct span note;
    uint64_t seq;
    struct merkle_hash leaf;
    struct merkle_proof proof;
    struct audit_key key;
    struct audit_follower *follower; /* NULL: no key is known */
    uint8_t line[AUDIT_LINE_MAX];
    size_t line_len; /* 0: the line was put away */
};

/* The last head that covers the record. */
static bool choose_head(struct proving *p)
{
    size_t count = p->heads.count;
    if (count == 0 || p->heads.heads[count - 1].size <= p->seq)
        return false;
    p->head = &p->heads.heads[count - 1];
    p->note = p->heads.notes[count - 1];
    return true;
}

/* Lines are not checked here, so a hand-over counts where the tree has it and nowhere else. */
static enum reason follow(struct proving *p, struct span line, uint64_t seq,
                          const struct merkle_hash *leaf)
{
    const struct merkle_source *kept = &p->follower->kept;
    struct merkle_hash have;
    if (!audit_succession_may_be(line))
        return REASON_OK;
    if (!kept->leaves(kept->arg, seq, 1, &have))
        return REASON_AUDIT_LEAVES_UNREADABLE;
    if (!merkle_equal(leaf, &have))
        return REASON_AUDIT_LEAF_MISMATCH;
    return audit_follow_line(p->follower, line, seq, leaf) ? REASON_OK
                                                           : p->follower->finding.reason;
}

/* The record itself, and with a key that is known all lines: whose heirs its heirs are. */
static enum reason read_lines(struct proving *p, struct audit_log *log)
{
    struct span line;
    struct merkle_hash leaf;
    enum audit_log_step step = audit_log_next(log, &line);
    uint64_t seq = audit_log_first(log, p->heads.base);
    if (p->follower != NULL && !audit_follow_kept(p->follower, &p->heads, seq))
        return p->follower->finding.reason;
    for (; step == AUDIT_LOG_LINE; step = audit_log_next(log, &line), seq++) {
        merkle_leaf(line, &leaf);
        if (p->line_len == 0 && merkle_equal(&leaf, &p->leaf)) {
            memcpy(p->line, line.at, line.len);
            p->line_len = line.len;
        }
        if (p->follower == NULL && p->line_len > 0)
            return REASON_OK;
        enum reason reason = p->follower != NULL ? follow(p, line, seq, &leaf) : REASON_OK;
        if (reason != REASON_OK)
            return reason;
    }
    if (p->follower == NULL)
        return REASON_OK;
    return audit_follow_heads(p->follower, &p->heads, (struct span){ 0 }); /* the last is ours */
}

/* Made, and then judged as anybody else would judge it. */
static enum reason prove(struct proving *p, struct audit_log *log)
{
    struct merkle_source source = audit_log_source(log);
    if (!source.leaves(source.arg, p->seq, 1, &p->leaf))
        return REASON_AUDIT_LEAVES_UNREADABLE;
    rc proven = merkle_prove_inclusion(&source, p->seq, p->head->size, &p->proof, NULL);
    if (rc_ok(proven))
        proven = merkle_check_inclusion(p->head, p->seq, &p->leaf, &p->proof, NULL);
    if (!rc_ok(proven))
        return reason_of_rc(proven, REASON_AUDIT_LEAVES_UNREADABLE);
    return read_lines(p, log);
}

static bool begin_to_follow(struct invocation *in, struct proving *p, struct audit_log *log)
{
    struct merkle_source kept = audit_log_source(log);
    if (in->values[OPT_KEY] == NULL)
        return true;
    p->follower = arena_alloc(&in->arena, sizeof *p->follower);
    if (p->follower == NULL)
        return false;
    p->follower->reader = arena_alloc(&in->arena, sizeof *p->follower->reader);
    return p->follower->reader != NULL &&
           audit_follow_begin(p->follower, &p->key, &p->heads, &kept);
}

static bool print_json(struct invocation *in, const struct proving *p)
{
    char *room = arena_alloc(&in->arena, REPORT_ROOM);
    struct sink out = sink_over(room, room != NULL ? REPORT_ROOM : 0);
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    json_put_key(&json, "seq");
    json_put_u64(&json, p->seq);
    json_put_key(&json, "size");
    json_put_u64(&json, p->head->size);
    json_put_key(&json, "leaf_hash");
    json_put_hex(&json, SPAN(p->leaf.at));
    json_put_key(&json, "root");
    json_put_hex(&json, SPAN(p->head->root.at));
    json_put_key(&json, "hashes");
    json_begin_array(&json);
    for (size_t i = 0; i < p->proof.count; i++)
        json_put_hex(&json, SPAN(p->proof.at[i].at));
    json_end_array(&json);
    json_put_key(&json, "checkpoint");
    json_put_span(&json, p->note);
    json_put_key(&json, "record");
    if (p->line_len > 0)
        json_put_span(&json, span_of(p->line, p->line_len));
    else
        json_put_null(&json);
    json_end_object(&json);
    if (!json_write_ok(&json))
        return false;
    printf("%.*s\n", (int)out.len, room);
    return true;
}

static void print_hash(const char *name, const struct merkle_hash *hash)
{
    char room[2 * SHA256_LEN + 1];
    struct sink out = sink_over(room, sizeof room);
    sink_hex(&out, SPAN(hash->at));
    sink_terminate(&out);
    printf("%-5s %s\n", name, room);
}

static void print_text(const struct proving *p)
{
    if (p->line_len > 0)
        printf("%.*s\n", (int)p->line_len, (const char *)p->line);
    else
        printf("(the record itself was put away; its hash was kept)\n");
    print_hash("leaf", &p->leaf);
    for (size_t i = 0; i < p->proof.count; i++)
        print_hash("", &p->proof.at[i]);
    print_hash("root", &p->head->root);
    printf("record %llu is in the log of %llu records\n\n%.*s", (unsigned long long)p->seq,
           (unsigned long long)p->head->size, (int)p->note.len, (const char *)p->note.at);
}

static enum exit_code refuse(enum reason reason)
{
    const struct reason_info *info = reason_info(reason);
    say("audit prove: %s: %s %s", info->name, info->cause, info->help);
    return info->class == RC_DENIED ? EXIT_NO : EXIT_USAGE;
}

static enum exit_code prove_from(struct invocation *in, struct proving *p, const char *folder)
{
    struct audit_log log;
    if (in->values[OPT_KEY] != NULL && !audit_key_read(in->values[OPT_KEY], &p->key)) {
        say("audit prove: --key is neither ORIGIN+ID+BASE64 of an Ed25519 key nor 64 hex digits");
        return EXIT_USAGE;
    }
    if (!audit_heads_read(&in->arena, folder, &p->heads))
        return EXIT_USAGE;
    enum exit_code code = audit_log_open(in, folder, &log);
    if (code == EXIT_DONE && !choose_head(p)) {
        say("audit prove: no signed head covers record %llu: the last one is of %llu records; a "
            "head "
            "follows its records within a second while the house is up",
            (unsigned long long)p->seq,
            (unsigned long long)(p->heads.count > 0 ? p->heads.heads[p->heads.count - 1].size : 0));
        code = EXIT_NOT_FOUND;
    }
    if (code == EXIT_DONE && !begin_to_follow(in, p, &log))
        code = EXIT_INTERNAL;
    if (code == EXIT_DONE) {
        enum reason reason = prove(p, &log);
        if (reason != REASON_OK)
            code = refuse(reason);
    }
    audit_log_close(&log);
    return code;
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    char folder[SETTING_TEXT_MAX + 8];
    int64_t seq = 0;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!input_number(in->operands[0], 0, INT64_MAX, &seq)) {
        say("audit prove: SEQ is the number of a record, like 0; not \"%s\"", in->operands[0]);
        return EXIT_USAGE;
    }
    struct proving *p = arena_alloc(&in->arena, sizeof *p);
    if (p == NULL)
        return EXIT_INTERNAL;
    p->seq = (uint64_t)seq;
    snprintf(folder, sizeof folder, "%s/audit", loaded.config.settings.state);
    code = prove_from(in, p, folder);
    if (code != EXIT_DONE)
        return code;
    if (option_given(in, OPT_JSON))
        return print_json(in, p) ? EXIT_DONE : EXIT_INTERNAL;
    print_text(p);
    return EXIT_DONE;
}

const struct command command_audit_prove = {
    .name = "audit prove",
    .operands = "SEQ",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "prove that a record is in the security log",
    .description =
        "Prints the record, its leaf hash, the hashes that lead from it to the root of the\n"
        "last signed head (RFC 9162 2.1.3), and that head.  The proof was checked before it is\n"
        "printed.  A record whose file was removed is proven by its hash, which is kept for\n"
        "ever.  With --key the head must be signed by that key, or by an heir that hand-overs in\n"
        "the log lead to.  Needs no house that runs.",
    .example = "ward audit prove 0 --json",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "audit.json#/$defs/prove",
    .run = run,
};
