"""Commands from annotations and features to what a model reads."""

from __future__ import annotations

import argparse
from pathlib import Path

from extractors.storage.store import Store
from img.commands.arguments import (
    Commands,
    add_device,
    add_features,
    add_settings,
    choose_device,
    open_streams,
    read_settings,
    read_streams,
)
from img.config.dataset import Annotations, InputOptions, QueryOptions
from img.config.query_encoder import QueryEncoder


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    videos = commands.add_parser("list-videos", help="list a dataset's videos, their shards and files")
    add_settings(videos, "annotations")
    videos.add_argument("--folder", type=Path, help="folder of the videos (default: no video is read)")
    videos.add_argument("--shards", required=True, type=int)
    videos.add_argument("--out", required=True, type=Path, help="the table to write")
    videos.set_defaults(run=_list_videos)

    queries = commands.add_parser("prepare-queries", help="parse and tokenise queries, pick word vectors")
    add_settings(queries, "annotations")
    add_settings(queries, "options")
    queries.add_argument(
        "--vocabulary-splits", required=True, nargs="+", help="splits whose words make the vocabulary"
    )
    queries.add_argument("--out", required=True, type=Path, help="folder to write into")
    queries.set_defaults(run=_prepare_queries)

    features = commands.add_parser(
        "assemble-query-features", help="bring given features of queries into one file"
    )
    features.add_argument("--queries", required=True, type=Path, help="queries folder")
    features.add_argument("--arrays", required=True, type=Path, help="folder of {query}.npy, .npz or .pt")
    features.add_argument("--max-words", required=True, type=int, help="rows kept of a query")
    features.add_argument("--out", required=True, type=Path, help="folder to write into")
    features.set_defaults(run=_assemble_query_features)

    encode = commands.add_parser("encode-queries", help="make features of queries by a text encoder")
    encode.add_argument("--queries", required=True, type=Path, help="queries folder")
    add_settings(encode, "encoder")
    encode.add_argument("--max-words", required=True, type=int, help="rows kept of a query")
    encode.add_argument("--out", required=True, type=Path, help="folder to write into")
    add_device(encode)
    encode.set_defaults(run=_encode_queries)

    assemble = commands.add_parser("assemble", help="pool and align features into one file")
    add_settings(assemble, "options")
    add_features(assemble)
    assemble.add_argument("--store", required=True, type=Path)
    assemble.add_argument("--out", required=True, type=Path, help="folder to write into")
    assemble.set_defaults(run=_assemble)

    coverage = commands.add_parser("report-coverage", help="tell which videos and queries can be used")
    add_features(coverage)
    coverage.add_argument("--videos", required=True, type=Path, help="the table that list-videos wrote")
    coverage.add_argument("--out", required=True, type=Path, help="the table to write")
    coverage.set_defaults(run=_report_coverage)


def _list_videos(options: argparse.Namespace) -> None:
    from img.data.videos import list_videos

    annotations = read_settings(Annotations, options.annotations, "annotations")
    list_videos(annotations, options.folder, options.shards, options.out)


def _prepare_queries(options: argparse.Namespace) -> None:
    from img.data.text.queries import prepare_queries

    annotations = read_settings(Annotations, options.annotations, "annotations")
    settings = read_settings(QueryOptions, options.options, "options")
    prepare_queries(annotations, settings, options.vocabulary_splits, options.out)


def _assemble_query_features(options: argparse.Namespace) -> None:
    from img.data.text.queries import read_queries_table
    from img.data.text.query_features import assemble_query_features

    queries = read_queries_table(options.queries)
    assemble_query_features(queries, options.arrays, options.max_words, options.out)


def _encode_queries(options: argparse.Namespace) -> None:
    from img.data.text.queries import read_queries_table
    from img.data.text.query_encoding import encode_query_features

    encoder = read_settings(QueryEncoder, options.encoder, "encoder")
    queries = read_queries_table(options.queries)
    encode_query_features(queries, encoder, options.max_words, choose_device(options), options.out)


def _assemble(options: argparse.Namespace) -> None:
    from img.data.clips.assembly import assemble
    from img.data.text.queries import read_queries_table

    queries = read_queries_table(options.queries)
    settings = read_settings(InputOptions, options.options, "options")
    sources = read_streams(options.stream)
    align = {name: source.align for name, source in sources.items()}
    streams = open_streams(sources, options.shards)
    assemble(queries, streams, settings, Store(options.store), options.out, align)


def _report_coverage(options: argparse.Namespace) -> None:
    from img.data.coverage import write_coverage
    from img.data.text.queries import read_queries_table
    from img.data.videos import read_duplicates

    queries = read_queries_table(options.queries)
    streams = open_streams(read_streams(options.stream), options.shards)
    write_coverage(queries, streams, read_duplicates(options.videos), options.out)
