/* sessions.c - see store.h: who was let in, by the digest of a token that nobody else has. */
#include <string.h>

#include "store/room.h"

struct call {
    const struct store_session *session;
    struct span of;
    int64_t now;
};

static rc add(struct trail *trail, struct store *store, void *arg)
{
    const struct call *call = (const struct call *)arg;
    const struct store_session *session = call->session;
    const struct store_bounds bounds = {
        .sweep = SQL_SESSION_SWEEP,
        .share = SQL_SESSION_SHARE,
        .count = SQL_SESSION_COUNT,
        .share_limit = store->limits.sessions_share,
        .limit = store->limits.sessions,
    };
    TRY(trail, store_has_room(trail, store, &bounds, call->now, SPAN(session->identity)));
    const struct db_value in[] = {
        DB_BYTES(SPAN(session->token)), DB_BYTES(SPAN(session->identity)),
        DB_INT(session->created),       DB_INT(session->expires),
        DB_BYTES(SPAN(session->key)),   DB_INT(session->profile),
        DB_INT(session->vouched),       DB_BYTES(span_of(session->name, session->name_len)),
    };
    return store_add_row(trail, store, SQL_SESSION_ADD, in);
}

static bool is_profile(int64_t profile)
{
    return profile == SESSION_V2 || profile == SESSION_SDK_V1;
}

rc store_session_add(struct trail *trail, struct store *store, int64_t now,
                     const struct store_session *session)
{
    struct call call = { .session = session, .now = now };
    if (session->name_len > SESSION_NAME_MAX || !is_profile(session->profile))
        return REFUSE(trail, REASON_STORE_STATEMENT);
    return store_write(trail, store, now, add, &call);
}

/* A row that no version of this program wrote is nobody's session. */
static rc read_row(struct trail *trail, const struct db_row *row, struct store_session *out)
{
    struct store_session session = { .created = row->at[2].number, .expires = row->at[3].number };
    struct span name = row->at[7].bytes;
    TRY(trail, db_copy(trail, row->at[0], session.token, sizeof session.token));
    TRY(trail, db_copy(trail, row->at[1], session.identity, sizeof session.identity));
    TRY(trail, db_copy(trail, row->at[4], session.key, sizeof session.key));
    if (!is_profile(row->at[5].number) || name.len > sizeof session.name)
        return REFUSE(trail, REASON_STORE_DAMAGED);
    session.profile = (enum session_profile)row->at[5].number;
    session.vouched = row->at[6].number != 0;
    session.name_len = name.len;
    if (name.len > 0)
        memcpy(session.name, name.at, name.len);
    *out = session;
    return RC_SUCCESS;
}

rc store_session_find(struct trail *trail, struct store *store, int64_t now,
                      const uint8_t token[STORE_ID_LEN], struct store_session *out)
{
    const struct db_value in[] = { DB_BYTES(span_of(token, STORE_ID_LEN)), DB_INT(now) };
    struct db_row row;
    bool found = false;
    TRY(trail, store_find(trail, store, SQL_SESSION_FIND, in, &row, &found));
    if (!found)
        return REFUSE(trail, REASON_STORE_NO_SESSION);
    rc done = read_row(trail, &row, out);
    db_finish(&store->db);
    return done;
}

static rc fill(struct trail *trail, const struct db_row *row, void *arg)
{
    struct store_page *page = arg;
    return page->count == page->cap ? RC_SUCCESS : read_row(trail, row, &page->rows[page->count++]);
}

rc store_session_page(struct trail *trail, struct store *store, int64_t now, struct span after,
                      struct store_page *page)
{
    const struct db_value in[] = { DB_BYTES(after), DB_INT(now), DB_INT((int64_t)page->cap) };
    struct store_page filled = { .rows = page->rows, .cap = page->cap };
    TRY(trail, store_each(trail, store, SQL_SESSION_LIVE, in, fill, &filled));
    page->count = filled.count;
    return RC_SUCCESS;
}

static rc end(struct trail *trail, struct store *store, void *arg)
{
    const struct db_value in[] = { DB_BYTES(((const struct call *)arg)->of) };
    return db_run(trail, &store->db, SQL_SESSION_END, in);
}

rc store_session_end(struct trail *trail, struct store *store, int64_t now,
                     const uint8_t token[STORE_ID_LEN])
{
    struct call call = { .of = span_of(token, STORE_ID_LEN) };
    return store_write(trail, store, now, end, &call);
}
