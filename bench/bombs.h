/* bombs.h - input made to cost more than its size: one row a bomb, written out at any size. */
#ifndef WARD_BENCH_BOMBS_H
#define WARD_BENCH_BOMBS_H

#include "base/sink.h"

struct bomb {
    const char *reader;
    const char *name;
    const char *head;
    const char *unit; /* again and again while it fits */
    const char *tail;
    const char *after;   /* NULL, or: each unit is `unit`, a number in hex, `after` */
    size_t group;        /* 0, or: after so many units comes `between` */
    const char *between; /* text without a NUL, as all of it */
    bool accepted;       /* what the reader must say */
};

/* The first row of each reader is its valid text. */
extern const struct bomb bombs[];
extern const size_t bomb_count;

/* bomb_write fills an empty sink: head, as many units as fit before the tail, tail. */
void bomb_write(const struct bomb *bomb, struct sink *out);

#endif
