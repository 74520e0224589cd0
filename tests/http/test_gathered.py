"""Figures of several workers merged: every sample kept, once described, nothing old, no forgery."""

from collections import Counter
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from asgi import ask
from tansiq.clock import SystemClock
from tansiq.errors import BadInput, Busy
from tansiq.http import gathered
from tansiq.http.gathered import FRESH_S, KEPT_S, REPORT_BYTES_MAX, REPORTS_MAX, Gathered, Report
from tansiq.http.metrics import Metrics, counter, gauge, rendered
from tansiq.http.problems import Boundary, problem

Samples = Counter[tuple[str, tuple[tuple[str, str], ...], float]]
STEP_S = 0.001


class Hands(SystemClock):
    """A clock whose monotonic side a test moves."""

    at_s = 1_000.0

    def monotonic_s(self) -> float:
        return self.at_s


def samples(text: str) -> Samples:
    """Read a text with the library's parser."""
    return Counter(
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )


def of(worker: str, text: str) -> Samples:
    """Return what there is to be of a worker's text: each sample, with its name."""
    return Counter(
        (name, tuple(sorted((*labels, ("worker", worker)))), value)
        for name, labels, value in samples(text).elements()
    )


def without_own(text: str) -> Samples:
    """Leave out what is made where all are gathered."""
    made = (gathered.COUNT, gathered.AGE)
    return Counter(x for x in samples(text).elements() if x[0] not in made)


def one(name: str = "tansiq_x", value: float = 1.0) -> str:
    return rendered([gauge(name, "What it is", {(): value})])


def report(worker: str, text: str | None = None) -> Report:
    return Report(worker=worker, text=one() if text is None else text)


def named(text: str, name: str) -> Mapping[str, float]:
    return {dict(labels).get("worker", ""): v for n, labels, v in samples(text) if n == name}


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def desk(clock: Hands) -> Gathered:
    return Gathered("desk", clock)


