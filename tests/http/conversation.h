/* conversation.h - bytes through an HTTP/1.1 connection, and what came of them as text. */
#ifndef WARD_TESTS_HTTP_CONVERSATION_H
#define WARD_TESTS_HTTP_CONVERSATION_H

#include "http/http1.h"

/* Feeds the bytes in pieces of `piece`, admits every request with `body_limit`, answers each with
   an empty 200, ends the connection, and writes the events: one line each, bodies joined. */
void conversation(struct span bytes, size_t piece, uint64_t body_limit, struct sink *out);

#endif
