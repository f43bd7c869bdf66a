/* open_fds.h - how many descriptors a process has open: what a test compares to find a leak. */
#ifndef WARD_TESTS_OS_OPEN_FDS_H
#define WARD_TESTS_OS_OPEN_FDS_H

#include <dirent.h>

#include "test.h"

static inline size_t open_fds(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 3; /* "." and ".." and the folder itself */
}

#endif
