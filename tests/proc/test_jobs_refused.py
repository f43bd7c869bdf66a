"""test_jobs_refused.py - what the queue of a house refuses that takes a state of its own: more jobs than
it holds, a place that is somebody's, a report that no answer has room for, and what a job has left
before it has ended."""

import os
import unittest

import tap
from house import until
from job_house import WAIT_S, Queue
from sandboxes import needs_sandbox
from test_store_reasons import other

LIVE = 1024             # jobs that have not ended, of which there may be so many
LARGE = b"\x01" * (120 << 10)  # a report that may be, of bytes that are six in JSON


@needs_sandbox
class Refused(Queue):
    settings = ("--set", "jobs.vcpu=1")

    def running_one(self):
        job = self.submit("sleep 600")
        self.wait_for(job, "running")
        return job

    def cancel(self, job):
        self.ask("POST", "/v1/job/cancel", {"job_id": job})
        self.wait_for(job)

    def reborn(self):
        """Core reads the queue again."""
        self.kill("core")
        self.back()

    def test_as_many_as_the_queue_holds(self):
        job = self.running_one()
        with other(self.house) as database:
            self.submit("true")
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT INTO jobs SELECT max(seq) + 1, ?, state, body, submitted, started, ended, fate"
                " FROM jobs", ((os.urandom(16),) for _ in range(LIVE - 2)))
            database.execute("COMMIT")
        self.reborn()
        said = self.submit("true", expected=429)
        self.assertEqual(said["code"], "JOB_QUEUE_FULL", said)
        with other(self.house) as database:
            database.execute("DELETE FROM jobs WHERE seq > 2")
        self.reborn()
        self.assertEqual(self.get(job)["state"], "running")
        self.cancel(job)
        self.wait_for(self.submit("true"), "done")

    def test_a_place_that_is_taken(self):
        """By a row that this core knows nothing of: no job is put over another."""
        self.wait_for(self.submit("true"), "done")
        with other(self.house) as database:
            database.execute("INSERT INTO jobs SELECT seq + 1, ?, state, body, submitted, started,"
                             " ended, fate FROM jobs", (os.urandom(16),))
            said = self.submit("true", expected=403)
            self.assertEqual(said["code"], "STORE_USED", said)
            database.execute("DELETE FROM jobs WHERE seq = 2")
        self.wait_for(self.submit("true"), "done")

    def test_a_report_that_is_too_large(self):
        job = self.submit("true")
        self.wait_for(job, "done")
        path = self.folder(job) / "report.json"
        report = path.read_bytes()
        path.write_bytes(LARGE)
        status, said = self.ask("GET", f"/v1/jobs/{job}/why")
        self.assertEqual(said.get("code"), "HOUSE_ANSWER_TOO_LARGE", (status, said))
        path.write_bytes(report)
        self.assertEqual(self.ask("GET", f"/v1/jobs/{job}/why")[0], 200)

    def test_before_it_has_ended(self):
        job = self.running_one()
        said = self.ward("job", "get", job, "got", code=7)
        self.assertIn("JOB_NOT_ENDED", said.stderr)
        self.assertFalse((self.here / "got").exists())
        self.cancel(job)


if __name__ == "__main__":
    tap.main()
