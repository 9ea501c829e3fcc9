"""Which texts count as the same or nearly so, and that the stage groups them whatever the order of their arrival."""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from classifier import likeness
from classifier.likeness import BANDS, bands_of, cluster_pending, words_of
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.clock import utc_now
from models.clustering import forget_clusters
from models.clusters import Cluster, ClusterBand, ClusterPost, ClusterText
from models.database import open_database
from models.posts import ParsedPost, Post, PostVersion, Sighting, SightingState, store_posts
from models.retention import purge
from models.targets import Fetch, Run

CIRCULAR = (
    "Disampaikan kepada seluruh warga RT 04 bahwa kerja bakti membersihkan saluran air akan dilaksanakan pada hari "
    "Minggu pagi pukul tujuh, mohon membawa cangkul, sapu dan karung masing-masing, konsumsi disediakan panitia."
)
COPIES = (
    "Assalamualaikum. " + CIRCULAR,
    CIRCULAR.replace("Minggu pagi pukul tujuh", "Minggu pagi jam tujuh"),
    CIRCULAR.upper() + " @warga_rekaan https://rekaan.example/abc",
)
OTHERS = (
    "Hasil panen cabai di Tanjung Seruni turun karena hujan terus, harga di pasar ikut naik sejak pekan lalu.",
    "Alhamdulillah anak kelas enam lulus semua, terima kasih kepada guru dan orang tua yang sudah mendampingi.",
)
WORDS = ["kerja", "bakti", "warga", "minggu", "pagi", "pasar", "guru", "harga", "panen", "hujan", "sekolah", "jalan"]
TABLES = (Cluster, ClusterText, ClusterBand, ClusterPost)


def assess(world, posts):
    """As the assessing stage would: every newest text gets its assessment."""
    finding = Finding(score=0.1, flagged=False, act=Act.NONE, voice=Voice.OWN, targets=[], masked="-", spans=[])
    with world.database.write() as session:
        rows = session.execute(
            select(Sighting, PostVersion)
            .join(Post, Post.id == Sighting.post_id)
            .join(PostVersion, (PostVersion.post_id == Post.id) & (PostVersion.number == Post.versions))
            .where(Post.id.in_([post.id for post in posts]), Sighting.state == SightingState.NEW)
        ).all()
        model = ModelIdentity("netra-test", "1", "0" * 64, 0.5)
        store_assessments(session, [(*row, finding) for row in rows], model, actor="test")


def post(world, *texts):
    """Store and assess posts, in the order of the texts."""
    ids = []
    for text in texts:
        (stored,) = world.store(text)
        assess(world, [stored])
        ids.append(stored.id)
    return ids


def edit(world, post_id, text):
    """The account edits its post, and the new text is assessed."""
    with world.database.write() as session:
        found = session.get_one(Post, post_id)
        run = session.scalars(select(Run).limit(1)).one()
        fetch = session.scalars(select(Fetch).limit(1)).one()
        again = ParsedPost(external_id=found.external_id, text=text, url=None, posted_at=found.posted_at, locator="/")
        store_posts(session, run, fetch, [again], actor="test")
    assess(world, [found])


def clusters_of(database):
    """The clusters as sets of post ids, and what the table says of their sizes."""
    held = select(ClusterText.cluster_id, func.count()).group_by(ClusterText.cluster_id)
    joined = select(ClusterText.cluster_id, ClusterPost.post_id).where(ClusterPost.text_key == ClusterText.key)
    with database.read() as session:
        rows = session.execute(joined).all()
        counted = dict(session.execute(select(Cluster.id, Cluster.posts)).all())
        texts = dict(session.execute(select(Cluster.id, Cluster.texts)).all())
        kept = dict(session.execute(held).all())
    found = {}
    for cluster_id, post_id in rows:
        found.setdefault(cluster_id, set()).add(post_id)
    assert counted == {cluster_id: len(posts) for cluster_id, posts in found.items()}
    assert texts == kept
    return {frozenset(posts) for posts in found.values()}


def rows_left(database):
    """How many rows each of the four tables has."""
    with database.read() as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in TABLES]


def share_a_band(one, other):
    """Whether two texts are nearly equal."""
    first, second = bands_of([words_of(one), words_of(other)])
    return bool(set(first) & set(second))


def test_dressing_does_not_change_what_is_compared():
    dressed = "KERJA  b\u200bakti\n🔥🔥 wаrga minggu @pak_rekaan https://rekaan.example/1?x=2"
    assert words_of(dressed) == words_of("Kerja bakti warga, minggu!")


