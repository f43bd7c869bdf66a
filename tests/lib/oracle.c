/* oracle.c - see oracle.h. */
#include "lib/oracle.h"

#include <string.h>

#include "base/number.h"

static int64_t time_member(const struct cases *cases, uint32_t node, const char *name)
{
    int64_t at = 0;
    if (!json_time(&cases->json, json_member(&cases->json, node, name), &at))
        fail_msg("the index has no time %s", name);
    return at;
}

static bool is_true(const struct cases *cases, uint32_t node, const char *name)
{
    return span_equal_text(json_raw(&cases->json, json_member(&cases->json, node, name)), "true");
}

/* Where a kind of file stands in the index, and what its members are called. */
struct source {
    const char *kind, *who, *from, *until;
};

static void add_file(struct oracle *oracle, enum subject_file list, uint32_t node,
                     const struct source *source)
{
    struct cases *cases = &oracle->stock->cases;
    struct oracle_file *file = &oracle->files[list][oracle->file_count[list]++];
    assert_true(oracle->file_count[list] <= ORACLE_FILES);
    *file = (struct oracle_file){
        .path = case_text(cases, node, "file"),
        .who = source->who != NULL ? case_text(cases, node, source->who) : "",
        .tee = case_text(cases, node, "tee"),
        .genuine = is_true(cases, node, "genuine"),
        .window = { time_member(cases, node, source->from),
                    time_member(cases, node, source->until) },
    };
    file->bytes = stock_read(oracle->stock, file->path);
}

/* A CRL goes to the list of its issuer; of certificates only the signers of TCB info count. */
static void add_files(struct oracle *oracle, const struct source *source)
{
    struct cases *cases = &oracle->stock->cases;
    for (uint32_t n = cases_next(cases, JSON_NONE, source->kind); n != JSON_NONE;
         n = cases_next(cases, n, source->kind)) {
        if (strcmp(source->kind, "tcbinfo") == 0)
            add_file(oracle, FILE_TCB_INFO, n, source);
        else if (strcmp(source->kind, "qe_identity") == 0)
            add_file(oracle, FILE_QE_IDENTITY, n, source);
        else if (strcmp(source->kind, "certificate") != 0)
            add_file(oracle,
                     strcmp(case_text(cases, n, "issuer"), "root") == 0 ? FILE_ROOT_CRL
                                                                        : FILE_PCK_CRL,
                     n, source);
        else if (strstr(case_text(cases, n, "file"), "tcb_signing") != NULL)
            add_file(oracle, FILE_TCB_SIGNER, n, source);
    }
}

static void add_quote(struct oracle *oracle, uint32_t node)
{
    struct cases *cases = &oracle->stock->cases;
    uint32_t details = json_member(&cases->json, node, "details");
    if (json_type(&cases->json, details) != JSON_OBJECT ||
        json_type(&cases->json, json_member(&cases->json, details, "pck_not_before")) !=
            JSON_STRING ||
        case_text(cases, node, "fmspc") == NULL || !is_true(cases, node, "genuine_hardware"))
        return;
    struct oracle_quote *quote = &oracle->quotes[oracle->quote_count++];
    assert_true(oracle->quote_count <= ORACLE_QUOTES);
    *quote = (struct oracle_quote){
        .path = case_text(cases, node, "file"),
        .fmspc = case_text(cases, node, "fmspc"),
        .tee = case_text(cases, details, "tee"),
        .pck_ca = case_text(cases, details, "pck_ca"),
        .leaf = { time_member(cases, details, "pck_not_before"),
                  time_member(cases, details, "pck_not_after") },
        .expected = json_member(&cases->json, node, "expected"),
    };
    quote->bytes = stock_read(oracle->stock, quote->path);
}

