"""Sphinx extension: the ledger as a file for programs, ``claims.json``.

For each claim: what the paper says and where, how it came out here, the page and the
tests behind it, and the stored records that its page reads, by their checksums.
``tools/check_claims.py`` compares such a file with the records of a checkout.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from claims import Claim, read_entries, sound_claims
from edition import Edition, read_edition
from page_facts import digest_of_all, digests
from sphinx.application import Sphinx

FILE = "claims.json"
SCHEMA = "paper-lib/claims/1"
LEDGER = "book/claims.yml"


def claims_as_data(
    claims: Sequence[Claim],
    records: Mapping[str, Sequence[str]],
    edition: Edition,
    root: Path,
) -> dict[str, object]:
    """Write the ledger as plain data.

    Args:
        claims: The claims, in order.
        records: Under each page the patterns of the records that it reads.
        edition: What is built.
        root: The folder of the sources.

    Returns:
        Schema, edition, the claims, and under ``records`` the checksum of each file.
    """
    names = [name for claim in claims for name in records.get(claim.page or "", ())]
    found = {
        name: digests(sorted(root.glob(name)), root) for name in dict.fromkeys(names)
    }
    files = {path: digest for one in found.values() for path, digest in one.items()}
    return {
        "schema": SCHEMA,
        **asdict(edition),
        "claims": [
            _claim(claim, {name: found[name] for name in records.get(claim.page, ())})
            for claim in claims
        ],
        "records": dict(sorted(files.items())),
    }


def _claim(claim: Claim, records: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """Write one claim.

    Args:
        claim: The claim.
        records: The checksums of its page's records, under their patterns.

    Returns:
        Plain data; each pattern of records with one checksum over all of them.
    """
    return {
        "id": claim.id,
        "title": claim.title,
        "place": claim.where,
        "of_the_paper": not claim.new,
        "statement": " ".join(claim.statement.split()),
        "outcome": claim.outcome,
        "line": claim.line,
        "page": claim.page and f"book/{claim.page}.html",
        "module": claim.module,
        "tests": [claim.test] if claim.test else [],
        "proofs": (claim.proof or "").split(),
        "records": [
            {"files": name, "count": len(files), "sha256": digest_of_all(files)}
            for name, files in records.items()
        ],
    }


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Put the file beside the pages once they are written.

    Args:
        app: The running build.
        exception: What ended the build early, or None.
    """
    if exception is not None or app.builder.format != "html":
        return
    root, env = Path(app.srcdir), app.env
    pages = {Path(name).name: env.metadata[name] for name in sorted(env.found_docs)}
    claims = sound_claims(read_entries(root / LEDGER), pages, root)
    records = {name: facts.get("records", "").split() for name, facts in pages.items()}
    data = claims_as_data(claims, records, read_edition(root), root)
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    (Path(app.outdir) / FILE).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
