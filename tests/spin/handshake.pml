/* handshake.pml - the channel's handshake (docs/wire.md, "The attested channel") against an
   intruder who owns the network and one approved workload of his own.  Dolev-Yao: he reads,
   keeps, drops, delays, repeats and makes up messages; he opens and makes nothing sealed under
   a key that he does not know.

   Two initiators and two responders, all honest, all the same approved workload A; the
   intruder's workload W is approved, too, and its evidence says whatever he wants, but never
   that it is A.  The honest may use one key pair for both of their sessions (-DREUSE): what is
   claimed must not hang on fresh keys alone.

   The intruder is no process: whenever somebody honest takes a message, it is any of those
   that he could deliver then.  A session's fields are what that side believes; what he knows
   follows from the sessions that have spoken.  Each field of a hash is compared by itself, so
   leaving one out of it is a seeded error:

     -DNO_ROLE    evidence does not say which side it is of
     -DNO_NONCE_I, -DNO_NONCE_R   the transcript lacks a nonce
     -DNO_KEYS    evidence is not over the keys
     -DNO_SUITE   the transcript lacks what was offered and chosen
     -DNO_CONFIRM the initiator opens without the responder's last word
     -DONE_KEY    both directions use one key
     -DNO_COUNT   records do not count

   -DREACHED ends where two honest sides have exchanged their records: the claims would hold of a
   handshake that nobody completes.

   Claimed when an honest side opened and its peer's evidence said A: exactly one honest side
   of the other role has the same transcript and took this side for A; the intruder does not
   have the keys; the suite is the best of what both can do.  And a record that is taken is the
   next one that the peer sent. */

#define N 2 /* sessions of each role */

/* public keys; NOBODY is none.  The intruder's own is X. */
#define NOBODY 0
#define X 1
#ifdef REUSE
#define KEY_I(n) 2
#define KEY_R(n) 3
#define KEYS 3
#else
#define KEY_I(n) (2 + (n))
#define KEY_R(n) (4 + (n))
#define KEYS 5
#endif

/* nonces: one of the intruder's, and one of each session. */
#define NONCE_X 1
#define NONCE_I(n) (2 + (n))
#define NONCE_R(n) (4 + (n))

#define WEAK 1 /* suites */
#define STRONG 2

/* What somebody's evidence said he is. */
#define W 1
#define A 2

/* How far a session is. */
#define NEW 0
#define SAID 1 /* initiator: HELLO; responder: ACCEPT, with its evidence */
#define DONE 2 /* initiator: took ACCEPT, said FINISH with its evidence */
#define OPEN 3

typedef session {
  byte state;
  byte ni, ei, best; /* HELLO: nonce, key, best suite that is offered */
  byte nr, er, suite; /* ACCEPT: nonce, key, suite */
  byte peer;          /* what its evidence said */
  byte sent, taken;   /* records */
}

session I[N], R[N];

#ifdef NO_ROLE
#define OTHER_ROLE true
#else
#define OTHER_ROLE false
#endif
#ifdef NO_NONCE_I
#define SAME_NI(a, b) true
#else
#define SAME_NI(a, b) (a.ni == b.ni)
#endif
#ifdef NO_NONCE_R
#define SAME_NR(a, b) true
#else
#define SAME_NR(a, b) (a.nr == b.nr)
#endif
#ifdef NO_SUITE
#define SAME_SUITE(a, b) true
#else
#define SAME_SUITE(a, b) (a.best == b.best && a.suite == b.suite)
#endif
#define SAME_KEYS(a, b) (a.ei == b.ei && a.er == b.er)
#ifdef NO_KEYS
#define BOUND_KEYS(a, b) true
#else
#define BOUND_KEYS(a, b) SAME_KEYS(a, b)
#endif

/* What evidence is over, and what the keys of a session are made of. */
#define BOUND(a, b) (SAME_NI(a, b) && SAME_NR(a, b) && SAME_SUITE(a, b) && BOUND_KEYS(a, b))
#define KEYED(a, b) (SAME_NI(a, b) && SAME_NR(a, b) && SAME_SUITE(a, b) && SAME_KEYS(a, b))

