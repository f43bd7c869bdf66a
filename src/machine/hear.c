/* hear.c - see inside.h: what is done with the words of a guest, which have been judged
   (job/guest_talk.h).  What lies in /output may be whatever a guest likes: it is judged when it is
   taken over, as what a job in a container has left there. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/inside.h"
#include "model/reason.h"
#include "os/fd.h"

void machine_fail(struct talk *talk, uint32_t reason, const char *what)
{
    talk->over = true;
    talk->word.reason = reason;
    machine_word_what(&talk->word, span_text(what));
}

void machine_tell(const struct machine_word *word)
{
    if (!fd_write(MACHINE_WORD_FD, span_of(word, sizeof *word)))
        _exit(3); /* nobody is there any more */
}

/* --- /output ---------------------------------------------------------------------------------- */

/* A disk that is full holds as much as it may and more. */
static void cannot_write(struct talk *talk)
{
    const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    machine_fail(talk, full ? REASON_JOB_OUTPUT_LIMIT : REASON_JOB_MACHINE,
                 full ? "more than /output may hold" : strerror(errno));
}

/* The folder that a path lies in, and its last name. */
static int open_above(const struct talk *talk, struct span path, char name[256])
{
    char above[GUEST_PATH_MAX + 1];
    size_t at = path.len;
    while (at > 0 && path.at[at - 1] != '/')
        at--;
    snprintf(name, 256, "%.*s", (int)(path.len - at), (const char *)path.at + at);
    snprintf(above, sizeof above, "%.*s", (int)(at == 0 ? 1 : at),
             at == 0 ? "." : (const char *)path.at);
    return fd_open_how(talk->output, above, O_PATH | O_DIRECTORY,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static void make_folder(struct talk *talk, const struct guest_word *word)
{
    char name[256];
    auto_fd int above = open_above(talk, word->text, name);
    if (above < 0 || mkdirat(above, name, 0700) != 0 ||
        fchmodat(above, name, (mode_t)(word->mode | S_IRWXU), 0) != 0)
        cannot_write(talk);
}

/* At its end, for who writes to a file takes its set-user-id bit away. */
static void end_file(struct talk *talk)
{
    if (talk->hearing.left > 0)
        return;
    if (fchmod(talk->file, talk->mode) != 0)
        cannot_write(talk);
    fd_close(&talk->file);
}

static void make_file(struct talk *talk, const struct guest_word *word)
{
    char name[256];
    auto_fd int above = open_above(talk, word->text, name);
    fd_close(&talk->file);
    if (word->size > talk->machine->output - talk->written) {
        machine_fail(talk, REASON_JOB_OUTPUT_LIMIT, "more bytes than limits.max_output_bytes");
        return;
    }
    talk->written += word->size;
    talk->mode = word->mode;
    talk->file = above < 0 ? -1
                           : openat(above, name,
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (talk->file < 0)
        cannot_write(talk);
    else
        end_file(talk);
}

static bool make_named_twice(const struct talk *talk, int above, const char *name)
{
    auto_fd int file = openat(above, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return file >= 0 && linkat(above, name, talk->output, ".named twice", 0) == 0;
}

/* Something of its kind, so that it is refused for what it is. */
static void make_odd(struct talk *talk, const struct guest_word *word)
{
    char name[256];
    bool made = false;
    auto_fd int above = open_above(talk, word->text, name);
    if (above >= 0 && word->odd == GUEST_LINK)
        made = symlinkat(".", above, name) == 0;
    else if (above >= 0 && word->odd == GUEST_SPECIAL)
        made = mkfifoat(above, name, 0600) == 0;
    else if (above >= 0)
        made = make_named_twice(talk, above, name);
    if (!made && errno != EEXIST)
        cannot_write(talk);
}

/* --- the words -------------------------------------------------------------------------------- */

static void take_end(struct talk *talk, const struct guest_word *word)
{
    talk->word.ran = 1;
    talk->word.untold = word->untold;
    talk->word.code = word->end == GUEST_EXITED ? word->number : 0;
    talk->word.signal = word->end == GUEST_EXITED ? 0 : word->number;
    if (word->end == GUEST_MEMORY)
        machine_fail(talk, REASON_JOB_MEMORY, "");
    else if (word->end == GUEST_OUTPUT)
        machine_fail(talk, REASON_JOB_OUTPUT_LIMIT, "");
    else
        talk->over = !talk->machine->collect;
}

static void hold(struct talk *talk, const struct guest_word *word, int to)
{
    talk->held = word->text;
    talk->held_to = to;
}

/* That it runs, or what was refused to it. */
static void tell(enum machine_stage stage, const struct guest_word *word)
{
    const struct machine_word told = {
        .stage = stage, .reason = REASON_OK, .refused = word->refused, .tried = word->tried
    };
    machine_tell(&told);
}

void machine_hear(struct talk *talk, const struct guest_word *word)
{
    switch (word->said) {
    case GUEST_HELLO:
        talk->saying = talk->machine->told;
        return;
    case GUEST_FAILED:
        machine_fail(talk, REASON_JOB_START, "");
        machine_word_what(&talk->word, word->text);
        return;
    case GUEST_RUNS:
        tell(MACHINE_RUNS, word);
        return;
    case GUEST_REFUSED:
        tell(MACHINE_REFUSED, word);
        return;
    case GUEST_TRIED:
        tell(MACHINE_TRIED, word);
        return;
    case GUEST_ASKS:
        if (talk->machine->agent)
            machine_ask(word->text);
        else
            machine_fail(talk, REASON_JOB_MACHINE, "it asks for evidence, and has no guest agent");
        return;
    case GUEST_OUT:
        hold(talk, word, STDOUT_FILENO);
        return;
    case GUEST_ERR:
        hold(talk, word, STDERR_FILENO);
        return;
    case GUEST_ENDED:
        take_end(talk, word);
        return;
    case GUEST_FOLDER:
        make_folder(talk, word);
        return;
    case GUEST_FILE:
        make_file(talk, word);
        return;
    case GUEST_BYTES:
        if (fd_write(talk->file, word->text))
            end_file(talk);
        else
            cannot_write(talk);
        return;
    case GUEST_ODD:
        make_odd(talk, word);
        return;
    case GUEST_UNTOLD:
        machine_fail(talk, REASON_JOB_OUTPUT_KIND, "more in /output than can be told");
        return;
    case GUEST_DONE:
        talk->over = true;
        return;
    case GUEST_SAID_NONE:
    case GUEST_SAID_COUNT:
        return;
    }
}
