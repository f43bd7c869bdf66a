"""show_channel.py STATE PORT - for ./demo: a peer proves to a house what it is and talks to it; then
the same evidence is tried again by somebody who stands between the two. Exits with an error when
anything comes out otherwise."""

import os
import pathlib
import sys

os.environ.setdefault("WARD_BUILD", "build")

import linked
import peer
from linked import PURPOSE, Peer, refusal


def house(state, port):
    """A house that was started by somebody else."""
    one = object.__new__(linked.House)
    one.state, one.port = pathlib.Path(state).resolve(), int(port)
    return one


def say(text):
    print(f"   {text}")


def must(got, wanted):
    if got != wanted:
        sys.exit(f"show_channel: {got}, not {wanted}")


def main():
    one = house(*sys.argv[1:])
    with Peer(one) as end:
        say("both have shown evidence over this handshake, and judged the other's: open")
        end.tell(type="ping", text="hello")
        record = end.sent[-1]
        answer = end.hear()
        must(answer, {"type": "pong", "text": "hello"})
        say(f"ping, in {len(record)} bytes that nobody between them can read: {answer}")
        end.send(record)
        must(refusal(end), "CHANNEL_REPLAY")
        say("the same record once more: CHANNEL_REPLAY, and the channel is over")

    def divert(_):
        """What an approved peer shows to whom it takes for the house: a relay with other keys."""
        theirs = peer.Channel(os.urandom(32), os.urandom(32), purpose=PURPOSE, quote=one.evidence)
        mine = peer.Channel(os.urandom(32), os.urandom(32), purpose=PURPOSE,
                            judge=lambda _, *found: shown.extend(found) or True)
        shown = []
        mine.open(theirs.finish(mine.accept(theirs.hello())))
        return shown
    with Peer(one, until="finish", quote=divert) as end:
        end.say(end.held)
        must(refusal(end), "POLICY_REPORT_DATA")
        say("genuine evidence of an approved peer, passed on by a relay: POLICY_REPORT_DATA")


if __name__ == "__main__":
    main()
