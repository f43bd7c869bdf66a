/* result_outputs.h - is what lies in a folder what a result lists? */
#ifndef WARD_CMD_RESULT_OUTPUTS_H
#define WARD_CMD_RESULT_OUTPUTS_H

#include "ward/result.h"

enum { OUTPUTS_WHAT = 1280 };

enum outputs_answer {
    OUTPUTS_DIFFER = 0,
    OUTPUTS_SAME,
    OUTPUTS_UNREADABLE, /* the folder, or something in it, cannot be read */
};

/* result_outputs_compare looks at every file in the folder, wherever it lies: each must be listed
   with its size and hash, each that is listed must be there, and there may be nothing but files and
   folders.  `what` says what is not so. */
enum outputs_answer result_outputs_compare(const char *folder, const struct ward_job *job,
                                           char what[OUTPUTS_WHAT]);

#endif
