/* show_call.c - see show_call.h. */
#include "cmd/show_call.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "proc/routes.h"

enum { SOCKET_PATH = 107 };

bool shows_calls(const struct invocation *in)
{
    return in->common[COMMON_SHOW_CURL] || in->common[COMMON_SHOW_NEEDS];
}

/* --- the call as a curl command ---------------------------------------------------------- */

static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    }
    return true;
}

/* One word for sh(1).  A byte that would talk to the terminal goes through printf(1). */
static void put_word(FILE *out, struct span word)
{
    bool plain = is_plain(word);
    fputs(plain ? "'" : "\"$(printf '", out);
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.at[i];
        if (!plain && (c < '0' || c > 'z' || c == '\\' || c == '`'))
            fprintf(out, "\\%03o", c);
        else if (c == '\'')
            fputs("'\\''", out);
        else
            fputc(c, out);
    }
    fputs(plain ? "'" : "')\"", out);
}

static void put_option(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s ", name);
    put_word(out, span_text(value));
}

/* curl wants whole seconds or a decimal point; it is one either way. */
static void put_timeout(FILE *out, long timeout_ms)
{
    fprintf(out, " --max-time %ld", (timeout_ms + 999) / 1000);
}

static void curl_of_get(FILE *out, const struct call_get *get)
{
    fputs("curl -sS --fail-with-body", out);
    put_timeout(out, get->timeout_ms);
    if (get->proxy != NULL)
        put_option(out, "--proxy", get->proxy);
    if (get->ca_file != NULL)
        put_option(out, "--cacert", get->ca_file);
    fputc(' ', out);
    put_word(out, span_text(get->url));
    fputc('\n', out);
}

/* The name of a socket has room for a short path only: a long one is entered first. */
static void curl_of_house(FILE *out, const struct owner_request *request)
{
    static const char below[] = "run/ward.sock";
    bool is_long = strlen(request->state) + sizeof below > SOCKET_PATH;
    if (is_long)
        fputs("(cd ", out);
    if (is_long)
        put_word(out, span_text(request->state));
    if (is_long)
        fputs(" && ", out);
    fputs("curl -sS --fail-with-body", out);
    put_timeout(out, request->timeout_ms);
    fputs(" --unix-socket ", out);
    if (!is_long)
        put_word(out, span_text(request->state));
    fprintf(out, "%s%s", is_long ? "" : "/", below);
    if (strcmp(request->method, "GET") != 0)
        fprintf(out, " -X %s", request->method);
    if (request->body.len > 0) {
        fputs(" -H 'Content-Type: application/json' --data ", out);
        put_word(out, request->body);
    }
    fputs(" 'http://localhost", out);
    fputs(request->target, out); /* of a URL's letters only */
    fprintf(out, "'%s\n", is_long ? ")" : "");
}

/* --- what the call needs ----------------------------------------------------------------- */

/* The row that answers it; NULL when the house that this program is of has none. */
static const struct route *route_of(const struct owner_request *request)
{
    struct http_request asked = {
        .path = span_of(request->target, strcspn(request->target, "?")),
    };
    for (int m = HTTP_METHOD_NONE + 1; m < HTTP_METHOD_COUNT; m++) {
        if (strcmp(http_method_name((enum http_method)m), request->method) == 0)
            asked.method = (enum http_method)m;
    }
    return router_match(&house_router, &asked).route;
}

/* As a comment, so that a shell that is given both lines runs the one. */
static void needs_of_house(FILE *out, const struct owner_request *request)
{
    const struct route *route = route_of(request);
    if (route == NULL) {
        fprintf(out, "# %s %s needs: a house that serves it\n", request->method, request->target);
        return;
    }
    fprintf(out, "# %s %s (gRPC %s) needs: ", request->method, route->path, route->grpc);
    static const char *const who[] = {
        [ROUTE_OWNER] = "owner - the user that the house runs for, known by the user id behind ",
        [ROUTE_ANYONE] = "anyone - no identity, over TLS too; asked over ",
        [ROUTE_OPERATOR] =
            "operator - the owner, or who shows an operator's certificate; asked over ",
        [ROUTE_SESSION] = "session - whoever has signed the request; asked over ",
    };
    fputs(who[route->permission], out);
    print_safe(out, request->state);
    fputs("/run/ward.sock\n", out);
}

static void needs_of_get(FILE *out, const struct call_get *get)
{
    fputs("# GET ", out);
    print_safe(out, get->url);
    fputs(" needs: anyone - no identity is shown\n", out);
}

/* --- both -------------------------------------------------------------------------------- */

void show_call_of_house(const struct invocation *in, const struct owner_request *request)
{
    if (in->common[COMMON_SHOW_NEEDS])
        needs_of_house(stdout, request);
    if (in->common[COMMON_SHOW_CURL])
        curl_of_house(stdout, request);
}

void show_call_of_get(const struct invocation *in, const struct call_get *get)
{
    if (in->common[COMMON_SHOW_NEEDS])
        needs_of_get(stdout, get);
    if (in->common[COMMON_SHOW_CURL])
        curl_of_get(stdout, get);
}
