"""A store of results (docs/schema.md) as pandas frames."""
import os
import pathlib
import sqlite3
import typing

APPLICATION_ID = 0x66777374  # "fwst"
OLDEST_VERSION, NEWEST_VERSION = 2, 7  # of the tables that are read here

# What a row is grouped and joined by, in each frame.
_CELL = """cell.run_id AS run, cell.position AS cell, cell.checkpoint_name AS checkpoint, series.sampler, series.steps,
  series.omega"""
_OF_RUN = "FROM run_cell AS cell JOIN series ON series.id = cell.series_id WHERE cell.run_id = :run"

_CELLS = f"""SELECT {_CELL}, series.spacing, series.final_sigma, series.original_inference_steps, series.negative_prompt,
  series.seed, series.prompt_source, series.height, series.width, series.dtype, series.device_kind AS device, cell.state,
  cell.message, cell.expected_images, (SELECT count(*) FROM sample WHERE sample.series_id = series.id) AS images,
  (SELECT avg(forwards) FROM sample WHERE sample.series_id = series.id) AS forwards {_OF_RUN} ORDER BY cell"""
_SCORES = f"""SELECT cell.position AS cell, metric.name AS metric, metric.protocol, metric.higher_is_better, score.value,
  score.standard_error, score.images AS scored_images, score.flags
  {_OF_RUN.replace("WHERE", "JOIN score ON score.series_id = series.id AND score.run_id = cell.run_id JOIN metric ON metric.id = score.metric_id WHERE")}"""
_SAMPLES = f"""SELECT {_CELL}, prompt.source AS prompt_source, prompt.row, prompt.text AS caption, sample.image_index,
  sample.seed, sample.forwards, sample.image_sha256, sample.image_path AS image, sample.id AS sample
  {_OF_RUN.replace("WHERE", "JOIN sample ON sample.series_id = series.id JOIN prompt ON prompt.id = sample.prompt_id WHERE")}
  ORDER BY cell, prompt.source, prompt.row, sample.image_index"""
_SAMPLE_METRICS = f"""SELECT DISTINCT sample_metric.sample_id AS sample, metric.name AS metric, metric.protocol, sample_metric.value
  {_OF_RUN.replace("WHERE", "JOIN sample ON sample.series_id = series.id JOIN sample_metric ON sample_metric.sample_id = sample.id JOIN metric ON metric.id = sample_metric.metric_id WHERE")}"""
# As in reports: of the newest run that timed the cell in the environment of this run.
_TIMED_BY = """(SELECT max(t.run_id) FROM timing_sample AS t JOIN run ON run.id = t.run_id WHERE t.series_id = series.id
  AND t.batch = timing.batch AND run.environment_id = (SELECT environment_id FROM run WHERE id = :run))"""
_TIMINGS = f"""SELECT {_CELL}, timing.batch, timing.stage, timing.process, timing.repetition, timing.ms / timing.batch AS ms_per_image
  {_OF_RUN.replace("WHERE", "JOIN timing_sample AS timing ON timing.series_id = series.id WHERE")} AND timing.run_id = {_TIMED_BY}
  ORDER BY cell, batch, stage, process, repetition"""


class Frames(typing.NamedTuple):
    """Each a pandas.DataFrame. run, cell (its place in the table), checkpoint, sampler, steps and omega stand first in each."""

    cells: typing.Any  #: a row for each cell and score (one without a score has one row): value, standard_error, flags …
    samples: typing.Any  #: a row for each image, with a column for each metric of single images: clip-score
    timings: typing.Any  #: a row for each timed repetition of a stage: ms_per_image


def read(store: "str | os.PathLike", run: "int | None" = None) -> Frames:
    """Frames of a run of a store [the latest; one that stored nothing never comes before a complete one]. FileNotFoundError, ValueError (no store, or no such run), ImportError (no pandas)."""
    try:
        import pandas
    except ImportError as missing:
        raise ImportError("fewstep.read gives pandas frames: pip install 'fewstep[pandas]'") from missing
    path = pathlib.Path(store)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a store that fewstep run made, found no file")
    log = path.with_name(path.name + "-wal")
    has_log = log.is_file() and log.stat().st_size > 0
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return _frames(pandas, connection, _run_of(connection, path, run, has_log))
    except sqlite3.DatabaseError as broken:
        raise ValueError(f"{path}: expected a store that fewstep run made: {broken}") from broken
    finally:
        connection.close()


def _run_of(connection, path, run, has_log):
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ValueError(f"{path}: expected a store that fewstep run made, found another file")
    version = connection.execute("SELECT version FROM schema_version").fetchone()[0]
    if not OLDEST_VERSION <= version <= NEWEST_VERSION:
        raise ValueError(f"{path}: expected a store of version {OLDEST_VERSION} to {NEWEST_VERSION}, found {version}; another "
                         "fewstep wrote it")
    if version >= 6 and not has_log and connection.execute("SELECT awaits_log FROM log_binding").fetchone()[0]:
        raise ValueError(f"{path}: expected its log {path.name}-wal beside it, found none: the run was killed and its last results are in the log")
    runs = [row[0] for row in connection.execute("SELECT id FROM run ORDER BY id")]
    if not runs or (run is not None and run not in runs):
        raise ValueError(f"{path}: expected run {run if run is not None else ''} of the store, found runs {runs}")
    return _newest(connection, version, runs) if run is None else run


def _newest(connection, version, runs):
    """The newest run; one that stored nothing never comes before a complete one."""
    wrote = "last_write IS NOT NULL OR" if version >= 3 else ""
    added = [row[0] for row in connection.execute(f"SELECT id FROM run WHERE {wrote} state IN ('running', 'complete') OR "
                                                  "EXISTS (SELECT 1 FROM score WHERE run_id = run.id) ORDER BY id")]
    has_complete = connection.execute("SELECT 1 FROM run WHERE state = 'complete'").fetchone()
    return added[-1] if added and has_complete else runs[-1]


def _frames(pandas, connection, run):
    def table(query):
        return pandas.read_sql_query(query, connection, params={"run": run})

    cells = table(_CELLS).merge(table(_SCORES), on="cell", how="left")
    samples, metrics = table(_SAMPLES), table(_SAMPLE_METRICS)
    # Two protocols of a metric are told apart; one alone has the metric's name.
    for name, of_name in metrics.groupby("metric"):
        protocols = of_name.groupby("protocol")
        for protocol, rows in protocols:
            column = name if len(protocols) == 1 else f"{name}:{protocol}"
            samples[column] = samples["sample"].map(rows.drop_duplicates("sample", keep="last").set_index("sample")["value"])
    for frame in (cells, samples):  # SQLite holds the unsigned seed as the signed number of its bits
        frame["seed"] = frame["seed"].map(lambda seed: int(seed) % 2**64)
    return Frames(cells, samples.drop(columns="sample"), table(_TIMINGS))