# What a worker's text may hold: any value of a label, any family of the kinds that we write.
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.floats(allow_nan=False)
names = st.sampled_from(["tansiq_a", "tansiq_b", "tansiq_c", "process_d"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    found = []
    for name in draw(st.lists(names, unique=True)):
        rows = draw(st.dictionaries(st.tuples(values, values), floats, max_size=4))
        make = counter if name.endswith("c") else gauge
        labelled = {(("first", a), ("le", b)): v for (a, b), v in rows.items()}
        found.append(make(name, draw(values), labelled))
    return Metrics().text(found)


@given(own=texts(), told=st.dictionaries(st.sampled_from("abcde"), texts(), max_size=4))
def test_merged_they_keep_every_sample_and_describe_each_metric_once(
    own: str, told: dict[str, str]
) -> None:
    clock = Hands()
    desk = Gathered("desk", clock)
    for worker, text in told.items():
        desk.hear(report(worker, text), clock.at_s)
    merged = desk.merged(own)
    due = of("desk", own)
    for worker, text in told.items():
        due += of(worker, text)
    assert without_own(merged) == due
    assert max(samples(merged).values()) == 1, "a series is there twice"
    heads = [" ".join(x.split(" ")[:3]) for x in merged.split("\n") if x.startswith("# ")]
    assert len(heads) == len(set(heads))
    assert named(merged, gathered.COUNT) == {"": 1 + len(told)}
    assert set(named(merged, gathered.AGE)) == {"desk", *told}


@pytest.mark.parametrize("evil", ['a"} 1\nforged 2', "\\", '\\"', "\\n", "a,b={}", "\u2028\x85\r"])
def test_values_of_labels_pass_as_they_are(desk: Gathered, clock: Hands, evil: str) -> None:
    text = rendered([gauge("tansiq_x", evil, {(("a", evil), ("b", "")): 1.0})])
    desk.hear(report("w", text), clock.at_s)
    expected = tuple(sorted({"a": evil, "b": "", "worker": "w"}.items()))
    assert ("tansiq_x", expected, 1.0) in samples(desk.merged(one("tansiq_y")))
    assert "forged" not in named(desk.merged(one("tansiq_y")), "forged")


def test_a_node_by_itself_shows_what_it_did_before() -> None:
    metrics = Metrics()
    figures = [gauge("tansiq_x", "x", {(): 1.0})]
    text = metrics.text(figures)
    assert metrics.among(text) is text
    assert "worker" not in text


# ---- nothing old passes for new


def test_old_figures_are_dropped_and_their_age_is_shown_for_a_while(
    desk: Gathered, clock: Hands
) -> None:
    began_s = clock.at_s
    desk.hear(report("w", one(value=7.0)), began_s)

    def shown(age_s: float) -> tuple[bool, bool, float]:
        clock.at_s = began_s + age_s
        text = desk.merged(one("tansiq_own"))
        ages = named(text, gathered.AGE)
        assert ages.get("w", age_s) == pytest.approx(age_s)
        return "tansiq_x" in text, "w" in ages, named(text, gathered.COUNT)[""]

    assert shown(0) == (True, True, 2)
    assert shown(FRESH_S) == (True, True, 2)
    assert shown(FRESH_S + STEP_S) == (False, True, 1)
    assert shown(KEPT_S) == (False, True, 1)
    assert shown(KEPT_S + STEP_S) == (False, False, 1)
    desk.hear(report("w"), clock.at_s)
    assert "tansiq_x" in desk.merged(one("tansiq_own"))


def test_the_latest_report_takes_the_place_of_the_last(desk: Gathered, clock: Hands) -> None:
    desk.hear(report("w", one(value=7.0) + one("tansiq_gone")), clock.at_s)
    clock.at_s += 5
    desk.hear(report("w", one(value=8.0)), clock.at_s)
    text = desk.merged(one("tansiq_own"))
    assert named(text, "tansiq_x") == {"w": 8.0}
    assert "tansiq_gone" not in text
    assert named(text, gathered.AGE) == {"desk": 0.0, "w": 0.0}


def test_who_ends_in_order_is_not_missed(desk: Gathered, clock: Hands) -> None:
    desk.hear(report("w"), clock.at_s)
    for _ in range(2):
        desk.hear(Report(worker="w"), clock.at_s)
        assert named(desk.merged(one()), gathered.AGE) == {"desk": 0.0}


# ---- limits


def test_so_many_workers_are_kept_and_no_more(desk: Gathered, clock: Hands) -> None:
    began_s = clock.at_s
    for number in range(REPORTS_MAX):
        desk.hear(report(f"w{number}"), began_s)
    clock.at_s = began_s + FRESH_S
    with pytest.raises(Busy, match="no more are kept"):
        desk.hear(report("late"), clock.at_s)
    desk.hear(report("w1"), clock.at_s)  # Who is kept goes on.
    assert named(desk.merged(one()), gathered.COUNT) == {"": REPORTS_MAX + 1}
    clock.at_s += STEP_S  # From now on others are old, and one of them makes room.
    desk.hear(report("late"), clock.at_s)
    ages = named(desk.merged(one()), gathered.AGE)
    assert len(ages) == REPORTS_MAX + 1
    assert {"late", "w1"} <= set(ages)


def sized(bytes_: int) -> bytes:
    """Return a report of exactly so many bytes."""

    def made(help_: str) -> bytes:
        return msgspec.json.encode(report("w", f"# HELP a {help_}\n# TYPE a gauge\na 1.0\n"))

    return made("x" * (bytes_ - len(made(""))))


@pytest.mark.anyio
async def test_a_report_of_so_many_bytes_is_read_and_of_one_more_is_not(
    desk: Gathered, clock: Hands
) -> None:
    app = Boundary(desk.app, problem)

    async def told(body: bytes) -> int:
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return (await ask(app, "/", method="POST", headers=headers, body=body)).status

    assert await told(sized(REPORT_BYTES_MAX)) == 204
    assert named(desk.merged(one()), "a") == {"w": 1.0}
    clock.at_s += FRESH_S + STEP_S
    assert await told(sized(REPORT_BYTES_MAX + 1)) == 413
    assert "w" not in named(desk.merged(one()), "a"), "what was refused made it new"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"worker":1}', b'{"worker":"w","x":1}', b'{"worker":"w","text":1}']
)
async def test_what_is_no_report_is_refused(desk: Gathered, body: bytes) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    app = Boundary(desk.app, problem)
    answer = await ask(app, "/", method="POST", headers=headers, body=body)
    assert answer.status == 400
    assert answer.json["code"] == "bad-input"
    assert named(desk.merged(one()), gathered.COUNT) == {"": 1}


