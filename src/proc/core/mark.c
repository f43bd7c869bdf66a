/* mark.c - see core.h: how far the store is, as the log knows it.

   Whoever can write in the state folder can put yesterday's copy of the store there, whole and
   with right checksums.  So after each move of the anchor its generation is a record of the
   log, which cannot be put back without its keeper; and a store that is older than the
   latest of them is not used.  The anchor of the mark itself is not marked again. */
#include <string.h>

#include "codec/json.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/log.h"

static const char action[] = "store.mark";

bool mark_search(struct core_store *store, struct sink *request)
{
    struct api_audit_query_request query = {
        .cursor = span_of(store->cursor, store->cursor_len),
        .action = span_text(action),
    };
    if (store->cursor_len == 0)
        store->known = 0;
    return protobuf_write(&api_audit_query_request, &query, request);
}

static bool take_mark(struct core_store *store, const struct api_audit_record *record,
                      struct arena *scratch)
{
    struct json json;
    uint64_t generation = 0;
    if (!json_parse(record->details, scratch, NULL, &json, NULL) ||
        !json_u64(&json, json_member(&json, 0, "generation"), AUDIT_NUMBER_LIMIT, &generation))
        return false;
    if ((int64_t)generation > store->known)
        store->known = (int64_t)generation;
    if (record->seq + 1 > store->marked_size)
        store->marked_size = record->seq + 1;
    return true;
}

bool mark_found(struct core *core, struct span body, struct arena *scratch, bool *last)
{
    struct core_store *store = &core->store;
    struct api_audit_query_response page;
    struct values_error error;
    if (!protobuf_read(&api_audit_query_response, body, scratch, &page, &error) ||
        page.next_cursor.len > sizeof store->cursor)
        return false;
    const struct api_audit_record *records = page.records.items;
    for (size_t i = 0; i < page.records.count; i++) {
        if (!take_mark(store, &records[i], scratch))
            return false;
    }
    store->cursor_len = page.next_cursor.len;
    if (page.next_cursor.len > 0)
        memcpy(store->cursor, page.next_cursor.at, page.next_cursor.len);
    *last = page.next_cursor.len == 0;
    return true;
}

rc mark_judge(struct trail *trail, struct core_store *store)
{
    struct store_evidence evidence = { .generation = store->known, .log_size = store->anchor.size };
    memcpy(evidence.root_at_anchor, store->anchor.root, sizeof evidence.root_at_anchor);
    return store_judge(trail, &store->store, &evidence);
}

/* That the house stops is the last thing that the log is told. */
static bool stops(const struct core *core)
{
    const struct core_news *news = &core->news;
    return core->house->stopping ||
           (news->last != 0 && news->rows[news->last % CORE_NEWS].what == HAPPENED_HOUSE_STOP);
}

void mark_put(struct core *core)
{
    struct core_store *store = &core->store;
    struct trail trail = { 0 };
    struct store_meta meta;
    uint64_t id = 0;
    if (store->marking != 0 || (uint64_t)store->anchor.size <= store->marked_size || stops(core))
        return;
    rc read = store_meta_read(&trail, &store->store, &meta);
    if (!rc_ok(read))
        log_failure("store not marked", read, &trail);
    else if (core_log_mark(core, meta.generation, &id))
        store->marking = id;
}

bool mark_appended(struct core *core, uint64_t id, bool logged, uint64_t seq)
{
    struct core_store *store = &core->store;
    if (store->marking == 0 || store->marking != id)
        return false;
    store->marking = 0;
    if (logged)
        store->marked_size = seq + 1;
    return true;
}
