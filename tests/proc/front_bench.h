/* front_bench.h - ward-front without its jail, with every other process played here.  The process
   itself is here, its main() under another name. */
#ifndef WARD_TESTS_PROC_FRONT_BENCH_H
#define WARD_TESTS_PROC_FRONT_BENCH_H
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/front/main.c"
#undef main

/* Never freed: one for a process, as long as it lives; here there are as many as fronts. */
static struct tls_library *libraries[64];
static size_t library_count;

static inline void end_front(struct hostile *hostile)
{
    struct front *front = hostile->house.self;
    assert_true(library_count < COUNT_OF(libraries));
    libraries[library_count++] = front->library;
    bulk_free(&front->links.bulk);
    h2_server_fini(&front->h2);
    hostile_end(hostile);
}

#endif