@pytest.mark.parametrize("copy", COPIES)
def test_an_edited_circular_is_nearly_the_same(copy):
    assert share_a_band(CIRCULAR, copy)


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations((CIRCULAR, *OTHERS), 2)])
def test_other_texts_are_not(one, other):
    assert not share_a_band(one, other)


def test_the_bands_are_those_that_lie_in_databases():
    """The hashing library, the normalising and the parameters may only change together with a migration."""
    (bands,) = bands_of([words_of(CIRCULAR)])
    assert len(bands) == BANDS
    assert likeness._hash(b"".join(bands)) == -2480640082923398558


def test_copies_form_one_cluster_of_posts(world):
    posts = post(world, CIRCULAR, OTHERS[0], *COPIES, CIRCULAR, OTHERS[1])
    assert cluster_pending(world.database) == len(posts)
    alike = frozenset([posts[0], *posts[2:6]])
    assert clusters_of(world.database) == {alike, frozenset([posts[1]]), frozenset([posts[6]])}


def test_running_the_stage_twice_changes_nothing(world):
    post(world, CIRCULAR, *COPIES)
    cluster_pending(world.database)
    before = clusters_of(world.database), rows_left(world.database)
    assert cluster_pending(world.database) == 0
    assert (clusters_of(world.database), rows_left(world.database)) == before


def test_a_stage_that_dies_between_two_batches_goes_on(sqlite_world, monkeypatch):
    posts = post(sqlite_world, CIRCULAR, *COPIES, *OTHERS)
    monkeypatch.setattr(likeness, "BATCH", 2)
    assert cluster_pending(sqlite_world.database, 2) == 2
    monkeypatch.setattr(likeness, "_place", lambda _database: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cluster_pending(sqlite_world.database)
    monkeypatch.undo()
    cluster_pending(sqlite_world.database)
    assert clusters_of(sqlite_world.database) == {frozenset(posts[:4]), frozenset([posts[4]]), frozenset([posts[5]])}


def test_two_processes_cluster_the_same_posts_once(world, monkeypatch):
    monkeypatch.setattr(likeness, "BATCH", 2)
    posts = post(world, CIRCULAR, *COPIES, *OTHERS, *COPIES)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: cluster_pending(world.database), range(3)))
    cluster_pending(world.database)
    alike = frozenset([*posts[:4], *posts[6:]])
    assert clusters_of(world.database) == {alike, frozenset([posts[4]]), frozenset([posts[5]])}


def test_short_texts_are_alike_only_when_they_are_equal(sqlite_world):
    posts = post(sqlite_world, "Selamat pagi semua", "selamat pagi, semua!", "Selamat pagi semuanya")
    cluster_pending(sqlite_world.database)
    assert clusters_of(sqlite_world.database) == {frozenset(posts[:2]), frozenset(posts[2:])}


def test_posts_without_words_are_in_no_cluster_and_hold_nobody_up(sqlite_world, monkeypatch):
    monkeypatch.setattr(likeness, "BATCH", 2)
    posts = post(sqlite_world, "🔥🔥", "🔥🔥", "@warga_rekaan", "👍", CIRCULAR)
    assert cluster_pending(sqlite_world.database) == 5
    assert clusters_of(sqlite_world.database) == {frozenset(posts[4:])}


def test_an_edited_post_leaves_its_cluster_and_joins_that_of_its_new_text(world):
    posts = post(world, CIRCULAR, COPIES[0], OTHERS[0])
    cluster_pending(world.database)
    edit(world, posts[1], OTHERS[0])
    assert cluster_pending(world.database) == 1
    assert clusters_of(world.database) == {frozenset(posts[:1]), frozenset(posts[1:])}


def test_a_cluster_keeps_its_id_when_a_post_leaves(sqlite_world):
    posts = post(sqlite_world, CIRCULAR, *COPIES)
    cluster_pending(sqlite_world.database)
    with sqlite_world.database.read() as session:
        (before,) = session.scalars(select(Cluster.id))
    edit(sqlite_world, posts[0], OTHERS[0])
    cluster_pending(sqlite_world.database)
    with sqlite_world.database.read() as session:
        assert session.get_one(Cluster, before).posts == len(COPIES)


