/* log.h - one event per line on stderr, for people.  Not the security log. */
#ifndef WARD_PROC_LOG_H
#define WARD_PROC_LOG_H

#include "base/result.h"

/* log_as names the process in every line from here on; static text. */
void log_as(const char *name);

/* log_event writes "TIME NAME EVENT KEY=VALUE ...\n" in one write.  What is not printable
   ASCII is shown as \xNN; a line longer than 1 KiB is cut. */
void log_event(const char *format, ...) PRINTF_LIKE(1, 2);

/* log_failure writes the event with the failure's class, number and trail. */
void log_failure(const char *event, rc failure, const struct trail *trail);

#endif
