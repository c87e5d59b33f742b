"""Logs and artifacts, and what must not be had by asking for them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from taximeter.web import artifacts
from tests.runs import Writing, plan, stage

BASE = "/api/runs/r/stages/ask"


@pytest.fixture
def folder(written: Callable[..., Writing]) -> Path:
    return written().run.path / "01_stage"


def ask(client: TestClient, rest: str, code: int = 200) -> Any:
    answer = client.get(f"{BASE}/{rest}")
    assert answer.status_code == code, answer.text
    return answer.json()


def test_the_files_of_a_stage_are_listed_the_artifact_first(client: TestClient, folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "table.csv").write_text("x\n")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    listing = ask(client, "artifacts")
    assert listing["artifact"] == "artifact.jsonl" and not listing["truncated"]
    assert [(file["path"], file["kind"]) for file in listing["files"]] == [
        ("artifact.jsonl", "jsonl"), ("a/b/table.csv", "csv"), ("calls.1.jsonl", "jsonl"), ("log.1.txt", "text"),
        ("usage.1.json", "json"),
    ]  # fmt: skip
    assert listing["files"][0]["size"] == 9


def test_a_stage_that_has_not_begun_has_no_files(client: TestClient, folder: Path) -> None:
    told = client.get("/api/runs/r/stages/tell/artifacts").json()
    assert told == {"folder": "02_stage", "artifact": None, "files": [], "truncated": False}
    assert client.get("/api/runs/r/stages/tell/log").json()["attempts"] == []


def test_a_folder_with_very_many_files_is_listed_in_part(client: TestClient, folder: Path) -> None:
    for n in range(1_200):
        (folder / f"{n}.txt").touch()
    listing = ask(client, "artifacts")
    assert listing["truncated"] and len(listing["files"]) == 1_000


def test_a_file_is_looked_into(client: TestClient, folder: Path) -> None:
    (folder / "artifact.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(1_000)))
    look = ask(client, "artifacts/artifact.jsonl?rows=3")
    assert (look["kind"], look["rows"], look["truncated"]) == ("jsonl", 3, True)
    assert look["text"] == '{"n": 0}\n{"n": 1}\n{"n": 2}\n'
    (folder / "one.json").write_text('{\n"a":\n1}')
    look = ask(client, "artifacts/one.json?rows=1")
    assert look["text"] == '{\n"a":\n1}' and not look["truncated"]


def test_of_a_huge_file_the_beginning_is_read(client: TestClient, folder: Path) -> None:
    with (folder / "huge.json").open("wb") as file:
        file.truncate(10**12)  # a hole
        file.write(b"[1, ")
    look = ask(client, "artifacts/huge.json?rows=5")
    assert look["truncated"] and look["size"] == 10**12 and look["text"] is None
    answer = client.get(f"{BASE}/artifacts/huge.json")
    assert answer.status_code == 413 and "copy it from the run directory" in answer.json()["error"]


@pytest.mark.parametrize(
    ("name", "media_type", "shown"),
    [
        ("artifact.jsonl", "text/plain; charset=utf-8", True),
        ("notes.md", "text/plain; charset=utf-8", True),
        ("picture.PNG", "image/png", True),
        ("page.html", "application/octet-stream", False),
        ("picture.svg", "application/octet-stream", False),
        ("script.js", "application/octet-stream", False),
        ("feed.xml", "application/octet-stream", False),
        ("paper.pdf", "application/octet-stream", False),
    ],
)
def test_a_file_is_handed_out_as_what_can_do_no_harm(
    client: TestClient, folder: Path, name: str, media_type: str, shown: bool
) -> None:
    (folder / name).write_text("<script>alert(1)</script>")
    answer = client.get(f"{BASE}/artifacts/{name}")
    assert answer.text == "<script>alert(1)</script>" and answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].startswith("inline" if shown else "attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    as_text = client.get(f"{BASE}/artifacts/{name}?as=text").headers
    assert as_text["content-type"].startswith("text/plain") and as_text["content-disposition"].startswith("inline")


@pytest.mark.parametrize(
    "path",
    [
        *("../run.lock", "..%2f..%2f..%2frun_manifest.jsonl", "%2e%2e/%2e%2e/secret", "/etc/passwd", "%2fetc%2fpasswd"),
        *("out", "outside/file", "up", "pipe", "a%00b", "missing", "calls.1.jsonl/x"),
    ],
)
@pytest.mark.parametrize("query", ["", "?rows=5", "?as=text"])
def test_nothing_outside_and_nothing_that_is_no_file_is_handed_out(
    client: TestClient, folder: Path, path: str, query: str
) -> None:
    secrets = folder.parent.parent.parent / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "file").write_text("secret")
    (folder / "out").symlink_to(secrets / "file")
    (folder / "outside").symlink_to(secrets)
    (folder / "up").symlink_to("../snapshots/plan.json")
    os.mkfifo(folder / "pipe")
    answer = client.get(f"{BASE}/artifacts/{path}{query}")
    assert answer.status_code == 404 and "secret" not in answer.text and str(folder) not in answer.text


def test_a_stage_or_a_run_that_is_a_link_is_not_entered(client: TestClient, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    assert client.get(f"{BASE}/artifacts/artifact.jsonl").status_code == 404
    assert client.get(f"{BASE}/artifacts").status_code == 404


def test_a_run_directory_that_is_a_link_is_not_entered(client: TestClient, folder: Path, tmp_path: Path) -> None:
    run = folder.parent
    run.rename(tmp_path / "elsewhere")
    run.symlink_to(tmp_path / "elsewhere")
    for rest in ("", "/report.md", "/events", "/stages/ask/log", "/stages/ask/artifacts"):
        assert client.get(f"/api/runs/r{rest}").json()["error"].endswith("is a link: it is not followed")


def test_the_end_of_a_log_is_whole_lines_without_secrets(client: TestClient, folder: Path) -> None:
    (folder / "log.1.txt").write_text("first\n" + "x" * 50 + "\nOPENAI_API_KEY=sk-abcdefghijklmnop\n")
    tail = ask(client, "log?tail=60")
    assert tail["text"] == "OPENAI_API_KEY=***\n" and tail["attempts"] == [1] and tail["attempt"] == 1
    assert tail["begin"] == tail["size"] - len("OPENAI_API_KEY=sk-abcdefghijklmnop\n")
    assert ask(client, "log")["text"].startswith("first\n")


@pytest.mark.parametrize("name", ["log.1.txt", "shards/0/log.12.txt"])
def test_a_log_is_without_secrets_in_whatever_way_it_is_asked_for(client: TestClient, folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"first\nOPENAI_API_KEY=sk-abcdefghijklmnop\nlast \xff")
    said = "first\nOPENAI_API_KEY=***\nlast \ufffd"
    for query in ("", "?as=text"):
        assert client.get(f"{BASE}/artifacts/{name}{query}").text == said
    assert ask(client, f"artifacts/{name}?rows=5")["text"] == said


def test_each_attempt_has_its_log_and_what_is_missing_is_said(client: TestClient, folder: Path) -> None:
    (folder / "log.10.txt").write_text("tenth")
    (folder / "log.2.txt").write_text("second")
    assert ask(client, "log")["text"] == "tenth"
    assert ask(client, "log?attempt=2")["text"] == "second"
    assert ask(client, "log?attempt=3")["text"] == "" and ask(client, "log")["attempts"] == [1, 2, 10]
    assert client.get("/api/runs/r/stages/nothing/log").json()["attempts"] == []
    assert client.get("/api/runs/r/stages/nothing/artifacts").json()["files"] == []
    assert client.get("/api/runs/r/stages/nothing/artifacts/x").json()["error"] == "the stage has no folder"
    assert client.get("/api/runs/none/stages/ask/log").status_code == 404
    assert client.get(f"{BASE}/log?tail=many").json()["error"] == "tail is not a number"


def test_a_log_that_is_a_pipe_or_a_link_keeps_nobody_waiting(client: TestClient, folder: Path) -> None:
    (folder / "log.1.txt").unlink()
    os.mkfifo(folder / "log.1.txt")
    assert client.get(f"{BASE}/log").status_code == 404
    (folder / "log.1.txt").unlink()
    (folder / "log.1.txt").symlink_to("/etc/passwd")
    assert client.get(f"{BASE}/log").status_code == 404


def test_stages_with_any_name_can_be_asked_for(client: TestClient, tmp_path: Path) -> None:
    for i, name in enumerate(("a/b", "a\nb", "a?b#c", "ä %", "x" * 5_000, "log", "artifacts")):
        writing = Writing(tmp_path, plan([stage(1, name)]), f"r{i}")
        writing.start(name)
        (writing.run.path / "01_stage" / "log.1.txt").write_text(name)
        writing.end(name)
        answer = client.get(f"/api/runs/r{i}/stages/{quote(name, safe='')}/log")
        assert answer.json().get("text") == name, answer.text


def test_a_file_that_is_larger_than_what_is_handed_out_at_once_is_whole(
    client: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_CHUNK", 1_000)
    text = os.urandom(5_500)
    (folder / "blob.bin").write_bytes(text)
    assert client.get(f"{BASE}/artifacts/blob.bin").content == text
    assert ask(client, "artifacts/blob.bin?rows=5")["kind"] == "other"
