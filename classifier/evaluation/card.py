"""The card of an evaluation: Markdown in Indonesian, for people who decide whether to use a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from classifier.evaluation.behaviour import PassRate
from classifier.evaluation.capacity import LEAST_FALSE
from classifier.evaluation.evaluate import Evaluation, Reviewing
from classifier.evaluation.faithful import WORDS, FaithfulFigures
from classifier.evaluation.measures import MEASURES, Group, SideGaps
from classifier.evaluation.metrics import LEAST, ROUNDS, Figure
from classifier.evaluation.paired import Difference
from classifier.evaluation.renamed import RenamedFigures
from classifier.evaluation.sides import LEAST_ROWS, ContestSides

_KINDS = {"source": "Per sumber", "contest": "Per pemilihan", "register": "Per ragam bahasa"}
_SIDE_MEASURES = ("false_positives", "recall")
_COMPARED = ("auc", "average_precision", "f1", "precision_top", "false_positives")


def card(found: Evaluation, *, pictures: Sequence[tuple[str, str]] = ()) -> str:
    """The whole card; `pictures` are (title, file name) of pictures that lie beside it."""
    parts = [
        _head(found),
        *(_groups(title, {**found.groups[kind], **found.groups["all"]}) for kind, title in _KINDS.items()
          if found.groups[kind]),
        _sides(found.groups["side"], found.gaps),
        _renamed(found.renamed),
        _faithful(found.faithful),
        *([_baselines(found)] if found.baselines else []),
        *([_capacity(found.capacity)] if found.capacity else []),
        *(f"## {title}\n\n![{title}]({name})" for title, name in pictures),
        _reading(),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def behaviour_table(rates: Iterable[PassRate]) -> str:
    """How much of each capability the model has, and which cases it fails."""
    rows = ([rate.capability, f"{rate.cases - len(rate.failed)} dari {rate.cases}", _failures(rate)] for rate in rates)
    return f"## Uji perilaku\n\n{table(['Kemampuan', 'Lulus', 'Yang gagal'], rows)}\n"


def languages_table(costs: Mapping[str, Difference]) -> str:
    """What each regional language costs against Indonesian."""
    rows = (
        [language, number(cost.champion, 3), number(cost.challenger, 3), _loss(cost)]
        for language, cost in costs.items()
    )
    return f"## Bahasa daerah\n\n{table(['Bahasa', 'AUC Indonesia', 'AUC bahasa itu', 'Selisih'], rows)}\n"


def _loss(cost: Difference) -> str:
    return f"{number(cost.challenger - cost.champion, 3)} ({number(cost.low, 3)} sampai {number(cost.high, 3)})"


def _failures(rate: PassRate) -> str:
    return "; ".join(f"{outcome.case.id} ({outcome.reason})" for outcome in rate.failed)


def cell(figure: Figure) -> str:
    """Value and interval, or a dash and the reason."""
    if not figure.known:
        return f"– ({figure.why})"
    return f"{number(figure.value)} ({number(figure.low)}–{number(figure.high)})"


def number(value: float, decimals: int = 2) -> str:
    """As Indonesian writes it."""
    return f"{value:.{decimals}f}".replace(".", ",")


def percent(figure: Figure) -> str:
    """A share in per cent with its interval, or a dash and the reason."""
    if not figure.known:
        return f"– ({figure.why})"
    return f"{number(100 * figure.value, 1)} % ({number(100 * figure.low, 1)}–{number(100 * figure.high, 1)})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; what a cell holds cannot break it or bring in HTML."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_safe(text) for text in line) + " |" for line in lines)


def _safe(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _head(found: Evaluation) -> str:
    return (
        f"# Kartu evaluasi: {found.model}\n\n"
        f"Bobot SHA-256 `{found.weights_sha256}`, ambang {number(found.threshold)}. Diukur pada "
        f"{found.groups['all']['Semua'].rows} baris `{_safe(found.file)}` (SHA-256 `{found.file_sha256}`). Dalam "
        f"kurung: selang bootstrap 95 % ({ROUNDS} penarikan ulang)."
    )


def _groups(title: str, groups: Mapping[str, Group]) -> str:
    head = [title.removeprefix("Per ").capitalize(), "Baris (memihak)", *MEASURES.values()]
    rows = (
        [name, f"{group.rows} ({group.partisan})", *(cell(group.figures[measure]) for measure in MEASURES)]
        for name, group in groups.items()
    )
    return f"## {title}\n\n{table(head, rows)}"


def _sides(groups: Mapping[str, Group], gaps: Sequence[SideGaps]) -> str:
    head = ["Calon yang disebut sendirian", "Baris (memihak)", *(MEASURES[name] for name in _SIDE_MEASURES)]
    rows = (
        [name, f"{group.rows} ({group.partisan})", *(percent(group.figures[measure]) for measure in _SIDE_MEASURES)]
        for name, group in sorted(groups.items())
    )
    gap_rows = ([gap.contest, _gap(gap.false_positives), _gap(gap.recall)] for gap in gaps)
    return f"## Per calon\n\n{table(head, rows)}\n\n" + table(
        ["Pemilihan", "Selisih positif palsu antarcalon", "Selisih recall antarcalon"], gap_rows
    )


def _gap(sides: ContestSides | None) -> str:
    if sides is None or sides.gap is None or sides.low is None or sides.high is None:
        return f"– (perlu dua calon dengan {LEAST_ROWS} baris)"
    return f"{number(100 * sides.gap, 1)} poin ({number(100 * sides.low, 1)}–{number(100 * sides.high, 1)})"


def _renamed(found: RenamedFigures) -> str:
    rows = [
        ["skor berubah bila calon terdaftar ditukar", str(found.swapped_rows), percent(found.swapped_changed)],
        ["perubahan skor terbesar bila ditukar", str(found.swapped_rows), number(found.swapped_most, 4)],
        ["bendera berubah antara dua nama tak terdaftar", str(found.unlisted_rows), percent(found.unlisted_flips)],
        [
            "bendera berubah bila nama terdaftar menjadi tak terdaftar",
            str(found.unlisted_rows),
            percent(found.unlisted_differs),
        ],
    ]
    return f"## Nama diganti\n\n{table(['Ukuran', 'Baris', 'Nilai'], rows)}"


def _faithful(found: FaithfulFigures) -> str:
    rows = [
        [f"skor turun tanpa {WORDS} kata alasan terberat", cell(found.top)],
        [f"skor turun tanpa {WORDS} kata acak", cell(found.drawn)],
        ["perbandingan keduanya", cell(found.ratio)],
    ]
    return f"## Kejujuran penjelasan\n\nPada {found.rows} baris yang tertandai.\n\n{table(['Ukuran', 'Nilai'], rows)}"


def _baselines(found: Evaluation) -> str:
    models = {found.model: {**found.groups["source"], **found.groups["all"]}, **found.baselines}
    rows = (
        [source, name, *(cell(groups[source].figures[measure]) for measure in _COMPARED)]
        for source in models[found.model]
        for name, groups in models.items()
    )
    return f"## Pembanding\n\n{table(['Sumber', 'Penilai', *(MEASURES[name] for name in _COMPARED)], rows)}"


def _capacity(found: Reviewing) -> str:
    rows = (
        [
            f"{number(100 * prevalence, 2)} %",
            number(at.threshold, 4),
            f"{number(at.reviews.value, 0)} ({number(at.reviews.low, 0)}–{number(at.reviews.high, 0)})",
            percent(at.precision),
            percent(at.recall),
            "" if at.resolved else f"kasar: hanya {at.false_rows} baris tidak memihak di atas ambang",
        ]
        for prevalence, at in found.at.items()
    )
    head = ["Prevalensi", "Ambang", "Telaah sehari", "Presisi", "Recall", "Catatan"]
    return (
        f"## Ambang untuk {number(found.reviews, 0)} telaah sehari\n\n"
        f"Aliran {number(found.posts, 0)} unggahan sehari. Di berkas ini banyak yang memihak, di aliran sedikit: yang "
        "dipindahkan hanya bagian tiap kelas yang mencapai ambang, lalu kedua kelas dicampur menurut prevalensi yang "
        "Anda sebut (juga sepertiga dan tiga kalinya). Itu benar hanya bila unggahan memihak dan tidak memihak di "
        "aliran serupa dengan yang di berkas; unggahan sehari-hari biasanya lebih mudah, jadi presisinya mungkin lebih "
        f"baik. Di bawah {LEAST_FALSE} baris tidak memihak di atas ambang, ambangnya ditentukan segelintir baris.\n\n"
        f"{table(head, rows)}"
    )


def _reading() -> str:
    return (
        "## Cara membaca\n\n"
        f"- “–”: barisnya terlalu sedikit (kurang dari {LEAST} dari kelas yang diperlukan), jadi tidak dihitung.\n"
        "- Dukung/serang dan sasaran dihitung di antara baris memihak yang ditandai; sasaran hanya bila pemilihannya "
        "mendaftarkannya.\n"
        "- ECE selalu sedikit di atas nol karena kebetulan, lebih-lebih bila barisnya sedikit.\n"
        "- Selisih antarcalon selalu di atas nol karena kebetulan, lebih-lebih bila calonnya banyak.\n"
        "- Angka per sumber lebih berarti daripada angka semua baris: campuran sumbernya bukan campuran aliran Anda.\n"
        "- Model hanya mengurutkan antrean. Dua orang yang memutuskan."
    )
