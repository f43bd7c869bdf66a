/* oracle.h - what others' index says of each genuine quote and of each file of collateral, and
   from that alone, what must become of any combination of them.  It reads no evidence and
   calls nothing of the library. */
#ifndef WARD_TESTS_LIB_ORACLE_H
#define WARD_TESTS_LIB_ORACLE_H

#include "base/time.h"
#include "lib/subject.h"

enum oracle_verdict {
    MUST_DENY = 0,
    MUST_ALLOW,
    MAY_ALLOW, /* fits by platform and time; the index has no verdict of this very pair */
};

struct oracle_file {
    const char *path;
    const char *who; /* FMSPC, or "QE" and "TD_QE", or the issuer of a CRL */
    const char *tee; /* of TCB info */
    bool genuine;
    struct window window;
    struct span bytes;
};

struct oracle_quote {
    const char *path;
    const char *fmspc, *tee, *pck_ca;
    struct window leaf;
    struct span bytes;
    uint32_t expected; /* its verdicts in the index */
};

/* Members of a combination, in the order of enum subject_file. */
enum { ORACLE_KINDS = FILE_TCB_SIGNER + 1, ORACLE_FILES = 32, ORACLE_QUOTES = 24 };

struct oracle {
    struct stock *stock;
    struct oracle_file files[ORACLE_KINDS][ORACLE_FILES];
    size_t file_count[ORACLE_KINDS];
    struct oracle_quote quotes[ORACLE_QUOTES];
    size_t quote_count;
};

/* One of each: indexes into the oracle's lists. */
struct tuple {
    size_t quote;
    size_t file[ORACLE_KINDS];
    int64_t time;
};

/* oracle_open reads the index and all files it names; the test is skipped without them. */
void oracle_open(struct oracle *oracle, struct stock *stock);

/* oracle_tuple finds the members of a subject that the index allows. */
struct tuple oracle_tuple(const struct oracle *oracle, const struct subject *subject);

/* oracle_window: when everything of the combination is valid, and which bound of it is the
   leaf's first day, which is not enforced where a whole set of signed collateral vouches for
   the time (ADR 0008); so it is left out.  An empty window has until < from. */
struct window oracle_window(const struct oracle *oracle, const struct tuple *tuple);

enum oracle_verdict oracle_judge(const struct oracle *oracle, const struct tuple *tuple);

#endif
