"""The whole evaluation on a small invented file: every figure is there, or says why not."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from classifier.evaluation.answers import answers, ask_about
from classifier.evaluation.baselines import baselines
from classifier.evaluation.capacity import Stream
from classifier.evaluation.card import card, table
from classifier.evaluation.evaluate import Wanted, evaluate
from classifier.evaluation.faithful import top_words
from classifier.evaluation.labelled import LabelledText
from classifier.evaluation.pictures import precision_recall_picture, reliability_picture
from classifier.evaluation.renamed import swap_candidates
from classifier.text.mask import Masker
from classifier.training.watch import quiet
from models.canonical import canonical_json
from models.errors import BadInput

SUPPORT = (
    "Ayo coblos {}, kita menangkan bersama sekeluarga!",
    "Mantap, {} memang pilihan hati kami semua di kampung",
    "Doa terbaik untuk {}, semoga menang satu putaran",
    "Saya dukung {} sampai pelantikan, siap kawal suara",
    "Menangkan {}! Satu rumah satu suara, jangan ragu lagi",
)
ATTACK = ("Jangan pilih {}, janjinya bohong semua dari dulu", "Tolak {}, tukang tipu rakyat kecil, malu kita")
NEUTRAL = (
    "Debat {} jam berapa ya, disiarkan di mana?",
    "{} Kampanye di Pasar Ampel, Janjikan Pupuk Murah",
    "KPU menetapkan {} sebagai peserta pemilihan bupati",
    "Survei: {} unggul tipis di tiga kecamatan, kata lembaga itu",
    "Hujan lagi, jemuran basah semua sejak pagi buta",
)
NAMES = {"wirya": "Wirya Sanjata", "lokananta": "Tegar Lokananta"}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Two sources: one of both classes, one of a single post."""
    lines = ["id,text,label,source,target,register"]
    for target, name in NAMES.items():
        for label, texts in (("partisan_support", SUPPORT), ("partisan_attack", ATTACK), ("non_partisan", NEUTRAL)):
            for text in texts:
                whom = target if label != "non_partisan" else ""
                lines.append(f'{len(lines)},"{text.format(name)}",{label},grup,{whom},status')
    lines.append("99,Jual beras pulen,non_partisan,pasar,,niaga")
    path = tmp_path_factory.mktemp("berlabel") / "berlabel.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def found(labelled, contest, model):
    wanted = Wanted(reviews=40, stream=Stream(5_000, 0.01))
    return evaluate(labelled, {"grup": contest, "pasar": contest}, model, wanted, quiet())


def test_every_kind_of_group_is_measured_and_too_small_ones_say_why(found):
    assert {kind: list(groups) for kind, groups in found.groups.items()} == {
        "all": ["Semua"],
        "source": ["grup", "pasar"],
        "contest": ["Pilbup Karang Ampel 2031"],
        "register": ["status", "niaga"],
        "side": ["Pilbup Karang Ampel 2031, nomor 1", "Pilbup Karang Ampel 2031, nomor 2"],
    }
    assert found.groups["source"]["grup"].figures["auc"].value > 0.8
    assert found.groups["source"]["pasar"].figures["auc"].why == "hanya 0 baris memihak"
    assert found.groups["all"]["Semua"].figures["precision_top"].why == "hanya 25 baris"
    assert found.groups["all"]["Semua"].figures["target"].value > 0.8


def test_exchanging_registered_candidates_changes_no_score(found):
    assert found.renamed.swapped_rows == 22
    assert found.renamed.swapped_changed.value == 0
    assert found.renamed.swapped_most == 0


def test_the_reasons_given_move_the_score_more_than_random_words(found):
    assert found.faithful.rows > 10
    assert found.faithful.ratio.low > 1


def test_the_card_and_the_figures_are_the_same_each_time(labelled, contest, model, found):
    again = evaluate(
        labelled, {"grup": contest, "pasar": contest}, model, Wanted(reviews=40, stream=Stream(5_000, 0.01)), quiet()
    )
    assert card(again) == card(found)
    assert canonical_json(again.as_json()) == canonical_json(found.as_json())


