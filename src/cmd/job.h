/* job.h - what the `ward job` commands have in common. */
#ifndef WARD_CMD_JOB_H
#define WARD_CMD_JOB_H

#include "cmd/house_ask.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "model/api.h"

enum { JOB_ASK_MS = 10000, JOB_ID_TEXT = 32, JOB_TARGET = 160 };

/* The first operand, and the house that is asked for it.  EXIT_DONE, or it has said why not. */
struct job_asked {
    struct settings_loaded loaded;
    const char *id;
    struct owner_reply reply;
};
MUST_USE enum exit_code job_asked_begin(struct invocation *in, struct job_asked *asked);

/* job_ask asks for /v1/jobs/ID and what follows; as house_ask. */
MUST_USE enum exit_code job_ask(struct invocation *in, struct job_asked *asked, const char *target,
                                const struct schema_message *message, void *values);

/* job_has_ended: it is in one of the states in which nothing more happens. */
bool job_has_ended(const struct api_job *job);

/* job_print_row prints one on a line, job_print_head what the columns are. */
void job_print_head(void);
void job_print_row(const struct api_job *job);

/* job_print prints all that the house knows of it. */
void job_print(const struct api_job *job);

/* job_print_text prints "NAME  TEXT" safely, nothing for an empty text. */
void job_print_text(const char *name, struct span text);

#endif
