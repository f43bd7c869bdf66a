/* collateral_folder.h - the folder that `ward collateral fetch` keeps: how its files are
   called, how they are written, and which of them it takes away again.

   Own files are those whose name this file makes:

       tcb-info-TEE-FMSPC-YYYYMMDD.json    qe-identity-TEE-YYYYMMDD.json
       pck-crl-CA-YYYYMMDD.crl             root-crl-intel-YYYYMMDD.crl
       chain-HASH.pem                      HASH: 16 digits of the content's SHA-256

   A file of any other name is read and never touched.  An own file is taken away only when it
   is genuine, of the kind and day that its name says, and two newer own files of the same thing
   stand in for it, which will not end before it does.  So a folder holds two of each thing
   however often it is fetched into: the newest, and the one before it for a verifier whose
   clock is a little behind.  An own chain goes when nothing needs it. */
#ifndef WARD_CMD_COLLATERAL_FOLDER_H
#define WARD_CMD_COLLATERAL_FOLDER_H

#include "base/result.h"
#include "base/span.h"
#include "cmd/command.h"
#include "ward/collateral.h"

/* TIDY_NAMES_MAX: files that a folder may hold and still be tidied, Ward's own and others'. */
enum { CHAIN_NAME_LEN = 27, CHAINS_A_RUN = 8, TIDY_NAMES_MAX = 16384 };

/* The files that a run wrote and took away, for its report. */
enum { KEPT_NOTED = 64 };
struct kept_file {
    const char *path;
    bool removed;
};

struct kept_folder {
    struct invocation *in; /* whose run it is: its --quiet, and the memory of `noted` */
    const char *path;
    const struct ward_policy *policy; /* whose roots say what is genuine */
    int64_t now;
    bool keep_all;                             /* take nothing away */
    char chains[CHAINS_A_RUN][CHAIN_NAME_LEN]; /* written in this run */
    size_t chain_count;
    struct kept_file noted[KEPT_NOTED];
    size_t noted_count;
};

/* kept_lock waits until no other fetch is at work in the folder; closing the descriptor ends
   it.  -1 when there is no such folder.  *held is false where the file system knows no such lock:
   then only what a stopped run left is not looked for, all else is safe beside another run.  All
   of these say on stderr what went wrong. */
MUST_USE int kept_lock(const struct kept_folder *folder, bool *held);

/* kept_put_item writes STEM-YYYYMMDD.ENDING, the date being that of valid_from; kept_put_chain
   writes PEM.  The path is noted and, without --json, goes to stdout.  Whoever calls holds the
   lock. */
MUST_USE bool kept_put_item(struct kept_folder *folder, const char *stem, const char *ending,
                            int64_t valid_from, struct span bytes);
MUST_USE bool kept_put_chain(struct kept_folder *folder, struct span chain);

/* kept_tidy takes the lock, removes what a killed run left unfinished, then what is superseded,
   then chains that nothing needs, and says each on stderr.  False when the folder cannot be
   used at all. */
MUST_USE bool kept_tidy(struct kept_folder *folder);

#endif