void oracle_open(struct oracle *oracle, struct stock *stock)
{
    static const struct source sources[] = {
        { "tcbinfo", "fmspc", "issue_date", "next_update" },
        { "qe_identity", "id", "issue_date", "next_update" },
        { "crl", "issuer", "this_update", "next_update" },
        { "certificate", NULL, "not_before", "not_after" },
    };
    *oracle = (struct oracle){ .stock = stock };
    for (size_t i = 0; i < COUNT_OF(sources); i++)
        add_files(oracle, &sources[i]);
    for (uint32_t n = cases_next(&stock->cases, JSON_NONE, "quote"); n != JSON_NONE;
         n = cases_next(&stock->cases, n, "quote"))
        add_quote(oracle, n);
}

struct tuple oracle_tuple(const struct oracle *oracle, const struct subject *subject)
{
    struct tuple tuple = { .time = subject->time };
    while (tuple.quote < oracle->quote_count &&
           strcmp(oracle->quotes[tuple.quote].path, subject->name) != 0)
        tuple.quote++;
    assert_true(tuple.quote < oracle->quote_count);
    for (size_t k = 0; k < ORACLE_KINDS; k++) {
        size_t i = 0;
        while (i < oracle->file_count[k] &&
               strcmp(oracle->files[k][i].path, subject->paths[k]) != 0)
            i++;
        assert_true(i < oracle->file_count[k]);
        tuple.file[k] = i;
    }
    return tuple;
}

static struct window both(struct window a, struct window b)
{
    return (struct window){ a.from > b.from ? a.from : b.from,
                            a.until < b.until ? a.until : b.until };
}

/* Intel's intermediates and root are all valid from May 2018 to May 2033 at least. */
struct window oracle_window(const struct oracle *oracle, const struct tuple *tuple)
{
    struct window window = { INT64_C(1526899868), INT64_C(2000278570) };
    for (size_t k = 0; k < ORACLE_KINDS; k++)
        window = both(window, oracle->files[k][tuple->file[k]].window);
    if (oracle->quotes[tuple->quote].leaf.until < window.until)
        window.until = oracle->quotes[tuple->quote].leaf.until;
    return window;
}

/* What the index says of a quote with this TCB info. */
static enum oracle_verdict of_pair(const struct oracle *oracle, const struct oracle_quote *quote,
                                   const char *tcb_info)
{
    struct cases *cases = &oracle->stock->cases;
    for (uint32_t e = json_first(&cases->json, quote->expected); e != JSON_NONE;
         e = json_next(&cases->json, e)) {
        uint32_t set = json_member(&cases->json, e, "collateral");
        const char *verdict = case_text(cases, e, "verdict");
        if (json_type(&cases->json, set) == JSON_OBJECT && strncmp(verdict, "STATUS_", 7) == 0 &&
            json_equal_text(&cases->json, json_member(&cases->json, set, "tcb_info"), tcb_info))
            return strncmp(verdict, "STATUS_TCB_NOT_SUPPORTED", 24) == 0 ? MUST_DENY : MUST_ALLOW;
    }
    return MAY_ALLOW;
}

enum oracle_verdict oracle_judge(const struct oracle *oracle, const struct tuple *tuple)
{
    const struct oracle_quote *quote = &oracle->quotes[tuple->quote];
    const struct oracle_file *files[ORACLE_KINDS];
    struct window window = oracle_window(oracle, tuple);
    bool genuine = true;
    for (size_t k = 0; k < ORACLE_KINDS; k++) {
        files[k] = &oracle->files[k][tuple->file[k]];
        genuine = genuine && files[k]->genuine;
    }
    bool tdx = strcmp(quote->tee, "TDX") == 0;
    if (!genuine || tuple->time < window.from || tuple->time > window.until ||
        strcmp(files[FILE_TCB_INFO]->tee, quote->tee) != 0 ||
        strcmp(files[FILE_TCB_INFO]->who, quote->fmspc) != 0 ||
        strcmp(files[FILE_QE_IDENTITY]->who, tdx ? "TD_QE" : "QE") != 0 ||
        strcmp(files[FILE_PCK_CRL]->who, quote->pck_ca) != 0)
        return MUST_DENY;
    return of_pair(oracle, quote, files[FILE_TCB_INFO]->path);
}