/* What really happened: the claims are about this, whatever was left out above. */
#define AGREED(a, b) (a.ni == b.ni && a.nr == b.nr && SAME_KEYS(a, b) && a.best == b.best && \
                      a.suite == b.suite)

/* Has he seen evidence of A over this transcript?  An honest side shows its evidence to whoever
   has the keys of its session: him, when the other key is his. */
#define SHOWN_BY_I(n, s) (I[n].state >= DONE && I[n].er == X && BOUND(I[n], s))
#define SHOWN_BY_R(n, s) (R[n].state >= SAID && R[n].ei == X && BOUND(R[n], s))
#define SHOWN_I(s) (SHOWN_BY_I(0, s) || SHOWN_BY_I(1, s))
#define SHOWN_R(s) (SHOWN_BY_R(0, s) || SHOWN_BY_R(1, s))

/* A nonce that he has heard, or his own. */
#define HEARD_I(n) (I[n].state >= SAID)
#define HEARD_R(n) (R[n].state >= SAID)

inline any_nonce(out)
{
  if
  :: out = NONCE_X
  :: HEARD_I(0) -> out = NONCE_I(0)
  :: HEARD_I(1) -> out = NONCE_I(1)
  :: HEARD_R(0) -> out = NONCE_R(0)
  :: HEARD_R(1) -> out = NONCE_R(1)
  fi
}

/* Public keys are no secret, not even those that were not yet used. */
inline any_key(out)
{
  if
  :: out = X
  :: out = 2
  :: out = 3
#if KEYS > 3
  :: out = 4
  :: out = 5
#endif
  fi
}

inline forget(s)
{
  s.ni = 0; s.ei = 0; s.best = 0; s.nr = 0; s.er = 0; s.suite = 0; s.peer = 0
}

/* The initiator's keys are also those of this responder. */
#define BY_R(i, r) (R[r].state >= SAID && KEYED(I[i], R[r]))
#define BY_I(i, r) (I[i].state >= DONE && KEYED(I[i], R[r]))

/* Takes what is sealed under this session's keys, with evidence inside.  Either he has the
   keys and puts in what he has, or somebody honest sealed it. */
inline take_accept(i)
{
  if
  :: I[i].er == X -> I[i].peer = W
  :: I[i].er == X && (SHOWN_R(I[i]) || (OTHER_ROLE && SHOWN_I(I[i]))) -> I[i].peer = A
  :: BY_R(i, 0) && BOUND(I[i], R[0]) -> I[i].peer = A
  :: BY_R(i, 1) && BOUND(I[i], R[1]) -> I[i].peer = A
  :: else -> skip
  fi
}

inline take_finish(r)
{
  if
  :: R[r].ei == X -> R[r].peer = W
  :: R[r].ei == X && (SHOWN_I(R[r]) || (OTHER_ROLE && SHOWN_R(R[r]))) -> R[r].peer = A
  :: BY_I(0, r) && BOUND(R[r], I[0]) -> R[r].peer = A
  :: BY_I(1, r) && BOUND(R[r], I[1]) -> R[r].peer = A
  :: else -> skip
  fi
}

#define MATCH_R(i, r) (R[r].state == OPEN && AGREED(I[i], R[r]) && R[r].peer == A)
#define MATCH_I(r, i) (I[i].state >= DONE && AGREED(I[i], R[r]) && I[i].peer == A)

inline claim_i(i)
{
  assert(I[i].er != X);
  assert(MATCH_R(i, 0) != MATCH_R(i, 1)); /* one, and only one */
  assert(!(I[1 - i].state == OPEN && AGREED(I[0], I[1])));
  assert(I[i].suite == STRONG)
}

inline claim_r(r)
{
  assert(R[r].ei != X);
  assert(MATCH_I(r, 0) != MATCH_I(r, 1));
  assert(!(R[1 - r].state == OPEN && AGREED(R[0], R[1])));
  assert(R[r].suite == STRONG)
}

