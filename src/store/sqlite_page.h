/* sqlite_page.h - a checksum in every page of the database file; for sqlite.c only.

   SQLite believes whatever the disk gives it.  This layer keeps the last 8 bytes of each page
   for the start of SHA-256(page number, page), writes them as the page is written and
   compares them as it is read, so a flipped bit, a page in another's place and a page of
   another file are all seen before they mean anything.  The write-ahead log has checksums of
   SQLite's own and is passed through.  Whoever waits for somebody's lock waits here too, in
   poll. */
#ifndef WARD_STORE_SQLITE_PAGE_H
#define WARD_STORE_SQLITE_PAGE_H

#include "base/result.h"

enum { SQLITE_PAGE_LEN = 4096, SQLITE_PAGE_SUM_LEN = 8 };

#define SQLITE_PAGE_LAYER "ward-page"

/* sqlite_page_register makes the layer known to SQLite under that name; again is no failure. */
MUST_USE
bool sqlite_page_register(void);

#endif
