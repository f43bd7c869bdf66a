"""logged_clients.py - clients of what must be logged, and what the log must have of them."""

import threading
import time


def trace(number):
    return f"{number + 1:032x}"


def says_why(house):
    """What `ward doctor` says of a log that cannot be written."""
    _, doctor = house.ask("system/doctor", timeout=30)
    return any(row["id"] == "house.log" and row["finding"] == "FINDING_FAIL" and
               "disk" in row["fix"] for row in doctor.get("checks", ()))


class Clients:
    """Asks for what must be logged, each time with a number of its own."""

    def __init__(self, house):
        self.house, self.next, self.good, self.refused = house, 0, set(), {}
        self.slowest, self.lock = 0.0, threading.Lock()

    def ask(self, timeout=20):
        """200, or the code of a refusal."""
        with self.lock:
            number, self.next = self.next, self.next + 1
        begin = time.monotonic()
        status, answer = self.house.ask("system/config", timeout=timeout, headers={
            "traceparent": f"00-{trace(number)}-{1:016x}-01"})
        self.slowest = max(self.slowest, time.monotonic() - begin)
        if status == 200:
            self.good.add(number)
            return status
        self.refused[number] = answer["code"]
        return answer["code"]

    def check(self, rows):
        """What was answered is in the log, and nothing is there twice."""
        seen = [row["trace_id"] for row in rows if row["action"] == "config.read"]
        missing = [number for number in self.good if trace(number) not in seen]
        assert not missing, f"answered and not logged: {missing}"
        assert len(seen) == len(set(seen)), "logged twice"