def test_the_card_says_what_is_missing_and_the_figures_are_plain_json(found):
    text = card(found, pictures=(("Keandalan skor", "reliability.svg"),))
    assert "– (hanya 0 baris memihak)" in text
    assert "nan" not in text
    assert "![Keandalan skor](reliability.svg)" in text
    assert "## Ambang untuk 40 telaah sehari" in text
    stored = json.loads(canonical_json(found.as_json()))
    assert stored["groups"]["source"]["pasar"]["figures"]["auc"]["value"] is None
    assert "Ayo coblos" not in json.dumps(stored)


@pytest.mark.parametrize("draw", [reliability_picture, precision_recall_picture])
def test_pictures_are_the_same_bytes_each_time_and_name_what_they_leave_out(found, draw):
    picture = draw(found.asked, found.answered)
    assert picture == draw(found.asked, found.answered)
    texts = ["".join(text.itertext()) for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own
    assert any("grup" in text for text in texts)
    assert any("Kurang dari 10 baris" in text and "pasar" in text for text in texts)


def test_a_picture_without_a_single_panel_says_why(contest, model):
    asked = ask_about([LabelledText("Hujan", partisan=False, source="grup")], {"grup": contest})
    assert "Kurang dari 10 baris" in reliability_picture(asked, answers(model, asked, quiet()))


def test_a_row_of_a_source_without_contest_and_an_empty_file_are_refused(labelled, contest, model, tmp_path):
    with pytest.raises(BadInput, match="no contest given for pasar"):
        evaluate(labelled, {"grup": contest}, model, Wanted(), quiet())
    empty = tmp_path / "kosong.csv"
    empty.write_text("text,label,source\n")
    with pytest.raises(BadInput, match="no rows"):
        evaluate(empty, {"grup": contest}, model, Wanted(), quiet())


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("Pilih Wirya nomor 1!", "Pilih Tegar Lokananta nomor 2!"),
        ("#2031Lokananta menang", "#2031BasuniHarkala menang"),
        ("ikuti @wiryanimas", "ikuti @lokaratmi"),
        ("coblos 01", "coblos 02"),
        ("Ampel Gemilang untuk semua", "Maju Tuntas untuk semua"),
        ("Maju Tuntas!", None),
        ("Hujan lagi", None),
    ],
)
def test_candidates_change_places_in_the_form_that_they_were_named_in(contest, text, swapped):
    assert swap_candidates(text, Masker(contest), contest) == swapped


def test_the_three_heaviest_words_are_taken_and_none_where_there_are_no_others():
    text = "satu dua tiga empat lima"
    spans = [(0, 4, 0.2), (5, 8, 0.9), (9, 18, 0.5)]
    assert top_words(text, spans) == [(5, 8), (9, 13), (14, 19)]
    assert top_words("satu dua tiga", [(0, 13, 1.0)]) == []
    assert top_words(text, spans[:1]) == []


def test_the_rule_is_right_about_who_is_named(contest, monkeypatch):
    monkeypatch.setattr("classifier.evaluation.baselines._tfidf", lambda *_: None)
    monkeypatch.setattr("classifier.evaluation.baselines.read_posts", tuple)
    rows = [LabelledText(text, partisan=False, source="grup") for text in ("Halo Wirya", "Hujan")]
    found = baselines(ask_about(rows, {"grup": contest}), quiet())["Aturan: seseorang disebut"]
    assert np.array_equal(found.flags, [True, False])


def test_a_threshold_is_refused_at_once_where_all_rows_are_of_one_class(contest, model, tmp_path):
    path = tmp_path / "berlabel.csv"
    path.write_text("text,label,source\nHujan,none,grup\n")
    with pytest.raises(BadInput, match="a threshold needs rows"):
        evaluate(path, {"grup": contest}, model, Wanted(reviews=1, stream=Stream(10, 0.1)), quiet())


def test_what_a_file_calls_its_sources_cannot_break_the_table():
    assert table(["a"], [["b|<script>\nc"]]) == "| a |\n| --- |\n| b\\|&lt;script> c |"
