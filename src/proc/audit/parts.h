/* parts.h - what the files of this process ask of one another, besides the pieces of auditor.h
   that stand on their own. */
#ifndef WARD_PROC_AUDIT_PARTS_H
#define WARD_PROC_AUDIT_PARTS_H

#include "model/schema.h"
#include "proc/audit/auditor.h"

/* disk.c: whole reads and writes at a place.  A read that finds less is false. */
MUST_USE
bool file_read_at(int fd, uint64_t offset, void *out, size_t len);
MUST_USE
rc file_write_at(struct trail *trail, int fd, uint64_t offset, struct span bytes);

/* start.c: start_before_jail takes memory, looks at the folder and watches it; start_read reads
   all three files: afterwards the auditor either writes or says why not. */
MUST_USE
rc start_before_jail(struct trail *trail, struct auditor *auditor);
MUST_USE
rc start_read(struct trail *trail, struct auditor *auditor);

/* events_say_gone: a file of the log was moved, removed or replaced by somebody. */
bool events_say_gone(struct auditor *auditor);
void events_forget(struct auditor *auditor);

/* group.c */

/* group_add puts a record into the group; false, when it is no record that can be logged. */
MUST_USE
bool group_add(struct auditor *auditor, struct audit_record *record, enum peer peer, uint64_t id);

/* group_commit makes the group durable and answers, or answers that it is not. */
void group_commit(struct auditor *auditor);

/* group_forget: who asked for these records is gone.  They are written as they would have been,
   and nobody is told: the numbers of the next one's questions begin anew. */
void group_forget(struct auditor *auditor, enum peer peer);

/* group_start is the first look at files that were read; group_probe tries whether writing
   works again. */
void group_start(struct auditor *auditor);
void group_probe(struct auditor *auditor);

/* group_stop: from here on nothing is written, and why; success: for a torn last line. */
void group_stop(struct auditor *auditor, enum writing how, rc why);

/* group_catch_up writes leaf hashes that are not in their file yet, from the lines. */
MUST_USE
rc group_catch_up(struct trail *trail, struct auditor *auditor);

/* heads.c */
void heads_ask(struct auditor *auditor);
rc heads_signed(struct trail *trail, void *self, struct call *call);

/* rotate.c */

/* rotate_due asks for a new file when the old one is due; true while it is waited for. */
MUST_USE
bool rotate_due(struct auditor *auditor);
MUST_USE
rc rotate_done(struct trail *trail, struct auditor *auditor, struct call *call);
bool closed_add(struct closed *closed, const struct closed_file *file);
void rotate_remove_old(struct auditor *auditor);

/* pack.c: pack_step does a piece and says whether there is more to do now. */
MUST_USE
bool pack_step(struct auditor *auditor);
MUST_USE
rc pack_opened(struct trail *trail, struct auditor *auditor, struct call *call);

/* closed_name appends the name of a file that was put away. */
void closed_name(struct sink *out, const struct closed_file *file, bool gzip);

/* ask.c */
rc ask_take(struct trail *trail, void *self, struct call *call);

/* ask_step works on the questions for one slice and says whether there is more to do now. */
MUST_USE
bool ask_step(struct auditor *auditor);
void ask_answer(struct auditor *auditor, uint64_t id, enum reason reason, const char *detail,
                struct span answer);
void ask_end(struct auditor *auditor);

/* ask_forget_all: who asked is gone, and nobody is answered. */
void ask_forget_all(struct auditor *auditor);

/* ask_read reads the request of the question that is worked on, ask_write answers it;
   ask_record appends one record as a message. */
MUST_USE
bool ask_read(struct auditor *auditor, const struct schema_message *message, struct span request,
              void *out);
void ask_write(struct auditor *auditor, const struct schema_message *message, const void *values);
MUST_USE
bool ask_record(struct auditor *auditor, struct span line, struct sink *out);

/* query.c and check.c: begin gives a reason when there is no answer; step says whether there
   is more to do. */
void query_begin(struct auditor *auditor, struct span request);
bool query_step(struct auditor *auditor);
void check_begin(struct auditor *auditor, struct span request);
bool check_step(struct auditor *auditor);

#endif
