/* stream.h - what a job says, on its way to whoever reads it: never more of it in memory than a
   piece, and to a terminal nothing that would do something there. */
#ifndef WARD_SANDBOX_STREAM_H
#define WARD_SANDBOX_STREAM_H

#include <poll.h>

#include "base/sink.h"

enum { STREAM_TAKEN = 1000, STREAM_CARRIED = 3, STREAM_ROOM = 4 * (STREAM_TAKEN + STREAM_CARRIED) };

struct stream {
    int from, to; /* `to` is -1: nobody reads it any more, and it is dropped */
    bool shown;   /* on a terminal */
    bool ended;   /* nothing more comes */
    bool lost;    /* it could not be written, as when the reader has gone */
    bool pauses;  /* behind the end of a line, for somebody has something to say there */
    bool *within; /* `to` is within a line, whichever stream wrote to it last; NULL: who cares */
    uint8_t carried[STREAM_CARRIED]; /* the beginning of a character */
    size_t carried_len;
    uint8_t held[STREAM_ROOM]; /* what is not written yet */
    size_t held_len, sent;
};

/* stream_wait says what the stream waits for: to be read, or, while it holds something, that it can
   be written.  False: it is over. */
bool stream_wait(const struct stream *stream, struct pollfd *out);

/* stream_step goes on after poll has answered. */
void stream_step(struct stream *stream, short revents);

/* stream_rest: whoever could write has ended, so when nothing more is there nothing more comes. The
   pipe's end says so too, unless the job has sent its own to itself over a socket. */
void stream_rest(struct stream *stream);

/* stream_end_line has what others write to `to` next begin a line. */
void stream_end_line(struct stream *stream);

/* stream_show writes text so that a terminal shows it: letters of every script, line ends and tabs
   as they are, each other byte as \xNN.  Gives how many bytes it took: at most 3 fewer than there
   were, the beginning of a character whose end is not there yet; with `last` all of them. */
size_t stream_show(struct sink *out, struct span text, bool last);

#endif
