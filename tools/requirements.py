"""requirements.py - the requirement lines, read from the specifications where those lie
beside the project (../shared/spec) and kept in docs/requirements.tsv: id, file, title in
a few words. Each specification numbers its lines in a way of its own."""

import re

TABLE = "docs/requirements.tsv"
TITLE_MAX = 110

SUBJECTS = {
    "AT": "TDX and SGX quotes",
    "AN": "Nitro attestation documents",
    "AE": "Event logs",
    "RL": "Reliability: faults and attacks",
    "EC": "Usability",
    "PC": "Platform validator and Challenge SDK",
    "CX": "CyxWiz: tokens, jobs, escrow",
    "DS": "dstack: guest agent, KMS, governance",
    "SW": "The delegated signer",
}

# Family: file, the heading of its section, how a line begins.
NUMBERED = r"^ *(\d+)\.? +(?=\S)"
SOURCES = (
    ("AT", "attestation.md", "### 2.1 ", NUMBERED),
    ("AN", "attestation.md", "### 2.2 ", NUMBERED),
    ("AE", "attestation.md", "### 2.3 ", NUMBERED),
    ("RL", "reliability.md", "### 2.1 ", r"^\| RL-(\d+) \| "),
    ("EC", "usability.md", "## 3. ", r"^\| EC-(\d+) \| "),
    ("PC", "platform-challenge.md", "## 6. ", NUMBERED),
    ("CX", "cyxwiz.md", "## 10. ", r"\bC(\d\d) "),
    ("DS", "dstack.md", "## 8. ", NUMBERED),
    ("SW", "signer.md", "## 8. ", r"^(\d+) (?=\[)"),
)


def section(text, heading):
    """What stands below a heading, up to the next one of its level or above."""
    below = ("\n" + text).partition("\n" + heading)[2].partition("\n")[2]
    level = len(heading.split(" ")[0])
    return re.split(rf"^#{{1,{level}}} ", below, maxsplit=1, flags=re.M)[0]


def items(text, begins):
    """(number, text) of the lines, counted from 1: a number out of turn is part of the
    text before it."""
    marks, expected = [], 1
    for found in re.finditer(begins, text, re.M):
        if int(found.group(1)) == expected:
            marks.append(found)
            expected += 1
    for mark, after in zip(marks, [*marks[1:], None]):
        yield int(mark.group(1)), text[mark.end():after.start() if after else len(text)]


def title(text, is_row):
    """A few words: the first cell of a row, or the beginning of a paragraph."""
    text = text.split("\n")[0].split(" | ")[0].rstrip(" |") if is_row else text
    text = re.split(r"\n\s*\n|\n\*\*|\n[A-Z][\w ]*\n|\n-{5,}|\nSeed map", text)[0]
    text = re.sub(r"\s+", " ", re.sub(r"[*`]", "", text).replace("|", "/")).strip(" ;")
    if len(text) <= TITLE_MAX:
        return text
    return text[:TITLE_MAX].rpartition(" ")[0].rstrip(" ,;:(") + " ..."


def extract(folder):
    """[(id, file, title)] of every line of the specifications."""
    found = []
    for family, file, heading, begins in SOURCES:
        body = section((folder / file).read_text(encoding="utf-8"), heading)
        found += [(f"{family}-{number}", file, title(text, begins.startswith(r"^\|")))
                  for number, text in items(body, begins)]
    return found


def folder_of(root):
    folder = (root / ".." / "shared" / "spec").resolve()
    return folder if folder.is_dir() else None


def render(lines):
    return "".join("\t".join(line) + "\n" for line in lines)


def read(root):
    path = root / TABLE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [tuple(line.split("\t")) for line in text.splitlines()]


def write(root):
    """Renews the table where the specifications are there; leaves it alone elsewhere."""
    if folder_of(root):
        (root / TABLE).parent.mkdir(exist_ok=True)
        (root / TABLE).write_text(render(extract(folder_of(root))), encoding="utf-8")


def faults(root):
    if folder_of(root) and extract(folder_of(root)) != read(root):
        yield f"{TABLE} is out of date; run: ./check --quick --write"
