/* hostile.h - a process of the house without its jail, and peers that say anything to it: seeded
   packets with sound and broken frames, sizes at, below and past what a door takes, bodies
   that are nearly right, what was said before once more, descriptors that nobody asked for, and
   peers that do not read.

   A peer that is not trusted can never cause RC_BUG; nothing is left open; every channel stays
   sound.  The program's own handlers run, so that a sanitizer sees what they do. */
#ifndef WARD_TESTS_PROC_HOSTILE_H
#define WARD_TESTS_PROC_HOSTILE_H

#include "proc/house.h"
#include "test.h"

struct hostile {
    struct house house;
    uint32_t peers;                    /* IN(...): that speak */
    int far[PEER_COUNT];               /* the other ends of its channels; -1 where there is none */
    struct cursor unheard[PEER_COUNT]; /* of the last packet there */
    struct test_random random;
    bool looks;              /* at the process's own descriptors, too */
    uint64_t taken, refused; /* frames */
    /* Sees every packet that the process sent while hostile_run went; NULL: nobody does. */
    void (*overhear)(struct hostile *hostile, struct span packet);
};

/* hostile_begin gives the process memory, channels to these peers, empty files and settings, and
   does what it does before its jail. */
void hostile_begin(struct hostile *hostile, const struct process *process, uint32_t peers);
void hostile_end(struct hostile *hostile);

/* hostile_run sends at least so many frames. */
void hostile_run(struct hostile *hostile, uint64_t frames);

/* hostile_descriptors: each peer sends each message that it may, well formed, with descriptors of
   every kind that nobody asked for, from one to as many as the kernel takes, and a packet that is
   too long.  Each time the channel is closed and everything that came is. */
void hostile_descriptors(struct hostile *hostile);

/* hostile_frames: how many a test sends, more when WARD_FULL is set. */
uint64_t hostile_frames(void);

/* hostile_say sends one frame of a peer as it stands and lets the process handle it. */
rc hostile_say(struct hostile *hostile, enum peer peer, const struct frame *frame);

/* hostile_hand is the same with a descriptor, unless it is negative; hostile_hand_all with some. */
rc hostile_hand(struct hostile *hostile, enum peer peer, const struct frame *frame, int fd);
rc hostile_hand_all(struct hostile *hostile, enum peer peer, const struct frame *frame,
                    const int *fds, size_t count);

/* hostile_hear gives the next frame that the process sent to a peer, or false. */
bool hostile_hear(struct hostile *hostile, enum peer peer, struct frame *out);

/* hostile_choke fills the queue to a peer, which does not read: nothing more goes to it until it
   does. */
void hostile_choke(struct hostile *hostile, enum peer peer);

/* hostile_replace starts a peer again: a new channel in the place of the old one. */
void hostile_replace(struct hostile *hostile, enum peer peer);

#endif
