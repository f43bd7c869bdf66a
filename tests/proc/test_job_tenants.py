"""test_job_tenants.py - the node divided among the tenants of ward.toml: a real house as root and real
jobs.  Whoever asks for more than his share leaves the others theirs, nobody is left with nothing, and
what is not asked for is lent."""

import json
import os
import time

import tap
from job_house import Queue
from sandboxes import needs_sandbox

SLEEP = "sleep 600"


@needs_sandbox
class Tenants(Queue):
    def setUp(self):
        super().setUp()
        self.house.down()
        self.file = self.here / "ward.toml"

    def begin(self, shares, more=""):
        self.write(shares, more)
        self.house.up("--config", self.file)

    def write(self, shares, more=""):
        self.file.write_text("".join(
            f"[tenants.{name}]\nshare = {share}\n" for name, share in shares.items()) +
            f"[jobs]\nvcpu = 8\n{more}")

    def of(self, tenant, script=SLEEP, vcpu=1, expected=200):
        return self.submit(script, expected, more=f'tenant = "{tenant}"' if tenant else "",
                           resources=f'vcpu = {vcpu}\nmemory = "16M"\ndisk = "16M"')

    def stands(self, *jobs):
        return [self.get(job)["state"] for job in jobs]

    def cancel(self, *jobs):
        for job in jobs:
            self.ask("POST", "/v1/job/cancel", {"job_id": job})
            self.wait_for(job)

    def test_each_has_its_share(self):
        self.begin({"blue": 0.5, "red": 0.25})
        # Alone, blue has all; what it runs it keeps when others come.
        blue = [self.of("blue") for _ in range(8)]
        for job in blue:
            self.wait_for(job, "running")
        waits = [self.of("blue"), self.of("red"), self.of("")]
        self.assertEqual(self.stands(*waits), ["queued"] * 3)
        # Each part that blue gives back goes to who has less than his share, and came later.
        self.cancel(blue[0])
        self.wait_for(waits[1], "running")
        self.cancel(blue[1])
        self.wait_for(waits[2], "running")
        self.assertEqual(self.stands(waits[0]), ["queued"])
        said = json.dumps(self.ask("GET", f"/v1/jobs/{waits[0]}/why")[1])
        self.assertIn("Its tenant has ", said)
        # Where the others are gone all is blue's again.
        self.cancel(waits[1], waits[2])
        self.wait_for(waits[0], "running")
        self.cancel(waits[0], *blue[2:])

    def test_who_has_no_share(self):
        self.begin({"blue": 0.5, "red": 0.5})
        for tenant, words in (("green", 'tenant \\"green\\" has no share'), ("", "tenant is not set")):
            said = self.of(tenant, expected=403)
            self.assertEqual(said["code"], "JOB_TENANT")
            self.assertIn(words, json.dumps(said))
        self.assertEqual(self.wait_for(self.of("red", "true"))["tenant"], "red")
        # A running house takes shares over; who has one no more keeps what he runs.
        runs = self.of("red")
        self.wait_for(runs, "running")
        self.write({"blue": 0.5, "green": 0.25})
        self.assertIn("tenants", self.ward("reload").stdout)
        self.wait_for(self.of("green", "true"))
        self.wait_for(self.of("", "true"))
        self.assertEqual(self.of("red", expected=403)["code"], "JOB_TENANT")
        self.assertEqual(self.stands(runs), ["running"])
        self.cancel(runs)

    def test_more_than_a_share_one_at_a_time(self):
        """A job that is larger than its tenant's part has what nobody within his part wants."""
        self.begin({"blue": 0.9, "red": 0.1})
        blue = [self.of("blue") for _ in range(2)]
        for job in blue:
            self.wait_for(job, "running")
        large = [self.of("red", vcpu=min(2, os.cpu_count())) for _ in range(2)]
        self.wait_for(large[0], "running")
        time.sleep(0.5)
        self.assertEqual(self.stands(large[1], *blue), ["queued", "running", "running"])
        self.cancel(large[0])
        self.wait_for(large[1], "running")
        self.cancel(large[1], *blue)

    def test_who_waited_long_is_overtaken_no_more(self):
        self.begin({"blue": 0.5}, 'patience = "1s"\n')
        runs = [self.of("blue") for _ in range(8)]
        for job in runs:
            self.wait_for(job, "running")
        two = min(2, os.cpu_count())
        large = self.of("blue", vcpu=two)
        time.sleep(2)
        small = self.of("blue")
        for job in runs[:two]:
            self.assertEqual(self.stands(large, small), ["queued", "queued"])
            self.cancel(job)
        self.wait_for(large, "running")
        self.assertEqual(self.stands(small), ["queued"])
        self.cancel(large)
        self.wait_for(small, "running")
        self.cancel(small, *runs[two:])

    def test_after_a_start_all_is_as_it_was(self):
        self.begin({"blue": 0.5, "red": 0.5})
        blue = [self.of("blue") for _ in range(9)]
        self.wait_for(blue[7], "running")
        self.kill("core")
        self.back()
        red = self.of("red")
        self.assertEqual(self.stands(blue[8], red), ["queued", "queued"])
        self.cancel(blue[0])
        self.wait_for(red, "running")
        self.assertEqual(self.stands(blue[8]), ["queued"])
        self.cancel(red, *blue[1:])


if __name__ == "__main__":
    tap.main()
