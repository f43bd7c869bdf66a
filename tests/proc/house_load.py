"""house_load.py - clients that each say what nobody else says, for houses in which something
falls."""

import http.client
import os
import signal
import threading
import time

BACK_S = 5  # without an operator
# What a load asks for is more than one address may: nobody else from there would be let in.
ROOMY = ("--set", "limit.connects_per_second=100000", "--set", "limit.connects_burst=100000")


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Load:
    """Clients that each say something nobody else says, and keep what was wrong."""

    def __init__(self, house, clients=3):
        self.house, self.odd, self.good, self.refused, self.slowest = house, [], 0, 0, 0.0
        self.end = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(number,))
                        for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join()

    def client(self, number):
        count = 0
        while not self.end.is_set():
            count += 1
            said, begin = f"{number}-{count}", time.monotonic()
            try:
                status, answer = self.house.ask(f"/v1/system/ping?text={said}", 30,
                                                tls=bool(number & 1))
                if status == 200 and answer["text"] == said:
                    self.good += 1
                elif status in (503, 504):
                    self.refused += 1
                else:
                    self.odd.append((status, answer))
            except TimeoutError:
                self.odd.append(f"{said}: no answer in 30 s")
            except (OSError, http.client.HTTPException):
                self.refused += 1
                time.sleep(0.02)
            self.slowest = max(self.slowest, time.monotonic() - begin)
