/* jobs.c - see store.h: the jobs of the queue, a row each. */
#include "store/room.h"

struct call {
    const struct store_job *job;
    struct span body;
    int64_t from;
};

static rc add(struct trail *trail, struct store *store, void *arg)
{
    const struct call *call = (const struct call *)arg;
    const struct db_value in[] = {
        DB_INT(call->job->seq), DB_BYTES(SPAN(call->job->id)), DB_INT(call->job->state),
        DB_BYTES(call->body),   DB_INT(call->job->submitted),
    };
    return store_add_row(trail, store, SQL_JOB_ADD, in);
}

rc store_job_add(struct trail *trail, struct store *store, int64_t now, const struct store_job *job,
                 struct span body)
{
    struct call call = { .job = job, .body = body };
    if (body.len > STORE_JOB_BODY_MAX)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    return store_write(trail, store, now, add, &call);
}

static rc move(struct trail *trail, struct store *store, void *arg)
{
    const struct call *call = (const struct call *)arg;
    const struct store_job *job = call->job;
    const struct db_value in[] = {
        DB_INT(job->seq),     DB_INT(call->from), DB_INT(job->state),
        DB_INT(job->started), DB_INT(job->ended), DB_BYTES(job->fate),
    };
    struct db_row row;
    bool moved = false;
    TRY(trail, db_one(trail, &store->db, SQL_JOB_MOVE, in, &row, &moved));
    return moved ? RC_SUCCESS : REFUSE(trail, REASON_STORE_DAMAGED);
}

rc store_job_move(struct trail *trail, struct store *store, int64_t now, int64_t from,
                  const struct store_job *job)
{
    struct call call = { .job = job, .from = from };
    if (job->fate.len > STORE_FATE_MAX)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    return store_write(trail, store, now, move, &call);
}

struct visitor {
    void (*visit)(void *arg, const struct store_job *job);
    void *arg;
};

static rc show(struct trail *trail, const struct db_row *row, void *arg)
{
    const struct visitor *visitor = arg;
    struct store_job job = {
        .seq = row->at[0].number,
        .state = row->at[2].number,
        .submitted = row->at[3].number,
        .started = row->at[4].number,
        .ended = row->at[5].number,
        .fate = row->at[6].bytes,
    };
    TRY(trail, db_copy(trail, row->at[1], job.id, sizeof job.id));
    visitor->visit(visitor->arg, &job);
    return RC_SUCCESS;
}

rc store_job_each(struct trail *trail, struct store *store,
                  void (*visit)(void *arg, const struct store_job *job), void *arg)
{
    struct visitor visitor = { visit, arg };
    return store_each(trail, store, SQL_JOB_LIST, NULL, show, &visitor);
}

rc store_job_body(struct trail *trail, struct store *store, int64_t seq,
                  void (*visit)(void *arg, struct span body), void *arg)
{
    const struct db_value in[] = { DB_INT(seq) };
    struct db_row row;
    bool found = false;
    TRY(trail, store_find(trail, store, SQL_JOB_BODY, in, &row, &found));
    if (found)
        visit(arg, row.at[0].bytes);
    db_finish(&store->db);
    return found ? RC_SUCCESS : REFUSE(trail, REASON_STORE_DAMAGED);
}

static rc drop(struct trail *trail, struct store *store, void *arg)
{
    const struct db_value in[] = { DB_INT(((const struct call *)arg)->from) };
    return db_run(trail, &store->db, SQL_JOB_DROP, in);
}

rc store_job_drop(struct trail *trail, struct store *store, int64_t now, int64_t seq)
{
    struct call call = { .from = seq };
    return store_write(trail, store, now, drop, &call);
}
