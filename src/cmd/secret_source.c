/* secret_source.c - see secret_source.h. */
#include "cmd/secret_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "os/fd.h"

enum { PLACE_PATH = 4096 };

static const char credential[] = "credential:", env_file[] = "env-file:";

static bool begins(const char *word, const char *prefix)
{
    return strncmp(word, prefix, strlen(prefix)) == 0;
}

bool secret_source_named(const char *word)
{
    return strcmp(word, "-") == 0 || word[0] == '@' || begins(word, credential) ||
           begins(word, env_file);
}

ssize_t secret_line_read(int fd, char line[SECRET_LINE + 2])
{
    size_t have = 0;
    char c = 0;
    for (;;) {
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0 || c == '\n')
            return (ssize_t)have;
        if (have == SECRET_LINE)
            return -1;
        line[have++] = c;
    }
}

/* The value of "NAME=value", with the quotes off that a shell would take off; less than 0 when
   the line is of another name. */
static ssize_t take_value(char line[SECRET_LINE + 2], size_t len, const char *name)
{
    size_t name_len = strlen(name);
    if (len <= name_len || !span_equal(span_of(line, name_len), span_text(name)) ||
        line[name_len] != '=')
        return -1;
    size_t from = name_len + 1, end = len;
    if (end - from >= 2 && (line[from] == '"' || line[from] == '\'') &&
        line[end - 1] == line[from]) {
        from++;
        end--;
    }
    memmove(line, line + from, end - from);
    return (ssize_t)(end - from);
}

static ssize_t read_value(int fd, const char *name, char line[SECRET_LINE + 2])
{
    enum { LINES = 1000 };
    for (size_t i = 0; i < LINES; i++) {
        ssize_t len = secret_line_read(fd, line);
        if (len < 0)
            return -1;
        ssize_t value = take_value(line, (size_t)len, name);
        if (value >= 0)
            return value;
    }
    return -1;
}

/* Where the place is as a file; *name is set where only one line of it is meant. */
static bool find_path(const struct invocation *in, const char *source, char path[PLACE_PATH],
                      const char **name)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const char *colon = strrchr(source, ':');
    int len = -1;
    *name = NULL;
    if (begins(source, credential)) {
        const char *wanted = source + strlen(credential);
        if (folder == NULL || wanted[0] == 0 || strchr(wanted, '/') != NULL) {
            say("%s: %s: there is no such credential: systemd gives it, with LoadCredential= in "
                "the unit",
                in->command->name, source);
            return false;
        }
        len = snprintf(path, PLACE_PATH, "%s/%s", folder, wanted);
    } else if (begins(source, env_file)) {
        const char *file = source + strlen(env_file);
        if (colon <= file || colon[1] == 0) {
            say("%s: %s: write env-file:FILE:NAME", in->command->name, source);
            return false;
        }
        *name = colon + 1;
        len = snprintf(path, PLACE_PATH, "%.*s", (int)(colon - file), file);
    } else {
        len = snprintf(path, PLACE_PATH, "%s", source[0] == '@' ? source + 1 : source);
    }
    return len >= 0 && (size_t)len < PLACE_PATH;
}

ssize_t secret_source_read(const struct invocation *in, const char *source,
                           char line[SECRET_LINE + 2])
{
    char path[PLACE_PATH] = "";
    const char *name = NULL;
    auto_fd int fd = -1;
    if (strcmp(source, "-") == 0) {
        fd = dup(STDIN_FILENO);
    } else {
        if (!find_path(in, source, path, &name))
            return -1;
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        say("%s: %s: %s; a secret is never written on the command line itself: name its place, "
            "as %s",
            in->command->name, source, strerror(errno), SECRET_SOURCE_HELP);
        return -1;
    }
    ssize_t len = name != NULL ? read_value(fd, name, line) : secret_line_read(fd, line);
    if (len > 0)
        return len;
    explicit_bzero(line, SECRET_LINE + 2);
    if (name != NULL)
        say("%s: %s: there is no line %s=... with 1 to %d bytes", in->command->name, source, name,
            SECRET_LINE);
    else
        say("%s: %s: its first line is no secret of 1 to %d bytes", in->command->name,
            strcmp(source, "-") == 0 ? "standard input" : source, SECRET_LINE);
    return -1;
}
