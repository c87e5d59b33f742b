"""How a run directory is entered: made, gone on with, or emptied, as the flags say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from taximeter.errors import Problem, RunDirError, SetupError
from taximeter.redact import without_secrets
from taximeter.run.executors.choose import HERE
from taximeter.run.options import RunOptions
from taximeter.rundir import RunDir, RunLock

_AGAIN = {
    "--skip-done": "runs what is not done or has changed",
    "--start-from STAGE": "runs that stage again and all that depends on it",
    "--allow-run-id-reuse": "runs every stage again, as a new attempt",
    "--force": "discards the run and starts over",
}


def check_flags(options: RunOptions) -> None:
    """SetupError with every pair of flags that contradict each other."""
    problems = list(_contradictions(options))
    if problems:
        raise SetupError(*problems)


def _contradictions(options: RunOptions) -> Iterator[Problem]:
    if (options.executor or HERE) == HERE:
        if options.address:
            message = "this machine has no address"
            yield Problem(
                message, "name who is there, as in --executor dask", key=f"--address {without_secrets(options.address)}"
            )
        if options.files:
            message = "on this machine no file has to pass through another place"
            hint = "name who runs the stages, as in --executor dask"
            yield Problem(message, hint, key=f"--files {without_secrets(options.files)}")
    if options.start_from and options.skip_done and not options.resume:
        message = "--start-from runs again all that depends on the stage, --skip-done only what has changed"
        yield Problem(message, "give one of them", key="--start-from")
    if options.keep_downstream and not options.start_from:
        yield Problem("nothing is downstream of nothing", "name the stage with --start-from", key="--keep-downstream")
    elif options.keep_downstream and options.resume:
        message = "--resume makes a new run: what it has no use for is not in it"
        yield Problem(message, "leave --keep-downstream out", key="--keep-downstream")
    for flag, given in (
        ("--skip-done", options.skip_done),
        ("--allow-run-id-reuse", options.allow_run_id_reuse),
        ("--start-from", options.start_from and not options.resume),
    ):
        if options.force and given:
            message = f"--force discards what {flag} goes on with"
            yield Problem(message, "give one of them", key="--force")


def check_named(options: RunOptions, latest: Callable[[], str | None]) -> None:
    """SetupError if flags go on with a run, though none is named; `latest` is asked for the id of the one before."""
    flags = {
        "--skip-done": options.skip_done and not options.resume,
        "--start-from": options.start_from and not options.resume,
        "--force": options.force,
    }
    flag = next((flag for flag, given in flags.items() if given), None)
    if flag:
        hint = f"give --run-id {latest() or 'ID'}"
        if flag != "--force":
            hint += ", or --resume latest for a new run that takes over what has not changed"
        raise SetupError(Problem("this is about an existing run, and none is named", hint, key=flag))


def check_entry(run: RunDir, options: RunOptions) -> None:
    """SetupError that names the flags that help if the run exists and none is given; RunDirError if it is no run."""
    if not run.path.exists():
        return
    if not (options.skip_done or options.start_from or options.allow_run_id_reuse or options.force):
        ways = [f"{flag:<24} {what}" for flag, what in _AGAIN.items()]
        hint = "\n".join(["choose another --run-id, or one of these:", *ways])
        raise SetupError(Problem(f"the run {run.run_id} exists already", hint, path=str(run.path)))
    if not run.is_one():
        raise RunDirError(f"{run.path} is not the directory of a run: choose another --run-id, or remove it")


def enter(run: RunDir, options: RunOptions) -> RunLock:
    """Makes the directory, or goes into it if the flags say so; RunDirError if another driver is in it."""
    check_entry(run, options)
    if not run.path.exists():
        run.create()
        return run.lock()
    from shutil import rmtree  # a new run has nothing to remove

    lock = run.lock()
    if options.force:
        _empty(run)
    rmtree(run.tables, ignore_errors=True)  # they would not tell of what is done now
    run.fill()
    return lock


def _empty(run: RunDir) -> None:
    from shutil import rmtree

    # First and in one step: whoever sees what is half discarded must not find a run that is done.
    discarded = run.events.with_suffix(".tmp")
    rmtree(discarded, ignore_errors=True)
    if run.events.is_dir():
        run.events.rename(discarded)
    run.plan.unlink(missing_ok=True)
    for path in run.path.iterdir():
        if path.is_dir() and not path.is_symlink():
            rmtree(path)
        elif path not in (run.lock_file, run.stages_lock_file):
            path.unlink()