# ---- what cannot be read changes nothing

HEAD = "# HELP x Of x\n# TYPE x gauge\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "does not end with the end of a line"),
        (HEAD + "x 1.0", "does not end with the end of a line"),
        ("x 1.0\n", "line 1, 'x 1.0': this sample is not of the metric"),
        (HEAD + "y 1.0\n", "line 3, 'y 1.0': this sample is not of the metric"),
        (HEAD + "x_sum 1.0\n", "line 3, 'x_sum 1.0': this sample is not of the metric"),
        (HEAD + "\n", "line 3, '': this is no sample"),
        (HEAD + "x one\n", "this is no sample"),
        (HEAD + "x 1.0 1700000000\n", "this is no sample"),
        (HEAD + "x  1.0\n", "this is no sample"),
        (HEAD + "x{} 1.0\n", "this is no sample"),
        (HEAD + 'x{a="1",} 1.0\n', "this is no sample"),
        (HEAD + 'x{a="1"b="2"} 1.0\n', "this is no sample"),
        (HEAD + 'x{a="\\t"} 1.0\n', "this is no sample"),
        (HEAD + 'x{a="1} 1.0\n', "this is no sample"),
        (HEAD + 'x{a="1",a="2"} 1.0\n', "a label is there twice"),
        (HEAD + 'x{worker="other"} 1.0\n', "is worker, which is added here"),
        (HEAD + "x 1.0\nx 1.0\n", "line 4, 'x 1.0': this sample was there before"),
        (HEAD + 'x{a="1",b="2"} 1.0\nx{b="2",a="1"} 1.0\n', "this sample was there before"),
        (HEAD + "x 1.0\n" + HEAD, "this metric was there before"),
        ("# EOF\n", "there is HELP, with TYPE after it, and nothing else"),
        ("# TYPE x gauge\nx 1.0\n", "there is HELP, with TYPE after it, and nothing else"),
        ("# HELP x Of x\nx 1.0\n", "here the type of x has to stand"),
        ("# HELP x Of x\n# TYPE y gauge\n", "here the type of x has to stand"),
        ("# HELP x Of x\n# TYPE x stateset\n", "here the type of x has to stand"),
        ("# HELP x Of x\n", "it ends before the type of x"),
        (one("tansiq_workers"), "this metric is made where all are gathered"),
        (one("tansiq_worker_report_age_seconds"), "this metric is made where all are gathered"),
    ],
)
def test_what_cannot_be_read_is_refused_and_changes_nothing(
    desk: Gathered, clock: Hands, text: str, sentence: str
) -> None:
    desk.hear(report("w"), clock.at_s)
    clock.at_s += 2
    before = desk.merged(one("tansiq_own"))
    with pytest.raises(BadInput) as caught:
        desk.hear(report("w", text), clock.at_s)
    assert sentence in str(caught.value)
    with pytest.raises(BadInput):
        desk.hear(report("another", text), clock.at_s)
    assert desk.merged(one("tansiq_own")) == before


@pytest.mark.parametrize("worker", ["desk", "", 'a"', "a b", "a\n", "x" * 65])
def test_names_that_are_none_are_refused(desk: Gathered, clock: Hands, worker: str) -> None:
    with pytest.raises(BadInput, match=r"name of a worker|holds the desk"):
        desk.hear(report(worker), clock.at_s)
    desk.hear(report("x" * 64), clock.at_s)


def test_while_versions_change_one_name_has_one_type(
    desk: Gathered, clock: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    other = rendered([counter("tansiq_x", "Of another version", {(): 3.0})])
    assert "# TYPE tansiq_x_total counter" in other
    desk.hear(report("w", other.replace("counter", "gauge") + one("tansiq_z")), clock.at_s)
    for _ in range(2):
        text = desk.merged(rendered([counter("tansiq_x", "x", {(): 1.0})]))
        assert named(text, "tansiq_x_total") == {"desk": 1.0}
        assert named(text, "tansiq_z") == {"w": 1.0}
    assert len([r for r in caplog.records if "is of another version" in r.message]) == 1
