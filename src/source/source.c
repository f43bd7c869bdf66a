/* source.c - see source.h: names of sources, and which file answers for which. */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "base/sink.h"
#include "os/fd.h"
#include "source/parts.h"

typedef bool quoter(struct source *, const struct source_ask *, struct arena *,
                    struct source_evidence *, struct source_problem *);

enum { PLACES = 4 };

static const struct kind {
    const char *name;
    const char *places[PLACES]; /* where it usually is */
    mode_t type;                /* of what is there */
    int flags;                  /* to open it with; 0: it is connected to for each quote */
    quoter *quote;
} kinds[SOURCE_KINDS] = {
    [SOURCE_NONE] = { "none", { 0 }, 0, 0, NULL },
    [SOURCE_NSM] = { "nsm", { "/dev/nsm" }, S_IFCHR, O_RDWR, source_nsm_quote },
    [SOURCE_TSM] = { "tsm",
                     { "/sys/kernel/config/tsm/report" },
                     S_IFDIR,
                     O_RDONLY | O_DIRECTORY,
                     source_tsm_quote },
    [SOURCE_DSTACK] = { "dstack",
                        { "/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock",
                          "/run/dstack/dstack.sock" },
                        S_IFSOCK,
                        0,
                        source_agent_quote },
    [SOURCE_TAPPD] = { "tappd",
                       { "/var/run/tappd.sock", "/run/tappd.sock", "/var/run/dstack/tappd.sock",
                         "/run/dstack/tappd.sock" },
                       S_IFSOCK,
                       0,
                       source_agent_quote },
    [SOURCE_HOUSE] = { "house", { 0 }, S_IFDIR, 0, source_agent_quote },
};

const char *source_kind_name(enum source_kind kind)
{
    return kinds[(unsigned)kind < SOURCE_KINDS ? kind : SOURCE_NONE].name;
}

static bool is_there(const struct kind *kind, const char *path)
{
    struct stat is;
    return stat(path, &is) == 0 && (is.st_mode & S_IFMT) == kind->type;
}

static bool set_name(enum source_kind kind, const char *path, struct source_name *out)
{
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof out->path)
        return false;
    out->kind = kind;
    memcpy(out->path, path, len + 1);
    return true;
}

/* The first place where something of its type is, else the first. */
static const char *usual_place(const struct kind *kind)
{
    for (size_t i = 0; i < PLACES && kind->places[i] != NULL; i++) {
        if (is_there(kind, kind->places[i]))
            return kind->places[i];
    }
    return kind->places[0] != NULL ? kind->places[0] : "";
}

bool source_name_read(const char *text, struct source_name *out)
{
    size_t len = strcspn(text, ":");
    for (unsigned kind = SOURCE_NONE + 1; kind < SOURCE_KINDS; kind++) {
        if (!span_equal_text(span_of(text, len), kinds[kind].name))
            continue;
        return set_name(kind, text[len] == ':' ? text + len + 1 : usual_place(&kinds[kind]), out);
    }
    return false;
}

bool source_find(const char *simulator, struct source_name *out)
{
    static const enum source_kind order[] = { SOURCE_DSTACK, SOURCE_TAPPD, SOURCE_NSM, SOURCE_TSM };
    if (simulator != NULL)
        return set_name(SOURCE_DSTACK, simulator, out);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        const struct kind *kind = &kinds[order[i]];
        if (is_there(kind, usual_place(kind)))
            return set_name(order[i], usual_place(kind), out);
    }
    return false;
}

bool source_fail(struct source_problem *problem, enum reason reason, const char *detail, ...)
{
    va_list args;
    struct sink text = sink_over(problem->detail, sizeof problem->detail);
    va_start(args, detail);
    sink_vformat(&text, detail, args);
    va_end(args);
    sink_terminate(&text);
    for (char *c = problem->detail; *c != 0; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    problem->reason = reason;
    return false;
}

bool source_fail_errno(struct source_problem *problem, int error, const char *what)
{
    static const struct {
        int error;
        enum reason reason;
    } table[] = {
        { ENOENT, REASON_SOURCE_ABSENT },       { ENOTDIR, REASON_SOURCE_ABSENT },
        { ENODEV, REASON_SOURCE_ABSENT },       { ENXIO, REASON_SOURCE_ABSENT },
        { ECONNREFUSED, REASON_SOURCE_ABSENT }, { EACCES, REASON_SOURCE_FORBIDDEN },
        { EPERM, REASON_SOURCE_FORBIDDEN },     { EBUSY, REASON_SOURCE_BUSY },
        { EAGAIN, REASON_SOURCE_BUSY },         { ETIMEDOUT, REASON_SOURCE_DEADLINE },
    };
    enum reason reason = REASON_SOURCE_FAILED;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (table[i].error == error)
            reason = table[i].reason;
    }
    return source_fail(problem, reason, "%.100s: %s", what, strerror(error));
}

bool source_open(const struct source_name *name, int64_t timeout_ms, struct source *out,
                 struct source_problem *problem)
{
    auto_fd int fd = -1;
    if (name->kind == SOURCE_NONE || (unsigned)name->kind >= SOURCE_KINDS)
        return source_fail(problem, REASON_SOURCE_ABSENT, "no source is named");
    const struct kind *kind = &kinds[name->kind];
    if (kind->flags != 0)
        fd = open(name->path, kind->flags | O_CLOEXEC);
    if (kind->flags != 0 && fd < 0)
        return source_fail_errno(problem, errno, name->path);
    if (!is_there(kind, name->path))
        return source_fail(problem, REASON_SOURCE_ABSENT, "%.100s: no %s is there", name->path,
                           kind->name);
    *out = (struct source){ .name = *name, .fd = fd_take(&fd), .timeout_ms = timeout_ms };
    return true;
}

void source_close(struct source *source)
{
    fd_close(&source->fd);
    source->name.kind = SOURCE_NONE;
}

bool source_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                  struct source_evidence *out, struct source_problem *problem)
{
    struct source_evidence made = { 0 };
    const struct kind *kind = &kinds[source->name.kind];
    bool more = ask->nonce.len > 0 || ask->public_key.len > 0;
    if (kind->quote == NULL)
        return source_fail(problem, REASON_SOURCE_ABSENT, "no source is open");
    if (more && source->name.kind != SOURCE_NSM)
        return source_fail(problem, REASON_SOURCE_UNSUPPORTED,
                           "%s has no room for a nonce or a key", kind->name);
    if (!kind->quote(source, ask, arena, &made, problem) ||
        !source_judge(ask, arena, &made, problem))
        return false;
    *out = made;
    return true;
}