def test_a_text_between_two_clusters_joins_them_and_parts_them_when_it_goes(sqlite_world):
    words = [f"kata{number}" for number in range(30)]
    first, last, between = " ".join(words[:24]), " ".join(words[6:]), " ".join(words[2:28])
    assert not share_a_band(first, last)
    assert share_a_band(first, between)
    assert share_a_band(between, last)
    posts = post(sqlite_world, first, last, between)
    cluster_pending(sqlite_world.database)
    assert clusters_of(sqlite_world.database) == {frozenset(posts)}
    edit(sqlite_world, posts[2], OTHERS[0])
    cluster_pending(sqlite_world.database)
    assert clusters_of(sqlite_world.database) == {frozenset([one]) for one in posts}


def test_clusters_end_at_the_mandate():
    keys = [likeness.likenesses([likeness._Work("P", mandate, 1, utc_now(), CIRCULAR)])[0] for mandate in ("A", "B")]
    assert keys[0].key != keys[1].key
    assert not set(keys[0].bands) & set(keys[1].bands)


def test_purging_leaves_no_trace_of_a_text(world, evidence):
    post(world, CIRCULAR, *COPIES, *OTHERS, "Selamat pagi", "🔥")
    cluster_pending(world.database)
    with world.database.write() as session:
        forget_clusters(session, session.scalars(select(Post.id)).all())
    assert rows_left(world.database) == [0, 0, 0, 0]
    purge(world.database, evidence, before=utc_now() + dt.timedelta(days=1), actor="test")


def test_what_was_forgotten_in_part_is_as_if_it_had_never_been(sqlite_world):
    posts = post(sqlite_world, CIRCULAR, *COPIES, CIRCULAR)
    cluster_pending(sqlite_world.database)
    with sqlite_world.database.write() as session:
        forget_clusters(session, posts[:2])
    assert rows_left(sqlite_world.database) == [0, 2, 0, 3]
    likeness._place(sqlite_world.database)
    assert clusters_of(sqlite_world.database) == {frozenset(posts[2:])}


@pytest.fixture
def fresh(sqlite_template, tmp_path, build_world):
    """As many empty worlds as a test wants."""
    opened = []

    def build():
        path = tmp_path / f"{len(opened)}.sqlite"
        shutil.copy(sqlite_template, path)
        database = open_database(f"sqlite:///{path}")
        opened.append(database)
        return build_world(database)

    yield build
    for database in opened:
        database.close()


@st.composite
def histories(draw):
    """Texts over few words, so that many are equal or nearly so; which are edited, and which are forgotten."""
    long = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join)
    base = draw(st.lists(long, min_size=1, max_size=4))
    near = st.tuples(st.sampled_from(base), st.sampled_from(["", " lagi", " sekali", "!"])).map("".join)
    texts = draw(st.lists(near, min_size=1, max_size=8))
    places = st.integers(0, len(texts) - 1)
    edits = draw(st.lists(st.tuples(places, near), max_size=3))
    gone, order = draw(st.sets(places, max_size=4)), draw(st.permutations(range(len(texts))))
    return texts, edits, gone, order, draw(st.integers(1, 4))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
def test_clusters_are_those_of_the_texts_there_are_whatever_came_before(fresh, history):
    texts, edits, gone, order, batch = history
    lived, plain = fresh(), fresh()
    ids = {}
    for place in order:
        (ids[place],) = post(lived, texts[place])
        if place % 2:
            cluster_pending(lived.database, batch)
    cluster_pending(lived.database)
    for place, text in edits:
        if words_of(text) != words_of(texts[place]) or text != texts[place]:
            edit(lived, ids[place], text)
            texts[place] = text
        cluster_pending(lived.database)
    with lived.database.write() as session:
        forget_clusters(session, [ids[place] for place in gone])
    likeness._place(lived.database)

    left = [place for place in range(len(texts)) if place not in gone]
    again = dict(zip(left, post(plain, *[texts[place] for place in left]), strict=True))
    cluster_pending(plain.database)
    names = {id_: place for place, id_ in ids.items()}, {id_: place for place, id_ in again.items()}
    found = [
        {frozenset(name[one] for one in group) for group in clusters_of(world.database)}
        for name, world in zip(names, (lived, plain), strict=True)
    ]
    assert found[0] == found[1]
    assert rows_left(lived.database) == rows_left(plain.database)
    for one, other in itertools.combinations(left, 2):
        if words_of(texts[one]) == words_of(texts[other]):
            assert any({one, other} <= group for group in found[0])
