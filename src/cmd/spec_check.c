/* spec_check.c - `ward spec check`: every mistake of a job's specification, or what it says in
   words. */
#include <string.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/input.h"
#include "crypto/hash.h"
#include "job/spec.h"

enum { OPT_JSON };

static const struct option_spec options[] = {
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* A byte of the specification is shown once, as four at most, with quotes and commas between. */
enum { WORDS_ROOM = 6 * JOB_SPEC_MAX + (64 << 10) };

/* And in JSON a character is six at most. */
enum { JSON_ROOM = 6 * WORDS_ROOM + (64 << 10) };

struct checking {
    const char *file;
    char digest[2 * SHA256_LEN + 1]; /* of the bytes as they are: results name a specification so */
    bool valid;
    struct toml_problems problems;
    struct sink words; /* lines */
};

static size_t kept(const struct toml_problems *problems)
{
    return problems->count < TOML_PROBLEMS_MAX ? problems->count : TOML_PROBLEMS_MAX;
}

/* The next line, without its end; false when there is none. */
static bool take_line(struct span *text, struct span *line)
{
    const uint8_t *end = text->len == 0 ? NULL : memchr(text->at, '\n', text->len);
    if (end == NULL)
        return false;
    *line = span_of(text->at, (size_t)(end - text->at));
    *text = span_of(end + 1, text->len - line->len - 1);
    return true;
}

/* A line is no string, and a copy of it would be one more thing for which there may be no memory.
 */
static void print_line(struct span line)
{
    for (size_t i = 0; i < line.len; i++) {
        const char byte[] = { (char)line.at[i], 0 };
        print_safe(stdout, byte);
    }
    fputc('\n', stdout);
}

static void print_problem(const struct checking *c, const struct toml_problem *problem)
{
    print_safe(stdout, c->file);
    if (problem->place.line != 0)
        printf(":%u:%u", problem->place.line, problem->place.column);
    fputs(": ", stdout);
    print_safe(stdout, problem->text);
    fputc('\n', stdout);
}

static void write_text(const struct checking *c)
{
    struct span words = sink_bytes(&c->words), line;
    for (size_t i = 0; i < kept(&c->problems); i++)
        print_problem(c, &c->problems.list[i]);
    if (c->problems.count > kept(&c->problems))
        say("%zu more problems are not shown", c->problems.count - kept(&c->problems));
    while (take_line(&words, &line))
        print_line(line);
    if (c->valid)
        printf("sha256 %s\n", c->digest);
}

static void write_json(struct sink *out, const struct checking *c)
{
    struct json_writer json = json_write_to(out, 0);
    struct span words = sink_bytes(&c->words), line;
    json_begin_object(&json);
    json_put_key(&json, "valid");
    json_put_bool(&json, c->valid);
    config_json_text(&json, "file", c->file);
    config_json_text(&json, "sha256", c->digest);
    json_put_key(&json, "problem_count");
    json_put_u64(&json, c->problems.count);
    json_put_key(&json, "problems");
    json_begin_array(&json);
    for (size_t i = 0; i < kept(&c->problems); i++) {
        json_begin_object(&json);
        json_put_key(&json, "line");
        json_put_u64(&json, c->problems.list[i].place.line);
        json_put_key(&json, "column");
        json_put_u64(&json, c->problems.list[i].place.column);
        config_json_text(&json, "text", c->problems.list[i].text);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_put_key(&json, "words");
    json_begin_array(&json);
    while (take_line(&words, &line))
        json_put_span(&json, line);
    json_end_array(&json);
    json_end_object(&json);
    sink_text(out, "\n");
}

static bool check(struct invocation *invocation, struct ward_bytes bytes, struct checking *c)
{
    struct span text = span_of(bytes.data, bytes.len);
    struct job_spec spec;
    uint8_t digest[SHA256_LEN];
    uint8_t *room = arena_alloc(&invocation->arena, WORDS_ROOM);
    if (room == NULL)
        return false;
    c->file = bytes.name;
    c->words = sink_over(room, WORDS_ROOM);
    hash_sha256(text, digest);
    struct sink hex = sink_over(c->digest, sizeof c->digest);
    sink_hex(&hex, SPAN(digest));
    sink_terminate(&hex);
    c->valid = job_spec_load(text, &invocation->arena, &spec, &c->problems);
    if (c->valid)
        job_spec_explain(&c->words, &spec);
    return sink_ok(&c->words);
}

static enum exit_code run(struct invocation *invocation)
{
    struct ward_bytes bytes;
    struct checking *c = arena_alloc(&invocation->arena, sizeof *c);
    struct sink out;
    if (!input_file(&invocation->arena, invocation->operands[0], JOB_SPEC_MAX, &bytes))
        return EXIT_USAGE;
    if (c == NULL || !check(invocation, bytes, c)) {
        say("spec check: out of memory");
        return EXIT_INTERNAL;
    }
    if (!option_given(invocation, OPT_JSON)) {
        write_text(c);
        return c->valid ? EXIT_DONE : EXIT_NO;
    }
    void *room = arena_alloc(&invocation->arena, JSON_ROOM);
    out = sink_over(room, room == NULL ? 0 : JSON_ROOM);
    write_json(&out, c);
    if (!config_print_end(&out))
        return EXIT_INTERNAL;
    return c->valid ? EXIT_DONE : EXIT_NO;
}

const struct command command_spec_check = {
    .name = "spec check",
    .operands = "SPEC",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "find every mistake of a job's specification, or say it in words",
    .description =
        "Reads a specification as a node would.  What is wrong with it is printed, one mistake a\n"
        "line, with its place and, where a name is not known, the nearest that is; the exit code\n"
        "is then 1.  When nothing is, it is said in words what the job gets, what it may reach,\n"
        "write and see, and by what it ends, and the SHA-256 by which results name this very\n"
        "specification.  Nothing is asked of a house, and no image is looked for.  docs/spec.md\n"
        "has every key.  \"-\" is standard input.",
    .example = "ward spec check job.toml",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "spec.json",
    .run = run,
};
