/* subject.h - evidence for tests of libward's public face: each piece with its collateral,
   its time and a policy that accepts as much as a policy can (every TCB status but Revoked,
   debug), so that only what is forged or stale can be the reason of a refusal.

   Genuine subjects are read from others' vectors, made ones come from the test authority and
   are always there. */
#ifndef WARD_TESTS_LIB_SUBJECT_H
#define WARD_TESTS_LIB_SUBJECT_H

#include "attest/cases.h"
#include "sim/sim.h"
#include "ward/verify.h"

#include "test.h"

enum subject_file {
    FILE_TCB_INFO = 0,
    FILE_QE_IDENTITY,
    FILE_PCK_CRL,
    FILE_ROOT_CRL,
    FILE_TCB_SIGNER,
    FILE_QE_SIGNER,
    SUBJECT_FILES
};

struct subject {
    const char *name;
    const char *paths[SUBJECT_FILES]; /* as the index names them; NULL: none, or made */
    struct span evidence, log, files[SUBJECT_FILES];
    int64_t time;
    const struct ward_policy *policy;
};

enum { SUBJECT_MAX = 64 };

/* All subjects of a test, and who made them. */
struct stock {
    struct arena memory;
    struct cases cases;
    struct sim_authority authority;
    struct ward_policy *lenient; /* pinned roots */
    struct ward_policy *made;    /* and the authority's */
    struct subject list[SUBJECT_MAX];
    size_t count;
};

/* stock_open makes the policies; stock_close frees all. */
void stock_open(struct stock *stock);
void stock_close(struct stock *stock);

/* stock_add_quotes and stock_add_documents add every genuine tuple of the index that a lenient
   policy allows; the calling test is skipped when the folder is absent. */
void stock_add_quotes(struct stock *stock);
void stock_add_documents(struct stock *stock);

/* stock_add_made adds one quote of every kind, stock_add_made_document a Nitro document; both
   are judged at SIM_SET_TIME. */
void stock_add_made(struct stock *stock);
void stock_add_made_document(struct stock *stock);

/* stock_make adds what a description gives; the description is not kept. */
struct subject *stock_make(struct stock *stock, const char *name, const struct sim_spec *spec);
struct subject *stock_make_document(struct stock *stock, const char *name,
                                    const struct sim_nitro_spec *spec);

/* stock_find gives the first subject whose name holds `part`; fails the test if none does. */
struct subject *stock_find(struct stock *stock, const char *part);

/* stock_read reads a file of the vectors into the stock's memory. */
struct span stock_read(struct stock *stock, const char *path);

/* The snapshot of a subject's files; NULL when it has none. */
struct ward_collateral *subject_collateral(const struct subject *subject);
struct ward_collateral_files subject_files(const struct subject *subject);

/* A verifier and its result. */
struct judge {
    struct ward_verifier *verifier;
    struct ward_result *result;
};
struct judge judge_open(void);
void judge_close(struct judge *judge);

/* The request of a subject with its own collateral, judged at its own time. */
struct ward_request subject_request(const struct subject *subject,
                                    const struct ward_collateral *collateral);

/* judge_reason judges and gives the reason: "OK" only when it is allowed. */
const char *judge_reason(struct judge *judge, const struct ward_request *request);

/* ward_bytes of a span. */
struct ward_bytes bytes_of(struct span span);

/* True when everything is to be tried: WARD_FULL is set, and no sanitizer slows the run. */
bool run_is_full(void);

/* How much slower this build is than a plain one: 1, or 16 under a sanitizer. */
size_t run_slowness(void);

#endif
