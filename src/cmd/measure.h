/* measure.h - what a job's sandbox will begin with, from the words of `ward measure` and its like.
 */
#ifndef WARD_CMD_MEASURE_H
#define WARD_CMD_MEASURE_H

#include "cmd/image.h"
#include "sim/launch.h"

enum { MEASURE_IMAGES, MEASURE_FOLDER, MEASURE_OPTION_COUNT };

#define MEASURE_OPTIONS                                                                            \
    [MEASURE_IMAGES] = IMAGE_FOLDER_OPTION, [MEASURE_FOLDER] = {                                   \
        "--job-folder", NULL, NULL, "the job is given a folder, which nobody measures"             \
    }

struct measuring {
    const char *file; /* the specification */
    struct sim_launch launch;
    uint8_t mrtd[48], rtmr[4][48]; /* by sim_launch_measure */
};

/* measure_read reads the specification that is the operand `first`, what follows it, and of a
   machine what it begins with.  False: it has said why not. */
MUST_USE
bool measure_read(struct invocation *in, size_t first, struct measuring *out);

#endif