/* A record: sealed by the peer, or, where one key serves both ways, by whoever takes it.
   Without a number inside any of those that were sent will do. */
#ifdef ONE_KEY
#define ECHO(s) (s.sent > s.taken)
#else
#define ECHO(s) false
#endif
#ifdef NO_COUNT
#define NEXT(s, from) (from.sent > 0)
#else
#define NEXT(s, from) (from.sent > s.taken)
#endif

inline take_record(s, p0, p1)
{
  if
  :: p0.state == OPEN && KEYED(s, p0) && NEXT(s, p0) ->
       s.taken++;
       assert(s.taken <= p0.sent)
  :: p1.state == OPEN && KEYED(s, p1) && NEXT(s, p1) ->
       s.taken++;
       assert(s.taken <= p1.sent)
  :: ECHO(s) -> assert(false)
  :: else -> skip
  fi
}

#ifndef RECORDS
#define RECORDS 2 /* of each side */
#endif

inline talk(s, p0, p1)
{
  if
  :: s.sent < RECORDS -> s.sent++
  :: s.taken < RECORDS -> take_record(s, p0, p1)
  :: skip
  fi
}

proctype initiator(byte i)
{
  atomic {
    I[i].ni = NONCE_I(i);
    I[i].ei = KEY_I(i);
    I[i].best = STRONG;
    I[i].state = SAID
  }
  atomic { /* ACCEPT */
    any_nonce(I[i].nr);
    any_key(I[i].er);
    if
    :: I[i].suite = WEAK
    :: I[i].suite = STRONG
    fi;
    I[i].peer = NOBODY;
    if
    :: I[i].er != I[i].ei -> take_accept(i)
    :: else -> skip
    fi;
    if
    :: I[i].peer == NOBODY -> forget(I[i]); goto ended
    :: else -> I[i].state = DONE
    fi
  }
  atomic { /* DONE */
#ifndef NO_CONFIRM
    I[i].er == X || (R[0].state == OPEN && KEYED(I[i], R[0])) ||
      (R[1].state == OPEN && KEYED(I[i], R[1]));
#endif
    I[i].state = OPEN;
    if
    :: I[i].peer == A -> claim_i(i)
    :: else -> skip
    fi
  }
  do
  :: I[i].peer == A && (I[i].sent < RECORDS || I[i].taken < RECORDS) ->
       atomic { talk(I[i], R[0], R[1]) }
  :: break
  od;
ended:
  skip
}

proctype responder(byte r)
{
  atomic { /* HELLO */
    any_nonce(R[r].ni);
    any_key(R[r].ei);
    if
    :: R[r].best = WEAK
    :: R[r].best = STRONG
    fi;
    R[r].nr = NONCE_R(r);
    R[r].er = KEY_R(r);
    R[r].suite = R[r].best;
    if
    :: R[r].ei == R[r].er -> forget(R[r]); goto ended
    :: else -> R[r].state = SAID
    fi
  }
  atomic { /* FINISH */
    R[r].peer = NOBODY;
    take_finish(r);
    if
    :: R[r].peer == NOBODY -> R[r].state = NEW; forget(R[r]); goto ended
    :: else -> R[r].state = OPEN
    fi;
    if
    :: R[r].peer == A -> claim_r(r)
    :: else -> skip
    fi
  }
  do
  :: R[r].peer == A && (R[r].sent < RECORDS || R[r].taken < RECORDS) ->
       atomic { talk(R[r], I[0], I[1]) }
#ifdef REACHED
  :: R[0].taken == RECORDS && R[1].taken == RECORDS && I[0].taken == RECORDS &&
       I[1].taken == RECORDS -> assert(false)
#endif
  :: break
  od;
ended:
  skip
}

init
{
  atomic {
    run initiator(0);
    run initiator(1);
    run responder(0);
    run responder(1)
  }
}
