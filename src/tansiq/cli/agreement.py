"""``tansiq agreement``: the rules, who has signed them, and what another version changes."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from tansiq.formats.agreement import load_agreement
from tansiq.formats.agreement_words import columns, differences, rules_in_words
from tansiq.formats.spoken import digit_groups, six_words

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_DATA = click.option(
    "--data",
    envvar="TANSIQ_DATA",
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of the node.",
)
_NEEDED = click.option(
    "--data",
    envvar="TANSIQ_DATA",
    required=True,
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of the node.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, nothing else.")


@click.command()
@_DATA
@click.argument("file", type=_FILE, required=False)
@_JSON
def show(data: Path | None, file: Path | None, *, as_json: bool) -> None:
    """Show an agreement in plain words, its digest, the six words of it, and who has signed.

    Without FILE it is the one that the node of --data holds.

    \b
    Example:
      tansiq agreement show --data north
    """
    from tansiq.peers.signatures import examine, papers_of, read_papers

    path = file or _held(data)
    agreement = load_agreement(path)
    examined = examine(read_papers([path, *(papers_of(data) if data else ())]))
    (found,) = (each for each in examined if each.agreement.digest == agreement.digest)
    digest = bytes.fromhex(agreement.digest)
    words, rules = six_words(digest), rules_in_words(agreement)
    if as_json:
        document = {
            "version": agreement.version,
            "digest": agreement.digest,
            "words": words,
            "signed": found.force.signed,
            "in_force": found.force.in_force,
            "reasons": found.force.reasons,
            "rules": [{"about": rule.about, "says": rule.says} for rule in rules],
        }
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    _print(columns(rules))
    heads = [
        ("version", str(agreement.version)),
        ("digest", agreement.digest),
        ("six words", " ".join(words)),
        ("digits", " ".join(digit_groups(digest))),
        ("signed by", ", ".join(found.force.signed) or "nobody yet"),
        ("in force", "yes" if found.force.in_force else f"no: {'; '.join(found.force.reasons)}"),
    ]
    click.echo()
    _print(columns(heads))


@click.command()
@_NEEDED
@click.argument("file", type=_FILE, required=False)
def sign(data: Path, file: Path | None) -> None:
    """Sign an agreement with the node's key, and print the signature for the other parties.

    Without FILE it is the one that the node holds. A FILE becomes the node's agreement if it holds
    none yet. Signatures are kept in the folder `signatures`; put those of others there, as files.

    Exit codes: 0 signed, 1 another amendment of the same version was signed, 2 bad input.

    \b
    Example:
      tansiq agreement sign --data north > north.sig
    """
    from tansiq.clock import SystemClock
    from tansiq.domain.intent import PartyID
    from tansiq.peers.joining import put_whole
    from tansiq.peers.signatures import sign as sign_file
    from tansiq.settings import load_settings

    settings = load_settings(data)
    path = file or settings.agreement
    agreement, kept = sign_file(data, PartyID(settings.party), path, SystemClock().now())
    click.echo(f"Signed {agreement.name!r}, version {agreement.version}: {kept}", err=True)
    click.echo(f"Its six words: {' '.join(six_words(bytes.fromhex(agreement.digest)))}", err=True)
    if not settings.agreement.exists():
        put_whole(settings.agreement, path.read_bytes())
        click.echo(f"Put it at {settings.agreement}; `tansiq serve` runs under it.", err=True)
    click.echo(kept.read_bytes(), nl=False)


@click.command()
@_DATA
@click.argument("files", type=_FILE, nargs=-1)
@_JSON
def verify(data: Path | None, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Check signatures: whether each version given is in force, and if not, why.

    FILES are agreements and signatures in any order; with --data also what the node keeps.

    Exit codes: 0 the last version is in force and every signature good, 1 not so, 2 bad input.

    \b
    Example:
      tansiq agreement verify agreement.toml north.sig south.sig
    """
    from tansiq.errors import BadInput
    from tansiq.peers.signatures import examine, papers_of, read_papers, strangers

    papers = read_papers([*files, *(papers_of(data) if data else ())])
    if not papers.agreements:
        raise BadInput("no agreement among the files; name its file, too", field="files")
    found, alone = examine(papers), strangers(papers)
    good = found[-1].force.in_force and not alone and not any(each.bad for each in found)
    if as_json:
        versions = [
            {
                "version": each.agreement.version,
                "digest": each.agreement.digest,
                "step": each.force.step,
                "signed": each.force.signed,
                "needed": each.force.needed,
                "in_force": each.force.in_force,
                "reasons": each.force.reasons,
                "bad_signatures": each.bad,
            }
            for each in found
        ]
        click.echo(json.dumps({"good": good, "versions": versions, "unmatched": alone}))
        raise SystemExit(0 if good else 1)
    for each in found:
        agreement, force = each.agreement, each.force
        state = "in force" if force.in_force else "NOT in force"
        click.echo(
            f"{agreement.name}, version {agreement.version} ({agreement.digest[:12]}): {state}"
        )
        _print(
            columns(
                [
                    ("  signed by", ", ".join(force.signed) or "nobody"),
                    *(("  because", reason) for reason in force.reasons),
                    *(("  BAD", bad) for bad in each.bad),
                ]
            )
        )
    for name in alone:
        click.echo(f"{name} is for an agreement that is not among the files")
    raise SystemExit(0 if good else 1)


@click.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
def diff(old: Path, new: Path) -> None:
    """Say in plain words what a new version of an agreement changes, and who must sign it.

    Exit codes: 0 the rules are the same, 1 they differ, 2 bad input.

    \b
    Example:
      tansiq agreement diff agreement.toml agreement-2.toml
    """
    from tansiq.domain.amendment import Step, judge_version, registers_to_fill, step_of

    before, after = load_agreement(old), load_agreement(new)
    changed = differences(before, after)
    for difference in changed:
        click.echo(difference.about)
        click.echo(f"  was  {difference.was or '(nothing)'}")
        click.echo(f"  now  {difference.now or '(nothing)'}")
    if not changed:
        click.echo("The rules are the same" + _same_bytes(before.digest, after.digest))
        return
    needed = judge_version(after, before, ()).needed
    count = len(before.parties)
    if step_of(after, before) is Step.ROLL:
        click.echo(f"\nSigned by {needed} of {count} parties it is in force.")
    else:
        click.echo("\nAll parties sign, those of both versions.")
    if to_fill := registers_to_fill(after, before):
        click.echo(f"Count anew, and are filled: {', '.join(to_fill)}.")
    raise SystemExit(1)


def _same_bytes(old: str, new: str) -> str:
    if old == new:
        return ", byte for byte."
    return "; the bytes differ, so nodes take them for two agreements."


def _held(data: Path | None) -> Path:
    from tansiq.settings import load_settings

    if data is None:
        raise click.UsageError("name a FILE, or the node's folder with --data")
    return load_settings(data).agreement


def _print(lines: Iterable[str] | Sequence[str]) -> None:
    for line in lines:
        click.echo(line)
