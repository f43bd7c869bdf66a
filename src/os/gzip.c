/* gzip.c - see gzip.h.  zlib takes its memory from the caller's arena, so nothing has to be
   given back. */
#include "os/gzip.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#include "base/number.h"
#include "os/fd.h"

enum { WINDOW_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip_state {
    z_stream z;
    bool ended;
    rc failed; /* said when all that came before it was given */
    uint8_t block[GZIP_BLOCK];
};

static void *take(void *arena, unsigned count, unsigned size)
{
    return arena_array(arena, count, size);
}

static void keep(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

static struct gzip_state *state_in(struct arena *arena)
{
    struct gzip_state *state = arena_alloc(arena, sizeof *state);
    if (state != NULL)
        state->z = (z_stream){ .zalloc = take, .zfree = keep, .opaque = arena };
    return state;
}

/* zlib takes what it will not change as if it might. */
static void give(z_stream *z, struct span bytes)
{
    union {
        const uint8_t *given;
        uint8_t *taken;
    } in = { .given = bytes.at };
    z->next_in = in.taken;
    z->avail_in = (unsigned)bytes.len;
}

static rc deflate_all(struct trail *trail, struct gzip_writer *writer, int flush)
{
    struct gzip_state *state = writer->state;
    int said = Z_OK;
    do {
        state->z.next_out = state->block;
        state->z.avail_out = sizeof state->block;
        said = deflate(&state->z, flush);
        size_t made = sizeof state->block - state->z.avail_out;
        if (!fd_write(writer->fd, span_of(state->block, made)))
            return FAIL_ERRNO(trail);
    } while (state->z.avail_out == 0);
    if (flush == Z_FINISH && said != Z_STREAM_END)
        return FAIL(trail, RC_BUSY, GZIP_E_MEMORY);
    return RC_SUCCESS;
}

rc gzip_write_begin(struct trail *trail, struct gzip_writer *writer, struct arena *arena, int fd)
{
    struct gzip_state *state = state_in(arena);
    if (state == NULL || deflateInit2(&state->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP,
                                      MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return FAIL(trail, RC_BUSY, GZIP_E_MEMORY);
    *writer = (struct gzip_writer){ state, fd };
    return RC_SUCCESS;
}

rc gzip_write(struct trail *trail, struct gzip_writer *writer, struct span bytes)
{
    give(&writer->state->z, bytes);
    return deflate_all(trail, writer, Z_NO_FLUSH);
}

rc gzip_write_end(struct trail *trail, struct gzip_writer *writer)
{
    give(&writer->state->z, span_of(NULL, 0));
    rc ended = deflate_all(trail, writer, Z_FINISH);
    writer->state = NULL;
    return ended;
}

rc gzip_read_begin(struct trail *trail, struct gzip_reader *reader, struct arena *arena, int fd)
{
    return gzip_read_begin_part(trail, reader, arena, fd, UINT64_MAX);
}

rc gzip_read_begin_part(struct trail *trail, struct gzip_reader *reader, struct arena *arena,
                        int fd, uint64_t len)
{
    struct gzip_state *state = state_in(arena);
    if (state == NULL || inflateInit2(&state->z, WINDOW_GZIP) != Z_OK)
        return FAIL(trail, RC_BUSY, GZIP_E_MEMORY);
    *reader = (struct gzip_reader){ state, fd, len };
    return RC_SUCCESS;
}

/* More of the file; *got is 0 at its end. */
static rc refill(struct trail *trail, struct gzip_reader *reader, size_t *got)
{
    struct gzip_state *state = reader->state;
    size_t most = reader->left < sizeof state->block ? (size_t)reader->left : sizeof state->block;
    ssize_t len;
    do {
        len = read(reader->fd, state->block, most);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return FAIL_ERRNO(trail);
    reader->left -= (uint64_t)len;
    give(&state->z, span_of(state->block, (size_t)len));
    *got = (size_t)len;
    return RC_SUCCESS;
}

/* Nothing follows the member. */
static rc judge_end(struct trail *trail, struct gzip_reader *reader)
{
    size_t more = reader->state->z.avail_in;
    if (more == 0)
        TRY(trail, refill(trail, reader, &more));
    return more == 0 ? RC_SUCCESS : FAIL(trail, RC_PEER, GZIP_E_FORMAT);
}

static rc inflate_some(struct trail *trail, struct gzip_reader *reader)
{
    struct gzip_state *state = reader->state;
    size_t got = state->z.avail_in;
    if (got == 0)
        TRY(trail, refill(trail, reader, &got));
    if (got == 0)
        return FAIL(trail, RC_PEER, GZIP_E_FORMAT);
    int said = inflate(&state->z, Z_NO_FLUSH);
    state->ended = said == Z_STREAM_END;
    if (said != Z_OK && said != Z_STREAM_END && said != Z_BUF_ERROR)
        return FAIL(trail, RC_PEER, GZIP_E_FORMAT);
    return state->ended ? judge_end(trail, reader) : RC_SUCCESS;
}

rc gzip_read(struct trail *trail, struct gzip_reader *reader, void *out, size_t cap, size_t *len)
{
    struct gzip_state *state = reader->state;
    size_t want = cap < UINT32_MAX ? cap : UINT32_MAX;
    state->z.next_out = out;
    state->z.avail_out = (unsigned)want;
    while (rc_ok(state->failed) && !state->ended && state->z.avail_out > 0)
        state->failed = inflate_some(NULL, reader);
    size_t made = want - state->z.avail_out;
    if (made == 0 && !rc_ok(state->failed))
        return rc_note(trail, state->failed, __func__, __LINE__);
    *len = made;
    return RC_SUCCESS;
}
