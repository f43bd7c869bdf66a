/* miner_list.h - the miners that the owner lets in, as a text with a hotkey a line.

   Pure.  Blank lines and what follows a "#" are nothing; the last line has an end, since a text
   that was cut is one that lets others in. */
#ifndef WARD_TOKEN_MINER_LIST_H
#define WARD_TOKEN_MINER_LIST_H

#include "codec/miner_token.h"

enum {
    MINER_LIST_MAX = 4096,            /* miners */
    MINER_LIST_FILE_MAX = 512 * 1024, /* bytes of the text */
};

struct miner_name {
    uint8_t len;
    uint8_t text[MINER_SUBJECT_MAX];
};

struct miner_list {
    struct miner_name *names; /* the caller's, room for MINER_LIST_MAX */
    size_t count;
};

/* What is wrong with a text. */
struct miner_list_error {
    size_t line; /* from 1; 0: all of it */
    const char *what;
};

/* miner_list_read puts the miners into `out`, which is of no use when it returns false. */
MUST_USE
bool miner_list_read(struct span text, struct miner_list *out, struct miner_list_error *error);

bool miner_list_has(const struct miner_list *list, struct span hotkey);

#endif
