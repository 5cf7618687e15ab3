"""The model card of an exported run: what it was trained on, by which protocol, what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from img.config.protocols import LAST
from img.retrieval.encoding.makers import Maker, list_makers, list_with_writers
from img.runs.folder import QUERY_ENCODER
from img.runs.opening import Run

_TEMPLATE = "card.md.jinja"


def write_card(run: Run, protocol: str, metrics: Mapping[str, Any], simulated: bool) -> str:
    """Writes a model card in Markdown, with the header that hubs read.

    Args:
        run: the run.
        protocol: whose weights are shared.
        metrics: what `evaluate` wrote; empty where the run was not evaluated.
        simulated: the data is made up.
    """
    # Markdown, not HTML: there is nothing to escape, and names of files are shown as code.
    environment = Environment(
        loader=PackageLoader("img.retrieval", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    makers = list_makers(run.reads) if run.reads else {}
    return environment.get_template(_TEMPLATE).render(
        run=run,
        kind=run.options.model.kind,
        dataset=metrics.get("dataset", "unknown"),
        variant=metrics.get("variant", "unknown"),
        description=metrics.get("description", ""),
        simulated=simulated,
        protocol=_say_protocol(protocol),
        evaluation=metrics.get("evaluation", {}),
        tables=_tabulate(metrics, protocol),
        makers=list_with_writers(makers),
        describe=_describe,
        max_clips=run.reads["options"]["max_clips"] if run.reads else None,
        standardised=sorted(run.reads["standardisation"]) if run.reads else [],
        encoder=run.made.get(QUERY_ENCODER),
        words=None if run.vocabulary is None else len(run.vocabulary.words),
    )


def _tabulate(metrics: Mapping[str, Any], protocol: str) -> list[dict[str, Any]]:
    """Lays out the metrics of each split: a row for each branch, and one for the best constant answer."""
    tables = []
    for split, branches in metrics.get("protocols", {}).get(protocol, {}).items():
        names = list(next(iter(branches.values())))
        rows = [*branches.items(), ("*best constant*", metrics["best_constant"][split])]
        tables.append(
            {
                "split": split,
                "queries": metrics["evaluation"]["scored"][split],
                "names": names,
                "rows": [
                    (label, [f"{values[name]:.2f}" if name in values else "" for name in names])
                    for label, values in rows
                ],
            }
        )
    return tables


def _say_protocol(protocol: str) -> str:
    if protocol == LAST:
        return f"`{protocol}`: the weights after the last epoch; nothing was chosen on any split"
    return f"`{protocol}`: the weights of the epoch that was best on that split, as chosen by R1@0.7"


def _describe(maker: Maker) -> str:
    """Says how an extractor makes its features, as settings."""
    settings = {
        name: value for name, value in maker.made.get("parameters", {}).items() if name not in maker.hashes
    }
    return ", ".join(f"{name} {value}" for name, value in settings.items())
